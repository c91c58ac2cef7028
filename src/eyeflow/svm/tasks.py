"""`LocalTasks`: tasks that run tasks within one machine.

Knows: artifacts by task name. In: a SUBTASK's name and parameters. Out: the task's output. Never: deploys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from eyeflow.errors import CallError, RunError
from eyeflow.ir.program import Artifact
from eyeflow.svm.executable import Executable
from eyeflow.svm.journal import Event
from eyeflow.svm.machine import Machine
from eyeflow.values import Value


class LocalTasks:
    """A `TaskRunner` over a fixed set of artifacts. `machine` is a function because the machine has this port;
    `history` gives the recorded events of an execution, none when it has not begun."""

    def __init__(
        self,
        machine: Callable[[], Machine],
        artifacts: Mapping[str, Artifact | bytes | Executable],
        history: Callable[[str], Sequence[Event]] | None = None,
    ) -> None:
        self._machine = machine
        self._artifacts = dict(artifacts)
        self._history = history or (lambda _: ())

    async def run(self, task: str, params: Mapping[str, Value], *, parent: str, execution_id: str, depth: int) -> Value:
        """Run `task` to its end, or resume the run of that id, and give its output.

        Raises: RunError `unknown_task`, `bad_input`; CallError `subtask_failed` when it ended without success.
        """
        artifact = self._artifacts.get(task)
        if artifact is None:
            raise RunError("unknown_task", f"there is no task {task}")
        machine, events = self._machine(), self._history(execution_id)
        if events:
            handle = await machine.reopen(artifact, events, depth=depth)
        else:
            handle = await machine.start(artifact, params, execution_id=execution_id, depth=depth)
        try:
            execution = await handle.finished()
        except asyncio.CancelledError:
            # The parent has no more time: the child ends like any cancelled run, with all it did on record.
            handle.cancel()
            await handle.finished()
            raise
        if execution.status != "success":
            message = f"task {task} ended with {execution.status}: {execution.error}"
            raise CallError("permanent", execution.error_code or "subtask_failed", message)
        return execution.output
