"""Registers: assigned once, and read only where they surely have been.

Knows: what is visible where. In: a program of the right shape and order. Out: findings. Never: looks at types.

Blocks are judged once: what a block reads from outside must be visible wherever it is used.
"""

from __future__ import annotations

from eyeflow.ir.opcodes import Op, Operand
from eyeflow.ir.operands import blocks_named, item_set, operands, registers_read
from eyeflow.ir.program import INPUT, ME, NOW, TRIGGER, Instruction, Program, Scope, Step
from eyeflow.ir.validate.findings import Findings, code_path, step_path
from eyeflow.ir.validate.order import ancestors

_ROOTS = frozenset((TRIGGER, INPUT, ME, NOW))
Visible = frozenset[int]


def check(program: Program, found: Findings) -> None:
    """The rules under "Registers"."""
    if not _single(program, found):
        return
    walk = _Walk(program, found)
    walk.scope(program.root, _ROOTS)
    if program.on_failure >= 0:
        outputs = frozenset(step.do.dst for step in program.scopes[program.root].steps)
        walk.scope(program.on_failure, _ROOTS | outputs)
    for index, trigger in enumerate(program.triggers):
        walk.block(trigger.where, _ROOTS - {INPUT}, f"triggers.{index}.where")


def _single(program: Program, found: Findings) -> bool:
    """True when no register is assigned twice."""
    taken = set(_ROOTS)
    twice: list[int] = []

    def take(register: int, path: str) -> None:
        if register in taken:
            twice.append(register)
            found.add("assigned_twice", f"register {register} is assigned twice", path)
        taken.add(register)

    for index, block in enumerate(program.blocks):
        for position, ins in enumerate(block.code):
            take(ins.dst, code_path(index, position))
            item = item_set(ins)
            if item is not None:
                take(item, code_path(index, position))
    for index, scope in enumerate(program.scopes):
        for position, step in enumerate(scope.steps):
            take(step.do.dst, step_path(index, position))
    for index, fan in enumerate(program.fans):
        take(fan.item, f"fans.{index}")
    return not twice


def _outside(program: Program) -> list[frozenset[int]]:
    """For each block the registers it, and the blocks inside it, read from outside it."""
    known: list[frozenset[int]] = []
    for block in program.blocks:
        own: set[int] = set()
        free: set[int] = set()
        for ins in block.code:
            free.update(each for each in registers_read(ins) if each not in own)
            for inner in blocks_named(ins):
                free.update(each for each in known[inner] if each not in own and each != item_set(ins))
            own.add(ins.dst)
        if block.result not in own:
            free.add(block.result)
        known.append(frozenset(free))
    return known


class _Walk:
    """Follows scopes with what is visible."""

    def __init__(self, program: Program, found: Findings) -> None:
        self._program = program
        self._found = found
        self._outside = _outside(program)

    def block(self, index: int, visible: Visible, path: str) -> None:
        if index < 0:
            return
        unseen = self._outside[index] - visible
        if unseen:
            self._found.add("undefined_register", f"block {index} reads register {min(unseen)} too early", path)

    def scope(self, index: int, visible: Visible) -> None:
        scope = self._program.scopes[index]
        needed = ancestors(scope)
        for position, step in enumerate(scope.steps):
            before = frozenset(scope.steps[each - 1].do.dst for each in needed[step.number])
            self._step(step, visible | before, step_path(index, position))
        self.block(scope.result, visible | _outputs(scope), f"scopes.{index}.result")

    def _step(self, step: Step, visible: Visible, path: str) -> None:
        self.block(step.when, visible, f"{path}.when")
        self._operation(step.do, visible, path)
        if step.backup is not None:
            self.block(step.backup.block, visible, f"{path}.backup")
            if step.backup.scope >= 0:
                self.scope(step.backup.scope, visible)

    def _operation(self, ins: Instruction, visible: Visible, path: str) -> None:
        for kind, args in operands(ins):
            if kind is Operand.BLOCK:
                self.block(args[0], visible, path)
            elif kind is Operand.CASES:
                for test in args[:-1:2]:
                    self.block(test, visible, path)
                for inner in (*args[1::2], args[-1]):
                    if inner >= 0:
                        self.scope(inner, visible)
        if ins.op == Op.FOREACH:
            fan = self._program.fans[ins.args[0]]
            self.block(fan.source, visible, path)
            inside = visible | {fan.item}
            self.block(fan.where, inside, path)
            self.scope(fan.scope, inside)
            self.block(fan.collect, inside | _outputs(self._program.scopes[fan.scope]), path)


def _outputs(scope: Scope) -> Visible:
    return frozenset(step.do.dst for step in scope.steps)
