"""A key for each run: what a run carries is sealed with it, and gone when it is destroyed.

Knows: how a run's key follows from the root key and 32 random bytes, which are what the run's row stores. In: bytes of
runs. Out: sealed bytes. Never: keeps a key; never compresses what is small.

The stored bytes are no key without the root key, and the root key makes none without them: erasing them erases the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eyeflow.secrets.errors import SecretError, not_sealed_here
from eyeflow.secrets.keys import Keys
from eyeflow.secrets.sealing import KEY_BYTES, NONCE_BYTES, Keyed, counted, opened, sealed

_FORM: Final = b"\x01"
_NONCES: Final = 1 << (8 * NONCE_BYTES)
_DRAW: Final = Struct(f"{KEY_BYTES}s{NONCE_BYTES}s")
_DRAWN_AT_ONCE: Final = 64
_KINDS: Final = {kind: counted(kind) for kind in ("request", "outcome", "trail")}


class RunKey:
    """The data key of one run (the engine's port of that name). Its nonces count up from a random one: few messages
    have this key, and a call to the system for each of them would cost more than the encryption."""

    __slots__ = ("_cipher", "_nonce")

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._cipher = AESGCM(key)
        self._nonce = int.from_bytes(nonce, "big")

    def seal(self, data: bytes, execution_id: str, kind: str) -> bytes:
        """`data`, readable with this key, this run and this kind only. Raises: SecretError `run_too_large`."""
        nonce, self._nonce = self._nonce, (self._nonce + 1) % _NONCES
        return sealed(self._cipher, nonce.to_bytes(NONCE_BYTES, "big"), data, _place(execution_id, kind))

    def open(self, sealed: bytes, execution_id: str, kind: str) -> bytes:
        """What was sealed. Raises: SecretError `not_sealed_here`."""
        return opened(self._cipher, sealed, _place(execution_id, kind))


def _place(execution_id: str, kind: str) -> bytes:
    """The label of a run and a kind."""
    return counted(execution_id) + (_KINDS.get(kind) or counted(kind))


class _Drawing:
    """Random bytes for many runs, drawn together. Each is given once, and to no other process: one that is forked draws
    its own."""

    def __init__(self) -> None:
        self._left: Iterator[tuple[bytes, bytes]] = iter(())
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._left = iter(())

    def draw(self) -> tuple[bytes, bytes]:
        """What a key and its first nonce are made from."""
        for drawn in self._left:
            return drawn
        self._left = _DRAW.iter_unpack(os.urandom(_DRAW.size * _DRAWN_AT_ONCE))
        return next(self._left)


_drawing: Final = _Drawing()


class RunCipher:
    """Makes and opens the keys of runs."""

    def __init__(self, keys: Keys) -> None:
        self._keyed = Keyed(keys.purpose("runs"))

    def new(self) -> tuple[bytes, RunKey]:
        """A fresh key, and its wrapped form, which is what is stored."""
        drawn, nonce = _drawing.draw()
        wrapped = _FORM + drawn
        return wrapped, RunKey(self._keyed(wrapped), nonce)

    def open(self, wrapped: bytes) -> RunKey:
        """The key that was wrapped. Raises: SecretError `payload_erased`, `not_sealed_here`."""
        if not wrapped:
            raise SecretError("payload_erased", "what this run carried was erased")
        if len(wrapped) != len(_FORM) + KEY_BYTES or not wrapped.startswith(_FORM):
            raise not_sealed_here("the key of the run")
        return RunKey(self._keyed(wrapped), os.urandom(NONCE_BYTES))
