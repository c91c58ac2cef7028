"""Programs and artifacts as bytes: one spelling, both ways, and nothing else is accepted."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.errors import LoadError
from eyeflow.ir import bytecode, seal
from eyeflow.ir.codegen import generate
from eyeflow.ir.program import Artifact, Envelope, Program
from eyeflow.ir.validate import validate
from ir.programs import EVERYTHING, WEATHER, context, planned, program_of

KEY = seal.SigningKey(bytes(range(32)))
TRUST = seal.Trust((KEY.signer,))


def artifact(source: str = WEATHER) -> Artifact:
    facts = Envelope(program_digest="", sentence="weather", compiler="test", approver="me")
    return seal.seal(program_of(source), facts, KEY)


def load(data: bytes) -> Program:
    """What a machine does before it looks at its catalog."""
    found = bytecode.read_artifact(data)
    seal.verify(found, TRUST)
    program = bytecode.decode(found.program)
    assert validate(program).ok
    return program


@pytest.mark.parametrize("source", [WEATHER, EVERYTHING])
def test_acceptance_39_bytecode_round_trips_and_same_source_gives_same_bytes(source):
    program = program_of(source)
    data = bytecode.encode(program)
    assert bytecode.decode(data) == program
    assert bytecode.encode(bytecode.decode(data)) == data
    again, _ = generate(planned(source), context())
    assert bytecode.encode(again) == data
    sealed = artifact(source)
    assert bytecode.read_artifact(bytecode.write_artifact(sealed)) == sealed


def test_acceptance_39_the_bytes_do_not_depend_on_the_hash_seed():
    code = (
        "from ir.programs import *; from eyeflow.ir.bytecode import *;"
        "print(digest(encode(program_of(EVERYTHING))), digest(encode(program_of(WEATHER))))"
    )
    found = set()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_acceptance_51_a_program_changed_by_one_byte_is_refused():
    data = bytecode.write_artifact(artifact())
    load(data)
    for place in range(len(data)):
        for change in (0x01, 0x80):
            edited = bytearray(data)
            edited[place] ^= change
            with pytest.raises(LoadError):
                load(bytes(edited))


def test_acceptance_51_what_names_another_program_is_not_even_read():
    """Whoever only reads an artifact, to show it, is not shown a program under the name of another."""
    whole, other = artifact(), artifact(EVERYTHING)
    for wrong in (
        Artifact(other.program, whole.digest, whole.envelope), Artifact(whole.program, other.digest, whole.envelope),
        Artifact(whole.program, whole.digest, other.envelope),
    ):  # fmt: skip
        with pytest.raises(LoadError) as caught:
            bytecode.read_artifact(bytecode.write_artifact(wrong))
        assert caught.value.code == "bad_digest"


def test_truncated_and_longer_artifacts_are_refused():
    data = bytecode.write_artifact(artifact())
    for size in range(len(data)):
        with pytest.raises(LoadError):
            load(data[:size])
    for more in (b"\x00", b"\xc0", data):
        with pytest.raises(LoadError):
            load(data + more)


def test_a_damaged_program_alone_never_crashes_decoder_or_validator():
    data = bytecode.encode(program_of(WEATHER))
    for place in range(len(data)):
        edited = bytearray(data)
        edited[place] ^= 0x01
        try:
            program = bytecode.decode(bytes(edited))
        except LoadError:
            continue
        validate(program)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(noise):
    for data in (noise, bytecode.MAGIC + noise, bytecode.MAGIC + b"\x00\x01" + noise):
        with pytest.raises(LoadError):
            bytecode.read_artifact(data)
    with pytest.raises(LoadError):
        bytecode.decode(noise)


@pytest.mark.parametrize(
    "data",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\x93\xc6\xff\xff\xff\xff",
        b"\x81\xa5types\xdd\xff\xff\xff\xff",
        b"\x81\xa5types\x91" + b"\x82\xa4kind\xa4list\xa4item" * 100_000,
        b"\x91" * 1_000_000,
        b"",
    ],
)
def test_headers_that_promise_more_than_there_is_are_refused(data):
    with pytest.raises(LoadError):
        bytecode.decode(data)
    with pytest.raises(LoadError):
        bytecode.read_artifact(bytecode.MAGIC + b"\x00\x01" + data)


def test_a_program_too_large_to_look_at_is_refused():
    with pytest.raises(LoadError, match="larger than"):
        bytecode.decode(bytes(bytecode.MAX_PROGRAM_BYTES + 1))


def test_another_spelling_of_the_same_program_is_refused():
    held = msgspec.msgpack.decode(bytecode.encode(program_of(WEATHER)))
    for other in (dict(reversed(held.items())), {**held, "extra": 1}):
        with pytest.raises(LoadError) as refused:
            bytecode.decode(msgspec.msgpack.encode(other))
        assert refused.value.code == "invalid_program"


def test_other_versions_are_named():
    held = msgspec.msgpack.decode(bytecode.encode(program_of(WEATHER)))
    newer = msgspec.msgpack.encode({**held, "ir_version": 2, "shape": "new"})
    with pytest.raises(LoadError) as refused:
        bytecode.decode(newer)
    assert refused.value.code == "bad_version"
    with pytest.raises(LoadError) as refused:
        bytecode.read_artifact(bytecode.MAGIC + b"\x00\x02rest")
    assert refused.value.code == "bad_version"
    with pytest.raises(LoadError) as refused:
        bytecode.read_artifact(b"PK\x03\x04")
    assert refused.value.code == "bad_magic"
