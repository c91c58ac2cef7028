"""Run-time values as canonical bytes.

Knows: one spelling of every `Value`: MessagePack with sorted keys, and an extension for each time type, so that
decoding gives back what was encoded. In: values. Out: bytes, digests, and copies that nobody else holds.
Never: program bytes (that is `ir.bytecode`), JSON for people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from eyeflow.errors import RunError
from eyeflow.values import Value

MAX_DEPTH: Final = 200
"""Deepest nesting a value may have."""

_DATE, _TIME, _TIMESTAMP, _DURATION, _BIG = 1, 2, 3, 4, 5
_INT64: Final = range(-(2**63), 2**64)
_SPELLED: Final = frozenset((str, type(None), bool, float, bytes))
"""What MessagePack has a spelling for, whatever its value."""

_encoder = msgspec.msgpack.Encoder(order="sorted")


def pack(value: Value) -> bytes:
    """Canonical bytes of `value`: equal values, equal bytes, on every machine."""
    if type(value) is dict:
        for item in value.values():
            if type(item) not in _SPELLED:
                return _encoder.encode(value if _stands(value) else _plain(value))
        return _encoder.encode(value)
    return _encoder.encode(value if _stands(value) else _plain(value))


def unpack(data: bytes) -> Value:
    """The value that `pack` spelled. Raises: RunError `type_mismatch` for bytes that are not a value."""
    try:
        decoded: Value = msgspec.msgpack.decode(data, ext_hook=_revived)
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise RunError("type_mismatch", "these bytes are not a recorded value") from error
    return decoded


def digest(value: Value) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(pack(value)).hexdigest()


def _stands(value: object) -> bool:
    """Whether MessagePack has a spelling of its own for all of `value`: most data needs no other form."""
    kind = type(value)
    if kind in _SPELLED:
        return True
    if kind is dict:
        return all(map(_stands, value.values()))  # type: ignore[attr-defined]
    if kind is list:
        return all(map(_stands, value))  # type: ignore[call-overload]
    return kind is int and value in _INT64


def _plain(value: Value) -> object:
    """`value` with the types MessagePack lacks as extensions."""
    match value:
        case None | bool() | str() | bytes() | float():
            return value
        case int():
            return value if value in _INT64 else msgspec.msgpack.Ext(_BIG, str(value).encode())
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return msgspec.msgpack.Ext(_TIMESTAMP, value.astimezone(UTC).isoformat().encode())
        case date():
            return msgspec.msgpack.Ext(_DATE, value.isoformat().encode())
        case time():
            return msgspec.msgpack.Ext(_TIME, value.isoformat().encode())
        case timedelta():
            micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
            return msgspec.msgpack.Ext(_DURATION, str(micros).encode())
    raise AssertionError(f"{type(value).__name__} is not a run-time value")


def _revived(code: int, data: memoryview) -> Value:
    text = bytes(data).decode("ascii")
    match code:
        case 1:
            return date.fromisoformat(text)
        case 2:
            return time.fromisoformat(text)
        case 3:
            return datetime.fromisoformat(text)
        case 4:
            return timedelta(microseconds=int(text))
        case 5:
            return int(text)
    raise ValueError(f"extension {code}")


def owned(value: object, limit: int) -> tuple[Value, int]:
    """A deep copy of `value` that shares nothing mutable with it, and its size in bytes (an estimate of memory).

    Data crosses the machine's border through here: what a connector returns is copied in, what it receives is
    copied out, so that neither side can change the other's data later.
    Raises: RunError `output_limit` beyond `limit` bytes or 200 levels; `type_mismatch` for anything that is not a
    run-time value.
    """
    flat = _flat(value, limit) if type(value) is dict else None
    copy, left = flat if flat is not None else _taken(value, limit, 0)
    if left < 0:
        raise _too_much()
    return copy, limit - left


def size_of(value: Value, limit: int) -> int:
    """The size of `value` in bytes, as `owned` counts it. Raises: RunError `output_limit`, `type_mismatch`."""
    return limit - left_of(limit, value)


def left_of(left: int, value: Value) -> int:
    """What is left of `left` bytes once `value` is held. Raises: as `size_of`."""
    kind = type(value)
    if kind is str:
        left -= 50 + len(value)  # type: ignore[arg-type]
    elif kind is dict:
        fields: dict[str, Value] = value  # type: ignore[assignment]
        left = left_of_all(left - 64 - 58 * len(fields) - sum(map(len, fields)), fields.values(), 1)
    else:
        left = left_of_all(left, (value,))
    if left < 0:
        raise _too_much()
    return left


def left_of_all(left: int, values: Iterable[object], depth: int = 0) -> int:
    """What is left of `left` bytes once all `values` are held, below 0 when they are too much; the counting, which is
    that of `_copied`, may then have ended early. They are `depth` deep in something else. Raises: as `size_of`.

    A call for each plain value would cost more than its counting.
    """
    for value in values:
        kind = type(value)
        if kind is str:
            left -= 50 + len(value)  # type: ignore[arg-type]
        elif kind is int:
            left -= 32 + (value.bit_length() >> 3)  # type: ignore[attr-defined]
        elif value is None or kind is bool or kind is float:
            left -= 32
        elif depth > MAX_DEPTH:
            raise _too_much()
        elif isinstance(value, dict):
            left = left_of_all(left - 64 - 58 * len(value) - sum(map(len, value)), value.values(), depth + 1)
        elif isinstance(value, (list, tuple)):
            left = left_of_all(left - 64 - 8 * len(value), value, depth + 1)
        else:
            left = _copied(value, left, depth)[1]
        if left < 0:
            break
    return left


def _copied(value: object, left: int, depth: int) -> tuple[Value, int]:
    """A copy of `value`, and what is left of `left` with it; it is not below 0."""
    if depth > MAX_DEPTH:
        raise _too_much()
    copy: Value
    match value:
        case dict():
            left -= 64 + 8 * len(value)
            fields: dict[str, Value] = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    raise RunError("type_mismatch", "an object's keys must be text")
                fields[key], left = _taken(item, left - 50 - len(key), depth + 1)
                if left < 0:
                    break
            copy = fields
        case list() | tuple():
            left -= 64 + 8 * len(value)
            items: list[Value] = []
            for item in value:
                held, left = _taken(item, left, depth + 1)
                items.append(held)
                if left < 0:
                    break
            copy = items
        case int():
            copy, left = value, left - 32 - (value.bit_length() >> 3)
        case str() | bytes():
            copy, left = value, left - 50 - len(value)
        case float() | date() | time() | timedelta():
            copy, left = value, left - 48
        case _:
            raise RunError("type_mismatch", f"a {type(value).__name__} is not a value a program can hold")
    if left < 0:
        raise _too_much()
    return copy, left


def _flat(value: dict[object, object], left: int) -> tuple[Value, int] | None:
    """As `_taken`, for an object that holds nothing that could be changed, as most data does; None for any other."""
    left -= 64 + 8 * len(value)
    for key, item in value.items():
        kind = type(item)
        if type(key) is not str:
            return None
        if kind is str:
            left -= 100 + len(key) + len(item)  # type: ignore[arg-type]
        elif item is None or kind is bool or kind is float:
            left -= 82 + len(key)
        elif kind is int:
            left -= 82 + len(key) + (item.bit_length() >> 3)  # type: ignore[attr-defined]
        else:
            return None
    return value.copy(), left  # type: ignore[return-value]


def _taken(value: object, left: int, depth: int) -> tuple[Value, int]:
    """As `_copied`; of what needs no copy `left` may be below 0."""
    kind = type(value)
    if kind is str:
        return value, left - 50 - len(value)  # type: ignore[arg-type, return-value]
    if value is None or kind is bool or kind is float:
        return value, left - 32  # type: ignore[return-value]
    return _copied(value, left, depth)


def _too_much() -> RunError:
    return RunError(
        "output_limit", "the results of this run are larger than its memory limit", hint="take fewer items or fields"
    )
