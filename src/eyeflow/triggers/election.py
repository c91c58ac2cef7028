"""Which process does a job that only one may do.

Knows: leases with a fence. In: a store, a clock, who we are. Out: whether the job is ours, for a while.
Never: blocks, trusts a lease that no clock could have written.

A lease is a row: its owner renews it long before it ends. Who finds it ended takes it with the next fence. Losing it
is harmless: every unit of the jobs is guarded by the rows it changes; a lease only saves the work of colliding.
"""

from __future__ import annotations

from typing import Final

from eyeflow.ports import Clock
from eyeflow.store.port import Conflict, Insert, Store, Update, Where
from eyeflow.store.records import LeaseRecord
from eyeflow.triggers.timing import milliseconds

LEASE_MS: Final = 6_000


class Election:
    """The lease called `name`, sought by `owner`."""

    def __init__(self, store: Store, clock: Clock, name: str, owner: str, lease_ms: int = LEASE_MS) -> None:
        self._store = store
        self._clock = clock
        self.name = name
        self.owner = owner
        self.lease_ms = lease_ms
        self._until = 0
        self._fence = 0
        self.stepped_back = False
        """True when the lease that was taken over ended in a future no clock reaches: the clock was set back."""

    async def hold(self) -> bool:
        """True while the job is ours; renews or takes the lease when it is time. Raises: StoreError."""
        now = milliseconds(self._clock.now())
        if self._fence and now < self._until - self.lease_ms // 2 and self._until <= now + self.lease_ms:
            return True
        held = await self._store.get(LeaseRecord, self.name)
        until = now + self.lease_ms
        try:
            if held is None:
                await self._store.write(Insert(LeaseRecord(name=self.name, owner=self.owner, fence=1, until_ms=until)))
                self._fence = 1
            elif held.owner == self.owner and held.fence == self._fence:
                await self._change(held, held.fence, until)
            elif held.until_ms <= now or held.until_ms > now + 2 * self.lease_ms:
                self.stepped_back = held.until_ms > now
                await self._change(held, held.fence + 1, until)
                self._fence = held.fence + 1
            else:
                self._fence = 0
                return False
        except Conflict:
            self._fence = 0
            return False
        self._until = until
        return True

    async def resign(self) -> None:
        """Give the lease back, so that another process need not wait for its end. Raises: StoreError."""
        if self._fence:
            fence, self._fence = self._fence, 0
            where = (Where("name", "=", self.name), Where("owner", "=", self.owner), Where("fence", "=", fence))
            await self._store.write(Update(LeaseRecord, (("until_ms", 0),), where))

    async def _change(self, held: LeaseRecord, fence: int, until: int) -> None:
        where = (Where("name", "=", self.name), Where("owner", "=", held.owner), Where("fence", "=", held.fence))
        values = (("owner", self.owner), ("fence", fence), ("until_ms", until))
        await self._store.write(Update(LeaseRecord, values, where, expect=1))
