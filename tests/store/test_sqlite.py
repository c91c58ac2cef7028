"""What is SQLite's own: the file, its faults, its plans, its copies."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from eyeflow.store.port import Append, Conflict, Insert, StoreError, Update, Where
from eyeflow.store.records import (
    AuditRecord,
    DeliveryRecord,
    ExecutionRecord,
    JournalRecord,
    OutboxRecord,
    Record,
    ScheduleRecord,
    SettingRecord,
    WorkRecord,
)
from eyeflow.store.sqlite import SqliteStore
from eyeflow.store.sqlite.connection import connect_reader, connect_writer, create
from eyeflow.store.sqlite.copying import restore
from eyeflow.store.sqlite.errors import typed
from eyeflow.store.statements import Statements


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "eyeflow.db")
    await made.open()
    yield made
    await made.close()


def setting(name: str, value: bytes = b"1") -> Insert:
    return Insert(SettingRecord(name=name, value=value, updated_ms=1))


async def code_of(awaited: object) -> str:
    with pytest.raises(StoreError) as caught:
        await awaited  # type: ignore[misc]
    return caught.value.code


def test_a_commit_outlives_a_power_cut_and_nobody_writes_by_reading(tmp_path: Path) -> None:
    """SQLite promises a WAL commit against a power cut only when it is synchronous in full."""
    create(tmp_path / "eyeflow.db")
    with closing(connect_writer(tmp_path / "eyeflow.db")) as writer:
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
    with closing(connect_reader(tmp_path / "eyeflow.db")) as reader, pytest.raises(sqlite3.OperationalError):
        reader.execute("CREATE TABLE made (it)")


async def test_what_was_written_is_there_after_a_restart_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "eyeflow.db"
    for turn in range(3):
        store = SqliteStore(path)
        await store.open()
        assert len(await store.find(SettingRecord)) == turn
        await store.write(setting(f"s{turn}"))
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
        await store.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert await code_of(store.write(setting("late"))) == "store_unavailable"


async def test_writes_under_way_are_finished_by_close(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "eyeflow.db")
    await store.open()
    writes = [asyncio.ensure_future(store.write(setting(f"s{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*writes) == [(1,)] * 50
    await store.open()
    assert await store.count(SettingRecord) == 50
    await store.close()


@pytest.mark.parametrize("content", [b"x" * 5_000, b"SQLite format 3\0" + b"\xff" * 5_000])
async def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "eyeflow.db"
    path.write_bytes(content)
    assert await code_of(SqliteStore(path).open()) == "store_damaged"
    assert path.read_bytes() == content


async def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "eyeflow.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    assert await code_of(SqliteStore(path).open()) == "store_damaged"


async def test_places_that_hold_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert await code_of(SqliteStore(tmp_path / "file" / "eyeflow.db").open()) == "store_unavailable"
    assert await code_of(SqliteStore(tmp_path).open()) == "store_unavailable"


async def test_a_newer_store_is_refused_and_an_older_one_only_migrated_when_asked(store: SqliteStore) -> None:
    await store.close()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as hand:
        hand.execute("UPDATE alembic_version SET version_num = '9999'")
    assert await code_of(store.open()) == "store_newer"
    assert await code_of(store.open(migrate=False)) == "store_older"
    assert await code_of(SqliteStore(store.path.with_name("new.db")).open(migrate=False)) == "store_older"


async def test_a_store_that_is_full_refuses_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "eyeflow.db", max_bytes=2 << 20)
    await store.open()
    kept = 0
    with pytest.raises(StoreError) as caught:
        while True:
            await store.write(setting(f"s{kept}", bytes(20_000)))
            kept += 1
    assert caught.value.code == "store_full" and caught.value.hint and kept > 10
    together = await asyncio.gather(
        *(store.write(setting(f"t{n}", bytes(20_000))) for n in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in together] == [StoreError] * 5
    assert await store.count(SettingRecord) == kept
    assert await store.write(Update(SettingRecord, (("value", b""),), ())) == (kept,)
    assert await store.write(setting("again", bytes(20_000))) == (1,)
    await store.close()


async def test_another_writer_is_waited_for_and_then_said(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "eyeflow.db", wait_ms=50)
    await store.open()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as hand:
        hand.execute("BEGIN IMMEDIATE")
        assert await code_of(store.write(setting("a"))) == "store_busy"
        waiting = asyncio.ensure_future(store.write(setting("b")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hand.execute("ROLLBACK")
        assert await waiting == (1,)
    assert await store.write(setting("c")) == (1,)
    assert {row.name for row in await store.find(SettingRecord)} == {"b", "c"}
    await store.close()


async def test_reads_go_on_while_somebody_writes(store: SqliteStore) -> None:
    await store.write(setting("a"))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as hand:
        hand.execute("BEGIN IMMEDIATE")
        hand.execute("DELETE FROM settings")
        assert await store.get(SettingRecord, "a") is not None
        assert len(await store.find(SettingRecord)) == 1


async def test_a_search_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "eyeflow.db", slow_s=0.0)
    await store.open()
    await store.write(*(setting(f"s{number}", bytes(200)) for number in range(3_000)))
    three = " ".join(f"CROSS JOIN settings AS s{number}" for number in range(3))
    readers = store._open.readers  # type: ignore[union-attr]
    with pytest.raises(StoreError) as caught:
        await readers.later(f"SELECT count(*) FROM settings {three}", (), list)
    assert caught.value.code == "store_slow" and caught.value.hint
    await store.close()


def test_read_only_files_are_said(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "x.db").close()
    hand = sqlite3.connect(f"file:{tmp_path}/x.db?mode=ro", uri=True)
    with closing(hand), pytest.raises(sqlite3.OperationalError) as caught:
        hand.execute("CREATE TABLE t (a)")
    assert typed(caught.value, tmp_path / "x.db").code == "store_read_only"


async def test_damage_is_said(store: SqliteStore) -> None:
    await store.write(*(setting(f"s{number}", bytes(2_000)) for number in range(200)))
    await store.close()
    data = bytearray(store.path.read_bytes())
    data[8_192:] = b"\xa5" * (len(data) - 8_192)
    store.path.write_bytes(data)
    damaged = SqliteStore(store.path)
    with pytest.raises(StoreError) as caught:
        await damaged.open()
        await damaged.find(SettingRecord)
    assert caught.value.code == "store_damaged" and caught.value.hint
    await damaged.close()


PAGES: list[tuple[type[Record], tuple[Where, ...], tuple[str, ...], tuple[object, ...]]] = [
    (ExecutionRecord, (), ("-created_ms", "-id"), ()),
    (ExecutionRecord, (), ("-created_ms", "-id"), (5, "e")),
    (ExecutionRecord, (Where("created_ms", ">=", 5),), ("-created_ms", "-id"), ()),
    (ExecutionRecord, (Where("task_id", "=", "t"),), ("-created_ms", "-id"), (5, "e")),
    (ExecutionRecord, (Where("status", "=", "failed"),), ("-created_ms", "-id"), (5, "e")),
    (
        ExecutionRecord,
        (Where("task_id", "=", "t"), Where("status", "=", "failed")),
        ("-created_ms", "-id"),
        (5, "e"),
    ),
    (ExecutionRecord, (Where("parent", "=", "e"),), (), ()),
    (ExecutionRecord, (Where("practice", "=", True),), ("-created_ms", "-id"), ()),
    (ExecutionRecord, (Where("practice", "=", True),), ("-created_ms", "-id"), (5, "e")),
    (ExecutionRecord, (Where("purge_ms", "<=", 5),), ("purge_ms",), ()),
    (ExecutionRecord, (Where("id", "in", ("a", "b")),), (), ()),
    (JournalRecord, (Where("execution_id", "=", "e"),), ("seq",), (3,)),
    (AuditRecord, (), ("-seq",), (5,)),
    (AuditRecord, (Where("object", "=", "task:1"),), ("-seq",), ()),
    (AuditRecord, (Where("actor", "=", "ann"),), ("-seq",), (5,)),
    (OutboxRecord, (), ("created_ms", "id"), ()),
    (WorkRecord, (Where("owner", "=", None),), (), ()),
    (WorkRecord, (Where("task_id", "=", "t"),), (), ()),
    (ScheduleRecord, (Where("state", "=", "live"), Where("next_ms", "<=", 5)), ("next_ms",), ()),
    (DeliveryRecord, (Where("expires_ms", "<=", 5),), (), ()),
]  # fmt: skip


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: f"{page[0].table} {[item.column for item in page[1]]} {page[2]}"
)
async def test_pages_are_read_from_an_index_and_never_sorted(
    store: SqliteStore, page: tuple[type[Record], tuple[Where, ...], tuple[str, ...], tuple[object, ...]]
) -> None:
    table, where, order, after = page
    sql, values, _ = Statements("default").select(table, where, order=order, after=after, limit=50, without=())  # type: ignore[arg-type]
    with closing(sqlite3.connect(store.path)) as hand:
        plan = [row[3] for row in hand.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert len(plan) == 1 and plan[0].startswith("SEARCH "), plan


async def test_a_copy_is_whole_while_writes_go_on_and_can_be_put_back(store: SqliteStore, tmp_path: Path) -> None:
    await store.write(*(setting(f"s{number}", bytes(500)) for number in range(500)))
    stop = asyncio.Event()

    async def writing() -> int:
        turn = 0
        while not stop.is_set():
            turn += 1
            await store.write(setting(f"a{turn}"), setting(f"b{turn}"))
        return turn

    busy = asyncio.create_task(writing())
    await store.backup(str(tmp_path / "copy.db"))
    stop.set()
    assert await busy > 0
    assert await code_of(store.backup(str(tmp_path / "copy.db"))) == "store_exists"
    with pytest.raises(StoreError, match="store_exists"):
        restore(tmp_path / "copy.db", store.path)
    with pytest.raises(StoreError, match="store_busy"):
        restore(tmp_path / "copy.db", store.path, replace=True)
    await store.write(Update(SettingRecord, (("value", b"lost"),), ()))
    await store.close()
    restore(tmp_path / "copy.db", store.path, replace=True)
    await store.open()
    names = {row.name for row in await store.find(SettingRecord)}
    assert {f"s{number}" for number in range(500)} <= names
    assert {name[1:] for name in names if name[0] == "a"} == {name[1:] for name in names if name[0] == "b"}
    assert await store.count(SettingRecord, Where("value", "=", b"lost")) == 0
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []


async def test_what_is_no_copy_is_not_put_back(store: SqliteStore, tmp_path: Path) -> None:
    await store.backup(str(tmp_path / "copy.db"))
    data = (tmp_path / "copy.db").read_bytes()
    for number, broken in enumerate((b"", b"x" * 9_000, data[: len(data) // 2], data[:5_000] + b"\xa5" * 40_000)):
        (tmp_path / f"{number}.db").write_bytes(broken)
        with pytest.raises(StoreError, match="store_damaged"):
            restore(tmp_path / f"{number}.db", tmp_path / "new.db")
    with pytest.raises(StoreError, match="store_unavailable"):
        restore(tmp_path / "nowhere.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


async def test_the_log_does_not_grow_without_end(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "eyeflow.db")
    await store.open()
    for _ in range(30):
        rows = [SettingRecord(name=f"s{number}", value=bytes(1_000), updated_ms=1) for number in range(1_000)]
        await store.write(*(Insert(row, taken="replace") for row in rows))
    await store.close()
    assert not store.path.with_name("eyeflow.db-wal").exists()
    assert store.path.stat().st_size < 8 << 20


async def test_two_stores_on_one_file_number_their_audit_rows_together(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "eyeflow.db", shared=True) for _ in range(2)]
    for store in stores:
        await store.open()
    rows = [store.write(Append(AuditRecord(at_ms=n, actor="me", action="x"))) for n in range(40) for store in stores]
    await asyncio.gather(*rows)
    assert [row.seq for row in await stores[0].find(AuditRecord, order=("seq",))] == list(range(1, 81))
    with pytest.raises(Conflict):
        await asyncio.gather(*(store.write(setting("one")) for store in stores))
    for store in stores:
        await store.close()


async def test_work_that_needs_the_file_alone_has_its_turn_though_units_keep_coming(store: SqliteStore) -> None:
    group, held, seen = store._parts().group, threading.Event(), list[int]()

    def look() -> None:
        with closing(sqlite3.connect(store.path)) as reader:
            seen.extend(reader.execute("SELECT count(*) FROM settings WHERE name = 'meanwhile'").fetchone())

    first = asyncio.ensure_future(group.alone(lambda: assert_true(held.wait(10))))
    await asyncio.sleep(0)
    written = asyncio.ensure_future(store.write(setting("meanwhile")))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(group.alone(look))
    await asyncio.sleep(0)
    assert not (first.done() or written.done() or second.done())
    held.set()
    await asyncio.gather(first, second, written)
    assert seen == [0] and await store.get(SettingRecord, "meanwhile") is not None


async def test_the_failure_of_work_alone_is_its_own(store: SqliteStore) -> None:
    group = store._parts().group

    def fail() -> None:
        raise OSError("no disk")

    failed = asyncio.ensure_future(group.alone(fail))
    await asyncio.sleep(0)
    await store.write(setting("after"))
    with pytest.raises(OSError, match="no disk"):
        await failed


def assert_true(held: bool) -> None:
    assert held
