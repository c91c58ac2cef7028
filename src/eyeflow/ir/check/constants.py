"""Constants: what an expression is worth before the program runs, and whether a field would take it.

Knows: literals, the constraints a field declares, the formats (email, uri, date ...). In: typed expressions, fields.
Out: values, sentences about what is wrong. Never: anything that needs a run.

Lengths count code points. A pattern is RE2 and may occur anywhere in the text unless it is tied with ^ and $.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from eyeflow import units
from eyeflow.errors import RunError
from eyeflow.ir.check.tree import type_of
from eyeflow.ir.expr import Convert, Expr, ListExpr, Lit, ObjectExpr, Template
from eyeflow.ir.functions.order import pattern
from eyeflow.recurrence.wall import ScheduleError, zone_of
from eyeflow.values import DURATION, Field, Scalar, Value, non_null


class Unknown(msgspec.Struct, frozen=True):
    """The expression has no value before the run."""


UNKNOWN: Final = Unknown()


class NotAValue(Exception):  # noqa: N818 - never leaves the checker
    """A constant conversion that cannot succeed; the message says why."""


def constant(expr: Expr, zone: str) -> Value | Unknown:
    """The value of a typed constant expression, in the forms that flow at run time; `UNKNOWN` for any other.

    Raises:
        NotAValue: a constant that cannot become what its place wants (`"soon"` as a date).
    """
    match expr:
        case Lit():
            return literal_value(expr)
        case Template(parts):
            return "".join(str(part) for part in parts) if all(isinstance(p, str) for p in parts) else UNKNOWN
        case ListExpr(items):
            values = [constant(item, zone) for item in items]
            return UNKNOWN if any(isinstance(v, Unknown) for v in values) else values  # type: ignore[return-value]
        case ObjectExpr(entries):
            named = {entry.name: constant(entry.value, zone) for entry in entries}
            return UNKNOWN if any(isinstance(v, Unknown) for v in named.values()) else named  # type: ignore[return-value]
        case Convert():
            value = constant(expr.value, zone)
            return UNKNOWN if isinstance(value, Unknown) else _converted(value, expr, zone)
        case _:
            return UNKNOWN


def literal_value(lit: Lit) -> Value:
    """What a typed literal is at run time: with type `duration` a timedelta, otherwise the value as written."""
    if lit.type == DURATION and lit.unit is not None and isinstance(lit.value, int | float):
        try:
            return timedelta(microseconds=round(units.exact(lit.value, lit.unit, "seconds") * 1_000_000))
        except (OverflowError, units.UnitError):
            raise NotAValue(f"{lit.value} {lit.unit} is longer than a duration can be") from None
    return lit.value


def _converted(value: Value, node: Convert, zone: str) -> Value | Unknown:
    wanted = non_null(node.type)
    if value is None or not isinstance(wanted, Scalar):
        return value
    if node.how == "unit":
        source = non_null(type_of(node.value))
        assert isinstance(source, Scalar) and source.unit and wanted.unit, "a unit conversion has two units"
        assert isinstance(value, int | float), "a unit conversion is of a number"
        try:
            result = units.convert(value, source.unit, wanted.unit)
        except units.UnitError as error:
            raise NotAValue(error.message) from None
        if wanted.name == "integer" and not float(result).is_integer():
            raise NotAValue(f"{value} {source.unit} is {result} {wanted.unit}, which is not whole")
        return int(result) if wanted.name == "integer" else result
    if node.how == "parse":
        return _parsed(value, wanted.name, zone) if isinstance(value, str) else UNKNOWN
    return UNKNOWN if node.how == "render" else value


def _parsed(text: str, scalar: str, zone: str) -> Value:
    from eyeflow.ir.evaluate.scalars import reader  # noqa: PLC0415 - that package is built upon this one

    example = _EXAMPLES.get(scalar, "")
    refusal = NotAValue(f"{text[:60]!r} is not a {scalar}" + (f"; write it like {example}" if example else ""))

    def refuse(_: Value) -> RunError:
        raise refusal

    return reader(scalar, zone_of(zone), refuse)(text)


_EXAMPLES: Final = {"date": "2026-11-23", "time": "09:00", "timestamp": "2026-11-23T09:00:00Z", "duration": "PT1H30M"}


_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"[^\s@\"<>,;:\\()\[\]]{{1,64}}@{_LABEL}(?:\.{_LABEL})+\Z")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ().\-]{4,24}\Z")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.?)+\Z")


def wrong(field: Field, value: Value) -> str | None:
    """Why `field` would refuse `value` (of the right type), in words that follow the field's name; or None."""
    if value is None:
        return None
    if isinstance(value, str):
        return _wrong_text(field, value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if field.minimum is not None and value < field.minimum:
            return f"must be at least {field.minimum:g}, not {value}"
        if field.maximum is not None and value > field.maximum:
            return f"must be at most {field.maximum:g}, not {value}"
    if isinstance(value, list | tuple):
        return _wrong_size(len(value), field.min_items, field.max_items, "items")
    return None


def _wrong_text(field: Field, value: str) -> str | None:
    if field.enum and value not in field.enum:
        return f"must be one of {', '.join(field.enum[:12])}, not {value[:60]!r}"
    if (why := _wrong_size(len(value), field.min_length, field.max_length, "characters")) is not None:
        return why
    if any("\ud800" <= c <= "\udfff" for c in value):
        return "holds half of a surrogate pair, which is no text"
    if field.pattern is not None:
        try:
            if pattern(field.pattern).search(value) is None:
                return f"must look like {field.pattern}"
        except ValueError:
            return None
    if field.format is not None and not _formatted(field.format, value):
        return f"must be {_FORMATS.get(field.format, field.format)}, not {value[:60]!r}"
    return None


def _wrong_size(size: int, least: int | None, most: int | None, what: str) -> str | None:
    if most is not None and size > most:
        return f"has {size} {what}, at most {most} are allowed"
    if least is not None and size < least:
        return f"has {size} {what}, at least {least} are needed"
    return None


_FORMATS: Final = {
    "email": "an e-mail address", "uri": "an address such as https://example.com", "url": "an address",
    "date": "a date such as 2026-11-23", "date-time": "a timestamp such as 2026-11-23T09:00:00Z",
    "time": "a time such as 09:00",
    "uuid": "a UUID", "hostname": "a host name", "ipv4": "an IPv4 address", "ipv6": "an IPv6 address",
    "phone": "a phone number",
}  # fmt: skip


def _formatted(name: str, value: str) -> bool:
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        return False
    match name:
        case "email" | "idn-email":
            return _EMAIL.match(value) is not None
        case "uri" | "url":
            return _is_uri(value)
        case "uuid":
            return _UUID.match(value) is not None
        case "hostname":
            return _HOST.match(value) is not None
        case "phone":
            return _PHONE.match(value) is not None
        case "ipv4" | "ipv6":
            return _is_address(value, 4 if name == "ipv4" else 6)
        case "date":
            return len(value) == 10 and _parses(value, "date")
        case "date-time":
            return _parses(value, "timestamp")
        case "time":
            return _parses(value, "time")
        case _:
            return True


def _parses(value: str, scalar: str) -> bool:
    try:
        _parsed(value, scalar, "UTC")
    except NotAValue:
        return False
    return True


def _is_uri(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    known = parts.scheme.lower() in ("http", "https", "mailto", "ftp", "sftp", "s3")
    return known and bool(parts.netloc or parts.path) and " " not in value


def _is_address(value: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(value).version == version
    except ValueError:
        return False


def zone_problem(name: str) -> str | None:
    """Why `name` is no time zone, or None."""
    try:
        zone_of(name)
    except ScheduleError as error:
        return error.message
    return None
