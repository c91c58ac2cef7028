"""What is said: quoted and indirect speech, what was said before, or what happened.

Knows: `that ...`, `saying ...`, `the same text`, `all of it`, verbs that are themselves a saying. In: an entry, items,
what is handled so far. Out: the same with the content filled. Never: reads data that the words do not name.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend import content, fields, nouns
from eyeflow.frontend.handling.state import LEADS, Handled, content_param
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, speech_act, words
from eyeflow.frontend.scope import Source
from eyeflow.frontend.values_said import element, escape
from eyeflow.frontend.vocabulary import Entry, listing_of
from eyeflow.values import STRING

_IT = ("it", "this", "that", "them", "these", "those")


def placeholders(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`{first name}` inside text a person wrote."""
    params = dict(state.params)
    unknown: list[str] = []
    for param in entry.spec.params:
        value = params.get(param.name)
        if isinstance(value, str) and any(mark in value for mark in ("{{", "<", "[")) and element(param) == STRING:
            plain = value.replace("{{", "{").replace("}}", "}")
            text, _, missing = content.literal_text(plain, state.scope)
            params[param.name] = text
            unknown += [m for m in missing if _is_place(m)]
    return msgspec.structs.replace(state, params=params, unknown=tuple(unknown))


def told(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`saying ...`, `that ...`, `to take an umbrella`."""
    param = content_param(entry, state)
    if param is None or entry.reads:
        return state
    body = [i for i in items if i is not verb]
    told = content.spoken(body, state.scope)
    if told is None:
        return state
    text, at = told
    taken = {body[k].index for k in at}
    if any(
        body[k].is_literal and body[k].index in state.used and body[k].kind in ("channel", "email", "phone") for k in at
    ):
        return state
    made, _, missing = content.literal_text(text, state.scope)
    unknown = (*state.unknown, *(m for m in missing if _is_place(m)))
    params = {**state.params, param.name: made}
    return msgspec.structs.replace(state, params=params, used=state.used | frozenset(taken), unknown=unknown)


def _is_place(said: str) -> bool:
    return " " in said or said[1:-1].replace("_", "").isalpha()


def again(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`email it to me instead`, `post the same text to #x`: what was said last is said again."""
    param = content_param(entry, state)
    if param is None or entry.reads or state.scope.said is None:
        return state
    if state.scope.again and (not entry.capability_says or (verb is not None and speech_act(verb.lower) is not None)):
        return state
    lowered = [i.lower for i in items]
    same = next((k for k, w in enumerate(lowered) if w == "same"), None)
    if same is None and not _said_last(lowered, items, state):
        return state
    used = {i.index for i in items[same : same + 2]} if same is not None else set[int]()
    return msgspec.structs.replace(
        state, params={**state.params, param.name: state.scope.said}, used=state.used | frozenset(used)
    )


def _said_last(lowered: Sequence[str], items: Sequence[Item], state: Handled) -> bool:
    """`email me instead`, `otherwise post it to #x`: nothing else to say is named, and a message was the last thing."""
    if any(i.index not in state.used and not i.is_literal for i in nouns.content(items[1:]) if i.lower != "instead"):
        return False
    if "instead" in lowered:
        return True
    if state.scope.again:
        return _again_whole(lowered, state)
    last = state.scope.did[-1] if state.scope.did else None
    entry = state.scope.vocab.entry(last.service, last.function or "") if last is not None and last.service else None
    return lowered[1:2] == ["it"] and entry is not None and entry.capability_says


def _again_whole(lowered: Sequence[str], state: Handled) -> bool:
    """`email it to me`, `text me`, of what an automation says now; `tell me about it` is about the event."""
    it = next((at for at, word in enumerate(lowered) if word in _IT), None)
    return it in (None, 1) or not any(source.kind == "trigger" for source in state.scope.sources)


def speech(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`thank the customer by email`: the verb itself is what is said."""
    param = content_param(entry, state)
    if param is None or verb is None or entry.reads:
        return state
    text = speech_act(verb.lower)
    if text is None:
        return state
    scope = state.scope.assume(f"{entry.spec.name}.{param.name}", text, f"what “{verb.text}” says")
    return msgspec.structs.replace(state, params={**state.params, param.name: text}, scope=scope)


def whole_event(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """A message about nothing said is about what happened, or about what was just made."""
    param = content_param(entry, state)
    if param is None or not param.required or entry.reads:
        return state
    if state.scope.failed is not None and not [i for i in nouns.content(items) if i.index not in state.used]:
        text = escape(f"Failed: {state.scope.failed}")
        scope = state.scope.assume(f"{entry.spec.name}.{param.name}", text, "nothing else was said to send")
        return msgspec.structs.replace(state, params={**state.params, param.name: text}, scope=scope)
    if not state.scope.sources:
        return state
    told = [s for s in state.scope.sources if s.kind != "made"]
    left = [i for i in nouns.content(items) if i.index not in state.used and i is not verb and i.is_word]
    left = [i for i in left if i.lower not in words("notices") and not (i.proper and i in items[1:3])]
    if not told or any(i.stem not in told[-1].nouns for i in left):
        return state  # something else was said, though it could not be read
    expr = mention(told[-1])
    text, scope = content.place(expr, state.scope)
    scope = scope.assume(f"{entry.spec.name}.{param.name}", text, "nothing else was said to send")
    used = state.used | {i.index for i in items if i.lower in words("notices")}
    return msgspec.structs.replace(state, params={**state.params, param.name: text}, scope=scope, used=used)


def everything(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`all of it`, `all three`: every result read so far, one under the other."""
    param = content_param(entry, state)
    if param is None or entry.reads:
        return state
    scope = state.scope
    them = next((k for k, i in enumerate(items) if i.lower in ("them", "these", "those") and k), None)
    several = them is not None and len(scope.together) > 1 and scope.together[-1] == scope.sources[-1].root
    lowered = [i.lower for i in items]
    if not several and not any(_all(items, lowered, k) for k in range(len(items))):
        return state
    texts: list[str] = []
    for source in scope.sources:
        if source.kind == "result" and (not several or source.root in scope.together):
            text, scope = content.place(mention(source), scope)
            texts.append(text)
    if not texts:
        return state
    at = them if several and them is not None else next(k for k in range(len(items)) if _all(items, lowered, k))
    used = {i.index for i in items[at : at + 3] if i.is_stop or i.kind == "number" or i.lower in ("all", "everything")}
    return msgspec.structs.replace(
        state, params={**state.params, param.name: "\n".join(texts)}, scope=scope, used=state.used | frozenset(used)
    )


def _all(items: Sequence[Item], lowered: Sequence[str], at: int) -> bool:
    """`all of it`, `everything`, `both` by itself: not `all open tickets`."""
    if phrase_at("everything", lowered, at):
        return True
    after = items[at + 1] if at + 1 < len(items) else None
    alone = after is None or after.kind in ("number", "punct", "channel", "email", "person") or after.lower in LEADS
    return lowered[at] in ("all", "both", "everything") and alone


def mention(source: Source) -> str:
    """The expression for a thing as a whole."""
    path = fields.summary_path(source.type)
    if path is not None:
        return ".".join((source.root, *path))
    listing = listing_of(source.type)
    if listing is not None and source.kind == "result":
        return ".".join(p for p in (source.root, listing.path) if p)
    return source.root
