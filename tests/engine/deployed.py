"""Deployed programs and an engine over a store, for tests of the engine."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from eyeflow.connectors.scripted import Script
from eyeflow.engine.engine import Engine
from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.machines import World, connection_record
from eyeflow.ir.bytecode import write_artifact
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Program
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Insert, Store
from eyeflow.store.port import Op as StoreOp
from eyeflow.store.records import ArtifactRecord, SettingRecord, TaskRecord, VersionRecord
from eyeflow.svm import VirtualClock, run_virtual
from eyeflow.svm.virtualtime import EPOCH
from eyeflow.values import NUMBER, STRING, Field
from svm.built import CATALOG, INPUT, KEY, SLACK_DAILY, Build, field, k, obj, of, sealed, text
from svm.built import ms as length

SEND = "slack_daily.send_message"
KEYED = "slack_daily.keyed_send"
READ = "openweather.current_weather"


async def deploy(store: Store, program: Program, *, version: int = 1, **more: Any) -> TaskRecord:
    """Make `program` the current version of the task of its name."""
    artifact = sealed(program)
    data = write_artifact(artifact)
    identity = hashlib.sha256(data).hexdigest()
    task = TaskRecord(
        id=f"task_{program.task}", name=program.task, version=version, digest=artifact.digest, created_by="ann",
        created_ms=0, updated_ms=0, **more,
    )  # fmt: skip
    number = VersionRecord(
        task_id=task.id, number=version, digest=artifact.digest, artifact=identity, language="ir", source="", ir="",
        created_by="ann", created_ms=0,
    )  # fmt: skip
    generation = SettingRecord(name="generation", value=identity.encode(), updated_ms=0)
    held = ArtifactRecord(id=identity, digest=artifact.digest, data=data, created_ms=0)
    await store.write(
        Insert(task, "replace"), Insert(number), Insert(held, "ignore"), Insert(generation, "replace")
    )  # fmt: skip
    return task


async def connect(store: Store) -> None:
    """The connections that the programs of `svm.built` name."""
    await store.write(Insert(connection_record(SLACK_DAILY, created_by="ann", created_ms=0), "replace"))


def world(script: Script | None = None, **more: Any) -> World:
    """What these programs may use."""
    settings: dict[str, Any] = {
        "catalog": CATALOG, "trust": (KEY.signer,), "connectors": {"scripted": (script or Script()).factory()}, **more,
    }  # fmt: skip
    return World(**settings)


class Freezer:
    """The store as a process sees it that can be stopped: while it is, nothing comes back. With `stop_after`,
    it stops between a write and what follows it."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._running = asyncio.Event()
        self._running.set()
        self.stop_after: Callable[[Any], bool] | None = None

    def stop(self) -> None:
        self._running.clear()

    def go_on(self) -> None:
        self._running.set()

    async def write(self, *unit: StoreOp) -> tuple[int, ...]:
        await self._running.wait()
        done: tuple[int, ...] = await self._store.write(*unit)
        if self.stop_after is not None and self.stop_after(unit):
            self.stop_after = None
            self.stop()
        await self._running.wait()
        return done

    def __getattr__(self, name: str) -> Any:
        async def asked(*args: Any, **more: Any) -> Any:
            await self._running.wait()
            return await getattr(self._store, name)(*args, **more)

        return asked


def in_virtual_time(main: Callable[[VirtualClock], Awaitable[Any]], *, days: float = 9, start: datetime = EPOCH) -> Any:
    """Run `main(clock)` in simulated time. An engine always has something to wait for, so there is an end to that."""

    async def bounded(clock: VirtualClock) -> Any:
        async with asyncio.timeout(days * 86_400):
            return await main(clock)

    return run_virtual(bounded, start=start)


@asynccontextmanager
async def engine_on(
    store: Store | None = None, *programs: Program, script: Script | None = None, drain_s: float = 5,
    limits: Mapping[str, int] | None = None, **more: Any,
) -> AsyncIterator[Engine]:  # fmt: skip
    """A started engine with these programs deployed."""
    store = store or MemoryStore()
    await connect(store)
    for program in programs:
        await deploy(store, program)
    more.setdefault("world", world(script))
    engine = Engine(store, limits=EngineLimits(**{"park_ms": 10_000, **(limits or {})}), **more)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.drain(drain_s)


def hello(task: str = "hello_world") -> Program:
    """Greets; only computes."""
    b = Build(task)
    b.inputs = (Field("name", STRING),)
    greeting = b.step("greet", Op.VALUE, b.block(obj(greeting=text("Hello ", field(INPUT, "name", STRING)))))
    return b.program([greeting], of(greeting))


def posting(
    task: str = "posting",
    *,
    durable: str = "record",
    posts: int = 1,
    capability: str = SEND,
    expires_ms: int = 7 * 86_400_000,
    **more: Any,
) -> Program:
    """Sends messages `1`, `2`, ... one after the other."""
    b = Build(task, expires_ms=expires_ms)
    b.durable = durable
    steps = []
    for number in range(1, posts + 1):
        steps.append(b.call(f"post_{number}", capability, obj(text=str(number)), needs=steps[-1:], **more))
    return b.program(steps, of(steps[-1]))


def waiting(task: str = "waiting", *, ms: int, durable: str = "journal") -> Program:
    """Sends a message, waits, sends another."""
    b = Build(task)
    b.durable = durable
    one = b.call("one", SEND, obj(text="before"))
    wait = b.step("rest", Op.WAIT_FOR, b.block(length(ms)), needs=[one])
    two = b.call("two", SEND, obj(text="after"), needs=[wait])
    return b.program([one, wait, two], of(two))


def asking(task: str = "asking", *, role: str = "approver", expires_ms: int = 86_400_000) -> Program:
    """Asks for approval, then sends a message."""
    b = Build(task)
    b.durable = "journal"
    ask = b.step("ask", Op.APPROVAL, b.constant(role), b.block(k("May I?")), b.constant(expires_ms, NUMBER))
    send = b.call("send", SEND, obj(text="approved"), needs=[ask])
    return b.program([ask, send], of(send))
