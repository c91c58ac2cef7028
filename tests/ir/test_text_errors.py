"""What bad LLM-IR text is told: place, code, guilty words, hint; and that it is told soon."""

from __future__ import annotations

import time

import pytest

from eyeflow.ir.text import CODES, format_source, parse, parse_expression

CALL = "TASK t\n  ACTION a\n    TYPE connector_call\n    CONNECTOR c\n    FUNCTION f\n"
HEAD = "TASK t\n  "


@pytest.mark.parametrize(
    ("source", "place", "code", "words", "hint"),
    [
        ("", "1:1", "no_task", "no TASK", "start with TASK"),
        ("task t\n", "1:1", "unknown_line", "`task`", "in capitals: TASK"),
        ("TASK t\nTASK u\n", "2:1", "one_task_per_file", "`u`", "a file of its own"),
        ("TASK\n", "1:4", "unexpected_token", "a name", "write TASK daily_report"),
        ("ACTION a\n", "1:1", "misplaced_line", "`ACTION`", "it belongs in TASK"),
        (HEAD + "ACTON a\n    TYPE log\n", "2:3", "unknown_line", "`ACTON`", "did you mean ACTION?"),
        (HEAD + "INPUT a str\n", "2:11", "unknown_type", "`str`", "did you mean string?"),
        (HEAD + "INPUT a: string\n", "2:10", "unexpected_token", "`:`", "no colon here"),
        (HEAD + "INPUT a list\n", "2:11", "unknown_type", "`list`", "list<T>"),
        (HEAD + 'INPUT a string DEFAULT "{x}"\n', "2:26", "bad_value", "a default is a constant", "{{ and }}"),
        (HEAD + "INPUT a string\n  INPUT a string\n", "3:3", "duplicate_name", "`a`", "keep one"),
        (HEAD + "DURABLE jurnal\n", "2:11", "unknown_word", "`jurnal`", "did you mean journal?"),
        (HEAD + "DEADLINE 30 fortnights\n", "2:12", "bad_duration", "`fortnights`", "units are ms, s, m, h, d"),
        (HEAD + "DEADLINE 0.5ms\n", "2:12", "bad_duration", "0.5ms", "smallest step"),
        (HEAD + "TRIGGER schedule(25:00, daily)\n", "2:20", "bad_time", "`25:00`", "hours 0-23"),
        (HEAD + "TRIGGER schedule(09:00, dayly)\n", "2:27", "unknown_word", "`dayly`", "did you mean daily?"),
        (HEAD + "TRIGGER schedule(daily)\n", "2:20", "bad_time", "needs a time", "schedule(09:00, daily"),
        (HEAD + "TRIGGER schedule(09:00, hourly)\n", "2:27", "bad_time", "`09:00`", "00:00"),
        (HEAD + "TRIGGER schedule(09:00, weekly(MON))\n", "2:27", "bad_time", "`MON`", "MO, TU"),
        (HEAD + "TRIGGER schedule(09:00, monthly(32))\n", "2:27", "bad_time", "`32`", "1 to 31"),
        (HEAD + "TRIGGER schedul(09:00, daily)\n", "2:11", "unexpected_token", "`schedul`", "did you mean schedule?"),
        (HEAD + "TRIGGER manual()\n    WHERE x\n", "3:5", "misplaced_line", "WHERE", "WHEN"),
        (HEAD + "ACTION a\n    OUTPUT x\n", "2:3", "missing_line", "no TYPE", "add TYPE connector_call"),
        (HEAD + "ACTION a\n    TYPE conector_call\n", "3:10", "unknown_word", "`conector_call`", "connector_call?"),
        (HEAD + 'ACTION a\n    TYPE log\n    URL "x"\n    MESSAGE "x"\n', "4:5", "misplaced_line", "`URL`", "MESSAGE"),
        (
            HEAD + "ACTION a\n    TYPE wait\n    FOR 5m\n    UNTIL x\n",
            "5:5",
            "conflicting_lines",
            "`UNTIL`",
            "keep one",
        ),
        (HEAD + "ACTION a\n    TYPE log\n", "2:3", "missing_line", "MESSAGE", 'MESSAGE "Send it?"'),
        (CALL + "    TIMEOT 2s\n", "6:5", "unknown_line", "`TIMEOT`", "did you mean TIMEOUT?"),
        (CALL + "    OUTPUT WHERE\n", "6:12", "reserved_name", "`WHERE`", "another name"),
        (CALL + "    OUTPUT true\n", "6:12", "reserved_name", "`true`", "another name"),
        (CALL + "    OUTPUT x\n    OUTPUT y\n", "7:5", "repeated_line", "`OUTPUT`", "keep one"),
        (CALL + "      OUTPUT x\n", "6:7", "bad_indentation", "`OUTPUT`", "indent like `FUNCTION`"),
        (CALL + "   OUTPUT x\n", "6:4", "bad_indentation", "`OUTPUT`", "4 spaces in, this one 3"),
        (CALL + "\tOUTPUT x\n", "6:1", "unexpected_character", "u0009", "two spaces"),
        (CALL + "    FALLBACK\n", "6:5", "missing_line", "FALLBACK", "VALUE or actions"),
        (CALL + "    RETRY 0\n", "6:11", "bad_number", "`0`", "from 1"),
        (CALL + "    CACHE 5\n", "6:11", "unexpected_token", "a unit", "CACHE 5m"),
        (CALL + "    PARAMS {\n      a: 1\n    OUTPUT x\n", "6:12", "unclosed_bracket", "`{`", "add `}`"),
        (CALL + "    WHEN a)\n", "6:11", "unmatched_bracket", "`)`", "nothing is open"),
        (CALL + "    WHEN (a]\n", "6:12", "unmatched_bracket", "`]`", "`(` is still open"),
        (CALL + "    WHEN a = 1\n", "6:12", "unexpected_character", "`=`", "write =="),
        (CALL + "    WHEN a && b\n", "6:12", "unexpected_character", "`&`", "write AND"),
        (CALL + "    WHEN a and b\n", "6:12", "unexpected_token", "`and`", "in capitals: AND"),
        (CALL + "    WHEN a < b < c\n", "6:16", "unexpected_token", "`<`", "join comparisons with AND"),
        (CALL + "    WHEN d > 2026-01-01\n", "6:14", "unexpected_token", "`2026-01-01`", "date in quotes"),
        (CALL + "    WHEN FILTER(a, 1, b)\n", "6:20", "bad_value", "`FILTER`", "FILTER(list, item"),
        (CALL + "    WHEN a > 99999999999999999999999\n", "6:14", "bad_number", "too large", "18446744073709551615"),
        (CALL + "    WHEN a > 1e999\n", "6:14", "bad_number", "larger", "1.7e308"),
        (CALL + "    PARAMS { a: 1, a: 2 }\n", "6:20", "duplicate_name", "`a`", "keep one"),
        (CALL + "    PARAMS { a: 'x' }\n", "6:17", "unexpected_character", "`'`", "double quotes"),
        (CALL + '    PARAMS { a: "x\n', "6:17", "unclosed_string", "does not end", 'close it with "'),
        (CALL + '    PARAMS { a: """x\n', "6:17", "unclosed_string", "does not end", '"""'),
        (CALL + '    PARAMS { a: "\\q" }\n', "6:17", "bad_escape", "`\\q`", "\\\\"),
        (CALL + '    PARAMS { a: "\\ud83d" }\n', "6:17", "bad_escape", "surrogate", "both halves"),
        (CALL + '    PARAMS { a: "\u202e" }\n', "6:18", "hidden_character", "U+202E", "\\u202e"),
        (CALL + '    PARAMS { a: "x {y z} w" }\n', "6:20", "bad_template", "`y z`", "{{"),
        (CALL + '    PARAMS { a: "x } w" }\n', "6:20", "bad_template", "`}`", "}}"),
        (CALL + "    WHEN " + "[" * 70 + "]" * 70 + "\n", "6:74", "too_deep", "64", "transform"),
        (CALL + "    WHEN a" + " + a" * 70 + "\n", "6:10", "too_deep", "64", "transform"),
    ],
)
def test_a_mistake_is_told_with_place_words_and_hint(source: str, place: str, code: str, words: str, hint: str) -> None:
    task, report = parse(source, "x.eir")
    assert task is None
    (finding,) = report.diagnostics
    assert (f"{finding.place.line}:{finding.place.column}", finding.code) == (place, code), str(finding)
    assert words in finding.message
    assert hint in finding.hint
    assert str(finding).startswith(f"x.eir:{place}: error {code}")


def test_several_mistakes_are_told_at_once_in_order() -> None:
    source = (
        CALL
        + "    RETRY three\n    OUTPUT x\n  ACTION b\n    TYPE lg\n  ACTION c\n    TYPE log\n    MESAGE 1\n"
        + "  RETURN x y\n"
    )
    _, report = parse(source)
    found = [(finding.place.line, finding.code) for finding in report.diagnostics]
    assert found == [
        (6, "unexpected_token"),
        (9, "unknown_word"),
        (10, "missing_line"),
        (12, "unknown_line"),
        (13, "unexpected_token"),
    ]


def test_reading_stops_after_fifty_errors() -> None:
    _, report = parse("TASK t\n" + "  oops\n" * 500)
    assert len(report.diagnostics) == 51
    assert report.diagnostics[-1].code == "too_many_errors"


def test_no_finding_shows_the_words_of_a_parser_generator() -> None:
    for source in ("TASK t\n  TRIGGER x\n", "TASK t\n  RATE 1\n", "TASK t\n  INPUT\n", "TASK t\n  TRIGGER once(1)\n"):
        for finding in parse(source)[1].diagnostics:
            assert "Token(" not in str(finding)
            assert "ANON" not in str(finding)
            assert "RPAR" not in str(finding)


HOSTILE = {
    "a megabyte": "x" * 1_000_001,
    "lines": "zzz\n" * 200_000,
    "openings": "TASK x {\n" * 100_000,
    "brackets": "TASK t\n  RETURN " + "(" * 900_000,
    "operators": "TASK t\n  RETURN a" + "+a" * 450_000,
    "minuses": "TASK t\n  RETURN " + "- " * 19_000 + "a",
    "negations": "TASK t\n  RETURN " + "NOT " * 19_000 + "a",
    "digits": "TASK t\n  RETURN " + "9" * 900_000,
    "path": "TASK t\n  RETURN a" + ".b" * 400_000,
    "places": 'TASK t\n  RETURN "' + "{a}" * 300_000 + '"',
    "braces": 'TASK t\n  RETURN "' + "{" * 900_001 + '"',
    "quotes": '"\n' * 400_000,
    "triple": 'TASK t\n  RETURN """' + '""a\n' * 200_000,
    "types": "TASK t\n  INPUT a " + "list<" * 9_000 + "json" + ">" * 9_000,
    "blocks": "TASK t\n" + "".join(f"{'  ' * (2 * i + 1)}ACTION a\n{'  ' * (2 * i + 2)}FALLBACK\n" for i in range(300)),
    "indentation": "\n".join(" " * i + "TASK a" for i in range(1_300)),
    "nothing": "\0" * 900_000,
    "newlines": "\n" * 900_000,
    "surrogate": "TASK \ud800",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_quickly(name: str) -> None:
    parse_expression("1")
    began = time.perf_counter()
    task, report = parse(HOSTILE[name])
    assert time.perf_counter() - began < 5
    assert task is None
    assert report.errors
    assert all(len(str(finding)) < 1_000 for finding in report.diagnostics)


def test_text_the_size_of_a_large_program_is_read() -> None:
    body = "".join(
        f"  ACTION a{i}\n    TYPE transform\n    VALUE ADD(b{i}.c, {i})\n    OUTPUT c{i}\n" for i in range(800)
    )
    task, report = parse("TASK t\n" + body)
    assert report.ok
    assert task is not None
    assert len(task.actions) == 800
    assert format_source("TASK t\n" + body)[1].ok


def test_every_code_has_a_meaning() -> None:
    assert all(code.replace("_", "").islower() and text.endswith(".") for code, text in CODES.items())
