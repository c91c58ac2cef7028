"""When units are written: the event loop's part of group commit.

Knows: who waits, how long a batch is gathered, whether the disk is quick enough to commit on the loop.
In: prepared units. Out: their outcomes, when they are on disk. Never: SQL.

A batch is gathered while further units arrive in each turn of the loop, for at most the window. Its statements are
done on the loop. On a quick disk so is its commit: a thread costs more. When commits take longer than two milliseconds
a thread waits for the disk, and the loop goes on. While another process writes, units gather on; when it is in the way
for long, a thread waits for its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final, TypeAlias, TypeVar

from eyeflow.store.port import StoreError
from eyeflow.store.sqlite.committing import Committer, InTheWayError, Outcome
from eyeflow.store.sqlite.units import Unit

_SLOW_S: Final = 0.002
_QUICK_S: Final = 0.001
_WEIGHT: Final = 0.1
_AGAIN_S: Final = 0.000_5
_PATIENCE_S: Final = 0.02
_MAX_BATCH: Final = 1_000

Waiter: TypeAlias = asyncio.Future[tuple[int, ...]]
Batch: TypeAlias = list[tuple[Unit, Waiter]]
T = TypeVar("T")


class GroupCommit:
    """Gathers units and has `committer` write them. `committed(units)` is called after each batch."""

    def __init__(
        self,
        committer: Committer,
        executor: Executor,
        *,
        window_s: float,
        committed: Callable[[int], None],
    ) -> None:
        self._committer = committer
        self._executor = executor
        self._window_s = window_s
        self._committed = committed
        self._loop = asyncio.get_running_loop()
        self._queue: Batch = []
        self._gathering = False
        self._seen = 0
        self._until = 0.0
        self._away: asyncio.Future[Any] | None = None
        self._works: deque[tuple[Callable[[], None], asyncio.Future[None]]] = deque()
        self._average_s = 0.0
        self._slow = False
        self._in_the_way_since: float | None = None

    def submit(self, unit: Unit) -> Waiter:
        """Have `unit` written; the future is done when it is on disk, or refused."""
        waiter: Waiter = self._loop.create_future()
        self._queue.append((unit, waiter))
        if not self._gathering and self._away is None:
            self._gather()
        return waiter

    async def finish(self) -> None:
        """Return when everything that was submitted has its outcome."""
        while self._queue or self._away is not None:
            if self._away is not None:
                await asyncio.wait([self._away])
            else:
                self._flush()
            await asyncio.sleep(0)

    async def alone(self, work: Callable[[], None]) -> None:
        """Run `work` in a thread while no batch is written: it goes before the units that wait, which wait on
        meanwhile."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._works.append((work, done))
        if self._away is None:
            self._work()
        await done

    def _work(self) -> None:
        work, done = self._works.popleft()

        def over(finished: asyncio.Future[None]) -> None:
            error = finished.exception()
            if error is not None and not done.done():
                done.set_exception(error)
            elif not done.done():
                done.set_result(None)
            self._back(finished)

        self._send(work).add_done_callback(over)

    def _gather(self) -> None:
        self._gathering = True
        self._seen = 0
        self._until = self._loop.time() + self._window_s
        self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        """Another turn of the loop has passed: write, unless units are still coming in."""
        count = len(self._queue)
        if self._seen < count < _MAX_BATCH and self._loop.time() < self._until:
            self._seen = count
            self._loop.call_soon(self._settle)
            return
        self._settled()

    def _settled(self) -> None:
        """No more is waited for."""
        self._gathering = False
        if self._away is None and self._queue:
            self._flush()

    def _flush(self) -> None:
        batch, self._queue = self._queue[:_MAX_BATCH], self._queue[_MAX_BATCH:]
        try:
            outcomes = self._committer.prepare([unit for unit, _ in batch])
            if self._slow:
                self._send_batch(batch, lambda: self._commit(outcomes))
                return
            self._committer.commit()
        except InTheWayError:
            self._come_again(batch)
            return
        except Exception as error:
            self._refuse(batch, error)
        else:
            self._in_the_way_since = None
            self._answer(batch, outcomes)
        if self._queue and not self._gathering:
            self._gather()

    def _commit(self, outcomes: list[Outcome]) -> list[Outcome]:
        self._committer.commit()
        return outcomes

    def _come_again(self, batch: Batch) -> None:
        """Another process writes: try again in a moment, or have a thread wait when it takes long."""
        now = self._loop.time()
        if self._in_the_way_since is None:
            self._in_the_way_since = now
        if now - self._in_the_way_since < _PATIENCE_S:
            self._queue = [*batch, *self._queue]
            self._gathering = True
            # The other one's commit takes about as long as ours do: asking much more often only costs.
            self._loop.call_later(max(_AGAIN_S, self._average_s / 4), self._settled)
            return
        units = [unit for unit, _ in batch]
        self._send_batch(batch, lambda: self._committer.run(units))

    def _send_batch(self, batch: Batch, work: Callable[[], list[Outcome]]) -> None:
        away = self._send(work)
        self._in_the_way_since = None

        def done(finished: asyncio.Future[list[Outcome]]) -> None:
            error = finished.exception()
            if error is None:
                self._answer(batch, finished.result())
            else:
                self._refuse(batch, error)
            self._back(finished)

        away.add_done_callback(done)

    def _send(self, work: Callable[[], T]) -> asyncio.Future[T]:
        away = self._loop.run_in_executor(self._executor, work)
        self._away = away
        return away

    def _back(self, _: asyncio.Future[Any]) -> None:
        """The thread is done: what came in meanwhile is the next batch."""
        self._away = None
        if self._works:  # else it would never have its turn while units keep coming
            self._work()
        elif self._queue and not self._gathering:
            self._flush()

    def _answer(self, batch: Batch, outcomes: list[Outcome]) -> None:
        self._learn(self._committer.commit_s)
        for (_, waiter), outcome in zip(batch, outcomes, strict=True):
            if waiter.done():
                continue
            if isinstance(outcome, StoreError):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)
        self._committed(sum(len(unit.steps) for unit, _ in batch))

    def _refuse(self, batch: Batch, error: BaseException) -> None:
        """Nothing of the batch is stored: everybody is told, each by an exception of their own."""
        for _, waiter in batch:
            if waiter.done():
                continue
            if isinstance(error, StoreError):
                waiter.set_exception(StoreError(error.code, error.message, hint=error.hint))
            else:
                waiter.set_exception(error)

    def _learn(self, commit_s: float) -> None:
        self._average_s += _WEIGHT * (commit_s - self._average_s)
        self._slow = self._average_s > (_QUICK_S if self._slow else _SLOW_S)
