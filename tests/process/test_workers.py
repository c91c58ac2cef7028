"""Several workers on one folder: one ends or stands still, all are told of a change, nothing happens once for each."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from process.counting import Counting, counting, task
from process.served import House, Line, house, lines, until

CALLS, WINDOW_S = 10, 2
EVERY_SECONDS = 'TRIGGER schedule(rrule "FREQ=SECONDLY;INTERVAL=10", "UTC")'


@contextmanager
def two_workers(folder: Path, *, constraints: str = "") -> Iterator[tuple[House, Counting]]:
    """Two workers, and a service they may ask."""
    with (
        counting(folder / "catalog", constraints=constraints) as (stub, env),
        house(folder / "data", "--workers", "2", env=env) as place,
    ):
        place.connect()
        yield place, stub


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Counting]]:
    with two_workers(tmp_path_factory.mktemp("pair")) as (place, stub):
        place.deploy(constant("tick", 1, EVERY_SECONDS))
        yield place, stub


def constant(name: str, value: int, head: str = "TRIGGER manual()") -> str:
    return (
        f"TASK {name}\n  {head}\n  ACTION say\n    TYPE transform\n    VALUE {value}\n    OUTPUT said\n  RETURN said\n"
    )


def test_a_deploy_is_seen_by_every_worker_at_once(pair):
    place, _ = pair
    with lines(place) as both:
        for value in range(1, 9):
            text = constant("answer", value)
            status, body, _ = both[value % 2].ask("POST", "/api/tasks", {"text": text, "language": "ir"})
            assert status == 201, body
            time.sleep(0.1)  # twice as long as a process may go by what it has looked up
            said = [each.ask("POST", "/api/tasks/run", {"task": "answer"})[1]["output"] for each in both]
            assert said == [value, value]


def test_one_idempotency_key_at_both_workers_is_one_run(pair):
    place, stub = pair
    place.deploy(task("once", "only", call="post"))
    with lines(place) as both, ThreadPoolExecutor(2) as pool:

        def ask(line: Line) -> list[tuple[int, Any, dict[str, str]]]:
            asked = {"task": "once", "input": {"order": "same"}}
            return [line.ask("POST", "/api/tasks/run", asked, Idempotency_Key="k-1") for _ in range(4)]

        replies = [reply for some in pool.map(ask, both) for reply in some]
    assert {status for status, _, _ in replies} == {200}, replies
    assert len({body["execution_id"] for _, body, _ in replies}) == 1
    assert sum("idempotency-replayed" not in headers for _, _, headers in replies) == 1
    assert stub.done["same-only"] == 1


def begun(line: Line, stub: Counting, name: str, order: str) -> str:
    """A run of this worker, in the middle of its first call."""
    stub.held.set()
    status, body, _ = line.ask("POST", "/api/tasks/run", {"task": name, "input": {"order": order}, "wait": False})
    assert status == 202, body
    until(lambda: f"{order}-one" in stub.keys, "its first call has arrived")
    identity: str = body["execution_id"]
    return identity


def test_a_killed_worker_is_replaced_and_its_runs_are_taken_over(pair):
    place, stub = pair
    place.deploy(task("chain", "one", "two"))
    place.deploy(task("chain_plain", "one", "two", call="post"))
    place.deploy(task("chain_asking", "one", "two", call="post", more="UNCERTAIN ask"))
    with lines(place) as both:
        keyed = begun(both[0], stub, "chain", "k")
        plain = begun(both[0], stub, "chain_plain", "p")
        asking = begun(both[0], stub, "chain_asking", "a")
        dead = both[0].worker
        dead.kill()
        stub.held.clear()
        until(lambda: len(place.workers()) == 2 and dead not in place.workers(), "a worker takes its place")
        question = place.approval(asking)
        assert question["kind"] == "uncertain" and question["action"] == "one"
        place.post(f"/api/approvals/{question['id']}", {"verdict": "sent"})
    held = place.ended(keyed)
    assert held["status"] == "success", held
    held = place.ended(plain)
    assert (held["status"], held["uncertain"], held["error_code"]) == ("failed", ["one"], "interrupted")
    assert place.ended(asking)["status"] in ("success", "partial_failure")
    assert {order: stub.done[order] for order in ("k-one", "k-two", "p-one", "p-two", "a-one")} == {
        "k-one": 1, "k-two": 1, "p-one": 1, "p-two": 0, "a-one": 1,
    }  # fmt: skip
    assert len(stub.keys["k-one"]) == 2 and len(set(stub.keys["k-one"])) == 1, "asked again, with the same key"


def test_an_owner_that_stood_still_for_longer_than_its_lease_does_nothing_more(pair):
    place, stub = pair
    place.deploy(task("chain", "one", "two"))
    place.deploy(task("chain_plain", "one", "two", call="post"))
    stopped: psutil.Process | None = None
    with lines(place) as both:
        keyed = begun(both[0], stub, "chain", "sk")
        plain = begun(both[0], stub, "chain_plain", "sp")
        stopped = both[0].worker
        stopped.suspend()
        try:
            stub.held.clear()  # its answers come while it stands still
            other = both[1]

            def status(identity: str) -> str:
                return str(other.ask("GET", f"/api/executions/{identity}")[1]["status"])

            until(lambda: status(keyed) == "success", "the other one takes the keyed run over")
            until(lambda: status(plain) == "failed", "the other one ends the other run")
        finally:
            stopped.resume()
        # It goes on, with the answers it was waiting for: it may not write, and must not send what comes next.
        until(lambda: both[0].ask("GET", "/healthz")[0] == 200, "it answers again")
        until(lambda: "believed dead" in place.log(), "it learns that it was believed dead")
        after = both[0].ask("POST", "/api/tasks/run", {"task": "chain", "input": {"order": "after"}})
        assert after[1]["status"] == "success", "and serves again, under a new name"
    assert {order: stub.done[order] for order in ("sk-one", "sk-two", "sp-one", "sp-two")} == {
        "sk-one": 1, "sk-two": 1, "sp-one": 1, "sp-two": 0,
    }  # fmt: skip
    held = place.execution(plain)
    assert (held["status"], held["uncertain"]) == ("failed", ["one"]), "what the other one wrote stands"
    events = [each["kind"] for each in place.get(f"/api/executions/{keyed}/events")["items"]]
    assert events.count("run_finished") == 1
    assert place.post(f"/api/executions/{keyed}/replay")["equal"] is True
    place.audit_holds()


def test_a_schedule_fires_once_for_all_workers(pair):
    """Also while one of them is killed and one stands still, as above."""
    place, _ = pair
    schedule = place.get("/api/schedules", params={"task": "tick"})["items"][0]["id"]
    ticks = f"/api/schedules/{schedule}/ticks"
    until(lambda: place.get(ticks)["items"], "it fires", pause=0.2)
    assert place.http.post("/api/tasks/tick/pause").status_code < 300
    fired = place.get(ticks)["items"]
    runs = place.get("/api/executions", params={"task": "tick"})["items"]
    assert {each["outcome"] for each in fired} == {"ran"}
    assert len({each["instant"] for each in fired}) == len(fired)
    assert {each["execution_id"] for each in fired} == {each["execution_id"] for each in runs}
    assert len(runs) == len(fired)


def test_a_stop_of_everything_leaves_nothing_unfinished(pair):
    """The last of this module: what the tests above began is over."""
    place, stub = pair
    place.idle()
    assert not [order for order, count in stub.done.items() if count > 1]
    workers = place.workers()
    assert place.stop(signal.SIGTERM) == 0
    assert not any(each.is_running() for each in workers)
    place.start()


def test_acceptance_21_a_rate_holds_for_all_workers_together(tmp_path):
    with two_workers(tmp_path, constraints=f"constraints: {{rate_limit: {CALLS}/{WINDOW_S}s}}") as (place, stub):
        place.deploy(task("posting", "only", call="post"))
        count = 4 * CALLS
        with lines(place) as both:
            for number in range(count):
                asked = {"task": "posting", "input": {"order": f"rate-{number}"}, "wait": False}
                status, body, _ = both[number % 2].ask("POST", "/api/tasks/run", asked)
                assert status == 202, body
        until(lambda: len(stub.arrived) >= count, "all have arrived")
        arrived = [at for at, _ in stub.arrived]
        # So many starts need three further windows. The first may have been late by a little, the others do not matter.
        spread = Counter(int((at - arrived[0]) / WINDOW_S) for at in arrived)
        assert arrived[-1] - arrived[0] > 2 * WINDOW_S, spread


def figure(text: str, name: str) -> float:
    """The sum of a figure over its labels."""
    values = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(values)


def test_figures_and_rates_are_those_of_all_workers_together(tmp_path):
    limits = {"EYEFLOW_LIMITS_WEBHOOK_PER_MINUTE": "60"}
    with house(tmp_path / "data", "--workers", "2", env=limits) as place:
        place.deploy(constant("greet", 1, 'TRIGGER webhook("/greet", unsigned)'))
        with lines(place) as both:
            for number in range(20):
                status, body, _ = both[number % 2].ask("POST", "/api/tasks/run", {"task": "greet"})
                assert status == 200, body
            said = [each.ask("POST", "/hooks/greet", {})[0] for _ in range(10) for each in both]
            assert said.count(202) <= 12 and set(said) == {202, 429}, "ten at once, and what a second brings"
            ran = 'eyeflow_http_requests_total{method="POST",route="/api/tasks/run"'

            def counted() -> float:
                return sum(
                    float(line.rsplit(" ", 1)[1])
                    for line in place.http.get("/metrics").text.splitlines()
                    if line.startswith(ran)
                )

            until(lambda: counted() == 20, "whichever is asked has added up both", pause=0.1)
            assert figure(place.http.get("/metrics").text, "eyeflow_processes") == 2
            dead = both[0].worker
            dead.kill()
            until(lambda: len(place.workers()) == 2 and dead not in place.workers(), "a worker takes its place")
        until(lambda: counted() == 20, "what the one that is gone has counted stays", pause=0.1)
