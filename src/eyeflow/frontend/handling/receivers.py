"""Who gets it: a person or address that data in reach holds, or a handle.

Knows: `to the customer`, `email the invitee`, `assign it to mona`. In: an entry, items, what is handled so far.
Out: the same with recipients filled. Never: sends to a field of another entity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend import content, fields, nouns
from eyeflow.frontend.data import words as data_words
from eyeflow.frontend.handling.state import LEADS, Handled
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, words
from eyeflow.frontend.values_said import escape, wrap
from eyeflow.frontend.vocabulary import RECIPIENTS, Entry, Vocabulary, walk
from eyeflow.values import Field, Json, non_null

_LONGEST: Final = 16
"""Words of the longest phrase that is looked at as a receiver."""


_THINGS: Final = (*LEADS, "that", "when", "if", "whenever", "whether", "saying", "once", "every", "each")


def addressed(items: Sequence[Item], vocab: Vocabulary) -> list[Item]:
    """`the account manager` of `text the account manager`, `my mum` of `text the weather to my mum`, `Tom` of
    `email Tom the forecast`: people who are named by what they are or are called, and whose address nobody said."""
    for at in range(1, len(items)):
        if at > 1 and items[at - 1].lower != "to":
            continue
        if at == 1 and items[at].proper and items[at].is_word and _stands_alone(items, vocab):
            return [items[at]]
        if items[at].lower not in words("determiners"):
            continue
        run: list[Item] = []
        for item in items[at + 1 : at + 5]:
            if not item.is_word or (item.is_stop and item.lower != "others"):
                break
            run.append(item)
            if item.lower in words("persons"):
                return run
    return []


def _stands_alone(items: Sequence[Item], vocab: Vocabulary) -> bool:
    """The name right after the verb is all of a noun phrase, and no service is called so."""
    after = items[2] if len(items) > 2 else None
    if vocab.name_at([i.lower for i in items], 1) is not None:
        return False
    ends = after is None or not after.is_word or after.lower in _THINGS or after.lower in words("determiners")
    return ends and (after is None or after.text != "'s")


def recipients(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`the customer`, `to their owner`, `email the invitee`: a person or address that data in reach holds."""
    for param in entry.spec.params:
        wanted = param.required or param.name in ("to", "email", "recipient", "recipients")
        if _people(param) and param.name not in state.params:
            state = handle(param, items, state)
        if param.required and param.name in _CUSTOMERS and param.name not in state.params:
            state = _for_them(param, items, state)
        if param.name in state.params or param.entity not in RECIPIENTS or not wanted:
            continue
        if not param.required or not any(i.lower == "to" for i in items):
            pass
        elif (given := handle(param, items, state)) is not state and not _known(items, given, state):
            state = given
            continue
        for _, run in _recipient_phrases(items, state):
            reading = nouns.sure(nouns.read(run, state.scope, param))
            if reading is None or (reading.entry is not None and reading.source is None):
                continue
            if not _addresses(reading, param):
                continue
            text, scope = content.place(reading.expr, reading.scope)
            state = msgspec.structs.replace(
                state, params={**state.params, param.name: wrap(param, text)}, scope=scope,
                used=state.used | {i.index for i in run},
            )  # fmt: skip
            break
        if param.name not in state.params:
            state = handle(param, items, state)
        if param.name not in state.params:
            state = _whom_it_is_about(param, items, state)
        if param.name not in state.params and param.required and entry.capability_says:
            state = msgspec.structs.replace(
                state, used=state.used | {i.index for i in addressed(items, state.scope.vocab)}
            )
    return state


def _whom_it_is_about(param: Field, items: Sequence[Item], state: Handled) -> Handled:
    """`the respondent`, `whoever opened it`: the only address of what is at hand, when it is no helper's of ours."""
    source = next((s for s in reversed(state.scope.sources) if s.kind in ("trigger", "item")), None)
    held = [p for p, f in walk(source.type) if f.entity == param.entity] if source is not None else []
    if source is None or param.entity not in ("email", "phone") or len(held) != 1:
        return state
    if not set(held[0][-1].split("_")) <= data_words("lists", "own_addresses"):
        return state
    for _, run in _recipient_phrases(items, state):
        said = nouns.content(run)
        if not said or not (_person(said) or _doer(run, said)):
            continue
        value = wrap(param, "{" + ".".join((source.root, *held[0])) + "}")
        used = state.used | {i.index for i in run}
        return msgspec.structs.replace(state, params={**state.params, param.name: value}, used=used)
    return state


def _person(said: Sequence[Item]) -> bool:
    people = {stem(word) for word in data_words("lists", "people") - data_words("lists", "helpers")}
    return len(said) == 1 and said[0].is_word and said[0].stem in people


def _doer(run: Sequence[Item], said: Sequence[Item]) -> bool:
    """`whoever opened it`, `the person who filled it in`: who made the thing."""
    lowered = [i.lower for i in run]
    led = lowered[:1] == ["whoever"] or lowered[1:3] == ["person", "who"] or lowered[1:3] == ["one", "who"]
    doing = [i for i in said if i.lower not in ("whoever", "person", "form", "ticket", "order")]
    return led and len(doing) == 1 and doing[0].stem in {stem(word) for word in data_words("lists", "making")}


_CUSTOMERS: Final = ("customer", "client", "contact", "buyer", "invitee", "user", "member", "person")


def _for_them(param: Field, items: Sequence[Item], state: Handled) -> Handled:
    """`an invoice for them`: the person whom the event or item at hand is about."""
    them = next((i for i in items[1:] if i.lower in ("them", "him", "her")), None)
    source = next((s for s in reversed(state.scope.sources) if s.kind in ("trigger", "item")), None)
    if them is None or source is None or param.entity not in (None, "person"):
        return state
    held = [*fields.by_entity(source.type, "person"), *fields.by_entity(source.type, "email")]
    if not held:
        return state
    text, scope = content.place(".".join((source.root, *held[0])), state.scope)
    return msgspec.structs.replace(state, params={**state.params, param.name: wrap(param, text)}, scope=scope)


def _known(items: Sequence[Item], given: Handled, before: Handled) -> bool:
    """The word taken for a handle means something in reach (`to owner`)."""
    taken = [i for i in items if i.index in given.used - before.used]
    return nouns.sure(nouns.read(taken, before.scope)) is not None


def _recipient_phrases(items: Sequence[Item], state: Handled) -> list[tuple[str, list[Item]]]:
    """Short runs that may name a receiver: after `to`, or right after the verb."""
    found: list[tuple[str, list[Item]]] = []
    for k, item in enumerate(items):
        if item.lower in ("to", "for") or k == 0:
            run: list[Item] = []
            for nxt in items[k + 1 : k + 1 + _LONGEST]:
                if nxt.kind in ("punct", "time", "quoted", "freetext") or nxt.lower in (
                    *LEADS,
                    "and",
                    "saying",
                    "that",
                    "a",
                    "an",
                ):
                    break
                opens = nxt.lower in words("determiners") or nxt.lower in ("their", "his", "her", "its")
                if nxt.is_literal or (opens and nouns.content(run) and run[-1].lower not in words("prepositions")):
                    break
                run.append(nxt)
                found.append((item.lower if k else "", list(run)))
    found.sort(key=lambda f: (f[0] != "to", -len(f[1])))
    return [f for f in found if nouns.content(f[1]) or any(i.lower in ("them", "him", "her") for i in f[1])]


def _addresses(reading: nouns.Reading, param: Field) -> bool:
    """The reading is a single field of the entity wanted, not a thing in general."""
    if reading.source is None:
        return False
    path = reading.expr.split(".")[1:]
    of = reading.source.type
    if isinstance(non_null(of), Json):
        # a row of unknown shape: the column called as the entity is
        return bool(path) and (param.entity or "-") in path[-1]
    field = next((f for p, f in walk(of) if list(p) == path), None)
    if field is None:
        return False
    return field.entity == param.entity or (param.entity == "person" and field.entity == "email")


def _people(param: Field) -> bool:
    """A required list of handles."""
    return param.required and param.name in ("assignees", "reviewers", "members", "users")


def handle(param: Field, items: Sequence[Item], state: Handled) -> Handled:
    """`assign it to mona`: one unknown word after `to` is a handle where a person is wanted."""
    if param.entity != "person" and not _people(param):
        return state
    for k, item in enumerate(items[:-1]):
        nxt = items[k + 1]
        closed = k + 2 >= len(items) or items[k + 2].kind in ("punct", "time") or items[k + 2].lower in ("and", *LEADS)
        if item.lower == "to" and nxt.is_word and not nxt.is_stop and closed and nxt.index not in state.used:
            used = state.used | {nxt.index}
            return msgspec.structs.replace(
                state, params={**state.params, param.name: wrap(param, escape(nxt.text))}, used=used
            )
    return state
