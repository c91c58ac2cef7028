"""The pools of a program while it is being made.

Knows: that equal constants and types are kept once, and that every register is assigned once. In: items.
Out: their indexes. Never: decides what a program does.
"""

from __future__ import annotations

import base64
from datetime import date, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from eyeflow.ir.program import NOW, CallBinding, CodeBlock, Constant, Fan, Instruction, Scope
from eyeflow.values import (
    INTEGER,
    STRING,
    Field,
    ListOf,
    MapOf,
    Nullable,
    ObjectOf,
    Type,
    Value,
    literal,
)

_FIRST_FREE: Final = NOW + 1


class Pools:
    """Grows while code is generated; `frozen` structs are made of its tuples at the end."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.constants: dict[Constant, int] = {}
        self.types: dict[Type, int] = {}
        self.bindings: dict[CallBinding, int] = {}
        self.blocks: list[CodeBlock] = []
        self.fans: list[Fan] = []
        self.scopes: list[Scope] = []
        self.registers = _FIRST_FREE
        self._readers: dict[CodeBlock, int] = {}

    def register(self) -> int:
        """A register nobody has."""
        self.registers += 1
        return self.registers - 1

    def constant(self, of: Type, value: Value) -> int:
        """The index of a constant; `value` is JSON as `program.Constant` says."""
        return self.constants.setdefault(Constant(plain(of), literal(value)), len(self.constants))

    def text(self, value: str) -> int:
        """The index of a text constant."""
        return self.constant(STRING, value)

    def integer(self, value: int) -> int:
        """The index of an integer constant."""
        return self.constant(INTEGER, value)

    def type(self, of: Type) -> int:
        """The index of a type."""
        return self.types.setdefault(plain(of), len(self.types))

    def binding(self, binding: CallBinding) -> int:
        """The index of a binding."""
        return self.bindings.setdefault(binding, len(self.bindings))

    def block(self, code: list[Instruction], result: int) -> int:
        """The index of a block; those that only read a register are kept once."""
        made = CodeBlock(tuple(code), result)
        if not code and made in self._readers:
            return self._readers[made]
        self.blocks.append(made)
        index = len(self.blocks) - 1
        if not code:
            self._readers[made] = index
        return index

    def fan(self, fan: Fan) -> int:
        """The index of a new loop."""
        self.fans.append(fan)
        return len(self.fans) - 1

    def scope(self, scope: Scope) -> int:
        """The index of a new scope."""
        self.scopes.append(scope)
        return len(self.scopes) - 1


def as_json(value: Value) -> Value:
    """A run-time value as `program.Constant` spells it: durations are milliseconds, bytes base64, dates ISO text."""
    match value:
        case dict():
            return {name: as_json(each) for name, each in value.items()}
        case list() | tuple():
            return [as_json(each) for each in value]
        case timedelta():
            return value / timedelta(milliseconds=1)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case date() | time():
            return value.isoformat()
        case _:
            return value


def plain(of: Type) -> Type:
    """`of` without the words of the catalog that no execution depends on, so that an edited description does not
    change a program; `role: summary` stays, because rendering looks for it."""
    match of:
        case ListOf(item):
            return ListOf(plain(item))
        case MapOf(value):
            return MapOf(plain(value))
        case Nullable(inner):
            return Nullable(plain(inner))
        case ObjectOf(fields):
            return ObjectOf(tuple(_plain_field(field) for field in fields))
        case _:
            return of


def _plain_field(field: Field) -> Field:
    role = field.role if field.role == "summary" else None
    return msgspec.structs.replace(field, type=plain(field.type), entity=None, role=role, description="", default=None)
