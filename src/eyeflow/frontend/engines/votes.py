"""Calls that one model proposes as hints, with what a second source says of them.

Knows: what a second source is asked: which function words come near, which parameter a value is one of. In: calls, the
rules' reading, a source of votes or none. Out: `Hint`s. Never: proposes a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.described.hinted import free
from eyeflow.frontend.described.signature import Place, signature
from eyeflow.frontend.hints import Hint
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import Action, Intent, JsonValue
from eyeflow.frontend.summary import walk
from eyeflow.frontend.vocabulary import Entry, Vocabulary


class Votes(Protocol):
    """A second source for which function is meant, and which parameter a value is for."""

    def candidates(self, text: str, vocab: Vocabulary, limit: int) -> tuple[Entry, ...]:
        """Entries near `text` in meaning, best first."""
        ...

    def fits(self, value: str, wanted: Place, others: Sequence[Place]) -> float:
        """0 when `value` is not clearly one of `wanted`."""
        ...


def hinted(action: Action, rules: Intent, votes: Votes | None, ctx: CompileContext) -> Hint:
    """The call as a hint; `agreed` are the values that the votes see at the same parameter, rather than at another one
    for which the rules have no other value."""
    entry = vocabulary(ctx.catalog).entry(action.service or "", action.function or "")
    places = {p.name: p for p in free(signature(entry))} if entry is not None and votes is not None else {}
    read = [a.params for a in walk(rules.actions) if (a.service, a.function) == (action.service, action.function)]
    agreed = set()
    for name, value in action.params.items():
        if votes is None or name not in places or not isinstance(value, str):
            continue
        rivals = [p for p in places.values() if not read or any(_open(p.name, value, params) for params in read)]
        if votes.fits(value, places[name], rivals):
            agreed.add(name)
    return Hint(action.service or "", action.function or "", tuple(action.params.items()), frozenset(agreed))


def _open(name: str, value: str, params: Mapping[str, JsonValue]) -> bool:
    """The rules have nothing there, or these very words."""
    return name not in params or str(params[name]).casefold() in value.casefold()
