"""Processes known to have ended: their work is anybody's at once, not only when their leases are over.

Knows: what a process left in the store: its `ProcessRecord`, jobs it was elected for. In: which names are gone, from
somebody who knows it for certain (the holder of the data folder's lock, the parent of a worker). Out: rows. Never:
guesses; who is only silent is the sweeper's to judge.
"""

from __future__ import annotations

from collections.abc import Callable

from eyeflow.store.port import Conflict, Delete, Store, Update, Where
from eyeflow.store.records import LeaseRecord, ProcessRecord


async def bury(store: Store, gone: Callable[[str], bool]) -> int:
    """Forget the processes whose name (`host:pid`) is `gone`, and have their jobs up for election; how many they were.

    What they ran is taken over by the next sweep of whoever lives. Raises: StoreError.
    """
    dead = [each for each in await store.find(ProcessRecord) if gone(each.name)]
    owners = {name for each in dead for name in (each.id, each.name)}
    for each in dead:
        await store.write(Delete(ProcessRecord, (Where("id", "=", each.id),)))
    for lease in await store.find(LeaseRecord):
        if lease.owner in owners or gone(lease.owner):
            same = (Where("name", "=", lease.name), Where("owner", "=", lease.owner), Where("fence", "=", lease.fence))
            try:
                await store.write(Update(LeaseRecord, (("owner", ""), ("until_ms", 0)), same, expect=1))
            except Conflict:
                continue  # somebody has the job already
    return len(dead)
