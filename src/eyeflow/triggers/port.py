"""What the triggers need of the engine, and what they refuse.

Knows: the calls made of the engine, the errors of this room. In: nothing. Out: protocols, errors.
Never: implements the engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from eyeflow.connectors.port import Credential
from eyeflow.engine.model import RunRequest, RunResult
from eyeflow.errors import EyeFlowError
from eyeflow.store.port import Op
from eyeflow.svm.journal import Event
from eyeflow.values import Value

ADDED: Final = -1
"""The number of the trigger of a webhook that a person added to a task: its program knows nothing of it."""

Overlap: TypeAlias = Literal["skip", "queue", "cancel"]

Secrets: TypeAlias = Callable[[str], Awaitable[Credential]]
"""Resolves a reference (`vault:NAME`, `env:NAME`). Raises: CallError (denied, `no_credential`)."""


class Engine(Protocol):
    """The engine as a trigger sees it."""

    async def enqueue(
        self, request: RunRequest, *ops: Op, overlap: Overlap | None = None, instead: Sequence[Op] = ()
    ) -> str | None:
        """Make a run durable together with `ops`, in one unit, and let it run; its id, or None when one of `ops` met
        a conflict: then nothing is stored. With `overlap`, runs of the same origin go one after the other, or with
        `skip` not at all while another is unfinished: then `instead` is stored, and the answer is None too.

        Raises: EngineError, Busy, LoadError, StoreError.
        """
        ...

    async def end(self, execution_id: str, *, wait_ms: int | None = None) -> RunResult:
        """The result of a run at its end, or how far it is after `wait_ms`. Raises: EngineError, StoreError."""
        ...

    async def passes(self, task_id: str, version: int, trigger: int, payload: Value) -> bool:
        """Whether a payload passes the filter of a trigger (from 0). Raises: EngineError, Busy, LoadError; RunError
        when the filter reads what is not there."""
        ...

    async def ask(
        self, connection: str, capability: str, params: Mapping[str, Value], *, practice: bool = False
    ) -> Value:
        """One read through a connection, within its rate. Raises: CallError, EngineError, LoadError."""
        ...


class WatchedEngine(Engine, Protocol):
    """The engine as webhooks see it: they listen for what a run answers."""

    def watch(self, execution_id: str) -> AsyncIterator[Event]:
        """What happened and happens in a run, until it has ended. Raises: EngineError, StoreError."""
        ...


class DidNotRun(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was due and did not run. `why`: `missed`, `skipped`, `refused`, `poll_failed`, `poll_gap`."""

    task_id: str
    source_id: str
    why: str
    instants: tuple[int, ...] = ()
    detail: str = ""


Told: TypeAlias = Callable[[DidNotRun], tuple[Op, ...]]
"""Makes rows that tell a person, to be written in the same unit. It does nothing else: what it is asked about may turn
out not to happen."""


def nobody(_: DidNotRun) -> tuple[Op, ...]:
    """Tells nobody."""
    return ()


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with what arrived: its code, where it is, what it is."""

    code: str
    place: str
    message: str


class TriggerError(EyeFlowError):
    """A trigger cannot be registered, or what arrived is not taken. `status` is the HTTP status of the answer to a
    delivery, `problems` the places of a body that are wrong, `retry_after_ms` when to come again,
    `methods` those that are taken where another one came."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        status: int = 400,
        problems: tuple[Problem, ...] = (),
        retry_after_ms: int | None = None,
        methods: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.status = status
        self.problems = problems
        self.retry_after_ms = retry_after_ms
        self.methods = methods
