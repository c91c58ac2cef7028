"""The workspace's own settings: approval, retention, notices, rate limits, and the policy of what roles may use.

Knows: their defaults and bounds. In: whole settings, from an owner. Out: `WorkspaceSettings`. Never: settings of the
process (ports, files, keys): those are the server's.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from eyeflow.catalog.model import Policy, PolicyRule
from eyeflow.catalog.registry import ServiceRegistry
from eyeflow.engine.model import Principal
from eyeflow.misfit import misfit
from eyeflow.ports import Clock
from eyeflow.store.port import Append, Insert, Store
from eyeflow.store.records import SettingRecord
from eyeflow.workspace.errors import Invalid
from eyeflow.workspace.permissions import require
from eyeflow.workspace.ports import CatalogSource
from eyeflow.workspace.writing import audited, generation, now_ms

SETTINGS: Final = "workspace"
POLICY: Final = "policy"

Approval: TypeAlias = Literal["self", "other"] | Annotated[int, Meta(ge=1, le=20)]
"""`self`: authors may approve what they wrote. `other`: one other person must. A number: so many other people must."""

Channel: TypeAlias = Literal["email", "slack", "webhook"]


class NoticeTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where notices go: through `connection` (of the service email, slack_notify or http) to `to`: an address, a
    channel, a URL. A webhook is signed with `secret`, a reference (`vault:NAME`), as Standard Webhooks says.

    `{"channel": "slack", "connection": "slack_daily", "to": "#ops"}`
    """

    channel: Channel
    connection: Annotated[str, Meta(min_length=1, max_length=100)]
    to: Annotated[str, Meta(min_length=1, max_length=1000)]
    secret: str | None = None


class NoticeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of what happens to tasks. Without `to`, the creator of the task is told by e-mail when there is an
    e-mail account and an address in the profile. `digest_hours` 0: no digest."""

    enabled: bool = True
    to: Annotated[tuple[NoticeTarget, ...], Meta(max_length=20)] = ()
    digest_hours: Annotated[int, Meta(ge=0, le=24 * 31)] = 24


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Requests in a minute for each key; 0 means no limit."""

    requests: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    compiles: Annotated[int, Meta(ge=0, le=100_000)] = 120


class WorkspaceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an owner sets. `retention_days` None keeps executions for ever.

    `{"approval": "self", "retention_days": 90, "notices": {"enabled": true, "to": [], "digest_hours": 24},
    "rate_limits": {"requests": 0, "compiles": 120}}`
    """

    approval: Approval = "self"
    retention_days: Annotated[int, Meta(ge=1, le=36_500)] | None = 90
    notices: NoticeSettings = NoticeSettings()
    rate_limits: RateLimits = RateLimits()


_DECODER: Final = msgspec.json.Decoder(WorkspaceSettings)
_POLICIES: Final = msgspec.json.Decoder(Policy)


class Settings:
    """Reads and replaces the settings of the workspace."""

    def __init__(self, store: Store, clock: Clock, catalog: CatalogSource) -> None:
        self._store = store
        self._clock = clock
        self._catalog = catalog

    async def held(self) -> WorkspaceSettings:
        """The settings that hold now, for the workspace itself."""
        row = await self._store.get(SettingRecord, SETTINGS)
        return WorkspaceSettings() if row is None else _DECODER.decode(row.value)

    async def policy(self) -> Policy:
        """The rules of what roles may use, for the workspace itself."""
        row = await self._store.get(SettingRecord, POLICY)
        return Policy() if row is None else _POLICIES.decode(row.value)

    async def get(self, principal: Principal) -> WorkspaceSettings:
        """The settings. Raises: Forbidden."""
        require(principal, "settings.read")
        return await self.held()

    async def put(self, principal: Principal, settings: WorkspaceSettings) -> WorkspaceSettings:
        """Replace the settings. Raises: Forbidden, Invalid (`bad_setting`)."""
        require(principal, "settings.write")
        checked = self._checked(settings)
        at, held = now_ms(self._clock), await self.held()
        await self._store.write(
            Insert(SettingRecord(name=SETTINGS, value=msgspec.json.encode(checked), updated_ms=at), taken="replace"),
            audited(principal, "settings.changed", "workspace", at, before=held, after=checked),
            generation(at),
        )
        return checked

    async def put_policy(self, principal: Principal, policy: Policy) -> Policy:
        """Replace the rules of what roles may use, from the next compile and load on; services may be named by their
        aliases. Raises: Forbidden, Invalid (`bad_setting`): a rule about nothing would protect nothing."""
        require(principal, "settings.write")
        policy = Policy(tuple(self._named(rule) for rule in policy.rules))
        at = now_ms(self._clock)
        await self._store.write(*policy_ops(principal, policy, at), generation(at))
        return policy

    def _named(self, rule: PolicyRule) -> PolicyRule:
        service, said = ServiceRegistry(self._catalog()).find(rule.service[:200])
        if service is None:
            hint = said.diagnostics[0].hint if said.diagnostics else ""
            raise Invalid("bad_setting", f"the catalog has no service {rule.service[:80]!a}", hint=hint)
        if rule.capability is not None and service.capability(rule.capability) is None:
            known = ", ".join(each.name for each in service.capabilities[:20])
            message = f"{service.id} has no capability {rule.capability[:80]!a}"
            raise Invalid("bad_setting", message, hint=f"it has {known}")
        return PolicyRule(service.id, rule.capability, rule.roles)

    def _checked(self, settings: WorkspaceSettings) -> WorkspaceSettings:
        """Built in Python, a struct is not validated; so it is read back from what it would be stored as."""
        try:
            checked = _DECODER.decode(msgspec.json.encode(settings))
        except msgspec.ValidationError as error:
            found = misfit(error, WorkspaceSettings)
            raise Invalid("bad_setting", found.text, hint=found.hint) from None
        for target in checked.notices.to:
            _check_target(target)
        return checked


def policy_ops(principal: Principal, policy: Policy, at_ms: int) -> tuple[Insert, Append]:
    """What replaces the policy: to be written with a generation."""
    row = SettingRecord(name=POLICY, value=msgspec.json.encode(policy), updated_ms=at_ms)
    return Insert(row, taken="replace"), audited(principal, "policy.changed", "workspace", at_ms, after=policy)


def _check_target(target: NoticeTarget) -> None:
    if any(ord(char) < 32 for char in target.to):
        raise Invalid("bad_setting", "a notice's receiver has a control character")
    if target.channel == "webhook":
        if not target.to.startswith("https://"):
            raise Invalid("bad_setting", "a notice's webhook must be an https address")
        if target.secret is None or not target.secret.startswith(("vault:", "env:")):
            hint = "store one, and give `secret` as `vault:NAME`"
            raise Invalid("bad_setting", "a notice's webhook needs a secret to sign with", hint=hint)
    if target.channel == "email" and "@" not in target.to:
        raise Invalid("bad_setting", f"{target.to[:60]!a} is not an e-mail address")
