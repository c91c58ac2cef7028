"""What is to be done when an action fails, said in the action's own terms: `use Slack instead`, `or Exchange Rates`.

Knows: that another service's name stands for the whole action by it; that what may fail can be another action.
In: a node with a rescue and the reading chosen for it. Out: nodes to build, or a question. Never: builds them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from eyeflow.frontend import unable, wording
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.lexicon import phrase_at
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.tree import Do, Node
from eyeflow.values import Span


def instead(node: Do, best: Chosen, scope: Scope) -> tuple[Node, ...]:
    """`fall back to Exchange Rates`: the same asked of another service."""
    other = node.rescue[0]
    if isinstance(other, Do) and best.entry.capability_says:
        other = msgspec.structs.replace(other, clause=_by_another(other.clause, scope))
        node = msgspec.structs.replace(node, rescue=(other, *node.rescue[1:]))
    if not isinstance(other, Do) or len(node.rescue) > 1 or (other.clause.items and other.clause.items[0].acts):
        return node.rescue
    items = [i for i in other.clause.items if i.kind != "punct" and not i.is_stop]
    name = scope.vocab.name_at([i.lower for i in items], 0) if items else None
    if name is None or name.length != len(items) or best.entry.service.id in name.services:
        return node.rescue
    own = wording.named_at(best.entry, node.clause.items, scope)
    kept = [i for i in node.clause.items if i.index not in own]
    last = max((k for k, i in enumerate(node.clause.items) if i.index in own), default=len(kept))
    at = min(last, len(kept))
    clause = msgspec.structs.replace(other.clause, items=(*kept[:at], *items, *kept[at:]))
    return (msgspec.structs.replace(other, clause=clause),)


def without_doing(node: Do) -> tuple[Literal["continue"] | None, set[int]] | None:
    """`if that fails, ignore it`, `... stop there`: nothing is done instead, and the run goes on or ends as failed.
    What becomes of it (None: the failure ends the run, as any does) and the items that said so."""
    only = node.rescue[0] if len(node.rescue) == 1 else None
    if not isinstance(only, Do) or only.rescue:
        return None
    items = [i for i in only.clause.items if i.kind != "punct"]
    said = [i.lower for i in items]
    used = {i.index for i in (*only.clause.items, *only.clause.cue_items)}
    if said and (phrase_at("ignoring", said, 0) == len(said) or unable.nothing(items)):
        return "continue", used
    return (None, used) if said and phrase_at("stopping", said, 0) == len(said) else None


_PLACES = ("instead", "channel", "chat", "room", "group", "number")


def fails_elsewhere(node: Do, best: Chosen, scope: Scope) -> Scope:
    """`post the weather, or if the weather service is down ...`: what is to fail is not what this clause does."""
    first = node.rescue[0]
    cue = first.clause.cue_items if isinstance(first, Do) and first.clause.role == "failure" else ()
    named = wording.names_in(cue, scope) if cue else ()
    if not named or best.entry.service.id in named or not {a.service for a in scope.actions} & set(named):
        return scope
    span = Span(cue[0].span.start, cue[-1].span.end)
    said = scope.text[span.start : span.end]
    asked = (
        f"“{said}”: what should happen with the rest of the request then? Say the fallback right after what may fail."
    )
    return scope.ask("fallback", asked, (), span)


def _by_another(clause: Clause, scope: Scope) -> Clause:
    """`use Slack #ops instead`: the same is sent by another service."""
    items = [i for i in clause.items if i.kind != "punct"]
    told = bool(items) and items[0].lower in ("use", "try", "go", "do")
    if not told and clause.role != "fallback":
        return clause
    items = items[told:]
    while items and items[0].is_stop:
        items = items[1:]
    name = scope.vocab.name_at([i.lower for i in items], 0) if items else None
    rest = items[name.length :] if name is not None else items
    if name is None or any(i.is_word and not (i.is_stop or i.proper or i.lower in _PLACES) for i in rest):
        return clause
    plain = msgspec.structs.replace(clause.items[0], kind="word", proper=False, value=None)
    verb = msgspec.structs.replace(plain, lower="send", stem="send", verb=True)
    it = msgspec.structs.replace(plain, lower="it", stem="it", verb=False)
    again = () if any(i.lower == "instead" for i in items) else (msgspec.structs.replace(it, lower="instead"),)
    return msgspec.structs.replace(clause, items=(verb, it, *items, *again))
