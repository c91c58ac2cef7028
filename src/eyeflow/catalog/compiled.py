"""Service files that were read once, kept so that the next start need not read them again.

Knows: when what is kept may be used: the same bytes in every service file, the same code that reads them, a file of
ours that nobody else may write, undamaged. In: the bytes of service files. Out: `Service`s, or None. Never: keeps what
had a finding, decides anything by a file's age or name, fails because of the cache: one that cannot be used or written
is as none.

Whoever can write such a file as this user can write the service files and this program as well; the digest is there
against damage, the owner and the mode against everybody else.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import get_ident
from typing import Final

import msgspec

from eyeflow.catalog.model import Service

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_KEPT: Final = 8
_SERVICES: Final = "catalog"
_LONGEST: Final = 100
"""The longest key that is a file's name as it is."""
_FORMAT: Final = b"eyeflow catalog 1"
_DIGEST: Final = hashlib.sha256().digest_size
_HERE: Final = Path(__file__).parent
_GROUND: Final = ("conform.py", "diagnostics.py", "errors.py", "units.py", "values.py")


_HOUR_NS: Final = 3_600 * 10**9
_IN_USE: list[Path] = []


def use(folder: Path | None) -> None:
    """From now on, what other rooms make of catalogs may be kept in this folder as well; None: nowhere."""
    _IN_USE[:] = [folder] if folder is not None else []


def folder_in_use() -> Path | None:
    """The folder that the last catalog was loaded with, when it was loaded with one."""
    return _IN_USE[0] if _IN_USE else None


def key_of(sources: Iterable[tuple[str, bytes]]) -> str:
    """A name for what reading these files (name, bytes) gives; the code that reads them counts."""
    whole = hashlib.sha256(_FORMAT)
    whole.update(_code())
    for name, raw in sources:
        whole.update(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest() + hashlib.sha256(raw).digest())
    return whole.hexdigest()


def recall(folder: Path, key: str) -> tuple[Service, ...] | None:
    """The services kept under `key`; None when there are none, or when they may not be used."""
    payload = recall_bytes(folder, _SERVICES, key)
    if payload is None:
        return None
    try:
        return msgspec.msgpack.decode(payload, type=tuple[Service, ...])
    except (msgspec.MsgspecError, RecursionError):
        return None


def recall_bytes(folder: Path, kind: str, key: str) -> bytes | None:
    """What was kept of this `kind` under `key`; None when nothing was, or when it may not be used."""
    try:
        raw = _own_bytes(folder / _name(kind, key))
    except OSError:
        return None
    payload = raw[_DIGEST:]
    return payload if raw[:_DIGEST] == _seal(key, payload) else None


def remember(folder: Path, key: str, services: Sequence[Service]) -> None:
    """Keep these services under `key`, and of what was kept before only the newest few."""
    remember_bytes(folder, _SERVICES, key, msgspec.msgpack.encode(tuple(services)))


def remember_bytes(folder: Path, kind: str, key: str, payload: bytes) -> None:
    """Keep `payload` of this `kind` under `key`, and of what was kept before of that kind only the newest few."""
    if len(payload) + _DIGEST > MAX_BYTES:
        return
    fresh = folder / f".{_name(kind, key)}.{os.getpid()}.{get_ident()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_seal(key, payload) + payload)
        fresh.replace(folder / _name(kind, key))
        kept = sorted(folder.glob(f"{kind}-*.msgpack"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in (*kept[MAX_KEPT:], *_left_behind(folder, kind, kept[0])):
            old.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _left_behind(folder: Path, kind: str, newest: Path) -> Iterator[Path]:
    """What writers that were ended had begun: older, by an hour, than what was written just now."""
    since = newest.stat().st_mtime_ns - _HOUR_NS
    return (path for path in folder.glob(f".{kind}-*") if path.stat().st_mtime_ns < since)


def digest_of(parts: Iterable[bytes]) -> str:
    """A digest of these bytes and of the code that reads service files."""
    whole = hashlib.sha256(_code())
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def _name(kind: str, key: str) -> str:
    short = key if len(key) <= _LONGEST else hashlib.sha256(key.encode()).hexdigest()
    return f"{kind}-{short}.msgpack"


def _seal(key: str, payload: bytes) -> bytes:
    return hashlib.sha256(key.encode() + payload).digest()


def _own_bytes(path: Path) -> bytes:
    """The bytes of a plain file that is ours alone to write. Raises: OSError."""
    with os.fdopen(
        os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb"
    ) as file:
        held = os.fstat(file.fileno())
        others = stat.S_IMODE(held.st_mode) & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISREG(held.st_mode) or held.st_size > MAX_BYTES:
            raise OSError("not a file of ours")
        if os.name == "posix" and (held.st_uid != os.geteuid() or others):
            raise OSError("not a file of ours alone")
        return file.read(MAX_BYTES)


@cache
def _code() -> bytes:
    """Digest of everything that has a say in how a service file is read."""
    whole = hashlib.sha256(f"{sys.version} {msgspec.__version__}".encode())
    for path in (*sorted(_HERE.glob("*.py")), *(_HERE.parent / name for name in _GROUND)):
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.digest()
