"""Cues of position: places, people, the plain object of a verb, `me`.

Knows: prepositions and articles around plain words. In: a `Filling`. Out: the same, changed.
Never: takes words that name data in reach.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend import comparisons, fields
from eyeflow.frontend.lexicon import is_base_verb, stem, synonyms, words
from eyeflow.frontend.slots.defaults import related
from eyeflow.frontend.slots.filling import Filling, is_identity, is_plain_text
from eyeflow.frontend.values_said import element, wrap
from eyeflow.frontend.vocabulary import PARTICLES, RECIPIENTS, Entry, split_name
from eyeflow.values import STRING, Field

_COPIES = ("cc", "bcc", "reply_to", "from")
_SOUGHT = ("topic", "query", "q", "search", "term", "keyword", "keywords")
_CONTAINERS = ("in", "into", "on", "onto", "to", "from", "at", "under", "of", "for", "inside")


def places_and_people(said: Filling) -> None:
    """`in Lyon`, `for Paris`, `to Dana`: capitalised words where a place or a person is wanted."""
    for param in said.open():
        if param.entity not in ("location", "person", "city", "place"):
            continue
        if param.entity != "person" and _small_place(said, param):
            continue
        cues = (
            ("in", "for", "at", "near", "from", "of")
            if param.entity != "person"
            else ("let", "tell", "dm", "assign", "ask", "message", "ping", *(() if said.entry.reads else ("to",)))
        )
        for at, item in enumerate(said.items):
            run = said.name_run(at)
            if not run or item.kind in ("channel", "email", "url", "repo", "path"):
                continue
            before = said.items[at - 1].lower if at else ""
            if before in ("a", "an"):
                continue  # `I get a DM`: nobody is called so
            mine = not said.entry.is_trigger and any(i.lower in words("me") for i in said.items)
            told = before in words("verbs") and not mine
            told = told or (said.entry.is_trigger and before not in ("on", "in", "at", "to", "into"))
            acting = param.entity == "person" and told and item.kind not in ("quoted", "freetext")
            if before in cues or acting:
                value = said.value_of(param, run)
                if value is not None:
                    said.put(param, value, [*run, at - 1] if before in words("prepositions") else run)
                    break


def _small_place(said: Filling, param: Field) -> bool:
    """`the weather for paris`: a word nobody knows right after the preposition, and nothing of a phrase after it."""
    for at in range(1, len(said.items)):
        item, nxt = said.items[at], said.items[at + 1] if at + 1 < len(said.items) else None
        if said.items[at - 1].lower not in ("in", "for", "near") or not said.free(at) or not item.is_word:
            continue
        closed = nxt is None or not nxt.is_word or nxt.is_stop
        unknown = item.stem not in said.scope.vocab.by_stem and not is_base_verb(item.lower)
        value = said.value_of(param, [at]) if closed and unknown and not item.is_stop and not item.proper else None
        if value is not None and item.lower not in words("generic"):
            said.put(param, value, [at - 1, at])
            return True
    return False


_HAPPENING = frozenset(stem(word) for word in words("happening") | words("arriving"))
"""Stems of what things do: `TSLA drops` names no sensor."""


def sought(said: Filling) -> None:
    """`search X for rust`, `look for articles about rust`: the words to look for."""
    param = next((p for p in said.open() if p.name in _SOUGHT and element(p) == STRING and not is_identity(p)), None)
    if param is None or not said.entry.reads:
        return
    searching = any(i.lower in ("search", "find", "look", "lookup") for i in said.items[:1])
    for at in range(1, len(said.items) - 1):
        if said.items[at].lower not in (("for", "about", "mentioning") if searching else ("about",)):
            continue
        if not said.named and not any(not i.is_stop for i in said.items[1:at]):
            return  # `look for a hotel`: nobody said where to look
        run = []
        k = at + 1
        while said.free(k) and (said.items[k].is_word or said.items[k].kind == "quoted") and k not in said.named:
            if said.items[k].lower in words("prepositions") or said.items[k].lower == "and":
                break
            run.append(k)
            k += 1
        value = said.value_of(param, run) if run else None
        if value is not None:
            said.put(param, value, [at, *run])
            return


def plain_places(said: Filling) -> None:
    """`the humidity in the cellar`: plain words after a preposition and an article, for the one text that is open."""
    wanted = [p for p in said.open() if (p.required or said.entry.is_trigger) and not is_identity(p)]
    held = [p for p in wanted if is_plain_text(p) and element(p) == STRING and p.entity in (None, "location")]
    if not held and said.entry.capability_writes:
        held = [p for p in said.open() if _tells_apart(p) and p.entity is None]
        if len(held) == 1:
            _on_the(said, held[0])
        return
    if len(held) != 1 or (said.entry.capability_writes and held[0].entity is None):
        return
    known = {w for p in said.entry.phrases for w in p} | said.entry.summary | said.entry.fields | said.entry.names
    for at in range(2, len(said.items)):
        if said.items[at - 1].lower not in ("the", "my", "our") or said.items[at - 2].lower not in _CONTAINERS:
            continue
        if held[0].entity == "location" and said.items[at - 2].lower in ("to", "on", "onto", "into", "under"):
            continue  # `the weather to my mum`
        run: list[int] = []
        k = at
        while said.free(k) and _plain_text(said, k) and said.items[k].stem not in known:
            run.append(k)
            k += 1
        loose = any(said.items[n].lower in words("vague") | words("judgement") | words("superlatives") for n in run)
        value = said.value_of(held[0], run) if run and k - at <= 3 and not loose else None
        named = said.scope.vocab.name_at([said.items[n].lower for n in run], 0) if run else None
        whole = named is not None and named.length == len(run)  # a service, and not a place
        if value is not None and not whole and not (set(run) & (said.named | said.foreign)):
            said.put(held[0], value, run, strong=False)
            return


def _plain_text(said: Filling, at: int) -> bool:
    """A word of a name, and not how something changes: `the cellar`, of `the cellar rises above 60`."""
    changes = said.items[at].lower in words("changing") or comparisons.at([i.lower for i in said.items], at) is not None
    return said.items[at].is_word and not said.items[at].is_stop and not changes


def whose_room(said: Filling) -> None:
    """`the thermostat in the bedroom`: where the thing is, for the name by which one of several is told apart."""
    param = next((p for p in said.open() if _tells_apart(p) and not p.required), None)
    if param is None or said.entry.is_trigger:
        return
    for at in range(3, len(said.items)):
        if said.items[at - 1].lower not in ("the", "my", "our") or said.items[at - 2].lower not in ("in", "of", "for"):
            continue
        run: list[int] = []
        k = at
        while said.free(k) and _plain(said, k) and len(run) < 3:
            run.append(k)
            k += 1
        value = said.value_of(param, run) if run and not set(run) & (said.named | said.foreign) else None
        if value is not None:
            said.put(param, value, run, strong=False)
            return


def _on_the(said: Filling, param: Field) -> None:
    """`play it on the office speaker`: which device is to do it."""
    for at in range(4, len(said.items)):
        if said.items[at - 1].lower not in ("the", "my", "our") or said.items[at - 2].lower not in (
            "on",
            "in",
            "through",
        ):
            continue
        run: list[int] = []
        k = at
        while said.free(k) and said.items[k].is_word and not said.items[k].is_stop:
            run.append(k)
            k += 1
        thing = len(run) > 1 or not said.scope.vocab.by_stem.get(said.items[at].stem)
        value = (
            said.value_of(param, run)
            if run and thing and len(run) <= 3 and not set(run) & (said.named | said.foreign)
            else None
        )
        if value is not None:
            said.put(param, value, run, strong=False)
            return


def which_one(said: Filling) -> None:
    """`the kitchen fan`: plain words right before the thing, for the name by which one of several is told apart."""
    param = next((p for p in said.open() if _tells_apart(p) and (not p.required or said.entry.reads)), None)
    if param is None:
        return
    known = {w for p in said.entry.phrases for w in p} | said.entry.summary | said.entry.names | said.entry.values
    known -= PARTICLES | _HAPPENING
    things = {w for name in (said.entry.service.title, said.entry.service.id) for w in split_name(name)}
    for at, item in enumerate(said.items):
        if not (item.is_word and (item.stem in things or item.stem in known)) or item.is_stop:
            continue
        run: list[int] = []
        k = at - 1
        while said.free(k) and _plain(said, k) and said.items[k].stem not in known | things and len(run) < 3:
            run.insert(0, k)
            k -= 1
        led = k < 0 or said.items[k].lower in ("the", "my", "our", "your", "a", "that", "this")
        value = said.value_of(param, run) if run and led and not set(run) & (said.named | said.foreign) else None
        if value is not None:
            said.put(param, value, run, strong=False)
            return


def _tells_apart(param: Field) -> bool:
    """A name of a device, sensor or room, by which the person tells theirs apart."""
    stems = set(split_name(param.name))
    kinds = {
        "devic",
        "sensor",
        "room",
        "camera",
        "appliance",
        "applianc",
        "thermostat",
        "light",
        "zon",
        "fan",
        "door",
        "plug",
        "switch",
        "lamp",
        "blind",
        "lock",
    }
    return is_plain_text(param) and element(param) == STRING and bool(stems & kinds)


def _plain(said: Filling, at: int) -> bool:
    item = said.items[at]
    return item.is_word and not item.is_stop and item.lower not in words("verbs") and item.lower not in words("me")


def objects(said: Filling) -> None:
    """`turn off the coffee machine`: the plain object of a write fills the one name that is still wanted."""
    held = [p for p in said.open() if p.required and is_plain_text(p) and element(p) == STRING and not is_identity(p)
            and p.name not in ("title", "name", "subject", "summary")]  # fmt: skip
    says = any(p.role == "content" or p.entity in RECIPIENTS for p in said.entry.spec.params)
    if len(held) != 1 or says or said.entry.is_trigger or said.entry.reads:
        return
    of_the_item = related(said.entry, held[0], said.scope) is not None
    runs = [run for at in range(1, len(said.items)) if len(run := said.name_run(at)) > 0 and run[0] == at]
    last = runs[-1] if runs else _plain_object(said)
    if of_the_item and last and not runs and _in_a_phrase(said, last):
        return  # `open the valve` for each tank: the words say what is done, and the tank is known
    if last and not runs and _of_another_kind(said, last):
        return
    value = said.value_of(held[0], last) if last else None
    if value is not None:
        said.put(held[0], value, last, strong=False)


def _of_another_kind(said: Filling, run: Sequence[int]) -> bool:
    """`turn on the heater` is no light, where the service switches lights and also other things."""
    kinds = _kinds(said.entry)
    stems = {said.items[k].stem for k in run}
    if len(kinds) != 1 or kinds & (stems | {s for stem in stems for s in synonyms(stem)}):
        return False
    verb = said.items[0].stem
    beside = [e for e in said.scope.vocab.entries if e.service.id == said.entry.service.id and not e.is_trigger]
    same = [e for e in beside if e.spec is not said.entry.spec and any(p[:1] == (verb,) for p in e.phrases)]
    return any(len(_kinds(e)) > 1 for e in same)


def _kinds(entry: Entry) -> set[str]:
    """The nouns that the phrases of a capability act on."""
    return {p[-1] for p in entry.phrases if len(p) > 1 and p[-1] not in PARTICLES}


def _plain_object(said: Filling) -> list[int]:
    """The words of the object; none when they only say again what the capability does, or name a parameter."""
    opened = next((k for k, i in enumerate(said.items) if i.lower in ("the", "my", "our")), None)
    if opened is None or opened > 2:
        return []
    run: list[int] = []
    for k in range(opened + 1, len(said.items)):
        item = said.items[k]
        if not item.is_word or item.is_stop or k in said.used:
            break
        run.append(k)
    if run and run[-1] + 1 < len(said.items) and said.items[run[-1] + 1].lower == "of":
        return []  # `the inlet of X`: the object is X's, and is not a name
    heads = {s for source in said.scope.sources for s in source.nouns}
    stems = [said.items[k].stem for k in run]
    named = any(fields.find(stems, source.type) for source in said.scope.sources)
    called = {word for each in said.entry.spec.params for word in split_name(each.name)}
    if named or heads & set(stems) or set(stems) <= called:
        return []
    return [] if _restates(said, stems) else run


def _in_a_phrase(said: Filling, run: Sequence[int]) -> bool:
    stems = {said.items[k].stem for k in run}
    return any(stems <= set(phrase) for phrase in said.entry.phrases)


def _restates(said: Filling, stems: Sequence[str]) -> bool:
    """The words belong to every phrase of the verb (`shut the inlet`); where phrases vary, they are values."""
    verb = said.items[0].stem
    objects_of = {frozenset(p[1:]) - PARTICLES for p in said.entry.phrases if p and p[0] == verb}
    called = [frozenset(split_name(p.name)) for p in said.entry.spec.params if p.required]
    if frozenset(stems) in objects_of and any(one and one <= name for one in objects_of for name in called):
        return True  # `send the newsletter`, beside `send the campaign`: which campaign is not said
    return len(objects_of) == 1 and set(stems) <= next(iter(objects_of))


def me(said: Filling) -> None:
    """`me`: the asker's address, number or handle, where a recipient is wanted."""
    at = next((k for k, i in enumerate(said.items) if i.lower in words("me")), None)
    if at is None:
        return
    for param in said.open():
        part = {"email": "email", "phone": "phone", "person": ""}.get(param.entity or "")
        if part is None or param.name in _COPIES:
            continue
        known = said.scope.me(part) if part else _handle(said)
        if known is not None:
            value = wrap(param, known)
            said.put(param, value, [at])
            said.assumed.append((param.name, known, "your profile"))
            return


def _handle(said: Filling) -> str | None:
    for name in (said.entry.service.id, *said.entry.service.aliases):
        known = said.scope.me(name.replace(" ", "_"))
        if known is not None:
            return known
    return said.scope.me(said.entry.service.id.split("_")[0])
