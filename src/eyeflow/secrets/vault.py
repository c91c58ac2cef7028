"""The vault: secrets by name, each under a data key of its own, every access on the audit chain.

Knows: what a secret is, how it is wrapped, what is written of each access. In: names, values, on whose behalf.
Out: values, to whoever must send them. Never: a value in the audit, in a list, in an error; a value handed out whose
access has no place in the order of commits.

An access does not wait for its audit row: the row is submitted before the value is handed out, and units are durable
in the order they were submitted, so the row is on disk no later than anything that is written of what was done with
the value: the end of its run, its next effect, the next row of the audit. Should a row be refused, it is owed: no value
is handed out until all that is owed is on disk; and when very many wait for the disk, accesses wait too.

A value that was opened is kept in memory for a second (`HELD_S`) and forgotten when it is replaced or removed here; a
change by another process is seen within that second. Each access has its row all the same.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.secrets.access import Access, current
from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.keys import Keys
from eyeflow.secrets.master import MasterKey
from eyeflow.secrets.sealing import KEY_BYTES, Sealer, label
from eyeflow.store.port import Append, Conflict, Delete, Insert, Op, Require, Store, Update, Where
from eyeflow.store.records import WORKSPACE, AuditRecord, SecretRecord

Action: TypeAlias = Literal["secret.read", "secret.created", "secret.rotated", "secret.removed", "master.rotated"]

MAX_VALUE_CHARS: Final = 65_536
MAX_PARTS: Final = 20
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}")
_PART: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SINGLE: Final = "value"
HELD_S: Final = 1.0
_MOST_HELD: Final = 1_000
_MOST_UNWRITTEN: Final = 2_000
_TRIES: Final = 10
_AT_ONCE: Final = 200


class SecretValue(msgspec.Struct, frozen=True):
    """A secret: named parts, or one part `value`. Its repr never shows one."""

    parts: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"SecretValue({', '.join(name for name, _ in self.parts)})"

    @property
    def single(self) -> str | None:
        """The value of a secret without named parts."""
        return self.parts[0][1] if len(self.parts) == 1 and self.parts[0][0] == _SINGLE else None


class SecretInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a secret."""

    name: str
    version: int
    created_by: str
    created_ms: int
    rotated_ms: int | None


class _Detail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a row says beside who did what with which secret."""

    version: int | None = None
    execution: str | None = None
    purpose: str = ""


class _Held(msgspec.Struct, frozen=True):
    """A value that was opened, its version, and until when it counts (seconds of the loop's time)."""

    value: SecretValue
    version: int
    until: float


class Vault:
    """Secrets in `store`, under `keys`."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys
        self._held: dict[str, _Held] = {}
        self._changes = 0
        self._unwritten = 0
        self._owed: list[Append] = []

    @property
    def place(self) -> str:
        """Where the master key is, for a person."""
        return self._keys.source.place

    async def put(self, name: str, value: str | Mapping[str, str], access: Access | None = None) -> SecretInfo:
        """Keep `value` under `name`; a secret of that name gets it as its next version.

        Raises: SecretError `bad_secret_name`, `bad_secret_value`; StoreError.
        """
        return await self._set(name, value, access or current(), must_exist=False)

    async def rotate(self, name: str, value: str | Mapping[str, str], access: Access | None = None) -> SecretInfo:
        """Give a secret its next version. Raises: SecretError `no_secret`, `bad_secret_value`; StoreError."""
        return await self._set(name, value, access or current(), must_exist=True)

    async def get(self, name: str, access: Access | None = None, *, fresh: bool = False) -> SecretValue:
        """The value, once the audit row of this access has its place in the order of commits; `fresh`: also when
        another process changed it just now. Raises: SecretError `no_secret`, `wrong_master_key`, `not_sealed_here`;
        StoreError."""
        now = asyncio.get_running_loop().time()
        held = self._held.get(name)
        if held is None or fresh or now >= held.until:
            changes = self._changes
            record = await self._record(name)
            held = _Held(await self._opened(record), record.version, now + HELD_S)
            if len(self._held) >= _MOST_HELD:
                self._held.clear()
            if changes == self._changes:
                self._held[name] = held
        row = self._audit("secret.read", access or current(), name, held.version)
        if self._owed or self._unwritten >= _MOST_UNWRITTEN:
            await self._settle(row)
        else:
            written = self._store.submit(row)
            self._unwritten += 1
            written.add_done_callback(lambda done: self._written(done, row))
        return held.value

    def _forget(self, name: str) -> None:
        """The secret was changed: also what was read before and is not held yet is not held."""
        self._changes += 1
        self._held.pop(name, None)

    def _written(self, done: asyncio.Future[tuple[int, ...]], row: Append) -> None:
        """The row of an access is on disk, or owed."""
        self._unwritten -= 1
        if done.cancelled() or done.exception() is not None:
            self._owed.append(row)

    async def _settle(self, row: Append) -> None:
        """Write what is owed, and this row, before anything is handed out. Raises: StoreError."""
        owed, self._owed = self._owed, []
        try:
            await self._store.write(*owed, row)
        except BaseException:
            self._owed = [*owed, *self._owed]
            raise

    async def list(self) -> tuple[SecretInfo, ...]:
        """All secrets by name, without their values."""
        records = await self._store.find(SecretRecord, order=("name",), without=("sealed", "wrapped"))
        return tuple(_info(record) for record in records)

    async def remove(self, name: str, access: Access | None = None) -> None:
        """Forget a secret. Raises: SecretError `no_secret`; StoreError."""
        record = await self._record(name)
        here = (Where("name", "=", name),)
        try:
            await self._store.write(
                Require(SecretRecord, here),
                Delete(SecretRecord, here),
                self._audit("secret.removed", access or current(), name, record.version),
            )
        except Conflict:
            raise _no_secret(name) from None
        finally:
            self._forget(name)

    async def rotate_master(self, access: Access | None = None) -> str:
        """Make a new master key and wrap everything under it; the new key's id. The old key is forgotten when that is
        on disk. Everything stays readable and writable meanwhile, also for other processes, and a rotation that was
        cut short is finished by the next start.

        Raises: SecretError `master_key_fixed`, `master_key_unavailable`, `wrong_master_key`; StoreError.
        """
        key = MasterKey.new()
        source = self._keys.source
        await asyncio.to_thread(source.add, key, first=False)
        await self._keys.reload()
        await self.wrap_under(key, access)
        await asyncio.to_thread(source.keep_only, key.id)
        await self._keys.reload()
        return key.id

    async def wrap_under(self, key: MasterKey, access: Access | None = None) -> None:
        """Wrap the root key, and then every data key, under `key`, which the source holds already.

        From the first unit on new secrets are wrapped under `key`: so what is left to wrap only becomes less.
        Raises: SecretError `wrong_master_key`; StoreError.
        """
        former, unchanged = await self._keys.in_use()
        if former != key.id:
            audit = self._audit("master.rotated", access or current(), f"{former} {key.id}", 0)
            try:
                await self._store.write(unchanged, Insert(self._keys.root_under(key), taken="replace"), audit)
            except Conflict:
                raise SecretError(
                    "master_key_unavailable", "another process rotates the master key", hint="try again"
                ) from None
        await self.finish_rotation()

    async def finish_rotation(self) -> None:
        """Wrap under the master key in use what is not yet. Raises: SecretError `wrong_master_key`; StoreError."""
        while True:
            used, unchanged = await self._keys.in_use()
            records = await self._store.find(SecretRecord, Where("kek", "!=", used), limit=_AT_ONCE)
            if not records:
                return
            await self._keys.reload()
            with suppress(Conflict):  # another process rotates too: then its key is the one
                await self._store.write(unchanged, *(self._moved(record, used) for record in records))

    async def _set(self, name: str, value: str | Mapping[str, str], access: Access, *, must_exist: bool) -> SecretInfo:
        parts = _checked(name, value)
        for _ in range(_TRIES):
            known = await self._store.get(SecretRecord, name)
            if known is None and must_exist:
                raise _no_secret(name)
            kek, unchanged = await self._keys.in_use()
            record = self._sealed(name, parts, kek, known, access)
            write: Op = Insert(record)
            if known is not None:
                values = ("sealed", "wrapped", "kek", "version", "rotated_ms")
                same = (Where("name", "=", name), Where("version", "=", known.version))
                write = Update(SecretRecord, tuple((each, getattr(record, each)) for each in values), same, expect=1)
            action: Action = "secret.created" if known is None else "secret.rotated"
            try:
                await self._store.write(unchanged, write, self._audit(action, access, name, record.version))
            except Conflict:
                continue  # somebody else was faster, or the master key changed
            finally:
                self._forget(name)
            return _info(record)
        raise SecretError("master_key_unavailable", "the secret or the master key changes too fast", hint="try again")

    def _sealed(
        self, name: str, parts: SecretValue, kek: str, known: SecretRecord | None, access: Access
    ) -> SecretRecord:
        version = 1 if known is None else known.version + 1
        data_key, now = os.urandom(KEY_BYTES), self._keys.now_ms()
        place = _place(name, version)
        return SecretRecord(
            name=name,
            sealed=Sealer(data_key).seal(msgspec.json.encode(parts), place),
            wrapped=self._keys.wrap(kek, data_key, place),
            kek=kek,
            version=version,
            created_by=access.actor if known is None else known.created_by,
            created_ms=now if known is None else known.created_ms,
            rotated_ms=None if known is None else now,
        )

    def _moved(self, record: SecretRecord, kek: str) -> Op:
        """The data key under another master key; nothing, when the secret has changed since."""
        place = _place(record.name, record.version)
        data_key = self._keys.unwrap(record.kek, record.wrapped, place)
        same = (Where("name", "=", record.name), Where("version", "=", record.version), Where("kek", "=", record.kek))
        return Update(SecretRecord, (("wrapped", self._keys.wrap(kek, data_key, place)), ("kek", kek)), same)

    async def _record(self, name: str) -> SecretRecord:
        record = await self._store.get(SecretRecord, name) if _NAME.fullmatch(name) else None
        if record is None:
            raise _no_secret(name)
        return record

    async def _opened(self, record: SecretRecord) -> SecretValue:
        if not self._keys.knows(record.kek):
            await self._keys.reload()
        place = _place(record.name, record.version)
        data_key = self._keys.unwrap(record.kek, record.wrapped, place)
        return msgspec.json.decode(Sealer(data_key).open(record.sealed, place), type=SecretValue)

    def _audit(self, action: Action, access: Access, name: str, version: int) -> Append:
        detail = _Detail(version=version or None, execution=access.execution_id or None, purpose=access.purpose)
        return Append(
            AuditRecord(
                at_ms=self._keys.now_ms(),
                actor=access.actor,
                action=action,
                object=f"secret:{name}" if action != "master.rotated" else f"master:{name}",
                detail=msgspec.json.encode(detail),
            )
        )


def _place(name: str, version: int) -> bytes:
    """Where a secret belongs: sealed bytes of another place do not open here."""
    return label("secret", WORKSPACE, name, version)


def _info(record: SecretRecord) -> SecretInfo:
    return SecretInfo(
        name=record.name,
        version=record.version,
        created_by=record.created_by,
        created_ms=record.created_ms,
        rotated_ms=record.rotated_ms,
    )


def _checked(name: str, value: str | Mapping[str, str]) -> SecretValue:
    """The value as it is stored. Raises: SecretError."""
    if not _NAME.fullmatch(name):
        raise SecretError(
            "bad_secret_name",
            f"{name[:80]!a} cannot name a secret",
            hint="use letters, digits and . _ - / : @, at most 128, and begin with a letter or digit",
        )
    parts = {_SINGLE: value} if isinstance(value, str) else dict(value)
    if not 1 <= len(parts) <= MAX_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise _bad_value(f"it has between 1 and {MAX_PARTS} parts, named like `username`")
    for part, text in parts.items():
        if not text or len(text) > MAX_VALUE_CHARS:
            raise _bad_value(f"{part} has between 1 and {MAX_VALUE_CHARS} characters")
        if "\0" in text or any(0xD800 <= ord(char) <= 0xDFFF for char in text):
            raise _bad_value(f"{part} is text without NUL")
    return SecretValue(tuple(parts.items()))


def _bad_value(what: str) -> SecretError:
    return SecretError("bad_secret_value", "this cannot be kept as a secret", hint=what)


def _no_secret(name: str) -> SecretError:
    return SecretError(
        "no_secret", f"there is no secret {name[:80]!a}", hint="`eyeflow secrets list` shows those there are"
    )
