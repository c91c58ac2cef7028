"""A second machine for blocks: slow, plain, straight from the opcode table. The closures must agree with it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from eyeflow import units
from eyeflow.errors import RunError
from eyeflow.ir.evaluate import Meter, expecter, reader
from eyeflow.ir.functions import BY_NUMBER
from eyeflow.ir.functions.order import truth
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Instruction, Program
from eyeflow.ir.render import render
from eyeflow.values import Value


class Oracle:
    """Runs blocks one operation at a time over a list of registers; a row without a method here is a failure."""

    def __init__(self, program: Program, meter: Meter) -> None:
        self.program = program
        self.zone = ZoneInfo(program.zone)
        self.meter = meter

    def block(self, index: int, frame: list[Value]) -> Value:
        block = self.program.blocks[index]
        for ins in block.code:
            frame[ins.dst] = getattr(self, f"do_{Op(ins.op).name.lower()}")(ins, frame)
        return frame[block.result]

    def _constant(self, index: int) -> Value:
        held = self.program.constants[index]
        read = expecter(held.type, self.zone, "a constant")
        return held.value.value if read is None else read(held.value.value)

    def _read(self, index: int, value: Value, *, deep: bool = False) -> Value:
        read = (expecter if deep else reader)(self.program.types[index], self.zone, "a value")
        return value if read is None else read(value)

    def do_const(self, ins: Instruction, frame: list[Value]) -> Value:
        return self._constant(ins.args[0])

    def do_field(self, ins: Instruction, frame: list[Value]) -> Value:
        owner, name = frame[ins.args[0]], self._constant(ins.args[1])
        if not isinstance(owner, dict):
            raise RunError("type_mismatch", "not an object")
        if name not in owner:
            raise RunError("missing_field", "absent")
        return self._read(ins.args[2], owner[name])

    def do_field_or_null(self, ins: Instruction, frame: list[Value]) -> Value:
        owner, name = frame[ins.args[0]], self._constant(ins.args[1])
        value = owner.get(name) if isinstance(owner, dict) else None
        return None if value is None else self._read(ins.args[2], value)

    def do_index(self, ins: Instruction, frame: list[Value]) -> Value:
        owner, at = frame[ins.args[0]], self._constant(ins.args[1])
        value = owner[at] if isinstance(owner, list | tuple) and at < len(owner) else None
        return None if value is None else self._read(ins.args[2], value)

    def do_apply(self, ins: Instruction, frame: list[Value]) -> Value:
        row = BY_NUMBER[ins.args[0]]
        if row.journaled:
            return row.run(self.meter.recorded(row.name))
        values = [frame[register] for register in ins.args[1:]]
        if row.nulls == "strict" and any(value is None for value in values):
            return None
        return row.run(*values)

    def do_each(self, ins: Instruction, frame: list[Value]) -> Value:
        function, source, item, body, *rest = ins.args
        row = BY_NUMBER[function]
        values = [frame[source], *(frame[register] for register in rest)]
        if row.nulls == "strict" and any(value is None for value in values):
            return None
        if not isinstance(values[0], list | tuple):
            raise RunError("type_mismatch", "not a list")

        def on(element: Value) -> Value:
            frame[item] = element
            return self.block(body, frame)

        return row.run(values[0], on, *values[1:])

    def do_and(self, ins: Instruction, frame: list[Value]) -> Value:
        return truth(frame[ins.args[0]]) and truth(self.block(ins.args[1], frame))

    def do_or(self, ins: Instruction, frame: list[Value]) -> Value:
        return truth(frame[ins.args[0]]) or truth(self.block(ins.args[1], frame))

    def do_if(self, ins: Instruction, frame: list[Value]) -> Value:
        return self.block(ins.args[1] if truth(frame[ins.args[0]]) else ins.args[2], frame)

    def do_coalesce(self, ins: Instruction, frame: list[Value]) -> Value:
        first = frame[ins.args[0]]
        return self.block(ins.args[1], frame) if first is None else first

    def do_render(self, ins: Instruction, frame: list[Value]) -> Value:
        return render(frame[ins.args[0]], self.program.types[ins.args[1]], self.zone)

    def do_text(self, ins: Instruction, frame: list[Value]) -> Value:
        return "".join(str(frame[register]) for register in ins.args)

    def do_list(self, ins: Instruction, frame: list[Value]) -> Value:
        return [frame[register] for register in ins.args]

    def do_object(self, ins: Instruction, frame: list[Value]) -> Value:
        return dict(zip(self._constant(ins.args[0]), (frame[r] for r in ins.args[1:]), strict=True))

    def do_unit(self, ins: Instruction, frame: list[Value]) -> Value:
        value = frame[ins.args[0]]
        if value is not None:
            value = units.convert(value, self._constant(ins.args[1]), self._constant(ins.args[2]))
        return self._read(ins.args[3], value)

    def do_parse(self, ins: Instruction, frame: list[Value]) -> Value:
        return self._read(ins.args[1], frame[ins.args[0]])

    def do_expect(self, ins: Instruction, frame: list[Value]) -> Value:
        return self._read(ins.args[1], frame[ins.args[0]], deep=True)

    def do_widen(self, ins: Instruction, frame: list[Value]) -> Value:
        return frame[ins.args[0]]
