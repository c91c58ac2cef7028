"""Events that are as near to a clause as the best one found: which of them must be asked, and what settles it.

Knows: names, words of one service alone, a measure that the service which is acted on takes as well.
In: readings of a trigger clause, best first. Out: the same, fewer or reordered. Never: asks.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend import actions, comparisons, triggers, wording
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.intent import EventTrigger
from eyeflow.frontend.lexicon import stem, synonyms, words
from eyeflow.frontend.nouns import content
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.vocabulary import Entry, split_name

CLOSE = 0.4
"""Scores nearer to each other than this say nothing of which is meant."""


def measured_there(
    found: tuple[triggers.Started, ...], head: Clause, acted: Sequence[Clause], scope: Scope
) -> tuple[triggers.Started, ...]:
    """`when the humidity is above 70% start cooling`: a measure that nothing says where it is taken, where the thing
    on which is acted takes it as well: which of them, is asked."""
    said = [i for i in head.items if i.is_word and not i.is_stop and comparisons.at([i.lower], 0) is None]
    said = [i for i in said if i.lower not in words("changing") and i.lower not in _COMPARED]
    best = found[0]
    if len(said) != 1 or best.entry is None or not isinstance(best.trigger, EventTrigger) or not best.trigger.where:
        return found
    own = _acts_on(acted, scope)
    if own is None or own == best.source.service:
        return found
    for other in triggers.read(head.items, scope, own):
        entry = other.entry
        called = set(split_name(entry.spec.name)) - _NOW if entry is not None else set()
        where = isinstance(other.trigger, EventTrigger) and other.trigger.where
        if entry is not None and called == {said[0].stem} and where and not (other.unexplained or other.open):
            return (best, msgspec.structs.replace(other, score=best.score))
    return found


_NOW = {stem("current"), "get", "read"}
_COMPARED = ("higher", "lower", "more", "less", "greater", "above", "below", "bigger", "smaller", "degrees", "percent")


def _acts_on(acted: Sequence[Clause], scope: Scope) -> str | None:
    """The one service that the clauses after the event act on; what only tells somebody is none."""
    found: set[str] = set()
    for clause in acted:
        best = next(iter(actions.read(clause.items, scope)), None) if clause.items else None
        if best is not None and not best.entry.reads:
            found.add(best.entry.service.id)
    return found.pop() if len(found) == 1 else None


def by_name(found: Sequence[triggers.Started], head: Clause, scope: Scope) -> tuple[triggers.Started, ...]:
    """Of readings as good as each other, those whose service is called by a name the others have no word for."""
    near = [f for f in found if found[0].score - f.score < CLOSE and f.entry is not None]
    for one in near:
        own = wording.named_at(one.entry, head.items, scope) if one.entry is not None else frozenset()
        names = {i.stem for i in head.items if i.index in own}
        others = [f.entry for f in near if f.entry is not None and f.source.service != one.source.service]
        words_ = {w for e in others for p in e.phrases for w in p} | {w for e in others for w in e.summary | e.names}
        if names - words_ and others and not one.unexplained:
            kept = [f for f in found if f.source.service == one.source.service or f not in near]
            return (one, *(f for f in kept if f is not one))
    return tuple(found)


def in_its_words(other: triggers.Started, best: triggers.Started, head: Clause) -> bool:
    """`a deal is won`: a word for what it is about is the other's own, and the best has another word for it. No name
    of a service settles which."""
    if best.entry is None or other.entry is None or wording.named_at(best.entry, head.items, best.scope):
        return False
    mine, theirs = _own_words(best.entry), _own_words(other.entry)
    said = {i.stem for i in content(head.items) if i.is_word and not i.proper and i.lower not in words("verbs")}
    return any(w in theirs and w not in mine and set(synonyms(w)) & mine for w in said)


def _own_words(entry: Entry) -> frozenset[str]:
    """The words by which an event is known without its service's name."""
    called = {w for name in (entry.service.title, *entry.service.aliases) for w in split_name(name)}
    plain = [phrase for phrase in (*entry.phrases, split_name(entry.spec.name)) if not called & set(phrase)]
    return entry.summary.union(*plain)
