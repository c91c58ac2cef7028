"""API keys: shown once, kept as a digest, gone when revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from eyeflow.store.records import AuditRecord, KeyRecord
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing
from eyeflow.workspace.keys import FIRST_PRINCIPAL, Keys, NewKey, Unauthenticated
from workspace.house import ANA, EVE, House


async def test_the_first_key_is_an_owners_and_is_made_once(house: House):
    token = await house.workspace.keys.first()
    assert token is not None and re.fullmatch(r"ef_live_[A-Za-z0-9_\-]{43}", token)
    who = await house.workspace.keys.authenticate(token)
    assert (who.id, who.role) == (FIRST_PRINCIPAL, "owner")
    assert await house.workspace.keys.first() is None


async def test_a_key_is_said_once_and_stored_nowhere(house: House):
    made = await house.workspace.keys.create(ANA, NewKey(name="ci", role="runner", tasks=("hello",), days=30))
    rows = [*await house.store.find(KeyRecord), *await house.store.find(AuditRecord)]
    assert made.token not in repr(rows) and made.token[8:] not in repr(rows)
    assert (await house.workspace.keys.page(ANA))[0].shown == made.token[:12]
    who = await house.workspace.keys.authenticate(made.token)
    assert (who.id, who.role, who.tasks) == ("ci", "runner", frozenset({"hello"}))


async def test_practice_and_agent_keys_are_what_they_say(house: House):
    made = await house.workspace.keys.create(ANA, NewKey(name="x", role="editor", practice=True, agent=True))
    assert made.token.startswith("ef_test_")
    who = await house.workspace.keys.authenticate(made.token)
    assert who.practice and who.agent


async def test_a_revoked_key_is_refused_at_once(house: House):
    made = await house.workspace.keys.create(ANA, NewKey(name="ci", role="runner"))
    keys = house.workspace.keys
    await keys.authenticate(made.token)
    assert keys.remembered(made.token) is not None
    await keys.revoke(ANA, made.key.id)
    assert keys.remembered(made.token) is None
    with pytest.raises(Unauthenticated) as stopped:
        await keys.authenticate(made.token)
    assert stopped.value.code == "key_revoked"


async def test_another_process_hears_of_it_when_it_next_looks(house: House):
    now = [0.0]
    other = Keys(house.store, house.clock, house.ids, lambda: now[0])
    made = await house.workspace.keys.create(ANA, NewKey(name="ci", role="runner"))
    await other.authenticate(made.token)
    await house.workspace.keys.revoke(ANA, made.key.id)
    now[0] = 0.06
    assert other.remembered(made.token) is None
    with pytest.raises(Unauthenticated):
        await other.authenticate(made.token)


async def test_a_key_expires(house: House):
    made = await house.workspace.keys.create(ANA, NewKey(name="ci", role="runner", days=1))
    await house.workspace.keys.authenticate(made.token)
    house.clock.advance(timedelta(days=1))
    assert house.workspace.keys.remembered(made.token) is None
    with pytest.raises(Unauthenticated) as stopped:
        await house.workspace.keys.authenticate(made.token)
    assert stopped.value.code == "key_expired"


@pytest.mark.parametrize(
    "token", ["", "undefined", "null", "ef_live_", "ef_live_" + "a" * 43, "ef_live_" + "a" * 1_000_000, "é" * 51,
              "ef_root_" + "a" * 43, "ef_live_" + "a" * 42 + "\n", "\x00" * 51]
)  # fmt: skip
async def test_what_is_no_key_is_refused_alike(house: House, token: str):
    with pytest.raises(Unauthenticated) as stopped:
        await house.workspace.keys.authenticate(token)
    assert (stopped.value.code, stopped.value.message) == ("bad_api_key", "there is no such key")


async def test_the_last_owner_cannot_lock_everybody_out(house: House):
    await house.workspace.keys.first()
    own = (await house.workspace.keys.page(ANA))[0]
    with pytest.raises(Clash) as stopped:
        await house.workspace.keys.revoke(ANA, own.id)
    assert stopped.value.code == "in_use"
    await house.workspace.keys.create(ANA, NewKey(name="second", role="owner"))
    assert (await house.workspace.keys.revoke(ANA, own.id)).revoked_ms is not None


async def test_only_owners_make_keys_and_only_sensible_ones(house: House):
    with pytest.raises(Forbidden):
        await house.workspace.keys.create(EVE, NewKey(name="x", role="owner"))
    for bad in (
        NewKey(name="", role="runner"), NewKey(name="a\nb", role="runner"), NewKey(name="x", role="root"),  # type: ignore[arg-type]
        NewKey(name="x", role="runner", days=0), NewKey(name="x", role="runner", days=10**9),
        NewKey(name="x", role="runner", tasks=("../x",)), NewKey(name="x", role="runner", principal="a b"),
    ):  # fmt: skip
        with pytest.raises(Invalid):
            await house.workspace.keys.create(ANA, bad)
    with pytest.raises(Missing):
        await house.workspace.keys.revoke(ANA, "undefined")


async def test_a_use_is_noted_but_not_each_one(house: House):
    token = await house.workspace.keys.first()
    for _ in range(3):
        await house.workspace.keys.authenticate(token or "")
    assert (await house.workspace.keys.page(ANA))[0].used_ms is not None
