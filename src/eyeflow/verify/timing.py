"""Time that cannot be kept, and attempts that cannot be made.

Knows: what counts against DEADLINE and EXPIRES. In: a checked task and its catalog. Out: findings. Never: runs.

- `impossible_deadline`: the least the critical path takes, by the latencies the catalog states, exceeds DEADLINE. Only
  what always runs counts: nothing with a WHEN, a FALLBACK, a CACHE or ON_ERROR continue, no loops, the quickest branch.
- `impossible_expiry`: waits of a written length that always happen exceed EXPIRES.
- `useless_retry`: an attempt would start after DEADLINE (pauses of up to a second count) or after EXPIRES (longer
  pauses), or RETRY says one attempt, which is what there is without it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from eyeflow.catalog.model import Catalog
from eyeflow.ir.check import needed_ms
from eyeflow.ir.check.constants import NotAValue, constant
from eyeflow.ir.depends import actions_within, needs, stages
from eyeflow.ir.expr import Expr
from eyeflow.ir.task import Action, Block, Conditional, ConnectorCall, HttpCall, Retry, Task, Wait
from eyeflow.ir.text.durations import print_duration
from eyeflow.verify.fixes import said_anew
from eyeflow.verify.judge import Judge

_SUSPENDING_MS: Final = 1_000


class _Path:
    """The longest chain of actions that always runs, in milliseconds, with the names on it."""

    def __init__(self, catalog: Catalog, zone: str, *, waits: bool) -> None:
        self.catalog = catalog
        self.zone = zone
        self.waits = waits

    def longest(self, actions: tuple[Action, ...]) -> tuple[int, tuple[str, ...]]:
        """Of one list of actions."""
        needed = needs(actions)
        found: dict[int, tuple[int, tuple[str, ...]]] = {}
        for group in stages(needed):
            for number in group:
                before = max((found[n] for n in needed[number - 1]), default=(0, ()), key=lambda p: p[0])
                own = self._least(actions[number - 1])
                name = (actions[number - 1].name,) if own else ()
                found[number] = (before[0] + own, (*before[1], *name))
        return max(found.values(), default=(0, ()), key=lambda p: p[0])

    def _least(self, action: Action) -> int:
        excused = action.fallback is not None or action.on_error == "continue" or action.cache_ms is not None
        if action.when is not None or (excused and not self.waits):
            return 0
        match action.do:
            case HttpCall(bound=bound) | ConnectorCall(bound=bound) if bound is not None and not self.waits:
                service = self.catalog.service(bound.service)
                capability = service.capability(bound.capability) if service is not None else None
                return 0 if capability is None or capability.value is not None else capability.latency_ms
            case Wait(for_=for_) if self.waits and for_ is not None:
                return self._length_ms(for_)
            case Conditional(cases=cases, default=default):
                return min(self._block(block) for block in (*(case.block for case in cases), default))
            case _:
                return 0

    def _block(self, block: Block) -> int:
        return self.longest(block.actions)[0]

    def _length_ms(self, expr: Expr) -> int:
        try:
            value = constant(expr, self.zone)
        except NotAValue:
            return 0
        return value // timedelta(milliseconds=1) if isinstance(value, timedelta) else 0


def judge_time(judge: Judge, task: Task, catalog: Catalog) -> None:
    """DEADLINE, EXPIRES, and every RETRY."""
    assert task.deadline_ms is not None and task.expires_ms is not None, "the checker fills them in"
    _deadline(judge, task, task.deadline_ms, catalog)
    _expiry(judge, task, task.expires_ms, catalog)
    for action in actions_within(task):
        if action.retry is not None:
            with judge.found.at(action.name, "retry", span=action.span):
                _retry(judge, action.retry, task.deadline_ms, task.expires_ms)


def _deadline(judge: Judge, task: Task, deadline_ms: int, catalog: Catalog) -> None:
    least, path = _Path(catalog, judge.zone, waits=False).longest(task.actions)
    if least <= deadline_ms:
        return
    enough = print_duration(-(-max(needed_ms(task, catalog), least) // 1000) * 1000)
    message = (
        f"by the catalog {' -> '.join(path)} takes about {least} ms, but DEADLINE is {print_duration(deadline_ms)}: "
        "the run can hardly end in time"
    )
    with judge.found.at("deadline", span=task.span):
        from_text = said_anew(judge.text, "DEADLINE", enough)
        judge.warn("impossible_deadline", message, None, hint=f"say DEADLINE {enough}", fix=from_text)


def _expiry(judge: Judge, task: Task, expires_ms: int, catalog: Catalog) -> None:
    least, path = _Path(catalog, judge.zone, waits=True).longest(task.actions)
    if least <= expires_ms:
        return
    enough = print_duration(-(-least * 2 // 86_400_000) * 86_400_000)
    waits = f"{' and '.join(path)} {'waits' if len(path) == 1 else 'wait'} {print_duration(least)}"
    message = f"{waits}, but a run expires after {print_duration(expires_ms)}: it never gets past the wait"
    with judge.found.at("expires", span=task.span):
        fix = said_anew(judge.text, "EXPIRES", enough)
        judge.warn("impossible_expiry", message, None, hint=f"say EXPIRES {enough}", fix=fix)


def _retry(judge: Judge, retry: Retry, deadline_ms: int, expires_ms: int) -> None:
    if retry.attempts == 1:
        judge.note("useless_retry", "RETRY 1 is one attempt in all: nothing is repeated", None, hint="say RETRY 2")
        return
    if retry.backoff is None:
        return
    active, waited, pause = 0, 0, float(retry.backoff.first_ms)
    for attempt in range(2, retry.attempts + 1):
        whole = round(pause)
        active, waited = (active + whole, waited) if whole <= _SUSPENDING_MS else (active, waited + whole)
        over = f"DEADLINE {print_duration(deadline_ms)}" if active >= deadline_ms else ""
        over = over or (f"EXPIRES {print_duration(expires_ms)}" if active + waited >= expires_ms else "")
        if over:
            which = "there is no second attempt" if attempt == 2 else f"attempt {attempt} never comes"
            paused = print_duration(active + waited)
            judge.warn("useless_retry", f"the pauses before attempt {attempt} last {paused}, but {over} is over by "
                       f"then: {which}", None, hint="shorter BACKOFF, or more time")  # fmt: skip
            return
        if retry.backoff.kind == "exponential":
            pause = min(pause * retry.backoff.factor, retry.backoff.max_ms or pause * retry.backoff.factor)
