"""How a run begins: from a request to a run under way.

Knows: whether a principal may run a task, what a program gets as inputs, how its first row reads. In: `RunRequest`s and
`Deployed` programs. Out: records, prepared runs. Never: waits for a place, or for an end.
"""

from __future__ import annotations

from typing import Final

from eyeflow.catalog.policies import RUNNING_ROLES
from eyeflow.engine.active import Active
from eyeflow.engine.common import Common
from eyeflow.engine.ending import purged_at, result_of
from eyeflow.engine.journal import FencedJournal
from eyeflow.engine.model import EngineError, RunRequest, RunResult
from eyeflow.engine.packing import Request, outcome_of, pack_events, pack_outcome, pack_request, pack_whole
from eyeflow.engine.programs import Deployed
from eyeflow.errors import RunError
from eyeflow.store.records import ExecutionRecord, TaskRecord
from eyeflow.svm.handle import RunHandle
from eyeflow.svm.inputs import conformed, own
from eyeflow.svm.outcome import Execution
from eyeflow.values import Value

_FEW: Final = 20
_SHORT: Final = 1_000
_NUMBERS: Final = frozenset((int, float, bool))


def permit(task: TaskRecord, request: RunRequest) -> None:
    """Whether this request may run this task. Raises: EngineError `forbidden`, `task_paused`, `unknown_task`."""
    who = request.principal
    if who.role not in RUNNING_ROLES:
        raise EngineError("forbidden", f"role {who.role} may not run tasks")
    if who.tasks is not None and task.name not in who.tasks and task.id not in who.tasks:
        raise EngineError("forbidden", f"this key may not run {task.name}")
    if who.practice and not task.practice:
        raise EngineError("forbidden", "a practice key runs practice tasks only", hint="use a live key")
    if task.state == "deleted":  # asked for by one of its runs: accounts of its names may be other ones by now
        raise EngineError("unknown_task", "the task of this run is deleted", hint="deploy it again, and run that")
    if task.state == "paused":
        raise EngineError("task_paused", f"task {task.name} is paused", hint=f"eyeflow tasks resume {task.name}")


def inputs_of(deployed: Deployed, request: Request) -> dict[str, Value]:
    """What the program gets as its inputs: those given, and fields of the payload that have an input's name."""
    if not request.payload_as_input or not isinstance(request.payload, dict):
        return request.input
    named = {field.name for field in deployed.executable.code.fields}
    fields = {name: value for name, value in request.payload.items() if name in named}
    return {**fields, **request.input}


def asked_of(request: RunRequest) -> Request:
    """The part of a request that a run is made of."""
    return Request(input=request.input, payload=request.payload, payload_as_input=request.payload_as_input)


def _light(asked: Request) -> bool:
    """Whether a request is so plain and short that it need not be packed to know its size."""
    if asked.payload is not None or len(asked.input) > _FEW:
        return False
    for value in asked.input.values():
        kind = type(value)
        if kind is str:
            if len(value) >= _SHORT or not value.isascii():  # type: ignore[arg-type, union-attr]
                return False
        elif value is not None and kind not in _NUMBERS:
            return False
    return True


class Starting:
    """Makes runs."""

    def __init__(self, common: Common, journal: FencedJournal) -> None:
        self._common = common
        self._journal = journal

    def computed(self, deployed: Deployed, asked: Request, execution_id: str) -> Execution | None:
        """The whole run of a program that only computes, or None. Raises: EngineError `bad_input`."""
        if not _light(asked):
            self._packed(asked)
        try:
            return deployed.live.machine.computed(
                deployed.executable, inputs_of(deployed, asked), trigger=asked.payload, me=deployed.me,
                execution_id=execution_id,
            )  # fmt: skip
        except RunError as error:
            raise EngineError(error.code, error.message, hint=error.hint) from error

    def prepared(self, deployed: Deployed, asked: Request, active: Active) -> RunHandle:
        """A run that begins when it is driven. Raises: EngineError `bad_input`."""
        if not _light(asked):
            self._packed(asked)
        try:
            return deployed.live.machine.prepare(
                deployed.executable, inputs_of(deployed, asked), trigger=asked.payload, me=deployed.me,
                execution_id=active.id, depth=active.record.depth, journal=self._journal.of(active),
            )  # fmt: skip
        except RunError as error:
            raise EngineError(error.code, error.message, hint=error.hint) from error

    def checked(self, deployed: Deployed, request: RunRequest) -> bytes:
        """The request as it is kept until the run begins. Raises: EngineError `bad_input`."""
        asked, limits = asked_of(request), deployed.executable.limits
        try:
            conformed(deployed.executable, inputs_of(deployed, asked))
            own(asked.payload, limits.memory_bytes)
        except RunError as error:
            raise EngineError("bad_input", error.message, hint=error.hint) from error
        return self._packed(asked)

    def _packed(self, asked: Request) -> bytes:
        """The request as bytes. Raises: EngineError `bad_input` when it has too many, or spells no text."""
        most = self._common.limits.request_bytes
        try:
            data = pack_request(asked)
        except (UnicodeEncodeError, RecursionError):
            raise EngineError("bad_input", "the request is not made of text and numbers that can be kept") from None
        if len(data) > most:
            raise EngineError("bad_input", f"the request has {len(data)} bytes, and may have {most}")
        return data

    def active(
        self,
        deployed: Deployed,
        request: RunRequest,
        execution_id: str,
        *,
        owner: str | None,
        queued: bytes | None = None,
    ) -> Active:
        """A run that is not under way yet, with its first row; `queued` is its request when it waits in the store."""
        wrapped, key = self._common.cipher.new()
        task, now = deployed.task, self._common.now_ms()
        record = ExecutionRecord(
            id=execution_id, task_id=task.id, task=task.name, version=deployed.version,
            digest=deployed.executable.digest, status="running" if queued is None else "queued",
            durable=deployed.executable.durable if queued is None else "journal", origin=request.origin,
            origin_id=request.origin_id, principal=request.principal.id, parent=request.parent, depth=request.depth,
            practice=task.practice, owner=owner, fence=1, key=wrapped, created_ms=now,
            request=b"" if queued is None else key.seal(queued, execution_id, "request"),
            started_ms=now if queued is None else None,
        )  # fmt: skip
        return Active(record, key, deployed, kept=False)

    def whole(self, deployed: Deployed, request: RunRequest, execution: Execution) -> tuple[ExecutionRecord, RunResult]:
        """What is kept of a run that only computed, and its result."""
        wrapped, key = self._common.cipher.new()
        identity, outcome, events = execution.execution_id, outcome_of(execution), execution.events
        data, kept = pack_whole(events, outcome), b""
        if data is None:
            data, kept = pack_events(events), key.seal(pack_outcome(outcome), identity, "outcome")
        started_ms = int(execution.started_at.timestamp() * 1000)
        finished_ms = started_ms + execution.duration_ms
        record = ExecutionRecord(
            id=identity, task_id=deployed.task.id, task=deployed.task.name, version=deployed.version,
            digest=execution.program, status=execution.status, durable="record", origin=request.origin,
            origin_id=request.origin_id, principal=request.principal.id, parent=request.parent, depth=request.depth,
            practice=deployed.task.practice, created_ms=started_ms, started_ms=started_ms, finished_ms=finished_ms,
            duration_ms=execution.duration_ms, purge_ms=purged_at(deployed.task, finished_ms), key=wrapped,
            outcome=kept, trail=key.seal(data, identity, "trail"),
        )  # fmt: skip
        return record, result_of(record, outcome)
