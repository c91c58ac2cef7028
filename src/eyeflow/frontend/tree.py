"""Clauses become a small tree: what to do, under which condition, over what, and what if it fails.

Knows: how cues scope over the clauses around them. In: clauses of one sentence. Out: nodes.
Never: looks at a catalog.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from eyeflow.frontend.clauses import Clause, phrasal
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, words


class Do(msgspec.Struct, frozen=True, eq=False):
    """One action clause; `then` when it was said to come after the one before; `rescue` runs when it fails; `also`
    is what is said of the same one of several (`convert each PDF to text and append it to X`)."""

    clause: Clause
    then: bool = False
    rescue: tuple[Node, ...] = ()
    excluded: tuple[Clause, ...] = ()
    also: tuple[Do, ...] = ()


class If(msgspec.Struct, frozen=True, eq=False):
    """Ordered arms, and what is done otherwise. `trailing`: the condition was said after the body;
    `unclear`: it may govern the action before as well."""

    arms: tuple[Arm, ...]
    otherwise: tuple[Node, ...] = ()
    trailing: bool = False
    unclear: bool = False


class Arm(msgspec.Struct, frozen=True, eq=False):
    """One condition with what it governs."""

    clause: Clause
    negated: bool
    body: tuple[Node, ...]


class Loop(msgspec.Struct, frozen=True, eq=False):
    """For each of `clause`, except what `excluded` says."""

    clause: Clause
    body: tuple[Node, ...]
    excluded: tuple[Clause, ...] = ()


Node: TypeAlias = Do | If | Loop

_CONDITIONS = ("condition", "negative_condition")


def grow(clauses: Sequence[Clause]) -> tuple[Node, ...]:
    """The nodes of one sentence whose trigger and background clauses have been taken out."""
    return tuple(_Grower(list(clauses)).run())


class _Grower:
    def __init__(self, clauses: list[Clause]) -> None:
        self.clauses = clauses
        self.at = 0

    def run(self) -> list[Node]:
        nodes: list[Node] = []
        while self.at < len(self.clauses):
            self._next(nodes)
        return nodes

    def _next(self, nodes: list[Node]) -> None:
        clause = self.clauses[self.at]
        self.at += 1
        role = clause.role
        if role in _CONDITIONS:
            self._condition(nodes, clause)
        elif role.startswith("alternative"):
            self._otherwise(nodes, clause)
        elif role == "loop":
            self._loop(nodes, clause)
        elif role == "failure":
            self._failure(nodes, clause)
        elif role == "fallback":
            self._rescue(nodes, (Do(clause),))
        elif role == "exclusion":
            self._exclude(nodes, clause)
        elif clause.items and role != "purpose":
            nodes.append(Do(clause, then=role.startswith("sequence")))

    def _condition(self, nodes: list[Node], clause: Clause) -> None:
        negated = clause.role == "negative_condition"
        clause, left_out = _left_out(clause)
        if left_out and nodes and not self._follows():
            negated = not negated  # `send X, but if Y don't send anything`
            clause = msgspec.structs.replace(clause, joined=",", cue_items=(*clause.cue_items, *left_out))
        clause, own = with_action(clause)
        body: list[Node] = [Do(own)] if own is not None else []
        body += self._body()
        if body:
            arms = (Arm(clause, negated, tuple(body)),)
            last = nodes[-1] if nodes else None
            if isinstance(last, If) and not last.trailing and not last.otherwise:
                nodes[-1] = If((*last.arms, *arms))
            else:
                nodes.append(If(arms))
        elif nodes:
            held = [nodes.pop()]
            if clause.joined == "," or clause.cue.startswith(("but", "and")):
                while nodes and isinstance(nodes[-1], Do):
                    held.insert(0, nodes.pop())
            alone = held[0] if len(held) == 1 and bool(nodes) and isinstance(nodes[-1], Do) else None
            open_ = isinstance(alone, Do) and alone.clause.joined == "and"
            nodes.append(If((Arm(clause, negated, tuple(held)),), trailing=True, unclear=open_))

    def _follows(self) -> bool:
        return self.at < len(self.clauses) and self.clauses[self.at].role in ("action", "sequence:action")

    def _body(self) -> list[Node]:
        """The actions a leading cue governs: up to the next condition, alternative, or end of sentence."""
        body: list[Node] = []
        while self.at < len(self.clauses):
            nxt = self.clauses[self.at]
            if nxt.role in _CONDITIONS or nxt.role.startswith("alternative"):
                break
            if nxt.role == "loop":
                self.at += 1
                self._loop(body, nxt)
                continue
            self._next(body)
        return body

    def _otherwise(self, nodes: list[Node], clause: Clause) -> None:
        body: list[Node] = [Do(clause)] if clause.items else []
        while self.at < len(self.clauses) and self.clauses[self.at].role in ("action", "sequence:action"):
            self._next(body)
        last = nodes[-1] if nodes else None
        if isinstance(last, If) and body:
            nodes[-1] = If(last.arms, tuple(body), last.trailing)
        elif isinstance(last, Do) and last.clause.items and last.clause.items[0].lower in ("check", "verify", "test"):
            self._rescue(nodes, tuple(body))  # `check that X is up, if not text me`

    def _loop(self, nodes: list[Node], clause: Clause) -> None:
        clause, own = with_action(clause)
        body: list[Node] = [Do(own)] if own is not None else []
        excluded: list[Clause] = []
        while self.at < len(self.clauses):
            nxt = self.clauses[self.at]
            if nxt.role == "exclusion":
                excluded.append(nxt)
                self.at += 1
            elif nxt.role == "loop":
                break
            else:
                self._next(body)
        if body:
            nodes.append(Loop(clause, tuple(body), tuple(excluded)))
        elif nodes:
            nodes.append(Loop(clause, (nodes.pop(),), tuple(excluded)))

    def _failure(self, nodes: list[Node], clause: Clause) -> None:
        before = self.clauses[self.at - 2] if self.at > 1 else None
        if not clause.items and before is not None and before.role == "fallback":
            return  # `fall back to X if that fails`: said already
        body: list[Node] = [Do(clause)] if clause.items else []
        while self.at < len(self.clauses) and self.clauses[self.at].role in ("action", "sequence:action"):
            self._next(body)
        if not body and len(nodes) > 1 and isinstance(nodes[-1], Do):
            body = [nodes.pop()]  # `do X; text me if that fails`
        if body:
            self._rescue(nodes, tuple(body))
        elif clause.role == "failure" and (before is None or before.role != "failure"):
            nodes.append(Do(msgspec.structs.replace(clause, items=clause.cue_items)))  # what then, is not said

    def _rescue(self, nodes: list[Node], body: tuple[Node, ...]) -> None:
        for k in range(len(nodes) - 1, -1, -1):
            node = nodes[k]
            if isinstance(node, Do):
                nodes[k] = msgspec.structs.replace(node, rescue=body)
                return
            if isinstance(node, If) and isinstance(node.arms[-1].body[-1], Do):
                arm = node.arms[-1]
                last = msgspec.structs.replace(arm.body[-1], rescue=body)
                arms = (*node.arms[:-1], msgspec.structs.replace(arm, body=(*arm.body[:-1], last)))
                nodes[k] = msgspec.structs.replace(node, arms=arms)
                return
            if isinstance(node, Loop) and isinstance(node.body[-1], Do):
                last = msgspec.structs.replace(node.body[-1], rescue=body)
                nodes[k] = msgspec.structs.replace(node, body=(*node.body[:-1], last))
                return
        # nothing came before that could fail: the words stay unexplained, and are asked about

    def _exclude(self, nodes: list[Node], clause: Clause) -> None:
        last = nodes[-1] if nodes else None
        if isinstance(last, Loop | Do):
            nodes[-1] = msgspec.structs.replace(last, excluded=(*last.excluded, clause))
        elif nodes:
            nodes.append(Do(clause))


def _left_out(clause: Clause) -> tuple[Clause, tuple[Item, ...]]:
    """A condition without `don't send anything` at its end, and the words that say so."""
    lowered = [i.lower for i in clause.items]
    for at in range(1, len(lowered)):
        if phrase_at("nothing", lowered, at) == len(lowered) - at:
            kept = clause.items[:at]
            while kept and kept[-1].lower in (",", "then", "and"):
                kept = kept[:-1]
            return (msgspec.structs.replace(clause, items=kept), clause.items[at:]) if kept else (clause, ())
    return clause, ()


def _lasts(item: Item) -> bool:
    return item.kind == "quantity" or (item.time is not None and item.time.kind == "delay")


_SOMEBODY = ("someone", "somebody", "anyone", "anybody", "something", "anything")


def with_action(clause: Clause) -> tuple[Clause, Clause | None]:
    """A condition or loop whose comma never came: cut before the first base verb that can only begin an action."""
    items = clause.items
    for k in range(2, len(items) - 1):
        item, nxt = items[k], items[k + 1]
        lead = next((b for b in range(k, 0, -1) if items[b - 1].lower not in ("also", "then", "please", "just")), k)
        before = items[lead - 1]
        if not item.acts or nxt.kind == "punct":
            continue
        told = nxt.lower in words("me")  # `when the fan turns on tell me`
        ends_value = before.is_literal or before.kind in ("time", "punct") or before.lower == "then"
        ends_value = ends_value or before.lower == "called"
        ends_value = ends_value or (before.lower == "in" and items[k - 2].lower in ("comes", "come", "came", "rolls"))
        ends_value = ends_value or (told and before.lower in ("on", "off", "up", "down"))
        takes_object = (
            nxt.is_literal
            or nxt.lower in words("determiners")
            or nxt.lower in words("me")
            or nxt.lower in words("pronouns")
        )
        if item.lower in ("wait", "pause") and _lasts(nxt) and before.is_word:
            takes_object = ends_value = True  # `when X is cancelled wait 3 days`
        ends_noun = before.is_word and (not before.is_stop or before.lower in _SOMEBODY) and (k >= 2 or told)
        after = items[k + 2] if k + 2 < len(items) else None
        takes_object = takes_object or (nxt.lower == "with" and item.lower in ("respond", "reply", "answer"))
        takes_object = takes_object or (
            phrasal(item.lower, nxt.lower) and after is not None and after.kind not in ("punct", "time")
        )
        measured = before.kind in ("quantity", "percent", "money") and nxt.is_word and not nxt.is_stop
        takes_object = takes_object or measured  # `by more than 5 percent save symbol and price`
        if takes_object and (ends_value or ends_noun):
            head: tuple[Item, ...] = items[:lead]
            own = Clause("action", items[k:], joined="", sentence=clause.sentence)
            return msgspec.structs.replace(clause, items=head), own
    return clause, None
