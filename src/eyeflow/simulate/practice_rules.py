"""Checks what was received against a schema, and says every difference in words.

Knows: the keywords of fixtures (JSON Schema in snake_case, `required` and `any_of_required` as lists). In: a schema,
a value. Out: differences such as `body.channel is missing`. Never: repairs, ignores a field nobody knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import re2

from eyeflow.diagnostics import nearest
from eyeflow.simulate.practice_fixture import Data
from eyeflow.values import Value

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def differences(schema: Mapping[str, Data], value: Value, at: str, *, texts: bool = False) -> Iterator[str]:
    """Everything about `value` that `schema` does not allow. `texts`: scalars arrive as text (query, form)."""
    kind = schema.get("type")
    if texts and isinstance(value, str) and kind in ("integer", "number", "boolean"):
        value = _read(value, kind)
    if kind is not None and not _is(value, kind):
        yield f"{at} must be {kind}, not {_shown(value)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} must be one of {', '.join(map(str, schema['enum']))}, not {_shown(value)}"
    match value:
        case str():
            yield from _text(schema, value, at)
        case bool():
            pass
        case int() | float():
            yield from _sized(schema, value, ("minimum", "maximum"), at)
        case list():
            yield from _sized(schema, len(value), ("min_items", "max_items"), at)
            for index, item in enumerate(value):
                yield from differences(schema.get("items", {}), item, f"{at}.{index}", texts=texts)
        case dict():
            yield from _object(schema, value, at, texts)
        case _:
            pass


def matches(pattern: str, text: str) -> bool:
    """True when `pattern` matches the whole of `text`."""
    return re2.fullmatch(pattern, text) is not None


def _object(schema: Mapping[str, Data], value: Mapping[str, Value], at: str, texts: bool) -> Iterator[str]:
    known = schema.get("properties")
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}.{name} is missing"
    either = schema.get("any_of_required")
    if either and not any(name in value for name in either):
        yield f"{at} needs one of {', '.join(either)}"
    if known is None:
        return
    for name, item in value.items():
        if name in known:
            yield from differences(known[name], item, f"{at}.{name}", texts=texts)
        elif not schema.get("open", False):
            close = nearest(name, known, limit=1)
            yield f"{at}.{name} is unknown" + (f"; did you mean {close[0]}?" if close else "")


def _text(schema: Mapping[str, Data], value: str, at: str) -> Iterator[str]:
    yield from _sized(schema, len(value), ("min_length", "max_length"), at)
    pattern = schema.get("pattern")
    if pattern is not None and re2.search(pattern, value) is None:
        yield f"{at} must match {pattern}, not {_shown(value)}"


def _sized(schema: Mapping[str, Data], size: float, limits: tuple[str, str], at: str) -> Iterator[str]:
    least, most = limits
    if least in schema and size < schema[least]:
        yield f"{at} is too small: {least} is {schema[least]}, this is {size}"
    if most in schema and size > schema[most]:
        yield f"{at} is too large: {most} is {schema[most]}, this is {size}"


def _is(value: Value, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, _KINDS.get(kind, object))


def _read(text: str, kind: str) -> Value:
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if kind == "integer" and number == int(number) else number


def _shown(value: Value) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
