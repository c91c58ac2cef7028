"""The job that tells people: rounds of raising, telling, delivering, closing, in one process of the workspace.

Knows: how often each part is done. In: the parts. Out: a background task, and what was told as views. Never: works in
two processes at once (a lease decides), takes more than a batch in a round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.ports import Clock
from eyeflow.store.port import Store, Where
from eyeflow.store.records import NoticeRecord, TaskRecord
from eyeflow.workspace.alone import Alone
from eyeflow.workspace.notices.delivering import Delivering
from eyeflow.workspace.notices.incidents import NOTICES, Incidents
from eyeflow.workspace.notices.raising import Raising
from eyeflow.workspace.notices.texts import Telling
from eyeflow.workspace.permissions import require

LOOK_SECONDS: Final = 15.0
AHEAD_SECONDS: Final = 300.0
CLOSE_SECONDS: Final = 30.0
PURGE_SECONDS: Final = 3600.0
_TELLINGS: Final = msgspec.json.Decoder(Telling)


class NoticeView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notice. `state` is `waiting`, `sent`, `undeliverable` or `kept` (nobody to send it to); `count` how often it
    happened since it was told; `closed` when it is over."""

    id: str
    telling: Telling
    recipient: str = ""
    state: str
    closed: bool = False
    count: int = 1
    attempts: int = 0
    error: str = ""
    created_ms: int
    sent_ms: int | None = None


class Notices(Alone):
    """The parts and their rounds."""

    def __init__(
        self, store: Store, clock: Clock, *, raising: Raising, incidents: Incidents, delivering: Delivering,
        seconds: Callable[[], float],
    ) -> None:  # fmt: skip
        super().__init__(store, clock, "notices", self.round)
        self.raising = raising
        self._incidents = incidents
        self._delivering = delivering
        self._seconds = seconds
        self._next: dict[str, float] = {}

    async def round(self) -> float:
        """One round; seconds until the next is worth it. Raises: StoreError."""
        if self._due("look", LOOK_SECONDS):
            await self.raising.look()
        if self._due("ahead", AHEAD_SECONDS):
            await self.raising.look_ahead()
        busy = await self._incidents.tell()
        if self._due("close", CLOSE_SECONDS):
            await self._incidents.close()
            await self._incidents.digest()
        busy += await self._delivering.deliver()
        if self._due("purge", PURGE_SECONDS):
            await self._incidents.purge()
        return 0.0 if busy else 1.0

    def _due(self, part: str, every: float) -> bool:
        now = self._seconds()
        if now < self._next.get(part, 0.0):
            return False
        self._next[part] = now + every
        return True

    async def page(
        self, principal: Principal, *, after: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[NoticeView, ...]:
        """Notices, the newest first, from after (`created_ms`, `id`) on. Raises: Forbidden."""
        require(principal, "notices.read")
        where = [Where("state", "in", NOTICES)]
        if principal.tasks is not None:
            names = Where("name", "in", tuple(sorted(principal.tasks)))
            seen_ids = tuple(row.id for row in await self._store.find(TaskRecord, names))
            where.append(Where("task_id", "in", seen_ids))
        rows = await self._store.find(
            NoticeRecord, *where, order=("-created_ms", "-id"), after=after or (), limit=max(1, min(limit, 201))
        )
        seen = [(row, _TELLINGS.decode(row.text)) for row in rows]
        return tuple(
            NoticeView(
                id=row.id, telling=said, recipient=row.recipient, state=row.state, closed=row.closed, count=row.count,
                attempts=row.attempts, error=row.error, created_ms=row.created_ms, sent_ms=row.sent_ms,
            )
            for row, said in seen
        )  # fmt: skip
