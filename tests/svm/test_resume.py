"""A run carried on from its journal: nothing finished is done again, nothing doubtful in silence."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from eyeflow.connectors.scripted import Script
from eyeflow.errors import RunError
from eyeflow.ir.opcodes import Op
from eyeflow.svm import Answer, MemoryJournal, MemoryPublisher, Ports, ScriptedApprover, Settled, run_virtual
from eyeflow.svm.journal import EffectStarted, RunFinished, StepFinished, Waited, event_name
from eyeflow.svm.virtualtime import EPOCH
from eyeflow.values import NUMBER, STRING, Field
from svm.built import INPUT, Build, field, fn, items, k, machine, ms, obj, of, run, sealed

SEND = "slack_notify.send_message"
KEYED = "slack_notify.keyed_send"
READ = "openweather.current_weather"


def resumed(program, events, *, script=None, later_s=0.0, **more):
    """The run carried on `later_s` seconds after it began, with a fresh machine and journal."""
    journal = MemoryJournal()

    async def main(clock):
        return await machine(script, clock=clock, journal=journal, **more).resume(sealed(program), events)

    execution = run_virtual(main, start=EPOCH + timedelta(seconds=later_s))
    return execution, journal


def until(events, name, action, *, after=True):
    """The events to the first of that kind and action."""
    at = next(i for i, e in enumerate(events) if event_name(e) == name and getattr(e, "action", "") == action)
    return events[: at + after]


def two_posts(capability="send_message", **more):
    b = Build()
    b.durable = "journal"
    one = b.call("one", f"slack_daily.{capability}", obj(text="1"), **more)
    two = b.call("two", f"slack_daily.{capability}", obj(text="2"), needs=[one])
    return b.program([one, two], of(two))


def test_a_finished_effect_is_not_done_again():
    program = two_posts()
    first = run(program, journal=MemoryJournal())
    script = Script()
    execution, journal = resumed(program, until(first.events, "effect_finished", "one"), script=script, later_s=5)
    assert execution.ok
    assert [call.params["text"] for call in script.calls] == ["2"]
    assert execution.execution_id == first.execution_id
    assert event_name(journal.of(first.execution_id)[0]) == "run_resumed"
    assert execution.trace_hash() == first.trace_hash()


def test_a_write_without_an_answer_on_record_is_uncertain_and_not_repeated():
    program = two_posts()
    first = run(program, journal=MemoryJournal())
    script = Script()
    execution, _ = resumed(program, until(first.events, "effect_started", "one"), script=script)
    assert (execution.status, execution.error_code, execution.uncertain) == ("failed", "interrupted", ("one",))
    assert script.calls == []


def test_a_keyed_write_without_an_answer_is_repeated_with_the_same_key_whatever_retry_says():
    program = two_posts("keyed_send")
    first = run(program, journal=MemoryJournal())
    script = Script()
    execution, _ = resumed(program, until(first.events, "effect_started", "one"), script=script)
    assert execution.ok
    assert [call.key for call in script.calls] == ["exec_1:one:0", "exec_1:two:0"]
    attempts = [e.attempt for e in execution.events if isinstance(e, EffectStarted) and e.action == "one"]
    assert attempts == [1, 2]


@pytest.mark.parametrize(("verdict", "sent"), [("sent", ["2"]), ("again", ["1", "2"]), ("failed", [])])
def test_a_person_is_asked_about_an_interrupted_write_when_the_program_says_so(verdict, sent):
    program = two_posts(uncertain="ask")
    people = ScriptedApprover(settle=lambda _: Settled(verdict, "ada"))
    first = run(program, journal=MemoryJournal(), ports=Ports(approver=people))
    script = Script()
    execution, _ = resumed(
        program, until(first.events, "effect_started", "one"), script=script, ports=Ports(approver=people)
    )
    assert [call.params["text"] for call in script.calls] == sent
    assert execution.ok == (verdict != "failed")
    assert len(people.asked) == 1


def test_a_wait_goes_on_to_its_recorded_instant():
    b = Build()
    b.durable = "journal"
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(3_600_000)))
    program = b.program([wait, b.call("post", "slack_daily.send_message", obj(text="x"), needs=[wait])])
    first = run(program, journal=MemoryJournal())
    begun = until(first.events, "step_started", "wait")
    for later_s, waited_ms in ((600, 3_600_000), (7_200, 7_200_000)):
        execution, _ = resumed(program, begun, later_s=later_s)
        assert execution.ok
        assert [e.wait_ms for e in execution.events if isinstance(e, Waited)] == [waited_ms]
        assert execution.duration_ms == waited_ms


def test_the_whole_run_expires_when_it_would_have_without_the_crash():
    b = Build(expires_ms=60_000)
    b.durable = "journal"
    program = b.program([b.step("wait", Op.WAIT_FOR, b.block(ms(50_000)))])
    begun = until(run(program, journal=MemoryJournal()).events, "step_started", "wait")
    assert resumed(program, begun, later_s=30)[0].ok
    b = Build(expires_ms=40_000)
    b.durable = "journal"
    late = b.program([b.step("wait", Op.WAIT_FOR, b.block(ms(50_000)))])
    begun = until(run(late, journal=MemoryJournal()).events, "step_started", "wait")
    execution, _ = resumed(late, begun, later_s=30)
    assert (execution.error_code, execution.duration_ms) == ("expired", 40_000)


def test_active_time_is_what_was_used_before_and_not_while_nothing_ran():
    b = Build(deadline_ms=100)
    b.durable = "journal"
    one = b.call("one", READ)
    two = b.call("two", READ, needs=[one])
    program = b.program([one, two])
    first = run(program, script=Script.of(takes_ms={READ: [60, 20]}), journal=MemoryJournal())
    assert first.ok
    begun = until(first.events, "effect_finished", "one")
    assert resumed(program, begun, script=Script.of(takes_ms={READ: [30]}), later_s=3_600)[0].ok
    execution, _ = resumed(program, begun, script=Script.of(takes_ms={READ: [50]}), later_s=3_600)
    assert execution.error_code == "deadline"


def test_readings_of_the_world_come_from_the_record():
    b = Build()
    b.durable = "journal"
    stamp = b.value("stamp", obj(now=fn("NOW"), id=fn("UUID")))
    program = b.program([stamp, b.call("post", "slack_daily.send_message", obj(text="x"), needs=[stamp])], of(stamp))
    first = run(program, journal=MemoryJournal())
    execution, _ = resumed(program, until(first.events, "effect_finished", "post"), later_s=86_400)
    assert execution.output == first.output


def test_a_person_is_asked_again_and_the_question_keeps_its_end():
    b = Build()
    b.durable = "journal"
    yes = b.step("yes", Op.APPROVAL, b.constant("owner"), b.block(k("go?")), b.constant(60_000, NUMBER))
    program = b.program([yes], of(yes))
    first = run(program, journal=MemoryJournal(), ports=Ports(approver=ScriptedApprover()))
    asked = until(first.events, "approval_asked", "yes")
    people = ScriptedApprover(lambda _: Answer(True, "ada"))
    execution, _ = resumed(program, asked, later_s=30, ports=Ports(approver=people))
    assert execution.output == {"approved": True, "by": "ada", "comment": ""}
    execution, _ = resumed(program, (*first.events[:-2],), later_s=30, ports=Ports(approver=people))
    assert execution.output == {"approved": True, "by": "scripted", "comment": ""}
    assert len(people.asked) == 1

    class Nobody(ScriptedApprover):
        async def ask(self, question):
            return await asyncio.get_running_loop().create_future()

    execution, _ = resumed(program, asked, later_s=30, ports=Ports(approver=Nobody()))
    assert (execution.error_code, execution.duration_ms) == ("approval_expired", 60_000)


def test_items_of_a_loop_that_are_done_stay_done():
    b = Build()
    b.durable = "journal"
    loop = b.foreach(
        "each", items("a", "b", "c"),
        lambda item: ([post := b.call("post", "slack_daily.keyed_send", obj(text=item))], field(of(post), "ts")),
    )  # fmt: skip
    program = b.program([loop], of(loop))
    first = run(program, journal=MemoryJournal(), script=Script.of(returns={KEYED: [{"ok": True, "ts": "1"}]}))
    at = [i for i, e in enumerate(first.events) if event_name(e) == "effect_finished"][1]
    script = Script.of(returns={KEYED: [{"ok": True, "ts": "2"}]})
    execution, _ = resumed(program, first.events[: at + 1], script=script)
    assert execution.output == ["1", "1", "2"]
    assert [call.key for call in script.calls] == ["exec_1:each.post:2"]


def test_a_whole_journal_is_replayed_and_nothing_is_written():
    program = two_posts()
    first = run(program, journal=MemoryJournal())
    script = Script()
    execution, journal = resumed(program, first.events, script=script, later_s=1_000)
    assert (execution.status, execution.output, script.calls, journal.batches) == ("success", first.output, [], [])


def test_an_event_handed_over_twice_has_one_key():
    b = Build()
    b.durable = "journal"
    program = b.program([b.step("tell", Op.EMIT, b.constant("things"), b.block(k("x")))])
    publisher = MemoryPublisher()
    first = run(program, journal=MemoryJournal(), ports=Ports(publisher=publisher))
    resumed(program, until(first.events, "event_emitted", "tell"), ports=Ports(publisher=publisher))
    assert publisher.published == [("things", "x")]


def test_a_journal_of_another_program_or_of_nothing_is_refused():
    first = run(two_posts(), journal=MemoryJournal())
    for events in ((), first.events[1:], first.events):
        with pytest.raises(RunError) as raised:
            resumed(two_posts("keyed_send"), events)
        assert raised.value.code == "bad_journal"


def test_a_cancelled_run_stays_cancelled():
    b = Build()
    b.durable = "journal"
    wait = b.step("wait", Op.WAIT_FOR, b.block(ms(3_600_000)))
    program = b.program([wait, b.call("post", "slack_daily.send_message", obj(text="x"), needs=[wait])])

    async def main(clock):
        journal = MemoryJournal()
        handle = await machine(clock=clock, journal=journal).start(sealed(program))
        await asyncio.sleep(1)
        handle.cancel()
        return await handle.finished()

    first = run_virtual(main)
    assert isinstance(first.events[-1], RunFinished)
    script = Script()
    execution, _ = resumed(program, until(first.events, "cancel_requested", ""), script=script, later_s=10)
    assert (execution.status, script.calls) == ("cancelled", [])


def test_long_computing_is_ended_by_the_deadline_in_its_middle():
    b = Build(deadline_ms=4, operations=900_000_000)
    b.inputs = (Field("text", STRING),)
    total = k(0)
    for _ in range(100):
        total = fn("ADD", total, fn("LEN", fn("HASH", field(INPUT, "text", STRING))))
    program = b.program([b.value("total", total)])

    async def main():
        return await machine().run(sealed(program), {"text": "a" * 300_000})

    execution = asyncio.run(main())
    assert (execution.status, execution.error_code) == ("failed", "deadline")
    assert not any(isinstance(event, StepFinished) for event in execution.events)
    again = asyncio.run(machine().replay(sealed(program), execution.events))
    assert (again.error_code, again.trace_hash()) == ("deadline", execution.trace_hash())


def test_a_call_that_ended_with_its_process_is_not_one_call_too_many():
    b = Build(calls=1)
    b.durable = "journal"
    program = b.program([one := b.call("one", "slack_daily.keyed_send", obj(text="1"))], of(one))
    events = until(run(program, journal=MemoryJournal()).events, "effect_started", "one")
    for _ in range(2):
        execution, journal = resumed(program, events)
        assert execution.ok, execution.error
        events = (*events, *until(journal.of(execution.execution_id), "effect_started", "one"))
