"""What the parts of a program name: the one reading of operands, made from the opcode table.

Knows: which operand is a block, a scope, a register read or set. In: instructions, steps. Out: their indexes.
Never: judges. Safe only where the number of operands is what the row says.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.ir.opcodes import BY_NUMBER, TABLE, Op, Operand, Row
from eyeflow.ir.program import Instruction, Program, Step


class _Layout(msgspec.Struct, frozen=True):
    """Where an operation's operands are: single registers, the start of registers to the end, blocks."""

    registers: tuple[int, ...]
    rest: int
    blocks: tuple[int, ...]
    cases: bool


def _layout(row: Row) -> _Layout:
    kinds = list(enumerate(row.operands))
    return _Layout(
        registers=tuple(at for at, kind in kinds if kind is Operand.REG and (row.number, at) != (Op.EACH, 2)),
        rest=next((at for at, kind in kinds if kind is Operand.REGS), -1),
        blocks=tuple(at for at, kind in kinds if kind is Operand.BLOCK),
        cases=Operand.CASES in row.operands,
    )


_LAYOUTS: Final = {row.number: _layout(row) for row in TABLE}
_EACH: Final = int(Op.EACH)
_NONE: Final[tuple[int, ...]] = ()


def operands(ins: Instruction) -> list[tuple[Operand, tuple[int, ...]]]:
    """Each operand kind with its arguments; a kind that goes to the end takes all that is left."""
    found: list[tuple[Operand, tuple[int, ...]]] = []
    rest = ins.args
    for kind in BY_NUMBER[ins.op].operands:
        if kind in (Operand.REGS, Operand.CASES):
            found.append((kind, rest))
            rest = ()
        else:
            found.append((kind, rest[:1]))
            rest = rest[1:]
    return found


def blocks_named(ins: Instruction) -> tuple[int, ...]:
    """Blocks an instruction names, in order, without -1."""
    layout = _LAYOUTS[ins.op]
    if layout.cases:
        return ins.args[:-1:2]
    if not layout.blocks:
        return _NONE
    return tuple(ins.args[at] for at in layout.blocks if ins.args[at] >= 0)


def scopes_named(program: Program, step: Step) -> list[int]:
    """Scopes inside a step, without -1."""
    ins = step.do
    found: list[int] = []
    if _LAYOUTS[ins.op].cases:
        found.extend((*ins.args[1::2], ins.args[-1]))
    for kind, args in zip(BY_NUMBER[ins.op].operands, ins.args, strict=False):
        if kind is Operand.SCOPE:
            found.append(args)
        elif kind is Operand.FAN:
            found.append(program.fans[args].scope)
    if step.backup is not None:
        found.append(step.backup.scope)
    return [index for index in found if index >= 0]


def registers_read(ins: Instruction) -> tuple[int, ...]:
    """Registers an instruction reads itself, in order; the item of EACH is set, not read."""
    layout = _LAYOUTS[ins.op]
    found = tuple(ins.args[at] for at in layout.registers)
    return found + ins.args[layout.rest :] if layout.rest >= 0 else found


def item_set(ins: Instruction) -> int | None:
    """The register EACH sets to each element, or None for any other operation."""
    return ins.args[2] if ins.op == _EACH else None
