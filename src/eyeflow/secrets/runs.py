"""A key for each run: what a run carries is sealed with it, and gone when it is destroyed.

Knows: how a run's key follows from the root key and 32 random bytes, which are what the run's row stores. In: bytes of
runs. Out: sealed bytes. Never: keeps a key; never compresses what is small.

The stored bytes are no key without the root key, and the root key makes none without them: erasing them erases the run.
"""

from __future__ import annotations

import os
from typing import Final

from eyeflow.secrets.errors import SecretError, not_sealed_here
from eyeflow.secrets.keys import Keys
from eyeflow.secrets.sealing import KEY_BYTES, NONCE_BYTES, Keyed, Sealer, label

_FORM: Final = b"\x01"


class RunKey:
    """The data key of one run (the engine's port of that name)."""

    __slots__ = ("_sealer",)

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._sealer = Sealer(key, nonce)

    def seal(self, data: bytes, execution_id: str, kind: str) -> bytes:
        """`data`, readable with this key, this run and this kind only. Raises: SecretError `run_too_large`."""
        return self._sealer.seal(data, label(execution_id, kind))

    def open(self, sealed: bytes, execution_id: str, kind: str) -> bytes:
        """What was sealed. Raises: SecretError `not_sealed_here`."""
        return self._sealer.open(sealed, label(execution_id, kind))


class RunCipher:
    """Makes and opens the keys of runs."""

    def __init__(self, keys: Keys) -> None:
        self._keyed = Keyed(keys.purpose("runs"))

    def new(self) -> tuple[bytes, RunKey]:
        """A fresh key, and its wrapped form, which is what is stored."""
        drawn = os.urandom(KEY_BYTES + NONCE_BYTES)
        wrapped = _FORM + drawn[:KEY_BYTES]
        return wrapped, RunKey(self._keyed(wrapped), drawn[KEY_BYTES:])

    def open(self, wrapped: bytes) -> RunKey:
        """The key that was wrapped. Raises: SecretError `payload_erased`, `not_sealed_here`."""
        if not wrapped:
            raise SecretError("payload_erased", "what this run carried was erased")
        if len(wrapped) != len(_FORM) + KEY_BYTES or not wrapped.startswith(_FORM):
            raise not_sealed_here("the key of the run")
        return RunKey(self._keyed(wrapped), os.urandom(NONCE_BYTES))
