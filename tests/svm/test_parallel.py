"""Parallel by dependency: what can go together goes together, in the plan's order, and needs come first."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.connectors.scripted import Script
from eyeflow.svm.journal import EffectFinished, EffectStarted, StepFinished, StepStarted
from svm.built import Build, k, obj, of, run

READ = "openweather.current_weather"


def read(b: Build, name: str, **more):
    return b.call(name, "openweather.current_weather", obj(location=name), **more)


def test_acceptance_32_independent_actions_run_in_parallel_visibly():
    b = Build()
    steps = [read(b, f"read_{n}") for n in range(10)]
    join = b.value("join", obj(**{s.name: of(s) for s in steps}), needs=steps)
    execution = run(b.program([*steps, join]), script=Script.of(takes_ms={READ: [20]}))
    assert execution.ok
    assert execution.duration_ms == 20
    lines = execution.timeline().lines
    assert [line.offset_ms for line in lines] == [0] * 10 + [20]


def test_acceptance_31_dependent_actions_run_one_after_another():
    b = Build()
    one = read(b, "one")
    two = read(b, "two", needs=[one])
    three = read(b, "three", needs=[two])
    execution = run(b.program([one, two, three]), script=Script.of(takes_ms={READ: [20]}))
    assert [line.offset_ms for line in execution.timeline().lines] == [0, 20, 40]


def test_a_step_starts_when_its_own_needs_are_finished_not_when_its_stage_is():
    b = Build()
    slow = b.call("slow", "openweather.anything")
    quick = read(b, "quick")
    after_quick = read(b, "after_quick", needs=[quick])
    script = Script.of(takes_ms={READ: [10], "openweather.anything": [100]})
    execution = run(b.program([slow, quick, after_quick]), script=script)
    offsets = {line.action: line.offset_ms for line in execution.timeline().lines}
    assert offsets == {"slow": 0, "quick": 0, "after_quick": 10}


def test_the_plans_order_decides_who_starts_first_and_changing_it_changes_that():
    for order in ((1, 2, 3), (3, 1, 2)):
        b, script = Build(), Script()
        steps = [read(b, name) for name in ("a", "b", "c")]
        run(b.program(steps, order=order), script=script)
        assert [c.params["location"] for c in script.calls] == [("a", "b", "c")[n - 1] for n in order]


@st.composite
def graphs(draw):
    """Steps as (needs among earlier ones, how long), and who fails."""
    count = draw(st.integers(1, 12))
    needs = [draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set() for n in range(count)]
    times = draw(st.lists(st.integers(0, 50), min_size=count, max_size=count))
    kinds = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return needs, times, kinds


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(-1, 11))
def test_any_graph_finishes_with_every_step_after_its_needs(graph, failing):
    needs, times, kinds = graph
    b = Build()
    steps = []
    for number, (on, pure) in enumerate(zip(needs, kinds, strict=True)):
        wanted = [steps[n] for n in sorted(on)]
        if pure:
            steps.append(b.value(f"s{number}", obj(**{w.name: of(w) for w in wanted}), needs=wanted))
        else:
            steps.append(read(b, f"s{number}", needs=wanted))
    calls = [n for n, pure in enumerate(kinds) if not pure]
    # The script answers in order of call, so the times belong to calls and not to steps; any times will do.
    fails = ["invalid" if n == failing else None for n in range(len(calls))] + [None]
    execution = run(b.program(steps), script=Script.of(fails={READ: fails}, takes_ms={READ: times}))
    started: dict[str, int] = {}
    finished: dict[str, int] = {}
    for at, event in enumerate(execution.events):
        if isinstance(event, StepStarted):
            assert event.action not in started, "a step starts once"
            started[event.action] = at
        elif isinstance(event, StepFinished):
            finished[event.action] = at
        elif isinstance(event, EffectStarted | EffectFinished):
            assert event.action in started
    for number, on in enumerate(needs):
        name = f"s{number}"
        if name in started:
            assert all(finished[f"s{n}"] < started[name] for n in on)
    if 0 <= failing < len(calls):
        assert execution.status in ("failed", "partial_failure")
    else:
        assert execution.status == "success"
        assert len(finished) == len(needs)


def test_acceptance_43_what_can_start_at_once_starts_in_the_order_of_the_plan():
    """Also when one of them became ready only now, by a step that computes."""
    b = Build()
    name = b.value("name", k("first"))
    first = b.call("one", "slack_notify.keyed_send", obj(text=of(name)), needs=[name])
    second = b.call("two", "slack_notify.keyed_send", obj(text="second"))
    script = Script()
    execution = run(b.program([name, first, second], order=(1, 2, 3)), script=script)
    assert execution.ok
    assert [call.params["text"] for call in script.calls] == ["first", "second"]
    assert [line.action for line in execution.timeline().lines] == ["name", "one", "two"]
