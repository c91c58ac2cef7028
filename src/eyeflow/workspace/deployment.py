"""A program goes live: task, version, artifact, uses and registrations in one unit, or none of them.

Knows: what a deployed version consists of. In: drafts that were approved, versions that ran before. Out: the
operations of one unit. Never: compiles, decides who may approve; what it seals is the bytes of the draft, whose
digest it compares once more.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog, Connection
from eyeflow.engine.model import Principal
from eyeflow.ir.bytecode import decode, digest, read_artifact, write_artifact
from eyeflow.ir.program import Artifact, Envelope, Program
from eyeflow.ir.seal import SigningKey, seal
from eyeflow.ir.task import Event
from eyeflow.ports import Ids
from eyeflow.store.port import Conflict, Delete, Insert, Op, Store, Update, Where
from eyeflow.store.records import (
    ArtifactRecord,
    PollRecord,
    ProposalRecord,
    Record,
    ScheduleRecord,
    SecretRecord,
    SettingRecord,
    SubscriptionRecord,
    TaskRecord,
    UseRecord,
    VersionRecord,
    WebhookRecord,
)
from eyeflow.triggers.drafting import Made, Note
from eyeflow.workspace.context import Contexts
from eyeflow.workspace.errors import Clash, Invalid
from eyeflow.workspace.names import require_task_name
from eyeflow.workspace.ports import CatalogSource, Registrar
from eyeflow.workspace.settings import Settings
from eyeflow.workspace.views import Draft
from eyeflow.workspace.writing import audited

REGISTRATIONS: Final[tuple[type[Record], ...]] = (ScheduleRecord, WebhookRecord, PollRecord, SubscriptionRecord)
PAUSED_BY_ALL: Final = "paused_by_all"
"""The setting that lists the ids of tasks that `pause_all` paused; while it exists, new tasks begin paused."""

_ENVELOPES: Final = msgspec.msgpack.Decoder(Envelope)
_STRENGTH: Final = ("pure", "read", "write", "irreversible")


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """On whose word a draft is deployed."""

    author: str
    by: str
    proposal_id: str | None = None
    practice: bool = False


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What else a deploy sets of a task: its `state`, and the id of a task that is new."""

    state: str | None = None
    new_id: str | None = None


_ANY: Final = Target()


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """Operations of a unit, and what to tell whoever deploys: `notes`, and signing secrets that were `made` and are
    shown this once."""

    ops: tuple[Op, ...] = ()
    notes: tuple[Note, ...] = ()
    made: tuple[Made, ...] = ()

    def __add__(self, other: Installed) -> Installed:
        return Installed(ops=self.ops + other.ops, notes=self.notes + other.notes, made=self.made + other.made)


class Deployment:
    """Makes the operations of deploys and rollbacks."""

    def __init__(
        self, store: Store, *, catalog: CatalogSource, contexts: Contexts, settings: Settings, key: SigningKey,
        registrar: Registrar, ids: Ids,
    ) -> None:  # fmt: skip
        self._store = store
        self._catalog = catalog
        self._contexts = contexts
        self._settings = settings
        self._key = key
        self._registrar = registrar
        self._ids = ids

    async def task(self, name: str) -> TaskRecord | None:
        """The task that runs under `name` now, an alias as itself."""
        found = await self._store.find(TaskRecord, Where("name", "=", name), Where("state", "!=", "deleted"), limit=1)
        return found[0] if found else None

    async def drifted(self, program: Program, accounts: Sequence[Connection] | None = None) -> str | None:
        """Why the program cannot run in the world as it is now (or with other `accounts`), or None."""
        return drift(program, self._catalog(), await self._accounts(accounts))

    async def _accounts(self, accounts: Sequence[Connection] | None) -> Sequence[Connection]:
        return (await self._contexts.world())[0] if accounts is None else accounts

    async def absent(self, program: Program) -> tuple[str, ...]:
        """What of the credentials that a program refers to is not there, in words, each once."""
        found: dict[str, None] = {}
        for binding in program.bindings:
            kind, _, name = (binding.credential or "").partition(":")
            if kind == "vault" and await self._store.get(SecretRecord, name) is None:
                found[f"{binding.connection} refers to the secret {name}, which is not there yet"] = None
            elif kind == "env" and any(not os.environ.get(each) for each in variables(name)):
                found[f"{binding.connection} refers to the variable {name}, which is not set"] = None
        return tuple(found)

    async def check(self, draft: Draft, *, practice: bool, accounts: Sequence[Connection] | None = None) -> None:
        """Return when the draft may go live now, with `accounts` instead of those that are there.

        Raises: Invalid `connect`; Clash `superseded`, `name_taken`, `outdated`, `digest_mismatch`.
        """
        require_task_name(draft.task)
        missing = () if practice else (*draft.missing, *await self.absent(decode(draft.program)))
        if missing:
            raise Invalid("connect", missing[0], hint="connect the account, then deploy again")
        if digest(draft.program) != draft.digest:
            raise Clash("digest_mismatch", f"the program of {draft.task} is not the one that was reviewed")
        current = await self.task(draft.task)
        if current is not None and current.alias_of is not None:
            raise Clash("name_taken", f"{draft.task} is another name of a task", hint="choose another name")
        if practice and current is not None and not current.practice:
            said = f"{draft.task} runs for real, and practice does not take its place"
            raise Clash("name_taken", said, hint="practise under another name")
        if (current.id if current else None, current.version if current else 0) != (draft.task_id, draft.base_version):
            raise superseded(draft.task)
        if not practice and (why := await self.drifted(decode(draft.program), accounts)) is not None:
            raise Clash("outdated", f"{draft.task} was compiled in another world: {why}", hint="compile it again")

    async def deploy_ops(
        self, drafts: Sequence[Draft], word: Approved, who: Principal, at_ms: int, *,
        accounts: Sequence[Connection] | None = None, targets: Mapping[str, Target] = MappingProxyType({}),
    ) -> Installed:  # fmt: skip
        """The operations that make `drafts` live, without the generation. `accounts` are those that there will be
        when the unit is written, `targets` what else is set, by task.

        Raises: as `check`, and what a registration raises.
        """
        whole = Installed()
        for draft in drafts:
            await self.check(draft, practice=word.practice, accounts=accounts)
            whole += await self._one(draft, word, who, at_ms, accounts=accounts, target=targets.get(draft.task, _ANY))
        return whole

    async def _one(
        self, draft: Draft, word: Approved, who: Principal, at_ms: int, *, accounts: Sequence[Connection] | None,
        target: Target,
    ) -> Installed:  # fmt: skip
        artifact, number = self._sealed(draft, word), draft.base_version + 1
        task_id = draft.task_id or target.new_id or self._ids.new("task")
        data = write_artifact(artifact)
        version = VersionRecord(
            task_id=task_id, number=number, digest=draft.digest, artifact=hashlib.sha256(data).hexdigest(),
            language=draft.language, source=draft.source, request=draft.request, ir=draft.ir, readback=draft.readback,
            answers=draft.answers, approved_by=word.by, proposal_id=word.proposal_id, created_by=word.author,
            created_ms=at_ms,
        )  # fmt: skip
        current = await self.task(draft.task)
        row, state = await self._row(current, draft, task_id, word, at_ms=at_ms, wanted=target.state)
        installed = await self.installed(
            task_id,
            number,
            decode(draft.program),
            state=state,
            author=word.author,
            at_ms=at_ms,
            practice=word.practice,
            accounts=accounts,
        )
        said = audited(
            who, "task.deployed", f"task:{draft.task}", at_ms, version=number, digest=draft.digest,
            approved_by=word.by, author=word.author, proposal=word.proposal_id, practice=word.practice,
            self_approved=word.by == word.author,
        )  # fmt: skip
        before: tuple[Op, ...] = (
            *row,
            Insert(version),
            Insert(ArtifactRecord(id=version.artifact, digest=draft.digest, data=data, created_ms=at_ms), "ignore"),
        )
        after = (*supersede(draft.task, at_ms, but=word.proposal_id), said)
        return msgspec.structs.replace(installed, ops=before + installed.ops + after)

    async def _row(
        self, current: TaskRecord | None, draft: Draft, task_id: str, word: Approved, *, at_ms: int, wanted: str | None
    ) -> tuple[list[Op], str]:
        """The operations on the task's own row, and the state it is in afterwards."""
        if current is not None:
            values = (
                ("version", draft.base_version + 1), ("digest", draft.digest), ("practice", word.practice),
                ("title", title_of(draft)), ("updated_ms", at_ms), ("state", wanted or current.state),
            )  # fmt: skip
            return [moved(current, values)], wanted or current.state
        held = await self._settings.held()
        brake = await self._store.get(SettingRecord, PAUSED_BY_ALL)
        state = wanted or "live" if brake is None else "paused"
        row = TaskRecord(
            id=task_id, name=draft.task, title=title_of(draft), state=state, version=1, digest=draft.digest,
            practice=word.practice, retention_days=held.retention_days, created_by=word.author, created_ms=at_ms,
            updated_ms=at_ms,
        )  # fmt: skip
        ops: list[Op] = [Insert(row)]
        if brake is not None and wanted != "paused":
            ids = msgspec.json.encode([*msgspec.json.decode(brake.value, type=list[str]), task_id])
            ops.append(Insert(SettingRecord(name=PAUSED_BY_ALL, value=ids, updated_ms=at_ms), "replace"))
        return ops, state

    def _sealed(self, draft: Draft, word: Approved) -> Artifact:
        facts = msgspec.structs.replace(_ENVELOPES.decode(draft.envelope), approver=word.by, practice=word.practice)
        artifact = seal(decode(draft.program), facts, self._key)
        if artifact.digest != draft.digest:
            raise Clash("digest_mismatch", f"the program of {draft.task} is not the one that was reviewed")
        return artifact

    async def installed(
        self,
        task_id: str,
        number: int,
        program: Program,
        *,
        state: str,
        author: str,
        at_ms: int,
        practice: bool,
        accounts: Sequence[Connection] | None = None,
    ) -> Installed:
        """What makes a version known to the rest: the accounts it uses (a practice one uses none), what starts it."""
        connections, catalog = await self._accounts(accounts), self._catalog()
        ops: list[Op] = [Delete(UseRecord, (Where("task_id", "=", task_id),))]
        if not practice:
            ops += [Insert(each) for each in uses(task_id, program, catalog, connections)]
        planned = await self._registrar.plan(
            task_id, number, program, catalog=catalog, connections=connections, created_by=author, now_ms=at_ms,
            practice=practice,
        )  # fmt: skip
        ops += planned.ops
        ops += state_ops(task_id, state) if state != "live" else resting_ops(task_id) if practice else []
        return Installed(ops=tuple(ops), notes=planned.notes, made=planned.made)

    async def artifact(self, version: VersionRecord) -> Artifact:
        """The sealed artifact of a version. Raises: LoadError when it is damaged."""
        return read_artifact(await self.artifact_bytes(version))

    async def artifact_bytes(self, version: VersionRecord) -> bytes:
        """The bytes of the artifact of a version."""
        row = await self._store.get(ArtifactRecord, version.artifact)
        assert row is not None, "an artifact is kept as long as its versions"
        return row.data


def clash_of(conflict: Conflict, ops: Sequence[Op], name: str) -> Clash:
    """What a conflict in the unit of a deploy means."""
    op = ops[conflict.number] if conflict.number < len(ops) else None
    if isinstance(op, Insert) and isinstance(op.record, WebhookRecord):
        said = f"the webhook path {op.record.path[:100]!a} belongs to another task"
        return Clash("name_taken", said, hint="choose another path")
    if isinstance(op, Insert) and isinstance(op.record, TaskRecord):
        return superseded(op.record.name)
    return superseded(name)


def superseded(name: str) -> Clash:
    """The error of a draft whose task has moved on."""
    return Clash("superseded", f"{name} has changed since this was proposed", hint="propose it again and look anew")


def moved(current: TaskRecord, values: tuple[tuple[str, str | int | bool], ...]) -> Update:
    """Change a task's row, unless somebody has deployed, rolled back or deleted it meanwhile."""
    where = (Where("id", "=", current.id), Where("version", "=", current.version), Where("state", "!=", "deleted"))
    return Update(TaskRecord, values, where, expect=1)


def variables(reference: str) -> tuple[str, ...]:
    """The names of variables in what follows `env:`."""
    if "=" not in reference:
        return (reference,)
    return tuple(part.partition("=")[2].strip() for part in reference.split(","))


def supersede(name: str, at_ms: int, *, but: str | None = None) -> list[Op]:
    """Open proposals for a task that has moved on can no longer be approved."""
    where = (Where("task", "=", name), Where("state", "=", "open"), Where("id", "!=", but or ""))
    return [Update(ProposalRecord, (("state", "superseded"), ("decided_ms", at_ms)), where)]


def state_ops(task_id: str, state: str) -> list[Op]:
    """What starts the task follows the state of the task."""
    return [Update(table, (("state", state),), (Where("task_id", "=", task_id),)) for table in REGISTRATIONS]


def resting_ops(task_id: str) -> list[Op]:
    """A practice task starts when somebody starts it, never by the clock."""
    own = (Where("task_id", "=", task_id),)
    return [Update(table, (("state", "paused"),), own) for table in (ScheduleRecord, PollRecord)]


def title_of(draft: Draft) -> str:
    """What people see beside the name."""
    if draft.language == "english":
        return " ".join(draft.source.split())[:200]
    said: str = msgspec.json.decode(draft.readback)["when"]
    return said.removesuffix(":")[:200]


def uses(task_id: str, program: Program, catalog: Catalog, connections: Iterable[Connection]) -> tuple[UseRecord, ...]:
    """The accounts that a program uses, each with its strongest effect."""
    known = {each.name: each.service for each in connections}
    found: dict[tuple[str, str], str] = {}
    for binding in program.bindings:
        held = found.get((binding.connection, binding.service), "pure")
        found[binding.connection, binding.service] = max(held, binding.effect, key=_STRENGTH.index)
    for trigger in program.triggers:
        if isinstance(trigger.spec, Event):
            name = trigger.spec.service
            own = sorted(each for each, service in known.items() if service == name)
            account = (name if name in known else own[0] if own else name, known.get(name, name))
            found.setdefault(account, "read")
    pins = {service.id: service.digest for service in catalog.services}
    return tuple(
        UseRecord(task_id=task_id, connection=connection, service=service, effect=effect, pinned=pins.get(service, ""))
        for (connection, service), effect in sorted(found.items())
    )


def drift(program: Program, catalog: Catalog, connections: Iterable[Connection]) -> str | None:
    """What of the world a program was compiled in is not so any more, or None."""
    known = {each.name: each for each in connections}
    for binding in program.bindings:
        service = catalog.service(binding.service)
        if service is None:
            return f"the catalog has no service {binding.service}"
        if service.digest != binding.digest:
            return f"the service {binding.service} is described differently now"
        account = known.get(binding.connection)
        if account is None and binding.connection != binding.service:
            return f"there is no account {binding.connection}"
        if account is not None and (account.service, account.credential) != (binding.service, binding.credential):
            return f"the account {binding.connection} is another one now"
    return None
