"""Where requests are compiled: in this process while it starts, in one of its own from then on.

Knows: that a new process takes a second to be ready, and that whoever runs tasks must not wait for whoever compiles.
In: requests. Out: as `workspace.compiling.Compiler` says. Never: both at a time for one request.
"""

from __future__ import annotations

import asyncio

from eyeflow.catalog.model import CompileContext
from eyeflow.workspace.compiling import Compiler, ThreadCompiler
from eyeflow.workspace.reviewing import CompileRequest, Watcher
from eyeflow.workspace.views import ComparedView, Reviewed
from eyeflow.workspace.workers import ProcessCompiler


class Compilers:
    """A thread until `hand_over`, then a process."""

    def __init__(self) -> None:
        self._near = ThreadCompiler()
        self._far = ProcessCompiler()
        self._now: Compiler = self._near
        self._warming: asyncio.Task[None] | None = None

    def hand_over(self) -> None:
        """Compile in a process from now on, and start it, so that the first request does not wait for that."""
        self._now = self._far
        self._warming = asyncio.create_task(self._far.warm())

    async def review(self, request: CompileRequest, ctx: CompileContext, watcher: Watcher | None = None) -> Reviewed:
        """Compile and lay out."""
        return await self._now.review(request, ctx, watcher)

    async def compare(self, running: str | None, proposed: str, ctx: CompileContext) -> ComparedView:
        """What one program does differently from another."""
        return await self._now.compare(running, proposed, ctx)

    async def close(self) -> None:
        """Let go of both."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._near.close()
        await self._far.close()
