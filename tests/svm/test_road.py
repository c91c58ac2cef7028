"""The straight road and the scheduler are one machine: same outcome, same events, same trace."""

from __future__ import annotations

import gc
from random import Random

import pytest

from eyeflow.ir.opcodes import Op
from eyeflow.svm import MemoryJournal, MemoryLogger, Ports, run_virtual
from eyeflow.svm.journal import event_name
from eyeflow.svm.run import Run
from eyeflow.values import NUMBER, STRING, Field
from svm.built import INPUT, Build, field, fn, k, machine, obj, of, sealed, text


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
    assert lines(one) == lines(other)
    assert dict(one.context.intermediate_results) == dict(other.context.intermediate_results)
    assert one.context.inputs == other.context.inputs
    assert one.report() == other.report()


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


def test_a_run_that_is_over_is_freed_without_the_garbage_collector():
    b = Build()
    inner = b.scope([b.value("v", k(1))])
    program = b.program([b.call("w", "openweather.current_weather"), b.branch("c", [(k(True), inner)])])

    async def main(clock):
        runner = machine(clock=clock)
        loaded = await runner.load(sealed(program))
        gc.collect()
        gc.disable()
        try:
            execution = await runner.run(loaded, {})
            return execution, [each for each in gc.get_objects() if type(each) is Run]
        finally:
            gc.enable()

    execution, left = run_virtual(main)
    assert execution.ok and not left
