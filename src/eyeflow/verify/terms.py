"""What conditions are made of on the solver's side: symbols, terms, truths.

Knows: the shapes that hold solver formulas. In: nothing. Out: structs.
Never: builds formulas (`encode` does), asks the solver (`solve` does).

The solver's Python binding has no static types, so a formula is `Formula` everywhere in this room.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal, TypeAlias

import msgspec

from eyeflow.ir.expr import Expr
from eyeflow.values import Field, Type

Formula: TypeAlias = Any
"""A solver expression; the binding declares none of its own."""

Kind: TypeAlias = Literal["int", "real", "text", "bool", "json", "moment", "null", "thing"]
"""`moment`: dates (days), times, timestamps and durations (microseconds) as whole numbers. `thing`: not looked into."""

Origin: TypeAlias = Literal["given", "measured", "opaque"]
"""`given` is data from outside. `measured` is a computed number that any value may be expected of (a sum, a count).
`opaque` is what this room does not look into: claims that something is impossible stay true, examples are not given."""


Path: TypeAlias = tuple[int, tuple[str | int, ...]]
"""A root's key, and the steps from there."""


class Root(msgspec.Struct, frozen=True):
    """A name in scope: `key` tells it from equal names of other scopes, `type` is what is declared of it."""

    key: int
    type: Type | None


class Symbol(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One unknown. `value` is its solver constant; of json data the number in it, with `text`, `flag` and `tag` beside
    it (`encode.TAGS`). `null` is true when it is missing. `low`, `high`, `enum` are what the catalog declares."""

    said: str
    kind: Kind
    scalar: str
    value: Formula
    null: Formula
    origin: Origin = "given"
    path: Path | None = None
    text: Formula = None
    flag: Formula = None
    tag: Formula = None
    unit: str | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    enum: tuple[str, ...] = ()


class Term(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A value: defined when `ok` holds, missing when `null` holds. `symbol`: it is that symbol and nothing else.
    `number`: it is this constant."""

    kind: Kind
    scalar: str
    value: Formula
    null: Formula
    ok: Formula
    symbol: Symbol | None = None
    number: Fraction | None = None


class Truth(msgspec.Struct, frozen=True, eq=False):
    """When a condition is true, when false, when missing; in every other case evaluating it is an error."""

    true: Formula
    false: Formula
    null: Formula


class Encoded(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A whole condition. `vague`: an example found for it need not be real. `points`: the constants each symbol is
    compared with, for the symbols that nothing else is done to."""

    expr: Expr
    true: Formula
    false: Formula
    symbols: tuple[Symbol, ...]
    vague: bool
    points: dict[Symbol, tuple[Fraction, ...]]
    literals: tuple[str, ...] = ()
    measured: bool = False
    """True when a constant in it is written with a unit: then people want units in examples."""


class Fact(msgspec.Struct, frozen=True, eq=False):
    """What holds where one stands: a condition that was true, or one that was false; `origin` says whose it is."""

    condition: Encoded
    holds: bool
    origin: str

    @property
    def formula(self) -> Formula:
        """The solver's form of it."""
        return self.condition.true if self.holds else self.condition.false


class Declared(msgspec.Struct, frozen=True):
    """What is known of a path from its declaration."""

    type: Type | None = None
    field: Field | None = None
    missing: bool = True
    """True when it may be missing, as far as is declared."""
