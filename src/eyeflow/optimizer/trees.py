"""Trees rebuilt: expressions, the actions that hold them, the scopes that hold those.

Knows: where expressions and scopes stand inside actions, what of a scope is read after it. In: checked actions and a
change. Out: new actions. Never: decides what to change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir import depends
from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.task import (
    Action,
    Approval,
    Block,
    Case,
    Conditional,
    ConnectorCall,
    Emit,
    ForEach,
    HttpCall,
    Log,
    Respond,
    Subtask,
    Task,
    Transform,
    Wait,
)
from eyeflow.optimizer.facts import changes
from eyeflow.optimizer.siblings import Siblings

Change: TypeAlias = Callable[[Expr], Expr]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a list of actions stands. `path`: names of the actions around it, joined by dots. `read_after`: the
    outputs that somebody reads once it is done. `gives_last`: its value is its last action's output. `beside`: the
    services that other actions may write to while it runs (`*`: any)."""

    path: str = ""
    read_after: frozenset[str] = frozenset()
    gives_last: bool = False
    beside: Callable[[], frozenset[str]] = frozenset

    def of(self, action: Action) -> str:
        """The path of an action of this list."""
        return f"{self.path}.{action.name}" if self.path else action.name


Inner: TypeAlias = Callable[[tuple[Action, ...], frozenset[str], bool], tuple[Action, ...]]
"""A change to the actions of a nested list: they, the names read after it, whether it gives its last one's output."""

Scope: TypeAlias = Callable[[tuple[Action, ...], Place], tuple[Action, ...]]


def rebuilt(expr: Expr, change: Change) -> Expr:
    """`expr` with `change` made to every node, the inner ones first. Paths inside templates are left alone."""
    return change(with_parts(expr, lambda part: rebuilt(part, change)))


def with_parts(expr: Expr, change: Change) -> Expr:
    """`expr` with `change` made to the expressions directly inside it, but for paths inside templates."""
    match expr:
        case Call(args=args):
            return replace(expr, args=tuple(change(arg) for arg in args))
        case Bind(source=source, body=body, rest=rest):
            return replace(expr, source=change(source), body=change(body), rest=tuple(change(arg) for arg in rest))
        case ListExpr(items=items):
            return replace(expr, items=tuple(change(item) for item in items))
        case ObjectExpr(entries=entries):
            return replace(expr, entries=_entries(entries, change))
        case Convert(value=value):
            return replace(expr, value=change(value))
        case Lit() | Ref() | Template():
            return expr


def bare(expr: Expr) -> Expr:
    """`expr` without spans, so that equal expressions are equal values; types and conversions stay."""

    def spanless(node: Expr) -> Expr:
        if isinstance(node, Template):
            parts = tuple(part if isinstance(part, str) else replace(part, span=None) for part in node.parts)
            return replace(node, parts=parts, span=None)
        return replace(node, span=None)

    return rebuilt(expr, spanless)


def with_expressions(action: Action, change: Change) -> Action:
    """`action` with `change` made to each whole expression on it, not those of the actions inside; addresses of
    calls by URL and FORMAT texts are left alone, for they have no other form."""
    when = None if action.when is None else change(action.when)
    fallback = action.fallback
    if fallback is not None and fallback.value is not None:
        fallback = replace(fallback, value=change(fallback.value))
    action = replace(action, when=when, fallback=fallback)
    match action.do:
        case HttpCall(headers=headers, query=query, body=body, params=params) as do:
            more = {"headers": _entries(headers, change), "query": _entries(query, change)}
            do = replace(do, **more, body=_maybe(body, change), params=_entries(params, change))
            return replace(action, do=do)
        case ConnectorCall(params=params) | Subtask(params=params):
            return replace(action, do=replace(action.do, params=_entries(params, change)))
        case Conditional(cases=cases, default=default):
            branches = tuple(Case(change(case.when), _block(case.block, change)) for case in cases)
            return replace(action, do=Conditional(cases=branches, default=_block(default, change)))
        case ForEach(source=source, where=where, collect=collect) as loop:
            loop = replace(loop, source=change(source), where=_maybe(where, change), collect=_maybe(collect, change))
            return replace(action, do=loop)
        case Transform(value=value) | Emit(value=value):
            return replace(action, do=replace(action.do, value=change(value)))
        case Wait(for_=length, until=until):
            return replace(action, do=Wait(for_=_maybe(length, change), until=_maybe(until, change)))
        case Approval(message=message) | Log(message=message):
            return replace(action, do=replace(action.do, message=change(message)))
        case Respond(status=status, body=body):
            return replace(action, do=Respond(status=_maybe(status, change), body=_maybe(body, change)))


def with_scopes(action: Action, change: Inner) -> Action:
    """`action` with `change(actions, read_after, gives_last)` made to each list of actions directly inside it."""
    fallback = action.fallback
    if fallback is not None and fallback.actions:
        fallback = replace(fallback, actions=change(fallback.actions, frozenset(), True))
        action = replace(action, fallback=fallback)
    match action.do:
        case Conditional(cases=cases, default=default):

            def inside(block: Block) -> Block:
                return replace(block, actions=change(block.actions, frozenset(), True)) if block.actions else block

            branches = tuple(Case(case.when, inside(case.block)) for case in cases)
            return replace(action, do=Conditional(cases=branches, default=inside(default)))
        case ForEach(actions=actions, collect=collect) as loop if actions:
            made = change(actions, frozenset(depends.roots(collect)), False)
            return replace(action, do=replace(loop, actions=made))
        case _:
            return action


def every_scope(task: Task, ctx: CompileContext, change: Scope) -> Task:
    """`task` with `change` made to every list of its actions, the inner ones first. ON_FAILURE stays as it is."""
    after = {*depends.roots(task.returns), *(name for each in task.on_failure for name in depends.names_read(each))}
    return replace(task, actions=_scope(task.actions, Place(read_after=frozenset(after)), ctx, change))


def _scope(actions: tuple[Action, ...], place: Place, ctx: CompileContext, change: Scope) -> tuple[Action, ...]:
    siblings = Siblings(actions, ctx)

    def nested(number: int, action: Action) -> Action:
        def beside() -> frozenset[str]:
            parallel = isinstance(action.do, ForEach) and (action.do.parallel or 1) > 1
            own = changes(action, ctx) if parallel else frozenset[str]()
            return place.beside() | siblings.beside(number) | own

        def inner(scope: tuple[Action, ...], read_after: frozenset[str], gives_last: bool) -> tuple[Action, ...]:
            inside = Place(path=place.of(action), read_after=read_after, gives_last=gives_last, beside=beside)
            return _scope(scope, inside, ctx, change)

        return with_scopes(action, inner)

    return change(tuple(nested(number, action) for number, action in enumerate(actions, 1)), place)


def _block(block: Block, change: Change) -> Block:
    return replace(block, value=_maybe(block.value, change))


def _maybe(expr: Expr | None, change: Change) -> Expr | None:
    return None if expr is None else change(expr)


def _entries(entries: tuple[Entry, ...], change: Change) -> tuple[Entry, ...]:
    return tuple(Entry(entry.name, change(entry.value)) for entry in entries)
