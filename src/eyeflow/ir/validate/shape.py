"""Indexes, operands and sizes: what must hold before anything else can be looked at.

Knows: the opcode and function tables. In: a decoded program. Out: findings. Never: follows an index it has not judged.
"""

from __future__ import annotations

from typing import Final

from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import BY_NUMBER, Op, Operand
from eyeflow.ir.operands import blocks_named, operands, scopes_named
from eyeflow.ir.program import NOW, Instruction, Program
from eyeflow.ir.types import too_deep
from eyeflow.ir.validate.declared import wrong_type
from eyeflow.ir.validate.findings import Findings, code_path, step_path
from eyeflow.recurrence.wall import ScheduleError, zone_of

MAX_REGISTERS: Final = 100_000
MAX_BLOCKS: Final = 50_000
MAX_SCOPES: Final = 20_000
MAX_NAME: Final = 200
MAX_FRAMES: Final = 600
"""Closures inside one another that one block may take; `evaluate.blocks` stores what is deeper than 24 in a block."""
MAX_BLOCK_DEPTH: Final = 100
MAX_SCOPE_DEPTH: Final = 40

_STORED: Final = 24
_NO_BLOCK: Final = frozenset((Op.RESPOND,))
"""Operations whose own blocks may be left out."""


def check(program: Program, found: Findings) -> None:
    """The rules under "Shape"."""
    _sizes(program, found)
    _types(program, found)
    _names(program, found)
    if found.any:
        return
    for index, block in enumerate(program.blocks):
        if not 0 <= block.result < program.registers:
            found.add("index_range", f"there is no register {block.result}", f"blocks.{index}")
        for position, ins in enumerate(block.code):
            _instruction(program, ins, code_path(index, position), found, pure=True)
    for index, scope in enumerate(program.scopes):
        _block(program, scope.result, f"scopes.{index}.result", found)
        for position, step in enumerate(scope.steps):
            path = step_path(index, position)
            _instruction(program, step.do, path, found, pure=False)
            _block(program, step.when, f"{path}.when", found)
            if step.backup is not None:
                _block(program, step.backup.block, f"{path}.backup", found)
                _scope(program, step.backup.scope, f"{path}.backup", found)
    _loose_ends(program, found)
    if not found.any:
        _depths(program, found)
        _tree(program, found)


def _sizes(program: Program, found: Findings) -> None:
    if not NOW < program.registers <= MAX_REGISTERS:
        found.add("too_large", f"{program.registers} registers; {NOW + 1} to {MAX_REGISTERS} are possible", "registers")
    if len(program.blocks) > MAX_BLOCKS or len(program.scopes) > MAX_SCOPES:
        found.add("too_large", f"{len(program.blocks)} blocks and {len(program.scopes)} scopes", "blocks")


def _types(program: Program, found: Findings) -> None:
    held = [("types", of) for of in program.types]
    held += [("constants", each.type) for each in program.constants]
    held += [("inputs", field.type) for field in program.inputs]
    held += [("scopes", step.output_type) for scope in program.scopes for step in scope.steps]
    for trigger in program.triggers:
        held += [("triggers", field.type) for field in getattr(trigger.spec, "fields", ())]
    for where, of in (*held, ("output_type", program.output_type)):
        if too_deep(of):
            found.add("too_large", "a type is nested too deep", where)
        elif (wrong := wrong_type(of)) is not None:
            found.add("bad_type", wrong, where)


def _names(program: Program, found: Findings) -> None:
    _name(program.task, "task", found)
    for index, scope in enumerate(program.scopes):
        seen: set[str] = set()
        for position, step in enumerate(scope.steps):
            _name(step.name, step_path(index, position), found)
            if step.name in seen:
                found.add("bad_name", f"two steps of one scope are called {step.name!r}", step_path(index, position))
            seen.add(step.name)
    try:
        zone_of(program.zone)
    except ScheduleError as error:
        found.add("bad_zone", error.message, "zone")


def _name(name: str, path: str, found: Findings) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        found.add("bad_name", f"{name[:40]!r} is not a name", path)


def _instruction(program: Program, ins: Instruction, path: str, found: Findings, *, pure: bool) -> None:
    row = BY_NUMBER.get(ins.op)
    if row is None:
        found.add("unknown_operation", f"there is no operation {ins.op}", path)
        return
    if row.pure != pure:
        found.add("effect_in_block", f"{row.name} stands in a {'block' if pure else 'step'}", path)
        return
    if not 0 <= ins.dst < program.registers:
        found.add("index_range", f"there is no register {ins.dst}", path)
    open_ended = row.operands[-1] in (Operand.REGS, Operand.CASES)
    least = len(row.operands) - (1 if row.operands[-1] is Operand.REGS else 0)
    if len(ins.args) < least or (len(ins.args) > least and not open_ended):
        found.add("operand_count", f"{row.name} has {len(ins.args)} operands", path)
        return
    if row.operands[-1] is Operand.CASES and len(ins.args) % 2 == 0:
        found.add("operand_count", f"{row.name} needs pairs and a default", path)
        return
    for kind, args in operands(ins):
        for position, arg in enumerate(args):
            size, optional = _size(program, kind), kind is Operand.BLOCK and ins.op in _NO_BLOCK
            if kind is Operand.CASES:
                optional = position % 2 == 1 or position == len(args) - 1
                size = len(program.scopes if optional else program.blocks)
            if not (-1 if optional else 0) <= arg < size:
                found.add("index_range", f"{row.name}: there is no {arg} in the {kind.value}", path)
    if ins.op in (Op.APPLY, Op.EACH):
        _function(ins, path, found)


def _size(program: Program, kind: Operand) -> int:
    match kind:
        case Operand.REG | Operand.REGS:
            return program.registers
        case Operand.CONST:
            return len(program.constants)
        case Operand.TYPE:
            return len(program.types)
        case Operand.BLOCK:
            return len(program.blocks)
        case Operand.BINDING:
            return len(program.bindings)
        case Operand.FAN:
            return len(program.fans)
        case Operand.FN:
            return 1 << 31
        case _:
            return len(program.scopes)


def _function(ins: Instruction, path: str, found: Findings) -> None:
    row = FUNCTIONS.get(ins.args[0])
    if row is None or row.lazy:
        found.add("unknown_function", f"no function to call has number {ins.args[0]}", path)
        return
    binds = ins.op == Op.EACH
    written = len(ins.args) - 1
    if binds and not row.binder:
        found.add("unknown_function", f"{row.name} does not name its item", path)
        return
    if row.binder and not binds and written >= 3:
        found.add("unknown_function", f"{row.name} with {written} arguments names its item", path)
        return
    most = row.most
    if row.name in ("GT", "GE", "LT", "LE", "EQ", "NE"):
        most = 4
        if written == 3:
            most = 2
    if written < row.least or (most is not None and written > most) or (binds and written < 3):
        found.add("function_arity", f"{row.name} does not take {written} arguments", path)


def _block(program: Program, index: int, path: str, found: Findings) -> None:
    if not -1 <= index < len(program.blocks):
        found.add("index_range", f"there is no block {index}", path)


def _scope(program: Program, index: int, path: str, found: Findings, *, needed: bool = False) -> None:
    if not (0 if needed else -1) <= index < len(program.scopes):
        found.add("index_range", f"there is no scope {index}", path)


def _loose_ends(program: Program, found: Findings) -> None:
    for index, fan in enumerate(program.fans):
        path = f"fans.{index}"
        for block in (fan.where, fan.collect):
            _block(program, block, path, found)
        if not 0 <= fan.source < len(program.blocks):
            found.add("index_range", f"there is no block {fan.source}", path)
        _scope(program, fan.scope, path, found, needed=True)
        if not 0 <= fan.item < program.registers:
            found.add("index_range", f"there is no register {fan.item}", path)
    for index, trigger in enumerate(program.triggers):
        _block(program, trigger.where, f"triggers.{index}", found)
        if any(not 0 <= constant < len(program.constants) for _, constant in trigger.params):
            found.add("index_range", "a param is no constant", f"triggers.{index}")
    _scope(program, program.root, "root", found, needed=True)
    _scope(program, program.on_failure, "on_failure", found)


def _depths(program: Program, found: Findings) -> None:
    """Blocks name only blocks before them, and not too many inside one another."""
    depths: list[int] = []
    frames: list[int] = []
    for index, block in enumerate(program.blocks):
        inner = [named for ins in block.code for named in blocks_named(ins)]
        if any(named >= index for named in inner):
            found.add("block_order", f"block {index} names a block that is not before it", f"blocks.{index}")
            return
        depths.append(1 + max((depths[named] for named in inner), default=0))
        frames.append(2 + min(len(block.code), _STORED) + max((frames[named] for named in inner), default=0))
        if depths[index] > MAX_BLOCK_DEPTH or frames[index] > MAX_FRAMES:
            found.add("nested_too_deep", "a block holds too many others inside one another", f"blocks.{index}")
            return


def _tree(program: Program, found: Findings) -> None:
    """Scopes name only scopes before them, and each is reached exactly once."""
    reached = [0] * len(program.scopes)
    depths = [1] * len(program.scopes)
    fans: set[int] = set()
    for index, scope in enumerate(program.scopes):
        for position, step in enumerate(scope.steps):
            path = step_path(index, position)
            for inner in scopes_named(program, step):
                if inner >= index:
                    found.add("scope_tree", f"scope {index} names scope {inner}, which is not before it", path)
                    return
                reached[inner] += 1
                depths[index] = max(depths[index], 1 + depths[inner])
            if step.do.op == Op.FOREACH:
                if step.do.args[0] in fans:
                    found.add("scope_tree", "two steps run one loop", path)
                fans.add(step.do.args[0])
        if depths[index] > MAX_SCOPE_DEPTH:
            found.add("nested_too_deep", "scopes are nested too deep", f"scopes.{index}")
            return
    reached[program.root] += 1
    if program.on_failure >= 0:
        reached[program.on_failure] += 1
    for index, times in enumerate(reached):
        if times != 1:
            found.add("scope_tree", f"scope {index} is reached {times} times", f"scopes.{index}")
    if len(fans) != len(program.fans):
        found.add("scope_tree", "a loop is never run", "fans")
