"""Functions of lists, maps and objects, and JSON.

Knows: items, keys, order. In: values, and for the binder forms a function of the item. Out: new values; nothing is
changed in place. Never: more than `MAX_LIST` items.

Sorting is stable with nulls last; UNIQUE and GROUP_BY keep the order of first appearance; positions count from 0 and
negative ones from the end.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

import msgspec

from eyeflow.ir.functions.order import kind_of, sort_key, truth
from eyeflow.ir.functions.row import MAX_LIST, MAX_TEXT, impossible, mismatched, too_big
from eyeflow.values import Value

Body: TypeAlias = Callable[[Value], Value]

MAX_DEPTH = 200
"""How deep JSON may be nested when it is read or written."""


def items_of(name: str, value: Value) -> list[Value]:
    """The items of a list. Raises: RunError `type_mismatch`, `output_limit`."""
    if not isinstance(value, (list, tuple)):
        raise mismatched(name, "a list", value)
    if len(value) > MAX_LIST:
        raise too_big(name, f"a list of more than {MAX_LIST} items")
    return list(value)


def mapped(source: Value, body: Body) -> Value:
    """MAP."""
    return [body(item) for item in items_of("MAP", source)]


def filtered(source: Value, body: Body) -> Value:
    """FILTER."""
    return [item for item in items_of("FILTER", source) if truth(body(item))]


def sorted_by(source: Value, body: Body, direction: str = "asc") -> Value:
    """SORT_BY `asc` or `desc`; equal keys keep their order, nulls come last either way."""
    if direction not in ("asc", "desc"):
        raise impossible('SORT_BY sorts "asc" or "desc"')
    return _ranked("SORT_BY", source, body, descending=direction == "desc")


def _ranked(name: str, source: Value, body: Body, *, descending: bool) -> list[Value]:
    keyed = [(body(item), item) for item in items_of(name, source)]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: sort_key(pair[0]), reverse=descending)
    return [item for _, item in known] + [item for key, item in keyed if key is None]


def top(source: Value, *rest: Value | Body) -> Value:
    """TOP: the first n, or with a key the n largest."""
    count = rest[-1]
    if not isinstance(count, int) or count < 0:
        raise impossible("TOP takes a count of zero or more")
    if len(rest) == 1:
        return items_of("TOP", source)[:count]
    body = rest[0]
    assert callable(body), "the named form of TOP has a body"
    return _ranked("TOP", source, body, descending=True)[:count]


def identity(value: Value) -> Hashable:
    """A hashable stand-in: two values have the same one exactly when they are equal."""
    kind = kind_of(value)
    if isinstance(value, (list, tuple)):
        return (kind, tuple(identity(item) for item in value))
    if isinstance(value, dict):
        return (kind, frozenset((key, identity(item)) for key, item in value.items()))
    return (kind, value)


def unique(source: Value, body: Body | None = None) -> Value:
    """UNIQUE: the first of every set of equal items, or of items with equal keys."""
    seen: dict[Hashable, Value] = {}
    for item in items_of("UNIQUE", source):
        seen.setdefault(_identity("UNIQUE", item if body is None else body(item)), item)
    return list(seen.values())


def grouped(source: Value, body: Body) -> Value:
    """GROUP_BY: a list of `{key, items}`."""
    groups: dict[Hashable, tuple[Value, list[Value]]] = {}
    for item in items_of("GROUP_BY", source):
        key = body(item)
        groups.setdefault(_identity("GROUP_BY", key), (key, []))[1].append(item)
    return [{"key": key, "items": members} for key, members in groups.values()]


def _identity(name: str, value: Value) -> Hashable:
    try:
        return identity(value)
    except RecursionError:
        raise impossible(f"{name} was given data nested too deep to compare") from None


def count(source: Value, body: Body | None = None) -> int:
    """COUNT of items, or of those that fit."""
    if isinstance(source, dict):
        return len(source)
    items = items_of("COUNT", source)
    return len(items) if body is None else sum(truth(body(item)) for item in items)


def first(source: Value, body: Body | None = None) -> Value:
    """FIRST item, or the first that fits; null when there is none."""
    return next((item for item in items_of("FIRST", source) if body is None or truth(body(item))), None)


def last(source: Value, body: Body | None = None) -> Value:
    """LAST item, or the last that fits; null when there is none."""
    return next((item for item in reversed(items_of("LAST", source)) if body is None or truth(body(item))), None)


def length(value: Value) -> int:
    """LEN: code points, items, fields or bytes."""
    if isinstance(value, (str, list, tuple, dict, bytes)):
        return len(value)
    raise mismatched("LEN", "text or a list", value)


def sliced(value: Value, start: int, stop: int | None = None) -> Value:
    """SLICE from `start` up to, not including, `stop`; positions past the end are the end."""
    if isinstance(value, str):
        return value[start:stop]
    return items_of("SLICE", value)[start:stop]


def _mapping(name: str, value: Value) -> dict[str, Value]:
    if isinstance(value, dict):
        return value
    raise mismatched(name, "an object", value)


def keys(source: Value) -> Value:
    """KEYS in the object's order."""
    return list(_mapping("KEYS", source))


def values(source: Value) -> Value:
    """VALUES in the object's order."""
    return list(_mapping("VALUES", source).values())


def get(source: Value, key: Value, default: Value = None) -> Value:
    """GET by key or position; the default (null) when absent or null."""
    found: Value = None
    if isinstance(source, dict) and isinstance(key, str):
        found = source.get(key)
    elif isinstance(source, (list, tuple)) and isinstance(key, int) and not isinstance(key, bool):
        found = source[key] if -len(source) <= key < len(source) else None
    elif source is not None:
        raise mismatched("GET", "a list and a position, or an object and a name", key)
    return default if found is None else found


def merged(*sources: Value) -> Value:
    """MERGE: later fields win; a field keeps the place of its first appearance."""
    result: dict[str, Value] = {}
    for source in sources:
        result.update(_mapping("MERGE", source))
    return result


def parse_json(text: str) -> Value:
    """PARSE_JSON: strict JSON, integers exact. Raises: RunError `evaluation`. Source: RFC 8259."""
    try:
        found: Value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        said = str(error) if isinstance(error, msgspec.DecodeError) else "the text is not well-formed"
        raise impossible(f"PARSE_JSON cannot read its text: {said}") from None
    except RecursionError:
        found = None
        deep = True
    else:
        deep = deeper_than(found, MAX_DEPTH)
    if deep:
        raise impossible("PARSE_JSON was given data nested too deep")
    return found


def deeper_than(value: Value, limit: int) -> bool:
    """True when lists and objects nest deeper than `limit`; safe on any depth."""
    stack: list[tuple[Value, int]] = [(value, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > limit:
            return True
        if isinstance(node, dict):
            stack.extend((each, depth + 1) for each in node.values() if isinstance(each, (dict, list, tuple)))
        elif isinstance(node, (list, tuple)):
            stack.extend((each, depth + 1) for each in node if isinstance(each, (dict, list, tuple)))
    return False


def to_json(value: Value) -> str:
    """TO_JSON, compact: dates and times as ISO text, durations as seconds, bytes as base64, fields in their order."""
    if deeper_than(value, MAX_DEPTH):
        raise impossible("TO_JSON was given data nested too deep")
    try:
        text = msgspec.json.encode(plain(value)).decode()
    except UnicodeEncodeError:
        raise impossible("TO_JSON needs well-formed text", "the text holds half of a surrogate pair") from None
    if len(text) > MAX_TEXT:
        raise too_big("TO_JSON", f"text of more than {MAX_TEXT} characters")
    return text


def plain(value: Value) -> Value:
    """`value` with only JSON's own kinds inside; nested no deeper than `MAX_DEPTH`."""
    match value:
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case datetime() | date() | time():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            seconds = value.total_seconds()
            return int(seconds) if seconds.is_integer() else seconds
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case _:
            return value
