"""Random programs for the storm, built by hand from a seeded source of luck."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Instruction, Program, Step
from eyeflow.ir.task import Backoff
from eyeflow.ir.validate import validate
from eyeflow.ir.validate.findings import step_path
from eyeflow.values import NUMBER
from svm.built import Build, E, fn, items, k, ms, obj, of, text

CHILD = "child_task"
WRITES = ("slack_daily.send_message", "slack_daily.keyed_send", "slack_daily.keyed_send")


def storm_program(luck: Random, *, together: bool = False) -> tuple[Program, Program]:
    """A task and the task it may run as part of it. With `together`, their reads may go together."""
    size = luck.randrange(2, 7)
    task = _Maker(luck, "storm", together=together).program(size)
    return _as_it_may_be(task), _as_it_may_be(_Maker(luck, CHILD, depth=2, together=together).program(2))


def _as_it_may_be(program: Program) -> Program:
    """Reads that may not go together, by the validator's rule, are made alone."""
    apart = {each.place.path for each in validate(program).errors if each.code == "batch" and each.place is not None}

    def alone(path: str, step: Step) -> Step:
        do = step.do
        return msgspec.structs.replace(step, do=Instruction(Op.CALL, do.dst, do.args)) if path in apart else step

    scopes = tuple(
        msgspec.structs.replace(
            scope, steps=tuple(alone(step_path(index, at), step) for at, step in enumerate(scope.steps))
        )
        for index, scope in enumerate(program.scopes)
    )
    return msgspec.structs.replace(program, scopes=scopes)


class _Maker:
    def __init__(self, luck: Random, task: str, *, depth: int = 0, together: bool = False) -> None:
        self.luck = luck
        self.together = together
        self.quick = together and luck.random() < 0.6
        """Nothing waits or tells others, so that reads of later items may be made ahead."""
        self.b = Build(task, deadline_ms=3_600_000)
        self.b.durable = "journal"
        self.count = 0
        self.depth = depth

    def program(self, size: int) -> Program:
        if self.luck.random() < 0.3 and not self.depth:
            self.b.on_failure = self.b.scope([self.call()])
        steps = self.steps(size, self.depth, None)
        return self.b.program(steps, obj(**{step.name: of(step) for step in steps if step.name.startswith("o")}))

    def steps(self, size: int, depth: int, item: E | None) -> list[Step]:
        made: list[Step] = []
        for _ in range(size):
            needs = [step for step in made if self.luck.random() < 0.3]
            made.append(self.step(depth, item, needs))
        return made

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}" + ("c" if self.depth else "")

    def step(self, depth: int, item: E | None, needs: list[Step]) -> Step:
        kinds = ["call"] * 6 + ["value", "stamp", "wait", "approval", "emit", "log"]
        if depth < 2:
            kinds += ["branch", "loop", "loop"]
        if not self.depth:
            kinds.append("child")
        if self.quick:
            kinds = [each for each in kinds if each not in ("wait", "approval", "emit", "child")]
        kind = self.luck.choice(kinds)
        plain = kind in ("value", "stamp", "wait", "emit", "log")
        more = {} if plain else self.policies(depth, kind)
        b = self.b
        match kind:
            case "call":
                return self.call(item, needs=needs, **more)
            case "value":
                return b.value(self.name("o"), k(self.luck.randrange(9)), needs=needs)
            case "stamp":
                return b.value(self.name("stamp"), obj(now=fn("NOW"), id=fn("UUID")), needs=needs)
            case "wait":
                length = self.luck.choice((5, 2_000, 3_600_000))
                return b.step(self.name("wait"), Op.WAIT_FOR, b.block(ms(length)), needs=needs)
            case "approval":
                return b.step(
                    self.name("yes"), Op.APPROVAL, b.constant("owner"), b.block(k("go?")),
                    b.constant(86_400_000, NUMBER), needs=needs, **more,
                )  # fmt: skip
            case "emit":
                topic = b.constant("things")
                return b.step(self.name("emit"), Op.EMIT, topic, b.block(text("at ", fn("UUID"))), needs=needs)
            case "log":
                return b.step(self.name("log"), Op.LOG, b.block(k("line")), needs=needs)
            case "child":
                return b.step(self.name("child"), Op.SUBTASK, b.constant(CHILD), b.block(obj()), needs=needs, **more)
            case "branch":
                return self.branch(depth, item, needs, more)
            case _:
                return self.loop(depth, needs, more)

    def branch(self, depth: int, item: E | None, needs: list[Step], more: dict[str, Any]) -> Step:
        inner = self.steps(self.luck.randrange(1, 3), depth + 1, item)
        taken = self.b.scope(inner, of(inner[-1]))
        test = fn("GT", k(2), k(self.luck.choice((1, 3))))
        return self.b.branch(self.name("choice"), [(test, taken)], needs=needs, **more)

    def loop(self, depth: int, needs: list[Step], more: dict[str, Any]) -> Step:
        size = self.luck.randrange(1, 3)

        def body(item: E) -> tuple[list[Step], E | None]:
            inner = self.steps(size, depth + 1, item)
            return inner, of(inner[-1])

        parallel = self.luck.choice((1, 2, 4))
        source = items(*"abcd"[: self.luck.randrange(1, 4)])
        return self.b.foreach(self.name("each"), source, body, parallel=parallel, needs=needs, **more)

    def call(self, item: E | None = None, **more: Any) -> Step:
        name = self.name("o" if self.luck.random() < 0.5 else "call")
        if self.together and self.luck.random() < 0.7:
            return self.read(name, item, **more)
        if self.luck.random() < 0.3:
            return self.b.call(name, "openweather.current_weather", obj(location=name), timeout_ms=200, **more)
        where = self.luck.choice(WRITES)
        if where.endswith("send_message"):
            more["uncertain"] = self.luck.choice(("fail", "ask"))
        parts: list[E | str] = [name, " "]
        if item is not None:
            parts.append(item)
        if self.luck.random() < 0.3:
            parts.append(fn("UUID"))
        return self.b.call(name, where, obj(text=text(*parts)), timeout_ms=200, **more)

    def read(self, name: str, item: E | None, **more: Any) -> Step:
        """A read that goes together with those of later items, or with those beside it."""
        params = obj(name=text(name, " ", item) if item is not None else name)
        made = self.b.call(name, "places.find", params, timeout_ms=200, **more)
        op = Op.CALL_BESIDE if item is None else Op.CALL_AHEAD
        return msgspec.structs.replace(made, do=Instruction(op, made.do.dst, made.do.args))

    def policies(self, depth: int, kind: str) -> dict[str, Any]:
        more: dict[str, Any] = {}
        luck = self.luck
        if kind in ("call", "child") and luck.random() < 0.6:
            more["attempts"] = luck.randrange(2, 5)
            if luck.random() < 0.6:
                more["backoff"] = Backoff("fixed", luck.choice((10, 3_000)))
        if luck.random() < 0.25:
            more["continue_on_error"] = True
        if kind == "loop" and luck.random() < 0.2:
            more["timeout_ms"] = luck.choice((50, 500))
        if luck.random() < 0.2 and depth < 2:
            stop = luck.random() < 0.3
            if luck.random() < 0.5:
                more["backup"] = self.b.fallback(k("spare"), stop=stop)
            else:
                inner = self.call()
                more["backup"] = self.b.fallback(steps=[inner], result=of(inner), stop=stop, timeout_ms=300)
        return more
