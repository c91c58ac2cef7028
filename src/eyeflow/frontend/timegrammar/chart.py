"""A bottom-up chart parser for small attribute grammars.

Knows: rules `left <- right...` with a function from the values of the right side to the value of the left, which may
refuse. In: terminals over positions. Out: every edge of the symbols asked for.
Never: recurses, or makes more than `MAX_EDGES` edges: a long row of time words costs a bounded amount of work.

Source: M. Kay, "Algorithm Schemata and Data Structures in Syntactic Processing" (1980): the active chart, bottom-up.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import Final, TypeAlias

import msgspec

MAX_EDGES: Final = 3000

Meaning: TypeAlias = Hashable
Build: TypeAlias = Callable[..., Meaning | None]


class Rule(msgspec.Struct, frozen=True):
    """`left` is made of `right`; `build` gets the values of the right side that are not plain words (`None`)."""

    left: str
    right: tuple[str, ...]
    build: Build


class Edge(msgspec.Struct, frozen=True):
    """A symbol found over positions `[start, end)`, with its meaning."""

    symbol: str
    start: int
    end: int
    value: Meaning


class Grammar:
    """Rules indexed by their first symbol."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_first: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._by_first[rule.right[0]].append(rule)

    def starting(self, symbol: str) -> Sequence[Rule]:
        """The rules whose right side begins with `symbol`."""
        return self._by_first.get(symbol, ())


def rules(left: str, *rights: str, build: Build) -> list[Rule]:
    """Rules for `left`, one per spelling of the right side; `x?` may be left out, `x|y` is either."""
    made = []
    for right in rights:
        choices = []
        for item in right.split():
            names = item.removesuffix("?").split("|")
            choices.append([*names, ""] if item.endswith("?") else names)
        for combination in product(*choices):
            symbols = tuple(filter(None, combination))
            assert symbols, f"{left} <- {right} may be empty"
            made.append(Rule(left, symbols, build))
    return made


def parse(grammar: Grammar, terminals: Iterable[Edge], wanted: str) -> tuple[list[Edge], bool]:
    """All edges of `wanted`, shortest derivation first, and whether the chart was cut off."""
    agenda = deque(sorted(terminals, key=lambda edge: (edge.start, edge.end)))
    seen: set[Edge] = set()
    starting: dict[int, list[Edge]] = defaultdict(list)
    waiting: dict[tuple[int, str], list[tuple[Rule, int, int, tuple[Meaning, ...]]]] = defaultdict(list)
    found: list[Edge] = []
    while agenda and len(seen) < MAX_EDGES:
        edge = agenda.popleft()
        if edge in seen:
            continue
        seen.add(edge)
        starting[edge.start].append(edge)
        if edge.symbol == wanted:
            found.append(edge)
        fresh = [(rule, 0, edge.start, ()) for rule in grammar.starting(edge.symbol)]
        pending = [(state, edge) for state in (*waiting[edge.start, edge.symbol], *fresh)]
        while pending:
            (rule, dot, start, values), piece = pending.pop()
            held = values if piece.value is None else (*values, piece.value)
            if dot + 1 == len(rule.right):
                value = rule.build(*held)
                if value is not None:
                    agenda.append(Edge(rule.left, start, piece.end, value))
                continue
            state = (rule, dot + 1, start, held)
            need = rule.right[dot + 1]
            waiting[piece.end, need].append(state)
            pending += [(state, other) for other in starting[piece.end] if other.symbol == need]
    return found, bool(agenda)
