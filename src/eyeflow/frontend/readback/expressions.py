"""Expressions said in English.

Knows: how phrases are filled, how to speak of paths. In: an expression and what its roots are called.
Out: a noun phrase, or for conditions a clause. Never: evaluates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from eyeflow.frontend.readback.phrases import BINDERS, CONDITIONS, VALUES, Each, Phrase, places
from eyeflow.ir.expr import Bind, Call, Convert, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.values import Scalar, Type, is_numeric, non_null

Roots = Mapping[str, str]
"""What each root name is called: `trigger` -> `the payment`."""

_LOGIC: Final = ("AND", "OR")
_SUMS: Final = ("ADD", "SUB", "MUL", "DIV", "MOD")
_CHOSEN: Final = ("COALESCE", "IF")
"""Phrases with several values in them: inside a condition they stand in brackets."""
_LOOSE: Final = (*_SUMS, *_CHOSEN, "ROUND")
"""Phrases without an end of their own: inside a sum they stand in brackets."""


def value(expr: Expr, roots: Roots) -> str:
    """`expr` as a noun phrase."""
    match expr:
        case Lit():
            return literal(expr)
        case Ref():
            return path(expr, roots)
        case Template(parts=parts):
            return template(parts, roots)
        case Call(name="SLICE", args=(source, Lit(value=0), Lit(value=int(count), unit=None))) if count > 0:
            return f"the first {count:,} of {value(source, roots)}"
        case Call(name="DATE_ADD", args=(_, Lit(value=int()), _, *_) as args):
            return _moved(args, roots)
        case Call(name=name, args=args):
            if name in CONDITIONS or name in (*_LOGIC, "NOT"):
                return f"whether {condition(expr, roots)}"
            if name in ("CONCAT", "FORMAT") and any(_is_text(arg) for arg in args):
                return _quoted(args, roots)
            phrase = VALUES.get(name, (_worded(name), " of ", Each()))
            return _said(phrase, args, (roots,) * len(args), within=name)
        case Bind(name=name, source=source, item=item, body=body, rest=rest):
            inner = {**roots, item: f"the {item.replace('_', ' ')}" if "it" in roots.values() else "it"}
            phrase = BINDERS.get(name, (_worded(name), " of ", Each()))
            return _said(phrase, (source, body, *rest), (roots, inner, *(roots for _ in rest)))
        case ListExpr(items=items):
            return ", ".join(_inner(i, roots) for i in items) or "nothing"
        case ObjectExpr(entries=entries):
            return ", ".join(f"{e.name}: {_inner(e.value, roots)}" for e in entries) or "nothing"
        case Convert(value=inner_expr):
            return value(inner_expr, roots)


def _said(phrase: Phrase, args: tuple[Expr, ...], roots: tuple[Roots, ...], *, within: str = "") -> str:
    """`phrase` with its places taken by `args`, each spoken of with its own roots."""
    out: list[str] = []
    for part in places(phrase, len(args)):
        if isinstance(part, str):
            out.append(part)
            continue
        arg, called = args[part.index], roots[part.index]
        if part.clause:
            out.append(condition(arg, called))
        elif part.bare and (text := _text(arg)) is not None:
            out.append(dict(part.words).get(text, text))
        else:
            said = value(arg, called)
            open_ended = _LOOSE if within in _SUMS else _CHOSEN if within in CONDITIONS else ()
            loose = isinstance(plain := _plain(arg), Call) and plain.name in open_ended
            out.append(f"({said})" if loose else said)
    return "".join(out)


def _inner(expr: Expr, roots: Roots) -> str:
    """A part of a list or an object; one of several parts itself stands in brackets."""
    plain = _plain(expr)
    several = isinstance(plain, ObjectExpr) or (isinstance(plain, ListExpr) and len(plain.items) > 1)
    return f"({value(plain, roots)})" if several else value(expr, roots)


def _moved(args: tuple[Expr, ...], roots: Roots) -> str:
    """A date moved by so many calendar units: `plus 3 days`, `minus 1 month`."""
    count, unit = args[1], _text(args[2])
    assert isinstance(count, Lit) and isinstance(count.value, int), "matched so"
    many = abs(count.value)
    if many == 1 and unit is not None:
        args = (*args[:2], Lit(unit.removesuffix("s")), *args[3:])
    args = (args[0], msgspec.structs.replace(count, value=many), *args[2:])
    sign = " minus " if count.value < 0 else " plus "
    phrase = tuple(sign if part == " plus " else part for part in VALUES["DATE_ADD"])
    return _said(phrase, args, (roots,) * len(args))


def _worded(name: str) -> str:
    return name.casefold().replace("_", " ")


def _plain(expr: Expr) -> Expr:
    """The expression without what the checker put around it."""
    while isinstance(expr, Convert):
        expr = expr.value
    return expr


def _text(expr: Expr) -> str | None:
    """The text of a constant text, else None."""
    expr = _plain(expr)
    if isinstance(expr, Lit) and isinstance(expr.value, str):
        return expr.value
    if isinstance(expr, Template) and all(isinstance(part, str) for part in expr.parts):
        return "".join(str(part) for part in expr.parts)
    return None


def _is_text(expr: Expr) -> bool:
    expr = _plain(expr)
    return isinstance(expr, Template) or (isinstance(expr, Lit) and isinstance(expr.value, str))


def _quoted(args: tuple[Expr, ...], roots: Roots) -> str:
    """Texts and values that become one text: as a template is said."""
    out: list[tuple[str, bool]] = []
    for arg in args:
        held, text = _plain(arg), _text(arg)
        if text is not None:
            out.append((text, False))
        elif isinstance(held, Template):
            out += _pieces(held.parts, roots)
        else:
            out.append((value(held, roots), True))
    return _in_quotes(out)


def condition(expr: Expr, roots: Roots, *, holds: bool = True) -> str:
    """`expr` as a clause that is true (or, with `holds` False, its opposite)."""
    match expr:
        case Convert(value=inner):
            return condition(inner, roots, holds=holds)
        case Call(name="NOT", args=(inner,)):
            return condition(inner, roots, holds=not holds)
        case Call(name="AND" | "OR" as name, args=args):
            word = {("AND", True): " and ", ("OR", True): " or ", ("AND", False): " or ", ("OR", False): " and "}
            return word[name, holds].join(_grouped(a, roots, name, holds=holds) for a in args)
        case Call(name=name, args=args) if name in CONDITIONS:
            # what follows the second argument are units that the checker adds
            return _said(CONDITIONS[name][0 if holds else 1], args[:2], (roots, roots), within=name)
        case Lit(value=True | False as truth):
            return "always" if truth is holds else "never"
        case _:
            return f"{value(expr, roots)} is {'true' if holds else 'not true'}"


def _grouped(expr: Expr, roots: Roots, outer: str, *, holds: bool) -> str:
    """A part of a conjunction or disjunction; in brackets when it is itself the other of the two."""
    said = condition(expr, roots, holds=holds)
    inner, turned = _plain(expr), False
    while isinstance(inner, Call) and inner.name == "NOT":
        inner, turned = _plain(inner.args[0]), not turned
    if not (isinstance(inner, Call) and inner.name in _LOGIC):
        return said
    return said if (inner.name == outer) is not turned else f"({said})"


def literal(lit: Lit) -> str:
    """A constant as a person writes it; money keeps its sign, text its quotes."""
    said = lit.value
    if said is None:
        return "nothing"
    if isinstance(said, bool):
        return "yes" if said else "no"
    if isinstance(said, str):
        return quoted(said)
    number = f"{said:,}".removesuffix(".0")
    unit = lit.unit or _unit(lit.type)
    if unit in _SIGNS:
        return f"{_SIGNS[unit]}{number}"
    return f"{number}{_SHORT.get(unit) or ' ' + _unit_said(unit, number) if unit else ''}"


def _unit_said(unit: str, number: str) -> str:
    """`kilometers per hour`, and `day` of one."""
    said = unit.replace("_", " ")
    return said.removesuffix("s") if number == "1" and said in _TIMES else said


_SIGNS: Final = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
_TIMES: Final = ("seconds", "minutes", "hours", "days", "weeks", "months", "years")
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
    if root in ("me", "it"):
        return f"{'my' if root == 'me' else 'its'} {said}"
    plural = root.endswith("s") and not root.endswith("ss")
    return f"{root}’ {said}" if plural else f"{root}’s {said}"


def template(parts: tuple[str | Ref, ...], roots: Roots) -> str:
    """Text with places: the text in quotes, the places in square brackets; one place alone as itself."""
    if len(parts) == 1 and isinstance(parts[0], Ref):
        return path(parts[0], roots)
    return _in_quotes(_pieces(parts, roots))


def quoted(text: str) -> str:
    """A text as it stands, in quotes."""
    return _in_quotes([(text, False)])


def _pieces(parts: tuple[str | Ref, ...], roots: Roots) -> list[tuple[str, bool]]:
    """Each part, and whether it is a place."""
    return [(p, False) if isinstance(p, str) else (path(p, roots), True) for p in parts]


def _in_quotes(pieces: Iterable[tuple[str, bool]]) -> str:
    """In curly quotes; a text in which these, or what looks like a place, would mislead has straight ones, and a
    backslash before what is text and nothing else."""
    held = list(pieces)
    if not any(_MISLEADING.search(text) for text, is_place in held if not is_place):
        return f"“{''.join(f'[{text}]' if is_place else text for text, is_place in held)}”"
    return '"' + "".join(f"[{text}]" if is_place else _PLAIN.sub(r"\\\g<0>", text) for text, is_place in held) + '"'


_MISLEADING: Final = re.compile(r"[“”]|\[(?:the|my|its) ")
_PLAIN: Final = re.compile(r'[\\"\[]')
