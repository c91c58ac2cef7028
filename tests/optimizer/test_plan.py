"""What a plan decides: order, stages, connections, pools, caches, memory, time; and that it says why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import CompileContext
from eyeflow.compiler import compile_ir, compile_sentence
from eyeflow.ir.plan import Plan
from eyeflow.optimizer import optimize
from eyeflow.optimizer.describe import describe_plan, estimate_line, order_line, resources_line, stages_line
from optimizer.world import CTX, task_of

FIND = 'TYPE connector_call\n    CONNECTOR crm\n    FUNCTION find\n    PARAMS {{id: "{0}"}}\n    OUTPUT {0}'
TOPIC = 'TYPE connector_call\n    CONNECTOR chat\n    FUNCTION topic\n    PARAMS {channel: "general"}\n    OUTPUT topic'
SEND = 'TYPE connector_call\n    CONNECTOR chat\n    FUNCTION send\n    PARAMS {text: "%s"}'


def plan_of(*actions: str) -> Plan:
    written = (each.split(": ", 1) for each in actions)
    lines = "".join(f"  ACTION {name}\n    {body}\n" for name, body in written)
    plan, report = optimize(task_of(f"TASK t\n  DEADLINE 60s\n  INPUT n integer\n{lines}"), CTX)
    assert report.ok
    return plan


def why(plan: Plan, kind: str, subject: str) -> tuple[str, str]:
    (found,) = [each for each in plan.decisions if (each.kind, each.subject) == (kind, subject)]
    return found.choice, found.why


@pytest.fixture(scope="module")
def shipped() -> CompileContext:
    return CompileContext(catalog=open_catalog(), now=datetime(2026, 3, 2, 9, tzinfo=UTC))


def test_acceptance_31_a_read_and_a_post_that_needs_it_are_planned_one_two():
    plan = plan_of(f"fetch: {FIND.format('a')}", f"post: {SEND % '{a.name}'}")
    assert (order_line(plan), stages_line(plan)) == ("[1, 2]", "1 | 2")
    assert resources_line(plan) == "{crm_connector: READY, chat_connector: READY}"


def test_acceptance_32_independent_reads_share_a_stage_and_the_slower_one_counts():
    plan = plan_of(f"slow: {FIND.format('a')}", f"quick: {TOPIC}", f"post: {SEND % '{a.name} {topic.text}'}")
    assert stages_line(plan) == "1 2 | 3"
    assert plan.estimate_ms == (181, 181)
    assert [plan.task.actions[n - 1].name for n in plan.critical_path] == ["slow", "post"]
    assert estimate_line(plan) == "181 ms"


def test_what_may_start_starts_in_the_order_of_the_text():
    plan = plan_of(f"a: {FIND.format('a')}", f"post: {SEND % '{a.name}'}", f"b: {SEND % 'hello'}")
    assert (order_line(plan), stages_line(plan)) == ("[1, 2, 3]", "1 3 | 2")
    late = plan_of(f"first: {SEND % 'hello'}\n    AFTER second", f"second: {FIND.format('a')}")
    assert order_line(late) == "[2, 1]"
    assert why(late, "order", "first") == ("after second", "it was said to come after")


def test_acceptance_33_connections_are_ready_and_computations_need_none(shipped: CompileContext):
    made = compile_sentence('Every day at 9am, send "Hello" to #general on Slack', shipped)
    assert made.plan is not None, made.report
    assert (order_line(made.plan), resources_line(made.plan)) == ("[1]", "{slack_connector: READY}")
    assert why(made.plan, "bind", "slack_connector")[0] == "READY"


def test_acceptance_34_a_pool_is_as_wide_as_what_runs_together():
    side_by_side = plan_of(f"a: {FIND.format('a')}", f"b: {FIND.format('b')}", f"post: {SEND % '{a.name}{b.name}'}")
    assert {each.service: each.pool for each in side_by_side.bindings} == {"crm": 2, "chat": 1}
    assert why(side_by_side, "pool", "crm_connector") == ("2 kept open", "so many calls may be under way together")
    assert why(side_by_side, "pool", "chat_connector") == ("1 kept open", "its calls never overlap")
    body = "\n      ".join((SEND % "{p}").split("\n    "))
    loop = plan_of(f"each: TYPE foreach\n    EACH p IN [1, 2, 3] PARALLEL 8\n    ACTION tell\n      {body}")
    assert [each.pool for each in loop.bindings] == [8]
    wide = plan_of(f"each: TYPE foreach\n    EACH p IN [1, 2, 3] PARALLEL 200\n    ACTION tell\n      {body}")
    assert [each.pool for each in wide.bindings] == [16]


def test_acceptance_34_caches_are_decided_with_their_reasons():
    people = "TYPE connector_call\n    CONNECTOR crm\n    FUNCTION people\n    OUTPUT people"
    plan = plan_of(f"list: {people}", f"said: {FIND.format('a')}\n    CACHE 5m", f"open: {TOPIC}", f"w: {SEND % 'x'}")
    assert {each.action: each.ttl_ms for each in plan.caches} == {"list": 60_000, "said": 300_000}
    assert why(plan, "cache", "list") == ("for 60 s", "the catalog says how long its answers hold")
    assert why(plan, "cache", "said") == ("for 300 s", "CACHE in the text")
    assert why(plan, "cache", "open") == ("not cached", "nothing says how long its answers hold")
    assert why(plan, "cache", "w") == ("not cached", "it changes something")


def test_estimate_spans_the_quickest_and_the_slowest_branch():
    inner = "\n          ".join((SEND % "many").split("\n    "))
    rule = (
        f"TYPE conditional\n    CONDITION GT(input.n, 3)\n      BRANCH many\n        ACTION tell\n          {inner}\n"
    )
    plan = plan_of(f"rule: {rule}    DEFAULT NOTHING")
    assert plan.estimate_ms == (1, 101)
    assert why(plan, "latency", "t") == ("1-101 ms", "critical path: rule")


def test_memory_is_bounded_by_what_the_calls_may_answer():
    small = plan_of(f"w: {SEND % 'x'}")
    large = plan_of("list: TYPE connector_call\n    CONNECTOR crm\n    FUNCTION people\n    OUTPUT people")
    assert (1 << 20) <= small.memory_bytes < large.memory_bytes <= (256 << 20)


def test_the_whole_plan_is_told():
    shown = describe_plan(plan_of(f"fetch: {FIND.format('a')}", f"post: {SEND % '{a.name}'}"))
    assert shown.startswith("Execution order: [1, 2]\nStages: 1 | 2\n")
    for part in ("Pre-bound resources:", "Estimated latency: 181 ms", "2. post: after fetch", "Pools:", "Caches:"):
        assert part in shown


def test_a_task_of_nothing_but_a_value_has_an_empty_plan():
    made = compile_ir("TASK t\n  RETURN 1\n", CTX)
    assert made.plan is not None
    assert (order_line(made.plan), stages_line(made.plan), resources_line(made.plan)) == ("[]", "none", "{}")
