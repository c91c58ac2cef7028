"""How long a task may take by its own timeouts.

Knows: timeouts, attempts, short backoffs, what suspends the clock. In: a checked task and its catalog.
Out: milliseconds along the critical path. Never: estimates how long calls really take (the optimizer does).

Counted: TIMEOUT (else the capability's) times attempts, and backoffs of up to a second; a fallback's timeout.
Not counted: waits, approvals, longer backoffs, because they suspend the deadline; a loop counts one turn.
"""

from __future__ import annotations

from typing import Final

from eyeflow.catalog.model import Catalog
from eyeflow.diagnostics import Fix, Severity
from eyeflow.ir.check.findings import Findings
from eyeflow.ir.depends import needs
from eyeflow.ir.task import Action, Approval, Conditional, ConnectorCall, ForEach, HttpCall, Task, Wait
from eyeflow.values import Span

DEFAULT_DEADLINE_MS: Final = 100
"""The default of text written by hand."""

DEFAULT_FALLBACK_MS: Final = 1_000
DEFAULT_EXPIRES_MS: Final = 7 * 86_400_000
_SUSPENDING_MS: Final = 1_000


def needed_ms(task: Task, catalog: Catalog) -> int:
    """The longest that the critical path of a checked task can take by its timeouts, in milliseconds."""
    return _path_ms(task.actions, catalog)


def _path_ms(actions: tuple[Action, ...], catalog: Catalog) -> int:
    finished: dict[int, int] = {}
    waiting = dict(enumerate(needs(actions), 1))
    for _ in range(len(actions)):
        ready = [number for number, on in waiting.items() if all(each in finished for each in on)]
        for number in ready:
            start = max((finished[each] for each in waiting.pop(number)), default=0)
            finished[number] = start + _action_ms(actions[number - 1], catalog)
        if not waiting:
            break
    return max(finished.values(), default=0)


def _action_ms(action: Action, catalog: Catalog) -> int:
    once = action.timeout_ms if action.timeout_ms is not None else _own_ms(action, catalog)
    if isinstance(action.do, Wait | Approval):
        return 0
    attempts = action.retry.attempts if action.retry is not None else 1
    fallback = action.fallback
    after = (fallback.timeout_ms or DEFAULT_FALLBACK_MS) if fallback is not None and fallback.actions else 0
    return once * attempts + _pauses_ms(action) + after


def _pauses_ms(action: Action) -> int:
    retry = action.retry
    if retry is None or retry.backoff is None:
        return 0
    total, pause = 0, float(retry.backoff.first_ms)
    for _ in range(retry.attempts - 1):
        if pause > _SUSPENDING_MS:
            break
        total += round(pause)
        if retry.backoff.kind == "exponential":
            pause = min(pause * retry.backoff.factor, retry.backoff.max_ms or pause * retry.backoff.factor)
    return total


def _own_ms(action: Action, catalog: Catalog) -> int:
    match action.do:
        case HttpCall(bound=bound) | ConnectorCall(bound=bound) if bound is not None:
            service = catalog.service(bound.service)
            capability = service.capability(bound.capability) if service is not None else None
            return capability.timeout_ms if capability is not None else 0
        case Conditional(cases=cases, default=default):
            blocks = (*(case.block for case in cases), default)
            return max(_path_ms(block.actions, catalog) for block in blocks)
        case ForEach(actions=inner):
            return _path_ms(inner, catalog)
        case _:
            return 0


def check_deadline(task: Task, written: Task, catalog: Catalog, found: Findings) -> None:
    """The warning `deadline_too_short`, with the fix, when the timeouts exceed the deadline."""
    assert task.deadline_ms is not None, "the deadline is filled in before"
    needed = needed_ms(task, catalog)
    if needed <= task.deadline_ms:
        return
    spelled = f"{-(-needed // 1000)}s"
    said = "DEADLINE is" if written.deadline_ms is not None else "without DEADLINE it is"
    message = f"the calls may take {needed} ms by their timeouts, but {said} {task.deadline_ms} ms"
    fix = None
    if written.deadline_ms is None and (at := _first_line(written)) is not None:
        fix = Fix(f"add DEADLINE {spelled}", Span(at, at), f"DEADLINE {spelled}\n  ")
    hint = f"say DEADLINE {spelled}, or shorter TIMEOUTs"
    found.add("deadline_too_short", message, hint=hint, span=written.span, severity=Severity.WARNING, fix=fix)


def _first_line(task: Task) -> int | None:
    """Where the first trigger or action starts: the place for a line of the head before it."""
    starts = [each.span.start for each in (*task.triggers, *task.actions) if each.span is not None]
    return min(starts, default=None) if not task.inputs else None
