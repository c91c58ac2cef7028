"""What a catalog's words are: the front end's view of services, made once per catalog.

Knows: which stems name which service, capability, trigger, field; how rare each is. In: a `Catalog`.
Out: `Vocabulary`, with candidate retrieval by shared stems and longest-match service names.
Never: chooses; that is for the stages that see the whole clause.
"""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from eyeflow.catalog.model import Capability, Catalog, Service, TriggerKind
from eyeflow.frontend.lexicon import same_doing, stem, words
from eyeflow.values import Field, ListOf, ObjectOf, Type, non_null

PARTICLES: Final = frozenset({"on", "off", "up", "down", "out", "in", "to", "back"})
_CANDIDATES = 48

_ARTICLES: Final = frozenset({"the", "a", "an", "it", "them", "back", "my", "our"})
_SENDING: Final = ("send", "message", "ping", "page", "wake")
"""Verbs of telling, which name no means."""

RECIPIENTS: Final = ("email", "phone", "person", "slack_channel", "chat")
"""Entities that something can be sent to."""


class Listing(msgspec.Struct, frozen=True):
    """A list that a result carries: the property's name, the type of an item, and the stems that name an item."""

    path: str
    item: Type
    nouns: frozenset[str]


class Entry(msgspec.Struct, frozen=True, eq=False):
    """One capability or trigger with its words. `phrases` and `examples` are stems in order (particles kept); `verbs`
    are stems of the verbs they begin with, as written: `emails from` begins with none."""

    key: str
    service: Service
    spec: Capability | TriggerKind
    phrases: tuple[tuple[str, ...], ...]
    summary: frozenset[str]
    names: frozenset[str]
    fields: frozenset[str]
    values: frozenset[str]
    listing: Listing | None
    verbs: frozenset[str] = frozenset()

    @property
    def is_trigger(self) -> bool:
        """True for a trigger kind."""
        return isinstance(self.spec, TriggerKind)

    @property
    def capability(self) -> Capability:
        """The capability; only for entries that are one."""
        assert isinstance(self.spec, Capability)
        return self.spec

    @property
    def kind(self) -> TriggerKind:
        """The trigger kind; only for entries that are one."""
        assert isinstance(self.spec, TriggerKind)
        return self.spec

    @property
    def reads(self) -> bool:
        """True when calling it changes nothing."""
        return isinstance(self.spec, Capability) and self.spec.effect in ("pure", "read")

    @property
    def capability_writes(self) -> bool:
        """True when calling it changes something."""
        return isinstance(self.spec, Capability) and not self.reads

    @property
    def capability_says(self) -> bool:
        """True for a capability that sends what is said to somebody: required content, and a recipient."""
        if not isinstance(self.spec, Capability) or self.reads:
            return False
        params = self.spec.params
        told = any(p.role == "content" and p.required for p in params)
        return told and any(p.entity in RECIPIENTS and p.required for p in params)

    @property
    def result(self) -> Type:
        """What it gives: a capability's returns, a trigger's payload."""
        return self.spec.returns if isinstance(self.spec, Capability) else self.spec.payload


class Name(msgspec.Struct, frozen=True):
    """A service name found in a clause: the service ids it may mean, and how many words it spans."""

    services: tuple[str, ...]
    length: int


class Vocabulary(msgspec.Struct, frozen=True, eq=False):
    """All entries of a catalog, an inverted index from stem to entries, and the names of services. `bare` are positions
    of capabilities without phrases and examples; `means` the one-word names of what sends (`text`, `dm`), with the
    services that do."""

    entries: tuple[Entry, ...]
    by_stem: dict[str, tuple[int, ...]]
    by_verb: dict[str, tuple[int, ...]]
    by_kind: dict[str, tuple[int, ...]]
    weight: dict[str, float]
    names: dict[str, tuple[tuple[tuple[str, ...], str], ...]]
    spoken: frozenset[str]
    bare: frozenset[int] = frozenset()
    means: dict[str, tuple[str, ...]] = {}
    verbs: frozenset[str] = frozenset()

    @property
    def callable(self) -> int:
        """How many capabilities there are."""
        return sum(1 for e in self.entries if not e.is_trigger)

    def rarity(self, word: str) -> float:
        """Inverse document frequency of a stem, rounded; words no entry has weigh most."""
        return self.weight.get(word, self.weight[""])

    def candidates(
        self,
        stems: Iterable[str],
        services: Sequence[str] = (),
        verb: str | None = None,
        kinds: Iterable[str] = (),
    ) -> tuple[Entry, ...]:
        """Entries that share stems with the clause, best first; all of `services`, all that begin with `verb`, and
        all that take a literal of `kinds` that few services take (a channel, a telephone number)."""
        scores: dict[int, float] = defaultdict(float)
        for word in dict.fromkeys(stems):
            for i in self.by_stem.get(word, ()):
                scores[i] += self.rarity(word)
        ranked = sorted(scores, key=lambda i: (-round(scores[i], 6), i))[:_CANDIDATES]
        held = set(ranked)
        # what begins with the verb, or takes such a literal, by what else it shares; a large catalog has hundreds
        likely = {*self.by_verb.get(verb or "", ()), *(i for kind in kinds for i in self.by_kind.get(kind, ()))}
        taking = sorted(likely, key=lambda i: (-round(scores.get(i, 0.0), 6), i))[:_CANDIDATES]
        more = [i for i, e in enumerate(self.entries) if e.service.id in services] if services else []
        for i in (*more, *taking):
            if i not in held:
                ranked.append(i)
                held.add(i)
        return tuple(self.entries[i] for i in ranked)

    def described(self, stems: Iterable[str]) -> tuple[Entry, ...]:
        """Capabilities nobody wrote phrases for (as an imported API has none) that share stems, best first."""
        if not self.bare:
            return ()
        scores: dict[int, float] = defaultdict(float)
        for word in stems:
            for i in self.by_stem.get(word, ()):
                if i in self.bare:
                    scores[i] += self.rarity(word)
        ranked = sorted(scores, key=lambda i: (-round(scores[i], 6), i))[:_CANDIDATES]
        if len(self.bare) <= _CANDIDATES:  # so few that those with other forms of the words are looked at as well
            ranked += sorted(self.bare - set(ranked))
        return tuple(self.entries[i] for i in ranked)

    def name_at(self, lowered: Sequence[str], at: int) -> Name | None:
        """The longest service name, title or alias that starts at word `at`."""
        best: Name | None = None
        for parts, service in self.names.get(lowered[at], ()):
            if tuple(lowered[at : at + len(parts)]) != parts:
                continue
            if best is None or len(parts) > best.length:
                best = Name((service,), len(parts))
            elif len(parts) == best.length and service not in best.services:
                best = Name((*best.services, service), best.length)
        return best

    def entry(self, service: str, name: str) -> Entry | None:
        """The entry of `service.name`, or None."""
        for entry in self.entries:
            if entry.service.id == service and entry.spec.name == name:
                return entry
        return None


@lru_cache(maxsize=65_536)
def split_name(name: str) -> tuple[str, ...]:
    """Stems of an identifier: `customer_email` and `customerEmail` are both (custom, email)."""
    parts: list[str] = []
    word = ""
    for before, char in zip(" " + name, name, strict=False):
        if not char.isalnum() or (char.isupper() and before.islower()):
            if word:
                parts.append(word)
            word = char if char.isalnum() else ""
        else:
            word += char
    if word:
        parts.append(word)
    return tuple(stem(p) for p in parts)


def content_stems(text: str) -> tuple[str, ...]:
    """Stems of the content words of catalog text, in order; `{placeholders}` dropped, particles kept."""
    found = []
    for raw in text.replace("/", " ").replace(",", " ").split():
        if raw.startswith("{"):
            continue
        word = raw.strip(".,;:!?()'\"").casefold()
        if word and (word not in words("stop") or word in PARTICLES):
            found.append(stem(word))
    return tuple(found)


def walk(of: Type, path: tuple[str, ...] = (), depth: int = 0) -> Iterable[tuple[tuple[str, ...], Field]]:
    """Every named field under `of` with its path; list items are not entered."""
    inner = non_null(of)
    if depth > 4 or not isinstance(inner, ObjectOf):
        return
    for field in inner.fields:
        yield (*path, field.name), field
        yield from walk(field.type, (*path, field.name), depth + 1)


def listing_of(of: Type) -> Listing | None:
    """The list a result is about: the result itself, or its only (or first) list property."""
    inner = non_null(of)
    if isinstance(inner, ListOf):
        return Listing("", inner.item, frozenset())
    if isinstance(inner, ObjectOf):
        for field in inner.fields:
            held = non_null(field.type)
            if isinstance(held, ListOf):
                return Listing(field.name, held.item, frozenset(split_name(field.name)))
    return None


def _field_stems(of: Type) -> frozenset[str]:
    found: set[str] = set()
    held = listing_of(of)
    for source in (of, held.item if held else None):
        if source is not None:
            for _, field in walk(source):
                found.update(split_name(field.name))
    return frozenset(found)


def _entry(service: Service, spec: Capability | TriggerKind) -> Entry:
    result = spec.returns if isinstance(spec, Capability) else spec.payload
    said = [content_stems(p) for p in (*spec.phrases, *spec.examples)]
    fields = _field_stems(result)
    names = [split_name(spec.name)] + [split_name(p.name) for p in spec.params]
    return Entry(
        key=f"{service.id}.{spec.name}",
        service=service,
        spec=spec,
        phrases=tuple(p for p in said if p) or (split_name(spec.name),),
        summary=frozenset(content_stems(spec.summary)),
        names=frozenset(w for group in names for w in group),
        fields=fields,
        values=frozenset(stem(v.casefold()) for p in spec.params for v in p.enum),
        listing=listing_of(result),
        verbs=_verbs(spec),
    )


def _verbs(spec: Capability | TriggerKind) -> frozenset[str]:
    firsts = [text.split()[0].casefold() for text in (*spec.phrases, *spec.examples) if text.split()]
    firsts += re.split(r"[^a-z]+", spec.name.casefold())[:1]
    return frozenset(stem(word) for word in firsts if word in words("verbs"))


def _spoken(services: Sequence[Service]) -> frozenset[str]:
    """Every word, as written, by which people mention what the catalog holds; for spelling only."""
    found: set[str] = set()
    for service in services:
        texts = [service.title, *service.aliases]
        specs: tuple[Capability | TriggerKind, ...] = (*service.capabilities, *service.triggers)
        for spec in specs:
            texts += [*spec.phrases, *spec.examples, spec.summary, *(p.name.replace("_", " ") for p in spec.params)]
        for text in texts:
            found.update(w for w in text.casefold().split() if w.isalpha())
    return frozenset(found)


def _names(services: Sequence[Service]) -> dict[str, tuple[tuple[tuple[str, ...], str], ...]]:
    found: dict[str, set[tuple[tuple[str, ...], str]]] = defaultdict(set)
    for service in services:
        plain = service.title.split("(")[0]
        for name in (service.id, service.id.replace("_", " "), service.title, plain, *service.aliases):
            parts = tuple(name.casefold().replace("(", " ").replace(")", " ").split())
            if parts and not (len(parts) == 1 and parts[0] in words("stop")):
                found[parts[0]].add((parts, service.id))
    return {first: tuple(sorted(group, key=lambda e: (-len(e[0]), e))) for first, group in found.items()}


def _orders(services: Sequence[Service]) -> frozenset[str]:
    """Words as which phrases of writes begin orders: `reserve the articles`, `hold back`, by the article after them."""
    found: set[str] = set()
    for service in services:
        for capability in service.capabilities:
            for phrase in capability.phrases if capability.effect in ("write", "irreversible") else ():
                said = phrase.casefold().split()
                if len(said) > 1 and said[0].isalpha() and said[1] in _ARTICLES and said[0] not in words("stop"):
                    found.add(said[0])
    return frozenset(found)


def _means(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.capability_says:
            for phrase in entry.phrases:
                if len(phrase) == 1 and not same_doing("tell", phrase[0]) and phrase[0] not in _SENDING:
                    found.setdefault(phrase[0], {})[entry.service.id] = None
    return {word: tuple(services) for word, services in sorted(found.items())}


_MADE: OrderedDict[str, Vocabulary] = OrderedDict()
_KEPT = 8


def vocabulary(catalog: Catalog) -> Vocabulary:
    """The vocabulary of `catalog`, kept by its digest: the same catalog gives the same object."""
    made = _MADE.get(catalog.digest) if catalog.digest else None
    if made is None:
        made = _make(catalog)
        if catalog.digest:
            _MADE[catalog.digest] = made
            while len(_MADE) > _KEPT:
                _MADE.popitem(last=False)
    return made


def _make(catalog: Catalog) -> Vocabulary:
    entries: list[Entry] = []
    for service in catalog.services:
        spoken = any(c.phrases or c.examples for c in service.capabilities)
        entries += [_entry(service, c) for c in service.capabilities if c.phrases or c.examples or not spoken]
        entries += [_entry(service, t) for t in service.triggers]
    by_stem: dict[str, list[int]] = defaultdict(list)
    by_verb: dict[str, list[int]] = defaultdict(list)
    by_kind: dict[str, list[int]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for i, entry in enumerate(entries):
        title = content_stems(entry.service.title + " " + " ".join(entry.service.aliases))
        bag = {w for p in entry.phrases for w in p} | entry.summary | entry.names | entry.fields | entry.values
        for word in sorted(bag | set(title)):
            by_stem[word].append(i)
        for first in sorted({p[0] for p in entry.phrases}):
            by_verb[first].append(i)
        for kind, entity in (("channel", "slack_channel"), ("phone", "phone")):
            if any(p.entity == entity and p.required for p in entry.spec.params):
                by_kind[kind].append(i)
        counts.update(bag)
    total = len(entries) + 1
    weight = {w: round(math.log(1 + total / n), 4) for w, n in counts.items()}
    weight[""] = round(math.log(1 + total), 4)
    return Vocabulary(
        entries=tuple(entries),
        by_stem={w: tuple(i) for w, i in by_stem.items()},
        by_verb={w: tuple(i) for w, i in by_verb.items()},
        by_kind={w: tuple(i) for w, i in by_kind.items()},
        weight=weight,
        means=_means(entries),
        verbs=_orders(catalog.services),
        names=_names(catalog.services),
        spoken=_spoken(catalog.services),
        bare=frozenset(i for i, e in enumerate(entries) if not (e.is_trigger or e.spec.phrases or e.spec.examples)),
    )
