"""Programs built by hand, and a machine with scripted services to run them on simulated time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from eyeflow.catalog.model import Batch, Capability, Catalog, Connection, Constraints, Service
from eyeflow.connectors.scripted import Script
from eyeflow.ir.functions import FUNCTIONS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import (
    Artifact,
    Backup,
    CallBinding,
    CodeBlock,
    Constant,
    Envelope,
    Fan,
    Instruction,
    Limits,
    Program,
    Scope,
    Step,
)
from eyeflow.ir.seal import SigningKey, seal
from eyeflow.ports import CountingIds
from eyeflow.svm import Execution, Machine, VirtualClock, run_virtual
from eyeflow.svm.virtualtime import EPOCH
from eyeflow.values import (
    BOOLEAN,
    DURATION,
    INTEGER,
    JSON,
    NULL,
    NUMBER,
    STRING,
    TIMESTAMP,
    Field,
    ListOf,
    ObjectOf,
    Type,
    Value,
    literal,
    nullable,
)

KEY = SigningKey(bytes(32))

MESSAGE = ObjectOf((Field("ok", BOOLEAN), Field("ts", STRING)))
WEATHER = ObjectOf((Field("temp", NUMBER), Field("summary", STRING)))


def service(name: str, *capabilities: Capability, **more: Any) -> Service:
    return Service(
        id=name, title=name, type="Test", connector="scripted", capabilities=capabilities, digest=f"{name} 1", **more
    )


SLACK = service(
    "slack_notify",
    Capability(
        name="send_message",
        summary="Send",
        params=(Field("channel", STRING, required=False), Field("text", STRING)),
        returns=MESSAGE,
        timeout_ms=10_000,
    ),
    Capability(
        name="keyed_send",
        summary="Send with a key",
        idempotency_header="Idempotency-Key",
        params=(Field("text", STRING),),
        returns=MESSAGE,
    ),
    aliases=("slack",),
    constraints=Constraints(max_text_chars=40_000),
)
WEATHER_SERVICE = service(
    "openweather",
    Capability(
        name="current_weather",
        summary="Weather",
        effect="read",
        idempotent=True,
        params=(Field("location", STRING, required=False),),
        returns=WEATHER,
        timeout_ms=5_000,
    ),
    Capability(
        name="anything", summary="Open", effect="read", idempotent=True, returns=JSON, timeout_ms=5_000
    ),
)  # fmt: skip
LIMITED = service(
    "limited",
    Capability(name="ping", summary="Ping", params=(), returns=JSON),
    constraints=Constraints(rate_calls=2, rate_window_ms=60_000),
)
PLACE = ObjectOf((Field("name", STRING), Field("temp", NUMBER)))
PLACES = service(
    "places",
    Capability(
        name="find", summary="Find", effect="read", idempotent=True, params=(Field("name", STRING),), returns=PLACE,
        timeout_ms=5_000, batch=Batch(capability="find_all", item="name", items="names", match="name", max=3),
    ),
    Capability(
        name="find_all", summary="Find some", effect="read", idempotent=True,
        params=(Field("names", ListOf(STRING)),), returns=ListOf(PLACE), timeout_ms=5_000,
    ),
)  # fmt: skip
CATALOG = Catalog((LIMITED, WEATHER_SERVICE, PLACES, SLACK), "test")
SLACK_DAILY = Connection(name="slack_daily", service="slack_notify")


class E(msgspec.Struct, frozen=True):
    """An expression: what to emit and from which other expressions."""

    op: str
    args: tuple[Any, ...] = ()


def k(value: Value, of: Type | None = None) -> E:
    if of is None:
        of = next(
            (
                t
                for kind, t in ((bool, BOOLEAN), (int, INTEGER), (float, NUMBER), (str, STRING))
                if isinstance(value, kind)
            ),
            JSON if value is not None else NULL,
        )
    return E("k", (literal(value), of))


def ms(length: int) -> E:
    return k(length, DURATION)


def instant(text: str) -> E:
    return k(text, TIMESTAMP)


def field(owner: E, name: str, of: Type = JSON) -> E:
    return E("field", (owner, name, of))


def maybe(owner: E, name: str, of: Type = JSON) -> E:
    return E("maybe", (owner, name, of))


def fn(name: str, *args: E) -> E:
    return E("fn", (name, *args))


def text(*parts: E | str) -> E:
    return E("text", tuple(k(part) if isinstance(part, str) else part for part in parts))


def obj(**fields: E | Value) -> E:
    return E("obj", (tuple(fields), *(v if isinstance(v, E) else k(v) for v in fields.values())))


def expect(value: E, of: Type) -> E:
    return E("expect", (value, of))


def coalesce(value: E, other: E) -> E:
    return E("coalesce", (value, other))


def items(*values: Value) -> E:
    return k(list(values), ListOf(JSON))


INPUT = E("r", (1,))
TRIGGER = E("r", (0,))
NOW = E("r", (3,))


class Build:
    """A program in the making. Steps are made by name and numbered by the scope they are put in."""

    def __init__(self, task: str = "test_task", *, deadline_ms: int = 60_000, **limits: int) -> None:
        self.task = task
        self.limits = Limits(**{
            "deadline_ms": deadline_ms, "expires_ms": 7 * 86_400_000, "operations": 1_000_000, "calls": 1_000,
            "memory_bytes": 50_000_000, **limits,
        })  # fmt: skip
        self.constants: list[Constant] = []
        self.types: list[Type] = []
        self.blocks: list[CodeBlock] = []
        self.scopes: list[Scope] = []
        self.fans: list[Fan] = []
        self.bindings: list[CallBinding] = []
        self.registers = 4
        self.inputs: tuple[Field, ...] = ()
        self.durable = "record"
        self.on_failure = -1
        self.triggers: tuple[Any, ...] = ()

    def register(self) -> int:
        self.registers += 1
        return self.registers - 1

    def constant(self, value: Value, of: Type = STRING) -> int:
        self.constants.append(Constant(of, literal(value)))
        return len(self.constants) - 1

    def type(self, of: Type) -> int:
        self.types.append(of)
        return len(self.types) - 1

    def block(self, expr: E | None) -> int:
        if expr is None:
            return -1
        code: list[Instruction] = []
        result = self._emit(expr, code)
        self.blocks.append(CodeBlock(tuple(code), result))
        return len(self.blocks) - 1

    def _emit(self, expr: E, code: list[Instruction]) -> int:
        match expr:
            case E("r", (number,)):
                return number
            case E("step", (step,)):
                return step.do.dst
            case E("k", (held, of)):
                self.constants.append(Constant(of, held))
                made = (Op.CONST, (len(self.constants) - 1,))
            case E("field" | "maybe" as kind, (owner, name, of)):
                op = Op.FIELD if kind == "field" else Op.FIELD_OR_NULL
                made = (op, (self._emit(owner, code), self.constant(name), self.type(of)))
            case E("fn", (name, *args)):
                made = (Op.APPLY, (FUNCTIONS[name].number, *(self._emit(a, code) for a in args)))
            case E("text", parts):
                made = (Op.TEXT, tuple(self._emit(p, code) for p in parts))
            case E("obj", (names, *values)):
                at = self.constant(list(names), ListOf(STRING))
                made = (Op.OBJECT, (at, *(self._emit(v, code) for v in values)))
            case E("expect", (value, of)):
                made = (Op.EXPECT, (self._emit(value, code), self.type(of)))
            case E("coalesce", (value, other)):
                made = (Op.COALESCE, (self._emit(value, code), self.block(other)))
            case _:
                raise AssertionError(expr)
        code.append(Instruction(int(made[0]), self.register(), made[1]))
        return code[-1].dst

    def step(self, name: str, op: int, *args: int, needs: Sequence[Step] = (), **more: Any) -> Step:
        when = self.block(more.pop("when", None))
        more.setdefault("output_type", nullable(JSON) if when >= 0 or more.get("continue_on_error") else JSON)
        return Step(
            number=0, name=name, do=Instruction(int(op), self.register(), tuple(args)),
            needs=tuple(n.do.dst for n in needs), when=when, **more,
        )  # fmt: skip

    def value(self, name: str, expr: E, **more: Any) -> Step:
        return self.step(name, Op.VALUE, self.block(expr), **more)

    def call(
        self, name: str, where: str, params: E | None = None, *, binding: Mapping[str, Any] | None = None, **more: Any
    ) -> Step:
        connection, capability = where.split(".")
        owner = {"slack_daily": SLACK}.get(connection) or CATALOG.service(connection)
        assert owner is not None
        known = owner.capability(capability)
        assert known is not None
        made = CallBinding(
            label=f"{connection}_connector", service=owner.id, capability=capability, connection=connection,
            digest=owner.digest, effect=known.effect, idempotent=known.idempotent,
            keyed=known.idempotency_header is not None, timeout_ms=known.timeout_ms,
        )  # fmt: skip
        if binding:
            made = msgspec.structs.replace(made, **binding)
        self.bindings.append(made)
        return self.step(name, Op.CALL, len(self.bindings) - 1, self.block(params or obj()), **more)

    def scope(
        self, steps: Sequence[Step], result: E | None = None, *, order: Sequence[int] = (), label: str | None = None
    ) -> int:
        numbers = {step.do.dst: number for number, step in enumerate(steps, 1)}
        done = tuple(
            msgspec.structs.replace(
                step, number=numbers[step.do.dst], needs=tuple(sorted(numbers[n] for n in step.needs))
            )
            for step in steps
        )
        self.scopes.append(Scope(done, tuple(order) or _order(done), _stages(done), self.block(result), label))
        return len(self.scopes) - 1

    def branch(self, name: str, cases: Sequence[tuple[E, int]], default: int = -1, **more: Any) -> Step:
        args: list[int] = []
        for test, scope in cases:
            args += [self.block(test), scope]
        return self.step(name, Op.BRANCH, *args, default, **more)

    def foreach(
        self,
        name: str,
        source: E,
        body: Callable[[E], tuple[Sequence[Step], E | None]],
        *,
        where: Callable[[E], E] | None = None,
        parallel: int = 1,
        max_items: int = 10_000,
        **more: Any,
    ) -> Step:
        item = self.register()
        steps, collect = body(E("r", (item,)))
        self.fans.append(Fan(
            source=self.block(source), item=item, where=self.block(where(E("r", (item,))) if where else None),
            scope=self.scope(steps), collect=self.block(collect), parallel=parallel, max_items=max_items,
        ))  # fmt: skip
        return self.step(name, Op.FOREACH, len(self.fans) - 1, **more)

    def fallback(
        self,
        value: E | None = None,
        *,
        steps: Sequence[Step] = (),
        result: E | None = None,
        stop: bool = False,
        timeout_ms: int = 1_000,
    ) -> Backup:
        scope = self.scope(steps, result) if steps else -1
        return Backup(self.block(value), scope, stop, timeout_ms)

    def program(self, steps: Sequence[Step], result: E | None = None, *, order: Sequence[int] = ()) -> Program:
        root = self.scope(steps, result, order=order)
        return Program(
            task=self.task, zone="UTC", durable=self.durable, inputs=self.inputs, constants=tuple(self.constants),  # type: ignore[arg-type]
            types=tuple(self.types), bindings=tuple(self.bindings), blocks=tuple(self.blocks), fans=tuple(self.fans),
            scopes=tuple(self.scopes), root=root, on_failure=self.on_failure, registers=self.registers,
            limits=self.limits, output_type=nullable(JSON), triggers=self.triggers,
        )  # fmt: skip


def of(step: Step) -> E:
    return E("step", (step,))


def _order(steps: Sequence[Step]) -> tuple[int, ...]:
    return tuple(number for stage in _stages(steps) for number in stage)


def _stages(steps: Sequence[Step]) -> tuple[tuple[int, ...], ...]:
    done: set[int] = set()
    stages: list[tuple[int, ...]] = []
    while len(done) < len(steps):
        ready = tuple(s.number for s in steps if s.number not in done and done.issuperset(s.needs))
        assert ready, "a cycle"
        stages.append(ready)
        done.update(ready)
    return tuple(stages)


def sealed(program: Program, **facts: Any) -> Artifact:
    return seal(program, Envelope(program_digest="", **facts), KEY)


def machine(script: Script | None = None, *, clock: VirtualClock | None = None, **more: Any) -> Machine:
    settings: dict[str, Any] = {
        "trust": [KEY.signer], "catalog": CATALOG, "connections": [SLACK_DAILY],
        "connectors": {"scripted": (script or Script()).factory()}, "ids": CountingIds(), "clock": clock, **more,
    }  # fmt: skip
    return Machine(**settings)


def run(
    program: Program, inputs: Mapping[str, Value] | None = None, *, script: Script | None = None,
    start: datetime = EPOCH, trigger: Value = None, **more: Any,
) -> Execution:  # fmt: skip
    """Seal and run on simulated time."""

    async def main(clock: VirtualClock) -> Execution:
        return await machine(script, clock=clock, **more).run(sealed(program), inputs, trigger=trigger)

    return run_virtual(main, start=start)


def with_machine(
    act: Callable[[Machine, VirtualClock], Awaitable[Any]], *, script: Script | None = None, **more: Any
) -> Any:
    """Act on a machine in simulated time."""

    async def main(clock: VirtualClock) -> Any:
        return await act(machine(script, clock=clock, **more), clock)

    return run_virtual(main)


def names(execution: Execution) -> list[str]:
    return [type(event).__name__ for event in execution.events]


def after(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)
