"""W6: a crowd: 10,000 deployed tasks and 250 runs that wait for a slow service; what W1 costs beside them.

    python -m bench.web.crowd [--tasks 10000] [--waiting 250] [--rounds 3] [--seconds 6] [--rate 0]

Two servers run at the same time: one with the two tasks of the bench and nothing to do, one with the crowd. W1 is sent
to them in turns, at the same rate: by default half of what the idle one can do.

Knows: how a task gets into a store without a compile; that a caller waits for each of the slow runs. In: options. Out:
a table, `.bench/results/crowd.json`. Never: counts a run as waiting that the slow service has not been asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, repeat
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.measure import Spread, spread
from bench.report import begin, keep, table
from bench.web.client import Connection, Sent, closed, connected, paced, request_bytes
from bench.web.filling import DATABASE
from bench.web.ours import GREET, Setup, bearer, serving
from bench.web.system import NotStarted, System, counted, stubbed, usage
from eyeflow.ir import bytecode
from eyeflow.ir.program import Constant
from eyeflow.ir.seal import SigningKey, local_key, seal
from eyeflow.store.port import Insert, Op, Where
from eyeflow.store.records import ArtifactRecord, TaskRecord, VersionRecord
from eyeflow.store.sqlite import SqliteStore
from eyeflow.values import INTEGER, literal

_SLOW_MS: Final = 240_000
_SLOW: Final = """
service: bench_slow
title: Bench slow
type: Utility
connector: http
hosts: ["{host}"]
http: {{base_url: "{stub}"}}
capabilities:
  current:
    summary: Read slowly
    effect: read
    returns: {{type: object, properties: {{temp: {{type: number}}}}}}
    timeout_ms: 300000
    http: {{method: GET, path: /weather, result: {{temp: body.temp}}}}
"""
_WAITING: Final = """TASK bench_waiting
  DEADLINE 300s
  DURABLE record

  ACTION wait
    TYPE connector_call
    CONNECTOR bench_slow
    FUNCTION current
    TIMEOUT 300s
    OUTPUT weather

  RETURN weather
"""
_UNIT: Final = 500
_CONNECTIONS: Final = 64


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """W1 in milliseconds at `rate` a second; `idle` without the crowd, `beside` it, `all_tasks` when each request is
    for another of its tasks. Memory in bytes, after W1 under load: without the crowd, with its tasks deployed; with its
    runs waiting, and when all its tasks have run."""

    tasks: int
    waiting: int
    rate: float
    idle: Spread
    beside: Spread
    all_tasks: Spread
    failed: int
    kept_up: bool
    times_worse_p99: float
    memory_idle: int
    memory_deployed: int
    memory_waiting: int
    memory_ran: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _options(given)
    here = begin("W6 crowd")
    try:
        figures = measure(options)
    except (NotStarted, OSError) as error:
        print(f"not run: {error}", file=sys.stderr)
        return 1
    each = {
        "idle server": figures.idle, f"beside {figures.waiting} waiting runs, {figures.tasks:,} tasks": figures.beside,
        f"beside them, each for another of {figures.tasks:,}": figures.all_tasks,
    }  # fmt: skip
    rows: list[list[str | float]] = [
        [what, took.p50, took.p75, took.p90, took.p99, took.most] for what, took in each.items()
    ]
    table(f"W1 at {figures.rate:,.0f}/s, ms", ("p50", "p75", "p90", "p99", "most"), rows)
    print(
        f"\np99 beside the crowd: {figures.times_worse_p99:.2f} times the idle one; failed: {figures.failed}\n"
        f"memory: {figures.memory_idle / 1e6:.0f} MB idle, {figures.memory_deployed / 1e6:.0f} with the tasks deployed,"
        f" {figures.memory_waiting / 1e6:.0f} with the runs waiting ("
        f"{(figures.memory_waiting - figures.memory_deployed) / max(1, figures.waiting) / 1024:.0f} KB a run),"
        f" {figures.memory_ran / 1e6:.0f} when each task had run"
    )
    if not figures.kept_up:
        print("a server could not keep this rate up: latencies are those of a line; try a smaller --rate")
    keep("crowd", figures, here, arguments=given)
    return 0


def measure(options: argparse.Namespace) -> Figures:
    """All of W6. Raises: NotStarted; OSError."""
    with contextlib.ExitStack() as stack:
        stub, slow = stack.enter_context(stubbed()), contextlib.ExitStack()
        address = slow.enter_context(stubbed(_SLOW_MS))
        stack.callback(slow.close)
        setup = Setup(
            services={"bench_slow": _SLOW.format(stub=address, host=address.removeprefix("http://"))},
            sources=(_WAITING,), fill=lambda data: asyncio.run(deploy(data, options.tasks)),
        )  # fmt: skip
        idle = stack.enter_context(serving(stub))
        crowd = stack.enter_context(serving(stub, setup))
        fastest = [uvloop.run(_fastest(system)) for system, _ in (idle, crowd)]
        options.rate = options.rate or fastest[0] / 2
        memory = usage(idle[1]).memory, usage(crowd[1]).memory
        turns = uvloop.run(_turns(idle[0], crowd[0], address, options))
        held = usage(crowd[1]).memory
        many = uvloop.run(_all_tasks(crowd[0], turns.rate, options))
        ran = usage(crowd[1]).memory
        slow.close()  # the runs that wait fail now, and the server can end
        quiet, beside = spread(turns.idle.latencies_ms), spread(turns.beside.latencies_ms)
        return Figures(
            tasks=options.tasks, waiting=options.waiting, rate=round(turns.rate), idle=quiet, beside=beside,
            all_tasks=spread(many.latencies_ms), times_worse_p99=round(beside.p99 / quiet.p99, 2),
            kept_up=all(sent.kept_up for sent in (turns.idle, turns.beside, many)),
            failed=turns.idle.failed + turns.beside.failed + many.failed, memory_idle=memory[0],
            memory_deployed=memory[1], memory_waiting=held, memory_ran=ran,
        )  # fmt: skip


class Turns(msgspec.Struct, kw_only=True):
    """What was sent to the two servers."""

    rate: float
    idle: Sent = msgspec.field(default_factory=Sent)
    beside: Sent = msgspec.field(default_factory=Sent)


async def _fastest(system: System) -> float:
    task = system.tasks["W1"]
    request = request_bytes(task.path, task.body, bearer(system))
    return (await closed(system.port, repeat(request), connections=_CONNECTIONS, seconds=3)).rate


async def _turns(idle: System, crowd: System, slow: str, options: argparse.Namespace) -> Turns:
    task = idle.tasks["W1"]
    requests = {each.port: request_bytes(task.path, task.body, bearer(each)) for each in (idle, crowd)}
    turns = Turns(rate=options.rate)
    waiting = await _waiting(crowd, slow, options.waiting)
    for _ in range(options.rounds):
        for system, sent in ((idle, turns.idle), (crowd, turns.beside)):
            _add(sent, await paced(
                system.port, repeat(requests[system.port]), rate=turns.rate, seconds=options.seconds,
                connections=_CONNECTIONS,
            ))  # fmt: skip
    now = counted(slow)["weather"]
    if now != options.waiting:
        raise NotStarted(f"of {options.waiting} runs {now} wait for the slow service")
    for connection in waiting:
        connection.close()
    return turns


def _add(sent: Sent, more: Sent) -> None:
    sent.latencies_ms += more.latencies_ms
    sent.statuses += more.statuses
    sent.lost += more.lost
    sent.behind = max(sent.behind, more.behind)
    sent.seconds += more.seconds


async def _waiting(crowd: System, slow: str, count: int) -> list[Connection]:
    """Callers who wait, when the slow service has been asked for each of them. Raises: NotStarted."""
    held = await connected(crowd.port, count)
    request = request_bytes("/api/tasks/run", b'{"task":"bench_waiting"}', bearer(crowd))
    for connection in held:
        connection.ask(request)
    for _ in range(600):
        if counted(slow)["weather"] == count:
            return held
        await asyncio.sleep(0.1)
    raise NotStarted(f"the slow service was asked {counted(slow)['weather']} times, not {count}")


async def _all_tasks(crowd: System, rate: float, options: argparse.Namespace) -> Sent:
    """W1 with another task each time, when all of them have run once."""
    bodies = (
        msgspec.json.encode({"task": name(number), "input": {"name": "Alice"}}) for number in range(options.tasks)
    )
    requests = [request_bytes("/api/tasks/run", body, bearer(crowd)) for body in bodies]
    for _ in range(2):  # the first time each is loaded, and the garbage collector looks at all of that once more
        sent = await closed(crowd.port, iter(requests), connections=8)
        if sent.failed:
            raise NotStarted(f"{sent.failed} of {options.tasks} tasks do not run: {dict(sent.statuses)}")
    return await paced(
        crowd.port, cycle(requests), rate=rate, seconds=options.seconds * options.rounds, connections=_CONNECTIONS
    )


def name(number: int) -> str:
    """The name of a task of the crowd."""
    return f"crowd_{number:05}"


async def deploy(data: Path, count: int) -> None:
    """Put `count` tasks into the store of a server that has ended, each a program of its own with a seal of its own.
    Raises: StoreError."""
    store, key = SqliteStore(data / DATABASE), local_key(data)
    await store.open()
    try:
        (task,) = await store.find(TaskRecord, Where("name", "=", GREET.split()[1]))
        version = await store.get(VersionRecord, task.id, task.version)
        assert version is not None, "it was deployed"
        artifact = await store.get(ArtifactRecord, version.artifact)
        assert artifact is not None, "it was deployed"
        unit: list[Op] = []
        for number in range(count):
            unit += _rows(task, version, artifact, key, number)
            if number % _UNIT == _UNIT - 1 or number == count - 1:
                await store.write(*unit)
                unit = []
    finally:
        await store.close()


def _rows(
    task: TaskRecord, version: VersionRecord, artifact: ArtifactRecord, key: SigningKey, number: int
) -> Iterator[Op]:
    """The same task under another name, with another constant."""
    held = bytecode.read_artifact(artifact.data)
    program = bytecode.decode(held.program)
    more = Constant(INTEGER, literal(number))
    other = msgspec.structs.replace(program, task=name(number), constants=(*program.constants, more))
    sealed = seal(other, held.envelope, key)
    data = bytecode.write_artifact(sealed)
    digest, identity = hashlib.sha256(data).hexdigest(), f"task_crowd{number:05}"
    yield Insert(msgspec.structs.replace(task, id=identity, name=name(number), version=1, digest=sealed.digest))
    yield Insert(msgspec.structs.replace(
        version, task_id=identity, number=1, digest=sealed.digest, artifact=digest
    ))  # fmt: skip
    yield Insert(msgspec.structs.replace(artifact, id=digest, digest=sealed.digest, data=data))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.web.crowd", description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rate", type=float, default=0, help="requests a second; 0: half of what the idle one can do")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
