"""Removes what has had its time, a little at once.

Knows: which records expire, and by which column. In: a store and the present instant. Out: how many are gone.
Never: holds up a run: each unit removes a bounded number of rows, and the loop goes on between units.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from eyeflow.store.port import Delete, Store, Where
from eyeflow.store.records import (
    ApprovalRecord,
    DeliveryRecord,
    ExecutionRecord,
    IdempotencyRecord,
    JournalRecord,
    Record,
    TickRecord,
)

CHUNK_ROWS: Final = 200
BUDGET_ROWS: Final = 20_000
TICKS_MS: Final = 30 * 24 * 3_600_000
_PAYLOAD: Final = ("key", "request", "outcome", "trail")
_EXPIRING: Final[tuple[type[Record], ...]] = (IdempotencyRecord, DeliveryRecord)


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """What `purge` removed; `more` when it stopped before the end."""

    executions: int
    others: int
    more: bool


async def purge(
    store: Store, now_ms: int, *, ticks_ms: int = TICKS_MS, chunk: int = CHUNK_ROWS, budget: int = BUDGET_ROWS
) -> Purged:
    """Remove executions whose `purge_ms` has come, with all that hangs on them; idempotency keys and deliveries that
    have expired; ticks older than `ticks_ms`. About `budget` rows at most. Raises: StoreError."""
    runs = others = 0
    while runs < budget:
        gone = await _runs(store, now_ms, chunk)
        runs += gone
        if gone < chunk:
            break
        await asyncio.sleep(0)
    more = runs >= budget
    deletes = [Delete(table, (Where("expires_ms", "<=", now_ms),), limit=chunk) for table in _EXPIRING]
    deletes.append(Delete(TickRecord, (Where("created_ms", "<=", now_ms - ticks_ms),), limit=chunk))
    for delete in deletes:
        while True:
            (gone,) = await store.write(delete)
            others += gone
            if gone < chunk:
                break
            if runs + others >= budget:
                more = True
                break
            await asyncio.sleep(0)
    return Purged(executions=runs, others=others, more=more)


async def _runs(store: Store, now_ms: int, chunk: int) -> int:
    due = (Where("purge_ms", "<=", now_ms),)
    runs = await store.find(ExecutionRecord, *due, order=("purge_ms",), limit=chunk, without=_PAYLOAD)
    if not runs:
        return 0
    ids = tuple(run.id for run in runs)
    theirs = (Where("execution_id", "in", ids),)
    await store.write(
        Delete(JournalRecord, theirs),
        Delete(ApprovalRecord, theirs),
        Delete(ExecutionRecord, (Where("id", "in", ids), *due)),
    )
    return len(ids)
