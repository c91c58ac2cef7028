"""Signing and checking artifacts.

Knows: Ed25519, the local key file, what a signature covers. In: programs, envelope facts, keys, trust.
Out: artifacts, or `LoadError`. Never: decides what a program may do, keeps a private key anywhere but in its file.

A signature covers the canonical bytes of the envelope without the signature, and the envelope holds the program's
SHA-256: one bit changed in either is another artifact, which nobody signed.

Source: RFC 8032 (Ed25519).
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eyeflow.errors import EyeFlowError, LoadError
from eyeflow.ir.bytecode import digest, encode, encode_envelope
from eyeflow.ir.program import Artifact, Envelope, Program

KEY_FILE: Final = "signing.key"
_PREFIX: Final = b"eyeflow artifact 1\n"


class SignerKey(msgspec.Struct, frozen=True):
    """A public key that a machine trusts: 32 bytes."""

    public: bytes

    @property
    def key_id(self) -> str:
        """`ed25519:` and the first 32 hex digits of the key's SHA-256."""
        return "ed25519:" + hashlib.sha256(self.public).hexdigest()[:32]


class SigningKey:
    """A private key in memory. Its repr shows only the id of its public half."""

    __slots__ = ("_private", "signer")

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.signer = SignerKey(self._private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey({self.signer.key_id})"

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 64 bytes."""
        return self._private.sign(message)


class Trust(msgspec.Struct, frozen=True):
    """Whose artifacts a machine runs: `signers`, except programs whose digest is in `revoked`; `practice` is True
    for a machine all of whose services are practice ones; only such a machine runs practice artifacts."""

    signers: tuple[SignerKey, ...] = ()
    revoked: frozenset[str] = frozenset()
    practice: bool = False


def local_key(folder: Path) -> SigningKey:
    """The signing key of a data folder, made when there is none, in a file only its owner can read (0600).

    Raises:
        EyeFlowError: `signing_key_unsafe` when others may read the file, `signing_key_damaged` when it is no key,
            `signing_key_unwritable` when it cannot be made or read.
    """
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _create(path)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise EyeFlowError("signing_key_unsafe", f"{path} can be read by others", hint="chmod 600 the file")
        held = path.read_bytes()
    except OSError as error:
        raise EyeFlowError("signing_key_unwritable", f"{path}: {error.strerror or error}") from None
    try:
        seed = bytes.fromhex(held.decode("ascii").strip())
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise EyeFlowError("signing_key_damaged", f"{path} does not hold a key", hint="restore it, or remove it")
    return SigningKey(seed)


def _create(path: Path) -> None:
    """Write a new key beside the place and link it in, so that two processes end up with one whole key."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def program_digest(program: Program) -> str:
    """The identity of a program."""
    return digest(encode(program))


def seal(program: Program, facts: Envelope, key: SigningKey) -> Artifact:
    """The signed artifact of `program`. `facts` says everything but `program_digest`, `key_id` and `signature`,
    which are set here."""
    data = encode(program)
    found = digest(data)
    unsigned = msgspec.structs.replace(facts, program_digest=found, key_id=key.signer.key_id, signature=b"")
    signed = msgspec.structs.replace(unsigned, signature=key.sign(_message(unsigned)))
    return Artifact(data, found, signed)


def verify(artifact: Artifact, trust: Trust) -> None:
    """Return when the artifact is whole, signed by someone trusted, not revoked, and of the right world.

    Raises:
        LoadError: `bad_digest`, `untrusted_signer`, `revoked`, `practice_artifact`.
    """
    envelope = artifact.envelope
    if digest(artifact.program) != artifact.digest or envelope.program_digest != artifact.digest:
        raise LoadError("bad_digest", "the program is not the one its digest names", hint="compile it again")
    signer = next((each for each in trust.signers if each.key_id == envelope.key_id), None)
    if signer is None:
        name = "nobody" if not envelope.key_id else envelope.key_id[:80]
        raise LoadError(
            "untrusted_signer", f"the program is signed by {name}, whom this machine does not trust",
            hint="deploy it again, or put back the signing.key it was approved with",
        )  # fmt: skip
    try:
        unsigned = msgspec.structs.replace(envelope, signature=b"")
        Ed25519PublicKey.from_public_bytes(signer.public).verify(envelope.signature, _message(unsigned))
    except (InvalidSignature, ValueError):
        raise LoadError("untrusted_signer", "the signature does not belong to this artifact") from None
    if artifact.digest in trust.revoked:
        raise LoadError("revoked", f"program {artifact.digest[:12]} was revoked", hint="compile and approve it again")
    if envelope.practice and not trust.practice:
        what = "a practice artifact runs only against practice services"
        raise LoadError("practice_artifact", what, hint="compile it for live use")


def _message(envelope: Envelope) -> bytes:
    return _PREFIX + encode_envelope(envelope)
