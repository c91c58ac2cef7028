"""Each pass that decides and rewrites nothing, on its fixture: what it says, and that the run is the same without."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from eyeflow.ir.plan import Decision, Needs, Plan, Stage
from eyeflow.optimizer import PASSES, REWRITES, Pass
from eyeflow.optimizer.batch import batch
from eyeflow.optimizer.prefetch import prefetch
from eyeflow.values import Value
from optimizer.world import CTX, LATENCY_MS, Ran, World, planned, run, task_of

FIXTURES = Path(__file__).parent / "fixtures"
DECIDE: tuple[Pass, ...] = tuple(step for step in PASSES if step not in (*REWRITES, prefetch))
INPUT: Mapping[str, Value] = {
    "key": "x", "flag": True, "people": [{"name": "ann"}, {"name": "me"}, {"name": "bob"}, {"name": "ann"}],
}  # fmt: skip


def source_of(name: str) -> str:
    return (FIXTURES / f"{name}.before.eir").read_text("utf-8")


def plan_of(name: str) -> Plan:
    return planned(task_of(source_of(name)), *(batch,) * (name == "batch"))


def world_of(plan: Plan, **more: object) -> World:
    return World(input={field.name: INPUT[field.name] for field in plan.task.inputs}, **more)


def same(one: Ran, other: Ran) -> None:
    assert one.status == other.status == "success"
    assert (one.output, one.writes) == (other.output, other.writes)


def test_every_pass_has_a_fixture_of_its_name_and_every_fixture_a_pass():
    names = {step.__name__ for step in PASSES}
    assert {path.name.partition(".")[0] for path in FIXTURES.iterdir()} == names
    for step in PASSES:
        after = ".plan.txt" if step in DECIDE else ".after.eir"
        assert (FIXTURES / f"{step.__name__}.before.eir").is_file()
        assert (FIXTURES / f"{step.__name__}{after}").is_file()


@pytest.mark.parametrize("step", DECIDE, ids=lambda step: step.__name__)
def test_the_pass_says_what_its_fixture_says(step: Pass):
    lines = "".join(f"{each.kind} {each.subject}: {each.choice} ({each.why})\n" for each in said_by(step))
    assert lines == (FIXTURES / f"{step.__name__}.plan.txt").read_text("utf-8")


def said_by(step: Pass) -> tuple[Decision, ...]:
    """What the pass adds to the decisions of those before it."""
    plan = Plan(task=task_of(source_of(step.__name__)))
    for earlier in DECIDE[: DECIDE.index(step)]:
        plan = earlier(plan, CTX)
    return step(plan, CTX).decisions[len(plan.decisions) :]


def test_what_starts_together_does_what_it_does_one_after_the_other():
    plan = plan_of("order")
    numbers = range(1, len(plan.task.actions) + 1)
    in_a_row = replace(
        plan, stages=tuple(Stage((number,)) for number in plan.order),
        needs=tuple(Needs(number, tuple(plan.order[: plan.order.index(number)])) for number in numbers),
    )  # fmt: skip
    one, other = run(in_a_row, world_of(plan, timely=True)), run(plan, world_of(plan, timely=True))
    same(one, other)
    assert one.took_ms - other.took_ms == LATENCY_MS["topic"]


def test_connections_made_before_and_kept_open_change_nothing_that_is_done():
    plan = plan_of("bind")
    assert {each.service: (each.ready, each.pool) for each in plan.bindings} == {"chat": (True, 1), "crm": (True, 3)}
    late = replace(plan, bindings=tuple(replace(each, ready=False, pool=1) for each in plan.bindings))
    same(run(late, world_of(plan)), run(plan, world_of(plan)))


def test_an_answer_that_still_holds_is_used_again_and_the_run_is_the_same():
    plan = plan_of("cache")
    world = world_of(plan)
    one, other = run(replace(plan, caches=()), world), run(plan, world)
    same(one, other)
    assert (one.reads, other.reads) == (9, 2)


def test_the_memory_a_plan_allows_is_enough_for_what_its_calls_may_answer():
    plan = plan_of("memory")
    roomy = replace(plan, memory_bytes=1 << 31)
    same(run(roomy, world_of(plan)), run(plan, world_of(plan)))
    tight = run(replace(plan, memory_bytes=3_000), world_of(plan))
    assert tight.status in ("failed", "partial_failure")
    assert "memory" in tight.error


@pytest.mark.parametrize("flag", [True, False])
def test_a_run_takes_what_was_estimated_when_services_take_what_they_state(flag: bool):
    plan = plan_of("latency")
    low, high = plan.estimate_ms
    world = World(input={"key": "x", "flag": flag}, timely=True)
    took = run(plan, world).took_ms
    assert took + 1 == (high if flag else low)  # a millisecond is the engine's own
    assert low < high
