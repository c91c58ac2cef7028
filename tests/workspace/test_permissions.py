"""Who may do what."""

from __future__ import annotations

from typing import get_args

import pytest

from eyeflow.catalog.model import Policy, PolicyRule, Role
from eyeflow.engine.model import Principal
from eyeflow.workspace.errors import Forbidden, Invalid
from eyeflow.workspace.permissions import PERMISSIONS, Operation, permitted, require
from workspace.house import ANA, House

ROLES: tuple[Role, ...] = get_args(Role)
DECIDING = ("proposals.decide", "approvals.decide")
CHANGING = ("tasks.manage", "connections.write", "secrets.write", "settings.write", "keys.write", "catalog.write",
            "triggers.write", "folder.apply", "backup", *DECIDING)  # fmt: skip


def test_every_operation_has_exactly_one_row():
    assert set(PERMISSIONS) == set(get_args(Operation))


def test_an_operation_that_is_none_is_a_bug_not_a_permission():
    with pytest.raises(KeyError):
        permitted(Principal(id="x"), "tasks.anything")  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", sorted(PERMISSIONS))
@pytest.mark.parametrize("role", ROLES)
def test_who_is_not_in_the_row_is_refused_and_told_who_is(operation: Operation, role: Role):
    who = Principal(id="x", role=role)
    if role in PERMISSIONS[operation].roles:
        require(who, operation)
        return
    with pytest.raises(Forbidden) as stopped:
        require(who, operation)
    assert stopped.value.code == "forbidden" and role in stopped.value.message


@pytest.mark.parametrize("role", ROLES)
def test_agents_and_practice_keys_change_nothing_that_is_live_and_never_decide(role: Role):
    for kind in ({"agent": True}, {"practice": True}):
        who = Principal(id="x", role=role, **kind)
        assert not [each for each in CHANGING if permitted(who, each)]  # type: ignore[arg-type]


def test_a_viewer_only_looks():
    allowed = {each for each in PERMISSIONS if permitted(Principal(id="v", role="viewer"), each)}
    assert {each for each in allowed if not each.endswith(".read")} == {"profile.write"}
    assert not allowed & {"keys.read", "audit.read", "secrets.read", "settings.read"}


async def test_a_rule_of_the_policy_is_about_something_that_there_is(house: House):
    settings = house.workspace.settings
    held = await settings.put_policy(ANA, Policy((PolicyRule("slack", "send_message", ("owner",)),)))
    assert [rule.service for rule in held.rules] == ["slack_notify"], "an alias is the service it stands for"
    for service, capability in (("nothing", None), ("slack", "send_massage"), ("", None), ("x" * 9999, None)):
        with pytest.raises(Invalid) as stopped:
            await settings.put_policy(ANA, Policy((PolicyRule(service, capability, ("owner",)),)))
        assert stopped.value.code == "bad_setting"
    assert await settings.policy() == held, "what is refused changes nothing"
