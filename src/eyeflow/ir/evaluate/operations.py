"""Every pure operation as a closure.

Knows: what each pure row of the opcode table does. In: pieces for its operands. Out: pieces.
Never: dispatches at run time: what is known when a program is loaded is decided then.

The handlers are listed in `HANDLERS`; a test compares that list with the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from eyeflow import units
from eyeflow.errors import RunError
from eyeflow.ir.evaluate import conform
from eyeflow.ir.evaluate.calls import apply, each
from eyeflow.ir.evaluate.frame import Frame
from eyeflow.ir.evaluate.piece import NO_CONSTANT, Piece, constant
from eyeflow.ir.functions.order import truth
from eyeflow.ir.functions.row import MAX_TEXT, named, too_big
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Instruction
from eyeflow.ir.render import renderer
from eyeflow.values import Scalar, Type, Value


class _Nothing:
    """No value is one."""


_NOTHING_IS: Final = _Nothing
_PLAIN: Final[dict[str, type]] = {"string": str, "boolean": bool, "integer": int, "number": float}
"""Scalars of which most values can be seen at a glance to be one, so that no reader need be asked: those of one Python
type, and for `number` integers that a double holds exactly."""

_MOST: Final = 2**53
_LEAST: Final = -_MOST


class Pools(Protocol):
    """What a handler may ask about the program at hand."""

    zone: ZoneInfo

    def constant(self, index: int) -> Value:
        """A constant of the pool."""
        ...

    def type(self, index: int) -> Type:
        """A type of the pool."""
        ...

    def piece(self, register: int) -> Piece:
        """The value in a register; each temporary of the block is asked for once, in the order of its making."""
        ...

    def block(self, index: int) -> Piece:
        """Another block."""
        ...

    def cost(self, index: int) -> int:
        """How many operations one run of a block is counted as."""
        ...


def _depth(*pieces: Piece) -> int:
    return 1 + max((piece.depth for piece in pieces), default=0)


def _constant(pools: Pools, ins: Instruction) -> Piece:
    return constant(pools.constant(ins.args[0]))


def _name(pools: Pools, index: int) -> str:
    name = pools.constant(index)
    assert isinstance(name, str), "the validator lets only text name a field"
    return name


def _field(pools: Pools, ins: Instruction) -> Piece:
    owner, name, of = pools.piece(ins.args[0]), _name(pools, ins.args[1]), pools.type(ins.args[2])
    read = conform.reader(of, pools.zone, repr(name)) or _as_is
    code, at = owner.code, owner.register
    plain = _PLAIN.get(of.name, _NOTHING_IS) if isinstance(of, Scalar) else _NOTHING_IS

    def fail(held: Value) -> RunError:
        if isinstance(held, dict):
            return RunError("missing_field", f"the data has no {name!r}", hint="the service promised this field")
        return conform.mismatch(f"what {name!r} is read from", "an object", held)

    def from_register(frame: Frame) -> Value:
        held = frame[at]
        if type(held) is dict and name in held:
            value = held[name]
            return value if type(value) is plain else read(value)
        raise fail(held)

    def number_from_register(frame: Frame) -> Value:
        held = frame[at]
        if type(held) is dict and name in held:
            value = held[name]
            return value if type(value) is int and _LEAST <= value <= _MOST else read(value)
        raise fail(held)

    def from_code(frame: Frame) -> Value:
        held = code(frame)
        if type(held) is dict and name in held:
            return read(held[name])
        raise fail(held)

    if at >= 0:
        return Piece(number_from_register if plain is float else from_register, depth=_depth(owner))
    return Piece(from_code, depth=_depth(owner))


def _as_is(value: Value) -> Value:
    return value


def _field_or_null(pools: Pools, ins: Instruction) -> Piece:
    owner, name, of = pools.piece(ins.args[0]), _name(pools, ins.args[1]), pools.type(ins.args[2])
    read, code = conform.reader(of, pools.zone, repr(name)) or _as_is, owner.code

    def run(frame: Frame) -> Value:
        held = code(frame)
        if type(held) is not dict:
            return None
        value = held.get(name)
        return None if value is None else read(value)

    return Piece(run, depth=_depth(owner))


def _index(pools: Pools, ins: Instruction) -> Piece:
    owner, position, of = pools.piece(ins.args[0]), pools.constant(ins.args[1]), pools.type(ins.args[2])
    assert isinstance(position, int), "the validator lets only integers be positions"
    at = position
    read, code = conform.reader(of, pools.zone, f"item {position}") or _as_is, owner.code

    def run(frame: Frame) -> Value:
        held = code(frame)
        if not isinstance(held, (list, tuple)) or not 0 <= at < len(held):
            return None
        value = held[at]
        return None if value is None else read(value)

    return Piece(run, depth=_depth(owner))


def _apply(pools: Pools, ins: Instruction) -> Piece:
    args = [pools.piece(register) for register in ins.args[1:]]
    return Piece(apply(ins.args[0], args), depth=_depth(*args))


def _each(pools: Pools, ins: Instruction) -> Piece:
    function, source_register, item, body, *others = ins.args
    source = pools.piece(source_register)
    rest = [pools.piece(register) for register in others]
    inner = pools.block(body)
    code = each(function, source, rest, item=item, body=inner.code, cost=pools.cost(body))
    return Piece(code, depth=_depth(source, *rest) + inner.depth)


def _and(pools: Pools, ins: Instruction) -> Piece:
    first, second = pools.piece(ins.args[0]), pools.block(ins.args[1])
    one, other = first.code, second.code

    def run(frame: Frame) -> Value:
        return truth(one(frame)) and truth(other(frame))

    return Piece(run, depth=_depth(first, second))


def _or(pools: Pools, ins: Instruction) -> Piece:
    first, second = pools.piece(ins.args[0]), pools.block(ins.args[1])
    one, other = first.code, second.code

    def run(frame: Frame) -> Value:
        return truth(one(frame)) or truth(other(frame))

    return Piece(run, depth=_depth(first, second))


def _if(pools: Pools, ins: Instruction) -> Piece:
    condition, then, otherwise = pools.piece(ins.args[0]), pools.block(ins.args[1]), pools.block(ins.args[2])
    test, yes, no = condition.code, then.code, otherwise.code

    def run(frame: Frame) -> Value:
        return yes(frame) if truth(test(frame)) else no(frame)

    return Piece(run, depth=_depth(condition, then, otherwise))


def _coalesce(pools: Pools, ins: Instruction) -> Piece:
    first, second = pools.piece(ins.args[0]), pools.block(ins.args[1])
    one, other = first.code, second.code

    def run(frame: Frame) -> Value:
        value = one(frame)
        return other(frame) if value is None else value

    return Piece(run, depth=_depth(first, second))


def _render(pools: Pools, ins: Instruction) -> Piece:
    source = pools.piece(ins.args[0])
    show, code = renderer(pools.type(ins.args[1]), pools.zone), source.code

    def run(frame: Frame) -> Value:
        text = show(code(frame))
        if len(text) > 63:
            frame.meter.left -= len(text) >> 6
        return text

    return Piece(run, depth=_depth(source))


def _text(pools: Pools, ins: Instruction) -> Piece:
    pieces = [pools.piece(register) for register in ins.args]
    known = [piece.constant if isinstance(piece.constant, str) else "" for piece in pieces]
    moving = tuple((at, piece.code) for at, piece in enumerate(pieces) if not isinstance(piece.constant, str))
    fixed = sum(map(len, known))

    def run(frame: Frame) -> Value:
        parts, size = known.copy(), fixed
        for at, code in moving:
            part = code(frame)
            if type(part) is not str:
                raise RunError("type_mismatch", f"a piece of text is {named(part)}")
            size += len(part)
            parts[at] = part
        if size > 63:
            if size > MAX_TEXT:
                raise too_big("a template", f"{size} characters long")
            frame.meter.spend(size >> 6)
        return "".join(parts)

    return Piece(run, depth=_depth(*pieces))


def _list(pools: Pools, ins: Instruction) -> Piece:
    pieces = [pools.piece(register) for register in ins.args]
    codes = tuple(piece.code for piece in pieces)

    def run(frame: Frame) -> Value:
        return [code(frame) for code in codes]

    return Piece(run, depth=_depth(*pieces))


def _object(pools: Pools, ins: Instruction) -> Piece:
    names = pools.constant(ins.args[0])
    assert isinstance(names, list), "the validator lets only a list of names make an object"
    pieces = [pools.piece(register) for register in ins.args[1:]]
    fields = tuple((str(name), piece.code) for name, piece in zip(names, pieces, strict=True))

    def run(frame: Frame) -> Value:
        made: dict[str, Value] = {}
        for name, code in fields:
            made[name] = code(frame)
        return made

    return Piece(run, depth=_depth(*pieces))


def _unit(pools: Pools, ins: Instruction) -> Piece:
    source, old, new = pools.piece(ins.args[0]), _name(pools, ins.args[1]), _name(pools, ins.args[2])
    read = conform.reader(pools.type(ins.args[3]), pools.zone, "a converted number") or _as_is
    code = source.code

    def run(frame: Frame) -> Value:
        value = code(frame)
        if value is None:
            return read(None)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise conform.mismatch(f"what is converted to {new}", "a number", value)
        try:
            return read(units.convert(value, old, new))
        except units.UnitError as error:
            raise RunError("evaluation", error.message, hint=error.hint) from None

    if isinstance(source.constant, (int, float)):
        return constant(read(units.convert(source.constant, old, new)))
    return Piece(run, depth=_depth(source))


def _through(build: Callable[[Type, ZoneInfo, str], Callable[[Value], Value] | None], what: str) -> Handler:
    def handler(pools: Pools, ins: Instruction) -> Piece:
        source = pools.piece(ins.args[0])
        read, code = build(pools.type(ins.args[1]), pools.zone, what), source.code
        if read is None:
            return source
        checked = read

        def run(frame: Frame) -> Value:
            return checked(code(frame))

        return Piece(run, depth=_depth(source))

    return handler


def _widen(pools: Pools, ins: Instruction) -> Piece:
    source = pools.piece(ins.args[0])
    code = source.code

    def run(frame: Frame) -> Value:
        value = code(frame)
        if type(value) is int and not -(2**53) <= value <= 2**53:
            try:
                return float(value)
            except OverflowError:
                raise RunError("evaluation", "the integer is too large to be a number") from None
        return value

    return Piece(run, depth=_depth(source)) if source.constant is NO_CONSTANT else source


Handler = Callable[[Pools, Instruction], Piece]

HANDLERS: Final[dict[int, Handler]] = {
    Op.CONST: _constant,
    Op.FIELD: _field,
    Op.FIELD_OR_NULL: _field_or_null,
    Op.INDEX: _index,
    Op.APPLY: _apply,
    Op.EACH: _each,
    Op.AND: _and,
    Op.OR: _or,
    Op.IF: _if,
    Op.COALESCE: _coalesce,
    Op.RENDER: _render,
    Op.TEXT: _text,
    Op.LIST: _list,
    Op.OBJECT: _object,
    Op.UNIT: _unit,
    Op.PARSE: _through(conform.reader, "the text"),
    Op.EXPECT: _through(conform.expecter, "the data"),
    Op.WIDEN: _widen,
}
"""The handler of each pure row, by number."""
