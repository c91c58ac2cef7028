"""Two stores that are given the same units answer the same: memory is no friendlier than a disk."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Append, Conflict, Delete, Insert, Op, Require, Scalar, Store, Update, Where
from eyeflow.store.records import AuditRecord, NoticeRecord, TaskRecord
from eyeflow.store.sqlite import SqliteStore

TEXTS = ("", "a", "A", "ä", "%", "_", "a_b", "x'y", "\\")


def task(chance: random.Random) -> TaskRecord:
    return TaskRecord(
        id=chance.choice("abcdef"), name=chance.choice(TEXTS), title=chance.choice(TEXTS), version=chance.randrange(4),
        digest="d", alias_of=chance.choice((None, "a", "b")), practice=chance.random() < 0.5,
        retention_days=chance.choice((None, 1, 2, 3)), created_by="me", created_ms=chance.randrange(3), updated_ms=1,
    )  # fmt: skip


def where(chance: random.Random) -> tuple[Where, ...]:
    texts, numbers = (*TEXTS, "b"), (0, 1, 2, 3)
    made = [
        Where("id", chance.choice(("=", "!=", "<", ">=")), chance.choice("abcdef")),
        Where("alias_of", chance.choice(("=", "!=", ">", "<=")), chance.choice((None, "a", "b"))),
        Where("retention_days", chance.choice(("=", "!=", "<", ">")), chance.choice((None, *numbers))),
        Where("practice", "=", chance.random() < 0.5),
        Where("title", "contains", chance.choice(texts)),
        Where("version", "in", tuple(chance.sample(numbers, chance.randrange(4)))),
        Where("name", "in", tuple(chance.sample(texts, chance.randrange(3)))),
    ]  # fmt: skip
    return tuple(chance.sample(made, chance.randrange(3)))


def op(chance: random.Random) -> Op:
    kind = chance.randrange(8)
    if kind < 3:
        return Insert(task(chance), taken=chance.choice(("fail", "ignore", "replace")))
    if kind < 5:
        record = task(chance)
        names = chance.sample(
            ("name", "title", "alias_of", "retention_days", "practice", "version"), chance.randrange(1, 4)
        )
        values: tuple[tuple[str, Scalar], ...] = tuple((name, getattr(record, name)) for name in names)
        return Update(TaskRecord, values, where(chance), expect=chance.choice((None, None, 0, 1, 2)))
    if kind == 5:
        return Delete(TaskRecord, where(chance))
    if kind == 6:
        return Require(TaskRecord, where(chance), absent=chance.random() < 0.5)
    return Append(AuditRecord(at_ms=1, actor="me", action=chance.choice(TEXTS)))


async def answer(store: Store, unit: list[Op]) -> object:
    try:
        return await store.write(*unit)
    except Conflict as conflict:
        return conflict.number


@pytest.mark.parametrize("seed", range(6))
async def test_the_same_units_have_the_same_answers(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    memory, disk = MemoryStore(), SqliteStore(tmp_path / "eyeflow.db")
    await disk.open()
    for _ in range(150):
        unit = [op(chance) for _ in range(chance.randrange(1, 5))]
        assert await answer(memory, unit) == await answer(disk, unit), unit
        asked, order = (
            where(chance),
            chance.choice((("id",), ("-id",), ("-created_ms", "id"), ("retention_days", "-id"))),
        )
        expected = await memory.find(TaskRecord, *asked, order=order)
        assert await disk.find(TaskRecord, *asked, order=order) == expected, asked
        assert await disk.count(TaskRecord, *asked) == len(expected) == await memory.count(TaskRecord, *asked)
    assert await disk.find(AuditRecord, order=("seq",)) == await memory.find(AuditRecord, order=("seq",))
    assert await disk.find(NoticeRecord) == []
    await disk.close()
