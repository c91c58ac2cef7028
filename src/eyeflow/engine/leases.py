"""Jobs that one process does at a time.

Knows: `LeaseRecord`s. In: the name of a job. Out: whether it is this process's turn. Never: does the job; what it
guards must bear that two processes believe it theirs for a moment (deduplicate by keys, or fence).
"""

from __future__ import annotations

import asyncio

from eyeflow.engine.common import Common
from eyeflow.engine.lease import Lease
from eyeflow.store.port import Conflict, Insert, Update, Where
from eyeflow.store.records import LeaseRecord


class Elected:
    """One job. It stays with a process while that asks often enough."""

    def __init__(self, common: Common, lease: Lease, job: str) -> None:
        self._common = common
        self._lease = lease
        self._job = job
        self._held: LeaseRecord | None = None
        self._good_until = 0.0
        self._seen: tuple[LeaseRecord | None, float] = (None, 0.0)

    async def mine(self) -> bool:
        """True when this process does the job now. Raises: StoreError."""
        loop, term_s = asyncio.get_running_loop(), self._common.limits.lease_ms / 1000
        if self._held is not None and loop.time() < self._good_until - term_s / 2:
            return True
        since = loop.time()
        held = await self._common.store.get(LeaseRecord, self._job)
        if held is not None and held.owner != self._lease.owner and not self._over(held, since):
            self._held = None
            return False
        fence = 1 if held is None else held.fence + (held.owner != self._lease.owner)
        until = self._common.now_ms() + self._common.limits.lease_ms
        wanted = LeaseRecord(name=self._job, owner=self._lease.owner, fence=fence, until_ms=until)
        try:
            if held is None:
                await self._common.store.write(Insert(wanted))
            else:
                same = [Where(name, "=", getattr(held, name)) for name in ("name", "owner", "fence")]
                values = (("owner", wanted.owner), ("fence", fence), ("until_ms", until))
                await self._common.store.write(Update(LeaseRecord, values, tuple(same), expect=1))
        except Conflict:
            self._held = None
            return False
        self._held, self._good_until = wanted, since + term_s
        return True

    def _over(self, held: LeaseRecord, now_s: float) -> bool:
        """As with processes: its holder has been silent by our own clock."""
        if not held.owner:
            return True  # it was given up
        known, since = self._seen
        if known != held:
            self._seen = held, now_s
            return False
        silent_ms, limits = (now_s - since) * 1000, self._common.limits
        late = held.until_ms < self._common.now_ms()
        return silent_ms >= limits.lease_ms or (silent_ms >= limits.quiet_ms and late)

    async def resign(self) -> None:
        """Let another process have the job at once. Raises: StoreError."""
        held, self._held = self._held, None
        if held is not None:
            same = (Where("name", "=", held.name), Where("owner", "=", held.owner), Where("fence", "=", held.fence))
            await self._common.store.write(Update(LeaseRecord, (("owner", ""), ("until_ms", 0)), same))
