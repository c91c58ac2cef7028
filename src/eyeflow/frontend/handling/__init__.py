"""The rest of an action clause, once its capability is being tried: what is said, to whom, and about what.

Knows: the steps, as one tuple. In: an entry, the clause's items, what slots gave. Out: `Handled`.
Never: chooses between capabilities.

    state.py      what is known so far
    sayings.py    text said, said before, or standing for what happened
    telling.py    what a message holds, as it is described
    receivers.py  persons and addresses from data
    objects.py    fields, files, values, titles
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from eyeflow.frontend.handling.objects import amounts, named_as, objects, title
from eyeflow.frontend.handling.receivers import recipients
from eyeflow.frontend.handling.sayings import again, everything, placeholders, speech, told, whole_event
from eyeflow.frontend.handling.state import Handled
from eyeflow.frontend.handling.telling import asked_for, described
from eyeflow.frontend.items import Item
from eyeflow.frontend.vocabulary import Entry

__all__ = ["STEPS", "Handled", "handle"]

Step: TypeAlias = Callable[[Entry, Sequence[Item], Handled, Item | None], Handled]

STEPS: Final[tuple[Step, ...]] = (
    placeholders,
    told,
    again,
    recipients,
    described,
    asked_for,
    speech,
    everything,
    named_as,
    amounts,
    objects,
    title,
    whole_event,
)
"""What is read, in order: what a person said outright comes before what has to be found."""


def handle(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`state` with everything the clause says about `entry`."""
    for step in STEPS:
        state = step(entry, items, state, verb)
    return state
