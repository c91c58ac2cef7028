"""Reads that go together: the same run as without, in fewer requests."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eyeflow
from eyeflow.catalog.model import Constraints, PolicyRule
from eyeflow.optimizer import PASSES
from eyeflow.optimizer.batch import batch
from eyeflow.optimizer.describe import describe_plan
from optimizer.world import CTX, Ran, World, planned, run, task_of

FIXTURE = (Path(__file__).parent / "fixtures" / "batch.before.eir").read_text("utf-8")
HEAD = "TASK t\n  DEADLINE 25d\n  EXPIRES 90d\n  INPUT people list<object{name: string}>\n"


def people(*names: str) -> dict[str, object]:
    return {"people": [{"name": name} for name in names]}


def find(name: str, about: str, *more: str) -> str:
    lines = [
        f"ACTION {name}",
        "  TYPE connector_call",
        "  CONNECTOR crm",
        "  FUNCTION find",
        f"  PARAMS {{id: {about}}}",
    ]
    return "\n".join([*lines, *(f"  {line}" for line in more), f"  OUTPUT {name}"])


def send(name: str, text: str, *more: str, to: str = "chat.send") -> str:
    service, function = to.split(".")
    lines = [f"ACTION {name}", "  TYPE connector_call", f"  CONNECTOR {service}", f"  FUNCTION {function}"]
    return "\n".join([*lines, f'  PARAMS {{text: "{text}"}}', *(f"  {line}" for line in more)])


def loop(*body: str, more: str = "", after: str = "") -> str:
    inner = "\n".join(body).replace("\n", "\n  ")
    return f"ACTION all\n  TYPE foreach\n  EACH p IN input.people{more}\n  {inner}\n{after}  OUTPUT all"


def source(*actions: str, returns: str = "1") -> str:
    text = "\n".join(actions).replace("\n", "\n  ")
    return f"{HEAD}  {text}\n  RETURN {returns}\n"


def batched(text: str) -> dict[str, str]:
    return {each.action: each.mode for each in planned(task_of(text), batch).batches}


def both(text: str, world: World) -> tuple[Ran, Ran]:
    """A run with every read by itself, and one with reads together; all that happened is the same. How far the other
    lanes of a loop come before it fails is a matter of time."""
    task = task_of(text)
    alone, together = run(planned(task), world), run(planned(task, batch), world)
    trace = alone.trace if "PARALLEL" in text else together.trace
    same = msgspec.structs.replace(alone, reads=together.reads, many=together.many, took_ms=together.took_ms)
    assert msgspec.structs.replace(together, trace=trace) == same
    return alone, together


def test_fixture_is_asked_for_in_three_requests_instead_of_six():
    plan = planned(task_of(FIXTURE), batch)
    assert {each.action: each.mode for each in plan.batches} == {
        "one": "beside",
        "two": "beside",
        "each.found": "ahead",
    }
    world = World(input={"key": "x", **people("ann", "bob", "cy", "dee")})  # type: ignore[dict-item]
    alone, together = both(FIXTURE, world)
    assert (alone.reads, alone.many) == (6, 0)
    assert (together.reads, together.many) == (3, 2)  # the fourth of the loop is the last one, and goes alone


def test_every_batch_says_what_it_did_why_and_what_it_saves():
    shown = describe_plan(planned(task_of(FIXTURE), *PASSES))
    assert "Batches:" in shown
    assert "one, two: asked in 1 request (find_all answers up to 3 at once; saves 1 call)" in shown
    assert "each.found: asked for many items in one request (find_all answers up to 3 at once; " in shown
    assert "saves all but one of every 3 calls, about 80 ms each)" in shown


NOBODY = ("FALLBACK THEN continue", '  VALUE {id: "", name: "nobody", score: 0, vip: false}')
FAILING = [
    source(loop(find("f", "p.name"), send("s", "{f.name}"))),
    source(loop(find("f", "p.name", "ON_ERROR continue"), send("s", "{p.name}", "AFTER f"))),
    source(loop(find("f", "p.name"), send("s", "{f.name}"), after="  ON_ERROR continue\n"), returns="all"),
    source(loop(find("f", "p.name", "RETRY 3 BACKOFF fixed(1s)"), send("s", "{f.name}"))),
    source(loop(find("f", "p.name", *NOBODY), send("s", "{f.name}"))),
    source(loop(find("f", "p.name"), after="  COLLECT f.score\n", more=" PARALLEL 2"), returns="all"),
    source(loop(find("f", "p.name"), find("g", "p.name", "AFTER f"), after="  COLLECT g.score\n"), returns="all"),
    source(find("a", '"ann"'), find("b", '"x"'), find("c", '"bob"'), find("d", '"y"'), returns="[a.name, c.name]"),
]
LISTS = [(), ("ann",), ("ann", "bob", "cy", "dee", "eve"), ("ann", "x", "bob", "cy"), ("x", "y"), ("ann", "ann", "x")]


@pytest.mark.parametrize("many", ["answers", "fails", "hangs", "shuffles", "repeats", "nonsense"])
@pytest.mark.parametrize("text", FAILING)
def test_a_missing_item_fails_as_its_own_read_would_have(text: str, many: str):
    for names in LISTS:
        world = World(fails=frozenset("xy"), input=people(*names), many=many)  # type: ignore[arg-type]
        alone, together = both(text, world)
        assert together.reads <= alone.reads + together.many
        if many in ("fails", "hangs"):
            assert together.many <= 1, "a request that failed is not made again"


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(FAILING),
    st.lists(st.sampled_from(["ann", "bob", "cy", "x", "y", "z", ""]), max_size=9),
    st.sets(st.sampled_from(["x", "y"])),
    st.sampled_from(["answers", "fails", "shuffles", "repeats", "nonsense"]),
    st.booleans(),
)
def test_together_and_alone_are_the_same_run(text: str, names: list[str], fails: set[str], many: str, moving: bool):
    both(text, World(frozenset(fails), moving=moving, input=people(*names), many=many))  # type: ignore[arg-type]


def test_what_is_written_or_waited_for_in_a_loop_keeps_its_reads_apart():
    assert batched(source(loop(find("f", "p.name"), send("s", "{f.name}")))) == {"all.f": "ahead"}
    assert batched(source(loop(find("f", "p.name"), send("s", "{f.name}", to="crm.note")))) == {}
    assert batched(source(loop(find("f", "p.name"), "ACTION w\n  TYPE wait\n  FOR 1h\n  AFTER f"))) == {}
    assert batched(source(loop(find("f", "p.name", "RATE 5/min")))) == {}
    assert batched(source(loop(find("f", "p.name", 'WHEN NE(p.name, "x")')))) == {}
    assert batched(source(loop(find("f", "p.name"), find("g", "f.name")))) == {"all.f": "ahead"}
    assert batched(source(loop(find("f", "p.name")), send("s", "beside", to="crm.note"))) == {}
    assert batched(source(loop(find("f", "p.name")), send("s", "later", "AFTER all", to="crm.note"))) != {}
    assert batched(source(loop(find("f", "CONCAT(p.name, UUID())")))) == {}


def test_only_reads_that_start_at_the_same_moment_go_together_side_by_side():
    assert batched(source(find("a", '"x"'), find("b", '"y"'))) == {"a": "beside", "b": "beside"}
    assert batched(source(find("a", '"x"'), find("b", '"y"', "AFTER a"))) == {}
    assert batched(source(find("a", '"x"'), find("b", "a.name"))) == {}
    assert batched(source(find("a", '"x"'), find("b", '"y"', "WHEN true"))) == {}


def test_a_role_that_may_not_use_the_request_for_many_makes_single_ones():
    policy = msgspec.structs.replace(CTX.policy, rules=(PolicyRule("crm", "find_all", ("auditor",)),))
    ctx = msgspec.structs.replace(CTX, policy=policy)
    task = task_of(FIXTURE)
    assert batch(planned(task), ctx).batches == ()
    assert batch(planned(task), CTX).batches != ()


def test_a_rate_counts_requests():
    services = tuple(
        msgspec.structs.replace(each, constraints=Constraints(rate_calls=2, rate_window_ms=60_000))
        if each.id == "crm" else each
        for each in CTX.catalog.services
    )  # fmt: skip
    ctx = msgspec.structs.replace(CTX, catalog=msgspec.structs.replace(CTX.catalog, services=services))
    task = task_of(source(loop(find("f", "p.name"), after="  COLLECT f.name\n"), returns="all"))
    world = World(input=people("a", "b", "c", "d", "e", "f"))  # type: ignore[arg-type]
    alone, together = run(planned(task), world, ctx), run(planned(task, batch), world, ctx)
    assert alone.output == together.output
    assert alone.took_ms >= 120_000 and together.took_ms < 1_000


JIRA = """TASK t
  DEADLINE 1m
  INPUT keys list<string>
  TRIGGER manual()
  ACTION each
    TYPE foreach
    EACH key IN input.keys
    ACTION issue
      TYPE connector_call
      CONNECTOR jira
      FUNCTION get_issue
      PARAMS {key: key}
      OUTPUT issue
    COLLECT issue.status
    OUTPUT found
  RETURN found
"""


async def test_jira_is_asked_for_many_issues_at_once_over_real_http():
    catalog = eyeflow.open_catalog()
    made = eyeflow.compile(JIRA, catalog=catalog)
    assert made.task is not None, made.report
    async with eyeflow.Practice(catalog, ["jira"]) as practice:
        done = await eyeflow.rehearse(made, practice, inputs={"keys": ["OPS-1", "OPS-7"]})
        asked = [(each.method, each.path) for each in practice.received("jira")]
    assert (done.execution.status, done.execution.output) == ("success", ["In Progress", "In Progress"])
    # practice knows OPS-1 only, so OPS-7 is not in the answer, and is read by itself
    assert asked == [("POST", "/rest/api/2/issue/bulkfetch"), ("GET", "/rest/api/2/issue/OPS-7")]
