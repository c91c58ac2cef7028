"""A run done again from where it failed: what a new execution takes over from an old one.

Knows: which events of a journal stand when some actions are to be done again. In: the events of an ended run, perhaps
the name of a step. Out: the beginning of the new run's journal. Never: changes a value that was recorded.

The retry is a new execution of the same program, with the same inputs, payload, profile and `now`. Done again is every
action that failed (also where that was tolerated), that was cut off, that gave up to a fallback which ended the task,
or that never began; and, whole, every action that depends on one of these. Inside a loop or a choice that failed, what
finished stands: items that were done are not done twice; of a loop that collected failures, the failed items are done.
With a `step`, that action is done again whole, and whatever depends on it; what failed elsewhere is done again too.
What is done again has new idempotency keys, since somebody asked for it; an effect that may have been done is such a
case, and the old run says which (`uncertain`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from eyeflow.engine.model import EngineError
from eyeflow.ir.program import Program
from eyeflow.svm.journal import (
    BranchTaken,
    CancelRequested,
    DeadlinePassed,
    Event,
    FellBack,
    LoopStarted,
    RunFinished,
    RunResumed,
    RunRetried,
    RunStarted,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    WorldRead,
)
from eyeflow.svm.replay import FALLBACK

Place: TypeAlias = tuple[str, str]
"""The path of an action, and the iteration it is in."""

_CUT: Final = frozenset(("failure", "deadline", "stop", "cancelled", "abandoned"))
_OF_THE_RUN: Final = (RunStarted, RunFinished, RunResumed, RunRetried, CancelRequested, DeadlinePassed)


def taken_over(
    program: Program, events: Sequence[Event], *, step: str | None, execution_id: str, now: datetime
) -> list[Event]:
    """The events with which the retry begins.

    Raises: EngineError `no_such_step`, `nothing_to_retry`.
    """
    head = events[0]
    assert isinstance(head, RunStarted), "a journal begins with the start of its run"
    names = {each.name: each.number for each in program.scopes[program.root].steps}
    if step is not None and step not in names:
        hint = f"it has {', '.join(names)}"
        raise EngineError("no_such_step", f"task {program.task} has no action {step[:100]!a}", hint=hint)
    broken, ended = _broken(events), _ended(events)
    again = {name for name in names if (name, "") in broken or (name, "") not in ended or name == step}
    if not again:
        hint = "name a step, or run the task again"
        raise EngineError("nothing_to_retry", "every action of this run finished", hint=hint)
    whole = _dependents(program, {names[name] for name in again})
    dropped = {name for name, number in names.items() if number in whole} | {step}
    kept = [
        event for event in events
        if not isinstance(event, _OF_THE_RUN) and _root(event) in names and _root(event) not in dropped
        and _stands(event, broken, events)
    ]  # fmt: skip
    last = max((event.at_us for event in kept), default=0)
    start = msgspec.structs.replace(head, execution_id=execution_id)
    return [start, *kept, RunRetried(at_us=last, of=head.execution_id, now=now)]


def _place(event: Event) -> Place:
    return getattr(event, "action", ""), getattr(event, "iteration", "")


def _root(event: Event) -> str:
    return _place(event)[0].split(".", maxsplit=1)[0]


def _ended(events: Iterable[Event]) -> set[Place]:
    return {_place(event) for event in events if isinstance(event, StepFinished | StepSkipped)}


def _broken(events: Sequence[Event]) -> set[Place]:
    """Places that came to no good end, with those they are inside of. A failure that was tolerated or recovered inside
    a loop or choice is a good end, whatever was inside; a loop of the task itself that collected failures is not."""
    began = {_place(event) for event in events if isinstance(event, StepStarted)}
    good = {_place(event) for event in events if isinstance(event, StepFinished) and "." in event.action}
    broken, recovered = began - _ended(events), set[Place]()
    for event in events:
        match event:
            case StepFailed(tolerated=tolerated) if not tolerated or "." not in event.action:
                broken.add(_place(event))
            case StepSkipped(reason=reason) if reason in _CUT:
                broken.add(_place(event))
            case FellBack(stop=True):
                broken.add(_place(event))
            case FellBack():
                recovered.add(_place(event))
            case _:
                pass
    found: set[Place] = set()
    for place in broken - recovered:
        around = list(_around(place))
        if (good | recovered).isdisjoint(around):
            found.add(place)
            found.update(began.intersection(around))
    return found


def _around(place: Place) -> Iterator[Place]:
    """The places that this one may be inside of."""
    action, iteration = place
    numbers = iteration.split(".") if iteration else []
    while "." in action:
        action = action.rpartition(".")[0]
        for length in range(len(numbers) + 1):
            yield action, ".".join(numbers[:length])


def _dependents(program: Program, numbers: set[int]) -> set[int]:
    """The steps that depend on one of these, directly or not."""
    found: set[int] = set()
    while True:
        more = {
            each.number for each in program.scopes[program.root].steps
            if not (numbers | found).isdisjoint(each.needs)
        } - found  # fmt: skip
        if not more:
            return found
        found |= more


def _stands(event: Event, broken: set[Place], events: Sequence[Event]) -> bool:
    """Whether an event of an action that is not done again whole is taken over."""
    action, iteration = _place(event)
    if (action, iteration) in broken:
        # How a loop or choice began, and what it read of the world, decides which of its insides stand.
        began = isinstance(event, StepStarted | WorldRead | BranchTaken | LoopStarted)
        return began and _holds_others((action, iteration), events)
    while FALLBACK in action:
        action = action[: action.rindex(FALLBACK)]
        if (action, iteration) in broken:
            return False
    return True


def _holds_others(place: Place, events: Iterable[Event]) -> bool:
    return any(isinstance(event, BranchTaken | LoopStarted) and _place(event) == place for event in events)
