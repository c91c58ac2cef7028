"""How much active time a run had used when its record ends.

Knows: which events begin and end work and suspension. In: the events of one run, which actions wait. Out: microseconds.
Never: reads a clock.

As `limits.ActiveTime` counts: time stands still while something is suspended and no call is at work. Time in which
no process ran the run is not active either.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from eyeflow.svm.journal import (
    EffectFailed,
    EffectFinished,
    EffectStarted,
    Event,
    RateQueued,
    Retried,
    RunResumed,
    RunRetried,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    UncertainSettled,
)
from eyeflow.svm.limits import LONG_BACKOFF_MS


def active_us(events: Sequence[Event], waits: Collection[str]) -> int:
    """Active microseconds up to the last event. `waits` are the actions that suspend from their start to their end."""
    turns = _Turns()
    last = 0
    for event in events:
        turns.add(event, waits, last)
        last = max(last, event.at_us)
    return turns.active(last)


class _Turns:
    """Instants at which something begins (1) or ends (-1): suspended, at work, dead."""

    def __init__(self) -> None:
        self._found: list[tuple[int, int, int, int]] = []
        self._waiting: dict[tuple[str, str], int] = {}
        self._working: dict[tuple[str, str], int] = {}

    def add(self, event: Event, waits: Collection[str], last: int) -> None:
        at = event.at_us
        match event:
            case StepStarted(action=action, iteration=iteration) if action in waits:
                self._waiting.setdefault((action, iteration), at)
            case EffectStarted(action=action, iteration=iteration):
                self._working[action, iteration] = at
            case EffectFinished(action=action, iteration=iteration):
                self._work(action, iteration, at)
            case EffectFailed(action=action, iteration=iteration):
                self._work(action, iteration, at)
                if event.kind == "uncertain":
                    self._waiting[action, iteration] = at
            case UncertainSettled(action=action, iteration=iteration):
                self._wait(action, iteration, at)
            case Retried(delay_ms=delay):
                self._waiting.pop((event.action, event.iteration), None)
                if delay > LONG_BACKOFF_MS:
                    self._span(at - delay * 1000, at, 1, 0, 0)
            case RateQueued(wait_ms=wait):
                self._span(at - wait * 1000, at, 1, 0, 0)
            case StepFinished() | StepSkipped() | StepFailed():
                self._settle(event.action, event.iteration, at, waits)
            case RunResumed():
                self._span(last, at, 0, 0, 1)
            case RunRetried():
                self._found, self._waiting, self._working = [], {}, {}
                self._span(0, at, 0, 0, 1)
            case _:
                pass

    def _settle(self, action: str, iteration: str, at: int, waits: Collection[str]) -> None:
        """A step ended: a wait with it. An uncertain call nobody was asked about did not wait."""
        if action in waits:
            self._wait(action, iteration, at)
        else:
            self._waiting.pop((action, iteration), None)

    def _wait(self, action: str, iteration: str, at: int) -> None:
        since = self._waiting.pop((action, iteration), None)
        if since is not None:
            self._span(since, at, 1, 0, 0)

    def _work(self, action: str, iteration: str, at: int) -> None:
        since = self._working.pop((action, iteration), None)
        if since is not None:
            self._span(since, at, 0, 1, 0)

    def _span(self, since: int, until: int, suspended: int, working: int, dead: int) -> None:
        self._found.append((since, suspended, working, dead))
        self._found.append((until, -suspended, -working, -dead))

    def active(self, last: int) -> int:
        for since in self._waiting.values():
            self._span(since, last, 1, 0, 0)
        for since in self._working.values():
            self._span(since, last, 0, 1, 0)
        total = at = suspended = working = dead = 0
        for turn, waits, works, died in sorted([*self._found, (last, 0, 0, 0)]):
            if not dead and (working or not suspended):
                total += turn - at
            at = turn
            suspended, working, dead = suspended + waits, working + works, dead + died
        return total
