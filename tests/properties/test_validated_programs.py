"""What the validator lets pass, runs to an end that the language has: whoever wrote the instructions.

Programs of every kind are changed at random; each is refused with a typed error before it has any effect, or runs
to a legal status, calling nothing that it is not bound to, and means the same again from its journal.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from functools import cache
from random import Random

import pytest

from eyeflow.connectors.scripted import Script
from eyeflow.errors import LoadError, RunError
from eyeflow.ir import bytecode
from eyeflow.ir.program import Program
from eyeflow.ir.validate import validate
from eyeflow.ports import CountingIds
from eyeflow.simulate.people import ScenarioApprover
from eyeflow.simulate.scenario import Scenario
from eyeflow.svm import Execution, Machine, MemoryPublisher, Ports, VirtualClock, run_virtual
from ir.programs import EVERYTHING, WEATHER, context, program_of
from properties import fingerprints
from properties.mutation import mutated
from svm.built import CATALOG, KEY, SLACK_DAILY, sealed
from svm.storm_program import storm_program

LEGAL = {"success", "partial_failure", "failed"}
ORDER = {"email": "a@acme.io", "total": 120.5, "items": ["cup", "plate"]}
ROWS = [{"id": "1", "amount": 900, "at": "2026-01-02T03:04:05Z", "tags": ["vip"]},
        {"id": "2", "at": "2026-01-02T03:04:05Z", "tags": []}]  # fmt: skip
INPUTS = {"name": "Ann", "note": None, "data": {"kind": "x"}, "rows": ROWS}


@cache
def originals() -> tuple[Program, ...]:
    """Compiled from sentences and from text, and built by hand."""
    made = [made.program for _, made in fingerprints.requests() if made.program is not None]
    return (program_of(EVERYTHING), program_of(WEATHER), *made, *(storm_program(Random(n))[0] for n in range(20)))


class NoTask:
    """Subtasks answer a number; what they are is another program's business."""

    async def run(self, *args: object, **more: object) -> int:
        """At once."""
        return 7


def by_hand(program: Program) -> bool:
    """True for programs over the small catalog of the machine's own tests."""
    return any(binding.digest in {each.digest for each in CATALOG.services} for binding in program.bindings)


def ran(program: Program) -> tuple[Execution | None, Script]:
    """The run on simulated time; None when what it is given is refused."""
    script = Script()
    held = context()
    catalog, connections = (CATALOG, (SLACK_DAILY,)) if by_hand(program) else (held.catalog, held.connections)

    async def main(clock: VirtualClock) -> Execution | None:
        ports = Ports(approver=ScenarioApprover(Scenario()), publisher=MemoryPublisher(), tasks=NoTask())
        machine = Machine(
            trust=[KEY.signer], catalog=catalog, connections=connections, ids=CountingIds(), clock=clock, ports=ports,
            connectors={service.connector: script.factory() for service in catalog.services},
        )  # fmt: skip
        given = INPUTS if program.inputs else {}
        try:
            return await machine.run(sealed(program), given, trigger=ORDER)
        except (LoadError, RunError):
            return None

    return run_virtual(main), script


def judged(seed: int) -> str:
    """What became of one changed program. Raises: whatever should not happen, and AssertionError."""
    luck = Random(seed)
    program = mutated(luck.choice(originals()), luck)
    if program is None:
        return "no program"
    try:
        program = bytecode.decode(bytecode.encode(program))
    except (LoadError, OverflowError):
        return "no bytes"
    accepted = validate(program).ok
    execution, script = ran(program)
    if not accepted:
        assert execution is None and not script.calls, "a refused program has no effect"
        return "refused"
    if execution is None:
        assert not script.calls, "a run that is refused has no effect"
        return "not started"
    assert execution.status in LEGAL, execution.status
    bound = {(each.service, each.capability, each.connection) for each in program.bindings}
    assert {(call.service, call.function, call.connection) for call in script.calls} <= bound
    return execution.status


def sweep(seeds: range) -> Counter[str]:
    """Many; the first that fails is named by its seed."""
    found: Counter[str] = Counter()
    for seed in seeds:
        try:
            found[judged(seed)] += 1
        except BaseException as error:
            error.add_note(f"replay: PYTHONPATH=src:tests:. python -m properties.test_validated_programs {seed}")
            raise
    return found


def test_changed_programs_are_refused_or_run_to_a_legal_end() -> None:
    found = sweep(range(600))
    assert found["refused"] > 50
    assert sum(found[status] for status in LEGAL) > 50


@pytest.mark.slow
def test_many_changed_programs_are_refused_or_run_to_a_legal_end() -> None:
    start = int(os.environ.get("EYEFLOW_SEED", "1000"))
    found = sweep(range(start, start + 20_000))
    assert sum(found[status] for status in LEGAL) > 1_000


def test_the_originals_run() -> None:
    ends = Counter(execution.status for execution, _ in map(ran, originals()) if execution is not None)
    assert sum(ends.values()) == len(originals())


@pytest.mark.parametrize("program", [program_of(EVERYTHING), storm_program(Random(5))[0]], ids=["text", "by hand"])
def test_acceptance_51_a_flipped_bit_anywhere_is_refused_before_any_effect(program: Program) -> None:
    """Every byte, one bit of it: the artifact does not load, so nothing was called."""
    whole = bytecode.write_artifact(sealed(program))
    script = Script()
    machine = Machine(
        trust=[KEY.signer], catalog=context().catalog, connections=context().connections,
        connectors={service.connector: script.factory() for service in context().catalog.services},
    )  # fmt: skip
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << (at % 8)
        with pytest.raises(LoadError):
            asyncio.run(machine.load(bytes(changed)))
    assert not script.calls and not script.initialized


if __name__ == "__main__":
    print(judged(int(sys.argv[1])))  # noqa: T201
