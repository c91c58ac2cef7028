"""The closed-class words of English as data: cues, verbs, synonyms, stems.

Knows: `data/language.yaml` and `data/clauses.yaml`. In: words. Out: classes of words, stems, cue matches.
Never: a word that belongs to a service; those come from the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import product
from typing import Final

import msgspec
import yaml

from eyeflow.catalog.words import stem as catalog_stem

CUE_KINDS: Final = (
    "trigger",
    "condition",
    "negative_condition",
    "alternative",
    "exclusion",
    "loop",
    "sequence",
    "failure",
    "fallback",
    "coordination",
    "purpose",
)
_WILD_MOST = 4


def _read(name: str) -> dict[str, object]:
    text = files("eyeflow.frontend").joinpath("data", name).read_text(encoding="utf-8")
    # every scalar stays text: YAML 1.1 would read `on` and `no` as booleans
    return yaml.load(text, Loader=yaml.CBaseLoader)  # type: ignore[no-any-return]


@cache
def _language() -> dict[str, object]:
    return _read("language.yaml")


@cache
def words(name: str) -> frozenset[str]:
    """The word list called `name` in the language file."""
    entries = _language()[name]
    assert isinstance(entries, list), name
    return frozenset(entries)


@cache
def phrases(name: str) -> tuple[tuple[str, ...], ...]:
    """The phrase list called `name`, each as words, the longest first."""
    return tuple(sorted((tuple(p.split()) for p in words(name)), key=lambda p: (-len(p), p)))


@cache
def _irregular() -> dict[str, str]:
    table = _language()["irregular"]
    assert isinstance(table, dict)
    return {str(k): str(v) for k, v in table.items()}


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    table = _language()["synonyms"]
    assert isinstance(table, dict)
    return {stem(str(k)): tuple(stem(str(w)) for w in v) for k, v in table.items()}


def synonyms(word_stem: str) -> tuple[str, ...]:
    """Stems of words that may name the same field as `word_stem`, itself excluded."""
    return _synonyms().get(word_stem, ())


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The catalog's stem of `word`, irregular forms first: words of requests and of catalogs meet in this form."""
    folded = word.casefold().replace("’", "'").removesuffix("'s")
    return catalog_stem(_irregular().get(folded, folded))


def is_base_verb(word: str) -> bool:
    """True when `word` is the base form of a verb that requests begin with (`post`, not `posted`)."""
    return word.casefold() in words("verbs")


def is_past(word: str) -> bool:
    """True for `answered`, and for `sent` of a verb that requests begin with: what was done, and not what is."""
    folded = word.casefold()
    if is_base_verb(folded) or folded in words("bases_in_ed"):
        return False
    base = _irregular().get(folded)
    irregular = base is not None and base != folded and is_base_verb(base) and not folded.endswith(("s", "ing"))
    return folded.endswith("ed") or irregular


class Cue(msgspec.Struct, frozen=True):
    """A cue phrase found at a word: its kind, how many words it spans, and its text."""

    kind: str
    length: int
    text: str


@cache
def _cues() -> dict[str, tuple[tuple[tuple[str, ...], str], ...]]:
    table = _read("clauses.yaml")
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for kind in CUE_KINDS:
        entries = table[kind]
        assert isinstance(entries, list), kind
        for phrase in entries:
            for parts in product(*(part.split("|") for part in str(phrase).split())):
                found.setdefault(parts[0], []).append((parts, kind))
    order = {kind: i for i, kind in enumerate(("failure", "fallback", *CUE_KINDS))}
    return {k: tuple(sorted(v, key=lambda e: (-len(e[0]), order[e[1]], e[0]))) for k, v in found.items()}


def cue_at(lowered: Sequence[str], at: int) -> Cue | None:
    """The longest cue phrase that starts at word `at` of `lowered` (lower-case words; punctuation stands alone)."""
    return next(cues_at(lowered, at), None)


def cues_at(lowered: Sequence[str], at: int) -> Iterator[Cue]:
    """All cue phrases that start at word `at`, the longest first."""
    for parts, kind in _cues().get(lowered[at], ()):
        end = _match(parts, lowered, at)
        if end is not None:
            yield Cue(kind, end - at, " ".join(lowered[at:end]))


def _match(parts: tuple[str, ...], lowered: Sequence[str], at: int) -> int | None:
    """The end of a match of `parts` at `at`, or None. `*` is one to four words, `#` one number."""
    for i, part in enumerate(parts):
        if part == "*":
            rest = parts[i + 1 :]
            for width in range(1, _WILD_MOST + 1):
                if at + width > len(lowered) or not lowered[at + width - 1][:1].isalnum():
                    return None
                end = _match(rest, lowered, at + width)
                if end is not None:
                    return end
            return None
        if at >= len(lowered) or (lowered[at] != "<number>" if part == "#" else lowered[at] != part):
            return None
        at += 1
    return at


def phrase_at(name: str, lowered: Sequence[str], at: int) -> int:
    """How many words the longest phrase of list `name` spans at `at`; 0 when none does. `*` as in cues."""
    table, open_ = _by_first(name)
    for parts in table.get(lowered[at], open_) if at < len(lowered) else ():
        end = _match(parts, lowered, at)
        if end is not None:
            return end - at
    return 0


@cache
def _by_first(name: str) -> tuple[dict[str, tuple[tuple[str, ...], ...]], tuple[tuple[str, ...], ...]]:
    """The phrases of a list by the word they may begin with, in their order; and those that any word may begin."""
    held = phrases(name)
    open_ = tuple(parts for parts in held if parts[0] in ("*", "#"))
    table = {first: tuple(p for p in held if p[0] == first or p in open_) for first in {p[0] for p in held}}
    return table, open_


@cache
def _groups(name: str) -> dict[str, frozenset[str]]:
    table = _language()[name]
    assert isinstance(table, list)
    found: dict[str, frozenset[str]] = {}
    for group in table:
        stems = frozenset(stem(str(w)) for w in group)
        for word in stems:
            found[word] = found.get(word, frozenset()) | stems
    return found


def same_doing(one: str, other: str) -> bool:
    """True when two verb stems are commonly used for the same act (`add` and `create`)."""
    return one == other or other in _groups("verb_groups").get(one, ())


def same_event(one: str, other: str) -> bool:
    """True when two verb stems may tell of the same event (`report` and `create`, `break` and `fail`)."""
    return one == other or other in _groups("event_groups").get(one, ())


@cache
def _speech_acts() -> dict[str, str]:
    table = _language()["speech_acts"]
    assert isinstance(table, dict)
    return {str(k): str(v) for k, v in table.items()}


def speech_act(verb: str) -> str | None:
    """What a verb that is itself a saying says (`thank`: "Thank you!"), or None."""
    return _speech_acts().get(verb)
