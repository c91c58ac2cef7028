"""Conditionals: branches that never run, conditions that meet, values that fall through.

Knows: first match wins, DEFAULT takes the rest. In: a typed conditional and what holds where it stands.
Out: findings, and what holds inside each branch. Never: calls two branches a mistake for meeting: order may be meant.

- `contradiction`: no data meets the condition. `unreachable_branch`: earlier ones take all that does.
- `always_true`: nothing gets past the condition. `unreachable_default`: DEFAULT has content that never runs.
- `overlapping_branches` (note, among the first forty): both of two conditions can hold and neither is a special case
  of the other, so that their order decides; an earlier special case (`above 90` before `above 75`) is how bands are
  written, and no finding.
- `hidden_gap` (note): conditions over one number leave a stretch between them to DEFAULT.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from eyeflow.ir.check.tree import bare
from eyeflow.ir.expr import Expr
from eyeflow.ir.task import Block, Case, Conditional
from eyeflow.verify.encode import vague
from eyeflow.verify.fixes import without_case
from eyeflow.verify.judge import Judge, symbols_of
from eyeflow.verify.ranges import Cell, Gap, cells, gaps, only_symbol
from eyeflow.verify.scope import Names
from eyeflow.verify.terms import Encoded, Fact, Symbol
from eyeflow.verify.words import clause, quantity, short, test, with_units

_MOST_CASES: Final = 40
_MOST_OVERLAPS: Final = 3


def judge_branches(
    judge: Judge, do: Conditional, name: str, names: Names, facts: tuple[Fact, ...]
) -> list[tuple[Block, tuple[Fact, ...] | None]]:
    """Writes down what is found; each block with what holds in it, None for one that never runs."""
    conditions = [judge.encode(case.when, names) for case in do.cases]
    inside: list[tuple[Block, tuple[Fact, ...] | None]] = []
    before: tuple[Fact, ...] = ()
    sound = True
    for number, (case, condition) in enumerate(zip(do.cases, conditions, strict=True)):
        with judge.found.at(f"condition {number + 1}", span=case.when.span):
            runs = _judge_case(judge, do, number, conditions, names=names, facts=facts, before=before)
        sound = sound and runs
        origin = f"CONDITION {number + 1} of {name}"
        holds = Fact(condition, True, origin)
        inside.append((case.block, (*facts, *before, holds) if runs else None))
        before = (*before, Fact(condition, False, origin))
    with judge.found.at("default", span=do.default.span):
        rest = _judge_default(judge, do, conditions, facts, before)
    inside.append((do.default, (*facts, *before) if rest else None))
    if sound:
        _gaps(judge, do, conditions, facts)
        _overlaps(judge, do, conditions, facts)
    return inside


def label(case: Case, number: int) -> str:
    """What to call a branch."""
    return f"the branch `{case.block.name[:60]}`" if case.block.name is not None else f"branch {number + 1}"


def _judge_case(
    judge: Judge, do: Conditional, number: int, conditions: Sequence[Encoded], *,
    names: Names, facts: tuple[Fact, ...], before: tuple[Fact, ...],
) -> bool:  # fmt: skip
    """True when the case can be taken, as far as is known."""
    case, condition = do.cases[number], conditions[number]
    fix = without_case(judge.text, case) if len(do.cases) > 1 else None
    branch = label(case, number)
    if judge.never([condition.true], [condition], facts):
        why, respelled = judge.why_never(case.when, names, facts)
        judge.warn("contradiction", f"{why}: {branch} never runs", case.when, fix=respelled or fix)
        return False
    if before and judge.never([condition.true], [condition], (*facts, *before)):
        judge.warn("unreachable_branch", _covered(judge, do, number, conditions, facts), case.when, fix=fix)
        return False
    if judge.never([condition.false], [condition], facts) and not judge.never([], [], (*facts, *before)):
        after = "DEFAULT never runs" if number + 1 == len(do.cases) else "nothing after it ever runs"
        judge.warn("always_true", f"the condition always holds: {after}", case.when)
    return True


def _covered(judge: Judge, do: Conditional, number: int, conditions: Sequence[Encoded], facts: tuple[Fact, ...]) -> str:
    """Who takes everything that the condition would: one earlier case when one is enough."""
    said, branch = short(clause(do.cases[number].when)), label(do.cases[number], number)
    for other in range(number):
        if judge.never([conditions[number].true, conditions[other].false], conditions, facts):
            first = do.cases[other]
            example = _example(judge, (conditions[number].true,), (conditions[number],), facts)
            shown = f" (when {example}, {label(first, other)} is taken)" if example else ""
            return f"whenever {said}, {_also(first.when, do.cases[number].when)}: {branch} never runs{shown}"
    return f"whenever {said}, one of the {number} conditions before it holds: {branch} never runs"


def _also(first: Expr, later: Expr) -> str:
    """How an earlier condition holds together with a later one."""
    one, other = test(first), test(later)
    if bare(first) == bare(later):
        return "the same condition has taken it before"
    if one is not None and other is not None and one[0] == other[0]:
        return f"it {one[1]} as well, which comes first"
    return f"{short(clause(first))} as well, which comes first"


def _example(judge: Judge, formulas: tuple[object, ...], about: Sequence[Encoded], facts: Sequence[Fact]) -> str | None:
    """Data for which the formulas hold, in words; None when an example might not be real."""
    if vague(symbols_of(about, facts)):
        return None
    every = [*formulas, *(fact.formula for fact in facts)]
    return judge.witness.example(every, about, [fact.condition for fact in facts])


def _judge_default(
    judge: Judge, do: Conditional, conditions: Sequence[Encoded], facts: tuple[Fact, ...], before: tuple[Fact, ...]
) -> bool:
    if not before or not judge.never([], [], (*facts, *before)):
        return True
    if any(judge.never([each.false], [each], facts) for each in conditions):
        return False  # said where that condition is
    empty = do.default.format is None and do.default.value is None and not do.default.actions
    if not empty:
        message = "one of the conditions always holds: DEFAULT never runs"
        judge.note("unreachable_default", message, None, hint="DEFAULT NOTHING says so")
    return False


def _overlaps(judge: Judge, do: Conditional, conditions: Sequence[Encoded], facts: tuple[Fact, ...]) -> None:
    told = 0
    for one, other in combinations(range(len(conditions)), 2):
        pair = (conditions[one], conditions[other])
        if told >= _MOST_OVERLAPS:
            return
        if judge.given_up() or other >= _MOST_CASES:
            return
        same = _bare(do.cases[one].block) == _bare(do.cases[other].block)
        if same or vague(symbols_of(pair, facts)) or not _cross(judge, pair, facts):
            continue
        taken = [each.false for each in conditions[:one]]
        example = _example(judge, (pair[0].true, pair[1].true, *taken), (*pair, *conditions[:one]), facts)
        if example is None:
            continue
        told += 1
        first, second = label(do.cases[one], one), label(do.cases[other], other)
        message = f"when {example}, the conditions of {first} and {second} both hold, and the first of them is taken"
        with judge.found.at(f"condition {other + 1}", span=do.cases[other].when.span):
            hint = "nothing to do when that order is meant"
            judge.note("overlapping_branches", message, do.cases[other].when, hint=hint)


def _cross(judge: Judge, pair: tuple[Encoded, Encoded], facts: tuple[Fact, ...]) -> bool:
    """True when the two meet, and each also holds without the other."""
    known = [fact.formula for fact in facts]
    symbols = symbols_of(pair, facts)
    sides = ((pair[0].true, pair[1].true), (pair[0].true, pair[1].false), (pair[0].false, pair[1].true))
    return all(judge.solver.possible([*side, *known], symbols) for side in sides)


def _bare(block: Block) -> tuple[object, ...]:
    """What a branch does, names aside."""
    return (block.format and block.format.parts, block.value, block.actions)


def _gaps(judge: Judge, do: Conditional, conditions: Sequence[Encoded], facts: tuple[Fact, ...]) -> None:
    symbol = only_symbol(conditions) if len(conditions) > 1 else None
    line = cells(judge.encoder.made, symbol, conditions, judge.given_up) if symbol is not None else None
    if symbol is None or line is None or vague(symbols_of(conditions, facts)):
        return
    whole = symbol.kind in ("int", "moment")
    for gap in gaps(line, lambda cell: _occurs(judge, symbol, cell, conditions, facts), whole=whole):
        message = f"when {_stretch(judge, symbol, gap, conditions)}, no condition holds and DEFAULT is taken"
        before, after = (short(clause(do.cases[n].when)) for n in (gap.before, gap.after))
        hint = f"nothing to do when DEFAULT is meant for what lies between “{before}” and “{after}”"
        with judge.found.at("default", span=do.default.span):
            judge.note("hidden_gap", message, None, hint=hint)


def _occurs(judge: Judge, symbol: Symbol, cell: Cell, conditions: Sequence[Encoded], facts: tuple[Fact, ...]) -> bool:
    """True unless what holds here keeps the number out of the cell."""
    if not facts:
        return True
    made = judge.encoder.made
    within = [made.negate(made.missing(symbol))]
    if cell.low is not None:
        low = made.fraction(cell.low)
        within.append(symbol.value >= low if cell.point else symbol.value > low)
    if cell.high is not None:
        high = made.fraction(cell.high)
        within.append(symbol.value <= high if cell.point else symbol.value < high)
    return not judge.never(within, conditions, facts)


def _stretch(judge: Judge, symbol: Symbol, gap: Gap, conditions: Sequence[Encoded]) -> str:
    units = with_units(*conditions)
    low, high, sample = (quantity(symbol, n, judge.zone, units=units) for n in (gap.low, gap.high, gap.sample))
    if gap.low == gap.high:
        return f"{symbol.said} is exactly {low}"
    if symbol.kind == "int" or symbol.scalar == "date":
        low, high, single = _whole_ends(judge, symbol, gap, units=units)
        if single:
            return f"{symbol.said} is exactly {low}"
        return f"{symbol.said} is from {low} to {high}, {sample} for example"
    match gap.with_low, gap.with_high:
        case True, True:
            stretch = f"from {low} to {high}"
        case True, False:
            stretch = f"from {low} to below {high}"
        case False, True:
            stretch = f"above {low} and up to {high}"
        case _:
            stretch = f"above {low} and below {high}"
    return f"{symbol.said} is {stretch}, {sample} for example"


def _whole_ends(judge: Judge, symbol: Symbol, gap: Gap, *, units: bool) -> tuple[str, str, bool]:
    """The first and last whole number of the gap; whether they are one."""
    first = gap.low.__ceil__() if gap.with_low else gap.low.__floor__() + 1
    last = gap.high.__floor__() if gap.with_high else gap.high.__ceil__() - 1
    low, high = (quantity(symbol, type(gap.low)(n), judge.zone, units=units) for n in (first, last))
    return low, high, first == last
