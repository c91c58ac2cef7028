"""Which programs take the straight road, and their code for it.

Knows: what touches nothing outside: scopes of VALUE, BRANCH and LOG in which no block reads NOW or UUID. In: a linked
program. Out: its `StraightCode`, or None. Never: runs (`straight`).
"""

from __future__ import annotations

from typing import Final

from eyeflow.ir.evaluate import Blocks
from eyeflow.ir.evaluate.frame import PACE
from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.operands import registers_read
from eyeflow.ir.program import ME, NOW, TRIGGER, Program
from eyeflow.svm.executable import (
    BranchCode,
    LogCode,
    ScopeCode,
    StepCode,
    StraightBranch,
    StraightCode,
    StraightGuard,
    StraightScope,
    StraightStep,
    ValueCode,
)

_CALLS: Final = frozenset((Op.APPLY, Op.EACH))
_MORE: Final = frozenset((TRIGGER, ME, NOW))


def straightened(program: Program, root: ScopeCode, blocks: Blocks) -> StraightCode | None:
    """The code for the straight road; None when the program does more than compute, or computes so much that somebody
    must look at the time."""
    if not _only_computes(root) or _reads_the_world(program):
        return None
    left = min(program.limits.operations, PACE) - sum(blocks.cost(index) for index in range(len(program.blocks)))
    if left < 0:
        return None
    scope = _Straightening(program, blocks).scope(program.root, root)
    limits = program.limits
    return StraightCode(
        root=scope, operations=left, memory_bytes=limits.memory_bytes, deadline_s=limits.deadline_ms / 1000,
        blank=(None,) * program.registers, reads_more=_reads_more(program),
    )  # fmt: skip


def _only_computes(scope: ScopeCode | None) -> bool:
    if scope is None:
        return True
    for step in scope.steps:
        match step.operand:
            case ValueCode() | LogCode():
                continue
            case BranchCode(cases=cases, default=default):
                if _only_computes(default) and all(_only_computes(case.scope) for case in cases):
                    continue
        return False
    return True


def _reads_the_world(program: Program) -> bool:
    return any(ins.op in _CALLS and FUNCTIONS[ins.args[0]].journaled for block in program.blocks for ins in block.code)


def _reads_more(program: Program) -> bool:
    return any(
        block.result in _MORE or any(not _MORE.isdisjoint(registers_read(ins)) for ins in block.code)
        for block in program.blocks
    )


class _Straightening:
    """Walks a program and its linked scopes side by side."""

    def __init__(self, program: Program, blocks: Blocks) -> None:
        self._program = program
        self._blocks = blocks

    def scope(self, index: int, code: ScopeCode) -> StraightScope:
        held = self._program.scopes[index]
        steps = tuple(self._step(held.steps[step.number - 1].do.args, step) for step in code.steps)
        return StraightScope(steps, None if held.result < 0 else self._blocks.bare(held.result))

    def _step(self, args: tuple[int, ...], step: StepCode) -> StraightStep:
        guard = None
        if step.when is not None or step.strict:
            guard = StraightGuard(step.number, step.when, step.strict)
        operand = step.operand
        if isinstance(operand, BranchCode):
            return step.dst, guard, self._branch(args, operand), False
        return step.dst, guard, self._blocks.bare(args[0]), isinstance(operand, LogCode)

    def _branch(self, args: tuple[int, ...], code: BranchCode) -> StraightBranch:
        *pairs, default = args
        cases = tuple(
            (self._blocks.bare(pairs[2 * number]), self._inner(pairs[2 * number + 1], case.scope))
            for number, case in enumerate(code.cases)
        )
        return StraightBranch(cases, self._inner(default, code.default))

    def _inner(self, index: int, code: ScopeCode | None) -> StraightScope | None:
        return None if code is None else self.scope(index, code)
