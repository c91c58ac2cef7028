"""Every spelling of a program is read back as what was spelled: text, bytes, and text that was made from a sentence."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings

from eyeflow.compilation import Compilation, compile_in
from eyeflow.ir import bytecode
from eyeflow.ir.codegen import generate
from eyeflow.ir.text import format_source, parse, print_task, strip
from eyeflow.ir.validate import validate
from optimizer.programs import sources
from optimizer.world import CTX, planned, task_of
from properties import fingerprints

NAMES = [path.stem for path in sorted(fingerprints.FOLDER.glob("*.md"))]


@cache
def made() -> dict[str, Compilation]:
    """Every golden sentence, compiled."""
    return dict(fingerprints.requests())


@pytest.mark.parametrize("name", NAMES)
def test_the_text_of_a_sentences_program_compiles_to_the_same_program(name: str) -> None:
    """What a person reads and signs as LLM-IR is what the sentence became, to the last byte."""
    said = made()[name]
    for task in (said, *said.also):
        again = compile_in(said.context, task.ir, language="ir")
        assert again.program is not None, again.report
        assert bytecode.encode(again.program) == bytecode.encode(task.compiled.require())


@settings(max_examples=40, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
@given(sources(chain=False))
def test_acceptance_39_random_programs_are_read_back_from_text_and_bytes(source: str) -> None:
    task = task_of(source)
    text = print_task(task)
    read, report = parse(text)
    assert read is not None, report
    assert print_task(read) == text
    written = parse(source)[0]
    assert written is not None
    assert strip(parse(print_task(written))[0]) == strip(written)
    assert format_source(text)[0] == text
    program, report = generate(planned(task), CTX)
    assert program is not None, report
    assert validate(program).ok
    data = bytecode.encode(program)
    assert bytecode.decode(data) == program
    assert bytecode.encode(bytecode.decode(data)) == data
