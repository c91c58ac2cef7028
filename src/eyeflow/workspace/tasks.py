"""Tasks that are deployed: look at them, pause, resume, delete, roll back, give them another name.

Knows: what each operation writes, and what becomes of runs. In: a `Principal` and a task's name, alias or id. Out:
views. Never: deletes what ran: a deleted task keeps its versions and executions, only its name is free again.

Pausing stops new runs; runs that have begun go on. Deleting lets runs finish, unless asked to cancel them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.ir.bytecode import decode
from eyeflow.ir.disasm import disassemble
from eyeflow.ir.program import Program
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Conflict, Delete, Insert, Op, Require, Store, Update, Where
from eyeflow.store.records import (
    ExecutionRecord,
    PollRecord,
    ScheduleRecord,
    SettingRecord,
    TaskRecord,
    UseRecord,
    VersionRecord,
    WorkRecord,
)
from eyeflow.triggers.timing import next_after
from eyeflow.workspace.deployment import (
    PAUSED_BY_ALL,
    REGISTRATIONS,
    Deployment,
    moved,
    resting_ops,
    state_ops,
    supersede,
)
from eyeflow.workspace.errors import Clash, Missing
from eyeflow.workspace.names import require_task_name
from eyeflow.workspace.permissions import require, require_task
from eyeflow.workspace.ports import EngineView
from eyeflow.workspace.views import ReadbackView
from eyeflow.workspace.writing import audited, generation, now_ms

_READBACKS: Final = msgspec.json.Decoder(ReadbackView)
_BATCH: Final = 500


class TaskView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A deployed task. `state` is `live` or `paused`; `accounts` are those its running version uses.

    `{"id": "task_0193...", "name": "daily_weather_report", "aliases": ["daily_weather"], "title": "Every day at
    09:00", "state": "live", "version": 3, "digest": "5e0c...", "created_by": "owner", "created_ms": 1764000000000,
    "updated_ms": 1764000000000, "accounts": ["slack_daily"]}`
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    title: str = ""
    state: str
    version: int
    digest: str
    practice: bool = False
    accounts: tuple[str, ...] = ()
    retention_days: int | None = None
    created_by: str
    created_ms: int
    updated_ms: int


class VersionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a task: what was asked, what it became, who approved it. `current` is True for the one that runs."""

    number: int
    digest: str
    language: str
    source: str
    readback: ReadbackView
    approved_by: str
    proposal_id: str | None = None
    created_by: str
    created_ms: int
    current: bool = False


class BytecodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed artifact of a version: `artifact` is its bytes in base64, `listing` what the program says."""

    digest: str
    version: int
    size: int
    approver: str
    signer: str
    practice: bool
    listing: str
    artifact: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """How many tasks an operation on all of them changed, and which."""

    tasks: tuple[str, ...]


class Tasks:
    """The operations on deployed tasks."""

    def __init__(self, store: Store, deployment: Deployment, engine: EngineView, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._deployment = deployment
        self._engine = engine
        self._clock = clock
        self._ids = ids

    # --- looking -----------------------------------------------------------------------------------------------

    async def find(self, principal: Principal, name: str) -> TaskRecord:
        """The task called so, by name, alias or id. Raises: Missing (`unknown_task`)."""
        unknown = Missing("unknown_task", f"there is no task {name[:80]!a}", hint="`eyeflow tasks list` shows them")
        if len(name) > 200 or "\x00" in name or not name.isprintable():
            raise unknown
        row = await self._deployment.task(name) or await self._store.get(TaskRecord, name)
        if row is not None and row.alias_of is not None:
            row = await self._store.get(TaskRecord, row.alias_of)
        if row is None or row.state == "deleted":
            raise unknown
        require_task(principal, row.name)
        return row

    async def get(self, principal: Principal, name: str) -> TaskView:
        """One task. Raises: Forbidden, Missing."""
        require(principal, "tasks.read")
        return (await self._views([await self.find(principal, name)]))[0]

    async def page(
        self, principal: Principal, *, state: Literal["live", "paused"] | None = None, text: str = "",
        after: str = "", limit: int = 100,
    ) -> tuple[TaskView, ...]:  # fmt: skip
        """Tasks by name, from after `after` on; `text` is searched for in names. Raises: Forbidden."""
        require(principal, "tasks.read")
        where = [Where("state", "!=", "deleted"), Where("alias_of", "=", None)]
        where += [Where("state", "=", state)] if state is not None else []
        where += [Where("name", "contains", text[:100])] if text else []
        if principal.tasks is not None:
            where.append(Where("name", "in", tuple(sorted(principal.tasks))))
        rows = await self._store.find(
            TaskRecord, *where, order=("name",), after=(after,) if after else (), limit=max(1, min(limit, 500))
        )
        return await self._views(rows)

    async def versions(self, principal: Principal, name: str, *, limit: int = 50) -> tuple[VersionView, ...]:
        """The versions of a task, the newest first. Raises: Forbidden, Missing."""
        require(principal, "tasks.read")
        task = await self.find(principal, name)
        rows = await self._store.find(
            VersionRecord, Where("task_id", "=", task.id), order=("-number",), limit=max(1, min(limit, 500))
        )
        return tuple(version_view(row, task) for row in rows)

    async def version(
        self, principal: Principal, name: str, number: int | None = None
    ) -> tuple[TaskRecord, VersionRecord]:
        """A task and one of its versions, the running one without `number`. Raises: Forbidden, Missing."""
        require(principal, "tasks.read")
        task = await self.find(principal, name)
        wanted = task.version if number is None else number
        row = await self._store.get(VersionRecord, task.id, wanted) if 0 < wanted < 2**31 else None
        if row is None:
            raise Missing(
                "unknown_version", f"{task.name} has no version {wanted}",
                hint=f"`eyeflow tasks versions {task.name}` shows them",
            )  # fmt: skip
        return task, row

    async def program(self, task: TaskRecord) -> Program:
        """The program that a task runs now."""
        row = await self._store.get(VersionRecord, task.id, task.version)
        assert row is not None, "a task has the version it runs"
        return decode((await self._deployment.artifact(row)).program)

    async def bytecode(self, principal: Principal, name: str, number: int | None = None) -> BytecodeView:
        """The sealed artifact of a version. Raises: Forbidden, Missing."""
        _, row = await self.version(principal, name, number)
        artifact = await self._deployment.artifact(row)
        data = await self._deployment.artifact_bytes(row)
        return BytecodeView(
            digest=artifact.digest, version=row.number, size=len(artifact.program), approver=artifact.envelope.approver,
            signer=artifact.envelope.key_id, practice=artifact.envelope.practice,
            listing=disassemble(decode(artifact.program)), artifact=base64.b64encode(data).decode(),
        )  # fmt: skip

    # --- changing ----------------------------------------------------------------------------------------------

    async def pause(self, principal: Principal, name: str) -> TaskView:
        """No new runs until it is resumed; runs that have begun go on. Raises: Forbidden, Missing."""
        return await self._set_state(principal, name, "paused")

    async def resume(self, principal: Principal, name: str) -> TaskView:
        """New runs again. What fell due meanwhile is not made up for. Raises: Forbidden, Missing."""
        return await self._set_state(principal, name, "live")

    async def pause_all(self, principal: Principal, *, service: str | None = None) -> Changed:
        """Pause every live task, or every one that uses `service`. `resume_all` resumes exactly these; tasks deployed
        while everything is paused begin paused. Raises: Forbidden."""
        require(principal, "tasks.manage")
        ids = None
        if service is not None:
            ids = {row.task_id for row in await self._store.find(UseRecord, Where("service", "=", service[:200]))}
        rows = await self._store.find(TaskRecord, Where("state", "=", "live"), Where("alias_of", "=", None))
        chosen = [row for row in rows if ids is None or row.id in ids]
        at, about = now_ms(self._clock), "all" if service is None else f"service:{service[:200]}"
        ops: list[Op] = []
        if service is None:
            held = await self._store.get(SettingRecord, PAUSED_BY_ALL)
            known = msgspec.json.decode(held.value, type=list[str]) if held is not None else []
            value = msgspec.json.encode(sorted({*known, *(row.id for row in chosen)}))
            ops.append(Insert(SettingRecord(name=PAUSED_BY_ALL, value=value, updated_ms=at), "replace"))
        return await self._change_all(principal, chosen, "paused", action="tasks.paused", about=about, also=ops)

    async def resume_all(self, principal: Principal) -> Changed:
        """Resume what `pause_all` paused. Raises: Forbidden."""
        require(principal, "tasks.manage")
        held = await self._store.get(SettingRecord, PAUSED_BY_ALL)
        if held is None:
            return Changed(tasks=())
        ids = set(msgspec.json.decode(held.value, type=list[str]))
        rows = await self._store.find(TaskRecord, Where("state", "=", "paused"), Where("alias_of", "=", None))
        chosen = [row for row in rows if row.id in ids]
        last: list[Op] = [Delete(SettingRecord, (Where("name", "=", PAUSED_BY_ALL),))]
        return await self._change_all(principal, chosen, "live", action="tasks.resumed", about="all", also=last)

    async def delete(self, principal: Principal, name: str, *, runs: Literal["finish", "cancel"] = "finish") -> None:
        """Take a task out of use and free its name. What has begun finishes, or is cancelled; nothing new begins, and
        what ran stays to be looked at. Raises: Forbidden, Missing, Clash (`changed_meanwhile`)."""
        require(principal, "tasks.manage")
        task = await self.find(principal, name)
        at = now_ms(self._clock)
        await self._write(task.name, *await self.delete_ops(principal, task, at, runs=runs), generation(at))
        await self._engine.changed(task.id)
        if runs == "cancel":
            # the rows say so already; this only makes it quick
            for row in await self._store.find(WorkRecord, Where("task_id", "=", task.id)):
                await self._engine.cancel(row.execution_id, principal)

    async def delete_ops(
        self, principal: Principal, task: TaskRecord, at_ms: int, *, runs: Literal["finish", "cancel"] = "finish"
    ) -> list[Op]:
        """The operations that delete a task, without the generation."""
        own = (Where("task_id", "=", task.id),)
        ops: list[Op] = [moved(task, (("state", "deleted"), ("name", task.id), ("updated_ms", at_ms)))]
        ops.append(Delete(TaskRecord, (Where("alias_of", "=", task.id),)))
        ops += [Delete(table, own) for table in REGISTRATIONS]
        ops += [Delete(UseRecord, own), *supersede(task.name, at_ms)]
        if runs == "cancel":
            begun = Where("status", "in", ("queued", "running", "waiting"))
            ops.append(Update(ExecutionRecord, (("cancelling", True),), (*own, begun)))
        ops.append(audited(principal, "task.deleted", f"task:{task.name}", at_ms, id=task.id, runs=runs))
        return ops

    async def rollback(self, principal: Principal, name: str, number: int) -> TaskView:
        """Run an earlier version again, as a new version with the very same artifact.

        Raises: Forbidden, Missing, Clash (`outdated`, `changed_meanwhile`).
        """
        require(principal, "tasks.manage")
        task, row = await self.version(principal, name, number)
        artifact = await self._deployment.artifact(row)
        program = decode(artifact.program)
        why = None if artifact.envelope.practice else await self._deployment.drifted(program)
        if why is not None:
            raise Clash("outdated", f"version {number} cannot run any more: {why}", hint="deploy its sentence again")
        at, following = now_ms(self._clock), task.version + 1
        again = msgspec.structs.replace(row, number=following, created_by=principal.id, created_ms=at)
        values = (
            ("version", following), ("digest", row.digest), ("practice", artifact.envelope.practice),
            ("updated_ms", at),
        )  # fmt: skip
        installed = await self._deployment.installed(
            task.id, following, program, state=task.state, author=task.created_by, at_ms=at,
            practice=artifact.envelope.practice,
        )  # fmt: skip
        said = audited(
            principal, "task.rolled_back", f"task:{task.name}", at, to=number, version=following, digest=row.digest
        )
        await self._write(
            task.name, moved(task, values), Insert(again), *installed.ops, *supersede(task.name, at), said,
            generation(at),
        )  # fmt: skip
        await self._engine.changed(task.id)
        return await self.get(principal, task.id)

    async def alias(self, principal: Principal, name: str, alias: str) -> TaskView:
        """Give a task one more name. Raises: Forbidden, Missing, Invalid (`bad_name`), Clash (`name_taken`)."""
        require(principal, "tasks.manage")
        require_task_name(alias)
        require_task(principal, alias)
        task = await self.find(principal, name)
        at = now_ms(self._clock)
        try:
            await self._store.write(*alias_ops(self._ids, principal, task, alias, at), generation(at))
        except Conflict:
            raise Clash("name_taken", f"{alias} is the name of a task already") from None
        await self._engine.changed(task.id)
        return await self.get(principal, task.id)

    async def unalias(self, principal: Principal, alias: str) -> None:
        """Take a further name away. Raises: Forbidden, Missing."""
        require(principal, "tasks.manage")
        task, row = await self.find(principal, alias), await self._deployment.task(alias)
        if row is None or row.alias_of is None:
            raise Missing(
                "unknown_task", f"{alias[:80]!a} is no further name of a task", hint="`eyeflow tasks list` shows them"
            )
        at = now_ms(self._clock)
        gone = Delete(TaskRecord, (Where("id", "=", row.id), Where("alias_of", "=", task.id)))
        await self._store.write(gone, audited(principal, "task.unaliased", f"task:{task.name}", at, alias=alias),
                                generation(at))  # fmt: skip
        await self._engine.changed(task.id)

    async def keep(self, principal: Principal, name: str, days: int | None) -> TaskView:
        """How long executions of a task are kept; None for ever. Raises: Forbidden, Missing, Clash."""
        require(principal, "tasks.manage")
        task, at = await self.find(principal, name), now_ms(self._clock)
        kept = None if days is None else max(1, min(days, 36_500))
        said = audited(principal, "task.retention", f"task:{task.name}", at, days=kept)
        values = (("retention_days", kept), ("updated_ms", at))
        await self._write(task.name, Update(TaskRecord, values, (Where("id", "=", task.id),), 1), said, generation(at))
        await self._engine.changed(task.id)
        return await self.get(principal, task.id)

    # --- inside ------------------------------------------------------------------------------------------------

    async def state_change_ops(self, principal: Principal, task: TaskRecord, state: str, at_ms: int) -> list[Op]:
        """What pauses or resumes a task, to be written with a generation."""
        verb = "paused" if state == "paused" else "resumed"
        return [
            moved(task, (("state", state), ("updated_ms", at_ms))),
            *await self._started(task, state, at_ms),
            audited(principal, f"task.{verb}", f"task:{task.name}", at_ms),
        ]

    async def _set_state(self, principal: Principal, name: str, state: str) -> TaskView:
        require(principal, "tasks.manage")
        task = await self.find(principal, name)
        if task.state != state:
            at = now_ms(self._clock)
            await self._write(task.name, *await self.state_change_ops(principal, task, state, at), generation(at))
            await self._engine.changed(task.id)
        return await self.get(principal, task.id)

    async def _started(self, task: TaskRecord, state: str, at_ms: int) -> list[Op]:
        """What starts the task, in its new state. On resuming, instants count from now and polls begin anew: what
        happened during the pause is not made up for."""
        ops = state_ops(task.id, state)
        if state == "live" and task.practice:
            return [*ops, *resting_ops(task.id)]
        if state == "live":
            for row in await self._store.find(ScheduleRecord, Where("task_id", "=", task.id)):
                following = next_after(row.spec, at_ms)
                ops.append(Update(ScheduleRecord, (("next_ms", following),), (Where("id", "=", row.id),)))
            anew = (("cursor", None), ("next_ms", at_ms))
            ops.append(Update(PollRecord, anew, (Where("task_id", "=", task.id),)))
        return ops

    async def _change_all(
        self, principal: Principal, rows: Sequence[TaskRecord], state: str, *, action: str, about: str, also: list[Op]
    ) -> Changed:
        """Batches of tasks, each batch a unit; the last one ends with `also`, so that a crash in between repeats."""
        at = now_ms(self._clock)
        names: list[str] = []
        first, last = (also, []) if state == "paused" else ([], also)
        if first:
            await self._store.write(*first, generation(at))
        for begin in range(0, len(rows), _BATCH):
            ops: list[Op] = []
            for row in rows[begin : begin + _BATCH]:
                values = (("state", state), ("updated_ms", at))
                ops.append(Update(TaskRecord, values, (Where("id", "=", row.id), Where("state", "!=", "deleted"))))
                ops += await self._started(row, state, at)
                names.append(row.name)
            await self._store.write(*ops, generation(at))
        said = audited(principal, action, about, at, tasks=names)
        await self._store.write(*last, said, generation(at))
        await self._engine.changed()
        return Changed(tasks=tuple(names))

    async def _write(self, name: str, *ops: Op) -> None:
        try:
            await self._store.write(*ops)
        except Conflict:
            raise Clash(
                "changed_meanwhile", f"somebody else changed {name} at the same time", hint="look again"
            ) from None

    async def _views(self, rows: Sequence[TaskRecord]) -> tuple[TaskView, ...]:
        ids = tuple(row.id for row in rows)
        aliases: dict[str, list[str]] = {each: [] for each in ids}
        accounts: dict[str, list[str]] = {each: [] for each in ids}
        for alias in await self._store.find(TaskRecord, Where("alias_of", "in", ids), order=("name",)) if ids else ():
            aliases[alias.alias_of or ""].append(alias.name)
        for use in await self._store.find(UseRecord, Where("task_id", "in", ids), order=("connection",)) if ids else ():
            accounts[use.task_id].append(use.connection)
        return tuple(
            TaskView(
                id=row.id, name=row.name, aliases=tuple(aliases[row.id]), title=row.title, state=row.state,
                version=row.version, digest=row.digest, practice=row.practice, accounts=tuple(accounts[row.id]),
                retention_days=row.retention_days, created_by=row.created_by, created_ms=row.created_ms,
                updated_ms=row.updated_ms,
            )
            for row in rows
        )  # fmt: skip


def alias_ops(ids: Ids, principal: Principal, task: TaskRecord, alias: str, at_ms: int) -> list[Op]:
    """One more name for a task; a Conflict means that it is taken, or that the task is gone."""
    row = TaskRecord(
        id=ids.new("task"), name=alias, version=0, digest="", alias_of=task.id, created_by=principal.id,
        created_ms=at_ms, updated_ms=at_ms,
    )  # fmt: skip
    there = Require(TaskRecord, (Where("id", "=", task.id), Where("state", "!=", "deleted")))
    return [there, Insert(row), audited(principal, "task.aliased", f"task:{task.name}", at_ms, alias=alias)]


def version_view(row: VersionRecord, task: TaskRecord) -> VersionView:
    """A version as it is shown."""
    return VersionView(
        number=row.number, digest=row.digest, language=row.language, source=row.source,
        readback=_READBACKS.decode(row.readback), approved_by=row.approved_by, proposal_id=row.proposal_id,
        created_by=row.created_by, created_ms=row.created_ms, current=row.number == task.version,
    )  # fmt: skip
