"""The two sides of a comparison: the field whose unit goes with an amount, and the value as LLM-IR writes it.

Knows: units of fields, literals, names. In: items, a subject, a scope. Out: a path, or text with what it used.
Never: a threshold nobody stated.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend import nouns
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.values_said import number_for, quote
from eyeflow.frontend.vocabulary import walk
from eyeflow.units import Unit, compatible, convert, lookup
from eyeflow.values import Field, Scalar, Type, is_numeric, non_null


def quantity(item: Item) -> bool:
    return item.kind in ("number", "quantity", "money", "percent")


def by_unit(of: Type, value: Item) -> tuple[tuple[str, ...], Field] | None:
    """The only field of `of` whose unit goes with the literal's; None when there is none or more than one."""
    if not quantity(value):
        return None
    held = []
    plain = []
    for path, field in walk(of):
        inner = non_null(field.type)
        if not (isinstance(inner, Scalar) and is_numeric(inner)):
            continue
        plain.append((path, field))
        same_unit = value.unit and inner.unit and (compatible(value.unit, inner.unit) or _degrees(value, inner))
        same_unit = same_unit or (value.unit == "degrees" and inner.unit is None and path[-1] in _WARMTH)
        if same_unit or (value.kind == "money" and field.entity == "money"):
            held.append((path, field))
    if not held and len(plain) == 1 and value.unit in (None, "percent"):
        # `above 70 %` of a thing that has one number, which the catalog gives no unit
        inner = non_null(plain[0][1].type)
        return plain[0] if isinstance(inner, Scalar) and inner.unit is None and value.unit else None
    if len(held) > 1 and value.kind != "money":
        # `above 30C` of a report with many temperatures is said of the one that is simply called that
        held = [(p, f) for p, f in held if p[-1] in ("temp", "temperature", "size", "duration", "age", "value")]
        return held[0] if len(held) == 1 else None
    return held[0] if held else None


_WARMTH = ("temp", "temperature")


def _degrees(value: Item, inner: Scalar) -> bool:
    """`35 degrees`, on the scale the service counts in."""
    return value.unit == "degrees" and inner.unit in ("celsius", "fahrenheit")


def value_text(
    said: Sequence[Item], subject: str, of: Type, scope: Scope, *, equality: bool = False
) -> tuple[str, Scope, set[int]] | None:
    """The right side of a comparison as LLM-IR: a literal in words, or another phrase over data."""
    first = said[0]
    inner = non_null(of)
    if first.kind in ("date", "time") and not any(
        c.isdigit() and len(w) == 4 for w in first.text.split() for c in w[:1]
    ):
        return None  # `4 hours ago`, `yesterday`: a moment that moves is no constant
    if quantity(first) and isinstance(first.value, int | float):
        return _number_text(first, subject, inner, scope)
    if first.is_literal and is_numeric(inner):
        return None  # no address or name is a number
    if first.is_literal:
        text = first.value if isinstance(first.value, str) else first.text
        return quote(text), scope, {first.index}
    other = nouns.sure(nouns.read(said, scope))
    run = _word_run(said)
    if other is not None and not run[0].proper and other.expr != subject and len(nouns.content(said)) > 1:
        return other.expr, other.scope, {i.index for i in said}
    if is_numeric(inner):
        return None
    text = scope.text[run[0].span.start : run[-1].span.end]
    return quote(text), scope, {i.index for i in run}


def _word_run(said: Sequence[Item]) -> list[Item]:
    run = [said[0]]
    for item in said[1:]:
        if not item.is_word or (item.lower in words("prepositions") and not run[-1].proper):
            break
        run.append(item)
    return run


def _unit_in_name(subject: str) -> Unit | None:
    """The unit that a field without one is called after: `wind_kph`, `size_mb`."""
    _, _, last = subject.rpartition(".")[2].rpartition("_")
    return lookup(last) if "_" in subject.rpartition(".")[2] else None


def _number_text(item: Item, subject: str, inner: Type, scope: Scope) -> tuple[str, Scope, set[int]] | None:
    value = item.value
    assert isinstance(value, int | float)
    used = {item.index}
    if isinstance(inner, Scalar) and is_numeric(inner):
        field = Field("value", Scalar("number", inner.unit))
        if item.unit == "degrees":
            scale = inner.unit if inner.unit in ("celsius", "fahrenheit") else "of the service's own scale"
            return str(value), scope.assume(subject, f"{value} {scale}", "the scale the service uses"), used
        if item.unit not in (None, "percent") and not inner.unit and item.kind == "quantity":
            named = _unit_in_name(subject)
            if named is None or not compatible(item.unit, named.name):
                return None
            return str(convert(value, item.unit, named.name)), scope, used
        if item.unit and inner.unit and number_for(field, value, item.unit) is None:
            return None
        if item.unit and inner.unit:
            return f"{value} {item.unit}", scope, used
        if item.unit is None and inner.unit:
            scope = scope.assume(subject, f"{value} {inner.unit}", "the unit the service uses")
        return str(value), scope, used
    if isinstance(inner, Scalar) and inner.name == "string":
        return quote(item.text), scope, used
    return str(value), scope, used
