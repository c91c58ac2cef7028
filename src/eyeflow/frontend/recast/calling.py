"""Webhooks told otherwise than by `when`: `on a POST to /x, ...`, `a GET on /x answers ...`, `expose an endpoint /x`.

Knows: how a call of an address is said. In: a request and its items. Out: edits that say `when a POST to /x comes in`.
Never: an address of another host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.approvals import gerunds
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, words
from eyeflow.frontend.recast.said import over
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_METHODS: Final = frozenset({"post", "get", "put", "request", "call", "hit", "requests", "calls", "posts", "hits"})
_HOOKS: Final = frozenset({"webhook", "endpoint", "hook", "url", "route"})
_OFFER: Final = frozenset(
    {"expose", "create", "make", "give", "set", "provide", "open", "add", "need", "want", "build", "have"}
)
_TAKING: Final = frozenset({"taking", "with", "accepting", "takes", "accepts", "receiving", "receives"})
_BREAKS: Final = frozenset({",", ";", ".", ":", "-", "–", "—", "!", "\n"})
_CUES: Final = frozenset({"when", "whenever", "if", "once"})
_SENDS: Final = frozenset({"posts", "post", "calls", "hits", "pings", "sends"})
_JOINS: Final = frozenset({"that", "which", "it", "and", "then", "should", "must", "to", "will", "shall", "please"})


def edits(text: str, items: Sequence[Item]) -> Edits:
    path = next((k for k, i in enumerate(items) if i.kind == "path" and i.text.startswith("/")), None)
    told = _sent_there(text, items, path) if path is not None else ()
    if told:
        return told
    if path is None or any(i.lower in ("when", "whenever", "if") for i in items[:path]):
        return ()
    return _upon(text, items, path) or _method(text, items, path) or _offered(text, items, path)


def _upon(text: str, items: Sequence[Item], path: int) -> Edits:
    """`On a POST to /refund, ...`, `for each request to /x ...`."""
    head = [i.lower for i in items[:path]]
    if not head or head[0] not in ("on", "upon", "for", "at", "after") or not _METHODS & set(head):
        return ()
    return (
        (
            Span(items[0].span.start, items[path].span.end),
            f"when a {_called(items[:path])} {items[path].text} comes in,",
        ),
    )


def _sent_there(text: str, items: Sequence[Item], path: int) -> Edits:
    """`when our CI posts to /done`, `my server will POST to /x with a and b.`: what calls is nobody's service."""
    at = path - 1 - (items[path - 1].lower in ("to", "at", "on"))
    begin = at
    while begin > 0 and items[begin - 1].text not in _BREAKS and items[begin - 1].lower not in _CUES:
        begin -= 1
    cued = begin > 0 and items[begin - 1].lower in _CUES
    who = [i for i in items[begin:at] if i.lower not in ("will", "would", "can")]
    if at < 0 or items[at].lower not in _SENDS or not 0 < len(who) <= 5 or any(i.acts or i.is_literal for i in who):
        return ()
    if any(i.lower in ("a", "an", "http", "request", "on", "upon") for i in who[-1:]):
        return ()
    lead = "" if cued else "when "
    head = Span(items[begin].span.start, items[path].span.end)
    stop = next((k for k in range(path + 1, len(items)) if items[k].text in _BREAKS), len(items))
    fields = over(text, items[path + 1 : stop]) if path + 1 < stop and items[path + 1].lower in _TAKING else ""
    if path + 1 < stop and not fields:
        return ()
    whole = Span(head.start, items[stop - 1].span.end)
    said = f"{lead}a POST to {items[path].text}{' ' + fields if fields else ''} comes in"
    if cued or stop == len(items):
        return ((whole, said),)
    return ((whole, said), (items[stop].span, ","))


def _called(head: Sequence[Item]) -> str:
    method = next((i.text.upper() for i in head if i.text.upper() in ("POST", "GET", "PUT")), "")
    return f"{method} to" if method else "request to"


def _method(text: str, items: Sequence[Item], path: int) -> Edits:
    """`a GET on /ping answers 'pong'`, `GET /ping returns 'pong'`."""
    head = [i.lower for i in items[:path]]
    plain = set(head) <= _METHODS | words("determiners") | {"on", "to", "at", "of", "http", "a"}
    verb = items[path + 1] if path + 1 < len(items) else None
    base = _base(verb) if verb is not None else None
    if not head or not plain or not _METHODS & set(head) or base is None or verb is None:
        return ()
    whole = Span(items[0].span.start, verb.span.end)
    return ((whole, f"when a {_called(items[:path])} {items[path].text} comes in, {base}"),)


def _offered(text: str, items: Sequence[Item], path: int) -> Edits:
    """`Give me a webhook /signup taking name and email; it adds ...`."""
    begin = path
    while begin > 0 and items[begin - 1].text not in _BREAKS:
        begin -= 1
    head = [i.lower for i in items[begin:path]]
    if not _HOOKS & set(head) or not _OFFER & set(head):
        return ()
    end = path + 1
    fields = ""
    if end < len(items) and items[end].lower in _TAKING:
        stop = next(
            (k for k in range(end, len(items)) if items[k].text in _BREAKS or items[k].lower in ("that", "which")),
            len(items),
        )
        fields, end = f" with {over(text, items[end + 1 : stop])}", stop
    start = end
    while start < len(items) and (items[start].text in _BREAKS or items[start].lower in _JOINS):
        start += 1
    start = _after_cue(items, start)
    base = _base(items[start]) if start < len(items) else None
    if base is None:
        return ()
    whole = Span(items[begin].span.start, items[start].span.end)
    return ((whole, f"when a request{fields} to {items[path].text} comes in, {base}"),)


def _after_cue(items: Sequence[Item], start: int) -> int:
    """After `every time it is called`, `when it is hit,`."""
    lowered = [i.lower for i in items[start : start + 10]]
    called = next(
        (k for k, w in enumerate(lowered) if w in ("called", "hit", "requested", "invoked", "triggered")), None
    )
    if called is None or not {"it", "someone", "somebody", "that"} & set(lowered[:called]):
        return start
    start += called + 1
    while start < len(items) and (items[start].text in _BREAKS or items[start].lower in _JOINS):
        start += 1
    return start


def _base(verb: Item) -> str | None:
    """The order in `it adds`, `answers`, `adding`; None when the word is no verb."""
    said = verb.lower
    if not verb.is_word:
        return None
    if verb.acts:
        return verb.text.lower()
    if said in gerunds():
        return gerunds()[said]
    for form in (said.removesuffix("s"), said.removesuffix("es"), said.removesuffix("ies") + "y"):
        if form != said and (is_base_verb(form) or form == "answer"):
            return form
    return None
