"""What a catalog's words are: the front end's view of services, made once per catalog.

Knows: which stems name which service, capability, trigger, field; how rare each is. In: a `Catalog`.
Out: `Vocabulary`, with candidate retrieval by shared stems and longest-match service names.
Never: chooses; that is for the stages that see the whole clause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import nsmallest
from typing import Final

import msgspec

from eyeflow.catalog.model import Capability, Service, TriggerKind
from eyeflow.frontend.lexicon import stem, words
from eyeflow.values import STRING, Field, ListOf, ObjectOf, Type, non_null

PARTICLES: Final = frozenset({"on", "off", "up", "down", "out", "in", "to", "back"})
_CANDIDATES = 48


CHANNELS: Final = ("slack_channel", "discord_channel", "teams_channel", "channel")
"""Entities that are written `#so`."""
RECIPIENTS: Final = ("email", "phone", "person", *CHANNELS, "chat", "room")
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
    """All entries of a catalog, an inverted index from stem to entries, and the names of services.

    `names`: the words of a service's name, with a space between, to the services called so; `longest`: how many words
    the longest name that begins with a word has. `bare` are positions of capabilities without phrases and examples;
    `means` the one-word names of what sends (`text`, `dm`), with the services that do.
    """

    entries: tuple[Entry, ...]
    by_stem: dict[str, tuple[int, ...]]
    by_verb: dict[str, tuple[int, ...]]
    by_kind: dict[str, tuple[int, ...]]
    weight: dict[str, float]
    names: dict[str, tuple[str, ...]]
    longest: dict[str, int]
    spoken: frozenset[str]
    by_service: dict[str, tuple[int, ...]]
    bare: frozenset[int] = frozenset()
    means: dict[str, tuple[str, ...]] = {}
    verbs: frozenset[str] = frozenset()

    @property
    def places(self) -> frozenset[str]:
        """Stems by which things to list are told apart: texts of what lists them (`folder`, `sheet`, `state`)."""
        return _places(self.entries)

    @property
    def with_channels(self) -> frozenset[str]:
        """Services by which something can be said in a channel."""
        return _with_channels(self.entries)

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
        ranked = nsmallest(_CANDIDATES, scores, key=lambda i: (-round(scores[i], 6), i))
        held = set(ranked)
        # what begins with the verb, or takes such a literal, by what else it shares; a large catalog has hundreds
        likely = {*self.by_verb.get(verb or "", ()), *(i for kind in kinds for i in self.by_kind.get(kind, ()))}
        taking = nsmallest(_CANDIDATES, likely, key=lambda i: (-round(scores.get(i, 0.0), 6), i))
        more = sorted(i for service in set(services) for i in self.by_service.get(service, ()))
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
        for length in range(min(self.longest.get(lowered[at], 0), len(lowered) - at), 0, -1):
            services = self.names.get(" ".join(lowered[at : at + length]))
            if services is not None:
                return Name(services, length)
        own = lowered[at].removesuffix("'s")  # `stripe's`
        services = self.names.get(own) if own != lowered[at] else None
        return None if services is None else Name(services, 1)

    def entry(self, service: str, name: str) -> Entry | None:
        """The entry of `service.name`, or None."""
        for i in self.by_service.get(service, ()):
            if self.entries[i].spec.name == name:
                return self.entries[i]
        return None


_SAID: Final = ("query", "filter", "text", "message", "title", "subject", "name", "body", "to", "from", "topic")


@lru_cache(maxsize=8)
def _places(entries: tuple[Entry, ...]) -> frozenset[str]:
    held = (e for e in entries if e.reads and e.listing is not None)
    named = (p.name for e in held for p in e.spec.params if p.type == STRING or p.enum)
    return frozenset(split_name(name)[-1] for name in named if name not in _SAID)


@lru_cache(maxsize=8)
def _with_channels(entries: tuple[Entry, ...]) -> frozenset[str]:
    saying = (e for e in entries if e.capability_says)
    return frozenset(e.service.id for e in saying if any(p.entity in CHANNELS for p in e.spec.params))


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
