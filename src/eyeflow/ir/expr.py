"""Expressions of LLM-IR as a tree.

Knows: the node kinds. In: nothing (`text` parses them, `check` types them). Out: frozen structs.
Never: evaluates.

One tree serves both ends: the parser leaves `type` None, the checker returns the same tree with every `type` set
and with `Convert` nodes put where a unit or representation changes. `Convert` never has a spelling of its own.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from eyeflow.values import Span, Type


class Lit(msgspec.Struct, frozen=True, omit_defaults=True, tag="lit", tag_field="node"):
    """A literal: null, boolean, integer, number or text; `unit` as written (`30 days`, `86 fahrenheit`, `500 usd`)."""

    value: None | bool | int | float | str
    unit: str | None = None
    type: Type | None = None
    span: Span | None = None


class Ref(msgspec.Struct, frozen=True, omit_defaults=True, tag="ref", tag_field="node"):
    """A path from a root name: `weather_data.temp`, `rows.0.name`. Roots: `trigger`, `input`, `me`, `now`, a loop or
    binder item, an earlier OUTPUT."""

    root: str
    path: tuple[str | int, ...] = ()
    type: Type | None = None
    span: Span | None = None


class Call(msgspec.Struct, frozen=True, omit_defaults=True, tag="call", tag_field="node"):
    """A function of `functions.TABLE` by its canonical upper-case name; infix operators parse to these too."""

    name: str
    args: tuple[Expr, ...]
    type: Type | None = None
    span: Span | None = None


class Bind(msgspec.Struct, frozen=True, omit_defaults=True, tag="bind", tag_field="node"):
    """A function that names its item: `FILTER(deals, d, GT(d.amount, 100))`. `rest`: arguments after the body."""

    name: str
    source: Expr
    item: str
    body: Expr
    rest: tuple[Expr, ...] = ()
    type: Type | None = None
    span: Span | None = None


class Template(msgspec.Struct, frozen=True, omit_defaults=True, tag="template", tag_field="node"):
    """Text with `{name.path}` places; text parts are already unescaped. Two text parts never touch; no part is ""."""

    parts: tuple[str | Ref, ...]
    type: Type | None = None
    span: Span | None = None


class ListExpr(msgspec.Struct, frozen=True, omit_defaults=True, tag="list", tag_field="node"):
    """`[a, b]`."""

    items: tuple[Expr, ...]
    type: Type | None = None
    span: Span | None = None


class Entry(msgspec.Struct, frozen=True):
    """One `name: value` of an object, of PARAMS, HEADERS, QUERY."""

    name: str
    value: Expr


class ObjectExpr(msgspec.Struct, frozen=True, omit_defaults=True, tag="object", tag_field="node"):
    """`{a: x, b: y}`, entries in written order, names unique."""

    entries: tuple[Entry, ...]
    type: Type | None = None
    span: Span | None = None


class Convert(msgspec.Struct, frozen=True, omit_defaults=True, tag="convert", tag_field="node"):
    """Inserted by the checker: `value` as `type`. Kinds: `unit` (exact rational, 6 places half-even), `render`
    (to text by the template rules), `parse` (text to date, time, timestamp, duration), `check` (json or nullable
    data must have `type`, else `type_mismatch` at run time), `widen` (integer to number)."""

    value: Expr
    how: str
    type: Type
    span: Span | None = None


Expr: TypeAlias = Lit | Ref | Call | Bind | Template | ListExpr | ObjectExpr | Convert
