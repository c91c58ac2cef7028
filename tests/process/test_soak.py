"""Work for a while, and nothing grows: memory, descriptors, tasks of the loop, the log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from process.counting import counting, task
from process.served import House, house, rss_mb, signed

ROUNDS = 6


def round_of_work(place: House, hook: tuple[str, str], number: int, runs: int) -> None:
    """Runs with calls, runs that only compute, deliveries, refusals, streams."""
    identity, secret = hook

    def work(turn: int) -> None:
        with place.client(place.key) as http:
            for each in range(runs // 8):
                order = f"{number}-{turn}-{each}"
                kind = each % 5
                if kind == 0:
                    reply = http.post("/api/tasks/run", json={"task": "booking", "input": {"order": order}})
                elif kind == 1:
                    body = f'{{"order": "{order}"}}'.encode()
                    reply = http.post(f"/webhooks/{identity}", content=body, headers=signed(secret, order, body))
                elif kind == 2:
                    reply = http.post("/api/tasks/run", json={"task": "nobody", "input": {}})
                    assert reply.status_code == 404
                    continue
                elif kind == 3:
                    ran = http.post("/api/tasks/run", json={"task": "hello_world", "input": {"name": order}}).json()
                    events = f"/api/executions/{ran['execution_id']}/events"
                    reply = http.get(events, headers={"accept": "text/event-stream"})
                else:
                    reply = http.post("/api/tasks/run", json={"task": "hello_world", "input": {"name": order}})
                assert reply.status_code in (200, 202), reply.text

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    place.idle()


@pytest.mark.slow
def test_memory_and_descriptors_are_flat_after_many_runs(tmp_path: Path) -> None:
    with counting(tmp_path / "catalog") as (stub, env), house(tmp_path / "data", env=env) as place:
        place.connect()
        place.deploy(task("booking", "first", "second"))
        place.deploy(task("hooked", "only", head='TRIGGER webhook("/orders", {order: string})'))
        hook = place.webhook("hooked")
        process = psutil.Process(place.server.process.pid)
        held: list[tuple[float, int, int]] = []
        for number in range(ROUNDS):
            round_of_work(place, hook, number, runs=1600)
            held.append((rss_mb(process.pid), process.num_fds(), process.num_threads()))
        print(held)  # noqa: T201
        (warm, files, threads), (end, files_end, threads_end) = held[1], held[-1]
        assert end < warm * 1.1 + 8, "memory is flat once it is warm"
        assert files_end <= files + 16, "descriptors too"
        assert threads_end <= threads + 4
        assert max(stub.done.values()) == 1
        assert "Traceback" not in place.log()
