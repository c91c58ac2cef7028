"""The part of the catalog that a request may be about.

Knows: the vocabulary's candidates, and a further source of them when there is one. In: a request. Out: entries, best
first, few enough to show to a model. Never: chooses.
"""

from __future__ import annotations

from typing import Final, Protocol

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend import clauses as cutting
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.items import build as build_items
from eyeflow.frontend.literals import free_texts, tokenize
from eyeflow.frontend.timegrammar import find_times
from eyeflow.frontend.vocabulary import Entry, Vocabulary

MAX_FUNCTIONS: Final = 12
MAX_TRIGGERS: Final = 6


class Source(Protocol):
    """A further source of candidates: it only ever adds."""

    def candidates(self, text: str, vocab: Vocabulary, limit: int) -> tuple[Entry, ...]:
        """Entries near `text` in meaning, best first."""
        ...


def clauses(text: str, ctx: CompileContext) -> tuple[Clause, ...]:
    """The clauses of a request, sentence by sentence, as the rules cut them."""
    tokens = tokenize(text)
    items = build_items(text, tokens, find_times(text, tokens, ctx.now, ctx.zone), free_texts(text, tokens))
    found: list[Clause] = []
    for number, raw in enumerate(cutting.split_sentences(items)):
        kept, _ = cutting.without_politeness(raw)
        found += cutting.cut(kept, number)
    return tuple(c for c in found if c.items)


def ranked(clause: Clause, text: str, vocab: Vocabulary, source: Source | None = None) -> tuple[Entry, ...]:
    """Candidates for one clause: by its words, its service names, its first verb, its literals; then by meaning."""
    lowered = [i.lower for i in clause.items]
    named: list[str] = []
    for at in range(len(lowered)):
        name = vocab.name_at(lowered, at)
        named += name.services if name is not None else ()
    stems = [i.stem for i in clause.items if i.is_word and not i.is_stop]
    kinds = {i.kind for i in clause.items if i.is_literal}
    verb = next((i.stem for i in clause.items if i.is_word), None)
    by_words = vocab.candidates(stems, tuple(dict.fromkeys(named)), verb, kinds)
    # an entry of a service that is named comes before all others
    first = [e for e in by_words if e.service.id in named]
    rest = [e for e in by_words if e.service.id not in named]
    fitting = [e for e in by_words if _takes(e, kinds)]
    found = _merged([*first, *rest], tuple(fitting))
    if source is not None:
        said = text[clause.span.start : clause.span.end]
        found = _merged(found, source.candidates(said, vocab, MAX_FUNCTIONS))
    return tuple(found)


_ENTITY: Final = {"channel": "slack_channel", "phone": "phone", "email": "email", "repo": "repo", "url": "url"}


def _takes(entry: Entry, kinds: set[str]) -> bool:
    """True when a literal of the clause is what a required parameter wants."""
    wanted = {_ENTITY[kind] for kind in kinds if kind in _ENTITY}
    return any(p.required and p.entity in wanted for p in entry.spec.params)


def _merged(one: list[Entry], two: tuple[Entry, ...]) -> list[Entry]:
    """Two rankings as one: by the sum of reciprocal ranks, the first ranking's order on ties.

    Source: Cormack, Clarke, Buettcher, Reciprocal Rank Fusion, SIGIR 2009.
    """
    scores: dict[str, float] = {}
    for ranking in (one, two):
        for rank, entry in enumerate(ranking):
            scores[entry.key] = scores.get(entry.key, 0.0) + 1 / (60 + rank)
    entries = {e.key: e for e in (*one, *two)}
    order = {key: n for n, key in enumerate(entries)}
    return [entries[k] for k in sorted(entries, key=lambda k: (-round(scores[k], 9), order[k]))]


def part(text: str, ctx: CompileContext, source: Source | None = None) -> tuple[Entry, ...]:
    """The entries to show to a model for the whole request: some for each clause, functions and triggers apart."""
    vocab = vocabulary(ctx.catalog)
    held = clauses(text, ctx)
    rows = [ranked(c, text, vocab, source) for c in held]
    functions = _spread([tuple(e for e in row if not e.is_trigger) for row in rows], MAX_FUNCTIONS)
    triggers = _spread([tuple(e for e in row if e.is_trigger) for row in rows], MAX_TRIGGERS)
    return (*functions, *triggers)


def _spread(rows: list[tuple[Entry, ...]], limit: int) -> tuple[Entry, ...]:
    """The best of each row in turn, until there are `limit`."""
    found: dict[str, Entry] = {}
    for rank in range(max((len(r) for r in rows), default=0)):
        for row in rows:
            if rank < len(row) and len(found) < limit:
                found.setdefault(row[rank].key, row[rank])
    return tuple(found.values())
