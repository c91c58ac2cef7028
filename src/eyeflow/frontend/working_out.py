"""Action clauses that read or compute, and change nothing: `get the weather for A and B`, `sum the amounts`.

Knows: reading verbs over lists of things, verbs of working out. In: the items of a clause, a scope. Out: the scope with
what is read, or None when the clause is something else. Never: asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend import content, nouns
from eyeflow.frontend.intent import Action
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, same_doing
from eyeflow.frontend.scope import Scope, Source
from eyeflow.values import JSON, Field, ListOf, Span, is_numeric, non_null


def reads_several(items: Sequence[Item], scope: Scope) -> Scope | None:
    """`get the weather for A and B and the rate`: a reading verb over a list of things, each read on its own."""
    if not items or not same_doing("get", items[0].stem):
        return None
    parts = content.conjuncts([i for i in items[1:] if i.kind != "time"])
    if len(parts) < 2:
        return None
    previous: nouns.Reading | None = None
    before = len(scope.sources)
    for part in map(_without_manner, parts):
        reading = content.same_again(part, previous, scope) or nouns.sure(nouns.read(part, scope))
        if reading is None or reading.entry is None:
            return None
        scope, previous = reading.scope, reading
    read = tuple(dict.fromkeys(source.root for source in scope.sources[before:]))
    return scope.explain({i.index for i in items}).put(together=read)


def works_out(items: Sequence[Item], scope: Scope) -> Scope | None:
    """`sum the amounts of yesterday's payments`, `sort the deals by amount`: a value of its own, from what is read."""
    verb = items[0].lower if items else ""
    if verb in ("sum", "total", "average"):
        reading = nouns.sure(nouns.read(items, scope))
        if reading is None or not is_numeric(non_null(reading.type)):
            return None
    elif verb in ("sort", "group", "rank", "order") or (verb and same_doing("get", items[0].stem)):
        said = items if verb in ("sort", "group", "rank", "order") else items[1:]
        reading = nouns.sure(nouns.read(said, scope, Field("list", JSON)))
        if reading is not None and _picked(reading, scope):
            return reading.scope.explain({i.index for i in items})  # `get the newest file`: that one
        if reading is None or "(" not in reading.expr:
            return None
        if said is not items and _only_names(said, reading.source):
            return None  # `check the doors` reads them: they are not worth less than the names they have
        return _worked_out(reading, items)
    else:
        return None
    name, after = reading.scope.name(items[0].lower)
    after = after.act(Action(id=name, value=reading.expr, span=Span(items[0].span.start, items[-1].span.end)))
    source = Source(
        name, reading.type, frozenset({"total", "sum", "average", "amount", items[0].stem}), "", "result", None
    )
    return after.see(source).explain({i.index for i in items})


def _picked(reading: nouns.Reading, scope: Scope) -> bool:
    """The reading is one thing of a list, which an action of its own has picked."""
    made = reading.scope.actions[len(scope.actions) :]
    return any(a.value is not None and a.id == reading.expr.split(".")[0] for a in made)


def _only_names(said: Sequence[Item], source: Source | None) -> bool:
    """No word says more than what is read."""
    meant = {i.stem for i in said if i.is_word and not i.is_stop}
    return source is not None and meant <= source.nouns


def _worked_out(reading: nouns.Reading, items: Sequence[Item]) -> Scope:
    """The value as an action, and as what is spoken of next."""
    name, after = reading.scope.name("listed" if isinstance(non_null(reading.type), ListOf) else "value")
    after = after.act(Action(id=name, value=reading.expr, span=Span(items[0].span.start, items[-1].span.end)))
    own = reading.source
    said = frozenset(i.stem for i in items[1:] if i.is_word and not i.is_stop) | {"list", "count", "group", "valu"}
    known = (own.nouns if own is not None else frozenset[str]()) | said
    source = Source(name, reading.type, known, own.service if own is not None else "", "result", None)
    after = after.put(sources=tuple(s for s in after.sources if s is not own))
    return after.see(source).explain({i.index for i in items})


def _without_manner(part: list[Item]) -> list[Item]:
    """A phrase without `at the same time`, `in parallel`: actions that can go together do anyway."""
    lowered = [i.lower for i in part]
    for k in range(len(part)):
        if phrase_at("together", lowered, k):
            return part[:k]
    return part
