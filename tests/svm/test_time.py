"""Time: simulated, counted exactly; timeouts, deadlines, retries, waits."""

from __future__ import annotations

import asyncio

import pytest

from eyeflow.connectors.scripted import Script
from eyeflow.errors import LoadError, RunError
from eyeflow.ir.opcodes import Op
from eyeflow.ir.task import Backoff
from eyeflow.svm import run_virtual
from svm.built import Build, after, fn, instant, k, ms, obj, of, run, sealed, with_machine

SEND = "slack_notify.send_message"
READ = "openweather.current_weather"


def send(b: Build, name: str = "post", **more):
    return b.call(name, "slack_daily.send_message", obj(text="hi"), **more)


def read(b: Build, name: str = "fetch", **more):
    return b.call(name, "openweather.current_weather", **more)


def test_simulated_waits_pass_at_once_and_are_counted_exactly():
    async def main(clock):
        loop = asyncio.get_running_loop()
        for _ in range(10):
            await asyncio.sleep(0.1)
        tenth = loop.time()
        await asyncio.sleep(86_400 * 30)
        return tenth, loop.time(), clock.now()

    tenth, end, now = run_virtual(main)
    assert (tenth, end) == (1.0, 86_400 * 30 + 1.0)
    assert now == after(86_400 * 30 + 1)


def test_timers_of_one_instant_fire_in_the_order_they_were_set():
    async def main(_):
        fired: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(20):
            loop.call_later(0.5, fired.append, number)
        await asyncio.sleep(1)
        return fired

    assert run_virtual(main) == list(range(20))


def test_waiting_for_what_cannot_happen_is_an_error_and_no_hang():
    async def main(_):
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RunError) as raised:
        run_virtual(main)
    assert raised.value.code == "stuck"


def test_transient_errors_are_repeated_with_backoff():
    script = Script.of(fails={SEND: ["unavailable", "unavailable", None]})
    b = Build()
    post = send(b, attempts=3, backoff=Backoff("exponential", 200, 2.0, 60_000))
    execution = run(b.program([post]), script=script)
    assert execution.ok
    assert [c.at_ms for c in script.calls] == [0, 200, 600]
    assert [c.error for c in script.calls] == ["unavailable", "unavailable", None]


def test_exponential_backoff_stops_at_its_maximum():
    script = Script.of(fails={SEND: ["unavailable"]})
    b = Build()
    run(b.program([send(b, attempts=5, backoff=Backoff("exponential", 100, 10.0, 500))]), script=script)
    assert [c.at_ms for c in script.calls] == [0, 100, 600, 1100, 1600]


def test_without_backoff_a_retry_is_at_once_unless_the_service_asks_to_wait():
    from eyeflow.errors import CallError

    slow_down = CallError("transient", "rate_limited", "slow down", retry_after_ms=7_000)
    script = Script.of(fails={SEND: [slow_down, "unavailable", None]})
    b = Build(deadline_ms=1_000)
    assert run(b.program([send(b, attempts=3)]), script=script).ok
    assert [c.at_ms for c in script.calls] == [0, 7_000, 7_000]


@pytest.mark.parametrize(("word", "attempts"), [("invalid", 1), ("forbidden", 1), ("reset", 1), ("unavailable", 3)])
def test_what_may_be_repeated_of_a_write(word, attempts):
    script = Script.of(fails={SEND: [word]})
    b = Build()
    execution = run(b.program([send(b, attempts=3)]), script=script)
    assert (execution.status, len(script.calls)) == ("failed", attempts)
    assert execution.uncertain == (("post",) if word == "reset" else ())


def test_uncertain_calls_are_repeated_when_keyed_or_reading():
    b = Build()
    keyed = b.call("keyed", "slack_daily.keyed_send", obj(text="hi"), attempts=2, uncertain="retry")
    reading = read(b, attempts=2)
    script = Script.of(fails={"slack_notify.keyed_send": ["reset", None], READ: ["reset", None]})
    execution = run(b.program([keyed, reading]), script=script)
    assert execution.ok
    assert len(script.calls) == 4
    keys = {c.key for c in script.calls if c.function == "keyed_send"}
    assert len(keys) == 1, "a repetition has the same idempotency key"


def test_a_program_that_would_repeat_an_uncertain_write_is_not_loaded():
    b = Build()
    with pytest.raises(LoadError) as raised:
        run(b.program([send(b, attempts=2, uncertain="retry")]))
    assert "repeats_write" in raised.value.message


def test_timeout_of_one_attempt_is_uncertain_and_says_so():
    script = Script.of(fails={SEND: ["hang"]})
    b = Build()
    execution = run(b.program([send(b, timeout_ms=250, attempts=3)]), script=script)
    assert (execution.status, execution.error, execution.error_code) == ("failed", "Timeout exceeded", "timeout")
    assert execution.duration_ms == 250
    assert execution.uncertain == ("post",)


def test_each_attempt_has_the_whole_timeout():
    script = Script.of(takes_ms={READ: [900, 900, 10]})
    b = Build()
    execution = run(b.program([read(b, timeout_ms=500, attempts=3)]), script=script)
    assert execution.ok
    assert execution.duration_ms == 1_010


def test_the_capabilitys_timeout_holds_when_the_step_has_none():
    b = Build()
    execution = run(b.program([read(b)]), script=Script.of(fails={READ: ["hang"]}))
    assert (execution.error, execution.duration_ms) == ("Timeout exceeded", 5_000)


def test_acceptance_47_past_the_deadline_timeout_exceeded():
    b = Build(deadline_ms=100)
    fetch = read(b)
    post = send(b, needs=[fetch])
    script = Script.of(takes_ms={READ: [150]})
    execution = run(b.program([fetch, post]), script=script)
    assert (execution.status, execution.error, execution.error_code) == ("failed", "Timeout exceeded", "deadline")
    assert execution.duration_ms == 100
    assert [c.function for c in script.calls] == ["current_weather"]
    assert [line.state for line in execution.timeline().lines] == ["failed", "skipped"]


def test_the_deadline_cuts_across_actions():
    b = Build(deadline_ms=100)
    one = read(b, "one")
    two = read(b, "two", needs=[one])
    execution = run(b.program([one, two]), script=Script.of(takes_ms={READ: [60]}))
    assert (execution.status, execution.failed_action, execution.duration_ms) == ("partial_failure", 2, 100)


def test_waits_suspend_the_deadline():
    b = Build(deadline_ms=100)
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(3_600_000)))
    post = send(b, needs=[wait])
    script = Script.of(takes_ms={SEND: [90]})
    execution = run(b.program([wait, post]), script=script)
    assert execution.ok
    assert execution.duration_ms == 3_600_090
    assert script.calls[0].at_ms == 0


def test_a_wait_beside_a_working_call_does_not_suspend():
    b = Build(deadline_ms=100)
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(10_000)))
    execution = run(b.program([wait, read(b)]), script=Script.of(takes_ms={READ: [150]}))
    assert (execution.error, execution.failed_action, execution.duration_ms) == ("Timeout exceeded", 2, 100)


def test_wait_until_an_instant():
    b = Build(deadline_ms=100)
    wait = b.step("wait", Op.WAIT_UNTIL, b.block(instant("2026-01-02T09:00:00Z")))
    now = b.value("later", fn("NOW"), needs=[wait])
    execution = run(b.program([wait, now], of(now)))
    assert execution.output == after(33 * 3_600)
    past = Build()
    step = past.step("wait", Op.WAIT_UNTIL, past.block(instant("2020-01-01T00:00:00Z")))
    assert run(past.program([step])).duration_ms == 0


def test_backoff_over_a_second_suspends_the_deadline_and_a_short_one_does_not():
    for first_ms, status in ((5_000, "success"), (900, "failed")):
        script = Script.of(fails={SEND: ["unavailable", None]})
        b = Build(deadline_ms=500)
        execution = run(b.program([send(b, attempts=2, backoff=Backoff("fixed", first_ms))]), script=script)
        assert execution.status == status
    assert (execution.error, execution.duration_ms) == ("Timeout exceeded", 500)


def test_expires_bounds_the_whole_run_with_its_waits():
    b = Build(expires_ms=60_000)
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(3_600_000)))
    execution = run(b.program([wait]))
    assert (execution.status, execution.error_code, execution.duration_ms) == ("failed", "expired", 60_000)
    assert execution.error == "Timeout exceeded"


def test_a_steps_timeout_bounds_a_wait_and_a_branch():
    b = Build()
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(60_000)), timeout_ms=1_000)
    assert run(b.program([wait])).duration_ms == 1_000
    b = Build()
    inner = b.scope([read(b)])
    branch = b.branch("choice", [(k(True), inner)], timeout_ms=300)
    execution = run(b.program([branch]), script=Script.of(fails={READ: ["hang"]}))
    assert (execution.error, execution.error_code, execution.duration_ms) == ("Timeout exceeded", "timeout", 300)


def test_status_is_waiting_while_the_deadline_stands_still():
    b = Build(deadline_ms=100)
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(60_000)))
    program = b.program([wait])

    async def act(machine, clock):
        handle = await machine.start(sealed(program))
        await asyncio.sleep(30)
        during = handle.status
        return during, (await handle.finished()).status, handle.status

    assert with_machine(act) == ("waiting", "success", "success")
