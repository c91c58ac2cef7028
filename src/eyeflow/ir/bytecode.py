"""Programs and artifacts as bytes, both ways.

Knows: the file format. In: programs, artifacts; bytes of any origin. Out: canonical bytes; programs, artifacts.
Never: trusts bytes. Whatever is not exactly what `encode` would have written is refused, so that a program has one
spelling and its SHA-256 is its identity.

An artifact file (`.efb`) is the eight bytes of `MAGIC`, the format version as two bytes (big-endian), and a
MessagePack array of three: the program's bytes, their SHA-256 as 64 hex digits, the envelope.

A program is the MessagePack of `program.Program`: structs as maps from field name to value in the order of the
struct, or as arrays where the struct says `array_like`; unions by their tag; fields at their default left out where
the struct says so. Sizes are checked before anything is decoded, and MessagePack headers that promise more than the
bytes that follow are refused before memory is taken for them.

Source: MessagePack specification, https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from eyeflow.errors import LoadError
from eyeflow.ir.program import IR_VERSION, Artifact, Envelope, Program

MAGIC: Final = b"\x89EFB\r\n\x1a\n"
"""Begins every artifact; a transfer that changes line ends or strips the eighth bit breaks it."""

FORMAT_VERSION: Final = 1
MAX_PROGRAM_BYTES: Final = 4 * 1024 * 1024
MAX_ARTIFACT_BYTES: Final = 16 * 1024 * 1024

_HEADER: Final = len(MAGIC) + 2


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    program: bytes
    digest: str
    envelope: Envelope


class _Version(msgspec.Struct, frozen=True):
    ir_version: int = IR_VERSION


_encoder: Final = msgspec.msgpack.Encoder()
_programs: Final = msgspec.msgpack.Decoder(Program)
_versions: Final = msgspec.msgpack.Decoder(_Version)
_bodies: Final = msgspec.msgpack.Decoder(_Body)
_envelopes: Final = msgspec.msgpack.Decoder(Envelope)


def digest(program: bytes) -> str:
    """The identity of a program: the SHA-256 of its canonical bytes, as 64 hex digits."""
    return hashlib.sha256(program).hexdigest()


def encode(program: Program) -> bytes:
    """The canonical bytes of a program."""
    return _encoder.encode(program)


def decode(data: bytes) -> Program:
    """The program that `data` spells. It is well-formed; whether it is valid is `validate`'s business.

    Raises:
        LoadError: `bad_version` for another IR version; `invalid_program` for anything that is not exactly what
            `encode` writes.
    """
    if len(data) > MAX_PROGRAM_BYTES:
        raise LoadError("invalid_program", f"the program is larger than {MAX_PROGRAM_BYTES} bytes")
    _check_version(data)
    try:
        program = _programs.decode(data)
        same = _encoder.encode(program) == data
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, MemoryError) as error:
        raise LoadError("invalid_program", f"the program is damaged: {_short(error)}") from None
    if not same:
        raise LoadError("invalid_program", "the program is not spelled canonically")
    return program


def encode_envelope(envelope: Envelope) -> bytes:
    """The canonical bytes of an envelope."""
    return _encoder.encode(envelope)


def write_artifact(artifact: Artifact) -> bytes:
    """The bytes of an `.efb` file."""
    body = _encoder.encode(_Body(artifact.program, artifact.digest, artifact.envelope))
    return MAGIC + FORMAT_VERSION.to_bytes(2, "big") + body


def read_artifact(data: bytes) -> Artifact:
    """The artifact in an `.efb` file. Its digests agree; its signature is for `seal.verify`, its program for `decode`.

    Raises:
        LoadError: `bad_magic`, `bad_version`, `bad_digest`, `invalid_program`.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise LoadError("bad_magic", "this is not an EyeFlow artifact", hint="artifacts are made by `eyeflow compile`")
    version = int.from_bytes(data[len(MAGIC) : _HEADER], "big")
    if len(data) < _HEADER or version != FORMAT_VERSION:
        raise LoadError("bad_version", f"the artifact has format {version}, this machine reads {FORMAT_VERSION}")
    if len(data) > MAX_ARTIFACT_BYTES:
        raise LoadError("invalid_program", f"the artifact is larger than {MAX_ARTIFACT_BYTES} bytes")
    body = data[_HEADER:]
    try:
        found = _bodies.decode(body)
        same = _encoder.encode(found) == body
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, MemoryError) as error:
        raise LoadError("invalid_program", f"the artifact is damaged: {_short(error)}") from None
    if not same:
        raise LoadError("invalid_program", "the artifact is not spelled canonically")
    if digest(found.program) != found.digest or found.envelope.program_digest != found.digest:
        raise LoadError("bad_digest", "the program is not the one its digest names", hint="compile it again")
    return Artifact(found.program, found.digest, found.envelope)


def _check_version(data: bytes) -> None:
    """Say `bad_version` of a program of another version, even when its shape has changed since."""
    try:
        found = _versions.decode(data).ir_version
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, MemoryError) as error:
        raise LoadError("invalid_program", f"the program is damaged: {_short(error)}") from None
    if found != IR_VERSION:
        raise LoadError("bad_version", f"the program has IR version {found}, this machine runs {IR_VERSION}")


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
