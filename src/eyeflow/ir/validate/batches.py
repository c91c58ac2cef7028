"""Calls that go together with others in one request: CALL_AHEAD and CALL_BESIDE.

Knows: when a read may be made earlier than its turn and nobody can tell. In: a program of the right shape and order.
Out: findings. Never: reads a catalog: whether a capability can be asked for many at once is the loader's to see.

Reads beside one another start together, none before its turn. A read that has nothing beside it is a plain call, and so
is one ahead of its turn that is not in the body of a loop itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import CALLS, Op
from eyeflow.ir.operands import blocks_named, registers_read, scopes_named
from eyeflow.ir.program import Program, Scope, Step
from eyeflow.ir.validate.findings import Findings, step_path
from eyeflow.ir.validate.order import ancestors

_TOGETHER: Final = frozenset((Op.CALL_AHEAD, Op.CALL_BESIDE))
_WRITES: Final = frozenset(("write", "irreversible"))
_ANYBODY: Final = frozenset((Op.SUBTASK, Op.EMIT))
"""What may have somebody else's program write to any service."""

_LETS_TIME_PASS: Final = frozenset((Op.WAIT_FOR, Op.WAIT_UNTIL, Op.APPROVAL, Op.SUBTASK))
_ANY: Final = "*"


class _Around(NamedTuple):
    """What is around a scope: the loop that it is the body of, and the services written to beside it (`*`: any)."""

    loop: Step | None
    written: frozenset[str]


def check(program: Program, found: Findings) -> None:
    """The rule `batch`."""
    if not any(step.do.op in _TOGETHER for scope in program.scopes for step in scope.steps):
        return
    for root in (program.root, program.on_failure):
        if root >= 0:
            _scope(program, root, _Around(None, frozenset()), found)


def _scope(program: Program, index: int, around: _Around, found: Findings) -> None:
    scope = program.scopes[index]
    before = ancestors(scope)
    for position, step in enumerate(scope.steps):
        if step.do.op in _TOGETHER:
            for problem in _problems(program, scope, step, around):
                found.add("batch", f"{step.name} goes together with others, and {problem}", step_path(index, position))
        inner = scopes_named(program, step)
        if inner:
            written = around.written | _beside(program, scope, step, before)
            body = program.fans[step.do.args[0]].scope if step.do.op == Op.FOREACH else None
            for each in inner:
                in_loop = each == body
                more = written | _written(program, step) if in_loop else written
                _scope(program, each, _Around(step if in_loop else None, more), found)


def _problems(program: Program, scope: Scope, step: Step, around: _Around) -> Iterator[str]:
    binding = program.bindings[step.do.args[0]]
    if binding.effect in _WRITES:
        yield "writes"
    if step.when >= 0:
        yield "has a WHEN"
    if step.rate is not None:
        yield "has a RATE of its own"
    read, journaled = _reads(program, step.do.args[1])
    if journaled:
        yield "its parameters are others each time they are computed"
    if step.do.op == Op.CALL_BESIDE or around.loop is None:
        return
    if not read.isdisjoint(other.do.dst for other in scope.steps):
        yield "reads what its turn of the loop has computed"
    if not around.written.isdisjoint((binding.service, _ANY)):
        yield f"{binding.service} may be written to meanwhile"
    if any(each.do.op in _LETS_TIME_PASS or each.rate is not None for each in _within(program, around.loop)):
        yield "its loop lets time pass"


def _reads(program: Program, block: int) -> tuple[frozenset[int], bool]:
    """The registers that a block, or one inside it, reads; whether it reads NOW or UUID."""
    if block < 0:
        return frozenset(), False
    registers, journaled, waiting = {program.blocks[block].result}, False, [block]
    while waiting:
        for ins in program.blocks[waiting.pop()].code:
            registers.update(registers_read(ins))
            journaled |= ins.op == Op.APPLY and FUNCTIONS[ins.args[0]].journaled
            waiting.extend(blocks_named(ins))
    return frozenset(registers), journaled


def _within(program: Program, step: Step) -> Iterator[Step]:
    """`step` and every step inside it."""
    yield step
    for index in scopes_named(program, step):
        for inner in program.scopes[index].steps:
            yield from _within(program, inner)


def _written(program: Program, step: Step) -> frozenset[str]:
    """The services that `step`, or anything inside it, may write to."""
    found: set[str] = set()
    for each in _within(program, step):
        if each.do.op in _ANYBODY:
            found.add(_ANY)
        elif each.do.op in CALLS and (binding := program.bindings[each.do.args[0]]).effect in _WRITES:
            found.add(binding.service)
    return frozenset(found)


def _beside(program: Program, scope: Scope, step: Step, before: dict[int, frozenset[int]]) -> frozenset[str]:
    """The services that other steps of the scope may write to while `step` runs."""
    apart = (
        _written(program, other)
        for other in scope.steps
        if other is not step and other.number not in before[step.number] and step.number not in before[other.number]
    )
    return frozenset[str]().union(*apart)
