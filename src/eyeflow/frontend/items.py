"""A request as a row of items: words, typed literals and whole time expressions, each with its span.

Knows: how stage 0 and stage 1 join (a time expression swallows its words). In: tokens and time phrases.
Out: `Item`s, the only thing later stages look at. Never: decides what an item is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from eyeflow.frontend.lexicon import is_base_verb, stem, words
from eyeflow.frontend.timegrammar import TimePhrase
from eyeflow.frontend.tokens import FreeText, Kind, Token
from eyeflow.values import Span


class Item(msgspec.Struct, frozen=True, eq=False):
    """One unit of a request. `kind` is the token's kind, or `time`. `lower` is what cues compare with: the word,
    the punctuation mark, or `<kind>` for a literal, so that no cue can match inside one."""

    index: int
    kind: str
    text: str
    lower: str
    stem: str
    span: Span
    value: str | int | float | None = None
    unit: str | None = None
    time: TimePhrase | None = None
    proper: bool = False
    verb: bool = False

    @property
    def is_word(self) -> bool:
        """True for a plain word."""
        return self.kind == "word"

    @property
    def acts(self) -> bool:
        """True for the base form of a verb that can begin an order, in English or in the catalog."""
        return self.verb or (self.kind == "word" and is_base_verb(self.lower))

    @property
    def is_stop(self) -> bool:
        """True for words that carry no content of their own."""
        if self.kind != "word":
            return False
        said = self.lower.removesuffix("'s")
        return self.lower in words("stop") or self.lower in words("determiners") or said in ("one", "other", "everyone")

    @property
    def is_literal(self) -> bool:
        """True for a typed literal: something said that is itself a value."""
        return self.kind not in ("word", "punct", "time")


def _end(text: str, free: FreeText) -> int:
    """Where passed-on text stops: `then` inside its last sentence belongs to it."""
    likely = free.ends[0]
    further = [e for e in free.ends if e > likely and text[likely:e].lstrip(" ,").startswith("then")]
    return min(further, default=likely)


def build(
    text: str, tokens: Sequence[Token], times: Iterable[TimePhrase], free: Iterable[FreeText] = ()
) -> tuple[Item, ...]:
    """Items of `text` in order. Tokens inside a time phrase become one item of kind `time`; words after a colon that
    are to be passed on, one of kind `freetext`."""
    spans = [(f.start, _end(text, f)) for f in free if f.strong and f.ends]
    # amounts of time in figures, relative days, windows stay words: they say something about a thing, not when to run
    swallowed = ("schedule", "once", "clock", "delay", "date_literal")
    times = list(times)
    scheduled = any(t.kind == "schedule" for t in times)
    timed = scheduled or any(t.kind == "once" and set(t.explicit) <= {"time", "zone"} for t in times)
    held = [
        t
        for t in times
        if (t.kind in swallowed and not (scheduled and t.kind == "once" and "time" not in t.explicit))
        or t.waited_for
        or (timed and t.kind == "part" and bool(t.draft.excepts))
        or _amount(t) is not None
    ]
    phrases = sorted(held, key=lambda t: (t.span.start, -t.span.end))
    plain = [t for t in tokens if t.kind is Kind.WORD and len(t.text) > 1]
    shouting = len(plain) > 3 and sum(t.text.isupper() for t in plain) > 0.6 * len(plain)
    items: list[Item] = []
    done = -1
    first = True
    for token in tokens:
        if token.span.start < done:
            continue
        passed = next(((a, b) for a, b in spans if a <= token.span.start < b), None)
        phrase = next((p for p in phrases if p.span.start <= token.span.start < p.span.end), None)
        if passed is not None:
            said = text[passed[0] : passed[1]].strip()
            span = Span(passed[0], passed[1])
            items.append(Item(len(items), "freetext", said, "<freetext>", "<freetext>", span, value=said))
            done = passed[1]
        elif phrase is not None:
            said = text[phrase.span.start : phrase.span.end]
            due = bool(items) and items[-1].lower == "due"  # `due in 3 days` is said of a thing
            amount = _amount(phrase)
            done = phrase.span.end
            if amount is not None:
                items.append(Item(len(items), "quantity", said, "<quantity>", "<quantity>", phrase.span, *amount))
                continue
            kind = "date" if phrase.kind == "date_literal" or (due and not phrase.rules) else "time"
            items.append(Item(len(items), kind, said, f"<{kind}>", f"<{kind}>", phrase.span, phrase.at, time=phrase))
        else:
            items.append(_item(len(items), token, first or shouting))
        first = token.kind is Kind.PUNCT and token.text in ".!?:"
    return tuple(items)


def _amount(phrase: TimePhrase) -> tuple[float, str] | None:
    """`more than half an hour`, `over a week`: an amount told without a figure."""
    if phrase.kind != "duration_literal" or phrase.duration is None or any(c.isdigit() for c in phrase.text):
        return None
    figure, _, unit = phrase.duration.partition(" ")
    if not unit or not phrase.text.casefold().startswith(("half", "a ", "an ")):
        return None
    return (float(figure) if "." in figure else int(figure)), unit if unit.endswith("s") else f"{unit}s"


_AS_NUMBER = {Kind.NUMBER_WORD: "number"}
_AS_WORD = (Kind.WORD, Kind.PUNCT, Kind.ORDINAL_WORD)


def _item(index: int, token: Token, first: bool) -> Item:
    said = token.text
    kind = _AS_NUMBER.get(token.kind, token.kind.value)
    if token.kind is Kind.NUMBER_WORD and token.value == 1:
        # `one email`: an article, not an amount
        return Item(index, "word", said, token.lower, stem(token.lower), token.span, token.value)
    if token.kind in _AS_WORD:
        kind = "punct" if token.kind is Kind.PUNCT else "word"
        shouted = said.isupper() and len(said) > 5
        proper = said[:1].isupper() and not shouted and not first
        return Item(index, kind, said, token.lower, stem(token.lower), token.span, token.value, proper=proper)
    return Item(index, kind, said, f"<{kind}>", f"<{kind}>", token.span, token.value, token.unit)


def doing(items: tuple[Item, ...], verbs: frozenset[str]) -> tuple[Item, ...]:
    """`items` with the words that are verbs of the catalog marked so."""
    return tuple(
        msgspec.structs.replace(i, verb=True) if i.is_word and i.lower in verbs and not i.proper else i for i in items
    )


def placed(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """`the back door`: which one, where `back` stands between an article and a noun."""
    out = list(items)
    for at in range(1, len(items) - 1):
        led = items[at - 1].lower in words("determiners")
        if items[at].lower == "back" and led and items[at + 1].is_word and not items[at + 1].is_stop:
            out[at] = msgspec.structs.replace(items[at], lower="rear", stem="rear")
    return tuple(out)


def watched(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """`monitor X` asks to be told when X: the verb stands for those words."""
    if len(items) < 2 or items[0].lower not in ("monitor", "watch") or items[1].lower in ("for", "over", "a", "out"):
        return items
    verb, after = items[0], Span(items[0].span.end, items[0].span.end)
    told = msgspec.structs.replace(verb, lower="notify", stem=stem("notify"))
    me, when = (Item(len(items) + k, "word", w, w, stem(w), after) for k, w in enumerate(("me", "when")))
    return (told, me, when, *items[1:])
