"""A unit, made ready: each operation as the statement that does it.

Knows: which operations can fail their unit, and so which units need a savepoint inside a shared transaction.
In: operations. Out: `Unit`. Never: runs one.
"""

from __future__ import annotations

import msgspec

from eyeflow.store.columns import check_record
from eyeflow.store.port import Append, Delete, Insert, Op, Require, Update
from eyeflow.store.records import AuditRecord
from eyeflow.store.statements import Row, Statements


class Step(msgspec.Struct, frozen=True, gc=False):
    """One statement. It must change `expect` rows, where given; a `probe` must find a row, or with `absent` none;
    an `audit` row is chained when it is written and has no statement yet."""

    sql: str
    values: Row
    table: str
    expect: int | None = None
    probe: bool = False
    absent: bool = False
    audit: AuditRecord | None = None


class Unit(msgspec.Struct, frozen=True, gc=False):
    """Steps that happen together. `guarded` ones are undone alone when a later step fails. `lone` is one new row that
    must not be there, and nothing else: such units are written many at a time."""

    steps: tuple[Step, ...]
    guarded: bool
    lone: bool = False


def prepare(statements: Statements, ops: tuple[Op, ...]) -> Unit:
    """The unit of `ops`. Raises: StoreError `store_bad_value`; of most values the database finds that itself, later."""
    if len(ops) == 1:
        step, _ = _step(statements, ops[0])
        return Unit((step,), guarded=False, lone=type(ops[0]) is Insert and ops[0].taken == "fail")
    steps: list[Step] = []
    guarded = changed = False
    for op in ops:
        step, fallible = _step(statements, op)
        steps.append(step)
        guarded = guarded or (fallible and changed)
        changed = changed or not step.probe
    return Unit(tuple(steps), guarded)


def _step(statements: Statements, op: Op) -> tuple[Step, bool]:
    """The step of an operation, and whether it may be refused."""
    if type(op) is Insert:  # nearly all of them: told apart without a match
        table = type(op.record)
        sql, row = statements.insertion(table, op.taken).bound(op.record)
        fallible = op.taken == "fail" or (op.taken == "replace" and bool(table.unique))
        return Step(sql, row, table.table), fallible
    match op:
        case Update():
            sql, row, fallible = statements.update(op)
            return Step(sql, row, op.table.table, op.expect), fallible or op.expect is not None
        case Delete():
            sql, row = statements.delete(op)
            return Step(sql, row, op.table.table), False
        case Require(table, where, absent):
            sql, row = statements.exists(table, where)
            return Step(sql, row, table.table, probe=True, absent=absent), True
        case Append(record):
            check_record(record)
            return Step("", (), record.table, audit=record), False
        case Insert():
            raise AssertionError("a subclass of Insert")
