"""Reads that a phrase asks for, as actions: `the weather` becomes a call whose result has a name.

Knows: what a read is called, what its result is spoken of as. In: an entry, its parameters, a scope. Out: the
scope with the call, asked about what is open. Never: chooses the read, writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend import fields
from eyeflow.frontend.intent import Action
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.scope import Scope, Source, asking
from eyeflow.frontend.slots import Filled
from eyeflow.frontend.vocabulary import Entry, split_name
from eyeflow.values import Span, Type

_THEIRS: Final = ("his", "her", "their")


def fetch(entry: Entry, filled: Filled, scope: Scope, span: Span | None) -> tuple[str, Type, Scope, Source]:
    """The action that makes this read (an existing equal one is used again): its name, type, scope, source."""
    for action in scope.actions:
        if action.service == entry.service.id and action.function == entry.spec.name and action.params == filled.params:
            known = next((s for s in scope.sources if s.root == action.id), None)
            if known is not None:
                return action.id, entry.result, scope, known
    narrowed = _read_before(entry, filled, scope, span)
    if narrowed is not None:
        return narrowed.root, entry.result, scope, narrowed
    name, scope = scope.name(_short_name(entry))
    for slot, value, why in filled.assumed:
        scope = scope.assume(f"{name}.{slot}", value, why)
    for param in entry.capability.params:
        if param.required and param.default is None and param.name not in filled.params:
            scope = scope.ask(f"{name}.{param.name}", asking(entry, param), tuple(param.enum), span)
    action = Action(id=name, service=entry.service.id, function=entry.spec.name, params=filled.params, span=span)
    source = Source(name, entry.result, result_words(entry), entry.service.id, "result", entry)
    return name, entry.result, scope.act(action).see(source), source


def whose(items: Sequence[Item], filled: Filled, scope: Scope) -> Scope:
    """`DM @ann her meetings`: a question where what is looked up would be ours, since the call names nobody."""
    if not items or any(isinstance(v, str) and ("{" in v or "@" in v) for v in filled.params.values()):
        return scope
    for said in (items[0].lower, *scope.text[: items[0].span.start].split()[-1:]):
        if said.casefold() in _THEIRS:
            at = scope.text.rindex(said, 0, items[0].span.end) if said != items[0].lower else items[0].span.start
            asked = f"Whose is meant by “{said}”? Say “my”, “the”, or whose."
            return scope.ask(said.casefold(), asked, (), Span(at, at + len(said)))
    return scope


def _read_before(entry: Entry, filled: Filled, scope: Scope, span: Span | None) -> Source | None:
    """`look at today's calendar and for every meeting ...`: of what was just read, which was asked for more closely."""
    source = next((s for s in reversed(scope.sources) if s.kind == "result"), None)
    action = next((a for a in scope.actions if source is not None and a.id == source.root), None)
    if source is None or action is None or entry.listing is None or source.entry is not entry:
        return None
    words_said = scope.text[span.start : span.end].casefold().split() if span is not None else []
    fewer = filled.params.items() <= action.params.items() if _hashable(filled) else False
    return source if fewer and "all" not in words_said and span is not None else None


def _hashable(filled: Filled) -> bool:
    return all(isinstance(value, str | int | float | bool) for value in filled.params.values())


def entry_words(entry: Entry) -> frozenset[str]:
    """Every stem by which people mention what a read returns."""
    spoken = {w for p in entry.phrases for w in p}
    listed = entry.listing.nouns if entry.listing else frozenset[str]()
    return frozenset(spoken | entry.summary | listed | set(split_name(entry.spec.name)))


def result_words(entry: Entry) -> frozenset[str]:
    listed = entry.listing.nouns if entry.listing else frozenset[str]()
    verbs = words("verbs")
    said = frozenset(
        w for w in (*split_name(entry.spec.name), *listed, *entry.summary) if w not in verbs and len(w) > 2
    )
    made = fields.by_entity(entry.result, "file")
    return said | frozenset(split_name(entry.spec.name)) if made else said  # `the zip`, of what zipping gave


def _short_name(entry: Entry) -> str:
    parts = [
        p for p in entry.spec.name.split("_") if p not in ("get", "list", "read", "search", "find", "current", "fetch")
    ]
    return "_".join(parts) or entry.service.id


def span_of(items: Sequence[Item]) -> Span | None:
    return Span(items[0].span.start, items[-1].span.end) if items else None
