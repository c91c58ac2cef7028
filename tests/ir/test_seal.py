"""Signatures: whose programs a machine runs."""

from __future__ import annotations

import os
import stat

import pytest
from msgspec.structs import replace

from eyeflow.errors import EyeFlowError, LoadError
from eyeflow.ir import seal
from eyeflow.ir.program import Artifact, Envelope
from ir.programs import WEATHER, program_of

KEY = seal.SigningKey(bytes(range(32)))
OTHER = seal.SigningKey(bytes(32))
FACTS = Envelope(program_digest="", sentence="weather", approver="me")


def refusal(artifact: Artifact, trust: seal.Trust) -> str:
    with pytest.raises(LoadError) as refused:
        seal.verify(artifact, trust)
    return refused.value.code


def test_a_sealed_program_is_accepted_where_its_signer_is_trusted():
    sealed = seal.seal(program_of(WEATHER), FACTS, KEY)
    seal.verify(sealed, seal.Trust((OTHER.signer, KEY.signer)))
    assert sealed.digest == seal.program_digest(program_of(WEATHER)) == sealed.envelope.program_digest
    assert sealed.envelope.key_id == KEY.signer.key_id


def test_acceptance_51_unauthorised_programs_are_refused():
    program = program_of(WEATHER)
    sealed = seal.seal(program, FACTS, KEY)
    assert refusal(sealed, seal.Trust((OTHER.signer,))) == "untrusted_signer"
    assert refusal(sealed, seal.Trust()) == "untrusted_signer"
    assert refusal(sealed, seal.Trust((KEY.signer,), revoked=frozenset([sealed.digest]))) == "revoked"
    unsigned = Artifact(sealed.program, sealed.digest, replace(FACTS, program_digest=sealed.digest))
    assert refusal(unsigned, seal.Trust((KEY.signer,))) == "untrusted_signer"


@pytest.mark.parametrize(
    "change", [{"approver": "somebody else"}, {"practice": True}, {"context_digest": "00"}, {"sentence": "other"}]
)
def test_every_fact_of_the_envelope_is_signed(change):
    sealed = seal.seal(program_of(WEATHER), FACTS, KEY)
    edited = Artifact(sealed.program, sealed.digest, replace(sealed.envelope, **change))
    assert refusal(edited, seal.Trust((KEY.signer,), practice=True)) == "untrusted_signer"


def test_a_signature_does_not_move_to_another_program():
    sealed = seal.seal(program_of(WEATHER), FACTS, KEY)
    other = seal.seal(replace(program_of(WEATHER), task="another"), FACTS, KEY)
    assert refusal(Artifact(other.program, other.digest, sealed.envelope), seal.Trust((KEY.signer,))) == "bad_digest"
    moved = replace(other.envelope, signature=sealed.envelope.signature)
    assert refusal(Artifact(other.program, other.digest, moved), seal.Trust((KEY.signer,))) == "untrusted_signer"


def test_practice_artifacts_run_only_in_practice():
    sealed = seal.seal(program_of(WEATHER), replace(FACTS, practice=True), KEY)
    assert refusal(sealed, seal.Trust((KEY.signer,))) == "practice_artifact"
    seal.verify(sealed, seal.Trust((KEY.signer,), practice=True))


def test_the_local_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    first = seal.local_key(tmp_path / "data")
    again = seal.local_key(tmp_path / "data")
    assert first.signer == again.signer
    assert stat.S_IMODE((tmp_path / "data" / seal.KEY_FILE).stat().st_mode) == 0o600
    assert list((tmp_path / "data").iterdir()) == [tmp_path / "data" / seal.KEY_FILE]
    assert seal.local_key(tmp_path / "other").signer != first.signer


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_key_others_can_read_is_refused(tmp_path):
    seal.local_key(tmp_path)
    (tmp_path / seal.KEY_FILE).chmod(0o644)
    with pytest.raises(EyeFlowError) as refused:
        seal.local_key(tmp_path)
    assert refused.value.code == "signing_key_unsafe"


@pytest.mark.parametrize("held", [b"", b"xyz", b"00" * 31, b"\xff" * 64])
def test_a_damaged_key_is_named(tmp_path, held):
    path = tmp_path / seal.KEY_FILE
    path.write_bytes(held)
    path.chmod(0o600)
    with pytest.raises(EyeFlowError) as refused:
        seal.local_key(tmp_path)
    assert refused.value.code == "signing_key_damaged"


def test_a_key_never_shows_itself():
    assert bytes(range(32)).hex() not in repr(KEY)
    assert repr(KEY) == f"SigningKey({KEY.signer.key_id})"
