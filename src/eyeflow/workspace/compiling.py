"""Compiles beside the event loop: how many at a time, how many may wait, how long one may take.

Knows: admission and time. In: requests and contexts. Out: `Reviewed`, `ComparedView`, stages to a watcher.
Never: compiles on the loop: a compile is 10 to 30 ms of pure computing for a sentence, more for a long program, and
whoever runs tasks on the same loop would wait for it.

Two forms of one port. `ThreadCompiler` needs nothing and shares the interpreter: the loop goes on, but each of its
turns may wait for the interpreter's lock (5 ms). `ProcessCompiler` (in `workers.py`) costs a process and keeps the
loop free; it can also end what takes too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Protocol, TypeVar

from eyeflow.catalog.model import CompileContext
from eyeflow.workspace.errors import NotNow
from eyeflow.workspace.reviewing import CompileRequest, Watcher, compare, review
from eyeflow.workspace.views import ComparedView, Reviewed, StageView

T = TypeVar("T")

MAX_SECONDS: Final = 30.0
MAX_WAITING: Final = 64


class Compiler(Protocol):
    """Compiles for the workspace. Every call may raise NotNow (`compile_busy`, `compile_timeout`, `compile_failed`)."""

    async def review(self, request: CompileRequest, ctx: CompileContext, watcher: Watcher | None = None) -> Reviewed:
        """Compile and lay out; `watcher` hears each stage, on the loop."""
        ...

    async def compare(self, running: str | None, proposed: str, ctx: CompileContext) -> ComparedView:
        """What one program does differently from another, both as LLM-IR."""
        ...

    async def close(self) -> None:
        """Let go of threads or processes."""
        ...


class Admission:
    """At most `running` at a time, at most `waiting` more in line; whoever comes then is told to come back."""

    def __init__(self, running: int, waiting: int = MAX_WAITING) -> None:
        self._slots = asyncio.Semaphore(running)
        self._waiting = 0
        self._most = waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Raises: NotNow (`compile_busy`)."""
        if self._waiting >= self._most:
            raise NotNow("compile_busy", "too many requests are being compiled", hint="try again in a few seconds")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


def too_long(seconds: float) -> NotNow:
    """The error of a compile that was given up."""
    message = f"the compile took more than {seconds:g} seconds and was given up"
    return NotNow("compile_timeout", message, hint="split the request, or simplify its conditions")


class ThreadCompiler:
    """Compiles in threads of this process; what takes too long is answered for, but ends by itself."""

    def __init__(self, threads: int = 1, *, seconds: float = MAX_SECONDS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compile")
        self._admission = Admission(threads)
        self._seconds = seconds

    async def review(self, request: CompileRequest, ctx: CompileContext, watcher: Watcher | None = None) -> Reviewed:
        """Compile and lay out. Raises: NotNow."""
        heard = None if watcher is None else _on_loop(watcher)
        return await self._run(partial(review, request, ctx, heard))

    async def compare(self, running: str | None, proposed: str, ctx: CompileContext) -> ComparedView:
        """What one program does differently from another. Raises: NotNow."""
        return await self._run(partial(compare, running, proposed, ctx))

    async def close(self) -> None:
        """Take no more work; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._admission.turn():
            job = asyncio.get_running_loop().run_in_executor(self._pool, work)
            try:
                return await asyncio.wait_for(asyncio.shield(job), self._seconds)
            except TimeoutError:
                job.add_done_callback(lambda done: done.cancelled() or done.exception())
                raise too_long(self._seconds) from None


def _on_loop(watcher: Watcher) -> Watcher:
    loop = asyncio.get_running_loop()

    def heard(stage: StageView) -> None:
        loop.call_soon_threadsafe(watcher, stage)

    return heard
