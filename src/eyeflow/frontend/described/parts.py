"""A request cut into parts that each ask for one capability.

Knows: sentences, `and`, `then`, `also`. In: items and a scope. Out: runs of items. Never: fills parameters.

Neighbouring pieces of text that mean the same capability stay together, so that its values can be lined up; text that
means none goes with what comes before it (or after, at the start).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.described.choose import Match, matches
from eyeflow.frontend.described.focus import focus
from eyeflow.frontend.described.signature import among
from eyeflow.frontend.items import Item
from eyeflow.frontend.scope import Scope

MOST: Final = 16
_CUTS: Final = (".", "!", "?", ";", "\n")
_SURE: Final = 5.0
_LIKELY: Final = 2.5


def parts(items: Sequence[Item], scope: Scope) -> list[list[Item]]:
    """`items` as parts, in order; one part when nothing tells them apart."""
    whole = [list(items)]
    if len(scope.vocab.bare) < 2:
        return whole
    cuts = _segments(items)
    if len(cuts) < 2 or len(cuts) > MOST:
        return whole
    meant = [_meant(segment, scope) for segment in cuts]
    if len({key for key in meant if key is not None}) < 2:
        return whole
    grouped: list[tuple[str | None, list[Item]]] = []
    for key, segment in zip(meant, cuts, strict=True):
        if grouped and (key is None or grouped[-1][0] in (None, key)):
            before = grouped.pop()
            grouped.append((before[0] or key, [*before[1], *segment]))
        else:
            grouped.append((key, list(segment)))
    merged: dict[str | None, list[Item]] = {}
    for key, segment in grouped:
        merged.setdefault(key, []).extend(segment)
    return list(merged.values())


def _meant(segment: Sequence[Item], scope: Scope) -> str | None:
    found = matches(segment, scope)
    if not found:
        return None
    ahead = found[0].score - (found[1].score if len(found) > 1 else 0.0)
    if found[0].score >= _SURE and found[0].named >= 0.3:
        return _key(found[0]) if ahead >= 0.5 else None
    word, thing = focus(segment)
    opens = bool(word or thing) and any(segment[k].index in found[0].used for k in thing) or _ordering(segment, found[0])
    return _key(found[0]) if opens and found[0].score >= _LIKELY and ahead >= 1.0 else None


def _ordering(segment: Sequence[Item], match: Match) -> bool:
    """The segment begins with the verb the capability is named by: `order 2 soups`."""
    first = next((i for i in segment if i.is_word and i.lower not in ("and", "then", "also")), None)
    return first is not None and first.acts and among(first.stem, match.signature.core)


def _key(match: Match) -> str:
    return match.entry.key


def _segments(items: Sequence[Item]) -> list[list[Item]]:
    out: list[list[Item]] = [[]]
    for at, item in enumerate(items):
        after = items[at + 1].lower if at + 1 < len(items) else ""
        if item.kind == "punct" and item.text in _CUTS:
            out[-1].append(item)
            out.append([])
            continue
        joint = item.lower in ("and", "then", "also") or (item.text == "," and after in ("and", "then", "also", "what"))
        if joint and out[-1]:
            out.append([])
        out[-1].append(item)
    return [o for o in out if any(i.is_word for i in o)]
