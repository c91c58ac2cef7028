"""What a simulated program is seen to do: fires, calls with attempts and times, outputs, statuses."""

from __future__ import annotations

from datetime import UTC, datetime

from eyeflow.compiler import compile_ir
from eyeflow.simulate.request import Request, context
from eyeflow.simulate.scenario import Scenario
from eyeflow.simulate.simulate import play
from simulate.world import NOW, calls, catalog, one, result, run, send

MANUAL = "TASK t\n  TRIGGER manual()\n\n"
ISSUES = """  ACTION issues
    TYPE connector_call
    CONNECTOR tracker
    FUNCTION list_issues
    PARAMS {repo: "a/b"}
    OUTPUT found
"""


def test_fires_are_the_next_five_of_all_triggers_merged() -> None:
    ir = (
        'TASK t\n  TRIGGER schedule(09:00, daily, "Europe/Paris")\n  TRIGGER schedule(08:30, daily)\n'
        '  TRIGGER once("2026-11-23T12:00")\n\n'
    )
    found = one(ir + send("a", '"hi"'))
    assert found["fires"] == [
        "2026-11-23T08:30:00Z", "2026-11-23T12:00:00Z", "2026-11-24T08:00:00Z", "2026-11-24T08:30:00Z",
        "2026-11-25T08:00:00Z",
    ]  # fmt: skip
    assert found["triggered"] is True
    assert calls(found) == ["a chat.send #1 @0"]


def test_a_program_that_no_time_starts_has_no_fires() -> None:
    assert one(MANUAL + send("a", '"hi"'))["fires"] is None


def test_an_instant_that_is_over_never_fires() -> None:
    whole = run('TASK t\n  TRIGGER once("2026-11-23T12:00")\n\n' + send("a", '"hi"'), {"now": "2026-11-23T13:00:00Z"})
    assert (whole["outcome"], whole["scenarios"][0]["fires"]) == ("program", [])


def test_retries_are_attempts_with_their_simulated_times() -> None:
    fails = {"chat.send": ["unavailable", "unavailable", None]}
    found = one(MANUAL + send("a", '"hi"', "RETRY 3 BACKOFF fixed(5m)"), {"fails": fails})
    assert calls(found) == [
        "a chat.send #1 @0 unavailable", "a chat.send #2 @300000 unavailable", "a chat.send #3 @600000",
    ]  # fmt: skip
    assert found["status"] == "success"


def test_a_failure_nobody_handles_is_in_the_calls_and_the_status() -> None:
    found = one(MANUAL + send("a", '"hi"'), {"fails": {"chat.send": ["invalid"]}})
    assert calls(found) == ["a chat.send #1 @0 invalid"]
    assert found["status"] == "failed"
    assert found["error"].startswith("invalid: ")


def test_a_loop_calls_once_for_each_item_that_passes() -> None:
    ir = MANUAL + ISSUES + (
        "\n  ACTION each\n    TYPE foreach\n    EACH issue IN found WHERE GT(issue.votes, 1)\n"
        + "\n".join("  " + line for line in send("tell", '"{issue.title}"').splitlines())
    )  # fmt: skip
    issues = [{"title": "A", "votes": 1}, {"title": "B", "votes": 2}, {"title": "C", "votes": 3}]
    found = one(ir, {"returns": {"tracker.list_issues": [issues]}})
    assert [call["params"].get("text") for call in found["calls"]] == [None, "B", "C"]
    assert [call.get("iteration") for call in found["calls"]] == [None, "0", "1"]


def test_rates_pass_at_once_and_are_counted() -> None:
    ping = "  ACTION {0}\n    TYPE connector_call\n    CONNECTOR limited\n    FUNCTION ping\n    PARAMS {{n: {1}}}\n"
    found = one(MANUAL + "".join(ping.format(f"p{n}", n) for n in range(3)))
    assert [call["at_ms"] for call in found["calls"]] == [0, 60_000, 120_000]


def test_waits_pass_at_once_and_are_counted() -> None:
    ir = MANUAL + "  ACTION pause\n    TYPE wait\n    FOR 2 hours\n\n" + send("a", '"hi"', "AFTER pause")
    assert calls(one(ir)) == ["a chat.send #1 @7200000"]


def test_a_fallback_runs_when_retries_are_used_up() -> None:
    inner = "\n".join("    " + line for line in send("b", '"plan b"').splitlines())
    found = one(MANUAL + send("a", '"hi"', "FALLBACK") + inner, {"fails": {"chat.send": ["invalid", None]}})
    assert [(call["params"]["text"], call["error"]) for call in found["calls"]] == [("hi", "invalid"), ("plan b", None)]
    assert found["status"] == "success"


def test_what_nobody_scripted_answers_by_its_schema() -> None:
    found = one(MANUAL + send("a", '"hi"', "OUTPUT sent") + "\n  RETURN sent.id\n")
    assert isinstance(found["output"], str)
    assert found["output"]


EVENT = 'TASK t\n  TRIGGER event(tracker.issue_opened, {repo: "a/b"})\n    WHERE GT(trigger.votes, 10)\n\n'


def test_an_event_runs_the_program_only_when_it_passes_the_filter() -> None:
    ir = EVENT + send("a", '"{trigger.title}"')
    passing = {"repo": "a/b", "title": "T", "votes": 11}
    whole = run(ir, {"event": passing}, {"event": passing | {"votes": 10}}, {"event": passing | {"repo": "x/y"}}, {})
    seen = [(each["triggered"], [call["params"]["text"] for call in each["calls"]]) for each in whole["scenarios"]]
    assert seen == [(True, ["T"]), (False, []), (False, []), (False, [])]
    assert whole["scenarios"][0]["fires"] is None
    assert [each["status"] for each in whole["scenarios"]] == ["success", None, None, None]


def test_an_event_that_lacks_what_the_filter_reads_says_so() -> None:
    found = one(EVENT + send("a", '"x"'), {"event": {"repo": "a/b", "title": "T"}})
    assert found["triggered"] is False
    assert found["calls"] == []
    assert "votes" in found["error"]


HOOK = 'TASK t\n  TRIGGER webhook("/in", {name: string})\n\n'


def test_answering_a_webhook_is_a_call_and_the_response() -> None:
    ir = HOOK + '  ACTION answer\n    TYPE respond\n    STATUS 201\n    BODY {hello: "{trigger.name}"}\n'
    found = one(ir, {"event": {"name": "Ada"}})
    assert [(call["service"], call["function"], call["params"]) for call in found["calls"]] == [
        ("webhook", "respond", {"status": 201, "body": {"hello": "Ada"}})
    ]
    assert found["response"] == {"status": 201, "body": {"hello": "Ada"}}


def test_the_webhook_service_is_the_same_as_the_action() -> None:
    call = "  ACTION answer\n    TYPE connector_call\n    CONNECTOR webhook\n    FUNCTION respond\n"
    ir = HOOK + call + '    PARAMS {body: "ok"}\n'
    found = one(ir, {"event": {"name": "Ada"}})
    assert [call["params"]["body"] for call in found["calls"]] == ["ok"]
    assert calls(found) == ["answer webhook.respond #1 @0"]


APPROVED = MANUAL + '  ACTION ok\n    TYPE approval\n    ROLE owner\n    MESSAGE "Send?"\n    EXPIRES 1h\n\n' + send(
    "a", '"hi"', "AFTER ok"
)  # fmt: skip


def test_a_trigger_may_ask_about_me() -> None:
    ir = "TASK t\n  TRIGGER event(tracker.issue_opened)\n    WHERE EQ(trigger.title, me.slack)\n\n" + send("a", '"x"')
    event = {"repo": "a/b", "title": "@me", "votes": 1}
    for slack, triggered in (("@me", True), ("@you", False)):
        found = one(ir, {"event": event, "profile": {"me": {"slack": slack}}})
        assert found["triggered"] is triggered


def test_people_approve_unless_the_scenario_says_otherwise() -> None:
    said = [{}, {"approvals": ["refuse"]}, {"approvals": ["expire"]}]
    agreed, refused, silent = run(APPROVED, *said)["scenarios"]
    assert calls(agreed) == ["a chat.send #1 @0"]
    assert agreed["approvals"] == [{"action": "ok", "role": "owner", "message": "Send?", "approved": True}]
    assert (refused["calls"], refused["approvals"][0]["approved"]) == ([], False)
    assert refused["status"] == "failed"
    assert (silent["calls"], silent["approvals"][0]["approved"]) == ([], None)


def test_log_lines_and_published_events_are_shown() -> None:
    log = '  ACTION l\n    TYPE log\n    MESSAGE "noted"\n\n'
    found = one(MANUAL + log + '  ACTION e\n    TYPE emit\n    TOPIC "sales"\n    VALUE 3\n')
    assert found["logs"] == ["noted"]
    assert found["emitted"] == [{"topic": "sales", "value": 3}]


def test_me_is_the_scenarios_profile() -> None:
    ir = MANUAL + send("a", '"for {me.email}"')
    found = one(ir, {"profile": {"me": {"email": "ada@acme.io"}, "timezone": "Europe/Paris"}})
    assert found["calls"][0]["params"]["text"] == "for ada@acme.io"


def test_defaults_of_the_profile_fill_parameters() -> None:
    ir = MANUAL + send("a", '"hi"').replace('channel: "#general", ', "")
    found = one(ir, {"profile": {"defaults": {"chat.channel": "#ops"}}})
    assert found["calls"][0]["params"] == {"text": "hi", "channel": "#ops"}


def test_inputs_come_from_the_scenario() -> None:
    ir = "TASK t\n  INPUT name string\n  TRIGGER manual()\n\n" + send("a", '"Hello {input.name}"')
    right, wrong = run(ir, {"input": {"name": "Ada"}}, {})["scenarios"]
    assert right["calls"][0]["params"]["text"] == "Hello Ada"
    assert (wrong["calls"], wrong["status"]) == ([], "failed")
    assert "name" in wrong["error"]


def test_the_clock_of_a_run_is_the_scenarios_now_plus_its_waits() -> None:
    ir = MANUAL + "  ACTION pause\n    TYPE wait\n    FOR 1 day\n\n" + send(
        "a", 'FORMAT_DATE(NOW(), "YYYY-MM-DD")', "AFTER pause"
    )  # fmt: skip
    assert one(ir)["calls"][0]["params"]["text"] == "2026-11-24"


def test_several_tasks_start_together_and_their_calls_say_whose_they_are() -> None:
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    scenario = Scenario(now=now)
    ctx = context(catalog(), (), scenario)
    first = compile_ir("TASK own\n  TRIGGER schedule(09:00, daily)\n\n" + send("a", '"one"'), ctx)
    second = compile_ir("TASK other\n  TRIGGER schedule(08:30, daily)\n\n" + send("b", '"two"'), ctx)
    found = play(Request(outcome="program", tasks=(first, second)), ctx, scenario)
    assert found.fires is not None
    assert found.fires[:3] == ("2026-11-23T08:30:00Z", "2026-11-23T09:00:00Z", "2026-11-24T08:30:00Z")
    assert [(call.action, call.task) for call in found.calls] == [("a", found.calls[0].task), ("b", "other")]
    assert not isinstance(found.calls[0].task, str)


def test_an_event_runs_the_task_that_declares_its_fields() -> None:
    scenario = Scenario(now=datetime(2026, 11, 23, 8, tzinfo=UTC), event={"tag": "v1"})
    ctx = context(catalog(), (), scenario)
    first = compile_ir("TASK own\n  TRIGGER event(tracker.issue_opened)\n\n" + send("a", '"one"'), ctx)
    second = compile_ir("TASK other\n  TRIGGER event(tracker.release_made)\n\n" + send("b", '"two"'), ctx)
    found = play(Request(outcome="program", tasks=(first, second)), ctx, scenario)
    assert [call.action for call in found.calls] == ["b"]


def test_what_does_not_compile_is_refused_at_the_guilty_words() -> None:
    ir = MANUAL + send("a", "nobody.knows")
    whole = run(ir, {})
    assert whole["outcome"] == "refused"
    assert whole["scenarios"] == []
    assert any("nobody" in each["text"] for each in whole["refusals"])


def test_a_case_brings_its_own_catalog_and_connections() -> None:
    case = {
        "id": "c", "ir": MANUAL + send("a", '"x"').replace("CONNECTOR chat", "CONNECTOR team"),
        "catalog": [{"service": "pager", "title": "Pager", "type": "Ops", "connector": "scripted", "capabilities": {
            "send": {"summary": "Page", "params": {"channel": {"type": "string"}, "text": {"type": "string"}},
                     "returns": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}}}],
        "connections": {"team": "pager"}, "scenarios": [{"now": NOW}],
    }  # fmt: skip
    whole = result(case)
    assert whole["outcome"] == "program", whole["refusals"]
    assert calls(whole["scenarios"][0]) == ["a pager.send #1 @0"]


def test_without_scenarios_only_the_meaning_is_told() -> None:
    whole = run(MANUAL + send("a", '"x"'))
    assert (whole["outcome"], whole["scenarios"]) == ("program", [])


def test_a_script_for_something_that_does_not_exist_is_pointed_out() -> None:
    whole = run(MANUAL + send("a", '"x"'), {"returns": {"chat.sent": [1]}})
    assert whole["warnings"] == ["scenarios[0].returns: the catalog has no chat.sent, did you mean chat.send?"]


def test_the_same_case_gives_the_same_result() -> None:
    scenario = {"fails": {"chat.send": ["unavailable", None]}}
    ir = MANUAL + ISSUES + send("a", '"{found}"', "RETRY 2")
    assert run(ir, scenario) == run(ir, scenario)
