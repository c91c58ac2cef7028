"""FOREACH: order, filter, limits, failing items, several at a time."""

from __future__ import annotations

import pytest

from eyeflow.connectors.scripted import Script
from eyeflow.ir.opcodes import Op
from eyeflow.values import NUMBER, STRING
from svm.built import Build, E, field, fn, items, k, ms, obj, of, run, text

SEND = "slack_notify.send_message"


def looped(b: Build, source: E, **more):
    return b.foreach("each_deal", source, lambda item: _body(b, item), **more)


def _body(b: Build, item: E):
    post = b.call("post", "slack_daily.send_message", obj(text=field(item, "name", STRING)))
    return [post], field(of(post), "ts", STRING)


DEALS = items(*({"name": f"d{n}", "amount": n} for n in range(5)))


def test_a_loop_goes_in_order_and_collects():
    b, script = Build(), Script.of(returns={SEND: [{"ok": True, "ts": str(n)} for n in range(5)]})
    loop = looped(b, DEALS)
    execution = run(b.program([loop], of(loop)), script=script)
    assert execution.output == ["0", "1", "2", "3", "4"]
    assert [c.params["text"] for c in script.calls] == ["d0", "d1", "d2", "d3", "d4"]
    assert [c.key for c in script.calls] == [f"exec_1:each_deal.post:{n}" for n in range(5)]
    assert [line.depth for line in execution.timeline().lines] == [0, 1, 1, 1, 1, 1]


def test_where_leaves_items_out_before_anything_starts():
    b, script = Build(), Script()
    loop = looped(b, DEALS, where=lambda item: fn("GT", field(item, "amount", NUMBER), k(2.0)))
    run(b.program([loop]), script=script)
    assert [c.params["text"] for c in script.calls] == ["d3", "d4"]


@pytest.mark.parametrize(("limit", "status", "calls"), [(5, "success", 5), (4, "failed", 0)])
def test_more_items_than_allowed_is_an_error_before_the_first_effect(limit, status, calls):
    b, script = Build(), Script()
    execution = run(b.program([looped(b, DEALS, max_items=limit)]), script=script)
    assert (execution.status, len(script.calls)) == (status, calls)
    assert execution.error_code == (None if calls else "loop_limit")


@pytest.mark.parametrize(("parallel", "duration"), [(1, 500), (2, 300), (5, 100), (50, 100)])
def test_parallel_says_how_many_go_at_a_time(parallel, duration):
    b = Build()
    loop = looped(b, DEALS, parallel=parallel)
    script = Script.of(takes_ms={SEND: [100]}, returns={SEND: [{"ok": True, "ts": str(n)} for n in range(5)]})
    execution = run(b.program([loop], of(loop)), script=script)
    assert execution.duration_ms == duration
    assert execution.output == ["0", "1", "2", "3", "4"]


def test_the_first_failing_item_fails_the_loop():
    b, script = Build(), Script.of(fails={SEND: [None, "invalid", None]})
    execution = run(b.program([looped(b, DEALS)]), script=script)
    assert (execution.status, execution.error_code, len(script.calls)) == ("failed", "invalid", 2)


def test_in_a_parallel_loop_items_under_way_end_and_no_more_start():
    b = Build()
    script = Script.of(fails={SEND: [None, "invalid", None]}, takes_ms={SEND: [100, 50, 200, 100]})
    execution = run(b.program([looped(b, DEALS, parallel=3)]), script=script)
    assert (len(script.calls), execution.duration_ms) == (3, 200)
    assert execution.error_code == "invalid"


def test_on_error_continue_collects_item_and_error_in_its_place():
    b, script = Build(), Script.of(fails={SEND: [None, "invalid", None]})
    loop = looped(b, DEALS, continue_on_error=True)
    execution = run(b.program([loop], of(loop)), script=script)
    assert execution.status == "partial_failure"
    assert isinstance(execution.output, list)
    assert execution.output[1] == {
        "item": {"name": "d1", "amount": 1}, "error": "slack_notify.send_message answered invalid",
    }  # fmt: skip
    assert [isinstance(each, str) for each in execution.output] == [True, False, True, True, True]
    assert len(script.calls) == 5


def test_loops_within_loops_have_iterations_of_their_own():
    b, script = Build(), Script()
    rows = items({"names": ["a", "b"]}, {"names": ["c"]})

    def outer(row: E):
        def inner(name: E):
            post = b.call("post", "slack_daily.send_message", obj(text=text("n ", name)))
            return [post], name

        loop = b.foreach("inner", field(row, "names"), inner)
        return [loop], of(loop)

    loop = b.foreach("outer", rows, outer)
    execution = run(b.program([loop], of(loop)), script=script)
    assert execution.output == [["a", "b"], ["c"]]
    assert [c.key for c in script.calls] == [f"exec_1:outer.inner.post:{at}" for at in ("0.0", "0.1", "1.0")]


def test_a_loop_over_something_else_is_a_typed_error_and_over_nothing_is_nothing():
    b = Build()
    fetch = b.call("fetch", "openweather.anything")
    assert run(b.program([fetch, looped(b, of(fetch), needs=[fetch])])).error_code == "type_mismatch"
    b = Build()
    empty = looped(b, items())
    assert run(b.program([empty], of(empty))).output == []


def test_waits_of_parallel_items_suspend_the_deadline_together():
    b = Build(deadline_ms=100)
    loop = b.foreach(
        "each", items(1, 2, 3), lambda item: ([b.step("wait", Op.WAIT_FOR, b.block(ms(60_000)))], item), parallel=3
    )
    execution = run(b.program([loop], of(loop)))
    assert (execution.output, execution.duration_ms) == ([1, 2, 3], 60_000)


def test_a_loop_of_many_items_is_bounded_by_the_calls_budget():
    b, script = Build(calls=3), Script()
    execution = run(b.program([looped(b, DEALS)]), script=script)
    assert (execution.error_code, len(script.calls)) == ("call_limit", 3)
