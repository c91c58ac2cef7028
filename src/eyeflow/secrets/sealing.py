"""AES-256-GCM, and keys made from keys: the only place that touches ciphers.

Knows: how sealed bytes look. In: keys, bytes, and a label that both sides must give. Out: bytes. Never: where keys
come from.

Sealed bytes are a form byte, a random nonce of 12 bytes, then ciphertext and tag. The form says whether the plain bytes
were compressed, and is authenticated with the label.

Source: NIST SP 800-38D (GCM), RFC 5869 (HKDF).
"""

from __future__ import annotations

import hmac
import os
import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from eyeflow.secrets.errors import SecretError, not_sealed_here

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
MAX_PAYLOAD_BYTES: Final = 32 << 20
_TAG_BYTES: Final = 16
_PLAIN, _PACKED = b"\x01", b"\x02"
_PACK_FROM_BYTES: Final = 2_048
_LEVEL: Final = 1


class Sealer:
    """A key that seals and opens, with random nonces."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, label: bytes) -> bytes:
        """`data`, to be opened with this key and this label only. Raises: SecretError `run_too_large`."""
        return sealed(self._cipher, os.urandom(NONCE_BYTES), data, label)

    def open(self, sealed: bytes, label: bytes) -> bytes:
        """What was sealed. Raises: SecretError `not_sealed_here`."""
        return opened(self._cipher, sealed, label)


def sealed(cipher: AESGCM, nonce: bytes, data: bytes, label: bytes) -> bytes:
    """`data` under a nonce that `cipher` has not had before. Raises: SecretError `run_too_large`."""
    form = _PLAIN
    if len(data) >= _PACK_FROM_BYTES:
        if len(data) > MAX_PAYLOAD_BYTES:
            raise SecretError("run_too_large", f"{len(data)} bytes are more than {MAX_PAYLOAD_BYTES}")
        packed = zlib.compress(data, _LEVEL)
        if len(packed) < len(data):
            form, data = _PACKED, packed
    return form + nonce + cipher.encrypt(nonce, data, form + label)


def opened(cipher: AESGCM, sealed: bytes, label: bytes) -> bytes:
    """What was sealed. Raises: SecretError `not_sealed_here`, `run_too_large`."""
    form, nonce, body = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if form not in (_PLAIN, _PACKED) or len(body) < _TAG_BYTES:
        raise not_sealed_here("this")
    try:
        data = cipher.decrypt(nonce, body, form + label)
    except InvalidTag:
        raise not_sealed_here("this") from None
    if form == _PLAIN:
        return data
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(data, MAX_PAYLOAD_BYTES)
    if not unpacker.eof:
        raise SecretError("run_too_large", f"more than {MAX_PAYLOAD_BYTES} bytes were sealed")
    return plain


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, from which `key` cannot be found."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"eyeflow {purpose}".encode()).derive(key)


def keyed(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256."""
    return hmac.digest(key, data, "sha256")


class Keyed:
    """HMAC-SHA256 under one key, made ready once: half the time of `keyed` for small data."""

    __slots__ = ("_begun",)

    def __init__(self, key: bytes) -> None:
        self._begun = HMAC(key, SHA256())

    def __call__(self, data: bytes) -> bytes:
        """The same as `keyed`."""
        begun = self._begun.copy()
        begun.update(data)
        return begun.finalize()


def label(*parts: str | int) -> bytes:
    """Parts as one label; no two lists of parts have the same."""
    return b"".join([counted(str(part)) for part in parts])


def counted(part: str) -> bytes:
    """A part of a label: its length, and itself."""
    coded = part.encode("utf-8", "surrogatepass")
    return len(coded).to_bytes(4, "big") + coded
