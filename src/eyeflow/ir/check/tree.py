"""Walking trees of any depth without the stack: children, size, what is read.

Knows: the node kinds of expressions and actions. In: trees, hostile ones too. Out: children, bounds, bare copies.
Never: types or judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from eyeflow.ir.depends import nested
from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.task import (
    Action,
    Approval,
    Conditional,
    ConnectorCall,
    Emit,
    Event,
    ForEach,
    HttpCall,
    Log,
    Respond,
    Subtask,
    Task,
    Topic,
    Transform,
    Wait,
    Webhook,
)
from eyeflow.ir.types import too_deep
from eyeflow.values import Type

Node = TypeVar("Node", Lit, Ref, Template)

MAX_EXPRESSION_DEPTH: Final = 60
MAX_EXPRESSION_NODES: Final = 20_000
MAX_BLOCK_DEPTH: Final = 16
MAX_ACTIONS: Final = 2_000


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside `expr`."""
    match expr:
        case Call(args=args):
            return args
        case Bind(source=source, body=body, rest=rest):
            return (source, body, *rest)
        case Template(parts=parts):
            return tuple(part for part in parts if isinstance(part, Ref))
        case ListExpr(items=items):
            return items
        case ObjectExpr(entries=entries):
            return tuple(entry.value for entry in entries)
        case Convert(value=value):
            return (value,)
        case _:
            return ()


def oversized(expr: Expr) -> str | None:
    """Why `expr` is too large to look at, or None."""
    stack: list[tuple[Expr, int]] = [(expr, 1)]
    seen = 0
    while stack:
        node, depth = stack.pop()
        seen += 1
        if depth > MAX_EXPRESSION_DEPTH:
            return f"the expression is nested deeper than {MAX_EXPRESSION_DEPTH} levels"
        if seen > MAX_EXPRESSION_NODES:
            return f"the expression has more than {MAX_EXPRESSION_NODES} parts"
        stack.extend((child, depth + 1) for child in children(node))
    return None


def bare(expr: Expr) -> Expr:
    """`expr` without types, spans and conversions: equal for equal meaning as written. For expressions in bounds."""
    match expr:
        case Convert(value=value):
            return bare(value)
        case Call(name, args):
            return Call(name, tuple(bare(each) for each in args))
        case Bind(name, source, item, body, rest):
            return Bind(name, bare(source), item, bare(body), tuple(bare(each) for each in rest))
        case Template(parts):
            return Template(tuple(part if isinstance(part, str) else Ref(part.root, part.path) for part in parts))
        case ListExpr(items):
            return ListExpr(tuple(bare(each) for each in items))
        case ObjectExpr(entries):
            return ObjectExpr(tuple(Entry(entry.name, bare(entry.value)) for entry in entries))
        case Ref(root, path):
            return Ref(root, path)
        case Lit(value, unit):
            return Lit(value, unit)


def conjuncts(expr: Expr) -> tuple[Expr, ...]:
    """What must all hold for `expr` to hold, bare."""
    if isinstance(expr, Call) and expr.name == "AND":
        return tuple(each for arg in expr.args for each in conjuncts(arg))
    return (bare(expr),)


def expressions(action: Action) -> Iterator[Expr]:
    """Every expression directly on `action`, not those of the actions inside."""
    yield from _of_body(action)
    if action.when is not None:
        yield action.when
    if action.fallback is not None and action.fallback.value is not None:
        yield action.fallback.value


def _of_body(action: Action) -> Iterator[Expr]:
    match action.do:
        case HttpCall() as call:
            yield call.url
            for entry in (*call.headers, *call.query, *call.params):
                yield entry.value
            if call.body is not None:
                yield call.body
        case ConnectorCall(params=params) | Subtask(params=params):
            for entry in params:
                yield entry.value
        case Conditional(cases=cases, default=default):
            for case in cases:
                yield case.when
            for block in (*(case.block for case in cases), default):
                if block.format is not None:
                    yield block.format
                if block.value is not None:
                    yield block.value
        case ForEach() as loop:
            yield loop.source
            if loop.where is not None:
                yield loop.where
            if loop.collect is not None:
                yield loop.collect
        case Wait(for_=for_, until=until):
            yield from (each for each in (for_, until) if each is not None)
        case Approval(message=message) | Log(message=message):
            yield message
        case Transform(value=value) | Emit(value=value):
            yield value
        case Respond(status=status, body=body):
            yield from (each for each in (status, body) if each is not None)


def too_large(task: Task) -> str | None:
    """Why `task` is too large to look at, or None. Safe on trees of any depth."""
    stack = [(task.actions, 1), (task.on_failure, 1)]
    seen = 0
    for expr in _outside(task):
        if (why := oversized(expr)) is not None:
            return why
    while stack:
        actions, depth = stack.pop()
        if actions and depth > MAX_BLOCK_DEPTH:
            return f"actions are nested deeper than {MAX_BLOCK_DEPTH} levels"
        for action in actions:
            seen += 1
            if seen > MAX_ACTIONS:
                return f"the task has more than {MAX_ACTIONS} actions"
            for expr in expressions(action):
                if (why := oversized(expr)) is not None:
                    return why
            if isinstance(action.do, HttpCall) and action.do.expect is not None and too_deep(action.do.expect):
                return "the type after EXPECT is nested too deep"
            stack.extend((inner, depth + 1) for inner in nested(action))
    return "a type is nested too deep" if any(too_deep(each) for each in _types(task)) else None


def _outside(task: Task) -> Iterator[Expr]:
    if task.returns is not None:
        yield task.returns
    for trigger in task.triggers:
        if isinstance(trigger, Webhook | Event | Topic) and trigger.where is not None:
            yield trigger.where
        if isinstance(trigger, Event):
            for entry in trigger.params:
                yield entry.value


def _types(task: Task) -> Iterator[Type]:
    for field in task.inputs:
        yield field.type
    for trigger in task.triggers:
        if isinstance(trigger, Webhook):
            for field in trigger.fields:
                yield field.type


def retyped(expr: Node, of: Type) -> Node:
    """The same node with another static type."""
    return msgspec.structs.replace(expr, type=of)


def type_of(expr: Expr) -> Type:
    """The static type of an expression that the checker has typed."""
    assert expr.type is not None, "the checker has not been here"
    return expr.type
