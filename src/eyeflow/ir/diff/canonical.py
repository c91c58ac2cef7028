"""Expressions spelled so that equal meaning is equal text, and as people read them.

Knows: which functions do not care about the order of their arguments, which mirror each other. In: a checked
expression and what its names are called on the other side. Out: text. Never: calls two things equal that may differ
for some input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from eyeflow import units
from eyeflow.ir.check.constants import Unknown, constant
from eyeflow.ir.check.tree import type_of
from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.text import print_expression
from eyeflow.values import STRING, Scalar, Value, non_null

Names = Mapping[str, str]
"""What a root name is called on the other side; names that are not here are called the same."""

MAX_SHOWN: Final = 160
"""Characters of an expression that a sentence quotes."""

_ANY_ORDER: Final = frozenset({"AND", "OR", "EQ", "NE"})
_COMPARED: Final = frozenset({"EQ", "NE", "GT", "GE", "LT", "LE"})
_MIRRORED: Final = {"LT": "GT", "LE": "GE"}


class Speller:
    """Spells the expressions of one side. `zone` is the task's: constants of time are read in it."""

    def __init__(self, names: Names, zone: str, depth: int = 0) -> None:
        self.names = names
        self.zone = zone
        self._depth = depth

    def also(self, names: Names) -> Speller:
        """This one, which knows `names` too."""
        return Speller({**self.names, **names}, self.zone, self._depth)

    def key(self, expr: Expr | None) -> str:
        """Equal text means equal value, for every input."""
        if expr is None:
            return ""
        value = constant(expr, self.zone)
        if not isinstance(value, Unknown):
            return _constant(value, expr)
        match expr:
            case Ref(root=root, path=path):
                return ".".join(map(_quoted, (self.names.get(root, root), *path)))
            case Template(parts=parts):
                return self._template(parts)
            case Convert():
                return self._convert(expr)
            case Call(name=name, args=args):
                return self._call(name, args)
            case Bind():
                return self._bind(expr)
            case ListExpr(items=items):
                return f"[{', '.join(map(self.key, items))}]"
            case ObjectExpr(entries=entries):
                return "{" + ", ".join(sorted(f"{_quoted(e.name)}: {self.key(e.value)}" for e in entries)) + "}"
            case Lit():
                return _constant(expr.value, expr)

    def shown(self, expr: Expr | None) -> str:
        """As LLM-IR writes it, with the other side's names."""
        if expr is None:
            return ""
        text = print_expression(_renamed(expr, self.names))
        return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."

    def _template(self, parts: tuple[str | Ref, ...]) -> str:
        if len(parts) == 1 and isinstance(parts[0], Ref):
            return self._as_text(parts[0])
        return "text(" + ", ".join(_quoted(p) if isinstance(p, str) else self._as_text(p) for p in parts) + ")"

    def _as_text(self, expr: Expr) -> str:
        key = self.key(expr)
        return key if expr.type is not None and non_null(expr.type) == STRING else f"text({key})"

    def _convert(self, expr: Convert) -> str:
        inner = self.key(expr.value)
        match expr.how:
            case "render":
                return self._as_text(expr.value)
            case "unit" | "parse":
                return f"{expr.how}({inner}, {_unit(expr)})"
            case _:
                return inner

    def _call(self, name: str, args: tuple[Expr, ...]) -> str:
        if name == "NOT" and isinstance(args[0], Call) and args[0].name == "NOT":
            return self.key(args[0].args[0])
        keys = [self.key(arg) for arg in args]
        if name in _COMPARED and len(args) == 4:
            keys = self._in_one_unit(args)
        if name in _MIRRORED:
            name, keys = _MIRRORED[name], keys[::-1]
        if name in _ANY_ORDER:
            keys.sort()
        return f"{name}({', '.join(keys)})"

    def _in_one_unit(self, args: tuple[Expr, ...]) -> list[str]:
        """Both sides of a comparison whose units differ, constants counted in the unit of the first."""
        first, second = (str(unit.value) for unit in args[2:] if isinstance(unit, Lit))
        value = constant(args[1], self.zone)
        if isinstance(value, int | float):
            exact = units.exact(value, second, first)
            same = exact.numerator if exact.denominator == 1 else exact
            return [self.key(args[0]), f"{same!r}<{first}>"]
        return [f"in {unit}({self.key(arg)})" for arg, unit in zip(args, (first, second), strict=False)]

    def _bind(self, expr: Bind) -> str:
        item = f"item {self._depth}"
        inner = Speller({**self.names, expr.item: item}, self.zone, self._depth + 1)
        keys = (self.key(expr.source), inner.key(expr.body), *map(self.key, expr.rest))
        return f"{expr.name}({', '.join(keys)})"


def _constant(value: Value, expr: Expr) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    unit = _unit(expr)
    return f"{value!r}<{unit}>" if unit else repr(value)


def _unit(expr: Expr) -> str:
    of = non_null(type_of(expr)) if expr.type is not None else None
    return (of.unit or "") if isinstance(of, Scalar) else ""


def _quoted(part: str | int) -> str:
    return str(part) if isinstance(part, int) or part.isidentifier() else repr(part)


def _renamed(expr: Expr, names: Names) -> Expr:
    """`expr` with the other side's root names; an item that a binder names keeps its own."""
    if not names:
        return expr
    match expr:
        case Ref(root=root):
            return msgspec.structs.replace(expr, root=names.get(root, root))
        case Template(parts=parts):
            held = tuple(p if isinstance(p, str) else msgspec.structs.replace(p, root=names.get(p.root, p.root))
                         for p in parts)  # fmt: skip
            return msgspec.structs.replace(expr, parts=held)
        case Call(args=args):
            return msgspec.structs.replace(expr, args=tuple(_renamed(arg, names) for arg in args))
        case Bind(source=source, item=item, body=body, rest=rest):
            inside = {name: said for name, said in names.items() if name != item}
            return msgspec.structs.replace(
                expr, source=_renamed(source, names), body=_renamed(body, inside),
                rest=tuple(_renamed(each, names) for each in rest),
            )  # fmt: skip
        case ListExpr(items=items):
            return msgspec.structs.replace(expr, items=tuple(_renamed(each, names) for each in items))
        case ObjectExpr(entries=entries):
            held_entries = tuple(Entry(each.name, _renamed(each.value, names)) for each in entries)
            return msgspec.structs.replace(expr, entries=held_entries)
        case Convert(value=value):
            return msgspec.structs.replace(expr, value=_renamed(value, names))
        case _:
            return expr
