"""Tasks that run tasks: the machine's `TaskRunner` over deployed tasks, each run with a row of its own.

Knows: how a child's run begins, is found again, and ends with its parent's wish. In: SUBTASK steps. Out: the child's
output. Never: lets a task run deeper than the machine allows, or a live run reach a practice task.

A child takes a place beside those of other runs without standing in line, for its parent holds one while it waits. It
is durable when its parent is: a parent that is resumed asks for the same execution again, and joins it wherever it is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from eyeflow.engine.active import Active
from eyeflow.engine.lease import Gone
from eyeflow.engine.model import EngineError, Principal, RunRequest, RunResult
from eyeflow.errors import CallError, LoadError, RunError
from eyeflow.values import Value


class Begin(Protocol):
    """Begins a child's run, durable by journal if told to, live or practice as its parent."""

    def __call__(self, request: RunRequest, *, durable: bool, practice: bool) -> Awaitable[None]:
        """Return when it is under way, or over."""
        ...


Act = Callable[[str], Awaitable[RunResult]]


class Subtasks:
    """Runs the children of this process's runs."""

    def __init__(self, actives: Mapping[str, Active], *, begin: Begin, end: Act, cancel: Act) -> None:
        self._actives = actives
        self._begin = begin
        self._end = end
        self._cancel = cancel

    async def run(self, task: str, params: Mapping[str, Value], *, parent: str, execution_id: str, depth: int) -> Value:
        """See `TaskRunner.run`."""
        active = self._actives.get(parent)
        if active is None or active.gone:
            raise Gone(parent)
        record = active.record
        request = RunRequest(
            task=task, input=dict(params), origin="subtask", origin_id=parent, parent=parent, depth=depth,
            execution_id=execution_id, principal=Principal(id=record.principal),
        )  # fmt: skip
        try:
            durable = active.kept or record.durable == "journal"
            await self._begin(request, durable=durable, practice=record.practice)
        except (EngineError, LoadError) as error:
            raise RunError(error.code, f"task {task}: {error.message}", hint=error.hint) from error
        try:
            result = await self._end(execution_id)
        except asyncio.CancelledError:
            if not active.gone:
                # The parent has no more time: the child ends like any cancelled run, with all it did on record.
                with contextlib.suppress(EngineError):
                    await self._cancel(execution_id)
                    await self._end(execution_id)
            raise
        if result.status != "success":
            message = f"task {task} ended with {result.status}: {result.error}"
            raise CallError("permanent", result.error_code or "subtask_failed", message, hint=result.error_hint)
        return result.output
