"""What two programs do differently: never lines, never names, always effects."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeflow.compilation import compile_text
from eyeflow.ir.diff import Difference, diff
from eyeflow.ir.task import Task

EXAMPLES = Path(__file__).parents[2] / "examples"

BASE = """TASK watch
  DEADLINE 1m
  INPUT limit integer<cents> DEFAULT 50000
  TRIGGER schedule(09:00, daily, "UTC")

  ACTION find
    TYPE connector_call
    CONNECTOR stripe
    FUNCTION list_payments
    OUTPUT payments

  ACTION tell
    TYPE connector_call
    CONNECTOR slack_notify
    FUNCTION send_message
    PARAMS {
      channel: "#ops",
      text: "There were {payments.count} payments"
    }

  ACTION large
    TYPE foreach
    EACH payment IN payments.payments WHERE GT(payment.amount, input.limit)
    ACTION note
      TYPE connector_call
      CONNECTOR slack_notify
      FUNCTION send_message
      PARAMS {
        channel: "#large",
        text: payment.id
      }

  ACTION choice
    TYPE conditional
    AFTER tell
    CONDITION GT(payments.count, 100)
      BRANCH busy
        VALUE "busy"
    CONDITION GT(payments.count, 10)
      BRANCH fair
        VALUE "fair"
    DEFAULT
      VALUE "calm"
    OUTPUT mood

  RETURN mood
"""


def task(text: str) -> Task:
    made = compile_text(text)
    assert made.task is not None, [str(d) for d in made.report.diagnostics]
    return made.task


def said(*replaced: tuple[str, str]) -> Difference:
    text = BASE
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new)
    return diff(task(BASE), task(text))


@pytest.mark.parametrize(
    "replaced",
    [
        (("TASK watch", "# why\nTASK watch"),),
        (("DEADLINE 1m", "DEADLINE 60s"),),
        (("OUTPUT payments", "OUTPUT list"), ("payments.", "list.")),
        (("ACTION tell", "ACTION message"), ("AFTER tell", "AFTER message")),
        (("EACH payment ", "EACH each "), ("payment.amount", "each.amount"), ("payment.id", "each.id")),
        (("GT(payment.amount, input.limit)", "input.limit < payment.amount"),),
        (("text: payment.id", 'text: "{payment.id}"'),),
        (("BRANCH busy", "BRANCH hectic"),),
        (('"UTC")', '"UTC") MISSED run_once OVERLAP skip'),),
        (("AFTER tell", "AFTER tell, find"),),
    ],
)
def test_the_same_in_other_words_is_no_change(replaced: tuple[tuple[str, str], ...]):
    found = said(*replaced)
    assert found.changes == (), [each.text for each in found.changes]


def test_names_are_told_apart_from_changes():
    found = said(("ACTION tell", "ACTION message"), ("AFTER tell", "AFTER message"))
    assert [each.text for each in found.names] == ["tell is called message now"]
    assert not found.changed


@pytest.mark.parametrize(
    ("replaced", "area", "words"),
    [
        (("09:00, daily", "09:30, weekdays"), "trigger", ("weekday", "09:30", "no longer", "09:00")),
        (('"#ops"', '"#dev"'), "data", ("tell", "channel", "#dev", "#ops")),
        (("send_message\n    PARAMS {\n      channel: \"#ops\"", "send_dm\n    PARAMS {\n      user: \"@x\""), "effect",
         ("send_dm", "send_message")),
        (("GT(payment.amount, input.limit)", "GE(payment.amount, input.limit)"), "condition", ("large", "GE", "GT")),
        (("AFTER tell", "AFTER large"), "order", ("choice", "large", "tell")),
        (("DEADLINE 1m", "DEADLINE 5m"), "policy", ("DEADLINE", "300 s", "60 s")),
        (("OUTPUT payments", "RETRY 3\n    OUTPUT payments"), "policy", ("find", "RETRY", "3 attempts")),
        (("DEFAULT 50000", "DEFAULT 60000"), "data", ("INPUT limit", "60000", "50000")),
        (("RETURN mood", "RETURN payments.count"), "data", ("RETURN", "mood")),
        (('VALUE "fair"', 'VALUE "good"'), "data", ("choice", "fair", "good", "10")),
        (("    CONDITION GT(payments.count, 10)\n      BRANCH fair\n        VALUE \"fair\"\n", ""), "condition",
         ("choice", "removed", "10")),
        (('channel: "#large"', 'channel: "#huge"'), "data", ("large > note", "#huge")),
    ],
)  # fmt: skip
def test_a_change_is_told_with_its_place_and_kind(replaced: tuple[str, str], area: str, words: tuple[str, ...]):
    found = [each for each in said(replaced).changes if each.area == area]
    assert any(all(word in each.text for word in words) for each in found), [each.text for each in found]


def test_an_effect_that_is_new_and_one_that_is_gone():
    start = BASE.index("  ACTION large")
    end = BASE.index("  ACTION choice")
    less = BASE[:start] + BASE[end:]
    gone = diff(task(BASE), task(less)).changes
    assert [(each.area, each.action) for each in gone] == [("effect", "large"), ("effect", "large > note")]
    assert all("removed" in each.text for each in gone)
    new = diff(task(less), task(BASE)).changes
    assert [each.after for each in new] == [each.before for each in gone]


def test_conditions_in_another_order_are_a_change():
    hundred, ten = "CONDITION GT(payments.count, 100)", "CONDITION GT(payments.count, 10)"
    text = BASE.replace(hundred, "CONDITION X").replace(ten, hundred).replace("CONDITION X", ten)
    text = text.replace('"busy"', '"?"').replace('"fair"', '"busy"').replace('"?"', '"fair"')
    assert [each.area for each in diff(task(BASE), task(text)).changes] == ["order"]


def test_a_call_by_url_is_the_call_by_capability():
    head = "TASK t\n  DEADLINE 1m\n\n  ACTION a\n"
    url = head + '    TYPE http_call\n    URL "https://api.openweathermap.org/data/2.5/weather?q=Paris&units=metric"\n'
    name = head + "    TYPE connector_call\n    CONNECTOR openweather\n    FUNCTION current_weather\n"
    assert diff(task(url), task(name + '    PARAMS { location: "Paris" }\n')).changes == ()
    assert diff(task(url), task(name + '    PARAMS { location: "Rome" }\n')).changed


def test_money_in_another_unit_is_the_same_money():
    where = "GT(payment.amount, input.limit)"
    cents, dollars = (
        BASE.replace(where, "GT(payment.amount, 50000)"),
        BASE.replace(where, "GT(payment.amount, 500 usd)"),
    )
    assert diff(task(cents), task(dollars)).changes == ()
    less = said((where, "GT(payment.amount, 499 usd)"))
    assert 'usd"' not in less.changes[0].text


def test_a_comparison_of_two_units_is_printed_as_it_was_written():
    where = "GT(payment.amount, 500 usd)"
    made = compile_text(BASE.replace("GT(payment.amount, input.limit)", where))
    assert f"WHERE {where} " in made.ir
    assert compile_text(made.ir).outcome == "program"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.eir")), ids=lambda path: path.stem)
def test_every_example_is_like_itself(path: Path):
    made = compile_text(path.read_text("utf-8"))
    if made.task is None:
        pytest.skip("needs the accounts of eyeflow.toml")
    assert diff(made.task, made.task).changes == ()
