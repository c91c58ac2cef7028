"""The type dialect of service files: JSON Schema 2020-12 keywords in snake_case, with EyeFlow's flags.

Knows: what each keyword means as a `Field` or `Type`. In: nodes. Out: frozen types; problems go to the node.
Never: resolves `$ref` (the importers do), checks values (see `conform`).

`required` is a flag of the field it stands in. Lists of required names are read under `all_of` (or `allOf`) and in
schemas that are no parameter themselves. A parameter is optional unless required; a field of `returns` or `payload`
is promised unless `required: false`. No `type`, or an object without `properties`, is `json`.
Source: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from eyeflow import units
from eyeflow.catalog.nodes import Node
from eyeflow.conform import conform, pattern_problem
from eyeflow.diagnostics import Severity, nearest
from eyeflow.values import (
    BOOLEAN,
    BYTES,
    DATE,
    DURATION,
    JSON,
    NULL,
    STRING,
    TIME,
    TIMESTAMP,
    Field,
    ListOf,
    Literal,
    MapOf,
    ObjectOf,
    Scalar,
    Type,
    literal,
    non_null,
    nullable,
)

NAME: Final = re.compile(r"\w[\w.\-]{0,199}\Z")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_\-/%]{0,63}\Z")
TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
_FORMATS: Final = {
    "date": DATE, "date-time": TIMESTAMP, "time": TIME, "duration": DURATION, "binary": BYTES,
}  # fmt: skip
_ALL_OF: Final = ("all_of", "allOf")
_NOT_CHECKED: Final = frozenset({"exclusive_minimum", "exclusive_maximum", "multiple_of", "unique_items", "not"})
_ANNOTATIONS: Final = frozenset({"title", "examples", "deprecated", "read_only", "write_only"})
KEYWORDS: Final = (
    frozenset(
        {
            "type", "items", "properties", "required", "enum", "const", "default", "format", "pattern", "description",
            "min_length", "max_length", "min_items", "max_items", "minimum", "maximum", "additional_properties",
            "any_of", "one_of", "secret", "entity", "role", "unit", *_ALL_OF,
        }
    )
    | _NOT_CHECKED
    | _ANNOTATIONS
)  # fmt: skip


def read_fields(node: Node, *, promised: bool) -> tuple[Field, ...]:
    """The fields of a `params` mapping, in written order."""
    return tuple(read_field(name, child, promised=promised) for name, child in node.entries() if _named(name, child))


def read_field(name: str, node: Node, *, promised: bool) -> Field:
    """One named, typed place. `promised`: present unless `required: false` (returns, payload)."""
    if not node.is_mapping():
        return Field(name, JSON, required=promised)
    node.only(KEYWORDS, "a type")
    kind = read_type(node, promised=promised, checked=True)
    required = _flag(node, promised)
    found = _cues(name, node, kind, required)
    _check_bounds(found, node)
    return found


def _cues(name: str, node: Node, kind: Type, required: bool) -> Field:
    """A field of a type that is known already: what the other keywords of the schema add."""
    bare = non_null(kind)
    return Field(
        name,
        kind,
        required=required,
        default=_default(node),
        secret=node.flag("secret", False),
        entity=_word(node, "entity"),
        role=_word(node, "role"),
        enum=_enum(node),
        format=node.optional_text("format"),
        pattern=node.optional_text("pattern"),
        min_length=node.integer("min_length"),
        max_length=node.integer("max_length"),
        min_items=node.integer("min_items"),
        max_items=node.integer("max_items"),
        minimum=node.number("minimum"),
        maximum=node.number("maximum"),
        description=node.text("description"),
        items=_item_field(node, bare.item) if isinstance(bare, ListOf) else None,
    )


def read_type(node: Node, *, promised: bool, checked: bool = False) -> Type:
    """The type a schema describes; `json` where it says too little, or something impossible (reported)."""
    if not node.is_mapping():
        return JSON
    if not checked:
        node.only(KEYWORDS, "a type")
    for key in _NOT_CHECKED:
        if node.has(key):
            node.warn("keyword_not_checked", f"`{key}` is read but not checked", "the service itself will judge it")
    names = _type_names(node)
    may_be_null = "null" in names or None in _enum_values(node)
    kinds = [name for name in names if name != "null"]
    if names and not kinds:
        return NULL
    alternatives = _alternatives(node)
    if not kinds and alternatives is not None:
        return alternatives
    kind = _one_kind(kinds, node, promised)
    return nullable(kind) if may_be_null else kind


def _one_kind(kinds: list[str], node: Node, promised: bool) -> Type:
    if len(kinds) > 1:
        return Scalar("number") if set(kinds) == {"integer", "number"} else JSON
    if not kinds:
        if _has_properties(node):
            return _object(node, promised)
        values = [value for value in _enum_values(node) if value is not None]
        return STRING if values and all(isinstance(value, str) for value in values) else JSON
    match kinds[0]:
        case "string":
            return _FORMATS.get(node.optional_text("format") or "", STRING)
        case "integer" | "number" as name:
            return Scalar(name, _unit(node))
        case "boolean":
            return BOOLEAN
        case "array":
            items = node.get("items")
            return ListOf(JSON if items is None else read_type(items, promised=promised))
        case _:
            return _object(node, promised)


def _object(node: Node, promised: bool) -> Type:
    """Properties of the schema and of the members of its `all_of`, with all their required names."""
    fields: dict[str, Field] = {}
    listed: set[str] = set()
    stated = False
    parts = _parts(node)
    for part in parts:
        required = part.get("required")
        if required is not None and type(required.value) is list:
            stated = True
            listed.update(name for name in part.texts("required"))
        properties = part.get("properties")
        if properties is not None:
            for name, child in properties.entries():
                if _property_named(name, child):
                    fields[name] = read_field(name, child, promised=promised)
    if not fields:
        rest = node.get("additional_properties")
        if rest is not None and type(rest.value) is dict and rest.value:
            return MapOf(read_type(rest, promised=promised))
        return JSON
    for name in sorted(listed - fields.keys()):
        node.problem("unknown_field", f"`required` names `{name[:60]}`, which is no property", "add it to `properties`")
    if stated:
        explicit = _flagged(parts)
        fields = {
            name: field if name in explicit else msgspec.structs.replace(field, required=name in listed)
            for name, field in fields.items()
        }
    return ObjectOf(tuple(fields.values()))


def _parts(node: Node) -> list[Node]:
    parts = [node]
    for key in _ALL_OF:
        members = node.get(key)
        if members is None:
            continue
        for member in members.items():
            if member.is_mapping():
                member.only(KEYWORDS, "a type")
                parts.extend(_parts(member))
    return parts


def _flagged(parts: list[Node]) -> set[str]:
    """Names of properties that carry the flag `required` themselves."""
    found: set[str] = set()
    for part in parts:
        properties = part.get("properties")
        if properties is not None and type(properties.value) is dict:
            specs = properties.value.items()
            found.update(name for name, spec in specs if isinstance(spec, dict) and type(spec.get("required")) is bool)
    return found


def _parts_quietly(node: Node) -> list[Node]:
    parts = [node]
    for key in _ALL_OF:
        members = node.get(key)
        if members is not None and type(members.value) is list:
            for index, value in enumerate(members.value):
                parts.extend(_parts_quietly(members.child(index, value)))
    return parts


def _has_properties(node: Node) -> bool:
    return any(part.has("properties") or part.has("additional_properties") for part in _parts_quietly(node))


def _type_names(node: Node) -> list[str]:
    spec = node.get("type")
    if spec is None:
        return []
    nodes = list(spec.items()) if type(spec.value) is list else [spec]
    if len(nodes) > len(TYPES):
        spec.problem("unknown_value", "too many types")
        return []
    return [name for name in (each.one_of(TYPES, "") for each in nodes) if name]


def _alternatives(node: Node) -> Type | None:
    """`any_of`/`one_of`: the one alternative that is not null, or json when there are several different ones."""
    for key in ("any_of", "one_of"):
        members = node.get(key)
        if members is None:
            continue
        kinds = [read_type(member, promised=True) for member in members.items()]
        solid = list(dict.fromkeys(kind for kind in kinds if kind != NULL))
        kind = solid[0] if len(solid) == 1 else JSON
        return nullable(kind) if NULL in kinds else kind
    return None


def _flag(node: Node, promised: bool) -> bool:
    """`required` as a flag. A list of names belongs to an object's properties, not to this place."""
    spec = node.get("required")
    if spec is None or type(spec.value) is list:
        return promised
    return node.flag("required", promised)


def _enum_values(node: Node) -> list[object]:
    if node.has("const"):
        assert type(node.value) is dict
        return [node.value["const"]]
    spec = node.get("enum")
    return list(spec.value) if spec is not None and type(spec.value) is list else []


def _enum(node: Node) -> tuple[str, ...]:
    """The allowed values: texts as they are, other scalars as JSON writes them."""
    spec = node.get("enum")
    if spec is not None and type(spec.value) is not list:
        spec.wrong_type("a list")
        return ()
    if spec is not None and not spec.value:
        spec.problem("empty_enum", "`enum` allows nothing")
    found: list[str] = []
    for value in _enum_values(node):
        if isinstance(value, dict | list):
            (spec or node).problem("wrong_type", "`enum` holds texts, numbers and flags only")
            return ()
        if value is not None:
            found.append(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    return tuple(dict.fromkeys(found))


def _default(node: Node) -> Literal | None:
    if not node.has("default"):
        return None
    assert type(node.value) is dict
    if node.flag("secret", False):
        node.child("default", None).problem("secret_default", "a secret has no default", "remove `default`")
        return None
    return literal(node.value["default"])


def _word(node: Node, key: str) -> str | None:
    spec = node.get(key)
    if spec is None:
        return None
    text = spec.as_text()
    if text is not None and not _WORD.match(text):
        spec.problem("bad_name", f"`{text[:60]}` is not a name for `{key}`", "letters, digits, `_` and `-`")
        return None
    return text


def _unit(node: Node) -> str | None:
    """The canonical name of the unit, so that `metres` and `meters` are one type."""
    word = _word(node, "unit")
    if word is None:
        return None
    known = units.lookup(word) or units.lookup(word.replace("metre", "meter").replace("litre", "liter"))
    if known is not None:
        return known.name
    close = nearest(word, sorted(units.spellings()), limit=1)
    hint = f"did you mean `{close[0]}`?" if close else "it converts into no other unit"
    message = f"`{word}` is no unit that EyeFlow can convert"
    node.child("unit", word).problem("unknown_unit", message, hint, Severity.NOTE)
    return word


def _item_field(node: Node, item: Type) -> Field | None:
    """What each item may be beyond its type, when the schema says so."""
    items = node.get("items")
    if items is None or type(items.value) is not dict:
        return None
    found = _cues("", items, item, required=True)
    return None if found == Field("", item) else found


def _check_bounds(field: Field, node: Node) -> None:
    pairs = (
        ("length", field.min_length, field.max_length),
        ("items", field.min_items, field.max_items),
        ("value", field.minimum, field.maximum),
    )
    if field.pattern is not None:
        why = pattern_problem(field.pattern)
        if why is not None:
            place = node.child("pattern", field.pattern)
            place.warn(
                "pattern_not_checked", f"RE2 cannot use the pattern: {why[:120]}", "write it without look-around"
            )
    if field.default is not None:
        wrong = conform(field.default.value, field, wire=True)
        if wrong and field.default.json != "null":
            where = f" (at `{wrong[0].path}`)" if wrong[0].path else ""
            place = node.child("default", None)
            place.warn("bad_default", f"the default {wrong[0].message}{where}", "a call that relies on it is refused")
    for what, low, high in pairs:
        if low is not None and high is not None and low > high:
            node.problem("empty_range", f"the least {what} {low:g} is above the most {high:g}")


def _named(name: str, node: Node) -> bool:
    if NAME.match(name):
        return True
    node.problem("bad_name", f"`{name[:60]}` is not a name", "letters, digits, `_`, `-` and `.`")
    return False


def _property_named(name: str, node: Node) -> bool:
    if name and len(name) <= 200 and name.isprintable():
        return True
    node.problem("bad_name", "a property needs a printable name of at most 200 characters")
    return False
