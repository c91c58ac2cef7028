"""Questions to the solver, each within bounds.

Knows: time and effort limits. In: formulas and the symbols in them. Out: a model, "impossible", or "gave up".
Never: guesses: what is not answered in time is said to be unanswered.

An answer depends on the solver's own effort count first, which is the same on every machine, and on the clock only as
the last resort. Seeds are fixed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import Enum
from threading import Timer
from typing import Final

import msgspec

from eyeflow.verify.symbols import Symbols
from eyeflow.verify.terms import Formula, Symbol

EFFORT: Final = 3_000_000
"""The solver's resource units one question may take."""

_SLACK_S: Final = 0.2


class Answer(Enum):
    """What came of a question about whether something is possible."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Found(msgspec.Struct, frozen=True, eq=False):
    """An answer, with a model when it is yes."""

    answer: Answer
    model: Formula = None


class Solver:
    """Asks within `budget_ms` of wall-clock time in all; `unanswered` counts the questions it gave up."""

    def __init__(self, made: Symbols, budget_ms: int) -> None:
        self.made = made
        self.unanswered = 0
        self._end = time.monotonic() + budget_ms / 1000

    @property
    def spent(self) -> bool:
        """True when there is no time left."""
        return time.monotonic() >= self._end

    def impossible(self, formulas: Sequence[Formula], symbols: Sequence[Symbol], *, declared: bool = True) -> bool:
        """True when the formulas surely never hold together. `declared`: given what the catalog promises."""
        return self.ask(formulas, symbols, declared=declared).answer is Answer.NO

    def possible(self, formulas: Sequence[Formula], symbols: Sequence[Symbol]) -> bool:
        """True when the solver has an example of them holding together."""
        return self.ask(formulas, symbols).answer is Answer.YES

    def ask(self, formulas: Sequence[Formula], symbols: Sequence[Symbol], *, declared: bool = True) -> Found:
        """Can the formulas hold together?"""
        left = self._end - time.monotonic()
        if left <= 0:
            self.unanswered += 1
            return Found(Answer.UNKNOWN)
        every = tuple(dict.fromkeys(symbols))
        asked = [*formulas, *self.made.always(every)]
        if declared:
            asked.extend(promise for symbol in every for promise in self.made.declared(symbol))
        if any(each.eq(self.made.no) for each in asked):
            return Found(Answer.NO)
        return self._checked(asked, left)

    def _checked(self, asked: list[Formula], left: float) -> Found:
        z3 = self.made.z3
        solver = z3.SimpleSolver(ctx=self.made.context)
        solver.set("timeout", max(1, int(left * 1000)))
        solver.set("rlimit", EFFORT)
        solver.set("random_seed", 0)
        solver.add(*asked)
        stop = Timer(left + _SLACK_S, self.made.context.interrupt)
        stop.daemon = True
        stop.start()
        try:
            said = solver.check()
            if said == z3.unsat:
                return Found(Answer.NO)
            if said == z3.sat:
                return Found(Answer.YES, solver.model())
        except z3.Z3Exception:
            pass
        finally:
            stop.cancel()
        self.unanswered += 1
        return Found(Answer.UNKNOWN)
