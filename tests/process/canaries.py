"""Secrets that are easy to find: every spelling in which one could have got out.

Knows: the spellings of a text in plain, percent-encoded, JSON- and HTML-escaped, Base64 (at any offset, both
alphabets) and hexadecimal form. In: secrets, data. Out: what was found where.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import html
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

SECRETS: Mapping[str, str] = {
    "api key": "canary-api-7Qz!x/9+kPw=Lm&2vB",
    "oauth token": "canary.oauth~ya29.a0AfH6SM-é-BxY\"3'n<w>",
    "database password": "canary p@ss:w0rd%21#{}\\rT",
    "ssh key": "-----BEGIN OPENSSH PRIVATE KEY-----\ncanaryb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n"
    "AAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQ\n-----END OPENSSH PRIVATE KEY-----\n",
}


def spellings(secret: str) -> set[bytes]:
    """How a secret may be spelled by a service, a library, a file."""
    raw = secret.encode()
    found = {
        raw, quote(secret, safe="").encode(), quote(secret).encode(), quote_plus(secret).encode(),
        quote(quote(secret, safe=""), safe="").encode(), html.escape(secret).encode(),
        json.dumps(secret)[1:-1].encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        raw.hex().encode(), raw.hex().upper().encode(), secret.encode("utf-16-le"),
    }  # fmt: skip
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + raw)
        # The first characters mix with what stands before, the last with what follows.
        middle = coded[(0, 2, 3)[offset] : len(coded) - 4]
        found |= {middle, middle.translate(bytes.maketrans(b"+/", b"-_"))}
    lines = [line for line in secret.splitlines() if "canary" in line]
    return found | {line.encode() for line in lines}


_SPELLED = {name: spellings(secret) for name, secret in SECRETS.items()}


def found_in(data: bytes, where: str) -> list[str]:
    """What of the secrets is in `data`."""
    return [f"{name} in {where}" for name, spelled in _SPELLED.items() if any(each in data for each in spelled)]


def found_under(folder: Path) -> list[str]:
    """What of the secrets is in the files below `folder`, compressed parts opened."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for where, data in _opened(path.relative_to(folder).as_posix(), path.read_bytes()):
                found += found_in(data, where)
    return found


def _opened(where: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    yield where, data
    if data.startswith(b"\x1f\x8b"):
        inner = gzip.decompress(data)
        yield f"{where} (opened)", inner
        with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
            for member in archive:
                held = archive.extractfile(member)
                if held is not None:
                    yield from _opened(f"{where}: {member.name}", held.read())
    yield from _inflated(where, data)


def _inflated(where: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Whatever inside is compressed with zlib and opens."""
    for lead in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        at = data.find(lead)
        while at >= 0:
            with contextlib.suppress(zlib.error):
                yield f"{where} (inflated at {at})", zlib.decompressobj().decompress(data[at:], 1 << 20)
            at = data.find(lead, at + 1)
