"""Which words of a request a call accounts for, and what must be asked about the others.

Knows: what may stay unexplained (words that only ask, scenery) and what never may (values, negations, what is asked
for). In: a `Reading`, its items, a scope. Out: the scope with what is explained, and questions. Never: changes a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.described import doubts
from eyeflow.frontend.described.choose import Match, asked, asks, forms
from eyeflow.frontend.described.cues import cue_words
from eyeflow.frontend.described.filling import Filling
from eyeflow.frontend.described.focus import focus, scenery
from eyeflow.frontend.described.phrases import phrases
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.reading import Reading, called
from eyeflow.frontend.described.signature import Place, akin, among
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, same_doing, stem
from eyeflow.frontend.scope import Scope, asking
from eyeflow.frontend.vocabulary import split_name
from eyeflow.values import Span

_TYPED: Final = frozenset({"date", "time", "unit", "code", "object", "place"})
"""What kinds of text are told by their form: plain words are meant for others."""

_WHOLE_NAME: Final = 0.99
_HALF_NAME: Final = 0.5
_TIED: Final = 0.1
_LEAST_KNOWN: Final = {(True, True): 0.3, (True, False): 0.5, (False, True): 0.8, (False, False): 0.9}
"""The least share of content words that must be explained: by whether it only reads, and all its name was said."""


def explain(reading: Reading, items: Sequence[Item], scope: Scope) -> Scope:
    """`scope` with the words that are accounted for, and questions for what must be."""
    state, sig = reading.state, reading.state.sig
    span = Span(items[0].span.start, items[-1].span.end)
    several = len(reading.calls or ()) > 1
    if reading.calls is None:
        scope = scope.ask("calls", "Which values belong together? Ask for one call at a time.", (), span)
    scope = doubts.raised(state, items, scope, several=several)
    open_ = _open_words(reading, items)
    back = [i for k, i in enumerate(items) if i.lower in words("described", "back") and not _resolved(state, k)]
    if back and several:
        scope = scope.ask("calls", f"What does “{back[0].text}” refer to? Name it in each.", (), back[0].span)
    there = _there(items)
    if there is not None and any("place" in p.traits for p in state.open()):
        scope = scope.ask("meaning", f"Where is “{there.text}”? Name the place.", (), there.span)
    for place in _unmet(reading, items):
        slot = f"{called(sig.entry.spec.name)}.{place.name}"
        scope = scope.ask(slot, asking(sig.entry, place.field), tuple(place.field.enum), None)
    denied = [
        i
        for k, i in enumerate(items)
        if k not in state.used and i.lower in words("described", "negative") and not _idle(reading, items, k)
    ]
    if denied:
        scope = scope.ask("condition", f"What does “{denied[0].text}” leave out here?", (), denied[0].span)
    strange = {items[k].index for k in open_}
    return scope.explain({item.index for item in items} - strange)


def _there(items: Sequence[Item]) -> Item | None:
    """`there` for a place, where it does not just say that something is."""
    for at, item in enumerate(items):
        near = {i.lower for i in (*items[max(0, at - 1) : at], *items[at + 1 : at + 2])}
        if item.lower == "there" and not near & _BEING:
            return item
    return None


_BEING: Final = frozenset(
    {"is", "are", "was", "were", "be", "been", "will", "has", "have", "had", "any", "hi", "hey", "hello"}
)


def _idle(reading: Reading, items: Sequence[Item], at: int) -> bool:
    """A `but` before a clause that says a value, a `not` before what an optional parameter is for and nobody gives."""
    state = reading.state
    end = next(
        (k for k in range(at + 1, len(items)) if items[k].text in (*_ENDS, ",") or items[k].lower == "and"), None
    )
    rest = range(at + 1, len(items) if end is None else end)
    if items[at].lower == "but":
        after = items[at + 1].lower if at + 1 < len(items) else ""
        denying = after in words("described", "low") and at + 1 in state.used
        return denying or (after in _CLAUSES and any(k in state.used for k in rest))
    if items[at].lower in ("no", "not") and [i.lower for i in items[at + 1 : at + 3]] in (
        ["more", "than"],
        ["less", "than"],
    ):
        return at + 3 in state.used  # `no more than 20`
    if items[at].lower not in ("not", "without", "no", "don't", "doesn't", "won't") or not reading.complete:
        return False
    said = [items[k] for k in rest if items[k].is_word and not items[k].is_stop and not asks(items[k])]
    return bool(said) and any(
        not p.field.required
        and p.numeric
        and p.name not in _first(reading)
        and all(_about(i, p) or is_base_verb(i.lower) for i in said)
        for p in state.sig.places
    )


_CLAUSES: Final = ("this", "i", "we", "it", "my", "the", "he", "she", "they", "for", "with")
_ENDS: Final = (".", "!", "?", ";", "\n")


def _first(reading: Reading) -> frozenset[str]:
    """Parameters that every call has."""
    calls = reading.calls or ({},)
    return frozenset(calls[0]).intersection(*calls[1:])


def _about(item: Item, place: Place) -> bool:
    return any(akin(item.stem, w) for w in (*place.names, *place.about))


def _open_words(reading: Reading, items: Sequence[Item]) -> set[int]:
    """Positions of what nobody has accounted for and that may matter."""
    state = reading.state
    open_ = {k for p in state.left() if not _label(reading, p) for k in range(p.start, p.end)}
    open_ |= {p.start for p in state.pieces if p.idle and p.start not in state.used and _hyphened(items, p.end)}
    said = [i for k, i in enumerate(items) if i in asked([i]) and k not in open_]
    unknown = _unknown(reading, items, said)
    at = {k for k, i in enumerate(items) if i in unknown}
    open_ |= {k for k in at if (doubts.ordered(items, k) and not doubts.keeps(state, k)) or doubts.of_value(state, k)}
    open_ |= _unheard(items, unknown, state.sig.core | state.sig.summary)
    open_ |= at & doubts.wondered(items, state.used)
    open_ |= {k for k, i in enumerate(items) if i.text == "[" and k not in state.used}
    idle = scenery(items, state.used) if reading.match.entry.reads else set()
    open_ -= {k for k in idle if not items[k].is_literal}
    unknown = [i for i in unknown if items.index(i) not in idle]
    said = [i for i in said if items.index(i) not in idle]
    open_ |= {items.index(i) for i in unknown if i.lower in _OFTEN}
    share = 1.0 - len(unknown) / len(said) if said else 1.0
    if share < _least(reading) or _contrary(reading.match, said, unknown):
        open_ |= {items.index(i) for i in unknown}
    elif unknown and _might_take(state):
        nouns = {k for p in phrases(state) for k in range(p.start, p.end)}
        open_ |= {items.index(i) for i in unknown} & nouns
    return open_


_OFTEN: Final = ("daily", "weekly", "monthly", "quarterly", "semiannually", "annually", "yearly")
"""How often something is done: never just scenery."""


def _hyphened(items: Sequence[Item], at: int) -> bool:
    """`ten-sided`: the number says something of the word it is joined to."""
    return at < len(items) and items[at].text == "-" and items[at].span.start == items[at - 1].span.end


def _unknown(reading: Reading, items: Sequence[Item], said: Sequence[Item]) -> list[Item]:
    """Words that say something and are no words of the capability."""
    state, sig = reading.state, reading.state.sig
    known = sig.core | sig.summary | sig.params | sig.values | sig.entry.summary | sig.entry.names
    bounding = words("described", "upper") | words("described", "lower")
    strange = [i for i in said if items.index(i) not in state.used and not any(among(s, known) for s in forms(i))]
    strange += [
        i
        for k, i in enumerate(items)
        if i.lower in _OFTEN and i not in strange and k not in state.used and not any(among(s, known) for s in forms(i))
    ]
    strange = [i for i in strange if not _at_most(items, items.index(i), state)]
    strange = [i for i in strange if not (_introduces(state, items.index(i)) or _begins(items, items.index(i), known))]
    to_value = any(p.start and items[p.start - 1].lower == "to" for p in state.pieces)
    first = next((i for i in items if i.is_word and is_base_verb(i.lower)), None)
    return [
        i
        for i in strange
        if i.lower not in bounding and not _same_doing(i, reading.match, leads=i is first, to_value=to_value)
    ]


def _introduces(state: Filling, at: int) -> bool:
    """`the phrase 'good morning'`: what the quoted text after it is called."""
    after = state.items[at + 1] if at + 1 < len(state.items) else None
    return state.items[at].lower in words("described", "contents") and after is not None and after.kind == "quoted"


def _begins(items: Sequence[Item], at: int, known: frozenset[str]) -> bool:
    """`start playing it`, where playing is what the capability does."""
    after = items[at + 1] if at + 1 < len(items) else None
    doing = after is not None and after.lower.endswith("ing") and among(after.stem, known)
    return items[at].lower in ("start", "begin") and doing


def _at_most(items: Sequence[Item], at: int, state: Filling) -> bool:
    """`at most 5` where 5 is the most that is wanted."""
    led = at and items[at - 1].lower == "at" and at + 1 < len(items) and at + 1 in state.used
    if not led or items[at].lower not in ("most", "least"):
        return False
    kind = "bounds_above" if items[at].lower == "most" else "bounds_below"
    held = (p for p in state.sig.places if any(h.at == at + 1 for h in state.said.get(p.name, ())))
    return any(
        "limit" in p.traits or any(stem(w) in (*p.names, *p.about) for w in words("described", kind)) for p in held
    )


def _least(reading: Reading) -> float:
    """The least share of words that must be known: the more was said for its parameters, the surer it is meant."""
    least = _LEAST_KNOWN[reading.match.entry.reads, reading.match.named >= _WHOLE_NAME]
    if reading.match.named >= _HALF_NAME:
        least -= _TIED * min(3, sum(1 for held in reading.state.said.values() if held[0].tied))
    return least


_COORDINATES: Final = frozenset({stem("coordinates"), stem("latitude"), stem("lat")})


def _label(reading: Reading, piece: Piece) -> bool:
    """`of Harbour Ltd` where only numbers are wanted, and all of them were said: whose numbers they are."""
    state = reading.state
    numbers = sum(1 for p in state.sig.places if p.numeric and p.name in state.said)
    before = state.items[piece.start - 1].lower if piece.start else ""
    located = piece.kind == "name" and before in ("in", "at", "near", "of", "for") and reading.match.entry.reads
    if (
        located
        and reading.complete
        and any(_COORDINATES & set(p.names) and p.name in state.said for p in state.sig.places)
    ):
        return True  # `in Lund at latitude 55.7 ...`: what the coordinates are of
    plain = piece.kind == "name" and before in ("of", "for") and reading.match.entry.reads and reading.complete
    return plain and numbers > 1 and not any(p.textual for p in state.sig.places)


def _unheard(items: Sequence[Item], unknown: Sequence[Item], own: frozenset[str]) -> set[int]:
    """Words of what is asked for, when the capability knows none of them; else those that make it another thing."""
    _, thing = focus(items, own)
    strange = {k for k in thing if items[k] in unknown}
    if len(strange) == len(thing):
        return strange
    return {k for k in strange if items[k].lower in words("described", "altering")}


def _might_take(state: Filling) -> bool:
    """A parameter is open that words nobody explained may be meant for."""
    return any(p.textual and not p.traits & _TYPED for p in state.open())


def _resolved(state: Filling, at: int) -> bool:
    """`do the same for`, `in the same harbour` where one harbour alone was said."""
    after = state.items[at + 1] if at + 1 < len(state.items) else None
    if after is None or after.lower in ("for", "with", "at", "in", "on", "to"):
        return after is not None
    places = [p for p in state.sig.places if any(akin(after.stem, w) for w in cue_words(p))]
    return any(len({str(h.value) for h in state.said.get(p.name, [])}) == 1 for p in places)


def _unmet(reading: Reading, items: Sequence[Item]) -> list[Place]:
    """Parameters whose name was said, with no value of theirs: `with laundry service`, `private`."""
    sig = reading.match.signature
    own = sig.core | sig.summary | frozenset(w for p in sig.places if p.name in reading.state.said for w in p.names)
    used = reading.state.used
    stems = tuple(i.stem for k, i in enumerate(items) if i.is_word and k not in used)
    out = []
    for place in sig.places:
        if place.name in reading.state.said or place in reading.open:
            continue
        plain = words("described", "signature") | words("described", "flags")
        cues = [w for w in cue_words(place) if len(w) > 2 and w not in plain]
        apart = any("-" in i.text and any(akin(stem(w), c) for c in cues for w in i.lower.split("-")) for i in items)
        if not (place.closed or apart):
            continue
        if apart or (cues and all(any(akin(w, s) for s in stems) and not among(w, own) for w in cues)):
            out.append(place)
    return out


def _same_doing(item: Item, match: Match, *, leads: bool, to_value: bool) -> bool:
    """`move` for a capability that updates: the verb asks for what it does."""
    if not is_base_verb(item.lower):
        return False
    if leads and item.lower in _CARRYING:
        return True
    if (
        item.lower in words("described", "changing")
        and to_value
        and any(same_doing(w, "set") for w in match.signature.core)
    ):
        return True
    own = (*split_name(match.entry.spec.name)[:1], stem(match.entry.spec.summary.casefold().split(" ")[0]))
    return any(same_doing(item.stem, w) for w in own) or (leads and match.entry.reads and same_doing("get", item.stem))


_CARRYING: Final = ("run", "perform", "conduct", "execute", "carry", "apply", "invoke", "make", "do")
"""Verbs that only say to go ahead: `run a t-test`."""


def _contrary(match: Match, said: Sequence[Item], unknown: Sequence[Item]) -> bool:
    """`freezing point` where the name says `boiling point`: one word is shared, the one beside it is another."""
    head = match.signature.head
    stems = [i.stem for i in said]
    strange = {i.index for i in unknown}
    for k, item in enumerate(said):
        at = next((n for n, h in enumerate(head) if akin(item.stem, h)), None)
        if at is None:
            continue
        for step in (-1, 1):
            beside = k + step
            other = at + step
            if not (0 <= beside < len(said) and 0 <= other < len(head)):
                continue
            close = abs(said[beside].index - item.index) == 1
            if step == 1 and said[beside].lower.endswith(("ing", "ed")):
                continue  # `a vehicle driving ...`: what it does, not what it is
            if close and said[beside].index in strange and not among(head[other], tuple(stems)):
                return True
    return False
