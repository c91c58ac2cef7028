"""SIGTERM and Ctrl-C under load: what is in hand is answered, what was acknowledged is finished later, exit code 0."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest

from process.counting import Counting, counting, task
from process.load import Load
from process.served import House, house, until
from server.running import command, environment

DRAIN_S = 20
BRIEFLY = {"EYEFLOW_DRAIN_TIMEOUT_MS": "2000"}
HOOK = 'TRIGGER webhook("/orders", {order: string})'


def deployed(place: House) -> None:
    place.connect()
    for text in (
        task("booking", "first", "second"), task("plain", "only", call="post"),
        task("recorded", "only", durable="record", call="post"), task("hooked", "first", "second", head=HOOK),
        "TASK hello\n  INPUT order string\n  ACTION say\n    TYPE transform\n    VALUE \"Hello {input.order}\"\n"
        "    OUTPUT said\n  RETURN said\n",
    ):  # fmt: skip
        place.deploy(text)


async def told_to_end(place: House, stub: Counting, number: int) -> tuple[Load, int]:
    """Load, and in the middle of it the signal; the load and the exit code."""
    load = Load(lambda: place.url, place.key, await asyncio.to_thread(place.webhook, "hooked"), seed=number)
    stub.slow_s = (0.0, 0.1)
    process = place.server.process
    async with load:
        load.begin(12)
        for _ in range(600):
            if len(load.promises) >= 60:
                break
            await asyncio.sleep(0.05)
        process.send_signal(number)
        code = await asyncio.to_thread(process.wait, DRAIN_S + 20)
        promised = len(load.promises)
        await asyncio.to_thread(place.restart)
        for _ in range(600):
            if len(load.promises) > promised + 12:
                break
            await asyncio.sleep(0.05)
    return load, code


LONG = pytest.mark.slow


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        pytest.param(signal.SIGTERM, "1", id="SIGTERM"),
        pytest.param(signal.SIGINT, "1", id="Ctrl-C", marks=LONG),
        pytest.param(signal.SIGTERM, "2", id="SIGTERM, two workers", marks=LONG),
        pytest.param(signal.SIGINT, "2", id="Ctrl-C, two workers", marks=LONG),
    ],
)
def test_told_to_end_under_load_it_answers_what_it_has_and_loses_nothing(
    tmp_path: Path, number: int, workers: str
) -> None:
    with counting(tmp_path / "catalog") as (stub, env):
        seconds = {"EYEFLOW_DRAIN_TIMEOUT_MS": str(DRAIN_S * 1000)}
        with house(tmp_path / "data", "--workers", workers, env={**env, **seconds}) as place:
            deployed(place)
            load, code = asyncio.run(told_to_end(place, stub, number))
            assert code == 0, place.log()[-2000:]
            place.idle()
            assert load.promises, "something was promised before it was told to end"
            for each in load.promises:
                held = place.execution(each.execution_id)
                # A drained process lets its calls end: nothing is uncertain, not even where no key protects.
                assert held["status"] == "success", (each, held)
            assert not [order for order, count in stub.done.items() if count > 1]
            assert not load.problems, load.problems[:3]
            assert "Traceback" not in place.log()


def test_a_call_that_takes_longer_than_the_drain_is_given_up_and_its_run_carried_on(tmp_path):
    with counting(tmp_path / "catalog") as (stub, env), house(tmp_path / "data", env={**env, **BRIEFLY}) as place:
        place.connect()
        place.deploy(task("chain", "one", "two"))
        stub.held.set()
        identity = place.begin("chain", "long")
        until(lambda: stub.done["long-one"], "its call has arrived")
        assert place.stop() == 0
        stub.held.clear()
        place.start()
        assert place.ended(identity)["status"] == "success"
        assert stub.done["long-one"] == stub.done["long-two"] == 1
        assert len(set(stub.keys["long-one"])) == 1


def test_a_second_signal_ends_it_at_once(tmp_path):
    with counting(tmp_path / "catalog") as (stub, env), house(tmp_path / "data", env=env) as place:
        place.connect()
        place.deploy(task("chain", "one", "two"))
        stub.held.set()
        identity = place.begin("chain", "hurry")
        until(lambda: stub.done["hurry-one"], "its call has arrived")
        place.server.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        place.server.process.send_signal(signal.SIGINT)
        assert place.server.process.wait(15) == 0, "long before the 25 s that a drain may take"
        stub.held.clear()
        place.restart()
        assert place.ended(identity)["status"] == "success"
        assert stub.done["hurry-two"] == 1


def test_while_one_server_runs_a_second_is_refused_and_nothing_is_disturbed(tmp_path):
    with house(tmp_path / "data") as place:
        for verb, more in (("up", ()), ("up", ("--workers", "2")), ("serve", ())):
            second = psutil.Popen(
                command(verb, "--port", "0", "--data", str(place.data), *more), env=environment(), stdout=-1, stderr=-1
            )
            _, said = second.communicate(timeout=60)
            assert second.returncode == 1, said
            assert place.url in said.decode() and "already" in said.decode() and "--data" in said.decode()
            assert b"Traceback" not in said
        assert httpx.get(f"{place.url}/readyz", trust_env=False).status_code == 200
