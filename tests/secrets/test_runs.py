"""What a run carries opens with its own key, in its own place, and never again once the key is gone."""

from __future__ import annotations

import os

import pytest

from eyeflow.engine.sealing import RunCipher as EnginePort
from eyeflow.secrets import SecretError
from eyeflow.secrets.sealing import MAX_PAYLOAD_BYTES

from .conftest import House


async def test_a_payload_opens_only_where_it_belongs(house: House) -> None:
    cipher: EnginePort = house.secrets.cipher
    wrapped, key = cipher.new()
    other, stranger = cipher.new()
    sealed = key.seal(b"input", "exec_1", "request")
    assert b"input" not in sealed and wrapped != other
    assert cipher.open(wrapped).open(sealed, "exec_1", "request") == b"input"
    for opener, execution_id, kind in (
        (stranger, "exec_1", "request"),
        (key, "exec_2", "request"),
        (key, "exec_1", "outcome"),
        (key, "exec_1reque", "st"),
    ):
        with pytest.raises(SecretError, match="not_sealed_here"):
            opener.open(sealed, execution_id, kind)


@pytest.mark.parametrize("data", [b"", b"x", b"abc" * 5_000, os.urandom(70_000)])
async def test_any_bytes_come_back(house: House, data: bytes) -> None:
    _, key = house.secrets.cipher.new()
    sealed = key.seal(data, "e", "k")
    assert key.open(sealed, "e", "k") == data
    assert len(sealed) <= len(data) + 29


async def test_every_changed_byte_is_noticed(house: House) -> None:
    _, key = house.secrets.cipher.new()
    sealed = key.seal(b"a" * 3_000, "e", "k")
    broken = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for changed in (*broken, sealed[:-1], sealed + b"x", b"", b"\x01", b"\x02" * 20):
        with pytest.raises(SecretError, match="not_sealed_here"):
            key.open(changed, "e", "k")


async def test_an_erased_key_erases_and_a_wrong_one_is_said(house: House) -> None:
    with pytest.raises(SecretError, match="payload_erased"):
        house.secrets.cipher.open(b"")
    for wrapped in (b"x", b"\x01" + b"x" * 31, b"\x02" + b"x" * 32):
        with pytest.raises(SecretError, match="not_sealed_here"):
            house.secrets.cipher.open(wrapped)


async def test_more_than_fits_is_refused(house: House) -> None:
    _, key = house.secrets.cipher.new()
    with pytest.raises(SecretError, match="run_too_large"):
        key.seal(bytes(MAX_PAYLOAD_BYTES + 1), "e", "k")


async def test_a_forked_process_draws_keys_of_its_own(house: House) -> None:
    cipher = house.secrets.cipher
    cipher.new()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, cipher.new()[0])
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 100)
    ours = {cipher.new()[0] for _ in range(200)}
    os.close(read)
    os.close(write)
    assert len(theirs) == 33 and len(ours) == 200 and theirs not in ours
