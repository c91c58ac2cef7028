"""A choice that is made: which of its conditions holds, and what it leads to.

Knows: the order of conditions, and how a choice is told. In: a BRANCH over a frame. Out: the scope that is taken, and
the event that says so. Never: runs that scope.
"""

from __future__ import annotations

from eyeflow.ir.evaluate import Frame
from eyeflow.svm.compared import taken_name, told
from eyeflow.svm.executable import BranchCode, ScopeCode
from eyeflow.svm.journal import BranchTaken, Check
from eyeflow.svm.run import Run


def chosen(run: Run, code: BranchCode, frame: Frame, action: str, iteration: str) -> ScopeCode | None:
    """What the first condition that holds leads to, else the default. Raises: RunError of a condition."""
    checks, taken = [], code.default
    for number, case in enumerate(code.cases, 1):
        holds = case.test(frame) is True
        checks.append(Check(told(case.compared, frame) or f"condition {number}", holds))
        if holds:
            taken = case.scope
            break
    run.note(BranchTaken(
        at_us=run.at_us(), action=action, iteration=iteration, checks=tuple(checks),
        taken=taken_name(code, taken, len(checks)),
    ))  # fmt: skip
    return taken
