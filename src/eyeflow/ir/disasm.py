"""A program as a listing that people read.

Knows: the opcode table, from which every line is made. In: a program. Out: text. Never: runs or judges it.

Registers are `r5`, constants `k2`, types `t1`, blocks `b7`, scopes `s0`, bindings `c0`, loops `f0`. An index that
points nowhere prints as `k9?`, so that also a program the validator refuses can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import BY_NUMBER, Operand
from eyeflow.ir.program import CallBinding, Fan, Instruction, Program, Scope, Step, TriggerCode
from eyeflow.values import ObjectOf, spell

_ROOTS = ("trigger", "input", "me", "now")
_LETTERS = {
    Operand.REG: "r", Operand.REGS: "r", Operand.CONST: "k", Operand.TYPE: "t", Operand.BLOCK: "b",
    Operand.SCOPE: "s", Operand.CASES: "s", Operand.BINDING: "c", Operand.FAN: "f",
}  # fmt: skip
_LONGEST_CONSTANT = 80


def disassemble(program: Program) -> str:
    """The whole program: head, limits, pools, triggers, scopes with their steps, blocks with their operations."""
    lines = [
        f"program {program.task}  ir {program.ir_version}  zone {program.zone}  {program.durable}",
        f"limits  deadline {program.limits.deadline_ms} ms  expires {program.limits.expires_ms} ms  "
        f"operations {program.limits.operations}  calls {program.limits.calls}  "
        f"memory {program.limits.memory_bytes} bytes",
        f"estimate {program.estimate_ms[0]}-{program.estimate_ms[1]} ms  registers {program.registers}  "
        f"output {spell(program.output_type)}",
        *(f"input {field.name}: {spell(field.type)}{'' if field.required else '?'}" for field in program.inputs),
    ]
    lines += _pool("constants", "k", [f"{_cut(c.value.json)}  {spell(c.type)}" for c in program.constants])
    lines += _pool("types", "t", [spell(of) for of in program.types])
    lines += _pool("bindings", "c", [_binding(binding) for binding in program.bindings])
    lines += _pool("triggers", "", [_trigger(trigger) for trigger in program.triggers])
    lines += _pool("loops", "f", [_fan(fan) for fan in program.fans])
    for index, scope in enumerate(program.scopes):
        lines += ["", *_scope(program, index, scope)]
    for index, block in enumerate(program.blocks):
        lines += ["", f"block b{index} -> {_register(block.result)}"]
        lines += [f"  {_instruction(program, ins)}" for ins in block.code]
    return "".join(_printable(line) + "\n" for line in lines)


def _pool(title: str, letter: str, items: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {letter}{index}  {item}" for index, item in enumerate(items))] if items else []


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CONSTANT else text[: _LONGEST_CONSTANT - 1] + "…"


def _printable(line: str) -> str:
    """Names come from anywhere: nothing in a listing moves the cursor."""
    return line if line.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)


def _register(number: int) -> str:
    return _ROOTS[number] if 0 <= number < len(_ROOTS) else f"r{number}"


def _binding(binding: CallBinding) -> str:
    words = [binding.label, f"{binding.service}.{binding.capability}", f"on {binding.connection}", binding.effect]
    words += ["idempotent"] * binding.idempotent + ["keyed"] * binding.keyed + ["READY"] * binding.ready
    words += [f"pool {binding.pool}", f"timeout {binding.timeout_ms} ms"]
    words += [f"credential {binding.credential}"] * (binding.credential is not None)
    return "  ".join([*words, binding.digest[:12]])


def _trigger(trigger: TriggerCode) -> str:
    kind = type(trigger.spec).__name__.lower()
    held = {name: getattr(trigger.spec, name) for name in trigger.spec.__struct_fields__}
    if held.get("fields"):
        held["fields"] = spell(ObjectOf(held["fields"]))
    kept = [f"{name}={value!r}" for name, value in held.items() if value not in (None, (), False)]
    where = [f"where b{trigger.where}"] * (trigger.where >= 0)
    return "  ".join([kind, *kept, *where, *(f"{name}: k{index}" for name, index in trigger.params)])


def _fan(fan: Fan) -> str:
    where = f" where b{fan.where}" if fan.where >= 0 else ""
    collect = f" collect b{fan.collect}" if fan.collect >= 0 else ""
    return f"{_register(fan.item)} in b{fan.source}{where} run s{fan.scope}{collect}  parallel {fan.parallel}  " + (
        f"max {fan.max_items}"
    )


def _scope(program: Program, index: int, scope: Scope) -> Iterator[str]:
    role = {program.root: "  (task)", program.on_failure: "  (on failure)"}.get(index, "")
    stages = " | ".join(" ".join(map(str, stage)) for stage in scope.stages)
    label = f"  {scope.label}" if scope.label else ""
    yield f"scope s{index}{role}{label}" + (f"  stages {stages}" if stages else "")
    for step in scope.steps:
        yield f"  {step.number}. {step.name}: {_instruction(program, step.do)}"
        policies = "  ".join(_policies(step))
        if policies:
            yield f"     {policies}"
    if scope.result >= 0:
        yield f"  = b{scope.result}"


def _policies(step: Step) -> Iterator[str]:
    if step.needs:
        yield "needs " + ",".join(map(str, step.needs))
    if step.when >= 0:
        yield f"when b{step.when}"
    if step.timeout_ms is not None:
        yield f"timeout {step.timeout_ms} ms"
    if step.attempts > 1:
        yield f"attempts {step.attempts}" + (f" {step.backoff.kind} {step.backoff.first_ms} ms" if step.backoff else "")
    if step.backup is not None:
        what = f"b{step.backup.block}" if step.backup.block >= 0 else f"s{step.backup.scope}"
        yield f"fallback {what} {'stop' if step.backup.stop else 'continue'} {step.backup.timeout_ms} ms"
    if step.continue_on_error:
        yield "on error continue"
    if step.uncertain != "fail":
        yield f"uncertain {step.uncertain}"
    if step.cache_ms:
        yield f"cache {step.cache_ms} ms"
    if step.rate is not None:
        yield f"rate {step.rate.calls}/{step.rate.window_ms} ms {'queue' if step.rate.queue else 'refuse'}"
    yield f": {spell(step.output_type)}"


def _instruction(program: Program, ins: Instruction) -> str:
    row = BY_NUMBER.get(ins.op)
    if row is None:
        return f"{_register(ins.dst)} := op {ins.op}? {' '.join(map(str, ins.args))}"
    words: list[str] = []
    args = list(ins.args)
    for kind in row.operands:
        taken, args = (args, []) if kind in (Operand.REGS, Operand.CASES) else (args[:1], args[1:])
        words += _operands(program, kind, taken)
    words += [f"{arg}?" for arg in args]
    return f"{_register(ins.dst)} := {row.name} {' '.join(words)}".rstrip()


def _operands(program: Program, kind: Operand, args: Sequence[int]) -> list[str]:
    if kind is Operand.FN:
        return [FUNCTIONS[arg].name if arg in FUNCTIONS else f"fn{arg}?" for arg in args]
    if kind is Operand.CASES:
        pairs = [f"b{args[at]}->s{args[at + 1]}" for at in range(0, len(args) - 1, 2)]
        return [*pairs, f"else->s{args[-1]}"] if args else []
    return [_indexed(program, kind, arg) for arg in args]


def _indexed(program: Program, kind: Operand, index: int) -> str:
    if kind in (Operand.REG, Operand.REGS):
        return _register(index)
    pools: dict[Operand, Sequence[object]] = {
        Operand.CONST: program.constants, Operand.TYPE: program.types, Operand.BLOCK: program.blocks,
        Operand.SCOPE: program.scopes, Operand.BINDING: program.bindings, Operand.FAN: program.fans,
    }  # fmt: skip
    if index == -1 and kind in (Operand.BLOCK, Operand.SCOPE):
        return "-"
    if not 0 <= index < len(pools[kind]):
        return f"{_LETTERS[kind]}{index}?"
    shown = f"{_LETTERS[kind]}{index}"
    if kind is Operand.CONST:
        return f"{shown}={_cut(program.constants[index].value.json)}"
    if kind is Operand.TYPE:
        return f"{shown}:{spell(program.types[index])}"
    return shown
