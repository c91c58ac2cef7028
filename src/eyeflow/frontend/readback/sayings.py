"""Noun phrases and conditions of a read-back as LLM-IR: the way back of `expressions.py`, as far as it goes.

Knows: how paths, constants, texts with places and comparisons are written. In: words, what things in reach are called.
Out: expressions, parameters. Never: guesses: words of another form are `UnreadError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.readback.phrases import CONDITIONS, Arg
from eyeflow.frontend.values_said import element, escape
from eyeflow.values import (
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    Field,
    Json,
    ListOf,
    MapOf,
    ObjectOf,
    Type,
    is_numeric,
    non_null,
)

_PLACE: Final = re.compile(r"\[([^\[\]“”]+)\]")
_MARKED: Final = re.compile(r"\\.|\[([^\[\]]+)\]", re.DOTALL)
_LIKE_A_PLACE: Final = re.compile(r"(?:the|my|its) ")
_OPENS: Final = re.compile('[“"]')
_CLOSES: Final = re.compile("”")
_STRAIGHT: Final = re.compile(r'(?:[^\\"]|\\.)*"', re.DOTALL)
_SIGNS: Final = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
_SHORT: Final = {"%": "percent", "°C": "celsius", "°F": "fahrenheit"}
_NUMBER: Final = re.compile(
    r"(?P<sign>[$€£¥])?(?P<amount>-?\d[\d,]*(?:\.\d+)?)(?P<short>%|°C|°F)?(?: (?P<unit>[a-z_]+(?: [a-z]+)*))?"
)


class UnreadError(Exception):
    """A line of another form than read-backs have, or of more than is supported."""


class Named(msgspec.Struct, frozen=True, eq=False):
    """What a phrase stands for: an expression and its type."""

    expr: str
    type: Type


Names = Mapping[str, Named]


def names_of(said: str, names: Names) -> Named:
    """`the payment’s customer email`, `the number of the issues’ items`. Raises: UnreadError."""
    if said in names:
        return names[said]
    if said.startswith("the number of "):
        held = names_of(said.removeprefix("the number of "), names)
        if isinstance(non_null(held.type), ListOf):
            return Named(f"COUNT({held.expr})", INTEGER)
        raise UnreadError
    for called, thing in sorted(names.items(), key=lambda each: -len(each[0])):
        for ending in ("’s ", "’ "):
            if said.startswith(called + ending):
                return _field(thing, said[len(called) + len(ending) :])
    raise UnreadError


def _field(thing: Named, said: str) -> Named:
    """The field whose path is written so: `customer email` is `customer.email` or `customer_email`."""
    held = non_null(thing.type)
    if isinstance(held, Json | MapOf):
        return Named(f"{thing.expr}.{said.replace(' ', '_')}", JSON)
    if not isinstance(held, ObjectOf):
        raise UnreadError
    for field in sorted(held.fields, key=lambda each: -len(each.name)):
        spelled = field.name.replace("_", " ")
        if said == spelled:
            return Named(f"{thing.expr}.{field.name}", field.type)
        if said.startswith(spelled + " "):
            try:
                return _field(Named(f"{thing.expr}.{field.name}", field.type), said[len(spelled) + 1 :])
            except UnreadError:
                continue
    raise UnreadError


def quoted_text(said: str, names: Names) -> str:
    """`“Hello [the customer’s name]”` as a template. Raises: UnreadError."""
    if in_quotes(said) != [(0, len(said))]:
        raise UnreadError
    plain = said.startswith("“")
    out: list[str] = []
    at = 1
    for place in (_PLACE if plain else _MARKED).finditer(said, 1, len(said) - 1):
        if place[1] is None:
            out += [escape(said[at : place.start()]), escape(said[place.end() - 1])]
        else:
            out += [escape(said[at : place.start()]), _place(place[1], names, must=not plain)]
        at = place.end()
    return "".join([*out, escape(said[at:-1])])


def _place(said: str, names: Names, *, must: bool) -> str:
    try:
        return "{" + names_of(said, names).expr + "}"
    except UnreadError:
        if must or _LIKE_A_PLACE.match(said):
            raise
        return escape(f"[{said}]")  # brackets a person wrote


def in_quotes(said: str) -> list[tuple[int, int]]:
    """Where the quoted texts of a line are; one without an end goes to the end of the line."""
    found: list[tuple[int, int]] = []
    at = 0
    while (opened := _OPENS.search(said, at)) is not None:
        closed = (_CLOSES.search if opened[0] == "“" else _STRAIGHT.match)(said, opened.end())
        at = closed.end() if closed is not None else len(said) + 1
        found.append((opened.start(), at))
    return found


def value_of(said: str, names: Names) -> str:
    """A constant, or what something in reach holds, as an expression. Raises: UnreadError."""
    return _side(said, names)


_OVER: Final = re.compile(r"the (sum|average) of its ([\w ]+) over (.+)")
_TOTALS: Final = {"sum": "SUM", "average": "AVG"}


def worked_out(said: str, names: Names) -> Named:
    """`the number of the deals’ deals`, `the sum of its amount over ...`, either `divided by 100`.

    Raises: UnreadError.
    """
    whole, found, by = said.rpartition(" divided by ")
    if found and by.isdigit():
        return Named(f"DIV({worked_out(whole, names).expr}, {by})", NUMBER)
    over = _OVER.fullmatch(said)
    if over is None:
        return names_of(said, names)
    listed = names_of(over[3], names)
    held = non_null(listed.type)
    if not isinstance(held, ListOf):
        raise UnreadError
    body = _field(Named("each", held.item), over[2])
    return Named(f"{_TOTALS[over[1]]}({listed.expr}, each, {body.expr})", NUMBER)


# --- parameters ----------------------------------------------------------------------------------------------------


def params_of(said: str, fields: Sequence[Field], names: Names) -> dict[str, JsonValue]:
    """`channel “#a”, text the issue’s title` as parameters. Raises: UnreadError."""
    if not said:
        return {}
    spelled = {field.name.replace("_", " "): field for field in fields}
    ways = "|".join(re.escape(name) for name in sorted(spelled, key=len, reverse=True))
    cuts = [hit.start() for hit in re.finditer(rf"(?:^|, )(?:{ways}) ", said) if _outside(said, hit.start())]
    if not cuts or cuts[0] != 0:
        raise UnreadError
    out: dict[str, JsonValue] = {}
    for begin, end in zip(cuts, [*cuts[1:], len(said)], strict=True):
        piece = said[begin:end].removeprefix(", ")
        name = max((n for n in spelled if piece.startswith(n + " ")), key=len)
        field = spelled[name]
        if field.name in out:
            raise UnreadError
        out[field.name] = _value(piece[len(name) + 1 :], field, names)
    return out


def _outside(said: str, at: int) -> bool:
    return not any(start < at < end for start, end in in_quotes(said))


def _value(said: str, field: Field, names: Names) -> JsonValue:
    held = non_null(field.type)
    if isinstance(held, ListOf) and not _is_one_list(said, names):
        return [_single(each, element(field), names) for each in _split(said, ", ")]
    if isinstance(held, ObjectOf | MapOf) and ": " in said:
        pairs = [each.partition(": ") for each in _split(said, ", ")]
        return {name: _single(value, JSON, names) for name, _, value in pairs}
    return _single(said, held, names)


def _is_one_list(said: str, names: Names) -> bool:
    try:
        return isinstance(non_null(names_of(said, names).type), ListOf)
    except UnreadError:
        return False


def _single(said: str, of: Type, names: Names) -> JsonValue:
    if said.startswith(("“", '"')):
        return quoted_text(said, names)
    if of == BOOLEAN and said in ("yes", "no"):
        return said == "yes"
    number = _NUMBER.fullmatch(said)
    if number is not None and (is_numeric(of) or isinstance(of, Json)):
        amount = number["amount"].replace(",", "")
        return float(amount) if "." in amount else int(amount)
    return "{" + names_of(said, names).expr + "}"


def _split(said: str, between: str) -> list[str]:
    parts, start = [], 0
    for hit in re.finditer(re.escape(between), said):
        depth = said.count("(", 0, hit.start()) - said.count(")", 0, hit.start())
        if _outside(said, hit.start()) and depth == 0:
            parts.append(said[start : hit.start()])
            start = hit.end()
    return [*parts, said[start:]]


# --- conditions ----------------------------------------------------------------------------------------------------


def conditions_of(said: str, names: Names) -> str:
    """`the payment’s amount is more than $500 and ...` as an expression. Raises: UnreadError."""
    for word, name in ((" or ", "OR"), (" and ", "AND")):
        parts = _split(said, word)
        if len(parts) > 1:
            expr = conditions_of(parts[0], names)
            for part in parts[1:]:
                expr = f"{name}({expr}, {conditions_of(part, names)})"
            return expr
    if said.startswith("(") and said.endswith(")"):
        return conditions_of(said[1:-1], names)
    for words, form in _FORMS:
        left, found, right = said.partition(words)
        if not found:
            continue
        try:
            return form.format(a=names_of(left, names).expr, b=_side(right, names) if right else "")
        except UnreadError:
            continue
    raise UnreadError


def _side(said: str, names: Names) -> str:
    """The right side of a comparison."""
    if said.startswith(("“", '"')):
        return json.dumps(quoted_text(said, names), ensure_ascii=False)
    number = _NUMBER.fullmatch(said)
    if number is None:
        return names_of(said, names).expr
    amount = number["amount"].replace(",", "")
    unit = (
        _SIGNS.get(number["sign"] or "")
        or _SHORT.get(number["short"] or "")
        or (number["unit"] or "").replace(" ", "_")
    )
    return f"{amount} {unit}" if unit else amount


def _forms() -> list[tuple[str, str]]:
    """What stands between the sides of a comparison, and the expression it makes; the longest words first."""
    found = [(" is not true", "NOT({a})"), (" is true", "{a}")]
    for name, (holds, fails) in CONDITIONS.items():
        for phrase, form in ((holds, "{call}"), (fails, "NOT({call})")):
            between = "".join(part for part in phrase if isinstance(part, str))
            sides = sum(isinstance(part, Arg) for part in phrase)
            call = f"{name}({{a}}, {{b}})" if sides > 1 else f"{name}({{a}})"
            if name in ("IN", "MATCHES") or (name == "NE"):
                continue
            found.append((between, form.replace("{call}", call)))
    return sorted(found, key=lambda each: -len(each[0]))


_FORMS: Final = _forms()
