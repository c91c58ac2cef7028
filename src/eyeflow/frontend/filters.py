"""What narrows a thing down, in words behind it: `over $500`, `with label bug`, `from x@y.z`, `whose stock is low`.

Knows: where one such run of words ends, which literals equal a field, and what only says that something happened.
In: items, those already explained, the source they speak of. Out: conditions of the IR. Never: which event is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend import beside, conditions, fields, happenings, lists, nouns, states
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import walk
from eyeflow.values import Json, ListOf, is_numeric, non_null


def all_of(parts: Sequence[str]) -> str | None:
    """The conditions joined by AND; None for none."""
    if not parts:
        return None
    expr = parts[0]
    for part in parts[1:]:
        expr = f"AND({expr}, {part})"
    return expr


def modifiers(items: Sequence[Item], used: set[int], scope: Scope, about: Source) -> tuple[list[str], Scope, set[int]]:
    """Filters in the words nobody explained yet: each run of them is tried as a condition on `about`."""
    exprs, taken = beside.stated(items, used, about)
    for run in _runs(items, used | taken):
        literal = _literal_filter(run, about)
        if literal is not None:
            exprs.append(literal)
            taken.update(i.index for i in run)
            continue
        told = states.topic(run, about) or states.worded(run, about) or states.by_whom(run, about, scope.vocab)
        if told is not None:
            exprs.append(told)
            taken.update(i.index for i in run)
            continue
        condition = conditions.read(run, scope, about) or _with_subject(run, items, scope, about)
        astray = condition is None or condition.unexplained or f"{about.root}." not in condition.expr
        itself = happenings.of_itself(run, about) if astray else None
        if itself is not None:
            condition = conditions.read(itself, scope, about)
        if condition is None or condition.unexplained or condition.scope.actions != scope.actions:
            continue
        if f"{about.root}." not in condition.expr:
            continue  # it says something of another thing
        equals = condition.expr.startswith(("EQ(", "NE(")) and not condition.expr.startswith(_HAS)
        if equals and not (_names_value(run, about) or _given(run, condition.expr)):
            continue
        if condition.expr.startswith("GT(") and condition.expr.endswith(", 0)") and not _measured(run):
            continue  # a measure is named, and nothing said of it
        if condition.expr.startswith((_HAS, "NOT(IS_NULL")) and (not _states(run) or _goes_on(run, items)):
            continue
        exprs.append(condition.expr)
        read_now = condition.scope.explained - scope.explained
        taken.update(i.index for i in items if i.index in read_now)
        scope = condition.scope
        taken.update(i.index for i in run)
    return exprs, scope, taken


_HAS = "NE(COALESCE"
"""How a condition begins that a text is there."""


def _names_value(run: Sequence[Item], about: Source) -> bool:
    """`is X` filters only by a literal, a name or an enumerated value: `is created` only says it happened."""
    if isinstance(non_null(about.type), Json):
        return True  # a row of unknown shape: whatever its column is said to be
    enums = {v.casefold() for _, f in walk(about.type) for v in f.enum}
    return any(i.is_literal or i.proper or i.lower in enums for i in run)


def _goes_on(run: Sequence[Item], items: Sequence[Item]) -> bool:
    """`with the stage customer`: a word right behind, which may be what the field is to hold."""
    behind = next((i for i in items if i.span.start >= run[-1].span.end), None)
    if behind is None or not behind.is_word or behind.is_stop or behind.lower in words("prepositions"):
        return False
    return not (behind.acts or behind.lower in words("arriving") or behind.lower in words("happening"))


def _given(run: Sequence[Item], expr: str) -> bool:
    """`with the stage lead`: the value is the word right behind the field's name."""
    led = [i.lower for i in run[:2]] in (["with", "the"], ["having", "the"], ["with", "a"])
    return led and expr.endswith(f", {quote(run[-1].text)})")


def _states(run: Sequence[Item]) -> bool:
    """The words say that a thing has something: `with an attachment`."""
    return any(
        i.lower in ("with", "has", "have", "having", "without", "no", "not") or i.lower in words("negations")
        for i in run
    )


def _measured(run: Sequence[Item]) -> bool:
    return _states(run) or any(i.is_literal for i in run)


def _with_subject(
    run: Sequence[Item], items: Sequence[Item], scope: Scope, about: Source
) -> conditions.Condition | None:
    """`its stock drops below 5`: the words before the comparison, though they named the event, say what is compared."""
    if about.root == lists.ONE:
        return None  # of a list named in passing: its own words say what is filtered
    own = nouns.service_items(items, about.service, scope) - {i.index for i in run}
    items = [i for i in items if i.index not in own]
    at = next((k for k, i in enumerate(items) if i is run[0]), 0)
    for back in range(1, 5):
        if at - back < 0:
            break
        made = conditions.read([*items[at - back : at], *run], scope, about)
        if made is not None and not made.unexplained:
            return made
    return None


_CUTS: Final = frozenset({
    *("with", "without", "from", "that", "which", "whose", "where", "over", "under", "above", "below"),
    *("containing", "mentioning", "about", "regarding", "concerning"),
})  # fmt: skip
"""Words that open a phrase of their own about which things are meant."""


def _runs(items: Sequence[Item], used: set[int]) -> list[list[Item]]:
    """Stretches that hold an unused content item or literal, with the stop words around them."""
    runs: list[list[Item]] = []
    current: list[Item] = []
    for item in items:
        if item.index in used and not item.is_stop:
            runs.append(current)
            current = []
            continue
        compares = item.lower in ("over", "under", "above", "below") and not any(i.is_literal for i in current)
        holds = item.lower in ("containing", "mentioning") and sum(not i.is_stop for i in current) == 1
        compares = compares or (holds and current[0].lower in ("with", "whose"))
        if item.lower in _CUTS and not compares and any(not i.is_stop for i in current):
            runs.append(current)
            current = []
        current.append(item)
    runs.append(current)
    return [r for r in runs if any(not i.is_stop and i.kind != "punct" for i in r)]


_BY_KIND = {
    "email": "email",
    "url": "url",
    "repo": "repo",
    "channel": "slack_channel",
    "phone": "phone",
    "person": "person",
}


def _literal_filter(run: Sequence[Item], about: Source) -> str | None:
    """`from billing@x.com`, `labelled "bug"`: a literal equals the field of its entity, or the one named."""
    said = nouns.content(run)
    literals = [i for i in said if i.is_literal and i.kind not in ("number", "quantity", "money", "percent")]
    if len(literals) != 1 or any(i.lower in words("negations") for i in run):
        return None
    item = literals[0]
    text = item.value if isinstance(item.value, str) else item.text
    rest = [i.stem for i in said if i is not item]
    if item.kind == "person" and not any(i.lower in ("from", "by") for i in run):
        return None  # `mentions @x` says whom, not who
    led = [i.lower for i in run[: run.index(item)] if i.lower in ("to", "at", "for")]
    if led and item.kind in ("email", "phone", "person", "channel") and not rest:
        return None  # `to my wife at jo@home.net`: where it goes
    if rest:
        hits = fields.find(rest, about.type)
        if not hits or len(hits[0].used) < len(rest):
            return None
        path, field = hits[0].path, hits[0].field
        if item.kind in _BY_KIND and field.entity not in (None, _BY_KIND[item.kind]):
            return None  # a channel is no customer
        if is_numeric(non_null(field.type)):
            return None  # no name is a number
    else:
        held = [(p, f) for p, f in walk(about.type) if f.entity == _BY_KIND.get(item.kind, "-")]
        if len(held) != 1:
            return None
        path, field = held[0]
    target = ".".join((about.root, *path))
    after = [i.lower for i in run[run.index(item) + 1 :]][:1]
    part = isinstance(non_null(field.type), ListOf) or after in (["in"], ["inside"], ["within"])
    op = "CONTAINS" if part else "EQ"  # `with "invoice" in the subject`
    return f"{op}({target}, {quote(text)})"
