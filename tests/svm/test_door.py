"""The one door: rates, cache, keys, budgets."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.connectors.scripted import Script
from eyeflow.errors import LoadError
from eyeflow.ir.program import RateLimit
from eyeflow.svm.cache import ResultCache
from eyeflow.svm.rates import SlidingWindows
from svm.built import Build, E, fn, items, k, obj, of, run, sealed, with_machine

READ = "openweather.current_weather"


def pings(b: Build, count: int):
    return b.foreach("each", items(*range(count)), lambda item: ([b.call("ping", "limited.ping")], item))


def test_acceptance_21_the_catalogs_rate_is_kept_per_connection_across_tasks():
    script = Script()
    one, two = Build("one"), Build("two")
    programs = [sealed(one.program([pings(one, 3)])), sealed(two.program([pings(two, 2)]))]

    async def act(machine, clock):
        return await asyncio.gather(*(machine.run(p) for p in programs))

    first, second = with_machine(act, script=script)
    assert first.ok and second.ok
    assert [c.at_ms for c in script.calls] == [0, 0, 60_000, 60_000, 120_000]
    assert "RateQueued" in [type(e).__name__ for e in first.events]


def test_a_programs_own_rate_queues_and_the_wait_suspends_the_deadline():
    b, script = Build(deadline_ms=50), Script()
    sending = b.foreach(
        "each2", items(1, 2, 3),
        lambda item: ([b.call("s", "slack_daily.send_message", obj(text="x"), rate=RateLimit(1, 10_000, True))], item),
    )  # fmt: skip
    execution = run(b.program([sending]), script=script)
    assert execution.ok
    assert [c.at_ms for c in script.calls] == [0, 10_000, 20_000]


def refusing(attempts: int):
    b = Build()
    limit = RateLimit(1, 5_000, False)

    def body(item: E):
        return [b.call("s", "slack_daily.send_message", obj(text="x"), rate=limit, attempts=attempts)], item

    return b.program([b.foreach("each", items(1, 2), body)])


def test_a_rate_that_refuses_fails_the_call_at_once_and_a_retry_waits_for_it():
    script = Script()
    assert run(refusing(1), script=script).error_code == "rate_limited"
    assert [c.at_ms for c in script.calls] == [0]
    script = Script()
    assert run(refusing(2), script=script).ok
    assert [c.at_ms for c in script.calls] == [0, 5_001]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 5), st.integers(1, 30))
def test_no_window_ever_holds_more_starts_than_allowed(gaps, calls, window):
    async def starts() -> list[float]:
        rates, at, found = SlidingWindows(), 0.0, []
        for gap in gaps:
            at += gap / 1000
            found.append(await rates.reserve("x", RateLimit(calls, window, True), at))
        return found

    found = asyncio.run(starts())
    assert found == sorted(found)
    for number, start in enumerate(found):
        inside = [s for s in found[number:] if s < start + window / 1000 - 1e-9]
        assert len(inside) <= calls


def test_acceptance_34_cache_is_obeyed_reads_only_errors_not_kept():
    for cache_ms, calls in ((0, 3), (60_000, 1)):
        b, script = Build(), Script()
        program = sealed(b.program([b.call("fetch", READ, obj(location="Paris"), cache_ms=cache_ms)]))

        async def act(machine, clock, program=program):
            return [(await machine.run(program)).status for _ in range(3)]

        assert with_machine(act, script=script) == ["success"] * 3
        assert len(script.calls) == calls


def test_a_cached_result_is_of_the_same_parameters_and_not_older_than_its_time():
    script = Script.of(
        returns={READ: [{"temp": n, "summary": str(n)} for n in range(9)]}, fails={READ: ["invalid", None]}
    )
    programs = {}
    for city in ("Paris", "Rome"):
        b = Build()
        fetch = b.call("fetch", READ, obj(location=city), cache_ms=1_000)
        programs[city] = sealed(b.program([fetch], of(fetch)))

    async def act(machine, clock):
        seen = []
        for city, pause in (("Paris", 0), ("Paris", 0), ("Rome", 0), ("Paris", 0.9), ("Paris", 0.2), ("Paris", 0)):
            await asyncio.sleep(pause)
            execution = await machine.run(programs[city])
            seen.append(execution.output and execution.output["summary"])
        return seen

    assert with_machine(act, script=script) == [None, "0", "1", "0", "2", "2"]


def test_a_program_that_caches_a_write_is_not_loaded():
    b = Build()
    with pytest.raises(LoadError) as raised:
        run(b.program([b.call("one", "slack_daily.send_message", obj(text="x"), cache_ms=60_000)]))
    assert "cache" in raised.value.message


def test_the_cache_is_bounded():
    cache = ResultCache(entries=3, max_bytes=100)
    for number in range(10):
        cache.put(str(number), b"x" * 30, 1e9)
    assert [cache.get(str(n), 0) is not None for n in range(10)] == [False] * 7 + [True] * 3
    cache.put("big", b"x" * 101, 1e9)
    assert cache.get("big", 0) is None
    assert cache.get("9", 2e9) is None


def test_only_writes_carry_an_idempotency_key():
    b, script = Build(), Script()
    fetch = b.call("fetch", READ)
    post = b.call("post", "slack_daily.send_message", obj(text="x"))
    run(b.program([fetch, post]), script=script)
    assert [c.key for c in script.calls] == [None, "exec_1:post:0"]


def test_the_memory_limit_is_enforced_and_changing_it_changes_that():
    for limit, status in ((2_000, "failed"), (200_000, "success")):
        b = Build(memory_bytes=limit)
        script = Script.of(returns={READ: [{"temp": 1, "summary": "x" * 5_000}]})
        execution = run(b.program([b.call("fetch", READ)]), script=script)
        assert execution.status == status
        if status == "failed":
            assert execution.error_code == "output_limit"


def test_computing_is_bounded():
    b = Build(operations=10)
    steps: list = []
    for number in range(20):
        previous: E = of(steps[-1]) if steps else k(1)
        steps.append(b.value(f"s{number}", fn("ADD", previous, k(1)), needs=steps[-1:]))
    execution = run(b.program(steps))
    assert execution.error_code == "operation_limit"


def test_a_value_nested_without_end_from_a_service_is_refused():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    b = Build()
    execution = run(
        b.program([b.call("fetch", "openweather.anything")]), script=Script.of(returns={"openweather.anything": [deep]})
    )
    assert execution.error_code == "output_limit"
