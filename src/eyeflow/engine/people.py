"""People in runs: approvals, and calls nobody knows the end of.

Knows: the questions runs wait on here, who may answer which. In: questions of the machine (it is its `Approver`),
verdicts of principals. Out: `ApprovalRecord`s, answers. Never: an answer by an agent; a second answer.

A question is a row; the run waits for the row to be decided, in memory or, when it has left memory, in the store: the
unit that decides also makes its work ready. A question is asked once however often the run is resumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from eyeflow.engine.active import Active
from eyeflow.engine.common import Common
from eyeflow.engine.lease import Gone
from eyeflow.engine.model import EngineError, Principal
from eyeflow.store.port import Append, Conflict, Insert, Op, Update, Where
from eyeflow.store.records import ApprovalRecord, AuditRecord, ExecutionRecord, WorkRecord
from eyeflow.svm.journal import (
    ApprovalAsked,
    ApprovalGiven,
    CancelRequested,
    EffectFailed,
    Event,
    StepFailed,
    StepFinished,
    StepSkipped,
    UncertainSettled,
)
from eyeflow.svm.ports import Answer, Asked, Settled, Uncertain

VERDICTS: Final[Mapping[str, tuple[str, ...]]] = {
    "approval": ("approved", "rejected"),
    "uncertain": ("sent", "again", "failed"),
}
SETTLED_BY: Final = "approver"
"""The role that says what became of an uncertain call."""

_ENDS: Final = (StepFinished, StepFailed, StepSkipped)
_PLACE: Final = ("execution_id", "action", "iteration", "kind", "attempt")
_RANKS: Final = {"viewer": 0, "runner": 1, "editor": 2, "approver": 3, "owner": 4}
_LONGEST_COMMENT: Final = 2_000
_LONGEST_MESSAGE: Final = 8_000


def may_decide(asked: str, principal: Principal) -> bool:
    """Whether the principal has the role that was asked for, or one above it. An auditor stands beside the others."""
    if principal.role in {asked, "owner"}:
        return True
    if asked not in _RANKS or principal.role not in _RANKS:
        return False
    return _RANKS[principal.role] >= _RANKS[asked]


class People:
    """The questions of the runs of this process."""

    def __init__(self, common: Common, actives: Mapping[str, Active], woken: Callable[[], None]) -> None:
        self._common = common
        self._actives = actives
        self._woken = woken
        self._open: dict[str, tuple[str, asyncio.Future[ApprovalRecord]]] = {}

    async def ask(self, question: Asked) -> Answer:
        """See `Approver.ask`."""
        common = self._common
        now = common.now_ms()
        row = await self._decided(ApprovalRecord(
            id=common.ids.new("appr"), execution_id=question.execution_id, task_id="", action=question.action,
            iteration=question.iteration, role=question.role, message=question.message[:_LONGEST_MESSAGE],
            asked_ms=now, expires_ms=now + question.expires_ms,
        ))  # fmt: skip
        return Answer(row.state == "approved", row.decided_by or "", row.comment)

    async def settle(self, question: Uncertain) -> Settled:
        """See `Approver.settle`."""
        common = self._common
        called = f"{question.connection}.{question.capability}"
        row = await self._decided(ApprovalRecord(
            id=common.ids.new("appr"), execution_id=question.execution_id, task_id="", action=question.action,
            iteration=question.iteration, kind="uncertain", attempt=question.attempt, role=SETTLED_BY,
            message=f"{called} may have been done: {question.error}"[:_LONGEST_MESSAGE], asked_ms=common.now_ms(),
        ))  # fmt: skip
        return Settled(row.state, row.decided_by or "")  # type: ignore[arg-type]  # one of the verdicts

    async def _decided(self, question: ApprovalRecord) -> ApprovalRecord:
        """The row of this question once it is decided. Raises: Gone; StoreError."""
        active = self._actives.get(question.execution_id)
        if active is None or active.gone or active.handle is None:
            raise Gone(question.execution_id)
        active.asks = True
        place = [Where(name, "=", getattr(question, name)) for name in _PLACE]
        try:
            if not active.kept:
                await active.handle.keep()
            row = await self._row(active, msgspec.structs.replace(question, task_id=active.record.task_id), place)
            return row if row.state != "open" else await self._waited_for(row)
        except asyncio.CancelledError:
            if not active.gone:  # the run does not wait any longer, and so nobody need answer
                still = (*place, Where("state", "=", "open"))
                active.ops.append(Update(ApprovalRecord, (("state", "expired"),), still))
            raise

    async def _waited_for(self, row: ApprovalRecord) -> ApprovalRecord:
        waiting: asyncio.Future[ApprovalRecord] = asyncio.get_running_loop().create_future()
        self._open[row.id] = (row.execution_id, waiting)
        try:
            return await waiting
        finally:
            del self._open[row.id]

    async def _row(self, active: Active, question: ApprovalRecord, place: Sequence[Where]) -> ApprovalRecord:
        """The row of this place: a new one, or the one that was asked before."""
        found = await self._common.store.find(ApprovalRecord, *place, limit=1)
        if found:
            return found[0]
        try:
            await self._common.write(active.fenced(), Insert(question))
        except Conflict:
            again = await self._common.store.find(ApprovalRecord, *place, limit=1)
            if not again:
                gone = Gone(active.id)
                active.leave(gone)
                raise gone from None
            return again[0]
        return question

    async def decide(self, approval_id: str, verdict: str, principal: Principal, comment: str = "") -> ApprovalRecord:
        """Decide a question, once.

        Raises: EngineError `unknown_approval`, `forbidden`, `wrong_role`, `bad_input`, `already_decided`,
        `approval_expired`; StoreError.
        """
        common = self._common
        row = await common.store.get(ApprovalRecord, approval_id)
        if row is None:
            raise EngineError(
                "unknown_approval", f"there is no question {approval_id[:100]!a}", hint="`eyeflow approvals list`"
            )
        _check(row, verdict, principal, common.now_ms())
        now = common.now_ms()
        values = (
            ("state", verdict), ("decided_by", principal.id), ("decided_ms", now),
            ("comment", comment[:_LONGEST_COMMENT]),
        )  # fmt: skip
        audit = AuditRecord(
            at_ms=now, actor=principal.id, action=f"approval.{verdict}", object=row.execution_id,
            detail=msgspec.json.encode({"approval": row.id, "action": row.action, "kind": row.kind}),
        )  # fmt: skip
        unit: tuple[Op, ...] = (
            Update(ApprovalRecord, values, (Where("id", "=", row.id), Where("state", "=", "open")), expect=1),
            Update(WorkRecord, (("signal", True), ("ready_ms", now)), (Where("execution_id", "=", row.execution_id),)),
            Append(audit),
        )
        try:
            await common.store.write(*unit)
        except Conflict:
            raise _decided_already(row) from None
        decided = msgspec.structs.replace(row, **dict(values))
        self._deliver(decided)
        return decided

    async def answered(self, record: ExecutionRecord, events: Sequence[Event]) -> list[Event]:
        """What people have said to a run while it was not in memory, as events that follow its journal: what was
        decided in time counts, also when the run is taken up later."""
        asked = {place for event in events if (place := _asked_at(event)) is not None}
        if not asked or record.cancelling or any(isinstance(event, CancelRequested) for event in events):
            return []  # a run that is to end waits for nobody
        at_us, answers = max(event.at_us for event in events), list[Event]()
        said = {place for event in events if (place := _answered_at(event)) is not None}
        over = {(event.action, event.iteration) for event in events if isinstance(event, _ENDS)}
        rows = await self._common.store.find(
            ApprovalRecord,
            Where("execution_id", "=", record.id),
            Where("decided_ms", "!=", None),
            order=("decided_ms",),
        )
        for row in rows:
            here = (row.action, row.iteration)
            if (*here, row.attempt) in asked - said and here not in over:
                since_us = ((row.decided_ms or 0) - (record.started_ms or record.created_ms)) * 1000
                at_us = max(at_us, since_us)
                answers.append(_answer(row, at_us))
        return answers

    async def look(self, execution_id: str) -> None:
        """Something about this run was written by another process: look at the questions it waits on."""
        for approval_id, (asking, _) in tuple(self._open.items()):
            if asking != execution_id:
                continue
            row = await self._common.store.get(ApprovalRecord, approval_id)
            if row is not None and row.state != "open":
                self._deliver(row)

    def _deliver(self, row: ApprovalRecord) -> None:
        """Hand a decision to the run that waits for it here, or have it taken up where it rests."""
        known = self._open.get(row.id)
        if known is None:
            self._woken()
        elif not known[1].done():
            known[1].set_result(row)


def _asked_at(event: Event) -> tuple[str, str, int] | None:
    """The place of the question that this event raised."""
    match event:
        case ApprovalAsked():
            return event.action, event.iteration, 0
        case EffectFailed(kind="uncertain"):
            return event.action, event.iteration, event.attempt
    return None


def _answered_at(event: Event) -> tuple[str, str, int] | None:
    match event:
        case ApprovalGiven():
            return event.action, event.iteration, 0
        case UncertainSettled():
            return event.action, event.iteration, event.attempt
    return None


def _answer(row: ApprovalRecord, at_us: int) -> Event:
    by = row.decided_by or ""
    if row.kind == "approval":
        return ApprovalGiven(
            at_us=at_us, action=row.action, iteration=row.iteration, approved=row.state == "approved", by=by,
            comment=row.comment,
        )  # fmt: skip
    return UncertainSettled(
        at_us=at_us, action=row.action, iteration=row.iteration, attempt=row.attempt, verdict=row.state, by=by
    )


def withdrawn(execution_id: str) -> Update:
    """The run has ended: nobody need answer it any more."""
    still = (Where("execution_id", "=", execution_id), Where("state", "=", "open"))
    return Update(ApprovalRecord, (("state", "expired"),), still)


def _check(row: ApprovalRecord, verdict: str, principal: Principal, now_ms: int) -> None:
    if verdict not in VERDICTS[row.kind]:
        raise EngineError("bad_input", f"the verdict is one of {', '.join(VERDICTS[row.kind])}")
    if principal.agent:
        raise EngineError("forbidden", "an agent does not decide", hint="ask a person")
    if not may_decide(row.role, principal):
        raise EngineError("wrong_role", f"this is for role {row.role}, not {principal.role}")
    if row.state == "expired" or (row.state == "open" and row.expires_ms is not None and row.expires_ms <= now_ms):
        raise EngineError("approval_expired", "nobody waits for this answer any more", hint="run the task again")
    if row.state != "open":
        raise _decided_already(row)


def _decided_already(row: ApprovalRecord) -> EngineError:
    by = f" by {row.decided_by}: {row.state}" if row.decided_by else ""
    return EngineError("already_decided", f"this was decided{by}")
