"""Tasks deployed with everything that starts them: the real compiler, registrar and engine, over any store; services
answer from a script."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec

from eyeflow.catalog.load import load_documents, merge, open_catalog
from eyeflow.catalog.model import Catalog, Connection
from eyeflow.compilation import compile_text
from eyeflow.connectors.port import Credential
from eyeflow.connectors.scripted import Script
from eyeflow.engine.engine import Engine
from eyeflow.engine.machines import World, connection_record
from eyeflow.engine.model import ExecutionDetail
from eyeflow.errors import CallError
from eyeflow.ir.bytecode import write_artifact
from eyeflow.ir.program import Program
from eyeflow.ir.seal import SigningKey
from eyeflow.ports import FixedClock
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Insert, Store, Where
from eyeflow.store.records import ArtifactRecord, ExecutionRecord, Record, SettingRecord, TaskRecord, VersionRecord
from eyeflow.triggers.registration import Registrar, Registrations
from eyeflow.triggers.timing import milliseconds
from eyeflow.triggers.webhooks import Received, Webhooks
from triggers.world import at

KEY = SigningKey(b"t" * 32)
URL = "https://hooks.example.org"

SHOP = {
    "service": "stall", "title": "Stall", "type": "Shop", "connector": "scripted",
    "capabilities": {
        "list_sales": {
            "effect": "read", "params": {"limit": {"type": "integer"}, "since": {"type": "string"}},
            "returns": {"type": "object", "properties": {"sales": {"type": "array"}}},
        },
    },
    "triggers": {
        "sold": {
            "payload": {"type": "object", "properties": {"id": {"type": "string"}, "price": {"type": "number"}}},
            "params": {"since": {"type": "string"}},
            "source": {"poll": {
                "capability": "list_sales", "params": {"limit": 3, "since": "{since}"}, "every_ms": 60_000,
                "items": "result.sales", "cursor": "item.at", "payload": {"id": "item.id", "price": "item.price"},
            }},
        },
        "closed": {"payload": {"type": "object"}, "source": {"topic": "stall.closed"}},
        "robbed": {"payload": {"type": "object"}},
    },
}  # fmt: skip


class Ids:
    """Counted, and in the order of time also as text, as real ids are."""

    def __init__(self) -> None:
        self._next = 0

    def new(self, prefix: str) -> str:
        self._next += 1
        return f"{prefix}_{self._next:08d}"


def script_of(**returns: list[object]) -> Script:
    """Answers by `service__capability`."""
    return Script.of({name.replace("__", "."): answers for name, answers in returns.items()})  # type: ignore[misc]


class House:
    """A place where tasks run when something happens."""

    def __init__(
        self, store: Store, engine: Engine, catalog: Catalog, clock: FixedClock, public_url: str | None
    ) -> None:
        self.store = store
        self.engine = engine
        self.catalog = catalog
        self.clock = clock
        self.ids = Ids()
        self.secrets: dict[str, Credential] = {}
        self.connections: list[Connection] = []
        self.public_url = public_url
        self.registrar = Registrar(
            store, ids=self.ids, keeper=self, lookup=engine.ask, public_url=public_url
        )  # fmt: skip
        self.webhooks = Webhooks(
            store, engine, catalog=lambda: self.catalog, secrets=self.credential, clock=clock, ids=self.ids,
            public_url=public_url, answer_ms=2_000,
        )  # fmt: skip

    async def known(self, name: str) -> bool:
        return f"vault:{name}" in self.secrets

    async def keep(self, name: str, value: str) -> None:
        self.secrets[f"vault:{name}"] = Credential((("token", value), ("key", value)))

    async def credential(self, reference: str) -> Credential:
        if reference not in self.secrets:
            raise CallError("denied", "no_credential", "there is none")
        return self.secrets[reference]

    @property
    def now(self) -> int:
        return milliseconds(self.clock.now())

    async def connect(self, name: str, service: str, **more: object) -> None:
        """An account, whose credential has the parts of `more`."""
        reference = f"vault:{name}" if more else None
        connection = Connection(name=name, service=service, credential=reference)
        if reference is not None:
            self.secrets[reference] = Credential(tuple((part, str(value)) for part, value in more.items()))
        self.connections.append(connection)
        row = connection_record(connection, created_by="ann", created_ms=0)
        await self.store.write(Insert(row, "replace"), self._generation())
        await self.engine.changed()

    def program(self, text: str) -> Program:
        made = compile_text(
            text, language="ir", catalog=self.catalog, connections=self.connections, now=self.clock.now(), zone="UTC"
        )  # fmt: skip
        assert made.program is not None, [str(each) for each in made.report.diagnostics]
        return made.program

    async def deploy(self, text: str) -> Registrations:
        """Make `text` the next version of its task, with what starts it."""
        program = self.program(text)
        task_id = f"task_{program.task}"
        before = await self.store.get(TaskRecord, task_id)
        version = 1 if before is None else before.version + 1
        planned = await self.registrar.plan(
            task_id, version, program, catalog=self.catalog, connections=self.connections, created_by="ann",
            now_ms=self.now,
        )  # fmt: skip
        made = compile_text(
            text, language="ir", catalog=self.catalog, connections=self.connections, now=self.clock.now(), zone="UTC"
        )  # fmt: skip
        artifact = made.seal(KEY)
        data = write_artifact(artifact)
        name = hashlib.sha256(data).hexdigest()
        await self.store.write(
            Insert(TaskRecord(
                id=task_id, name=program.task, version=version, digest=artifact.digest, created_by="ann", created_ms=0,
                updated_ms=0,
            ), "replace"),
            Insert(VersionRecord(
                task_id=task_id, number=version, digest=artifact.digest, artifact=name, language="ir", source="", ir="",
                created_by="ann", created_ms=0,
            )),
            Insert(ArtifactRecord(id=name, digest=artifact.digest, data=data, created_ms=0), "ignore"),
            *planned.ops,
            self._generation(),
        )  # fmt: skip
        await self.engine.changed(task_id)
        self.webhooks.changed()
        return planned

    def _generation(self) -> Insert:
        value = msgspec.json.encode(self.ids.new("generation"))
        return Insert(SettingRecord(name="generation", value=value, updated_ms=0), "replace")

    async def rows(self, table: type[Record], task: str) -> list[Record]:
        return await self.store.find(table, Where("task_id", "=", f"task_{task}"), order=("id",))

    async def receive(self, name: str, body: object = None, **more: object) -> Received:
        """Deliver JSON (or bytes as they are) by POST."""
        headers = {"content-type": "application/json", **more.pop("headers", {})}  # type: ignore[dict-item]
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        method = str(more.pop("method", "POST"))
        return await self.webhooks.receive(name, method, headers, data, **more)  # type: ignore[arg-type]

    async def executions(self, task: str) -> list[ExecutionDetail]:
        """All runs of a task, ended, the oldest first."""
        rows = await self.store.find(ExecutionRecord, Where("task_id", "=", f"task_{task}"), order=("created_ms", "id"))
        for row in rows:
            await self.engine.end(row.id, wait_ms=2_000)
        return [await self.engine.execution(row.id) for row in rows]

    async def outputs(self, task: str) -> list[object]:
        return [each.result.output for each in await self.executions(task)]

    def pass_time(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))


@asynccontextmanager
async def house(
    store: Store | None = None, *, script: Script | None = None, now: str = "2026-11-23T08:00:00",
    public_url: str | None = URL,
) -> AsyncIterator[House]:  # fmt: skip
    """A house whose engine has started."""
    store = store or MemoryStore()
    own, report = load_documents([SHOP])
    assert own is not None, report
    catalog, report = merge(open_catalog(), own)
    assert catalog is not None, report
    clock = FixedClock(at(now))
    factory = (script or Script()).factory()
    connectors = {service.connector: factory for service in catalog.services}
    engine = Engine(
        store, world=World(catalog=catalog, trust=(KEY.signer,), connectors=connectors), clock=clock
    )  # fmt: skip
    await engine.start()
    try:
        yield House(store, engine, catalog, clock, public_url)
    finally:
        await engine.drain(5)


def task(name: str, trigger: str, *, body: str = "trigger", inputs: str = "") -> str:
    """A task that gives back what `body` says."""
    action = f"  ACTION give\n    TYPE transform\n    VALUE {body}\n    OUTPUT given\n"
    return f"TASK {name}\n{inputs}  TRIGGER {trigger}\n\n{action}\n  RETURN given\n"
