"""Blocks of a program as closures.

Knows: how straight-line code becomes a tree of closures. In: a validated program. Out: one `Code` for each block.
Never: validates; what the validator refuses may fail here in any way.

A temporary that is used once, in the order of its making, never touches a register: its closure goes inside the one
that uses it. Any other temporary is stored when its turn comes, so that operations always happen in the order written.
"""

from __future__ import annotations

from collections import Counter
from typing import Final
from zoneinfo import ZoneInfo

from eyeflow.ir.evaluate.frame import Code, Frame
from eyeflow.ir.evaluate.operations import HANDLERS
from eyeflow.ir.evaluate.piece import NO_CONSTANT, Piece, constant_value, register
from eyeflow.ir.opcodes import Op
from eyeflow.ir.operands import blocks_named, registers_read
from eyeflow.ir.program import CodeBlock, Instruction, Program
from eyeflow.recurrence.wall import zone_of
from eyeflow.values import Type, Value

_EACH: Final = int(Op.EACH)
_DEEPEST: Final = 24
"""Closures inside one another before a temporary is stored instead."""


def closure(program: Program, index: int) -> Code:
    """Block `index` of a validated program, ready to run over a frame of `program.registers` registers.

    The closure raises RunError (`missing_field`, `type_mismatch`, `evaluation`, `output_limit`, `operation_limit`)
    and nothing else.
    """
    return Blocks(program).metered(index)


class Blocks:
    """The blocks of one validated program, built on demand; parts they share are built once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.zone: ZoneInfo = zone_of(program.zone)
        self._values: dict[int, Value] = {}
        self._built: dict[int, Piece] = {}
        self._costs: dict[int, int] = {}
        self._reads: dict[int, frozenset[int]] = {}

    def bare(self, index: int) -> Code:
        """Block `index` for those who have taken its `cost` off the meter before."""
        return self.block(index).code

    def metered(self, index: int) -> Code:
        """What `closure` gives."""
        piece, cost = self.block(index), self.cost(index)
        code = piece.code
        if cost <= 1 and (piece.constant is not NO_CONSTANT or piece.register >= 0):
            return code

        def run(frame: Frame) -> Value:
            meter = frame.meter
            meter.left -= cost
            if meter.left < 0:
                meter.spend(0)
            return code(frame)

        return run

    def constant(self, index: int) -> Value:
        if index not in self._values:
            self._values[index] = constant_value(self._program.constants[index], self.zone)
        return self._values[index]

    def type(self, index: int) -> Type:
        return self._program.types[index]

    def block(self, index: int) -> Piece:
        if index not in self._built:
            self._built[index] = _Assembly(self, self._program.blocks[index]).assembled()
        return self._built[index]

    def reads(self, index: int) -> frozenset[int]:
        """Registers that the block, or a block inside it, reads."""
        if index not in self._reads:
            block = self._program.blocks[index]
            found = {block.result}
            for ins in block.code:
                found.update(registers_read(ins))
                for inner in blocks_named(ins):
                    found |= self.reads(inner)
            self._reads[index] = frozenset(found)
        return self._reads[index]

    def cost(self, index: int) -> int:
        """Operations of the block and of the blocks it may choose; a body is counted for each item as it runs."""
        if index not in self._costs:
            total = 0
            for ins in self._program.blocks[index].code:
                total += 1
                if ins.op != _EACH:
                    total += sum(self.cost(inner) for inner in blocks_named(ins))
            self._costs[index] = total
        return self._costs[index]


class _Assembly:
    """One block: temporaries wait in the order of their making until someone uses them."""

    def __init__(self, blocks: Blocks, block: CodeBlock) -> None:
        self._blocks = blocks
        self.zone = blocks.zone
        self._code = block.code
        self._result = block.result
        self._uses = Counter(number for ins in block.code for number in registers_read(ins))
        self._uses[block.result] += 1
        self._shared = {number for ins in block.code for inner in blocks_named(ins) for number in blocks.reads(inner)}
        self._waiting: list[tuple[int, Piece]] = []
        self._known: dict[int, Piece] = {}
        self._stores: list[Code] = []

    def constant(self, index: int) -> Value:
        return self._blocks.constant(index)

    def type(self, index: int) -> Type:
        return self._blocks.type(index)

    def block(self, index: int) -> Piece:
        return self._blocks.block(index)

    def cost(self, index: int) -> int:
        return self._blocks.cost(index)

    def piece(self, number: int) -> Piece:
        return self._known.get(number) or register(number)

    def assembled(self) -> Piece:
        """The whole block."""
        for ins in self._code:
            self._add(ins)
        self._ready((self._result,))
        result = self.piece(self._result)
        if not self._stores:
            return result
        stores, last = tuple(self._stores), result.code

        def run(frame: Frame) -> Value:
            for store in stores:
                store(frame)
            return last(frame)

        return Piece(run, depth=result.depth + _DEEPEST)

    def _add(self, ins: Instruction) -> None:
        self._ready(registers_read(ins))
        made = HANDLERS[ins.op](self, ins)
        if made.constant is not NO_CONSTANT:
            self._known[ins.dst] = made
            if ins.dst in self._shared:
                self._stores.append(_store(ins.dst, made.code))
            return
        self._waiting.append((ins.dst, made))
        if self._uses[ins.dst] != 1 or ins.dst in self._shared or made.depth > _DEEPEST:
            self._store_all()

    def _ready(self, needed: tuple[int, ...]) -> None:
        """Hand over the waiting pieces that `needed` asks for, when they are the last ones and in the same order."""
        if not self._waiting:
            return
        waiting = [number for number, _ in self._waiting]
        wanted = [number for number in needed if number in waiting]
        start = len(waiting) - len(wanted)
        if wanted != waiting[start:]:
            self._store_all()
            return
        self._known.update(self._waiting[start:])
        del self._waiting[start:]

    def _store_all(self) -> None:
        for number, piece in self._waiting:
            self._stores.append(_store(number, piece.code))
        self._waiting.clear()


def _store(number: int, code: Code) -> Code:
    def store(frame: Frame) -> Value:
        frame[number] = code(frame)
        return None

    return store
