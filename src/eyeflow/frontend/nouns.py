"""Noun phrases: what a clause talks about becomes an expression over data, with the reads it needs.

Knows: how things are mentioned (`its title`, `the number of open tickets`, `top 3 stories`, `the weather for Paris`).
In: items of the phrase, a scope, and the place the value is for. Out: `Reading`s, best first, each carrying the scope
it leads to. Never: writes; only pure and read capabilities can be pulled in.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend import fields, slots, wording
from eyeflow.frontend.intent import Action
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import synonyms, words
from eyeflow.frontend.scope import Scope, Source, asking
from eyeflow.frontend.vocabulary import Entry, listing_of, split_name, walk
from eyeflow.values import INTEGER, STRING, Field, Json, ListOf, ObjectOf, Span, Type, is_numeric, non_null

UNEXPLAINED, FETCH_COST, OPEN_COST, RECENCY, AT_HAND, MADE = 1.7, 0.9, 0.6, 0.05, 1.0, 0.6
_LOOK = 12
_COUNT = ("number", "count", "quantity")
_AGGREGATES = {
    "total": "SUM",
    "sum": "SUM",
    "average": "AVG",
    "mean": "AVG",
    "highest": "MAX",
    "lowest": "MIN",
    "largest": "MAX",
    "smallest": "MIN",
    "maximum": "MAX",
    "minimum": "MIN",
}
_LISTERS = ("list", "all", "summary", "details", "set", "rest")
_TOPS = ("top", "first", "latest", "last", "newest", "best")


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
    if not (scope.sources and any(i.lower in ("its", "their", "his", "her") for i in held)):
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
        in ("it", "its", "it's", "them", "they", "their", "this", "that", "these", "those", "him", "her", "his", "one")
        for i in items
    )
    for rank, source in enumerate(reversed(scope.sources)):
        reading = _from_source(asked, source, scope, want, pronoun=pronoun)
        if reading is not None:
            nearness = AT_HAND - RECENCY * rank - (MADE if source.kind == "made" else 0.0)
            found.append(msgspec.structs.replace(reading, score=reading.score + nearness))
    return found


def _from_source(
    asked: Sequence[Item], source: Source, scope: Scope, want: Field | None, *, pronoun: bool
) -> Reading | None:
    own = {n for path, _ in walk(source.type) for n in split_name(path[-1])}
    service = _service_items([i for i in asked if i.stem not in own], source.service, scope)
    rest = [i for i in asked if i.index not in service]
    if any(i.is_literal and i.kind != "placeholder" for i in rest):
        return None
    if isinstance(non_null(source.type), Json) and source.kind in ("trigger", "item"):
        return _unshaped(rest, source, scope)
    restated = _restated(source)
    stems = [i.stem if i.kind == "word" else str(i.value) for i in rest]
    nouns = [k for k, s in enumerate(stems) if s in source.nouns or any(w in source.nouns for w in synonyms(s))]
    count = [k for k, i in enumerate(rest) if i.lower in _COUNT and len(rest) > 1]
    hits = fields.find(stems, source.type, want)
    best: tuple[float, str, Type, set[int]] | None = None
    for hit in hits[:6]:
        used = set(hit.used) | set(nouns)
        score = sum(scope.vocab.rarity(stems[k]) for k in used) + hit.score
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
        return None
    left = tuple(i.index for k, i in enumerate(rest) if k not in best[3] and i.stem not in restated)
    done = scope.explain({i.index for i in asked} - set(left))
    return Reading(best[1], best[2], done, best[0], left, source, source.entry)


def _restated(source: Source) -> frozenset[str]:
    """Words that only say again what happened (`why it failed`)."""
    if source.entry is None or source.kind != "trigger":
        return frozenset()
    return frozenset(w for p in source.entry.phrases for w in p) | source.entry.summary


def _unshaped(rest: Sequence[Item], source: Source, scope: Scope) -> Reading | None:
    """`name`, `the message` of a request whose fields nobody listed: they are the fields it will be read for."""
    plain = [i for i in rest if i.is_word and i.stem not in source.nouns]
    if not plain or len(plain) > 2 or len(plain) < len([i for i in rest if i.stem not in source.nouns]):
        return None
    name = "_".join(i.lower for i in plain)
    if not name.isidentifier():
        return None
    done = scope.explain({i.index for i in rest})
    score = sum(scope.vocab.rarity(i.stem) for i in plain)
    return Reading(f"{source.root}.{name}", STRING, done, score, (), source)


def from_source(items: Sequence[Item], source: Source, scope: Scope) -> Reading | None:
    """The reading of a phrase as something of `source` alone, when that explains all of it."""
    reading = _from_source(content(items), source, scope, None, pronoun=False)
    return reading if reading is not None and not reading.unexplained else None


def _whole(source: Source, want: Field | None) -> tuple[str, Type]:
    """A thing mentioned whole: the field of the wanted entity, its summary, or itself."""
    if want is not None and want.name == "attachments":
        files = fields.by_entity(source.type, "file")
        if files:
            return ".".join((source.root, *files[0])), STRING
    if want is not None and want.entity:
        held = fields.by_entity(source.type, want.entity)
        if held:
            return ".".join((source.root, *held[0])), STRING
    listing = listing_of(source.type)
    if listing is not None and isinstance(non_null(source.type), ObjectOf) and fields.summary_path(source.type) is None:
        return ".".join(p for p in (source.root, listing.path) if p), ListOf(listing.item)
    path = fields.summary_path(source.type)
    if want is not None and want.role == "content" and path is not None:
        return ".".join((source.root, *path)), STRING
    return source.root, source.type


def _service_items(items: Sequence[Item], service: str, scope: Scope) -> set[int]:
    lowered = [i.lower for i in items]
    found: set[int] = set()
    for at in range(len(items)):
        name = scope.vocab.name_at(lowered, at)
        if name is not None and service in name.services:
            found.update(items[k].index for k in range(at, at + name.length))
    return found


# --- things to be fetched ------------------------------------------------------------------------------------------


def _from_reads(items: Sequence[Item], scope: Scope, want: Field | None) -> list[Reading]:
    stems = [i.stem for i in items if i.is_word]
    spread = [s for w in stems for s in (w, *synonyms(w))]
    lowered = [i.lower for i in items]
    named: list[str] = []
    for at in range(len(items)):
        name = scope.vocab.name_at(lowered, at)
        if name is not None:
            named += [s for s in name.services if s not in named]
    looked: list[tuple[float, Entry, wording.Match]] = []
    for entry in scope.vocab.candidates(spread, named):
        if entry.reads and not entry.is_trigger:
            match = wording.match(entry, items, scope)
            if match.score > 0:
                looked.append((match.score, entry, match))
    looked.sort(key=lambda seen: (-seen[0], seen[1].key))
    readings = (_from_read(entry, match, items, scope, want) for _, entry, match in looked[:_LOOK])
    return [reading for reading in readings if reading is not None]


def _from_read(
    entry: Entry, match: wording.Match, items: Sequence[Item], scope: Scope, want: Field | None
) -> Reading | None:
    filled = slots.fill(entry, items, scope)
    asked = content(items)
    service = _service_items(items, entry.service.id, scope)
    about: set[int] = set(filled.used) | service | match.used
    strength = match.score
    rest = [i for i in asked if i.index not in about]
    path, of, used = _part(
        entry, asked, want, [i for i in asked if i.index not in filled.used and i.index not in service]
    )
    about |= used
    rest = [i for i in rest if i.index not in about]
    if strength <= 0 or not _anchored(entry, asked, service):
        return None
    if any(i.lower in _AGGREGATES for i in rest) and entry.listing is not None:
        path, of = "", entry.result
    complete = slots.complete(entry, filled, scope, sources=False)
    missing = [p for p in entry.capability.params if p.required and p.name not in complete.params]
    expr, _, made, source = fetch(entry, complete, scope, _span(items))
    if path:
        expr = f"{expr}.{path}"
    else:
        expr, of = _wanted_whole(entry, expr, want, items, source)
    expr, of, trimmed = _trim(expr, of, items, complete)
    rest = [i for i in rest if i.index not in trimmed]
    score = strength + 1.2 * filled.strong - FETCH_COST - OPEN_COST * len(missing) + 0.4 * bool(used)
    score -= UNEXPLAINED * sum(scope.vocab.rarity(i.stem) for i in rest)
    made = made.explain((about | {i.index for i in asked} | trimmed) - {i.index for i in rest})
    return Reading(expr, of, made, round(score, 4), tuple(i.index for i in rest), source, entry)


def entry_words(entry: Entry) -> frozenset[str]:
    """Every stem by which people mention what a read returns."""
    spoken = {w for p in entry.phrases for w in p}
    listed = entry.listing.nouns if entry.listing else frozenset[str]()
    return frozenset(spoken | entry.summary | listed | set(split_name(entry.spec.name)))


def _anchored(entry: Entry, asked: Sequence[Item], service: set[int]) -> bool:
    """A read is pulled in only by a name for its result: its service, its listing, a noun of its phrases."""
    if service:
        return True
    nouns = entry.listing.nouns if entry.listing else frozenset[str]()
    spoken = frozenset(w for p in entry.phrases for w in p) | nouns | entry.fields | entry.summary
    return any(i.is_word and not i.is_stop and i.stem in spoken for i in asked)


def _part(entry: Entry, asked: Sequence[Item], want: Field | None, free: Sequence[Item]) -> tuple[str, Type, set[int]]:
    """The field of the result that the words mean, or the whole (`""`)."""
    lowered = [i.lower for i in asked]
    of = entry.result
    counted = any(w in _COUNT for w in lowered) or "many" in lowered
    if counted:
        counter = next((p for p, f in walk(of) if p[-1] in ("count", "total", "total_count")), None)
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


def _trim(expr: str, of: Type, items: Sequence[Item], filled: slots.Filled) -> tuple[str, Type, set[int]]:
    """`top 3` of a list that has no limit parameter, `the top post` as the first of a list, `how many` as a count."""
    if not isinstance(non_null(of), ListOf):
        return expr, of, set()
    item_type = non_null(of).item  # type: ignore[union-attr]
    lowered = [i.lower for i in items]
    used: set[int] = set()
    if any(w in _COUNT for w in lowered) or "many" in lowered:
        used = {i.index for i in items if i.lower in (*_COUNT, "many", "how")}
        return f"COUNT({expr})", INTEGER, used
    summed = _aggregate(expr, item_type, items)
    if summed is not None:
        return summed
    for k, item in enumerate(items):
        if item.lower not in _TOPS:
            continue
        nxt = items[k + 1] if k + 1 < len(items) else None
        if nxt is not None and nxt.kind == "number" and isinstance(nxt.value, int):
            used = {item.index, nxt.index}
            ranked = _ranked(expr, item_type, items, nxt.value)
            if ranked is not None:
                return ranked[0], of, used | ranked[1]
            already = nxt.value in filled.params.values()
            return (expr if already else f"SLICE({expr}, 0, {nxt.value})"), of, used
        if item.lower != "all" and not any(_plural(i) for i in items[k + 1 :]):
            return f"FIRST({expr})", item_type, {item.index}
    return expr, of, used


def _ranked(expr: str, item_type: Type, items: Sequence[Item], count: int) -> tuple[str, set[int]] | None:
    """`top 3 payments by amount`: the largest by a field, whatever order the service gives."""
    at = next((k for k, i in enumerate(items) if i.lower == "by"), None)
    if at is None or at + 1 >= len(items):
        return None
    hits = [h for h in fields.find([items[at + 1].stem], item_type) if is_numeric(non_null(h.field.type))]
    if not hits:
        return None
    return f"TOP({expr}, one, one.{hits[0].dotted}, {count})", {items[at].index, items[at + 1].index}


def _aggregate(expr: str, item_type: Type, items: Sequence[Item]) -> tuple[str, Type, set[int]] | None:
    """`the total amount of the payments`: an aggregate word over the one numeric field that is named."""
    word = next((i for i in items if i.lower in _AGGREGATES), None)
    if word is None:
        return None
    stems = [i.stem for i in items if i.is_word and i is not word]
    numeric = [h for h in fields.find(stems, item_type) if is_numeric(non_null(h.field.type))]
    if not numeric:
        money = [(p, f) for p, f in walk(item_type) if f.entity == "money"]
        if len(money) != 1:
            return None
        path, of, used = ".".join(money[0][0]), money[0][1].type, set[int]()
    else:
        path, of = numeric[0].dotted, numeric[0].field.type
        plain = [i for i in items if i.is_word and i is not word]
        used = {plain[k].index for k in numeric[0].used}
    return f"{_AGGREGATES[word.lower]}({expr}, one, one.{path})", of, used | {word.index}


def _plural(item: Item) -> bool:
    return item.is_word and item.lower.endswith("s") and not item.lower.endswith("ss") and item.stem != item.lower


def fetch(entry: Entry, filled: slots.Filled, scope: Scope, span: Span | None) -> tuple[str, Type, Scope, Source]:
    """The action that makes this read (an existing equal one is used again): its name, type, scope, source."""
    for action in scope.actions:
        if action.service == entry.service.id and action.function == entry.spec.name and action.params == filled.params:
            known = next((s for s in scope.sources if s.root == action.id), None)
            if known is not None:
                return action.id, entry.result, scope, known
    name, scope = scope.name(_short_name(entry))
    for slot, value, why in filled.assumed:
        scope = scope.assume(f"{name}.{slot}", value, why)
    for param in entry.capability.params:
        if param.required and param.default is None and param.name not in filled.params:
            scope = scope.ask(f"{name}.{param.name}", asking(entry, param), tuple(param.enum), span)
    action = Action(id=name, service=entry.service.id, function=entry.spec.name, params=filled.params, span=span)
    source = Source(name, entry.result, _nouns(entry), entry.service.id, "result", entry)
    return name, entry.result, scope.act(action).see(source), source


def _nouns(entry: Entry) -> frozenset[str]:
    listed = entry.listing.nouns if entry.listing else frozenset[str]()
    verbs = words("verbs")
    return frozenset(
        w for w in (*split_name(entry.spec.name), *listed, *entry.summary) if w not in verbs and len(w) > 2
    )


def _short_name(entry: Entry) -> str:
    parts = [
        p for p in entry.spec.name.split("_") if p not in ("get", "list", "read", "search", "find", "current", "fetch")
    ]
    return "_".join(parts) or entry.service.id


def _span(items: Sequence[Item]) -> Span | None:
    return Span(items[0].span.start, items[-1].span.end) if items else None
