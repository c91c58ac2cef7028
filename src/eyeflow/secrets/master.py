"""The master key: what it is, and where sets of them are kept.

Knows: keys by their ids, the port of a place that keeps them. In: nothing. Out: `MasterKey`, `KeySource`.
Never: a key in a repr, a log or an error.

A source holds a *set* of keys. Which of them is in use is written in the store, under its id; so a rotation may stop
at any moment and be taken up again, and other processes find the new key when they first meet its id.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final, Protocol

import msgspec

from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.sealing import KEY_BYTES, Sealer, derived

_ID_BYTES: Final = 8


class MasterKey(msgspec.Struct, frozen=True):
    """32 random bytes and the id they have everywhere, from which they cannot be found."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"

    @classmethod
    def of(cls, secret: bytes) -> MasterKey:
        """The key with these bytes."""
        assert len(secret) == KEY_BYTES
        return cls(derived(secret, "master key id")[:_ID_BYTES].hex(), secret)

    @classmethod
    def new(cls) -> MasterKey:
        """A fresh key."""
        return cls.of(os.urandom(KEY_BYTES))

    def sealer(self) -> Sealer:
        """What wraps other keys."""
        return Sealer(derived(self.secret, "master key wrap"))


class KeySource(Protocol):
    """A place that keeps master keys. Its calls may block: they are made in threads."""

    place: str
    """Where that is, for a person: "back up ...". Never a key."""

    prefers: bool
    """Whether the first key of `load` is to be used whatever was used before: the place cannot be written from here."""

    def load(self) -> tuple[MasterKey, ...]:
        """All keys it holds; none when there was never one.

        Raises: SecretError `bad_master_key`, `master_key_exposed`, `master_key_unavailable`."""
        ...

    def add(self, key: MasterKey, *, first: bool) -> None:
        """Keep `key` too, durably; `first` only when it holds none yet, else nothing changes. Raises: SecretError
        `master_key_fixed` when it cannot be written, `master_key_unavailable`."""
        ...

    def keep_only(self, id: str) -> None:
        """Forget all others. Raises: SecretError."""
        ...


def read_keys(text: str, place: str) -> tuple[MasterKey, ...]:
    """Keys in Base64, one a line or between commas; lines that begin with # are for people.

    Raises: SecretError `bad_master_key`.
    """
    keys: dict[str, MasterKey] = {}
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for coded in (part.strip() for line in lines for part in line.split(",")):
        if not coded:
            continue
        try:
            secret = base64.b64decode(
                coded.replace("-", "+").replace("_", "/") + "=" * (-len(coded) % 4), validate=True
            )
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != KEY_BYTES:
            raise SecretError(
                "bad_master_key", f"{place} holds no key of 32 bytes in Base64", hint="restore its backup"
            )
        key = MasterKey.of(secret)
        keys[key.id] = key
    return tuple(keys.values())


def written_keys(keys: tuple[MasterKey, ...]) -> str:
    """`keys` as `read_keys` reads them."""
    return "".join(base64.b64encode(key.secret).decode() + "\n" for key in keys)
