"""One suite for every store: what the port promises, each of them keeps."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from eyeflow.store.chaining import PlainChain
from eyeflow.store.port import Append, Conflict, Delete, Insert, Require, Store, StoreError, Update, Where
from eyeflow.store.records import (
    RECORDS,
    AuditRecord,
    DeliveryRecord,
    ExecutionRecord,
    JournalRecord,
    KeyRecord,
    SettingRecord,
    TaskRecord,
    WorkRecord,
)


def task(id: str, name: str, **more: object) -> TaskRecord:
    return TaskRecord(id=id, name=name, version=1, digest="d", created_by="me", created_ms=1, updated_ms=1, **more)  # type: ignore[arg-type]


def run(id: str, created_ms: int = 1, **more: object) -> ExecutionRecord:
    values = {"task_id": "t", "task": "t", "version": 1, "digest": "d", "status": "queued"} | more
    return ExecutionRecord(id=id, created_ms=created_ms, **values)  # type: ignore[arg-type]


def setting(name: str, value: bytes = b"1") -> SettingRecord:
    return SettingRecord(name=name, value=value, updated_ms=1)


def named(name: str) -> tuple[Where, ...]:
    return (Where("name", "=", name),)


async def names(store: Store) -> set[str]:
    return {row.name for row in await store.find(SettingRecord)}


@pytest.mark.parametrize("table", RECORDS, ids=lambda table: table.table)
async def test_every_record_comes_back_as_it_was_written(store: Store, table: type) -> None:
    from eyeflow.store.columns import columns

    full = {"text": "é\n'\"\0☃", "integer": -(2**63), "boolean": True, "bytes": b"\x00\xff"}
    record = table(**{column.name: full[column.kind] for column in columns(table) if column.name != "workspace_id"})
    assert await store.write(Insert(record)) == (1,)
    assert await store.get(table, *(getattr(record, name) for name in table.primary)) == record
    assert await store.find(table) == [record]
    least = {column.name: None for column in columns(table) if column.nullable}
    bare = table(
        **{column.name: full[column.kind] for column in columns(table) if column.name != "workspace_id"} | least
    )
    await store.write(Insert(bare, taken="replace"))
    assert await store.find(table) == [bare]


async def test_a_taken_key_fails_or_is_ignored_or_replaced_as_asked(store: Store) -> None:
    await store.write(Insert(setting("a", b"1")))
    with pytest.raises(Conflict) as caught:
        await store.write(Insert(setting("b")), Insert(setting("a", b"2")))
    assert (caught.value.code, caught.value.number) == ("conflict", 1)
    assert await names(store) == {"a"}
    assert await store.write(Insert(setting("a", b"3"), taken="ignore")) == (0,)
    assert await store.write(Insert(setting("a", b"4"), taken="replace")) == (1,)
    found = await store.get(SettingRecord, "a")
    assert found is not None and found.value == b"4"


async def test_a_unique_index_is_as_good_as_a_key(store: Store) -> None:
    await store.write(Insert(task("t1", "weather")))
    with pytest.raises(Conflict):
        await store.write(Insert(task("t2", "weather")))
    assert await store.write(Insert(task("t2", "weather"), taken="ignore")) == (0,)
    with pytest.raises(Conflict):
        await store.write(Insert(task("t2", "weather"), taken="replace"))
    await store.write(Insert(task("t3", "other")))
    with pytest.raises(Conflict):
        await store.write(Update(TaskRecord, (("name", "weather"),), (Where("id", "=", "t3"),)))
    await store.write(Update(TaskRecord, (("name", "t1"),), (Where("id", "=", "t1"),)), Insert(task("t2", "weather")))
    assert {row.id for row in await store.find(TaskRecord, Where("name", "=", "weather"))} == {"t2"}


async def test_a_unit_is_written_whole_or_not_at_all(store: Store) -> None:
    await store.write(Insert(setting("a")), Insert(run("r1")))
    for refused in (
        Require(SettingRecord, named("missing")),
        Require(SettingRecord, named("a"), absent=True),
        Insert(setting("a")),
        Update(ExecutionRecord, (("status", "x"),), (Where("id", "=", "nobody"),), expect=1),
        Update(ExecutionRecord, (("status", "x"),), (Where("id", "=", "r1"),), expect=2),
    ):
        with pytest.raises(Conflict) as caught:
            await store.write(
                Insert(setting("b")),
                Delete(SettingRecord, named("a")) if not isinstance(refused, Insert | Require) else Insert(run("r2")),
                Append(AuditRecord(at_ms=1, actor="me", action="x")),
                refused,
            )
        assert caught.value.number == 3
        assert await names(store) - {"audit.head"} == {"a"}
        assert [row.id for row in await store.find(ExecutionRecord)] == ["r1"]
        assert await store.count(AuditRecord) == 0


async def test_columns_are_set_whatever_their_order(store: Store) -> None:
    await store.write(Insert(run("a")))
    values = (("outcome", b"out"), ("error", "late"), ("status", "failed"), ("fence", 4), ("owner", None))
    assert await store.write(
        Update(ExecutionRecord, values, (Where("status", "=", "queued"), Where("id", "=", "a")))
    ) == (1,)
    found = await store.get(ExecutionRecord, "a")
    assert found is not None
    assert (found.outcome, found.error, found.status, found.fence, found.owner) == (b"out", "late", "failed", 4, None)


async def test_an_expectation_of_more_rows_than_one_is_met_or_undone(store: Store) -> None:
    await store.write(*(Insert(run(f"r{number}")) for number in range(3)))
    waiting = (Where("status", "=", "queued"),)
    with pytest.raises(Conflict):
        await store.write(Update(ExecutionRecord, (("status", "x"),), waiting, expect=2))
    assert await store.count(ExecutionRecord, *waiting) == 3
    assert await store.write(Update(ExecutionRecord, (("status", "x"),), waiting, expect=3)) == (3,)


async def test_units_written_together_fail_apart(store: Store) -> None:
    await store.write(Insert(setting("taken")))
    units = [
        [Insert(setting(f"new{number}")), Insert(setting("taken" if number % 3 == 0 else f"more{number}"))]
        for number in range(30)
    ]
    outcomes = await asyncio.gather(*(store.write(*unit) for unit in units), return_exceptions=True)
    for number, outcome in enumerate(outcomes):
        if number % 3 == 0:
            assert isinstance(outcome, Conflict) and outcome.number == 1
        else:
            assert outcome == (1, 1)
    kept = {f"{kind}{number}" for number in range(30) if number % 3 for kind in ("new", "more")}
    assert await names(store) == kept | {"taken"}


async def test_a_value_that_cannot_be_stored_fails_its_own_unit(store: Store) -> None:
    bad = [
        Insert(setting("\ud800")),
        Insert(run("x", created_ms=2**63)),
        Append(AuditRecord(at_ms=1, actor="\udfff", action="x")),
    ]
    good = [Insert(setting(f"ok{number}")) for number in range(5)]
    writes = [
        store.write(good[0]),
        *(store.write(Insert(setting(f"with{number}")), op) for number, op in enumerate(bad)),
    ]
    writes += [store.write(op) for op in good[1:]]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    for outcome in outcomes[1:4]:
        assert isinstance(outcome, StoreError) and outcome.code == "store_bad_value" and outcome.hint
    assert await names(store) == {f"ok{number}" for number in range(5)}
    with pytest.raises(StoreError, match="store_bad_value"):
        await store.write(Update(SettingRecord, (("updated_ms", 2**64),), named("ok1")))


async def test_conditions_say_what_they_mean(store: Store) -> None:
    await store.write(
        Insert(run("a", 1, error="Straße 5% of x_y", parent="p")),
        Insert(run("b", 2, error="STRASSE\\", depth=2)),
        Insert(run("c", 3, parent="q", cancelling=True)),
        Insert(run("d", 4, error="")),
    )

    async def found(*where: Where) -> str:
        rows = await store.find(ExecutionRecord, *where, order=("id",))
        assert await store.count(ExecutionRecord, *where) == len(rows)
        return "".join(row.id for row in rows)

    assert await found() == "abcd"
    assert await found(Where("parent", "=", None)) == "bd"
    assert await found(Where("parent", "!=", None)) == "ac"
    assert await found(Where("parent", "!=", "p")) == "c"
    assert await found(Where("parent", "<", "q")) == "a"
    assert await found(Where("parent", "<", None)) == ""
    assert await found(Where("created_ms", ">=", 2), Where("created_ms", "<=", 3)) == "bc"
    assert await found(Where("id", "in", ("a", "d", "z"))) == "ad"
    assert await found(Where("id", "in", ())) == ""
    assert await found(Where("parent", "in", ("p", None))) == "a"
    assert await found(Where("cancelling", "=", True)) == "c"
    assert await found(Where("error", "contains", "strasse")) == "b"
    assert await found(Where("error", "contains", "STRASSE\\")) == "b"
    assert await found(Where("error", "contains", "STRAßE")) == "ab"
    assert await found(Where("error", "contains", "% OF X_")) == "a"
    assert await found(Where("error", "contains", "%")) == "a"
    assert await found(Where("error", "contains", "")) == "abd"
    assert await found(Where("error", "contains", "x" * 5_000)) == ""
    assert await found(Where("workspace_id", "=", "other")) == ""


async def test_another_workspace_is_another_world(store: Store) -> None:
    await store.write(
        Insert(setting("a")), Insert(SettingRecord(workspace_id="w2", name="a", value=b"2", updated_ms=1))
    )
    assert [row.value for row in await store.find(SettingRecord)] == [b"1"]
    assert await store.write(Delete(SettingRecord, named("a"))) == (1,)
    assert [row.value for row in await store.find(SettingRecord, Where("workspace_id", "=", "w2"))] == [b"2"]


@pytest.mark.parametrize(
    "order", [("created_ms", "id"), ("-created_ms", "-id"), ("-created_ms", "id"), ("status", "-created_ms", "id")]
)
async def test_pages_follow_each_other_without_gap_or_repeat(store: Store, order: tuple[str, ...]) -> None:
    rows = [run(f"r{number:02}", created_ms=number % 4, status="ab"[number % 2]) for number in range(23)]
    await store.write(*(Insert(row) for row in rows))
    whole = await store.find(ExecutionRecord, order=order)
    seen: list[ExecutionRecord] = []
    after: tuple[object, ...] = ()
    while page := await store.find(ExecutionRecord, order=order, after=after, limit=5):  # type: ignore[arg-type]
        seen += page
        after = tuple(getattr(page[-1], name.removeprefix("-")) for name in order)
    assert seen == whole and len(whole) == 23
    for name in reversed(order):
        rows.sort(key=lambda row, name=name: getattr(row, name.removeprefix("-")), reverse=name.startswith("-"))  # type: ignore[misc]
    assert whole == rows


async def test_columns_that_are_not_asked_for_are_blank(store: Store) -> None:
    await store.write(Insert(run("a", key=b"k", outcome=b"big", trail=b"bigger", error="e")))
    (row,) = await store.find(ExecutionRecord, without=("outcome", "trail", "error", "version"))
    assert (row.key, row.outcome, row.trail, row.error, row.version) == (b"k", b"", b"", None, 0)


async def test_deletes_and_counts_stop_where_they_are_told(store: Store) -> None:
    await store.write(*(Insert(DeliveryRecord(source_id="s", delivery_id=f"{n}", received_ms=n)) for n in range(10)))
    await store.write(*(Insert(JournalRecord(execution_id="e", seq=n, events=b"x")) for n in range(10)))
    assert await store.count(DeliveryRecord, limit=4) == 4
    early = (Where("received_ms", "<", 8),)
    assert await store.write(Delete(DeliveryRecord, early, limit=5)) == (5,)
    assert await store.write(Delete(DeliveryRecord, early, limit=5)) == (3,)
    assert await store.count(DeliveryRecord) == 2
    assert await store.write(Delete(JournalRecord, (Where("execution_id", "=", "e"),), limit=3)) == (3,)
    assert await store.find(DeliveryRecord, limit=0) == []


async def test_only_one_of_many_takes_the_same_row(store: Store) -> None:
    await store.write(Insert(WorkRecord(execution_id="e", task_id="t")))

    async def take(owner: str) -> bool:
        free = (Where("execution_id", "=", "e"), Where("owner", "=", None))
        try:
            await store.write(Update(WorkRecord, (("owner", owner),), free, expect=1))
        except Conflict:
            return False
        return True

    taken = await asyncio.gather(*(take(f"p{number}") for number in range(20)))
    assert sum(taken) == 1
    row = await store.get(WorkRecord, "e")
    assert row is not None and row.owner == f"p{taken.index(True)}"


async def test_audit_rows_are_numbered_and_chained_in_the_order_they_are_written(store: Store) -> None:
    def audit(action: str) -> Append:
        return Append(AuditRecord(at_ms=5, actor="me", action=action, object="o", detail=b'{"a":1}'))

    units = [
        (audit("first"), Insert(setting("a")), audit("second")),
        (Insert(setting("z")), audit("no"), Insert(setting("a"))),
    ]
    units += [(audit(f"more{number}"),) for number in range(20)]
    outcomes = await asyncio.gather(*(store.write(*unit) for unit in units), return_exceptions=True)
    assert [isinstance(outcome, Conflict) for outcome in outcomes] == [False, True] + [False] * 20
    rows = await store.find(AuditRecord, order=("seq",))
    assert [row.seq for row in rows] == list(range(1, 23))
    assert [row.action for row in rows][:2] == ["first", "second"]
    chain, previous = PlainChain(), b""
    for row in rows:
        assert row.previous == previous and row.digest == chain.digest(previous, row)
        previous = row.digest
    head = await store.get(SettingRecord, "audit.head")
    assert head is not None and head.value == chain.head(22, previous)
    assert len(previous) == hashlib.sha256().digest_size


async def test_a_caller_that_goes_away_leaves_the_others_alone(store: Store) -> None:
    gone = asyncio.ensure_future(store.write(Insert(setting("gone"))))
    stay = asyncio.ensure_future(store.write(Insert(setting("stay"))))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stay == (1,)
    assert "stay" in await names(store)


async def test_nothing_to_write_is_nothing_written(store: Store) -> None:
    assert await store.write() == ()
    assert await store.get(KeyRecord, "nobody") is None
    assert await store.find(KeyRecord, Where("id", "=", "x' OR 1=1 --")) == []
