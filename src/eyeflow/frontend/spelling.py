"""Misspelt words: read again as the one known word that they can only be.

Knows: how far apart two spellings are. In: items, the words of the language and of a catalog. Out: corrected items
and what was read as what. Never: touches literals, names, or a word that is known.

Source: optimal string alignment distance (Damerau 1964), cut off at the bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from msgspec.structs import replace

from eyeflow.frontend.data import load
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, words

_SHORTEST = 3


def correct(items: Sequence[Item], known: Iterable[str]) -> tuple[tuple[Item, ...], tuple[tuple[str, str], ...]]:
    """Items with unknown words read as the only known word one slip away (two in long words), and those pairs."""
    vocabulary = frozenset(w for w in known if len(w) >= _SHORTEST) | words("verbs") | words("stop") | _of_pauses()
    out: list[Item] = []
    pairs: list[tuple[str, str]] = []
    for item in items:
        meant = _meant(item, vocabulary)
        if meant is None:
            out.append(item)
            continue
        pairs.append((item.text, meant))
        out.append(replace(item, lower=meant, stem=stem(meant)))
    return tuple(out), tuple(pairs)


@cache
def _of_pauses() -> frozenset[str]:
    """Words that say how something waits, is asked about, or is tried again: `approval` is no slip of `approved`."""
    listed = [each for name in ("pauses", "policies") for each in load(name).values()]
    phrases = [str(phrase) for each in listed for phrase in (each if isinstance(each, list) else ())]
    return frozenset(word for phrase in phrases for word in phrase.split())


def _meant(item: Item, vocabulary: frozenset[str]) -> str | None:
    word = item.lower
    if not item.is_word or item.proper or len(word) < _SHORTEST or not word.isalpha() or word in vocabulary:
        return None
    most = 2 if len(word) > 7 else 1
    near = sorted((d, w) for w in vocabulary if w[0] == word[0] and (d := distance(word, w, most)) <= most)
    if not near or (len(near) > 1 and near[0][0] == near[1][0] and stem(near[0][1]) != stem(near[1][1])):
        return None
    return near[0][1]


def distance(one: str, other: str, most: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words; `most + 1` when beyond."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        rows.append(row)
    return rows[-1][-1]
