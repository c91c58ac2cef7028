"""A request as one-off calls of capabilities that only describe themselves.

Knows: when a request is such a one, and when what was found is all that was said. In: items and a scope.
Out: a scope with actions, and questions where something stayed open; None when nothing of it is such a request.
Never: starts on a schedule or an event, calls what changes the world while words of the request are unexplained.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.described import doubts, several
from eyeflow.frontend.described.choose import Match, matches
from eyeflow.frontend.described.explained import explain
from eyeflow.frontend.described.fill import fill
from eyeflow.frontend.described.filling import Filling
from eyeflow.frontend.described.focus import scenery
from eyeflow.frontend.described.parts import parts
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.pieces import pieces, split
from eyeflow.frontend.described.reading import Reading, called, usual
from eyeflow.frontend.described.signature import Place
from eyeflow.frontend.described.values import in_region
from eyeflow.frontend.hints import Hint, found_at
from eyeflow.frontend.intent import Action, JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import cue_at
from eyeflow.frontend.scope import Scope, asking
from eyeflow.frontend.timegrammar import TimePhrase
from eyeflow.values import Span

MARGIN: Final = 1.0
"""Two capabilities whose scores differ by less are as good as each other, unless only one can be filled."""

_WONDERING: Final = ("what", "what's", "when", "where", "which", "who", "how")
_REPEATED: Final = re.compile(r"\b(?:every|each|daily|weekly|monthly)\b", re.IGNORECASE)
"""`When is it open on Sundays?` asks about Sundays; it is not asked on each of them."""

_EVEN: Final = 0.3
_NEARLY: Final = 0.6

_LOOKED: Final = 6
_OFFERED: Final = 3
_NONE_OF_THEM: Final = "no, something else"
_LEAST_SCORE, _LEAST_NAMED, _LEAST_COVERED = 4.0, 0.3, 0.3


def read(items: Sequence[Item], times: Sequence[TimePhrase], scope: Scope) -> Scope | None:
    """`scope` with the calls that `items` ask for; None when they ask for none that is described."""
    if not scope.vocab.bare or _started(items, times):
        return None
    held = split([i for i in items if i.index not in scope.explained])
    found: list[tuple[Sequence[Item], Reading]] = []
    for stretches in parts(held, scope, lambda said: _filled(said, scope)):
        each = _apart(stretches, scope)
        if not each:
            near = _nearest([item for stretch in stretches for item in stretch], scope)
            if isinstance(near, Scope):
                return near
            each = [] if near is None else [near]
        if not each:
            return None
        found += each
    used: set[int] = set()
    for words_, reading in found:
        scope = _act(reading, words_, scope)
        used |= {words_[k].index for k in reading.state.used}
        if reading.match.entry.reads:
            used |= {words_[k].index for k in scenery(words_, reading.state.used)}
    return doubts.times_left(items, times, used, scope) if found else None


def _filled(items: Sequence[Item], scope: Scope) -> str | None:
    """The capability that takes all that is said in one sentence and lacks nothing."""
    reading = _part(items, scope)
    whole = reading is not None and reading.complete and not reading.state.left() and reading.rival is None
    tied = reading is not None and any(h[0].tied for h in reading.state.said.values())
    return reading.match.entry.key if reading is not None and whole and tied else None


def _apart(stretches: Sequence[Sequence[Item]], scope: Scope) -> list[tuple[Sequence[Item], Reading]]:
    """Stretches that ask for the same capability, each by itself where each says all it needs; else as one."""
    if len(stretches) > 1:
        each = [(stretch, _part(stretch, scope)) for stretch in stretches]
        whole = [
            (stretch, r) for stretch, r in each if r is not None and r.complete and not r.state.left() and r.state.said
        ]
        if len(whole) == len(stretches) and len({r.match.entry.key for _, r in whole}) == 1:
            return list(whole)
    together = [item for stretch in stretches for item in stretch]
    reading = _part(together, scope)
    return [] if reading is None else [(together, reading)]


def _nearest(items: Sequence[Item], scope: Scope) -> tuple[Sequence[Item], Reading] | Scope | None:
    """Where no capability is likely, those that share a word with the request are asked about: the one a person took,
    a scope with the question, None when there is none, or none of them was meant.

    Only where every capability describes nothing but itself: phrases and examples would have said it better."""
    near = matches(items, scope)[:_OFFERED] if len(scope.vocab.bare) == _capabilities(scope) else ()
    if not near:
        return None
    span = _over(items)
    titles = [_title(m) for m in near]
    told = scope.told_at(span)
    if told is None:
        asked = "No words here name what can be done; is this meant?"
        return scope.explain(frozenset(i.index for i in items)).ask("service", asked, (*titles, _NONE_OF_THEM), span)
    if told not in titles:
        return None
    return items, _reading(near[titles.index(told)], items, pieces(items, scope.text, scope.ctx.now))


def _capabilities(scope: Scope) -> int:
    return sum(not entry.is_trigger for entry in scope.vocab.entries)


def _title(match: Match) -> str:
    return f"{match.entry.service.title}: {match.entry.spec.summary}"


def _over(items: Sequence[Item]) -> Span:
    return Span(items[0].span.start, items[-1].span.end)


def _started(items: Sequence[Item], times: Sequence[TimePhrase]) -> bool:
    """Something starts it, or it depends on something: then it is no one-off call."""
    lowered = [i.lower for i in items]
    wondering = bool(lowered) and lowered[0] in _WONDERING
    if any(
        t.kind == "schedule"
        and t.rules
        and not t.in_free_text
        and t.explicit != ("frequency",)
        and not (wondering and _REPEATED.search(t.text) is None)
        for t in times
    ):
        return True
    asking_ = ("is", "was", "are", "were", "will", "did", "does", "do", "can", "should", "would")
    if items and lowered[0] == "if" and not _supposing(items):
        return True
    for at in range(len(items)):
        cue = cue_at(lowered, at)
        if cue is None or cue.kind not in ("trigger", "failure", "negative_condition", "alternative", "loop"):
            continue
        if cue.text == "when" and at + 1 < len(items) and lowered[at + 1] in asking_:
            continue
        after = items[at + cue.length] if at + cue.length < len(items) else None
        if cue.text == "after" and after is not None and (after.is_literal or after.lower in ("that", "this")):
            continue  # `after 6 years`, `after that`
        if cue.text == "after" and _step(items, at):
            continue
        if cue.text in ("once", "when", "after", "upon", "on new") and at > 0 and items[at - 1].kind != "punct":
            continue  # said of a thing: `the year when ...`
        return True
    return False


def _step(items: Sequence[Item], at: int) -> bool:
    """`After lunch, ...`, `After buying it, ...` in the middle of a story: its next step, not what starts it."""
    told = any(i.is_word for i in items[:at]) and items[at - 1].text in (".", "!", "?", ";", "\n")
    comma = next((k for k in range(at + 1, min(at + 6, len(items))) if items[k].text == ","), None)
    if not told or comma is None:
        return False
    return comma == at + 2 or items[at + 1].lower.endswith("ing")


def _supposing(items: Sequence[Item]) -> bool:
    """`If I put in 500 dollars, how much ...`: what is supposed are values, and a question follows."""
    comma = next((k for k, i in enumerate(items) if i.text == ","), len(items))
    asks = any(i.lower in ("what", "what's", "how", "which") for i in items[comma:])
    return asks and any(i.is_literal for i in items[:comma])


def _part(items: Sequence[Item], scope: Scope) -> Reading | None:
    """The best capability for one part of the request, filled."""
    alone = _alone(items, scope)
    return (_hinted(items, scope, alone) or alone) if scope.hints else alone


def _alone(items: Sequence[Item], scope: Scope) -> Reading | None:
    """What the words say by themselves."""
    found = matches(items, scope)
    if not found:
        return None
    values = pieces(items, scope.text, scope.ctx.now)
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
    return best if best.complete else _fuller(best, [_reading(m, items, values) for m in likely[1:4]])


def _fuller(best: Reading, others: Sequence[Reading]) -> Reading:
    """The one other reading that lacks nothing and leaves nothing, takes all that the best takes, and is nearly as
    likely; else the best."""
    taken = {h.at for held in best.state.said.values() for h in held}
    found = [
        r
        for r in others
        if r.complete
        and not r.state.left()
        and r.match.score >= _NEARLY * best.match.score
        and taken <= {h.at for held in r.state.said.values() for h in held}
    ]
    return found[0] if len(found) == 1 else best


def _hinted(items: Sequence[Item], scope: Scope, alone: Reading | None) -> Reading | None:
    """The same capability, or where the words alone name none the one they come nearest to, filled with what hints
    see first; None when hints see another one."""
    held = [hint for hint in scope.hints if _within(hint, items, scope)]
    if len({hint.key for hint in held}) != 1 or (alone is not None and alone.rival is not None):
        return None
    ranked = [alone.match] if alone is not None else matches(items, scope)[:2]
    if not ranked or ranked[0].entry.key != held[0].key:
        return None
    if len(ranked) > 1 and ranked[0].score - ranked[1].score < _EVEN:
        return None  # two come as near: which of them is for a person to say
    return _reading(ranked[0], items, pieces(items, scope.text, scope.ctx.now), held)


def _within(hint: Hint, items: Sequence[Item], scope: Scope) -> bool:
    """What the hint takes from the request stands among these words, if anywhere."""
    said = [value for _, value in hint.params if isinstance(value, str) and value.casefold() in scope.text.casefold()]
    return all(found_at(value, items) for value in said)


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


def _reading(meant: Match, items: Sequence[Item], values: Sequence[Piece], hints: Sequence[Hint] = ()) -> Reading:
    state = fill(meant.signature, items, values, hints)
    found = several.calls(state)
    return Reading(meant, state, None if found is None else tuple(found), _open(state, found))


def _open(state: Filling, found: Sequence[dict[str, JsonValue]] | None) -> tuple[Place, ...]:
    """Required parameters that a call lacks; a default the description states is taken in their place."""
    missing = []
    for place in state.sig.places:
        if not place.field.required or place.field.default is not None:
            continue
        if place.name in state.said and (found is None or all(place.name in call for call in found)):
            continue
        if place.name not in state.said and usual(place) is not None:
            continue
        missing.append(place)
    return tuple(missing)


def _act(reading: Reading, items: Sequence[Item], scope: Scope) -> Scope:
    span = _over(items)
    if reading.rival is not None:
        titles = (_title(reading.match), _title(reading.rival))
        told = scope.told_at(span)
        if told == titles[1]:
            reading = _reading(reading.rival, items, pieces(items, scope.text, scope.ctx.now))
        elif told != titles[0]:
            scope = scope.ask("service", "Which of these is meant?", titles, span)
    entry = reading.match.entry
    calls: Sequence[dict[str, JsonValue]] = reading.calls or ({},)
    for params in calls:
        name, scope = scope.name(called(entry.spec.name))
        held, scope = _settled(reading, name, dict(params), span, scope)
        ordered = {p.name: held[p.name] for p in reading.state.sig.places if p.name in held}
        scope = scope.act(
            Action(id=name, service=entry.service.id, function=entry.spec.name, params=ordered, span=span)
        )
    return explain(reading, items, scope)


def _settled(
    reading: Reading, name: str, held: dict[str, JsonValue], span: Span, scope: Scope
) -> tuple[dict[str, JsonValue], Scope]:
    """The parameters of one call with what is assumed, and a question for each that stays open."""
    entry = reading.match.entry
    for place in reading.state.sig.places:
        if place.name in held or place in reading.open or not place.field.required or place.field.default is not None:
            continue
        value = usual(place)
        if value is not None:
            held[place.name] = value
            scope = scope.assume(f"{name}.{place.name}", value, "the default its description states")
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
    return held, scope
