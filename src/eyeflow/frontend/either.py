"""`the front door or the back door`, `in #support or #help`: one text of a trigger that may be one of several.

Knows: how people join what may be. In: the parameters of an event, the items, those already explained. Out: parameters
without the one that may be several, the condition that says so instead, the items that say it.
Never: drops a parameter that the event cannot do without: then the second stays to be asked about.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Final

from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.scope import Source
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import walk
from eyeflow.values import STRING, non_null

_JOINS: Final = frozenset({"or", "and", ",", "/"})
_FILLS: Final = frozenset({"the", "in", "at", "on", "my", "our", "from", "either", "or"})
_LONGEST: Final = 2


def of(
    params: Mapping[str, JsonValue], items: Sequence[Item], used: Container[int], source: Source
) -> tuple[dict[str, JsonValue], list[str], set[int]]:
    """`params` without what may be several, conditions for those, and the indexes of the words that say the others."""
    held = {p[0] for p, f in walk(source.type) if len(p) == 1 and non_null(f.type) == STRING}
    for param in source.entry.spec.params if source.entry is not None else ():
        value = params.get(param.name)
        if param.required or param.name not in held or not isinstance(value, str):
            continue
        at, length = _place(items, value)
        if not length:
            continue
        others, taken = _others(items, at, length, used)
        if not others:
            continue
        expr = f"EQ({source.root}.{param.name}, {quote(value)})"
        for other in others:
            expr = f"OR({expr}, EQ({source.root}.{param.name}, {quote(other)}))"
        return {k: v for k, v in params.items() if k != param.name}, [expr], taken
    return dict(params), [], set()


def _place(items: Sequence[Item], value: str) -> tuple[int, int]:
    for at in range(len(items)):
        for length in (1, 2, 3):
            run = items[at : at + length]
            said = " ".join(_text(i) for i in run)
            if len(run) == length and said.casefold() == value.casefold():
                return at, length
    return 0, 0


def _text(item: Item) -> str:
    return item.value if item.is_literal and isinstance(item.value, str) else item.text


def _others(items: Sequence[Item], at: int, length: int, used: Container[int]) -> tuple[list[str], set[int]]:
    """What stands beside the value and is joined to it; words of the same kind, a thing's name after each left out."""
    found: list[str] = []
    taken: set[int] = set()
    kind = items[at].kind
    k = at + length
    thing = ""
    if k < len(items) and items[k].is_word and not items[k].is_stop and items[k].index in used:
        thing = items[k].stem
        k += 1
    while k < len(items) and items[k].lower in _JOINS:
        begin = k
        while k < len(items) and (items[k].lower in _JOINS or items[k].lower in _FILLS or items[k].stem == thing):
            k += 1
        run = _run(items, k, kind, used, thing)
        if not run:
            break
        found.append(" ".join(_text(i) for i in run))
        k += len(run)
        taken |= {i.index for i in items[begin:k]}
        if k < len(items) and thing and items[k].stem == thing:
            k += 1
    if not found and at > 1 and items[at - 1].lower == "or":
        before = items[at - 2]  # `the front or back door`
        if before.kind == kind and _plain(before, kind, used):
            return [_text(before)], {before.index, items[at - 1].index}
    return found, taken


def _run(items: Sequence[Item], at: int, kind: str, used: Container[int], thing: str) -> list[Item]:
    run: list[Item] = []
    for item in items[at : at + _LONGEST]:
        if not _plain(item, kind, used) or item.stem == thing:
            break
        run.append(item)
        if item.is_literal:
            break
    return run


def _plain(item: Item, kind: str, used: Container[int]) -> bool:
    if item.kind != kind or item.index in used:
        return False
    usual = item.lower in words("happening") | words("arriving") | words("vague") | words("generic")
    return item.is_literal or not (item.is_stop or usual or item.acts)
