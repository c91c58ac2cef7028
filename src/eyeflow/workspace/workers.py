"""`ProcessCompiler`: compiles in processes of its own, started when first needed and replaced when they fail.

Knows: how to start, feed, watch and end a worker. In: requests and contexts. Out: as the port says. Never: waits for
a worker longer than a compile may take: it is killed, its caller told, and the next request gets a new one.

A worker inherits no secret: its environment is cut to what starting Python needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog, CompileContext
from eyeflow.workspace.compiling import MAX_SECONDS, Admission, too_long
from eyeflow.workspace.errors import NotNow
from eyeflow.workspace.reviewing import CompileRequest, Watcher
from eyeflow.workspace.views import ComparedView, Reviewed
from eyeflow.workspace.worker import (
    MAX_FRAME_BYTES,
    Answer,
    Compare,
    Comparing,
    Failed,
    Review,
    Reviewing,
    Stage,
    Use,
    frame,
)

_ANSWERS: Final[msgspec.msgpack.Decoder[Answer]] = msgspec.msgpack.Decoder(Answer)
_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP", "VIRTUAL_ENV")
_START_SECONDS: Final = 30.0


class _Worker:
    """One process, used by one caller at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.catalog = ""

    @classmethod
    async def start(cls) -> _Worker:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "eyeflow.workspace.worker", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, env=environment, limit=MAX_FRAME_BYTES,
        )  # fmt: skip
        return cls(process)

    async def ask(self, job: Review | Compare, catalog: Catalog, watcher: Watcher | None) -> Answer:
        """The last answer to `job`. Raises: EOFError, ConnectionError when the process has ended."""
        into, out = self.process.stdin, self.process.stdout
        assert into is not None and out is not None, "both are pipes"
        if self.catalog != catalog.digest:
            into.write(frame(Use(catalog)))
            self.catalog = catalog.digest
        into.write(frame(job))
        await into.drain()
        while True:
            size = int.from_bytes(await out.readexactly(4), "big")
            answer = _ANSWERS.decode(await out.readexactly(size))
            if not isinstance(answer, Stage):
                return answer
            if watcher is not None:
                watcher(answer.view)

    async def end(self) -> None:
        """Kill it and collect it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        transport = getattr(self.process, "_transport", None)
        if transport is not None:
            transport.close()


class ProcessCompiler:
    """Compiles in at most `processes` workers, each started when it is first needed."""

    def __init__(self, processes: int = 1, *, seconds: float = MAX_SECONDS) -> None:
        self._admission = Admission(processes)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._seconds = seconds

    async def review(self, request: CompileRequest, ctx: CompileContext, watcher: Watcher | None = None) -> Reviewed:
        """Compile and lay out. Raises: NotNow."""
        answer = await self._ask(Review(request, _bare(ctx), watcher is not None), ctx.catalog, watcher)
        assert isinstance(answer, Reviewing), "a review is answered by a review"
        return answer.found

    async def compare(self, running: str | None, proposed: str, ctx: CompileContext) -> ComparedView:
        """What one program does differently from another. Raises: NotNow."""
        answer = await self._ask(Compare(running, proposed, _bare(ctx)), ctx.catalog, None)
        assert isinstance(answer, Comparing), "a comparison is answered by a comparison"
        return answer.found

    async def warm(self) -> None:
        """Start a worker now, so that nobody waits for it later."""
        if not self._idle and not self._busy:
            self._idle.append(await _Worker.start())

    async def close(self) -> None:
        """End all workers."""
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        self._busy.clear()
        await asyncio.gather(*(worker.end() for worker in workers))

    async def _ask(self, job: Review | Compare, catalog: Catalog, watcher: Watcher | None) -> Reviewing | Comparing:
        async with self._admission.turn():
            worker = self._idle.pop() if self._idle else await _Worker.start()
            self._busy.add(worker)
            whole = False
            try:
                # the first answer of a worker includes the time it takes to start
                limit = self._seconds + (_START_SECONDS if not worker.catalog else 0)
                answer = await asyncio.wait_for(worker.ask(job, catalog, watcher), limit)
                whole = True
            except TimeoutError:
                raise too_long(self._seconds) from None
            except (EOFError, ConnectionError, msgspec.MsgspecError):
                raise NotNow("compile_failed", "the compiler's process ended", hint="try again") from None
            finally:
                self._busy.discard(worker)
                if whole:
                    self._idle.append(worker)
                else:
                    await worker.end()
        if isinstance(answer, Failed):
            raise NotNow("compile_failed", f"the compiler met a bug: {answer.message}", hint="please report it")
        assert not isinstance(answer, Stage), "stages are handed on"
        return answer


def _bare(ctx: CompileContext) -> CompileContext:
    """The context without its services, which the worker holds."""
    return msgspec.structs.replace(ctx, catalog=Catalog((), ctx.catalog.digest))
