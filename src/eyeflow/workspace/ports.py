"""What the workspace needs of the rooms below it that run things: small protocols, so that each can be replaced.

Knows: the calls it makes of the engine and of the triggers. In: nothing. Out: protocols. Never: implements one, but
for the quiet engine that tests and offline commands use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from eyeflow.catalog.model import Catalog, Connection
from eyeflow.engine.model import EngineError, ExecutionDetail, Principal
from eyeflow.ir.program import Program
from eyeflow.triggers.registration import Registrations

CatalogSource: TypeAlias = Callable[[], Catalog]
"""Gives the catalog that holds now."""


Practised: TypeAlias = Callable[[tuple[Connection, ...]], tuple[Connection, ...]]
"""Accounts as practice has them: with its own credentials, and one for every service that has none."""


class EngineView(Protocol):
    """What the workspace asks of the engine."""

    async def changed(self, task_id: str | None = None) -> None:
        """Something that programs depend on was written; with `task_id`, only that task."""
        ...

    async def cancel(self, execution_id: str, principal: Principal) -> object:
        """Ask a run to stop."""
        ...

    async def execution(self, execution_id: str, principal: Principal) -> ExecutionDetail:
        """A run as it stands. Raises: EngineError."""
        ...


class Registrar(Protocol):
    """Turns the triggers of a version into the rows that make it start by itself."""

    async def plan(
        self, task_id: str, version: int, program: Program, *, catalog: Catalog, connections: Sequence[Connection],
        created_by: str, now_ms: int, practice: bool = False,
    ) -> Registrations:  # fmt: skip
        """Operations that replace all registrations of the task. Raises: EyeFlowError when one cannot be made."""
        ...


class QuietEngine:
    """An engine that runs nothing: `told` and `cancelled` remember what it was asked."""

    def __init__(self) -> None:
        self.told: list[str | None] = []
        self.cancelled: list[str] = []

    async def changed(self, task_id: str | None = None) -> None:
        """Remember it."""
        self.told.append(task_id)

    async def cancel(self, execution_id: str, principal: Principal) -> None:
        """Remember it."""
        self.cancelled.append(execution_id)

    async def execution(self, execution_id: str, principal: Principal) -> ExecutionDetail:
        """It knows none."""
        raise EngineError("unknown_execution", f"nothing ran here as {execution_id}")
