"""Values made from a schema: what a scripted service answers when nobody wrote an answer.

Knows: plausible values for types, formats, entities and constraints. In: a type or field, and a seed number.
Out: the same value every time. Never: randomness; two fields of the same kind differ by the seed only.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from eyeflow.values import Field, Json, ListOf, MapOf, Null, Nullable, ObjectOf, Scalar, Type, Value

_ENTITIES: Final[dict[str, str]] = {
    "email": "sample{n}@example.com",
    "slack_channel": "#sample-{n}",
    "url": "https://example.com/{n}",
    "phone": "+1555010{n:04d}",
    "repo": "example/sample-{n}",
    "person": "Sample Person {n}",
    "location": "Sample City {n}",
    "file": "sample-{n}.txt",
    "money": "{n}.00",
    "duration": "PT{n}M",
}
_FORMATS: Final[dict[str, str]] = {
    "email": _ENTITIES["email"],
    "uri": _ENTITIES["url"],
    "url": _ENTITIES["url"],
    "uuid": "00000000-0000-4000-8000-{n:012d}",
    "date": "2026-01-{n:02d}",
    "date-time": "2026-01-{n:02d}T00:00:00Z",
    "time": "{n:02d}:00:00",
    "hostname": "host{n}.example.com",
    "ipv4": "192.0.2.{n}",
}
_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DEEPEST: Final = 8
_ITEMS: Final = 2


def sample(of: Type | Field, seed: int = 1) -> Value:
    """A value of type `of`; of a field, one that keeps its enum, range, lengths and entity. `seed` from 1 to 28."""
    assert 1 <= seed <= 28, "a seed is a day of any month"
    if isinstance(of, Field):
        return _field(of, seed, 0)
    return _typed(of, "value", seed, 0)


def _typed(of: Type, name: str, seed: int, depth: int) -> Value:
    match of:
        case Scalar(kind):
            return _scalar(kind, name, seed)
        case Nullable(inner):
            return _typed(inner, name, seed, depth)
        case ListOf(item):
            return [] if depth >= _DEEPEST else [_typed(item, name, seed + n, depth + 1) for n in range(_ITEMS)]
        case MapOf(value):
            return {} if depth >= _DEEPEST else {"key": _typed(value, name, seed, depth + 1)}
        case ObjectOf(fields):
            return {f.name: _field(f, seed, depth + 1) for f in fields if f.required or depth < _DEEPEST}
        case Json():
            return {"sample": seed}
        case Null():
            return None
    raise AssertionError(f"unknown type {of}")


def _scalar(kind: str, name: str, seed: int) -> Value:
    match kind:
        case "string":
            return f"{name} {seed}"
        case "integer":
            return seed
        case "number":
            return float(seed)
        case "boolean":
            return True
        case "date":
            return date(2026, 1, min(seed, 31))
        case "time":
            return time(seed % 24)
        case "timestamp":
            return _DAY + timedelta(days=seed - 1)
        case "duration":
            return timedelta(minutes=seed)
        case _:
            return f"{name} {seed}".encode()


def _field(field: Field, seed: int, depth: int) -> Value:
    if field.default is not None:
        return field.default.value
    if field.enum:
        return field.enum[(seed - 1) % len(field.enum)]
    value = _typed(field.type, field.name, seed, depth)
    if isinstance(value, str):
        pattern = _ENTITIES.get(field.entity or "") or _FORMATS.get(field.format or "")
        return _fitting_text(field, pattern.format(n=seed) if pattern else value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _fitting_number(field, value)
    if isinstance(value, list):
        least = field.min_items or 0
        while value and len(value) < least:
            value.append(value[0])
        return value if field.max_items is None else value[: field.max_items]
    return value


def _fitting_text(field: Field, text: str) -> str:
    if field.max_length is not None:
        text = text[: field.max_length]
    return text.ljust(field.min_length or 0, "x")


def _fitting_number(field: Field, value: int | float) -> int | float:
    kind = type(value)
    if field.minimum is not None and value < field.minimum:
        value = kind(field.minimum) + (1 if kind(field.minimum) < field.minimum else 0)
    if field.maximum is not None and value > field.maximum:
        value = kind(field.maximum)
    return value
