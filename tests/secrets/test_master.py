"""Where master keys are kept, and what is said when they are missing, wrong or open to others."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from eyeflow.ports import FixedClock
from eyeflow.secrets import AuditChain, EnvKeys, FileKeys, MasterKey, SecretError, unlock
from eyeflow.secrets.external import KeyringKeys
from eyeflow.secrets.master import KeySource
from eyeflow.store.memory import MemoryStore

from .conftest import House

CLOCK = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


def coded(key: MasterKey) -> str:
    return base64.b64encode(key.secret).decode()


def refusal(source: KeySource) -> SecretError:
    with pytest.raises(SecretError) as caught:
        source.load()
    return caught.value


async def test_the_file_is_made_once_for_its_owner_alone(house: House) -> None:
    path = house.folder / "master.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert house.secrets.made is not None and "master.key" in house.secrets.made
    assert (await unlock(house.store, house.chain, house.source, house.clock)).made is None
    assert [file.name for file in house.folder.iterdir() if file.name.startswith(".")] == []


async def test_a_file_that_others_may_read_is_refused(house: House) -> None:
    path = house.folder / "master.key"
    for mode in (0o640, 0o604, 0o660, 0o620):
        path.chmod(mode)
        error = refusal(FileKeys(path))
        assert error.code == "master_key_exposed" and "chmod 600" in error.hint


async def test_a_missing_or_wrong_key_is_said_and_never_replaced(house: House) -> None:
    path = house.folder / "master.key"
    kept = path.read_text()
    path.unlink()
    with pytest.raises(SecretError, match="master_key_missing"):
        await unlock(house.store, house.chain, house.source, house.clock)
    assert not path.exists()
    house.source.add(MasterKey.new(), first=True)
    with pytest.raises(SecretError, match="wrong_master_key") as caught:
        await unlock(house.store, house.chain, house.source, house.clock)
    assert kept.splitlines()[-1] not in str(caught.value)
    path.write_text(kept)
    await unlock(house.store, house.chain, house.source, house.clock)


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "short", base64.b64encode(b"x" * 31).decode(), "é" * 44, "\0" * 99]
)
def test_a_broken_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(text)
    path.chmod(0o600)
    assert refusal(FileKeys(path)).code == "bad_master_key"


def test_links_and_folders_are_no_key_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text(coded(MasterKey.new()))
    assert refusal(FileKeys(tmp_path / "link")).code == "master_key_unavailable"
    with pytest.raises(SecretError):
        FileKeys(tmp_path).load()


def test_two_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    source = FileKeys(tmp_path / "master.key")
    keys = [MasterKey.new() for _ in range(5)]
    for key in keys:
        source.add(key, first=True)
    assert source.load() == (keys[0],)


async def test_a_key_from_the_environment_is_changed_by_starting_with_both() -> None:
    old, new = MasterKey.new(), MasterKey.new()
    store, chain = MemoryStore(AuditChain()), AuditChain()
    store = MemoryStore(chain)
    with pytest.raises(SecretError, match="master_key_missing"):
        await unlock(store, chain, EnvKeys({}), CLOCK)
    first = await unlock(store, chain, EnvKeys({"EYEFLOW_MASTER_KEY": coded(old)}), CLOCK)
    await first.vault.put("s", "value")
    with pytest.raises(SecretError, match="master_key_fixed"):
        await first.vault.rotate_master()
    with pytest.raises(SecretError, match="wrong_master_key"):
        await unlock(store, chain, EnvKeys({"EYEFLOW_MASTER_KEY": coded(new)}), CLOCK)
    both = EnvKeys({"EYEFLOW_MASTER_KEY": coded(new), "EYEFLOW_MASTER_KEY_OLD": coded(old)})
    assert (await (await unlock(store, chain, both, CLOCK)).vault.get("s")).single == "value"
    alone = await unlock(store, chain, EnvKeys({"EYEFLOW_MASTER_KEY": coded(new)}), CLOCK)
    assert (await alone.vault.get("s")).single == "value"
    assert (await chain.verify(store)).ok


def test_a_bad_variable_is_said_without_its_value() -> None:
    error = refusal(EnvKeys({"EYEFLOW_MASTER_KEY": "my-secret-passphrase"}))
    assert error.code == "bad_master_key" and "passphrase" not in str(error)


def test_a_key_never_shows_in_its_repr() -> None:
    key = MasterKey.new()
    assert coded(key) not in repr(key) and repr(key.secret) not in repr(key)


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, made = keyring.get_keyring(), Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


async def test_the_keyring_keeps_and_rotates_the_key(ring: Ring) -> None:
    chain = AuditChain()
    store, source = MemoryStore(chain), KeyringKeys()
    first = await unlock(store, chain, source, CLOCK)
    assert first.made is not None and "keyring" in first.made
    await first.vault.put("s", "value")
    await first.vault.rotate_master()
    assert len(source.load()) == 1
    assert (await (await unlock(store, chain, source, CLOCK)).vault.get("s")).single == "value"
    ring.locked = True
    error = refusal(source)
    assert error.code == "master_key_unavailable" and error.hint


async def test_stores_that_start_at_once_have_one_root_key(tmp_path: Path) -> None:
    chain = AuditChain()
    store, source = MemoryStore(chain), FileKeys(tmp_path / "master.key")
    made = await asyncio.gather(*(unlock(store, chain, source, CLOCK) for _ in range(4)))
    await made[0].vault.put("s", "value")
    wrapped, key = made[1].cipher.new()
    sealed = key.seal(b"x", "e", "k")
    for each in made:
        assert (await each.vault.get("s")).single == "value"
        assert each.cipher.open(wrapped).open(sealed, "e", "k") == b"x"
    assert len(list(tmp_path.iterdir())) == 1
