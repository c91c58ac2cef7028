"""Conditions in words become boolean expressions.

Knows: and/or lists, comparisons, ranges, yes/no fields, elliptical subjects (`over $500`, `from 101 to 200`).
In: items of the condition, a scope, and what it is about when that is not said. Out: `Condition`.
Never: decides a threshold nobody stated: a vague word is a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from eyeflow.frontend import changes, comparisons, fetching, fields, nouns, slots, states
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.lists import identifies
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.sides import by_unit, quantity, value_text
from eyeflow.frontend.truths import Atom, yes_no
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import listing_of, walk
from eyeflow.units import compatible
from eyeflow.values import (
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    STRING,
    Field,
    ListOf,
    ObjectOf,
    Span,
    Type,
    is_numeric,
    non_null,
)

_RANGE_JOINS = ("and", "to", "-", "–", "until", "up")


_RELATIVE = ("where", "whose", "which", "who")


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
    if len(items) > 1 and items[0].lower in _RELATIVE:
        scope, items = scope.explain({items[0].index}), items[1:]
    parts, joins = _split(_or_more(items))
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


def _lasts(item: Item) -> bool:
    return item.kind == "quantity" and item.unit is not None and compatible(item.unit, "days")


_MORE = dict.fromkeys(("more", "higher", "above", "over", "greater", "up", "later", "longer"), "least")
_MORE |= dict.fromkeys(("less", "fewer", "lower", "below", "under", "earlier", "shorter"), "most")


def _or_more(items: Sequence[Item]) -> list[Item]:
    """`500 or more` read as `at least 500`, `10 or fewer` as `at most 10`."""
    out = list(items)
    for k in range(len(out) - 2):
        amount, join, more = out[k : k + 3]
        if amount.is_literal and join.lower in ("or", "and") and more.lower in _MORE:
            least = msgspec.structs.replace(more, lower=_MORE[more.lower])
            out[k : k + 3] = [msgspec.structs.replace(join, lower="at"), least, amount]
    return out


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
) -> Atom | None:
    lowered = [i.lower for i in items]
    nothing = _how_many(items, lowered, scope)
    if nothing is not None:
        return nothing
    sender = _sent_by(items, scope, about) or _kind_of_file(items, scope, about)
    if sender is not None:
        return sender
    hit = comparisons.find(lowered)
    if hit is None:
        if subject is not None and last_op and _is_value(items):
            return _compare(subject, last_op, items, scope)
        return yes_no(items, scope, about, negated=False)
    before, after = list(items[: hit.start]), list(items[hit.end :])
    aged = {two.index for one, two in pairwise(after) if two.lower in ("old", "ago") and _lasts(one)}
    if aged:  # `over 30 days old`
        scope, after = scope.explain(aged), [i for i in after if i.index not in aged]
    if hit.op in ("GT", "GE", "LT", "LE") and not nouns.content(before):
        counted = _counted(hit.op, after, scope)
        if counted is not None:
            return counted
    if hit.op == "BETWEEN":
        return _between(before, after, scope, about, subject)
    has_none = hit.op in ("EMPTY", "PRESENT") and not nouns.content(before) and bool(nouns.content(after))
    if (hit.weak or has_none) and not any(i.is_literal for i in after):
        atom = yes_no([*before, *after], scope, about, negated=hit.op in ("EMPTY", "NE"))
        plain = hit.op in ("EMPTY", "PRESENT") or not _is_value(after)
        if atom is not None and not atom.unexplained and (plain or atom.subject is None or truthy(atom.subject[1])):
            return atom
    found = _subject(before, after, scope, about, subject)
    if found is None:
        return None
    expr, of, scope, left = found
    atom = _compare((expr, of), hit.op, after, scope)
    if atom is None:
        return None
    currency = _currency(expr, after, scope, about)
    if currency is not None:
        atom = msgspec.structs.replace(atom, expr=f"AND({currency}, {atom.expr})")
    atom = msgspec.structs.replace(atom, unexplained=tuple(i for i in atom.unexplained if i not in scope.explained))
    if any(i.kind == "quantity" and i.unit and compatible(i.unit, "days") for i in after):
        # `no activity for more than 14 days` is said of the time since, which the field already counts
        silent = {i.index for i in before if i.lower in words("negations")}
        left = tuple(i for i in left if i not in silent)
        atom = msgspec.structs.replace(atom, scope=atom.scope.explain(silent))
    return changes.told(msgspec.structs.replace(atom, unexplained=(*left, *atom.unexplained)), hit.op, items, hit.end)


def _currency(expr: str, after: Sequence[Item], scope: Scope, about: Source | None) -> str | None:
    """`over 200 euros`, of an amount that says its currency beside it: that one only. A dollar may be anybody's."""
    money = next((i.unit for i in after if i.kind == "money" and i.unit), None)
    if money is None or money.casefold() == "usd" or len(money) != 3:
        return None
    root, _, path = expr.partition(".")
    beside = (*path.split(".")[:-1], "currency")
    for source in [*([about] if about else []), *scope.sources]:
        if source.root == root and any(p == beside and non_null(f.type) == STRING for p, f in walk(source.type)):
            return f"EQ(LOWER({'.'.join((root, *beside))}), {quote(money.casefold())})"
    return None


def _how_many(items: Sequence[Item], lowered: Sequence[str], scope: Scope) -> Atom | None:
    """`there are none`, `there aren't any`, `there is nothing`, `there are any`: of what was counted or listed last."""
    if lowered[:1] != ["there"]:
        return None
    named = nouns.content(items)
    to = next((k for k, w in enumerate(lowered) if w == "to" and k + 2 == len(lowered)), None)
    if to is not None and items[to + 1].acts:
        named = [i for i in named if i is not items[to + 1]]  # `nothing to report`
    some = any(w in ("any", "some", "something", "anything") for w in lowered)
    none = bool({"none", "nothing", "no"} & set(lowered)) or (some and bool(words("negations") & set(lowered)))
    rest = [
        i for i in named if i.lower not in words("negations") and i.lower not in ("any", "some", "nothing", "something")
    ]
    if not (none or some):
        return None
    source = next((s for s in reversed(scope.sources) if s.kind == "result"), None)
    if source is None or any(i.stem not in source.nouns for i in rest):
        said = [i for i in items[2:] if i.lower not in words("negations")]
        reading = nouns.sure(nouns.read(said, scope, Field("list", JSON))) if rest else None
        if reading is None or not isinstance(non_null(reading.type), ListOf):
            return None
        expr, done = f"COUNT({reading.expr})", reading.scope.explain({i.index for i in items})
        return Atom(f"EQ({expr}, 0)" if none else f"GT({expr}, 0)", done, (expr, INTEGER), "")
    listing = listing_of(source.type)
    counted = next((p for p, f in walk(source.type) if p[-1] in ("count", "total") and f.type == INTEGER), None)
    if listing is not None:
        expr = f"COUNT({'.'.join(p for p in (source.root, listing.path) if p)})"
    elif counted is not None:
        expr = ".".join((source.root, *counted))
    else:
        return None
    done = scope.explain({i.index for i in items})
    return Atom(f"EQ({expr}, 0)" if none else f"GT({expr}, 0)", done, (expr, INTEGER), "")


def _kind_of_file(items: Sequence[Item], scope: Scope, about: Source | None) -> Atom | None:
    """`it is a PDF`, `the file isn't an image`: by the ending of the file at hand."""
    said = nouns.content(items)
    said = [i for i in said if i.lower not in _FILE and i.lower not in words("negations")]
    if len(said) != 1 or not any(i.lower in ("is", "it's", "isn't", "are", "aren't") for i in items):
        return None
    for source in [*([about] if about else []), *reversed(scope.sources)]:
        kind = states.file_kind(said, source)
        if kind is not None:
            negated = any(i.lower in words("negations") or i.lower in ("isn't", "aren't") for i in items)
            expr = f"NOT({kind[0]})" if negated else kind[0]
            return Atom(expr, scope.explain({i.index for i in items}), None, "")
    return None


_FILE = frozenset({"file", "files", "document", "documents", "attachment", "it's", "isn't", "aren't"})

_SENT_BY = {"email": "email", "person": "person", "phone": "phone"}


def _sent_by(items: Sequence[Item], scope: Scope, about: Source | None) -> Atom | None:
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
            return Atom(f"{op}({expr}, {quote(text)})", done, (expr, held[0][1].type), op)
    return None


def _counted(op: str, after: Sequence[Item], scope: Scope) -> Atom | None:
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
    return Atom(f"{op}({expr}, {amount.value})", done, (expr, INTEGER), op)


def truthy(of: Type) -> bool:
    return non_null(of) == BOOLEAN


def _is_value(items: Sequence[Item]) -> bool:
    held = [i for i in items if not i.is_stop and i.kind != "punct"]
    return bool(held) and (held[0].is_literal or len(held) <= 2) and not any(i.kind == "time" for i in held)


def _subject(
    before: Sequence[Item], after: Sequence[Item], scope: Scope, about: Source | None, subject: tuple[str, Type] | None
) -> tuple[str, Type, Scope, tuple[int, ...]] | None:
    """What is compared: the words before, else the thing at hand whose field has the value's unit."""
    value = next((i for i in after if i.is_literal), None)
    said = [i for i in nouns.content(before) if i.lower not in words("measuring")]
    scope = scope.explain({i.index for i in before if i.lower in words("measuring")})
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
            if value is not None and quantity(value) and best.source is not None and best.source.service == "webhook":
                return best.expr, NUMBER, kept, best.unexplained  # the caller's field, which nobody gave a type
            if value is None or not quantity(value) or is_numeric(non_null(best.type)):
                return best.expr, best.type, kept, best.unexplained
    if pronoun_only and subject is not None and (value is None or _suits(subject[1], value)):
        return subject[0], subject[1], scope, ()
    named = _named_after(value, after, scope, about)
    if named is not None and pronoun_only:
        return named
    counted = _its_number(before, value, scope)
    if counted is not None:
        return counted[0], counted[1], scope, ()
    outside = _outside(before, value, after, scope) if pronoun_only and about is None else None
    if outside is not None:
        return outside
    if value is not None:
        for source in [*([about] if about else []), *reversed(scope.sources)]:
            path = by_unit(source.type, value)
            if path is not None:
                left = tuple(i.index for i in said if not _mentions(i, source))
                return ".".join((source.root, *path[0])), path[1].type, scope, left
    return None


def _mentions(item: Item, source: Source) -> bool:
    """`the file` of what was exported: the thing at hand, that has this measure."""
    if item.stem in source.nouns:
        return True
    carries = any(f.entity == "file" for _, f in walk(source.type))
    return carries and item.lower in ("file", "document", "export", "attachment", "archive", "backup")


def _named_after(
    value: Item | None, after: Sequence[Item], scope: Scope, about: Source | None
) -> tuple[str, Type, Scope, tuple[int, ...]] | None:
    """`more than 10000 followers`, `over 14 days since the last update`: the words after the amount name the field."""
    if value is None or not quantity(value):
        return None
    rest = [i for i in after[list(after).index(value) + 1 :] if i.is_word]
    said = [i for i in rest if not i.is_stop and i.lower not in ("last", "latest", "since", "days", "times")]
    if not said or len(said) > 2:
        return None
    for source in [*([about] if about else []), *reversed(scope.sources)]:
        for hit in fields.find([i.stem for i in said], source.type):
            if len(hit.used) == len(said) and is_numeric(non_null(hit.field.type)) and _suits_unit(hit.field, value):
                done = scope.explain({i.index for i in rest})
                return ".".join((source.root, *hit.path)), hit.field.type, done, ()
    return None


def _outside(
    before: Sequence[Item], value: Item | None, after: Sequence[Item], scope: Scope
) -> tuple[str, Type, Scope, tuple[int, ...]] | None:
    """`it is below 5 degrees in Oslo`: the one thing that can be read there and has such a measure."""
    if (
        value is None
        or value.kind != "quantity"
        or not (not before or any(i.lower in (*_THAT, "temperature") for i in before))
    ):
        return None
    rest = [i for i in after if i is not value]
    said = [i for i in nouns.content(rest) if i.lower not in ("outside", "outdoors", "degrees")]
    if any(by_unit(source.type, value) for source in scope.sources) or (not said and scope.sources):
        return None
    found = []
    for entry in scope.vocab.entries:
        path = by_unit(entry.result, value) if entry.reads else None
        if path is None or path[0][-1] not in ("temp", "temperature"):
            continue
        filled = slots.fill(entry, rest, scope)
        places = [p for p in entry.capability.params if p.required and p.entity == "location"]
        if places and all(i.index in filled.used for i in said):
            found.append((entry, filled, path))
    if len(found) != 1:
        return None
    entry, filled, path = found[0]
    complete = slots.complete(entry, filled, scope, sources=False)
    span = Span((before or after)[0].span.start, after[-1].span.end)
    expr, _, made, _ = fetching.fetch(entry, complete, scope, span)
    done = made.explain({i.index for i in (*before, *rest)})
    return ".".join((expr, *path[0])), path[1].type, done, ()


def _suits_unit(field: Field, value: Item) -> bool:
    unit = getattr(non_null(field.type), "unit", None)
    return value.unit is None or (unit is not None and compatible(value.unit, unit))


def _its_number(before: Sequence[Item], value: Item | None, scope: Scope) -> tuple[str, Type] | None:
    """`if it is above 500`, of what was read last and has one number."""
    if value is None or value.kind != "number" or not any(i.lower in _THAT for i in before):
        return None
    source = next((s for s in reversed(scope.sources) if s.kind == "result"), None)
    if source is None or nouns.content(before):
        return None
    held = [(p, f) for p, f in walk(source.type) if is_numeric(non_null(f.type)) and not identifies(p[-1])]
    called = _called(source)
    named = [(p, f) for p, f in held if p[-1] in called]
    held = named if len(held) > 1 and len(named) == 1 else held
    held = held if len(held) == 1 else [(p, f) for p, f in held if p[-1] in ("value", "rate", "price", "count", "temp")]
    return (".".join((source.root, *held[0][0])), held[0][1].type) if len(held) == 1 else None


_THAT = ("it", "it's", "its", "that", "this", "that's")


def _called(source: Source) -> frozenset[str]:
    """What the service a thing comes from is called: the `aqi` of a service that is called so is its number."""
    service = source.entry.service if source.entry is not None else None
    return frozenset(service.aliases) if service is not None else frozenset()


def _without(scope: Scope, about: Source) -> Scope:
    return scope.put(sources=tuple(s for s in scope.sources if s is not about))


def _numeric_of(reading: nouns.Reading, value: Item | None) -> tuple[str, Type] | None:
    """A thing mentioned whole and compared with an amount means its only field of that unit."""
    if value is None or not quantity(value) or not isinstance(non_null(reading.type), ObjectOf):
        return None
    path = by_unit(reading.type, value)
    return (".".join((reading.expr, *path[0])), path[1].type) if path else None


def _suits(of: Type, value: Item) -> bool:
    return not quantity(value) or is_numeric(non_null(of))


def _compare(subject: tuple[str, Type], op: str, after: Sequence[Item], scope: Scope) -> Atom | None:
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
    held = non_null(of)
    if isinstance(held, ListOf) and isinstance(non_null(held.item), ObjectOf):
        return None  # a thing with fields is no word
    if op in ("EQ", "NE") and isinstance(held, ListOf):
        op = "CONTAINS" if op == "EQ" else "NOT_CONTAINS"
    out = f"NOT({op[4:]}({expr}, {text}))" if op.startswith("NOT_") else f"{op}({expr}, {text})"
    left = tuple(i.index for i in said if i.index not in used and not i.is_stop)
    return Atom(out, scope.explain({i.index for i in after} - set(left)), subject, op, left)


def _between(
    before: Sequence[Item], after: Sequence[Item], scope: Scope, about: Source | None, subject: tuple[str, Type] | None
) -> Atom | None:
    amounts = [i for i in after if quantity(i)]
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
    return Atom(text, low[1].explain(used), (expr, of), "BETWEEN", (*left, *rest))
