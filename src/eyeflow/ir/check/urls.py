"""URLs with places in them, taken apart.

Knows: schemes, hosts, paths, queries, percent encoding. In: a template or text of a URL. Out: its pieces, each a list
of text and references. Never: resolves names or reaches out.

The scheme, host and port must be written out: a program's hosts are decided before it runs.
Source: RFC 3986.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from eyeflow.ir.expr import Expr, Lit, Ref, Template

_FIRST: Final = 0xE000
_MOST: Final = 0x1900
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9\-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9\-]*[a-z0-9])?)*\Z")

Pieces: TypeAlias = tuple[str | Ref, ...]


class BadUrl(Exception):  # noqa: N818 - becomes a finding
    """Why a text is no URL a program may call; with the code of the finding."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Url(msgspec.Struct, frozen=True):
    """A URL. `path` has a private character for each reference, `refs` are those; query names are plain text."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: tuple[tuple[str, str], ...]
    refs: tuple[Ref, ...]

    def pieces(self, text: str) -> Pieces:
        """`text` of this URL with its references back in place, percent triplets decoded."""
        found: list[str | Ref] = []
        run = ""
        for char in text:
            index = ord(char) - _FIRST
            if 0 <= index < len(self.refs):
                if run:
                    found.append(unquote(run))
                found.append(self.refs[index])
                run = ""
            else:
                run += char
        if run:
            found.append(unquote(run))
        return tuple(found)

    def value(self, text: str) -> Expr:
        """`text` of this URL as an expression."""
        pieces = self.pieces(text)
        if all(isinstance(piece, str) for piece in pieces):
            return Lit("".join(str(piece) for piece in pieces))
        return Template(pieces)


def read_url(expr: Expr) -> Url:
    """The pieces of a URL. Raises: BadUrl `bad_url`, `dynamic_host`."""
    if isinstance(expr, Lit) and isinstance(expr.value, str):
        parts: Pieces = (expr.value,)
    elif isinstance(expr, Template):
        parts = expr.parts
    else:
        raise BadUrl("dynamic_host", "the host of a URL must be written out")
    refs = tuple(part for part in parts if isinstance(part, Ref))
    if len(refs) > _MOST:
        raise BadUrl("bad_url", "the URL has too many places")
    text, number = "", 0
    for part in parts:
        if isinstance(part, Ref):
            text += chr(_FIRST + number)
            number += 1
        else:
            if any(ord(c) <= 32 or ord(c) == 127 or c == "\\" or _FIRST <= ord(c) < _FIRST + _MOST for c in part):
                raise BadUrl("bad_url", "the URL holds a blank, a control character or a backslash")
            text += part
    return _taken_apart(text, refs)


def _taken_apart(text: str, refs: tuple[Ref, ...]) -> Url:
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError as error:
        raise BadUrl("bad_url", f"the URL cannot be read: {error}") from None
    if any(_FIRST <= ord(c) < _FIRST + _MOST for c in split.scheme + split.netloc) or (refs and not split.netloc):
        raise BadUrl("dynamic_host", "the scheme and host of a URL must be written out")
    if split.scheme not in ("http", "https"):
        raise BadUrl("bad_url", f"a URL starts with https://, not {split.scheme or text[:20]!r}")
    if "@" in split.netloc:
        raise BadUrl("bad_url", "a URL must not hold a user name or password; use AUTH")
    if split.fragment:
        raise BadUrl("bad_url", "a URL that is called has no # part")
    host = (split.hostname or "").removesuffix(".")
    if _HOST.match(host) is None:
        raise BadUrl("bad_url", f"{host[:60]!r} is not a host name")
    return Url(split.scheme, host, port, split.path or "/", _query(split), refs)


def _query(split: SplitResult) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for item in split.query.split("&") if split.query else ():
        name, _, value = item.partition("=")
        if any(_FIRST <= ord(c) < _FIRST + _MOST for c in name):
            raise BadUrl("bad_url", "a name in the query of a URL must be written out")
        found.append((unquote(name.replace("+", " ")), value.replace("+", " ")))
    return tuple(found)
