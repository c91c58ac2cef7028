"""`simulate`: a request tried out. The real program on the real machine, with scripted answers and simulated time.

Knows: how a scenario becomes a machine: scripted connectors for every service, a clock at the scenario's now, people
who answer at once. In: a `Case`, a catalog. Out: a `Result`, as the documented line has it.
Never: lets anything leave the process, keeps state from one scenario to the next, takes a short cut: the program is
generated, validated, sealed with a key of this process, loaded and run like any other.

- With an event, the tasks that an event starts run when it passes their filter; other tasks do not, unless no task
  waits for events. Where several tasks wait for events, those that declare all fields of the event go first.
- Without an event, every task runs that does not wait for one.
- All tasks of a request start at the same instant, on one machine, and share its rates and the script.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog, CompileContext, Connection
from eyeflow.catalog.registry import ServiceRegistry
from eyeflow.compiler import Compiled, seal_compiled
from eyeflow.connectors.scripted import Script
from eyeflow.diagnostics import nearest
from eyeflow.errors import CatalogError, RunError
from eyeflow.ir.functions.lists import plain
from eyeflow.ir.seal import SigningKey
from eyeflow.ports import CountingIds
from eyeflow.simulate.events import Waiting, waiting
from eyeflow.simulate.fires import moment_text, next_fires
from eyeflow.simulate.people import ScenarioApprover, ScriptedResponder
from eyeflow.simulate.record import Reading
from eyeflow.simulate.request import Request, compile_request, context
from eyeflow.simulate.result import Result, ScenarioResult
from eyeflow.simulate.scenario import Case, Scenario
from eyeflow.svm import (
    Executable,
    Execution,
    LocalTasks,
    Machine,
    MemoryJournal,
    MemoryPublisher,
    Ports,
    Status,
    VirtualClock,
    run_virtual,
)
from eyeflow.values import Value

if TYPE_CHECKING:
    from eyeflow.frontend.engines import Engine

_APPROVER: Final = "simulation"
_NO_SCENARIO: Final = Scenario()


class Simulated(msgspec.Struct, frozen=True):
    """What came of a case; `requests` are the request as it was compiled for each scenario, in order."""

    result: Result
    requests: tuple[Request, ...]


def simulate(
    case: Case, catalog: Catalog, *, connections: tuple[Connection, ...] = (), engine: Engine | None = None
) -> Result:
    """What the request of `case` means, and what its program does in each scenario. Raises: as `simulate_case`."""
    return simulate_case(case, catalog, connections=connections, engine=engine).result


def simulate_case(
    case: Case, catalog: Catalog, *, connections: tuple[Connection, ...] = (), engine: Engine | None = None
) -> Simulated:
    """As `simulate`, with the compiled requests.

    `catalog` and `connections` are those of the workspace; the case's own replace and extend them. `engine` helps the
    rules to read the request.
    Raises: CatalogError when the case's own catalog or connections do not load.
    """
    if case.catalog is not None:
        catalog = _inline(case.catalog)
    connections = (*connections, *_named(case.connections, catalog))
    first = case.scenarios[0] if case.scenarios else _NO_SCENARIO
    asked = compile_request(case, context(catalog, connections, first), {}, engine)
    results: list[ScenarioResult] = []
    requests: list[Request] = []
    played = False
    told: dict[str, None] = {}
    for index, scenario in enumerate(case.scenarios):
        ctx = context(catalog, connections, scenario)
        same = not scenario.answers and scenario.profile == first.profile and scenario.now == first.now
        request = asked if same else compile_request(case, ctx, scenario.answers, engine)
        requests.append(request)
        told.update(dict.fromkeys(_about_answers(index, request)))
        played = played or request.outcome == "program"
        results.append(play(request, ctx, scenario) if request.outcome == "program" else _open(request))
    warnings = (*_warnings(case, catalog), *told)
    result = Result(
        id=case.id,
        outcome=asked.outcome,
        intent=asked.intent,
        questions=asked.questions,
        refusals=asked.refusals,
        scenarios=tuple(results) if played else (),
        warnings=warnings or UNSET,
    )
    return Simulated(result, tuple(requests))


def play(request: Request, ctx: CompileContext, scenario: Scenario) -> ScenarioResult:
    """Run the programs of `request` in `scenario`."""
    programs = [task.require() for task in request.tasks]
    fires = next_fires(programs, scenario.now)
    shown = None if fires is None else tuple(moment_text(moment) for moment in fires)
    try:
        result = run_virtual(lambda clock: _Stage(request.tasks, ctx, scenario, clock).play(), start=scenario.now)
    except RunError as error:
        return ScenarioResult(fires=shown, status="failed", error=str(error))
    return msgspec.structs.replace(result, fires=shown)


class _Stage:
    """One scenario's machine and what ran on it."""

    def __init__(
        self, tasks: tuple[Compiled, ...], ctx: CompileContext, scenario: Scenario, clock: VirtualClock
    ) -> None:
        self._tasks = tasks
        self._ctx = ctx
        self._scenario = scenario
        self._script = Script.of(scenario.returns, scenario.fails, clock=clock)
        self._journal = MemoryJournal()
        self._own = tasks[0].require().task
        self._machine: Machine | None = None
        self._clock = clock
        self._loaded: dict[str, Executable] = {}
        self._unread: list[str] = []

    async def play(self) -> ScenarioResult:
        """Load every task, see which of them run, run them. Raises: RunError for inputs that do not fit."""
        self._machine = machine = self._made()
        for task in self._tasks:
            artifact = seal_compiled(task, self._ctx, _key(), approver=_APPROVER, practice=True)
            self._loaded[task.require().task] = await machine.load(artifact)
        started = [name for name in self._loaded if self._starts(machine, name)]
        if not started:
            return ScenarioResult(error="; ".join(self._unread) or UNSET)
        runs = await asyncio.gather(*(self._run(machine, self._loaded[name]) for name in started))
        await machine.drain()
        return self._result(runs)

    def _made(self) -> Machine:
        catalog = self._ctx.catalog
        factory = self._script.factory()
        ports = Ports(
            approver=ScenarioApprover(self._scenario),
            tasks=LocalTasks(self._running, self._loaded),
            publisher=MemoryPublisher(),
            responder=ScriptedResponder(self._script, catalog),
        )
        return Machine(
            trust=[_key().signer], catalog=catalog, connections=self._ctx.connections,
            connectors={service.connector: factory for service in catalog.services}, clock=self._clock,
            ids=CountingIds(), journal=self._journal, ports=ports, role=self._ctx.role,
            policy=self._ctx.policy, practice=True, batching=False,
        )  # fmt: skip

    def _running(self) -> Machine:
        assert self._machine is not None, "tasks run tasks on a machine"
        return self._machine

    def _starts(self, machine: Machine, name: str) -> bool:
        """True when the task runs in this scenario."""
        event = self._scenario.event
        found = {each: waiting(task.program, self._ctx.catalog) for each, task in self._loaded.items()}
        if event is None:
            return not found[name].only_events
        if not any(each.triggers for each in found.values()):
            return True
        meant = [each.declares(event) for each in found.values() if each.triggers]
        mine: Waiting = found[name]
        indexes = [index for index in mine.triggers if mine.fits(index, event)] if any(meant) else mine.triggers
        return any(self._passes(machine, self._loaded[name], index) for index in indexes)

    def _passes(self, machine: Machine, task: Executable, index: int) -> bool:
        """True when the event passes; an event whose filter cannot be read does not, and the result says why."""
        me: dict[str, Value] = dict(self._scenario.profile.me)
        try:
            return machine.passes(task, index, self._scenario.event, me=me)
        except RunError as error:
            self._unread.append(f"filter of {task.task}: {error}")
            return False

    async def _run(self, machine: Machine, task: Executable) -> Execution:
        scenario = self._scenario
        inputs = scenario.input if task.task == self._own else None
        me: dict[str, Value] = dict(scenario.profile.me)
        return await machine.run(task, inputs, trigger=scenario.event, me=me)

    def _result(self, runs: list[Execution]) -> ScenarioResult:
        reading = Reading(self._script, self._ctx.catalog, self._scenario.now, self._own)
        ids = dict.fromkeys((*(run.execution_id for run in runs), *(name for name, _ in self._journal.batches)))
        record = reading.record([self._journal.of(name) for name in ids])
        errors = [*self._unread, *(f"{run.error_code}: {run.error}" for run in runs if run.error is not None)]
        return ScenarioResult(
            triggered=True,
            status=_status(runs),
            calls=record.calls,
            output=plain(runs[0].output),
            error="; ".join(errors) or UNSET,
            response=record.response or UNSET,
            logs=record.logs or UNSET,
            emitted=record.emitted or UNSET,
            approvals=record.approvals or UNSET,
        )


def _status(runs: list[Execution]) -> Status:
    """One status for all runs: theirs when they agree, else partial failure."""
    found = {run.status for run in runs}
    return found.pop() if len(found) == 1 else "partial_failure"


def _open(request: Request) -> ScenarioResult:
    return ScenarioResult(
        outcome=request.outcome, questions=request.questions or UNSET, refusals=request.refusals or UNSET
    )


@cache
def _key() -> SigningKey:
    """The key of this process: it signs simulated programs and is trusted by nothing else."""
    return SigningKey(os.urandom(32))


def _inline(documents: tuple[object, ...]) -> Catalog:
    catalog, found = load_documents(documents, "catalog")
    if catalog is None:
        first = found.errors[0]
        raise CatalogError("bad_catalog", f"the case's catalog does not load: {first}", found, hint=first.hint)
    return catalog


def _named(names: Mapping[str, str], catalog: Catalog) -> tuple[Connection, ...]:
    if not names:
        return ()
    registry = ServiceRegistry(catalog)
    return tuple(Connection(name=name, service=registry.lookup(service).id) for name, service in sorted(names.items()))


def _about_answers(index: int, request: Request) -> tuple[str, ...]:
    """Answers that were refused, or that are answers to nothing."""
    found = [each for each in request.report.diagnostics if each.code.endswith("_answer")]
    where = f"scenarios[{index}].answers_to_questions"
    return tuple(f"{where}: {each.message}" + (f" ({each.hint})" if each.hint else "") for each in found)


def _warnings(case: Case, catalog: Catalog) -> tuple[str, ...]:
    """What a scenario scripts and the catalog does not have: a misspelt name would silently answer nothing."""
    known = MappingProxyType({
        f"{service.id}.{capability.name}": None for service in catalog.services for capability in service.capabilities
    })  # fmt: skip
    said: dict[str, None] = {}
    for index, scenario in enumerate(case.scenarios):
        for where, names in (("returns", scenario.returns), ("fails", scenario.fails)):
            for name in names:
                if name not in known:
                    close = nearest(name, known, limit=1)
                    hint = f", did you mean {close[0]}?" if close else ""
                    said[f"scenarios[{index}].{where}: the catalog has no {name[:120]}{hint}"] = None
    return tuple(said)
