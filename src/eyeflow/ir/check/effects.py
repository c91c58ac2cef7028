"""Rules about what may be repeated, kept, limited and answered.

Knows: effects, keys, idempotency. In: typed actions with their capabilities. Out: findings. Never: types.

- A write that is neither idempotent nor keyed is never repeated: RETRY repeats only what surely was not done, and
  UNCERTAIN retry is refused. RETRY is for calls and tasks. CACHE is for reads. RATE is for calls.
- At most one answer to a webhook's caller can run, and none without a webhook.
"""

from __future__ import annotations

from typing import Final

from eyeflow.catalog.model import Capability
from eyeflow.diagnostics import Severity
from eyeflow.ir.check.findings import Findings
from eyeflow.ir.check.tree import conjuncts
from eyeflow.ir.expr import Call, Expr
from eyeflow.ir.task import Action, Conditional, ConnectorCall, ForEach, HttpCall, Respond, Subtask

MAX_ATTEMPTS: Final = 100
MAX_MS: Final = 366 * 86_400_000


def check_modifiers(action: Action, capability: Capability | None, found: Findings) -> None:
    """TIMEOUT, RETRY, UNCERTAIN, CACHE, RATE of one action."""
    _ranges(action, found)
    if action.retry is not None and not _repeatable(action):
        message = "RETRY is for calls and tasks; this action is never tried twice"
        found.add("no_effect", message, hint="put RETRY on the calls inside, or leave it out")
    if capability is None and isinstance(action.do, HttpCall | ConnectorCall):
        return  # nobody knows what it would do; that there is no such call is said where it stands
    if capability is None:
        for said, value in (("CACHE", action.cache_ms), ("RATE", action.rate), ("UNCERTAIN", action.uncertain)):
            if value is not None:
                found.add("no_effect", f"{said} is for calls; here it does nothing", severity=Severity.WARNING)
        return
    writes = capability.effect in ("write", "irreversible")
    if action.cache_ms is not None and writes:
        found.add("cached_write", f"CACHE is for reads; {capability.name} changes something", hint="leave CACHE out")
    safe = capability.idempotent or capability.idempotency_header is not None or not writes
    if action.uncertain == "retry" and not safe:
        message = f"{capability.name} could be done twice: it is not idempotent and takes no key"
        found.add("unsafe_repeat", message, hint="UNCERTAIN fail, or UNCERTAIN ask")


def _repeatable(action: Action) -> bool:
    return isinstance(action.do, HttpCall | ConnectorCall | Subtask) and not answers(action)


def _ranges(action: Action, found: Findings) -> None:
    retry, rate = action.retry, action.rate
    if action.timeout_ms is not None and not 1 <= action.timeout_ms <= MAX_MS:
        found.add("out_of_range", "TIMEOUT must be from 1 ms to a year")
    if action.cache_ms is not None and not 1 <= action.cache_ms <= MAX_MS:
        found.add("out_of_range", "CACHE must be from 1 ms to a year")
    if retry is not None:
        if not 1 <= retry.attempts <= MAX_ATTEMPTS:
            found.add("out_of_range", f"RETRY counts attempts in all, from 1 to {MAX_ATTEMPTS}, not {retry.attempts}")
        backoff = retry.backoff
        if backoff is not None:
            most = MAX_MS if backoff.max_ms is None else backoff.max_ms
            if not 0 <= backoff.first_ms <= most <= MAX_MS:
                found.add("out_of_range", "BACKOFF must not be negative, and its most not below its first")
            if not 1 <= backoff.factor <= 100:
                found.add("out_of_range", "the factor of BACKOFF must be from 1 to 100")
    if rate is not None and not (1 <= rate.calls <= 1_000_000 and 1 <= rate.window_ms <= MAX_MS):
        found.add("out_of_range", "RATE must be at least 1 call in a window of up to a year")


def answers(action: Action) -> bool:
    """True for an action that answers a webhook's caller."""
    do = action.do
    if isinstance(do, ConnectorCall):
        return do.bound is not None and (do.bound.service, do.bound.capability) == ("webhook", "respond")
    return isinstance(do, Respond)


def check_answers(actions: tuple[Action, ...], *, webhook: bool, found: Findings) -> None:
    """At most one answer can run, and only where somebody asked."""
    first = _first_answer(actions)
    if first is None:
        return
    if not webhook:
        message = "there is nobody to answer: the task has no webhook trigger"
        found.add("respond_without_webhook", message, span=first.span)
    elif _most_answers(actions, found) > 1:
        message = "more than one answer to the caller could run"
        found.add("respond_twice", message, hint="put them in the branches of one conditional", span=first.span)


def _first_answer(actions: tuple[Action, ...]) -> Action | None:
    stack = list(reversed(actions))
    while stack:
        action = stack.pop()
        if answers(action):
            return action
        stack.extend(_inside(action))
    return None


def _inside(action: Action) -> list[Action]:
    inner: list[Action] = []
    match action.do:
        case Conditional(cases=cases, default=default):
            for block in (*(case.block for case in cases), default):
                inner.extend(block.actions)
        case ForEach(actions=actions):
            inner.extend(actions)
        case _:
            pass
    if action.fallback is not None:
        inner.extend(action.fallback.actions)
    return inner


def _most_answers(actions: tuple[Action, ...], found: Findings) -> int:
    """The most answers one run of `actions` can give; alternatives count once, loops as two."""
    counted: list[tuple[Action, int]] = []
    for action in actions:
        own = int(answers(action))
        match action.do:
            case Conditional(cases=cases, default=default):
                own = max(_most_answers(block.actions, found) for block in (*(c.block for c in cases), default))
            case ForEach(actions=inner):
                own = 2 * min(1, _most_answers(inner, found))
            case _:
                pass
        if action.fallback is not None:
            own = max(own, _most_answers(action.fallback.actions, found))
        if own:
            counted.append((action, own))
    most = 0
    for index, (action, own) in enumerate(counted):
        together = own + sum(n for other, n in counted[index + 1 :] if not _exclusive(action.when, other.when))
        most = max(most, together)
    return most


def _exclusive(a: Expr | None, b: Expr | None) -> bool:
    """True when one condition says the opposite of a part of the other."""
    if a is None or b is None:
        return False
    one, other = conjuncts(a), conjuncts(b)
    return any(Call("NOT", (each,)) in other for each in one) or any(Call("NOT", (each,)) in one for each in other)
