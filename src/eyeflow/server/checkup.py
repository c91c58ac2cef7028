"""Looks whether a server could start here and be reached, without starting one.

Knows: what a server needs, and the way out when something is not there. In: settings. Out: `Finding`s. Never: makes or
changes anything; shows a secret.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.ir.seal import KEY_FILE, local_key
from eyeflow.secrets.keys import ROOT, Root
from eyeflow.server.folder import Lock, require_database
from eyeflow.server.listening import listen
from eyeflow.server.outside import key_source, load_services, proxy_setting, tls_context
from eyeflow.server.settings import DATABASE, Settings, required, unknown_variables
from eyeflow.server.signers import SIGNER
from eyeflow.store.layout import HEAD_REVISION
from eyeflow.store.sqlite.opening import revision_of

MIN_FREE_BYTES: Final = 256 * 1024 * 1024


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `note` does not stop a server."""

    what: str
    state: Literal["ok", "note", "problem"]
    said: str
    hint: str = ""


def checkup(settings: Settings) -> tuple[Finding, ...]:
    """Everything that was looked at, in the order of a start."""
    return tuple(found for check in _CHECKS for found in _guarded(check, settings))


def _guarded(check: tuple[str, Callable[[Settings], Iterator[Finding]]], settings: Settings) -> Iterator[Finding]:
    what, look = check
    try:
        yield from look(settings)
    except EyeFlowError as error:
        yield Finding(what=what, state="problem", said=error.message, hint=error.hint)
    except OSError as error:
        yield Finding(what=what, state="problem", said=(error.strerror or str(error)).lower())
    except sqlite3.Error as error:
        yield Finding(what=what, state="problem", said=f"it cannot be read: {error}", hint="restore a backup")


def _settings(settings: Settings) -> Iterator[Finding]:
    required(settings)
    yield Finding(what="settings", state="ok", said="they fit together")
    for name, close in unknown_variables(os.environ):
        yield Finding(
            what="settings", state="note", said=f"{name} is set, and is no setting", hint=f"did you mean {close}?"
        )


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.folder
    if not folder.exists():
        parent = next((each for each in folder.absolute().parents if each.exists()), Path("/"))
        if not os.access(parent, os.W_OK):
            yield Finding(
                what="data folder", state="problem", said=f"{folder} cannot be made", hint="name another with --data"
            )
            return
        yield Finding(what="data folder", state="note", said=f"{folder} is not there yet: the first start makes it")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            what="data folder", state="problem", said=f"{folder} cannot be written to", hint="see who owns it"
        )
        return
    yield Finding(what="data folder", state="ok", said=str(folder.resolve()))
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding(what="data folder", state="note", said="others may look into it", hint=f"chmod 700 {folder}")


def _disk(settings: Settings) -> Iterator[Finding]:
    there = next(each for each in (settings.folder.absolute(), *settings.folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(there).free
    megabytes = f"{free // (1024 * 1024):,} MB free"
    if free < MIN_FREE_BYTES:
        yield Finding(
            what="disk", state="problem", said=megabytes, hint="make room: runs stop when nothing can be written"
        )
    else:
        yield Finding(what="disk", state="ok", said=megabytes)


def _in_use(settings: Settings) -> Iterator[Finding]:
    holder = Lock(settings.folder).held_by()
    if holder is not None:
        yield Finding(
            what="server", state="note", said=f"one runs here already, at {holder.url} (process {holder.pid})"
        )
        return
    for sock in listen(settings.server.host, settings.server.port):
        sock.close()
    yield Finding(
        what="server", state="ok", said=f"none runs here; {settings.server.host}:{settings.server.port} is free"
    )


def _master_key(settings: Settings) -> Iterator[Finding]:
    source = key_source(settings)
    held = source.load()
    if held:
        yield Finding(what="master key", state="ok", said=f"in {source.place}: back it up, apart from the data")
    elif (settings.folder / DATABASE).exists():
        yield Finding(
            what="master key", state="problem", said=f"{source.place} holds none, and there are data sealed with one",
            hint="restore its backup",
        )  # fmt: skip
    else:
        yield Finding(what="master key", state="note", said="the first start makes one")


def _database(settings: Settings) -> Iterator[Finding]:
    path = settings.folder / DATABASE
    if not path.exists() or not path.stat().st_size:
        require_database(settings.folder)
        return
    at_rest = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"  # makes no file beside it
    where = f"{path.absolute().as_uri()}?mode=ro{at_rest}"
    with closing(sqlite3.connect(where, uri=True, timeout=1.0)) as connection:
        [whole] = connection.execute("PRAGMA quick_check(1)").fetchone()
        if whole != "ok":
            raise sqlite3.DatabaseError(whole.replace("\n", " ").strip("* "))
        found = revision_of(connection)
        rows = dict(connection.execute("SELECT name, value FROM settings WHERE name IN (?, ?)", (ROOT, SIGNER)))
    if found != HEAD_REVISION:
        older = found is None or found < HEAD_REVISION
        yield Finding(
            what="database", state="note" if older else "problem",
            said=f"its tables are at {found}, this version's at {HEAD_REVISION}",
            hint="the next start brings it up to date" if older else "install the version that made it, or a newer one",
        )  # fmt: skip
        return
    needed = msgspec.json.decode(rows[ROOT], type=Root).kek if ROOT in rows else None
    held = _held_keys(settings)
    if needed is not None and held and needed not in held:
        yield Finding(
            what="database", state="problem",
            said=f"it is sealed with another master key (id {needed}) than the one there is",
            hint="put the backup of the right key back",
        )  # fmt: skip
        return
    if SIGNER in rows and not _signs(settings, rows[SIGNER]):
        yield Finding(
            what="signing key", state="problem", said="programs here were approved with another one",
            hint="put the backup of signing.key back, or deploy the tasks again",
        )  # fmt: skip
    yield Finding(what="database", state="ok", said="its tables are of this version")


def _held_keys(settings: Settings) -> set[str]:
    """Ids of the master keys there are; what is wrong with them is said with the master key."""
    try:
        return {key.id for key in key_source(settings).load()}
    except EyeFlowError:
        return set()


def _signs(settings: Settings, known: bytes) -> bool:
    if not (settings.folder / KEY_FILE).exists():
        return False
    return local_key(settings.folder).signer.key_id.encode() == known


def _catalog(settings: Settings) -> Iterator[Finding]:
    services = load_services(settings).services
    yield Finding(what="catalog", state="ok", said=f"{len(services)} services")


def _egress(settings: Settings) -> Iterator[Finding]:
    tls_context(settings)
    proxy = proxy_setting(settings)
    said = "public addresses only" + (f", and {', '.join(settings.egress.allow)}" if settings.egress.allow else "")
    if proxy is None:
        yield Finding(what="outgoing calls", state="ok", said=said)
        return
    where = f"{proxy.host}:{proxy.port}"
    try:
        socket.create_connection((proxy.host, proxy.port), timeout=3.0).close()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        yield Finding(
            what="outgoing calls", state="problem", said=f"the proxy {where} does not answer: {why}",
            hint="see egress.proxy",
        )  # fmt: skip
        return
    yield Finding(what="outgoing calls", state="ok", said=f"{said}, through the proxy {where}")


def _reachable(settings: Settings) -> Iterator[Finding]:
    url = settings.server.public_url
    if not url:
        yield Finding(
            what="webhooks", state="note", said="not reachable from the internet: server.public_url is not set",
            hint="set it to the address others reach this server at; polling works without",
        )  # fmt: skip
        return
    host = urlsplit(url).hostname or ""
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(host, None)}
    except OSError:
        yield Finding(
            what="webhooks", state="problem", said=f"the name {host} is not known", hint="see server.public_url"
        )
        return
    private = all(not ipaddress.ip_address(each.partition("%")[0]).is_global for each in found)
    if private:
        yield Finding(what="webhooks", state="note", said=f"{host} is an address of this machine or network only")
    else:
        yield Finding(what="webhooks", state="ok", said=f"{url}/hooks/...")
    if url.startswith("http://") and not private:
        yield Finding(
            what="webhooks", state="note", said="http:// shows keys and payloads to whoever listens", hint="use https"
        )


_CHECKS: Final = (
    ("settings", _settings), ("data folder", _folder), ("disk", _disk), ("server", _in_use),
    ("master key", _master_key), ("database", _database), ("catalog", _catalog), ("outgoing calls", _egress),
    ("webhooks", _reachable),
)  # fmt: skip
