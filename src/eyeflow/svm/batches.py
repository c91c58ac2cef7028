"""Reads that go together: one request whose answer has those of many.

Knows: which reads the plan lets go together, how the catalog says they are asked for and told apart. In: a read about
to leave. Out: its answer, or `UNSET`: read it alone. Never: a failure: what is missing in the answer, doubtful, or of a
request that failed is read alone, so that it ends as it would have; never a write, never a replay.

The first read that has no answer yet asks, for itself and for the others: the items of its loop that are still to
come, or the same reads that start with it. The others find their answer waiting, or wait for it. A request that failed
is the last of its kind in a run: a service that cannot answer it costs one request, not one for every item.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, TypeAlias

from msgspec import UNSET

from eyeflow.catalog.model import Batch
from eyeflow.errors import CallError, RunError
from eyeflow.ir.evaluate.frame import PACE, Frame, Meter
from eyeflow.svm import wire
from eyeflow.svm.executable import BatchCode, CallCode, StepCode
from eyeflow.svm.limits import TimedOut
from eyeflow.svm.scope import ScopeRun
from eyeflow.svm.sending import Sending, checked, take_turns
from eyeflow.svm.turns import Waiting
from eyeflow.values import Value

Place: TypeAlias = tuple[int, str]
"""Step number and iteration."""

_Other: TypeAlias = tuple[Place, StepCode, CallCode, Frame]
_Item: TypeAlias = str | int
_Answers: TypeAlias = dict[_Item, object]

_NOTHING: Final[_Answers] = {}


async def read_together(scope: ScopeRun, step: StepCode, code: CallCode, params: dict[str, Value]) -> object:
    """The answer for `params`, as the single read would have given it; `UNSET` when it is to be read alone.

    Raises: CallError `deadline`; RunError `expired`; Stopped.
    """
    batch, run = code.batch, scope.run
    assert batch is not None, "only batched reads come here"
    waiting = scope.turns.waiting if batch.ahead and scope.turns is not None else scope.beside
    own = (step.number, scope.iteration)
    coming = waiting.get(own)
    if coming is not None:
        try:
            return coming.result() if coming.done() else await _awaited(scope, coming)
        finally:
            del waiting[own]
    item = _item(params.get(batch.by.item))
    if item is None or (code.binding.connection, batch.by.capability) in run.alone:
        return UNSET
    asking = _Asking(scope, step, code, batch, params)
    others = asking.others(waiting)
    if not others:
        return UNSET
    coming_in = {place: run.loop.create_future() for place in others}
    waiting.update(coming_in)
    waiting[own] = run.loop.create_future()  # so that nobody else asks for this one
    answers = _NOTHING
    try:
        answers = await asking.ask([item, *others.values()])
    finally:  # whatever happened, nobody waits in vain
        del waiting[own]
        for place, future in coming_in.items():
            if not future.done():
                future.set_result(answers.get(others[place], UNSET))
    return answers.get(item, UNSET)


async def _awaited(scope: ScopeRun, coming: asyncio.Future[object]) -> object:
    """Wait for the answer that another read has asked for; time is active, as in a call."""
    run = scope.run
    now = run.loop.time()
    run.active.work(1, now)
    guard = scope.watch(run.active.ends_at(now), effect=True)
    try:
        return await guard.hold(asyncio.shield(coming))
    except TimedOut:
        return UNSET  # its own call meets the deadline
    finally:
        scope.guards.discard(guard)
        run.active.work(-1, run.loop.time())


class _Asking:
    """One request for many, of the read that came first."""

    def __init__(
        self, scope: ScopeRun, step: StepCode, code: CallCode, batch: BatchCode, params: dict[str, Value]
    ) -> None:
        self._scope = scope
        self._step = step
        self._code = code
        self._batch = batch
        self._rest = self._but_item(params)

    def _but_item(self, params: Mapping[str, Value]) -> dict[str, Value]:
        return {name: value for name, value in params.items() if name != self._batch.by.item}

    def others(self, waiting: Waiting) -> dict[Place, _Item]:
        """For whom else to ask: places and their items, of those whose other parameters are the same."""
        run, same = self._scope.run, wire.digest(self._rest)
        limit = min(run.executable.limits.operations, PACE)
        found: dict[Place, _Item] = {}
        for place, step, code, frame in self._ahead() if self._batch.ahead else self._beside():
            if place in waiting or (run.past is not None and run.past.sent(step.action, place[1], 1)):
                continue
            frame.meter = Meter(limit, _unread)
            try:
                params = checked(code, code.params(frame))
            except RunError:
                continue  # it fails when its turn comes
            item = _item(params.get(self._batch.by.item))
            if item is not None and wire.digest(self._but_item(params)) == same:
                found[place] = item
        return found

    def _ahead(self) -> Iterator[_Other]:
        """The turns of the loop that nobody has asked for yet, as many as go into a request."""
        turns, step = self._scope.turns, self._step
        if turns is None:
            return
        left = turns.ahead(self._scope.iteration, turns.asked.get(step.number, 0))
        for number, iteration, frame in islice(left, self._batch.by.max - 1):
            turns.asked[step.number] = number + 1
            yield (step.number, iteration), step, self._code, frame

    def _beside(self) -> Iterator[_Other]:
        """The same reads of this scope that can start now too."""
        scope, mine, left = self._scope, self._code.binding, self._batch.by.max - 1
        for step in scope.code.steps:
            code = step.operand
            if step is self._step or left <= 0 or not isinstance(code, CallCode):
                continue
            together = code.batch is not None and not code.batch.ahead
            same = (code.binding.connection, code.binding.capability) == (mine.connection, mine.capability)
            ready = step.position in scope.unfinished and scope.missing[step.position] == 0 and step.when is None
            if together and same and ready and scope.nulls.isdisjoint(step.strict):
                left -= 1
                yield (step.number, scope.iteration), step, code, scope.frame.child()

    async def ask(self, items: list[_Item]) -> _Answers:
        """The answers by item; none when the request failed. Raises: as `read_together`."""
        scope, code, by = self._scope, self._code, self._batch.by
        params: dict[str, Value] = {**self._rest, by.items: list(dict.fromkeys(items))}
        try:
            if self._batch.check is not None:
                self._batch.check(params)
            await take_turns(scope, self._step, code)
            with Sending(scope, self._step, code):
                answer = await code.connector.call(by.capability, params)
            return _by_item(by, answer)
        except CallError as error:
            if error.code == "deadline":
                raise
        except RunError as error:
            if error.code != "type_mismatch":
                raise
        scope.run.alone.add((code.binding.connection, by.capability))
        return _NOTHING


def _by_item(by: Batch, answer: object) -> _Answers:
    """The answers by item; what is there twice is nobody's."""
    listed = answer if by.results is None else answer.get(by.results) if isinstance(answer, dict) else None
    found: _Answers = {}
    twice: set[_Item] = set()
    for each in listed if isinstance(listed, list | tuple) else ():
        item = _item(each.get(by.match)) if isinstance(each, dict) else None
        if item is None:
            continue
        if item in found:
            twice.add(item)
        found[item] = each
    return {item: each for item, each in found.items() if item not in twice}


def _item(value: object) -> _Item | None:
    """`value` when things can be told apart by it; true and 1 are not the same."""
    return value if type(value) is str or type(value) is int else None


def _unread(name: str) -> Value:
    raise RunError("evaluation", f"{name} is not read ahead")
