"""Where secrets may flow.

Knows: which data is secret and from which service it came. In: typed expressions and their scope. Out: the services
whose secrets a value holds. Never: follows control flow: what a condition decides is not counted as a leak.

A field marked `secret` taints what is made of it. An object that has secret fields may be passed on by the functions
that keep its type; it counts as secret where its content is written out (a template, JSON text) or handed over.
"""

from __future__ import annotations

from typing import Final

from eyeflow.ir.check.scope import Name, Scope
from eyeflow.ir.check.tree import children, type_of
from eyeflow.ir.expr import Bind, Call, Expr, ListExpr, Lit, ObjectExpr, Ref
from eyeflow.ir.types import holds_secret, item_of
from eyeflow.values import ListOf, MapOf, Nullable, ObjectOf, Type, non_null

_SILENT: Final = frozenset({"IS_NULL", "COUNT", "LEN", "KEYS"})
_KEEPING: Final = frozenset({"FIRST", "LAST", "TOP", "SLICE", "UNIQUE", "COALESCE", "IF", "MERGE", "CONCAT", "FILTER",
                             "SORT_BY", "GROUP_BY", "MAP"})  # fmt: skip


def held(expr: Expr, scope: Scope) -> frozenset[str]:
    """The services whose secrets the value of `expr` holds, inside its fields too."""
    return flowing(expr, scope) | (_origins(expr, scope) if holds_secret(type_of(expr)) else frozenset())


def flowing(expr: Expr, scope: Scope) -> frozenset[str]:
    """The services whose secrets `expr` is made of, beside those that its type marks."""
    match expr:
        case Lit():
            return frozenset()
        case Ref():
            return _path(expr, scope)
        case Call(name=name) if name in _SILENT:
            return frozenset()
        case Bind(name, source, item, body, rest):
            inner = scope.having(item, _item(source, scope))
            inside = frozenset() if name in _SILENT else flowing(body, inner)
            return flowing(source, scope) | inside | _all(rest, scope, whole=False)
        case Call(name=name, args=args):
            return _all(args, scope, whole=name not in _KEEPING)
        case ObjectExpr() | ListExpr():
            return _all(children(expr), scope, whole=False)
        case _:
            return _all(children(expr), scope, whole=True)


def _all(exprs: tuple[Expr, ...], scope: Scope, *, whole: bool) -> frozenset[str]:
    look = held if whole else flowing
    return frozenset(origin for expr in exprs for origin in look(expr, scope))


def _item(source: Expr, scope: Scope) -> Name:
    origins = sorted(_origins(source, scope))
    item = item_of(non_null(type_of(source)))
    assert item is not None, "a binder's source has items"
    return Name(type=item, origin=origins[0] if origins else "", taints=flowing(source, scope))


def _path(ref: Ref, scope: Scope) -> frozenset[str]:
    entry = scope.names.get(ref.root)
    if entry is None:
        return frozenset()
    found = set(entry.taints)
    of: Type = non_null(entry.type)
    for step in ref.path:
        match of:
            case ObjectOf():
                field = of.field(str(step))
                if field is None:
                    break
                if field.secret:
                    found.add(entry.origin)
                of = non_null(field.type)
            case ListOf(inner) | MapOf(inner) | Nullable(inner):
                of = non_null(inner)
            case _:
                break
    return frozenset(found)


def _origins(expr: Expr, scope: Scope) -> frozenset[str]:
    """Where the data of `expr` comes from, whatever it is made into."""
    found: set[str] = set()
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Ref) and node.root in scope.names:
            entry = scope.names[node.root]
            found |= {entry.origin, *entry.taints}
        stack.extend(children(node))
    return frozenset(found)
