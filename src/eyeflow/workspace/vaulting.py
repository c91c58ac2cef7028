"""Secrets of the workspace: put in, replaced, listed by name, taken out. Never shown again.

Knows: who may, and that a secret in use stays. In: a `Principal`, names and values. Out: `SecretInfo`. Never: a value
in any answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from eyeflow.engine.model import Principal
from eyeflow.secrets.access import Access
from eyeflow.secrets.vault import SecretInfo, Vault
from eyeflow.store.port import Store, Where
from eyeflow.store.records import ConnectionRecord, SecretRecord, WebhookRecord
from eyeflow.workspace.errors import Clash, Missing
from eyeflow.workspace.permissions import require


class SecretsKept:
    """The operations on secrets. An editor changes what it put in; owners change all."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def put(self, principal: Principal, name: str, value: str | Mapping[str, str]) -> SecretInfo:
        """Keep a value, or the parts of one (`username`, `password`), under a name. Raises: Forbidden, Missing,
        SecretError."""
        require(principal, "secrets.write")
        row = await self._store.get(SecretRecord, name) if name.isprintable() and len(name) <= 200 else None
        self._mine(principal, name, row)
        return await self._vault.put(name, value, Access(actor=principal.id))

    async def page(self, principal: Principal) -> tuple[SecretInfo, ...]:
        """All secrets by name, without values. Raises: Forbidden."""
        require(principal, "secrets.read")
        return await self._vault.list()

    async def remove(self, principal: Principal, name: str) -> None:
        """Forget a secret. Raises: Forbidden, Missing (`unknown_secret`), Clash (`in_use`)."""
        require(principal, "secrets.write")
        row = await self._store.get(SecretRecord, name) if name.isprintable() and len(name) <= 200 else None
        if row is None:
            raise _unknown(name)
        self._mine(principal, name, row)
        used = await self._store.find(ConnectionRecord, Where("credential", "=", f"vault:{name}"), limit=1)
        if used:
            raise Clash("in_use", f"the account {used[0].name} uses this secret", hint="remove the account first")
        if await self._store.find(WebhookRecord, Where("secret", "=", name), limit=1):
            raise Clash("in_use", "a webhook is signed with this secret", hint="delete its task first")
        await self._vault.remove(name, Access(actor=principal.id))

    def _mine(self, principal: Principal, name: str, row: SecretRecord | None) -> None:
        if row is not None and principal.role != "owner" and row.created_by != principal.id:
            raise _unknown(name)


def _unknown(name: str) -> Missing:
    return Missing("unknown_secret", f"there is no secret {name[:80]!a} of yours", hint="`eyeflow secrets list`")
