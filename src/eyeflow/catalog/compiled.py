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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from eyeflow.catalog.model import Service

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_KEPT: Final = 8
_FORMAT: Final = b"eyeflow catalog 1"
_DIGEST: Final = hashlib.sha256().digest_size
_HERE: Final = Path(__file__).parent
_GROUND: Final = ("conform.py", "diagnostics.py", "errors.py", "units.py", "values.py")


def key_of(sources: Iterable[tuple[str, bytes]]) -> str:
    """A name for what reading these files (name, bytes) gives; the code that reads them counts."""
    whole = hashlib.sha256(_FORMAT)
    whole.update(_code())
    for name, raw in sources:
        whole.update(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest() + hashlib.sha256(raw).digest())
    return whole.hexdigest()


def recall(folder: Path, key: str) -> tuple[Service, ...] | None:
    """What was kept under `key`; None when nothing was, or when it may not be used."""
    try:
        raw = _own_bytes(folder / _name(key))
    except OSError:
        return None
    payload = raw[_DIGEST:]
    if raw[:_DIGEST] != _seal(key, payload):
        return None
    try:
        return msgspec.msgpack.decode(payload, type=tuple[Service, ...])
    except (msgspec.MsgspecError, RecursionError):
        return None


def remember(folder: Path, key: str, services: Sequence[Service]) -> None:
    """Keep these services under `key`, and of what was kept before only the newest few."""
    payload = msgspec.msgpack.encode(tuple(services))
    fresh = folder / f".{_name(key)}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_seal(key, payload) + payload)
        fresh.replace(folder / _name(key))
        kept = sorted(folder.glob("catalog-*.msgpack"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in kept[MAX_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _name(key: str) -> str:
    return f"catalog-{key}.msgpack"


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
