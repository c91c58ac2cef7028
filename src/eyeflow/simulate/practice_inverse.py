"""From a result back to the answer that would give it: the inverse of a mapping, as far as there is one.

Knows: which expressions have an inverse: a path, a MAP over a list into an object, COALESCE and number or text
conversions of those, and EQ and AND in `ok`. In: mapping expressions, wanted results. Out: a body, and in words what
could not be inverted. Never: pretends: a leaf without inverse is named.
"""

from __future__ import annotations

import msgspec

from eyeflow.catalog.model import HttpMapping
from eyeflow.ir.expr import Bind, Call, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.text.expressions import parse_expression, print_expression
from eyeflow.values import Value

_NUMERIC = frozenset({"MUL", "DIV", "ADD", "SUB", "MOD", "ROUND", "GT", "GE", "LT", "LE"})
_THROUGH = frozenset({"COALESCE", "TO_STRING", "TO_NUMBER", "ROUND", "TRIM"})


class Body:
    """A body under construction, and the leaves nobody could invert."""

    def __init__(self) -> None:
        self.value: Value = None
        self.lost: list[str] = []

    def put(self, path: tuple[str | int, ...], value: Value) -> None:
        """Set what is at `path`, making objects and lists on the way."""
        self.value = _put(self.value, path, value)

    def has(self, path: tuple[str | int, ...]) -> bool:
        """True when something is at `path` already."""
        return _at(self.value, path) is not None


def patch_for(mapping: HttpMapping, result: Value) -> Body:
    """The fields of a body that give the fields of `result`, and nothing else."""
    body = Body()
    if mapping.result is None:
        body.value = result
    else:
        _leaves(body, msgspec.json.decode(mapping.result), result, "")
    return body


def body_for(mapping: HttpMapping, result: Value) -> Body:
    """A body from which `mapping` makes `result`, and which its `ok` accepts; gaps are filled so that the leaves
    without inverse at least evaluate."""
    body = Body()
    ok = None if mapping.ok is None else parse_expression(mapping.ok)[0]
    if mapping.result is None:
        body.value = result
    else:
        tree: Value = msgspec.json.decode(mapping.result)
        _leaves(body, tree, result, "")
        for expr in _expressions(tree):
            _fill(body, expr)
    if ok is not None:
        _accept(body, ok)
    if body.value is None:
        body.value = {}
    return body


def _leaves(body: Body, tree: Value, result: Value, at: str) -> None:
    if isinstance(tree, dict):
        for name, item in tree.items():
            if isinstance(result, dict) and name in result:
                _leaves(body, item, result[name], f"{at}.{name}" if at else name)
        return
    if isinstance(tree, str):
        expr = parse_expression(tree)[0]
        if expr is not None and not _invert(body, expr, result) and not _constant(expr):
            body.lost.append(f"{at or 'the result'} is computed ({print_expression(expr)[:80]})")


def _invert(body: Body, expr: Expr, value: Value) -> bool:
    """Set what `expr` reads so that it gives `value`; False when that cannot be known."""
    match expr:
        case Ref("body", path):
            body.put(path, value)
            return True
        case Ref("items", ()):
            return False
        case Call(name, args) if name in _THROUGH and args:
            return _invert(body, args[0], value)
        case Call("NOT", (inner,)) if isinstance(value, bool):
            return _invert(body, inner, not value)
        case Bind("MAP", Ref("body", path), item, shape, ()) if isinstance(value, list):
            made = [_item(shape, item, element) for element in value]
            if any(element is None for element in made):
                return False
            body.put(path, [element.value for element in made if element is not None])
            return True
        case ObjectExpr(entries) if isinstance(value, dict):
            done = [_invert(body, entry.value, value[entry.name]) for entry in entries if entry.name in value]
            return all(done)
        case _:
            return False


def _item(shape: Expr, name: str, value: Value) -> Body | None:
    """One element of a mapped list: the shape's references to the item become references to a body of its own."""
    inner = Body()
    renamed = _renamed(shape, name)
    return inner if _invert(inner, renamed, value) else None


def _renamed(expr: Expr, name: str) -> Expr:
    match expr:
        case Ref(root, path) if root == name:
            return Ref("body", path)
        case Call(called, args):
            return Call(called, tuple(_renamed(arg, name) for arg in args))
        case ObjectExpr(entries):
            return ObjectExpr(tuple(msgspec.structs.replace(e, value=_renamed(e.value, name)) for e in entries))
        case _:
            return expr


def _accept(body: Body, ok: Expr) -> None:
    match ok:
        case Call("AND", args):
            for arg in args:
                _accept(body, arg)
        case Call("OR", args) if args:
            _accept(body, args[0])
        case Call("EQ", (Ref("body", path), Lit(value=value))):
            body.put(path, value)
        case Call("EQ", (Call("COUNT" | "LEN", (Ref("body", path),)), Lit(value=1))) if not body.has(path):
            body.put(path, [{}])
        case _:
            pass


def _fill(body: Body, expr: Expr, *, number: bool = False) -> None:
    """Give every path under `body` that `expr` reads some value, when it has none."""
    match expr:
        case Ref("body", path):
            if path and not body.has(path):
                body.put(path, 1 if number else "practice")
        case Call(name, args):
            for arg in args:
                _fill(body, arg, number=number or name in _NUMERIC)
        case Template(parts):
            for part in parts:
                if isinstance(part, Ref):
                    _fill(body, part)
        case Bind(source=Ref("body", path)):
            if not body.has(path):
                body.put(path, [])
        case ListExpr(items):
            for item in items:
                _fill(body, item, number=number)
        case ObjectExpr(entries):
            for entry in entries:
                _fill(body, entry.value, number=number)
        case _:
            pass


def _expressions(tree: Value) -> list[Expr]:
    if isinstance(tree, dict):
        return [expr for item in tree.values() for expr in _expressions(item)]
    parsed = parse_expression(tree)[0] if isinstance(tree, str) else None
    return [] if parsed is None else [parsed]


def _constant(expr: Expr) -> bool:
    return isinstance(expr, Lit)


def _put(into: Value, path: tuple[str | int, ...], value: Value) -> Value:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(into) if isinstance(into, list) else []
        items += [{}] * (step + 1 - len(items))
        items[step] = _put(items[step], rest, value)
        return items
    fields = dict(into) if isinstance(into, dict) else {}
    fields[step] = _put(fields.get(step), rest, value)
    return fields


def _at(value: Value, path: tuple[str | int, ...]) -> Value:
    for step in path:
        if isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
