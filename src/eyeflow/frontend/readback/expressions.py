"""Expressions said in English.

Knows: a phrase for every function of LLM-IR, how to speak of paths. In: an expression and what its roots are called.
Out: a noun phrase, or for conditions a clause. Never: evaluates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eyeflow.ir.expr import Bind, Call, Convert, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.values import Scalar, Type, is_numeric, non_null

Roots = Mapping[str, str]
"""What each root name is called: `trigger` -> `the payment`."""

CONDITIONS: Final[dict[str, tuple[str, str]]] = {
    # function: (as it holds, as it does not hold)
    "GT": ("{0} is more than {1}", "{0} is at most {1}"),
    "GE": ("{0} is at least {1}", "{0} is less than {1}"),
    "LT": ("{0} is less than {1}", "{0} is at least {1}"),
    "LE": ("{0} is at most {1}", "{0} is more than {1}"),
    "EQ": ("{0} is {1}", "{0} is not {1}"),
    "NE": ("{0} is not {1}", "{0} is {1}"),
    "IN": ("{0} is one of {1}", "{0} is none of {1}"),
    "CONTAINS": ("{0} contains {1}", "{0} does not contain {1}"),
    "STARTS_WITH": ("{0} starts with {1}", "{0} does not start with {1}"),
    "ENDS_WITH": ("{0} ends with {1}", "{0} does not end with {1}"),
    "MATCHES": ("{0} matches the pattern {1}", "{0} does not match the pattern {1}"),
    "IS_NULL": ("{0} is missing", "{0} is present"),
}

VALUES: Final[dict[str, str]] = {
    "ADD": "{0} plus {1}",
    "SUB": "{0} minus {1}",
    "MUL": "{0} times {1}",
    "DIV": "{0} divided by {1}",
    "MOD": "the remainder of {0} divided by {1}",
    "ROUND": "{0}, rounded",
    "ABS": "the size of {0}",
    "MIN": "the smallest of {*}",
    "MAX": "the largest of {*}",
    "SUM": "the sum of {0}",
    "AVG": "the average of {0}",
    "COUNT": "the number of {0}",
    "LEN": "the length of {0}",
    "UPPER": "{0} in capitals",
    "LOWER": "{0} in small letters",
    "TRIM": "{0} without surrounding space",
    "SPLIT": "{0} split at {1}",
    "JOIN": "{0} joined by {1}",
    "REPLACE": "{0} with {1} replaced by {2}",
    "SLICE": "{0} from {1} to {2}",
    "CONCAT": "{*} put together",
    "FORMAT": "{*} put together",
    "UNIQUE": "{0} without repeats",
    "FIRST": "the first of {0}",
    "LAST": "the last of {0}",
    "TOP": "the top {1} of {0}",
    "KEYS": "the names in {0}",
    "VALUES": "the values in {0}",
    "GET": "{1} of {0}",
    "MERGE": "{*} merged",
    "PARSE_JSON": "{0} read as JSON",
    "TO_JSON": "{0} as JSON",
    "TO_NUMBER": "{0} as a number",
    "TO_STRING": "{0} as text",
    "NOW": "the present time",
    "DATE_ADD": "{0} plus {1}",
    "DATE_DIFF": "the time from {1} to {0}",
    "FORMAT_DATE": "{0} written as {1}",
    "UUID": "a fresh identifier",
    "HASH": "the hash of {0}",
    "BASE64": "{0} in base64",
    "URL_ENCODE": "{0} encoded for a URL",
    "COALESCE": "{0}, or {1} when missing",
    "IF": "{1} if {0?}, else {2}",
}

BINDERS: Final[dict[str, str]] = {
    "FILTER": "those of {source} where {body?}",
    "MAP": "{body} of each of {source}",
    "SORT_BY": "{source} sorted by {body}",
    "GROUP_BY": "{source} grouped by {body}",
    "TOP": "the top of {source} by {body}",
    "SUM": "the sum of {body} over {source}",
    "AVG": "the average of {body} over {source}",
    "MIN": "the smallest {body} of {source}",
    "MAX": "the largest {body} of {source}",
    "COUNT": "the number of {source} where {body?}",
    "UNIQUE": "{source} without repeats of {body}",
}


def value(expr: Expr, roots: Roots) -> str:
    """`expr` as a noun phrase."""
    match expr:
        case Lit():
            return literal(expr)
        case Ref():
            return path(expr, roots)
        case Template(parts=parts):
            return template(parts, roots)
        case Call(name=name, args=args):
            if name in CONDITIONS or name in ("AND", "OR", "NOT"):
                return f"whether {condition(expr, roots)}"
            return _filled(VALUES.get(name, f"{name.casefold().replace('_', ' ')} of {{*}}"), args, roots)
        case Bind(name=name, source=source, item=item, body=body):
            inner = {**roots, item: "it"}
            said = BINDERS.get(name, f"{name.casefold().replace('_', ' ')} over {{source}}")
            said = said.replace("{source}", value(source, roots)).replace("{body?}", condition(body, inner))
            return said.replace("{body}", value(body, inner))
        case ListExpr(items=items):
            return ", ".join(value(i, roots) for i in items) or "nothing"
        case ObjectExpr(entries=entries):
            return ", ".join(f"{e.name}: {value(e.value, roots)}" for e in entries) or "nothing"
        case Convert(value=inner_expr):
            return value(inner_expr, roots)


def _filled(said: str, args: tuple[Expr, ...], roots: Roots) -> str:
    out = said.replace("{*}", ", ".join(value(a, roots) for a in args))
    for i, arg in enumerate(args):
        out = out.replace(f"{{{i}?}}", condition(arg, roots)).replace(f"{{{i}}}", value(arg, roots))
    return out


def condition(expr: Expr, roots: Roots, *, holds: bool = True) -> str:
    """`expr` as a clause that is true (or, with `holds` False, its opposite)."""
    match expr:
        case Convert(value=inner):
            return condition(inner, roots, holds=holds)
        case Call(name="NOT", args=(inner,)):
            return condition(inner, roots, holds=not holds)
        case Call(name="AND" | "OR" as name, args=args):
            word = {("AND", True): " and ", ("OR", True): " or ", ("AND", False): " or ", ("OR", False): " and "}
            return word[name, holds].join(condition(a, roots, holds=holds) for a in args)
        case Call(name=name, args=args) if name in CONDITIONS:
            return _filled(CONDITIONS[name][0 if holds else 1], args, roots)
        case Lit(value=True | False as truth):
            return "always" if truth is holds else "never"
        case _:
            return f"{value(expr, roots)} is {'true' if holds else 'not true'}"


def literal(lit: Lit) -> str:
    """A constant as a person writes it; money keeps its sign, text its quotes."""
    said = lit.value
    if said is None:
        return "nothing"
    if isinstance(said, bool):
        return "yes" if said else "no"
    if isinstance(said, str):
        return f"“{said}”"
    number = f"{said:,}" if isinstance(said, int) else f"{said:,.6f}".rstrip("0").rstrip(".")
    unit = lit.unit or _unit(lit.type)
    if unit in _SIGNS:
        return f"{_SIGNS[unit]}{number}"
    return f"{number}{_SHORT.get(unit, ' ' + unit) if unit else ''}"


_SIGNS: Final = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
_SHORT: Final = {"percent": "%", "celsius": "°C", "fahrenheit": "°F"}


def _unit(of: Type | None) -> str | None:
    if of is None or not is_numeric(non_null(of)):
        return None
    inner = non_null(of)
    return inner.unit if isinstance(inner, Scalar) else None


def path(ref: Ref, roots: Roots) -> str:
    """`trigger.customer.email` as `the payment's customer email`."""
    root = roots.get(ref.root, ref.root.replace("_", " "))
    steps = [str(s).replace("_", " ") if isinstance(s, str) else f"no. {s + 1}" for s in ref.path]
    if not steps:
        return root
    said = " ".join(steps)
    return f"my {said}" if root == "me" else f"its {said}" if root == "it" else f"{root}’s {said}"


def template(parts: tuple[str | Ref, ...], roots: Roots) -> str:
    """Text with places: the text in quotes, the places in square brackets; one place alone as itself."""
    if len(parts) == 1 and isinstance(parts[0], Ref):
        return path(parts[0], roots)
    said = "".join(p if isinstance(p, str) else f"[{path(p, roots)}]" for p in parts)
    return f"“{said}”"
