"""Values between programs and PostgreSQL columns.

Knows: which Python value a column type wants, and what comes back. In: values, type names. Out: values.
Never: guesses a type: the prepared statement says what each parameter is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from eyeflow.connectors.payload import bad_value
from eyeflow.connectors.templates import text_of
from eyeflow.values import Value

_TEXT: Final = frozenset({"text", "varchar", "bpchar", "name", "citext", "char"})
_INTEGER: Final = frozenset({"int2", "int4", "int8", "oid"})
_FLOAT: Final = frozenset({"float4", "float8"})


def sent(value: Value, kind: str, place: int) -> object:
    """`value` as the driver takes it for a parameter of type `kind`. Raises: CallError (`bad_value`)."""
    if value is None:
        return None
    try:
        return _converted(value, kind)
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise bad_value(f"value {place} does not fit a column of type {kind}") from None


def received(value: object, kind: str) -> Value:
    """A column's value as programs have it: exact integers, aware instants, JSON decoded, anything else as text."""
    match value:
        case None | bool() | int() | float() | bytes() | date() | time() | timedelta() if not isinstance(
            value, datetime
        ):
            return value
        case datetime():
            return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        case str():
            if kind in ("json", "jsonb"):
                decoded: Value = msgspec.json.decode(value)
                return decoded
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case list() | tuple():
            return [received(item, kind.removesuffix("[]")) for item in value]
        case _:
            return str(value)


def _converted(value: Value, kind: str) -> object:
    if kind.endswith("[]"):
        if not isinstance(value, list | tuple):
            raise ValueError(kind)
        return [None if item is None else _converted(item, kind.removesuffix("[]")) for item in value]
    if kind in _TEXT:
        return text_of(value)
    if kind in ("json", "jsonb"):
        return msgspec.json.encode(value).decode()
    if kind in _INTEGER:
        return _integer(value)
    if kind in _FLOAT:
        return float(_number(value))
    if kind == "numeric":
        return _number(value)
    if kind == "bool":
        return _boolean(value)
    if kind in _MOMENTS and isinstance(value, str):
        return _MOMENTS[kind](value)
    if kind == "timestamp" and isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    if kind == "date" and isinstance(value, datetime):
        return value.date()
    if kind == "bytea" and isinstance(value, str):
        return value.encode()
    return value


def _number(value: Value) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(value)
    return number


def _integer(value: Value) -> int:
    number = _number(value)
    if number != number.to_integral_value() or abs(number) > 2**63:
        raise ValueError(value)
    return int(number)


def _boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(value)


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _naive(text: str) -> datetime:
    return _aware(text).astimezone(UTC).replace(tzinfo=None)


_MOMENTS: Final[dict[str, Callable[[str], object]]] = {
    "timestamptz": _aware,
    "timestamp": _naive,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}
