"""No constant and no argument is left out of a read-back, and no constant is taken for a part of a phrase."""

from __future__ import annotations

from typing import Any

import pytest

import eyeflow
from eyeflow.catalog.model import Connection
from eyeflow.frontend.readback.expressions import condition, value
from eyeflow.frontend.readback.phrases import BINDERS
from eyeflow.frontend.readback.steps import span
from eyeflow.ir.expr import Bind, Call, Convert, Expr, Lit, Ref, Template
from eyeflow.ir.functions import TABLE
from eyeflow.values import NUMBER, literal
from frontend.test_readback import told
from frontend.told import shipped

CALLS = [
    (row, count)
    for row in TABLE
    for count in range(row.least, (row.most if row.most is not None else row.least + 2) + 1)
    if not row.binds(count)
]


def named(each: Any) -> str:
    return str(getattr(each, "name", each))


def call(name: str, *args: Any) -> Call:
    return Call(name, tuple(arg if isinstance(arg, Expr) else Lit(arg) for arg in args))


@pytest.mark.parametrize(("row", "count"), CALLS, ids=named)
def test_every_argument_is_said(row: Any, count: int) -> None:
    said = value(call(row.name, *(f"k{number}" for number in range(count))), {})
    assert all(f"k{number}" in said for number in range(count))
    assert "{" not in said


@pytest.mark.parametrize("row", [row for row in TABLE if row.binder], ids=named)
def test_every_binder_says_source_body_and_rest(row: Any) -> None:
    rest = tuple(Lit(f"r{number}") for number in range(max(0, (row.most or 3) - 3)))
    said = value(Bind(row.name, Ref("rows"), "i", call("GT", Ref("i", ("a",)), "body"), rest), {})
    assert "rows" in said
    assert "body" in said
    assert all(f"r{number}" in said for number in range(len(rest)))
    assert row.name in BINDERS


def test_constants_are_not_places() -> None:
    assert value(call("REPLACE", "{1} {2}", "x", "y"), {}) == "“{1} {2}” with “x” replaced by “y”"
    assert "{body?}" in value(Bind("FILTER", Lit("{body?}"), "i", Lit(True)), {})
    assert value(call("CONCAT", "{*}", Ref("n")), {}) == "“{*}[n]”"


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        (Bind("TOP", Ref("deals"), "d", Ref("d", ("amount",)), (Lit(2),)),
         "the top 2 of deals by its amount"),
        (call("TOP", Ref("deals"), 2), "the first 2 of deals"),
        (Bind("SORT_BY", Ref("deals"), "d", Ref("d", ("amount",)), (Lit("desc"),)),
         "deals sorted by its amount, largest first"),
        (Bind("SORT_BY", Ref("deals"), "d", Ref("d", ("amount",))), "deals sorted by its amount, smallest first"),
        (Bind("LAST", Ref("deals"), "d", call("EQ", Ref("d", ("stage",)), "won")),
         "the last of deals where its stage is “won”"),
        (call("ADD", 1, 2, 3), "1 plus 2 plus 3"),
        (call("MUL", call("ADD", 1, 2), 3), "(1 plus 2) times 3"),
        (call("COALESCE", Ref("a"), Ref("b"), "c"), "the first that is not missing of a, b, “c”"),
        (call("ROUND", Ref("a")), "a, rounded to a whole number"),
        (call("ROUND", Ref("a"), 2), "a, rounded to 2 places"),
        (call("JOIN", Ref("a")), "a joined by “, ”"),
        (call("SLICE", Ref("a"), 2), "a from position 2 to the end (counted from 0)"),
        (call("SLICE", Ref("a"), 0, 3), "the first 3 of a"),
        (call("GET", Ref("a"), "k", 0), "“k” of a, or 0 when missing"),
        (call("DATE_ADD", Ref("a"), 3, "months", "UTC"), "a plus 3 months in the time of UTC"),
        (call("DATE_DIFF", Ref("a"), Ref("b"), "days"), "the time from b to a in whole days"),
        (call("FORMAT_DATE", Ref("a"), "D MMM"), "a written as “D MMM”"),
        (call("HASH", Ref("a")), "the sha256 hash of a"),
        (call("HASH", Ref("a"), "md5"), "the md5 hash of a"),
        (Lit(0.0000005), "5e-07"),
        (Lit(1234.5), "1,234.5"),
    ],
)  # fmt: skip
def test_phrases(expr: Expr, said: str) -> None:
    assert value(expr, {}) == said


def test_which_condition_belongs_to_which_is_said() -> None:
    a, b, c = (call("EQ", Ref(name), 1) for name in "abc")
    assert condition(call("OR", call("AND", a, b), c), {}) == "(a is 1 and b is 1) or c is 1"
    assert condition(call("AND", call("AND", a, b), c), {}) == "a is 1 and b is 1 and c is 1"
    assert condition(call("AND", call("NOT", call("AND", a, b)), c), {}) == "(a is not 1 or b is not 1) and c is 1"


def test_an_item_inside_an_item_has_a_name_of_its_own() -> None:
    inner = Bind("COUNT", Ref("orders"), "o", call("EQ", Ref("o", ("by",)), Ref("c", ("id",))))
    outer = Bind("FILTER", Ref("customers"), "c", call("GT", inner, 3))
    assert value(outer, {}) == (
        "those of customers where the number of orders where the o’s by is its id is more than 3"
    )


def test_what_the_checker_put_around_a_text_does_not_hide_it() -> None:
    wrapped = Convert(Template(("desc",)), "check", NUMBER)
    said = value(Bind("SORT_BY", Ref("rows"), "r", Ref("r"), (wrapped,)), {})
    assert said == "rows sorted by it, largest first"


def test_what_the_catalog_and_the_accounts_filled_in_is_listed() -> None:
    back = told('Email kim@acme.io "Hello"').readback
    assert 'message.subject = "Message from EyeFlow" (the catalog\'s default)' in back.assumed
    back = told("Send weather to Slack every morning at 9am").readback
    assert "weather.location = Paris (your profile)" in back.assumed
    text = """TASK t
  ACTION a
    TYPE connector_call
    CONNECTOR mail
    FUNCTION send
    PARAMS { body: "Hi" }
"""
    own = Connection(name="mail", service="email", defaults=(("to", literal("a@b.io")),))
    made = eyeflow.compile(text, catalog=shipped(), connections=(own,))
    assert made.outcome == "program", made.report.errors
    assert 'a.to = "a@b.io" (the default of the connection mail)' in made.readback.assumed


def test_how_long_how_often_and_what_is_given_is_said() -> None:
    text = """TASK t
  INPUT name string DEFAULT "you"
  TRIGGER once("2099-12-24T17:00", "Europe/Paris") MISSED skip
  ACTION a
    TYPE connector_call
    CONNECTOR email
    FUNCTION send
    PARAMS { to: "a@b.io", body: "Hi {input.name}" }
    TIMEOUT 7s
    RETRY 3 BACKOFF exponential(1s, 3, 9s)
"""
    made = eyeflow.compile(text, catalog=shipped())
    assert made.outcome == "program", made.report.errors
    said = made.readback.text()
    for part in (
        "not later when that was missed", 'name (“you” when left out)', "giving up after 7 seconds",
        "up to 3 times", "first 1 second apart", "3 times longer", "at most 9 seconds",
    ):  # fmt: skip
        assert part in said


@pytest.mark.parametrize(
    ("ms", "said"),
    [(90_000, "90 seconds"), (3_600_000, "1 hour"), (605_400_000, "7 days and 10 minutes"), (0, "0 ms"),
     (1_500, "1,500 ms"), (9 * 86_400_000, "9 days"), (12_000_000, "3 hours and 20 minutes")],
)  # fmt: skip
def test_a_length_of_time_is_counted_as_people_count(ms: int, said: str) -> None:
    assert span(ms) == said


def said_of(text: str) -> str:
    made = eyeflow.compile(text, catalog=shipped())
    assert made.outcome == "program", made.report.errors
    return made.readback.text()


LOGS = """
  ACTION a
    TYPE log
    MESSAGE "hello"
"""


def test_of_several_triggers_each_has_a_line_so_that_none_looks_like_a_condition_of_another() -> None:
    text = """TASK t
  INPUT most integer<cents> DEFAULT 50000
  TRIGGER schedule(cron "*/15 9-17 * * 1-5", "UTC") MISSED skip OVERLAP queue
  TRIGGER webhook("/in", {email: string, plan?: string})
  TRIGGER topic("paid")"""
    assert said_of(text + LOGS).split("\\n  write")[0].splitlines()[:5] == [
        "Each time one of these happens:",
        "  - every weekday, every 15 minutes from 09:00 to 17:45 (UTC), missed times never made up for, a run waits for"
        " the one before",
        "  - when /in receives a POST request with email, plan (may be left out)",
        "  - when a message arrives on paid",
        "it will do this, given most (50,000 cents when left out):",
    ]


@pytest.mark.parametrize(
    ("policy", "made_up", "left_out"),
    [("", True, True), (" MISSED skip", False, True), (" OVERLAP cancel", True, False),
     (" MISSED run_all OVERLAP queue", False, False)],
)  # fmt: skip
def test_what_becomes_of_missed_and_crowded_times_is_said_where_nothing_else_was_chosen(
    policy: str, made_up: bool, left_out: bool
) -> None:
    said = said_of(f'TASK t\n  TRIGGER schedule(09:00, daily, "UTC"){policy}{LOGS}')
    assert ("A time that passes while the server is off is made up for once." in said) is made_up
    assert ("A time that comes while a run is going on is left out." in said) is left_out
    assert "A time that" not in said_of(f"TASK t{LOGS}"), "nothing of times where there are none"


def test_values_in_values_stand_in_brackets_and_a_task_that_is_run_says_its_name() -> None:
    text = """TASK t
  INPUT day timestamp
  INPUT who string?
  ACTION sub
    TYPE subtask
    TASK hello_world
    PARAMS {name: "Ann"}
    OUTPUT greeting
  ACTION work
    TYPE transform
    WHEN COALESCE(input.who, "x") == "x"
    VALUE {a: {b: 1, c: 2}, d: [1, [2, 3]], e: DATE_ADD(input.day, -1, "days")}
    OUTPUT made
  RETURN {greeting: greeting}
"""
    said = said_of(text)
    assert "run the task hello_world, called greeting with name “Ann”" in said
    assert "if (the input’s who, or “x” when missing) is “x”" in said
    assert "a: (b: 1, c: 2), d: (1, (2, 3)), e: the input’s day minus 1 day" in said


def test_what_is_listened_to_is_touched() -> None:
    text = f'TASK t\n  TRIGGER event(github.issue_opened, {{repo: "acme/api"}}){LOGS}'
    made = eyeflow.compile(text, catalog=shipped())
    assert made.readback.touches == ("hears from GitHub: An issue is opened",)
