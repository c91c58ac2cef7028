"""`drop me a text`, `should that bounce`, `one row per order with ...`: roundabout orders, put regularly.

Knows: patterns over words, each with what a careful person writes instead. In: a request and its items. Out: edits.
Never: looks inside quoted text or text after a colon; drops a thing, an amount or a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from eyeflow.frontend.approvals import gerunds
from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.recast.said import ENDS, RECEIVERS, opens, sentences
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]


def _any(*keys: str) -> str:
    """A pattern for one of the words under `keys`, the longest first."""
    held = {word for key in keys for word in words("recast", key)}
    return "|".join(re.escape(word) for word in sorted(held, key=lambda w: (-len(w), w)))


_DROPPING: Final = re.compile(
    rf"(?:{_any('dropping')})(?: off| over)? (?:me|us|him|her|them|@) (?:a|an) (?:quick )?(?:{_any('dropped')})\b"
)
_FAILING: Final = re.compile(
    rf"(?:should (?:\w+ ){{1,4}}?(?:{_any('not_working')})"
    rf"|(?:if|in case) (?:\w+ ){{1,3}}?(?:{_any('refusing')})(?: (?:it|that|this|them))?)\b"
)
_WAITING: Final = re.compile(rf"(?:{_any('waiting')})(?: for)?$")
_HAVING: Final = re.compile(rf"(?:that|which) (?:{_any('having')})\b")
_MEASURED: Final = re.compile(rf"when(?:ever)? (?:{_any('measured')})$")
_ROW_PER: Final = re.compile(r"(?:one|a|1) (?:row|line) (?:per|for each|for every|each for)\b")
_OPENERS: Final = frozenset(
    phrase.split()[0] for key in ("dropping", "waiting") for phrase in words("recast", key)
) | {"should", "if", "in", "that", "which", "when", "whenever", "one", "a", "1"}  # fmt: skip
"""Words with which any of the patterns begins: most words of a long text are none of them."""


def edits(text: str, items: Sequence[Item]) -> Edits:
    """The edits of the first such way of saying that the request holds."""
    return next((found for turn in _TURNS if (found := turn(items))), ())


def _words(items: Sequence[Item]) -> str:
    """The words as one lower-case line in which whatever is no word is one character that no pattern matches."""
    return " ".join("@" if i.kind in RECEIVERS else i.lower if i.is_word else "\x00" for i in items)


def _match(pattern: re.Pattern[str], items: Sequence[Item], at: int, most: int = 10) -> int:
    """How many items from `at` on the pattern matches whole; 0 for none."""
    if not (at < len(items) and items[at].is_word and items[at].lower in _OPENERS):
        return 0
    held = items[at : at + most]
    hit = pattern.match(_words(held))
    if hit is None:
        return 0
    count = len(hit[0].split(" "))
    return count if hit[0] == _words(held[:count]) else 0


def _dropped(items: Sequence[Item]) -> Edits:
    """`drop me a text saying X`: send me one; `shoot @ a line`: a message."""
    for at in range(len(items) - 3):
        length = _match(_DROPPING, items, at) if opens(items, at) else 0
        if length:
            away = items[at + (items[at + 1].lower in ("off", "over"))]
            sent = (Span(items[at].span.start, away.span.end), "send")
            noun = items[at + length - 1]
            return (sent, (noun.span, "message")) if noun.lower in words("recast", "lines") else (sent,)
    return ()


def _failed(items: Sequence[Item]) -> Edits:
    """`should the text not go through, ...`, `if Mailchimp rejects it just note ...`: if that fails."""
    for at in range(1, len(items) - 2):
        if not (opens(items, at) or items[at - 1].lower in ("but", "and", "or")):
            continue
        length = _match(_FAILING, items, at, 12) if _may_fail(items[at + 1 : at + 4]) else 0
        end = at + length
        if not length or end >= len(items):
            continue
        comma = "" if items[end].text in (",", ":") else ","
        return ((Span(items[at].span.start, items[end - 1].span.end), f"if that fails{comma}"),)
    return ()


def _may_fail(subject: Sequence[Item]) -> bool:
    """`it`, `the text`, `Mailchimp`: what was tried, not what happens by itself (`if a payment bounces`)."""
    said = [i for i in subject if i.lower not in ("the", "this", "that", "my", "our")]
    pointed = bool(subject) and subject[0].lower in ("it", "that", "this")
    return pointed or (bool(said) and (said[0].proper or said[0].lower in words("recast", "tried")))


def _waited(items: Sequence[Item]) -> Edits:
    """`hold on for 15 minutes before posting X`: wait 15 minutes, then post it."""
    for at in range(len(items) - 1):
        pause = items[at]
        lasts = pause.kind == "quantity" or (pause.time is not None and pause.time.kind in ("delay", "duration"))
        if not lasts:
            continue
        start = next((at - n for n in (4, 3, 2) if at >= n and _match(_WAITING, items[at - n : at], 0) == n), at)
        ahead = [i.lower for i in items[max(0, at - 2) : at]]
        waits = start < at or ahead[-1:] == ["wait"] or ahead == ["wait", "for"]
        if not waits:
            continue
        found: list[tuple[Span, str]] = []
        if start < at:
            found.append((Span(items[start].span.start, items[at - 1].span.end), "wait"))
        before = items[at + 1 : at + 3]
        verb = gerunds().get(before[-1].lower) if len(before) == 2 and before[0].lower == "before" else None
        if verb is not None:
            found.append((Span(before[0].span.start, before[1].span.end), f", then {verb}"))
        if found:
            return tuple(found)
    return ()


def _carried(items: Sequence[Item]) -> Edits:
    """`issues that carry the label X`: with it."""
    for at in range(1, len(items) - 1):
        length = _match(_HAVING, items, at)
        if length and items[at - 1].kind != "punct":
            return ((Span(items[at].span.start, items[at + length - 1].span.end), "with"),)
    return ()


def _measured(items: Sequence[Item]) -> Edits:
    """`read the sensor every hour. When it's below 30, ...`: a condition of what was read, not an event."""
    timed = any(i.time is not None and i.time.triggers and not i.time.in_free_text for i in items)
    for begin, end in sentences(items)[1:]:
        for length in (4, 3, 2):
            held = items[begin : begin + length]
            led = timed and end > begin + length and _match(_MEASURED, held, 0) == length
            if led and items[begin + length].lower in words("recast", "compared"):
                return ((held[0].span, "if"),)
    return ()


def _verbless(items: Sequence[Item]) -> Edits:
    """`Sundays at 7pm, one Telegram message to X with Y`: nothing is said to be done with it but sending it."""
    for begin, end in sentences(items):
        start = begin
        while start < end and (items[start].kind == "time" or items[start].text in (",", ":")):
            start += 1
        led = start > begin or not begin
        if led and start < end - 3 and _unsaid(items[start:end]):
            return ((items[start].span, "send a"),)
    return ()


def _unsaid(held: Sequence[Item]) -> bool:
    """`one Telegram message to X with Y`, and no verb that says what becomes of it."""
    if held[0].lower not in ("a", "an", "one", "1") or held[0].acts:
        return False
    noun = next((k for k in range(1, min(5, len(held))) if held[k].lower in words("recast", "ordered")), None)
    if noun is None or noun + 1 >= len(held):
        return False
    about = held[noun + 1].lower in ("to", "in", "with", "listing", "saying", "about")
    told = any(i.lower in ("is", "comes", "arrives") for i in held[noun:])
    return about and not told and not any(i.kind == "punct" for i in held[:noun])


def _sent_to(items: Sequence[Item]) -> Edits:
    """`send ops@acme.io the unpaid invoices`: by email, since that is the address that is said."""
    for at in range(len(items) - 2):
        verb, whom, what = items[at : at + 3]
        if verb.lower not in ("send", "forward") or whom.kind != "email" or not opens(items, at):
            continue
        kind = next((i for i in items[at + 2 : at + 5] if i.lower in words("recast", "ordered")), None)
        if kind is not None and what.lower in ("a", "an"):
            return ((Span(whom.span.start, kind.span.end), f"{what.text} {kind.text} to {whom.text}"),)
        if what.is_word and (what.lower in language("determiners") or not what.is_stop) and kind is None:
            return ((verb.span, "email"),)
    return ()


def _per_row(items: Sequence[Item]) -> Edits:
    """`write X into the sheet Y, one row per Z with A and B`: for each of X a row with A and B."""
    at = next((k for k in range(3, len(items) - 3) if _match(_ROW_PER, items, k)), None)
    if at is None:
        return ()
    length = _match(_ROW_PER, items, at)
    begin = max((k + 1 for k in range(at) if items[k].text in ENDS or items[k].lower == "then"), default=0)
    verb = next((k for k in range(begin, at) if items[k].acts and opens(items, k)), None)
    led = at + length + 1
    if verb is None or led >= len(items) or items[led].lower not in words("recast", "listing"):
        return ()
    into = next((k for k in range(at - 1, verb, -1) if items[k].lower in ("to", "into", "in", "onto")), None)
    if into is None:
        return ()
    stop = next((k for k in range(led + 1, len(items)) if items[k].text in ENDS or items[k].kind == "time"), len(items))
    fields = _said(items[led + 1 : stop])
    place = _said([i for i in items[into + 1 : at] if i.text not in (",", "-", "–", "—", "(")])
    things = _said(items[verb + 1 : into])
    if not fields or not place or not things:
        return ()
    lead = ", " if verb > 0 and items[verb - 1].kind == "time" else ""
    made = f"{lead}for each of {things} add a row with {fields} to {place}"
    return ((Span(items[verb].span.start, items[stop - 1].span.end), made),)


def _said(items: Sequence[Item]) -> str:
    out = ""
    for one in items:
        out += one.text if one.text in (",", "'s") or not out else f" {one.text}"
    return out


def _fresh(items: Sequence[Item]) -> Edits:
    """`put them in a new Google Doc called X`: create one called so with them."""
    for at in range(1, len(items) - 4):
        verb, it, into, article, new = (i.lower for i in items[at : at + 5])
        if verb not in words("recast", "putting") or it not in ("them", "it", "this", "that", "these", "all"):
            continue
        if into not in ("in", "into", "to") or article not in ("a", "an") or new not in ("new", "fresh"):
            continue
        kind = at + 5
        end = next((k for k in range(kind, len(items)) if _stops(items[k])), len(items))
        called = next((k for k in range(kind, end - 1) if items[k].lower in words("recast", "called")), None)
        if called is None:
            continue
        title = f"{items[called].text} {_said(items[called + 1 : end])}"
        made = f"create a {_said(items[kind:called])} {title} with {items[at + 1].text}"
        return ((Span(items[at].span.start, items[end - 1].span.end), made),)
    return ()


def _stops(item: Item) -> bool:
    return item.text in (*ENDS, ",") or item.kind == "time" or item.lower == "and"


def _asked_then(items: Sequence[Item]) -> Edits:
    """`what's the average score of X? post it in #a`: get it, and post it."""
    at = next((k for k, i in enumerate(items) if i.text == "?"), None)
    if at is None or at + 1 >= len(items) or not items[at + 1].acts or any(i.text in ENDS for i in items[:at]):
        return ()
    first, second = (i.lower for i in items[:2])
    whole = (first, second) in (("what", "is"), ("what", "are"), ("who", "is"))
    length = 2 if whole else 1 if first in ("what's", "who's", "whats") else 0
    if (first, second) == ("how", "many"):
        return ((items[0].span, "get how"), (items[at].span, " and"))
    if not length:
        return ()
    return ((Span(items[0].span.start, items[length - 1].span.end), "get"), (items[at].span, " and"))


_TURNS: Final[tuple[Callable[[Sequence[Item]], Edits], ...]] = (
    _asked_then,
    _dropped,
    _failed,
    _waited,
    _carried,
    _measured,
    _verbless,
    _sent_to,
    _per_row,
    _fresh,
)
