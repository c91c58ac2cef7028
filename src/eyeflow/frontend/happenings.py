"""How people tell what should start a task when they do not write `when X, do Y`: put plainly before it is read.

Knows: `when the fan turns on notify me` without a comma, `if it's 9:00`, `a timer for 4 minutes`, an alarm without a
time, a measure that is the event itself. In: a request, its items. Out: items or text that later stages understand,
positions unchanged. Never: a word of a service.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final

import msgspec

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, words
from eyeflow.frontend.scope import Source
from eyeflow.frontend.values_said import escape, number_for
from eyeflow.frontend.vocabulary import Entry, Vocabulary, walk
from eyeflow.values import STRING, Field, Span, is_numeric, non_null

_TELLING: Final = (("notify", "me"), ("alert", "me"), ("tell", "me"), ("remind", "me"), ("let", "me", "know"),
                   ("warn", "me"), ("inform", "me"), ("ping", "me"))  # fmt: skip
_WHEN: Final = ("when", "whenever", "if", "once")
_ENDS: Final = (".", "!", "?", ";", "\n")
_IT_IS: Final = (
    ("it", "is"),
    ("it's",),
    ("its",),
    ("it", "'s"),
    ("the", "time", "is"),
    ("it", "becomes"),
    ("it", "gets"),
)
_TIMER: Final = re.compile(
    r"\b(?P<thing>timer|countdown|alarm|reminder)\s(?P<word>for|of)(?=\s(?:\d+|an?|one|two|three|four|five|six|seven|eight"
    r"|nine|ten|fifteen|twenty|thirty|forty|fifty|sixty|ninety|half)\b[\s-](?:an?\s)?(?:seconds?|secs?|minutes?|mins?|hours?|hrs?)\b)",
    re.IGNORECASE,
)
IMPERSONAL: Final = ("it", "it's", "its")
"""Subjects that stand for nothing: `it rains`."""

_DEVICES: Final = ("device_name", "device", "id", "limit", "count")
_MAKING: Final = ("set", "make", "add", "create", "start", "put", "schedule")
_CLOCKS: Final = ("alarm", "timer", "countdown")


def with_delays(text: str) -> str:
    """`a timer for 4 minutes` as `a timer in 4 minutes`, every character in its place."""
    return _TIMER.sub(lambda hit: f"{hit['thing']} {'in'.ljust(len(hit['word']))}", text)


def plainer(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """`items` with a comma between what happens and `notify me`, and `if it's 9:00` as the time alone."""
    plain = _called(_timed(_parted(_begun(items))))
    if len(plain) == len(items):
        return items
    return tuple(msgspec.structs.replace(item, index=k) for k, item in enumerate(plain))


_NAMING: Final = (
    ("it", "should", "be", "called"), ("it", "should", "be", "named"), ("it", "is", "called"), ("it", "is", "named"),
    ("it's", "called"), ("call", "it"), ("name", "it"), ("title", "it"),
)  # fmt: skip


def _called(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """`... . Call it Launch` at the end as `... called Launch`."""
    for at in range(1, len(items)):
        lowered = tuple(i.lower for i in items[at : at + 4])
        said = next((n for n in _NAMING if lowered[: len(n)] == n), None)
        rest = items[at + len(said) :] if said is not None else ()
        ends = (*_ENDS, ",", "and", "then")
        if said is None or not rest or any(i.text in ends for i in rest[:-1]):
            continue
        start = at
        while start and (items[start - 1].text in (*_ENDS, ",") or items[start - 1].lower in ("and", "please", "then")):
            start -= 1
        named = items[at + len(said) - 1]
        one = msgspec.structs.replace(named, text="called", lower="called", stem=stem("called"))
        return (*items[:start], one, *rest) if start < at else items
    return items


def _begun(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """`when it starts to snow`, `if it begins raining`: when it snows."""
    for at in range(1, len(items) - 2):
        begins = items[at + 1].lower in ("starts", "begins", "started") and items[at].lower == "it"
        if items[at - 1].lower not in _WHEN or not begins:
            continue
        to = items[at + 2].lower == "to"
        verb = items[at + 3] if to and at + 3 < len(items) else items[at + 2]
        if verb.is_word and (to or verb.lower.endswith("ing")):
            return (*items[: at + 1], *items[at + 2 + to :])
    return items


def _parted(items: tuple[Item, ...]) -> tuple[Item, ...]:
    out: list[Item] = []
    waiting = False
    for at, item in enumerate(items):
        begins = at == 0 or items[at - 1].text in _ENDS
        if begins:
            waiting = item.lower in _WHEN
        elif item.text == "," or item.lower == "then":
            waiting = False
        lowered = tuple(i.lower for i in items[at : at + 3])
        tells = any(lowered[: len(said)] == said for said in _TELLING)
        if (
            waiting
            and tells
            and out
            and out[-1].lower not in ("and", "please", "to", "or", "not", "you", "should", "will")
        ):
            here = Span(out[-1].span.end, out[-1].span.end)
            out.append(Item(len(items) + len(out), "punct", ",", ",", ",", here))
            waiting = False
        out.append(item)
    return tuple(out)


def _timed(items: tuple[Item, ...]) -> tuple[Item, ...]:
    for at, item in enumerate(items):
        if item.lower not in ("when", "if", "once"):
            continue
        for said in _IT_IS:
            end = at + 1 + len(said)
            if tuple(i.lower for i in items[at + 1 : end]) == said and end < len(items):
                time = items[end].time
                after = items[end + 1] if end + 1 < len(items) else None
                ends = after is None or after.kind == "punct" or after.lower in ("then", "and", "please")
                alone = ends or (after is not None and after.acts)
                if time is not None and time.triggers and alone:
                    rest = items[end + 1 :]
                    if rest and rest[0].lower == "then":
                        rest = rest[1:]
                    return (*items[:at], items[end], *rest)
    return items


def lacks_time(items: Sequence[Item]) -> Span | None:
    """Where `set an alarm` stands without a word of when; None where it does not."""
    for at, item in enumerate(items):
        if item.lower not in _MAKING:
            continue
        k = at + 1
        while k < len(items) and items[k].lower in ("a", "an", "the", "me", "my", "new", "up", "another"):
            k += 1
        if k < len(items) and items[k].lower in _CLOCKS and not any(i.kind in ("time", "quantity") for i in items):
            return Span(item.span.start, items[k].span.end)
    return None


def only_new(items: Sequence[Item]) -> Span | None:
    """`new pictures` and nothing else: what there is now, or each one as it comes?"""
    held = [i for i in items if i.kind != "punct"]
    if len(held) < 2 or held[0].lower != "new" or any(i.acts or not i.is_word for i in held[1:]):
        return None
    return Span(held[0].span.start, held[-1].span.end)


def notified(items: Sequence[Item], entry: Entry | None) -> Span | None:
    """`get the price and notify me`: of what it is now, or of each change? None where it says which, or one cannot be
    told of it."""
    held = [i for i in items if i.kind != "punct"]
    tells = len(held) > 3 and held[-3].lower in ("and", "then", ",") and held[-1].lower == "me"
    if not tells or held[-2].lower not in ("notify", "alert") or entry is None or not entry.reads:
        return None
    told = any(kind.name == entry.spec.name for kind in entry.service.triggers)
    return Span(held[-2].span.start, held[-1].span.end) if told else None


def of_itself(run: Sequence[Item], source: Source) -> list[Item] | None:
    """`is above 13` said of an event that is one measure: the words with that measure's name before them."""
    numbers = [f for path, f in walk(source.type) if len(path) == 1 and is_numeric(f.type)]
    literal = next((i for i in run if i.is_literal), None)
    if len(numbers) != 1 or literal is None or (literal.unit and not number_fits(numbers[0], literal)):
        return None
    return [_as_item(numbers[0], run[0]), *run]


def number_fits(field: Field, item: Item) -> bool:
    """A quantity with a unit, for a measure in a unit of the same kind."""
    known = isinstance(item.value, int | float) and number_for(field, item.value, item.unit) is not None
    return known or (item.kind == "percent" and getattr(non_null(field.type), "unit", None) is None)


def _as_item(field: Field, beside: Item) -> Item:
    here = Span(beside.span.start, beside.span.start)
    return Item(beside.index, "word", field.name, field.name, stem(field.name), here)


def own_doing(phrases: Sequence[str]) -> bool:
    """An event of the person's own doing: `when I post`, never `when someone posts`."""
    mine = [p for p in phrases if re.match(r"(?:when\s)?(?:i|we)\s", p.casefold())]
    return bool(mine) and not any(re.match(r"(?:when\s)?(?:some|any)(?:one|body)\b", p.casefold()) for p in phrases)


def whose(
    params: Sequence[Field],
    items: Sequence[Item],
    left: Sequence[int],
    vocab: Vocabulary,
    named: Container[int],
) -> tuple[str, str] | None:
    """`the acme stock price`: words right before the thing, for the one text that says whose thing it is."""
    open_ = [p for p in params if p.type == STRING and not (p.enum or p.secret or p.entity)]
    open_ = [p for p in open_ if p.name not in _DEVICES]
    held = [k for k, i in enumerate(items) if i.index in left]
    if len(open_) != 1 or not 0 < len(held) <= 3 or held[-1] - held[0] != len(held) - 1 or held[-1] + 1 >= len(items):
        return None
    said = [items[k] for k in held]
    plain = all(
        i.is_word and not i.is_stop and i.lower not in words("vague") and i.lower not in vocab.names for i in said
    )
    after = items[held[-1] + 1]
    led = held[0] == 0 or items[held[0] - 1].is_stop
    thing = after.is_word and not after.is_stop and after.lower not in words("arriving") | words("happening")
    if not (plain and led and thing and after.index in named) or any(
        len(i.lower) > 4 and i.lower.endswith(("ing", "ed", "ly")) for i in said
    ):
        return None
    return open_[0].name, escape(" ".join(i.text for i in said))
