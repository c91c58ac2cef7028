"""What the parts of editing share: a piece of a change, places in a task, and what came of it.

Knows: where actions lie in a task. In: tasks. Out: `Edited`, walks and rebuilt trees. Never: reads words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.intent import Assumption, Question, Refusal
from eyeflow.frontend.items import Item
from eyeflow.frontend.timegrammar import TimePhrase
from eyeflow.frontend.vocabulary import Entry, Vocabulary
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Entry as Given
from eyeflow.ir.expr import Expr

Answers: TypeAlias = tuple[tuple[str, str], ...]


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """`task` is changed, and not checked; None while something is asked or refused."""

    task: ir.Task | None = None
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


class Piece(msgspec.Struct, frozen=True, eq=False):
    """One change: its items, the time phrases among its words, the whole text and what it is read with."""

    items: tuple[Item, ...]
    times: tuple[TimePhrase, ...]
    text: str
    ctx: CompileContext
    vocab: Vocabulary
    answers: Answers = ()

    @property
    def lowered(self) -> tuple[str, ...]:
        """The words as they are compared."""
        return tuple(item.lower for item in self.items)

    @property
    def said(self) -> str:
        """The words as they were said."""
        return self.text[self.items[0].span.start : self.items[-1].span.end] if self.items else ""

    def answer(self, slot: str) -> str | None:
        """What a person answered under `slot`."""
        return next((said.strip() for name, said in self.answers if name == slot), None)


class Done(msgspec.Struct, frozen=True):
    """What one kind of change made of a piece: the task, or a question, or the reason against it."""

    task: ir.Task | None = None
    questions: tuple[Question, ...] = ()
    why: str = ""
    assumptions: tuple[Assumption, ...] = ()


def walk(actions: Sequence[ir.Action]) -> Iterator[ir.Action]:
    """Every action of a tree, each before what is inside it."""
    for action in actions:
        yield action
        yield from walk(inside(action))


def inside(action: ir.Action) -> tuple[ir.Action, ...]:
    """The actions an action holds: branches, loops, fallbacks."""
    return tuple(each for held in lists_of(action) for each in held)


def lists_of(action: ir.Action) -> tuple[tuple[ir.Action, ...], ...]:
    """The same, each list for itself."""
    held: tuple[tuple[ir.Action, ...], ...] = ()
    match action.do:
        case ir.Conditional(cases=cases, default=default):
            held = (*(case.block.actions for case in cases), default.actions)
        case ir.ForEach(actions=actions):
            held = (actions,)
    return (*held, action.fallback.actions) if action.fallback is not None else held


Change: TypeAlias = Callable[[tuple[ir.Action, ...]], tuple[ir.Action, ...]]


def rebuilt(actions: tuple[ir.Action, ...], change: Change) -> tuple[ir.Action, ...]:
    """The tree with `change` made to every list of actions, inner ones first."""
    return change(tuple(_within(action, change) for action in actions))


def _within(action: ir.Action, change: Change) -> ir.Action:
    do = action.do
    match do:
        case ir.Conditional(cases=cases, default=default):
            held = tuple(ir.Case(case.when, _block(case.block, change)) for case in cases)
            do = msgspec.structs.replace(do, cases=held, default=_block(default, change))
        case ir.ForEach(actions=inner):
            do = msgspec.structs.replace(do, actions=rebuilt(inner, change))
    fallback = action.fallback
    if fallback is not None and fallback.actions:
        fallback = msgspec.structs.replace(fallback, actions=rebuilt(fallback.actions, change))
    return msgspec.structs.replace(action, do=do, fallback=fallback)


def _block(block: ir.Block, change: Change) -> ir.Block:
    return msgspec.structs.replace(block, actions=rebuilt(block.actions, change)) if block.actions else block


def entry_of(action: ir.Action, vocab: Vocabulary) -> Entry | None:
    """The catalog's words about the capability an action calls."""
    if not isinstance(action.do, ir.ConnectorCall):
        return None
    bound = action.do.bound
    return vocab.entry(bound.service if bound is not None else action.do.connector, action.do.function)


def output_of(action: ir.Action) -> str:
    """The name under which an action's result is spoken of."""
    return action.output or action.name


def swapped(actions: tuple[ir.Action, ...], old: ir.Action, new: ir.Action) -> tuple[ir.Action, ...]:
    """The tree with `new` where the action called like `old` is."""
    return rebuilt(actions, lambda held: tuple(new if each.name == old.name else each for each in held))


def with_params(action: ir.Action, values: Mapping[str, Expr | None]) -> ir.Action:
    """A call with these parameters; None takes one away."""
    if not values or not isinstance(action.do, ir.ConnectorCall):
        return action
    there = {each.name: each.value for each in action.do.params}
    made = {**there, **values}
    kept = tuple(Given(name, value) for name, value in made.items() if value is not None)
    return msgspec.structs.replace(action, do=msgspec.structs.replace(action.do, params=kept))
