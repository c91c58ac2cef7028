"""Roundabout ways to say an order, put as later stages read it: `go through X and do Y`, `failing that`.

Knows: `data/plain.yaml`. In: the items of one sentence without courtesies, the verbs of the catalog. Out: items of the
same meaning, and the indexes of what plays no part. Never: drops a thing, an amount or a time; changes a word that
begins a phrase of the catalog.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend.approvals import gerunds
from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, stem

_SINGLING: Final = ("each", "every", "any", "all", "ones", "those", "them", "these", "everyone", "everybody", "anyone")
_STARTS: Final = ("and", "then", ",", "also", "please", "first", "next", "finally", "-", ":")
_NEAR: Final = 6
"""How many words may stand between `turn` and `into`."""


def plain(items: Sequence[Item], verbs: Container[str]) -> tuple[tuple[Item, ...], frozenset[int]]:
    """`items` plainly, and the indexes of words that only made them another form; `verbs`: stems of the catalog's."""
    kept, gone = list(items), set[int]()
    for step in (_without_heading, _without_manner, _when_all_are_done, _without_sitting, _without_trying, _but_not):
        kept, more = step(kept)
        gone |= more
    kept = _in_turn(_arrow(kept))
    kept = _failing_that(_converting(_finding_out(_going_through(kept), verbs), verbs))
    return tuple(kept), frozenset(gone)


def _phrase(name: str, lowered: Sequence[str], at: int) -> int:
    """How many words the longest phrase of the list `name` of `plain.yaml` spans at `at`; 0 for none."""
    held = (phrase.split() for phrase in words("plain", name))
    return max((len(p) for p in held if lowered[at : at + len(p)] == p), default=0)


def _opens(items: Sequence[Item], at: int) -> bool:
    """An order may begin here."""
    return at == 0 or items[at - 1].lower in _STARTS or items[at - 1].kind in ("punct", "time")


def _as(item: Item, word: str) -> Item:
    return msgspec.structs.replace(
        item, kind="word", lower=word, stem=stem(word), verb=False, proper=False, value=None, time=None
    )


def _without_heading(items: list[Item]) -> tuple[list[Item], set[int]]:
    """`do these three things: ...`: what is said after the colon."""
    for at in range(len(items) - 3):
        if items[at].lower != "do" or not _opens(items, at):
            continue
        end = next((k for k in range(at + 1, min(at + 2 + _NEAR, len(items))) if items[k].text == ":"), None)
        said = items[at + 1 : end] if end is not None else []
        if end is not None and any(i.lower in ("these", "following", "all", "both", "this") for i in said):
            return [*items[:at], *items[end + 1 :]], {i.index for i in items[at : end + 1]}
    return items, set()


def _in_turn(items: list[Item]) -> list[Item]:
    """`archive it after posting its name`: post it, then archive it; `post it before archiving it`: the other way."""
    for at in range(1, len(items) - 1):
        verb = gerunds().get(items[at + 1].lower)
        if items[at].lower not in ("before", "after") or verb is None:
            continue
        if any(i.lower in words("plain", "asking") for i in items):
            return items  # an approval
        base = msgspec.structs.replace(items[at + 1], lower=verb, stem=stem(verb))
        start = next((k for k in range(at - 1, -1, -1) if items[k].acts and _opens(items, k)), None)
        if start is None or any(i.text == "," or i.lower in ("and", "then") for i in items[at + 2 :]):
            return items
        then = _as(items[at], "then")
        if items[at].lower == "before":
            return [*items[:at], then, base, *items[at + 2 :]]
        return [*items[:start], base, *items[at + 2 :], then, *items[start:at]]
    return items


def _without_manner(items: list[Item]) -> tuple[list[Item], set[int]]:
    """Without `in parallel`, `simultaneously`: what can go together does anyway."""
    lowered = [i.lower for i in items]
    out: list[Item] = []
    gone: set[int] = set()
    at = 0
    while at < len(items):
        length = phrase_at("together", lowered, at)
        after = lowered[at + length] if at + length < len(items) else ""
        timed = at > 0 and items[at - 1].kind == "time"
        if length and not timed and after not in ("as", "with", "every", "each"):
            gone |= {i.index for i in items[at : at + length]}
            at += length
            if not out and at < len(items) and items[at].text == ",":
                at += 1
            continue
        out.append(items[at])
        at += 1
    return out, gone


def _when_all_are_done(items: list[Item]) -> tuple[list[Item], set[int]]:
    """`when both are back, ...`: then."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        cue = _phrase("done_cues", lowered, at)
        subject = _phrase("done_subjects", lowered, at + cue) if cue else 0
        being = _phrase("done_being", lowered, at + cue + subject) if subject else 0
        done = _phrase("done_states", lowered, at + cue + subject + being) if being else 0
        end = at + cue + subject + being + done
        closed = end < len(items) and (items[end].text == "," or items[end].acts)
        if not done or not closed or at == 0:
            continue
        start = at - (items[at - 1].lower in ("and", ","))
        start -= start > 0 and items[start - 1].text == ","
        end += items[end].text == ","
        gone = {i.index for i in items[start:end]}
        return [*items[:start], _as(items[at], "then"), *items[end:]], gone
    return items, set()


def _without_sitting(items: list[Item]) -> tuple[list[Item], set[int]]:
    """`cards sitting in the Doing list`: cards in it."""
    placed = ((i, nxt) for i, nxt in pairwise(items[1:]) if nxt.lower in ("in", "on", "under", "inside"))
    gone = {i.index for i, _ in placed if i.lower in words("plain", "sitting")}
    return [i for i in items if i.index not in gone], gone


def _going_through(items: list[Item]) -> list[Item]:
    """`go through X and do Y`: for all X do Y; where Y says itself which of them, X is read."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        length = _phrase("going_through", lowered, at) if _opens(items, at) else 0
        end = next((k for k in range(at + length + 1, len(items) - 1) if _joins(items, k)), None) if length else None
        if end is None:
            continue
        chosen = any(w in _SINGLING for w in lowered[end:])
        if chosen:
            return [*items[:at], _as(items[at], "get"), *items[at + length :]]
        cue = [_as(items[at], "for"), _as(items[at], "all")]
        comma = msgspec.structs.replace(_as(items[end], ","), kind="punct", text=",")
        return [*items[:at], *cue, *items[at + length : end], comma, *items[end + 1 :]]
    return items


def _joins(items: Sequence[Item], at: int) -> bool:
    """`and`, or a comma, with an order after it."""
    return items[at].lower in ("and", ",", "then", "to") and items[at + 1].acts


def _finding_out(items: list[Item], verbs: Container[str]) -> list[Item]:
    """`work out the average X`: get it. A verb by which the catalog is asked for something stays."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        length = _phrase("finding_out", lowered, at) if _opens(items, at) else 0
        if length and at + length < len(items) and items[at].stem not in verbs:
            return [*items[:at], _as(items[at], "get"), *items[at + length :]]
    return items


def _converting(items: list[Item], verbs: Container[str]) -> list[Item]:
    """`turn it into text`: convert it to text."""
    if stem("convert") not in verbs:
        return items
    for at, item in enumerate(items):
        if item.lower not in ("turn", "transform") or not _opens(items, at):
            continue
        into = next((k for k in range(at + 1, min(at + _NEAR, len(items) - 1)) if items[k].lower == "into"), None)
        if into is not None:
            verb = msgspec.structs.replace(_as(item, "convert"), verb=True)
            return [*items[:at], verb, *items[at + 1 : into], _as(items[into], "to"), *items[into + 1 :]]
    return items


def _arrow(items: list[Item]) -> list[Item]:
    """`new release in X -> tweet it`, `a new order: post it`: when that happens, do this."""
    if not items or items[0].acts or items[0].lower in ("when", "whenever", "if", "every", "each") or items[0].time:
        return items
    for at in range(1, len(items) - 1):
        arrow = items[at].text in ("→", "⇒") or [i.text for i in items[at : at + 2]] in (["-", ">"], ["=", ">"])
        new = any(i.lower == "new" for i in items[:2])
        if not arrow and not (items[at].text == ":" and new):
            continue
        after = at + (1 if items[at].text in ("→", "⇒", ":") else 2)
        if after < len(items) and items[after].acts and not any(i.kind == "time" for i in items[:at]):
            comma = msgspec.structs.replace(_as(items[at], ","), kind="punct", text=",")
            return [_as(items[0], "when"), *items[:at], comma, *items[after:]]
        return items
    return items


def _without_trying(items: list[Item]) -> tuple[list[Item], set[int]]:
    """`try to get X`: get it."""
    for at in range(len(items) - 2):
        tries = items[at].lower in ("try", "attempt") and items[at + 1].lower in ("to", "and")
        if tries and items[at + 2].acts and _opens(items, at):
            return [*items[:at], *items[at + 2 :]], {i.index for i in items[at : at + 2]}
    return items, set()


def _but_not(items: list[Item]) -> tuple[list[Item], set[int]]:
    """`..., but don't post anything if X`, `don't bother me when X`: not if X."""
    for at, item in enumerate(items):
        length = 1 if item.lower in ("don't", "dont", "never") else 2
        if length == 2 and [i.lower for i in items[at : at + 2]] != ["do", "not"]:
            continue
        verb = at + length
        if verb >= len(items) or not items[verb].acts or not _opens_or(items, at):
            continue
        end = verb + 1
        while end < len(items) and items[end].lower not in _IFS and (items[end].is_stop or items[end].is_literal):
            end += 1
        if end >= len(items) - 1 or items[end].lower not in _IFS or end - verb > _NEAR:
            continue
        start = at - (at > 0 and items[at - 1].lower in ("but", "and", ","))
        cue = [_as(item, word) for word in ("but", "not", "if")]
        return [*items[:start], *cue, *items[end + 1 :]], {i.index for i in items[start : end + 1]}
    return items, set()


_IFS: Final = ("if", "when", "whenever", "where")


def _opens_or(items: Sequence[Item], at: int) -> bool:
    return _opens(items, at) or items[at - 1].lower == "but"


def _failing_that(items: list[Item]) -> list[Item]:
    """`failing that, from X`, `failing which do Y`: if that fails."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        length = _phrase("failing_that", lowered, at)
        if not length or at + length >= len(items):
            continue
        rest = items[at + length :]
        while rest and rest[0].lower in (",", "from", "via", "by", "to", "with", "through", "use", "using"):
            rest = rest[1:]
        said = ("if", "that", "fails") if rest and rest[0].acts else ("fall", "back", "to")
        head = [i for i in items[:at] if i is not items[at - 1] or i.lower not in ("and", ",", "or")]
        return [*head, *(_as(items[at], word) for word in said), *rest]
    return items
