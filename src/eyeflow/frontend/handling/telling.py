"""What a message holds, as it is described: `an email that greets them by name and quotes their message`.

Knows: words that describe what is in a text, kinds of messages. In: an entry, items, what is handled so far. Out: the
same with the content filled. Never: writes more than a greeting and the data that was named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend import content, fields, nouns
from eyeflow.frontend.handling.state import LEADS, Handled, content_param
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import speech_act, stem, words
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.values_said import escape
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import Field

_RELATIVE: Final = ("that", "which")


def described(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`that greets them by name and quotes their message`, `mentioning the order number`."""
    param = content_param(entry, state)
    at = next((k for k in range(1, len(items) - 1) if _begins(items, k)), None)
    if param is None or at is None or entry.reads:
        return state
    texts: list[str] = []
    scope = state.scope
    for part in _parts([i for i in items[at:] if i.index not in state.used]):
        made = _part(part, param, scope)
        if made is None:
            return state
        text, scope = made
        texts.append(text)
    used = state.used | {i.index for i in items[at:]}
    used |= {i.index for i in items[:at] if i.lower in words("message_kinds")}
    return msgspec.structs.replace(
        state, params={**state.params, param.name: "\n".join(texts)}, scope=scope, used=frozenset(used)
    )


def asked_for(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`ask for a review in #x with the link`: the words of what is asked for, and the data that goes with it."""
    param = content_param(entry, state)
    at = next((k for k, i in enumerate(items) if i.lower == "for"), None)
    if param is None or verb is None or verb.lower not in ("ask", "request", "call") or at is None or entry.reads:
        return state
    run: list[Item] = []
    for item in items[at + 1 :]:
        if not item.is_word or item.lower in LEADS or item.lower in ("that", "and"):
            break
        run.append(item)
    if not nouns.content(run) or nouns.sure(nouns.read(run, state.scope)) is not None:
        return state
    text, scope = escape(state.scope.text[run[0].span.start : run[-1].span.end]), state.scope
    used = {i.index for i in run}
    led = next((k for k, i in enumerate(items) if i.lower == "with" and k > at), None)
    more = [i for i in items[led + 1 :] if i.index not in state.used] if led is not None else []
    made = content.compose(more, scope, param) if nouns.content(more) else None
    if made is not None and not made.unexplained and isinstance(made.value, str):
        text, scope = f"{text}\n{made.value}", made.scope
        used |= {i.index for i in more}
    scope = scope.assume(f"{entry.spec.name}.{param.name}", text, "the words of your request")
    return msgspec.structs.replace(
        state, params={**state.params, param.name: text}, scope=scope, used=state.used | frozenset(used)
    )


def _begins(items: Sequence[Item], at: int) -> bool:
    if items[at].lower in _RELATIVE:
        return _describes(items[at + 1]) and items[at + 1].lower.endswith("s")
    return _describes(items[at]) and items[at].lower.endswith("ing") and items[at].lower not in ("saying", "reading")


def _describes(item: Item) -> bool:
    return item.is_word and (item.stem in _stems("holding") or _greeting(item) is not None)


def _stems(name: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(name))


def _greeting(item: Item) -> str | None:
    """What `greets`, `thanking` say."""
    said = item.lower
    bases = (
        said,
        said.removesuffix("s"),
        said.removesuffix("es"),
        said.removesuffix("ing"),
        said.removesuffix("ing") + "e",
    )
    return next((text for base in bases if (text := speech_act(base)) is not None), None)


def _parts(items: Sequence[Item]) -> list[list[Item]]:
    """What each describing word says, of a list of them."""
    parts: list[list[Item]] = []
    for item in items:
        if _describes(item):
            parts.append([item])
        elif parts:
            parts[-1].append(item)
    for part in parts:
        while part[-1].lower in ("and", ",", "that", "which", "also", "to", "in", "on"):
            part.pop()
    return parts


def _part(part: Sequence[Item], param: Field, scope: Scope) -> tuple[str, Scope] | None:
    greeting = _greeting(part[0])
    rest = [i for i in part[1:] if i.kind != "punct"]
    if greeting is not None:
        if any(not (i.is_stop or i.lower in ("name", "customer", "user", "person")) for i in rest):
            return None
        by_name = any(i.lower == "name" for i in rest)
        named = _name(scope) if by_name else None
        if by_name and named is None:
            return None
        return (f"{greeting.rstrip('!.')} {{{named}}}{greeting[-1]}" if named else greeting), scope
    while rest and rest[-1].lower in ("back", "to", "them", "him", "her", "in", "it"):
        rest = rest[:-1]
    made = content.compose(rest, scope, param) if nouns.content(rest) else None
    if made is None or made.unexplained or not isinstance(made.value, str):
        return None
    return made.value, made.scope


def _name(scope: Scope) -> str | None:
    """The name of the person that is spoken of."""
    for source in reversed(scope.sources):
        hits = fields.find(["name"], source.type)
        first = next(
            (h for h in hits if h.path[-1] in ("first_name", "name", "customer_name", "user_name", "full_name")), None
        )
        if first is not None:
            return ".".join((source.root, *first.path))
    return None
