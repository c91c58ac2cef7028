"""Checked expressions to pure operations.

Knows: which operations spell each node. In: typed expressions, the names in scope. Out: instructions, blocks.
Never: infers types or inserts conversions: the checker did. What is known at compile time is computed here, by the
same functions that the machine would use.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from eyeflow import units
from eyeflow.errors import EyeFlowError
from eyeflow.ir.codegen.names import Names, inside
from eyeflow.ir.codegen.pools import Pools
from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.functions import FUNCTIONS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Instruction
from eyeflow.ir.render import render
from eyeflow.ir.types import item_of
from eyeflow.values import (
    BOOLEAN,
    DURATION,
    INTEGER,
    JSON,
    NULL,
    NUMBER,
    STRING,
    Json,
    ListOf,
    Null,
    Nullable,
    Scalar,
    Type,
    is_numeric,
    non_null,
)

_LAZY: Final = {"AND": Op.AND, "OR": Op.OR, "COALESCE": Op.COALESCE}


def block(pools: Pools, names: Names, expr: Expr) -> int:
    """A new block whose value is `expr`."""
    code = Lowering(pools, names)
    return code.done(code.value(expr))


def object_block(pools: Pools, names: Names, entries: tuple[Entry, ...]) -> int:
    """A new block whose value is the object of `entries`."""
    code = Lowering(pools, names)
    return code.done(code.object(entries))


def register_block(pools: Pools, register: int) -> int:
    """A new block whose value is in a register already."""
    return pools.block([], register)


class Lowering:
    """The code of one block, growing."""

    def __init__(self, pools: Pools, names: Names) -> None:
        self._pools = pools
        self._names = names
        self._code: list[Instruction] = []

    def done(self, result: int) -> int:
        """The index of the finished block."""
        return self._pools.block(self._code, result)

    def emit(self, op: int, *args: int) -> int:
        """Append an operation; its new register."""
        target = self._pools.register()
        self._code.append(Instruction(int(op), target, args))
        return target

    def value(self, expr: Expr) -> int:
        """The register that will hold `expr`."""
        folded = constant_of(expr, self._pools)
        if folded is not None:
            return self.emit(Op.CONST, folded)
        match expr:
            case Ref():
                return self._path(expr)[0]
            case Call(name, args):
                return self._call(name, args)
            case Bind():
                return self._bind(expr)
            case Template(parts):
                return self._template(parts)
            case ListExpr(items):
                return self.emit(Op.LIST, *[self.value(item) for item in items])
            case ObjectExpr(entries):
                return self.object(entries)
            case Convert(value, how, to):
                return self._converted(self.value(value), how, type_of(value, self._names), to)
            case _:
                raise AssertionError(f"a literal is always a constant: {expr}")

    def under(self, names: Names, expr: Expr) -> int:
        """The register that will hold `expr`, read with other names."""
        own, self._names = self._names, names
        try:
            return self.value(expr)
        finally:
            self._names = own

    def object(self, entries: tuple[Entry, ...]) -> int:
        """The register of an object."""
        registers = [self.value(entry.value) for entry in entries]
        names = self._pools.constant(ListOf(STRING), [entry.name for entry in entries])
        return self.emit(Op.OBJECT, names, *registers)

    def _path(self, ref: Ref) -> tuple[int, Type]:
        """The register and type of a path. Where the checker knows that it is not null, no step may be absent."""
        root = self._names.find(ref.root)
        register, of = root.register, root.type
        known = ref.type is not None and not isinstance(ref.type, Nullable | Json | Null)
        for step in ref.path:
            of, promised = inside(of, step)
            of = non_null(of) if known and of != Nullable(JSON) else of
            register = self._step(register, step, of, promised=promised or known)
        return register, of if ref.type is None else ref.type

    def _step(self, register: int, step: str | int, of: Type, *, promised: bool) -> int:
        kind = self._pools.type(of)
        if isinstance(step, int):
            return self.emit(Op.INDEX, register, self._pools.integer(step), kind)
        op = Op.FIELD if promised else Op.FIELD_OR_NULL
        return self.emit(op, register, self._pools.text(step), kind)

    def _inner(self, expr: Expr) -> int:
        return block(self._pools, self._names, expr)

    def _call(self, name: str, args: tuple[Expr, ...]) -> int:
        if name == "IF":
            return self.emit(Op.IF, self.value(args[0]), self._inner(args[1]), self._inner(args[2]))
        if name in _LAZY:
            result = self.value(args[0])
            for arg in args[1:]:
                result = self.emit(_LAZY[name], result, self._inner(arg))
            return result
        row = FUNCTIONS[name]
        assert not row.lazy, f"{name} is lazy and has no operation"
        registers = [self.value(arg) for arg in args]
        if row.zoned and row.most == len(args) + 1:
            registers.append(self.emit(Op.CONST, self._pools.text(self._pools.zone.key)))
        return self.emit(Op.APPLY, row.number, *registers)

    def _bind(self, expr: Bind) -> int:
        source = self.value(expr.source)
        rest = [self.value(arg) for arg in expr.rest]
        item = self._pools.register()
        item_type = item_of(non_null(type_of(expr.source, self._names))) or JSON
        body = block(self._pools, self._names.with_(expr.item, item, item_type), expr.body)
        return self.emit(Op.EACH, FUNCTIONS[expr.name].number, source, item, body, *rest)

    def _template(self, parts: tuple[str | Ref, ...]) -> int:
        pieces: list[int] = []
        for part in parts:
            if isinstance(part, str):
                pieces.append(self.emit(Op.CONST, self._pools.text(part)))
                continue
            register, of = self._path(part)
            text = of == STRING
            pieces.append(register if text else self.emit(Op.RENDER, register, self._pools.type(of)))
        return pieces[0] if len(pieces) == 1 else self.emit(Op.TEXT, *pieces)

    def _converted(self, source: int, how: str, of: Type, to: Type) -> int:
        match how:
            case "render":
                return self._rendered(source, of, to)
            case "unit":
                return self._in_unit(source, of, to)
            case "parse":
                return self.emit(Op.PARSE, source, self._pools.type(to))
            case "check":
                return self.emit(Op.EXPECT, source, self._pools.type(to))
            case _:
                assert how == "widen", f"unknown conversion {how}"
                return self.emit(Op.WIDEN, source)

    def _rendered(self, source: int, of: Type, to: Type) -> int:
        if isinstance(non_null(to), ListOf):
            return self._mapped(source, "render", of, to)
        if isinstance(to, Nullable):
            return self._unless_null(source, "render", of, to)
        return self.emit(Op.RENDER, source, self._pools.type(of))

    def _in_unit(self, source: int, of: Type, to: Type) -> int:
        if isinstance(non_null(to), ListOf):
            return self._mapped(source, "unit", of, to)
        old, new = non_null(of), non_null(to)
        assert isinstance(old, Scalar) and isinstance(new, Scalar) and old.unit is not None
        names = self._pools.text(old.unit)
        if new.name == "duration":
            counted = self._pools.type(Nullable(NUMBER) if isinstance(to, Nullable) else NUMBER)
            length = self.emit(Op.UNIT, source, names, self._pools.text("milliseconds"), counted)
            return self.emit(Op.PARSE, length, self._pools.type(to))
        assert new.unit is not None
        return self.emit(Op.UNIT, source, names, self._pools.text(new.unit), self._pools.type(to))

    def _mapped(self, source: int, how: str, of: Type, to: Type) -> int:
        """A conversion of every item, as MAP."""
        shape = non_null(to)
        assert isinstance(shape, ListOf)
        item_type = item_of(non_null(of)) or JSON
        item = self._pools.register()
        body = Lowering(self._pools, self._names)
        made = body.done(body._converted(item, how, item_type, shape.item))
        return self.emit(Op.EACH, FUNCTIONS["MAP"].number, source, item, made)

    def _unless_null(self, source: int, how: str, of: Type, to: Type) -> int:
        """A conversion that leaves null alone."""
        test = self.emit(Op.APPLY, FUNCTIONS["IS_NULL"].number, source)
        otherwise = Lowering(self._pools, self._names)
        made = otherwise.done(otherwise._converted(source, how, non_null(of), non_null(to)))
        return self.emit(Op.IF, test, register_block(self._pools, source), made)


def type_of(expr: Expr, names: Names) -> Type:
    """The type the checker gave, or of a path without one the type its names have."""
    if expr.type is not None:
        return expr.type
    if isinstance(expr, Ref):
        of = names.find(expr.root).type
        for step in expr.path:
            of, _ = inside(of, step)
        return of
    return JSON


def constant_of(expr: Expr, pools: Pools) -> int | None:
    """The constant that `expr` always is, or None when it depends on a run."""
    match expr:
        case Convert(value, how, to):
            literal = _as_literal(value)
            return None if literal is None else _converted_literal(literal, how, to, pools)
        case _:
            literal = _as_literal(expr)
            return None if literal is None else _literal(literal, pools)


def _as_literal(expr: Expr) -> Lit | None:
    """A literal, or a template that is nothing but text."""
    match expr:
        case Lit():
            return expr
        case Template(parts):
            texts = [part for part in parts if isinstance(part, str)]
            return Lit("".join(texts), None, STRING) if len(texts) == len(parts) else None
        case _:
            return None


def _literal(lit: Lit, pools: Pools) -> int:
    if lit.value is None:
        return pools.constant(NULL, None)
    of = non_null(lit.type) if lit.type is not None else _natural(lit)
    value = lit.value
    if lit.unit is not None and isinstance(value, int | float):
        unit = "milliseconds" if of == DURATION else of.unit if isinstance(of, Scalar) else None
        if unit is not None and unit != lit.unit:
            value = units.convert(value, lit.unit, unit)
    if isinstance(of, Scalar) and of.name == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    return pools.constant(of if isinstance(of, Scalar) else _natural(lit), value)


def _natural(lit: Lit) -> Type:
    match lit.value:
        case bool():
            return BOOLEAN
        case int():
            return Scalar("integer", lit.unit) if lit.unit else INTEGER
        case float():
            return Scalar("number", lit.unit) if lit.unit else NUMBER
        case None:
            return NULL
        case str():
            return STRING


def _converted_literal(lit: Lit, how: str, to: Type, pools: Pools) -> int | None:
    """A converted literal, when the conversion is certain to work at run time as it does now."""
    goal, of = non_null(to), non_null(lit.type) if lit.type is not None else _natural(lit)
    value = lit.value
    if value is None or not isinstance(goal, Scalar):
        return None
    try:
        match how:
            case "unit" if is_numeric(of) and isinstance(of, Scalar) and of.unit and isinstance(value, int | float):
                unit = "milliseconds" if goal == DURATION else goal.unit
                return None if unit is None else _number(units.convert(value, of.unit, unit), goal, pools)
            case "widen" if isinstance(value, int) and not isinstance(value, bool):
                return _number(value, goal, pools)
            case "render" if not isinstance(value, str) or of == STRING:
                return pools.text(render(_shown(value, of), of, pools.zone))
            case "parse" if isinstance(value, str) and _reads(value, goal, pools):
                return pools.constant(goal, value)
            case _:
                return None
    except EyeFlowError:
        return None


def _shown(value: bool | int | float | str, of: Type) -> bool | int | float | str | timedelta:
    if of == DURATION and isinstance(value, int | float):
        return timedelta(milliseconds=value)
    return value


def _reads(value: str, goal: Type, pools: Pools) -> bool:
    from eyeflow.ir.evaluate.conform import reader  # noqa: PLC0415 - evaluate builds catalog expressions with this file

    read = reader(goal, pools.zone, "a literal")
    assert read is not None
    read(value)
    return True


def _number(value: int | float, goal: Scalar, pools: Pools) -> int | None:
    if goal.name == "integer":
        return pools.constant(goal, int(value)) if float(value).is_integer() else None
    return pools.constant(goal, value)
