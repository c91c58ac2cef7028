"""Search over everything a catalog can do: words with BM25, and phrases as anchors.

Knows: which words belong to which capability, trigger and service. In: a `Catalog` (once), then queries.
Out: `Hit`s, best first, always in the same order for the same catalog and query. Never: changes after it was built,
decides what a sentence means (hits are candidates).

Scores: BM25F over name, phrases, examples, summary, service names and fields, each with a weight, plus the weight of
the words of every phrase of the entry that stands in the query as a whole, plus a share for its service's names.
They are rounded before ranking, and ties fall to the id, so the platform's floating point never shows.
Source: Robertson, Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.catalog.model import Capability, Catalog, Service, TriggerKind
from eyeflow.catalog.words import STOP_WORDS, name_words, normalise, words
from eyeflow.values import Field, ListOf, ObjectOf, Type, non_null

Kind: TypeAlias = Literal["capability", "trigger", "service"]

K1: Final = 1.2
B: Final = 0.4
PLACES: Final = 6
_NAME, _PHRASE, _EXAMPLE, _SUMMARY, _SERVICE, _FIELD = 3.0, 3.0, 1.5, 2.0, 2.0, 0.5
_PHRASE_BONUS: Final = 1.0
_SERVICE_BONUS: Final = 1.5
MAX_PHRASE_WORDS: Final = 12
MAX_QUERY_WORDS: Final = 400
_MAX_FIELDS: Final = 60


class Entry(msgspec.Struct, frozen=True):
    """One thing that can be found. `id` is `service.name`, or the service's id for a service."""

    id: str
    kind: Kind
    service: str
    name: str


class Anchor(msgspec.Struct, frozen=True):
    """A phrase known to the catalog that stands in a query: words `[start, end)`, and what it may mean.

    `entries` are positions in `CatalogIndex.entries`; a service's title and aliases lead to its `service` entry.
    """

    start: int
    end: int
    phrase: tuple[str, ...]
    entries: tuple[int, ...]


class Hit(msgspec.Struct, frozen=True):
    """A candidate: its score, the query's words it shares, and the whole phrases of it that stand in the query."""

    id: str
    kind: Kind
    service: str
    name: str
    score: float
    words: tuple[str, ...]
    phrases: tuple[str, ...]


Posting: TypeAlias = tuple[tuple[int, float], ...]


class CatalogIndex:
    """The frozen index. `entries`, `postings` (word to entry and BM25 share) and `phrases` are open to reading."""

    __slots__ = ("_ids", "_weights", "digest", "entries", "phrases", "postings")

    entries: tuple[Entry, ...]
    postings: Mapping[str, Posting]
    phrases: Mapping[tuple[str, ...], tuple[int, ...]]
    digest: str
    _weights: Mapping[str, float]
    _ids: Mapping[tuple[str, str], int]

    def __init__(
        self,
        entries: tuple[Entry, ...],
        postings: dict[str, Posting],
        phrases: dict[tuple[str, ...], tuple[int, ...]],
        weights: dict[str, float],
        digest: str,
    ) -> None:
        put = object.__setattr__
        put(self, "entries", entries)
        put(self, "postings", MappingProxyType(postings))
        put(self, "phrases", MappingProxyType(phrases))
        put(self, "digest", digest)
        put(self, "_weights", MappingProxyType(weights))
        put(self, "_ids", MappingProxyType({(entry.kind, entry.id): at for at, entry in enumerate(entries)}))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("the index is frozen")

    def entry(self, kind: Kind, entry_id: str) -> Entry | None:
        """The entry of a kind called `service.name` (or just `service`), or None."""
        at = self._ids.get((kind, entry_id))
        return None if at is None else self.entries[at]

    def weight(self, word: str) -> float:
        """How telling a stem is (its inverse document frequency); 0 for a word nobody in the catalog uses."""
        return self._weights.get(word, 0.0)

    def anchors(self, stems: Sequence[str]) -> list[Anchor]:
        """Every known phrase in `stems` that lies in no longer known phrase, from left to right."""
        found: list[Anchor] = []
        reach = 0
        for start in range(min(len(stems), MAX_QUERY_WORDS)):
            longest = self._longest(stems, start)
            if longest is not None and longest.end > reach:
                found.append(longest)
                reach = longest.end
        return found

    def _longest(self, stems: Sequence[str], start: int) -> Anchor | None:
        for end in range(min(len(stems), start + MAX_PHRASE_WORDS), start, -1):
            phrase = tuple(stems[start:end])
            entries = self.phrases.get(phrase)
            if entries is not None:
                return Anchor(start, end, phrase, entries)
        return None

    def search(self, query: str, limit: int = 10, kinds: Iterable[Kind] = ("capability", "trigger")) -> list[Hit]:
        """The best `limit` entries of these kinds for a query in English."""
        return self.search_words(words(query), limit, kinds)

    def search_words(
        self, stems: Sequence[str], limit: int = 10, kinds: Iterable[Kind] = ("capability", "trigger")
    ) -> list[Hit]:
        """`search` for a query that was taken apart by `words.words` already."""
        stems = tuple(stems[:MAX_QUERY_WORDS])
        scores: defaultdict[int, float] = defaultdict(float)
        shared: defaultdict[int, list[str]] = defaultdict(list)
        for word in dict.fromkeys(stems):
            for at, share in self.postings.get(word, ()):
                scores[at] += share
                shared[at].append(word)
        phrases = self._add_anchors(stems, scores)
        wanted = frozenset(kinds)
        ranked = sorted(
            ((-round(score, PLACES), self.entries[at].id, self.entries[at].kind, at) for at, score in scores.items()
             if score > 0 and self.entries[at].kind in wanted),
        )  # fmt: skip
        return [
            self._hit(at, -score, tuple(shared[at]), tuple(phrases.get(at, ())))
            for score, _, _, at in ranked[: max(limit, 0)]
        ]

    def _add_anchors(self, stems: tuple[str, ...], scores: defaultdict[int, float]) -> dict[int, list[str]]:
        """Add what whole phrases are worth; a service's own name lifts every entry of it that scored at all."""
        phrases: defaultdict[int, list[str]] = defaultdict(list)
        lifted: defaultdict[str, float] = defaultdict(float)
        for anchor in self.anchors(stems):
            worth = sum(self.weight(word) or 0.1 for word in anchor.phrase)
            for at in anchor.entries:
                entry = self.entries[at]
                phrases[at].append(" ".join(anchor.phrase))
                scores[at] += _PHRASE_BONUS * worth
                if entry.kind == "service":
                    lifted[entry.service] = max(lifted[entry.service], _SERVICE_BONUS * worth)
        if lifted:
            for at in scores:
                scores[at] += lifted.get(self.entries[at].service, 0.0)
        return phrases

    def _hit(self, at: int, score: float, shared: tuple[str, ...], phrases: tuple[str, ...]) -> Hit:
        entry = self.entries[at]
        return Hit(entry.id, entry.kind, entry.service, entry.name, score, shared, phrases)


def build_index(catalog: Catalog) -> CatalogIndex:
    """The index of a catalog; about 100 µs of work per service."""
    entries: list[Entry] = []
    counts: list[dict[str, float]] = []
    phrases: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for entry, texts, anchors in (found for service in catalog.services for found in _entries(service)):
        at = len(entries)
        entries.append(entry)
        counts.append(_weighted(texts))
        for phrase in dict.fromkeys(anchors):
            if 0 < len(phrase) <= MAX_PHRASE_WORDS:
                phrases[phrase].append(at)
    weights = _inverse_frequencies(counts)
    return CatalogIndex(
        tuple(entries),
        _postings(counts, weights),
        {phrase: tuple(found) for phrase, found in phrases.items()},
        weights,
        catalog.digest,
    )


def service_names(service: Service) -> tuple[str, ...]:
    """Everything a service may be called, normalised: id, title, aliases."""
    names = (normalise(name) for name in (service.id, service.title, *service.aliases))
    return tuple(dict.fromkeys(name for name in names if name))


_Texts: TypeAlias = list[tuple[float, tuple[str, ...]]]
_Found: TypeAlias = tuple[Entry, _Texts, list[tuple[str, ...]]]


def _entries(service: Service) -> Iterator[_Found]:
    names = [words(name) for name in service_names(service)]
    own: _Texts = [(_SERVICE, words(service.title)), *((_SERVICE, name) for name in names[2:])]
    yield Entry(service.id, "service", service.id, ""), [*own, (_NAME, name_words(service.id))], names
    for capability in service.capabilities:
        entry = Entry(f"{service.id}.{capability.name}", "capability", service.id, capability.name)
        yield entry, own + _texts(capability, capability.returns), _anchors(capability)
    for kind in service.triggers:
        entry = Entry(f"{service.id}.{kind.name}", "trigger", service.id, kind.name)
        yield entry, own + _texts(kind, kind.payload), _anchors(kind)


def _texts(of: Capability | TriggerKind, result: Type) -> _Texts:
    texts: _Texts = [(_NAME, name_words(of.name)), (_SUMMARY, words(of.summary))]
    texts += [(_PHRASE, words(phrase)) for phrase in of.phrases]
    texts += [(_EXAMPLE, words(example)) for example in of.examples]
    for field in (*of.params, *_fields_of(result))[:_MAX_FIELDS]:
        texts.append((_FIELD, name_words(field.name)))
        if field.description:
            texts.append((_FIELD, words(field.description)))
    return texts


def _fields_of(of: Type) -> tuple[Field, ...]:
    bare = non_null(of)
    if isinstance(bare, ListOf):
        bare = non_null(bare.item)
    return bare.fields if isinstance(bare, ObjectOf) else ()


def _anchors(of: Capability | TriggerKind) -> list[tuple[str, ...]]:
    return [words(phrase) for phrase in of.phrases] + [name_words(of.name)]


def _weighted(texts: _Texts) -> dict[str, float]:
    """Words with their weights; a word counts once in each text, and less each time it comes again."""
    best: defaultdict[str, float] = defaultdict(float)
    for weight, stems in texts:
        for word in set(stems):
            if word not in STOP_WORDS:
                best[word] = max(best[word], weight) + 0.1 * min(best[word], weight)
    return dict(sorted(best.items()))


def _inverse_frequencies(counts: list[dict[str, float]]) -> dict[str, float]:
    frequency: defaultdict[str, int] = defaultdict(int)
    for count in counts:
        for word in count:
            frequency[word] += 1
    total = len(counts)
    return {
        word: round(math.log(1 + (total - many + 0.5) / (many + 0.5)), PLACES)
        for word, many in sorted(frequency.items())
    }


def _postings(counts: list[dict[str, float]], weights: dict[str, float]) -> dict[str, Posting]:
    mean = sum(len(count) for count in counts) / len(counts) if counts else 1.0
    found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for at, count in enumerate(counts):
        norm = K1 * (1 - B + B * len(count) / (mean or 1.0))
        for word, weight in count.items():
            found[word].append((at, round(weights[word] * weight * (K1 + 1) / (weight + norm), PLACES)))
    return {word: tuple(posting) for word, posting in found.items()}
