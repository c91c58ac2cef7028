"""The keys of a running process: the master keys it was given, and the root key the store holds under one of them.

Knows: the setting that holds the root key, how it is wrapped, which master key is in use, how that changes.
In: a store, a `KeySource`. Out: `Keys`. Never: writes a key to the store unwrapped.

    master key ── wraps ──▶ root key ── HKDF ──▶ key of run keys, key of the audit chain
         └────── wraps ──▶ data key of each secret

Run keys and audit digests hang on the root key, so that changing the master key touches a handful of rows, however
many runs there were, and leaves the audit chain as it is.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

import msgspec

from eyeflow.ports import Clock
from eyeflow.secrets.errors import SecretError, not_sealed_here
from eyeflow.secrets.master import KeySource, MasterKey
from eyeflow.secrets.sealing import KEY_BYTES, Sealer, derived, label
from eyeflow.store.port import Conflict, Insert, Op, Require, Store, Where
from eyeflow.store.records import SettingRecord

ROOT: Final = "secrets.root"
_LABEL: Final = label(ROOT)


class Root(msgspec.Struct, frozen=True):
    """The stored form of the root key: wrapped under the master key `kek`."""

    kek: str
    wrapped: bytes


class Keys:
    """Made by `open`. `made` is the place to back up when the master key is a new one, else None."""

    def __init__(self, store: Store, source: KeySource, clock: Clock) -> None:
        self._store = store
        self._source = source
        self._clock = clock
        self._masters: dict[str, MasterKey] = {}
        self._sealers: dict[str, Sealer] = {}
        self._root = b""
        self.made: str | None = None

    @classmethod
    async def open(cls, store: Store, source: KeySource, clock: Clock) -> Keys:
        """The keys of `store`; at its first start they are made.

        Raises: SecretError `master_key_missing`, `wrong_master_key`, `bad_master_key`, `master_key_exposed`,
        `master_key_unavailable`.
        """
        keys = cls(store, source, clock)
        await keys.reload()
        setting = await store.get(SettingRecord, ROOT)
        if setting is None:
            setting = await keys._first()
        root = msgspec.json.decode(setting.value, type=Root)
        keys._root = keys.unwrap(root.kek, root.wrapped, _LABEL)
        return keys

    @property
    def source(self) -> KeySource:
        """Where the master keys are kept."""
        return self._source

    @property
    def preferred(self) -> MasterKey | None:
        """The key the source puts first."""
        return next(iter(self._masters.values()), None)

    def purpose(self, name: str) -> bytes:
        """The key for one purpose, made from the root key."""
        assert self._root, "open the keys first"
        return derived(self._root, name)

    async def reload(self) -> None:
        """Read the source again."""
        self._masters = {key.id: key for key in await asyncio.to_thread(self._source.load)}
        self._sealers = {key.id: key.sealer() for key in self._masters.values()}

    async def in_use(self) -> tuple[str, Op]:
        """The id of the master key to wrap with, and the condition that it is still the one when that is written."""
        setting = await self._store.get(SettingRecord, ROOT)
        assert setting is not None, "open the keys first"
        kek = msgspec.json.decode(setting.value, type=Root).kek
        if kek not in self._masters:
            await self.reload()
        return kek, Require(SettingRecord, (Where("name", "=", ROOT), Where("value", "=", setting.value)))

    def knows(self, kek: str) -> bool:
        """Whether the master key is at hand."""
        return kek in self._masters

    def wrap(self, kek: str, key: bytes, place: bytes) -> bytes:
        """`key` wrapped under a master key. Raises: SecretError `master_key_missing`, `wrong_master_key`."""
        return self._sealer(kek).seal(key, place)

    def unwrap(self, kek: str, wrapped: bytes, place: bytes) -> bytes:
        """The key that was wrapped. Raises: SecretError `master_key_missing`, `wrong_master_key`, `not_sealed_here`."""
        return self._sealer(kek).open(wrapped, place)

    def root_under(self, key: MasterKey) -> SettingRecord:
        """The setting that makes `key` the one in use."""
        root = Root(key.id, key.sealer().seal(self._root, _LABEL))
        return SettingRecord(name=ROOT, value=msgspec.json.encode(root), updated_ms=self.now_ms())

    def now_ms(self) -> int:
        """The present instant, in milliseconds since 1970."""
        return int(self._clock.now().timestamp() * 1000)

    def _sealer(self, kek: str) -> Sealer:
        sealer = self._sealers.get(kek)
        if sealer is not None:
            return sealer
        if not self._masters:
            raise SecretError(
                "master_key_missing",
                f"there is no master key in {self._source.place}, and the data is sealed with one",
                hint=f"put its backup back; the key that is needed has the id {kek}",
            )  # fmt: skip
        known = ", ".join(self._masters)
        raise SecretError(
            "wrong_master_key",
            f"the data is sealed with another master key (id {kek}) than the one in {self._source.place} (id {known})",
            hint="put the backup of the right key there",
        )

    async def _first(self) -> SettingRecord:
        """Make what is missing at the first start. Another process may do the same: one of them wins."""
        if not self._masters:
            await asyncio.to_thread(self._source.add, MasterKey.new(), first=True)
            await self.reload()
            self.made = self._source.place
        self._root = os.urandom(KEY_BYTES)
        setting = self.root_under(next(iter(self._masters.values())))
        try:
            await self._store.write(Insert(setting))
        except Conflict:
            other = await self._store.get(SettingRecord, ROOT)
            if other is None:
                raise not_sealed_here("the root key") from None
            return other
        return setting
