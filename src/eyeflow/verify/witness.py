"""An example a person can check by hand, for something the solver knows to be possible.

Knows: which numbers people find plain. In: formulas that can hold together. Out: words (`trigger.amount is 60`).
Never: random: candidates are tried in a fixed order, and only then the solver's own choice is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from eyeflow.verify.ranges import roundest
from eyeflow.verify.solve import Answer, Solver
from eyeflow.verify.symbols import TAGS
from eyeflow.verify.terms import Encoded, Formula, Symbol
from eyeflow.verify.words import quantity, short, with_units

_ESCAPE: Final = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
_TRIED: Final = 24
_KINDS: Final = ("number", "text", "boolean", "other", "null")


class Witness:
    """Finds examples; `zone` is the task's."""

    def __init__(self, solver: Solver, zone: str) -> None:
        self.solver = solver
        self.made = solver.made
        self.zone = zone

    def example(
        self, formulas: Sequence[Formula], about: Sequence[Encoded], others: Sequence[Encoded] = ()
    ) -> str | None:
        """Values of what `about` reads for which all `formulas` hold; None when there is none, or none found in time.

        `others`: the conditions behind the rest of the formulas.
        """
        every = (*about, *others)
        symbols = tuple(dict.fromkeys(s for each in every for s in each.symbols))
        shown = tuple(dict.fromkeys(s for each in about for s in each.symbols))
        fixed = list(formulas)
        if self.solver.ask(fixed, symbols).answer is not Answer.YES:
            return None
        units = with_units(*every)
        said: list[str] = []
        for symbol in shown:
            words = self._settle(symbol, fixed, symbols, every, units=units)
            if words is None:
                return None
            said.append(words)
        return " and ".join(said) if said else None

    def _settle(
        self, symbol: Symbol, fixed: list[Formula], symbols: Sequence[Symbol], every: Sequence[Encoded], *, units: bool
    ) -> str | None:
        """Fixes `symbol` at a plain value, which `fixed` gets as one more formula; the value in words."""
        there = self.made.negate(self.made.missing(symbol))
        if not self.solver.possible([*fixed, there], symbols):
            fixed.append(self.made.missing(symbol))
            return f"{symbol.said} is missing"
        fixed.append(there)
        kind: str = symbol.kind
        if symbol.tag is not None:
            names = [name for name in _KINDS if self.solver.possible([*fixed, symbol.tag == TAGS[name]], symbols)]
            if not names:
                return None
            fixed.append(symbol.tag == TAGS[names[0]])
            kind = {"number": "real", "text": "text", "boolean": "bool"}.get(names[0], "thing")
        match kind:
            case "int" | "real" | "moment":
                return self._number(symbol, fixed, symbols, every, units=units)
            case "text":
                return self._text(symbol, fixed, symbols, every)
            case "bool":
                return self._flag(symbol, fixed, symbols)
            case _:
                return f"{symbol.said} is something else"

    def _number(
        self, symbol: Symbol, fixed: list[Formula], symbols: Sequence[Symbol], every: Sequence[Encoded], *, units: bool
    ) -> str | None:
        points = sorted({p for each in every for p in each.points.get(symbol, ())})
        whole = symbol.kind in ("int", "moment")
        for value in _candidates(points, whole=whole):
            formula = symbol.value == self.made.fraction(value)
            if self.solver.possible([*fixed, formula], symbols):
                fixed.append(formula)
                return f"{symbol.said} is {quantity(symbol, value, self.zone, units=units)}"
        found = self.solver.ask(fixed, symbols)
        if found.model is None:
            return None
        chosen = found.model.eval(symbol.value, model_completion=True)
        fixed.append(symbol.value == chosen)
        value = Fraction(str(chosen.as_fraction())) if not whole else Fraction(chosen.as_long())
        return f"{symbol.said} is {quantity(symbol, value, self.zone, units=units)}"

    def _text(
        self, symbol: Symbol, fixed: list[Formula], symbols: Sequence[Symbol], every: Sequence[Encoded]
    ) -> str | None:
        value = symbol.text if symbol.tag is not None else symbol.value
        literals = dict.fromkeys(text for each in every for text in each.literals)
        for text in [*symbol.enum, *literals, *(a + b for a in literals for b in literals if a != b), "a", ""][:_TRIED]:
            if self.made.spells(text) and self.solver.possible([*fixed, value == self.made.string(text)], symbols):
                fixed.append(value == self.made.string(text))
                return f"{symbol.said} is {short(json.dumps(text, ensure_ascii=False))}"
        found = self.solver.ask(fixed, symbols)
        if found.model is None:
            return None
        chosen = found.model.eval(value, model_completion=True)
        fixed.append(value == chosen)
        text = _ESCAPE.sub(lambda hit: chr(int(hit[1], 16)), chosen.as_string())
        return f"{symbol.said} is {short(json.dumps(text))}"

    def _flag(self, symbol: Symbol, fixed: list[Formula], symbols: Sequence[Symbol]) -> str:
        value = symbol.flag if symbol.tag is not None else symbol.value
        holds = self.solver.possible([*fixed, value], symbols)
        fixed.append(value if holds else self.made.negate(value))
        return f"{symbol.said} is {'true' if holds else 'false'}"


def _candidates(points: list[Fraction], *, whole: bool) -> Iterator[Fraction]:
    """Plain numbers: round ones between the constants, one step outside them, the constants themselves."""
    tried: list[Fraction] = []
    for low, high in pairwise(points):
        middle = roundest(low, high, whole=whole)
        if middle is not None:
            tried.append(middle)
    if points:
        tried.extend((Fraction(points[-1].__floor__() + 1), Fraction(points[0].__ceil__() - 1)))
    tried.extend(point for point in points if not whole or point.denominator == 1)
    tried.extend((Fraction(0), Fraction(1), Fraction(-1), Fraction(10), Fraction(100)))
    yield from list(dict.fromkeys(tried))[:_TRIED]
