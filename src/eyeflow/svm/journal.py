"""What happened in a run, as past-tense events; and where they are kept.

Knows: every kind of event, their canonical bytes, and the `Journal` port. In: events of one run, in order.
Out: stored batches. Never: decides anything; a run is replayed from these events alone (`replay`).

`action` is the path of action names (`weather_rule.notify`), `iteration` the numbers of the loop items it runs in,
from 0, outermost first (`3`, `3.1`; empty outside loops). `at_us` is microseconds since the run started.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol, TypeAlias

import msgspec

from eyeflow.errors import CallKind, RunError
from eyeflow.svm import wire
from eyeflow.values import Value


class Check(msgspec.Struct, frozen=True, array_like=True):
    """One condition of a choice as it was decided: `72 > 75` and whether it holds."""

    text: str
    holds: bool


class _Noted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all events of a run have."""

    at_us: int = 0


class _Acted(_Noted, frozen=True, kw_only=True):
    """What all events of an action have."""

    action: str
    iteration: str = ""


class RunStarted(_Noted, frozen=True, kw_only=True):
    """A run began with these roots."""

    execution_id: str
    task: str
    program: str
    inputs: Value
    trigger: Value = None
    me: Value = None
    now: datetime


class StepStarted(_Acted, frozen=True, kw_only=True):
    """An action began."""

    number: int


class StepFinished(_Acted, frozen=True, kw_only=True):
    """An action has its output."""

    value: Value


class StepFailed(_Acted, frozen=True, kw_only=True):
    """An action failed for good; `tolerated` by ON_ERROR continue."""

    code: str
    message: str
    kind: CallKind | None = None
    tolerated: bool = False


class StepSkipped(_Acted, frozen=True, kw_only=True):
    """An action did not run, or not to its end: its WHEN was false (`when`), it needs a value that is null
    (`null_input`), the run had failed (`failure`), had no time left (`deadline`), was ended by a fallback (`stop`),
    or was cancelled (`cancelled`); or what it is part of ran out of its own time (`abandoned`)."""

    number: int
    reason: str


class EffectStarted(_Acted, frozen=True, kw_only=True):
    """A call is about to leave. `request` is the digest of its parameters, `key` its idempotency key."""

    attempt: int
    connection: str
    capability: str
    key: str
    request: str


class EffectFinished(_Acted, frozen=True, kw_only=True):
    """A call was answered by `value`; `cached` when the answer came from the cache."""

    attempt: int
    value: Value
    cached: bool = False


class EffectFailed(_Acted, frozen=True, kw_only=True):
    """A call was not answered well; `kind` says what is known of its effect."""

    attempt: int
    kind: CallKind
    code: str
    message: str
    retry_after_ms: int | None = None


class Retried(_Acted, frozen=True, kw_only=True):
    """A call is repeated after `delay_ms`; `attempt` is the coming one's number."""

    attempt: int
    delay_ms: int


class RateQueued(_Acted, frozen=True, kw_only=True):
    """A call waited `wait_ms` for its turn under a rate limit."""

    wait_ms: int


class FellBack(_Acted, frozen=True, kw_only=True):
    """A fallback gave the action's value, or ended the task (`stop`)."""

    stop: bool


class FallbackFailed(_Acted, frozen=True, kw_only=True):
    """A fallback failed too; the action keeps its first error."""

    code: str
    message: str


class BranchTaken(_Acted, frozen=True, kw_only=True):
    """A choice was made: the conditions decided in order, and the name of the branch."""

    checks: tuple[Check, ...]
    taken: str


class LoopStarted(_Acted, frozen=True, kw_only=True):
    """A loop goes over `items` items."""

    items: int


class Waited(_Acted, frozen=True, kw_only=True):
    """A pause of `wait_ms` ended."""

    wait_ms: int


class ApprovalAsked(_Acted, frozen=True, kw_only=True):
    """A person of `role` was asked."""

    role: str
    message: str


class ApprovalGiven(_Acted, frozen=True, kw_only=True):
    """The answer: yes or no, and by whom."""

    approved: bool
    by: str
    comment: str = ""


class UncertainSettled(_Acted, frozen=True, kw_only=True):
    """A person said what became of a call nobody knew the effect of: `sent`, `again` or `failed`."""

    attempt: int
    verdict: str
    by: str


class SubtaskFinished(_Acted, frozen=True, kw_only=True):
    """Another task ran as part of this one and gave `value`."""

    task: str
    value: Value


class LogWritten(_Acted, frozen=True, kw_only=True):
    """A line in the run's log."""

    text: str


class EventEmitted(_Acted, frozen=True, kw_only=True):
    """An event was handed to the publisher."""

    topic: str
    value: Value


class Responded(_Acted, frozen=True, kw_only=True):
    """The caller of the webhook was answered."""

    status: int
    body: Value


class WorldRead(_Acted, frozen=True, kw_only=True):
    """NOW or UUID was read; the `count`-th reading of this place gave `value`."""

    name: str
    count: int
    value: Value


class DeadlinePassed(_Noted, frozen=True, kw_only=True):
    """The active time of the run was used up."""


class CancelRequested(_Noted, frozen=True, kw_only=True):
    """Somebody asked for the end of the run."""


class RunResumed(_Noted, frozen=True, kw_only=True):
    """The run was taken up again from its journal, after the process that ran it had gone."""


class RunRetried(_Noted, frozen=True, kw_only=True):
    """Somebody had the run `of` done again from where it failed: what came before this was taken over from it, and the
    deadline and EXPIRES count from here, which was at `now`."""

    of: str
    now: datetime


class RunFinished(_Noted, frozen=True, kw_only=True):
    """A run ended."""

    status: str
    output: Value = None
    code: str = ""
    error: str = ""


ActionEvent: TypeAlias = (
    StepStarted | StepFinished | StepFailed | StepSkipped | EffectStarted | EffectFinished | EffectFailed | Retried
    | RateQueued | FellBack | FallbackFailed | BranchTaken | LoopStarted | Waited | ApprovalAsked | ApprovalGiven
    | UncertainSettled | SubtaskFinished | LogWritten | EventEmitted | Responded | WorldRead
)  # fmt: skip
Event: TypeAlias = (
    RunStarted | ActionEvent | DeadlinePassed | CancelRequested | RunResumed | RunRetried | RunFinished
)  # fmt: skip

_KINDS: Final[dict[str, type[Event]]] = {
    kind.__name__: kind
    for kind in (
        RunStarted, StepStarted, StepFinished, StepFailed, StepSkipped, EffectStarted, EffectFinished, EffectFailed,
        Retried, RateQueued, FellBack, FallbackFailed, BranchTaken, LoopStarted, Waited, ApprovalAsked, ApprovalGiven,
        UncertainSettled, SubtaskFinished, LogWritten, EventEmitted, Responded, WorldRead, DeadlinePassed,
        CancelRequested, RunResumed, RunRetried, RunFinished,
    )
}  # fmt: skip


def event_name(event: Event) -> str:
    """The event's kind in snake case, as people and files write it (`effect_started`)."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in type(event).__name__).lstrip("_")


def fields_of(event: Event) -> dict[str, Value]:
    """The event as an object, its kind under `event`."""
    fields: dict[str, Value] = {"event": type(event).__name__, **msgspec.structs.asdict(event)}
    if isinstance(event, BranchTaken):
        fields["checks"] = [[check.text, check.holds] for check in event.checks]
    return fields


def encode_event(event: Event) -> bytes:
    """Canonical bytes of one event."""
    return wire.pack(fields_of(event))


def decode_event(data: bytes) -> Event:
    """The event that `encode_event` spelled. Raises: RunError `bad_journal` for anything else."""
    fields = wire.unpack(data)
    if not isinstance(fields, dict) or not isinstance(name := fields.pop("event", None), str):
        raise RunError("bad_journal", "a journal entry is not an event")
    return event_of(name, fields)


def event_of(name: str, fields: dict[str, Value]) -> Event:
    """The event of kind `name` with these fields. Raises: RunError `bad_journal` for anything else."""
    kind = _KINDS.get(name)
    try:
        if kind is None:
            raise TypeError(name)
        if kind is BranchTaken:
            fields["checks"] = tuple(Check(*pair) for pair in fields["checks"])  # type: ignore[union-attr, misc]
        return kind(**fields)  # type: ignore[arg-type]
    except (TypeError, KeyError) as error:
        raise RunError("bad_journal", f"a journal entry of kind {name!r} cannot be read") from error


_TIMING: Final = (RateQueued, DeadlinePassed, CancelRequested, RunResumed, RunRetried)


def trace_hash(events: Sequence[Event]) -> str:
    """SHA-256 of what happened, in hex: the same for a run and its replays, on any machine.

    Covers every event and value but measured times and waiting for a turn. Events are ordered by action and
    iteration, and within one by occurrence, because nothing depends on the order in which parallel actions finish.
    """
    causal = [event for event in events if not isinstance(event, _TIMING)]
    causal.sort(key=lambda e: (getattr(e, "action", ""), getattr(e, "iteration", "")))
    running = hashlib.sha256()
    for event in causal:
        fields = fields_of(event)
        for measured in ("at_us", "wait_ms"):
            fields.pop(measured, None)
        running.update(wire.pack(fields))
    return running.hexdigest()


class Journal(Protocol):
    """Where events are kept. `append` returns when the batch is as durable as the store makes it.

    A journal may have `gather(events) -> bool` too: True when it took them on the spot, since they need not be kept
    before the run goes on; False when they are to be appended.
    """

    async def append(self, execution_id: str, events: Sequence[Event]) -> None:
        """Keep `events`, which follow all earlier ones of this execution."""
        ...


class MemoryJournal:
    """A journal in memory: `of(execution_id)` gives what was appended, `batches` how it came."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}
        self.batches: list[tuple[str, tuple[Event, ...]]] = []

    async def append(self, execution_id: str, events: Sequence[Event]) -> None:
        """Keep `events`."""
        self._events.setdefault(execution_id, []).extend(events)
        self.batches.append((execution_id, tuple(events)))

    def of(self, execution_id: str) -> tuple[Event, ...]:
        """All events of one execution, in order."""
        return tuple(self._events.get(execution_id, ()))
