"""`X -> do Y`, `someone did X? do Y`: what happens, and after it what to do, with the `when` that was left out.

Knows: arrows, and questions that are followed by an order. In: a request and its items. Out: edits.
Never: a question that asks for an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at
from eyeflow.frontend.recast.said import CUES, ENDS
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_ASKS: Final = frozenset({"what", "which", "how", "why", "where", "who", "whose", "can", "could", "would", "will", "is",
                          "are", "do", "does", "did", "should", "may", "shall", "when", "if", "any"})  # fmt: skip


def edits(text: str, items: Sequence[Item]) -> Edits:
    return _arrow(text, items) or _question(items)


def _arrow(text: str, items: Sequence[Item]) -> Edits:
    for at in range(1, len(items) - 1):
        length = _is_arrow(items, at)
        if not length:
            continue
        begin = at
        while begin > 0 and not (items[begin - 1].kind == "punct" and items[begin - 1].text in ENDS):
            begin -= 1
        head = [i for i in items[begin:at] if i.kind != "punct"]
        if not head or at + length >= len(items):
            return ()
        arrow = Span(items[at].span.start, items[at + length - 1].span.end)
        if head[0].lower in CUES | {"every", "each", "on", "upon"} or any(i.kind == "time" for i in head):
            return ((arrow, ","),)
        if any(i.acts for i in head[:1]):
            return ((arrow, ", then"),)
        return ((head[0].span, f"when {head[0].text}"), (arrow, ","))
    return ()


def _is_arrow(items: Sequence[Item], at: int) -> int:
    for length in (3, 2, 1):
        said = "".join(i.text for i in items[at : at + length])
        if said in words("recast", "arrows") and all(i.kind == "punct" for i in items[at : at + length]):
            return length
    return 0


def _question(items: Sequence[Item]) -> Edits:
    """`Someone merged a pull request? Tell #dev.`"""
    at = next((k for k, i in enumerate(items) if i.text == "?"), None)
    if at is None or at + 1 >= len(items) or any(i.text in ENDS for i in items[:at]):
        return ()
    first, after = items[0], items[at + 1]
    courteous = phrase_at("politeness", [i.lower for i in items], 0)
    timed = any(i.kind == "time" for i in items[:at])
    if first.lower in _ASKS or first.acts or first.kind != "word" or courteous or timed or not after.acts or at < 3:
        return ()
    return ((first.span, f"when {first.text}"), (items[at].span, ","))
