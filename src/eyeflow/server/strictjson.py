"""Bodies: JSON as RFC 8259 says and nothing beside it, in bounded time and memory.

Knows: what of JSON is ambiguous and therefore refused: a byte order mark, duplicate keys, NaN, numbers no double
holds, half surrogate pairs, deep nesting. In: bytes, already capped. Out: plain values, or typed structs.
Never: guesses an encoding, drops a field it does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec

from eyeflow.misfit import misfit
from eyeflow.server.exchange import Declined, Request
from eyeflow.values import deeper

T = TypeVar("T")

MAX_DEPTH: Final = 64
MAX_KEYS: Final = 100_000
_ESCAPED: Final = re.compile(
    rb"\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
"""An escape of a JSON text: a whole pair, half of one, any other."""
_TYPES: Final = frozenset((b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"))


async def json_body(request: Request) -> object:
    """The body of a request that has to be JSON. Raises: Declined `not_json` (415), `bad_json` (400), and what
    `Request.body` raises."""
    must_be_json(request)
    return parse(await request.body())


def has_body(request: Request) -> bool:
    """Whether a body comes with the request, as its head says."""
    if request.headers.get(b"content-length") == b"0":
        return False
    return b"content-length" in request.headers or b"transfer-encoding" in request.headers


def must_be_json(request: Request) -> None:
    """Return when the body says that it is JSON. Raises: Declined `not_json`."""
    kind = request.headers.get(b"content-type", b"")
    if kind not in _TYPES and kind.strip().lower() not in _TYPES:
        raise Declined(
            415, "not_json", "the body must be JSON", hint="send the header Content-Type: application/json",
            headers=((b"accept", b"application/json"),),
        )  # fmt: skip
    if request.headers.get(b"content-encoding", b"identity") != b"identity":
        raise Declined(
            415,
            "not_json",
            "compressed bodies are not taken",
            hint="send it as it is",
            headers=((b"accept-encoding", b"identity"),),
        )


class Body(Generic[T]):
    """How bodies of one type are read where reading has to be quick: in one go, the way `parse` and `typed` do it in
    several. `keys` gives how many keys a text must have had at the least to become this value."""

    def __init__(self, into: type[T], keys: Callable[[T], int]) -> None:
        self._into = into
        self._decode = msgspec.json.Decoder(into).decode
        self._least = keys

    def read(self, data: bytes) -> T:
        """The value of one JSON text. Raises: Declined `bad_json`, `bad_request`."""
        if data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
            try:
                value = self._decode(data)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
                return typed(parse(data), self._into)
            # Each key has a colon. As many as there must be: then no text has one, and no key stands there twice.
            if data.count(b":") == self._least(value):
                return value
        return typed(parse(data), self._into)


def parse(data: bytes) -> object:
    """The value of one JSON text. Raises: Declined `bad_json`."""
    if not data:
        raise _bad("the body is empty", "send a JSON object, `{}` at the least")
    if data.startswith(b"\xef\xbb\xbf"):
        raise _bad("the body begins with a byte order mark", "send UTF-8 without one")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise _unread(error, data) from None
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and deeper(value, MAX_DEPTH):
        raise _too_deep()
    colons = data.count(b":")
    if colons > 1:
        keys = keys_in(value)
        if keys > MAX_KEYS:
            raise _bad(f"the body has more than {MAX_KEYS:,} keys", "send it in parts")
        if keys < colons:  # each key has a colon: a text has one too, or a key stands there twice
            _refuse_duplicates(data)
    return value


def typed(value: object, into: type[T]) -> T:
    """`value` as a struct of the API. Raises: Declined `bad_request` with the place that does not fit."""
    try:
        return msgspec.convert(value, into)
    except msgspec.ValidationError as error:
        raise unfit(error, into) from None


def unfit(error: msgspec.ValidationError, into: object) -> Declined:
    """The refusal of a value that does not have the type it must have."""
    found = misfit(error, into)
    return Declined(422, "bad_request", found.text, hint=found.hint)


def _bad(message: str, hint: str) -> Declined:
    return Declined(400, "bad_json", message, hint=hint)


def _too_deep() -> Declined:
    return _bad(f"the body is nested deeper than {MAX_DEPTH}", "nest it less")


def _unread(error: Exception, data: bytes) -> Declined:
    """The refusal of a text that the parser did not take. Of half a pair it says that the text is cut off."""
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, UnicodeDecodeError):
        return _bad("the body is not UTF-8", "send JSON in UTF-8")
    half = next((found for found in _ESCAPED.finditer(data) if found["half"]), None)
    if half is not None:
        return _bad(
            f"half of a surrogate pair is no character (byte {half.start()})", "write both halves, or the character"
        )
    said = str(error).partition(" - at ")[0][:200]
    if said == "Input data was truncated":
        said = "the body ends before its JSON does"
    return _bad(said, "send one JSON value, in UTF-8")


def _refuse_duplicates(data: bytes) -> None:
    try:
        _DUPLICATES.decode(data.decode("utf-8"))
    except _Twice as twice:
        raise _bad(f"the key {json.dumps(str(twice)[:60])} stands twice in one object", "keep one") from None


def keys_in(value: object) -> int:
    """How many keys the objects of a value have together; for values that are not deep."""
    total = 0
    if type(value) is dict:
        total = len(value)
        for item in value.values():
            if type(item) is dict or type(item) is list:
                total += keys_in(item)
    elif type(value) is list:
        for item in value:
            if type(item) is dict or type(item) is list:
                total += keys_in(item)
    return total


class _Twice(Exception):  # noqa: N818 - what was found
    pass


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Refuses a repeated key. The value itself is msgspec's; nothing is built here."""
    if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)


_DUPLICATES: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=len, parse_float=len)
