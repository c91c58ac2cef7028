"""The seed's two lines about a request: its words, and what it amounts to (`SCHEDULE + SEND_MESSAGE`).

Knows: which actions of an intent change something. In: an intent, the catalog. Out: texts for people.
Never: decides anything; an intent says the same with or without its summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eyeflow.catalog.model import Catalog
from eyeflow.frontend.finishing import words_of
from eyeflow.frontend.intent import Action, Intent
from eyeflow.frontend.literals import seed_tokens

_WRITES = ("write", "irreversible")


def token_line(text: str) -> str:
    """`[Send, weather, to, Slack, every, morning, at, 9am]`."""
    return f"[{', '.join(seed_tokens(text))}]"


def summary(intent: Intent, catalog: Catalog) -> str:
    """The trigger's word and each function that writes, in capitals, once, in the order of the intent;
    further tasks after semicolons."""
    names = [words_of(intent.trigger)]
    for action in walk(intent.actions):
        service = catalog.service(action.service) if action.service is not None else None
        capability = service.capability(action.function or "") if service is not None else None
        if capability is not None and capability.effect in _WRITES:
            names.append(capability.name.upper())
    return "; ".join([" + ".join(dict.fromkeys(names)), *(summary(each, catalog) for each in intent.also)])


def walk(actions: Iterable[Action]) -> Iterator[Action]:
    """Every action of a tree, each before what is inside it."""
    for action in actions:
        yield action
        yield from walk(action.actions)
        for branch in action.branches:
            yield from walk(branch.actions)
        yield from walk(action.default)
        if action.fallback is not None:
            yield from walk(action.fallback.actions)
