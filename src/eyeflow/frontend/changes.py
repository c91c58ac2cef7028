"""How far something moved: `moved more than 2%` is either way, `fell more than 2%` below minus two.

Knows: verbs of change (`data/lists.yaml`) and the fields that hold one, up positive and down negative. In: a comparison
that was read, the words before it. Out: the same with its direction. Never: turns a value that is no change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.truths import Atom

_DIRECTED: Final = frozenset({"up", "down", "upwards", "downwards", "to"})
_THAT_DAY: Final = frozenset({"day", "today"})
_OPPOSITE: Final = {"GT": "LT", "GE": "LE"}


def told(atom: Atom, op: str, items: Sequence[Item], end: int) -> Atom:
    """`atom` as the words before position `end` say the change goes."""
    if op not in _OPPOSITE or atom.subject is None:
        return atom
    expr = atom.subject[0]
    verbs = {i.lower: i.index for i in items[:end]}
    signed = "change" in expr.rpartition(".")[2].split("_")
    if verbs.keys() & words("lists", "moves") and not verbs.keys() & _DIRECTED:
        atom = msgspec.structs.replace(atom, expr=atom.expr.replace(f"{op}({expr}, ", f"{op}(ABS({expr}), "))
    if not signed:
        return atom
    falling, rising = verbs.keys() & words("lists", "falls"), verbs.keys() & words("lists", "rises")
    if falling and not rising:
        turned = re.sub(rf"{op}\({re.escape(expr)}, ", f"{_OPPOSITE[op]}({expr}, -", atom.expr)
        atom = msgspec.structs.replace(atom, expr=turned)
    known = {verbs[word] for word in falling | rising}
    known |= {i.index for i in items[end:] if i.lower in _THAT_DAY}
    left = tuple(i for i in atom.unexplained if i not in known)
    return msgspec.structs.replace(atom, unexplained=left, scope=atom.scope.explain(known))
