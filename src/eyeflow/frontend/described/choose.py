"""Which capability of a service without phrases does a request mean, if any?

Knows: which words of a request are about what is asked, and how they meet a capability's own words.
In: items and a scope. Out: `Match`es, best first. Never: fills parameters, takes a capability whose name the request
does not say for anything that changes the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described.kin import kin
from eyeflow.frontend.described.signature import Signature, akin, among, signature
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, same_doing, stem, synonyms
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.vocabulary import Entry
from eyeflow.units import compatible, lookup

LOOKED = 12
_CORE, _SUMMARY, _VALUE, _PARAM = 3.0, 2.0, 1.2, 1.0
_WRONG_VERB = 2.5


class Match(msgspec.Struct, frozen=True, eq=False):
    """`score` ranks; `named` is the share of the capability's own name that was said, `covered` the share of the
    request's words that it knows; `used` are the indexes of items it explains."""

    signature: Signature
    score: float
    named: float
    covered: float
    used: frozenset[int]

    @property
    def entry(self) -> Entry:
        """The capability."""
        return self.signature.entry


def asked(items: Sequence[Item]) -> list[Item]:
    """The words that say what is asked: no stop words, no words that only ask."""
    return [i for i in items if i.is_word and not i.is_stop and not asks(i) and len(i.text) > 1]


def asks(item: Item) -> bool:
    """A word that only asks: `find`, `values`, `please`."""
    frame = words("described", "frame")
    return item.lower in frame or item.lower.removesuffix("s") in frame


def forms(item: Item) -> tuple[str, ...]:
    """Stems a word may be compared by: its own, its synonyms', those of its parts (`one-way`, `oneway`)."""
    return _forms(item.lower, item.stem)


@lru_cache(maxsize=65_536)
def _forms(lower: str, own: str) -> tuple[str, ...]:
    if "-" not in lower:
        return (own, *synonyms(own), *kin(own), *_measured(lower))
    parts = lower.split("-")
    return (own, stem("".join(parts)), *(stem(p) for p in parts if len(p) > 2))


_MEASURED: Final = (
    ("meters", ("distance", "length")),
    ("grams", ("weight", "mass")),
    ("seconds", ("duration", "time")),
    ("meters_per_second", ("speed", "velocity")),
)


def _measured(lower: str) -> tuple[str, ...]:
    """What a unit measures: `how many miles` asks for a distance."""
    unit = lookup(lower) if len(lower) > 2 else None
    if unit is None:
        return ()
    return next((tuple(stem(w) for w in held) for of, held in _MEASURED if compatible(unit.name, of)), ())


def matches(items: Sequence[Item], scope: Scope) -> tuple[Match, ...]:
    """Capabilities that describe themselves and share words with the request, best first."""
    said = asked(items)
    stems = list(dict.fromkeys(s for i in said for s in forms(i)))
    if _converting(items):
        stems.append(stem("convert"))
    every = [i.stem for i in items if i.is_word]
    found = []
    for entry in scope.vocab.described(dict.fromkeys((*stems, *every)))[:LOOKED]:
        match = _match(signature(entry), items, said, scope)
        if match is not None:
            found.append(match)
    return tuple(sorted(found, key=lambda m: (-m.score, m.entry.key)))


def _converting(items: Sequence[Item]) -> bool:
    """`how many euros are 75 dollars`: a unit or currency is asked for, of an amount in another."""
    asked_for = [
        k
        for k in range(2, len(items))
        if items[k - 1].lower == "many" and items[k - 2].lower == "how" and items[k].is_word
    ]
    amounts = [i for i in items if i.kind in ("money", "quantity") and i.unit is not None]
    units = [lookup(items[k].lower) for k in asked_for]
    return len(units) == 1 and len(amounts) == 1 and units[0] is not None and units[0].name != amounts[0].unit


def _match(sig: Signature, items: Sequence[Item], said: Sequence[Item], scope: Scope) -> Match | None:
    score = 0.0
    weight_all = weight_hit = 0.0
    used: set[int] = set()
    seen: set[str] = set()
    for item in said:
        worth = _worth(item, sig)
        again = 0.25 if item.stem in seen else 1.0
        seen.add(item.stem)
        rarity = scope.vocab.rarity(item.stem)
        weight_all += again
        if worth:
            score += worth * rarity * again
            weight_hit += again
            used.add(item.index)
    stems = tuple(dict.fromkeys(s for i in items if i.is_word for s in forms(i)))
    stems = (*stems, stem("convert"), stem("conversion")) if _converting(items) else stems
    hit = [
        h
        for h in sig.head
        if among(h, stems) or any(among(s, stems) for s in synonyms(h)) or _spelled_out(h, items, sig.summary)
    ]
    named = len(hit) / len(sig.head) if sig.head else 0.0
    core = [h for h in sig.core if among(h, stems)]
    if not hit and not core and not used:
        return None
    if _converting(items) and stem("convert") in sig.core:
        used |= {i.index for i in items if i.lower == "many"}
        score += _CORE
    score += 2.0 * named + 0.5 * len(core) - _WRONG_VERB * _other_doing(sig, items)
    used |= {i.index for i in items if i.is_word and any(akin(i.stem, h) for h in sig.core | sig.summary)}
    return Match(sig, round(score, 4), round(named, 4), round(weight_hit / weight_all, 4) if weight_all else 0.0,
                 frozenset(used))  # fmt: skip


def _spelled_out(head: str, items: Sequence[Item], summary: frozenset[str]) -> bool:
    """`greatest common divisor` for a capability named `gcd`, whose summary says what it is short for."""
    if not 3 <= len(head) <= _LONGEST_SHORT:
        return False
    held = [i for i in items if i.is_word and not (i.is_stop and i.lower[:1] not in head)]
    for at in range(len(held) - len(head) + 1):
        run = held[at : at + len(head)]
        if "".join(i.lower[0] for i in run) == head and all(among(i.stem, summary) for i in run if not i.is_stop):
            return True
    return False


_LONGEST_SHORT: Final = 6


def _other_doing(sig: Signature, items: Sequence[Item]) -> bool:
    """`find a bus` is not `buy a ticket`: the capability acts, and every verb said only asks."""
    verbs = [i for i in items if i.is_word and is_base_verb(i.lower)]
    own = next((w for w in _words_of(sig.entry) if is_base_verb(w)), None)
    if own is None or own in words("described", "frame") or same_doing("get", stem(own)) or not verbs:
        return False
    return all(
        asks(v)
        and not same_doing(v.stem, stem(own))
        and stem(own) not in kin(v.stem)
        and not among(v.stem, sig.summary)
        for v in verbs
    )


def _words_of(entry: Entry) -> list[str]:
    name = entry.spec.name.replace(".", "_").casefold().split("_")
    return [*name, *entry.spec.summary.casefold().replace("s ", " ").split()[:1]]


def _worth(item: Item, sig: Signature) -> float:
    near = forms(item)
    if any(among(w, sig.core) for w in near):
        return _CORE
    if any(among(w, sig.summary) for w in near):
        return _SUMMARY
    if among(item.stem, sig.values):
        return _VALUE
    return _PARAM if among(item.stem, sig.params) else 0.0
