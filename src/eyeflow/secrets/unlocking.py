"""Everything this room offers, from an open store and a place that keeps the master key.

Knows: the order in which keys, audit chain, vault and run keys come to be. In: a store, its chain, a `KeySource`.
Out: `Secrets`. Never: a choice of source; settings make it.
"""

from __future__ import annotations

import msgspec

from eyeflow.ports import Clock
from eyeflow.secrets.audit import AuditChain
from eyeflow.secrets.keys import Keys
from eyeflow.secrets.master import KeySource
from eyeflow.secrets.runs import RunCipher
from eyeflow.secrets.vault import Vault
from eyeflow.store.port import Store


class Secrets(msgspec.Struct, frozen=True):
    """What a process uses. `made` names the place of a master key that was made just now and is to be backed up."""

    keys: Keys
    vault: Vault
    cipher: RunCipher
    made: str | None


async def unlock(store: Store, chain: AuditChain, source: KeySource, clock: Clock) -> Secrets:
    """Open the keys of `store` (made with `chain`), at its first start make them. A key that the source prefers to
    the one in use (a changed variable) is taken into use.

    Raises: SecretError `master_key_missing`, `wrong_master_key`, `bad_master_key`, `master_key_exposed`,
    `master_key_unavailable`, `not_sealed_here`; StoreError.
    """
    keys = await Keys.open(store, source, clock)
    chain.unlock(keys)
    vault = Vault(store, keys)
    used, _ = await keys.in_use()
    preferred = keys.preferred
    if source.prefers and preferred is not None and preferred.id != used:
        await vault.wrap_under(preferred)
    await vault.finish_rotation()
    return Secrets(keys, vault, RunCipher(keys), keys.made)
