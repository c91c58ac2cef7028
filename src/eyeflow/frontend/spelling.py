"""Misspelt words and shorthand: the request with each as the one known word that it can only be.

Knows: how far apart two spellings are; common shorthand (`data/spelling.yaml`). In: the text, its tokens, the words of
the language and of a catalog. Out: edits of the text. Never: touches literals, names, or a word that is known.

Source: optimal string alignment distance (Damerau 1964), cut off at the bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, TypeAlias

from eyeflow.frontend.data import Tree, load
from eyeflow.frontend.lexicon import stem, words
from eyeflow.frontend.tokens import Kind, Token
from eyeflow.values import Span

Edit: TypeAlias = tuple[Span, str]
"""Words of the request, and what they are read as."""

_SHORTEST: Final = 3
_SURE: Final = 5
"""Shorter unknown words are often names."""
_HOUR: Final = re.compile(r"([01]?\d|2[0-3])([0-5]\d)\Z")


def corrections(
    tokens: Sequence[Token], known: Iterable[str], names: Iterable[str], settled: Sequence[Span]
) -> tuple[Edit, ...]:
    """What unknown words are read as: the only known word one slip away (two in long words). What lies within
    `settled` stays as it is, and so does what may be somebody's name, unless it is one of `names`, of services."""
    called = frozenset(names)
    told = frozenset(w for w in known if len(w) >= _SHORTEST) | words("verbs")
    vocabulary = told | words("stop") | _spoken_of()
    shouted = sum(t.text.isupper() for t in tokens if t.kind is Kind.WORD) * 2 > len(tokens)
    found: list[Edit] = []
    for at, token in enumerate(tokens):
        if any(s.start <= token.span.start < s.end for s in settled):
            continue
        named = token.text[:1].isupper() and at > 0 and tokens[at - 1].text not in ".!?\n:" and not shouted
        meant = _shorthand(token.lower) or (None if named else _meant(token, vocabulary, told)) or _clock(tokens, at)
        if meant is not None and (meant in called or not _may_be_a_name(tokens, at, meant)):
            found.append((token.span, meant))
    return tuple(found)


def _may_be_a_name(tokens: Sequence[Token], at: int, meant: str) -> bool:
    """`assign it to dana and`, `tell dana`: one word between a preposition and a break, or a short one that would be a
    noun, may be anybody's name."""
    word = tokens[at]
    if word.kind is not Kind.WORD or _shorthand(word.lower) is not None:
        return False
    before = tokens[at - 1].lower if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    closed = after is None or after.kind is not Kind.WORD or (_shorthand(after.lower) or after.lower) in words("stop")
    if before in words("prepositions") and closed:
        return True
    order = meant in words("verbs") and (not before.isalpha() or before in words("stop") | words("politeness"))
    return len(word.lower) < _SURE and not (order or meant in words("stop"))


def _shorthand(word: str) -> str | None:
    said = load("spelling")["shorthand"]
    assert isinstance(said, dict), "spelling.shorthand is a mapping"
    meant = said.get(word)
    return str(meant) if meant is not None else None


def _clock(tokens: Sequence[Token], at: int) -> str | None:
    """`at 730`: a time of day without its colon."""
    hour = _HOUR.match(tokens[at].text) if at and tokens[at].kind is Kind.NUMBER else None
    if hour is None or len(tokens[at].text) < 3 or tokens[at - 1].lower not in ("at", "@", "around"):
        return None
    return f"{hour[1]}:{hour[2]}"


@cache
def _spoken_of() -> frozenset[str]:
    """Words of times, waits, approvals, tries and clauses: `approval` is no slip of `approved`."""
    names = ("pauses", "policies", "time", "clauses", "language", "comparisons", "lists", "numbers")
    return frozenset(word for name in names for word in _words(load(name)))


def _words(tree: Tree) -> set[str]:
    if isinstance(tree, dict):
        return {word for key, each in tree.items() for word in (*_words(each), *str(key).casefold().split())}
    if isinstance(tree, list):
        return {word for each in tree for word in _words(each)}
    return {word for word in str(tree).replace("|", " ").split() if word.isalpha() and len(word) >= _SHORTEST}


def _meant(token: Token, vocabulary: frozenset[str], told: frozenset[str]) -> str | None:
    """The nearest word; of two as near, the one that says what is to be done (`wether` is no `whether`)."""
    word = token.lower
    if token.kind is not Kind.WORD or len(word) < _SHORTEST or not word.isalpha() or word in vocabulary:
        return None
    if word.endswith("ys") and word[:-2] + "ies" in vocabulary:
        return word[:-2] + "ies"
    if _is_english(word):
        return None
    most = 2 if len(word) > 7 else 1
    found = sorted((d, w) for w in vocabulary if w[0] == word[0] and (d := distance(word, w, most)) <= most)
    near = [w for d, w in found if d == found[0][0] and (len(w) > 2 or len(w) == len(word))]
    if any(stem(w) == stem(word) for w in near):
        return None  # `the berth`, where the catalog says `berths`
    near = [w for w in near if w in told] or near
    return near[0] if len({stem(w) for w in near}) == 1 else None


@cache
def _common() -> frozenset[str]:
    return frozenset(stem(w) for w in _words(load("spelling")["common"]))


def _is_english(word: str) -> bool:
    """A common word, or an inflection of one: `fixes` is no slip of `files`."""
    if stem(word) in _common():
        return True
    endings = (("ing", ""), ("ing", "e"), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("ly", ""), ("ally", ""))
    bases = [word.removesuffix(end) + more for end, more in endings if word.endswith(end) and len(word) - len(end) > 2]
    bases += [base[:-1] for base in bases if len(base) > 3 and base[-1] == base[-2]]
    return any(stem(base) in _common() for base in bases)


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
