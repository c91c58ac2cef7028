"""Conditionals: what is found, and what looks like it and is not."""

from __future__ import annotations

import pytest

from eyeflow.diagnostics import Severity
from ir.programs import WEATHER, context
from verify.proving import branching, codes, fixed, only, proved


def said(*conditions: str) -> list[str]:
    return codes(proved(branching(*conditions)))


def test_the_weather_rule_leaves_50_to_75_to_default_and_nothing_else_is_found() -> None:
    finding = only(proved(WEATHER, context()))
    assert finding.code == "hidden_gap"
    assert finding.severity is Severity.NOTE
    expected = "when weather_data.temp is from 50 to 75, 60 for example, no condition holds and DEFAULT is taken"
    assert finding.message == expected
    assert finding.place.span is not None
    assert WEATHER[finding.place.span.start :].startswith("DEFAULT")


def test_a_condition_that_no_data_meets() -> None:
    text = branching("AND(GT(input.x, 75), LT(input.x, 50))", "EQ(input.n, 1)")
    finding = only(proved(text))
    assert finding.code == "contradiction"
    assert finding.message == "no input.x is both above 75 and below 50: the branch `b1` never runs"
    assert finding.severity is Severity.WARNING
    assert proved(fixed(text, finding)) == []


def test_only_the_parts_that_exclude_each_other_are_named() -> None:
    finding = only(proved(branching('AND(EQ(input.s, "a"), AND(GT(input.x, 75), input.ok), LE(input.x, 75))')))
    assert finding.message.startswith("no input.x is both above 75 and at most 75:")


@pytest.mark.parametrize(
    "condition",
    [
        "AND(GE(input.x, 75), LE(input.x, 75))",
        "OR(GT(input.x, 75), LT(input.x, 50))",
        "AND(GT(input.x, 5), LT(input.x, 6))",
        "AND(GT(input.n, 5), LT(input.n, 7))",
        "AND(GT(input.x, 75), LT(input.n, 50))",
    ],
)
def test_conditions_that_something_meets(condition: str) -> None:
    assert said(condition) == []


def test_no_whole_number_lies_between_neighbours() -> None:
    assert said("AND(GT(input.n, 5), LT(input.n, 6))") == ["contradiction"]


def test_a_branch_that_an_earlier_one_covers() -> None:
    text = branching("GT(input.x, 75)", "GT(input.x, 90)")
    finding = only(proved(text))
    assert finding.code == "unreachable_branch"
    expected = "whenever input.x is above 90, it is above 75 as well, which comes first: the branch `b2` never runs"
    assert finding.message == expected + " (when input.x is 91, the branch `b1` is taken)"
    assert finding.place.span is not None
    assert text[finding.place.span.start : finding.place.span.end] == "GT(input.x, 90)"
    assert proved(fixed(text, finding)) == []


def test_bands_from_the_narrowest_are_in_order() -> None:
    assert said("GE(input.x, 90)", "GE(input.x, 80)", "GE(input.x, 70)") == []


def test_a_branch_that_several_cover_together() -> None:
    conditions = ("GT(input.n, 5)", "LT(input.n, 5)", "EQ(input.n, 5)", "GT(input.n, 0)")
    finding = only(proved(branching(*conditions, default="NOTHING")))
    assert finding.code == "unreachable_branch"
    assert "input.n is above 0, it is above 5" not in finding.message
    assert "one of the 3 conditions before it holds" in finding.message


def test_a_condition_said_twice() -> None:
    found = proved(branching('EQ(input.s, "a")', 'EQ(input.s, "b")', 'EQ(input.s, "a")'))
    assert "the same condition has taken it before: the branch `b3` never runs" in only(found).message


def test_a_condition_that_always_holds_leaves_nothing_to_the_rest() -> None:
    assert said("OR(GT(input.x, 5), LE(input.x, 5))") == ["always_true"]
    assert said("OR(GT(input.x, 5), LT(input.x, 5))") == []


def test_default_with_content_that_never_runs() -> None:
    assert said("GT(input.x, 5)", "LE(input.x, 5)") == ["unreachable_default"]
    assert codes(proved(branching("GT(input.x, 5)", "LE(input.x, 5)", default="NOTHING"))) == []


def test_overlap_has_an_example_that_meets_both() -> None:
    finding = only(proved(branching("GT(input.x, 100)", 'EQ(input.s, "FR")')))
    assert (finding.code, finding.severity) == ("overlapping_branches", Severity.NOTE)
    assert finding.message == (
        'when input.x is 101 and input.s is "FR", the conditions of the branch `b1` and the branch `b2` both hold, '
        "and the first of them is taken"
    )


def test_overlap_of_one_number() -> None:
    finding = only(proved(branching("GT(input.x, 50)", "LT(input.x, 60)", default="NOTHING")))
    assert finding.code == "overlapping_branches"
    assert "when input.x is 55," in finding.message


@pytest.mark.parametrize(
    ("conditions", "stretch"),
    [
        (("GT(input.x, 50)", "LT(input.x, 50)"), "is exactly 50,"),
        (("GE(input.x, 75)", "LE(input.x, 50)"), "is above 50 and below 75, 60 for example,"),
        (("GT(input.x, 75)", "LE(input.x, 50)"), "is above 50 and up to 75, 60 for example,"),
        (("GE(input.x, 0.75)", "LT(input.x, 0.5)"), "is from 0.5 to below 0.75, 0.6 for example,"),
        (("GE(input.n, 11)", "LE(input.n, 9)"), "is exactly 10,"),
        (("GT(input.n, 11)", "LT(input.n, 9)"), "is from 9 to 11, 10 for example,"),
        (("IS_NULL(input.o)", "GT(input.o, 3)", "LT(input.o, 3)"), "input.o is exactly 3,"),
        (('GT(input.on, "2026-06-30")', 'LT(input.on, "2026-06-01")'), "is from 2026-06-01 to 2026-06-30, "),
        (("GT(input.data.n, 5)", "LT(input.data.n, 3)"), "when input.data.n is from 3 to 5, 4 for example,"),
        (("GT(COUNT(input.tags), 5)", "LT(COUNT(input.tags), 5)"), "when COUNT(input.tags) is exactly 5,"),
    ],
)
def test_gaps_are_exact(conditions: tuple[str, ...], stretch: str) -> None:
    finding = only(proved(branching(*conditions)))
    assert finding.code == "hidden_gap"
    assert stretch in finding.message


@pytest.mark.parametrize(
    "conditions",
    [
        ("GT(input.x, 75)",),
        ("GT(input.x, 75)", "GT(input.x, 50)"),
        ("GE(input.x, 50)", "LT(input.x, 50)"),
        ("GT(input.n, 10)", "LT(input.n, 11)"),
        ("EQ(input.n, 1)", "EQ(input.n, 2)", "EQ(input.n, 5)"),
        ("NE(input.n, 5)",),
        ("OR(LT(input.x, 50), GT(input.x, 75))", "EQ(input.x, 60)"),
    ],
)
def test_what_is_left_to_default_on_purpose_is_no_gap(conditions: tuple[str, ...]) -> None:
    assert "hidden_gap" not in said(*conditions)


def test_units_meet_exactly() -> None:
    finding = only(proved(branching("GT(input.warm, 86 fahrenheit)", "GT(input.warm, 30 celsius)")))
    assert finding.code == "unreachable_branch"
    assert "(when input.warm is 31 celsius," in finding.message
    assert said("GT(input.warm, 86 fahrenheit)", "GT(input.warm, 29.9 celsius)") == []
    gap = only(proved(branching("GT(input.warm, 86 fahrenheit)", "LT(input.warm, 10 celsius)")))
    assert "from 10 celsius to 30 celsius, 20 celsius for example" in gap.message


def test_the_same_words_of_missing_data() -> None:
    assert said("IS_NULL(input.o)", "AND(NOT(IS_NULL(input.o)), GT(input.o, 3))") == []
    assert said("IS_NULL(input.o)", "EQ(input.o, null)") == ["unreachable_branch"]
    assert said("AND(IS_NULL(input.o), EQ(input.o, 3))") == ["contradiction"]
    assert said("NE(input.o, 3)", "IS_NULL(input.o)") == ["unreachable_branch"]
    assert said("EQ(COALESCE(input.o, 0), 0)", "IS_NULL(input.o)") == ["unreachable_branch"]
    assert said("EQ(COALESCE(input.o, 0), 1)", "IS_NULL(input.o)") == []


def test_text() -> None:
    assert said('AND(STARTS_WITH(input.s, "ab"), EQ(input.s, "ba"))') == ["contradiction"]
    assert said('CONTAINS(input.s, "b")', 'EQ(input.s, "xby")') == ["unreachable_branch"]
    assert said('CONTAINS(input.s, "B")', 'EQ(input.s, "xby")') == []
    assert said('AND(STARTS_WITH(input.s, "ab"), ENDS_WITH(input.s, "ba"), EQ(LEN(input.s), 3))') == []
    assert said('AND(STARTS_WITH(input.s, "ab"), ENDS_WITH(input.s, "cd"), LT(LEN(input.s), 4))') == ["contradiction"]
    assert said('IN(input.s, ["a", "b"])', 'EQ(input.s, "b")') == ["unreachable_branch"]
    assert said('IN(input.s, ["a", "b"])', 'EQ(input.s, "c")') == []


def test_backslashes_and_other_letters_are_what_they_are() -> None:
    assert said('AND(EQ(input.s, "\\\\u{{41}}"), EQ(input.s, "A"))') == ["contradiction"]
    assert said('AND(EQ(input.s, "\\\\u{{41}}"), CONTAINS(input.s, "u{{4"))') == []
    assert said('AND(EQ(input.s, "é日本"), CONTAINS(input.s, "日"))') == []
    assert said('AND(EQ(input.s, "\U0010ffff"), EQ(input.s, "\U0010fffe"))') == []  # beyond the solver: nothing is said


def test_json_of_two_kinds() -> None:
    assert said('AND(EQ(input.data.a, "x"), EQ(input.data.a, 1))') == ["contradiction"]
    assert said('AND(EQ(input.data.a, "x"), GT(input.data.a, 1))') == ["contradiction"]
    assert said('OR(EQ(input.data.a, "x"), EQ(input.data.a, 1))') == []


def test_arithmetic_on_numbers_is_not_taken_for_exact() -> None:
    assert said("GT(ADD(input.x, 1), input.x)") == []
    assert said("GT(ADD(input.n, 1), input.n)") == ["always_true"]
    assert said("AND(GT(MUL(input.x, 2), 8), LT(MUL(input.x, 2), 7))") == ["contradiction"]


def test_whole_numbers_beyond_doubles_are_not_taken_for_exact() -> None:
    beyond = "AND(GT(input.n, {0}), LE({1}, {0}.0))".replace("{0}", "9007199254740992")
    assert said(beyond.replace("{1}", "COALESCE(input.n, 0.5)")) == []
    assert said(beyond.replace("{1}", "input.n")) == ["contradiction"]
    assert said("AND(GT(input.n, 900), LE(input.n, 900.5))") == ["contradiction"]


def test_now_is_another_moment_each_time() -> None:
    assert said('AND(GT(NOW(), "2030-01-01"), LT(NOW(), "2030-01-01"))') == []
    assert said('AND(GT(now, "2030-01-01"), LT(now, "2030-01-01"))') == ["contradiction"]


def test_what_is_not_understood_is_still_the_same_thing() -> None:
    assert said('AND(MATCHES(input.s, "^a"), NOT(MATCHES(input.s, "^a")))') == ["contradiction"]
    assert said('MATCHES(input.s, "^a")', 'MATCHES(input.s, "^b")') == []


def test_nested_conditionals_know_where_they_stand() -> None:
    text = """\
TASK t
  INPUT n integer

  ACTION outer
    TYPE conditional
    CONDITION GT(input.n, 10)
      BRANCH many
        ACTION inner
          TYPE conditional
          CONDITION LT(input.n, {limit})
            BRANCH few
              ACTION say
                TYPE log
                MESSAGE "few"
          DEFAULT
            NOTHING
    DEFAULT
      NOTHING
"""
    finding = only(proved(text.replace("{limit}", "5")))
    assert finding.code == "contradiction"
    expected = "here input.n is above 10 (CONDITION 1 of outer), so never input.n is below 5"
    assert finding.message == f"{expected}: the branch `few` never runs"
    assert finding.place.path == "outer.inner.condition 1"
    assert proved(text.replace("{limit}", "50")) == []
