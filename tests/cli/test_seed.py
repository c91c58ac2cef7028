"""What a reader of the architecture tries first, on the command line and embedded, with the shipped catalog."""

from __future__ import annotations

import eyeflow as package
from cli.shell import ANSWERS, REQUEST, Command
from eyeflow.ir.plan import Plan
from eyeflow.optimizer.describe import order_line, resources_line


def test_acceptance_26_the_eight_tokens(eyeflow: Command) -> None:
    found = eyeflow("intent", REQUEST, "--tokens", "--json").json
    assert found["tokens"] == ["Send", "weather", "to", "Slack", "every", "morning", "at", "9am"]
    assert "[Send, weather, to, Slack, every, morning, at, 9am]" in eyeflow("intent", REQUEST, "--tokens").out


def test_acceptance_27_schedule_and_send_message(eyeflow: Command) -> None:
    assert eyeflow("intent", REQUEST, "--tokens", "--json").json["summary"] == "SCHEDULE + SEND_MESSAGE"
    assert "SCHEDULE + SEND_MESSAGE" in eyeflow("intent", REQUEST, "--tokens").out


def test_the_summary_names_every_write_once_and_no_read(eyeflow: Command) -> None:
    text = "When an issue is opened in acme/app, post its title to #dev on Slack and send it to a@b.io by email"
    assert eyeflow("intent", text, "--tokens", "--json").json["summary"] == "EVENT + SEND_MESSAGE + SEND"


def test_acceptance_28_the_trigger(eyeflow: Command) -> None:
    trigger = eyeflow("intent", REQUEST, *ANSWERS, "--json").json["trigger"]
    assert trigger["type"] == "schedule"
    assert trigger["time"] == "09:00"
    assert trigger["frequency"] == "daily"
    assert trigger["span"] == [REQUEST.index("every"), len(REQUEST)]


def test_acceptance_29_found_in_the_catalog(eyeflow: Command) -> None:
    done = eyeflow("intent", REQUEST, *ANSWERS, "--json")
    message = next(action for action in done.json["actions"] if action["service"] == "slack_notify")
    assert done.code == 0
    assert message["function"] == "send_message"
    assert message["params"] == {"text": "{weather.summary}", "channel": "#general"}


def test_acceptance_30_an_unknown_action_stops_the_compile_and_is_named(eyeflow: Command) -> None:
    text = "Teleport the weather to Slack every morning at 9am"
    for words in (("compile", text, "-o", "out.efb"), ("explain", text), ("practice", text), ("run", text)):
        done = eyeflow(*words)
        assert done.code in (3, 4), words
        assert "Teleport" in done.err, words
        assert "^^^" in done.err, words
    named = eyeflow("compile", "Bake me a cake every day")
    assert named.code == 4
    assert "Bake me a cake" in named.err
    assert eyeflow("compile", "Bake me a cake every day", "--json").json["outcome"] == "refused"


def test_acceptance_30_embedded() -> None:
    made = package.compile("Bake me a cake every day")
    assert made.outcome == "refused"
    assert made.program is None
    assert made.refusals[0].text == "Bake me a cake"


def test_acceptance_31_and_33_the_plan_of_the_bare_sentence(eyeflow: Command) -> None:
    done = eyeflow("explain", REQUEST, *ANSWERS, "--plan")
    assert done.code == 0
    assert "Execution order: [1, 2]" in done.out
    assert "slack_connector: READY" in done.out
    assert "Estimated latency: " in done.out
    plan = eyeflow("explain", REQUEST, *ANSWERS, "--plan", "--json").json["plan"]
    assert plan["order"] == [1, 2]
    assert plan["stages"] == [[1], [2]]
    assert plan["resources"]["slack_connector"] == "READY"
    assert {each["kind"] for each in plan["decisions"]} >= {"order", "bind", "pool", "cache", "memory", "latency"}


def test_every_decision_is_printed_with_its_reason(eyeflow: Command) -> None:
    plan = package.compile(REQUEST, answers={"weather.location": "Paris", "message.channel": "#general"}).plan
    assert isinstance(plan, Plan)
    shown = eyeflow("explain", REQUEST, *ANSWERS, "--plan").out
    for decision in plan.decisions:
        assert decision.why in shown, decision
        assert decision.choice in shown, decision
    assert order_line(plan) in shown
    assert resources_line(plan) in shown
