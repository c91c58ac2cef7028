"""Runs under way in this process: driven by the machine, answered, parked, ended.

Knows: what becomes of a run when the machine returns, fails, or is told to stop; when a run that stands still leaves
memory. In: prepared runs (`Active`). Out: ends (`ending`), answers to callers. Never: decides what starts (`engine`)
or what is taken over (`sweeper`).

One task drives a run. Whatever ends that task, the run is in one of three states: ended in the store; given back to the
store (parked, released); or lost to another process. No caller waits for a run that is none of these.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from eyeflow.engine.active import Active, Answer
from eyeflow.engine.admission import Admission
from eyeflow.engine.common import Common
from eyeflow.engine.ending import Endings
from eyeflow.engine.lease import Ending, Gone
from eyeflow.engine.model import RunResult, Status
from eyeflow.errors import EyeFlowError
from eyeflow.secrets.access import Access, from_now_on
from eyeflow.store.port import Conflict, Scalar, StoreError, Update, Where
from eyeflow.store.records import ExecutionRecord, WorkRecord
from eyeflow.svm.handle import RunHandle
from eyeflow.svm.outcome import Execution

_log: Final = logging.getLogger("eyeflow.engine")


class Driving:
    """The runs of this process. `ended` is told of each run that ended, `orphaned` of each that this process still owns
    and could not carry on."""

    def __init__(self, common: Common, actives: dict[str, Active], admission: Admission, endings: Endings) -> None:
        self._common = common
        self._actives = actives
        self._admission = admission
        self._endings = endings
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, list[Answer]] = {}
        self._children: dict[str, set[Active]] = {}
        self.ended: Callable[[ExecutionRecord], None] = lambda record: None
        self.orphaned: Callable[[str], None] = lambda execution_id: None

    def start(self, active: Active, handle: RunHandle) -> None:
        """Drive a run whose place is taken."""
        active.handle = handle
        active.occupies = True
        if active.record.parent is not None:
            self._children.setdefault(active.record.parent, set()).add(active)
        self._actives[active.id] = active
        self._common.metrics.started += 1
        if active.deployed is not None:
            active.deployed.live.users += 1
        active.driver = driver = asyncio.get_running_loop().create_task(self._drive(active))
        self._tasks.add(driver)
        driver.add_done_callback(partial(self._over, active))

    def settle_computed(self, active: Active, execution: Execution) -> None:
        """Write the end of a queued run that only computed, whose place is taken."""
        active.occupies = True
        active.pending = list(execution.events)
        self._actives[active.id] = active
        self._common.metrics.started += 1
        active.driver = self.spawn(self._settled(active, execution))

    async def _settled(self, active: Active, execution: Execution) -> None:
        try:
            result = await self._endings.conclude(active, execution)
        except Exception as error:
            await self._stopped(active, error)
        else:
            self._done(active, result)

    def _over(self, active: Active, driver: asyncio.Task[None]) -> None:
        """Its driver has ended, perhaps before it began: the run is not here."""
        self._tasks.discard(driver)
        if self._actives.get(active.id) is active:
            self._left(active)

    def answer_to(self, active: Active) -> Answer:
        """What a caller of this run waits for: its end, or that it suspends or goes elsewhere."""
        answer: Answer = asyncio.get_running_loop().create_future()
        active.answers.append(answer)
        return answer

    def end_of(self, execution_id: str) -> Answer:
        """What somebody waits for who wants the end of a run wherever it is: its result, if it ends in this process."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(execution_id, []).append(answer)
        answer.add_done_callback(lambda done: self._forget(execution_id, answer))
        return answer

    def _forget(self, execution_id: str, answer: Answer) -> None:
        left = self._waiting.get(execution_id, [])
        if answer in left:
            left.remove(answer)
        if not left:
            self._waiting.pop(execution_id, None)

    async def _drive(self, active: Active) -> None:
        """Drive a run; secrets are read on its behalf, and the audit says so."""
        assert active.handle is not None, "a run is started with its handle"
        from_now_on(Access(actor=active.record.principal or "system", execution_id=active.id))
        try:
            execution = await active.handle.drive()
            if active.gone:
                raise active.fault or Gone(active.id)
            result = await self._endings.conclude(active, execution)
        except asyncio.CancelledError:
            if not active.gone:
                self._left(active)
                raise
            task = asyncio.current_task()
            assert task is not None, "a run is driven inside a task"
            task.uncancel()
            await self._stopped(active, active.fault)
        except Exception as error:
            await self._stopped(active, active.fault or error)
        else:
            self._done(active, result)

    async def _stopped(self, active: Active, fault: Exception | None) -> None:
        """The run ended without an end of its own."""
        if fault is None:
            self._left(active)
        elif isinstance(fault, Ending):
            self._left(active)
            await self._give_back(active, ready_ms=self._common.now_ms())
        elif isinstance(fault, Gone):
            self._common.metrics.fenced += 1
            self._left(active)
        elif isinstance(fault, StoreError):
            _log.warning("the store failed under %s: %s", active.id, fault.code)
            self._unkept(active, fault)
        else:
            await self._failed(active, fault)

    async def _failed(self, active: Active, fault: Exception) -> None:
        """The machine could not carry the run to an end: write one that says so."""
        if not isinstance(fault, EyeFlowError):
            _log.error("a run failed in the machine itself: %s", active.id, exc_info=fault)
            fault = EyeFlowError(
                "internal_error", "something in EyeFlow itself failed", hint="report it, with the server's log"
            )  # fmt: skip
        await self.end(active, "failed", fault)

    async def end(self, active: Active, status: Status, why: EyeFlowError) -> None:
        """End a run without the machine."""
        try:
            result = await self._endings.conclude_without(active, status, why.code, why.message, why.hint)
        except Gone:
            self._common.metrics.fenced += 1
            self._left(active)
        except StoreError as error:
            self._unkept(active, error)
        else:
            self._done(active, result)

    def _done(self, active: Active, result: RunResult) -> None:
        metrics = self._common.metrics
        metrics.ended[result.status] += 1
        metrics.duration.add(result.duration_ms or 0)
        self._left(active, result)
        self.settle(active.id, result)
        self.ended(active.record)

    def settle(self, execution_id: str, result: RunResult) -> None:
        """Tell everybody who waits for the end of this run."""
        for answer in self._waiting.pop(execution_id, ()):
            if not answer.done():
                answer.set_result(result)

    def _unkept(self, active: Active, error: StoreError) -> None:
        """The store failed. What it has of the run is carried on later; of what it has not, the caller is told."""
        if active.kept:
            self._left(active)
            self.orphaned(active.id)
            return
        waiting, active.answers = active.answers, []
        self._left(active)
        for answer in waiting:
            if not answer.done():
                answer.set_exception(error)

    def _left(self, active: Active, result: RunResult | None = None) -> None:
        """The run is not in this process any more."""
        active.gone = True
        if active.look is not None:
            active.look.cancel()
        if self._actives.get(active.id) is active:
            del self._actives[active.id]
        self._vacate(active)
        self._children.pop(active.id, None)
        self._children.get(active.record.parent or "", set()).discard(active)
        if active.deployed is not None and active.handle is not None:
            active.deployed.live.leave()
        active.answer(result)

    def _vacate(self, active: Active) -> None:
        if active.occupies:
            active.occupies = False
            self._admission.leave(active.record.task_id)

    def turned(self, execution_id: str, standing: bool) -> None:
        """See `svm.ports.Suspensions`: a run that stands still gives its place back, and takes it again."""
        active = self._actives.get(execution_id)
        if active is None or active.gone:
            return
        if standing:
            self._vacate(active)
            asyncio.get_running_loop().call_soon(self._stood, active)
        elif not active.occupies:
            active.occupies = True
            self._admission.occupy(active.record.task_id)

    def _stood(self, active: Active) -> None:
        """The run stands still: for long enough to answer its callers, or to leave memory?"""
        left_ms, limits = self._stands_ms(active), self._common.limits
        if left_ms > limits.patience_ms and active.answers:
            self.spawn(self._suspend(active))
        if left_ms <= 0 or active.handle is None:
            return
        # When the first of several waits has ended, or a place in a line was given up, another look is due.
        later_ms = left_ms if left_ms <= limits.park_ms or active.handle.in_line else 0.0
        if active.look is not None:
            active.look.cancel()
        loop = asyncio.get_running_loop()
        active.look = loop.call_later((later_ms + limits.linger_ms) / 1000, self._look_again, active)

    def _look_again(self, active: Active) -> None:
        active.look = None
        if self._stands_ms(active) <= self._common.limits.park_ms or (active.handle and active.handle.in_line):
            self._stood(active)
        else:
            self.spawn(self._park(active))

    def _stands_ms(self, active: Active) -> float:
        """How long the run will stand still if nobody does anything; 0 when it does not."""
        if active.gone or active.settling or active.handle is None or active.handle.wakes_at is None:
            return 0.0
        return (active.handle.wakes_at - asyncio.get_running_loop().time()) * 1000

    async def _suspend(self, active: Active) -> None:
        """Put the run in the store, if it is not there, and tell its callers to ask again."""
        await self.secure(active)
        if not active.gone:
            active.answer(None)

    async def secure(self, active: Active) -> None:
        """Have the run survive this process from now on: its caller is about to be told that it goes on."""
        if active.kept or active.gone or active.settling or active.handle is None:
            return
        for child in tuple(self._children.get(active.id, ())):
            await self.secure(child)
        try:
            await active.handle.keep()
        except EyeFlowError:
            return  # the run has left, and its driver says why

    async def _park(self, active: Active) -> None:
        """Leave memory until the run goes on, if it still stands."""
        await self.secure(active)
        left_ms = self._stands_ms(active)
        if left_ms > self._common.limits.park_ms:
            self._common.metrics.parked += 1
            await self.release(active, ready_ms=self._common.now_ms() + int(left_ms), waiting=True)

    def lose(self, active: Active) -> None:
        """The run belongs to another process."""
        active.leave(Gone(active.id))
        if active.driver is None:
            self._left(active)

    async def evict(self, execution_id: str) -> None:
        """See to it that nothing of this run is at work here any more, before it begins here anew."""
        active = self._actives.get(execution_id)
        if active is not None:
            self.lose(active)
            if active.driver is not None:
                await asyncio.wait([active.driver])

    async def release(self, active: Active, *, ready_ms: int, waiting: bool = False) -> None:
        """Stop the run here and give it back to the store, to be taken up by anybody from `ready_ms` on."""
        active.leave()
        if active.driver is None:
            self._left(active)
        else:
            await asyncio.wait([active.driver])
        await self._give_back(active, ready_ms=ready_ms, waiting=waiting)

    async def _give_back(self, active: Active, *, ready_ms: int, waiting: bool = False) -> None:
        """Write that nobody owns a run that has left, unless somebody else does."""
        values: tuple[tuple[str, Scalar], ...] = (("owner", None), ("wake_ms", ready_ms if waiting else None))
        if waiting:
            values = (*values, ("status", "waiting"))
        unseen = (Where("execution_id", "=", active.id), Where("signal", "=", False))
        unit = (
            Update(ExecutionRecord, values, active.mine(), expect=1),
            Update(WorkRecord, (("owner", None), ("ready_ms", ready_ms)), unseen, expect=1),
        )
        try:
            await self._common.write(*unit)
        except Conflict:
            # Somebody has it already, or has just written something it must look at.
            self.orphaned(active.id)
        except StoreError:
            self.orphaned(active.id)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that is held until it is done."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
