"""A value that is longer than the rules took it to be: `play Blue Train live`, where they took `Train` and asked about
the rest.

Knows: how words are told to be one value: in quotes. In: the rules' reading, hints. Out: the reading of the request
with those words in quotes, its spans those of the request; None when it parts from the rules' in anything else.
Never: widens a value to other words than those the rules asked about, a recipient, an address, a choice, a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.described.hinted import free
from eyeflow.frontend.described.signature import signature
from eyeflow.frontend.hints import Hint, found_at
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import Action, Intent
from eyeflow.frontend.items import build
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.rewording import reread
from eyeflow.frontend.rules import understand
from eyeflow.frontend.summary import walk
from eyeflow.values import Span

_QUOTES: Final = "\"'“”‘’`"


def as_one(rules: Intent, hints: Sequence[Hint], ctx: CompileContext, answers: Mapping[str, str]) -> Intent | None:
    """The request read with one hinted value in quotes, when the rules had the middle or an end of it there."""
    for hint in hints:
        for name, value in hint.params:
            if isinstance(value, str) and (own := _part(rules, hint, name, value, ctx)) is not None:
                found = _quoted(rules, value, ctx, answers)
                if found is not None and _only_wider(rules, found, own, name, value):
                    return found
    return None


def _part(rules: Intent, hint: Hint, name: str, value: str, ctx: CompileContext) -> Action | None:
    """The rules' call whose parameter holds a part of the value."""
    entry = vocabulary(ctx.catalog).entry(hint.service, hint.function)
    places = free(signature(entry)) if entry is not None else []
    if not any(p.name == name and not p.field.entity for p in places):
        return None
    for action in walk(rules.actions):
        held = action.params.get(name)
        if f"{action.service}.{action.function}" == hint.key and isinstance(held, str) and held != value:
            return action if f" {held.casefold()} " in f" {value.casefold()} " else None
    return None


def _quoted(rules: Intent, value: str, ctx: CompileContext, answers: Mapping[str, str]) -> Intent | None:
    text = rules.text
    items = build(text, tokenize(text), ())
    spots = found_at(value, items)
    if len(spots) != 1:
        return None
    span = Span(items[spots[0].start].span.start, items[spots[0].stop - 1].span.end)
    said = text[span.start : span.end]
    asked = [q.span for q in rules.questions if q.span is not None]
    if any(c in said for c in _QUOTES) or not asked or not all(_inside(each, span) for each in asked):
        return None
    edit = [(span, f'"{said}"')]
    found, _ = reread(text, edit, (), lambda again, _told: (understand(again, ctx, answers), None))
    noted = tuple(a for a in found.assumptions if a.value != f'"{said}"')
    return replace(found, assumptions=noted)


def _inside(one: Span, other: Span) -> bool:
    return other.start <= one.start and one.end <= other.end


def _only_wider(rules: Intent, found: Intent, own: Action, name: str, value: str) -> bool:
    """The same calls with the same values, but for the one that is wider now."""
    if found.outcome != "program" or found.also or _started(found) != _started(rules):
        return False
    before, after = list(walk(rules.actions)), list(walk(found.actions))
    if len(before) != len(after):
        return False
    for one, two in zip(before, after, strict=True):
        params = {**one.params, name: two.params.get(name)} if one is own else one.params
        same = (one.service, one.function, one.when) == (two.service, two.function, two.when)
        if not same or params != two.params:
            return False
        if one is own and str(two.params.get(name)).casefold() != value.casefold():
            return False
    return True


def _started(intent: Intent) -> object:
    return replace(intent.trigger, span=None) if intent.trigger is not None else None
