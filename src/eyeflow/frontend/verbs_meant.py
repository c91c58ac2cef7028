"""What the verb of an order stands for: `update me` tells, `put the link in #news` posts, `drop them a line` sends.

Knows: verbs that say little by themselves, and what beside them says which is meant. In: the items of an order, a
scope. Out: the same items with the verb that is meant. Never: changes a verb that a capability is asked for by.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend import wording
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import same_doing, stem, words
from eyeflow.frontend.scope import Scope

_PUTTING: Final = frozenset({"put", "drop", "stick", "throw", "pop", "leave", "dump"})
_INTO: Final = frozenset({"in", "into", "on", "onto", "to"})


def plain(held: Sequence[Item], scope: Scope) -> list[Item]:
    """The order, one item or more, by the verb that a service would be asked by."""
    meant = _meant(held, scope)
    return list(held) if meant is None else [msgspec.structs.replace(held[0], lower=meant, stem=stem(meant)), *held[1:]]


def _meant(held: Sequence[Item], scope: Scope) -> str | None:
    verb = held[0].lower
    to_me = len(held) > 1 and held[1].lower in words("me")
    if verb in _PUTTING and any(i.lower in ("label", "tag") for i in held[1:3]):
        return "add"
    if verb == "drop" and any(i.lower in ("note", "line", "message") for i in held[1:5]):
        return "send"  # `drop them a line`
    if verb in _PUTTING and any(a.lower in _INTO and b.kind == "channel" for a, b in pairwise(held)):
        return "post"  # `put the link in #news`: it is posted there
    if to_me and same_doing("get", held[0].stem) and wording.means_at(held, scope):
        return "send"  # `get me the rate by text`
    if to_me and verb == "update":
        verb = "notify"  # said of telling, not of changing
    if to_me and same_doing("tell", stem(verb)) and not scope.vocab.by_verb.get(stem(verb)):
        # `ping me`, where nobody calls it so
        verb = next((w for w in ("tell", "notify", "send") if scope.vocab.by_verb.get(stem(w))), verb)
    return verb if verb != held[0].lower else None
