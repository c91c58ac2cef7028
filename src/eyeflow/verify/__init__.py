"""Formal checks: what a task says that cannot be so, proved with Z3.

Knows: what conditions mean to a solver. In: a task the checker has typed, and its context. Out: a report of warnings
and notes, never errors, each a sentence with an example where there is one. Never: runs, changes the task, claims
what it has not proved: an expression it does not understand is an unknown that may be anything.

Codes. Warnings: `contradiction unreachable_branch always_true never_runs never_triggers empty_loop
impossible_deadline impossible_expiry useless_retry`. Notes: `overlapping_branches hidden_gap unreachable_default
always_runs always_passes`, and `verify_gave_up` when something could not be settled in the time allowed.

    encode.py     conditions as formulas       branches.py  conditionals
    symbols.py    unknowns and constants       findings.py  every other condition, and the walk
    terms.py      their shapes                 timing.py    DEADLINE, EXPIRES, RETRY
    scope.py      names, what is declared      judge.py     asking and writing down
    scale.py      types and constants          fixes.py     changes to the text
    solve.py      bounded questions            words.py     sentences
    ranges.py     one number, exactly          witness.py   examples
    trees.py      size and reads of an expression
"""

from __future__ import annotations

from typing import Final

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Report, Severity
from eyeflow.ir.check.findings import Findings
from eyeflow.ir.task import Task

__all__ = ["BUDGET_MS", "verify"]

BUDGET_MS: Final = 2_000
"""Wall-clock time one task may take."""


def verify(
    task: Task, ctx: CompileContext, *, budget_ms: int = BUDGET_MS, source: str = "ir", text: str | None = None
) -> Report:
    """What can be proved of a checked task.

    `source` names the text spans count in; with `text`, the LLM-IR itself, findings carry fixes. At most `budget_ms`
    milliseconds of wall-clock time go by, give or take the last question.
    """
    from eyeflow.verify.findings import Walk  # noqa: PLC0415 - the solver is loaded for those who ask
    from eyeflow.verify.judge import Judge  # noqa: PLC0415
    from eyeflow.verify.scope import Scopes  # noqa: PLC0415
    from eyeflow.verify.timing import judge_time  # noqa: PLC0415

    found = Findings(source)
    judge = Judge(task.zone or "UTC", budget_ms, found, text)
    Walk(judge, Scopes(task, ctx)).task(task)
    judge_time(judge, task, ctx.catalog)
    if judge.solver.unanswered:
        message = "not everything could be proved or refuted in the time allowed: there may be more to find"
        found.add("verify_gave_up", message, span=task.span, severity=Severity.NOTE)
    return found.report()
