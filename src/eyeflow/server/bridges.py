"""The engine as the workspace sees it: a small difference between its door and that room's port.

Knows: both signatures. In: an engine. Out: what `workspace` asks for. Never: a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from eyeflow.engine.engine import Engine
from eyeflow.engine.model import ExecutionDetail, Principal, RunResult


class ForWorkspace:
    """`workspace.ports.EngineView`. `told` hear of changes too: what starts tasks need not wait until it looks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.told: list[Callable[[], object]] = []

    async def changed(self, task_id: str | None = None) -> None:
        """Look programs up again."""
        await self._engine.changed(task_id)
        for tell in self.told:
            tell()

    async def cancel(self, execution_id: str, principal: Principal) -> RunResult:
        """Ask a run to stop; the workspace has judged the principal."""
        return await self._engine.cancel(execution_id)

    async def execution(self, execution_id: str, principal: Principal) -> ExecutionDetail:
        """A run as it stands; the workspace has judged the principal."""
        return await self._engine.execution(execution_id)
