"""What was raised becomes notices: one for each incident and receiver, then a count, then the news that it is over.

Knows: what counts as the same incident, when one is over, who is told. In: rows in state `raised`. Out: rows in state
`waiting` (or `kept`, when nobody can be reached: they are seen in the dashboard). Never: sends.

States of a notice: `waiting`, then `sent` or `undeliverable`; `kept`. An incident is open while `closed` is false.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from eyeflow.catalog.model import Profile
from eyeflow.ports import Clock
from eyeflow.store.port import Conflict, Delete, Insert, Op, Store, Update, Where
from eyeflow.store.records import (
    ApprovalRecord,
    ConnectionRecord,
    ExecutionRecord,
    KeyRecord,
    NoticeRecord,
    ProfileRecord,
    SettingRecord,
    TaskRecord,
)
from eyeflow.workspace.notices.drifting import caught_up
from eyeflow.workspace.notices.ending import ends_soon, incident_of
from eyeflow.workspace.notices.raising import BATCH, RAISED, TAKEN, task_name
from eyeflow.workspace.notices.texts import Happening, Telling, digested, told
from eyeflow.workspace.ports import CatalogSource
from eyeflow.workspace.settings import NoticeTarget, Settings
from eyeflow.workspace.writing import now_ms

NOTICES: Final = ("waiting", "sent", "undeliverable", "kept")
DIGEST: Final = "notices.digest"
KEPT_DAYS: Final = 90
_DAY_MS: Final = 86_400_000
_HAPPENINGS: Final = msgspec.json.Decoder(Happening)
_TELLINGS: Final = msgspec.json.Decoder(Telling)
_PROFILES: Final = msgspec.json.Decoder(Profile)


class Incidents:
    """Turns rows into notices, and closes what is over."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, public_url: str, catalog: CatalogSource) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._public_url = public_url
        self._catalog = catalog

    async def tell(self) -> int:
        """Take a batch of what was raised; how many there were. Raises: StoreError."""
        rows = await self._store.find(
            NoticeRecord, Where("state", "=", RAISED), order=("created_ms", "id"), limit=BATCH
        )
        for row in rows:
            ops = await self._told(row)
            taken = Update(NoticeRecord, (("state", TAKEN),), _is(row, RAISED), expect=1)
            try:
                await self._store.write(taken, *ops)
            except Conflict:
                continue  # another process has taken it meanwhile
        return len(rows)

    async def close(self) -> None:
        """Close what is over, and say that what failed works again. Raises: StoreError."""
        rows = await self._store.find(
            NoticeRecord, Where("state", "in", NOTICES), Where("closed", "=", False), order=("created_ms", "id"),
            limit=5 * BATCH,
        )  # fmt: skip
        for row in rows:
            ended = await self._over(row)
            if ended is None:
                continue
            ops: list[Op] = [Update(NoticeRecord, (("closed", True),), (Where("id", "=", row.id),))]
            if row.kind == "failed":
                happening = Happening(
                    kind="recovered", task=await task_name(self._store, row.task_id), task_id=row.task_id,
                    execution_id=ended.id, at_ms=ended.finished_ms or ended.created_ms,
                )  # fmt: skip
                ops.append(self._notice(happening, f"recovered:{row.id}", row.recipient, closed=True))
            await self._store.write(*ops)

    async def digest(self) -> None:
        """Say once in a while how often open incidents went on happening. Raises: StoreError."""
        held, now = (await self._settings.held()).notices, now_ms(self._clock)
        last = await self._store.get(SettingRecord, DIGEST)
        mark = Insert(SettingRecord(name=DIGEST, value=str(now).encode(), updated_ms=now), "replace")
        if last is None:
            await self._store.write(mark)
            return
        if not held.digest_hours or now - int(last.value) < held.digest_hours * 3_600_000:
            return
        rows = await self._store.find(
            NoticeRecord, Where("state", "in", NOTICES), Where("count", ">", 1), order=("created_ms", "id"), limit=500
        )  # fmt: skip
        ops: list[Op] = [mark]
        for recipient in dict.fromkeys(row.recipient for row in rows):
            own = [row for row in rows if row.recipient == recipient]
            counts = tuple((row.kind, _TELLINGS.decode(row.text).task, row.count - 1) for row in own)
            said = digested(counts, now, self._public_url)
            ops.append(_row(said, f"digest:{now}", recipient, now, closed=True))
            ops += [Update(NoticeRecord, (("count", 1),), (Where("id", "=", row.id),)) for row in own]
        await self._store.write(*ops)

    async def purge(self) -> None:
        """Forget what is long over. Raises: StoreError."""
        before = now_ms(self._clock) - KEPT_DAYS * _DAY_MS
        week = now_ms(self._clock) - 7 * _DAY_MS
        await self._store.write(
            Delete(NoticeRecord, (Where("state", "=", TAKEN), Where("created_ms", "<", week)), limit=1000),
            Delete(NoticeRecord, (Where("state", "in", NOTICES), Where("created_ms", "<", before)), limit=1000),
        )

    # --- inside ------------------------------------------------------------------------------------------------

    async def _told(self, row: NoticeRecord) -> list[Op]:
        """What a raised row becomes: a count on the open notices of its incident, or new notices."""
        open_ones = await self._store.find(
            NoticeRecord, Where("incident", "=", row.incident), Where("closed", "=", False),
            Where("state", "in", NOTICES),
        )  # fmt: skip
        if open_ones:
            return [
                Update(NoticeRecord, (("count", each.count + 1),), (Where("id", "=", each.id),)) for each in open_ones
            ]
        if not (await self._settings.held()).notices.enabled:
            return []
        task = await self._store.get(TaskRecord, row.task_id) if row.task_id is not None else None
        happening = _HAPPENINGS.decode(row.text)
        if not (happening.account or happening.key):
            happening = msgspec.structs.replace(happening, task=task.name if task is not None else "a task")
        receivers = await self._receivers(await self._creator(happening, task))
        return [self._notice(happening, row.incident, each, seed=row.id) for each in receivers]

    def _notice(
        self, happening: Happening, incident: str, recipient: str, *, seed: str = "", closed: bool = False
    ) -> Insert:
        said = told(happening, self._public_url)
        return _row(said, incident, recipient, now_ms(self._clock), seed=seed, closed=closed, task_id=happening.task_id)

    async def _creator(self, happening: Happening, task: TaskRecord | None) -> str:
        """Whose it is that something happened to; empty when nobody knows."""
        if happening.account:
            account = await self._store.get(ConnectionRecord, happening.account)
            return account.created_by if account is not None else ""
        if happening.key:
            keys = await self._store.find(KeyRecord, Where("name", "=", happening.key), limit=1)
            return keys[0].created_by if keys else ""
        return task.created_by if task is not None else ""

    async def _receivers(self, creator: str) -> tuple[str, ...]:
        targets = (await self._settings.held()).notices.to
        if targets:
            return tuple(dict.fromkeys(recipient_of(each) for each in targets))
        row = await self._store.get(ProfileRecord, creator) if creator else None
        address = dict(_PROFILES.decode(row.profile).me).get("email") if row is not None else None
        if address is None:
            return ("",)
        accounts = await self._store.find(ConnectionRecord, Where("service", "=", "email"), order=("name",))
        own = [each.name for each in accounts if each.shared or each.created_by == creator]
        return (recipient_of(NoticeTarget(channel="email", connection=own[0], to=address)),) if own else ("",)

    async def _over(self, row: NoticeRecord) -> ExecutionRecord | None:
        """The run that shows that an incident is over; None while it is not. Questions that were answered are closed
        here, since no run shows it."""
        if row.kind in ("approval", "uncertain"):
            question = await self._store.get(ApprovalRecord, row.incident.partition(":")[2])
            if question is None or question.state != "open":
                await self._store.write(Update(NoticeRecord, (("closed", True),), (Where("id", "=", row.id),)))
            return None
        if row.kind in ("credential", "drifted"):
            if await self._mended(row):
                await self._store.write(Update(NoticeRecord, (("closed", True),), (Where("id", "=", row.id),)))
            return None
        found = await self._store.find(
            ExecutionRecord, Where("task_id", "=", row.task_id), Where("status", "=", "success"),
            Where("created_ms", ">", row.created_ms), order=("-created_ms", "-id"), limit=1,
            without=("request", "outcome", "trail", "key"),
        )  # fmt: skip
        return found[0] if found else None

    async def _mended(self, row: NoticeRecord) -> bool:
        """Whether what will stop tasks, or has stopped one, is not so any more."""
        if row.kind == "credential":
            soon = await ends_soon(self._store, now_ms(self._clock))
            return all(incident_of(each) != row.incident for each in soon)
        task = await self._store.get(TaskRecord, row.task_id or "")
        gone = task is None or task.state == "deleted"
        return gone or await caught_up(self._store, self._catalog(), row.task_id or "")


def recipient_of(target: NoticeTarget) -> str:
    """A receiver as a notice keeps it: `slack:slack_daily:#ops`."""
    return f"{target.channel}:{target.connection}:{target.to}"


def _row(
    said: Telling, incident: str, recipient: str, at_ms: int, *, seed: str = "", closed: bool = False,
    task_id: str | None = None,
) -> Insert:  # fmt: skip
    identity = hashlib.sha256(f"{incident}\n{seed}\n{recipient}".encode()).hexdigest()[:32]
    row = NoticeRecord(
        id=f"ntc_{identity}", incident=incident, kind=said.kind, task_id=task_id, execution_id=said.execution_id,
        recipient=recipient, text=msgspec.json.encode(said), state="waiting" if recipient else "kept", closed=closed,
        next_ms=at_ms, created_ms=at_ms,
    )  # fmt: skip
    return Insert(row, "ignore")


def _is(row: NoticeRecord, state: str) -> tuple[Where, ...]:
    return (Where("id", "=", row.id), Where("state", "=", state))
