"""The vocabulary of a catalog, made once and kept: by this process, and beside the services that were read.

Knows: how catalog text becomes stems, an inverted index, service names. In: a `Catalog`. Out: `Vocabulary`.
Never: uses what was kept for another catalog, or by another version of this code.
"""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from eyeflow.catalog import compiled
from eyeflow.catalog.model import Capability, Catalog, Service, TriggerKind
from eyeflow.frontend.lexicon import same_doing, stem, words
from eyeflow.frontend.vocabulary import (
    CHANNELS,
    PARTICLES,
    Entry,
    Vocabulary,
    content_stems,
    listing_of,
    split_name,
    walk,
)
from eyeflow.values import STRING, Type

_ARTICLES: Final = frozenset({"the", "a", "an", "it", "them", "back", "my", "our"})
_SENDING: Final = ("send", "message", "ping", "page", "wake")
"""Verbs of telling, which name no means."""


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
        phrases=(*(tuple(p for p in said if p) or (split_name(spec.name),)), *_switching(spec, said)),
        summary=frozenset(content_stems(spec.summary)),
        names=frozenset(w for group in names for w in group),
        fields=fields,
        values=frozenset(stem(v.casefold()) for p in spec.params for v in p.enum),
        listing=listing_of(result),
        verbs=_verbs(spec),
    )


_SETTING: Final = frozenset(stem(word) for word in ("set", "turn", "switch", "shut", "change", "put"))
_SETTINGS: Final = frozenset(stem(word) for word in ("power", "state", "status", "mode", "setting"))


def _switching(spec: Capability | TriggerKind, said: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """`turn on the lights`, where a phrase is `set the power on the lights` and the values are `on` and `off`."""
    if not isinstance(spec, Capability) or spec.effect not in ("write", "irreversible"):
        return ()
    switch = next((p for p in spec.params if p.required and {v.casefold() for v in p.enum} == {"on", "off"}), None)
    if switch is None:
        return ()
    plain = PARTICLES | _SETTINGS | set(split_name(switch.name))
    things = {tuple(w for w in p[1:] if w not in plain) for p in said if p and p[0] in _SETTING}
    known = {p for p in said if "on" in p or "off" in p}
    made = sorted((stem("turn"), way, *thing) for thing in things if 0 < len(thing) < 3 for way in ("on", "off"))
    return tuple(p for p in made if p not in known)


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


def _names(services: Sequence[Service]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for service in services:
        plain = service.title.split("(")[0]
        for name in (service.id, service.id.replace("_", " "), service.title, plain, *service.aliases):
            parts = name.casefold().replace("(", " ").replace(")", " ").split()
            if parts and not (len(parts) == 1 and parts[0] in words("stop")):
                found[" ".join(parts)].add(service.id)
    for name, service_id in _short(services).items():
        if name not in found:
            found[name].add(service_id)
    return {name: tuple(sorted(held)) for name, held in found.items()}


def _short(services: Sequence[Service]) -> dict[str, str]:
    """`tesla` of a Tesla Car: the first word of a title, by which the service's own phrases call it, and no other's
    texts say."""
    said = {service.id: [p.casefold().replace("'s", "").split() for p in _texts(service)] for service in services}
    where = Counter(word for phrases in said.values() for word in {w for phrase in phrases for w in phrase})
    found: dict[str, str] = {}
    for service in services:
        title = service.title.casefold().split()
        if len(title) != 2 or where[title[0]] != 1 or not title[0].isalpha() or title[0] in words("stop"):
            continue
        own = [phrase for phrase in said[service.id] if title[0] in phrase]
        alone = [phrase for phrase in own if title[1] not in phrase]
        if alone and 2 * len(own) >= len(said[service.id]):
            found[title[0]] = service.id
    return found


def _texts(service: Service) -> list[str]:
    specs: tuple[Capability | TriggerKind, ...] = (*service.capabilities, *service.triggers)
    return [text for spec in specs for text in spec.phrases or (spec.summary,)]


def _longest(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        parts = name.split(" ")
        found[parts[0]] = max(found.get(parts[0], 0), len(parts))
    return found


def _by_service(entries: Sequence[Entry]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        found[entry.service.id].append(i)
    return {service: tuple(held) for service, held in found.items()}


def _orders(services: Sequence[Service]) -> frozenset[str]:
    """Words as which phrases of writes begin orders: `reserve the articles`, `hold back`, by the article after them;
    `stream radio` beside `play radio`, by the verb in its place; the summary, where a service has no phrases."""
    found: set[str] = set()
    for service in services:
        for capability in service.capabilities:
            if capability.effect not in ("write", "irreversible"):
                continue
            said = [phrase.casefold().split() for phrase in capability.phrases or (capability.summary,)]
            said = [phrase for phrase in said if phrase[1:] and phrase[0].isalpha() and phrase[0] not in words("stop")]
            beside = {tuple(phrase[1:]) for phrase in said if phrase[0] in words("verbs")}
            found |= {phrase[0] for phrase in said if phrase[1] in _ARTICLES or tuple(phrase[1:]) in beside}
            called = capability.name.casefold()
            found |= {called} & {phrase.casefold() for phrase in capability.phrases} - words("stop")
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
        folder = compiled.folder_in_use()
        made = _kept(catalog, folder) if catalog.digest and folder is not None else _make(catalog)
        if catalog.digest:
            _MADE[catalog.digest] = made
            while len(_MADE) > _KEPT:
                _MADE.popitem(last=False)
    return made


def forget() -> None:
    """Drop what this process has made, as a fresh one would begin."""
    _MADE.clear()


# --- what is kept --------------------------------------------------------------------------------------------------


class _Said(msgspec.Struct, frozen=True, array_like=True):
    """The words of one entry; the service and the capability it is of are known by its place."""

    phrases: tuple[tuple[str, ...], ...]
    summary: frozenset[str]
    names: frozenset[str]
    fields: frozenset[str]
    values: frozenset[str]
    verbs: frozenset[str]


class _Words(msgspec.Struct, frozen=True, array_like=True):
    """A vocabulary without the catalog it is of."""

    said: tuple[_Said, ...]
    by_stem: dict[str, tuple[int, ...]]
    by_verb: dict[str, tuple[int, ...]]
    by_kind: dict[str, tuple[int, ...]]
    weight: dict[str, float]
    names: dict[str, tuple[str, ...]]
    longest: dict[str, int]
    spoken: frozenset[str]
    by_service: dict[str, tuple[int, ...]]
    bare: frozenset[int]
    means: dict[str, tuple[str, ...]]
    verbs: frozenset[str]


_PARTS: Final = (
    "by_stem",
    "by_verb",
    "by_kind",
    "weight",
    "names",
    "longest",
    "spoken",
    "by_service",
    "bare",
    "means",
    "verbs",
)
_NAME: Final = "words"


def _kept(catalog: Catalog, folder: Path) -> Vocabulary:
    """What was kept for this very catalog; made and kept when there is nothing, or nothing that fits."""
    key = f"{catalog.digest}{_code()}"
    raw = compiled.recall_bytes(folder, _NAME, key)
    held = _read(raw) if raw is not None else None
    pairs = list(_specs(catalog)) if held is not None else []
    if held is not None and len(pairs) == len(held.said):
        entries = tuple(_again(service, spec, said) for (service, spec), said in zip(pairs, held.said, strict=True))
        return Vocabulary(entries=entries, **{name: getattr(held, name) for name in _PARTS})
    made = _make(catalog)
    said = tuple(_Said(e.phrases, e.summary, e.names, e.fields, e.values, e.verbs) for e in made.entries)
    fresh = _Words(said, **{name: getattr(made, name) for name in _PARTS})
    compiled.remember_bytes(folder, _NAME, key, msgspec.msgpack.encode(fresh))
    return made


def _read(raw: bytes) -> _Words | None:
    try:
        return msgspec.msgpack.decode(raw, type=_Words)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _again(service: Service, spec: Capability | TriggerKind, said: _Said) -> Entry:
    result = spec.returns if isinstance(spec, Capability) else spec.payload
    return Entry(
        key=f"{service.id}.{spec.name}", service=service, spec=spec, phrases=said.phrases, summary=said.summary,
        names=said.names, fields=said.fields, values=said.values, listing=listing_of(result), verbs=said.verbs,
    )  # fmt: skip


@cache
def _code() -> str:
    """A digest of what has a say in how catalog text becomes words; the catalog's own code and ours."""
    return compiled.digest_of(part.read_bytes() for part in _parts())


def _parts() -> tuple[Traversable, ...]:
    here = files("eyeflow.frontend")
    modules = tuple(here / name for name in ("indexing.py", "vocabulary.py", "lexicon.py"))
    return (*modules, here / "data" / "language.yaml")


_Spec: TypeAlias = tuple[Service, Capability | TriggerKind]


def _specs(catalog: Catalog) -> Iterator[_Spec]:
    """What becomes entries, in their order."""
    for service in catalog.services:
        spoken = any(c.phrases or c.examples for c in service.capabilities)
        held = [c for c in service.capabilities if c.phrases or c.examples or not spoken]
        silent = not any(p.role == "content" for c in service.capabilities for p in c.params)
        yield from ((service, _with_content(c) if silent else c) for c in held)
        yield from ((service, t) for t in service.triggers)


_CONTENTS: Final = ("message", "body", "text", "content", "status", "comment", "note")
"""Names of texts that are said to somebody, the likeliest first."""


def _with_content(capability: Capability) -> Capability:
    """Where a service says of no parameter that it is what is said: the one that is called so."""
    if capability.effect not in ("write", "irreversible"):
        return capability
    plain = {
        p.name: p
        for p in capability.params
        if p.required and p.type == STRING and not (p.enum or p.entity or p.format or p.secret)
    }
    name = next((name for name in _CONTENTS if name in plain), None)
    if name is None:
        return capability
    params = tuple(msgspec.structs.replace(p, role="content") if p.name == name else p for p in capability.params)
    return msgspec.structs.replace(capability, params=params)


_TAKING: Final = (("channel", CHANNELS), ("phone", ("phone",)))
"""Kinds of literals that few capabilities take, with the entities that they are."""


# --- making it -----------------------------------------------------------------------------------------------------


def _make(catalog: Catalog) -> Vocabulary:
    entries = [_entry(service, spec) for service, spec in _specs(catalog)]
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
        for kind, entities in _TAKING:
            if any(p.entity in entities and p.required for p in entry.spec.params):
                by_kind[kind].append(i)
        counts.update(bag)
    total = len(entries) + 1
    weight = {w: round(math.log(1 + total / n), 4) for w, n in counts.items()}
    weight[""] = round(math.log(1 + total), 4)
    names = _names(catalog.services)
    return Vocabulary(
        entries=tuple(entries),
        by_stem={w: tuple(i) for w, i in by_stem.items()},
        by_verb={w: tuple(i) for w, i in by_verb.items()},
        by_kind={w: tuple(i) for w, i in by_kind.items()},
        weight=weight,
        means=_means(entries),
        verbs=_orders(catalog.services),
        names=names,
        longest=_longest(names),
        by_service=_by_service(entries),
        spoken=_spoken(catalog.services),
        bare=frozenset(i for i, e in enumerate(entries) if not (e.is_trigger or e.spec.phrases or e.spec.examples)),
    )
