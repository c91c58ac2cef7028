"""Which webhooks an address has, and the secrets they are checked with, remembered for a moment.

Knows: ids, paths and the addresses of connections; when to look again. In: the store, the vault. Out: rows,
credentials. Never: remembers what is not there, which a stranger could make endless; keeps a secret for long.
"""

from __future__ import annotations

from typing import Final

from eyeflow.connectors.port import Credential
from eyeflow.errors import EyeFlowError
from eyeflow.ports import Clock
from eyeflow.secrets.access import Access, on_behalf_of
from eyeflow.store.port import Store, StoreError, Where
from eyeflow.store.records import SettingRecord, WebhookRecord
from eyeflow.triggers.port import Secrets
from eyeflow.triggers.provider_events import EVENTS
from eyeflow.triggers.signatures import no_secret
from eyeflow.triggers.timing import milliseconds

LOOK_MS: Final = 50
SECRET_MS: Final = 30_000
MOST: Final = 10_000
GENERATION: Final = "generation"


class Addresses:
    """Rows by address. Other processes' changes are seen within `LOOK_MS`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rows: dict[str, tuple[WebhookRecord, ...]] = {}
        self._generation: bytes | None = None
        self._looked = 0

    def forget(self) -> None:
        """Look everything up again."""
        self._rows.clear()

    async def rows(self, name: str) -> tuple[WebhookRecord, ...]:
        """The webhooks at an address: a path begins with `/`, a connection's with `events-`, else it is an id.

        Raises: StoreError.
        """
        await self._look()
        known = self._rows.get(name)
        if known is not None:
            return known
        found = await self._find(name)
        if found:
            if len(self._rows) >= MOST:
                self._rows.clear()
            self._rows[name] = found
        return found

    async def _find(self, name: str) -> tuple[WebhookRecord, ...]:
        if not 0 < len(name) <= 300 or not name.isprintable() or not name.isascii():
            return ()
        if name.startswith("/"):
            return tuple(await self._store.find(WebhookRecord, Where("path", "=", name)))
        if name.startswith(EVENTS):
            mine = Where("connection", "=", name.removeprefix(EVENTS))
            return tuple(await self._store.find(WebhookRecord, mine, order=("id",)))
        row = await self._store.get(WebhookRecord, name)
        return () if row is None else (row,)

    async def _look(self) -> None:
        now = milliseconds(self._clock.now())
        if abs(now - self._looked) < LOOK_MS:
            return
        self._looked = now
        setting = await self._store.get(SettingRecord, GENERATION)
        generation = b"" if setting is None else setting.value
        if generation != self._generation:
            self._rows.clear()
            self._generation = generation


class Keys:
    """Signing secrets. One is read from the vault, where every access leaves a record, at most twice a minute."""

    def __init__(self, secrets: Secrets, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock
        self._held: dict[str, tuple[Credential, int]] = {}

    def forget(self) -> None:
        """A secret was changed."""
        self._held.clear()

    async def credential(self, reference: str | None) -> Credential:
        """The secret behind a reference. Raises: TriggerError `no_webhook_secret`; StoreError."""
        if reference is None:
            raise no_secret()
        now = milliseconds(self._clock.now())
        held = self._held.get(reference)
        if held is not None and abs(now - held[1]) < SECRET_MS:
            return held[0]
        try:
            with on_behalf_of(Access(actor="triggers", purpose="webhook")):
                credential = await self._secrets(reference)
        except StoreError:
            raise
        except EyeFlowError:
            self._held.pop(reference, None)
            raise no_secret() from None
        if len(self._held) >= MOST:
            self._held.clear()
        self._held[reference] = (credential, now)
        return credential
