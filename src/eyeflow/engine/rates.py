"""Rates that outlive the process, and hold for all processes on one store.

Knows: the reserved starts under each name, in the store. In: a name, a limit, the present time of the loop. Out: the
reserved instant, as `svm.rates.Rates`. Never: waits for it.

One row a name holds the last starts, by the wall clock, which processes share. A clock that was set back finds a row
from the future: its starts move back with the clock.

`StoredRates` is for several processes. It replaces a row only as it was read, so of two processes that reserve at once
one reads again; within a process callers stand in line. No start goes back to others unless it is the last one, since
those after it were reckoned from it. `KeptRates` is for one process: it counts in memory and writes soon afterwards.
What is on disk says how many starts may have happened since (`ahead`, a second's worth): those go without waiting for
the disk, and after a crash they are counted as if all of them had just happened. So no window ever holds too many.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.ir.program import RateLimit
from eyeflow.ports import Clock
from eyeflow.store.port import Conflict, Insert, Store, Update, Where
from eyeflow.store.records import SettingRecord
from eyeflow.svm.rates import SlidingWindows

_log: Final = logging.getLogger("eyeflow.engine")
_SOON_S: Final = 0.1
_SHORT_MS: Final = 1_000
"""Windows no longer than a process takes to start again are not kept."""
_LEAD: Final = "rate."
_MOST_LOCKS: Final = 10_000
_GIVEN_BACK_S: Final = 1.0
"""How long after its instant a start may still be given back."""


class _Starts(msgspec.Struct, frozen=True):
    """The last reserved starts, ascending, in milliseconds since 1970; `written_ms` is when the last was reserved.
    `least` of them are needed to reckon the next; older ones were dropped when it is not 0. `ahead`: as many more may
    have happened before the process that wrote this ended."""

    written_ms: int = 0
    starts: tuple[int, ...] = ()
    least: int = 0
    ahead: int = 0


class StoredRates:
    """`Rates` in `store`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}
        self._given: dict[str, dict[float, int]] = {}  # by name: instants given here, ascending, and their starts

    async def reserve(self, name: str, limit: RateLimit, at: float) -> float:
        """The earliest instant from `at` on such that no window holds more than `limit.calls` starts.

        Raises: StoreError.
        """
        async with self._lock(name):
            while True:
                row, known = await self._read(name)
                now_ms, now = self._now_ms(), asyncio.get_running_loop().time()
                known = _settled(known, now_ms)
                start = _next(known.starts, limit, now_ms)
                if await self._written(name, row, _with(known, start, limit, now_ms), now_ms):
                    turn = max(at, now + (start - now_ms) / 1000)
                    self._remember(name, turn, start, now)
                    return turn

    async def release(self, name: str, at: float) -> None:
        """Give back the reserved start at `at`, if no later one was reserved meanwhile. Raises: StoreError."""
        async with self._lock(name):
            start = self._given.get(name, {}).pop(at, None)
            if start is None:
                return
            row, known = await self._read(name)
            now_ms = self._now_ms()
            if len(known.starts) > known.least and known.starts[-1] == start:
                await self._written(name, row, _Starts(now_ms, known.starts[:-1], known.least), now_ms)

    def _remember(self, name: str, turn: float, start: int, now: float) -> None:
        """What `release` has to know, until it is too late for it."""
        given = self._given.setdefault(name, {})
        while given and (first := next(iter(given))) < now - _GIVEN_BACK_S:
            del given[first]
        given[turn] = start

    def _lock(self, name: str) -> asyncio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            if len(self._locks) >= _MOST_LOCKS:
                self._locks = {each: held for each, held in self._locks.items() if held.locked()}
                self._given = {each: held for each, held in self._given.items() if each in self._locks}
            lock = self._locks[name] = asyncio.Lock()
        return lock

    async def _read(self, name: str) -> tuple[SettingRecord | None, _Starts]:
        row = await self._store.get(SettingRecord, _LEAD + name)
        return row, _Starts() if row is None else msgspec.json.decode(row.value, type=_Starts)

    async def _written(self, name: str, before: SettingRecord | None, after: _Starts, now_ms: int) -> bool:
        """Put `after` in the place of `before`; False when another process was faster."""
        value = msgspec.json.encode(after)
        try:
            if before is None:
                await self._store.write(Insert(SettingRecord(name=_LEAD + name, value=value, updated_ms=now_ms)))
            else:
                same = (Where("name", "=", before.name), Where("value", "=", before.value))
                await self._store.write(
                    Update(SettingRecord, (("value", value), ("updated_ms", now_ms)), same, expect=1)
                )
        except Conflict:
            return False
        return True

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


class KeptRates:
    """`Rates` of the only process on `store`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._windows = SlidingWindows()
        self._restored: dict[str, asyncio.Future[None]] = {}
        self._limits: dict[str, RateLimit] = {}
        self._changed: dict[str, RateLimit] = {}
        self._ahead: dict[str, int] = {}  # by name: starts that may go before one is on disk
        self._since: dict[str, int] = {}  # by name: starts since what is being written was gathered
        self._writing: asyncio.Task[None] | None = None
        self._wanted: asyncio.Future[None] | None = None
        self._hurry = asyncio.Event()
        self._closing = False

    async def reserve(self, name: str, limit: RateLimit, at: float) -> float:
        """The earliest instant from `at` on such that no window holds more than `limit.calls` starts.

        Raises: StoreError, and nothing is reserved.
        """
        if limit.window_ms <= _SHORT_MS:
            return await self._windows.reserve(name, limit, at)
        restored = self._restored.get(name)
        if restored is None or (restored.done() and (restored.cancelled() or restored.exception() is not None)):
            restored = self._restored[name] = asyncio.ensure_future(self._restore(name))
        if not restored.done():
            await asyncio.shield(restored)
        turn = await self._windows.reserve(name, limit, at)
        self._since[name] = self._since.get(name, 0) + 1
        self._note(name, limit)
        left = self._ahead.get(name, 0)
        if left > 0:
            self._ahead[name] = left - 1
            if left <= _ahead(limit) // 2:
                self._hurry.set()
            return turn
        try:
            await asyncio.shield(self._on_disk())
        except EyeFlowError:
            await self._windows.release(name, turn)
            raise
        return turn

    async def release(self, name: str, at: float) -> None:
        """Give back the reserved start at `at`."""
        await self._windows.release(name, at)
        if name in self._limits:
            self._note(name, self._limits[name])

    async def close(self) -> None:
        """Write what is not written yet; nothing is reserved any more."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        self._closing = True
        self._changed = self._limits | self._changed
        try:
            await self._write()
        except EyeFlowError as error:
            _log.warning("rates are not kept: %s", error)

    async def _restore(self, name: str) -> None:
        row = await self._store.get(SettingRecord, _LEAD + name)
        if row is not None:
            now_ms, now = self._now_ms(), asyncio.get_running_loop().time()
            known = _settled(msgspec.json.decode(row.value, type=_Starts), now_ms)
            self._windows.restore(name, [now + (start - now_ms) / 1000 for start in known.starts])

    def _note(self, name: str, limit: RateLimit) -> None:
        self._limits[name] = self._changed[name] = limit
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    def _on_disk(self) -> asyncio.Future[None]:
        """Done when all that is noted now is on disk."""
        if self._wanted is None:
            self._wanted = asyncio.get_running_loop().create_future()
        self._hurry.set()
        return self._wanted

    async def _write_soon(self) -> None:
        while self._changed:
            # A long row is written less often: it costs more.
            most = max(min(limit.calls, 100_000) for limit in self._changed.values())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _SOON_S + most / 5_000)
            self._hurry.clear()
            wanted, self._wanted = self._wanted, None
            try:
                await self._write()
            except EyeFlowError as error:
                if wanted is not None:
                    wanted.set_exception(error)
                    wanted.exception()  # those who wait have it; nobody may
                _log.warning("rates are not kept for now: %s", error)
                await asyncio.sleep(_SOON_S)
                continue
            except asyncio.CancelledError:
                if wanted is not None:
                    wanted.cancel()
                raise
            if wanted is not None:
                wanted.set_result(None)

    async def _write(self) -> None:
        changed, self._changed = self._changed, {}
        now_ms, now = self._now_ms(), asyncio.get_running_loop().time()
        unit = []
        for name, limit in changed.items():
            starts = [now_ms + round((start - now) * 1000) for start in self._windows.starts(name)]
            ahead = 0 if self._closing else _ahead(limit)
            kept = _Starts(now_ms, tuple(starts[-2 * limit.calls :]), limit.calls, ahead)
            row = SettingRecord(name=_LEAD + name, value=msgspec.json.encode(kept), updated_ms=now_ms)
            unit.append(Insert(row, taken="replace"))
            self._since[name] = 0
        if not unit:
            return
        try:
            await self._store.write(*unit)
        except BaseException:
            self._changed = changed | self._changed
            raise
        for name, limit in changed.items():
            self._ahead[name] = max(0, _ahead(limit) - self._since.get(name, 0))

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _ahead(limit: RateLimit) -> int:
    """How many starts may go before one is on disk: a second's worth, and never more than a small part."""
    return min(limit.calls // 20, limit.calls * 1000 // limit.window_ms)


def _settled(known: _Starts, now_ms: int) -> _Starts:
    """The starts by a clock that may have been set back since they were written, and those that may have followed."""
    back = max(0, known.written_ms - now_ms)
    if not back and not known.ahead:
        return known
    starts = sorted((*(start - back for start in known.starts), *(now_ms for _ in range(known.ahead))))
    return _Starts(max(known.written_ms - back, now_ms if known.ahead else 0), tuple(starts), known.least)


def _with(known: _Starts, start: int, limit: RateLimit, now_ms: int) -> _Starts:
    starts = (*known.starts, start)
    if len(starts) <= 2 * limit.calls:
        return _Starts(now_ms, starts, known.least)
    return _Starts(now_ms, starts[-2 * limit.calls :], limit.calls)


def _next(starts: tuple[int, ...], limit: RateLimit, now_ms: int) -> int:
    """The start that follows `starts`: it comes last, so only the window that ends with it can overflow."""
    start = max(now_ms, starts[-1]) if starts else now_ms
    if len(starts) >= limit.calls:
        start = max(start, starts[-limit.calls] + limit.window_ms)
    return start
