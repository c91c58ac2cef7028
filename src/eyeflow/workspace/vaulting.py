"""Secrets of the workspace: put in, replaced, listed by name, taken out. Never shown again.

Knows: who may, that a secret in use stays, which names are the server's own. In: a `Principal`, names and values. Out:
`SecretInfo`. Never: a value in any answer; a secret of the server's own (what a sign-in keeps until its browser comes
back) in a list or in anybody's hands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.secrets.access import Access
from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.vault import SecretInfo, Vault
from eyeflow.store.port import Store, Where
from eyeflow.store.records import ConnectionRecord, SecretRecord, WebhookRecord
from eyeflow.workspace.errors import Clash, Invalid, Missing
from eyeflow.workspace.permissions import require

PENDING: Final = "oauth.pending/"
"""What the names begin with under which a sign-in keeps its secrets until its browser comes back."""


class MasterRotated(msgspec.Struct, frozen=True, kw_only=True):
    """A new master key. `place` says where it is, for a person to back up; `key_id` tells it from others."""

    key_id: str
    place: str


class SecretsKept:
    """The operations on secrets. An editor changes what it put in; owners change all."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def put(self, principal: Principal, name: str, value: str | Mapping[str, str]) -> SecretInfo:
        """Keep a value, or the parts of one (`username`, `password`), under a name. Raises: Forbidden, Missing,
        Invalid (`bad_name`), SecretError."""
        require(principal, "secrets.write")
        if name.startswith(PENDING):
            raise Invalid("bad_name", f"names that begin with {PENDING} are the server's own", hint="choose another")
        self._mine(principal, name, await self._record(name))
        return await self._vault.put(name, value, Access(actor=principal.id))

    async def rotate(self, principal: Principal, name: str, value: str | Mapping[str, str]) -> SecretInfo:
        """Give a secret that is there its next value. Raises: Forbidden, Missing (`unknown_secret`), SecretError."""
        require(principal, "secrets.write")
        row = await self._record(name)
        if row is None:
            raise _unknown(name)
        self._mine(principal, name, row)
        try:
            return await self._vault.rotate(name, value, Access(actor=principal.id))
        except SecretError as error:
            raise _unknown(name) if error.code == "no_secret" else error from None

    async def rotate_master(self, principal: Principal) -> MasterRotated:
        """Make a new master key and wrap everything under it, while everything goes on. Raises: Forbidden,
        SecretError (`master_key_fixed`, `master_key_unavailable`)."""
        require(principal, "secrets.rotate")
        key_id = await self._vault.rotate_master(Access(actor=principal.id))
        return MasterRotated(key_id=key_id, place=self._vault.place)

    async def page(self, principal: Principal) -> tuple[SecretInfo, ...]:
        """All secrets by name, without values. Raises: Forbidden."""
        require(principal, "secrets.read")
        return tuple(each for each in await self._vault.list() if not each.name.startswith(PENDING))

    async def remove(self, principal: Principal, name: str) -> None:
        """Forget a secret. Raises: Forbidden, Missing (`unknown_secret`), Clash (`in_use`)."""
        require(principal, "secrets.write")
        row = await self._record(name)
        if row is None:
            raise _unknown(name)
        self._mine(principal, name, row)
        used = await self._store.find(ConnectionRecord, Where("credential", "=", f"vault:{name}"), limit=1)
        if used:
            raise Clash("in_use", f"the account {used[0].name} uses this secret", hint="remove the account first")
        if await self._store.find(WebhookRecord, Where("secret", "=", f"vault:{name}"), limit=1):
            raise Clash("in_use", "a webhook is signed with this secret", hint="remove the webhook or its task first")
        await self._vault.remove(name, Access(actor=principal.id))

    async def _record(self, name: str) -> SecretRecord | None:
        """The secret of a name that people may use."""
        if not name.isprintable() or len(name) > 200 or name.startswith(PENDING):
            return None
        return await self._store.get(SecretRecord, name)

    def _mine(self, principal: Principal, name: str, row: SecretRecord | None) -> None:
        if row is not None and principal.role != "owner" and row.created_by != principal.id:
            raise _unknown(name)


def _unknown(name: str) -> Missing:
    return Missing("unknown_secret", f"there is no secret {name[:80]!a} of yours", hint="`eyeflow secrets list`")
