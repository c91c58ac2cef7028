"""Orders nothing in the catalog can do, and orders in which nothing is done.

Knows: verbs nobody knows, text that would have to be made up, names no service has. In: the items of a clause, its
readings, a scope. Out: the scope with the refusal or the question. Never: picks a reading.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from eyeflow.frontend import nouns
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, words
from eyeflow.frontend.scope import Scope
from eyeflow.values import Span

MARGIN = 0.4
"""Two readings with other services whose scores differ by less are put to the person."""


def whichever(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """`store whichever works`, after a fallback: it."""
    lowered = [i.lower for i in items]
    at = next((k for k in range(len(items)) if phrase_at("whichever", lowered, k)), None)
    if at is None:
        return items
    it = msgspec.structs.replace(items[at], lower="it", stem="it")
    return (*items[:at], it, *items[at + phrase_at("whichever", lowered, at) :])


def nothing(items: Sequence[Item]) -> bool:
    """`do nothing`, `don't do anything`, `stay quiet`: an arm in which nothing is done."""
    said = [i.lower for i in items if i.kind != "punct"]
    return bool(said) and phrase_at("nothing", said, 0) == len(said)


_OFTEN = ("check", "run", "do", "repeat", "look", "refresh", "execute", "happen", "start", "go", "again")


def only_when(items: Sequence[Item]) -> bool:
    """`check every hour`: said of how often all of it is done."""
    timed = any(i.kind == "time" for i in items)
    return timed and all(i.kind in ("time", "punct") or i.lower in _OFTEN or i.is_stop for i in items)


def unknown_verb(items: Sequence[Item], scope: Scope) -> bool:
    """`teleport the weather to ...`: an order whose verb nobody knows; its object does not say what to do."""
    if len(items) < 2 or not items[0].is_word or items[0].proper or items[0].is_stop:
        return False
    told = items[1].lower in words("determiners") or items[1].is_literal or items[1].lower in words("me")
    verb = items[0]
    return told and not verb.acts and verb.stem not in scope.vocab.by_stem


def generates(items: Sequence[Item], scope: Scope) -> bool:
    """`translate ...`: text would have to be made up, and no capability of the catalog is asked for by that verb."""
    verb = items[0] if items else None
    if verb is None or verb.lower not in words("generation"):
        return False
    return not scope.vocab.by_verb.get(verb.stem)


CARRIED = (
    "message",
    "messages",
    "msg",
    "notification",
    "dm",
    "chat",
    "post",
    "task",
    "ticket",
    "card",
    "page",
    "doc",
    "invite",
)


def unknown_service(items: Sequence[Item], best: Chosen, scope: Scope) -> Item | None:
    """`a WhatsApp message`: a name before what services carry, that no service has and nothing else explains."""
    for item, after in itertools.pairwise(items):
        known = scope.vocab.name_at([item.lower], 0) is not None
        if item.proper and item.is_word and item.index in best.unexplained and after.lower in CARRIED and not known:
            return item
    return None


def which(found: Sequence[Chosen], clause: Clause, scope: Scope) -> Scope:
    close = [c for c in found if found[0].score - c.score < MARGIN]
    titles = tuple(dict.fromkeys(c.entry.service.title for c in close))
    said = scope.text[clause.span.start : clause.span.end]
    return scope.ask("service", f"Which service should do “{said}”?", titles, clause.span).explain(
        {i.index for i in clause.items}
    )


def no_capability(clause: Clause, scope: Scope) -> Scope:
    held = nouns.content(clause.items)
    if not held:
        return scope
    span = Span(held[0].span.start, held[-1].span.end)
    said = scope.text[span.start : span.end]
    near = scope.vocab.candidates([i.stem for i in held])[:3]
    suggestions = tuple(f"{e.service.title}: {e.spec.summary}" for e in near)
    reason = f"no service in the catalog can do “{said}”"
    return scope.refuse(span, reason, suggestions).explain({i.index for i in clause.items})
