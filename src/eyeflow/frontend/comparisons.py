"""How comparisons are said: `data/comparisons.yaml` as a matcher.

Knows: comparison phrases and the operation of each. In: lower-case words. Out: `Comparison`s with their place.
Never: looks at what is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import msgspec
import yaml


class Comparison(msgspec.Struct, frozen=True):
    """`op` at words `[start, end)`. `weak` for `is` and its kin, which yield to a stronger one after them."""

    op: str
    start: int
    end: int
    weak: bool


@cache
def _table() -> dict[str, tuple[tuple[tuple[str, ...], str], ...]]:
    text = files("eyeflow.frontend").joinpath("data", "comparisons.yaml").read_text(encoding="utf-8")
    loaded = yaml.load(text, Loader=yaml.CBaseLoader)
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for op, said in loaded.items():
        for phrase in said:
            parts = tuple(str(phrase).split())
            found.setdefault(parts[0], []).append((parts, str(op)))
    return {first: tuple(sorted(group, key=lambda e: (-len(e[0]), e))) for first, group in found.items()}


def at(lowered: Sequence[str], start: int) -> Comparison | None:
    """The longest comparison phrase at word `start`, or None."""
    for parts, op in _table().get(lowered[start], ()):
        if tuple(lowered[start : start + len(parts)]) == parts:
            weak = op in ("EQ", "NE", "PRESENT") or (op == "EMPTY" and parts[0] in ("without", "with"))
            return Comparison(op, start, start + len(parts), weak)
    return None


def find(lowered: Sequence[str]) -> Comparison | None:
    """The comparison of a condition: the first strong one, else the first weak one.

    A weak one right before a strong one (`is` + `more than`) joins it; a negation before turns it round.
    """
    weak: Comparison | None = None
    k = 0
    while k < len(lowered):
        hit = at(lowered, k)
        if hit is None:
            k += 1
            continue
        if not hit.weak:
            start = weak.start if weak is not None and weak.end == hit.start else hit.start
            negated = weak is not None and weak.end == hit.start and weak.op == "NE"
            return Comparison(_negated(hit.op) if negated else hit.op, start, hit.end, False)
        weak = weak or hit
        k = hit.end
    return weak


_OPPOSITE = {
    "GT": "LE", "GE": "LT", "LT": "GE", "LE": "GT", "EQ": "NE", "NE": "EQ", "CONTAINS": "NOT_CONTAINS",
    "STARTS_WITH": "NOT_STARTS_WITH", "ENDS_WITH": "NOT_ENDS_WITH", "EMPTY": "PRESENT", "PRESENT": "EMPTY",
    "NOT_CONTAINS": "CONTAINS", "NOT_STARTS_WITH": "STARTS_WITH", "NOT_ENDS_WITH": "ENDS_WITH",
}  # fmt: skip


def _negated(op: str) -> str:
    return _OPPOSITE.get(op, op)


def negate(expression: str) -> str:
    """The opposite of a condition in LLM-IR, without a double NOT."""
    if expression.startswith("NOT(") and _closes_at_end(expression, 3):
        return expression[4:-1]
    return f"NOT({expression})"


def _closes_at_end(text: str, opening: int) -> bool:
    depth = 0
    for i in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i == len(text) - 1
    return False
