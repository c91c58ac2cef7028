"""Proposals: a program is an object that people look at before it is live, and what they approved is what is deployed.

Knows: who may approve what under `approval = self | other | n`, when a proposal is open, when it is superseded. In: a
`Principal` and a request to compile, or a verdict. Out: `ProposalView`. Never: changes a proposal's program: another
program is another proposal; deploys bytes whose digest is not the one that was reviewed; lets an agent decide.

States: `open`, then `approved` (and live, in the same unit), `rejected`, or `superseded` when its task has moved on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic, Severity
from eyeflow.engine.model import Principal
from eyeflow.ir.bytecode import decode
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Conflict, Insert, Op, Store, Update, Where
from eyeflow.store.records import DecisionRecord, ProposalRecord, TaskRecord, VersionRecord
from eyeflow.workspace.compiling import Compiler
from eyeflow.workspace.context import Contexts
from eyeflow.workspace.deployment import Approved, Deployment, Installed, clash_of, superseded
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing
from eyeflow.workspace.names import require_task_name
from eyeflow.workspace.offers import DecisionView, NotAProgram, ProposalView, Proposed, Ready, Review, State, Verdict
from eyeflow.workspace.permissions import require
from eyeflow.workspace.ports import EngineView, Practised
from eyeflow.workspace.reviewing import CompileRequest, ProposeRequest, Watcher
from eyeflow.workspace.settings import Approval, Settings
from eyeflow.workspace.views import CompileView, Draft, MissingAccount, Reviewed
from eyeflow.workspace.writing import audited, generation, now_ms

MAX_COMMENT_CHARS: Final = 2000
_ALSO: Final = msgspec.msgpack.Decoder(tuple[Draft, ...])
_ANSWERS: Final = msgspec.json.Decoder(dict[str, str])

_REVIEWS: Final = msgspec.json.Decoder(Review)


class Proposals:
    """Compiles, proposes, decides, deploys."""

    def __init__(
        self, store: Store, *, compiler: Compiler, contexts: Contexts, deployment: Deployment, settings: Settings,
        engine: EngineView, clock: Clock, ids: Ids, practised: Practised | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._practised = practised
        self._compiler = compiler
        self._contexts = contexts
        self._deployment = deployment
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._ids = ids

    async def compile(
        self, principal: Principal, request: CompileRequest, watcher: Watcher | None = None
    ) -> CompileView:
        """What a request becomes, without keeping anything. Raises: Forbidden, NotNow."""
        require(principal, "tasks.compile")
        return (await self._compiler.review(request, await self._contexts.of(principal), watcher)).view

    async def propose(self, principal: Principal, request: ProposeRequest) -> ProposalView:
        """Keep a program for people to decide on. Raises: Forbidden, NotAProgram, Invalid `bad_name`, Clash
        `name_taken`, NotNow."""
        require(principal, "proposals.create")
        _says_something(request)
        _practice_only(principal, practice=request.practice)
        record = await self.drafted(principal, request)
        await self._store.write(
            Insert(record), _said(principal, "proposal.created", record, record.created_ms, digest=record.digest)
        )
        return await self._view(record)

    async def deploy(self, principal: Principal, request: ProposeRequest) -> ProposalView:
        """Propose and approve in one unit: for authors who may approve what they wrote.

        Raises: as `propose`; Forbidden `self_approval` when another person has to; Invalid `connect`; Clash.
        """
        require(principal, "tasks.deploy")
        _says_something(request)
        _practice_only(principal, practice=request.practice)
        held = await self._settings.held()
        if held.approval != "self" and not request.practice:
            raise _other_person()
        record = await self.drafted(principal, request)
        at = now_ms(self._clock)
        approved = await self.approved_ops(principal, record, at)
        await self._commit(list(approved.ops), record)
        return _told(await self._view(await self._read(principal, record.id)), approved)

    async def approved_ops(self, principal: Principal, record: ProposalRecord, at_ms: int) -> Installed:
        """A new proposal, approved by its author, and its programs live: the operations, without the generation."""
        word = Approved(author=principal.id, by=principal.id, proposal_id=record.id, practice=record.practice)
        deployed = await self._deployment.deploy_ops(drafts_of(record), word, principal, at_ms)
        said = tuple(self.self_approved(principal, record, at_ms))
        return msgspec.structs.replace(deployed, ops=said + deployed.ops)

    def self_approved(self, principal: Principal, record: ProposalRecord, at_ms: int) -> list[Op]:
        """A new proposal, approved by its author: the operations, without what it deploys."""
        decided = msgspec.structs.replace(record, state="approved", decided_ms=at_ms)
        verdict = DecisionRecord(
            proposal_id=record.id, principal=principal.id, verdict="approve", decided_ms=at_ms
        )  # fmt: skip
        return [
            Insert(decided), Insert(verdict),
            _said(principal, "proposal.created", record, at_ms, digest=record.digest),
            _said(principal, "proposal.approved", record, at_ms, digest=record.digest, self_approved=True),
        ]  # fmt: skip

    async def drafted(self, principal: Principal, request: ProposeRequest) -> ProposalRecord:
        """The proposal of a request, not stored. Raises: as `propose`."""
        ready = await self.ready(principal, request, await self._contexts.of(principal))
        return await self.recorded(principal, request, ready)

    async def ready(self, principal: Principal, request: ProposeRequest, ctx: CompileContext) -> Ready:
        """The programs of a request in a context, and what people look at. Raises: as `propose`."""
        if request.name is not None:
            require_task_name(request.name)
        if request.change and not request.text:
            request = await self._based(principal, request)
        if request.practice and self._practised is not None:
            ctx = msgspec.structs.replace(ctx, connections=self._practised(ctx.connections))
        reviewed = await self._compiler.review(request.compiled(), ctx)
        if reviewed.view.outcome != "program":
            raise NotAProgram(reviewed.view)
        _named_as_asked(request, reviewed)
        drafts, programs, missing = list[Draft](), list[Proposed](), list[str]()
        for draft, program in zip(reviewed.drafts, reviewed.view.programs, strict=True):
            current = await self._current(principal, draft.task)
            running = await self._running(current)
            compared = await self._compiler.compare(running.ir if running else None, draft.ir, ctx)
            same = running is not None and running.digest == draft.digest
            base = current.version if current is not None else 0
            missing += await self._deployment.absent(decode(draft.program))
            task_id = current.id if current else None
            drafts.append(msgspec.structs.replace(draft, task_id=task_id, base_version=base))
            compared = msgspec.structs.replace(compared, same=same)
            programs.append(Proposed(program=program, compared=compared, base_version=base))
        left = await self._left_over(drafts)
        absent = tuple(MissingAccount(message=each) for each in dict.fromkeys(missing))
        review = Review(
            programs=tuple(programs), missing=(*reviewed.view.missing, *absent),
            findings=(*reviewed.view.findings, *left),
        )  # fmt: skip
        return Ready(drafts=tuple(drafts), review=review)

    async def recorded(self, principal: Principal, request: ProposeRequest, ready: Ready) -> ProposalRecord:
        """The row of a proposal, not stored."""
        held, first = await self._settings.held(), ready.drafts[0]
        return ProposalRecord(
            id=self._ids.new("prop"), task=first.task, base_version=first.base_version, language=first.language,
            source=first.source, answers=first.answers, ir=first.ir, digest=first.digest, program=first.program,
            envelope=first.envelope, also=msgspec.msgpack.encode(ready.drafts), practice=request.practice,
            task_id=first.task_id, review=msgspec.json.encode(ready.review), needed=_needed(held.approval),
            policy=str(held.approval), created_by=principal.id, created_ms=now_ms(self._clock),
        )  # fmt: skip

    # --- looking -----------------------------------------------------------------------------------------------

    async def get(self, principal: Principal, proposal_id: str) -> ProposalView:
        """One proposal. Raises: Forbidden, Missing."""
        require(principal, "proposals.read")
        return await self._view(await self._read(principal, proposal_id))

    async def page(
        self, principal: Principal, *, state: State = "open", after: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[ProposalView, ...]:
        """Proposals in one state, the newest first, from after (`created_ms`, `id`) on. Raises: Forbidden."""
        require(principal, "proposals.read")
        where = [Where("state", "=", state)]
        if principal.tasks is not None:
            where.append(Where("task", "in", tuple(sorted(principal.tasks))))
        rows = await self._store.find(
            ProposalRecord, *where, order=("-created_ms", "-id"), after=after or (), limit=max(1, min(limit, 200)),
            without=("program", "also", "envelope"),
        )  # fmt: skip
        return tuple([await self._view(row) for row in rows])

    # --- deciding ----------------------------------------------------------------------------------------------

    async def decide(
        self, principal: Principal, proposal_id: str, verdict: Verdict, *, digest: str | None = None, comment: str = ""
    ) -> ProposalView:
        """Say yes or no. The last approval that is needed makes the programs live, in the same unit.

        `digest`: of the program that was read; another one is refused. Said twice, the same verdict changes nothing.
        Raises: Forbidden `forbidden`, `self_approval`; Missing; Clash `not_open`, `superseded`, `digest_mismatch`,
        `outdated`, `name_taken`; Invalid `connect`.
        """
        require(principal, "proposals.decide")
        record = await self._read(principal, proposal_id)
        if digest is not None and digest != record.digest:
            raise Clash("digest_mismatch", "this is not the program that you read", hint="read the proposal again")
        said = await self._store.get(DecisionRecord, record.id, principal.id)
        if record.state != "open":
            if said is not None and said.verdict == verdict and record.state in ("approved", "rejected"):
                return await self._view(record)
            raise _not_open(record)
        comment = _comment(comment)
        if verdict == "reject":
            return await self._reject(principal, record, comment)
        await self._may_approve(principal, record)
        return await self._approve(principal, record, comment)

    async def _reject(self, principal: Principal, record: ProposalRecord, comment: str) -> ProposalView:
        if principal.id != record.created_by and principal.role == "editor":
            raise Forbidden("forbidden", "an editor may withdraw only what it proposed", hint="ask an approver")
        at = now_ms(self._clock)
        no = DecisionRecord(
            proposal_id=record.id, principal=principal.id, verdict="reject", comment=comment, decided_ms=at
        )
        await self._commit(
            [
                _closed(record, "rejected", at), Insert(no, "replace"),
                _said(principal, "proposal.rejected", record, at, comment=comment),
            ],
            record,
        )  # fmt: skip
        return await self._view(await self._read(principal, record.id))

    async def _may_approve(self, principal: Principal, record: ProposalRecord) -> None:
        held = await self._settings.held()
        own = principal.id == record.created_by
        free = record.practice or (held.approval == "self" and record.policy == "self")
        if own and not free:
            raise _other_person()
        if not own and principal.role == "editor":
            raise Forbidden("forbidden", "an editor may approve only its own proposals", hint="ask an approver")

    async def _approve(self, principal: Principal, record: ProposalRecord, comment: str) -> ProposalView:
        at = now_ms(self._clock)
        held = await self._settings.held()
        needed = 1 if record.practice else max(record.needed, _needed(held.approval))
        yes = DecisionRecord(
            proposal_id=record.id, principal=principal.id, verdict="approve", comment=comment, decided_ms=at
        )
        said = _said(
            principal, "proposal.approved", record, at, digest=record.digest, comment=comment,
            self_approved=principal.id == record.created_by,
        )  # fmt: skip
        before = await self._approvers(record)
        if len({*before, principal.id}) < needed:
            known = principal.id in before
            await self._store.write(*([] if known else [Insert(yes, "ignore"), said]))
            before = await self._approvers(record)
            if len(before) < needed:
                return await self._view(await self._read(principal, record.id))
        by = tuple(dict.fromkeys((*before, principal.id)))
        word = Approved(author=record.created_by, by=", ".join(by), proposal_id=record.id, practice=record.practice)
        try:
            deployed = await self._deployment.deploy_ops(drafts_of(record), word, principal, at)
        except Clash as error:
            await self._retire(error, record, at)
            raise
        fresh = [] if principal.id in before else [Insert(yes, "ignore"), said]
        await self._commit([_closed(record, "approved", at), *fresh, *deployed.ops], record)
        return _told(await self._view(await self._read(principal, record.id)), deployed)

    async def _retire(self, error: Clash, record: ProposalRecord, at_ms: int) -> None:
        """A proposal that can never be deployed any more is not offered any more."""
        if error.code in ("superseded", "outdated"):
            where = (Where("id", "=", record.id), Where("state", "=", "open"))
            await self._store.write(Update(ProposalRecord, (("state", "superseded"), ("decided_ms", at_ms)), where))

    async def _approvers(self, record: ProposalRecord) -> tuple[str, ...]:
        rows = await self._store.find(
            DecisionRecord, Where("proposal_id", "=", record.id), Where("verdict", "=", "approve")
        )
        return tuple(row.principal for row in sorted(rows, key=lambda row: (row.decided_ms, row.principal)))

    async def _commit(self, ops: list[Op], record: ProposalRecord) -> None:
        """Write the unit with a new generation and tell the engine. Raises: Clash when somebody was first."""
        try:
            await self._store.write(*ops, generation(now_ms(self._clock)))
        except Conflict as conflict:
            row = await self._store.get(ProposalRecord, record.id)
            if row is not None and row.state != "open":
                raise _not_open(row) from None
            raise clash_of(conflict, ops, record.task) from None
        await self._engine.changed()

    # --- inside ------------------------------------------------------------------------------------------------

    async def _current(self, principal: Principal, name: str) -> TaskRecord | None:
        require_task_name(name)
        if principal.tasks is not None and name not in principal.tasks:
            raise Forbidden("forbidden", f"this key may not deploy {name[:80]}", hint="it is limited to other tasks")
        current = await self._deployment.task(name)
        if current is not None and current.alias_of is not None:
            raise Clash("name_taken", f"{name} is another name of a task", hint="choose another name")
        return current

    async def _running(self, current: TaskRecord | None) -> VersionRecord | None:
        return None if current is None else await self._store.get(VersionRecord, current.id, current.version)

    async def _based(self, principal: Principal, request: ProposeRequest) -> ProposeRequest:
        """A change to the task of that name, beside the program that runs now. Raises: Missing."""
        running = await self._running(await self._current(principal, request.name or ""))
        if running is None:
            raise Missing("unknown_task", f"no task is called {(request.name or '')[:80]!a}", hint="name one that runs")
        return msgspec.structs.replace(request, text=running.ir, language="ir")

    async def _left_over(self, drafts: Sequence[Draft]) -> tuple[Diagnostic, ...]:
        """Tasks that an earlier form of the request also made and this one does not: they go on, and that is said."""
        first, found = drafts[0].task, list[Diagnostic]()
        for number in range(len(drafts) + 1, len(drafts) + 20):
            other = await self._deployment.task(f"{first}_{number}")
            version = await self._running(other)
            if other is None or version is None or version.request != first:
                break
            said = f"{other.name}, which an earlier form of this request made, goes on"
            found.append(Diagnostic("left_over", said, Severity.WARNING, hint=f"delete {other.name} if it should not"))
        return tuple(found)

    async def _read(self, principal: Principal, proposal_id: str) -> ProposalRecord:
        plain = len(proposal_id) <= 100 and proposal_id.isascii() and proposal_id.isprintable()
        row = await self._store.get(ProposalRecord, proposal_id) if plain else None
        if row is None or (principal.tasks is not None and row.task not in principal.tasks):
            raise _no_proposal(proposal_id)
        return row

    async def _view(self, record: ProposalRecord) -> ProposalView:
        rows = await self._store.find(DecisionRecord, Where("proposal_id", "=", record.id))
        said = tuple(
            DecisionView(
                principal=row.principal, verdict="approve" if row.verdict == "approve" else "reject",
                comment=row.comment, decided_ms=row.decided_ms,
            )
            for row in sorted(rows, key=lambda row: (row.decided_ms, row.principal))
        )  # fmt: skip
        own = any(each.principal == record.created_by and each.verdict == "approve" for each in said)
        return ProposalView(
            id=record.id, state=_state(record.state), task=record.task, language=record.language, source=record.source,
            answers=_ANSWERS.decode(record.answers), digest=record.digest, review=_REVIEWS.decode(record.review),
            practice=record.practice, needed=record.needed, decisions=said,
            self_approved=own and record.state == "approved", created_by=record.created_by,
            created_ms=record.created_ms, decided_ms=record.decided_ms,
        )  # fmt: skip


def _told(view: ProposalView, installed: Installed) -> ProposalView:
    return msgspec.structs.replace(view, notes=installed.notes, made=installed.made)


def drafts_of(record: ProposalRecord) -> tuple[Draft, ...]:
    """The programs of a proposal, the first of them with the bytes of its own columns."""
    first, *rest = _ALSO.decode(record.also)
    own = msgspec.structs.replace(
        first, task=record.task, digest=record.digest, program=record.program, envelope=record.envelope,
        task_id=record.task_id, base_version=record.base_version,
    )  # fmt: skip
    return (own, *rest)


def _named_as_asked(request: ProposeRequest, reviewed: Reviewed) -> None:
    named = reviewed.drafts[0].task
    if request.name is not None and named != request.name:
        said = f"the text is of the task {named}, not of {request.name}"
        raise Invalid("bad_name", said, hint="a task keeps its name; change the TASK line, or leave the name out")


def _says_something(request: ProposeRequest) -> None:
    if not request.text and not request.change:
        raise Invalid("bad_request", "there is nothing to make a program of", hint="give `text`, or a `change`")


def _practice_only(principal: Principal, *, practice: bool) -> None:
    if principal.practice and not practice:
        raise Forbidden("forbidden", "a practice key deploys for practice only", hint="ask for practice")


def _needed(approval: Approval) -> int:
    return approval if isinstance(approval, int) else 1


def _other_person() -> Forbidden:
    return Forbidden("self_approval", "another person has to approve this", hint="propose it, and ask them")


def _closed(record: ProposalRecord, state: State, at_ms: int) -> Update:
    where = (Where("id", "=", record.id), Where("state", "=", "open"), Where("digest", "=", record.digest))
    return Update(ProposalRecord, (("state", state), ("decided_ms", at_ms)), where, expect=1)


def _not_open(record: ProposalRecord) -> Clash:
    if record.state == "superseded":
        return superseded(record.task)
    return Clash("not_open", f"this proposal was {record.state} already", hint="propose again what should change")


def _state(text: str) -> State:
    match text:
        case "open" | "approved" | "rejected" | "superseded":
            return text
        case _:
            raise AssertionError(text)


def _comment(text: str) -> str:
    if len(text) > MAX_COMMENT_CHARS:
        raise Invalid("too_large", f"a comment has at most {MAX_COMMENT_CHARS} characters")
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text).strip()


def _said(principal: Principal, action: str, record: ProposalRecord, at_ms: int, **detail: object) -> Op:
    return audited(principal, action, f"proposal:{record.id}", at_ms, task=record.task, **detail)


def _no_proposal(proposal_id: str) -> Missing:
    said = f"there is no proposal {proposal_id[:80]!a}"
    return Missing("unknown_proposal", said, hint="`eyeflow proposals list` shows them")
