"""What goes onto the wire: paths, query strings, headers and bodies, built so that data can never become structure.

Knows: the encodings a mapping may ask for. In: prepared templates and the values of one call. Out: text and bytes,
or CallError for data that cannot be sent. Never: opens anything, drops data in silence.

A value in a path is one segment, percent-encoded whole; a parameter of `format: path` may be several, none of them
`.` or `..`. A header value with CR, LF or NUL is refused, never cleaned. An absent optional drops its key.
Form bodies nest as `a[b][0]=c`. Source: RFC 3986, RFC 9110, RFC 7578, and Stripe's and PHP's form convention.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from eyeflow.connectors.templates import Roots, Template, text_of
from eyeflow.errors import CallError
from eyeflow.values import Value

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]+")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
_BAD_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OWNED: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "keep-alive"}
)
SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
MAX_HEADER_CHARS: Final = 8_000

Tree = Template | dict[str, "Tree"] | list["Tree"] | None | bool | int | float
"""A prepared body: JSON whose texts are templates."""

Fill: TypeAlias = Callable[[Roots], Value]
Pairs: TypeAlias = tuple[tuple[str, str], ...]
Query: TypeAlias = Callable[[Roots], str]


def path_text(template: Template, roots: Roots, several: frozenset[str] = frozenset()) -> str:
    """The path. `several` are the parameters that may be more than one segment (`format: path`).

    Raises: CallError (permanent, `bad_value`) for an absent value and for `.` or `..` as a segment.
    """
    pieces: list[str] = []
    for name, value in template.parts(roots):
        if name is None:
            pieces.append(quote(str(value), safe="/:@!$&'()*+,;=~-._%"))
            continue
        if value is None or value == "":
            raise bad_value("a part of the path has no value")
        pieces.append(quote(text_of(value), safe="/" if name in several else ""))
    path = "".join(pieces)
    if any(segment in (".", "..") for segment in re.sub("%2[eE]", ".", path).split("/")):
        raise bad_value("a part of the path is `.` or `..`")
    return path


def query_of(pairs: tuple[tuple[str, Template], ...]) -> Query:
    """The fields of a query as a function of a call that spells them: a list repeats its key, `*` spreads an object, an
    absent value drops its field."""
    if any(name == "*" for name, _ in pairs):
        return lambda roots: query_text(_fields(pairs, roots))
    if not pairs:
        return lambda roots: ""
    known = tuple((name, f"{_quoted(name)}=", template.value) for name, template in pairs)

    def spelled(roots: Roots) -> str:
        parts: list[str] = []
        for name, start, read in known:
            value = read(roots)
            if type(value) is str:
                parts.append(start + (value if _UNRESERVED(value) else quote(value, safe="")))
            elif value is not None:
                parts += [f"{start}{_quoted(text)}" for _, text in _repeated(name, value)]
        return "&".join(parts)

    return spelled


def query_pairs(pairs: tuple[tuple[str, Template], ...], roots: Roots) -> list[tuple[str, str]]:
    """What `query_of` spells, as names and values."""
    return list(_fields(pairs, roots))


def query_text(pairs: Iterable[tuple[str, str]]) -> str:
    """The fields as a query spells them."""
    return "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in pairs])


def _quoted(text: str) -> str:
    return text if _UNRESERVED(text) else quote(text, safe="")


def header_pairs(pairs: tuple[tuple[str, Template], ...], roots: Roots) -> Pairs:
    """Header names and values. Raises: CallError (permanent, `bad_header`) for anything that could split or smuggle."""
    return tuple(checked_header(name, text) for name, text in _fields(pairs, roots))


def checked_header(name: str, value: str) -> tuple[str, str]:
    """A header that is safe to send. Raises: CallError (permanent, `bad_header`)."""
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWNED:
        raise CallError("permanent", "bad_header", f"{name[:60]!a} is not a header a call may set")
    if _BAD_VALUE.search(value) or len(value) > MAX_HEADER_CHARS or not _encodable(value):
        raise CallError(
            "permanent",
            "bad_header",
            f"the value of header {name} has a line break, a control character or is too long",
        )
    return name, value.strip(" \t")


def filler(tree: Tree) -> Fill:
    """A body as a function of a call that fills its templates. A place without value drops its key, and so does an
    object or list in which nothing is left; `*` spreads an object. Constants stay as they are."""
    if isinstance(tree, Template):
        return tree.value
    if isinstance(tree, dict):
        return _object(tree)
    if isinstance(tree, list):
        items = tuple((item is None, filler(item)) for item in tree)

        def listed(roots: Roots) -> Value:
            filled = ((constant, fill(roots)) for constant, fill in items)
            kept = [value for constant, value in filled if value is not None or constant]
            return kept or (None if items else [])

        return listed
    return lambda roots: tree


def _object(tree: dict[str, Tree]) -> Fill:
    fields = tuple((key, item is None, filler(item)) for key, item in tree.items())

    def filled(roots: Roots) -> Value:
        made: dict[str, Value] = {}
        for key, constant, fill in fields:
            value = fill(roots)
            if key == "*" and isinstance(value, dict):
                made.update(value)
            elif value is not None or constant:
                made[key] = value
        return made or (None if fields else {})

    return filled


def encode_body(value: Value, encoding: str) -> tuple[bytes, str | None]:
    """Bytes and content type. Raises: CallError (permanent, `bad_value`) when the value has no such encoding."""
    match encoding:
        case "json":
            try:
                return msgspec.json.encode(value), "application/json"
            except (TypeError, ValueError, RecursionError) as error:
                raise bad_value(f"the body cannot be written as JSON: {error}") from error
        case "form":
            pairs = list(_flat("", value))
            return urlencode(pairs).encode(), "application/x-www-form-urlencoded"
        case "text":
            return text_of(value).encode("utf-8", "replace"), "text/plain; charset=utf-8"
        case "raw":
            return value if isinstance(value, bytes) else text_of(value).encode("utf-8", "replace"), None
        case "multipart":
            return _multipart(value)
        case _:
            raise AssertionError(encoding)


def bad_value(message: str) -> CallError:
    """Data that cannot be sent; nothing was."""
    return CallError("permanent", "bad_value", message)


def _fields(pairs: tuple[tuple[str, Template], ...], roots: Roots) -> Iterator[tuple[str, str]]:
    for name, template in pairs:
        value = template.value(roots)
        if name == "*":
            if value is not None and not isinstance(value, dict):
                raise bad_value("fields to add must be an object")
            for key, item in (value or {}).items():
                yield from _repeated(key, item)
        else:
            yield from _repeated(name, value)


def _repeated(name: str, value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, list | tuple):
        yield from ((name, text_of(item)) for item in value if item is not None)
    elif value is not None:
        yield name, text_of(value)


def _flat(prefix: str, value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{prefix}[{key}]" if prefix else key, item)
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _flat(f"{prefix}[{at}]", item)
    elif value is not None:
        yield prefix, text_of(value)


def _multipart(value: Value) -> tuple[bytes, str]:
    if not isinstance(value, dict):
        raise bad_value("a multipart body must be an object")
    parts = [(name, item if isinstance(item, bytes) else text_of(item).encode()) for name, item in value.items()]
    boundary = hashlib.sha256(b"".join(data for _, data in parts)).hexdigest()[:40]
    lines: list[bytes] = []
    for name, data in parts:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        file = f'; filename="{quoted}"' if isinstance(value[name], bytes) else ""
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"{file}\r\n\r\n'.encode())
        lines += [data, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return b"".join(lines), f"multipart/form-data; boundary={boundary}"


def _encodable(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
