"""A folder as truth: apply one as one transaction, or write out what runs as one.

Knows: what in a folder differs from what runs, in sentences; what may be changed together. In: files and a
`Principal`. Out: `ApplyView`, files. Never: applies half of a folder: everything is one unit, and nothing of it is
stored when anything has changed meanwhile; deletes what the folder does not have unless asked to prune.

`export` is the inverse: applied to the workspace it came from, a folder changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.catalog.model import CompileContext, Connection, Policy, Profile
from eyeflow.catalog.settings import Settings as Said
from eyeflow.catalog.settings import parse_settings
from eyeflow.diagnostics import Diagnostic, Report
from eyeflow.engine.model import Principal
from eyeflow.ir.bytecode import decode
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Conflict, Delete, Insert, Op, Require, Store, Where
from eyeflow.store.records import ConnectionRecord, SettingRecord, TaskRecord, UseRecord, VersionRecord
from eyeflow.workspace.connections import Connections
from eyeflow.workspace.context import Contexts, connection_of, visible
from eyeflow.workspace.deployment import Approved, Deployment, Installed, Target, clash_of
from eyeflow.workspace.errors import Clash, Invalid
from eyeflow.workspace.exporting import Export
from eyeflow.workspace.folderfiles import (
    SETTINGS,
    FolderFile,
    Source,
    TaskOptions,
    bad_folder,
    sources,
    task_options,
)
from eyeflow.workspace.names import require_connection_name, require_task_name
from eyeflow.workspace.offers import NotAProgram
from eyeflow.workspace.permissions import require
from eyeflow.workspace.planning import (
    ApplyRequest,
    ApplyView,
    FolderPlan,
    TaskPlan,
    after,
    finding,
    merged,
    placed,
    request_of,
    same_programs,
    together,
    view_of,
)
from eyeflow.workspace.ports import CatalogSource, EngineView
from eyeflow.workspace.profiles import profile_ops
from eyeflow.workspace.proposals import Proposals
from eyeflow.workspace.reviewing import ProposeRequest
from eyeflow.workspace.settings import Settings, policy_ops
from eyeflow.workspace.tasks import Tasks, alias_ops
from eyeflow.workspace.writing import GENERATION, audited, generation, now_ms

_ANSWERS: Final = msgspec.json.Decoder(dict[str, str])
_BATCH: Final = 200


class Folder:
    """Applies and exports folders."""

    def __init__(
        self, store: Store, *, contexts: Contexts, proposals: Proposals, deployment: Deployment, tasks: Tasks,
        connections: Connections, settings: Settings, catalog: CatalogSource, engine: EngineView, clock: Clock,
        ids: Ids,
    ) -> None:  # fmt: skip
        self._store = store
        self._contexts = contexts
        self._proposals = proposals
        self._deployment = deployment
        self._tasks = tasks
        self._connections = connections
        self._settings = settings
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._export = Export(store, contexts, deployment)

    async def export(self, principal: Principal) -> tuple[FolderFile, ...]:
        """What runs, as the files of a folder. Raises: Forbidden, Invalid."""
        return await self._export.files(principal)

    # --- apply -------------------------------------------------------------------------------------------------

    async def apply(self, principal: Principal, request: ApplyRequest) -> ApplyView:
        """Make the workspace what the folder says, or say what that would change.

        Raises: Forbidden; Invalid (`bad_folder`, `too_large`) with all findings; Clash (`changed_meanwhile`, `in_use`,
        `name_taken`); NotNow.
        """
        require(principal, "folder.apply")
        if request.prune:
            require(principal, "tasks.manage")
        plan = await self._planned(principal, request)
        view = view_of(plan, prune=request.prune)
        if request.plan or not view.changed:
            return view
        return await self._write(principal, plan, view, prune=request.prune)

    async def _planned(self, principal: Principal, request: ApplyRequest) -> FolderPlan:
        mark = await self._store.get(SettingRecord, GENERATION)
        text = next((file.text for file in request.files if file.name == SETTINGS), "")
        said, options = self._said(text), task_options(text)
        found = sources(request.files)
        lost = sorted(set(options) - {each.task for each in found})
        if lost:
            raise bad_folder(SETTINGS, f"[tasks.{lost[0]}] has no {lost[0]}.txt or .eir", "add the file")
        before = await self._contexts.of(principal)
        added, replaced = await self._changed_accounts(principal, said.connections)
        ctx = after(before, said, added, replaced)
        world = merged((await self._contexts.world())[0], added, replaced)
        tasks = [await self._task(principal, each, options.get(each.task, TaskOptions())) for each in found]
        profile = said.profile if said.profile != Profile() and said.profile != before.profile else None
        policy = said.policy if said.policy != Policy() and said.policy != before.policy else None
        compiled = await self._compiled(principal, tasks, ctx, world)
        names = {draft.task for each in compiled for draft in (each.ready.drafts if each.ready else ())}
        names |= {each.source.task for each in compiled}
        return FolderPlan(
            base=b"" if mark is None else mark.value, accounts=world, added=added, replaced=replaced, profile=profile,
            policy=policy, tasks=compiled, others=await self._others(principal, names),
        )  # fmt: skip

    def _said(self, text: str) -> Said:
        said, found = parse_settings(text, SETTINGS, self._catalog())
        if said is None:
            first = found.errors[0]
            raise Invalid("bad_folder", f"{SETTINGS}: {first.message}", hint=first.hint, report=found)
        for connection in said.connections:
            require_connection_name(connection.name)
        return said

    async def _changed_accounts(
        self, principal: Principal, said: Sequence[Connection]
    ) -> tuple[tuple[Connection, ...], tuple[tuple[ConnectionRecord, Connection], ...]]:
        added: list[Connection] = []
        replaced: list[tuple[ConnectionRecord, Connection]] = []
        for connection in said:
            row = await self._store.get(ConnectionRecord, connection.name)
            if row is not None and not visible(row, principal):
                raise Clash("name_taken", f"the name {connection.name} is taken", hint="choose another name")
            if row is None or connection_of(row) != connection:
                require(principal, "connections.write")
                await self._connections.may_refer(principal, connection)
                self._connections.may_be_called(connection, shared=row is None or row.shared)
            if row is None:
                added.append(connection)
            elif connection_of(row) != connection:
                replaced.append((row, connection))
        return tuple(added), tuple(replaced)

    async def _task(self, principal: Principal, source: Source, options: TaskOptions) -> TaskPlan:
        require_task_name(source.task)
        for alias in options.aliases:
            require_task_name(alias)
        row = await self._deployment.task(source.task)
        if row is not None and row.alias_of is not None:
            raise bad_folder(source.file, f"{source.task} is another name of a task here", "rename the file")
        version = None if row is None else await self._store.get(VersionRecord, row.id, row.version)
        aliases = () if row is None else tuple(await self._store.find(TaskRecord, Where("alias_of", "=", row.id)))
        return TaskPlan(source=source, options=options, row=row, version=version, aliases=aliases)

    async def _compiled(
        self, principal: Principal, tasks: Sequence[TaskPlan], ctx: CompileContext, world: Sequence[Connection]
    ) -> tuple[TaskPlan, ...]:
        """The tasks with programs where there is something to deploy. Raises: Invalid with every finding."""
        done: list[TaskPlan] = []
        findings: list[Diagnostic] = []
        for each in tasks:
            if await self._stands(each, world):
                done.append(each)
                continue
            request = ProposeRequest(
                text=each.source.text, language=each.source.language, name=each.source.task,
                answers=each.options.answers, practice=each.options.practice,
            )  # fmt: skip
            try:
                ready = await self._proposals.ready(principal, request, ctx)
            except (NotAProgram, Invalid) as error:
                findings += placed(error, each.source.file)
                continue
            if not each.options.practice and (lacks := [draft for draft in ready.drafts if draft.missing]):
                findings.append(finding("connect", lacks[0].missing[0], each.source.file))
            done.append(msgspec.structs.replace(each, ready=None if same_programs(ready, each) else ready))
        if findings:
            said = f"{len(findings)} findings in the folder: {findings[0].place.source}: {findings[0].message}"
            raise Invalid("bad_folder", said, hint=findings[0].hint, report=Report(tuple(findings)))
        return tuple(done)

    async def _stands(self, task: TaskPlan, world: Sequence[Connection]) -> bool:
        """Whether the very same request runs already, in a world that has not changed for it."""
        row, version = task.row, task.version
        if row is None or version is None or row.practice != task.options.practice:
            return False
        text = version.source.strip() if version.language == task.source.language else version.ir.strip()
        if task.source.text != text or (version.language == "english" and task.source.language != "english"):
            return False
        if task.source.language == "english" and _ANSWERS.decode(version.answers) != task.options.answers:
            return False
        program = decode((await self._deployment.artifact(version)).program)
        return await self._deployment.drifted(program, world) is None

    async def _others(self, principal: Principal, names: set[str]) -> tuple[TaskRecord, ...]:
        seen = await self._export.tasks(principal)
        found = []
        for row in seen:
            version = await self._store.get(VersionRecord, row.id, row.version) if row.name not in names else None
            if version is not None and version.request not in names:
                found.append(row)
        return tuple(found)

    # --- writing -----------------------------------------------------------------------------------------------

    async def _write(self, principal: Principal, plan: FolderPlan, view: ApplyView, *, prune: bool) -> ApplyView:
        at = now_ms(self._clock)
        here = (Where("name", "=", GENERATION),)
        first = Require(SettingRecord, (*here, Where("value", "=", plan.base))) if plan.base else Require(
            SettingRecord, here, absent=True
        )  # fmt: skip
        ops: list[Op] = [first, *await self._account_ops(principal, plan, at)]
        if plan.policy is not None:
            require(principal, "settings.write")
            ops += policy_ops(principal, plan.policy, at)
        if plan.profile is not None:
            require(principal, "profile.write")
            ops += profile_ops(principal, plan.profile, at, confirmed=plan.profile.timezone is not None)
        proposal, installed = await self._program_ops(principal, plan, at)
        ops += installed.ops
        for each in plan.tasks:
            ops += await self._beside_ops(principal, each, at)
        for row in plan.others if prune else ():
            ops += await self._tasks.delete_ops(principal, row, at)
        ops.append(audited(principal, "folder.applied", "workspace", at, tasks=len(plan.tasks), pruned=prune))
        try:
            await self._store.write(*ops, generation(at))
        except Conflict as conflict:
            if conflict.number == 0:
                raise Clash("changed_meanwhile", "the workspace changed while the folder was read",
                            hint="plan it again, then apply") from None  # fmt: skip
            raise clash_of(conflict, ops, "a task of the folder") from None
        await self._engine.changed()
        return msgspec.structs.replace(
            view, applied=True, proposal=proposal, notes=installed.notes, made=installed.made
        )

    async def _account_ops(self, principal: Principal, plan: FolderPlan, at_ms: int) -> list[Op]:
        """Accounts may change under tasks only when these tasks are deployed anew with them."""
        again = {draft.task_id for each in plan.tasks if each.ready is not None for draft in each.ready.drafts}
        ops: list[Op] = []
        for connection in plan.added:
            ops += self._connections.add_ops(principal, connection, at_ms, shared=True)
        for row, connection in plan.replaced:
            before = connection_of(row)
            uses = await self._store.find(UseRecord, Where("connection", "=", row.name))
            same = (before.service, before.credential, before.settings, before.hosts) == (
                connection.service, connection.credential, connection.settings, connection.hosts,
            )  # fmt: skip
            if not same and any(use.task_id not in again for use in uses):
                said = f"{row.name} is used by tasks that this folder does not deploy anew"
                raise Clash("in_use", said, hint="add these tasks to the folder, or another account")
            ops += self._connections.replace_ops(principal, row, connection, at_ms, shared=row.shared)
        return ops

    async def _program_ops(self, principal: Principal, plan: FolderPlan, at_ms: int) -> tuple[str | None, Installed]:
        """All programs as one proposal: approved and deployed at once when its author may, else left to people."""
        fresh = [each for each in plan.tasks if each.ready is not None]
        if not fresh:
            return None, Installed()
        proposed: str | None = None
        whole = Installed()
        free = (await self._settings.held()).approval == "self"
        for practice in (False, True):
            group = [each for each in fresh if each.options.practice == practice]
            if not group:
                continue
            record = await self._proposals.recorded(principal, request_of(group), together(group))
            if not (free or practice):
                said = audited(principal, "proposal.created", f"proposal:{record.id}", at_ms, task=record.task,
                               digest=record.digest)  # fmt: skip
                whole += Installed(ops=(Insert(record), said))
                proposed = record.id
                continue
            require(principal, "tasks.deploy")
            word = Approved(author=principal.id, by=principal.id, proposal_id=record.id, practice=practice)
            targets = {each.source.task: self._target(each) for each in group}
            deployed = await self._deployment.deploy_ops(
                [draft for each in group for draft in each.ready.drafts if each.ready is not None],  # type: ignore[union-attr]
                word, principal, at_ms, accounts=plan.accounts, targets=targets,
            )  # fmt: skip
            whole += Installed(ops=tuple(self._proposals.self_approved(principal, record, at_ms)))
            whole += deployed
            for each in group:
                new_id = targets[each.source.task].new_id
                if new_id is not None:
                    whole += Installed(ops=tuple(self._alias_ops(principal, each, new_id, at_ms)))
        return proposed, whole

    def _target(self, task: TaskPlan) -> Target:
        new_id = self._ids.new("task") if task.row is None else None
        return Target(state=task.options.state, new_id=new_id)

    def _alias_ops(self, principal: Principal, task: TaskPlan, task_id: str, at_ms: int) -> list[Op]:
        have = {row.name for row in task.aliases}
        named = TaskRecord(
            id=task_id, name=task.source.task, version=0, digest="", created_by="", created_ms=0, updated_ms=0
        )
        ops: list[Op] = []
        for alias in task.options.aliases:
            ops += alias_ops(self._ids, principal, named, alias, at_ms) if alias not in have else []
        gone = [row for row in task.aliases if row.name not in task.options.aliases]
        return ops + [Delete(TaskRecord, (Where("id", "=", row.id),)) for row in gone]

    async def _beside_ops(self, principal: Principal, task: TaskPlan, at_ms: int) -> list[Op]:
        """State and names of a task that runs already."""
        if task.row is None:
            return []
        ops = self._alias_ops(principal, task, task.row.id, at_ms)
        if task.ready is None and task.row.state != task.options.state:
            ops += await self._tasks.state_change_ops(principal, task.row, task.options.state, at_ms)
        return ops
