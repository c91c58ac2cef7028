"""Secrets of a workspace: who may put in and take out."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeflow.engine.model import Principal
from eyeflow.secrets import AuditChain, FileKeys, unlock
from eyeflow.store.memory import MemoryStore
from eyeflow.store.records import AuditRecord
from eyeflow.workspace.connections import NewConnection
from eyeflow.workspace.errors import Clash, Forbidden, Missing
from eyeflow.workspace.vaulting import SecretsKept
from workspace.house import ANA, AUD, EVE, RUN, VIC, House


@pytest.fixture
def chain() -> AuditChain:
    return AuditChain()


@pytest.fixture
async def store(chain: AuditChain) -> MemoryStore:
    return MemoryStore(chain)


@pytest.fixture
async def kept(house: House, chain: AuditChain, tmp_path: Path) -> SecretsKept:
    opened = await unlock(house.store, chain, FileKeys(tmp_path / "master.key"), house.clock)
    return SecretsKept(house.store, opened.vault)


async def test_a_secret_is_put_in_listed_by_name_and_never_shown(house: House, kept: SecretsKept):
    await kept.put(EVE, "slack_daily", "xoxb-very-secret")
    listed = await kept.page(AUD)
    assert [each.name for each in listed] == ["slack_daily"] and "xoxb" not in repr(listed)
    rows = await house.store.find(AuditRecord, order=("seq",))
    assert rows[-1].actor == "eve" and "xoxb" not in repr(rows)


async def test_an_editor_changes_its_own_only_and_an_owner_all(kept: SecretsKept):
    await kept.put(EVE, "a", "1234")
    other = Principal(id="ed", role="editor")
    with pytest.raises(Missing):
        await kept.put(other, "a", "5678")
    with pytest.raises(Missing):
        await kept.remove(other, "a")
    assert (await kept.put(ANA, "a", {"username": "u", "password": "p"})).version == 2
    await kept.remove(ANA, "a")
    with pytest.raises(Missing) as stopped:
        await kept.remove(ANA, "a")
    assert stopped.value.code == "unknown_secret"


async def test_a_secret_in_use_stays(house: House, kept: SecretsKept):
    await kept.put(ANA, "slack", "xoxb-1")
    await house.workspace.connections.add(ANA, NewConnection(name="s", service="slack", credential="vault:slack"))
    with pytest.raises(Clash) as stopped:
        await kept.remove(ANA, "slack")
    assert stopped.value.code == "in_use"
    await house.workspace.connections.remove(ANA, "s")
    await kept.remove(ANA, "slack")


async def test_who_may_not_does_not(kept: SecretsKept):
    for who in (VIC, RUN, AUD, Principal(id="b", role="owner", agent=True)):
        with pytest.raises(Forbidden):
            await kept.put(who, "x", "1234")
    for who in (VIC, RUN):
        with pytest.raises(Forbidden):
            await kept.page(who)
