"""Histories: runs recorded once and kept for ever; every later machine must replay them to the same trace hash.

    PYTHONPATH=src:tests python -m svm.history NAME    records `histories/NAME.json` from `examples/NAME.eir`

A history is never recorded again: a machine that no longer replays it has changed what deployed programs mean. Each
holds the canonical bytes of the program and of every event, and the services it was compiled against.
"""

from __future__ import annotations

import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path

import msgspec

from eyeflow.catalog.load import merge, open_catalog
from eyeflow.catalog.model import Catalog, Connection, Service
from eyeflow.catalog.settings import load_settings
from eyeflow.connectors.scripted import Script
from eyeflow.ir import bytecode
from eyeflow.ir.program import Program
from eyeflow.ports import CountingIds
from eyeflow.simulate import Case, read_scenarios
from eyeflow.simulate.people import ScenarioApprover
from eyeflow.simulate.request import compile_request, context
from eyeflow.simulate.scenario import Scenario
from eyeflow.svm import Event, Execution, Machine, MemoryJournal, MemoryPublisher, Ports, run_virtual
from eyeflow.svm.journal import decode_event, encode_event
from svm.built import CATALOG, KEY, SLACK_DAILY, sealed
from svm.storm import IDENTITY, Storm

FOLDER = Path(__file__).parent / "histories"
EXAMPLES = Path(__file__).parents[2] / "examples"


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded run. `program` and `events` are canonical bytes in base64."""

    name: str
    recorded: str
    status: str
    trace_hash: str
    program: str
    digest: str
    events: tuple[str, ...]
    services: tuple[Service, ...]
    connections: tuple[Connection, ...]

    def replayed(self) -> Execution:
        """The run again, from the record alone."""
        program = bytecode.decode(b64decode(self.program))
        events = [decode_event(b64decode(event)) for event in self.events]

        async def main(clock: object) -> Execution:
            ports = Ports(approver=ScenarioApprover(Scenario()), publisher=MemoryPublisher(), tasks=_NoTasks())
            machine = Machine(
                trust=[KEY.signer], catalog=Catalog(self.services), connections=self.connections,
                connectors={service.connector: Script().factory() for service in self.services}, ports=ports,
            )  # fmt: skip
            return await machine.replay(sealed(program), events)

        return run_virtual(main)


class _NoTasks:
    async def run(self, *args: object, **more: object) -> None:
        raise AssertionError("a replay runs no task")


def read(path: Path) -> History:
    """The history in a file."""
    return msgspec.json.decode(path.read_bytes(), type=History)


def record(name: str) -> History:
    """Run an example in its first scenario that starts it."""
    catalog, found = merge(open_catalog(), open_catalog(EXAMPLES / "catalog"))
    assert catalog is not None, found
    settings, found = load_settings(EXAMPLES / "eyeflow.toml", catalog)
    assert settings is not None, found
    scenarios, found = read_scenarios((EXAMPLES / f"{name}.scenario.json").read_bytes())
    assert scenarios, found
    scenario = scenarios[-1]
    ctx = context(catalog, settings.connections, scenario)
    case = Case(id=name, ir=(EXAMPLES / f"{name}.eir").read_text("utf-8"), scenarios=scenarios)
    program = compile_request(case, ctx, {}).tasks[0].require()
    journal = MemoryJournal()

    async def main(clock: object) -> Execution:
        machine = Machine(
            trust=[KEY.signer], catalog=catalog, connections=settings.connections, clock=clock, ids=CountingIds(),
            connectors={s.connector: Script.of(scenario.returns, scenario.fails).factory() for s in catalog.services},
            journal=journal, ports=Ports(approver=ScenarioApprover(scenario), publisher=MemoryPublisher()),
        )  # fmt: skip
        return await machine.run(sealed(program), scenario.input, trigger=scenario.event, me=dict(scenario.profile.me))

    execution = run_virtual(main, start=scenario.now)
    connections = {binding.connection for binding in program.bindings}
    return history(
        name, program, execution, journal.of(execution.execution_id),
        services=_used(program, catalog),
        connections=tuple(each for each in settings.connections if each.name in connections),
    )  # fmt: skip


def _used(program: Program, catalog: Catalog) -> tuple[Service, ...]:
    """The services the program calls, with the capabilities it calls."""
    found: list[Service] = []
    for service in catalog.services:
        names = {binding.capability for binding in program.bindings if binding.service == service.id}
        capabilities = tuple(each for each in service.capabilities if each.name in names)
        if capabilities:
            found.append(msgspec.structs.replace(service, capabilities=capabilities, triggers=()))
    return tuple(found)


def history(
    name: str,
    program: Program,
    execution: Execution,
    events: Sequence[Event],
    *,
    services: tuple[Service, ...],
    connections: tuple[Connection, ...],
) -> History:
    """A finished run as it is kept."""
    artifact = sealed(program)
    return History(
        name=name, recorded=f"{execution.started_at:%Y-%m-%d}", status=execution.status,
        trace_hash=execution.trace_hash(), program=b64encode(artifact.program).decode(), digest=artifact.digest,
        events=tuple(b64encode(encode_event(event)).decode() for event in events), services=services,
        connections=connections,
    )  # fmt: skip


def record_storm(seed: int, crash: int) -> History:
    """A run of the storm that was carried on after a crash."""
    storm = Storm(seed)
    outcome = storm.crashed([crash])
    program = bytecode.decode(storm.artifact.program)
    events = tuple(outcome.journal.of(IDENTITY))
    return history(f"storm_{seed}_{crash}", program, outcome.execution, events, services=_used(program, CATALOG),
                   connections=(SLACK_DAILY,))  # fmt: skip


def main() -> int:
    """The command."""
    for name in sys.argv[1:]:
        kind, _, rest = name.partition(":")
        made = record_storm(*map(int, rest.split(","))) if kind == "storm" else record(name)
        path = FOLDER / f"{made.name}.json"
        if path.exists():
            sys.stdout.write(f"{path.name} exists, and a history is recorded once\n")
            return 1
        FOLDER.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
        sys.stdout.write(f"{path.name}: {made.status}, {len(made.events)} events\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
