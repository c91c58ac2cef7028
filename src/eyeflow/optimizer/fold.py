"""Pass: what is known before the run is computed now.

Calls of pure functions on literals become the literal, by the very functions the machine would use; AND, OR and IF
lose what can no longer matter. Left alone: NOW and UUID, what depends on a zone, quantities with a unit, results that
no literal spells, and every call that ends in an error: the error belongs to the run, where somebody may have said
what to do about it. For the same reason a task is left as it is when folding would show what the checker refuses (a
division by what comes to zero).
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.errors import EyeFlowError
from eyeflow.ir.check import check
from eyeflow.ir.expr import Call, Convert, Expr, ListExpr, Lit, Template
from eyeflow.ir.functions import FUNCTIONS
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action
from eyeflow.optimizer.trees import Place, every_scope, with_expressions, with_parts
from eyeflow.values import BOOLEAN, Scalar, Value, non_null

LONGEST: Final = 4_096
"""Characters of a text worth keeping in the program instead of computing it."""

_FOLDED: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def fold(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites expressions; one decision for each action that got simpler."""
    said: list[Decision] = []

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        done: list[Action] = []
        for action in actions:
            folding = _Folding()
            made = with_expressions(action, folding.whole)
            if folding.calls:
                amount = "1 computation" if folding.calls == 1 else f"{folding.calls} computations"
                why = f"nothing in a run could change them; saves {amount} a run"
                said.append(Decision("rewrite", place.of(action), "computed now what is known now", why))
            done.append(made if folding.calls else action)
        return tuple(done)

    task = every_scope(plan.task, ctx, each)
    if not said or check(task, ctx)[0] is None:
        return plan
    return replace(plan, task=task, decisions=(*plan.decisions, *said))


class _Folding:
    """Folds nodes and counts the calls that are gone."""

    def __init__(self) -> None:
        self.calls = 0

    def whole(self, expr: Expr) -> Expr:
        """`expr`, or what it is always worth; as it was when it always ends in an error."""
        before = self.calls
        made = with_parts(expr, self.whole)
        if not isinstance(made, Call):
            return made
        try:
            done = _lazily(made) if FUNCTIONS[made.name].lazy else _computed(made)
        except EyeFlowError:
            self.calls = before
            return expr
        self.calls += done is not made
        return done


def _computed(call: Call) -> Expr:
    """The result of a call whose arguments are known. Raises: EyeFlowError when it has none."""
    row, of = FUNCTIONS[call.name], non_null(call.type) if call.type is not None else None
    if row.journaled or row.zoned or row.binder or not isinstance(of, Scalar) or of.unit is not None:
        return call
    values = [known(arg) for arg in call.args]
    if any(isinstance(value, _Open) for value in values) or (row.nulls == "strict" and None in values):
        return call
    return _literal(row.run(*values), of, call)


def _literal(result: Value, of: Scalar, call: Call) -> Expr:
    """`result` as a literal of type `of`; the call when no literal spells it."""
    if not isinstance(result, bool | int | float | str) or not isinstance(result, _FOLDED.get(of.name, ())):
        return call
    if isinstance(result, bool) != (of == BOOLEAN) or (isinstance(result, float) and not math.isfinite(result)):
        return call
    return call if isinstance(result, str) and len(result) > LONGEST else Lit(result, None, of, call.span)


def _lazily(call: Call) -> Expr:
    """AND and OR that are decided by their first argument, IF by its condition, where the type stays the same."""
    first = known(call.args[0])
    if not isinstance(first, bool):
        return call
    if call.name == "IF":
        chosen = call.args[1 if first else 2]
    elif call.name in ("AND", "OR"):
        decided = first is (call.name == "OR")
        if not decided and len(call.args) > 2:
            return replace(call, args=call.args[1:])
        chosen = call.args[0] if decided else call.args[1]
    else:
        return call
    return chosen if chosen.type == call.type else call


class _Open(msgspec.Struct, frozen=True):
    """Not known before the run."""


_OPEN: Final = _Open()


def known(expr: Expr) -> Value | _Open:
    """What `expr` is worth in every run, in the form that flows at run time, when that is plain data."""
    match expr:
        case Lit(value=value, unit=None, type=of):
            scalar = None if of is None else non_null(of)
            plain = isinstance(scalar, Scalar) and scalar.unit is None and scalar.name in _FOLDED
            return value if plain else _OPEN
        case Template(parts=parts) if all(isinstance(part, str) for part in parts):
            return "".join(str(part) for part in parts)
        case ListExpr(items=items):
            values = [known(item) for item in items]
            return [each for each in values if not isinstance(each, _Open)] if _OPEN not in values else _OPEN
        case Convert(value=value, how="widen"):
            inner = known(value)
            if isinstance(inner, int) and not isinstance(inner, bool) and abs(inner) < 1 << 53:
                return float(inner)
            return _OPEN
        case _:
            return _OPEN
