"""Stage 2's trigger clauses become triggers: an event of a service, or a webhook, with its filter.

Knows: wording of trigger kinds, webhook paths, modifiers (`over $500`, `with label bug`, `from x@y.z`).
In: items of the clause, a scope. Out: `Started`s, best first. Never: schedules (those are the time grammar's).
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Mapping, Sequence
from itertools import pairwise

import msgspec

from eyeflow.frontend import either, filters, happenings, nouns, slots, states, wording
from eyeflow.frontend.intent import EventTrigger, Trigger, WebhookTrigger
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, same_doing, same_event, stem, synonyms, words
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.vocabulary import Entry, split_name, walk
from eyeflow.values import JSON, STRING, Field, ObjectOf, Span

_LOOK, LEFT_COST, OPEN_COST, NOT_THE_NEW_ONE, UNCHOSEN = 6, 1.2, 0.5, 1.5, 0.3


class Started(msgspec.Struct, frozen=True, eq=False):
    """One reading of a trigger clause: the trigger, the source it opens, what is open and what is unexplained."""

    trigger: Trigger
    source: Source
    scope: Scope
    score: float
    open: tuple[Field, ...] = ()
    unexplained: tuple[int, ...] = ()
    entry: Entry | None = None


def read(items: Sequence[Item], scope: Scope, service: str | None = None) -> tuple[Started, ...]:
    """Readings of a trigger clause, best first; those of `service` alone where it is given."""
    held = [i for i in items if i.kind != "time"]
    if not held:
        return ()
    found: list[Started] = []
    hook = webhook(held, scope)
    held = _spoken_softly(held)
    named = wording.names_in([i for i in held if i.proper], scope)
    if hook is not None and not named:
        return (hook,)
    event = held[: _and_it(held)]
    stems = [s for i in event if i.is_word for s in (i.stem, *synonyms(i.stem))]
    looked: list[tuple[float, Entry, wording.Match, slots.Filled]] = []
    near = scope.vocab.candidates(stems, wording.names_in(held, scope))
    if held[0].lower in happenings.IMPERSONAL:  # `it rains`: the word may be a state that an event carries
        near = (*near, *(e for e in scope.vocab.entries if e.is_trigger and e not in near and states.carries(e, held)))
    for entry in near:
        if not entry.is_trigger or (service is not None and entry.service.id != service):
            continue
        match = wording.match(entry, event, scope)
        filled = slots.fill(entry, held, scope)
        if not match.named and not _tells(match, held):
            match = msgspec.structs.replace(match, used=frozenset())  # its words are asked about
        told = 0.6 if held[0].lower in happenings.IMPERSONAL and states.carries(entry, held) else 0.0
        looked.append((match.score + filled.strong + told, entry, match, filled))
    looked.sort(key=lambda s: (-round(s[0], 4), s[1].key))
    found += [
        _event(entry, match, filled, held, scope) for score, entry, match, filled in looked[:_LOOK] if score > 0.5
    ]
    found = [_plainest(one, found, held) for one in found]
    return tuple(sorted(found, key=lambda s: (-s.score, s.source.service)))


def _and_it(items: Sequence[Item]) -> int:
    """Where `... and it has the label urgent` begins: of what came, no event of its own. Else, how many items."""
    for at in range(2, len(items) - 2):
        verb = items[at + 1].lower if items[at].lower in _OF_IT else ""
        if items[at - 1].lower in ("and", ",", "but") and verb in _HAVING:
            return at - 1
    return len(items)


_OF_IT = frozenset({"it", "that", "this", "they", "its", "which"})
_HAVING = frozenset({"has", "have", "had", "carries", "bears", "contains", "holds"})


def _spoken_softly(items: Sequence[Item]) -> list[Item]:
    """`THE FRONT DOOR`: of words shouted together with an article or a preposition, each is said as it is written
    small; but for those that are codes (`PROJECT OPS`)."""
    out = list(items)
    for _, run in itertools.groupby(range(len(out)), key=lambda k: out[k].is_word and out[k].text.isupper()):
        held = list(run)
        loud = any(out[k].is_stop and len(out[k].text) > 1 and out[k].text.isupper() for k in held)
        for k in held if loud else ():
            coded = k and out[k - 1].lower in _CODED
            if not coded and out[k].is_word:
                out[k] = msgspec.structs.replace(out[k], text=out[k].text.lower(), proper=False)
    return out


_CODED = frozenset({"project", "team", "board", "key", "symbol", "ticker", "stock", "currency", "country", "in"})
"""Words after which capitals are how the thing is written."""


def _plainest(one: Started, all_: Sequence[Started], items: Sequence[Item]) -> Started:
    """`a new payment` is no payment that failed: what an event tells of must be said, when another one of the service
    tells of the same thing's coming."""
    stems = {s for i in items if i.is_word for s in (i.stem, *synonyms(i.stem))}
    if one.entry is None or _arrives(one.entry, stems):
        return one
    others = [o.entry for o in all_ if o.entry is not None and o is not one]
    beside = [o for o in others if o.service.id == one.entry.service.id and _arrives(o, stems)]
    doing = [i.stem for i in items if i.is_word and i.lower not in words("arriving") and i.lower != "new"]
    for other in beside:
        told = _about(one.entry) - _about(other)
        if not any(same_doing(said, w) or same_event(said, w) for said in doing for w in told):
            return msgspec.structs.replace(one, score=round(one.score - NOT_THE_NEW_ONE, 4))
    return one


def _arrives(entry: Entry, stems: Container[str]) -> bool:
    """The event is that a thing which is spoken of comes to be: `new order`, `a payment comes in`."""
    for phrase in entry.kind.phrases:
        said = phrase.casefold().split()
        if any(w in _ARRIVAL for w in said) and any(stem(w) in stems for w in said if w not in _ARRIVAL):
            return True
    return False


_ARRIVAL = frozenset({"new", "created", "opened", "added", "comes", "arrives", "submitted", "published", "booked"})


def _tells(match: wording.Match, items: Sequence[Item]) -> bool:
    """More than a verb that says little brought the event up: `we go to bed` is no alarm that goes off."""
    said = [i for i in items if i.index in match.used]
    plain = [i for i in said if i.is_word]
    stems = {stem(word) for word in words("pale")} | {stem(word) for word in words("stop")} - set(_PARTICLES)
    if not plain:
        return any(i.is_literal for i in items)
    return any(i.stem not in stems for i in plain) or bool({i.lower for i in plain} & set(_PARTICLES))


def _marking(entry: Entry, items: Sequence[Item]) -> set[int]:
    """`an issue gets the label bug`, `is labelled bug`: a label that is set is no issue that is opened with it. The
    indexes of the words that say so, where the event tells of something else."""
    about = entry.summary | {w for phrase in entry.phrases for w in phrase}
    if about & _LABEL:
        return set()
    for k, item in enumerate(items):
        near = items[k + 1 : k + 4]
        is_ = item.lower in ("is", "are", "was", "gets", "becomes") and near and near[0].lower in _LABELLED
        gets = item.lower in ("gets", "receives") and any(i.stem in _LABEL for i in near[:2])
        put = item.stem in _LABEL and any(i.lower in ("added", "set", "put", "applied") for i in items[k + 1 : k + 5])
        if is_ or gets or put:
            rest = [i for i in items if i is not item and not (is_ and i is near[0])]
            opened = any(i.lower in _ARRIVAL - {"added"} or i.lower in words("arriving") - {"gets"} for i in rest)
            return set() if opened else {i.index for i in (item, *near[:2]) if i.is_word and not i.is_stop}
    return set()


_LABEL = frozenset({stem("label"), stem("tag")})
_LABELLED = frozenset({"labelled", "labeled", "tagged"})
_PARTICLES = ("on", "off", "up", "down", "out")


def _event(entry: Entry, match: wording.Match, filled: slots.Filled, items: Sequence[Item], scope: Scope) -> Started:
    complete = slots.complete(entry, filled, scope, sources=False)
    source = Source("trigger", entry.kind.payload, nouns_of(entry), entry.service.id, "trigger", entry)
    used = set(match.used) | filled.used
    used |= {i.index for i in items if i.lower in words("arriving") and match.used}
    complete, where, scope, more = _narrowed(complete, items, used, scope, source)
    used |= more
    found, more = states.stated(entry, [i for i in items if i.index not in more], source)
    where += [each for each in found if each not in where]
    kind = states.file_kind(items, source)
    if kind is not None:
        where.append(kind[0])
        used.add(kind[1])
    impersonal = bool(found) and items[0].lower in happenings.IMPERSONAL
    used |= more
    by, more = states.done_by(items, used, source, scope.vocab)
    where += by
    used |= more
    people = _people(entry)
    for item in nouns.content(items):
        if item.is_word and (
            item.stem in source.nouns
            or (bool(match.used) and item.stem in people)
            or item.lower in ("someone", "somebody", "anyone", "person", "new")
            or (item.lower in words("arriving") and bool(match.used))
            or (bool(match.used) and _same_event(entry, item))
        ):
            used.add(item.index)
    if match.named and len(entry.service.triggers) == 1:
        # the only thing a named service tells: what the person calls it is a label
        ends = next((k for k, i in enumerate(items) if k and (i.kind == "punct" or i.lower in _AWAY)), len(items))
        doer = items[0] if len(items) > 1 and items[1].is_word and items[1].lower.endswith("s") else None
        unsaid = doer is not None and not doer.is_stop and doer.stem not in scope.vocab.by_stem
        unsaid = unsaid and items[1].lower not in ("is", "was", "has", "does")
        used |= {
            i.index
            for i in items[:ends]
            if i.is_word and not i.proper and i.lower not in words("vague") and not (unsaid and i is doer)
            if not _other_doing(entry, i, scope)
        }
    open_ = tuple(p for p in entry.spec.params if p.required and p.name not in complete.params)
    used -= _marking(entry, items)
    left = tuple(i.index for i in nouns.content(items) if i.index not in used)
    free = [p for p in entry.spec.params if p.name not in complete.params]
    whose = happenings.whose(free, items, left, scope.vocab, match.used)
    if whose is not None:
        complete = msgspec.structs.replace(complete, params={**complete.params, whose[0]: whose[1]})
        left = ()
    subject = items[0].lower if items[0].is_word and items[0].lower != "user" else None
    by_other = bool(by) or subject in ("someone", "somebody", "anyone", "anybody")
    if by_other and happenings.own_doing(entry.spec.phrases):
        match = msgspec.structs.replace(match, score=match.score - 3.0)
    score = match.score + 1.0 * filled.strong - OPEN_COST * len(open_) + 0.3 * len(where)
    score += (1.7 if {"current", "now"} & (entry.names | entry.summary) else 1.5) * impersonal
    score -= LEFT_COST * sum(0.5 + 0.1 * scope.vocab.rarity(i.stem) for i in items if i.index in left)
    score -= UNCHOSEN * len(_unchosen(entry, complete.params))
    score -= NOT_THE_NEW_ONE * (_new_one(items, scope) - _about(entry) != set())
    for slot, value, why in complete.assumed:
        scope = scope.assume(f"trigger.{slot}", value, why)
    trigger = EventTrigger(
        service=entry.service.id, event=entry.spec.name, params=complete.params, where=filters.all_of(where),
        span=Span(items[0].span.start, items[-1].span.end),
    )  # fmt: skip
    after = scope.see(source).explain({i.index for i in items} - set(left))
    return Started(trigger, source, after, round(score, 4), open_, left, entry)


def _narrowed(
    complete: slots.Filled, items: Sequence[Item], used: set[int], scope: Scope, source: Source
) -> tuple[slots.Filled, list[str], Scope, set[int]]:
    """What else is said of which events are meant, with the indexes of the words that say so."""
    params, where, joined = either.of(complete.params, items, used, source)
    told, narrowed, more = filters.modifiers(items, used | joined, scope, source)
    complete = msgspec.structs.replace(complete, params=params)
    if _against(told, params, source):
        return complete, where, scope, joined
    return complete, [*where, *told], narrowed, joined | more


def _against(told: Sequence[str], params: Mapping[str, object], source: Source) -> bool:
    """`in acme/web or acme/app`: what is said besides of a text that must be one thing would never come true."""
    return any(t.startswith(f"EQ({source.root}.{name}, ") for t in told for name in params)


def _people(entry: Entry) -> set[str]:
    """`customer` of `customer_email`: who has to do with what happened."""
    named = [split_name(path[-1]) for path, field in walk(entry.result) if field.entity in ("person", "email")]
    return {name[0] for name in named if len(name) > 1 and name[-1] in ("name", "email")}


def _unchosen(entry: Entry, params: Mapping[str, object]) -> list[str]:
    """Choices that the same thing, asked for, needs and nobody made: a section, a category."""
    twin = entry.service.capability(entry.spec.name)
    wanted = {p.name for p in twin.params if p.required and p.enum} if twin is not None else set()
    return sorted(wanted - set(params))


_AWAY = ("to", "into", "onto", "and", "then")
"""Words after which a label is over."""


def _new_one(items: Sequence[Item], scope: Scope) -> set[str]:
    """The stem of what `a new X` says is new, when no verb tells what happened."""
    at = next((k for k, i in enumerate(items) if i.lower == "new"), None)
    if at is None or (at and items[at - 1].lower not in ("a", "is", "are", "any", "the", "some", "every", "each")):
        return set()
    run = list(itertools.takewhile(lambda i: i.is_word and not i.is_stop, items[at + 1 :]))
    lowered = [i.lower for i in run]
    names = [k for k in range(len(run)) if scope.vocab.name_at(lowered, k) is not None]
    plain = [i.stem for k, i in enumerate(run) if k not in names]
    return {plain[0]} if len(plain) == 1 and at + 1 + len(run) == len(items) else set()


def _about(entry: Entry) -> set[str]:
    """Stems by which the entry's phrases and name, not its summary, call things; with what else those are called."""
    said = {*split_name(entry.spec.name), *(w for phrase in entry.phrases for w in phrase)}
    return said | {other for word in said for other in synonyms(word)}


def _same_event(entry: Entry, item: Item) -> bool:
    """`opens a ticket`, of a ticket that is created."""
    said = {*split_name(entry.spec.name), *(w for phrase in entry.phrases for w in phrase)}
    return any(same_doing(item.stem, word) or same_event(item.stem, word) for word in said)


def _other_doing(entry: Entry, item: Item, scope: Scope) -> bool:
    """`I skip a song`, `a record is deleted`: a verb, and none of what the event tells."""
    if item.lower in words("arriving") or _same_event(entry, item):
        return False
    said = item.lower
    bases = (said, item.stem, said.removesuffix("d"), said.removesuffix("ed"), said.removesuffix("s"))
    return any(is_base_verb(base) or base in scope.vocab.verbs for base in bases)


def nouns_of(entry: Entry) -> frozenset[str]:
    """Stems by which people mention what an event is about."""
    subject = {split_name(entry.spec.name)[0]}
    verbs = {"new", "get", "is", "are", "a", "someone"}
    for phrase in (*entry.phrases, tuple(entry.summary)):
        subject |= {w for w in phrase if w not in verbs and len(w) > 2 and w not in words("verbs")}
    return frozenset((subject - {stem(w) for w in words("happening")}) | _subjects(entry))


_BECOMES = ("is", "are", "gets", "was", "has")


def _subjects(entry: Entry) -> frozenset[str]:
    """`order` of `order is refunded`, of `new order`: a noun there, though it may be a verb elsewhere."""
    found: set[str] = set()
    for phrase in entry.kind.phrases:
        said = phrase.casefold().split()
        found |= {stem(one) for one, two in pairwise(said) if two in _BECOMES and one.isalpha()}
        found |= {stem(two) for one, two in pairwise(said[-2:]) if one == "new" and two.isalpha()}
    return frozenset(found - {stem(w) for w in words("stop")})


# --- webhooks ------------------------------------------------------------------------------------------------------


_CALLED = frozenset(
    [
        "webhook",
        "endpoint",
        "hook",
        "request",
        "http",
        "receives",
        "gets",
        "call",
        "called",
        "requested",
        "invoked",
        "triggered",
        "posted",
        "pinged",
        "posts",
        "hits",
        "hit",
        "fires",
        "url",
    ]
)
"""Words that say no more than that an address is called."""
_CALLERS = frozenset(
    ["webhook", "submission", "request", "payload", "caller", "body", "sender", "submitter", "visitor"]
)
"""Words for what comes, and for whoever sends it."""


def webhook(items: Sequence[Item], scope: Scope) -> Started | None:
    """`the contact form webhook receives ... with name, email`, `POST to /deploy`: the built-in trigger."""
    lowered = [i.lower for i in items]
    path = next((i for i in items if i.kind == "path" and i.text.startswith("/")), None)
    method = next((i for i in items if i.text.upper() in ("POST", "PUT", "GET") and i.is_word), None)
    called = any(w in ("webhook", "webhooks", "endpoint", "hook") for w in lowered)
    asked = bool(
        {"request", "call", "called", "hit", "requested", "invoked", "posted", "pinged", "triggered"} & set(lowered)
    )
    if not called and not (path is not None and (method is not None or asked)):
        return None
    used = {i.index for i in items if i.lower in _CALLED}
    used |= {i.index for i in (path, method) if i is not None}
    name_items = _name_before(items)
    used |= {i.index for i in name_items}
    named = [i.lower for i in name_items]
    where = path.text if path is not None else "/" + ("-".join(named) or "hook")
    names, spent = _body_fields(items, used)
    used |= spent
    left = tuple(i.index for i in nouns.content(items) if i.index not in used and i.lower not in words("hook"))
    typed = dict.fromkeys(names, "string")
    payload = ObjectOf(tuple(Field(n, STRING, entity=_entity(n)) for n in names)) if names else JSON
    source = Source(
        "trigger",
        payload,
        _CALLERS | {stem(w) for w in named},
        "webhook",
        "trigger",
    )
    trigger = WebhookTrigger(
        path=where, method=method.text.upper() if method is not None and method.text.upper() != "GET" else "POST",
        fields=typed, span=Span(items[0].span.start, items[-1].span.end),
    )  # fmt: skip
    score = 6.0 - LEFT_COST * len(left)
    after = scope.see(source).explain({i.index for i in items} - set(left))
    if path is None:
        after = after.assume("trigger.path", where, "named after the words of the request")
    return Started(trigger, source, after, score, (), left)


def _name_before(items: Sequence[Item]) -> list[Item]:
    """`the contact form webhook`: the words before `webhook`."""
    at = next((k for k, i in enumerate(items) if i.lower in ("webhook", "endpoint", "hook")), None)
    if at is None:
        return []
    if at + 2 < len(items) and items[at + 1].lower in ("called", "named") and items[at + 2].kind in ("word", "quoted"):
        return [items[at + 2]]
    run: list[Item] = []
    for item in reversed(items[:at]):
        if (
            not item.is_word
            or item.lower in words("determiners")
            or item.lower in words("prepositions")
            or item.is_stop
        ):
            break
        run.append(item)
    return list(reversed(run))


_TAKES = ("receives", "gets", "has", "carries", "passes")


def _body_fields(items: Sequence[Item], used: set[int]) -> tuple[list[str], set[int]]:
    """Names after `with` / `containing`: the fields of the body."""
    at = next((k for k, i in enumerate(items) if i.lower in ("with", "containing", "contains", "including")), None)
    if at is None:
        at = next((k for k, i in enumerate(items) if i.lower in _TAKES), None)
    if at is None:
        return [], set()
    names: list[str] = []
    spent: set[int] = set()
    for item in items[at + 1 :]:
        if item.kind == "punct" or item.lower in ("and", "a", "an", "the", "its", "their", "fields", "field", "both"):
            spent.add(item.index)
            continue
        if (
            not item.is_word
            or item.is_stop
            or item.index in used
            or item.lower in (*words("hook"), "call", "hit", "post")
        ):
            break
        names.append(item.lower.replace("-", "_"))
        spent.add(item.index)
    return names, spent


def _entity(name: str) -> str | None:
    return {"email": "email", "phone": "phone", "name": "person", "url": "url", "link": "url", "file": "file"}.get(name)
