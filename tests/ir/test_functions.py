"""The function table: every row has an example that holds, and no function surprises."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from eyeflow.errors import RunError
from eyeflow.ir.check import check_expression
from eyeflow.ir.evaluate import expression_closure
from eyeflow.ir.functions import BY_NUMBER, FUNCTIONS, TABLE, Function, binds
from eyeflow.ir.functions.row import MAX_INTEGER_BITS, MAX_TEXT
from eyeflow.ir.text import parse_expression
from eyeflow.recurrence.wall import zone_of
from eyeflow.values import Value

NAMES = (  # noqa: SIM905 - one list, as the design prints it
    "GT GE LT LE EQ NE AND OR NOT IN CONTAINS STARTS_WITH ENDS_WITH MATCHES IS_NULL COALESCE IF ADD SUB MUL DIV MOD "
    "ROUND ABS MIN MAX SUM AVG COUNT LEN UPPER LOWER TRIM SPLIT JOIN REPLACE SLICE CONCAT FORMAT MAP FILTER SORT_BY "
    "UNIQUE GROUP_BY FIRST LAST TOP KEYS VALUES GET MERGE PARSE_JSON TO_JSON TO_NUMBER TO_STRING NOW DATE_ADD "
    "DATE_DIFF FORMAT_DATE UUID HASH BASE64 URL_ENCODE"
).split()


def value_of(text: str) -> Value:
    parsed, report = parse_expression(text)
    assert parsed is not None, report
    typed, report = check_expression(parsed, {})
    assert typed is not None, [str(d) for d in report.diagnostics]
    return expression_closure(typed, (), zone_of("UTC"))()


def run(name: str, *args: object) -> Value:
    return FUNCTIONS[name].run(*args)


def test_the_table_is_the_list_of_the_design() -> None:
    assert [row.name for row in TABLE] == list(FUNCTIONS)
    assert sorted(FUNCTIONS) == sorted(NAMES)
    assert len(BY_NUMBER) == len(TABLE)


@pytest.mark.parametrize("row", [r for r in TABLE if not r.journaled], ids=lambda r: r.name)
def test_the_example_of_every_row_holds(row: Function) -> None:
    expression, wanted = row.example
    assert value_of(expression) == msgspec.json.decode(wanted)
    assert row.doc.endswith(".")


def test_the_named_form_is_known_by_the_number_of_arguments() -> None:
    assert binds("SUM", 3) and binds("TOP", 4) and binds("FILTER", 3)
    assert not binds("SUM", 1) and not binds("MAX", 3) and not binds("nothing", 3)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("EQ(1, 1.0)", True),
        ("EQ(null, null)", True),
        ("EQ([1, {a: 2}], [1.0, {a: 2}])", True),
        ("NE(null, 1)", True),
        ("ROUND(2.675, 2)", 2.68),
        ("ROUND(-2.5)", -3),
        ("ROUND(1250, -2)", 1300.0),
        ("MOD(-7, 3)", 2),
        ("DIV(1, 4)", 0.25),
        ("SUM([0.1, 0.2, 0.3])", 0.6),
        ("SUM([])", 0),
        ("AVG([])", None),
        ("MAX([])", None),
        ("MAX([null, 2, 1])", 2),
        ('SORT_BY([{n: 2}, {n: null}, {n: 1}], x, x.n, "desc")', [{"n": 2}, {"n": 1}, {"n": None}]),
        ("GROUP_BY([1, 2, 3], n, MOD(n, 2))", [{"key": 1, "items": [1, 3]}, {"key": 0, "items": [2]}]),
        ("FIRST([1, 5, 7], n, GT(n, 4))", 5),
        ("LAST([])", None),
        ('UPPER("straße")', "STRASSE"),
        ('LOWER("ΟΔΟΣ")', "οδοσ"),
        ('LEN("a😀")', 2),
        ('SLICE("abc", -2)', "bc"),
        ('JOIN([1.50, null, true], "|")', "1.5|true"),
        ('CONCAT("a", null, 2.0)', "a2"),
        ("CONCAT([1], [2.5])", [1, 2.5]),
        ("GET([1, 2], -1)", 2),
        ('GET(PARSE_JSON("{{}}"), "x", 7)', 7),
        ('PARSE_JSON("123456789012345678901234567890")', 123456789012345678901234567890),
        ('DATE_ADD("2026-01-31T00:00:00Z", 30 minutes)', datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ('DATE_DIFF("2026-03-01T00:00:00Z", "2026-01-31T00:00:00Z", "months")', 1),
        ('FORMAT_DATE("2026-07-01T22:30:00Z", "dddd [at] h:mm A", "Europe/Paris")', "Thursday at 12:30 AM"),
        ("SUB(2 hours, 30 minutes)", timedelta(minutes=90)),
        ("GT(86 fahrenheit, 29.9 celsius)", True),
        ("EQ(30 celsius, 86 fahrenheit)", True),
        ("GT(500 usd, 49999 cents)", True),
        ("DIV(1 hours, 30 minutes)", 2.0),
        ('URL_ENCODE("a/ü")', "a%2F%C3%BC"),
        ('IF(GT(2, 1), "x", 3)', "x"),
        ('AND(false, GT(DIV(1, LEN("")), 0))', False),
    ],
)
def test_what_functions_give(expression: str, wanted: Value) -> None:
    assert value_of(expression) == wanted


def test_comparison_across_units_is_exact() -> None:
    """85 F is 29.4444... C: neither rounding nor floats may decide."""
    assert run("GT", 85, 29.444444, "fahrenheit", "celsius") is True
    assert run("EQ", 85, 29.444444, "fahrenheit", "celsius") is False


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("DIV", (1, 0), "evaluation"),
        ("MOD", (1.0, 0), "evaluation"),
        ("MUL", (1e308, 10.0), "evaluation"),
        ("ADD", (1 << MAX_INTEGER_BITS, 1 << MAX_INTEGER_BITS), "output_limit"),
        ("MUL", (1 << 3000, 1 << 3000), "output_limit"),
        ("SUM", ([1e308, 1e308],), "evaluation"),
        ("REPLACE", ("a" * 10_000, "a", "b" * 10_000), "output_limit"),
        ("REPLACE", ("a", "", "b"), "evaluation"),
        ("CONCAT", ("a" * MAX_TEXT, "b"), "output_limit"),
        ("JOIN", (["a" * MAX_TEXT, "b"], ""), "output_limit"),
        ("UPPER", ("ß" * MAX_TEXT,), "output_limit"),
        ("SPLIT", ("a", ""), "evaluation"),
        ("PARSE_JSON", ("[" * 100_000,), "evaluation"),
        ("PARSE_JSON", ("[" * 300 + "]" * 300,), "evaluation"),
        ("PARSE_JSON", ("NaN",), "evaluation"),
        ("PARSE_JSON", ("1e400",), "evaluation"),
        ("TO_NUMBER", ("1,5",), "evaluation"),
        ("TO_NUMBER", ("Infinity",), "evaluation"),
        ("TO_NUMBER", ("",), "evaluation"),
        ("TO_JSON", ("\ud800",), "evaluation"),
        ("HASH", ("\ud800",), "evaluation"),
        ("MATCHES", ("a", "("), "evaluation"),
        ("MATCHES", ("\ud800", "a"), "evaluation"),
        ("MATCHES", ("a", "(?=a)"), "evaluation"),
        ("GT", (1, "a"), "type_mismatch"),
        ("GT", (True, False), "type_mismatch"),
        ("AND", (lambda: 1,), "type_mismatch"),
        ("CONTAINS", (5, 5), "type_mismatch"),
        ("SUM", (["1"],), "type_mismatch"),
        ("COUNT", ("abc",), "type_mismatch"),
        ("GET", ([1], "a"), "type_mismatch"),
        ("DATE_ADD", (date(9999, 12, 31), 1, "days"), "evaluation"),
        ("DATE_ADD", (date(2026, 1, 1), 10**30, "months"), "evaluation"),
        ("DATE_ADD", (date(2026, 1, 1), 1, "hours"), "evaluation"),
        ("FORMAT_DATE", (date(2026, 1, 1), "q"), "evaluation"),
        ("FORMAT_DATE", (date(2026, 1, 1), "YYYY", "Mars/Base"), "evaluation"),
        ("TOP", ([1], -1), "evaluation"),
        ("ROUND", (1.0, 99), "evaluation"),
    ],
)
def test_what_cannot_be_computed_is_a_typed_error(name: str, args: tuple[object, ...], code: str) -> None:
    with pytest.raises(RunError) as raised:
        run(name, *args)
    assert raised.value.code == code
    assert code in FUNCTIONS[name].errors or code == "type_mismatch"


def test_re2_is_linear() -> None:
    assert run("MATCHES", "a" * 100_000 + "!", "^(a+)+$") is False


def test_calendar_steps_follow_the_zone() -> None:
    """A day later is the same wall time, over the change to summer time too; in the gap the first valid instant."""
    before = datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    assert run("DATE_ADD", before, 1, "days", "Europe/Paris") == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    assert run("DATE_ADD", before, timedelta(days=1)) == datetime(2026, 3, 29, 8, 0, tzinfo=UTC)
    gap = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    assert run("DATE_ADD", gap, 1, "days", "Europe/Paris") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_letters_newer_than_unicode_14_keep_their_case() -> None:
    assert run("UPPER", "\u019b\u0264x") == "\u019b\u0264X"


def test_no_result_is_ever_not_a_number() -> None:
    for name in ("ADD", "SUB", "MUL"):
        with pytest.raises(RunError):
            run(name, *(1.7e308, -1.7e308 if name == "SUB" else 1.7e308))
    assert math.isfinite(float(run("DIV", 1, 3)))  # type: ignore[arg-type]
