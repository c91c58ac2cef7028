"""THE function table: every function of LLM-IR expressions, in one place.

Knows: name, number, arity, signature, null rule, errors, meaning and implementation of each. In: nothing.
Out: `TABLE`, `FUNCTIONS` by name, `BY_NUMBER`, `binds`. Never: evaluates expressions.

The parser's names, the checker's signatures, the machine's APPLY and EACH and the reference page are made from this
table. A row keeps its number for ever. All results are the same on every Python from 3.11, locale and hash seed, given
the same zone and regular-expression data.

Errors are `RunError` codes: `evaluation` (no value for these arguments), `type_mismatch` (data of unknown shape was
something else), `output_limit` (the result would exceed `row.MAX_TEXT`, `MAX_LIST` or `MAX_INTEGER_BITS`).
"""

from __future__ import annotations

from typing import Any, Final

from eyeflow.ir.functions import lists, numbers, order, signature, text, times
from eyeflow.ir.functions import signature_lists as of_lists
from eyeflow.ir.functions.row import Function
from eyeflow.values import BOOLEAN, JSON, STRING, TIMESTAMP

_EVALUATION: Final = ("evaluation",)
_SHAPE: Final = ("type_mismatch",)
_SIZE: Final = ("output_limit",)
_MANY: Final = None


def _row(number: int, name: str, arity: tuple[int, int | None], spelled: str, **rest: Any) -> Function:
    return Function(number=number, name=name, least=arity[0], most=arity[1], spelled=spelled, **rest)


_COMPARING: Final = (
    _row(1, "GT", (2, 2), "(a: T, b: T) -> boolean", sign=signature.compares, run=order.gt, errors=_SHAPE,
         doc="True when a is more than b. T is a number, text, date, time, timestamp or duration.",
         example=("GT(3, 2)", "true")),
    _row(2, "GE", (2, 2), "(a: T, b: T) -> boolean", sign=signature.compares, run=order.ge, errors=_SHAPE,
         doc="True when a is b or more.", example=("GE(2, 2)", "true")),
    _row(3, "LT", (2, 2), "(a: T, b: T) -> boolean", sign=signature.compares, run=order.lt, errors=_SHAPE,
         doc="True when a is less than b.", example=('LT("apple", "pear")', "true")),
    _row(4, "LE", (2, 2), "(a: T, b: T) -> boolean", sign=signature.compares, run=order.le, errors=_SHAPE,
         doc="True when a is b or less.", example=("LE(3, 2)", "false")),
    _row(5, "EQ", (2, 2), "(a: T?, b: T?) -> boolean", sign=signature.equates, run=order.eq, nulls="tolerates",
         doc="True when both are equal, however deep; null equals only null.", example=("EQ(1, 1.0)", "true")),
    _row(6, "NE", (2, 2), "(a: T?, b: T?) -> boolean", sign=signature.equates, run=order.ne, nulls="tolerates",
         doc="True when they are not equal.", example=('NE("a", "b")', "true")),
    _row(7, "AND", (2, _MANY), "(boolean, ...) -> boolean", sign=signature.variadic(BOOLEAN, BOOLEAN), run=order.both,
         lazy=True, nulls="tolerates", errors=_SHAPE, doc="True when all are; stops at the first that is false.",
         example=("AND(true, GT(3, 2))", "true")),
    _row(8, "OR", (2, _MANY), "(boolean, ...) -> boolean", sign=signature.variadic(BOOLEAN, BOOLEAN), run=order.either,
         lazy=True, nulls="tolerates", errors=_SHAPE, doc="True when one is; stops at the first that is true.",
         example=("OR(false, GT(3, 2))", "true")),
    _row(9, "NOT", (1, 1), "(boolean) -> boolean", sign=signature.fixed(BOOLEAN, returns=BOOLEAN), run=order.negate,
         errors=_SHAPE, doc="The opposite.", example=("NOT(false)", "true")),
    _row(10, "IN", (2, 2), "(item: T?, list<T>?) -> boolean", sign=signature.includes, run=order.is_in,
         nulls="tolerates", errors=_SHAPE, doc="True when the list holds an equal item; nothing is in null.",
         example=('IN("a", ["a", "b"])', "true")),
    _row(11, "CONTAINS", (2, 2), "(text: string, part: string) or (list<T>, item: T) -> boolean",
         sign=signature.contains, run=order.contains, errors=_SHAPE,
         doc="True when the text holds the part, capitals minded, or the list an equal item.",
         example=('CONTAINS("budget 2026", "2026")', "true")),
    _row(12, "STARTS_WITH", (2, 2), "(string, string) -> boolean",
         sign=signature.fixed(STRING, STRING, returns=BOOLEAN), run=order.starts_with,
         doc="True when the text begins so.", example=('STARTS_WITH("Re: hi", "Re:")', "true")),
    _row(13, "ENDS_WITH", (2, 2), "(string, string) -> boolean",
         sign=signature.fixed(STRING, STRING, returns=BOOLEAN), run=order.ends_with,
         doc="True when the text ends so.", example=('ENDS_WITH("a.pdf", ".pdf")', "true")),
    _row(14, "MATCHES", (2, 2), "(text: string, pattern: string) -> boolean",
         sign=signature.fixed(STRING, STRING, returns=BOOLEAN), run=order.matches, errors=_EVALUATION,
         doc="True when the RE2 pattern occurs in the text; ^ and $ tie it to the ends. Linear time.",
         example=('MATCHES("A-17", "^[A-Z]-[0-9]+$")', "true")),
    _row(15, "IS_NULL", (1, 1), "(T?) -> boolean", sign=signature.anything(BOOLEAN), run=order.is_null,
         nulls="tolerates", doc="True for null.", example=("IS_NULL(null)", "true")),
    _row(16, "COALESCE", (2, _MANY), "(T?, ..., T) -> T", sign=signature.coalesces, run=order.first_known, lazy=True,
         nulls="tolerates", doc="The first that is not null; later ones are not computed.",
         example=('COALESCE(null, "none")', '"none"')),
    _row(17, "IF", (3, 3), "(boolean, then: T, else: T) -> T", sign=signature.chooses, run=order.choose, lazy=True,
         nulls="tolerates", errors=_SHAPE, doc="One of two values; only the chosen one is computed.",
         example=('IF(GT(3, 2), "more", "less")', '"more"')),
)  # fmt: skip

_COUNTING: Final = (
    _row(18, "ADD", (2, _MANY), "(number, ...) or (date or timestamp, duration) -> the same",
         sign=signature.adds_times, run=numbers.add, errors=("evaluation", "output_limit"),
         doc="The sum; units meet in the first one's.", example=("ADD(1, 2)", "3")),
    _row(19, "SUB", (2, 2), "(number, number) or (timestamp, timestamp or duration)", sign=signature.subtracts,
         run=numbers.subtract, errors=("evaluation", "output_limit"),
         doc="The difference; of two dates or timestamps, a duration.", example=("SUB(5, 2)", "3")),
    _row(20, "MUL", (2, _MANY), "(number, ...) -> number", sign=signature.multiplies, run=numbers.multiply,
         errors=("evaluation", "output_limit"), doc="The product; at most one factor has a unit.",
         example=("MUL(2, 3)", "6")),
    _row(21, "DIV", (2, 2), "(number, number) -> number", sign=signature.divides, run=numbers.divide,
         errors=_EVALUATION, doc="The quotient, a number; by zero is an error.", example=("DIV(7, 2)", "3.5")),
    _row(22, "MOD", (2, 2), "(number, number) -> number", sign=signature.remainder, run=numbers.modulo,
         errors=_EVALUATION, doc="The remainder, with the sign of the divisor.", example=("MOD(7, 3)", "1")),
    _row(23, "ROUND", (1, 2), "(number, places?: integer) -> integer or number", sign=signature.rounds,
         run=numbers.rounded, errors=_EVALUATION,
         doc="Half away from zero; whole without places (-15 to 15).", example=("ROUND(2.5)", "3")),
    _row(24, "ABS", (1, 1), "(number) -> number", sign=signature.keeps_number, run=numbers.absolute,
         doc="Without its sign.", example=("ABS(-3)", "3")),
    _row(25, "MIN", (1, _MANY), "(list<T>) -> T? or (T, T, ...) -> T", sign=signature.extreme, run=numbers.smallest,
         errors=_SHAPE, doc="The least; null for an empty list, nulls aside.", example=("MIN([3, 1, 2])", "1")),
    _row(26, "MAX", (1, _MANY), "(list<T>) -> T? or (T, T, ...) -> T", sign=signature.extreme, run=numbers.largest,
         errors=_SHAPE, doc="The greatest; null for an empty list, nulls aside.", example=("MAX(3, 1, 2)", "3")),
    _row(27, "SUM", (1, 3), "(list<number>) or (list<T>, item, number) -> number", sign=of_lists.totals,
         run=numbers.total, binder=True, errors=("type_mismatch", "evaluation"),
         doc="The sum, 0 for nothing, nulls aside.", example=("SUM([1, 2, 3])", "6")),
    _row(28, "AVG", (1, 3), "(list<number>) or (list<T>, item, number) -> number?", sign=of_lists.averages,
         run=numbers.average, binder=True, errors=("type_mismatch", "evaluation"),
         doc="The mean, null for nothing, nulls aside.", example=("AVG([1, 2])", "1.5")),
    _row(29, "COUNT", (1, 3), "(list<T>) or (list<T>, item, boolean) -> integer", sign=of_lists.counts,
         run=lists.count, binder=True, errors=_SHAPE, doc="How many items, or how many of them fit.",
         example=("COUNT([1, 5, 9], n, GT(n, 4))", "2")),
    _row(30, "LEN", (1, 1), "(string or list<T> or map<T> or bytes) -> integer", sign=of_lists.measures,
         run=lists.length, errors=_SHAPE, doc="Characters (code points), items, fields or bytes.",
         example=('LEN("four")', "4")),
)  # fmt: skip

_WRITING: Final = (
    _row(31, "UPPER", (1, 1), "(string) -> string", sign=signature.fixed(STRING, returns=STRING), run=text.upper,
         errors=_SIZE, doc="In capitals: every code point by itself, Unicode 14.", example=('UPPER("ab")', '"AB"')),
    _row(32, "LOWER", (1, 1), "(string) -> string", sign=signature.fixed(STRING, returns=STRING), run=text.lower,
         errors=_SIZE, doc="In small letters: every code point by itself, Unicode 14.",
         example=('LOWER("AB")', '"ab"')),
    _row(33, "TRIM", (1, 1), "(string) -> string", sign=signature.fixed(STRING, returns=STRING), run=text.trim,
         doc="Without white space (Unicode White_Space) at both ends.", example=('TRIM("  a ")', '"a"')),
    _row(34, "SPLIT", (2, 2), "(text: string, separator: string) -> list<string>",
         sign=signature.fixed(STRING, STRING, returns=of_lists.TEXTS), run=text.split,
         errors=("evaluation", "output_limit"), doc="The pieces between separators.",
         example=('SPLIT("a,b", ",")', '["a", "b"]')),
    _row(35, "JOIN", (1, 2), '(list<T>, separator: string = ", ") -> string', sign=of_lists.joins, run=text.join,
         errors=("type_mismatch", "output_limit"), doc="The items rendered, with a separator between; nulls aside.",
         example=('JOIN([1, 2], "-")', '"1-2"')),
    _row(36, "REPLACE", (3, 3), "(text: string, old: string, new: string) -> string",
         sign=signature.fixed(STRING, STRING, STRING, returns=STRING), run=text.replace,
         errors=("evaluation", "output_limit"), doc="Every occurrence of old by new.",
         example=('REPLACE("a-b", "-", "+")', '"a+b"')),
    _row(37, "SLICE", (2, 3), "(string or list<T>, start: integer, stop?: integer) -> the same",
         sign=of_lists.slices, run=lists.sliced, errors=_SHAPE,
         doc="From start up to, not including, stop; from 0, negative from the end.",
         example=('SLICE("weather", 0, 3)', '"wea"')),
    _row(38, "CONCAT", (1, _MANY), "(T, ...) -> string or (list<T>, ...) -> list<T>", sign=of_lists.concatenates,
         run=text.concatenate, nulls="tolerates", errors=("type_mismatch", "output_limit"),
         doc="Values rendered and joined, null as nothing; or lists joined.", example=('CONCAT("n", 1)', '"n1"')),
    _row(39, "FORMAT", (1, 1), "(T) -> string", sign=signature.renders, run=text.shown,
         nulls="tolerates", doc="A template, or any value, as text.", example=('FORMAT("{{x}}")', '"{x}"')),
)  # fmt: skip

_COLLECTING: Final = (
    _row(40, "MAP", (3, 3), "(list<T>, item, value: R) -> list<R>", sign=of_lists.maps, run=lists.mapped, binder=True,
         errors=_SHAPE, doc="The value for each item.", example=("MAP([1, 2], n, MUL(n, 2))", "[2, 4]")),
    _row(41, "FILTER", (3, 3), "(list<T>, item, boolean) -> list<T>", sign=of_lists.filters, run=lists.filtered,
         binder=True, errors=_SHAPE, doc="The items that fit.", example=("FILTER([1, 5], n, GT(n, 4))", "[5]")),
    _row(42, "SORT_BY", (3, 4), '(list<T>, item, key, "asc" or "desc" = "asc") -> list<T>', sign=of_lists.sorts,
         run=lists.sorted_by, binder=True, errors=("type_mismatch", "evaluation"),
         doc="Sorted by key; equal keys keep their order, null keys come last.",
         example=('SORT_BY([2, 3, 1], n, n, "desc")', "[3, 2, 1]")),
    _row(43, "UNIQUE", (1, 3), "(list<T>) or (list<T>, item, key) -> list<T>", sign=of_lists.uniques,
         run=lists.unique, binder=True, errors=("type_mismatch", "evaluation"),
         doc="The first of all equal items, or of all items with equal keys.",
         example=("UNIQUE([1, 2, 1])", "[1, 2]")),
    _row(44, "GROUP_BY", (3, 3), "(list<T>, item, key: K) -> list<object{key: K, items: list<T>}>",
         sign=of_lists.groups, run=lists.grouped, binder=True, errors=("type_mismatch", "evaluation"),
         doc="Items with equal keys together, in order of first appearance.",
         example=("COUNT(GROUP_BY([1, 2, 3], n, MOD(n, 2)))", "2")),
    _row(45, "FIRST", (1, 3), "(list<T>) or (list<T>, item, boolean) -> T?", sign=of_lists.ends, run=lists.first,
         binder=True, errors=_SHAPE, doc="The first item (that fits), or null.", example=("FIRST([7, 8])", "7")),
    _row(46, "LAST", (1, 3), "(list<T>) or (list<T>, item, boolean) -> T?", sign=of_lists.ends, run=lists.last,
         binder=True, errors=_SHAPE, doc="The last item (that fits), or null.", example=("LAST([7, 8])", "8")),
    _row(47, "TOP", (2, 4), "(list<T>, n: integer) or (list<T>, item, key, n: integer) -> list<T>",
         sign=of_lists.tops, run=lists.top, binder=True, errors=("type_mismatch", "evaluation"),
         doc="The first n items; with a key, the n with the largest.", example=("TOP([4, 9, 7], n, n, 2)", "[9, 7]")),
    _row(48, "KEYS", (1, 1), "(object or map<T>) -> list<string>", sign=of_lists.keys, run=lists.keys, errors=_SHAPE,
         doc="The names, in their order.", example=("KEYS({a: 1, b: 2})", '["a", "b"]')),
    _row(49, "VALUES", (1, 1), "(object or map<T>) -> list<T>", sign=of_lists.values, run=lists.values,
         errors=_SHAPE, doc="The values, in their order.", example=("VALUES({a: 1, b: 2})", "[1, 2]")),
    _row(50, "GET", (2, 3), "(map<T> or list<T> or json, key, default?: T) -> T?", sign=of_lists.gets, run=lists.get,
         nulls="tolerates", errors=_SHAPE, doc="By name or position (from 0, negative from the end); absent is null.",
         example=("GET([7, 8], 1)", "8")),
    _row(51, "MERGE", (2, _MANY), "(object, ...) -> object", sign=of_lists.merges, run=lists.merged, errors=_SHAPE,
         doc="The fields of all; later ones win.", example=("MERGE({a: 1}, {a: 2})", '{"a": 2}')),
)  # fmt: skip

_CONVERTING: Final = (
    _row(52, "PARSE_JSON", (1, 1), "(string) -> json", sign=signature.fixed(STRING, returns=JSON),
         run=lists.parse_json, errors=_EVALUATION, doc="JSON text as data; integers stay exact.",
         example=('PARSE_JSON("[1]")', "[1]")),
    _row(53, "TO_JSON", (1, 1), "(T?) -> string", sign=signature.anything(STRING), run=lists.to_json,
         nulls="tolerates", errors=("evaluation", "output_limit"), doc="Data as compact JSON text.",
         example=('TO_JSON({a: 1})', '"{\\"a\\":1}"')),
    _row(54, "TO_NUMBER", (1, 1), "(string) -> number", sign=signature.to_number, run=numbers.to_number,
         errors=("evaluation", "type_mismatch"), doc="Text that spells a number as JSON does.",
         example=('TO_NUMBER("2.5")', "2.5")),
    _row(55, "TO_STRING", (1, 1), "(T) -> string", sign=signature.renders, run=text.shown,
         nulls="tolerates", doc="Rendered as in a template; null is nothing.", example=("TO_STRING(2.50)", '"2.5"')),
)  # fmt: skip

_TIMING: Final = (
    _row(56, "NOW", (0, 0), "() -> timestamp", sign=signature.fixed(returns=TIMESTAMP), run=times.now, journaled=True,
         doc="The instant it is computed, in milliseconds; journaled.", example=("IS_NULL(NOW())", "false")),
    _row(57, "DATE_ADD", (2, 4), "(date or timestamp, duration) or (date or timestamp, n: integer, unit, zone?)",
         sign=signature.adds_date, run=times.date_add, zoned=True, errors=_EVALUATION,
         doc="Later (or earlier) by a duration, or by calendar units in the zone: seconds to years.",
         example=('FORMAT_DATE(DATE_ADD("2026-01-31T09:00:00Z", 1, "months"), "YYYY-MM-DD")', '"2026-02-28"')),
    _row(58, "DATE_DIFF", (2, 4), "(end, start) -> duration or (end, start, unit, zone?) -> integer",
         sign=signature.differs_date, run=times.date_diff, zoned=True, errors=_EVALUATION,
         doc="From start to end: a duration, or whole units towards zero.",
         example=('DATE_DIFF("2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z", "days")', "28")),
    _row(59, "FORMAT_DATE", (2, 3), "(date or time or timestamp, pattern: string, zone?: string) -> string",
         sign=signature.formats_date, run=times.format_date, zoned=True, errors=_EVALUATION,
         doc="By the letters YYYY YY MMMM MMM MM M DD D dddd ddd HH H hh h mm m ss s SSS A a Z ZZ z, words in []; "
             "names in English.",
         example=('FORMAT_DATE("2026-11-23T09:05:00Z", "ddd D MMM, HH:mm")', '"Mon 23 Nov, 09:05"')),
    _row(60, "UUID", (0, 0), "() -> string", sign=signature.fixed(returns=STRING), run=times.uuid, journaled=True,
         doc="A fresh identifier; journaled.", example=("IS_NULL(UUID())", "false")),
    _row(61, "HASH", (1, 2), '(string or bytes, algorithm: string = "sha256") -> string', sign=signature.hashes,
         run=text.digest, errors=_EVALUATION, doc="Lower-case hex of sha256, sha512, sha1 or md5 over UTF-8.",
         example=('SLICE(HASH("a"), 0, 8)', '"ca978112"')),
    _row(62, "BASE64", (1, 1), "(string or bytes) -> string", sign=signature.hashes, run=text.base64_text,
         errors=("evaluation", "output_limit"), doc="Base64 with padding, of UTF-8.",
         example=('BASE64("hi")', '"aGk="')),
    _row(63, "URL_ENCODE", (1, 1), "(string) -> string", sign=signature.fixed(STRING, returns=STRING),
         run=text.url_encode, errors=("evaluation", "output_limit"),
         doc="Everything but letters, digits and -._~ as percent triplets of UTF-8.",
         example=('URL_ENCODE("a b")', '"a%20b"')),
)  # fmt: skip

TABLE: Final[tuple[Function, ...]] = (*_COMPARING, *_COUNTING, *_WRITING, *_COLLECTING, *_CONVERTING, *_TIMING)
"""All functions, by number."""

FUNCTIONS: Final[dict[str, Function]] = {row.name: row for row in TABLE}
"""Rows by canonical name."""

BY_NUMBER: Final[dict[int, Function]] = {row.number: row for row in TABLE}
"""Rows by number."""

assert len(BY_NUMBER) == len(FUNCTIONS) == len(TABLE), "two rows share a name or number"


def binds(name: str, arguments: int) -> bool:
    """True when `name` with so many arguments is the form that names its item: `FILTER(deals, d, ...)`."""
    row = FUNCTIONS.get(name)
    return row is not None and row.binds(arguments)
