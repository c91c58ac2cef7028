"""Constants, and what is known of the values that operations use.

Knows: the type an operation leaves, where its row or its own type operand says so. In: a program of the right shape.
Out: findings. Never: infers what the checker inferred: what is not plain is taken as fitting.
"""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from eyeflow import units
from eyeflow.errors import RunError
from eyeflow.ir.evaluate.piece import constant_value
from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import CodeBlock, Constant, Instruction, Program, Step
from eyeflow.ir.validate.findings import Findings, code_path, step_path
from eyeflow.recurrence.wall import zone_of
from eyeflow.values import (
    BOOLEAN,
    JSON,
    STRING,
    Json,
    ListOf,
    MapOf,
    Null,
    ObjectOf,
    Scalar,
    Type,
    is_numeric,
    literal,
    non_null,
)

_TEMPORAL: Final = ("date", "time", "timestamp", "duration")
_TRUTHS: Final = frozenset(
    ("GT", "GE", "LT", "LE", "EQ", "NE", "NOT", "IN", "CONTAINS", "STARTS_WITH", "ENDS_WITH", "MATCHES", "IS_NULL")
)


def check(program: Program, found: Findings) -> None:
    """The rules under "Values"."""
    zone = zone_of(program.zone)
    held = [_constant(constant, zone, f"constants.{index}", found) for index, constant in enumerate(program.constants)]
    if not all(held):
        return
    known = _Known(program, found)
    for index, block in enumerate(program.blocks):
        known.block(index, block)
    for index, scope in enumerate(program.scopes):
        for position, step in enumerate(scope.steps):
            known.step(step, step_path(index, position))
    for index, fan in enumerate(program.fans):
        known.want(fan.where, BOOLEAN, f"fans.{index}.where")
        known.want(fan.source, ListOf(JSON), f"fans.{index}.source")
    for index, trigger in enumerate(program.triggers):
        known.want(trigger.where, BOOLEAN, f"triggers.{index}.where")


def _constant(constant: Constant, zone: ZoneInfo, path: str, found: Findings) -> bool:
    try:
        constant_value(constant, zone)
        canonical = literal(constant.value.value) == constant.value
    except (RunError, msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        found.add("constant_type", f"not what it claims to be: {str(error)[:120]}", path)
        return False
    if not canonical:
        found.add("constant_type", "not canonical JSON", path)
    return canonical


class _Known:
    """Types of registers, as far as they are plain."""

    def __init__(self, program: Program, found: Findings) -> None:
        self._program = program
        self._found = found
        self._types: dict[int, Type] = {}
        for scope in program.scopes:
            for step in scope.steps:
                self._types[step.do.dst] = step.output_type

    def block(self, index: int, block: CodeBlock) -> None:
        for position, ins in enumerate(block.code):
            path = code_path(index, position)
            self._operands(ins, path)
            self._uses(ins, path)
            made = self._made(ins)
            if made is not None:
                self._types[ins.dst] = made

    def want(self, block: int, wanted: Type, path: str) -> None:
        """Block `block`, when there is one, must not be known to be something else."""
        if block >= 0:
            self._fits(self._program.blocks[block].result, wanted, path)

    def step(self, step: Step, path: str) -> None:
        args = step.do.args
        self.want(step.when, BOOLEAN, f"{path}.when")
        match step.do.op:
            case Op.CALL | Op.CALL_AHEAD | Op.CALL_BESIDE:
                self.want(args[1], MapOf(JSON), path)
            case Op.BRANCH:
                for test in args[:-1:2]:
                    self.want(test, BOOLEAN, path)
            case Op.SUBTASK:
                self._text(args[0], path)
                self.want(args[1], MapOf(JSON), path)
            case Op.EMIT:
                self._text(args[0], path)
            case Op.APPROVAL:
                self._text(args[0], path)
                self._positive(args[2], path)
            case Op.WAIT_FOR:
                self.want(args[0], Scalar("duration"), path)
            case Op.WAIT_UNTIL:
                self.want(args[0], Scalar("timestamp"), path)
            case _:
                pass

    def _held(self, index: int) -> Constant:
        return self._program.constants[index]

    def _text(self, index: int, path: str) -> str | None:
        value = self._held(index).value.value
        if self._held(index).type != STRING or not isinstance(value, str) or not value:
            self._found.add("operand_kind", "the constant should be text", path)
            return None
        return value

    def _positive(self, index: int, path: str, *, least: int = 1) -> None:
        value = self._held(index).value.value
        if isinstance(value, bool) or not isinstance(value, int) or value < least or value.bit_length() > 60:
            self._found.add("operand_kind", "the constant should be a whole number that is not negative", path)

    def _operands(self, ins: Instruction, path: str) -> None:
        """Constants and types that an operation takes literally."""
        match ins.op:
            case Op.FIELD | Op.FIELD_OR_NULL:
                if not isinstance(self._held(ins.args[1]).value.value, str):
                    self._found.add("operand_kind", "the name of a field should be text", path)
            case Op.INDEX:
                self._positive(ins.args[1], path, least=0)
            case Op.OBJECT:
                self._object(ins, path)
            case Op.UNIT:
                old, new = self._text(ins.args[1], path), self._text(ins.args[2], path)
                if old is not None and new is not None and not units.compatible(old, new):
                    self._found.add("operand_kind", f"{old[:40]} does not convert to {new[:40]}", path)
            case Op.PARSE:
                of = non_null(self._program.types[ins.args[1]])
                while isinstance(of, ListOf):
                    of = non_null(of.item)
                if not (isinstance(of, Scalar) and of.name in _TEMPORAL):
                    self._found.add("operand_kind", "text is read as a date, time, timestamp or duration only", path)
            case _:
                pass

    def _object(self, ins: Instruction, path: str) -> None:
        names = self._held(ins.args[0]).value.value
        if (
            not isinstance(names, list)
            or any(not isinstance(name, str) for name in names)
            or len({str(name) for name in names}) != len(ins.args) - 1
            or len(names) != len(ins.args) - 1
        ):
            self._found.add("operand_kind", "the names should be distinct texts, one for each register", path)

    def _uses(self, ins: Instruction, path: str) -> None:
        """What is known of the registers an operation reads."""
        args = ins.args
        match ins.op:
            case Op.FIELD | Op.FIELD_OR_NULL:
                self._fits(args[0], MapOf(JSON), path)
            case Op.INDEX:
                self._fits(args[0], ListOf(JSON), path)
            case Op.EACH:
                self._fits(args[1], ListOf(JSON), path)
            case Op.AND | Op.OR:
                self._fits(args[0], BOOLEAN, path)
                self.want(args[1], BOOLEAN, path)
            case Op.IF:
                self._fits(args[0], BOOLEAN, path)
            case Op.TEXT:
                for register in args:
                    self._fits(register, STRING, path)
            case Op.UNIT | Op.WIDEN:
                self._fits(args[0], Scalar("number"), path)
            case _:
                pass

    def _fits(self, register: int, wanted: Type, path: str) -> None:
        known = self._types.get(register)
        if known is not None and _contradict(non_null(known), wanted):
            self._found.add("operand_type", f"register {register} is {_said(known)}, not {_said(wanted)}", path)

    def _made(self, ins: Instruction) -> Type | None:
        types = self._program.types
        match ins.op:
            case Op.CONST:
                return self._held(ins.args[0]).type
            case Op.FIELD | Op.FIELD_OR_NULL | Op.INDEX:
                return types[ins.args[2]]
            case Op.PARSE | Op.EXPECT:
                return types[ins.args[1]]
            case Op.UNIT:
                return types[ins.args[3]]
            case Op.RENDER | Op.TEXT:
                return STRING
            case Op.AND | Op.OR:
                return BOOLEAN
            case Op.LIST:
                return ListOf(JSON)
            case Op.OBJECT:
                return MapOf(JSON)
            case Op.APPLY | Op.EACH:
                return BOOLEAN if FUNCTIONS[ins.args[0]].name in _TRUTHS else None
            case _:
                return None


def _contradict(known: Type, wanted: Type) -> bool:
    """True when no value but null is both."""
    if isinstance(known, Json | Null):
        return False
    match wanted:
        case Scalar(name):
            if not isinstance(known, Scalar):
                return True
            if is_numeric(known) and is_numeric(wanted):
                return False
            return known.name != name
        case ListOf():
            return not isinstance(known, ListOf)
        case _:
            return not isinstance(known, ObjectOf | MapOf)


def _said(of: Type) -> str:
    match of:
        case Scalar(name):
            return name
        case ListOf():
            return "a list"
        case ObjectOf() | MapOf():
            return "an object"
        case _:
            return "data"
