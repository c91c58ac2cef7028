"""Each rewrite on its fixture, and what each leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from eyeflow.compiler import compile_ir, seal_compiled
from eyeflow.ir.text import print_task
from eyeflow.ir.text.strip import strip
from eyeflow.optimizer import PASSES, REWRITES, Pass, optimize
from eyeflow.optimizer.common import common
from eyeflow.optimizer.describe import describe_plan
from eyeflow.optimizer.duplicates import duplicates
from eyeflow.optimizer.fold import fold
from eyeflow.optimizer.guards import guards
from eyeflow.optimizer.invariants import invariants
from eyeflow.optimizer.prefetch import prefetch
from eyeflow.optimizer.unread import unread
from optimizer.world import CTX, KEY, World, planned, run, task_of

FIXTURES = Path(__file__).parent / "fixtures"
EACH: tuple[Pass, ...] = (*REWRITES, prefetch)
INPUT = {"key": "x", "flag": True, "n": 12, "people": [{"name": "ann"}, {"name": "me"}, {"name": "bob"}]}

HEAD = "TASK t\n  DEADLINE 60s\n  INPUT key string\n  INPUT flag boolean\n  INPUT n integer\n"
FIND = "TYPE connector_call\n    CONNECTOR crm\n    FUNCTION find\n    PARAMS {id: input.key}"
SOFT = f'{FIND}\n    FALLBACK THEN continue\n      VALUE {{name: "nobody", score: 0, vip: false}}'
NOTE = 'TYPE connector_call\n    CONNECTOR crm\n    FUNCTION note\n    PARAMS {text: "noted"}'


def source(*actions: str, returns: str = "input.n") -> str:
    """A task of `NAME: lines` actions."""
    written = (each.split(": ", 1) for each in actions)
    return HEAD + "".join(f"  ACTION {name}\n    {lines}\n" for name, lines in written) + f"  RETURN {returns}\n"


def done(text: str, step: Pass) -> list[str]:
    """The actions that a pass changed."""
    return [each.subject for each in planned(task_of(text), step).decisions if each.kind == "rewrite"]


@pytest.mark.parametrize("step", EACH, ids=lambda step: step.__name__)
def test_fixture_is_rewritten_as_its_pair_says(step: Pass):
    before = task_of((FIXTURES / f"{step.__name__}.before.eir").read_text("utf-8"))
    after = task_of((FIXTURES / f"{step.__name__}.after.eir").read_text("utf-8"))
    plan = planned(before, step)
    made = replace(plan.task, actions=tuple(plan.task.actions[n - 1] for n in plan.order))
    assert print_task(strip(made)) == print_task(strip(after))
    assert before != made
    world = World(input={field.name: INPUT[field.name] for field in before.inputs})
    then, now = run(planned(before), world), run(plan, world)
    assert (then.status, then.output, then.writes) == (now.status, now.output, now.writes)
    assert now.status == "success"
    assert (now.reads < then.reads) is (step not in (fold, common, prefetch))


@pytest.mark.parametrize("step", EACH, ids=lambda step: step.__name__)
def test_every_rewrite_says_what_it_did_why_and_what_it_saves(step: Pass):
    plan = planned(task_of((FIXTURES / f"{step.__name__}.before.eir").read_text("utf-8")), step)
    said = [each for each in plan.decisions if each.kind == "rewrite"]
    assert said and all("saves" in each.why for each in said)
    shown = describe_plan(plan)
    assert "Rewrites:" in shown and all(f"{each.subject}: {each.choice}" in shown for each in said)


def test_passes_are_the_rewrites_and_then_the_decisions_about_what_they_left():
    assert PASSES[: len(REWRITES)] == REWRITES
    assert [step.__name__ for step in PASSES] == [
        "fold", "common", "duplicates", "guards", "invariants", "unread",
        "order", "prefetch", "bind", "cache", "batch", "memory", "latency",
    ]  # fmt: skip


def test_a_compile_keeps_the_task_that_was_said_and_runs_the_rewritten_one():
    text = (FIXTURES / "duplicates.before.eir").read_text("utf-8")
    made = compile_ir(text, CTX)
    assert made.task is not None and made.plan is not None
    assert made.task.actions[1].do != made.plan.task.actions[1].do
    assert [each.name for each in made.task.actions] == [each.name for each in made.plan.task.actions]
    assert [each.span for each in made.task.actions] == [each.span for each in made.plan.task.actions]


def test_places_of_a_program_name_the_steps_it_has():
    made = compile_ir((FIXTURES / "guards.before.eir").read_text("utf-8"), CTX)
    places = {place.step for place in seal_compiled(made, CTX, KEY, approver="me").envelope.places}
    assert {"history", "history.case2.history", "rule", "send"} <= places


def test_a_second_compile_gives_the_same_plan():
    task = task_of((FIXTURES / "invariants.before.eir").read_text("utf-8"))
    assert optimize(task, CTX) == optimize(task, CTX)


def test_fold_leaves_what_the_run_must_decide():
    assert done(source("a: TYPE transform\n    VALUE UUID()\n    OUTPUT a"), fold) == []
    assert done(source("a: TYPE transform\n    VALUE ADD(30 days, 2 days)\n    OUTPUT a"), fold) == []
    assert done(source('a: TYPE transform\n    VALUE TO_NUMBER(CONCAT("a", "b"))\n    OUTPUT a'), fold) == []
    assert done(source("a: TYPE transform\n    VALUE DIV(input.n, SUB(2, 2))\n    OUTPUT a"), fold) == []


def test_one_and_one_point_zero_and_true_are_not_the_same_value():
    text = source(
        "a: TYPE transform\n    VALUE CONCAT(input.key, TO_JSON(1))\n    OUTPUT a",
        "b: TYPE transform\n    VALUE CONCAT(input.key, TO_JSON(true))\n    OUTPUT b",
        "c: TYPE transform\n    VALUE CONCAT(input.key, TO_JSON(1))\n    OUTPUT c",
        returns="[a, b, c]",
    )
    assert done(text, common) == ["c"]


@pytest.mark.parametrize(
    "between",
    [
        f"w: {NOTE}\n    AFTER a",
        "w: TYPE wait\n    FOR 5 minutes\n    AFTER a",
        'w: TYPE approval\n    ROLE owner\n    MESSAGE "go on?"\n    AFTER a',
        "w: TYPE emit\n    TOPIC news\n    VALUE 1\n    AFTER a",
        "w: TYPE subtask\n    TASK other\n    AFTER a",
    ],
    ids=["write", "wait", "approval", "event", "task"],
)
def test_a_read_is_made_again_when_something_may_have_changed_in_between(between: str):
    second = f"b: {FIND}\n    AFTER w\n    OUTPUT b"
    assert done(source(f"a: {FIND}\n    OUTPUT a", between, second, returns="[a.name, b.name]"), duplicates) == []


def test_a_write_to_another_service_is_no_reason_to_read_again():
    other = 'w: TYPE connector_call\n    CONNECTOR chat\n    FUNCTION send\n    PARAMS {text: "hi"}\n    AFTER a'
    text = source(
        f"a: {FIND}\n    OUTPUT a", other, f"b: {FIND}\n    AFTER w\n    OUTPUT b", returns="[a.name, b.name]"
    )
    assert done(text, duplicates) == ["b"]


@pytest.mark.parametrize("more", ["WHEN input.flag", "ON_ERROR continue", "RATE 1/min", "RETRY 2"])
def test_a_read_that_may_not_have_happened_or_ends_otherwise_is_no_answer_for_another(more: str):
    text = source(f"a: {FIND}\n    {more}\n    OUTPUT a", f"b: {FIND}\n    OUTPUT b", returns="b.name")
    assert done(text, duplicates) == []


def test_a_read_that_can_fail_the_run_stays_even_if_nobody_uses_it():
    assert done(source(f"a: {FIND}\n    OUTPUT a"), unread) == []
    assert done(source(f"a: {FIND}\n    ON_ERROR continue\n    OUTPUT a"), unread) == []
    assert done(source(f"a: {SOFT}\n    OUTPUT a"), unread) == ["a"]
    assert done(source(f"a: {SOFT}\n    OUTPUT a", f"b: {NOTE}\n    AFTER a"), unread) == []


def test_a_read_inside_a_block_stays_because_its_fallback_is_part_of_the_status():
    inner = SOFT.replace("\n    ", "\n          ")
    rule = f"rule: TYPE conditional\n    CONDITION input.flag\n      BRANCH yes\n        ACTION a\n          {inner}"
    text = source(
        f'{rule}\n          OUTPUT a\n        ACTION b\n          TYPE log\n          MESSAGE "hi"\n    DEFAULT NOTHING'
    )
    assert done(text, unread) == []


def test_a_write_that_nobody_reads_stays():
    fallback = "FALLBACK THEN continue\n      VALUE {ok: true}"
    assert done(source(f"a: {NOTE}\n    {fallback}\n    OUTPUT a"), unread) == []


RULE = (
    'rule: TYPE conditional\n    CONDITION {test}\n      BRANCH yes\n        FORMAT "{{a.name}}"\n    DEFAULT NOTHING'
)


def test_a_read_that_can_fail_the_run_is_not_put_under_a_condition():
    rule = RULE.format(test="input.flag")
    assert done(source(f"a: {FIND}\n    OUTPUT a", rule), guards) == []
    assert done(source(f"a: {SOFT}\n    OUTPUT a", rule), guards) == ["a"]


def test_a_read_never_waits_for_a_condition_that_it_did_not_wait_for():
    slow = 'b: TYPE connector_call\n    CONNECTOR crm\n    FUNCTION find\n    PARAMS {id: "y"}\n    OUTPUT b'
    assert done(source(slow, f"a: {SOFT}\n    OUTPUT a", RULE.format(test="b.vip")), guards) == []
    assert done(source(slow, f"a: {SOFT}\n    AFTER b\n    OUTPUT a", RULE.format(test="b.vip")), guards) == ["a"]


LOOP = (
    "each: TYPE foreach\n    EACH p IN [1, 2]{more}\n    ACTION r\n      {read}\n      OUTPUT r\n"
    "    ACTION w\n      {write}"
)
READ = FIND.replace("\n    ", "\n      ")
TELL = 'TYPE connector_call\n      CONNECTOR chat\n      FUNCTION send\n      PARAMS {text: "{r.name}"}'


@pytest.mark.parametrize(
    ("more", "read", "write", "moves"),
    [
        ("", READ, TELL, True),
        (" PARALLEL 2", READ, TELL, True),
        ("", READ.replace("input.key", "TO_STRING(p)"), TELL, False),
        ("", READ, TELL.replace("chat", "crm").replace("send", "note"), False),
        ("", READ, TELL.replace("{r.name}", "hello"), False),
        ("", READ + "\n      WHEN input.flag", TELL.replace("{r.name}", "{r}"), False),
        ("\n    ON_ERROR continue", READ, TELL, False),
        ("", READ, TELL + "\n    ACTION pause\n      TYPE wait\n      FOR 1 hour", False),
    ],
    ids=["same", "parallel", "by item", "write", "not needed", "perhaps", "gathers failures", "waits"],
)
def test_a_read_leaves_a_loop_only_when_nobody_can_tell(more: str, read: str, write: str, moves: bool):
    text = source(LOOP.format(more=more, read=read, write=write))
    assert done(text, invariants) == (["each.r"] if moves else [])


def test_no_read_happens_for_an_empty_list():
    task = task_of((FIXTURES / "invariants.before.eir").read_text("utf-8"))
    world = World(input={**INPUT, "people": [{"name": "me"}]})
    assert run(planned(task, invariants), world).reads == 0


def test_what_came_after_a_read_without_using_it_still_does_when_the_read_has_left_the_loop():
    text = (FIXTURES / "invariants.before.eir").read_text("utf-8")
    text = text.replace(", from {sender.name}", "").replace(
        "    ACTION send\n", "    ACTION send\n      AFTER sender\n"
    )
    plan, world = planned(task_of(text), invariants), World(input=INPUT, fails=frozenset({"x"}))
    assert [each.subject for each in plan.decisions if each.kind == "rewrite"] == ["each.sender"]
    assert run(plan, world).writes == run(planned(task_of(text)), world).writes == {}


def test_a_read_does_not_overtake_a_computation_that_may_fail():
    risky = "a: TYPE transform\n    VALUE DIV(1, input.n)\n    OUTPUT a"
    assert done(source(risky, f"b: {FIND}\n    OUTPUT b"), prefetch) == []


def test_hundreds_of_equal_actions_are_planned_in_seconds():
    text = source(*(f"a{n}: {SOFT}\n    OUTPUT a{n}" for n in range(800)))
    plan, _ = optimize(task_of(text), CTX)
    assert sum(each.kind == "rewrite" for each in plan.decisions) == 800
