"""Whether a value is of a type, and as a field wants it.

Knows: every type and every limit of `Field`. In: a value, a type or field. Out: the first thing wrong, with its path.
Never: converts a value, raises for a wrong one, says a secret's value in a message.

A checker is built once per type out of closures and then runs in well under a microsecond for a scalar. `wire=True`
checks the JSON spelling: ISO 8601 text for dates, times and durations, Base64 for bytes, 5.0 for an integer.
Texts are measured in code points; patterns are RE2, searched anywhere, as JSON Schema does.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec
import re2

from eyeflow.values import Field, Json, ListOf, MapOf, Null, Nullable, ObjectOf, Scalar, Type, Value, non_null, spell


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """`path` leads to the wrong place (`items[3].name`, "" for the value itself); `message` is for people."""

    code: str
    message: str
    path: str = ""

    def under(self, name: str) -> Problem:
        """The same problem seen from one level up, where the value is called `name` (`[3]` for an item)."""
        if not self.path:
            return Problem(self.code, self.message, name)
        joint = "" if self.path[0] == "[" else "."
        return Problem(self.code, self.message, f"{name}{joint}{self.path}")


Check: TypeAlias = Callable[[Value], Problem | None]

_DURATION: Final = re.compile(
    r"-?P(?=.)(?:[0-9]+W|(?:[0-9]+D)?(?:T(?=.)(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?)\Z"
)
_EMAIL: Final = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f]{1,64}@[^\s@<>()\[\],;:\\\"]{1,255}\Z")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x1f<>\"{}|\\^`]+\Z")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_HOSTNAME: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
                              r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?)*\.?\Z")  # fmt: skip


def _is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.match(text) is not None


FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "email": _matches(_EMAIL),
    "uri": _matches(_URI),
    "url": _matches(_URI),
    "uuid": _matches(_UUID),
    "hostname": _matches(_HOSTNAME),
    "ipv4": _is_address(4),
    "ipv6": _is_address(6),
}
"""Formats of texts that are checked; others are for people. Dates and times are types, not formats."""


def conform(value: Value, what: Field | Type, *, wire: bool = False) -> list[Problem]:
    """Everything wrong with `value`, at most one problem for each field of an object; empty when all is well."""
    kind = non_null(what.type if isinstance(what, Field) else what)
    if isinstance(kind, ObjectOf) and isinstance(value, dict):
        found = [_field_problem(field, value, wire) for field in kind.fields]
        return [problem for problem in found if problem is not None]
    problem = checker(what, wire=wire)(value)
    return [] if problem is None else [problem]


@lru_cache(maxsize=8192)
def checker(what: Field | Type, *, wire: bool = False) -> Check:
    """The check of one type or field: takes a value, returns the first problem or None. Keep it: building costs."""
    if not isinstance(what, Field):
        return _of_type(what, wire)
    base = checker(what.type, wire=wire)
    limits = _limits(what, wire)
    if not limits:
        return base

    def check(value: Value) -> Problem | None:
        problem = base(value)
        if problem is not None or value is None:
            return problem
        for limit in limits:
            problem = limit(value)
            if problem is not None:
                return problem
        return None

    return check


def pattern_problem(pattern: str) -> str | None:
    """Why RE2 cannot use a pattern; None when it can."""
    try:
        re2.compile(pattern, _quiet())
    except re2.error as error:
        text = error.args[0] if error.args else ""
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return None


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return options


def _field_problem(field: Field, value: dict[str, Value], wire: bool) -> Problem | None:
    if field.name not in value:
        return Problem("missing_field", f"`{field.name}` is missing", field.name) if field.required else None
    item = value[field.name]
    if item is None and not field.required:
        return None
    problem = checker(field, wire=wire)(item)
    return None if problem is None else problem.under(field.name)


def _of_type(of: Type, wire: bool) -> Check:
    match of:
        case Json():
            return lambda _: None
        case Null():
            return lambda value: None if value is None else _mismatch(of, value)
        case Nullable(inner):
            inside = checker(inner, wire=wire)
            return lambda value: None if value is None else inside(value)
        case ListOf(item):
            return _list_check(of, checker(item, wire=wire))
        case MapOf(item):
            return _map_check(of, checker(item, wire=wire))
        case ObjectOf():
            return _object_check(of, wire)
        case Scalar():
            return _scalar_check(of, wire)


def _mismatch(of: Type, value: Value) -> Problem:
    wanted = spell(of)
    if len(wanted) > 60:
        wanted = wanted[: min(at for at in (wanted.find("<"), wanted.find("{")) if at >= 0)]
    return Problem("type_mismatch", f"must be {wanted}, not {kind_of(value)}")


def kind_of(value: Value) -> str:
    """What people call the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
        case bytes():
            return "bytes"
        case datetime():
            return "timestamp"
        case date():
            return "date"
        case time():
            return "time"
        case timedelta():
            return "duration"
        case dict():
            return "object"
        case _:
            return "list"


def _list_check(of: Type, item: Check) -> Check:
    def check(value: Value) -> Problem | None:
        if not isinstance(value, list | tuple):
            return _mismatch(of, value)
        for index, each in enumerate(value):
            problem = item(each)
            if problem is not None:
                return problem.under(f"[{index}]")
        return None

    return check


def _map_check(of: Type, item: Check) -> Check:
    def check(value: Value) -> Problem | None:
        if not isinstance(value, dict):
            return _mismatch(of, value)
        for key, each in value.items():
            problem = item(each)
            if problem is not None:
                return problem.under(key)
        return None

    return check


def _object_check(of: ObjectOf, wire: bool) -> Check:
    fields = tuple((field.name, field.required, checker(field, wire=wire)) for field in of.fields)

    def check(value: Value) -> Problem | None:
        if not isinstance(value, dict):
            return _mismatch(of, value)
        for name, required, inside in fields:
            if name in value:
                item = value[name]
                if item is None and not required:
                    continue
                problem = inside(item)
                if problem is not None:
                    return problem.under(name)
            elif required:
                return Problem("missing_field", f"`{name}` is missing", name)
        return None

    return check


def _is_number(value: Value) -> bool:
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))  # type: ignore[arg-type]


def _is_whole(value: Value) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _is_aware(value: Value) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


_NATIVE: Final[dict[str, Callable[[Value], bool]]] = {
    "string": lambda value: type(value) is str,
    "integer": lambda value: type(value) is int,
    "number": _is_number,
    "boolean": lambda value: type(value) is bool,
    "date": lambda value: isinstance(value, date) and not isinstance(value, datetime),
    "time": lambda value: isinstance(value, time),
    "timestamp": _is_aware,
    "duration": lambda value: isinstance(value, timedelta),
    "bytes": lambda value: isinstance(value, bytes),
}


def _reads(parse: Callable[[str], object]) -> Callable[[Value], bool]:
    def check(value: Value) -> bool:
        if type(value) is not str:
            return False
        try:
            return parse(value) is not False
        except (ValueError, binascii.Error):
            return False

    return check


_WIRE: Final[dict[str, Callable[[Value], bool]]] = {
    **_NATIVE,
    "integer": _is_whole,
    "date": _reads(date.fromisoformat),
    "time": _reads(time.fromisoformat),
    "timestamp": _reads(lambda text: datetime.fromisoformat(text).tzinfo is not None),
    "duration": _reads(lambda text: _DURATION.match(text) is not None),
    "bytes": _reads(lambda text: base64.b64decode(text, validate=True) is not None),
}


def _scalar_check(of: Scalar, wire: bool) -> Check:
    if of.name == "string":
        return lambda value: None if type(value) is str else _mismatch(of, value)
    holds = (_WIRE if wire else _NATIVE)[of.name]
    if not wire:
        return lambda value: None if holds(value) else _mismatch(of, value)
    native = _NATIVE[of.name]
    return lambda value: None if native(value) or holds(value) else _mismatch(of, value)


def _limits(field: Field, wire: bool) -> tuple[Check, ...]:
    """The checks a field adds to its type; each is given a value that has the type and is not null."""
    kind = non_null(field.type)
    found: list[Check] = []
    if isinstance(kind, ListOf):
        found += _size_limits(field.min_items, field.max_items, "items", "item")
        if field.items is not None:
            found.append(_list_check(kind, checker(field.items, wire=wire)))
    if kind == Scalar("string"):
        found += _size_limits(field.min_length, field.max_length, "characters", "character")
        found += _text_limits(field)
    if isinstance(kind, Scalar) and kind.name in ("integer", "number"):
        found += _range_limits(field)
    if field.enum:
        found.append(_enum_limit(field, kind))
    return tuple(found)


def _size_limits(least: int | None, most: int | None, many: str, one: str) -> tuple[Check, ...]:
    def short(value: Value) -> Problem | None:
        size = len(value)  # type: ignore[arg-type]
        if size >= (least or 0):
            return None
        return Problem(
            f"too_few_{many}" if one == "item" else "too_short", f"has {size} {many}, at least {least} wanted"
        )

    def long(value: Value) -> Problem | None:
        size = len(value)  # type: ignore[arg-type]
        if most is None or size <= most:
            return None
        return Problem(
            f"too_many_{many}" if one == "item" else "too_long", f"has {size} {many}, at most {most} allowed"
        )

    return ((short,) if least else ()) + ((long,) if most is not None else ())


def _range_limits(field: Field) -> tuple[Check, ...]:
    low, high = field.minimum, field.maximum

    def below(value: Value) -> Problem | None:
        return Problem("out_of_range", f"is below {low:g}") if value < low else None  # type: ignore[operator]

    def above(value: Value) -> Problem | None:
        return Problem("out_of_range", f"is above {high:g}") if value > high else None  # type: ignore[operator]

    return ((below,) if low is not None else ()) + ((above,) if high is not None else ())


def _text_limits(field: Field) -> list[Check]:
    found: list[Check] = []
    if field.pattern is not None and pattern_problem(field.pattern) is None:
        found.append(_pattern_limit(field.pattern))
    holds = FORMATS.get(field.format or "")
    if holds is not None:
        named = field.format
        found.append(lambda value: None if holds(str(value)) else Problem("format_mismatch", f"is no {named}"))
    return found


def _pattern_limit(pattern: str) -> Check:
    search = re2.compile(pattern, _quiet()).search
    shown = pattern[:80]

    def check(value: Value) -> Problem | None:
        try:
            fits = search(value) is not None
        except UnicodeEncodeError:  # half of a surrogate pair, which no pattern is about
            fits = False
        return None if fits else Problem("pattern_mismatch", f"does not match `{shown}`")

    return check


def _enum_limit(field: Field, kind: Type) -> Check:
    listed = ", ".join(field.enum[:12]) + (", ..." if len(field.enum) > 12 else "")
    allowed = frozenset(field.enum)

    def check(value: Value) -> Problem | None:
        spelled = value if isinstance(value, str) else _spelled(value)
        if spelled in allowed:
            return None
        said = "" if field.secret or not isinstance(value, str) else f"`{value[:60]}` "
        return Problem("not_in_enum", f"{said}is not one of {listed}")

    return check


def _spelled(value: Value) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool | int | float):
        return msgspec.json.encode(value).decode()
    return None
