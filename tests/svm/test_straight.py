"""Straight programs: values flow, calls are made with what was computed, the run reports what happened."""

from __future__ import annotations

import pytest

from eyeflow.connectors.scripted import Script, ScriptedConnector
from eyeflow.errors import RunError
from eyeflow.ir.opcodes import TABLE, Op
from eyeflow.ir.program import Program
from eyeflow.svm import ExecutionContext, MemoryLogger, Ports
from eyeflow.svm.link import PREPARED
from eyeflow.svm.steps import PERFORM
from eyeflow.values import INTEGER, NUMBER, STRING, Field, ObjectOf, literal
from svm.built import INPUT, Build, field, fn, k, obj, of, run, text


def weather_program() -> Program:
    b = Build("daily_weather_report")
    fetch = b.call("fetch_weather", "openweather.current_weather", obj(location="Paris"))
    hot = b.scope([], text("It's hot!"), label="hot_weather")
    cold = b.scope([], text("It's cold!"), label="cold_weather")
    normal = b.scope([], text("Normal weather!"))
    temp = field(of(fetch), "temp", NUMBER)
    rule = b.branch(
        "weather_rule", [(fn("GT", temp, k(75)), hot), (fn("LT", temp, k(50)), cold)], normal, needs=[fetch]
    )
    post = b.call("post_to_slack", "slack_daily.send_message", obj(channel="#general", text=of(rule)), needs=[rule])
    return b.program([fetch, rule, post], of(post))


def test_acceptance_40_temp_72_takes_default_and_posts_to_general():
    script = Script.of(returns={"openweather.current_weather": [{"temp": 72, "summary": "Clear"}]})
    program = weather_program()
    execution = run(program, script=script)
    assert execution.status == "success", execution.error
    assert [(c.function, dict(c.params)) for c in script.calls] == [
        ("current_weather", {"location": "Paris"}),
        ("send_message", {"channel": "#general", "text": "Normal weather!"}),
    ]
    assert execution.output == {"ok": True, "ts": "ts 1"}


def test_hello_world_logs_and_returns():
    b = Build("hello_world")
    b.inputs = (Field("name", STRING),)
    greeting = b.value("greeting", text("Hello ", field(INPUT, "name", STRING)))
    log = b.step("say", Op.LOG, b.block(of(greeting)), needs=[greeting])
    logger = MemoryLogger()
    execution = run(
        b.program([greeting, log], obj(greeting=of(greeting))), {"name": "Alice"}, ports=Ports(logger=logger)
    )
    assert execution.status == "success"
    assert execution.output == {"greeting": "Hello Alice"}
    assert logger.lines == ["Hello Alice"]
    assert execution.execution_id.startswith("exec_")


def test_acceptance_41_timeline_shows_each_action_with_offset_duration_state():
    script = Script.of(
        returns={"openweather.current_weather": [{"temp": 72, "summary": "Clear"}]},
        takes_ms={"openweather.current_weather": [32], "slack_notify.send_message": [38]},
    )
    program = weather_program()
    timeline = run(program, script=script).timeline()
    assert [(line.number, line.action, line.offset_ms, line.duration_ms, line.state) for line in timeline.lines] == [
        (1, "fetch_weather", 0, 32, "completed"),
        (2, "weather_rule", 32, 0, "completed"),
        (3, "post_to_slack", 32, 38, "completed"),
    ]
    assert timeline.lines[1].details == ("Compare: 72 > 75? NO", "Compare: 72 < 50? NO", "Branch to DEFAULT")
    assert "32ms" in timeline.text() and "Action 3: post_to_slack" in timeline.text()
    assert timeline.total_ms == 70


def test_acceptance_41_what_a_terminal_would_obey_is_shown_as_text():
    b = Build("quiet")
    log = b.step("say", Op.LOG, b.block(k("red \x1b[31m\r\n\u202etxt")))
    shown = run(b.program([log]), ports=Ports(logger=MemoryLogger())).timeline().text()
    assert "Log: red \\x1b[31m\\r\\n\\u202etxt" in shown
    assert len(shown.splitlines()) == 6 and all(line.isprintable() for line in shown.splitlines())


def test_acceptance_43_same_input_same_branch_output_and_order():
    script = {"openweather.current_weather": [{"temp": 80, "summary": "Hot"}]}
    program = weather_program()
    one, two = (run(program, script=Script.of(returns=script)) for _ in range(2))
    assert one.output == two.output
    assert one.trace_hash() == two.trace_hash()
    assert one.timeline() == two.timeline()
    assert one.timeline().lines[1].details[-1] == "Branch to hot_weather"


def test_first_matching_condition_wins_and_later_ones_are_not_decided():
    b = Build()
    first, second = b.scope([], k("first")), b.scope([], k("second"))
    choice = b.branch("choice", [(k(True), first), (k(True), second)])
    execution = run(b.program([choice], of(choice)))
    assert execution.output == "first"
    assert execution.timeline().lines[0].details == ("Compare: condition 1? YES", "Branch to case 1")


def test_a_choice_without_a_default_scope_gives_null():
    b = Build()
    choice = b.branch("choice", [(k(False), b.scope([], k("first")))])
    assert run(b.program([choice], of(choice))).output is None


def test_inputs_are_checked_before_anything_runs():
    b = Build("hello_world")
    b.inputs = (Field("name", STRING), Field("times", INTEGER, required=False, default=literal(2)))
    program = b.program([], obj(name=field(INPUT, "name", STRING), times=field(INPUT, "times", INTEGER)))
    assert run(program, {"name": "Alice"}).output == {"name": "Alice", "times": 2}
    for wrong, told in (
        ({}, "name"),
        ({"name": 3}, "name"),
        ({"name": "A", "tims": 1}, "tims"),
        ({"name": "A", "times": "x"}, "times"),
        ({"name": "A", "times": object()}, "object"),
    ):
        with pytest.raises(RunError) as raised:
            run(program, wrong)  # type: ignore[arg-type]
        assert raised.value.code == "bad_input"
        assert told in raised.value.message


def test_optional_parameters_that_are_null_are_left_out():
    script = Script()
    b = Build()
    post = b.call("post", "slack_daily.send_message", obj(channel=None, text="hi"))
    run(b.program([post]), script=script)
    assert dict(script.calls[0].params) == {"text": "hi"}


def test_acceptance_22_longer_text_than_the_service_takes_is_refused():
    for length, status in ((40_000, "success"), (40_001, "failed")):
        script, b = Script(), Build()
        post = b.call("post", "slack_daily.send_message", obj(channel="#general", text="x" * length))
        execution = run(b.program([post]), script=script)
        assert execution.status == status
        assert len(script.calls) == (1 if status == "success" else 0)
    assert "40001" in str(execution.error)


def test_a_promised_field_that_is_missing_is_the_error_of_the_action_that_reads_it():
    script = Script.of(returns={"openweather.current_weather": [{"summary": "Clear"}]})
    b = Build()
    fetch = b.call("fetch", "openweather.current_weather")
    read = b.value("read", field(of(fetch), "temp", NUMBER), needs=[fetch])
    execution = run(b.program([fetch, read], of(read)), script=script)
    assert (execution.status, execution.error_code, execution.failed_action) == ("partial_failure", "missing_field", 2)


def test_a_result_of_open_shape_is_checked_against_what_the_program_expects():
    b = Build()
    fetch = b.call("fetch", "openweather.anything", output_type=ObjectOf((Field("name", STRING),)))
    program = b.program([fetch], of(fetch))
    assert run(program, script=Script.of(returns={"openweather.anything": [{"name": "x"}]})).ok
    execution = run(program, script=Script.of(returns={"openweather.anything": [{"name": 5}]}))
    assert (execution.status, execution.error_code) == ("failed", "type_mismatch")


def test_neither_side_can_change_the_others_data():
    seen: list[dict[str, object]] = []
    answer = {"temp": 1, "summary": "s", "list": [1]}

    class Meddling(ScriptedConnector):
        async def call(self, method, params, *, key=None):
            seen.append(params)
            if method == "send_message":
                params["text"] = "changed"
                answer["temp"] = 99
                return {"ok": True, "ts": ""}
            return answer

    b = Build()
    fetch = b.call("fetch", "openweather.current_weather")
    message = b.value("message", obj(channel="#a", text="kept"))
    post = b.call("post", "slack_daily.send_message", of(message), needs=[fetch, message])
    result = obj(message=of(message), temp=field(of(fetch), "temp", NUMBER))
    execution = run(b.program([fetch, message, post], result), connectors={"scripted": lambda: Meddling(Script())})
    assert execution.output == {"message": {"channel": "#a", "text": "kept"}, "temp": 1}


def test_a_connector_that_crashes_or_answers_nonsense_is_a_typed_error():
    class Crashing(ScriptedConnector):
        async def call(self, method, params, *, key=None):
            raise ZeroDivisionError("secret text")

    class Nonsense(ScriptedConnector):
        async def call(self, method, params, *, key=None):
            return {"ok": {1, 2}}

    b = Build()
    program = b.program([b.call("post", "slack_daily.send_message", obj(text="hi"))])
    crashed = run(program, connectors={"scripted": lambda: Crashing(Script())})
    assert (crashed.status, crashed.error_code) == ("failed", "connector_crashed")
    assert "secret" not in str(crashed.error)
    assert crashed.uncertain == ("post",)
    assert run(program, connectors={"scripted": lambda: Nonsense(Script())}).error_code == "type_mismatch"


def test_acceptance_46_context_has_the_seeds_fields_and_cannot_be_changed():
    b = Build(deadline_ms=100)
    b.inputs = (Field("name", STRING),)
    greeting = b.value("greeting", text("Hello ", field(INPUT, "name", STRING)))
    context = run(b.program([greeting]), {"name": "Alice"}).context
    assert context.deadline_ms == 100
    assert dict(context.inputs) == {"name": "Alice"}
    assert dict(context.intermediate_results) == {"greeting": "Hello Alice"}
    for change in (
        lambda: setattr(context, "deadline_ms", 5),
        lambda: context.inputs.__setitem__("name", "Bob"),  # type: ignore[attr-defined]
        lambda: context.intermediate_results.__setitem__("greeting", 1),  # type: ignore[attr-defined]
        lambda: context.intermediate_results.assign("greeting", 1),  # type: ignore[attr-defined]
    ):
        with pytest.raises((AttributeError, AssertionError)):
            change()
    assert (
        ExecutionContext(task_id="t", execution_id="e", inputs={}, intermediate_results={}, connectors={}).deadline_ms
        == 100
    )
    assert list(ExecutionContext.__struct_fields__) == [
        "task_id", "execution_id", "inputs", "intermediate_results", "connectors", "deadline_ms",
    ]  # fmt: skip


def test_every_effect_operation_has_a_handler_and_no_other_has():
    effects = {row.number for row in TABLE if not row.pure}
    assert set(PERFORM) == effects
    assert set(PREPARED) == effects
