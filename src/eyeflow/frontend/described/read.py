"""A request as one-off calls of capabilities that only describe themselves.

Knows: when a request is such a one, and when what was found is all that was said. In: items and a scope.
Out: a scope with actions, and questions where something stayed open; None when nothing of it is such a request.
Never: starts on a schedule or an event, calls what changes the world while words of the request are unexplained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described import doubts, several
from eyeflow.frontend.described.choose import Match, asked, forms, matches
from eyeflow.frontend.described.cues import cue_words
from eyeflow.frontend.described.fill import fill
from eyeflow.frontend.described.filling import Filling
from eyeflow.frontend.described.focus import focus
from eyeflow.frontend.described.parts import parts
from eyeflow.frontend.described.pieces import Piece, pieces
from eyeflow.frontend.described.signature import Place, akin, among
from eyeflow.frontend.described.values import in_region
from eyeflow.frontend.intent import Action, JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import cue_at, is_base_verb, same_doing, stem
from eyeflow.frontend.scope import Scope, asking
from eyeflow.frontend.timegrammar import TimePhrase
from eyeflow.frontend.values_said import escape
from eyeflow.frontend.vocabulary import split_name
from eyeflow.values import Span

MARGIN: Final = 1.0
"""Two capabilities whose scores differ by less are as good as each other, unless only one can be filled."""

_EVEN: Final = 0.3

_LEAST_SCORE, _LEAST_NAMED, _LEAST_COVERED = 4.0, 0.3, 0.3
_TYPED: Final = frozenset({"date", "time", "unit", "code", "object", "place"})
"""What kinds of text are told by their form: plain words are meant for others."""

_TELLING: Final = ("i", "i'm", "i've", "we", "we're", "you", "you're", "he", "she", "my", "our", "the", "a", "an", "it", "imagine", "suppose")
_WHOLE_NAME: Final = 0.99
_HALF_NAME: Final = 0.5
_TIED: Final = 0.1
_LOOKED: Final = 6
_LEAST_KNOWN: Final = {(True, True): 0.3, (True, False): 0.5, (False, True): 0.8, (False, False): 0.9}
"""The least share of content words that must be explained: by whether it only reads, and all its name was said."""


class Reading(msgspec.Struct, frozen=True, eq=False):
    """One capability with what was said for it: the parameters of each call (None: they do not line up)."""

    match: Match
    state: Filling
    calls: tuple[dict[str, JsonValue], ...] | None
    open: tuple[Place, ...]
    rival: Match | None = None

    @property
    def complete(self) -> bool:
        """Nothing required is open."""
        return self.calls is not None and not self.open


def read(items: Sequence[Item], times: Sequence[TimePhrase], scope: Scope) -> Scope | None:
    """`scope` with the calls that `items` ask for; None when they ask for none that is described."""
    if not scope.vocab.bare or _started(items, times):
        return None
    held = [i for i in items if i.index not in scope.explained]
    found: list[tuple[Sequence[Item], Reading]] = []
    for stretches in parts(held, scope):
        each = _apart(stretches, scope)
        if not each:
            return None
        found += each
    used: set[int] = set()
    for words_, reading in found:
        scope = _act(reading, words_, scope)
        used |= {words_[k].index for k in reading.state.used}
    return doubts.times_left(items, times, used, scope) if found else None


def _apart(stretches: Sequence[Sequence[Item]], scope: Scope) -> list[tuple[Sequence[Item], Reading]]:
    """Stretches that ask for the same capability, each by itself where each says all it needs; else as one."""
    if len(stretches) > 1:
        each = [(stretch, _part(stretch, scope)) for stretch in stretches]
        whole = [(stretch, r) for stretch, r in each if r is not None and r.complete and not r.state.left() and r.state.said]
        if len(whole) == len(stretches) and len({r.match.entry.key for _, r in whole}) == 1:
            return list(whole)
    together = [item for stretch in stretches for item in stretch]
    reading = _part(together, scope)
    return [] if reading is None else [(together, reading)]


def _started(items: Sequence[Item], times: Sequence[TimePhrase]) -> bool:
    """Something starts it, or it depends on something: then it is no one-off call."""
    if any(t.kind == "schedule" and t.rules and not t.in_free_text and t.explicit != ("frequency",) for t in times):
        return True
    lowered = [i.lower for i in items]
    asking_ = ("is", "was", "are", "were", "will", "did", "does", "do", "can", "should", "would")
    if items and lowered[0] == "if":
        return True
    for at in range(len(items)):
        cue = cue_at(lowered, at)
        if cue is None or cue.kind not in ("trigger", "failure", "negative_condition", "alternative", "loop"):
            continue
        if cue.text == "when" and at + 1 < len(items) and lowered[at + 1] in asking_:
            continue
        if cue.text in ("once", "when", "upon", "on new") and at > 0 and items[at - 1].kind != "punct":
            continue  # said of a thing: `the year when ...`
        return True
    return False


def _part(items: Sequence[Item], scope: Scope) -> Reading | None:
    """The best capability for one part of the request, filled."""
    found = matches(items, scope)
    if not found:
        return None
    now = scope.ctx.now
    values = pieces(items, scope.text, now)
    likely = [m for m in found if _likely(m)]
    if not likely:
        return _by_values([_reading(m, items, values) for m in found[:_LOOKED]])
    best = _reading(likely[0], items, values)
    for other in likely[1:4]:
        if likely[0].score - other.score >= max(MARGIN, 0.15 * likely[0].score):
            break
        rival = _reading(other, items, values)
        as_good = best.match.score - rival.match.score < _EVEN and len(rival.state.said) == len(best.state.said)
        best = msgspec.structs.replace(best, rival=rival.match) if as_good else _better(best, rival)
    return best


def _by_values(readings: Sequence[Reading]) -> Reading | None:
    """The one capability that takes all that was said, when its words say little: `trains from Rome to Naples`."""
    held = [
        r
        for r in readings
        if r.complete and r.match.used and not r.state.left() and any(h[0].tied for h in r.state.said.values())
    ]
    if not held:
        return None
    most = max(len(r.state.said) for r in held)
    best = [r for r in held if len(r.state.said) == most]
    return best[0] if len(best) == 1 or best[0].match.score - best[1].match.score >= _EVEN else None


def _likely(match: Match) -> bool:
    if match.score < _LEAST_SCORE:
        return False
    return match.named >= _LEAST_NAMED or match.covered >= _LEAST_COVERED


def _better(one: Reading, other: Reading) -> Reading:
    """The one that can be filled, or takes more of the values said; else the first."""
    if one.complete != other.complete:
        return one if one.complete else other
    left = len(one.state.left()) - len(other.state.left())
    return other if left > 0 else one


def _reading(match: Match, items: Sequence[Item], values: Sequence[Piece]) -> Reading:
    state = fill(match.signature, items, values)
    found = several.calls(state)
    return Reading(match, state, None if found is None else tuple(found), _open(state, found))


def _open(state: Filling, found: Sequence[dict[str, JsonValue]] | None) -> tuple[Place, ...]:
    """Required parameters that a call lacks; a default the description states is taken in their place."""
    missing = []
    for place in state.sig.places:
        if not place.field.required or place.field.default is not None:
            continue
        if place.name in state.said and (found is None or all(place.name in call for call in found)):
            continue
        if place.name not in state.said and _usual(place) is not None:
            continue
        missing.append(place)
    return tuple(missing)


def _usual(place: Place) -> JsonValue | None:
    """The default the description of a required parameter states, as a value of it."""
    said = place.usual
    if said is None:
        return None
    if place.numeric:
        try:
            return int(said) if said.lstrip("-").isdigit() else float(said)
        except ValueError:
            return None
    if "flag" in place.traits:
        return {"true": True, "false": False}.get(said.casefold())
    if place.textual and not place.many and (not place.field.enum or said in place.field.enum):
        return escape(said) if said else None
    return None


# --- what comes of it ----------------------------------------------------------------------------------------------


def _act(reading: Reading, items: Sequence[Item], scope: Scope) -> Scope:
    entry = reading.match.entry
    span = Span(items[0].span.start, items[-1].span.end)
    if reading.rival is not None:
        titles = tuple(f"{e.service.title}: {e.spec.summary}" for e in (entry, reading.rival.entry))
        scope = scope.ask("service", "Which of these is meant?", titles, span)
    calls: Sequence[dict[str, JsonValue]] = reading.calls or ({},)
    for params in calls:
        name, scope = scope.name(_called(entry.spec.name))
        held = dict(params)
        for place in reading.state.sig.places:
            if place.name not in held and place.field.required and place.field.default is None:
                usual = _usual(place)
                if usual is not None and place not in reading.open:
                    held[place.name] = usual
                    scope = scope.assume(f"{name}.{place.name}", usual, "the default its description states")
        for place in reading.open:
            if place.name not in held:
                scope = scope.ask(f"{name}.{place.name}", asking(entry, place.field), tuple(place.field.enum), span)
        for place in reading.state.sig.places:
            said = reading.state.said.get(place.name, [])
            whole = in_region(str(held.get(place.name, ",")), place)
            if whole is not None:
                held[place.name] = whole
                scope = scope.assume(f"{name}.{place.name}", whole, "the town of that name people mean")
            elif place.regional and "place" in place.traits and "," not in str(held.get(place.name, ",")):
                said_so = f"{asking(entry, place.field)} “{held[place.name]}” alone is not what it takes."
                scope = scope.ask(f"{name}.{place.name}", said_so, (), span)
            if said and not said[0].tied and place.name in held:
                scope = scope.assume(f"{name}.{place.name}", held[place.name], "what else the request says")
        ordered = {p.name: held[p.name] for p in reading.state.sig.places if p.name in held}
        scope = scope.act(
            Action(id=name, service=entry.service.id, function=entry.spec.name, params=ordered, span=span)
        )
    return _explain(reading, items, scope)


def _called(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


def _explain(reading: Reading, items: Sequence[Item], scope: Scope) -> Scope:
    """Words that are accounted for, and questions for those that must be."""
    state = reading.state
    sig = state.sig
    values = {k for p in state.left() if not _label(reading, p) for k in range(p.start, p.end)}
    if reading.calls is None:
        span = Span(items[0].span.start, items[-1].span.end)
        scope = scope.ask("calls", "Which values belong together? Ask for one call at a time.", (), span)
    known = sig.core | sig.summary | sig.params | sig.values | sig.entry.summary | sig.entry.names
    said = [i for k, i in enumerate(items) if i in asked([i]) and k not in values]
    unknown = [i for i in said if items.index(i) not in state.used and not any(among(s, known) for s in forms(i))]
    said_to = any(p.start and items[p.start - 1].lower == "to" for p in state.pieces)
    first = next((i for i in items if i.is_word and is_base_verb(i.lower)), None)
    unknown = [i for i in unknown if not _same_doing(i, reading.match, leads=i is first, said_to=said_to)]
    bounding = words("described", "upper") | words("described", "lower")
    unknown = [i for i in unknown if i.lower not in bounding]
    denied = [i for k, i in enumerate(items) if k not in state.used and i.lower in words("described", "negative")]
    least = _LEAST_KNOWN[reading.match.entry.reads, reading.match.named >= _WHOLE_NAME]
    if reading.match.named >= _HALF_NAME:  # the more was said for its parameters, the surer it is meant
        least -= _TIED * min(3, sum(1 for held in state.said.values() if held[0].tied))
    keep = set(range(len(items))) - values
    keep -= {k for k, i in enumerate(items) if i in unknown and (doubts.ordered(items, k) or doubts.of_value(state, k))}
    scope = doubts.raised(state, items, scope, several=len(reading.calls or ()) > 1)
    keep -= _unheard(items, unknown)
    scenery = _scenery(state, items) if reading.match.entry.reads else set()
    unknown = [i for i in unknown if items.index(i) not in scenery]
    said = [i for i in said if items.index(i) not in scenery]
    share = 1.0 - len(unknown) / len(said) if said else 1.0
    if share < least or _contrary(reading.match, said, unknown) or (unknown and _might_take(state)):
        keep -= {k for k, i in enumerate(items) if i in unknown}
    keep -= {k for k, i in enumerate(items) if i.text == "[" and k not in state.used}
    back = [i for k, i in enumerate(items) if i.lower in words("described", "back") and not _resolved(state, k)]
    if back and len(reading.calls or ()) > 1:
        scope = scope.ask("calls", f"What does “{back[0].text}” refer to? Name it in each.", (), back[0].span)
    for place in _unmet(reading, items):
        slot = f"{_called(sig.entry.spec.name)}.{place.name}"
        scope = scope.ask(slot, asking(sig.entry, place.field), tuple(place.field.enum), None)
    if denied:
        at = denied[0]
        scope = scope.ask("condition", f"What does “{at.text}” leave out here?", (), at.span)
    return scope.explain({items[k].index for k in keep})


def _scenery(state: Filling, items: Sequence[Item]) -> set[int]:
    """Sentences that tell something without a value, an order or a question: `I am renovating.`"""
    found: set[int] = set()
    start = 0
    for at, item in enumerate(items):
        if item.text not in (".", "!", "?", ";", "\n") and at + 1 < len(items):
            continue
        held = list(range(start, at + 1))
        start = at + 1
        word, thing = focus([items[k] for k in held])
        told = items[held[0]].lower in _TELLING and item.text != "?"
        if told and not word and not any(k in state.used for k in held) and len(held) < at + 1 + (start < len(items)):
            found.update(held)
    return found


def _label(reading: Reading, piece: Piece) -> bool:
    """`of Harbour Ltd` where only numbers are wanted, and all of them were said: whose numbers they are."""
    state = reading.state
    numbers = sum(1 for p in state.sig.places if p.numeric and p.name in state.said)
    before = state.items[piece.start - 1].lower if piece.start else ""
    plain = piece.kind == "name" and before in ("of", "for") and reading.match.entry.reads and reading.complete
    return plain and numbers > 1 and not any(p.textual for p in state.sig.places)


def _unheard(items: Sequence[Item], unknown: Sequence[Item]) -> set[int]:
    """Words of what is asked for that the capability does not know: none of them, or one that makes it another thing."""
    _, thing = focus(items)
    strange = {k for k in thing if items[k] in unknown}
    return strange if len(strange) == len(thing) else {k for k in strange if items[k].lower in words("described", "altering")}


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
        if apart or cues and all(any(akin(w, s) for s in stems) and not among(w, own) for w in cues):
            out.append(place)
    return out


def _same_doing(item: Item, match: Match, *, leads: bool, said_to: bool = False) -> bool:
    """`move` for a capability that updates: the verb asks for what it does."""
    if not is_base_verb(item.lower):
        return False
    if item.lower in words("described", "changing") and said_to and any(same_doing(w, "set") for w in match.signature.core):
        return True
    own = (*split_name(match.entry.spec.name)[:1], stem(match.entry.spec.summary.casefold().split(" ")[0]))
    return any(same_doing(item.stem, w) for w in own) or (leads and match.entry.reads and same_doing("get", item.stem))


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
