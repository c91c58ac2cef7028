"""What the tree of an expression says about its encoding.

Knows: its size, what it reads, and how often. In: typed expressions. Out: yes or no. Never: builds a formula.
"""

from __future__ import annotations

from typing import Final

from eyeflow.ir.check.tree import children
from eyeflow.ir.expr import Call, Expr, Ref

MAX_NODES: Final = 2_000
"""A larger condition is one unknown."""

_JOURNALED: Final = frozenset(("NOW", "UUID"))


def small(expr: Expr) -> bool:
    """True when `expr` is small enough for the solver to look into."""
    stack, seen = [expr], 0
    while stack:
        seen += 1
        if seen > MAX_NODES:
            return False
        stack.extend(children(stack.pop()))
    return True


def journaled(expr: Expr) -> bool:
    """True when `expr` reads the clock or makes an id: it is another value at each place."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Call) and node.name in _JOURNALED:
            return True
        stack.extend(children(node))
    return False


def apart(expr: Expr) -> bool:
    """True when no path is read twice: `SUB(x, x)` is not any number."""
    stack, paths = [expr], []
    while stack:
        node = stack.pop()
        if isinstance(node, Ref):
            paths.append((node.root, node.path))
        stack.extend(children(node))
    return len(set(paths)) == len(paths)
