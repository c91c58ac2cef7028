"""FOREACH: a scope for each item of a list.

Knows: filtering, the limit on items, how many go at a time, what a failing item means. In: a FOREACH step in its
scope. Out: what was collected, in the order of the items. Never: starts an item's effect before all are counted.

Without ON_ERROR continue the first failing item fails the loop: no further item starts, items under way start
nothing more, and the failure is that of the lowest item. With it, `{item, error}` stands in the failing item's place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from eyeflow.errors import CallError, RunError
from eyeflow.ir.evaluate.frame import Frame
from eyeflow.svm.executable import FanCode, StepCode
from eyeflow.svm.journal import LoopStarted
from eyeflow.svm.limits import Stopped
from eyeflow.svm.replay import Recording
from eyeflow.svm.run import TaskEnded
from eyeflow.svm.scope import ScopeRun
from eyeflow.svm.turns import Waiting
from eyeflow.values import Value


async def perform_foreach(scope: ScopeRun, step: StepCode) -> Value:
    """Run the loop. Raises: RunError `loop_limit`, `type_mismatch`; what the first failing item raises."""
    fan = step.operand
    assert isinstance(fan, FanCode)
    items = _items(scope, step, fan)
    run = scope.run
    run.note(LoopStarted(at_us=run.at_us(), action=step.action, iteration=scope.iteration, items=len(items)))
    return await _Loop(scope, step, fan, items).drive()


def _items(scope: ScopeRun, step: StepCode, fan: FanCode) -> list[Value]:
    source = fan.source(scope.frame)
    if not isinstance(source, (list, tuple)):
        raise RunError("type_mismatch", f"{step.name} loops over a list")
    items = list(source)
    if fan.where is not None:
        frame = scope.frame.child()
        kept = []
        for item in items:
            frame[fan.item] = item
            if fan.where(frame) is True:
                kept.append(item)
        items = kept
    if len(items) > fan.max_items:
        raise RunError(
            "loop_limit", f"{step.name} has {len(items)} items, at most {fan.max_items} are allowed",
            hint="raise MAX_ITEMS, or take some with TOP or SLICE",
        )  # fmt: skip
    return items


class _Loop:
    """One loop under way."""

    def __init__(self, scope: ScopeRun, step: StepCode, fan: FanCode, items: list[Value]) -> None:
        self._scope = scope
        self._action = step.action
        self._fan = fan
        self._items = items
        self._collected: list[Value] = [None] * len(items)
        self._failures: list[tuple[int, Exception]] = []
        self._running: set[ScopeRun] = set()
        self._halted = False
        self.waiting: Waiting = {}
        self.asked: dict[int, int] = {}
        self._closed = scope.closed(step) or self._lost()

    def _lost(self) -> bool:
        """In a resumed run: whether an item has failed, so that no further one starts."""
        past = self._scope.run.past
        return (
            past is not None
            and not self._fan.collecting
            and any(
                past.lost(step.action, self._iteration(number))
                for number in range(len(self._items))
                for step in self._fan.scope.steps
            )
        )

    async def drive(self) -> Value:
        coming = iter(range(len(self._items)))
        lanes = min(self._fan.parallel, len(self._items))
        if lanes <= 1:
            await self._lane(coming)
        else:
            await self._lanes(coming, lanes)
        if self._failures:
            raise min(self._failures, key=lambda failed: failed[0])[1]
        if self._halted:
            raise Stopped
        return self._collected

    async def _lanes(self, coming: Iterator[int], lanes: int) -> None:
        tasks = [self._scope.run.loop.create_task(self._lane(coming)) for _ in range(lanes)]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _lane(self, coming: Iterator[int]) -> None:
        recording = self._scope.run.recording
        for number in coming:
            if recording is not None:
                if not self._entered(number, recording):
                    self._halted = True
                    continue
            elif self._failures or self._scope.stopped or self._closed:
                past = self._scope.run.past
                if past is None:
                    self._halted = True
                    return
                if not self._entered(number, past):
                    self._halted = True
                    continue
            await self._turn(number)

    def _entered(self, number: int, record: Recording) -> bool:
        steps = self._fan.scope.steps
        return not steps or record.entered(steps[0].action, self._iteration(number))

    def ahead(self, iteration: str, first: int) -> Iterator[tuple[int, str, Frame]]:
        """The turns after `iteration`, from the `first`-th on: number, iteration, and a frame to look at."""
        here = int(iteration.rpartition(".")[2])
        for number in range(max(here + 1, first), len(self._items)):
            frame = self._scope.frame.child()
            frame[self._fan.item] = self._items[number]
            yield number, self._iteration(number), frame

    def _iteration(self, number: int) -> str:
        return f"{self._scope.iteration}.{number}" if self._scope.iteration else str(number)

    async def _turn(self, number: int) -> None:
        item, fan = self._items[number], self._fan
        frame = self._scope.frame.child()
        frame[fan.item] = item
        inner = ScopeRun(
            self._scope.run, fan.scope, frame, self._iteration(number), self._scope, closed=self._closed, turns=self
        )
        self._running.add(inner)
        try:
            await inner.drive()
            if fan.collect is not None:
                self._scope.run.place = (f"{self._action}.collect", inner.iteration)
                self._collected[number] = fan.collect(frame)
        except Stopped:
            self._halted = True
        except (RunError, CallError) as error:
            if fan.collecting and error.code != "deadline":
                self._scope.run.tolerated.append((self._action, inner.iteration, error))
                self._collected[number] = {"item": item, "error": error.message}
            else:
                self._failed(number, error)
        except TaskEnded as ended:
            self._failed(number, ended)
        finally:
            self._running.discard(inner)
            for asked in self.asked:  # an answer that its turn did not come to is not kept
                self.waiting.pop((asked, inner.iteration), None)

    def _failed(self, number: int, error: Exception) -> None:
        self._failures.append((number, error))
        for other in self._running:
            other.stop()
