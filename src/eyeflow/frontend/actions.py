"""Stages 3 to 5 for one action clause: which capability, with which parameters, and how sure.

Knows: wording, slots, content, in that order of cost. In: the clause's items and a scope. Out: `Chosen`s, best first.
Never: asks; what is open or unexplained is reported for the last stage to ask about.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import pairwise

import msgspec

from eyeflow.frontend import assigning, content, fetching, loading, nouns, said_before, slots, verbs_meant, wording
from eyeflow.frontend.handling import Handled, handle
from eyeflow.frontend.intent import Action, JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import same_doing, speech_act, stem, synonyms, words
from eyeflow.frontend.lists import identifies
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.slots.filling import is_container, is_identity
from eyeflow.frontend.values_said import fits, text_for, wrap
from eyeflow.frontend.vocabulary import RECIPIENTS, Entry, split_name, walk
from eyeflow.values import STRING, Field, Span

WORDED = 32
_LEADING = frozenset({"also", "then", "always", "please", "just", ",", "first", "finally", "and", "so", "next"})
_PUTTING = frozenset({"put", "drop", "stick", "throw", "pop", "leave", "dump"})
_INTO = frozenset({"in", "into", "on", "onto", "to"})
_IT = frozenset({"it", "them", "that", "this"})
_TYPED = ("channel", "email", "phone", "url", "person")
FIRST_LOOK, OPEN_COST, LEFT_COST, STRONG, AT_HAND, NOT_ME, SAME_AGAIN, WHOLE, ASKING_COST, TO_ITSELF = (
    6,
    0.9,
    1.3,
    1.1,
    0.9,
    2.0,
    2.0,
    4.0,
    1.0,
    5.0,
)


class Chosen(msgspec.Struct, frozen=True, eq=False):
    """One reading of an action clause. `action` is not yet in `scope`; `open` are required parameters without a value;
    `unexplained` are item indexes; `astray` counts addresses that were said and
    have no place; `fits`: the verb is one by which it is asked for."""

    entry: Entry
    action: Action
    scope: Scope
    score: float
    open: tuple[Field, ...]
    unexplained: tuple[int, ...]
    placeholders: tuple[str, ...] = ()
    astray: int = 0
    fits: bool = False


def read(items: Sequence[Item], scope: Scope, *, verb_said: bool = True) -> tuple[Chosen, ...]:
    """Readings of an action clause, best first."""
    held = [i for i in items if i.kind != "time"]
    while held and held[0].lower in _LEADING:
        held = held[1:]
    if not held:
        return ()
    held = verbs_meant.plain(held, scope)
    verb = held[0] if held[0].acts else None
    stems = [s for i in held if i.is_word for s in (i.stem, *synonyms(i.stem))]
    named = wording.names_in(held, scope)
    means = wording.means_at(held, scope)
    ways = _named_ways(held, scope)
    seen: list[_Seen] = []
    worded: list[tuple[Entry, wording.Match]] = []
    for entry in scope.vocab.candidates(stems, named, verb.stem if verb is not None else None, {i.kind for i in held}):
        if entry.is_trigger or (entry.reads and verb is not None and not wording.asks(entry, verb)):
            continue
        if entry.service.connector == "respond" and not any(s.service == "webhook" for s in scope.sources):
            continue  # only a webhook has a caller to answer
        if means is not None and entry.capability_says and not wording.goes_by(entry, means[0]):
            continue
        if ways and entry.capability_says and entry.service.id not in ways:
            continue
        match = wording.match(entry, held, scope, verb=verb if verb_said else None)
        if match.fits or verb is None or _may_mean(entry, verb):
            worded.append((entry, match))
    worded = _placed(worded, held, scope)
    worded.sort(key=lambda w: (-w[1].score, w[0].key))
    for entry, match in worded[:WORDED]:
        assigned = assigning.read(entry, held)
        filled = slots.fill(entry, assigned.rest if assigned is not None else held, scope)
        score = match.score + STRONG * filled.strong - _literals_left(held, filled)
        seen.append((score, entry, match, filled))
    seen = _shared(seen)
    seen.sort(key=lambda s: (-round(s[0], 4), s[1].key))
    found = [c for s in seen[:FIRST_LOOK] if s[0] > 0 and (c := _look(s, held, scope, verb)) is not None]
    fitting = {s[1].key for s in seen if s[2].fits}
    return _whole_first(sorted(found, key=lambda c: (-c.score, c.entry.key)), fitting)


def _named_ways(items: Sequence[Item], scope: Scope) -> frozenset[str]:
    """`let them know on Teams`: the services by which it is to be said, where they are named as the way."""
    lowered = [i.lower for i in items]
    for at, item in enumerate(items):
        if not item.proper or not at or lowered[at - 1] not in ("on", "via", "through", "using", "over", "in"):
            continue
        name = scope.vocab.name_at(lowered, at)
        entries = (e for s in (name.services if name else ()) for e in scope.vocab.entries if e.service.id == s)
        ways = frozenset(e.service.id for e in entries if not e.is_trigger and e.capability_says)
        if ways:
            return ways
    return frozenset()


_Worded = tuple[Entry, wording.Match]


def _placed(worded: list[_Worded], items: Sequence[Item], scope: Scope) -> list[_Worded]:
    """`raise a ticket in Zendesk`: what is done to a thing is done by the service it is said to be in, if that can."""
    lowered = [i.lower for i in items]
    led = (k + 1 for k, word in enumerate(lowered[:-1]) if word in _INTO and items[k + 1].proper)
    named = [name for k in led if (name := scope.vocab.name_at(lowered, k)) is not None]
    services = {service for name in named for service in name.services}
    thing = next((i for i in items[1:] if i.is_word and not i.is_stop), None)
    if not services or thing is None:
        return worded
    near = {thing.stem, *synonyms(thing.stem)}
    able = (e for e, m in worded if e.service.id in services and m.fits and not e.reads)
    if not any(near & fetching.entry_words(e) for e in able):
        return worded
    return [w for w in worded if w[0].service.id in services or w[0].reads or w[0].capability_says]


def _whole_first(found: list[Chosen], fitting: set[str]) -> tuple[Chosen, ...]:
    """Of what one service can do, the first that leaves nothing open and no word over, where the best leaves both."""
    best = found[0] if found else None
    if best is None or not (best.open or best.astray) or best.entry.reads:
        return tuple(found)
    for other in found[1:]:
        near = other.entry.service.id == best.entry.service.id or (best.astray and not best.action.params.get("to"))
        near = near and (bool(best.unexplained) or other.entry.capability_says)
        near = near and best.score - other.score < WHOLE
        if near and not (other.open or other.unexplained or other.entry.reads) and other.entry.key in fitting:
            return (msgspec.structs.replace(other, score=best.score), *(c for c in found if c is not other))
    return tuple(found)


_Seen = tuple[float, Entry, wording.Match, slots.Filled]


def _may_mean(entry: Entry, verb: Item) -> bool:
    """Verbs that say little (`do`, `put`), and those that are themselves a saying, where something is said."""
    if verb.lower in words("pale"):
        return True
    return entry.capability_says and (speech_act(verb.lower) is not None or same_doing("tell", verb.stem))


def _shared(seen: Sequence[_Seen]) -> list[_Seen]:
    """What is said to send a message counts for every way the service has of sending one (`let Dana know`)."""
    best: dict[str, wording.Match] = {}
    for _, entry, match, _ in seen:
        if entry.capability_says and (entry.service.id not in best or match.score > best[entry.service.id].score):
            best[entry.service.id] = match
    out: list[_Seen] = []
    for own_score, entry, own_match, filled in seen:
        score, match = own_score, own_match
        lender = best.get(entry.service.id) if entry.capability_says else None
        lent = 0.9 * lender.score if lender is not None else 0.0
        if lender is not None and lent > match.score:
            score += lent - match.score
            match = wording.Match(round(lent, 4), match.used | lender.used, match.named)
        out.append((score, entry, match, filled))
    return out


def _literals_left(items: Sequence[Item], filled: slots.Filled) -> float:
    """Typed literals a capability has no place for speak against it, most of all those that say where or to whom."""
    left = [i for i in items if i.is_literal and i.index not in filled.used and i.kind not in ("number", "ordinal")]
    return sum(1.6 if i.kind in _TYPED else 0.8 for i in left)


def _look(seen: _Seen, items: Sequence[Item], scope: Scope, verb: Item | None) -> Chosen | None:
    """One capability with everything the clause says."""
    _, entry, match, filled = seen
    used = set(match.used - filled.unsaid) | filled.used
    if verb is not None:
        used.add(verb.index)
    if entry.capability_says:
        used |= {i.index for i in items if i.lower == "know"}
        used -= _fields_said(items, used, scope)
    state = _handled(entry, items, Handled(dict(filled.params), scope, frozenset(used)), verb)
    filled = msgspec.structs.replace(filled, params=state.params)
    complete = slots.complete(entry, filled, state.scope)
    complete = _identified(entry, said_before.there(entry, items, complete, state.scope), state.scope)
    complete, state = _with_file(entry, items, complete, state)
    again = said_before.again(entry, items, state.scope)
    if again is not None:
        complete = said_before.as_before(entry, complete, again)
    if _misses_me(entry, items, filled):
        complete = _unassumed(entry, complete)
    state = _mentions(entry, items, state)
    open_ = tuple(p for p in entry.spec.params if p.required and p.name not in complete.params and p.default is None)
    if entry.capability_says:
        state = msgspec.structs.replace(state, used=state.used | _only_labels(items, open_))
    left = tuple(
        i.index for i in nouns.content(items) if i.index not in state.used and i.index not in state.scope.explained
    )
    score = match.score + STRONG * filled.strong - OPEN_COST * len(open_)
    score -= ASKING_COST * (len(state.scope.questions) - len(scope.questions))
    score -= LEFT_COST * sum(0.5 + 0.1 * scope.vocab.rarity(i.stem) for i in items if i.index in left)
    if not match.named:  # which one it is, nobody can be asked: it comes of a thing at hand
        score -= 2 * OPEN_COST * sum(identifies(p.name) for p in open_)
    astray = sum(1 for i in items if i.index in left and i.kind in _TYPED)
    score -= 1.2 * astray
    if astray and entry.capability_says and any(p.entity in RECIPIENTS or is_container(p) for p in open_):
        score -= NOT_ME  # somebody is named to whom this cannot be sent
    at_hand = any(s.service == entry.service.id for s in scope.sources)
    if verb is not None and not (at_hand or match.named or _spoken_of(entry, items, verb)):
        return None
    near = at_hand and not match.named and not _another_thing(entry, items, verb)
    score += AT_HAND * (near + _of_it(entry, items, scope))
    score -= TO_ITSELF * _to_itself(entry, complete)
    if again is not None:
        score += SAME_AGAIN
    if _misses_me(entry, items, filled):
        score -= NOT_ME
    elif entry.capability_says and not match.fits and any(p.entity == "person" for p in open_):
        score -= NOT_ME  # nobody is named: said to all before it is said to one
    name, after = state.scope.name(_short(entry))
    for slot, value, why in complete.assumed:
        after = after.assume(f"{name}.{slot}", value, why)
    action = Action(
        id=name, service=entry.service.id, function=entry.spec.name, params=_in_order(entry, complete.params),
        span=Span(items[0].span.start, items[-1].span.end),
    )  # fmt: skip
    after = after.explain({i.index for i in items} - set(left))
    after = said_before.remembered(entry, action, after)
    return Chosen(entry, action, after, round(score, 4), open_, left, state.unknown, astray, match.fits or match.named)


_JOINED = frozenset({"and", ",", "&", "plus"})


def _fields_said(items: Sequence[Item], used: Container[int], scope: Scope) -> set[int]:
    """`the commit message`, `the name and the message`: a field of what happened, though a message is what is sent."""
    found: set[int] = set()
    for source in scope.sources:
        named = {w for path, _ in walk(source.type) if len(path) == 1 for w in split_name(path[0])}
        for one, two in pairwise(items):
            whole = one.is_word and not one.is_stop and one.index not in used and one.stem in named | source.nouns
            if whole and two.index in used and two.stem in named:
                found.add(two.index)
        for at in range(2, len(items)):
            led = at - 2 if items[at - 1].lower in words("determiners") else at - 1
            joined = items[led].lower in _JOINED or (items[led].is_literal and led < at - 1)
            behind = items[at + 1].lower if at + 1 < len(items) else ""
            joined = joined or (items[at - 1].lower == "the" and behind in _JOINED)
            called = {items[at].stem, *(synonyms(items[at].stem) if items[at - 1].lower == "the" else ())}
            if joined and items[at].index in used and called & named:
                found.add(items[at].index)
    return found


def _handled(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """What the words handle; a field that is given a value gets a literal as it stands, or what the words mean."""
    told = assigning.read(entry, items)
    state = handle(entry, items if told is None else told.rest, state, verb)
    if told is None:
        return state
    text = Field("value", STRING, role="content")
    value = fits(text, told.value[0]) if len(told.value) == 1 and told.value[0].is_literal else None
    scope = state.scope
    if value is None:
        made = content.compose(told.value, scope, text)
        if made is not None and not made.unexplained:
            value, scope = made.value, made.scope
        elif all(i.is_word and (i.proper or len(told.value) == 1) for i in told.value):
            value = text_for(text, told.value, scope.text)
    if value is None:
        return state
    params = {**state.params, told.param.name: {told.name: value}}
    return msgspec.structs.replace(state, params=params, scope=scope, used=state.used | told.used)


_RECEIVERS = ("phone", "email", "channel", "person")


def _only_labels(items: Sequence[Item], open_: Sequence[Field]) -> set[int]:
    """Words that only say what kind of message it is (`a reminder with its name`), or whose address is given
    (`text the owner at +1555`)."""
    asked = any(p.role == "content" for p in open_)  # what it says is asked
    kinds = [(before, i) for before, i in pairwise(items) if i.lower in words("message_kinds")]
    found = {i.index for before, i in kinds if asked or before.lower in ("a", "an", "one", "single")}
    at = next((k for k, i in enumerate(items) if i.kind in _RECEIVERS), 0)
    said = items[1 : max(at - 1, 1)]
    if (
        at > 2
        and items[at - 1].lower in ("at", "on", "under")
        and len(said) <= 4
        and said[0].lower in ("the", "my", "our")
    ):
        found |= {i.index for i in said if i.is_word}
    return found


def _identified(entry: Entry, filled: slots.Filled, scope: Scope) -> slots.Filled:
    """Without ids that were taken from a text: the body of a message tells no thing apart."""
    params = dict(filled.params)
    for param in entry.spec.params:
        value = params.get(param.name)
        place = _FIELD.fullmatch(value) if isinstance(value, str) and _is_id(param) else None
        source = next((s for s in scope.sources if place is not None and s.root == place[1]), None)
        if place is None or source is None:
            continue
        field = next((f for p, f in walk(source.type) if ".".join(p) == place[2]), None)
        if field is not None and (field.role in ("content", "summary") or field.name in _TEXTS):
            del params[param.name]
    return msgspec.structs.replace(filled, params=params) if len(params) < len(filled.params) else filled


def _is_id(param: Field) -> bool:
    return is_identity(param) and split_name(param.name)[-1] in ("id", "timestamp", "ts")


_FIELD = re.compile(r"\{(\w+)\.([\w.]+)\}")
_TEXTS = ("body", "text", "message", "description", "content", "summary", "comment", "snippet", "notes")


def _to_itself(entry: Entry, filled: slots.Filled) -> bool:
    """`comment the ticket's key on the issue`: nobody writes the key of a thing onto that very thing."""
    said = [filled.params.get(p.name) for p in entry.spec.params if p.role == "content"]
    places = [filled.params.get(p.name) for p in entry.spec.params if p.role != "content"]
    return any(isinstance(each, str) and _FIELD.fullmatch(each) is not None and each in places for each in said)


def _spoken_of(entry: Entry, items: Sequence[Item], verb: Item) -> bool:
    """A word besides the verb speaks of what is made: `open the blinds` makes no ticket."""
    if entry.capability_says or not same_doing(stem("create"), verb.stem):
        return True
    own = fetching.entry_words(entry) | entry.fields | {w for p in entry.spec.params for w in split_name(p.name)}
    said = (i for i in items if i.is_word and i is not verb and not i.is_stop)
    return any(w in own for i in said for w in (i.stem, *synonyms(i.stem)))


def _another_thing(entry: Entry, items: Sequence[Item], verb: Item | None) -> bool:
    """`when a ticket comes in, open an incident`: what is made is called otherwise than what is at hand."""
    if verb is None or not same_doing(stem("create"), verb.stem):
        return False
    thing = next((i for i in items[1:] if i.is_word and not i.is_stop), None)
    return thing is not None and thing.stem not in fetching.entry_words(entry)


def _of_it(entry: Entry, items: Sequence[Item], scope: Scope) -> float:
    """`send it`, where a phrase is `send the invoice` and it is an invoice: as rare as that word is."""
    at_hand = scope.sources[-1] if scope.sources else None
    if at_hand is None or at_hand.service != entry.service.id or len(items) < 2 or items[1].lower not in _IT:
        return 0.0
    told = {p[1] for p in entry.phrases if len(p) == 2 and p[0] == items[0].stem and p[1] in at_hand.nouns}
    return max((scope.vocab.rarity(word) for word in told), default=0.0)


def _with_file(
    entry: Entry, items: Sequence[Item], filled: slots.Filled, state: Handled
) -> tuple[slots.Filled, Handled]:
    """A file that is still wanted, of the thing at hand: its service is asked for the content."""
    param = next(
        (p for p in entry.spec.params if p.required and p.entity == "file" and p.name not in filled.params), None
    )
    found = loading.content_of(state.scope, Span(items[0].span.start, items[-1].span.end)) if param else None
    if param is None or found is None:
        return filled, state
    params = {**filled.params, param.name: wrap(param, "{" + found[0] + "}")}
    return msgspec.structs.replace(filled, params=params), msgspec.structs.replace(state, scope=found[1])


def _misses_me(entry: Entry, items: Sequence[Item], filled: slots.Filled) -> bool:
    """`remind me`: a message that would go to a place nobody named, and not to the person who asked; or to nobody."""
    if entry.reads or not any(i.lower in words("me") for i in items):
        return False
    says = any(p.role == "content" and p.required for p in entry.spec.params)
    receiving = [p for p in entry.spec.params if p.entity in RECIPIENTS and (p.required or not entry.capability_says)]
    return says and bool(receiving) and not any(p.name in filled.params for p in receiving)


def _unassumed(entry: Entry, filled: slots.Filled) -> slots.Filled:
    """Without recipients that only a default gave: `me` was said, and a default place is not me."""
    taken = {p.name for p in entry.spec.params if p.entity in RECIPIENTS}
    assumed = {slot for slot, _, _ in filled.assumed} & taken
    params = {name: value for name, value in filled.params.items() if name not in assumed}
    kept = tuple(a for a in filled.assumed if a[0] not in assumed)
    return msgspec.structs.replace(filled, params=params, assumed=kept)


def _in_order(entry: Entry, params: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {p.name: params[p.name] for p in entry.spec.params if p.name in params}


def _short(entry: Entry) -> str:
    name = entry.spec.name
    if "message" in name or "email" in name or name.startswith("send"):
        return "message" if "message" in name or name == "send" else name
    return name


def _doer(item: Item, items: Sequence[Item], source: Source) -> bool:
    """`the respondent` of a response, `the subscriber` of a subscription: whom the event is about."""
    before = next((i.lower for i, nxt in pairwise(items) if nxt is item), "")
    if before not in ("the", "this", "that") or not item.lower.endswith(("er", "or", "ent", "ant", "ee", "ber")):
        return False
    spoken = source.nouns | {w for p in (source.entry.phrases if source.entry else ()) for w in p}
    return any(len(word) > 4 and item.lower[:5] == word[:5] for word in spoken)


def _mentions(entry: Entry, items: Sequence[Item], state: Handled) -> Handled:
    """Words that name what is at hand (`the order`, `the ticket`) or restate the entry are accounted for."""
    nounsets = [s.nouns for s in state.scope.sources]
    own = fetching.entry_words(entry) | entry.names
    own |= {stem(part) for word in own if "-" in word for part in word.split("-")}
    fieldnames = {path[-1] for s in state.scope.sources if s.kind != "made" for path, _ in walk(s.type)}
    used = set(state.used)
    for item in nouns.content(items):
        if item.index in used or not item.is_word:
            continue
        near = (item.stem, *synonyms(item.stem))
        doer = any(_doer(item, items, s) for s in state.scope.sources if s.kind in ("trigger", "item"))
        if item.stem in fieldnames and not any(item.stem in held for held in nounsets):
            continue  # a field of what is at hand, that was asked for and not read
        if any(w in held for held in nounsets for w in near) or item.stem in own or doer:
            used.add(item.index)
    known = {name for s in state.scope.sources for name in (s.service,)}
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        name = state.scope.vocab.name_at(lowered, at) if lowered[at].endswith("'s") is False else None
        plain = state.scope.vocab.name_at([lowered[at].removesuffix("'s")], 0)
        found = name or plain
        if found is not None and set(found.services) & known:
            used |= {i.index for i in items[at : at + found.length]}
    if entry.capability_says and any(p.entity == "slack_channel" and p.name in state.params for p in entry.spec.params):
        used |= {i.index for i in items if i.lower in words("audience")}
    titles = {w for name in (entry.service.title, entry.service.type) for w in split_name(name)}
    used |= {i.index for i in items if i.is_word and i.stem in titles}
    return msgspec.structs.replace(state, used=frozenset(used))
