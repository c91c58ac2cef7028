"""Who may do what: the one table that the workspace enforces and the server's routes name.

Knows: every operation, the roles that may ask for it, whether agents and practice keys may. In: a `Principal` and an
operation. Out: nothing, or `Forbidden`. Never: lets in what the table does not name: an operation without a row
cannot be spelled, and a role that is not in the row is refused.

Some operations are narrowed further where they happen, never widened: with `approval = self` an editor decides its
own proposals only, a question in a run is for the role it asks for, a key with a list of tasks sees only these, a
private account is its creator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.catalog.model import Role
from eyeflow.engine.model import Principal
from eyeflow.workspace.errors import Forbidden, Missing

Operation: TypeAlias = Literal[
    "tasks.read", "tasks.run", "tasks.compile", "tasks.deploy", "tasks.manage",
    "executions.read", "executions.control",
    "proposals.read", "proposals.create", "proposals.decide",
    "approvals.read", "approvals.decide",
    "catalog.read", "catalog.write",
    "connections.read", "connections.write", "connections.test",
    "secrets.read", "secrets.write", "secrets.rotate",
    "triggers.read", "triggers.write",
    "profile.read", "profile.write",
    "settings.read", "settings.write",
    "keys.read", "keys.write",
    "notices.read", "audit.read", "stats.read", "folder.apply", "folder.export", "backup",
]  # fmt: skip

EVERYBODY: Final[frozenset[Role]] = frozenset({"viewer", "runner", "editor", "approver", "auditor", "owner"})
_RUN: Final[frozenset[Role]] = frozenset({"runner", "editor", "owner"})
_EDIT: Final[frozenset[Role]] = frozenset({"editor", "owner"})
_DECIDE: Final[frozenset[Role]] = frozenset({"approver", "owner"})
_OWN: Final[frozenset[Role]] = frozenset({"owner"})


class Permission(msgspec.Struct, frozen=True):
    """One row: `roles` that may; `agent` and `practice`: whether keys of these kinds may, given the role."""

    roles: frozenset[Role]
    agent: bool = False
    practice: bool = False


PERMISSIONS: Final[Mapping[Operation, Permission]] = MappingProxyType(
    {
        "tasks.read": Permission(EVERYBODY, agent=True, practice=True),
        "tasks.run": Permission(_RUN, agent=True, practice=True),
        "tasks.compile": Permission(_EDIT, agent=True, practice=True),
        "tasks.deploy": Permission(_EDIT, practice=True),
        "tasks.manage": Permission(_EDIT),
        "executions.read": Permission(EVERYBODY, agent=True, practice=True),
        "executions.control": Permission(_RUN, agent=True, practice=True),
        "proposals.read": Permission(EVERYBODY, agent=True, practice=True),
        "proposals.create": Permission(_EDIT, agent=True, practice=True),
        "proposals.decide": Permission(_DECIDE | _EDIT),
        "approvals.read": Permission(EVERYBODY),
        "approvals.decide": Permission(_RUN | _DECIDE),
        "catalog.read": Permission(EVERYBODY, agent=True, practice=True),
        "catalog.write": Permission(_OWN),
        "connections.read": Permission(EVERYBODY, agent=True, practice=True),
        "connections.write": Permission(_EDIT),
        "connections.test": Permission(_EDIT, agent=True),
        "secrets.read": Permission(_EDIT | {"auditor"}),
        "secrets.write": Permission(_EDIT),
        "secrets.rotate": Permission(_OWN),
        "triggers.read": Permission(EVERYBODY, agent=True, practice=True),
        "triggers.write": Permission(_EDIT),
        "profile.read": Permission(EVERYBODY, agent=True, practice=True),
        "profile.write": Permission(EVERYBODY),
        "settings.read": Permission(_EDIT | {"approver", "auditor"}),
        "settings.write": Permission(_OWN),
        "keys.read": Permission(_OWN),
        "keys.write": Permission(_OWN),
        "notices.read": Permission(EVERYBODY),
        "audit.read": Permission(frozenset({"auditor", "owner"})),
        "stats.read": Permission(EVERYBODY, agent=True, practice=True),
        "folder.apply": Permission(_EDIT),
        "folder.export": Permission(EVERYBODY - {"viewer", "runner"}),
        "backup": Permission(_OWN),
    }
)


def permitted(principal: Principal, operation: Operation) -> bool:
    """Whether the table lets the principal ask for the operation."""
    row = PERMISSIONS[operation]
    if principal.agent and not row.agent:
        return False
    if principal.practice and not row.practice:
        return False
    return principal.role in row.roles


def require(principal: Principal, operation: Operation) -> None:
    """Return when the principal may. Raises: Forbidden (`forbidden`), saying who may."""
    if permitted(principal, operation):
        return
    row = PERMISSIONS[operation]
    if principal.role in row.roles:
        kind = "an agent's key" if principal.agent and not row.agent else "a practice key"
        raise Forbidden("forbidden", f"{kind} may not do this ({operation})", hint="a person has to")
    who = ", ".join(sorted(row.roles))
    raise Forbidden("forbidden", f"your role, {principal.role}, may not do this ({operation})", hint=f"it is for {who}")


def require_task(principal: Principal, name: str) -> None:
    """Return unless the principal is limited to other tasks. Raises: Missing: what it may not see does not exist."""
    if principal.tasks is not None and name not in principal.tasks:
        raise Missing("unknown_task", f"there is no task {name[:80]!a}", hint="`eyeflow tasks list` shows them")
