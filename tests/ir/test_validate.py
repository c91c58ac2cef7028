"""The validator: one broken program for every rule, and none of the sound ones refused."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import eyeflow.ir.validate as validator
from eyeflow.errors import LoadError
from eyeflow.ir.bytecode import decode, encode
from eyeflow.ir.functions import FUNCTIONS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Backup, CodeBlock, Constant, Fan, Instruction, Program, TriggerCode
from eyeflow.ir.task import Backoff, Schedule, Topic, Webhook
from eyeflow.ir.validate import validate
from eyeflow.values import INTEGER, STRING, Field, ListOf, Literal, Nullable, Scalar, Type
from ir.programs import EVERYTHING, WEATHER, program_of

Break = Callable[[Program], Program]


def codes(program: Program) -> set[str]:
    return {finding.code for finding in validate(program).diagnostics}


def with_block(program: Program, code: tuple[Instruction, ...], result: int, *, at: int = 0) -> Program:
    blocks = list(program.blocks)
    blocks[at] = CodeBlock(code, result)
    return replace(program, blocks=tuple(blocks))


def with_code(change: Callable[[Instruction], Instruction | None], op: int) -> Break:
    """Change the first operation `op` of the program."""

    def broken(program: Program) -> Program:
        for index, block in enumerate(program.blocks):
            for position, ins in enumerate(block.code):
                if ins.op == op:
                    changed = change(ins)
                    code = (*block.code[:position], *([changed] if changed else []), *block.code[position + 1 :])
                    return with_block(program, code, block.result, at=index)
        raise AssertionError(f"the sample has no operation {op}")

    return broken


def with_step(number: int, /, **change: object) -> Break:
    """Change step `number` of the task."""

    def broken(program: Program) -> Program:
        root = program.scopes[program.root]
        steps = tuple(replace(s, **change) if s.number == number else s for s in root.steps)
        return with_root(steps=steps)(program)

    return broken


def with_root(**change: object) -> Break:
    def broken(program: Program) -> Program:
        scopes = list(program.scopes)
        scopes[program.root] = replace(scopes[program.root], **change)
        return replace(program, scopes=tuple(scopes))

    return broken


def with_all(**change: object) -> Break:
    return lambda program: replace(program, **change)


def with_binding(**change: object) -> Break:
    return lambda program: replace(program, bindings=(replace(program.bindings[0], **change), *program.bindings[1:]))


def with_limits(**change: object) -> Break:
    return lambda program: replace(program, limits=replace(program.limits, **change))


def with_constant(of: Type, json: str) -> Break:
    return lambda program: replace(program, constants=(Constant(of, Literal(json)), *program.constants[1:]))


def with_trigger(spec: object, **more: object) -> Break:
    return lambda program: replace(program, triggers=(TriggerCode(spec=spec, **more),))


def with_fan(**change: object) -> Break:
    return lambda program: replace(program, fans=(replace(program.fans[0], **change),))


def step_of(program: Program, op: int) -> int:
    return next(step.number for step in program.scopes[program.root].steps if step.do.op == op)


def with_do(op: int, change: Callable[[Instruction], Instruction]) -> Break:
    """Change the operation of the first step that does `op`."""

    def broken(program: Program) -> Program:
        step = program.scopes[program.root].steps[step_of(program, op) - 1]
        return with_step(step.number, do=change(step.do))(program)

    return broken


def ahead(program: Program) -> Program:
    """Have the last write go together with others."""
    do = program.scopes[program.root].steps[2].do
    return with_step(3, do=Instruction(Op.CALL_AHEAD, do.dst, do.args))(program)


def args(*values: int) -> Callable[[Instruction], Instruction]:
    return lambda ins: Instruction(ins.op, ins.dst, values)


def arg(position: int, value: int) -> Callable[[Instruction], Instruction]:
    return lambda ins: Instruction(ins.op, ins.dst, (*ins.args[:position], value, *ins.args[position + 1 :]))


def cyclic_scope(program: Program) -> Program:
    """A branch whose default is the task itself."""
    return with_do(Op.BRANCH, lambda ins: Instruction(ins.op, ins.dst, (*ins.args[:-1], program.root)))(program)


def deep_blocks(program: Program) -> Program:
    """IF inside IF, a hundred and fifty times."""
    first = len(program.blocks)
    register = program.registers
    truth = len(program.constants)
    blocks = [CodeBlock((Instruction(Op.CONST, register, (truth,)),), register)]
    for level in range(150):
        test, made = register + 1 + 2 * level, register + 2 + 2 * level
        inner = first + level
        code = (Instruction(Op.CONST, test, (truth,)), Instruction(Op.IF, made, (test, inner, inner)))
        blocks.append(CodeBlock(code, made))
    boolean = Constant(Scalar("boolean"), Literal("true"))
    return replace(
        program, blocks=(*program.blocks, *blocks), registers=register + 400, constants=(*program.constants, boolean)
    )


def repeated(program: Program) -> Program:
    """A loop's item is also a step's output."""
    return replace(program, fans=(replace(program.fans[0], item=program.scopes[program.root].steps[0].do.dst),))


def unseen(program: Program) -> Program:
    """A step reads an output it does not wait for."""
    return with_step(3, needs=())(with_step(2, needs=())(program))


def both(program: Program) -> Program:
    """A fallback that is a scope and a block."""
    step = program.scopes[program.root].steps[step_of(program, Op.SUBTASK) - 1]
    assert step.backup is not None
    return with_step(step.number, backup=Backup(step.do.args[1], step.backup.scope, False, 1))(program)


NESTED = Scalar("string")
for _ in range(40):
    NESTED = ListOf(NESTED)  # type: ignore[assignment]
GT = FUNCTIONS["GT"].number
FILTER = FUNCTIONS["FILTER"].number

BROKEN: list[tuple[str, str, str, Break]] = [
    ("too_large", "registers", WEATHER, with_all(registers=10**9)),
    ("too_large", "no roots", WEATHER, with_all(registers=2)),
    ("too_large", "type", WEATHER, with_all(output_type=NESTED)),
    ("bad_type", "scalar", WEATHER, with_all(output_type=Scalar("complex"))),
    ("bad_type", "unit", WEATHER, with_all(output_type=Scalar("number", "wombats"))),
    ("bad_type", "unit of text", WEATHER, with_all(output_type=Scalar("string", "usd"))),
    ("bad_type", "nullable twice", WEATHER, with_all(output_type=Nullable(Nullable(STRING)))),
    ("bad_name", "task", WEATHER, with_all(task="")),
    ("bad_name", "step", WEATHER, with_step(1, name="a\x1b[31m")),
    ("bad_name", "same", WEATHER, with_step(1, name="post_to_slack")),
    ("bad_zone", "zone", WEATHER, with_all(zone="Mars/Olympus")),
    ("bad_zone", "path", WEATHER, with_all(zone="../../etc/passwd")),
    ("index_range", "constant", WEATHER, with_code(arg(0, 99), Op.CONST)),
    ("index_range", "negative", WEATHER, with_code(arg(0, -1), Op.CONST)),
    ("index_range", "register", WEATHER, with_code(arg(0, 999), Op.FIELD)),
    ("index_range", "type", WEATHER, with_code(arg(2, 99), Op.FIELD)),
    ("index_range", "block", WEATHER, with_do(Op.CALL, arg(1, 99))),
    ("index_range", "no block", WEATHER, with_do(Op.CALL, arg(1, -1))),
    ("index_range", "binding", WEATHER, with_do(Op.CALL, arg(0, 99))),
    ("index_range", "when", WEATHER, with_step(1, when=77)),
    ("index_range", "root", WEATHER, with_all(root=44)),
    ("index_range", "target", WEATHER, with_code(lambda ins: Instruction(ins.op, -4, ins.args), Op.CONST)),
    ("index_range", "loop", EVERYTHING, with_fan(source=-1)),
    ("unknown_operation", "number", WEATHER, with_code(lambda ins: Instruction(39, ins.dst, ins.args), Op.CONST)),
    ("effect_in_block", "log", WEATHER, with_code(lambda ins: Instruction(Op.LOG, ins.dst, (0,)), Op.CONST)),
    ("effect_in_block", "pure", WEATHER, with_do(Op.CALL, lambda ins: Instruction(Op.CONST, ins.dst, (0,)))),
    ("operand_count", "few", WEATHER, with_code(args(4), Op.FIELD)),
    ("operand_count", "many", WEATHER, with_code(args(0, 0), Op.CONST)),
    ("operand_count", "pairs", WEATHER, with_do(Op.BRANCH, args(1, 0))),
    ("unknown_function", "number", WEATHER, with_code(arg(0, 999), Op.APPLY)),
    ("unknown_function", "lazy", WEATHER, with_code(arg(0, FUNCTIONS["AND"].number), Op.APPLY)),
    ("unknown_function", "binder", WEATHER, with_code(lambda i: Instruction(i.op, i.dst, (FILTER, 4, 4, 4)), Op.APPLY)),
    ("function_arity", "few", WEATHER, with_code(lambda ins: Instruction(ins.op, ins.dst, (GT, 4)), Op.APPLY)),
    ("nested_too_deep", "blocks", WEATHER, deep_blocks),
    ("block_order", "itself", EVERYTHING, with_code(arg(3, 20), Op.EACH)),
    ("scope_tree", "cycle", WEATHER, cyclic_scope),
    ("scope_tree", "twice", WEATHER, with_do(Op.BRANCH, lambda i: Instruction(i.op, i.dst, (*i.args[:-1], i.args[1])))),
    ("scope_tree", "never", WEATHER, with_do(Op.BRANCH, arg(1, -1))),
    ("assigned_twice", "operation", WEATHER, with_code(lambda ins: Instruction(ins.op, 4, ins.args), Op.CONST)),
    ("assigned_twice", "root", WEATHER, with_code(lambda ins: Instruction(ins.op, 1, ins.args), Op.CONST)),
    ("assigned_twice", "item", EVERYTHING, repeated),
    ("undefined_register", "later", WEATHER, lambda p: with_block(p, p.blocks[0].code[::-1], p.blocks[0].result)),
    ("undefined_register", "unneeded", WEATHER, unseen),
    ("undefined_register", "trigger", EVERYTHING, lambda p: with_trigger(p.triggers[0].spec, where=1)(p)),
    ("step_numbers", "gap", WEATHER, with_step(3, number=4)),
    ("needs_cycle", "mutual", WEATHER, with_step(1, needs=(3,))),
    ("needs_cycle", "itself", WEATHER, with_step(1, needs=(1,))),
    ("needs_cycle", "nobody", WEATHER, with_step(1, needs=(9,))),
    ("order", "missing", WEATHER, with_root(order=(1, 2))),
    ("order", "backwards", WEATHER, with_root(order=(3, 2, 1))),
    ("stages", "missing", WEATHER, with_root(stages=((1,), (2,)))),
    ("stages", "together", WEATHER, with_root(stages=((1, 2), (3,)))),
    ("constant_type", "kind", WEATHER, with_constant(INTEGER, '"one"')),
    ("constant_type", "spelling", WEATHER, with_constant(STRING, ' "Paris"')),
    ("constant_type", "json", WEATHER, with_constant(STRING, "{")),
    ("constant_type", "depth", WEATHER, with_constant(STRING, "[" * 100_000)),
    ("constant_type", "date", WEATHER, with_constant(Scalar("date"), '"soon"')),
    ("operand_kind", "names", WEATHER, with_code(lambda i: Instruction(i.op, i.dst, (*i.args, i.args[1])), Op.OBJECT)),
    ("operand_kind", "field", WEATHER, with_code(arg(1, 3), Op.FIELD)),
    ("operand_kind", "parse", WEATHER, with_code(lambda i: Instruction(Op.PARSE, i.dst, i.args), Op.RENDER)),
    ("operand_type", "condition", WEATHER, with_do(Op.BRANCH, arg(0, 0))),
    ("operand_type", "text", WEATHER, with_code(lambda i: Instruction(i.op, i.dst, (4, *i.args[1:])), Op.TEXT)),
    ("operand_type", "params", WEATHER, with_do(Op.CALL, arg(1, 1))),
    ("output_type", "tolerated", WEATHER, with_step(2, continue_on_error=True)),
    ("limits", "deadline", WEATHER, with_limits(deadline_ms=0)),
    ("limits", "operations", WEATHER, with_limits(operations=10**12)),
    ("limits", "attempts", WEATHER, with_step(1, attempts=0)),
    ("limits", "backoff", WEATHER, with_step(1, backoff=Backoff("fixed", -5))),
    ("limits", "timeout", WEATHER, with_step(1, timeout_ms=-1)),
    ("limits", "pool", WEATHER, with_binding(pool=0)),
    ("limits", "items", EVERYTHING, with_fan(max_items=10**9)),
    ("limits", "parallel", EVERYTHING, with_fan(parallel=0)),
    ("limits", "estimate", WEATHER, with_all(estimate_ms=(5, 1))),
    ("binding", "secret", WEATHER, with_binding(credential="sk-live-abc")),
    ("binding", "nameless", WEATHER, with_binding(connection="")),
    ("binding", "read", WEATHER, with_binding(effect="read", idempotent=False)),
    ("repeats_write", "retry", WEATHER, with_step(3, uncertain="retry")),
    ("attempts", "of a choice", WEATHER, with_step(2, attempts=2)),
    ("cache", "write", WEATHER, with_step(3, cache_ms=1_000)),
    ("cache", "no call", WEATHER, with_step(2, cache_ms=1_000)),
    ("batch", "write", WEATHER, ahead),
    ("backup", "both", EVERYTHING, both),
    ("backup", "neither", WEATHER, with_step(1, backup=Backup(-1, -1, False, 1))),
    ("call_budget", "one", WEATHER, with_limits(calls=1)),
    ("trigger", "both", WEATHER, with_trigger(Schedule(rules=("FREQ=DAILY",), cron="0 9 * * *"))),
    ("trigger", "rule", WEATHER, with_trigger(Schedule(rules=("FREQ=SOMETIMES",)))),
    ("trigger", "path", WEATHER, with_trigger(Webhook(path="orders"))),
    ("trigger", "topic", WEATHER, with_trigger(Topic(name=""))),
    ("trigger", "twice", WEATHER, with_trigger(Topic(name="a"), params=(("x", 0), ("x", 0)))),
    ("respond", "nobody", EVERYTHING, with_trigger(Topic(name="orders.new"))),
    ("inputs", "twice", WEATHER, with_all(inputs=(Field("a", STRING), Field("a", STRING)))),
    ("inputs", "default", WEATHER, with_all(inputs=(Field("a", INTEGER, default=Literal('"x"')),))),
]


@pytest.mark.parametrize("source", [WEATHER, EVERYTHING])
def test_sound_programs_pass(source):
    assert validate(program_of(source)).diagnostics == ()


@pytest.mark.parametrize(("code", "what", "source", "change"), BROKEN, ids=[f"{c}-{w}" for c, w, _, _ in BROKEN])
def test_acceptance_50_a_broken_program_is_refused_by_its_rule(code, what, source, change):
    broken = change(program_of(source))
    assert code in codes(broken), validate(broken).diagnostics


def test_every_rule_of_the_specification_has_a_broken_program():
    written = set(re.findall(r"^    ([a-z_]+) {2,}\S", validator.__doc__ or "", re.MULTILINE))
    assert written == {code for code, *_ in BROKEN}


def test_findings_name_their_place():
    finding = validate(with_step(3, cache_ms=5)(program_of(WEATHER))).diagnostics[0]
    assert finding.place.path == "scopes.3.steps.2"
    assert "post_to_slack" in finding.message


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_numbers_changed_anywhere_never_crash_the_validator(data):
    held = bytearray(encode(program_of(EVERYTHING)))
    for _ in range(data.draw(st.integers(1, 4))):
        held[data.draw(st.integers(0, len(held) - 1))] = data.draw(st.integers(0, 255))
    try:
        program = decode(bytes(held))
    except LoadError:
        return
    validate(program)


def test_fans_are_whole():
    fan = program_of(EVERYTHING).fans[0]
    assert isinstance(fan, Fan)
    assert (fan.parallel, fan.max_items) == (4, 50)
