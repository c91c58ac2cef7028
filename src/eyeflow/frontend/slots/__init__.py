"""Stage 4: literals and names of a clause become parameters of one capability or trigger.

Knows: the cues that tie words to a parameter, as one tuple. In: an entry, the items of a clause, a scope.
Out: `Filled`, with every item it used.
Never: fills content from other services (that is `nouns`), asks (that is `build`), or uses one literal twice.

    filling.py    the state
    by_name.py    the parameter's name, or the service's, beside a value
    by_kind.py    the value's own kind
    by_place.py   prepositions, articles, `me`
    defaults.py   what needs no words
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from eyeflow.frontend.items import Item
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.slots import by_kind, by_name, by_place
from eyeflow.frontend.slots.defaults import complete, default_of, related
from eyeflow.frontend.slots.filling import Filled, Filling
from eyeflow.frontend.vocabulary import Entry

__all__ = ["CUES", "Filled", "complete", "default_of", "fill", "related"]

CUES: Final[tuple[Callable[[Filling], None], ...]] = (
    by_kind.limits,
    by_name.named_params,
    by_kind.pairs,
    by_kind.exchanges,
    by_kind.flags,
    by_kind.codes,
    by_kind.dates,
    by_kind.enums,
    by_kind.states,
    by_kind.literals,
    by_kind.emojis,
    by_name.beside_service,
    by_place.sought,
    by_place.places_and_people,
    by_kind.quoted,
    by_name.containers,
    by_place.which_one,
    by_place.whose_room,
    by_place.plain_places,
    by_place.objects,
    by_place.me,
)
"""Every cue, the strongest first."""


def fill(entry: Entry, items: Sequence[Item], scope: Scope) -> Filled:
    """Parameters of `entry` that the words of `items` give."""
    said = Filling(entry, items, scope)
    for cue in CUES:
        cue(said)
    return msgspec.structs.replace(said.filled(), unsaid=by_kind.unsaid_states(said) if entry.reads else frozenset())
