"""Static embeddings as a further source of candidates (`eyeflow[semantic]`).

Knows: the vectors of every capability and trigger, made once per catalog. In: the words of a clause. Out: the entries
nearest in meaning. Never: goes online, removes a candidate, decides: similarity alone is a poor refuser.

Vectors are rounded before they are ranked and ties fall to the catalog's order, so a platform's arithmetic never shows.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from eyeflow.errors import EyeFlowError
from eyeflow.frontend.engines.optional import load
from eyeflow.frontend.vocabulary import Entry, Vocabulary

PLACES: Final = 5
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
