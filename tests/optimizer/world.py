"""A small world for the optimizer: services whose answers depend only on what is asked and on what was written."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import CompileContext
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.errors import CallError
from eyeflow.ir.check import check
from eyeflow.ir.codegen import generate
from eyeflow.ir.functions.lists import plain
from eyeflow.ir.plan import Plan
from eyeflow.ir.program import Envelope
from eyeflow.ir.seal import SigningKey, seal
from eyeflow.ir.task import Task
from eyeflow.ir.text import parse
from eyeflow.ir.validate import validate
from eyeflow.optimizer import PASSES, REWRITES, Pass
from eyeflow.optimizer.batch import batch
from eyeflow.optimizer.prefetch import prefetch
from eyeflow.ports import CountingIds
from eyeflow.svm import Machine, MemoryPublisher, Ports, run_virtual
from eyeflow.svm.journal import trace_hash
from eyeflow.values import Value

_PERSON = {"name": {"type": "string"}, "score": {"type": "integer"}, "vip": {"type": "boolean"}}
_DONE = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
_ALWAYS = {"timeout_ms": 86_400_000}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_KNOWN = _object({"id": {"type": "string"}, **_PERSON})

SERVICES: list[dict[str, Any]] = [
    {
        "service": "crm", "title": "CRM", "type": "Sales", "connector": "world",
        "capabilities": {
            "find": {"summary": "Find a person", "effect": "read", "latency_ms": 80, **_ALWAYS,
                     "params": {"id": {"type": "string", "required": True}}, "returns": _KNOWN,
                     "batch": {"capability": "find_all", "item": "id", "items": "ids", "match": "id", "max": 3}},
            "find_all": {"summary": "Find up to three people", "effect": "read", "latency_ms": 90, "timeout_ms": 5_000,
                         "params": {"ids": {"type": "array", "items": {"type": "string"}, "required": True}},
                         "returns": {"type": "array", "items": _KNOWN}},
            "people": {"summary": "List people", "effect": "read", "latency_ms": 120, **_ALWAYS, "cache_ttl": "1m",
                       "returns": {"type": "array", "items": _object({"id": {"type": "string"}, **_PERSON})}},
            "note": {"summary": "Write a note", "effect": "write", "latency_ms": 100, **_ALWAYS, "returns": _DONE,
                     "params": {"text": {"type": "string", "required": True}}},
        },
    },
    {
        "service": "chat", "title": "Chat", "type": "Communication", "connector": "world",
        "capabilities": {
            "topic": {"summary": "The topic of a channel", "effect": "read", "latency_ms": 40, **_ALWAYS,
                      "params": {"channel": {"type": "string", "required": True}},
                      "returns": _object({"text": {"type": "string"}})},
            "send": {"summary": "Send a message", "effect": "write", "latency_ms": 100, **_ALWAYS, "returns": _DONE,
                     "params": {"text": {"type": "string", "required": True}}},
        },
    },
]  # fmt: skip

LATENCY_MS: dict[str, int] = {
    name: capability["latency_ms"] for service in SERVICES for name, capability in service["capabilities"].items()
}
"""What the catalog says of each capability."""

KEY = SigningKey(bytes(32))
PLAIN: tuple[Pass, ...] = tuple(each for each in PASSES if each not in (*REWRITES, prefetch, batch))
"""What a plan needs, without any rewrite."""


def context() -> CompileContext:
    catalog, report = load_documents(SERVICES)
    assert catalog is not None, report
    return CompileContext(catalog=catalog, now=datetime(2026, 3, 2, 9, tzinfo=UTC))


CTX = context()


def task_of(source: str) -> Task:
    """The checked task of LLM-IR text."""
    task, said = parse(source)
    assert task is not None, [str(each) for each in said.diagnostics]
    checked, said = check(task, CTX)
    assert checked is not None, f"{[str(each) for each in said.errors]}\n{source}"
    return checked


def planned(task: Task, *rewrites: Pass) -> Plan:
    """The plan with these passes and all that any plan needs; `prefetch` takes its place after `order`."""
    plan = Plan(task=task)
    for step in PASSES:
        if step in PLAIN or step in rewrites:
            plan = step(plan, CTX)
    return plan


class World(msgspec.Struct, frozen=True):
    """How the services behave: `fails` are ids and channels whose reads fail, `moving` is whether what was written
    changes later answers, `input` what the task is given. A read that fails for good takes its time: `slow` ones a
    thousand seconds, so that all that does not depend on it is done before. `many` is how requests for many end.
    In a `timely` world every call takes what the catalog says."""

    fails: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()
    moving: bool = False
    timely: bool = False
    input: Mapping[str, Value] = {}
    many: Literal["answers", "fails", "hangs", "shuffles", "repeats", "nonsense"] = "answers"


class Ran(msgspec.Struct, frozen=True):
    """What a run did: writes by service in order, status, output, error; and how many reads and requests for many
    were made. `trace` is the hash of all that happened in it."""

    status: str
    output: object
    writes: dict[str, list[str]]
    reads: int
    many: int = 0
    error: str = ""
    trace: str = ""
    took_ms: int = 0


class _Service:
    """A connector to the world."""

    def __init__(self, world: World, calls: list[tuple[str, str, str]], changed: dict[str, int]) -> None:
        self._world = world
        self._calls = calls
        self._changed = changed
        self._name = ""

    async def initialize(self, config: ConnectorConfig) -> None:
        self._name = config.service.id

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        about = str(next(iter(params.values()), ""))
        self._calls.append((self._name, method, about))
        if self._world.timely:
            await asyncio.sleep(LATENCY_MS[method] / 1_000)
        if method in ("note", "send"):
            self._changed[self._name] = self._changed.get(self._name, 0) + 1
            return {"ok": True}
        if method == "find_all":
            return await self._many(params["ids"])
        if not self._world.timely:
            await asyncio.sleep(1_000 if about in self._world.slow else 0.001)
        if about in self._world.fails or about in self._world.slow:
            raise CallError("permanent", "not_found", f"nothing about {about}")
        version = self._version()
        if method == "topic":
            return {"text": f"topic of {about} {version}"}
        if method == "people":
            return [_person(each, version) for each in ("ann", "bob", "cy")]
        return _person(about, version)

    def _version(self) -> int:
        return self._changed.get(self._name, 0) if self._world.moving else 0

    async def _many(self, ids: Any) -> Value:
        """Those that are there: what fails alone is missing."""
        assert 2 <= len(ids) <= 3 and len(set(ids)) == len(ids)
        await asyncio.sleep(0.002)
        world, found = self._world, [_person(each, self._version()) for each in ids]
        known = [each for each, about in zip(found, ids, strict=True) if about not in world.fails | world.slow]
        match world.many:
            case "fails":
                raise CallError("transient", "unavailable", "not now")
            case "hangs":
                await asyncio.sleep(1_000_000)
            case "shuffles":
                return [{"id": 7}, *reversed(known), _person("a stranger", 0)]
            case "repeats":
                return [*known, *known[:1]]
            case "nonsense":
                return [None, 3, {"id": [1]}]
        return known

    async def cleanup(self) -> None:
        return


def _person(about: str, version: int) -> dict[str, Value]:
    score = hashlib.sha256(f"{about}{version}".encode()).digest()[0] % 10
    return {"id": about, "name": f"{about[:20]}{version}", "score": score, "vip": score > 5}


def run(plan: Plan, world: World, ctx: CompileContext = CTX) -> Ran:
    """Run a plan's program, as any program is run."""
    program, report = generate(plan, ctx)
    assert program is not None and validate(program).ok, report
    artifact = seal(program, Envelope(program_digest="", practice=True), KEY)
    calls: list[tuple[str, str, str]] = []
    changed: dict[str, int] = {}

    async def main(clock: Any) -> Ran:
        machine = Machine(
            trust=[KEY.signer], catalog=ctx.catalog, connectors={"world": lambda: _Service(world, calls, changed)},
            clock=clock, ids=CountingIds(), ports=Ports(publisher=MemoryPublisher()), practice=True,
        )  # fmt: skip
        done = await machine.run(artifact, dict(world.input))
        writes: dict[str, list[str]] = {}
        for service, method, about in calls:
            if method in ("note", "send"):
                writes.setdefault(service, []).append(about)
        reads = sum(method not in ("note", "send") for _, method, _ in calls)
        many = sum(method == "find_all" for _, method, _ in calls)
        return Ran(
            done.status,
            plain(done.output),
            writes,
            reads,
            many,
            done.error or "",
            trace_hash(done.events[1:]),
            done.duration_ms,
        )

    return run_virtual(main)
