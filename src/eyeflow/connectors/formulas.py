"""The LLM-IR expressions of a service file (`ok`, `let`, `result`, `value`), prepared once as functions of a call.

Knows: which roots such an expression may read. In: expression text. Out: `Formula`. Never: a second evaluator: the
one of `ir` is used, with `json` for everything a service or caller hands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from eyeflow.connectors.templates import Roots
from eyeflow.errors import CallError
from eyeflow.ir.check import check_expression
from eyeflow.ir.evaluate import expression_closure
from eyeflow.ir.expr import Bind, Call, Entry, Expr, ListExpr, ObjectExpr, Ref
from eyeflow.ir.text.expressions import parse_expression
from eyeflow.values import JSON, TIMESTAMP, Type, Value

Formula: TypeAlias = Callable[[Roots], Value]

CALL_ROOTS: Final = ("params", "let", "steps", "status", "headers", "body", "items", "page", "rows")
"""What the expressions of a mapping may read."""

_UTC: Final = ZoneInfo("UTC")

NOW_ROOT: Final = "now"
"""A root that stands in for NOW(), so that the clock is the caller's; the result of the call is what a run records."""


def formula(text: str, roots: tuple[str, ...] = CALL_ROOTS) -> Formula:
    """`text` as a function of the values of a call; a root that is not there yet is null. The same text is prepared
    once per process.

    Raises: CallError (permanent, `bad_mapping`) for text that is no expression over `roots`.
    """
    return _formula(text, roots)


@lru_cache(maxsize=4096)
def _formula(text: str, roots: tuple[str, ...]) -> Formula:
    parsed, found = parse_expression(text)
    checked = None
    types: dict[str, Type] = {root: TIMESTAMP if root == NOW_ROOT else JSON for root in roots}
    if parsed is not None:
        checked, found = check_expression(_clocked(parsed) if NOW_ROOT in roots else parsed, types)
    if checked is None or not found.ok:
        said = found.errors[0].message if found.errors else "it is no expression"
        raise CallError("permanent", "bad_mapping", f"the catalog's expression {text[:80]!a}: {said}")
    used = tuple(root for root in roots if re.search(rf"\b{root}\b", text))  # at the most: a text may hold its name
    if NOW_ROOT in roots and NOW_ROOT not in used:
        used = (*used, NOW_ROOT)  # spelled NOW()
    if isinstance(checked, Ref) and types[checked.root] is JSON:
        return _path(checked.root, checked.path)
    run = expression_closure(checked, used, _UTC, types)
    if len(used) == 1:
        only = used[0]
        return lambda values: run(values.get(only))
    return lambda values: run(*[values.get(root) for root in used])


def _path(root: str, path: tuple[str | int, ...]) -> Formula:
    """What most mappings read: a place inside an answer. It gives what the evaluator gives, since all is json here."""
    if not path:
        return lambda values: values.get(root)
    if len(path) == 1 and isinstance(path[0], str):
        name = path[0]

        def field(values: Roots) -> Value:
            held = values.get(root)
            return held.get(name) if type(held) is dict else None

        return field

    def inside(values: Roots) -> Value:
        held = values.get(root)
        for step in path:
            if isinstance(step, str):
                held = held.get(step) if type(held) is dict else None
            elif isinstance(held, list | tuple) and 0 <= step < len(held):
                held = held[step]
            else:
                return None
        return held

    return inside


def outline(spelled: str, roots: tuple[str, ...] = CALL_ROOTS) -> Formula:
    """The `result` of a mapping, from its JSON text, as one function of the values of a call, which raises as
    expressions do. Raises: CallError as `formula`."""
    tree: Value = msgspec.json.decode(spelled)
    return _outline(tree, roots)


def _outline(tree: Value, roots: tuple[str, ...]) -> Formula:
    if isinstance(tree, dict):
        fields = tuple((name, _outline(item, roots)) for name, item in tree.items())
        return lambda values: {name: read(values) for name, read in fields}
    if isinstance(tree, list):
        items = tuple(_outline(item, roots) for item in tree)
        return lambda values: [read(values) for read in items]
    return formula(tree if isinstance(tree, str) else msgspec.json.encode(tree).decode(), roots)


def _clocked(expr: Expr) -> Expr:
    """`expr` with every NOW() read from the root `now`. The parser bounds the depth, so recursion is."""
    match expr:
        case Call("NOW", ()):
            return Ref(NOW_ROOT, span=expr.span)
        case Call():
            return msgspec.structs.replace(expr, args=tuple(map(_clocked, expr.args)))
        case Bind():
            return msgspec.structs.replace(
                expr, source=_clocked(expr.source), body=_clocked(expr.body), rest=tuple(map(_clocked, expr.rest))
            )
        case ListExpr():
            return msgspec.structs.replace(expr, items=tuple(map(_clocked, expr.items)))
        case ObjectExpr():
            entries = tuple(Entry(entry.name, _clocked(entry.value)) for entry in expr.entries)
            return msgspec.structs.replace(expr, entries=entries)
        case _:
            return expr
