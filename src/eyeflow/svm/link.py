"""From the pools of a program to closures: the last step of loading.

Knows: how each effect operation's operands become functions. In: a validated program, its resolved bindings and
connectors. Out: its code. Never: judges a program (`ir.validate` has), runs one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from eyeflow.ir import bytecode
from eyeflow.ir.evaluate import Blocks, Code, Frame, expecter
from eyeflow.ir.evaluate.piece import NO_CONSTANT
from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import BY_NUMBER as ROWS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.opcodes import Operand as Kind
from eyeflow.ir.operands import registers_read
from eyeflow.ir.program import ME, CodeBlock, Program, RateLimit, Scope, Step
from eyeflow.recurrence.wall import zone_of
from eyeflow.svm.compared import shown
from eyeflow.svm.executable import (
    ApprovalCode,
    BackupCode,
    BatchCode,
    BranchCode,
    CallCode,
    CaseCode,
    CompareCode,
    EmitCode,
    FanCode,
    Linked,
    LogCode,
    Operand,
    Read,
    RespondCode,
    ScopeCode,
    Shown,
    StepCode,
    SubtaskCode,
    ValueCode,
    WaitCode,
)
from eyeflow.svm.host import Handle
from eyeflow.svm.inputs import inputs_reader
from eyeflow.svm.resolve import Resolved
from eyeflow.svm.straighten import straightened
from eyeflow.values import Json, ObjectOf, Value, non_null

_SIGNS: Final = {"GT": ">", "LT": "<", "GE": ">=", "LE": "<=", "EQ": "=", "NE": "!="}
_PLAIN: Final = frozenset((Op.CONST, Op.FIELD, Op.FIELD_OR_NULL, Op.INDEX, Op.UNIT, Op.WIDEN, Op.PARSE, Op.EXPECT))
"""Operations cheap enough to run again for the timeline."""


def link(resolved: tuple[Resolved, ...], handles: tuple[Handle, ...], program: Program, data: bytes) -> Linked:
    """The code of a program that was verified, validated, resolved and preloaded; `data` is what spells it."""
    linker = _Linker(program, data, resolved, handles)
    root = linker.scope(program.root, "", "RETURN")
    return Linked(
        root=root,
        on_failure=linker.scope(program.on_failure, "on_failure", "") if program.on_failure >= 0 else None,
        straight=straightened(program, root, linker.blocks),
        fields=program.inputs,
        inputs=inputs_reader(program),
        me_fields=_me_fields(program),
        wheres=tuple(linker.block(trigger.where) for trigger in program.triggers),
        registers=program.registers,
    )


def _nothing(frame: object) -> Value:
    return {}


class _Linker:
    """The pools of one program with their closures."""

    def __init__(
        self, program: Program, data: bytes, resolved: tuple[Resolved, ...], handles: tuple[Handle, ...]
    ) -> None:
        self._program = program
        self._data = data
        self._zone = zone_of(program.zone)
        self._resolved = resolved
        self._handles = handles
        self.blocks = Blocks(program)
        self._metered = tuple(self.blocks.metered(index) for index in range(len(program.blocks)))

    def block(self, index: int) -> Code | None:
        return None if index < 0 else self._metered[index]

    def _constant(self, index: int) -> Value:
        return self._program.constants[index].value.value

    def _text(self, index: int) -> str:
        text = self._constant(index)
        assert isinstance(text, str), "the validator saw to it"
        return text

    def _number(self, index: int) -> int:
        number = self._constant(index)
        assert isinstance(number, int), "the validator saw to it"
        return number

    def scope(self, index: int, path: str, label: str) -> ScopeCode:
        """Scope `index`; `path` begins the names of its actions."""
        scope = self._program.scopes[index]
        places = {number: position for position, number in enumerate(scope.order)}
        steps = sorted(scope.steps, key=lambda step: places[step.number])
        return ScopeCode(
            steps=tuple(self._step(step, scope, places, path) for step in steps),
            first=tuple(places[step.number] for step in steps if not step.needs),
            needs=tuple(len(step.needs) for step in steps),
            result=self.block(scope.result),
            label=scope.label or label,
        )

    def _step(self, step: Step, scope: Scope, places: Mapping[int, int], path: str) -> StepCode:
        action = f"{path}.{step.name}" if path else step.name
        backup = None
        if step.backup is not None:
            inner = None if step.backup.scope < 0 else self.scope(step.backup.scope, f"{action}.fallback", "fallback")
            backup = BackupCode(self.block(step.backup.block), inner, step.backup.stop, step.backup.timeout_ms)
        operand = _PREPARE[step.do.op](self, step, action)
        return StepCode(
            number=step.number,
            position=places[step.number],
            name=step.name,
            action=action,
            op=step.do.op,
            dst=step.do.dst,
            operand=operand,
            when=self.block(step.when),
            needs=len(step.needs),
            dependents=tuple(sorted(places[other.number] for other in scope.steps if step.number in other.needs)),
            strict=_strict(self._program, step, scope),
            timeout_ms=step.timeout_ms,
            attempts=step.attempts,
            backoff=step.backoff,
            backup=backup,
            continue_on_error=step.continue_on_error,
            uncertain=step.uncertain,
            cache_ms=step.cache_ms,
            label=step.label or step.name,
            computes=backup is None and not step.continue_on_error and _computes(operand, step.timeout_ms),
        )

    def _need(self, index: int) -> Code:
        code = self.block(index)
        assert code is not None, "the validator saw to it"
        return code

    def value(self, step: Step, action: str) -> Operand:
        return ValueCode(self._need(step.do.args[0]))

    def call(self, step: Step, action: str) -> Operand:
        index, block = step.do.args
        resolved = self._resolved[index]
        capability, constraints = resolved.capability, resolved.service.constraints
        rates = []
        if step.rate is not None:
            rates.append((f"step/{self._program.task}/{action}", step.rate))
        if constraints.rate_calls is not None and constraints.rate_window_ms is not None:
            limit = RateLimit(constraints.rate_calls, constraints.rate_window_ms, True)
            rates.append((f"connection/{resolved.connection.name}", limit))
        binding = self._program.bindings[index]
        writes = binding.effect in ("write", "irreversible")
        return CallCode(
            binding=binding,
            connector=self._handles[index],
            params=self.block(block) or _nothing,
            check=expecter(ObjectOf(capability.params), self._zone, f"the call of {capability.name}"),
            optional=frozenset(param.name for param in capability.params if not param.required),
            max_text=constraints.max_text_chars,
            expect=self._expected(step, resolved),
            rates=tuple(rates),
            repeatable=binding.idempotent or binding.keyed or not writes,
            writes=writes,
            batch=None if step.do.op == Op.CALL else self._batch(resolved, ahead=step.do.op == Op.CALL_AHEAD),
        )

    def _batch(self, resolved: Resolved, *, ahead: bool) -> BatchCode | None:
        """What the plan wants batched, where the catalog and the machine allow it."""
        many, by = resolved.many, resolved.capability.batch
        if many is None or by is None:
            return None
        check = expecter(ObjectOf(many.params), self._zone, f"the call of {many.name}")
        return BatchCode(by=by, ahead=ahead, check=check)

    def _expected(self, step: Step, resolved: Resolved) -> Read | None:
        """A result the catalog leaves open is checked when the program says what it should be (EXPECT)."""
        wanted = non_null(step.output_type)
        if isinstance(non_null(resolved.capability.returns), Json) and not isinstance(wanted, Json):
            return expecter(step.output_type, self._zone, f"the result of {step.name}")
        return None

    def branch(self, step: Step, action: str) -> Operand:
        *pairs, default = step.do.args
        cases = []
        for number, at in enumerate(range(0, len(pairs), 2), 1):
            test, scope = pairs[at], pairs[at + 1]
            taken = self._branch(scope, action, f"case {number}")
            cases.append(CaseCode(self._need(test), self._compared(test), taken))
        return BranchCode(tuple(cases), self._branch(default, action, "DEFAULT"))

    def _branch(self, index: int, action: str, name: str) -> ScopeCode | None:
        if index < 0:
            return None
        return self.scope(index, f"{action}.{self._program.scopes[index].label or name.replace(' ', '')}", name)

    def _compared(self, block: int) -> CompareCode | None:
        sign = _comparison(self._program, block)
        if sign is None:
            return None
        return CompareCode(_when_told(self._data, block, 0), sign, _when_told(self._data, block, 1))

    def foreach(self, step: Step, action: str) -> Operand:
        fan = self._program.fans[step.do.args[0]]
        return FanCode(
            source=self._need(fan.source),
            item=fan.item,
            where=self.block(fan.where),
            scope=self.scope(fan.scope, action, action),
            collect=self.block(fan.collect),
            parallel=fan.parallel,
            max_items=fan.max_items,
            collecting=step.continue_on_error,
        )

    def subtask(self, step: Step, action: str) -> Operand:
        task, params = step.do.args
        return SubtaskCode(self._text(task), self.block(params) or _nothing)

    def wait(self, step: Step, action: str) -> Operand:
        return WaitCode(self._need(step.do.args[0]))

    def approval(self, step: Step, action: str) -> Operand:
        role, message, expires = step.do.args
        return ApprovalCode(self._text(role), self._need(message), self._number(expires))

    def emit(self, step: Step, action: str) -> Operand:
        topic, value = step.do.args
        return EmitCode(self._text(topic), self._need(value))

    def log(self, step: Step, action: str) -> Operand:
        return LogCode(self._need(step.do.args[0]))

    def respond(self, step: Step, action: str) -> Operand:
        status, body = step.do.args
        return RespondCode(self.block(status), self.block(body))


_Prepare = Callable[[_Linker, Step, str], Operand]

_PREPARE: Final[Mapping[int, _Prepare]] = MappingProxyType({
    Op.VALUE: _Linker.value,
    Op.CALL: _Linker.call,
    Op.CALL_AHEAD: _Linker.call,
    Op.CALL_BESIDE: _Linker.call,
    Op.BRANCH: _Linker.branch,
    Op.FOREACH: _Linker.foreach,
    Op.SUBTASK: _Linker.subtask,
    Op.WAIT_FOR: _Linker.wait,
    Op.WAIT_UNTIL: _Linker.wait,
    Op.APPROVAL: _Linker.approval,
    Op.EMIT: _Linker.emit,
    Op.LOG: _Linker.log,
    Op.RESPOND: _Linker.respond,
})  # fmt: skip
"""How each effect operation's operands are made ready; a test compares it with the opcode table."""

PREPARED: Final = frozenset(_PREPARE)


def _computes(operand: Operand, timeout_ms: int | None) -> bool:
    match operand:
        case ValueCode():
            return True
        case BranchCode(cases=cases, default=default):
            scopes = (*(case.scope for case in cases), default)
            return timeout_ms is None and not any(scope is not None and scope.steps for scope in scopes)
    return False


def _comparison(program: Program, test: int) -> str | None:
    """The sign of a condition that is one plain comparison."""
    block = program.blocks[test]
    if not block.code or block.code[-1].op != Op.APPLY or block.code[-1].dst != block.result:
        return None
    name = FUNCTIONS[block.code[-1].args[0]].name
    operands = block.code[-1].args[1:]
    if name not in _SIGNS or len(operands) != 2 or any(ins.op not in _PLAIN for ins in block.code[:-1]):
        return None
    return _SIGNS[name]


def _when_told(data: bytes, test: int, side: int) -> Shown:
    """One side of a plain comparison, as a closure that is made when somebody wants to be told its value."""
    made: list[Shown] = []

    def text(frame: Frame) -> str:
        if not made:
            program = bytecode.decode(data)
            block = program.blocks[test]
            operand = CodeBlock(block.code[:-1], block.code[-1].args[1 + side])
            whole = msgspec.structs.replace(program, blocks=(*program.blocks, operand))
            made.append(_shown_by(Blocks(whole), len(program.blocks)))
        return made[0](frame)

    return text


def _shown_by(blocks: Blocks, index: int) -> Shown:
    constant, code = blocks.block(index).constant, blocks.metered(index)
    if constant is not NO_CONSTANT:
        same = shown(constant)  # type: ignore[arg-type]
        return lambda frame: same
    return lambda frame: shown(code(frame))


def _strict(program: Program, step: Step, scope: Scope) -> frozenset[int]:
    """The needed steps whose null would fail this step: it reads a promised field of theirs, or a typed value."""
    makers = {other.do.dst: other.number for other in scope.steps if other.number in step.needs}
    found: set[int] = set()
    for index in _blocks_of(program, step):
        for ins in program.blocks[index].code:
            demands = ins.op == Op.FIELD or (
                ins.op == Op.EXPECT and non_null(program.types[ins.args[1]]) == program.types[ins.args[1]]
            )
            if demands and ins.args[0] in makers:
                found.add(makers[ins.args[0]])
    return frozenset(found)


def _me_fields(program: Program) -> tuple[str, ...] | None:
    """The profile's fields that the program names, or None when it reads the profile otherwise than by field."""
    found: set[str] = set()
    for block in program.blocks:
        if block.result == ME:
            return None
        for ins in block.code:
            if ME not in registers_read(ins):
                continue
            name = program.constants[ins.args[1]].value.value if ins.op in (Op.FIELD, Op.FIELD_OR_NULL) else None
            if not isinstance(name, str):
                return None
            found.add(name)
    return tuple(sorted(found))


def _blocks_of(program: Program, step: Step) -> list[int]:
    """The blocks a step always runs: its WHEN and its direct operands."""
    found = [step.when]
    if step.do.op == Op.FOREACH:
        found.append(program.fans[step.do.args[0]].source)
    elif step.do.op == Op.BRANCH:
        found.append(step.do.args[0] if len(step.do.args) > 1 else -1)
    else:
        kinds = ROWS[step.do.op].operands
        found.extend(arg for arg, kind in zip(step.do.args, kinds, strict=True) if kind is Kind.BLOCK)
    return [index for index in found if index >= 0]
