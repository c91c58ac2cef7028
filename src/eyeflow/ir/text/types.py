"""Types as text: `list<object{id: string, amount?: integer<cents>}>`.

Knows: the words that name types. In: parsed pieces of a type. Out: `Type`, and its spelling with odd field names
quoted. Never: decides whether types fit (see `ir/types.py`).
"""

from __future__ import annotations

from typing import Final

from eyeflow.diagnostics import nearest
from eyeflow.ir.text.findings import Refused, shown
from eyeflow.ir.text.strings import quote
from eyeflow.ir.text.vocabulary import is_reserved
from eyeflow.ir.text.words import is_name
from eyeflow.values import (
    JSON,
    NULL,
    SCALARS,
    Field,
    ListOf,
    MapOf,
    Nullable,
    ObjectOf,
    Scalar,
    Span,
    Type,
    nullable,
    spell,
    spell_fields,
)

MAX_DEPTH: Final = 64
_KNOWN: Final = (*SCALARS, "json", "list", "map", "object")
_OTHERS: Final = {
    "str": "string", "text": "string", "int": "integer", "long": "integer", "float": "number", "double": "number",
    "decimal": "number", "bool": "boolean", "datetime": "timestamp", "instant": "timestamp", "any": "json",
    "array": "list<json>", "dict": "map<json>", "binary": "bytes", "void": "null",
}  # fmt: skip


class Word:
    """A type word whose meaning its place decides: `celsius` in `number<celsius>`, `string` elsewhere."""

    __slots__ = ("span", "text")

    def __init__(self, text: str, span: Span) -> None:
        self.text, self.span = text, span


def resolve(piece: Type | Word) -> Type:
    """The type a piece stands for. Raises: Refused `unknown_type`."""
    if not isinstance(piece, Word):
        return piece
    if piece.text in SCALARS:
        return Scalar(piece.text)
    if piece.text in ("json", "null"):
        return JSON if piece.text == "json" else NULL
    if piece.text == "object":
        return ObjectOf(())
    hint = {"list": "write list<T>, for example list<string>", "map": "write map<T>, for example map<json>"}
    raise _unknown(piece, hint.get(piece.text, ""))


def generic(outer: Word, inner: Type | Word) -> Type:
    """`outer<inner>`. Raises: Refused `unknown_type`."""
    if outer.text in ("integer", "number"):
        if isinstance(inner, Word):
            return Scalar(outer.text, inner.text)
        raise Refused(
            "unknown_type", f"`{outer.text}<...>` takes a unit", outer.span, "write a unit, as in number<celsius>"
        )
    if outer.text in ("list", "map"):
        item = resolve(inner)
        return ListOf(item) if outer.text == "list" else MapOf(item)
    if outer.text in _KNOWN:
        raise Refused("unknown_type", f"`{outer.text}` takes no `<...>`", outer.span, f"write {outer.text}")
    raise _unknown(outer, "")


def record(outer: Word, fields: tuple[Field, ...]) -> Type:
    """`object{...}`. Raises: Refused `unknown_type`."""
    if outer.text != "object":
        raise _unknown(outer, "write object{name: type}")
    return ObjectOf(fields)


def _unknown(word: Word, hint: str) -> Refused:
    if not hint:
        close = nearest(word.text, _KNOWN, limit=1)
        best = _OTHERS.get(word.text.lower()) or (close[0] if close else "")
        hint = f"did you mean {best}?" if best else f"types are {', '.join(_KNOWN)}"
    return Refused("unknown_type", f"`{shown(word.text)}` is no type", word.span, hint)


def bounded(of: Type) -> Type:
    """`of`, unless it nests deeper than `MAX_DEPTH`. Raises: Refused `too_deep`."""
    level: list[Type] = [of]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return of
    raise Refused("too_deep", f"the type nests more than {MAX_DEPTH} deep", Span(0, 0), "use json for the inner part")


def _inner(of: Type) -> tuple[Type, ...]:
    match of:
        case ListOf(inner) | MapOf(inner) | Nullable(inner):
            return (inner,)
        case ObjectOf(fields):
            return tuple(field.type for field in fields)
    return ()


def print_type(of: Type) -> str:
    """The type as text that `parse_type` reads back."""
    return spell(of, print_key)


def print_fields(fields: tuple[Field, ...]) -> str:
    """`{a: T, b?: T}`."""
    return spell_fields(fields, print_key)


def print_key(name: str) -> str:
    """A field's or entry's name, quoted unless it is one plain name."""
    return name if is_name(name) and not is_reserved(name) else quote(name)


def strip_type(of: Type) -> Type:
    """`of` without what text does not spell of a field (formats, lengths, entities, descriptions)."""
    match of:
        case ListOf(item):
            return ListOf(strip_type(item))
        case MapOf(value):
            return MapOf(strip_type(value))
        case Nullable(inner):
            return nullable(strip_type(inner))
        case ObjectOf(fields):
            return ObjectOf(tuple(Field(f.name, strip_type(f.type), required=f.required) for f in fields))
    return of
