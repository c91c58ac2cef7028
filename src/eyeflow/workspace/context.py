"""The context that requests are compiled in: catalog, accounts, profile, zone, role, policy, all from the store.

Knows: which accounts a principal may use, when a zone is confirmed. In: a `Principal`. Out: `CompileContext`.
Never: shows one person's private accounts to another; keeps what another process has changed: the generation is
compared each time.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.catalog.model import CompileContext, Connection, Policy, Profile
from eyeflow.engine.model import Principal
from eyeflow.ports import Clock
from eyeflow.store.port import Store
from eyeflow.store.records import ConnectionRecord, ProfileRecord, SettingRecord
from eyeflow.values import Literal as JsonLiteral
from eyeflow.workspace.ports import CatalogSource
from eyeflow.workspace.settings import Settings
from eyeflow.workspace.writing import GENERATION

_PAIRS: Final = msgspec.json.Decoder(tuple[tuple[str, JsonLiteral], ...])
_TEXTS: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...])
_NAMES: Final = msgspec.json.Decoder(tuple[str, ...])
_PROFILES: Final = msgspec.json.Decoder(Profile)


class _Held(msgspec.Struct, frozen=True):
    """What one generation says."""

    generation: bytes
    records: tuple[ConnectionRecord, ...]
    policy: Policy


class Contexts:
    """Makes compile contexts; what all of them share is read once for each generation."""

    def __init__(self, store: Store, catalog: CatalogSource, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._settings = settings
        self._clock = clock
        self._held: _Held | None = None

    async def of(self, principal: Principal) -> CompileContext:
        """All that a compile for `principal` may depend on, now."""
        held = await self._read()
        profile, confirmed = await self.profile(principal)
        own = tuple(connection_of(each) for each in held.records if visible(each, principal))
        return CompileContext(
            catalog=self._catalog(), connections=own, profile=profile, now=self._clock.now(),
            zone=profile.timezone or "UTC", zone_assumed=profile.timezone is None or not confirmed,
            principal=principal.id, role=principal.role, policy=held.policy,
        )  # fmt: skip

    async def world(self) -> tuple[tuple[Connection, ...], Policy]:
        """Every account, whoever's it is, and the policy: what deployed programs run with."""
        held = await self._read()
        return tuple(connection_of(each) for each in held.records), held.policy

    async def profile(self, principal: Principal) -> tuple[Profile, bool]:
        """Who `principal` is, and whether a person confirmed the zone."""
        row = await self._store.get(ProfileRecord, principal.id)
        return (Profile(), False) if row is None else (_PROFILES.decode(row.profile), row.confirmed)

    async def _read(self) -> _Held:
        row = await self._store.get(SettingRecord, GENERATION)
        current = b"" if row is None else row.value
        if self._held is None or self._held.generation != current:
            found = await self._store.find(ConnectionRecord, order=("name",))
            # read after the generation: at worst newer than it says, and then read once more next time
            self._held = _Held(current, tuple(found), await self._settings.policy())
        return self._held


def visible(record: ConnectionRecord, principal: Principal) -> bool:
    """Shared accounts are everybody's, private ones their creator's."""
    return record.shared or record.created_by == principal.id


def connection_of(record: ConnectionRecord) -> Connection:
    """The account as a compile and a machine see it."""
    return Connection(
        name=record.name, service=record.service, credential=record.credential,
        defaults=_PAIRS.decode(record.defaults), settings=_TEXTS.decode(record.settings),
        hosts=_NAMES.decode(record.hosts),
    )  # fmt: skip
