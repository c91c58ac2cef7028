"""The straight road and the scheduler are one machine: same outcome, same events, same trace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from eyeflow.errors import RunError
from eyeflow.ir.opcodes import Op
from eyeflow.ports import CountingIds, FixedClock
from eyeflow.svm import MemoryJournal, MemoryLogger, Ports, run_virtual
from eyeflow.svm.journal import encode_event, event_name
from eyeflow.svm.straight import StraightRun
from eyeflow.values import JSON, NUMBER, STRING, Field, nullable
from svm.built import INPUT, NOW, TRIGGER, Build, E, field, fn, k, machine, maybe, obj, of, sealed, text


def both(program, inputs, **more):
    """The run by `run`, which may go straight, and by `start`, which never does."""

    async def main(clock):
        runner = machine(clock=clock, **more)
        loaded = await runner.load(sealed(program))
        straight = await runner.run(loaded, inputs, execution_id="exec_1", me={"name": "Ada"})
        handle = await runner.start(loaded, inputs, execution_id="exec_1", me={"name": "Ada"})
        return loaded.straight, straight, await handle.finished()

    return run_virtual(main)


def same(one, other):
    assert (one.status, one.output, one.error, one.completed_actions) == (
        other.status, other.output, other.error, other.completed_actions,
    )  # fmt: skip
    assert one.trace_hash() == other.trace_hash()
    assert recorded(one) == recorded(other)
    assert one.events[0] == other.events[0] and one.events[-1] == other.events[-1]
    assert lines(one) == lines(other)
    assert dict(one.context.intermediate_results) == dict(other.context.intermediate_results)
    assert one.context.inputs == other.context.inputs
    assert one.report() == other.report()


def recorded(execution):
    """Every event with every field, as it is kept; parallel actions may come in either order."""
    return sorted(encode_event(event) for event in execution.events)


def lines(execution):
    """The timeline; parallel actions may begin in either order."""
    return sorted(execution.timeline().lines, key=lambda line: line.action)


def rule(luck):
    """A random program that only computes."""
    b = Build()
    b.inputs = (Field("n", NUMBER), Field("who", STRING, required=False))
    number = field(INPUT, "n", NUMBER)
    made = []

    def steps(size, depth):
        inner = []
        for _ in range(size):
            needs = [step for step in inner if luck.random() < 0.4]
            name = f"s{len(made)}"
            more = {"needs": needs}
            if luck.random() < 0.3:
                more["when"] = fn("GT", number, k(luck.choice((0.0, 50.0, 100.0))))
            kind = luck.choice(("value", "value", "log", "branch" if depth < 2 else "value"))
            made.append(name)
            if kind == "value":
                step = b.value(name, fn("ADD", number, k(luck.random())), **more)
            elif kind == "log":
                step = b.step(name, Op.LOG, b.block(text("line of ", name)), **more)
            else:
                cases = []
                for _ in range(luck.randrange(1, 3)):
                    taken = steps(luck.randrange(1, 3), depth + 1)
                    label = luck.choice((None, f"b{len(made)}"))
                    cases.append((fn("GT", number, k(luck.choice((10.0, 60.0)))), b.scope(taken, number, label=label)))
                default = b.scope(steps(1, depth + 1)) if luck.random() < 0.5 else -1
                step = b.branch(name, cases, default, **more)
            inner.append(step)
        return inner

    top = steps(luck.randrange(1, 5), 0)
    return b.program(top, obj(**{step.name: of(step) for step in top}))


@pytest.mark.parametrize("seed", range(60))
def test_a_program_that_only_computes_means_the_same_on_both_roads(seed):
    luck = Random(seed)
    straight, one, other = both(rule(luck), {"n": luck.choice((5, 55.5, 200))})
    assert straight
    assert one.ok
    same(one, other)


def test_a_failure_is_the_schedulers():
    b = Build()
    b.inputs = (Field("n", NUMBER),)
    bad = b.value("bad", fn("DIV", k(1.0), field(INPUT, "n", NUMBER)), continue_on_error=True)
    spare = b.value("spare", fn("DIV", k(1.0), field(INPUT, "n", NUMBER)), backup=b.fallback(k("spare")))
    straight, one, other = both(b.program([bad, spare], of(spare)), {"n": 0})
    assert (straight, one.status, one.output) == (True, "partial_failure", "spare")
    same(one, other)


def test_long_computing_goes_to_the_scheduler_and_keeps_its_limit():
    b = Build(operations=30_000)
    b.inputs = (Field("t", STRING),)
    hashed = fn("LEN", fn("HASH", field(INPUT, "t", STRING)))
    program = b.program([b.value("a", hashed), b.value("b", hashed), b.value("c", hashed)])
    straight, one, other = both(program, {"t": "x" * 150_000})
    assert (straight, one.status) == (True, "success")
    same(one, other)
    straight, one, other = both(program, {"t": "x" * 200_000})
    assert (straight, one.error_code) == (True, "operation_limit")
    same(one, other)


def test_what_reads_the_world_or_calls_it_never_goes_straight():
    b = Build()
    assert not both(b.program([b.value("a", fn("NOW"))]), {})[0]
    b = Build()
    assert not both(b.program([b.call("a", "openweather.current_weather")]), {})[0]


def test_the_record_of_a_straight_run_is_one_batch():
    b = Build()
    journal = MemoryJournal()
    _, one, _ = both(b.program([b.value("a", k(1))], k("out")), {}, journal=journal)
    first, _ = journal.batches
    assert first == ("exec_1", one.events)
    assert [event_name(event) for event in one.events] == [
        "run_started", "step_started", "step_finished", "run_finished",
    ]  # fmt: skip


def test_a_listening_logger_hears_every_line():
    b = Build()
    logger = MemoryLogger()
    _, one, _ = both(b.program([b.step("say", Op.LOG, b.block(k("hi")))]), {}, ports=Ports(logger=logger))
    assert one.ok
    assert logger.lines == ["hi", "hi"]


def test_memory_runs_out_at_the_same_byte_on_both_roads():
    def at(limit):
        b = Build(memory_bytes=limit)
        b.inputs = (Field("n", NUMBER), Field("who", STRING))
        who, number = field(INPUT, "who", STRING), field(INPUT, "n", NUMBER)
        said = b.step("said", Op.LOG, b.block(text("hello ", who)))
        pair = b.value("pair", obj(who=who, twice=fn("ADD", number, number), some=k([1, "two", None, 3.5], JSON)))
        taken = b.branch("choice", [(fn("GT", number, k(3)), b.scope([], obj(big=who)))], needs=[pair])
        return both(b.program([said, pair, taken], obj(pair=of(pair), choice=of(taken))), {"n": 7, "who": "w" * 300})

    enough = next(limit for limit in range(1_000, 4_000, 10) if at(limit)[2].ok)
    for limit in range(enough - 130, enough + 20):
        straight, one, other = at(limit)
        assert straight
        same(one, other)
    assert not at(enough - 130)[1].ok


def test_a_line_of_the_log_that_is_no_text_fails_on_both_roads():
    b = Build()
    said = b.step("said", Op.LOG, b.block(maybe(E("r", (2,)), "name")))
    straight, one, other = both(b.program([said]), {})
    assert (straight, one.ok) == (True, True)
    b = Build()
    said = b.step("said", Op.LOG, b.block(maybe(E("r", (2,)), "age")))
    straight, one, other = both(b.program([said]), {})
    assert (straight, one.status, one.error_code) == (True, "failed", "type_mismatch")
    same(one, other)


def test_roots_are_what_the_run_was_given_on_both_roads():
    b = Build()
    seen = b.value("seen", obj(trigger=TRIGGER, now=NOW, me=E("r", (2,))))
    program = b.program([seen], of(seen))
    b = Build()
    bare = b.program([b.value("now", NOW), b.value("me", E("r", (2,)))], TRIGGER)

    async def main(clock):
        runner = machine(clock=clock)
        loaded = await runner.load(sealed(program))
        given = {"trigger": {"a": [1]}, "me": {"name": "Ada"}, "execution_id": "exec_1"}
        one = await runner.run(loaded, **given)
        other = await (await runner.start(loaded, **given)).finished()
        roots = await runner.run(await runner.load(sealed(bare)), **given)
        return loaded.straight, one, other, roots, clock.now()

    straight, one, other, roots, now = run_virtual(main)
    assert straight
    assert roots.output == {"a": [1]}
    assert dict(roots.context.intermediate_results) == {"now": now, "me": {"name": "Ada"}}
    assert one.output == {"trigger": {"a": [1]}, "now": now, "me": {"name": "Ada"}}
    same(one, other)


def test_steps_begin_and_end_when_they_did():
    """A step that only computes ends when the next thing begins; a choice ends after what is inside it."""
    b = Build(deadline_ms=100)
    inside = b.value("inside", k(1))
    choice = b.branch("choice", [(k(True), b.scope([inside], of(inside)))])
    left_out = b.value("left_out", k(2), when=k(False))
    program = b.program([b.value("first", k(0)), choice, left_out], of(choice))

    def driven(*instants):
        async def main(clock):
            loaded = await machine(clock=clock).load(sealed(program))
            run = StraightRun(loaded, "exec_1", clock.now(), {}, None, None, [], [])
            return run.drive(loaded.code.straight, iter(instants).__next__)

        return run_virtual(main)

    execution = driven(50.0, 50.001, 50.003, 50.006, 50.010, 50.015, 50.099)
    assert [(event_name(e), getattr(e, "action", ""), e.at_us) for e in execution.events] == [
        ("run_started", "", 0),
        ("step_started", "first", 1_000),
        ("step_finished", "first", 3_000),
        ("step_started", "choice", 3_000),
        ("branch_taken", "choice", 3_000),
        ("step_started", "choice.case1.inside", 6_000),
        ("step_finished", "choice.case1.inside", 10_000),
        ("step_finished", "choice", 10_000),
        ("step_skipped", "left_out", 15_000),
        ("run_finished", "", 49_000 + 50_000),
    ]
    assert execution.duration_ms == 99
    assert driven(0.0, 0.001, 0.003, 0.006, 0.010, 0.015, 0.0999).ok
    assert driven(0.0, 0.001, 0.003, 0.006, 0.010, 0.015, 0.1) is None  # the deadline is the scheduler's


def test_own_ids_and_clocks_are_asked_once_for_each_run_and_at_once():
    class Ids(CountingIds):
        asked = 0

        def new(self, prefix):
            self.asked += 1
            return super().new(prefix)

    class Clock(FixedClock):
        def now(self):
            self.advance(timedelta(seconds=1))
            return super().now()

    b = Build()
    b.inputs = (Field("n", NUMBER),)
    half = b.value("half", fn("DIV", k(1.0), field(INPUT, "n", NUMBER)))
    program = sealed(b.program([half], of(half)))
    ids, clock = Ids(), Clock(datetime(2026, 1, 1, tzinfo=UTC))

    async def main():
        runner = machine(clock=clock, ids=ids)
        loaded = await runner.load(program)
        one = await runner.run(loaded, {"n": 2})
        failed = await runner.run(loaded, {"n": 0})  # the scheduler takes over the run, not another one
        last = await runner.run(loaded, {"n": 4})
        return one, failed, last

    runs = asyncio.run(main())
    assert ids.asked == 3
    assert [each.status for each in runs] == ["success", "failed", "success"]
    assert [each.execution_id for each in reversed(runs)] == ["exec_3", "exec_2", "exec_1"]
    assert [each.started_at.second for each in runs] == [1, 2, 3]
    assert [each.events[0].execution_id for each in runs] == ["exec_1", "exec_2", "exec_3"]


def test_wrong_inputs_are_refused_before_an_id_is_seen_by_anybody():
    b = Build()
    b.inputs = (Field("n", NUMBER), Field("who", STRING, required=False))
    program = sealed(b.program([], field(INPUT, "n", NUMBER)))

    async def main(clock):
        runner = machine(clock=clock)
        loaded = await runner.load(program)
        for wrong in ({}, {"n": "1"}, {"n": None}, {"n": True}, {"n": 1, "other": 2}, {"n": 1, "who": 3}):
            with pytest.raises(RunError, match=r"input|'n'|'who'|n "):
                await runner.run(loaded, wrong)
        fine = [{"n": 1}, {"n": 1.5, "who": None}, {"n": 2**60, "who": "x" * 5_000}]
        return [(await runner.run(loaded, each)).events[0].inputs["n"] for each in fine]

    read = run_virtual(main)
    assert read == [1, 1.5, float(2**60)]
    assert [type(each) for each in read] == [int, float, float]  # an integer no double holds becomes the nearest one


def test_operations_run_out_at_the_same_one_on_both_roads():
    def at(limit):
        b = Build(operations=limit)
        b.inputs = (Field("n", NUMBER), Field("who", STRING))
        who, number = field(INPUT, "who", STRING), field(INPUT, "n", NUMBER)
        many = b.value("many", fn("SPLIT", who, k(" ")))
        back = b.value("back", fn("JOIN", of(many), k("-")), needs=[many])
        taken = b.branch("choice", [(fn("GT", number, k(3)), b.scope([], text(who, "!", who)))], needs=[back])
        return both(b.program([many, back, taken], obj(back=of(back), choice=of(taken))), {"n": 7, "who": "w " * 400})

    enough = next(limit for limit in range(1, 400) if at(limit)[2].ok)
    assert enough > 60
    for limit in range(enough - 40, enough + 60):
        _, one, other = at(limit)
        same(one, other)


def test_what_needs_a_value_that_is_missing_is_left_out_on_both_roads():
    b = Build()
    b.inputs = (Field("n", NUMBER),)
    first = b.value("first", obj(name="Ada"), when=fn("GT", field(INPUT, "n", NUMBER), k(3)))
    second = b.value("second", field(of(first), "name", STRING), needs=[first], output_type=nullable(STRING))
    third = b.value("third", text("x"), needs=[second])
    program = b.program([first, second, third], of(third))
    straight, one, other = both(program, {"n": 1})
    assert (straight, one.completed_actions) == (True, 1)
    assert [e.reason for e in one.events if event_name(e) == "step_skipped"] == ["when", "null_input"]
    same(one, other)
    _, one, other = both(program, {"n": 5})
    assert one.completed_actions == 3
    same(one, other)
