"""Whoever changes the audit, with all of the database's own means but without the key, is found at the first row."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from eyeflow.secrets import AuditChain, exported, unlock
from eyeflow.secrets.audit import Verdict
from eyeflow.store.port import Append, Delete, Insert, Update, Where
from eyeflow.store.records import AuditRecord, SettingRecord

from .conftest import House


async def written(house: House, count: int = 6) -> None:
    made = [
        AuditRecord(at_ms=n, actor="ann", action="task.deployed", object=f"task:{n}", detail=b'{"n":1}')
        for n in range(count)
    ]
    await house.store.write(*(Append(row) for row in made))


async def verify(house: House) -> Verdict:
    return await house.chain.verify(house.store)


def row(seq: int) -> tuple[Where, ...]:
    return (Where("seq", "=", seq),)


async def test_an_untouched_chain_is_whole(house: House) -> None:
    assert await verify(house) == Verdict(ok=True, rows=0)
    await written(house, 1_100)
    assert await verify(house) == Verdict(ok=True, rows=1_100, anchored=True)


@pytest.mark.parametrize(
    ("column", "value"),
    [("at_ms", 99), ("actor", "bob"), ("action", "x"), ("object", ""), ("detail", b"{}"), ("digest", b"x" * 32),
     ("previous", b"y" * 32)],
)  # fmt: skip
async def test_an_altered_row_is_named(house: House, column: str, value: str | int | bytes) -> None:
    await written(house)
    await house.store.write(Update(AuditRecord, ((column, value),), row(3)))
    assert await verify(house) == Verdict(ok=False, rows=2, first_bad=3, fault="altered")


async def test_a_deleted_row_is_named(house: House) -> None:
    await written(house)
    await house.store.write(Delete(AuditRecord, row(4)))
    assert await verify(house) == Verdict(ok=False, rows=3, first_bad=4, fault="missing")


async def test_a_deleted_row_with_the_rest_renumbered_is_named(house: House) -> None:
    await written(house)
    await house.store.write(Delete(AuditRecord, row(4)))
    for seq in (5, 6):
        await house.store.write(Update(AuditRecord, (("seq", seq - 1),), row(seq)))
    assert await verify(house) == Verdict(ok=False, rows=3, first_bad=4, fault="altered")


async def test_reordered_rows_are_named(house: House) -> None:
    await written(house)
    for before, after in ((2, 99), (3, 2), (99, 3)):
        await house.store.write(Update(AuditRecord, (("seq", after),), row(before)))
    assert await verify(house) == Verdict(ok=False, rows=1, first_bad=2, fault="altered")


async def test_a_cut_tail_is_named_even_with_an_older_head_put_back(house: House) -> None:
    await written(house, 4)
    older = await house.store.get(SettingRecord, "audit.head")
    assert older is not None
    await written(house, 2)
    await house.store.write(Delete(AuditRecord, (Where("seq", ">", 4),)))
    cut = Verdict(ok=False, rows=4, first_bad=5, fault="cut")
    assert await verify(house) == cut
    await house.store.write(Insert(older, taken="replace"))
    assert await verify(house) == cut
    (house.folder / "audit.head").unlink()
    assert await verify(house) == Verdict(ok=True, rows=4)


async def test_a_cut_tail_is_named_by_the_head_in_the_store_when_the_file_is_gone(house: House) -> None:
    await written(house)
    house.chain.close()
    (house.folder / "audit.head").unlink()
    await house.store.write(Delete(AuditRecord, (Where("seq", ">", 4),)))
    assert await verify(house) == Verdict(ok=False, rows=4, first_bad=5, fault="cut")


async def test_an_end_written_anew_with_the_key_is_not_the_one_the_file_knows(house: House) -> None:
    await written(house)
    last = await house.store.get(AuditRecord, 6)
    assert last is not None
    other = msgspec.structs.replace(last, actor="eve")
    digest = house.chain.digest(last.previous, other)
    head = SettingRecord(name="audit.head", value=house.chain.head(6, digest), updated_ms=1)
    await house.store.write(
        Update(AuditRecord, (("actor", "eve"), ("digest", digest)), row(6)), Insert(head, taken="replace")
    )
    assert await verify(house) == Verdict(ok=False, rows=6, first_bad=6, fault="replaced")


async def test_an_emptied_chain_is_named(house: House) -> None:
    await written(house)
    await house.store.write(Delete(AuditRecord, ()), Delete(SettingRecord, (Where("name", "=", "audit.head"),)))
    assert await verify(house) == Verdict(ok=False, rows=0, first_bad=1, fault="cut")


async def test_a_missing_or_altered_head_is_said(house: House) -> None:
    await written(house)
    here = (Where("name", "=", "audit.head"),)
    await house.store.write(Update(SettingRecord, (("value", (6).to_bytes(8, "big") + b"x" * 32),), here))
    assert await verify(house) == Verdict(ok=False, rows=6, first_bad=6, fault="head_altered")
    await house.store.write(Delete(SettingRecord, here))
    assert await verify(house) == Verdict(ok=False, rows=6, first_bad=6, fault="head_missing")


async def test_a_row_added_by_hand_is_named(house: House) -> None:
    await written(house)
    last = await house.store.get(AuditRecord, 6)
    assert last is not None
    made = AuditRecord(seq=7, at_ms=7, actor="eve", action="x", previous=last.digest, digest=b"z" * 32)
    await house.store.write(Insert(made))
    assert await verify(house) == Verdict(ok=False, rows=6, first_bad=7, fault="altered")


async def test_a_file_that_was_torn_by_a_power_cut_accuses_nobody(house: House) -> None:
    await written(house)
    house.chain.close()
    for torn in (b"", bytes(72), b"x" * 72):
        (house.folder / "audit.head").write_bytes(torn)
        assert await verify(house) == Verdict(ok=True, rows=6)


async def test_the_chain_goes_on_after_a_restart_with_the_same_key(house: House, tmp_path: Path) -> None:
    await written(house)
    chain = AuditChain(tmp_path / "audit.head")
    await unlock(house.store, chain, house.source, house.clock)
    assert (await chain.verify(house.store)).anchored
    stranger = AuditChain()
    other = await unlock_elsewhere(tmp_path / "other", stranger)
    assert other.ok and not (await stranger.verify(house.store)).ok


async def unlock_elsewhere(folder: Path, chain: AuditChain) -> Verdict:
    from eyeflow.ports import SystemClock
    from eyeflow.secrets import FileKeys
    from eyeflow.store.memory import MemoryStore

    store = MemoryStore(chain)
    await unlock(store, chain, FileKeys(folder / "master.key"), SystemClock())
    return await chain.verify(store)


async def test_an_old_beginning_can_be_trimmed_and_the_rest_is_still_proved(house: House) -> None:
    await written(house, 1_300)
    assert await house.chain.trim(house.store, 1_200, 5_000) == 1_200
    rows = await house.store.find(AuditRecord, order=("seq",))
    assert rows[0].seq == 1_201 and rows[-1].action == "audit.trimmed"
    assert await verify(house) == Verdict(ok=True, rows=len(rows), anchored=True)
    assert await house.chain.trim(house.store, 1_200, 5_000) == 0
    await house.store.write(Delete(AuditRecord, row(1_201)))
    assert (await verify(house)).first_bad == 1_201
    forged = (1_201).to_bytes(8, "big") + rows[0].digest + b"x" * 32
    await house.store.write(Update(SettingRecord, (("value", forged),), (Where("name", "=", "audit.base"),)))
    assert (await verify(house)).fault == "base_altered"


async def test_trimming_everything_leaves_the_newest_row(house: House) -> None:
    await written(house, 20)
    await house.chain.trim(house.store, 10_000, 5_000)
    assert (await verify(house)).ok and [each.seq for each in await house.store.find(AuditRecord, order=("seq",))] == [
        20,
        21,
    ]


async def test_the_export_has_a_line_for_each_row(house: House) -> None:
    await written(house, 3)
    lines = [json.loads(line) async for line in exported(house.store)]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert lines[1]["previous"] == lines[0]["digest"] and lines[2]["detail"] == {"n": 1}
