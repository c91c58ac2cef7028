"""Who may use what.

Knows: the roles a service file allows, and the rules of the workspace. In: a role and a capability.
Out: `Decision`, yes or no with the reason. Never: authenticates anybody.

Every rule that speaks of a capability must let the role in: the service file's `policy`, the workspace's rule for the
service, the workspace's rule for the capability. So a rule can only narrow what another one allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from eyeflow.catalog.model import CompileContext, Policy, Role, Service

ROLES: Final[tuple[Role, ...]] = ("viewer", "runner", "editor", "approver", "auditor", "owner")
RUNNING_ROLES: Final[frozenset[Role]] = frozenset({"runner", "editor", "approver", "owner"})
"""Roles that may run programs at all, and so use whatever no rule speaks of."""


class Decision(msgspec.Struct, frozen=True):
    """`why` is a sentence for people; it names the rule that decided."""

    allowed: bool
    why: str


def allowed(ctx: CompileContext, service: Service, capability: str) -> Decision:
    """Whether the context's role may use a capability."""
    return role_allowed(ctx.role, ctx.policy, service, capability)


def role_allowed(role: Role, policy: Policy, service: Service, capability: str) -> Decision:
    """Whether `role` may use `service.capability`."""
    decided = ""
    for roles, where in _rules(policy, service, capability):
        if role not in roles:
            return Decision(False, f"{where} lets in {_listed(roles)}, not {role}")
        decided = decided or f"{where} lets {role} in"
    if decided:
        return Decision(True, decided)
    if role in RUNNING_ROLES:
        return Decision(True, f"no rule speaks of {service.id}.{capability}, and {role} may run programs")
    return Decision(False, f"{role} may not run programs")


def _rules(policy: Policy, service: Service, capability: str) -> Iterator[tuple[tuple[Role, ...], str]]:
    if service.allow_roles:
        yield service.allow_roles, f"the policy of {service.id}"
    for rule in policy.rules:
        if rule.service == service.id and rule.capability in (None, capability):
            what = service.id if rule.capability is None else f"{service.id}.{rule.capability}"
            yield rule.roles, f"the workspace's rule for {what}"


def _listed(roles: tuple[Role, ...]) -> str:
    return ", ".join(roles) or "nobody"
