"""`X -> do Y`, `someone did X? do Y`: what happens, and after it what to do, with the `when` that was left out.

Knows: arrows, and questions that are followed by an order. In: a request and its items. Out: edits.
Never: a question that asks for an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend import comparisons
from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at
from eyeflow.frontend.recast.said import CUES, ENDS, place_in, sentences
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_GOVERNING: Final = frozenset({"when", "whenever", "from", "at", "until", "the", "if", "least", "than"})
_SOME: Final = frozenset({"a", "an", "any", "new", "someone", "somebody", "each", "every", "anyone"})
_ASKS: Final = frozenset({"what", "which", "how", "why", "where", "who", "whose", "can", "could", "would", "will", "is",
                          "are", "do", "does", "did", "should", "may", "shall", "when", "if", "any"})  # fmt: skip


def edits(text: str, items: Sequence[Item]) -> Edits:
    return (
        _wanted(items)
        or _measured(items)
        or _before(items)
        or _arrow(text, items)
        or _question(items)
        or _asked_first(items)
    )


def _wanted(items: Sequence[Item]) -> Edits:
    """`I'd like the top posts in #links each Sunday`: no verb says that they are to be posted."""
    for begin, end in sentences(items):
        start = begin
        while start < end and (items[start].kind == "time" or items[start].text == ","):
            start += 1
        length = next((n for n in (4, 3, 2) if _said(items[start : start + n]) in words("recast", "wanting")), 0)
        held = items[start + length : end]
        place = place_in(held)
        if not length or not held or place is None or place == 0 or any(i.acts for i in held[:place]):
            continue
        return ((Span(items[start].span.start, items[start + length - 1].span.end), "post"),)
    return ()


def _said(items: Sequence[Item]) -> str:
    return " ".join(i.lower for i in items)


def _measured(items: Sequence[Item]) -> Edits:
    """`Over 35 degrees: turn on the fan.`, `above 70% -> fan on`: a case of what was read before."""
    lowered = [i.lower for i in items]
    for at in range(2, len(items) - 2):
        if items[at - 1].text not in ENDS:
            continue
        hit = comparisons.at(lowered, at)
        if hit is None or hit.weak or hit.end >= len(items) or not items[hit.end].is_literal:
            continue
        end = hit.end + 1
        length = 1 if end < len(items) and items[end].text == ":" else 0
        length = length or (_is_arrow(items, end) if end < len(items) else 0)
        if length and end + length < len(items):
            mark = Span(items[end].span.start, items[end + length - 1].span.end)
            return ((items[at].span, f"if it is {items[at].text.lower()}"), (mark, ","))
    return ()


def _before(items: Sequence[Item]) -> Edits:
    """`5 minutes before any meeting`: an event, though no `when` is said."""
    for at in range(len(items) - 2):
        item = items[at]
        lasts = item.kind == "quantity" or (item.time is not None and item.time.kind == "delay")
        opens = at == 0 or items[at - 1].kind == "punct" or items[at - 1].lower not in _GOVERNING
        if lasts and items[at + 1].lower == "before" and items[at + 2].is_word and opens:
            return ((item.span, f"when {item.text}"),)
    return ()


def _asked_first(items: Sequence[Item]) -> Edits:
    """`Is it colder than 14°F in Quebec? Then text me`: a condition."""
    at = next((k for k, i in enumerate(items) if i.text == "?"), None)
    if at is None or at + 1 >= len(items):
        return ()
    begin = max((k + 1 for k in range(at) if items[k].text in (*ENDS, ":", ",")), default=0)
    while begin < at and items[begin].kind == "time":
        begin += 1
    after = at + 1
    while after < len(items) and (items[after].lower in ("then", ",", "yes", "so") or items[after].lower == "if"):
        after += 1
    if begin + 2 >= at or items[begin].lower not in ("is", "are") or after >= len(items) or not items[after].acts:
        return ()
    verb, subject = items[begin], items[begin + 1]
    stop = Span(items[at].span.start, items[after].span.start)
    named = subject.lower in ("it", "there", "that", "this", "he", "she", "they")
    said = f"if {subject.text} {verb.lower}" if named else f"if {subject.text}"
    return ((Span(verb.span.start, subject.span.end), said), (stop, ", "))


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
    if items[at].text == ":" and items[0].lower in _SOME:
        plain = all(i.kind != "punct" and (k == 1 or not i.acts) for k, i in enumerate(items[:at]))  # `an invoice`
        if plain:
            return at > 2  # `A rating arrives: good ones ...`
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
