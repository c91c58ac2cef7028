"""How a value becomes text: the template rules.

Knows: the text of every kind of value. In: a value, what is known of its type, the task's zone. Out: text.
Never: escapes mark-up (the connector that sends the text does), reads a locale, cuts anything off.

- Text as it is; null is nothing; booleans `true` and `false`.
- Numbers without trailing zeros, in full between 1e-6 and 1e21, beyond that as `1.5e+30`.
- Dates `2026-11-23`, times `09:00`, timestamps `2026-11-23T09:00:00+01:00` in the zone (`Z` in UTC), seconds always
  for timestamps, fractions only when there are any.
- Durations in words: `2 hours 30 minutes`. Bytes as base64.
- A list one item per line. An object by its field with `role: summary`, else `key: value` pairs joined by `, `, those
  that are null left out. Inside an object, lists are joined by `, ` and objects stand in parentheses.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from eyeflow.errors import RunError
from eyeflow.ir.functions.row import MAX_TEXT
from eyeflow.values import JSON, ListOf, MapOf, ObjectOf, Scalar, Type, Value, non_null

Render: TypeAlias = Callable[[Value], str]

MAX_DEPTH: Final = 100
"""Deeper data is the error `output_limit`."""

_SPANS: Final = (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000))


def render(value: Value, of: Type, zone: ZoneInfo) -> str:
    """`value`, known to be an `of`, as text in `zone`.

    Raises:
        RunError: `output_limit`, when the data is nested too deep or the text too long.
    """
    return renderer(of, zone)(value)


def renderer(of: Type, zone: ZoneInfo) -> Render:
    """`render` prepared for one type: what can be decided before the value is there is decided once."""
    plain = non_null(of)
    if isinstance(plain, Scalar) and plain.name == "string":
        return lambda value: value if isinstance(value, str) else _Writer(zone).text(value, plain)

    def show(value: Value) -> str:
        kind = type(value)
        if kind is int or kind is float:
            return number_text(value)  # type: ignore[arg-type]
        return _Writer(zone).text(value, plain)

    return show


def number_text(value: int | float) -> str:
    """A number without trailing zeros: `72`, `0.1`, `1e+21`; `-0.0` is `0`."""
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    if not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
    text = format(Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment_text(value: date | time, zone: ZoneInfo) -> str:
    """A date, time or timestamp as ISO 8601."""
    if isinstance(value, datetime):
        text = value.astimezone(zone).isoformat()
        return text.removesuffix("+00:00") + "Z" if zone.key in ("UTC", "Etc/UTC") else text
    if isinstance(value, time):
        return value.isoformat("minutes" if value.second == 0 and value.microsecond == 0 else "auto")
    return value.isoformat()


def duration_text(value: timedelta) -> str:
    """A duration in days, hours, minutes and seconds, in words."""
    left = value // timedelta(microseconds=1)
    sign, left = ("-", -left) if left < 0 else ("", left)
    pieces: list[str] = []
    for name, size in _SPANS:
        amount, left = divmod(left, size)
        if amount:
            pieces.append(_counted(str(amount), name))
    if left or not pieces:
        pieces.append(_counted(format(Decimal(left) / 1_000_000, "f"), "second"))
    return sign + " ".join(pieces)


def _counted(amount: str, name: str) -> str:
    amount = amount.rstrip("0").rstrip(".") if "." in amount else amount
    return f"{amount} {name}" if amount == "1" else f"{amount} {name}s"


class _Writer:
    """One rendering: keeps count of depth and size."""

    __slots__ = ("left", "zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.left = MAX_TEXT

    def text(self, value: Value, of: Type) -> str:
        if isinstance(value, (list, tuple)):
            return "\n".join(self._inside(item, _item(of), 1, nested=False) for item in value)
        return self._inside(value, of, 0, nested=False)

    def _inside(self, value: Value, of: Type, depth: int, *, nested: bool) -> str:
        if depth > MAX_DEPTH:
            raise RunError("output_limit", "the data is nested too deep to be written as text")
        if isinstance(value, dict):
            text = self._object(value, of, depth)
            return f"({text})" if nested and text else text
        if isinstance(value, (list, tuple)):
            return ", ".join(self._inside(item, _item(of), depth + 1, nested=True) for item in value)
        return self._spend(self._scalar(value))

    def _object(self, value: dict[str, Value], of: Type, depth: int) -> str:
        plain = non_null(of)
        if isinstance(plain, ObjectOf):
            for field in plain.fields:
                if field.role == "summary" and value.get(field.name) is not None:
                    return self._inside(value[field.name], field.type, depth + 1, nested=False)
        pieces = []
        for key, each in value.items():
            if each is not None:
                pieces.append(f"{self._spend(key)}: {self._inside(each, _member(plain, key), depth + 1, nested=True)}")
        return ", ".join(pieces)

    def _scalar(self, value: Value) -> str:
        match value:
            case None:
                return ""
            case str():
                return value
            case bool():
                return "true" if value else "false"
            case int() | float():
                return number_text(value)
            case date() | time():
                return moment_text(value, self.zone)
            case timedelta():
                return duration_text(value)
            case bytes():
                return base64.b64encode(value).decode("ascii")
            case _:
                raise AssertionError(f"{type(value).__name__} cannot flow through a program")

    def _spend(self, text: str) -> str:
        self.left -= len(text) + 2
        if self.left < 0:
            raise RunError("output_limit", f"the text would be longer than {MAX_TEXT} characters")
        return text


def _item(of: Type) -> Type:
    plain = non_null(of)
    return plain.item if isinstance(plain, ListOf) else JSON


def _member(of: Type, name: str) -> Type:
    match of:
        case ObjectOf():
            field = of.field(name)
            return field.type if field is not None else JSON
        case MapOf(value):
            return value
        case _:
            return JSON
