"""Conditions and constants in plain words, on the terms of the text: paths as they are written.

Knows: a phrase for every test. In: typed conditions. Out: clauses (`trigger.amount is above 100`). Never: judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from eyeflow.ir.check.tree import bare
from eyeflow.ir.expr import Call, Convert, Expr, ListExpr, Lit, Template
from eyeflow.ir.render import duration_text, moment_text
from eyeflow.ir.text import print_expression
from eyeflow.verify.terms import Encoded, Symbol

_TESTS: Final[dict[str, tuple[str, str]]] = {
    # function: (as it holds, as it does not hold), after its subject
    "GT": ("is above {0}", "is at most {0}"),
    "GE": ("is at least {0}", "is below {0}"),
    "LT": ("is below {0}", "is at least {0}"),
    "LE": ("is at most {0}", "is above {0}"),
    "EQ": ("is {0}", "is not {0}"),
    "NE": ("is not {0}", "is {0}"),
    "IN": ("is one of {0}", "is none of {0}"),
    "CONTAINS": ("contains {0}", "does not contain {0}"),
    "STARTS_WITH": ("starts with {0}", "does not start with {0}"),
    "ENDS_WITH": ("ends with {0}", "does not end with {0}"),
    "MATCHES": ("matches {0}", "does not match {0}"),
    "IS_NULL": ("is missing", "is present"),
}
_MIRRORED: Final = {"GT": "LT", "LT": "GT", "GE": "LE", "LE": "GE", "EQ": "EQ", "NE": "NE"}
_LONGEST: Final = 120


def clause(expr: Expr, *, holds: bool = True) -> str:
    """`expr`, or its opposite, as a clause."""
    match expr:
        case Convert(value=inner):
            return clause(inner, holds=holds)
        case Call(name="NOT", args=(inner,)):
            return clause(inner, holds=not holds)
        case Call(name="AND" | "OR" as name, args=args):
            word = " and " if (name == "AND") is holds else " or "
            return word.join(_grouped(arg, name, holds) for arg in args)
        case Lit(value=bool(value)):
            return "always" if value is holds else "never"
    told = test(expr, holds=holds)
    if told is not None:
        return f"{told[0]} {told[1]}"
    return f"{said(expr)} is {'true' if holds else 'false'}"


def _grouped(arg: Expr, outer: str, holds: bool) -> str:
    inner = arg.value if isinstance(arg, Convert) else arg
    mixed = isinstance(inner, Call) and inner.name in ("AND", "OR") and inner.name != outer
    return f"({clause(arg, holds=holds)})" if mixed else clause(arg, holds=holds)


def test(expr: Expr, *, holds: bool = True) -> tuple[str, str] | None:
    """Subject and predicate of a single test (`trigger.amount`, `is above 100`), or None."""
    match expr:
        case Convert(value=inner):
            return test(inner, holds=holds)
        case Call(name="NOT", args=(inner,)):
            return test(inner, holds=not holds)
        case Call(name=name, args=args) if name in _TESTS:
            subject, rest = args[0], args[1:2]
            if name in _MIRRORED and _constant(subject) and not _constant(args[1]):
                name, subject, rest = _MIRRORED[name], args[1], (subject,)
            other = said(rest[0]) if rest else ""
            if name in ("EQ", "NE") and other == "null":
                other = "missing"
            return said(subject), _TESTS[name][0 if holds else 1].format(other)
    return None


def _constant(expr: Expr) -> bool:
    while isinstance(expr, Convert):
        expr = expr.value
    return isinstance(expr, Lit) or (isinstance(expr, Template) and all(isinstance(p, str) for p in expr.parts))


def said(expr: Expr) -> str:
    """An expression as the text writes it, units in words, cut when long."""
    while isinstance(expr, Convert):
        expr = expr.value
    if isinstance(expr, Lit) and expr.unit is not None:
        return f"{print_expression(Lit(expr.value))} {expr.unit}"
    if isinstance(expr, ListExpr):
        return short(", ".join(said(item) for item in expr.items))
    plain = bare(expr)
    return short(print_expression(plain))


def short(text: str) -> str:
    """At most so many characters."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def never_both(tests: Sequence[Expr]) -> str:
    """Why `tests` exclude each other: `no trigger.amount is both above 75 and below 50`."""
    told = [test(each) for each in tests]
    plain = [each for each in told if each is not None]
    if len(plain) == len(tests) > 1 and len({subject for subject, _ in plain}) == 1:
        predicates = list(dict.fromkeys(predicate for _, predicate in plain))
        shared = all(each.startswith("is ") for each in predicates)
        shown = [each.removeprefix("is ") for each in predicates] if shared else predicates
        if len(shown) == 2:
            return f"no {plain[0][0]} {'is ' if shared else ''}both {shown[0]} and {shown[1]}"
        if len(shown) > 2:
            return f"no {plain[0][0]} {'is ' if shared else ''}{', '.join(shown[:-1])} and {shown[-1]} at once"
    if len(tests) == 1:
        return f"it is impossible that {clause(tests[0])}"
    return " and ".join(f"“{clause(each)}”" for each in tests) + " can never hold together"


def decimal(number: Fraction) -> str:
    """A number in full when it is short as a decimal, else rounded to six places."""
    if number.denominator == 1:
        return str(number.numerator)
    text = f"{float(number):.6f}".rstrip("0").rstrip(".")
    return text if Fraction(text) == number else f"about {text}"


def quantity(symbol: Symbol, number: Fraction, zone: str, *, units: bool) -> str:
    """A value of `symbol`; with its unit when the text uses units."""
    if symbol.kind == "moment":
        return _moment(symbol.scalar, int(number), zone)
    return decimal(number) + (f" {symbol.unit}" if units and symbol.unit is not None else "")


def _moment(scalar: str, number: int, zone: str) -> str:
    try:
        match scalar:
            case "date":
                return date.fromordinal(number).isoformat()
            case "time":
                return moment_text((datetime.min + timedelta(microseconds=number)).time(), ZoneInfo(zone))
            case "timestamp":
                at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)
                return moment_text(at, ZoneInfo(zone))
            case _:
                return duration_text(timedelta(microseconds=number)) or "0 seconds"
    except (OverflowError, ValueError):
        return "beyond the calendar"


def with_units(*conditions: Encoded) -> bool:
    """True when the text of one of the conditions names a unit."""
    return any(each.measured for each in conditions)
