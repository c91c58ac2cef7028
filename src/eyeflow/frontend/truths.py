"""Conditions that compare nothing: a field that is true, present, above 0, or one of its values.

Knows: yes/no fields and enumerated ones. In: items, a scope, what it is about. Out: `Atom`.
Never: takes a word for a value that no field lists.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend import comparisons, fields, nouns, slots
from eyeflow.frontend.fetching import fetch
from eyeflow.frontend.items import Item
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.slots.filling import is_plural
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import split_name, walk
from eyeflow.values import BOOLEAN, STRING, Field, ListOf, Span, Type, is_numeric, non_null


class Atom(msgspec.Struct, frozen=True, eq=False):
    expr: str
    scope: Scope
    subject: tuple[str, Type] | None
    op: str
    unexplained: tuple[int, ...] = ()


def yes_no(items: Sequence[Item], scope: Scope, about: Source | None, *, negated: bool) -> Atom | None:
    """`it isn't a draft`, `is raining`, `has no approvals`: a field that is true, present, or above 0."""
    said = nouns.content(items)
    if not said:
        return None
    stems = [i.stem for i in said if i.is_word]
    best: tuple[float, str, Field, set[int], Item | None] | None = None
    for source in [*([about] if about else []), *reversed(scope.sources)]:
        mention = [k for k, i in enumerate(said) if i.is_word and i.stem in source.nouns]
        for hit in fields.find(stems, source.type)[:4]:
            own = {said[k].index for k in hit.used}
            value = _member(items, hit.field, own)
            used = own | {said[k].index for k in mention} | ({value.index} if value is not None else set())
            score = hit.score - 0.8 * sum(1 for i in said if i.index not in used)
            score += 0.3 if _boolean(hit.field) else 0.0
            if best is None or score > best[0] + 1e-9:
                best = (score, ".".join((source.root, *hit.path)), hit.field, used, value)
    if best is None or best[0] < 0.6:
        fetched = _outside(items, scope, negated=negated) or _yes_no_read(items, scope, negated=negated)
        if fetched is not None:
            return fetched
        enum = _enum_value(said, scope, about)
        if enum is None:
            return None
        return Atom(comparisons.negate(enum[0]) if negated else enum[0], scope.explain(enum[1]), None, "",
                     tuple(i.index for i in said if i.index not in enum[1]))  # fmt: skip
    _, expr, field, used, value = best
    if value is not None:
        left = tuple(i.index for i in said if i.index not in used)
        listed = isinstance(non_null(field.type), ListOf)
        text = f"{'CONTAINS' if listed else 'EQ'}({expr}, {quote(value.text)})"
        text = comparisons.negate(text) if negated else text
        return Atom(text, scope.explain(used), (expr, field.type), "", left)
    return _truth(expr, field, scope, said, used, negated=negated)


def _member(items: Sequence[Item], field: Field, own: set[int]) -> Item | None:
    """`with the label urgent`, `with the stage lead`: what stands right behind the name of a text is what it is, even
    when the thing at hand could be called so (`label bug`)."""
    of = non_null(field.type)
    if of != STRING and not (isinstance(of, ListOf) and non_null(of.item) == STRING):
        return None
    if of == STRING and not (items[0].lower in ("with", "having") and field.role is None and not field.entity):
        return None
    at = max((k for k, item in enumerate(items) if item.index in own), default=-1)
    if at < 0 or at + 1 >= len(items) or is_plural(items[at].lower):
        return None
    behind = items[at + 1]
    return behind if behind.is_word and not behind.is_stop else None


def _truth(expr: str, field: Field, scope: Scope, said: Sequence[Item], used: set[int], *, negated: bool) -> Atom:
    inner = non_null(field.type)
    if _boolean(field):
        text = expr
    elif is_numeric(inner):
        text = f"GT({expr}, 0)"
    elif isinstance(inner, ListOf):
        text = f"GT(COUNT({expr}), 0)"
    else:
        text = f'NE(COALESCE({expr}, ""), "")' if inner == STRING else f"NOT(IS_NULL({expr}))"
    left = tuple(i.index for i in said if i.index not in used)
    return Atom(comparisons.negate(text) if negated else text, scope.explain(used), (expr, field.type), "", left)


def _boolean(field: Field) -> bool:
    return non_null(field.type) == BOOLEAN


def _yes_no_read(items: Sequence[Item], scope: Scope, *, negated: bool) -> Atom | None:
    best = nouns.sure(nouns.read(items, scope))
    if best is None or best.source is None:
        return None
    field = next((f for _, f in walk(best.source.type) if best.expr.endswith("." + f.name)), None)
    if field is None:
        return None
    if not _boolean(field) and not is_numeric(non_null(field.type)) and not isinstance(non_null(field.type), ListOf):
        return None
    return _truth(best.expr, field, best.scope, nouns.content(items), {i.index for i in items}, negated=negated)


_NOBODY = ("it", "it's", "its")


def _outside(items: Sequence[Item], scope: Scope, *, negated: bool) -> Atom | None:
    """`it is raining in Lima`: the yes/no field of that name, of whatever can be read that has it."""
    said = nouns.content(items)
    if not said or (items[0].lower not in _NOBODY and items[0] is not said[0]):
        return None
    for entry in scope.vocab.entries:
        if not entry.reads:
            continue
        for path, field in walk(entry.result):
            word = next((i for i in said if i.is_word and i.stem in split_name(field.name)), None)
            if word is None or word is not said[0] or len(path) != 1 or not _boolean(field):
                continue
            filled = slots.fill(entry, items, scope)
            if any(i is not word and i.index not in filled.used for i in said):
                continue
            complete = slots.complete(entry, filled, scope, sources=False)
            span = Span(items[0].span.start, items[-1].span.end)
            expr, _, made, _ = fetch(entry, complete, scope, span)
            return _truth(f"{expr}.{path[0]}", field, made, said, {i.index for i in items}, negated=negated)
    return None


def _enum_value(said: Sequence[Item], scope: Scope, about: Source | None) -> tuple[str, set[int]] | None:
    """`is urgent`, `got closed`: a value of an enumerated field of the thing at hand."""
    for source in [*([about] if about else []), *reversed(scope.sources)]:
        for path, field in walk(source.type):
            for value in field.enum:
                for item in said:
                    if item.lower == value.casefold():
                        near = {i.index for i in said if i.stem in source.nouns or i.stem in path[-1]}
                        return f"EQ({'.'.join((source.root, *path))}, {quote(value)})", {item.index} | near
    return None
