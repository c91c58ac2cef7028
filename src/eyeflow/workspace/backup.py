"""Backup and restore: everything a server keeps, in one file.

Knows: what belongs into a backup, and how one is checked. In: an open store and a data folder, or an archive. Out: an
archive that only its owner can read, or a data folder. Never: the master key: without it, secrets and what runs
carried stay closed, so keep it apart from the backup, but keep it; a file that the manifest does not name; a write
into a folder that holds something.

The archive is a gzipped tar: `manifest.json` first, then `eyeflow.db` (a consistent copy made while everything goes
on), `signing.key` (what is deployed was signed with it), and the service files of the data folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from eyeflow.compiler import VERSION
from eyeflow.engine.model import Principal
from eyeflow.ir.seal import KEY_FILE
from eyeflow.ports import Clock
from eyeflow.store.port import Store
from eyeflow.workspace.errors import Clash, Invalid
from eyeflow.workspace.permissions import require
from eyeflow.workspace.writing import audited, now_ms

FORMAT: Final = 1
DATABASE: Final = "eyeflow.db"
MANIFEST: Final = "manifest.json"
MASTER_KEY: Final = "master.key"
MAX_MANIFEST_BYTES: Final = 4 * 1_048_576
MAX_FILES: Final = 20_000
_SERVICE: Final = re.compile(r"catalog/[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}\.(?:yaml|yml|json)")
_CHUNK: Final = 1_048_576


class BackedUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a backup; `sha256` in hexadecimal."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds. `key_id` names the master key that opens its secrets."""

    format: int
    eyeflow: str
    created_ms: int
    key_id: str
    files: tuple[BackedUp, ...]


async def backup(
    principal: Principal, store: Store, data: Path, target: Path, *, key_id: str, clock: Clock
) -> Manifest:
    """Write a backup of `store` and the data folder to the new file `target`; everything goes on meanwhile.

    Raises: Forbidden; Clash (`not_empty`) when `target` exists; StoreError; OSError.
    """
    require(principal, "backup")
    at = now_ms(clock)
    if target.exists():
        raise Clash("not_empty", f"{target.name} exists already", hint="choose another name")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".eyeflow-backup-") as folder:
        copy = Path(folder) / DATABASE
        await store.backup(str(copy))
        manifest = await asyncio.to_thread(_archived, copy, data, target, key_id, at)
    size = sum(file.size for file in manifest.files)
    await store.write(audited(principal, "backup.made", "workspace", at, files=len(manifest.files), bytes=size))
    return manifest


def restore(archive: Path, data: Path, *, key_ids: Iterable[str] | None = None) -> Manifest:
    """Make the data folder of a backup. The folder must be new, or hold nothing but a master key. `key_ids` are the
    master keys at hand; None when that is not known.

    Raises: Clash (`not_empty`); Invalid (`bad_backup`, `wrong_master_key`); OSError.
    """
    _require_empty(data)
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    draft = Path(tempfile.mkdtemp(dir=data.parent, prefix=".eyeflow-restore-"))
    try:
        manifest = _opened(archive, draft)
        if key_ids is not None and manifest.key_id not in set(key_ids):
            hint = f"put the file {MASTER_KEY} of that server into the folder first"
            raise Invalid("wrong_master_key", f"the secrets need the master key {manifest.key_id[:60]}", hint=hint)
        _require_empty(data)
        for file in manifest.files:
            place = data / file.name
            place.parent.mkdir(exist_ok=True)
            (draft / file.name).replace(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


# --- writing -------------------------------------------------------------------------------------------------------


def _archived(copy: Path, data: Path, target: Path, key_id: str, at_ms: int) -> Manifest:
    parts = {DATABASE: copy}
    if (data / KEY_FILE).is_file():
        parts[KEY_FILE] = data / KEY_FILE
    services = data / "catalog"
    for path in sorted(services.iterdir()) if services.is_dir() else ():
        if _SERVICE.fullmatch(f"catalog/{path.name}") and path.is_file() and not path.is_symlink():
            parts[f"catalog/{path.name}"] = path
    files = tuple(BackedUp(name=name, size=path.stat().st_size, sha256=_digest(path)) for name, path in parts.items())
    manifest = Manifest(format=FORMAT, eyeflow=VERSION, created_ms=at_ms, key_id=key_id, files=files)
    draft = target.with_name(f".{target.name}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, filename="", mtime=0) as packed:
                _tarred(cast(IO[bytes], packed), manifest, parts)
            raw.flush()
            os.fsync(raw.fileno())
        os.link(draft, target)  # fails when somebody has made the file meanwhile
    except FileExistsError:
        raise Clash("not_empty", f"{target.name} exists already", hint="choose another name") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    return manifest


def _tarred(packed: IO[bytes], manifest: Manifest, parts: dict[str, Path]) -> None:
    with tarfile.open(fileobj=packed, mode="w") as tar:
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        for file in manifest.files:
            with parts[file.name].open("rb") as source:
                tar.addfile(_member(file.name, file.size), source)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- reading -------------------------------------------------------------------------------------------------------


def _require_empty(data: Path) -> None:
    held = sorted(os.listdir(data)) if data.is_dir() else []  # noqa: PTH208 - names are enough
    if data.exists() and not data.is_dir():
        raise Clash("not_empty", f"{data} is no folder", hint="choose a new folder")
    other = [name for name in held if name != MASTER_KEY]
    if other:
        raise Clash("not_empty", f"{data} holds {other[0]} already", hint="restore into a new folder")


def _opened(archive: Path, draft: Path) -> Manifest:
    """Unpack into `draft` and check everything. Raises: Invalid (`bad_backup`)."""
    try:
        with gzip.open(archive, "rb") as raw, tarfile.open(fileobj=cast(IO[bytes], raw), mode="r|") as tar:
            members = _members(tar)
            manifest = _manifest(next(members, None))
            expected = {file.name: file for file in manifest.files}
            for member, stream in members:
                file = expected.pop(member.name, None)
                if file is None:
                    raise _bad(f"it holds {member.name[:80]!a}, which its manifest does not name")
                _unpack(stream, file, draft)
            rest = 0
            while chunk := raw.read(_CHUNK):  # to the end, where the checksum of the whole stands
                rest += len(chunk)
                if rest > _CHUNK:
                    raise _bad("it goes on after its end")
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError) as error:
        raise _bad(f"it is damaged: {str(error)[:100]}") from None
    if expected:
        raise _bad(f"{min(expected)} is missing")
    if not any(file.name == DATABASE for file in manifest.files):
        raise _bad("it has no database")
    return manifest


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Plain files with names of ours, in order; nothing else may be in the archive."""
    for number, member in enumerate(tar):
        if number > MAX_FILES:
            raise _bad(f"it holds more than {MAX_FILES} files")
        own = member.name in (MANIFEST, DATABASE, KEY_FILE) or _SERVICE.fullmatch(member.name)
        if not own or ".." in member.name or not member.isreg():
            raise _bad(f"it holds {member.name[:80]!a}, which is no file of a backup")
        stream = tar.extractfile(member)
        assert stream is not None, "a plain file has content"
        yield member, stream


def _manifest(first: tuple[tarfile.TarInfo, IO[bytes]] | None) -> Manifest:
    if first is None or first[0].name != MANIFEST or first[0].size > MAX_MANIFEST_BYTES:
        raise _bad("it does not begin with a manifest")
    try:
        manifest = msgspec.json.decode(first[1].read(MAX_MANIFEST_BYTES), type=Manifest)
    except msgspec.MsgspecError:
        raise _bad("its manifest cannot be read") from None
    if manifest.format != FORMAT:
        raise _bad(f"it has format {manifest.format}, this version reads {FORMAT}")
    if len({file.name for file in manifest.files}) != len(manifest.files):
        raise _bad("its manifest names a file twice")
    return manifest


def _unpack(stream: IO[bytes], file: BackedUp, draft: Path) -> None:
    place = draft / file.name
    place.parent.mkdir(exist_ok=True)
    found, size = hashlib.sha256(), 0
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > file.size:
                raise _bad(f"{file.name} is longer than its manifest says")
            found.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if size != file.size or found.hexdigest() != file.sha256:
        raise _bad(f"{file.name} is not what its manifest says")


def _bad(what: str) -> Invalid:
    return Invalid("bad_backup", f"this is no backup that can be restored: {what}", hint="take another backup file")
