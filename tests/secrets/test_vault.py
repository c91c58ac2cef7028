"""Secrets are kept sealed, found by name, given out only after their access is on the audit chain."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from eyeflow.connectors.credentials import Credentials, VaultCredentials
from eyeflow.errors import CallError
from eyeflow.secrets import Access, SecretError, on_behalf_of, unlock
from eyeflow.secrets.vault import HELD_S, MAX_VALUE_CHARS
from eyeflow.store.port import Insert, Op, StoreError, Update, Where
from eyeflow.store.records import AuditRecord, SecretRecord, SettingRecord

from .conftest import House

ME = Access(actor="ann")


async def rows(house: House) -> list[tuple[str, str, str, dict[str, object]]]:
    found = await house.store.find(AuditRecord, order=("seq",))
    return [(row.actor, row.action, row.object, json.loads(row.detail)) for row in found]


async def test_a_secret_is_kept_listed_rotated_and_removed(house: House) -> None:
    vault = house.secrets.vault
    info = await vault.put("slack", "xoxb-1", ME)
    assert (info.name, info.version, info.created_by, info.rotated_ms) == ("slack", 1, "ann", None)
    assert (await vault.get("slack", ME)).single == "xoxb-1"
    await vault.put("pg/main", {"username": "u", "password": "p"}, ME)
    assert (await vault.get("pg/main", ME)).parts == (("username", "u"), ("password", "p"))
    assert (await vault.rotate("slack", "xoxb-2", Access(actor="bob"))).version == 2
    assert (await vault.get("slack", ME)).single == "xoxb-2"
    assert [(info.name, info.version, info.created_by) for info in await vault.list()] == [
        ("pg/main", 1, "ann"),
        ("slack", 2, "ann"),
    ]
    await vault.remove("slack", ME)
    for missing in (vault.get("slack"), vault.rotate("slack", "x"), vault.remove("slack"), vault.get("'; --")):
        with pytest.raises(SecretError) as caught:
            await missing
        assert caught.value.code == "no_secret"


async def test_acceptance_54_every_access_is_recorded_with_who_which_and_why(house: House) -> None:
    vault = house.secrets.vault
    await vault.put("slack", "xoxb-1", ME)
    with on_behalf_of(Access(actor="ann", execution_id="exec_7", purpose="send_message")):
        await asyncio.gather(*(asyncio.create_task(vault.get("slack")) for _ in range(3)))
    await vault.get("slack")
    await vault.remove("slack", ME)
    assert await rows(house) == [
        ("ann", "secret.created", "secret:slack", {"version": 1}),
        *[("ann", "secret.read", "secret:slack", {"version": 1, "execution": "exec_7", "purpose": "send_message"})] * 3,
        ("system", "secret.read", "secret:slack", {"version": 1}),
        ("ann", "secret.removed", "secret:slack", {"version": 1}),
    ]
    assert (await house.chain.verify(house.store)).ok


async def test_acceptance_52_nothing_at_rest_shows_a_secret(house: House) -> None:
    await house.secrets.vault.put("ssh", "-----BEGIN KEY-----\nQUJD" + "x" * 3_000, ME)
    await house.secrets.vault.put("db", {"username": "admin", "password": "hunter22"}, ME)
    assert "hunter22" not in repr(await house.secrets.vault.get("db"))
    for table in (SecretRecord, AuditRecord, SettingRecord):
        held = msgspec.msgpack.encode(await house.store.find(table))
        assert b"hunter22" not in held and b"QUJD" not in held
    key = (house.folder / "master.key").read_text().splitlines()[-1]
    for file in house.folder.iterdir():
        assert b"hunter22" not in file.read_bytes()
        assert file.name == "master.key" or key.encode() not in file.read_bytes()


@pytest.mark.parametrize("name", ["", " ", "../x", "-x", "a b", "é", "x\n", "x" * 129, "a;b", "\ud800"])
async def test_names_are_plain(house: House, name: str) -> None:
    with pytest.raises(SecretError) as caught:
        await house.secrets.vault.put(name, "value")
    assert caught.value.code == "bad_secret_name" and caught.value.hint


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a\0b",
        "\ud800",
        "x" * (MAX_VALUE_CHARS + 1),
        {},
        {"Bad Part": "x"},
        {"a": ""},
        {f"p{n}": "x" for n in range(21)},
    ],
)
async def test_values_are_text_of_some_length(house: House, value: str | dict[str, str]) -> None:
    with pytest.raises(SecretError) as caught:
        await house.secrets.vault.put("name", value)
    assert caught.value.code == "bad_secret_value" and caught.value.hint
    assert await house.secrets.vault.list() == ()


async def test_bytes_moved_from_one_secret_to_another_do_not_open(house: House) -> None:
    vault, store = house.secrets.vault, house.store
    await vault.put("cheap", "cheap-value")
    await vault.put("dear", "dear-value")
    dear = await store.get(SecretRecord, "dear")
    assert dear is not None
    await store.write(
        Update(SecretRecord, (("sealed", dear.sealed), ("wrapped", dear.wrapped)), (Where("name", "=", "cheap"),))
    )
    with pytest.raises(SecretError, match="not_sealed_here"):
        await vault.get("cheap")
    flipped = bytes([*dear.sealed[:-1], dear.sealed[-1] ^ 1])
    await store.write(Update(SecretRecord, (("sealed", flipped),), (Where("name", "=", "dear"),)))
    with pytest.raises(SecretError, match="not_sealed_here"):
        await vault.get("dear")


async def test_writers_at_once_each_make_a_version(house: House) -> None:
    await asyncio.gather(*(house.secrets.vault.put("one", f"value-{number}") for number in range(8)))
    (info,) = await house.secrets.vault.list()
    assert info.version == 8
    assert (await house.secrets.vault.get("one")).single in {f"value-{number}" for number in range(8)}


async def test_the_master_key_is_rotated_while_others_read_and_write(house: House) -> None:
    vault = house.secrets.vault
    for number in range(20):
        await vault.put(f"s{number}", f"value-{number}")
    other = await unlock(house.store, house.chain, house.source, house.clock)
    before = (house.folder / "master.key").read_text()
    wrapped, key = house.secrets.cipher.new()
    sealed = key.seal(b"payload", "exec_1", "request")

    async def reading() -> None:
        for number in range(60):
            assert (await vault.get(f"s{number % 20}")).single == f"value-{number % 20}"
            await other.vault.put(f"new{number}", f"late-{number}")

    busy = asyncio.create_task(reading())
    await asyncio.sleep(0)
    for _ in range(3):
        made = await vault.rotate_master(ME)
    await busy
    after = (house.folder / "master.key").read_text()
    assert before.splitlines()[-1] not in after and len(after.splitlines()) == 3
    assert {record.kek for record in await house.store.find(SecretRecord)} == {made}
    for vault_of in (vault, other.vault, (await unlock(house.store, house.chain, house.source, house.clock)).vault):
        assert (await vault_of.get("s3")).single == "value-3"
        assert (await vault_of.get("new59")).single == "late-59"
    again = await unlock(house.store, house.chain, house.source, house.clock)
    assert again.cipher.open(wrapped).open(sealed, "exec_1", "request") == b"payload"
    assert (await house.chain.verify(house.store)).ok
    assert [row[1] for row in await rows(house)].count("master.rotated") == 3


async def test_a_rotation_that_stopped_half_way_is_no_loss(house: House) -> None:
    from eyeflow.secrets import MasterKey

    await house.secrets.vault.put("s", "value")
    house.source.add(MasterKey.new(), first=False)
    again = await unlock(house.store, house.chain, house.source, house.clock)
    assert (await again.vault.get("s")).single == "value"
    await again.vault.rotate_master()
    assert len(house.source.load()) == 1
    assert (await house.secrets.vault.get("s")).single == "value"


async def test_vault_references_give_credentials_to_connectors(house: House) -> None:
    vault = house.secrets.vault
    source = Credentials({"vault": VaultCredentials(vault)})
    await vault.put("slack", "xoxb-1")
    await vault.put("pg", {"username": "u", "password": "p"})
    assert (await source("vault:slack")).part("token") == "xoxb-1"
    assert (await source("vault:pg")).parts == (("username", "u"), ("password", "p"))
    with pytest.raises(CallError) as caught:
        await source("vault:nobody")
    assert (caught.value.kind, caught.value.code) == ("denied", "no_credential") and caught.value.hint


async def test_a_held_value_is_forgotten_when_it_changes_and_each_access_has_its_row(house: House) -> None:
    vault = house.secrets.vault
    await vault.put("slack", "xoxb-1", ME)
    assert [(await vault.get("slack", ME)).single for _ in range(3)] == ["xoxb-1"] * 3
    await vault.rotate("slack", "xoxb-2", ME)
    assert (await vault.get("slack", ME)).single == "xoxb-2"
    await vault.remove("slack", ME)
    with pytest.raises(SecretError, match="no_secret"):
        await vault.get("slack", ME)
    assert [row[1] for row in await rows(house)].count("secret.read") == 4


async def test_a_change_by_another_process_is_seen_within_a_second_or_at_once_when_asked_for(house: House) -> None:
    vault = house.secrets.vault
    other = (await unlock(house.store, house.chain, house.source, house.clock)).vault
    await vault.put("slack", "xoxb-1", ME)
    assert (await vault.get("slack", ME)).single == "xoxb-1"
    await other.rotate("slack", "xoxb-2", ME)
    assert (await vault.get("slack", ME, fresh=True)).single == "xoxb-2"
    assert (await vault.get("slack", ME)).single == "xoxb-2"
    assert HELD_S <= 1


async def test_the_row_of_an_access_is_on_disk_before_what_is_written_after_it(house: House) -> None:
    await house.secrets.vault.put("slack", "xoxb-1", ME)
    await house.secrets.vault.get("slack", ME)
    await house.store.write(Insert(SettingRecord(name="afterwards", value=b"1", updated_ms=1)))
    assert [row[1] for row in await rows(house)] == ["secret.created", "secret.read"]


async def test_no_value_is_given_out_while_the_row_of_an_earlier_access_is_owed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, store = house.secrets.vault, house.store
    await vault.put("slack", "xoxb-1", ME)
    full = StoreError("store_full", "the disk is full")

    def refused(*unit: Op) -> asyncio.Future[tuple[int, ...]]:
        future: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()
        future.set_exception(full)
        return future

    async def refuse(*unit: Op) -> tuple[int, ...]:
        raise full

    with monkeypatch.context() as disk:
        disk.setattr(store, "submit", refused)
        disk.setattr(store, "write", refuse)
        await vault.get("slack", ME)
        await asyncio.sleep(0)
        for _ in range(2):
            with pytest.raises(StoreError, match="store_full"):
                await vault.get("slack", ME)
    assert (await vault.get("slack", ME)).single == "xoxb-1"
    assert [row[1] for row in await rows(house)] == ["secret.created", "secret.read", "secret.read"]
