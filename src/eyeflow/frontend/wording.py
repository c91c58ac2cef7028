"""How well do the words of a clause match what a catalog says about one entry?

Knows: phrases, verbs, service names, rarity. In: items and an entry. Out: a score and the items it explains.
Never: looks at literals (that is `slots`) or at data (that is `nouns`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, same_doing, stem, synonyms, words
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.vocabulary import PARTICLES, Entry, split_name, walk

MISSING, NAMED, OTHER_NAMED, VERB, WRONG_VERB, MENTIONED, PALE = 0.55, 3.0, 1.6, 1.5, 3.5, 0.5, 0.5


_DAYS: Final = frozenset(stem(day) for day in ("today", "yesterday", "tomorrow", "now"))


class Match(msgspec.Struct, frozen=True, eq=False):
    """`score` ranks entries for one clause; `used` are the indexes of items that the wording explains; `fits` is
    False when the verb is none by which the entry is asked for."""

    score: float
    used: frozenset[int]
    named: bool
    fits: bool = True


def match(entry: Entry, items: Sequence[Item], scope: Scope, *, verb: Item | None = None) -> Match:
    """The best phrase of `entry` against the words of `items`."""
    by_stem: dict[str, list[int]] = {}
    for item in items:
        if item.is_word and (not item.is_stop or item.lower in PARTICLES):
            by_stem.setdefault(item.stem, []).append(item.index)
    service, named, others = _names(entry, items, scope)
    own = frozenset(w for w, held in by_stem.items() if set(held) <= service)
    alike: dict[str, list[int]] = {}
    for word, held in by_stem.items():
        for other in synonyms(word):
            alike.setdefault(other, held)
    best, used = 0.0, frozenset[int]()
    for phrase in entry.phrases:
        score, hit = _phrase(phrase, by_stem, alike, scope, own)
        if score > best:
            best, used = score, hit
    said = {w for p in entry.phrases for w in p} | entry.summary | frozenset(split_name(entry.spec.name))
    plain = entry.summary | frozenset(split_name(entry.spec.name))
    extra = 0.0
    more: set[int] = set()
    for word, indexes in by_stem.items():
        if indexes[0] in used or word in PARTICLES or word in own:
            continue
        near = word in said or any(s in said for s in synonyms(word))
        if near:
            extra += 0.45 * scope.vocab.rarity(word) * (1.0 if word in said else 0.7)
            if not entry.capability_says or word in plain or _in_context(word, entry, by_stem, verb):
                more.update(indexes)
    if verb is not None:
        doing = _doing(entry)
        if verb.stem in doing:
            extra += VERB
            more.add(verb.index)
        elif any(same_doing(verb.stem, d) for d in doing) or (entry.reads and same_doing("get", verb.stem)):
            extra += 0.5 * VERB
            more.add(verb.index)
        elif verb.lower in words("pale") and named and entry.capability_says:
            extra -= PALE
        else:
            extra -= WRONG_VERB * (2.0 if entry.reads else 1.0)
    wrong = verb is not None and verb.index not in more and verb.index not in used
    bonus = (MENTIONED if wrong else NAMED) if named else 0.0
    score = best + extra + bonus - (OTHER_NAMED if others and not named else 0.0)
    return Match(round(score, 4), frozenset(used | more | service), named, not wrong)


def _in_context(word: str, entry: Entry, by_stem: dict[str, list[int]], verb: Item | None) -> bool:
    """More than half of a phrase with the word is said: `note` alone is not `drop a note in`."""
    for phrase in entry.phrases:
        if word not in phrase:
            continue
        content = [w for w in phrase if w not in PARTICLES]
        said = [w for w in content if w in by_stem or (verb is not None and same_doing(verb.stem, w))]
        if 2 * len(said) > len(content):
            return True
    return False


def _doing(entry: Entry) -> list[str]:
    """Stems of the verbs an entry answers to: first words of its phrases, name and summary, and its service's names
    (`sms`)."""
    found = [w for p in entry.phrases for w in p[:1]] + [split_name(entry.spec.name)[0]]
    told = entry.spec.summary.partition(" ")[0].casefold()
    if not entry.reads and is_base_verb(told):
        found.append(stem(told))
    if entry.capability_says:
        found.append("send")
    # what is sent is a verb too: `email the list`, where a phrase is `send email`
    if entry.capability_writes:
        found += [p[1] for p in entry.phrases if p[0] == "send" and len(p) > 1 and p[1] in _SENT]
    return found + [w for part in (entry.service.title, *entry.service.aliases) for w in split_name(part)]


def asks(entry: Entry, verb: Item) -> bool:
    """True when `verb` is one by which a read is asked for."""
    if same_doing("get", verb.stem):
        return True
    # a service's own name (`text`, `email`) as a verb asks for what it does to others, not for a read of it
    return not same_doing(stem("create"), verb.stem) and verb.stem in entry.verbs


def _phrase(
    phrase: Sequence[str], by_stem: dict[str, list[int]], alike: dict[str, list[int]], scope: Scope, own: frozenset[str]
) -> tuple[float, frozenset[int]]:
    """How far the words of `by_stem`, or words `alike`, make up the phrase, and the items that do."""
    hit: set[int] = set()
    score = 0.0
    content = 0
    for word in phrase:
        # the service's own name counts once, as a name
        light = word in PARTICLES or word in own or word in _DAYS
        weight = 0.3 if light else scope.vocab.rarity(word)
        found = by_stem.get(word)
        if found is None:
            found = alike.get(word)
            weight *= 0.8 if found else 1.0
        if found:
            score += weight
            hit.add(found[0])
            content += word not in PARTICLES and word not in _DAYS
        else:
            score -= MISSING * weight
    return (round(score, 4), frozenset(hit)) if content else (0.0, frozenset())


def _names(entry: Entry, items: Sequence[Item], scope: Scope) -> tuple[set[int], bool, bool]:
    lowered = [i.lower for i in items]
    means = means_at(items, scope)
    own, others = (set[int](), False) if means is None else _by_means(entry, *means)
    at = 0
    while at < len(items):
        name = scope.vocab.name_at(lowered, at)
        if means is not None and items[at].index in means[1]:
            at += 1
            continue
        if name is None or (name.length == 1 and items[at].lower in words("verbs") and at == 0):
            at += 1
            continue
        if name.length == 1 and _is_a_field(items, at, scope):
            at += 1
            continue
        if entry.service.id in name.services:
            own.update(items[k].index for k in range(at, at + name.length))
        elif not (entry.is_trigger and name.length == 1 and any(items[at].stem in p for p in entry.phrases)):
            others = True  # `an email arrives` names what the event is about, no service
        at += name.length
    return own, bool(own), others


def _is_a_field(items: Sequence[Item], at: int, scope: Scope) -> bool:
    """`their name and email`, `the tweet's text`: what a service is called like, of something at hand."""
    item = items[at]
    if item.text.casefold().replace("’", "'").endswith("'s"):
        return True
    before = items[at - 1].lower if at else ""
    after = items[at + 1].lower if at + 1 < len(items) else ""
    if item.lower == "url" and any(item.stem in split_name(p[-1]) for s in scope.sources for p, _ in walk(s.type)):
        return before != "fetch"  # `the ticket URL`
    owned = before in ("their", "its", "his", "her") or (before in ("and", ",") and at > 1 and _owned(items[: at - 1]))
    if not owned or item.proper or after in ("message", "to"):
        return False
    return any(item.stem in split_name(path[-1]) for s in scope.sources for path, _ in walk(s.type))


def _owned(items: Sequence[Item]) -> bool:
    near = [i.lower for i in items[-3:]]
    return any(w in ("their", "its", "his", "her", "with") for w in near) or any(w.endswith("'s") for w in near)


def named_at(entry: Entry, items: Sequence[Item], scope: Scope) -> frozenset[int]:
    """Indexes of the items that name the service of `entry`."""
    return frozenset(_names(entry, items, scope)[0])


_SENT: Final = frozenset(stem(verb) for verb in ("email", "mail", "message", "text", "sms", "dm", "fax"))
_BY: Final = ("by", "via", "as", "through", "per", "in", "over", "using")
_MEDIUM: Final = ("message", "messages", "note")


def means_at(items: Sequence[Item], scope: Scope) -> tuple[str, set[int]] | None:
    """`by text`, `via SMS`, `in a DM`, `as a text message`: the stem of the means, and the items that say it.

    A means is what something in the catalog that sends is called by one word.
    """
    for at, item in enumerate(items[:-1]):
        if item.lower not in _BY:
            continue
        noun = at + 1 + (items[at + 1].lower in ("a", "an") and at + 2 < len(items))
        named = noun + 1 < len(items) and scope.vocab.name_at([items[noun].lower], 0) is not None
        noun += named and items[noun + 1].stem in scope.vocab.means
        means = items[noun]
        after = items[noun + 1].lower if noun + 1 < len(items) else ""
        if not means.is_word or not _closed(after) or means.stem not in scope.vocab.means:
            continue
        return means.stem, {i.index for i in items[at : noun + 1 + (after in _MEDIUM)]}
    return None


def _closed(after: str) -> bool:
    """Nothing of the same noun phrase follows."""
    return after in ("", *_MEDIUM, "that", "and", "to", "when", "if") or not after[:1].isalnum()


def goes_by(entry: Entry, means: str) -> bool:
    """`by text`, `via Slack`: the entry, or its service, is called so."""
    called = (entry.service.id, entry.service.title, *entry.service.aliases)
    return (means,) in entry.phrases or any(split_name(name) == (means,) for name in called)


def _by_means(entry: Entry, means: str, at: set[int]) -> tuple[set[int], bool]:
    mine = entry.capability_says and goes_by(entry, means)
    return (set(at), False) if mine else (set(), True)


def names_in(items: Sequence[Item], scope: Scope) -> tuple[str, ...]:
    """Ids of the services named in `items`, in order."""
    lowered = [i.lower for i in items]
    means = means_at(items, scope)
    found = [] if means is None else list(scope.vocab.means[means[0]])
    at = 0
    while at < len(items):
        name = scope.vocab.name_at(lowered, at)
        if name is not None:
            found += [s for s in name.services if s not in found]
        at += name.length if name is not None else 1
    return tuple(found)
