"""Conditions in words become boolean expressions.

Knows: and/or lists, comparisons, ranges, yes/no fields, elliptical subjects (`over $500`, `from 101 to 200`).
In: items of the condition, a scope, and what it is about when that is not said. Out: `Condition`.
Never: decides a threshold nobody stated: a vague word is a question.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend import comparisons, fields, nouns
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.values_said import number_for, quote
from eyeflow.frontend.vocabulary import walk
from eyeflow.units import compatible
from eyeflow.values import BOOLEAN, INTEGER, STRING, Field, ListOf, ObjectOf, Scalar, Type, is_numeric, non_null

_RANGE_JOINS = ("and", "to", "-", "–", "until", "up")


class Condition(msgspec.Struct, frozen=True, eq=False):
    """`expr` in LLM-IR; `subject` is what it was about (an expression and its type), for the next elliptical one.
    `unexplained` are item indexes of content words that play no part."""

    expr: str
    scope: Scope
    subject: tuple[str, Type] | None
    unexplained: tuple[int, ...] = ()


def read(
    items: Sequence[Item],
    scope: Scope,
    about: Source | None = None,
    subject: tuple[str, Type] | None = None,
) -> Condition | None:
    """The condition that `items` state, or None when no part of it can be read."""
    parts, joins = _split(items)
    found: list[str] = []
    left: list[int] = []
    current = subject
    last_op = ""
    for part in parts:
        atom = _atom(part, scope, about, current, last_op)
        if atom is None:
            return None
        scope, current, last_op = atom.scope, atom.subject, atom.op
        found.append(atom.expr)
        left += atom.unexplained
    if not found:
        return None
    expr = found[0]
    for join, nxt in zip(joins, found[1:], strict=False):
        expr = f"{join}({expr}, {nxt})"
    return Condition(expr, scope, current, tuple(left))


class _Atom(msgspec.Struct, frozen=True, eq=False):
    expr: str
    scope: Scope
    subject: tuple[str, Type] | None
    op: str
    unexplained: tuple[int, ...] = ()


def _split(items: Sequence[Item]) -> tuple[list[list[Item]], list[str]]:
    """Parts between `and` / `or` (not inside a range), and the operators between them."""
    parts: list[list[Item]] = [[]]
    joins: list[str] = []
    in_range = False
    for k, item in enumerate(items):
        if item.lower in ("between", "from") and k + 1 < len(items) and items[k + 1].kind != "word":
            in_range = True
        if item.lower in ("and", "or") and not in_range and parts[-1]:
            joins.append(item.lower.upper())
            parts.append([])
            continue
        if item.lower in _RANGE_JOINS:
            in_range = False
        if item.kind == "punct" and item.text == ",":
            continue
        parts[-1].append(item)
    if not parts[-1]:
        parts.pop()
    return parts, joins


def _atom(
    items: Sequence[Item], scope: Scope, about: Source | None, subject: tuple[str, Type] | None, last_op: str
) -> _Atom | None:
    lowered = [i.lower for i in items]
    sender = _sent_by(items, scope, about)
    if sender is not None:
        return sender
    hit = comparisons.find(lowered)
    if hit is None:
        if subject is not None and last_op and _is_value(items):
            return _compare(subject, last_op, items, scope)
        return _yes_no(items, scope, about, negated=False)
    before, after = list(items[: hit.start]), list(items[hit.end :])
    if hit.op in ("GT", "GE", "LT", "LE") and not nouns.content(before):
        counted = _counted(hit.op, after, scope)
        if counted is not None:
            return counted
    if hit.op == "BETWEEN":
        return _between(before, after, scope, about, subject)
    if hit.weak and not any(i.is_literal for i in after):
        atom = _yes_no([*before, *after], scope, about, negated=hit.op in ("EMPTY", "NE"))
        plain = hit.op in ("EMPTY", "PRESENT") or not _is_value(after)
        if atom is not None and not atom.unexplained and (plain or atom.subject is None or _truthy(atom.subject[1])):
            return atom
    found = _subject(before, after, scope, about, subject)
    if found is None:
        return None
    expr, of, scope, left = found
    atom = _compare((expr, of), hit.op, after, scope)
    if atom is None:
        return None
    if any(i.kind == "quantity" and i.unit and compatible(i.unit, "days") for i in after):
        # `no activity for more than 14 days` is said of the time since, which the field already counts
        silent = {i.index for i in before if i.lower in words("negations")}
        left = tuple(i for i in left if i not in silent)
        atom = msgspec.structs.replace(atom, scope=atom.scope.explain(silent))
    return msgspec.structs.replace(atom, unexplained=(*left, *atom.unexplained))


_SENT_BY = {"email": "email", "person": "person", "phone": "phone"}


def _sent_by(items: Sequence[Item], scope: Scope, about: Source | None) -> _Atom | None:
    """`it is from @bot`, `was posted by ops@x.org`: who did it, by the one field of that kind."""
    literal = items[-1] if items else None
    cue = items[-2].lower if len(items) > 1 else ""
    if literal is None or cue not in ("from", "by") or literal.kind not in _SENT_BY:
        return None
    for source in [*([about] if about else []), *reversed(scope.sources)]:
        held = [(p, f) for p, f in walk(source.type) if f.entity == _SENT_BY[literal.kind]]
        if len(held) == 1:
            text = literal.value if isinstance(literal.value, str) else literal.text
            expr = ".".join((source.root, *held[0][0]))
            op = "NE" if any(i.lower in words("negations") for i in items) else "EQ"
            done = scope.explain({i.index for i in items})
            return _Atom(f"{op}({expr}, {quote(text)})", done, (expr, held[0][1].type), op)
    return None


def _counted(op: str, after: Sequence[Item], scope: Scope) -> _Atom | None:
    """`there are more than 20 open tickets`: the number of what is named after the amount."""
    amount = next((i for i in after if i.kind == "number"), None)
    if amount is None or amount is not next((i for i in after if not i.is_stop), None):
        return None
    rest = after[list(after).index(amount) + 1 :]
    reading = nouns.sure(nouns.read(rest, scope)) if nouns.content(rest) else None
    if reading is None or not isinstance(non_null(reading.type), ListOf):
        return None
    expr = f"COUNT({reading.expr})"
    done = reading.scope.explain({i.index for i in after})
    return _Atom(f"{op}({expr}, {amount.value})", done, (expr, INTEGER), op)


def _truthy(of: Type) -> bool:
    return non_null(of) == BOOLEAN


def _is_value(items: Sequence[Item]) -> bool:
    held = [i for i in items if not i.is_stop and i.kind != "punct"]
    return bool(held) and (held[0].is_literal or len(held) <= 2) and not any(i.kind == "time" for i in held)


def _subject(
    before: Sequence[Item], after: Sequence[Item], scope: Scope, about: Source | None, subject: tuple[str, Type] | None
) -> tuple[str, Type, Scope, tuple[int, ...]] | None:
    """What is compared: the words before, else the thing at hand whose field has the value's unit."""
    value = next((i for i in after if i.is_literal), None)
    said = nouns.content(before)
    pronoun_only = not said
    if not pronoun_only:
        inner = scope if about is None else scope.see(about)
        own = nouns.from_source(before, about, inner) if about is not None else None
        best = own or next(iter(nouns.read(before, inner)), None)
        if best is not None:
            numeric = _numeric_of(best, value)
            kept = best.scope if about is None else _without(best.scope, about)
            if numeric is not None:
                return numeric[0], numeric[1], kept, best.unexplained
            if value is None or not _quantity(value) or is_numeric(non_null(best.type)):
                return best.expr, best.type, kept, best.unexplained
    if pronoun_only and subject is not None and (value is None or _suits(subject[1], value)):
        return subject[0], subject[1], scope, ()
    if value is not None:
        for source in [*([about] if about else []), *reversed(scope.sources)]:
            path = by_unit(source.type, value)
            if path is not None:
                return ".".join((source.root, *path[0])), path[1].type, scope, tuple(i.index for i in said)
    return None


def _without(scope: Scope, about: Source) -> Scope:
    return scope.put(sources=tuple(s for s in scope.sources if s is not about))


def _quantity(item: Item) -> bool:
    return item.kind in ("number", "quantity", "money", "percent")


def _numeric_of(reading: nouns.Reading, value: Item | None) -> tuple[str, Type] | None:
    """A thing mentioned whole and compared with an amount means its only field of that unit."""
    if value is None or not _quantity(value) or not isinstance(non_null(reading.type), ObjectOf):
        return None
    path = by_unit(reading.type, value)
    return (".".join((reading.expr, *path[0])), path[1].type) if path else None


def _suits(of: Type, value: Item) -> bool:
    return not _quantity(value) or is_numeric(non_null(of))


def by_unit(of: Type, value: Item) -> tuple[tuple[str, ...], Field] | None:
    """The only field of `of` whose unit goes with the literal's; None when there is none or more than one."""
    if not _quantity(value):
        return None
    held = []
    for path, field in walk(of):
        inner = non_null(field.type)
        if not (isinstance(inner, Scalar) and is_numeric(inner)):
            continue
        same_unit = value.unit and inner.unit and compatible(value.unit, inner.unit)
        if same_unit or (value.kind == "money" and field.entity == "money"):
            held.append((path, field))
    if len(held) > 1 and value.kind != "money":
        # `above 30C` of a report with many temperatures is said of the one that is simply called that
        held = [(p, f) for p, f in held if p[-1] in ("temp", "temperature", "size", "duration", "age", "value")]
        return held[0] if len(held) == 1 else None
    return held[0] if held else None


def _compare(subject: tuple[str, Type], op: str, after: Sequence[Item], scope: Scope) -> _Atom | None:
    said = [i for i in after if i.kind != "punct" and not (i.is_stop and not i.is_literal)] or list(after)
    if not said:
        return None
    expr, of = subject
    if isinstance(non_null(of), ObjectOf):
        return None
    made = value_text(said, expr, of, scope, equality=op in ("EQ", "NE"))
    if made is None:
        return None
    text, scope, used = made
    if op in ("EQ", "NE") and isinstance(non_null(of), ListOf):
        op = "CONTAINS" if op == "EQ" else "NOT_CONTAINS"
    out = f"NOT({op[4:]}({expr}, {text}))" if op.startswith("NOT_") else f"{op}({expr}, {text})"
    left = tuple(i.index for i in said if i.index not in used and not i.is_stop)
    return _Atom(out, scope.explain({i.index for i in after} - set(left)), subject, op, left)


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
    if _quantity(first) and isinstance(first.value, int | float):
        return _number_text(first, subject, inner, scope)
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


def _number_text(item: Item, subject: str, inner: Type, scope: Scope) -> tuple[str, Scope, set[int]] | None:
    value = item.value
    assert isinstance(value, int | float)
    used = {item.index}
    if isinstance(inner, Scalar) and is_numeric(inner):
        field = Field("value", Scalar("number", inner.unit))
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


def _between(
    before: Sequence[Item], after: Sequence[Item], scope: Scope, about: Source | None, subject: tuple[str, Type] | None
) -> _Atom | None:
    amounts = [i for i in after if _quantity(i)]
    if len(amounts) < 2:
        return None
    found = _subject(before, after, scope, about, subject)
    if found is None:
        return None
    expr, of, scope, left = found
    low = value_text(amounts[:1], expr, of, scope)
    high = value_text(amounts[1:2], expr, of, scope)
    if low is None or high is None:
        return None
    used = {i.index for i in after if i.is_stop or i.lower in _RANGE_JOINS} | low[2] | high[2]
    rest = tuple(i.index for i in nouns.content(after) if i.index not in used)
    text = f"AND(GE({expr}, {low[0]}), LE({expr}, {high[0]}))"
    return _Atom(text, low[1].explain(used), (expr, of), "BETWEEN", (*left, *rest))


def _yes_no(items: Sequence[Item], scope: Scope, about: Source | None, *, negated: bool) -> _Atom | None:
    """`it isn't a draft`, `is raining`, `has no approvals`: a field that is true, present, or above 0."""
    said = nouns.content(items)
    if not said:
        return None
    stems = [i.stem for i in said if i.is_word]
    best: tuple[float, str, Field, set[int]] | None = None
    for source in [*([about] if about else []), *reversed(scope.sources)]:
        mention = [k for k, i in enumerate(said) if i.is_word and i.stem in source.nouns]
        for hit in fields.find(stems, source.type)[:4]:
            used = {said[k].index for k in hit.used} | {said[k].index for k in mention}
            score = hit.score - 0.8 * sum(1 for i in said if i.index not in used)
            score += 0.3 if _boolean(hit.field) else 0.0
            if best is None or score > best[0] + 1e-9:
                best = (score, ".".join((source.root, *hit.path)), hit.field, used)
    if best is None or best[0] < 0.6:
        fetched = _yes_no_read(items, scope, negated=negated)
        if fetched is not None:
            return fetched
        enum = _enum_value(said, scope, about)
        if enum is None:
            return None
        return _Atom(comparisons.negate(enum[0]) if negated else enum[0], scope.explain(enum[1]), None, "",
                     tuple(i.index for i in said if i.index not in enum[1]))  # fmt: skip
    _, expr, field, used = best
    return _truth(expr, field, scope, said, used, negated=negated)


def _truth(expr: str, field: Field, scope: Scope, said: Sequence[Item], used: set[int], *, negated: bool) -> _Atom:
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
    return _Atom(comparisons.negate(text) if negated else text, scope.explain(used), (expr, field.type), "", left)


def _boolean(field: Field) -> bool:
    return non_null(field.type) == BOOLEAN


def _yes_no_read(items: Sequence[Item], scope: Scope, *, negated: bool) -> _Atom | None:
    best = nouns.sure(nouns.read(items, scope))
    if best is None or best.source is None:
        return None
    field = next((f for _, f in walk(best.source.type) if best.expr.endswith("." + f.name)), None)
    if field is None:
        return None
    if not _boolean(field) and not is_numeric(non_null(field.type)) and not isinstance(non_null(field.type), ListOf):
        return None
    return _truth(best.expr, field, best.scope, nouns.content(items), {i.index for i in items}, negated=negated)


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
