"""Orders about several things at once: `archive all read mails`, `label them`, where a service handles one at a time.

Knows: lists that a clause names or that were read before. In: the items of an action clause, a scope. Out: the list,
and the clause as it is said of one of them. Never: makes a loop where the capability takes the list as it is, or where
one of its items would not say by itself which thing is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend import actions, loops
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.lists import plural
from eyeflow.frontend.loops import Listed
from eyeflow.frontend.scope import Scope

_ALL: Final = ("all", "of", "the", "my", "our", "any", "those", "these")
_THEM: Final = ("them", "these", "those", "they")


def named(items: Sequence[Item], scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """`delete the files older than 90 days from /tmp`: the list that is the object, and `delete it`."""
    start = 1
    while start < len(items) and items[start].lower in _ALL:
        start += 1
    if not items or not items[0].acts or start >= len(items) or not _several(items[start:]):
        return None
    for end in range(len(items), start, -1):
        if end < len(items) and not _closes(items[end]):
            continue
        listed = loops.list_of(items[start:end], scope)
        if listed is None or listed.scope.questions != scope.questions:
            continue
        for one in (_one_of(items[start:end]), _it(items[start])):
            rest = (items[0], one, *items[end:])
            if _handles(rest, listed, scope):
                return listed.explain(i.index for i in items[start:end]), rest
    return None


def _one_of(items: Sequence[Item]) -> Item:
    """The noun in the plural, as it is said of one: `send the invoice`."""
    head = next(i for i in items if i.is_word and plural(i))
    return msgspec.structs.replace(head, lower=loops.singular(head.lower), verb=False)


def meant(best: Chosen, items: Sequence[Item], scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """`..., and label them Bank`: the list read last, when the capability takes one thing at a time."""
    at = next((k for k, i in enumerate(items) if i.lower in _THEM and k), None)
    if at is None or not best.open or best.entry.reads:
        return None
    listed = loops.last_list((), scope)
    if listed is None:
        return None
    start = at - 2 if [i.lower for i in items[at - 2 : at]] in (["each", "of"], ["all", "of"]) and at > 2 else at
    rest = (*items[:start], _it(items[at]), *items[at + 1 :])
    return (listed.explain({i.index for i in items[start : at + 1]}), rest) if _handles(rest, listed, scope) else None


def _several(items: Sequence[Item]) -> bool:
    """The first noun phrase is in the plural."""
    for item in items:
        if not item.is_word or item.lower in words("prepositions") or item.lower in ("and", "that", "which"):
            return False
        if plural(item):
            return True
    return False


def _closes(item: Item) -> bool:
    return item.kind in ("quoted", "freetext", "punct") or item.lower in ("to", "with", "and", "as", "into", "saying")


def _it(item: Item) -> Item:
    return msgspec.structs.replace(item, kind="word", lower="it", stem="it", verb=False, proper=False, value=None)


def _handles(items: Sequence[Item], listed: Listed, scope: Scope) -> bool:
    """One capability of the list's own service changes an item by what tells it apart, and explains every word."""
    one = listed.named()
    inside = one.scope.put(actions=(), sources=(*one.scope.sources, one.item))
    found = actions.read(items, inside)
    if not found or found[0].entry.reads or found[0].entry.capability_says or found[0].open or found[0].unexplained:
        return False
    best = found[0]
    place = f"{{{one.item.root}."
    taken = [p for p in best.entry.spec.params if p.required and str(best.action.params.get(p.name)).startswith(place)]
    return best.entry.service.id == listed.item.service and bool(taken)
