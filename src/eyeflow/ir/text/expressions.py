"""Expressions, templates, types and durations on their own, for catalogs, Intents and the front end.

Knows: the functional form. In: text outside any file. Out: nodes, and canonical text.
Never: evaluates, resolves, checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from eyeflow.diagnostics import Report
from eyeflow.errors import CompileError
from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.text import durations, grammar
from eyeflow.ir.text.findings import Findings, Refused, TooMany
from eyeflow.ir.text.lexer import MAX_CHARS, Lexer, Token
from eyeflow.ir.text.strings import escape, print_path, print_template, quote, read_template
from eyeflow.ir.text.strip import written
from eyeflow.ir.text.types import print_key
from eyeflow.values import Field, Span, Type

T = TypeVar("T")


def parse_expression(source: str, name: str = "<expression>") -> tuple[Expr | None, Report]:
    """The expression `source` spells, over as many lines as it likes; functional or infix."""
    found, report = _read(source, name, "expression", "an expression is wanted")
    return cast("Expr | None", found), report


def parse_template(source: str, name: str = "<template>") -> Template:
    """The template that raw text (not quoted, no backslash escapes) spells: `Hi {customer.name}`.

    Raises: CompileError `bad_template` with the report.
    """

    def read() -> Template:
        return read_template(source, Span(0, len(source)), exact=True)

    return _or_raise(source, name, read)


def parse_type(source: str, name: str = "<type>") -> Type:
    """The type `source` spells. Raises: CompileError with the report."""
    found, report = _read(source, name, "whole_type", "write a type, for example list<string>")
    if found is None:
        raise _error(report)
    return cast(Type, found)


def parse_fields(source: str, name: str = "<fields>") -> tuple[Field, ...]:
    """The fields of `{a: T, b?: T}`. Raises: CompileError with the report."""
    found, report = _read(source, name, "shape", "write {name: type}")
    if found is None:
        raise _error(report)
    return cast(tuple[Field, ...], found)


def parse_duration(source: str, name: str = "<duration>") -> int:
    """The milliseconds of `250ms`, `30s`, `5m`, `1h`, `7d`, `10 minutes`. Raises: CompileError with the report."""
    return _or_raise(source, name, lambda: durations.read_duration(source))


def _or_raise(source: str, name: str, read: Callable[[], T]) -> T:
    findings = Findings(source, name)
    if len(source) > MAX_CHARS:
        findings.add("source_too_large", f"longer than {MAX_CHARS:,} characters", Span(0, 0), "shorten it")
        raise _error(findings.report)
    try:
        return read()
    except Refused as refused:
        findings.take(refused)
        raise _error(findings.report) from None


def _error(report: Report) -> CompileError:
    first = report.errors[0]
    return CompileError(first.code, first.message, report, hint=first.hint)


def _read(source: str, name: str, start: str, usage: str) -> tuple[object, Report]:
    findings = Findings(source, name)
    if len(source) > MAX_CHARS:
        findings.add("source_too_large", f"longer than {MAX_CHARS:,} characters", Span(0, 0), "shorten it")
        return None, findings.report
    try:
        tokens = _tokens(source, findings)
        found = grammar.read(tokens, start, len(source), usage) if not findings.found else None
    except TooMany:
        found = None
    except Refused as refused:
        findings.take(refused)
        found = None
    return found, findings.report


def _tokens(source: str, findings: Findings) -> list[Token]:
    """All tokens, whatever lines they stand on. No word starts a line here, so none closes a bracket."""
    lexer = Lexer(findings, whole=False)
    return [token for line in lexer.lines() for token in line.tokens]


def print_expression(expr: Expr) -> str:
    """The canonical, functional spelling on one line; `Convert` nodes are not spelled."""
    match expr:
        case Lit():
            return _literal(expr)
        case Ref():
            return print_path(expr)
        case Template():
            return quote(print_template(expr))
        case Call(name, args):
            return f"{name}({', '.join(map(print_expression, written(name, args)))})"
        case Bind():
            parts = (expr.source, Ref(expr.item), expr.body, *expr.rest)
            return f"{expr.name}({', '.join(map(print_expression, parts))})"
        case ListExpr(items):
            return f"[{', '.join(map(print_expression, items))}]"
        case ObjectExpr(entries):
            return print_entries(entries)
        case Convert(value):
            return print_expression(value)


def print_entries(entries: tuple[Entry, ...]) -> str:
    """`{a: x, b: y}` on one line."""
    if not entries:
        return "{}"
    return "{" + ", ".join(f"{print_key(e.name)}: {print_expression(e.value)}" for e in entries) + "}"


def _literal(lit: Lit) -> str:
    value = lit.value
    if isinstance(value, str):
        return quote(escape(value))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) + (f" {lit.unit}" if lit.unit else "")
