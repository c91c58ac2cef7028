"""Whether values are of their types."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from eyeflow.conform import checker, conform, pattern_problem
from eyeflow.values import (
    BOOLEAN,
    BYTES,
    DATE,
    DURATION,
    INTEGER,
    JSON,
    NULL,
    NUMBER,
    STRING,
    TIME,
    TIMESTAMP,
    Field,
    ListOf,
    MapOf,
    Nullable,
    ObjectOf,
    Type,
    Value,
    literal,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VALUES: list[tuple[Value, set[Type]]] = [
    ("x", {STRING}),
    (1, {INTEGER, NUMBER}),
    (1.5, {NUMBER}),
    (float("nan"), set()),
    (True, {BOOLEAN}),
    (None, {NULL}),
    (b"x", {BYTES}),
    (date(2026, 1, 1), {DATE}),
    (time(9), {TIME}),
    (NOW, {TIMESTAMP}),
    (datetime(2026, 1, 1), set()),
    (timedelta(1), {DURATION}),
]


@pytest.mark.parametrize(("value", "fits"), VALUES)
def test_each_value_has_just_its_own_types(value: Value, fits: set[Type]) -> None:
    for of in (STRING, INTEGER, NUMBER, BOOLEAN, NULL, BYTES, DATE, TIME, TIMESTAMP, DURATION):
        assert (checker(of)(value) is None) == (of in fits), of
    assert checker(JSON)(value) is None


@pytest.mark.parametrize(
    ("of", "good", "bad"),
    [
        (DATE, "2026-02-28", "2026-02-30"),
        (TIME, "09:00", "9am"),
        (TIMESTAMP, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
        (DURATION, "PT1H30M", "P"),
        (DURATION, "P3W", "PT"),
        (BYTES, "aGk=", "hi!"),
        (INTEGER, 5.0, 5.5),
    ],
)
def test_json_spellings(of: Type, good: Value, bad: Value) -> None:
    assert checker(of, wire=True)(good) is None
    assert checker(of, wire=True)(bad) is not None
    assert checker(of)(good) is not None


LINE = ObjectOf((Field("price", NUMBER), Field("tags", MapOf(STRING), required=False), Field("note", STRING, False)))
ORDER = ObjectOf(
    (
        Field("id", STRING),
        Field("note", STRING, required=False),
        Field("lines", ListOf(LINE)),
        Field("due", Nullable(DATE)),
    )
)


WANTS_NUMBER = "must be number, not string"
WANTS_STRING = "must be string, not integer"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"note": None, "extra": object}, []),
        ({"due": None}, []),
        ({"id": 5}, [("id", "type_mismatch", WANTS_STRING)]),
        ({"lines": {}}, [("lines", "type_mismatch", "must be list, not object")]),
        ({"lines": [{"price": 1}, {"price": "1"}]}, [("lines[1].price", "type_mismatch", WANTS_NUMBER)]),
        ({"lines": [{"price": 1, "tags": {"a": 1}}]}, [("lines[0].tags.a", "type_mismatch", WANTS_STRING)]),
        ({"lines": [{}]}, [("lines[0].price", "missing_field", "`price` is missing")]),
        ({"id": 1, "due": 1}, [("id", "type_mismatch", WANTS_STRING),
                               ("due", "type_mismatch", "must be date, not integer")]),
    ],
)  # fmt: skip
def test_the_path_leads_to_the_wrong_place(change: dict[str, Value], found: list[tuple[str, str, str]]) -> None:
    value: dict[str, Value] = {"id": "a", "lines": [], "due": date(2026, 1, 1)} | change
    assert [(each.path, each.code, each.message) for each in conform(value, ORDER)] == found
    first = checker(ORDER)(value)
    assert (first is None) == (not found)


def test_a_missing_field_and_a_value_of_another_kind() -> None:
    assert [each.code for each in conform({}, ORDER)] == ["missing_field"] * 3
    assert [each.message for each in conform([], ORDER)] == ["must be object, not list"]


@pytest.mark.parametrize(
    ("field", "good", "bad", "code"),
    [
        (Field("x", STRING, max_length=2), "éé", "abc", "too_long"),
        (Field("x", STRING, min_length=1), "a", "", "too_short"),
        (Field("x", STRING, enum=("a", "b")), "a", "c", "not_in_enum"),
        (Field("x", INTEGER, enum=("1", "2")), 1, 3, "not_in_enum"),
        (Field("x", NUMBER, enum=("1", "2.5")), 1.0, 2, "not_in_enum"),
        (Field("x", BOOLEAN, enum=("true",)), True, False, "not_in_enum"),
        (Field("x", INTEGER, minimum=1), 1, 0, "out_of_range"),
        (Field("x", NUMBER, maximum=1.5), 1.5, 1.6, "out_of_range"),
        (Field("x", ListOf(STRING), max_items=1), ["a"], ["a", "b"], "too_many_items"),
        (Field("x", ListOf(STRING), min_items=1), ["a"], [], "too_few_items"),
        (Field("x", ListOf(STRING), items=Field("", STRING, enum=("a",))), ["a", "a"], ["a", "b"], "not_in_enum"),
        (Field("x", STRING, pattern="^a+$"), "aa", "ab", "pattern_mismatch"),
        (Field("x", STRING, format="email"), "a@b.io", "a@b@c", "format_mismatch"),
        (Field("x", STRING, format="email"), "a@b.io", "a@b.io\r\nBcc: c@d.io", "format_mismatch"),
        (Field("x", STRING, format="uri"), "https://a.example/x", "a.example", "format_mismatch"),
        (Field("x", STRING, format="ipv4"), "1.2.3.4", "1.2.3", "format_mismatch"),
        (Field("x", STRING, format="uuid"), "0" * 8 + "-0000-0000-0000-" + "0" * 12, "0", "format_mismatch"),
        (Field("x", Nullable(STRING), max_length=1), None, "ab", "too_long"),
    ],
)
def test_limits_of_a_field(field: Field, good: Value, bad: Value, code: str) -> None:
    assert conform(good, field) == []
    assert [each.code for each in conform(bad, field)] == [code]


def test_a_hostile_pattern_takes_linear_time() -> None:
    assert [each.code for each in conform("a" * 50_000 + "!", Field("x", STRING, pattern="(a+)+$"))] == [
        "pattern_mismatch"
    ]


def test_patterns_that_cannot_be_checked_are_known() -> None:
    assert pattern_problem("^a$") is None
    assert pattern_problem("(?=a)b") and pattern_problem("(") and pattern_problem("a" * 5 + "{1000}" * 4)
    assert conform("anything", Field("x", STRING, pattern="(?=a)b")) == []


def test_a_secret_is_not_repeated() -> None:
    field = Field("x", STRING, enum=("a",), secret=True, default=literal("a"))
    (problem,) = conform("hunter2", field)
    assert "hunter2" not in problem.message
