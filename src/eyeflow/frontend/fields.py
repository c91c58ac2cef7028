"""Which field of a typed thing do these words mean?

Knows: names, synonyms, entities and roles of fields. In: stems and a type. Out: ranked `FieldHit`s.
Never: looks outside the type it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend.lexicon import synonyms
from eyeflow.frontend.vocabulary import split_name, walk
from eyeflow.values import Field, ListOf, ObjectOf, Scalar, Type, non_null

EXACT, SYNONYM, ABOUT = 1.0, 0.75, 0.4
_ENTITY_WORDS = {
    "email": ("email", "mail", "address"),
    "url": ("link", "url"),
    "person": ("who", "person", "name"),
    "money": ("amount", "price", "total", "money"),
    "file": ("file", "document", "attachment"),
    "location": ("where", "place", "city"),
    "phone": ("phone", "number"),
}


class FieldHit(msgspec.Struct, frozen=True):
    """A field the words may mean: its path, the share of its name that was said, which words said it (positions in
    the input), and the score by which hits are ranked (higher is better)."""

    path: tuple[str, ...]
    field: Field
    score: float
    used: frozenset[int]

    @property
    def dotted(self) -> str:
        """The path as an expression writes it after its root."""
        return ".".join(self.path)


def _word_score(word: str, name: str) -> float:
    if word == name or (len(name) > 4 and word + "s" == name):
        return EXACT
    return SYNONYM if name in synonyms(word) else 0.0


def _hit(stems: Sequence[str], path: tuple[str, ...], field: Field, want: Field | None) -> FieldHit | None:
    names = [n for part in path for n in split_name(part)]
    last = split_name(field.name)
    used: set[int] = set()
    total = 0.0
    for name in names:
        best, at = max(((_word_score(w, name), -i) for i, w in enumerate(stems)), default=(0.0, 0))
        if best:
            total += best
            used.add(-at)
    entity = field.entity or (field.role if field.role == "summary" else None)
    for i, word in enumerate(stems):
        if i not in used and field.entity and word in _ENTITY_WORDS.get(field.entity, ()):
            total += ABOUT
            used.add(i)
    if not used:
        return None
    said_last = any(_word_score(stems[i], n) for i in used for n in last)
    score = total / len(names) + 0.1 * len(used) + (0.2 if said_last else 0.0)
    if want is not None:
        score += 0.35 if want.entity and entity == want.entity else 0.0
        score -= 0.5 if want.entity in ("email", "phone") and entity != want.entity else 0.0
        score -= 0.3 if isinstance(non_null(field.type), ObjectOf | ListOf) and _scalar(want.type) else 0.0
    return FieldHit(path, field, round(score, 4), frozenset(used))


def _scalar(of: Type) -> bool:
    return isinstance(non_null(of), Scalar)


def find(stems: Sequence[str], of: Type, want: Field | None = None) -> tuple[FieldHit, ...]:
    """Fields under `of` that some of `stems` name, best first; `want` is the place the value is for."""
    hits = [h for path, field in walk(of) if (h := _hit(stems, path, field, want)) is not None]
    return tuple(sorted(hits, key=lambda h: (-h.score, len(h.path), h.path)))


def by_entity(of: Type, entity: str) -> tuple[tuple[str, ...], ...]:
    """Paths of the fields of `of` with this entity, in declaration order."""
    return tuple(path for path, field in walk(of) if field.entity == entity)


def summary_path(of: Type) -> tuple[str, ...] | None:
    """The field that stands for the whole thing: `role: summary`, else a title, name, subject or text."""
    fallback: tuple[str, ...] | None = None
    for path, field in walk(of):
        if len(path) > 2:
            continue
        if field.role == "summary":
            return path
        if fallback is None and path[-1] in ("title", "name", "subject", "summary", "text", "description"):
            fallback = path
    return fallback


def same_name(of: Type, name: str) -> tuple[str, ...] | None:
    """A top-level field called exactly `name`."""
    inner = non_null(of)
    if isinstance(inner, ObjectOf) and inner.field(name) is not None:
        return (name,)
    return None
