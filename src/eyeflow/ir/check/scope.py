"""Names in sight, and what is known about them where one stands.

Knows: the type and origin of each name, which paths cannot be null here, which conditions hold here.
In: names, conditions. Out: narrower scopes; a scope is never changed. Never: reports.

What is known comes from conditions: `NOT(IS_NULL(x))`, `NE(x, null)`, `EQ(x, value)` and `IN(x, list)` that hold, or
`IS_NULL(x)` that does not. An output is null when the WHEN of its action was false, so where all of that WHEN holds
the output is not null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from eyeflow.ir.check.tree import bare, conjuncts
from eyeflow.ir.expr import Call, Convert, Expr, Lit, Ref, Template
from eyeflow.values import Type

PathKey: TypeAlias = tuple[str, tuple[str | int, ...]]


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """One name. `origin` is the service whose data it is; `taints` are services whose secrets are in all of it.

    `guard`: the conditions under which its action ran, when nothing but a false WHEN makes it null.
    `what` says in words what it is.
    """

    type: Type
    origin: str = ""
    taints: frozenset[str] = frozenset()
    guard: tuple[Expr, ...] = ()
    what: str = "a name"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Names by name. `later` are names that exist only further down, for better messages."""

    names: dict[str, Name]
    solid: frozenset[PathKey] = frozenset()
    holding: tuple[Expr, ...] = ()
    later: frozenset[str] = frozenset()

    def having(self, name: str, entry: Name) -> Scope:
        """This scope and one name more; what was known of an outer name it hides is forgotten."""
        solid = frozenset(key for key in self.solid if key[0] != name)
        return msgspec.structs.replace(self, names={**self.names, name: entry}, solid=solid)

    def knowing(self, condition: Expr, *, holds: bool) -> Scope:
        """This scope where `condition` is true, or false."""
        solid = self.solid | frozenset(_prefixes(_solid(condition, holds)))
        holding = (*self.holding, *conjuncts(condition)) if holds else (*self.holding, bare(Call("NOT", (condition,))))
        for name, entry in self.names.items():
            if entry.guard and all(each in holding for each in entry.guard):
                solid |= {(name, ())}
        return msgspec.structs.replace(self, solid=solid, holding=holding)


def scope_of(types: Mapping[str, Type]) -> Scope:
    """A scope of plain names."""
    return Scope(names={name: Name(type=of) for name, of in types.items()})


def _solid(expr: Expr, holds: bool) -> set[PathKey]:
    """Paths that cannot be null when `expr` is true (or false)."""
    if not isinstance(expr, Call):
        return set()
    args = expr.args
    match expr.name, holds:
        case ("NOT", _) if len(args) == 1:
            return _solid(args[0], not holds)
        case ("AND", True) | ("OR", False):
            return {key for arg in args for key in _solid(arg, holds)}
        case ("IS_NULL", False) if len(args) == 1:
            return _keys(args[0])
        case ("NE", True) | ("EQ", False) if len(args) >= 2:
            return _keys(args[0]) if _is_null(args[1]) else _keys(args[1]) if _is_null(args[0]) else set()
        case ("EQ", True) if len(args) >= 2:
            return (_keys(args[0]) if _is_known(args[1]) else set()) | (_keys(args[1]) if _is_known(args[0]) else set())
        case ("IN", True) if len(args) == 2:
            return _keys(args[0]) if _without_null(args[1]) else set()
        case ("GT" | "GE" | "LT" | "LE" | "CONTAINS" | "STARTS_WITH" | "ENDS_WITH" | "MATCHES", True):
            return {key for arg in args for key in _keys(arg)}
        case _:
            return set()


def _keys(expr: Expr) -> set[PathKey]:
    if isinstance(expr, Convert):
        return _keys(expr.value)
    if isinstance(expr, Template) and len(expr.parts) == 1 and isinstance(expr.parts[0], Ref):
        expr = expr.parts[0]
    return {(expr.root, expr.path)} if isinstance(expr, Ref) else set()


def _is_null(expr: Expr) -> bool:
    return isinstance(expr, Lit) and expr.value is None


def _is_known(expr: Expr) -> bool:
    if isinstance(expr, Template):
        return all(isinstance(part, str) for part in expr.parts)
    return isinstance(expr, Lit) and expr.value is not None


def _without_null(expr: Expr) -> bool:
    items = getattr(expr, "items", None)
    return isinstance(items, tuple) and all(_is_known(item) for item in items)


def _prefixes(keys: set[PathKey]) -> set[PathKey]:
    return {(root, path[:length]) for root, path in keys for length in range(len(path) + 1)}
