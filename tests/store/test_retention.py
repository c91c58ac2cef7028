"""What has had its time goes, a little at once, and nothing else does."""

from __future__ import annotations

from eyeflow.store.port import Insert, Store
from eyeflow.store.records import (
    ApprovalRecord,
    DeliveryRecord,
    ExecutionRecord,
    IdempotencyRecord,
    JournalRecord,
    TickRecord,
)
from eyeflow.store.retention import purge

DAY = 86_400_000


def run(number: int, purge_ms: int | None) -> ExecutionRecord:
    return ExecutionRecord(
        id=f"e{number:03}",
        task_id="t",
        task="t",
        version=1,
        digest="d",
        status="success",
        created_ms=1,
        purge_ms=purge_ms,
    )


async def test_runs_go_with_all_that_hangs_on_them(store: Store) -> None:
    for number in range(25):
        await store.write(
            Insert(run(number, 5 if number < 20 else (50 if number < 23 else None))),
            *(Insert(JournalRecord(execution_id=f"e{number:03}", seq=seq, events=b"x")) for seq in range(3)),
            Insert(
                ApprovalRecord(
                    id=f"a{number}",
                    execution_id=f"e{number:03}",
                    task_id="t",
                    action="1",
                    role="owner",
                    message="",
                    asked_ms=1,
                )
            ),
        )
    purged = await purge(store, 10, chunk=7)
    assert (purged.executions, purged.others, purged.more) == (20, 0, False)
    assert [row.id for row in await store.find(ExecutionRecord, order=("id",))] == [f"e{n:03}" for n in range(20, 25)]
    assert await store.count(JournalRecord) == 15 and await store.count(ApprovalRecord) == 5
    assert (await purge(store, 10)).executions == 0


async def test_what_expires_goes_when_it_has_and_ticks_when_they_are_old(store: Store) -> None:
    for number in range(30):
        await store.write(
            Insert(IdempotencyRecord(scope="s", name=f"{number}", execution_id="e", request="r", expires_ms=number)),
            Insert(
                DeliveryRecord(
                    source_id="s", delivery_id=f"{number}", received_ms=0, expires_ms=number if number % 2 else None
                )
            ),
            Insert(TickRecord(schedule_id="s", instant_ms=number, outcome="ran", created_ms=number * DAY)),
        )
    purged = await purge(store, 20 * DAY, ticks_ms=5 * DAY, chunk=4)
    assert purged.others == 30 + 15 + 16 and not purged.more
    assert await store.count(DeliveryRecord) == 15 and await store.count(TickRecord) == 14


async def test_it_stops_at_its_budget_and_goes_on_next_time(store: Store) -> None:
    await store.write(*(Insert(run(number, 1)) for number in range(50)))
    first = await purge(store, 10, chunk=5, budget=20)
    assert first.more and first.executions == 20
    assert not (await purge(store, 10, chunk=5)).more
    assert await store.count(ExecutionRecord) == 0
