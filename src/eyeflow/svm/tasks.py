"""`LocalTasks`: tasks that run tasks within one machine.

Knows: artifacts by task name. In: a SUBTASK's name and parameters. Out: the task's output. Never: deploys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eyeflow.errors import CallError, RunError
from eyeflow.ir.program import Artifact
from eyeflow.svm.executable import Executable
from eyeflow.svm.machine import Machine
from eyeflow.values import Value


class LocalTasks:
    """A `TaskRunner` over a fixed set of artifacts. `machine` is a function because the machine has this port."""

    def __init__(self, machine: Callable[[], Machine], artifacts: Mapping[str, Artifact | bytes | Executable]) -> None:
        self._machine = machine
        self._artifacts = dict(artifacts)

    async def run(self, task: str, params: Mapping[str, Value], *, parent: str, depth: int) -> Value:
        """Run `task` to its end and give its output.

        Raises: RunError `unknown_task`, `bad_input`; CallError `subtask_failed` when it ended without success.
        """
        artifact = self._artifacts.get(task)
        if artifact is None:
            raise RunError("unknown_task", f"there is no task {task}")
        execution = await self._machine().run(artifact, params, depth=depth)
        if execution.status != "success":
            message = f"task {task} ended with {execution.status}: {execution.error}"
            raise CallError("permanent", execution.error_code or "subtask_failed", message)
        return execution.output
