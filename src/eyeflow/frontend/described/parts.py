"""A request cut into parts that each ask for one capability.

Knows: sentences, `and`, `then`, `also`. In: items and a scope. Out: runs of items. Never: fills parameters.

Neighbouring pieces of text that mean the same capability stay together, so that its values can be lined up; text that
means none goes with what comes before it (or after, at the start).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from eyeflow.frontend.described.choose import Match, matches
from eyeflow.frontend.described.focus import focus
from eyeflow.frontend.described.signature import among
from eyeflow.frontend.items import Item
from eyeflow.frontend.scope import Scope

MOST: Final = 40
_SETTINGS: Final = (
    ("i", "have"),
    ("you", "have"),
    ("we", "have"),
    ("there", "is"),
    ("there", "are"),
    ("he", "has"),
    ("she", "has"),
)
_SUPPOSING: Final = frozenset({"suppose", "imagine", "consider", "given", "assume"})
_CUTS: Final = (".", "!", "?", ";", "\n")
_SURE: Final = 5.0
_WHOLE: Final = 0.99
_LIKELY: Final = 2.5


Filled = Callable[[Sequence[Item]], str | None]


def parts(items: Sequence[Item], scope: Scope, filled: Filled) -> list[list[list[Item]]]:
    """`items` as parts, in order; each as the stretches that ask for the same capability, to be read by themselves or
    together. One part of one stretch when nothing tells more apart. `filled` is the capability that takes everything
    a sentence says, when its words alone do not tell."""
    whole = [[list(items)]]
    sentences = _sentences(items)
    if len(sentences) > MOST:
        return whole
    units = [unit for sentence in sentences for unit in _units(sentence, scope, filled)]
    if len({key for key, _ in units if key is not None}) < 1 or len(units) < 2:
        return whole
    grouped: list[tuple[str | None, list[Item]]] = []
    ahead: list[Item] = []
    for at, (key, segment) in enumerate(units):
        if key is None and at + 1 < len(units) and (not grouped or _setting(segment)):
            ahead += segment
        elif key is None and grouped:
            before = grouped.pop()
            grouped.append((before[0], [*before[1], *ahead, *segment]))
            ahead = []
        else:
            grouped.append((key, [*ahead, *segment]))
            ahead = []
    merged: dict[str | None, list[list[Item]]] = {}
    for key, segment in grouped:
        merged.setdefault(key, []).append(segment)
    return list(merged.values())


def _units(sentence: list[Item], scope: Scope, filled: Filled) -> list[tuple[str | None, list[Item]]]:
    """The sentence with what it means; cut where its pieces mean different capabilities."""
    segments = _segments(sentence)
    keys = [_meant(segment, scope) for segment in segments]
    told = dict.fromkeys(key for key in keys if key is not None)
    if len(told) < 2:
        key = next(iter(told), None) or _meant(sentence, scope)
        if key is None and _asks(sentence) and any(i.is_literal or i.proper for i in sentence):
            key = filled(sentence)
        return [(key, sentence)]
    out: list[tuple[str | None, list[Item]]] = []
    for key, segment in zip(keys, segments, strict=True):
        if out and (key is None or out[-1][0] in (None, key)):
            before = out.pop()
            out.append((before[0] or key, [*before[1], *segment]))
        else:
            out.append((key, list(segment)))
    return out


def _asks(sentence: Sequence[Item]) -> bool:
    """A question or an order, not a statement."""
    first = next((i for i in sentence if i.is_word), None)
    return bool(focus(sentence)[0]) or (first is not None and first.acts)


def _setting(segment: Sequence[Item]) -> bool:
    """`I have another vector, ...`: a sentence that leads up to the next."""
    said = [i.lower for i in segment if i.is_word][:4]
    return any(tuple(said[k : k + 2]) in _SETTINGS for k in range(3)) or bool(set(said[:2]) & _SUPPOSING)


def _meant(segment: Sequence[Item], scope: Scope) -> str | None:
    found = matches(segment, scope)
    if not found:
        return None
    ahead = found[0].score - (found[1].score if len(found) > 1 else 0.0)
    if found[0].score >= _SURE and found[0].named >= 0.3:
        whole = found[0].named > _WHOLE and all(m.named < _WHOLE for m in found[1:])
        return _key(found[0]) if ahead >= 0.5 or whole else None
    word, thing = focus(segment)
    opens = (bool(word or thing) and any(segment[k].index in found[0].used for k in thing)) or _ordering(
        segment, found[0]
    )
    return _key(found[0]) if opens and found[0].score >= _LIKELY and ahead >= 1.0 else None


def _ordering(segment: Sequence[Item], match: Match) -> bool:
    """The segment begins with the verb the capability is named by: `order 2 soups`."""
    first = next((i for i in segment if i.is_word and i.lower not in ("and", "then", "also")), None)
    return first is not None and first.acts and among(first.stem, match.signature.core)


def _key(match: Match) -> str:
    return match.entry.key


def _sentences(items: Sequence[Item]) -> list[list[Item]]:
    out: list[list[Item]] = [[]]
    for item in items:
        out[-1].append(item)
        if item.kind == "punct" and item.text in _CUTS:
            out.append([])
    held = [o for o in out if any(i.is_word or i.is_literal for i in o)]
    return held or [list(items)]


def _segments(items: Sequence[Item]) -> list[list[Item]]:
    out: list[list[Item]] = [[]]
    for at, item in enumerate(items):
        after = items[at + 1] if at + 1 < len(items) else None
        opens = after is not None and (
            after.lower in ("and", "then", "also", "what", "how") or after.is_stop or after.acts
        )
        joint = item.lower in ("and", "then", "also") or (item.text == "," and opens)
        if joint and out[-1] and any(i.is_word and i.lower not in ("and", "then", "also") for i in out[-1]):
            out.append([])
        out[-1].append(item)
    return [o for o in out if any(i.is_word for i in o)]
