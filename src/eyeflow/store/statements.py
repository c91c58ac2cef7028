"""SQL for the operations of the port, generated once for each shape and then looked up.

Knows: how a unit's operations and a read's conditions become a statement with positional parameters. In: operations,
conditions. Out: SQL text, parameters, decoders of rows. Never: runs one; a value in the text; SQLAlchemy, which takes
longer to load than everything else a server needs: it makes and migrates tables, and that is all.

A shape is what decides the text: table, columns, operators, which values are null, how many an `in` has. Names are
those of records, which are checked, and are quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, Literal, TypeAlias

import msgspec

from eyeflow.store.columns import by_name, check_where, columns, is_plain, is_scoped, key_of
from eyeflow.store.port import Delete, R, Scalar, Update, Where
from eyeflow.store.records import WORKSPACE, Record

Row: TypeAlias = tuple[Scalar, ...]

CONTAINS: Final = "eyeflow_contains"
"""The function a database provides for `contains` with text beyond ASCII: (column, folded text) -> bool."""

MAX_SHAPES: Final = 2_000
_MAX_LEAN: Final = 6
_WORKSPACE: Final = "workspace_id"
_NEVER: Final = "1 = 0"


class Insertion:
    """How records of one table are inserted: `values(record)` are the parameters of `sql`. `bound` finds a statement in
    which nothing stands for what the record leaves blank: handing over a null costs more than writing it does."""

    def __init__(self, table: type[Record], taken: Literal["fail", "ignore", "replace"]) -> None:
        names = [column.name for column in columns(table)]
        self._lead = f"INSERT INTO {_quoted(table.table)} ({_listed(names)}) VALUES "
        self._end = _when_taken(names, taken, key_of(table))
        self._names = names
        self.sql = f"{self._lead}({_marks(len(names))}){self._end}"
        self.values: Callable[[Record], Row] = attrgetter(*names)
        self._lean: list[_Lean] = []

    def bound(self, record: Record) -> tuple[str, Row]:
        """A statement and its parameters."""
        for lean in self._lean:
            if lean.blanks(record) == lean.expected:
                return lean.sql, lean.rest(record)
        row = self.values(record)
        if len(self._lean) < _MAX_LEAN:
            self._learn(row)
        return self.sql, row

    def _learn(self, row: Row) -> None:
        """Have a statement for records that are blank where this one is; those with the most blanks are tried first."""
        literals = [_blank(value) for value in row]
        blank = [name for name, literal in zip(self._names, literals, strict=True) if literal]
        rest = [name for name, literal in zip(self._names, literals, strict=True) if not literal]
        if min(len(blank), len(rest)) < 2:  # attrgetter gives tuples from two on, and there is not much to gain
            return
        marks = ", ".join(literal or "?" for literal in literals)
        expected = tuple([value for value, literal in zip(row, literals, strict=True) if literal])
        sql = f"{self._lead}({marks}){self._end}"
        self._lean.append(_Lean(sql, attrgetter(*blank), expected, attrgetter(*rest)))
        self._lean.sort(key=lambda lean: -len(lean.expected))


class _Lean(msgspec.Struct, frozen=True):
    """An INSERT for records whose `blanks` are `expected`; `rest` are its parameters."""

    sql: str
    blanks: Callable[[Record], Row]
    expected: Row
    rest: Callable[[Record], Row]


def _blank(value: Scalar) -> str:
    """A blank value as SQL has it; empty for all others."""
    if value is None:
        return "NULL"
    if value is False:
        return "0"
    return "x''" if value == b"" else ""


class Selection(Generic[R]):
    """What a row of a read becomes."""

    def __init__(self, table: type[R], without: Sequence[str]) -> None:
        left_out = frozenset(without)
        known = columns(table)
        self.names = tuple(column.name for column in known if column.name not in left_out)
        self._table = table
        self._flags = tuple(name for name in self.names if by_name(table)[name].kind == "boolean")
        self._blank = {column.name: column.blank for column in known if column.name in left_out}

    def record(self, row: Row) -> R:
        """The record of a row."""
        values = dict(zip(self.names, row, strict=True))
        for name in self._flags:
            values[name] = bool(values[name])
        return self._table(**values, **self._blank)  # type: ignore[arg-type]


class Statements:
    """The statements of one workspace."""

    def __init__(self, workspace: str = WORKSPACE) -> None:
        self._workspace = workspace
        self._cache: dict[Hashable, object] = {}

    def insertion(self, table: type[Record], taken: Literal["fail", "ignore", "replace"]) -> Insertion:
        """INSERT of a record of `table`."""
        shape = ("insert", table, taken)
        known = self._cache.get(shape)
        if known is None:
            known = self._keep(shape, Insertion(table, taken))
        assert isinstance(known, Insertion)
        return known

    def update(self, op: Update) -> tuple[str, Row, bool]:
        """UPDATE with its parameters, and whether it may meet a taken key."""
        where, values = self._split(op.table, op.where)
        shape = ("update", op.table, tuple([name for name, _ in op.values]), where)
        known: Any = self._cache.get(shape)
        if known is None:
            conditions = self._checked(op.table, op.where)
            names = [name for name, _ in op.values]
            assert names and all(name in by_name(op.table) for name in names), (op.table.table, names)
            setting = ", ".join(f"{_quoted(name)} = ?" for name in names)
            sql = f"UPDATE {_quoted(op.table.table)} SET {setting}{_where(conditions)}"
            fallible = any(name in names for index in (key_of(op.table), *op.table.unique) for name in index)
            known = self._keep(shape, (sql, fallible))
        return known[0], (*[value for _, value in op.values], *values), known[1]

    def delete(self, op: Delete) -> tuple[str, Row]:
        """DELETE with its parameters; a limit chooses the rows by key first."""
        where, values = self._split(op.table, op.where)
        shape = ("delete", op.table, where, op.limit is not None)
        if op.limit is not None:
            values.append(op.limit)
        sql = self._cache.get(shape)
        if sql is None:
            table, met = _quoted(op.table.table), _where(self._checked(op.table, op.where))
            if op.limit is not None:
                key = _listed(key_of(op.table))
                met = f" WHERE ({key}) IN (SELECT {key} FROM {table}{met} LIMIT ?)"
            sql = self._keep(shape, f"DELETE FROM {table}{met}")
        assert isinstance(sql, str)
        return sql, tuple(values)

    def exists(self, table: type[Record], where: tuple[Where, ...]) -> tuple[str, Row]:
        """A SELECT that has one row when some row meets `where`."""
        conditions, values = self._split(table, where)
        shape = ("exists", table, conditions)
        sql = self._cache.get(shape)
        if sql is None:
            met = _where(self._checked(table, where))
            sql = self._keep(shape, f"SELECT 1 FROM {_quoted(table.table)}{met} LIMIT 1")
        assert isinstance(sql, str)
        return sql, tuple(values)

    def point(self, table: type[R]) -> tuple[str, Selection[R]]:
        """The SELECT by key (its parameters are the key with the workspace, where that is part of it)."""
        shape = ("point", table)
        known = self._cache.get(shape)
        if known is None:
            selection = Selection(table, ())
            conditions = " AND ".join(f"{_quoted(name)} = ?" for name in key_of(table))
            sql = f"SELECT {_listed(selection.names)} FROM {_quoted(table.table)} WHERE {conditions}"
            known = self._keep(shape, (sql, selection))
        return known  # type: ignore[return-value]

    def select(
        self,
        table: type[R],
        where: tuple[Where, ...],
        *,
        order: Sequence[str],
        after: Sequence[Scalar],
        limit: int | None,
        without: Sequence[str],
    ) -> tuple[str, Row, Selection[R]]:
        """The SELECT of a find, its parameters, and what its rows become."""
        conditions, values = self._split(table, where)
        assert not after or (len(after) == len(order) and None not in after), "`after` has a value for each of `order`"
        shape = ("select", table, conditions, tuple(order), bool(after), limit is not None, tuple(without))
        values += _keyset_values(order, after)
        if limit is not None:
            values.append(limit)
        known: Any = self._cache.get(shape)
        if known is None:
            selection = Selection(table, without)
            met = _where(self._checked(table, where), _keyset(order) if after else None)
            sql = f"SELECT {_listed(selection.names)} FROM {_quoted(table.table)}{met}"
            if order:
                sql += " ORDER BY " + ", ".join(_ordered(table, name) for name in order)
            if limit is not None:
                sql += " LIMIT ?"
            known = self._keep(shape, (sql, selection))
        return known[0], tuple(values), known[1]

    def count(self, table: type[Record], where: tuple[Where, ...], limit: int | None) -> tuple[str, Row]:
        """The SELECT of a count, and its parameters."""
        conditions, values = self._split(table, where)
        shape = ("count", table, conditions, limit is not None)
        if limit is not None:
            values.append(limit)
        sql = self._cache.get(shape)
        if sql is None:
            rows = f"{_quoted(table.table)}{_where(self._checked(table, where))}"
            if limit is not None:
                rows = f"(SELECT 1 FROM {rows} LIMIT ?)"
            sql = self._keep(shape, f"SELECT count(*) FROM {rows}")
        assert isinstance(sql, str)
        return sql, tuple(values)

    def _split(self, table: type[Record], where: tuple[Where, ...]) -> tuple[Hashable, list[Scalar]]:
        """What of conditions decides the text, and their parameters; the workspace first, unless they name one."""
        shape: list[Hashable] = []
        values: list[Scalar] = []
        scoped = not is_scoped(table)
        for item in where:
            column, op, value = item.column, item.op, item.value
            scoped = scoped or column == _WORKSPACE
            if value is None or op in ("in", "contains") or _is_flag(item):
                shape.append((column, op, _value_shape(item)))
                values.extend(_values(item))
            else:
                shape.append((column, op))
                values.append(value)  # type: ignore[arg-type]
        if not scoped:
            values.insert(0, self._workspace)
        return tuple(shape), values

    def _checked(self, table: type[Record], where: tuple[Where, ...]) -> tuple[Where, ...]:
        """The conditions of a new shape, with that of the workspace."""
        check_where(table, where)
        if not is_scoped(table) or any(condition.column == _WORKSPACE for condition in where):
            return where
        return (Where(_WORKSPACE, "=", self._workspace), *where)

    def _keep(self, shape: Hashable, made: object) -> object:
        if len(self._cache) >= MAX_SHAPES:
            self._cache.clear()
        self._cache[shape] = made
        return made


def _quoted(name: str) -> str:
    assert name.isidentifier() and name.isascii(), name
    return f'"{name}"'


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _when_taken(names: Sequence[str], taken: Literal["fail", "ignore", "replace"], key: tuple[str, ...]) -> str:
    """What follows an INSERT whose key may be taken."""
    if taken == "fail":
        return ""
    if taken == "ignore":
        return " ON CONFLICT DO NOTHING"
    changed = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in key)
    return f" ON CONFLICT ({_listed(key)}) DO UPDATE SET {changed}"


def _is_flag(item: Where) -> bool:
    """`= TRUE` stands in the text: an index of the rows that have a flag is found only by a condition that says so."""
    return item.op == "=" and item.value is True


def _value_shape(item: Where) -> object:
    if _is_flag(item):
        return "flag"
    if isinstance(item.value, tuple):
        return len(item.value)
    return "like" if item.op == "contains" and is_plain(item.value) else item.value is None


def _values(item: Where) -> Row:
    if isinstance(item.value, tuple):
        return item.value
    if item.op == "contains":
        assert isinstance(item.value, str)
        return (_like(item.value) if is_plain(item.value) else item.value.casefold(),)
    return () if item.value is None or _is_flag(item) else (item.value,)


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _where(conditions: Sequence[Where], further: str | None = None) -> str:
    """A WHERE with the parameters of `_values` of each condition in turn, then those of `further`."""
    met = [_condition(item) for item in conditions]
    if further is not None:
        met.append(further)
    return " WHERE " + " AND ".join(met) if met else ""


def _condition(item: Where) -> str:
    column = _quoted(item.column)
    match item.op:
        case "in":
            assert isinstance(item.value, tuple)
            return f"{column} IN ({_marks(len(item.value))})" if item.value else _NEVER
        case "contains":
            return f"{column} LIKE ? ESCAPE '\\'" if is_plain(item.value) else f"{CONTAINS}({column}, ?)"
        case "=" if _is_flag(item):
            return f"{column} = TRUE"
        case "=":
            return f"{column} IS NULL" if item.value is None else f"{column} = ?"
        case "!=":
            return f"{column} IS NOT NULL" if item.value is None else f"{column} != ?"
        case _:
            return _NEVER if item.value is None else f"{column} {item.op} ?"


def _ordered(table: type[Record], name: str) -> str:
    column = name.removeprefix("-")
    assert column in by_name(table), f"{table.table} has no column {column}"
    return f"{_quoted(column)} {'DESC' if name.startswith('-') else 'ASC'}"


def _one_way(order: Sequence[str]) -> bool:
    return len({name.startswith("-") for name in order}) == 1


def _keyset_values(order: Sequence[str], after: Sequence[Scalar]) -> Row:
    """The parameters of `_keyset`: once for a row comparison, else each prefix with the next column."""
    if not after or _one_way(order):
        return tuple(after)
    return tuple(value for size in range(1, len(after) + 1) for value in after[:size])


def _keyset(order: Sequence[str]) -> str:
    """Rows after the one with these values of `order`: a row comparison, which an index answers, when all columns go
    the same way."""
    named = [_quoted(name.removeprefix("-")) for name in order]
    further = ["<" if name.startswith("-") else ">" for name in order]
    if _one_way(order):
        return f"({', '.join(named)}) {further[0]} ({_marks(len(named))})"
    options = []
    for size in range(1, len(order) + 1):
        equal = [f"{column} = ?" for column in named[: size - 1]]
        options.append("(" + " AND ".join([*equal, f"{named[size - 1]} {further[size - 1]} ?"]) + ")")
    return "(" + " OR ".join(options) + ")"
