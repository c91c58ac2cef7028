"""Words that say the same thing in another form: `how far` for a distance, `film` for a movie.

Knows: `data/described.yaml`. In: a stem. Out: stems. Never: words of a service.
"""

from __future__ import annotations

from functools import cache, lru_cache

from eyeflow.frontend.data import groups, table, words
from eyeflow.frontend.lexicon import stem


@cache
def _kin() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for word, nouns in table("described", "kin").items():
        found.setdefault(stem(word), {}).update(dict.fromkeys(stem(n) for n in nouns))
    for group in groups("described", "alike"):
        stems = [stem(w) for w in group]
        for one in stems:
            found.setdefault(one, {}).update(dict.fromkeys(s for s in stems if s != one))
    return {word: tuple(held) for word, held in found.items()}


@lru_cache(maxsize=65_536)
def kin(word: str) -> tuple[str, ...]:
    """Stems that may name what the stem `word` says."""
    return _kin().get(word, ())


@cache
def measures() -> frozenset[str]:
    """Stems of adjectives that name a measure after a number: `3 meters wide`."""
    return frozenset(stem(w) for w in words("described", "measures"))
