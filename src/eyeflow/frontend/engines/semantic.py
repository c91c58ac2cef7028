"""Static embeddings: a further source of candidates, and a vote on which parameter a word is a value of
(`eyeflow[semantic]`).

Knows: the vectors of every capability and trigger, made once per catalog. In: the words of a clause. Out: the entries
nearest in meaning; whether a value means one parameter and no other; a `Proposal` for words the rules do not know.
Never: goes online, removes a candidate, chooses a function: similarity alone is a poor refuser.

Vectors are rounded before they are ranked and ties fall to the catalog's order, so a platform's arithmetic never shows.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from eyeflow.catalog.model import CompileContext
from eyeflow.errors import EyeFlowError
from eyeflow.frontend.described.hinted import free
from eyeflow.frontend.described.signature import Place, signature
from eyeflow.frontend.engines.complete import helpable
from eyeflow.frontend.engines.optional import load
from eyeflow.frontend.engines.proposal import READING, Facts, Proposal
from eyeflow.frontend.engines.retrieve import clauses
from eyeflow.frontend.hints import Hint
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import Intent
from eyeflow.frontend.items import Item
from eyeflow.frontend.rules import understand
from eyeflow.frontend.summary import walk
from eyeflow.frontend.vocabulary import Entry, Vocabulary

PLACES: Final = 5
NEAR: Final = 0.2
AHEAD: Final = 0.1
"""A value means a parameter from this cosine on, so much ahead of every other: `javelin` is .50 to a discipline and .08
to an athlete, `horror` only .19 to a genre, `metres` .01 to a vehicle."""
NEAR_ALONE: Final = 0.35
"""The same, where no other helper sees the value there too: `gene` is .25 to a species."""
_KEPT: Final = 4
_MAX_CHARS: Final = 2_000
_MAX_EXAMPLES: Final = 24


class Semantic:
    """WordLlama's vectors over a catalog's words."""

    def __init__(self) -> None:
        self._model = _loaded()
        self._made: OrderedDict[int, tuple[Vocabulary, list[int], Any]] = OrderedDict()

    def candidates(self, text: str, vocab: Vocabulary, limit: int) -> tuple[Entry, ...]:
        """The `limit` entries nearest to `text`, each by the nearest of its phrases, examples and summary."""
        owners, matrix = self._vectors(vocab)
        if not owners or not text.strip() or limit <= 0:
            return ()
        wanted = self._model.embed([text[:_MAX_CHARS]], norm=True)[0]
        best: dict[int, float] = {}
        for owner, score in zip(owners, (matrix @ wanted).tolist(), strict=True):
            near = round(score, PLACES)
            if near > best.get(owner, -2.0):
                best[owner] = near
        order = sorted(best, key=lambda i: (-best[i], i))[:limit]
        return tuple(vocab.entries[i] for i in order)

    def fits(self, value: str, wanted: Place, others: Sequence[Place]) -> float:
        """How near the value is to what `wanted` takes, 0 when it is not clearly nearer than to every other."""
        places = [wanted, *(p for p in others if p.name != wanted.name)]
        texts = [text for p in places for text in _told(p)]
        if not value.strip() or not texts:
            return 0.0
        held = self._model.embed([value[:_MAX_CHARS], *texts], norm=True)
        near = [round(float(held[0] @ each), PLACES) for each in held[1:]]
        scores = [max(near[k : k + 2]) for k in range(0, len(near), 2)]
        ahead = scores[0] - max(scores[1:], default=0.0)
        return scores[0] if scores[0] >= NEAR and ahead >= AHEAD else 0.0

    def _vectors(self, vocab: Vocabulary) -> tuple[list[int], Any]:
        held = self._made.get(id(vocab))
        if held is not None and held[0] is vocab:
            return held[1], held[2]
        owners: list[int] = []
        texts: list[str] = []
        for at, entry in enumerate(vocab.entries):
            for said in _texts(entry):
                owners.append(at)
                texts.append(said)
        matrix = self._model.embed(texts, norm=True) if texts else None
        self._made[id(vocab)] = (vocab, owners, matrix)
        while len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return owners, matrix


class SemanticEngine:
    """Gives words that the rules ask about to the parameter whose name and description they are near."""

    def __init__(self, source: Semantic | None = None) -> None:
        self._source = source or Semantic()

    @property
    def name(self) -> str:
        """`semantic`."""
        return "semantic"

    @property
    def identity(self) -> str:
        """The package of the vectors."""
        return "semantic wordllama"

    def propose(self, text: str, ctx: CompileContext, answers: Mapping[str, str]) -> Proposal:
        """Hints for the calls that the rules read, where they ask about words."""
        started = time.perf_counter()
        given = tuple(sorted(answers.items()))
        base = understand(text, ctx, {slot: value for slot, value in given if slot != READING})
        if base.outcome != "questions" or not helpable(base):
            return Proposal(text=text, engine=self.name, answers=given)
        hints, sure = self._hints(base, ctx)
        facts = Facts(
            model=self.identity, attempts=1, latency_ms=round((time.perf_counter() - started) * 1000),
            confidence=round(min(sure), 2) if sure else None,
        )  # fmt: skip
        return Proposal(text=text, engine=self.name, facts=facts, answers=given, hints=hints)

    def _hints(self, base: Intent, ctx: CompileContext) -> tuple[tuple[Hint, ...], list[float]]:
        vocab = vocabulary(ctx.catalog)
        calls = [a for a in walk(base.actions) if a.service is not None]
        said = _asked_about(base, ctx)
        if len(calls) != 1 or not said:
            return (), []  # whose the words are is not to be seen where several calls lack some
        action = calls[0]
        entry = vocab.entry(action.service or "", action.function or "")
        places = free(signature(entry)) if entry is not None else []
        found: dict[str, str] = {}
        sure: list[float] = []
        for words in said:
            near = [(score, p.name) for p in places if (score := self._source.fits(words, p, places))]
            if near and near[0][0] >= NEAR_ALONE and near[0][1] not in {*found, *action.params}:
                found[near[0][1]] = words
                sure.append(near[0][0])
        if not found or entry is None:
            return (), []
        hint = Hint(entry.service.id, entry.spec.name, tuple(found.items()), frozenset(found))
        return (hint,), sure


def _asked_about(base: Intent, ctx: CompileContext) -> list[str]:
    """Runs of words, inside what the rules ask about, that may be values."""
    spans = [q.span for q in base.questions if q.span is not None and "." not in q.slot]
    runs: list[list[Item]] = []
    last: Item | None = None
    for item in (item for clause in clauses(base.text, ctx) for item in (*clause.cue_items, *clause.items)):
        inside = any(s.start <= item.span.start and item.span.end <= s.end for s in spans)
        if inside and item.is_word and not item.is_stop:
            if runs and last is not None and runs[-1][-1] is last:
                runs[-1].append(item)
            else:
                runs.append([item])
        last = item
    return [base.text[run[0].span.start : run[-1].span.end] for run in runs]


def _told(place: Place) -> tuple[str, str]:
    name = place.name.replace("_", " ")
    return name, f"{name}: {place.field.description}"[:_MAX_CHARS]


def _texts(entry: Entry) -> list[str]:
    spec, title = entry.spec, entry.service.title
    name = spec.name.replace("_", " ")
    said = [f"{title} {name}", spec.summary, f"{title}: {spec.summary}"]
    said += [p.replace("{", "").replace("}", "").replace("_", " ") for p in (*spec.phrases, *spec.examples)]
    return [s[:_MAX_CHARS] for s in dict.fromkeys(said) if s.strip()][:_MAX_EXAMPLES]


def _loaded() -> Any:
    """The embeddings in the wheel. The package looks elsewhere by default, and goes online when it finds nothing."""
    package = load("wordllama", "semantic")
    place = Path(str(package.__file__)).parent
    try:
        return package.WordLlama.load(cache_dir=place, disable_download=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise EyeFlowError("missing_extra", "wordllama has no embeddings in its package") from error
