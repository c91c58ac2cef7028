"""THE opcode table: every operation of the semantic virtual machine, in one place.

Knows: name, number, operands, effect and meaning of each operation. In: nothing. Out: `TABLE`, `Op`, `BY_NUMBER`.
Never: executes.

The enum, the codec, `disasm`, the validator's signatures, the loader's dispatch and the reference page are made
from this table; a test fails when a row has no handler. Numbers are for ever: a row is never renumbered or reused.

A program is a tree of scopes. A scope is a list of steps; a step does one effect operation and writes one register.
Operands of effect operations are blocks: straight lists of pure operations that end in a register. Registers are
single-assignment. Registers 0-3 hold `trigger`, `input`, `me`, `now`. A loop's body runs in a frame of its own that
sees the registers outside.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Any, Final

import msgspec


class Operand(Enum):
    """What a number in an instruction indexes."""

    REG = "register"
    REGS = "registers, to the end of the instruction"
    CONST = "constant pool"
    TYPE = "type pool"
    FN = "function table"
    BLOCK = "block pool, or -1 for none"
    SCOPE = "scope pool, or -1 for none"
    CASES = "pairs of block and scope, then one scope for the default"
    BINDING = "binding pool"
    FAN = "loop pool"


class Row(msgspec.Struct, frozen=True):
    """One operation. `effect` is what it does, as an assignment to its register `d`."""

    number: int
    name: str
    operands: tuple[Operand, ...]
    effect: str
    doc: str
    pure: bool = True


_R, _RS, _K, _T, _F = Operand.REG, Operand.REGS, Operand.CONST, Operand.TYPE, Operand.FN
_B, _S, _CS, _BN, _FAN = Operand.BLOCK, Operand.SCOPE, Operand.CASES, Operand.BINDING, Operand.FAN

TABLE: Final[tuple[Row, ...]] = (
    Row(1, "CONST", (_K,), "d := k", "A constant."),
    Row(2, "FIELD", (_R, _K, _T), "d := r[k] as T", "A promised field; absent is the error missing_field."),
    Row(
        3,
        "FIELD_OR_NULL",
        (_R, _K, _T),
        "d := r[k]? as T",
        "An optional field, or a step into json; absent, or r null, is null.",
    ),
    Row(4, "INDEX", (_R, _K, _T), "d := r[k]? as T", "An item by position from 0; out of range, or r null, is null."),
    Row(5, "APPLY", (_F, _RS), "d := f(r...)", "A function of the function table on its arguments."),
    Row(
        6,
        "EACH",
        (_F, _R, _R, _B, _RS),
        "d := f(r, item -> b, r...)",
        "A function that runs block b with register item set to each element.",
    ),
    Row(7, "AND", (_R, _B), "d := r and b", "b runs only when r is true."),
    Row(8, "OR", (_R, _B), "d := r or b", "b runs only when r is false."),
    Row(9, "IF", (_R, _B, _B), "d := b1 if r else b2", "Only the chosen block runs."),
    Row(10, "COALESCE", (_R, _B), "d := r ?? b", "b runs only when r is null."),
    Row(
        11, "RENDER", (_R, _T), "d := text(r)", "A value of type T as text, by the template rules, in the task's zone."
    ),
    Row(12, "TEXT", (_RS,), "d := r1 + r2 + ...", "Pieces of text joined."),
    Row(13, "LIST", (_RS,), "d := [r...]", "A list."),
    Row(14, "OBJECT", (_K, _RS), "d := {k1: r1, ...}", "An object; k is the list of names, one for each register."),
    Row(
        15,
        "UNIT",
        (_R, _K, _K, _T),
        "d := r from unit k1 to unit k2",
        "Exact rational conversion, rounded to 6 places half-even.",
    ),
    Row(
        16,
        "PARSE",
        (_R, _T),
        "d := r read as T",
        "Text to date, time, timestamp, duration; or the error type_mismatch.",
    ),
    Row(
        17,
        "EXPECT",
        (_R, _T),
        "d := r, which must be T",
        "Data of unknown shape meets a typed place; or the error type_mismatch.",
    ),
    Row(18, "WIDEN", (_R,), "d := number(r)", "An integer as a number."),
    Row(40, "VALUE", (_B,), "d := b", "A step that only computes.", False),
    Row(
        41,
        "CALL",
        (_BN, _B),
        "d := capability(b)",
        "A capability of a connection with the object that b computes.",
        False,
    ),
    Row(42, "BRANCH", (_CS,), "d := scope of the first block that is true, else the default scope", "A choice.", False),
    Row(43, "FOREACH", (_FAN,), "d := [collect...]", "A loop over a list; see `program.Fan`.", False),
    Row(44, "SUBTASK", (_K, _B), "d := task k(b)", "Another task as part of this run.", False),
    Row(45, "WAIT_FOR", (_B,), "d := null after b", "A pause of a duration; suspends the deadline.", False),
    Row(46, "WAIT_UNTIL", (_B,), "d := null at b", "A pause until an instant; suspends the deadline.", False),
    Row(
        47,
        "APPROVAL",
        (_K, _B, _K),
        "d := approval by role k1 of text b before k2 ms",
        "A person's yes; suspends the deadline.",
        False,
    ),
    Row(48, "EMIT", (_K, _B), "d := null; topic k receives b", "An event.", False),
    Row(49, "LOG", (_B,), "d := null; the log receives b", "A line in the run's log.", False),
    Row(
        50,
        "RESPOND",
        (_B, _B),
        "d := null; the caller receives status b1 and body b2",
        "The answer to a webhook's caller.",
        False,
    ),
    Row(
        51,
        "CALL_AHEAD",
        (_BN, _B),
        "d := capability(b), asked for together with later items",
        "CALL of a read in a loop: one request may be for the items to come too, where the catalog says `batch`.",
        False,
    ),
    Row(
        52,
        "CALL_BESIDE",
        (_BN, _B),
        "d := capability(b), asked for together with others",
        "CALL of a read: one request may be for the same reads that start with it too, where the catalog says `batch`.",
        False,
    ),
)


def _numbered() -> Any:
    return IntEnum("Op", {row.name: row.number for row in TABLE})


Op: Final = _numbered()
"""The operations as an enum, made from the table; `Any` because a type checker cannot know members made from data."""

CALLS: Final = frozenset((Op.CALL, Op.CALL_AHEAD, Op.CALL_BESIDE))
"""The operations that call a capability."""

BY_NUMBER: Final[dict[int, Row]] = {row.number: row for row in TABLE}
"""Rows by number."""
