"""W3 and W5: a fan-out, one run inside the process, loading an artifact, memory of tasks and of a run that waits.

Knows: the programs measured. In: nothing. Out: timings and sizes. Never: does I/O; the reads of W3 are timers.

    python -m bench.machine [--json] [--rounds 5]    only these, each round apart, so that noise shows
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec

import eyeflow
from bench.measure import Size, Timing, timed
from bench.report import begin, host, keep
from eyeflow.catalog.digests import make_catalog
from eyeflow.catalog.model import Capability, Service
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.ir import bytecode
from eyeflow.ir.program import Constant
from eyeflow.ir.seal import seal
from eyeflow.svm import Answer, Executable, Ports
from eyeflow.svm.ports import Asked, Settled, Uncertain
from eyeflow.values import INTEGER, Field, ObjectOf, Value, literal

_RULE: Final = """
TASK rule
  DEADLINE 1s
  INPUT temperature number
  TRIGGER manual()

  ACTION judge
    TYPE conditional
    CONDITION GT(input.temperature, 75)
      BRANCH hot
        FORMAT "It's hot! {input.temperature}F"
    CONDITION LT(input.temperature, 50)
      BRANCH cold
        FORMAT "It's cold! {input.temperature}F"
    DEFAULT
      FORMAT "Normal weather! {input.temperature}F"
    OUTPUT message

  RETURN {message: message, length: LEN(message)}
"""
_WAITING: Final = """
TASK waiting
  TRIGGER manual()

  ACTION ask
    TYPE approval
    ROLE owner
    MESSAGE "Go on?"
    EXPIRES 7d
"""
_ONE: Final = """
TASK one
  DEADLINE 1s
  INPUT temperature number
  TRIGGER manual()

  ACTION more
    TYPE transform
    VALUE ADD(input.temperature, 1)
    OUTPUT warmer

  RETURN warmer
"""
_SLOW_MS: Final = 20
_READ_SLOWLY: Final = Capability(
    name="read", summary="Answer after a while", effect="read", idempotent=True, params=(Field("number", INTEGER),),
    returns=ObjectOf((Field("n", INTEGER),)),
)  # fmt: skip
_SERVICE: Final = Service(
    id="slow", title="Slow", type="Test", connector="slow", capabilities=(_READ_SLOWLY,), digest="1"
)
_READ: Final = """
  ACTION read{n}
    TYPE connector_call
    CONNECTOR slow
    FUNCTION read
    PARAMS {{
      number: {n}
    }}
    OUTPUT r{n}
"""
_SUSPENDED: Final = 2_000
_LOADED: Final = 1_000
_BATCH: Final = 200
_BATCHES: Final = 100


class _Nobody:
    """An approver who never answers."""

    async def ask(self, question: Asked) -> Answer:
        """Wait for ever."""
        return await self._never(question)

    async def settle(self, question: Uncertain) -> Settled:
        """Wait for ever."""
        raise AssertionError("nothing here is uncertain")

    async def _never(self, question: Asked) -> Answer:
        await asyncio.get_running_loop().create_future()
        raise AssertionError(question)


class _Slow:
    """A connector whose every answer takes 20 ms."""

    async def initialize(self, config: ConnectorConfig) -> None:
        """Nothing to do."""

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """The number asked for, later."""
        await asyncio.sleep(_SLOW_MS / 1000)
        return {"n": params["number"]}

    async def cleanup(self) -> None:
        """Nothing to do."""


def measure() -> list[Timing | Size]:
    """All of W3 and W5."""
    key = eyeflow.SigningKey(os.urandom(32))
    rule = eyeflow.write_artifact(eyeflow.compile(_RULE).seal(key))
    machine = eyeflow.Machine(trust=[key.signer])
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loaded, one = runner.run(machine.load(rule)), runner.run(machine.load(_sealed(_ONE, key)))
        found: list[Timing | Size] = [
            runner.run(_awaits()),
            runner.run(_runs(machine, one, "run, 1 step")),
            runner.run(_runs(machine, loaded, "run, a choice, a template, an object")),
            runner.run(_runs(machine, one, "run by the scheduler, 1 step", scheduled=True)),
            timed("W5", "load an artifact", lambda: loop.run_until_complete(machine.load(rule)), 300),
            Size(workload="W5", what="artifact", bytes=len(rule)),
            runner.run(_suspended(key)),
        ]
        found.extend(runner.run(_tasks(machine, rule, key)))
        found.extend(runner.run(_fan_out(key)))
    return found


def _sealed(source: str, key: eyeflow.SigningKey) -> bytes:
    return eyeflow.write_artifact(eyeflow.compile(source).seal(key))


async def _runs(machine: eyeflow.Machine, loaded: Executable, what: str, *, scheduled: bool = False) -> Timing:
    """Runs awaited one after the other inside one task."""
    inputs: dict[str, Value] = {"temperature": 72}

    async def straight() -> None:
        for _ in range(_BATCH):
            await machine.run(loaded, inputs)

    async def by_the_scheduler() -> None:
        for _ in range(_BATCH):
            await (await machine.start(loaded, inputs)).finished()

    return await _batches(by_the_scheduler if scheduled else straight, what)


async def _awaits() -> Timing:
    """What awaiting a coroutine of as many parameters costs that does nothing: the least that a run can."""

    async def run(
        program: object, inputs: object, *, trigger: object = None, me: object = None, execution_id: object = None,
        depth: int = 0,
    ) -> object:  # fmt: skip
        return program

    async def turn() -> None:
        for _ in range(_BATCH):
            await run(None, None)

    return await _batches(turn, "the await alone")


async def _batches(turn: Callable[[], Awaitable[None]], what: str) -> Timing:
    """Some hundred runs are timed together, and divided; CPU time is the median batch's, for whoever shares the
    machine takes the processor away from some of them."""
    walls: list[float] = []
    cpus: list[float] = []
    gc.collect()
    for _ in range(_BATCHES):
        start, cpu = time.perf_counter_ns(), time.thread_time_ns()
        await turn()
        cpus.append((time.thread_time_ns() - cpu) / _BATCH / 1000)
        walls.append((time.perf_counter_ns() - start) / _BATCH / 1000)
    walls.sort()
    p50, p75, p90, p99 = (round(walls[len(walls) * percent // 100], 2) for percent in (50, 75, 90, 99))
    return Timing(
        workload="W5", what=what, count=_BATCHES * _BATCH, p50_us=p50, p75_us=p75, p90_us=p90, p99_us=p99,
        cpu_us=round(statistics.median(cpus), 2),
    )  # fmt: skip


async def _fan_out(key: eyeflow.SigningKey) -> list[Timing | Size]:
    """W3: ten independent reads of 20 ms each and a join, beside ten bare timers and beside one."""
    catalog = make_catalog([_SERVICE])
    reads = "".join(_READ.format(n=n) for n in range(10))
    total = "ADD(" + ", ".join(f"r{n}.n" for n in range(10)) + ")"
    source = f"TASK fan_out\n  DEADLINE 10s\n  TRIGGER manual()\n{reads}\n  RETURN {total}\n"
    made = eyeflow.compile(source, catalog=catalog)
    machine = eyeflow.Machine(trust=[key.signer], catalog=catalog, connectors={"slow": _Slow})
    loaded = await machine.load(eyeflow.write_artifact(made.seal(key)))

    async def joined() -> None:
        execution = await machine.run(loaded)
        assert execution.output == 45, execution.error

    async def bare() -> None:
        await asyncio.gather(*(_Slow().call("read", {"number": n}) for n in range(10)))

    return [await _awaited("ten reads of 20 ms, joined", joined), await _awaited("ten bare timers of 20 ms", bare)]


async def _awaited(what: str, turn: Callable[[], Awaitable[object]], workload: str = "W3") -> Timing:
    await turn()
    walls: list[float] = []
    cpu = time.process_time_ns()
    for _ in range(50):
        start = time.perf_counter_ns()
        await turn()
        walls.append((time.perf_counter_ns() - start) / 1000)
    spent = (time.process_time_ns() - cpu) / 50 / 1000
    walls.sort()
    p50, p75, p90, p99 = (round(walls[len(walls) * percent // 100], 1) for percent in (50, 75, 90, 99))
    return Timing(
        workload=workload, what=what, count=50, p50_us=p50, p75_us=p75, p90_us=p90, p99_us=p99, cpu_us=round(spent, 1)
    )


async def _tasks(machine: eyeflow.Machine, artifact: bytes, key: eyeflow.SigningKey) -> list[Timing | Size]:
    """Memory of one loaded task, before and after it first ran, and that first run; all tasks are different ones."""
    made = [_variant(artifact, key, number) for number in range(_LOADED)]
    execution = await machine.run(await machine.load(made[0]), {"temperature": 72})
    assert execution.ok, execution.error
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = [await machine.load(each) for each in made]
    gc.collect()
    loaded = tracemalloc.get_traced_memory()[0] - before
    for each in held:
        await machine.run(each, {"temperature": 72})
    gc.collect()
    ran = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    fresh = iter([await machine.load(each) for each in made])
    return [
        Size(workload="W5", what="a loaded task", bytes=loaded // len(held)),
        Size(workload="W5", what="a loaded task that has run", bytes=ran // len(held)),
        await _awaited("the first run of a loaded task", lambda: machine.run(next(fresh), {"temperature": 72}), "W5"),
    ]


def _variant(artifact: bytes, key: eyeflow.SigningKey, number: int) -> bytes:
    """The same task under another name, with another constant."""
    held = eyeflow.read_artifact(artifact)
    program = bytecode.decode(held.program)
    more = Constant(INTEGER, literal(number))
    other = msgspec.structs.replace(program, task=f"rule_{number}", constants=(*program.constants, more))
    return eyeflow.write_artifact(seal(other, held.envelope, key))


async def _suspended(key: eyeflow.SigningKey) -> Size:
    """Memory of one run that waits for a person."""
    machine = eyeflow.Machine(trust=[key.signer], ports=Ports(approver=_Nobody()))
    loaded = await machine.load(eyeflow.write_artifact(eyeflow.compile(_WAITING).seal(key)))
    handles = [await machine.start(loaded)]
    await asyncio.sleep(0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    handles += [await machine.start(loaded) for _ in range(_SUSPENDED)]
    await asyncio.sleep(0.1)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    for handle in handles:
        handle.cancel()
    await asyncio.gather(*(handle.finished() for handle in handles))
    return Size(workload="W5", what="a run that waits for approval", bytes=used // _SUSPENDED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Several rounds, and of each number the least and the median."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="bench.machine", description=__doc__)
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(given)
    here = host() if asked.json else begin("W3 W5 machine")
    rounds: dict[str, list[float]] = {}
    for _ in range(asked.rounds):
        for each in measure():
            name = f"{each.workload} {each.what}"
            if isinstance(each, Size):
                rounds.setdefault(f"{name} [bytes]", []).append(float(each.bytes))
            else:
                rounds.setdefault(f"{name} [us]", []).append(each.p50_us)
                rounds.setdefault(f"{name} [us of CPU]", []).append(each.cpu_us)
    table = {name: {"min": min(held), "median": statistics.median(held)} for name, held in rounds.items()}
    if asked.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(table), indent=2) + b"\n")
        return 0
    print(f"{'':60}{'min':>12}{'median':>12}")
    for name, held in table.items():
        print(f"{name:60}{held['min']:>12,.2f}{held['median']:>12,.2f}")
    keep("machine", table, here, arguments=given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
