"""This process among others: it says that it is alive, and knows when it can no longer be sure of it.

Knows: its own `ProcessRecord`. In: time. Out: who owns what this process claims. Never: judges other processes.

A lease is judged by this machine's steady clock, so that setting the wall clock ends nobody's. A process that was
stopped and goes on finds its lease over: before it does anything to the world it asks the store whether it is still
known, and if it was buried meanwhile, it takes a new name and forgets what it ran.

Source: M. Kleppmann, "How to do distributed locking" (2016), for fencing tokens.
"""

from __future__ import annotations

import asyncio

from eyeflow.engine.common import Common
from eyeflow.errors import EyeFlowError
from eyeflow.store.port import Conflict, Delete, Insert, Update, Where
from eyeflow.store.records import ProcessRecord


class Gone(EyeFlowError):  # noqa: N818 - says what the run is
    """This process does not run the execution any more: it has left memory, or belongs to another process."""

    def __init__(self, execution_id: str, why: str = "it belongs to another process") -> None:
        super().__init__("gone", f"{execution_id} is not run here any more: {why}")


class Ending(Gone):
    """This process ends, and the run stopped before its next effect: whoever takes it over finds nothing in doubt."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(execution_id, why="the process is ending")


class Lease:
    """The name under which this process owns runs."""

    def __init__(self, common: Common, name: str) -> None:
        self._common = common
        self._name = name
        self._good_until = 0.0
        self.owner = ""

    @property
    def sure(self) -> bool:
        """True while nobody can have buried this process."""
        return asyncio.get_running_loop().time() < self._good_until

    async def begin(self) -> None:
        """Become known under a new name. Raises: StoreError."""
        common = self._common
        since = asyncio.get_running_loop().time()
        now = common.now_ms()
        owner = common.ids.new("proc")
        record = ProcessRecord(id=owner, name=self._name, started_ms=now, until_ms=now + common.limits.lease_ms)
        await common.write(Insert(record))
        self.owner = owner
        self._good_until = since + common.limits.lease_ms / 1000

    async def beat(self) -> bool:
        """Say that this process is alive; False when it was buried. Raises: StoreError."""
        common = self._common
        since = asyncio.get_running_loop().time()
        until = common.now_ms() + common.limits.lease_ms
        mine = (Where("id", "=", self.owner),)
        try:
            await common.store.write(Update(ProcessRecord, (("until_ms", until),), mine, expect=1))
        except Conflict:
            self._good_until = 0.0
            return False
        self._good_until = max(self._good_until, since + common.limits.lease_ms / 1000)
        return True

    async def end(self) -> None:
        """Be known no more."""
        await self._common.write(Delete(ProcessRecord, (Where("id", "=", self.owner),)))
        self._good_until = 0.0
