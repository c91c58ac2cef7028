"""Recorded histories: what ran once means the same on every later machine, bit for bit."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from eyeflow.ir import bytecode
from eyeflow.svm.journal import decode_event, encode_event
from svm.history import FOLDER, read

PATHS = sorted(FOLDER.glob("*.json"))


def test_there_are_histories():
    assert len(PATHS) >= 8


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_history_replays_to_its_trace_hash(path):
    kept = read(path)
    execution = kept.replayed()
    assert execution.program == kept.digest
    assert (execution.status, execution.trace_hash()) == (kept.status, kept.trace_hash)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_bytes_of_a_history_are_still_canonical(path):
    kept = read(path)
    program = b64decode(kept.program)
    assert bytecode.encode(bytecode.decode(program)) == program
    for event in kept.events:
        assert b64encode(encode_event(decode_event(b64decode(event)))).decode() == event
