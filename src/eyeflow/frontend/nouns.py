"""Noun phrases: what a clause talks about becomes an expression over data, with the reads it needs.

Knows: how things are mentioned (`its title`, `the number of open tickets`, `top 3 stories`, `the weather for Paris`).
In: items of the phrase, a scope, and the place the value is for. Out: `Reading`s, best first, each carrying the scope
it leads to. Never: writes; only pure and read capabilities can be pulled in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile

import msgspec

from eyeflow.frontend import fetching, fields, lists, slots, wording
from eyeflow.frontend.data import words as data_words
from eyeflow.frontend.intent import Action
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, synonyms, words
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.vocabulary import Entry, listing_of, split_name, walk
from eyeflow.values import INTEGER, STRING, Field, Json, ListOf, ObjectOf, Type, is_numeric, non_null

UNEXPLAINED, FETCH_COST, OPEN_COST, RECENCY, AT_HAND, MADE, HEAD = 1.7, 0.9, 0.6, 0.05, 1.0, 0.6, 0.25
_LOOK = 12
_COUNT = ("number", "count", "quantity")
_COUNTERS = ("count", "total", "total_count")
_RESULT = ("result", "output", "outcom", "answer")
_LISTERS = ("list", "all", "summary", "details", "set", "rest")


class Reading(msgspec.Struct, frozen=True, eq=False):
    """One way to read a phrase: `expr` in LLM-IR, its type, the scope it leads to, a score, and what stayed
    unexplained (item indexes). `source` is the thing mentioned when the phrase means it whole."""

    expr: str
    type: Type
    scope: Scope
    score: float
    unexplained: tuple[int, ...] = ()
    source: Source | None = None
    entry: Entry | None = None


def content(items: Sequence[Item]) -> list[Item]:
    """The items that carry meaning: no stop words, no punctuation, no times."""
    return [i for i in items if not (i.is_stop or i.kind in {"punct", "time"})]


def read(items: Sequence[Item], scope: Scope, want: Field | None = None) -> tuple[Reading, ...]:
    """All readings of the phrase `items`, best first; empty when nothing fits at all."""
    held = [i for i in items if i.kind != "punct"]
    if not held:
        return ()
    found = _from_sources(held, scope, want)
    if held[0].lower == "who" and scope.sources and {i.stem for i in content(held)} <= _MAKING | {"who"}:
        return tuple(sorted(found, key=lambda r: -round(r.score, 4)))  # `who booked`: of what is at hand
    if not (scope.sources and any(i.lower in ("its", "their", "his", "her", "ones") for i in held)):
        found += _from_reads(held, scope, want)
    return tuple(sorted(found, key=lambda r: (-round(r.score, 4), len(r.scope.actions), r.expr)))


def sure(readings: Sequence[Reading]) -> Reading | None:
    """The best reading when it explains everything, else None."""
    return readings[0] if readings and not readings[0].unexplained else None


# --- things already in reach ---------------------------------------------------------------------------------------


def _from_sources(items: Sequence[Item], scope: Scope, want: Field | None) -> list[Reading]:
    found: list[Reading] = []
    asked = content(items)
    pronoun = any(
        i.lower
        in (
            "it",
            "its",
            "it's",
            "them",
            "they",
            "their",
            "this",
            "that",
            "these",
            "those",
            "him",
            "her",
            "his",
            "one",
            "both",
        )
        for i in items
    )
    led = any(i.lower in words("determiners") for i in items)
    who = any(i.lower in ("who", "whom") for i in items)
    for rank, source in enumerate(reversed(scope.sources)):
        if who and asked == [i for i in asked if i.stem in _MAKING]:
            reading = _person_of(asked, source, scope)
        else:
            reading = _from_source(asked, source, scope, want, pronoun=pronoun, led=led)
        listed = _from_list(items, asked, source, scope, want)
        if listed is not None and (reading is None or listed.score > reading.score):
            reading = listed
        if reading is not None:
            nearness = AT_HAND - RECENCY * rank - (MADE if source.kind == "made" else 0.0)
            found.append(msgspec.structs.replace(reading, score=reading.score + nearness))
    return found


_MAKING = frozenset(
    stem(w)
    for w in (
        *("wrote", "opened", "created", "posted", "reported", "submitted", "filed", "sent"),
        *("booked", "ordered", "paid", "joined", "registered", "signed", "asked", "called"),
        *("pushed", "committed", "tweeted", "mentioned", "reacted", "commented", "requested", "started"),
    )
)
_DOERS = ("name", "person", "customer", "invitee", "customer_name", "user_name")
_MAKERS = ("author", "creator", "reporter", "sender", "from_name", "user", "pusher")


def _person_of(asked: Sequence[Item], source: Source, scope: Scope) -> Reading | None:
    """`who it was`, `who wrote it`: the person a thing is of; its maker, where making is spoken of."""
    held = [p for p, f in walk(source.type) if len(p) == 1 and f.entity == "person"]
    named = [(n,) for n in (_MAKERS if asked else ("name", *_MAKERS)) if (n,) in held]
    sole = held[0] if len(held) == 1 and (not asked or held[0][0] in _DOERS) else None
    path = named[0] if named else sole
    if path is None:
        return None
    done = scope.explain({i.index for i in asked})
    return Reading(f"{source.root}.{path[0]}", STRING, done, 2.0, (), source, source.entry)


def _from_list(
    items: Sequence[Item], asked: Sequence[Item], source: Source, scope: Scope, want: Field | None
) -> Reading | None:
    """`the 3 latest of them`, `how many are urgent`, `their titles`: a list in reach, as the words shape it."""
    listing = listing_of(source.type) if source.kind == "result" else None
    if listing is None:
        return None
    expr = ".".join(p for p in (source.root, listing.path) if p)
    called = source.nouns | listing.nouns
    named = {i.index for i in asked if i.stem in called or any(w in called for w in synonyms(i.stem))}
    rest = [i for i in asked if i.index not in named]
    how = _Shape(source.entry, source.service, called, named)
    expr, of, used, made = _shaped(expr, ListOf(listing.item), items, rest, how, scope, want)
    if not used:
        return None
    left = [i for i in rest if i.index not in used]
    said = [i for i in asked if i.index in used or i.index in named]
    score = sum(scope.vocab.rarity(i.stem) for i in said) + 0.4
    score -= UNEXPLAINED * sum(scope.vocab.rarity(i.stem) for i in left)
    done = made.explain({i.index for i in items} - {i.index for i in left})
    return Reading(expr, of, done, round(score, 4), tuple(i.index for i in left), source, source.entry)


def _from_source(
    asked: Sequence[Item], source: Source, scope: Scope, want: Field | None, *, pronoun: bool, led: bool = True
) -> Reading | None:
    own = {n for path, _ in walk(source.type) for n in split_name(path[-1])}
    service = service_items([i for i in asked if i.stem not in own], source.service, scope)
    rest = [i for i in asked if i.index not in service]
    if any(i.is_literal and i.kind != "placeholder" for i in rest):
        return None
    if isinstance(non_null(source.type), Json) and source.kind in ("trigger", "item"):
        return (
            _unshaped(rest, source, scope)
            if led or len(rest) > 1 or scope.vocab.weight.get(rest[0].stem if rest else "")
            else None
        )
    restated = _restated(source)
    stems = [i.stem if i.kind == "word" else str(i.value) for i in rest]
    nouns = [k for k, s in enumerate(stems) if s in source.nouns or any(w in source.nouns for w in synonyms(s))]
    if source.kind in ("result", "made") and source is next((s for s in reversed(scope.sources)), None):
        nouns += [k for k, s in enumerate(stems) if s in _RESULT and k not in nouns]
    count = [k for k, i in enumerate(rest) if i.lower in _COUNT and len(rest) > 1]
    hits = fields.find(stems, source.type, want)
    best: tuple[float, str, Type, set[int]] | None = None
    for hit in hits[:6]:
        used = set(hit.used) | set(nouns)
        score = sum(scope.vocab.rarity(stems[k]) for k in used) + hit.score
        if len(rest) > 1 and rest[-1].index - rest[-2].index == 1 and len(rest) - 1 in hit.used:
            score += HEAD  # `the commit message` is a message
        score -= UNEXPLAINED * sum(
            scope.vocab.rarity(s) for k, s in enumerate(stems) if k not in used and s not in restated
        )
        if best is None or score > best[0]:
            best = (score, ".".join((source.root, *hit.path)), hit.field.type, used)
    whole = set(nouns) | {k for k, i in enumerate(rest) if i.lower in _LISTERS}
    if (nouns or service or (pronoun and not rest)) and not count:
        score = sum(scope.vocab.rarity(stems[k]) for k in whole) + (0.5 if pronoun else 0.0)
        score -= UNEXPLAINED * sum(scope.vocab.rarity(s) for k, s in enumerate(stems) if k not in whole)
        if best is None or score > best[0] + 0.3:
            expr, of = _whole(source, want)
            best = (score, expr, of, whole)
    if best is None:
        return _column(rest, source, scope, led=led or pronoun)
    left = tuple(i.index for k, i in enumerate(rest) if k not in best[3] and i.stem not in restated)
    if left and (column := _column(rest, source, scope, led=led or pronoun)) is not None:
        return column
    done = scope.explain({i.index for i in asked} - set(left))
    return Reading(best[1], best[2], done, best[0], left, source, source.entry)


def _restated(source: Source) -> frozenset[str]:
    """Words that only say again what happened (`why it failed`)."""
    if source.entry is None or source.kind != "trigger":
        return frozenset()
    return frozenset(w for p in source.entry.phrases for w in p) | source.entry.summary


def _unshaped(rest: Sequence[Item], source: Source, scope: Scope) -> Reading | None:
    """`name`, `the message` of a request whose fields nobody listed: they are the fields it will be read for."""
    labels = {i.index for i in rest[1:] if i.lower in ("column", "field", "cell", "columns", "fields")}
    rest = [i for i in rest if i.index not in labels]
    plain = [i for i in rest if i.is_word and i.stem not in source.nouns]
    if any(i.lower in ("where", "which", "how", "why", "old", "ago") for i in plain):
        return None
    if not plain or len(plain) > 2 or len(plain) < len([i for i in rest if i.stem not in source.nouns]):
        return None
    name = "_".join(i.text if i.proper else i.lower for i in plain)
    if not name.isidentifier() or _listed_elsewhere(plain, scope):
        return None
    done = scope.explain({i.index for i in rest} | labels)
    score = sum(scope.vocab.rarity(i.stem) for i in plain)
    return Reading(f"{source.root}.{name}", STRING, done, score, (), source)


def _column(rest: Sequence[Item], source: Source, scope: Scope, *, led: bool) -> Reading | None:
    """`the row's Title`, of an event whose row or record has the columns that its owner gave it."""
    held = [p for p, f in walk(source.type) if len(p) == 1 and isinstance(non_null(f.type), Json)]
    named = [p[0] for p in held if p[0] in data_words("lists", "columns")]
    said = [i for i in rest if i.stem not in source.nouns]
    if source.kind not in ("trigger", "item") or len(named) != 1 or not said or not (led or said[0].proper):
        return None
    service = scope.vocab.name_at([i.lower for i in said], 0) if len(said) > 1 and said[0].proper else None
    if service is not None or (len(said) == 1 and _kept_as(said[0], scope.text)):
        return None
    whole = msgspec.structs.replace(source, root=f"{source.root}.{named[0]}")
    reading = _unshaped(rest, whole, scope)
    if reading is None:
        return None
    name = reading.expr.rpartition(".")[2]
    noted = reading.scope.assume(reading.expr, name, "a column called so")
    return msgspec.structs.replace(reading, scope=noted, source=source, entry=source.entry)


def _kept_as(item: Item, text: str) -> bool:
    """`the order`, of a row of the sheet Orders: the row, and no column of it."""
    return not item.proper and any(stem(name.casefold()) == item.stem for name in re.findall(r"\b[A-Z]\w+", text))


def _listed_elsewhere(plain: Sequence[Item], scope: Scope) -> bool:
    """`their Linear issues`: what a service lists is no column, whatever columns there may be."""
    name = scope.vocab.name_at([i.lower for i in plain], 0)
    if name is None or name.length >= len(plain):
        return False
    stems = [i.stem for i in plain[name.length :]]
    entries = scope.vocab.candidates(stems, name.services)
    return any(e.listing is not None and e.listing.nouns & set(stems) for e in entries if e.service.id in name.services)


def from_source(items: Sequence[Item], source: Source, scope: Scope) -> Reading | None:
    """The reading of a phrase as something of `source` alone, when that explains all of it."""
    reading = _from_source(content(items), source, scope, None, pronoun=False)
    return reading if reading is not None and not reading.unexplained else None


def _whole(source: Source, want: Field | None) -> tuple[str, Type]:
    """A thing mentioned whole: the field of the wanted entity, its summary, or itself."""
    if want is not None and want.name in ("attachments", "files"):
        files = fields.by_entity(source.type, "file")
        if files:
            return ".".join((source.root, *files[0])), STRING
    if want is not None and want.entity:
        held = _own(fields.by_entity(source.type, want.entity), source, want)
        if held:
            return ".".join((source.root, *held[0])), STRING
    listing = listing_of(source.type)
    if listing is not None and isinstance(non_null(source.type), ObjectOf) and fields.summary_path(source.type) is None:
        return ".".join(p for p in (source.root, listing.path) if p), ListOf(listing.item)
    path = fields.summary_path(source.type)
    if want is not None and want.role == "content" and path is not None:
        return ".".join((source.root, *path)), STRING
    return source.root, source.type


def _own(held: tuple[tuple[str, ...], ...], source: Source, want: Field) -> tuple[tuple[str, ...], ...]:
    """`thank them`: whom a thing that was looked up is about, and not its owner among us."""
    if want.entity not in ("email", "phone") or source.kind != "result":
        return held
    return tuple(p for p in held if set(p[-1].split("_")) <= data_words("lists", "own_addresses"))


def service_items(items: Sequence[Item], service: str, scope: Scope) -> set[int]:
    """Indexes of the items that name the service."""
    lowered = [i.lower.removesuffix("'s") for i in items]
    found: set[int] = set()
    for at in range(len(items)):
        name = scope.vocab.name_at(lowered, at)
        if name is not None and service in name.services:
            found.update(items[k].index for k in range(at, at + name.length))
    return found


# --- things to be fetched ------------------------------------------------------------------------------------------


def _from_reads(items: Sequence[Item], scope: Scope, want: Field | None) -> list[Reading]:
    key = tuple(items)
    looked = scope.looked.get(key)
    if looked is None:
        looked = scope.looked[key] = _look(items, scope)
    readings = (_from_read(entry, match, items, scope, want) for entry, match in looked)
    return [reading for reading in readings if reading is not None]


def _look(items: Sequence[Item], scope: Scope) -> tuple[tuple[Entry, wording.Match], ...]:
    """The reads that the words of `items` may speak of, best first."""
    stems = [i.stem for i in items if i.is_word]
    spread = [s for w in stems for s in (w, *synonyms(w))]
    lowered = [i.lower for i in items]
    named: list[str] = []
    for at in range(len(items)):
        name = scope.vocab.name_at(lowered, at)
        if name is not None:
            named += [s for s in name.services if s not in named]
    looked: list[tuple[Entry, wording.Match]] = []
    for entry in scope.vocab.candidates(spread, named):
        if entry.reads and not entry.is_trigger:
            match = wording.match(entry, items, scope)
            if match.score > 0:
                looked.append((entry, match))
    looked.sort(key=lambda seen: (-seen[1].score, seen[0].key))
    return tuple(looked[:_LOOK])


def _from_read(
    entry: Entry, match: wording.Match, items: Sequence[Item], scope: Scope, want: Field | None
) -> Reading | None:
    filled = slots.fill(entry, items, scope)
    asked = content(items)
    service = service_items(items, entry.service.id, scope)
    about: set[int] = (set(filled.used) | service | match.used) - filled.unsaid
    strength = match.score
    rest = [i for i in asked if i.index not in about]
    free = [i for i in asked if i.index not in filled.used and i.index not in service]
    path, of, used = ("", entry.result, set[int]()) if _of_each(entry, items) else _part(entry, asked, want, free)
    rest = [i for i in rest if i.index not in about | used]
    if rest and of == INTEGER and entry.listing is not None and path.rpartition(".")[2] in _COUNTERS:
        path, of, used = "", entry.result, set()  # the service counts all of them, and these are some
        rest = [i for i in asked if i.index not in about]
    about |= used
    if _one_more(entry, items, scope):
        return None
    if strength <= 0 or not _anchored(entry, asked, service, whole=not path and not lists.summing(asked)):
        return None
    if lists.summing(rest) and entry.listing is not None:
        path, of = "", entry.result
    complete = slots.complete(entry, filled, scope, sources=False)
    missing = [p for p in entry.capability.params if p.required and p.name not in complete.params]
    expr, _, made, source = fetching.fetch(entry, complete, scope, fetching.span_of(items))
    made = fetching.whose(items, complete, made)
    if path:
        expr = f"{expr}.{path}"
    else:
        expr, of = _wanted_whole(entry, expr, want, items, source)
    shape = _Shape(
        entry, entry.service.id, fetching.result_words(entry), filled.used | service, tuple(complete.params.values())
    )
    expr, of, trimmed, made = _shaped(expr, of, items, rest, shape, made, want)
    rest = [i for i in rest if i.index not in trimmed]
    score = strength + 1.2 * filled.strong - FETCH_COST - OPEN_COST * len(missing) + 0.4 * bool(used)
    score -= UNEXPLAINED * sum(scope.vocab.rarity(i.stem) for i in rest)
    made = made.explain((about | {i.index for i in asked} | trimmed) - {i.index for i in rest})
    return Reading(expr, of, made, round(score, 4), tuple(i.index for i in rest), source, entry)


def _one_more(entry: Entry, items: Sequence[Item], scope: Scope) -> bool:
    """`open an incident`, `send the order`: one that is made or meant, and not all of those there are."""
    if entry.listing is None or not items:
        return False
    led = (items[0].lower, *scope.text[: items[0].span.start].casefold().split()[-1:])
    if not {"a", "an", "another", "the", "this", "that"} & set(led):
        return False
    head = list(takewhile(lambda i: i.is_word and i.lower not in words("prepositions"), items))
    ranked = (i.lower in data_words("lists", kind) for i in items for kind in lists.RANKS)
    return bool(head) and head[-1].stem in entry.listing.nouns and not lists.plural(head[-1]) and not any(ranked)


def _of_each(entry: Entry, items: Sequence[Item]) -> bool:
    """`the titles of the items`: a field of every item, not of the list's own result."""
    listing = entry.listing
    if listing is None:
        return False
    plural = (i for i, nxt in pairwise(items) if nxt.lower == "of" and i.is_word and lists.plural(i))
    return any(fields.find([i.stem], listing.item) for i in plural)


class _Shape(msgspec.Struct, frozen=True, eq=False):
    """What is known of a list that words shape: where it comes from, what its items are called, what is used."""

    entry: Entry | None
    service: str
    nouns: frozenset[str]
    taken: frozenset[int] | set[int]
    limited: tuple[object, ...] = ()


def _shaped(  # noqa: PLR0917 - one step of two readers, with all they know
    expr: str, of: Type, items: Sequence[Item], rest: Sequence[Item], how: _Shape, scope: Scope, want: Field | None
) -> tuple[str, Type, frozenset[int], Scope]:
    """The list as the words say: filtered, ordered, counted; the indexes of the words that say so."""
    held = non_null(of)
    if not isinstance(held, ListOf):
        return expr, of, frozenset(), scope
    item = non_null(held.item)
    taken = frozenset(how.taken)
    said_so, holding = lists.holding(item, items, taken) if want is not None else (None, frozenset[int]())
    if said_so is not None:
        expr, taken = f"FILTER({expr}, {lists.ONE}, {said_so})", taken | holding
    made = lists.shaped(expr, item, items, taken, how.limited)
    used = made.used | holding
    left = [i for i in rest if i.index not in used]
    if left and want is not None:
        from eyeflow.frontend import filters  # noqa: PLC0415 - conditions are read with this module

        about = Source(lists.ONE, item, how.nouns, how.service, "item", how.entry)
        known = {i.index for i in items} - {i.index for i in left} - {i.index for i in items if i.is_stop}
        where, after, more = filters.modifiers(items, known, scope, about)
        if more and all(f"{lists.ONE}." in each for each in where):
            kept = f"FILTER({expr}, {lists.ONE}, {filters.all_of(where)})"
            made = lists.shaped(kept, item, items, taken | more, how.limited)
            used, scope = made.used | frozenset(more) | holding, after
    if made.expr.startswith("FIRST(") and made.type == item and isinstance(item, ObjectOf):
        name, scope = scope.name(_singular(items, how))
        scope = scope.act(Action(id=name, value=made.expr, span=fetching.span_of(items)))
        source = Source(name, item, how.nouns, how.service, "result", how.entry)
        expr, of = _whole(source, want)
        return expr, of, used, scope.see(source)
    return made.expr, made.type, used, scope


def _singular(items: Sequence[Item], how: _Shape) -> str:
    listing = how.entry.listing if how.entry is not None else None
    return (listing.path.removesuffix("s") if listing is not None and listing.path else "") or "first"


def _anchored(entry: Entry, asked: Sequence[Item], service: set[int], *, whole: bool) -> bool:
    """A read is pulled in only by a name for its result: its service, its listing, a noun of its phrases.

    A field's name alone stands for the field, not for the `whole`.
    """
    if service:
        return True
    nouns = entry.listing.nouns if entry.listing else frozenset[str]()
    params = {w for p in entry.capability.params for w in split_name(p.name)}
    spoken = frozenset(w for p in entry.phrases for w in p) | nouns | (entry.summary - params)
    spoken |= frozenset() if whole else entry.fields
    return any(i.is_word and not i.is_stop and i.stem in spoken for i in asked)


def _part(entry: Entry, asked: Sequence[Item], want: Field | None, free: Sequence[Item]) -> tuple[str, Type, set[int]]:
    """The field of the result that the words mean, or the whole (`""`)."""
    lowered = [i.lower for i in asked]
    of = entry.result
    counted = any(w in _COUNT for w in lowered) or "many" in lowered
    if counted:
        counter = next((p for p, f in walk(of) if p[-1] in _COUNTERS), None)
        if counter is not None:
            return ".".join(counter), INTEGER, {i.index for i in asked if i.lower in (*_COUNT, "many")}
    plain = [i for i in free if i.is_word]
    hits = fields.find([i.stem for i in plain], of, want)
    spoken = {w for p in entry.phrases for w in p} | (entry.listing.nouns if entry.listing else frozenset[str]())
    for hit in hits:
        own = [plain[k] for k in sorted(hit.used)]
        if all(i.stem in spoken for i in own) and (entry.listing or not is_numeric(non_null(hit.field.type))):
            continue
        if isinstance(non_null(hit.field.type), ListOf):
            continue
        return hit.dotted, hit.field.type, {i.index for i in own}
    return "", of, set()


def _wanted_whole(
    entry: Entry, root: str, want: Field | None, items: Sequence[Item], source: Source
) -> tuple[str, Type]:
    listing = entry.listing
    summary = fields.summary_path(entry.result)
    if listing is not None and (summary is None or any(i.stem in listing.nouns for i in items)):
        held = ".".join(p for p in (root, listing.path) if p)
        return held, ListOf(listing.item)
    return _whole(source, want)
