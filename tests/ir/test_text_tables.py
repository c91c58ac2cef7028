"""The tables by which LLM-IR is read: those that ship are those of the grammar; no others are ever used."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tools.parse_tables import PATH, written

from eyeflow.ir.text import lalr, parse, vocabulary
from eyeflow.ir.text.expressions import parse_expression
from eyeflow.ir.text.tables import make_tables
from ir.programs import EVERYTHING, WEATHER


def test_the_tables_that_ship_are_those_of_the_grammar() -> None:
    """After a change of `grammar.lark`: `make docs`."""
    assert PATH.read_bytes() == written(make_tables()), "run `make docs`: grammar.json is not of this grammar"


@pytest.fixture
def fresh() -> object:
    """Nothing remembered, before and after."""
    lalr.tables.cache_clear()
    yield
    lalr.tables.cache_clear()


def test_tables_of_another_grammar_are_not_used(fresh: object, monkeypatch: pytest.MonkeyPatch) -> None:
    edited = vocabulary.grammar_text() + "\n// edited\n"
    monkeypatch.setattr(lalr, "grammar_text", lambda: edited)
    made = lalr.tables()
    assert made.grammar == lalr.grammar_digest() != lalr._shipped().grammar
    assert made.states == lalr._shipped().states, "a comment changes no table"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"grammar": 1}', b"[" * 5_000])
def test_damaged_tables_are_made_anew(
    fresh: object, monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory, content: bytes
) -> None:
    (tmp_path / lalr.FILE).write_bytes(content)  # type: ignore[operator]
    monkeypatch.setattr(lalr, "files", lambda _: tmp_path)
    assert lalr._shipped() is None
    assert len(lalr.tables().states) > 300


def test_reading_a_program_imports_no_parser_generator() -> None:
    code = (
        "import sys\nfrom eyeflow.ir.text import parse\n"
        "assert parse(sys.stdin.read())[0] is not None\nassert 'lark' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], input=WEATHER, text=True, check=True, timeout=60)


def test_what_could_stand_next_is_told_from_the_tables() -> None:
    _, report = parse_expression("1 + ")
    assert report.errors[0].message == "a value is wanted here, not the end of the line"
    _, report = parse_expression("GT(a b)")
    assert report.errors[0].message.startswith("an operator")
    assert parse(EVERYTHING)[0] is not None
