"""Failure: fallbacks, tolerated errors, what is skipped, statuses, ON_FAILURE, cancelling."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from eyeflow.connectors.scripted import Script
from eyeflow.ir.opcodes import Op
from eyeflow.ir.task import Backoff
from eyeflow.svm import Ports, ScriptedApprover, Settled
from eyeflow.values import NUMBER, STRING
from svm.built import Build, field, fn, k, maybe, ms, names, obj, of, run, sealed, with_machine

SEND = "slack_notify.send_message"
KEYED = "slack_notify.keyed_send"
READ = "openweather.current_weather"


def send(b: Build, name: str = "post", words: str = "hi", **more):
    return b.call(name, "slack_daily.send_message", obj(text=words), **more)


def read(b: Build, name: str = "fetch", **more):
    return b.call(name, "openweather.current_weather", **more)


def states(execution) -> list[str]:
    return [line.state for line in execution.timeline().lines]


def test_acceptance_48_action_2_of_3_times_out_the_seeds_report():
    b = Build(deadline_ms=10_000)
    fetch = read(b)
    process = b.call(
        "process", "openweather.anything", needs=[fetch], timeout_ms=70, backup=b.fallback(k("cached"), stop=True)
    )
    post = send(b, needs=[process])
    script = Script.of(takes_ms={READ: [32]}, fails={"openweather.anything": ["hang"]})
    execution = run(b.program([fetch, process, post], of(post)), script=script)
    assert msgspec.to_builtins(execution.report()) == {
        "status": "partial_failure",
        "completed_actions": 1,
        "failed_action": 2,
        "error": "Timeout exceeded",
        "fallback_executed": True,
        "total_duration": "102ms",
        "total_duration_ms": 102,
    }
    assert states(execution) == ["completed", "recovered", "skipped"]
    assert [c.function for c in script.calls] == ["current_weather", "anything"]


def test_after_the_deadline_only_a_pure_fallback_value_runs():
    b = Build(deadline_ms=100)
    fetch = read(b)
    process = b.call("process", "openweather.anything", needs=[fetch], backup=b.fallback(k("cached")))
    post = send(b, needs=[process])
    script = Script.of(takes_ms={READ: [32]}, fails={"openweather.anything": ["hang"]})
    execution = run(b.program([fetch, process, post], of(post)), script=script)
    report = execution.report()
    assert (report.status, report.completed_actions, report.failed_action, report.error) == (
        "partial_failure", 1, 2, "Timeout exceeded",
    )  # fmt: skip
    assert report.fallback_executed
    assert report.total_duration == "100ms"
    assert execution.context.intermediate_results["process"] == "cached"


def test_after_the_deadline_a_fallback_of_actions_does_not_start():
    b = Build(deadline_ms=100)
    process = b.call("process", "openweather.anything", backup=b.fallback(steps=[send(b, "other")]))
    script = Script.of(fails={"openweather.anything": ["hang"]})
    execution = run(b.program([process]), script=script)
    assert (execution.status, execution.fallback_executed) == ("failed", False)
    assert len(script.calls) == 1


def test_acceptance_49_fallback_if_defined_else_the_error():
    for fallback, status, output in ((True, "success", "spare"), (False, "failed", None)):
        b = Build()
        step = send(b, backup=b.fallback(k("spare")) if fallback else None)
        execution = run(b.program([step], of(step)), script=Script.of(fails={SEND: ["invalid"]}))
        assert (execution.status, execution.output, execution.fallback_executed) == (status, output, fallback)
        assert execution.error == (None if fallback else "slack_notify.send_message answered invalid")


@pytest.mark.parametrize("stop", [True, False])
def test_acceptance_49_the_fallback_says_whether_the_task_goes_on(stop):
    """THEN stop: nothing after it starts, its value is not the task's, and the error stands; THEN continue: as if."""
    b = Build()
    first = send(b, "first", backup=b.fallback(k("spare"), stop=stop))
    then = b.call("then", KEYED, obj(text="more"), needs=[first])
    script = Script.of(fails={SEND: ["invalid"]})
    execution = run(b.program([first, then], of(first)), script=script)
    assert execution.fallback_executed
    assert execution.error == ("slack_notify.send_message answered invalid" if stop else None)
    assert [call.function for call in script.calls] == ["send_message"] + ["keyed_send"] * (not stop)
    assert (execution.ok, execution.output) == (not stop, None if stop else "spare")
    assert states(execution) == ["recovered", "skipped" if stop else "completed"]


def test_a_fallback_of_actions_gives_its_value_to_dependents():
    b = Build()
    spare = b.call("spare", "slack_daily.keyed_send", obj(text="by other means"))
    post = send(b, backup=b.fallback(steps=[spare], result=of(spare)))
    then = b.value("then", field(of(post), "ts", STRING), needs=[post])
    script = Script.of(fails={SEND: ["unavailable"]}, returns={KEYED: [{"ok": True, "ts": "7"}]})
    execution = run(b.program([post, then], of(then)), script=script)
    assert (execution.status, execution.output, execution.completed_actions) == ("success", "7", 2)
    assert [c.key for c in script.calls] == ["exec_1:post:0", "exec_1:post.fallback.spare:0"]


def test_a_fallback_has_a_timeout_of_its_own_and_the_first_error_stays():
    b = Build()
    post = send(b, backup=b.fallback(steps=[read(b)], timeout_ms=1_000))
    execution = run(b.program([post]), script=Script.of(fails={SEND: ["invalid"], READ: ["hang"]}))
    assert (execution.status, execution.error_code, execution.duration_ms) == ("failed", "invalid", 1_000)
    assert not execution.fallback_executed


def test_retries_come_before_the_fallback():
    b = Build()
    post = send(b, attempts=3, backup=b.fallback(k("spare")))
    script = Script.of(fails={SEND: ["unavailable"]})
    assert run(b.program([post]), script=script).ok
    assert len(script.calls) == 3


def test_acceptance_41_the_lines_tell_what_happened_inside():
    b = Build()
    post = send(b, attempts=2, backoff=Backoff("fixed", 250))
    yes = b.step("yes", Op.APPROVAL, b.constant("owner"), b.block(k("go?")), b.constant(60_000, NUMBER), needs=[post])
    rest = b.step("rest", Op.WAIT_FOR, b.block(ms(2_000)), needs=[yes])
    left = send(b, "left", when=k(False), needs=[rest])
    last = send(b, "last", needs=[rest], backup=b.fallback(k("spare"), stop=True))
    script = Script.of(fails={SEND: ["unavailable", None, "invalid"]})
    program = b.program([post, yes, rest, left, last])
    execution = run(program, script=script, ports=Ports(approver=ScriptedApprover()))
    told = {line.action: line.details for line in execution.timeline().lines}
    assert told == {
        "post": (
            "Call slack_daily.send_message", "Call failed (transient): slack_notify.send_message answered unavailable",
            "Retry after 250ms", "Call slack_daily.send_message (attempt 2)", "Answered",
        ),
        "yes": ("Asked owner for approval", "Approved by scripted"),
        "rest": ("Waited 2000ms",),
        "left": ("Skipped: its condition was false",),
        "last": (
            "Call slack_daily.send_message", "Call failed (permanent): slack_notify.send_message answered invalid",
            "slack_notify.send_message answered invalid", "Fallback executed, task ended",
        ),
    }  # fmt: skip


def test_on_error_continue_gives_null_and_ends_in_partial_failure():
    b = Build()
    post = send(b, continue_on_error=True)
    other = b.value("other", fn("IS_NULL", of(post)), needs=[post])
    execution = run(b.program([post, other], of(other)), script=Script.of(fails={SEND: ["invalid"]}))
    assert (execution.status, execution.output) == ("partial_failure", True)
    assert (execution.failed_action, execution.completed_actions) == (1, 1)
    assert execution.error == "slack_notify.send_message answered invalid"
    assert states(execution) == ["tolerated", "completed"]


def test_a_false_when_skips_the_step_and_those_that_cannot_do_without_it():
    b = Build()
    fetch = read(b, when=k(False))
    strict = b.value("strict", field(of(fetch), "temp", NUMBER), needs=[fetch])
    after_strict = send(b, "after_strict", needs=[strict])
    tolerant = b.value("tolerant", maybe(of(fetch), "temp"), needs=[fetch])
    execution = run(b.program([fetch, strict, after_strict, tolerant], obj(value=of(tolerant))))
    assert execution.status == "success"
    assert states(execution) == ["skipped", "skipped", "completed", "completed"]
    assert execution.output == {"value": None}
    assert execution.completed_actions == 2


def test_an_error_in_when_is_the_steps_error_and_its_fallback_runs():
    b = Build()
    broken = field(k({"a": 1}), "b")
    post = send(b, when=broken, backup=b.fallback(k("spare")))
    execution = run(b.program([post], of(post)))
    assert (execution.status, execution.output) == ("success", "spare")


def test_after_a_failure_started_effects_run_to_their_end_and_the_rest_is_skipped():
    b = Build()
    failing = send(b, "failing")
    slow = b.call("slow", "slack_daily.keyed_send", obj(text="x"))
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(60_000)))
    later = read(b, "later", needs=[slow])
    script = Script.of(fails={SEND: ["invalid"]}, takes_ms={SEND: [10], KEYED: [500]})
    execution = run(b.program([failing, slow, wait, later]), script=script)
    assert execution.duration_ms == 500
    assert (execution.status, execution.completed_actions, execution.failed_action) == ("partial_failure", 1, 1)
    assert dict(zip(["failing", "slow", "wait", "later"], states(execution), strict=True)) == {
        "failing": "failed", "slow": "completed", "wait": "skipped", "later": "skipped",
    }  # fmt: skip


def test_the_failure_reported_does_not_depend_on_who_fails_first():
    for slow, quick in (("one", "two"), ("two", "one")):
        b = Build()
        one, two = send(b, "one"), b.call("two", "slack_daily.keyed_send", obj(text="x"))
        times = {"one": SEND, "two": KEYED}
        script = Script.of(
            fails={SEND: ["invalid"], KEYED: ["not_found"]}, takes_ms={times[slow]: [50], times[quick]: [10]}
        )
        execution = run(b.program([one, two]), script=script)
        assert (execution.failed_action, execution.error_code) == (1, "invalid")


def test_on_failure_runs_after_an_unrecovered_failure_and_changes_nothing():
    for works in (True, False):
        b = Build(deadline_ms=100)
        b.on_failure = b.scope([b.call("tell", "slack_daily.keyed_send", obj(text="it failed"))])
        fetch = read(b)
        script = Script.of(fails={READ: ["hang"], KEYED: [None if works else "invalid"]})
        execution = run(b.program([fetch]), script=script)
        assert (execution.status, execution.error) == ("failed", "Timeout exceeded")
        assert [c.function for c in script.calls] == ["current_weather", "keyed_send"]
        assert script.calls[1].key == "exec_1:on_failure.tell:0"
    b = Build()
    b.on_failure = b.scope([send(b, "tell")])
    script = Script()
    run(b.program([read(b)]), script=script)
    assert [c.function for c in script.calls] == ["current_weather"], "not after a success"


def test_nested_then_stop_ends_the_whole_task():
    b = Build()
    inner = b.scope([send(b, "inner", backup=b.fallback(k(1), stop=True))])
    branch = b.branch("choice", [(k(True), inner)], backup=b.fallback(k("not this")))
    later = read(b, "later", needs=[branch])
    execution = run(b.program([branch, later]), script=Script.of(fails={SEND: ["invalid"]}))
    assert (execution.status, execution.failed_action, execution.fallback_executed) == ("partial_failure", 1, True)
    assert "later" not in execution.context.intermediate_results


def test_topics_of_the_ends():
    assert run(Build().program([])).topic == "eyeflow.tasks.completed"
    b = Build()
    assert run(b.program([send(b)]), script=Script.of(fails={SEND: ["invalid"]})).topic == "eyeflow.tasks.failed"


@pytest.mark.parametrize(
    ("verdict", "calls", "status"), [("sent", 1, "success"), ("again", 2, "success"), ("failed", 1, "failed")]
)
def test_uncertain_ask_lets_a_person_decide(verdict, calls, status):
    approver = ScriptedApprover(settle=lambda q: Settled(verdict, "kim"))
    script = Script.of(fails={SEND: ["reset", None]})
    b = Build()
    execution = run(b.program([send(b, uncertain="ask")]), script=script, ports=Ports(approver=approver))
    assert (len(script.calls), execution.status) == (calls, status)
    assert approver.asked[0].error == "slack_notify.send_message answered reset"
    assert execution.uncertain == (("post",) if verdict == "failed" else ())


def cancelled_after(seconds: float, program, script: Script, *, twice: bool = False):
    async def act(machine, clock):
        handle = await machine.start(sealed(program))
        await asyncio.sleep(seconds)
        handle.cancel()
        if twice:
            handle.cancel()
        return await handle.finished()

    return with_machine(act, script=script)


def test_cancelling_during_a_wait_ends_it_at_once():
    b = Build()
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(60_000)))
    script = Script()
    execution = cancelled_after(5, b.program([wait, send(b, needs=[wait])]), script, twice=True)
    assert (execution.status, execution.duration_ms, script.calls) == ("cancelled", 5_000, [])
    assert states(execution) == ["skipped", "skipped"]
    assert names(execution).count("CancelRequested") == 1
    assert execution.topic is None


def test_cancelling_lets_a_started_write_run_to_its_end_and_gives_up_a_read():
    b = Build()
    post, fetch = send(b), read(b)
    script = Script.of(takes_ms={SEND: [3_000], READ: [4_000]})
    execution = cancelled_after(1, b.program([post, fetch, send(b, "more", needs=[post])]), script)
    assert (execution.status, execution.duration_ms) == ("cancelled", 3_000)
    assert states(execution) == ["completed", "skipped", "skipped"]
    assert len(script.calls) == 2


def test_cancelling_when_all_is_done_changes_nothing():
    b = Build()
    execution = cancelled_after(1, b.program([send(b)]), Script.of(takes_ms={SEND: [3_000]}))
    assert execution.status == "success"


def test_giving_up_the_task_of_a_run_leaves_nothing_running():
    b = Build()
    one, two = send(b, "one"), read(b, "two")
    program = b.program([one, two])

    async def act(machine, clock):
        task = asyncio.ensure_future(machine.run(sealed(program)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert with_machine(act, script=Script.of(fails={SEND: ["hang"], READ: ["hang"]})) == 1
