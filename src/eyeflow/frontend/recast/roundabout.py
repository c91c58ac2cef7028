"""`drop me a text`, `should that bounce`, `one row per order with ...`: roundabout orders, put regularly.

Knows: patterns over words, each with what a careful person writes instead. In: a request and its items. Out: edits.
Never: looks inside quoted text or text after a colon; drops a thing, an amount or a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.recast.said import ENDS, RECEIVERS, opens, sentences
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_MESSAGES: Final = (
    r"text|sms|email|e-mail|mail|message|dm|line|note|ping|telegram|slack message|slack dm|text message|direct message"
)
_DROPPING: Final = re.compile(
    rf"(?:drop|shoot|fire|fling|pop)(?: off| over)? (?:me|us|him|her|them|@) (?:a|an) (?:quick )?(?:{_MESSAGES})\b"
)
_NOT_WORKING: Final = (
    r"not (?:go through|work|succeed|arrive|respond|answer|be reachable|be available)"
    r"|fail|bounce|time out|error out|go wrong"
)
_REFUSING: Final = (
    r"rejects|bounces|won't accept|doesn't accept|does not accept|won't take|chokes on"
    r"|throws an error|returns an error|gives an error|has issues|has trouble|acts up|misbehaves|is unresponsive"
    r"|is not answering|isn't answering|is still not answering|is still failing|still can't be reached"
    r"|does not go through|doesn't go through|didn't work|did not work|didn't go through|is not working"
)
_FAILING: Final = re.compile(
    rf"(?:should (?:\w+ ){{1,4}}?(?:{_NOT_WORKING})"
    rf"|(?:if|in case) (?:\w+ ){{1,3}}?(?:{_REFUSING})(?: (?:it|that|this|them))?)\b"
)
_WAITING: Final = re.compile(
    r"(?:hold on|hold off|hang on|sit tight|hold fire|stand by|let it rest|give it|leave it|allow)(?: for)?$"
)
_HAVING: Final = re.compile(
    r"(?:that|which) (?:carry|carries|bear|bears|wear|wears|have got|has got|come with|comes with)\b"
)
_OPENERS: Final = frozenset({
    *("drop", "shoot", "fire", "fling", "pop", "should", "if", "in", "hold", "hang", "sit", "stand", "let", "give"),
    *("leave", "allow", "that", "which", "when", "whenever", "one", "a", "1"),
})  # fmt: skip
"""Words with which any of the patterns begins: most words of a long text are none of them."""
_MEASURED: Final = re.compile(r"when(?:ever)? (?:it's|it is|that's|that is|the value is|this is)$")
_HAPPENS: Final = frozenset(
    {"below", "under", "above", "over", "less", "more", "greater", "lower", "higher", "at", "beyond", "past"}
)
_ORDERED: Final = frozenset({"message", "email", "e-mail", "mail", "text", "sms", "dm", "post", "note", "notification"})


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
    """`drop me a text saying X`: send me one."""
    for at in range(len(items) - 3):
        if opens(items, at) and _match(_DROPPING, items, at):
            after = 1 + (items[at + 1].lower in ("off", "over"))
            return ((Span(items[at].span.start, items[at + after - 1].span.end), "send"),)
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
    return pointed or (bool(said) and (said[0].proper or said[0].lower in (*_ORDERED, "request", "upload", "call")))


def _waited(items: Sequence[Item]) -> Edits:
    """`hold on for 15 minutes before posting X`: wait 15 minutes, then post it."""
    for at in range(len(items) - 1):
        pause = items[at]
        lasts = pause.kind == "quantity" or (pause.time is not None and pause.time.kind in ("delay", "duration"))
        if not lasts:
            continue
        start = next((at - n for n in (4, 3, 2) if at >= n and _match(_WAITING, items[at - n : at], 0) == n), at)
        waits = start < at or (
            at > 0
            and (items[at - 1].lower == "wait" or [i.lower for i in items[max(0, at - 2) : at]] == ["wait", "for"])
        )
        if not waits:
            continue
        found: list[tuple[Span, str]] = []
        if start < at:
            found.append((Span(items[start].span.start, items[at - 1].span.end), "wait"))
        after = at + 1
        if after + 1 < len(items) and items[after].lower == "before" and (verb := _base(items[after + 1].lower)):
            found.append((Span(items[after].span.start, items[after + 1].span.end), f", then {verb}"))
        if found:
            return tuple(found)
    return ()


def _base(gerund: str) -> str:
    """The verb of `posting`; empty for a word that is none."""
    from eyeflow.frontend.approvals import gerunds  # noqa: PLC0415 - read with the lexicon, once

    return gerunds().get(gerund, "")


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
            if led and items[begin + length].lower in _HAPPENS:
                return ((held[0].span, "if"),)
    return ()


def _verbless(items: Sequence[Item]) -> Edits:
    """`Sundays at 7pm, one Telegram message to X with Y`: nothing is said to be done with it but sending it."""
    for begin, end in sentences(items):
        start = begin
        while start < end and (items[start].kind == "time" or items[start].text in (",", ":")):
            start += 1
        if start == begin and begin:
            continue
        if (
            start >= end - 3
            or items[start].lower not in ("a", "an", "one", "1")
            or any(i.acts for i in items[start : start + 1])
        ):
            continue
        noun = next((k for k in range(start + 1, min(start + 5, end)) if items[k].lower in _ORDERED), None)
        if (
            noun is None
            or noun + 1 >= end
            or items[noun + 1].lower not in ("to", "in", "with", "listing", "saying", "about")
        ):
            continue
        if any(i.kind == "punct" for i in items[start:noun]) or any(
            i.lower in ("is", "comes", "arrives") for i in items[noun:end]
        ):
            continue
        return ((items[start].span, "send a"),)
    return ()


def _sent_to(items: Sequence[Item]) -> Edits:
    """`send ops@acme.io the unpaid invoices`: by email, since that is the address that is said."""
    for at in range(len(items) - 2):
        verb, whom, what = items[at : at + 3]
        if verb.lower not in ("send", "forward") or whom.kind != "email" or not opens(items, at):
            continue
        kind = next((i for i in items[at + 2 : at + 5] if i.lower in _ORDERED), None)
        if kind is not None and what.lower in ("a", "an"):
            return ((Span(whom.span.start, kind.span.end), f"{what.text} {kind.text} to {whom.text}"),)
        if what.is_word and (what.lower in words("determiners") or not what.is_stop) and kind is None:
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
    if (
        verb is None
        or led >= len(items)
        or items[led].lower not in ("with", ":", "showing", "containing", "listing", "holding")
    ):
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
    lead = ", " if verb and items[verb - 1].kind == "time" else ""
    return (
        (
            Span(items[verb].span.start, items[stop - 1].span.end),
            f"{lead}for each of {things} add a row with {fields} to {place}",
        ),
    )


_ROW_PER: Final = re.compile(r"(?:one|a|1) (?:row|line) (?:per|for each|for every|each for)\b")


def _said(items: Sequence[Item]) -> str:
    out = ""
    for one in items:
        out += one.text if one.text in (",", "'s") or not out else f" {one.text}"
    return out


def _fresh(items: Sequence[Item]) -> Edits:
    """`put them in a new Google Doc called X`: create one called so with them."""
    for at in range(1, len(items) - 4):
        it = items[at + 1].lower in ("them", "it", "this", "that", "these", "all")
        if not it or items[at].lower not in ("put", "save", "store", "write", "collect", "gather", "place"):
            continue
        if (
            items[at + 2].lower not in ("in", "into", "to")
            or items[at + 3].lower not in ("a", "an")
            or items[at + 4].lower not in ("new", "fresh")
        ):
            continue
        end = next(
            (
                k
                for k in range(at + 5, len(items))
                if items[k].text in (*ENDS, ",") or items[k].kind == "time" or items[k].lower == "and"
            ),
            len(items),
        )
        called = next(
            (k for k in range(at + 5, end - 1) if items[k].lower in ("called", "named", "titled", "entitled")), None
        )
        if called is None:
            continue
        kind, title = _said(items[at + 5 : called]), items[called].text + " " + _said(items[called + 1 : end])
        return (
            (Span(items[at].span.start, items[end - 1].span.end), f"create a {kind} {title} with {items[at + 1].text}"),
        )
    return ()


def _asked_then(items: Sequence[Item]) -> Edits:
    """`what's the average score of X? post it in #a`: get it, and post it."""
    at = next((k for k, i in enumerate(items) if i.text == "?"), None)
    if at is None or at + 1 >= len(items) or not items[at + 1].acts or any(i.text in ENDS for i in items[:at]):
        return ()
    length = (
        1
        if items[0].lower in ("what's", "who's", "whats")
        else 2
        if [i.lower for i in items[:2]] in (["what", "is"], ["what", "are"], ["who", "is"])
        else 0
    )
    if not length and [i.lower for i in items[:2]] == ["how", "many"]:
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
