"""Making a typed expression fit the type its place wants.

Knows: which types a place takes as they are, which by a conversion, which never. In: a typed expression and a type.
Out: the expression, with `Convert` nodes where something changes; or a finding. Never: infers types.

- `T` fits `T?`; `T?` never fits `T` (COALESCE, a guard, or an optional parameter), except json, which is checked.
- json is checked at run time (`check`), text is read as date, time, timestamp, duration (`parse`), a date is the
  midnight of the task's zone where a timestamp is wanted. An integer is a number (`widen`).
- A bare number takes the unit of its place; compatible units convert (`unit`); incompatible ones are an error.
- A string place takes text only: another value is written as a template, `"{x}"`.
- A larger object fits a smaller one; literals of lists and objects fit item by item.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow import units
from eyeflow.diagnostics import Fix, nearest
from eyeflow.ir.check.constants import NotAValue, constant
from eyeflow.ir.check.findings import Findings, meant
from eyeflow.ir.check.tree import type_of
from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.types import is_time_unit
from eyeflow.values import (
    BOOLEAN,
    BYTES,
    DATE,
    DURATION,
    INTEGER,
    NUMBER,
    STRING,
    TIMESTAMP,
    Json,
    ListOf,
    MapOf,
    Null,
    Nullable,
    ObjectOf,
    Scalar,
    Type,
    is_numeric,
    non_null,
    spell,
)

_ITEM: Final = "item"


class Fitter:
    """Fits expressions; findings go to `found`, constants are read in `zone`."""

    def __init__(self, found: Findings, zone: str) -> None:
        self.found = found
        self.zone = zone

    def fit(self, expr: Expr, want: Type, place: str, *, render: bool = False) -> Expr | None:
        """`expr` as `want`, or None after a finding that names `place`. `render`: text may be made of anything."""
        done = self._fit(expr, want, place, render=render)
        if done is not None and isinstance(done, Convert):
            try:
                constant(done, self.zone)
            except NotAValue as error:
                return self._no("bad_constant", f"{place}: {error}", expr)
        return done

    def _no(self, code: str, message: str, expr: Expr, hint: str = "", fix: Fix | None = None) -> Expr | None:
        self.found.add(code, message, hint=hint, span=expr.span, fix=fix)
        return None

    def _fit(self, expr: Expr, want: Type, place: str, *, render: bool) -> Expr | None:
        have = type_of(expr)
        if have == want or isinstance(non_null(want), Json):
            return self._into_json(expr, want, place)
        if render and non_null(want) == STRING:
            return self._rendered(expr, place)
        if isinstance(have, Null):
            return expr if isinstance(want, Nullable) else self._null(expr, want, place)
        if isinstance(want, Nullable):
            if isinstance(have, Nullable):
                return self._inside(expr, have.of, want, place)
            return self._fit(expr, want.of, place, render=render)
        if isinstance(have, Nullable):
            if isinstance(have.of, Json):
                return Convert(expr, "check", want, expr.span)
            return self._null(expr, want, place)
        return self._plain(expr, have, want, place, render=render)

    def _into_json(self, expr: Expr, want: Type, place: str) -> Expr | None:
        """Any data is json; null is data too, so a json place takes it."""
        have = type_of(expr)
        if have == BYTES and want != BYTES:
            return self._no("type_mismatch", f"{place} takes data, not bytes", expr, "BASE64 makes text of bytes")
        return expr

    def _inside(self, expr: Expr, have: Type, want: Nullable, place: str) -> Expr | None:
        """`S?` as `T?`: every conversion leaves null alone."""
        if isinstance(have, Json):
            return Convert(expr, "check", want, expr.span)
        shadow = msgspec.structs.replace(expr, type=have)
        done = self._plain(shadow, have, want.of, place, render=False)
        if done is None:
            return None
        if done is shadow:
            return expr
        if isinstance(done, Convert) and done.value is shadow:
            return Convert(expr, done.how, want, expr.span)
        return self._null(expr, want.of, place)

    def _plain(self, expr: Expr, have: Type, want: Type, place: str, *, render: bool) -> Expr | None:
        if isinstance(have, Json):
            return Convert(expr, "check", want, expr.span)
        if isinstance(have, Scalar) and isinstance(want, Scalar):
            return self._scalar(expr, have, want, place)
        if isinstance(want, ListOf) and isinstance(have, ListOf):
            return self._list(expr, have, want, place, render=render)
        if isinstance(want, ObjectOf):
            if isinstance(expr, ObjectExpr):
                return self._object_literal(expr, want, place)
            if isinstance(have, ObjectOf):
                return self._object(expr, have, want, place)
        if isinstance(want, MapOf):
            return self._map(expr, have, want, place)
        return self._mismatch(expr, have, want, place)

    def _scalar(self, expr: Expr, have: Scalar, want: Scalar, place: str) -> Expr | None:
        if have == want:
            return expr
        if is_numeric(have) and is_numeric(want):
            return self._number(expr, have, want, place)
        if want == DURATION and is_time_unit(have.unit):
            one = Lit(1, have.unit, DURATION)
            return Call("MUL", (one, expr), DURATION, expr.span)
        if have == DURATION and is_numeric(want) and is_time_unit(want.unit):
            return self._counted(expr, want, place)
        if have == STRING and want.name in ("date", "time", "timestamp", "duration", "bytes"):
            return Convert(expr, "parse", want, expr.span)
        if have == DATE and want == TIMESTAMP:
            return Convert(Convert(expr, "render", STRING, expr.span), "parse", TIMESTAMP, expr.span)
        return self._mismatch(expr, have, want, place)

    def _counted(self, expr: Expr, want: Scalar, place: str) -> Expr | None:
        """A duration where a number of seconds, minutes ... is wanted."""
        if isinstance(expr, Lit) and expr.unit is not None and want.unit is not None:
            assert isinstance(expr.value, int | float), "a literal with a unit is a number"
            kind = "integer" if isinstance(expr.value, int) else "number"
            bare = msgspec.structs.replace(expr, type=Scalar(kind, expr.unit))
            return self._number(bare, Scalar(kind, expr.unit), want, place)
        if want.name == "integer":
            return self._mismatch(expr, DURATION, want, place)
        return Call("DIV", (expr, Lit(1, want.unit, DURATION)), want, expr.span)

    def _number(self, expr: Expr, have: Scalar, want: Scalar, place: str) -> Expr | None:
        if have.unit is not None and want.unit is not None and have.unit != want.unit:
            if not units.compatible(have.unit, want.unit):
                hint = "currencies do not convert into each other" if units.is_currency(have.unit) else ""
                return self._no("unit_mismatch", f"{place} counts {want.unit}, not {have.unit}", expr, hint)
            if want.name == "integer" and have.name != "integer" and not isinstance(expr, Lit):
                return self._mismatch(expr, have, want, place)
            return Convert(expr, "unit", want, expr.span)
        if have.name == want.name:
            return self._retyped(expr, want)
        if want.name == "number":
            return self._retyped(expr, want) if isinstance(expr, Lit) else Convert(expr, "widen", want, expr.span)
        if isinstance(expr, Lit) and isinstance(expr.value, float) and expr.value.is_integer():
            return msgspec.structs.replace(expr, value=int(expr.value), type=want)
        return self._mismatch(expr, have, want, place)

    @staticmethod
    def _retyped(expr: Expr, want: Type) -> Expr:
        """The same value under a type that differs only by a unit nobody wrote."""
        return msgspec.structs.replace(expr, type=want)

    def _list(self, expr: Expr, have: ListOf, want: ListOf, place: str, *, render: bool) -> Expr | None:
        if render and isinstance(have.item, Nullable | Null | Json):
            expr, have = _without_nulls(expr, have)
        if isinstance(expr, ListExpr):
            items = [self.fit(item, want.item, f"an item of {place}", render=render) for item in expr.items]
            if any(item is None for item in items):
                return None
            return msgspec.structs.replace(expr, items=tuple(i for i in items if i is not None), type=want)
        if isinstance(have.item, Null):
            return self._retyped(expr, want)
        probe = Ref(_ITEM, (), have.item, expr.span)
        done = self._fit(probe, want.item, f"an item of {place}", render=render)
        if done is None or done is probe:
            return expr if done is not None else None
        if isinstance(done, Ref):
            return self._retyped(expr, want)
        return Bind("MAP", expr, _ITEM, done, (), want, expr.span)

    def _map(self, expr: Expr, have: Type, want: MapOf, place: str) -> Expr | None:
        if isinstance(expr, ObjectExpr):
            entries = []
            for entry in expr.entries:
                value = self.fit(entry.value, want.value, f"{entry.name} of {place}")
                if value is None:
                    return None
                entries.append(Entry(entry.name, value))
            return msgspec.structs.replace(expr, entries=tuple(entries), type=want)
        inside = [have.value] if isinstance(have, MapOf) else None
        if isinstance(have, ObjectOf):
            inside = [f.type if f.required else Nullable(non_null(f.type)) for f in have.fields]
        if inside is None or not all(as_it_is(each, want.value) for each in inside):
            return self._mismatch(expr, have, want, place)
        return expr

    def _object_literal(self, expr: ObjectExpr, want: ObjectOf, place: str) -> Expr | None:
        known = [field.name for field in want.fields]
        entries: list[Entry] = []
        good = True
        for entry in expr.entries:
            field = want.field(entry.name)
            if field is None:
                hint = meant(nearest(entry.name, known), known, "fields")
                self._no("unknown_field", f"{place} has no field `{entry.name[:60]}`", entry.value, hint)
                good = False
                continue
            wanted = field.type if field.required else Nullable(non_null(field.type))
            value = self.fit(entry.value, wanted, f"{entry.name} of {place}")
            good = good and value is not None
            if value is not None:
                entries.append(Entry(entry.name, value))
        given = {entry.name for entry in expr.entries}
        for field in want.fields:
            if field.required and field.name not in given:
                self._no("missing_field", f"{place} needs the field `{field.name}`", expr)
                good = False
        return msgspec.structs.replace(expr, entries=tuple(entries), type=want) if good else None

    def _object(self, expr: Expr, have: ObjectOf, want: ObjectOf, place: str) -> Expr | None:
        for field in want.fields:
            own = have.field(field.name)
            if own is None or (field.required and not own.required):
                if field.required:
                    missing = f"{place} needs the field `{field.name}`, which the value may not have"
                    return self._no("missing_field", missing, expr, f"build it: {{{field.name}: ...}}")
                continue
            if not as_it_is(own.type, field.type if field.required else Nullable(non_null(field.type))):
                return self._mismatch(expr, own.type, field.type, f"{field.name} of {place}")
        return expr

    def _rendered(self, expr: Expr, place: str) -> Expr | None:
        have = type_of(expr)
        if have == STRING:
            return expr
        if non_null(have) == BYTES:
            return self._no("type_mismatch", f"{place} is text, not bytes", expr, "BASE64 makes text of bytes")
        return Convert(expr, "render", STRING, expr.span)

    def _null(self, expr: Expr, want: Type, place: str) -> Expr | None:
        subject = said(expr)
        if isinstance(type_of(expr), Null):
            return self._no("nullable_value", f"{place} must be {spell(want)}, not null", expr)
        hint = f"say what then: COALESCE({subject}, ...); or act only when it is there: WHEN NOT(IS_NULL({subject}))"
        return self._no("nullable_value", f"{subject} may be null, but {place} needs a value", expr, hint)

    def _mismatch(self, expr: Expr, have: Type, want: Type, place: str) -> Expr | None:
        hint, fix = _advice(expr, have, want)
        message = f"{place} must be {spell(want)}, but {said(expr)} is {spell(have)}"
        return self._no("type_mismatch", message, expr, hint, fix)


def _without_nulls(expr: Expr, have: ListOf) -> tuple[Expr, ListOf]:
    """What is rendered item by item leaves null items out."""
    solid = ListOf(non_null(have.item))
    there = Call("NOT", (Call("IS_NULL", (Ref(_ITEM, (), have.item),), BOOLEAN),), BOOLEAN)
    return Bind("FILTER", expr, _ITEM, there, (), solid, expr.span), solid


def as_it_is(have: Type, want: Type) -> bool:
    """True when every value of `have` is one of `want` without any conversion."""
    if have == want or isinstance(non_null(want), Json):
        return True
    match have, want:
        case Null(), Nullable():
            return True
        case Nullable(one), Nullable(other):
            return as_it_is(one, other)
        case _, Nullable(other):
            return as_it_is(have, other)
        case Scalar(one, unit), Scalar(other, other_unit):
            whole = one == other or (one == "integer" and other == "number")
            return whole and (unit is None or other_unit is None or unit == other_unit)
        case ListOf(one), ListOf(other):
            return isinstance(one, Null) or as_it_is(one, other)
        case MapOf(one), MapOf(other):
            return as_it_is(one, other)
        case ObjectOf(), MapOf(other):
            return all(f.required and as_it_is(f.type, other) for f in have.fields)
        case ObjectOf(), ObjectOf():
            return all(_field_as_it_is(have, want, name) for name in (f.name for f in want.fields))
        case _:
            return False


def _field_as_it_is(have: ObjectOf, want: ObjectOf, name: str) -> bool:
    own, field = have.field(name), want.field(name)
    assert field is not None, "asked for a field of its own"
    if own is None:
        return not field.required
    return (own.required or not field.required) and as_it_is(own.type, field.type)


def said(expr: Expr) -> str:
    """An expression in a few words, for messages: names and literals as written, the rest by kind."""
    match expr:
        case Ref(root, path):
            return ".".join([root, *(str(step) for step in path)])[:80]
        case Lit(value, unit):
            shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)[:60]
            return f"{shown} {unit}" if unit else shown
        case Call(name) | Bind(name):
            return f"{name}(...)"
        case Template(parts) if len(parts) == 1 and isinstance(parts[0], Ref):
            return said(parts[0])
        case Template():
            return "the text"
        case ListExpr():
            return "the list"
        case ObjectExpr():
            return "the object"
        case Convert(value=value):
            return said(value)


def _advice(expr: Expr, have: Type, want: Type) -> tuple[str, Fix | None]:
    if want == STRING and not isinstance(have, Scalar) and not isinstance(expr, Ref):
        return "TO_STRING, JOIN or TO_JSON makes text", None
    if want == STRING:
        text = f'"{{{said(expr)}}}"' if isinstance(expr, Ref) else f'"{said(expr)}"'
        if isinstance(expr, Ref | Lit) and expr.span is not None:
            return f"write it as text: {text}", Fix(f"write {text}", expr.span, text)
        return f"write it as text: {text}" if isinstance(expr, Ref | Lit) else "TO_STRING makes text", None
    if have == STRING and is_numeric(want):
        return "TO_NUMBER reads a number from text", None
    if non_null(want) in (INTEGER, Scalar("integer")) and have in (NUMBER, Scalar("number")):
        return "ROUND makes it whole", None
    if want == DURATION and is_numeric(have):
        return "say of what: 30 minutes, 2 hours", None
    if isinstance(have, ListOf) and not isinstance(want, ListOf):
        return "FIRST takes one item, JOIN makes text of all", None
    if isinstance(want, ListOf) and have == want.item:
        return f"put it in a list: [{said(expr)}]", None
    return "", None
