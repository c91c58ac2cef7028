"""Everything one verification shares, and the questions that need no place in the task.

Knows: encoder, solver, examples, and where findings go. In: conditions and facts. Out: findings.
Never: walks the task (`findings` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.diagnostics import Fix, Severity, nearest
from eyeflow.ir.check.findings import Findings
from eyeflow.ir.expr import Call, Convert, Expr, Lit
from eyeflow.ir.text import print_expression
from eyeflow.verify.encode import Encoder
from eyeflow.verify.fixes import instead
from eyeflow.verify.scope import Names
from eyeflow.verify.solve import Solver
from eyeflow.verify.terms import Encoded, Fact, Formula, Symbol
from eyeflow.verify.witness import Witness
from eyeflow.verify.words import clause, never_both, short, test

_MOST_PARTS: Final = 12


class Judge:
    """One verification: encodes, asks, writes down. `text` is the source, where fixes are wanted."""

    def __init__(self, zone: str, budget_ms: int, found: Findings, text: str | None) -> None:
        self.encoder = Encoder(zone)
        self.solver = Solver(self.encoder.made, budget_ms)
        self.witness = Witness(self.solver, zone)
        self.found = found
        self.text = text
        self.zone = zone

    def encode(self, expr: Expr, names: Names) -> Encoded:
        """`expr` for the solver; an unknown when there is no time left to look into it."""
        return self.encoder.condition(expr, names, look=not self.given_up())

    def given_up(self) -> bool:
        """True when there is no time left; asking counts as something left open."""
        if self.solver.spent:
            self.solver.unanswered += 1
            return True
        return False

    def never(self, formulas: Sequence[Formula], about: Sequence[Encoded], facts: Sequence[Fact]) -> bool:
        """True when the formulas never hold together where the facts do."""
        if self.given_up():
            return False
        every = [*formulas, *(fact.formula for fact in facts)]
        return self.solver.impossible(every, symbols_of(about, facts))

    def warn(self, code: str, message: str, expr: Expr | None, *, hint: str = "", fix: Fix | None = None) -> None:
        """Something in the text has no effect, or never happens."""
        span = expr.span if expr is not None else None
        self.found.add(code, message, hint=hint, span=span, severity=Severity.WARNING, fix=fix)

    def note(self, code: str, message: str, expr: Expr | None, *, hint: str = "", fix: Fix | None = None) -> None:
        """Something worth a look."""
        span = expr.span if expr is not None else None
        self.found.add(code, message, hint=hint, span=span, severity=Severity.NOTE, fix=fix)

    # --- why

    def why_never(self, expr: Expr, names: Names, facts: Sequence[Fact]) -> tuple[str, Fix | None]:
        """Why `expr` is never true, in words, with a fix for a misspelled value; facts only where they are needed."""
        parts = [(part, self.encode(part, names)) for part in conjuncts(expr)]
        needed = list(facts)
        if self._excluded(parts, ()):
            needed = []
        else:
            for fact in list(needed):
                rest = [each for each in needed if each is not fact]
                if len(needed) <= _MOST_PARTS and self._excluded(parts, rest):
                    needed = rest
        if len(parts) <= _MOST_PARTS:
            for part in list(parts):
                rest_parts = [each for each in parts if each is not part]
                if (rest_parts or needed) and self._excluded(rest_parts, needed):
                    parts = rest_parts
        return self._told(parts, needed)

    def _excluded(self, parts: Sequence[tuple[Expr, Encoded]], facts: Sequence[Fact]) -> bool:
        return self.never([each.true for _, each in parts], [each for _, each in parts], facts)

    def _told(self, parts: Sequence[tuple[Expr, Encoded]], facts: Sequence[Fact]) -> tuple[str, Fix | None]:
        tests, encoded = [expr for expr, _ in parts], [each for _, each in parts]
        if facts:
            given = " and ".join(f"{clause(f.condition.expr, holds=f.holds)} ({f.origin})" for f in facts)
            return f"here {short(given)}, so never {short(' and '.join(map(clause, tests)) or 'this')}", None
        without = self.solver.impossible([each.true for each in encoded], symbols_of(encoded, ()), declared=False)
        listed = [symbol for symbol in symbols_of(encoded, ()) if symbol.enum or promised(symbol)]
        if without or not listed:
            return never_both(tests), None
        promise = "; ".join(promised(symbol) for symbol in listed)
        told = test(tests[0]) if len(tests) == 1 else None
        if told is not None and told[1].startswith("is "):
            sentence = f"{told[0]} is never {told[1].removeprefix('is ')}: by the catalog {promise}"
            return sentence, self._respelled(tests[0], listed[0])
        return f"{never_both(tests)}: by the catalog {promise}", None

    def _respelled(self, expr: Expr, symbol: Symbol) -> Fix | None:
        """The nearest value of the enum instead of one that is not in it."""
        for arg in expr.args if isinstance(expr, Call) and expr.name == "EQ" else ():
            plain: Expr = arg
            while isinstance(plain, Convert):
                plain = plain.value
            if isinstance(plain, Lit) and isinstance(plain.value, str):
                near = nearest(plain.value, symbol.enum, limit=1)
                if near:
                    return instead(self.text, plain.span, print_expression(plain), print_expression(Lit(near[0])))
        return None


def symbols_of(about: Sequence[Encoded], facts: Sequence[Fact]) -> tuple[Symbol, ...]:
    """The unknowns of conditions and facts, each once."""
    every = (*about, *(fact.condition for fact in facts))
    return tuple(dict.fromkeys(symbol for each in every for symbol in each.symbols))


def promised(symbol: Symbol) -> str:
    """What the catalog says of a symbol, in words; empty when nothing."""
    if symbol.enum:
        return f"{symbol.said} is one of {short(', '.join(symbol.enum[:12]))}"
    parts = [f"at least {float(symbol.low):g}"] if symbol.low is not None else []
    parts += [f"at most {float(symbol.high):g}"] if symbol.high is not None else []
    return f"{symbol.said} is {' and '.join(parts)}" if parts else ""


def conjuncts(expr: Expr) -> list[Expr]:
    """What must all hold for `expr` to hold, as typed."""
    inner = expr.value if isinstance(expr, Convert) and expr.how != "check" else expr
    match inner:
        case Call(name="AND", args=args):
            return [each for arg in args for each in conjuncts(arg)]
        case Call(name="NOT", args=(Call(name="OR", args=args),)):
            negated = (Call("NOT", (arg,), inner.type, arg.span) for arg in args)
            return [each for arg in negated for each in conjuncts(arg)]
        case _:
            return [inner]
