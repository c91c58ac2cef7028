"""Orders nothing in the catalog can do, and orders in which nothing is done.

Knows: verbs nobody knows, text that would have to be made up, names no service has. In: the items of a clause, its
readings, a scope. Out: the scope with the refusal or the question. Never: picks a reading.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend import nouns, wording
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.data import words as kept
from eyeflow.frontend.handling.receivers import addressed
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, same_doing, stem, words
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.strangers import CARRIED
from eyeflow.frontend.vocabulary import RECIPIENTS, Entry, split_name
from eyeflow.values import Field, Span

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


def nothing_meant(items: Sequence[Item], scope: Scope) -> Item | None:
    """`turn it off`, where nothing was spoken of that `it` could be."""
    if scope.sources or scope.did or len(items) < 2 or not items[0].acts:
        return None
    it = next((i for i in items[1:3] if i.lower in ("it", "them")), None)
    alone = all(i.is_stop or i.kind == "punct" for i in items[1:])
    return it if alone else None


def unknown_verb(items: Sequence[Item], scope: Scope) -> bool:
    """`teleport the weather to ...`: an order whose verb nobody knows; its object does not say what to do."""
    if len(items) < 2 or not items[0].is_word or items[0].proper or items[0].is_stop:
        return False
    told = items[1].lower in words("determiners") or items[1].is_literal or items[1].lower in words("me")
    verb = items[0]
    known = (scope.vocab.entries[k] for k in scope.vocab.by_stem.get(verb.stem, ()))
    return told and not verb.acts and not any(verb.stem in phrase for e in known for phrase in (*e.phrases, e.summary))


_OPENS: Final = ("open", "start", "launch", "use")


def opens(items: Sequence[Item], scope: Scope) -> tuple[str, ...]:
    """`open the Gmail app`: the services that are only opened, by their name."""
    said = [i for i in items[1:] if i.kind != "punct" and not i.is_stop]
    if not items or items[0].lower not in _OPENS or not said:
        return ()
    name = scope.vocab.name_at([i.lower for i in said], 0)
    rest = said[name.length :] if name is not None else said
    return name.services if name is not None and all(i.lower in ("app", "application") for i in rest) else ()


_PARTICLES: Final = ("on", "off", "up", "down", "out", "back")
_LOST: Final = ("it", "them", "this", "these", "those", "that")


def without_antecedent(items: Sequence[Item], scope: Scope) -> Item | None:
    """`delete it`, `turn it off`, where nothing before it could be meant."""
    if scope.sources or scope.did or scope.said is not None or not items or not items[0].acts:
        return None
    at = 2 if len(items) > 2 and items[1].lower in _PARTICLES else 1
    if at >= len(items) or items[at].lower not in _LOST:
        return None
    after = items[at + 1] if at + 1 < len(items) else None
    alone = after is None or not after.is_word or after.is_stop or after.lower in words("prepositions")
    return items[at] if alone else None


def what_is(word: Item, clause: Clause, scope: Scope) -> Scope:
    """The question what a word stands for."""
    said = scope.text[clause.span.start : clause.span.end]
    text = f"What does “{word.text}” stand for in “{said}”?"
    return scope.ask(word.lower, text, (), word.span).explain({i.index for i in clause.items})


def told_somebody(items: Sequence[Item], scope: Scope) -> Told | None:
    """`ask Jordan for the numbers`: somebody is to be told something, though no service has words for it."""
    if len(items) < 2 or not same_doing("tell", items[0].stem) or wording.names_in(items, scope):
        return None
    named = items[1].proper and items[1].is_word
    who = items[1:2] if named else addressed(items, scope.vocab) if items[1].lower in words("determiners") else []
    ways = _ways(scope, mine=False)
    said = scope.text[who[0].span.start : who[-1].span.end] if who else ""
    return Told(f"“{said}”", ways) if who and ways else None


def generates(items: Sequence[Item], scope: Scope) -> bool:
    """`translate ...`: text would have to be made up, and no capability of the catalog is asked for by that verb."""
    verb = items[0] if items else None
    if verb is None or verb.lower not in words("generation"):
        return False
    return not scope.vocab.by_verb.get(verb.stem)


def unknown_service(items: Sequence[Item], best: Chosen, scope: Scope) -> Item | None:
    """`a WhatsApp message`: a name before what services carry, that no service has and nothing else explains."""
    for item, after in itertools.pairwise(items):
        known = scope.vocab.name_at([item.lower], 0) is not None
        if item.proper and item.is_word and item.index in best.unexplained and after.lower in CARRIED and not known:
            return item
    return None


def to_me(found: Sequence[Chosen], items: Sequence[Item], scope: Scope) -> list[Chosen]:
    """`send me the news`, where something is there to tell the person who asks, and nobody else: by that first, when
    nothing says by which service."""
    own = next((c for c in found[:4] if _tells_me(c.entry)), None)
    close = own is not None and (own is found[0] or found[0].score - own.score < 2 * MARGIN)
    if own is None or not close or not any(i.lower in words("me") for i in items):
        return list(found)
    others = [c for c in found if c.entry.capability_says]
    if wording.means_at(items, scope) or any(wording.named_at(c.entry, items, scope) for c in others):
        return list(found)
    if items[0].stem not in ("send", "show", "give") and not same_doing("tell", items[0].stem):
        return list(found)
    return [own, *(c for c in found if c is not own and c not in others)]


def _tells_me(entry: Entry) -> bool:
    """It has no place for a recipient, and its phrases say `me`."""
    spec = entry.spec
    if not entry.capability_writes or any(p.entity in RECIPIENTS for p in spec.params):
        return False
    me = sum(1 for phrase in spec.phrases if words("me") & set(phrase.casefold().split()))
    return 2 * me > len(spec.phrases) and any(p.role == "content" for p in spec.params)


def by_no_way(found: Sequence[Chosen], items: Sequence[Item], scope: Scope) -> Told | None:
    """`remind Priya ...`, `notify me ...`: somebody is to be told, where nothing says by which service."""
    close = [c for c in found if found[0].score - c.score < MARGIN]
    best = next((c for c in close if not wording.named_at(c.entry, items, scope)), None)
    if best is None or not all(c.entry.capability_says for c in close) or not same_doing("tell", items[0].stem):
        return None
    if items[0].stem in _means(best.entry) or wording.means_at(items, scope):
        return None
    person = next((p for p in best.entry.spec.params if p.entity in RECIPIENTS and p.required), None)
    at = 1 + (len(items) > 1 and items[1].lower in words("determiners"))
    if person is None or len(items) <= at:
        return None
    given = best.action.params.get(person.name)
    who = next((i for i in items[1:] if i.is_word and i.text == given), items[at])
    if who.lower in words("me"):
        ways = _ways(scope, mine=True)
        open_ = given is None or len({c.entry.service.id for c in close}) > 1
        return Told("you", ways) if open_ and len(ways) > 1 else None
    named = who.is_word and who.proper and not who.is_stop
    if any(a.slot == f"{best.action.id}.{person.name}" for a in best.scope.assumptions):
        given = None  # a default place is not the person
    ways = _ways(scope, mine=False)
    return Told(f"“{who.text}”", ways) if named and given in (None, who.text) and len(ways) > 1 else None


class Told(msgspec.Struct, frozen=True):
    """Whom a person wants told something, and the titles of services that can."""

    who: str
    ways: tuple[str, ...]


def _means(entry: Entry) -> frozenset[str]:
    """Verbs that name the way a message goes: `dm`, `text`."""
    return frozenset(phrase[0] for phrase in entry.phrases if len(phrase) == 1 and not same_doing("tell", phrase[0]))


def _ways(scope: Scope, *, mine: bool) -> tuple[str, ...]:
    """Services by which one person can be told something; `mine`: whose address for the asker is known."""
    found: dict[str, None] = {}
    for entry in scope.vocab.entries:
        if entry.is_trigger or not entry.capability_says:
            continue
        to = next(
            (p.entity for p in entry.spec.params if p.required and p.entity in ("person", "email", "phone")), None
        )
        part = entry.service.id.split("_")[0] if to == "person" else to
        if to is not None and (not mine or scope.me(part or "") is not None):
            found[entry.service.title] = None
    return tuple(found)


def of_a_kind(best: Chosen, items: Sequence[Item], scope: Scope) -> tuple[str, ...]:
    """`to the CRM`, where several services are one: their titles; none where it is named, or there is only one."""
    entry = best.entry
    kind = split_name(entry.service.type)
    spoken = entry.names | {w for phrase in entry.phrases for w in phrase}
    said = any(
        i.stem in kind and i.stem not in spoken and before.lower in ("the", "our", "my")
        for before, i in itertools.pairwise(items)
    )
    if len(kind) != 1 or not said or wording.named_at(entry, items, scope):
        return ()
    alike = (e.service for e in scope.vocab.entries if e.service.type == entry.service.type and e.capability_writes)
    titles = tuple(dict.fromkeys(service.title for service in alike))
    return titles if len(titles) > 1 else ()


def by_what(told: Told, found: Sequence[Chosen], clause: Clause, scope: Scope) -> Scope:
    """The question by which service somebody is to be told; words nobody can read are asked about besides."""
    text = f"How should {told.who} be told, and where: by which service?"
    doubtful = words("vague") | words("judgement")
    near = [c for c in found if c.entry.capability_says]
    fewest = sorted(near, key=lambda c: len(c.unexplained))[:1]
    unread = {index for c in fewest for index in c.unexplained}
    kept = {i.index for i in clause.items if i.lower in doubtful or (i.index in unread and i.text not in told.who)}
    return scope.ask("service", text, told.ways, clause.span).explain({i.index for i in clause.items} - kept)


_CHANGES: Final = ("update", "edit", "change", "modify", "set", "patch")


def changes_nothing(best: Chosen, items: Sequence[Item]) -> tuple[Field, ...]:
    """`assign new tickets`: what could be set, by a call that changes a thing, where none of it is said."""
    spec = best.entry.spec
    if best.entry.reads or split_name(spec.name)[0] not in (stem(word) for word in _CHANGES):
        return ()
    free = tuple(p for p in spec.params if not p.required)
    if (
        not free
        or any(p.name in best.action.params for p in free)
        or not all(_points(p) for p in spec.params if p.required)
    ):
        return ()
    said = [i.stem for i in items if i.is_word]
    meant = tuple(p for p in free if any(len(w) > 3 and split_name(p.name)[0].startswith(w) for w in said))
    return meant[:1] or free


def _points(param: Field) -> bool:
    return split_name(param.name)[-1] in ("id", "number", "key", "iid")


def which(found: Sequence[Chosen], clause: Clause, scope: Scope) -> Scope:
    """The question which service is meant; a refusal where none of them has a place for anything that was said."""
    close = [c for c in found if found[0].score - c.score < MARGIN]
    if all(c.unexplained and not c.action.params for c in close):
        return no_capability(clause, scope)
    return ask_which(tuple(dict.fromkeys(c.entry.service.title for c in close)), clause, scope)


def ask_which(titles: tuple[str, ...], clause: Clause, scope: Scope) -> Scope:
    """The question which of these services does what the clause says."""
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
    verb = held[0].lower
    if verb in kept("guards", "judging"):
        reason = f"“{held[0].text}” is a judgement; state the rule to apply instead"
    elif verb in words("generation"):
        reason += f": “{held[0].text}” needs a model at run time, and programs here are deterministic"
    return scope.refuse(span, reason, suggestions).explain({i.index for i in clause.items})
