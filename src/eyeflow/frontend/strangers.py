"""Services people name that the catalog does not have.

Knows: names of common services (`data/products.yaml`). In: items, the names of the catalog. Out: a service that is
asked for and not there. Never: takes a quoted name, nor one that is the subject of a text (`about Netflix`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.vocabulary import Vocabulary
from eyeflow.values import Span

CARRIED: Final = frozenset(
    {"message", "messages", "msg", "notification", "notifications", "dm", "dms", "chat", "post", "posts",
     "task", "ticket", "card", "page", "doc", "invite", "story", "reel", "call", "account", "channel",
     "group", "folder", "board", "file", "workspace", "calendar", "drive", "feed", "video", "meeting", "note"}
)  # fmt: skip
"""What services carry: right after a name, that name is a service's."""

_INTO: Final = ("to", "on", "onto", "via", "into", "using", "through", "in", "with")
_WHOSE: Final = ("my", "our", "the", "a", "an")


class Stranger(msgspec.Struct, frozen=True):
    """A name of a service that is not there, as written."""

    name: str
    span: Span
    indexes: frozenset[int]


@cache
def _longest() -> int:
    return max(len(name.split()) for name in words("products", "names"))


def named(items: Sequence[Item], at: int, vocab: Vocabulary) -> Stranger | None:
    """The service named at `items[at]` that the catalog does not have, or None."""
    lowered = [i.lower for i in items]
    for length in range(min(_longest(), len(items) - at), 0, -1):
        said = " ".join(lowered[at : at + length])
        if any(vocab.name_at(lowered, k) is not None for k in range(at, at + length)):
            continue
        if length == 1 and any(said in name.split(" ") for name in vocab.names):
            continue  # a word of what a service is called
        plain = length == 1 and said in words("products", "plain") and items[at].proper
        if plain or said in words("products", "names"):
            held = items[at : at + length]
            span = Span(held[0].span.start, held[-1].span.end)
            return Stranger(" ".join(i.text for i in held), span, frozenset(i.index for i in held))
    return None


def asked_of(items: Sequence[Item], vocab: Vocabulary) -> list[Stranger]:
    """The services that something is put into or sent through (`to OneDrive`, `a WhatsApp message`), not there."""
    found: list[Stranger] = []
    for at, item in enumerate(items):
        if not item.is_word or (found and item.index in found[-1].indexes):
            continue
        stranger = named(items, at, vocab)
        if stranger is None:
            continue
        before = items[at - 1].lower if at else ""
        end = at + len(stranger.indexes)
        after = items[end].lower if end < len(items) else ""
        placed = before in _INTO or (before in _WHOSE and at > 1 and items[at - 2].lower in _INTO)
        placed = placed and (not items[end].is_word or items[end].is_stop if end < len(items) else True)
        if placed or (after in CARRIED and before in (*_INTO, *_WHOSE, "new", "every", "each")):
            found.append(stranger)
    return found
