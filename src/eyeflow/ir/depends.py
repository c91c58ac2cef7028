"""What waits for what: the data dependencies of a scope's actions.

Knows: which names an expression reads, what a block defines for itself, what AFTER means.
In: the actions of one scope, in the order of the text. Out: for each, the earlier or later siblings it needs.
Never: orders or groups (that is the optimizer), reads catalogs, looks at types.

A name inside a block belongs to the block when the block defines it before; else it is free, and the action that
holds the block needs whoever defines it. Text order alone makes nobody wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.task import (
    Action,
    Approval,
    Block,
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


def needs(actions: tuple[Action, ...]) -> tuple[tuple[int, ...], ...]:
    """For each action the numbers (from 1, sorted) of the siblings that must have finished before it starts.

    Data comes from the nearest earlier sibling with that OUTPUT; AFTER may also name a later one, by its action
    name or, failing that, its OUTPUT. Names of other scopes make nobody wait here.
    """
    numbers = {action.name: number for number, action in enumerate(actions, 1)}
    outputs = {action.output: number for number, action in enumerate(actions, 1) if action.output is not None}
    defined: dict[str, int] = {}
    found: list[tuple[int, ...]] = []
    for number, action in enumerate(actions, 1):
        on = {defined[name] for name in names_read(action) if name in defined}
        for name in waits_for(action):
            on.add(numbers.get(name) or outputs.get(name) or number)
        on.discard(number)
        found.append(tuple(sorted(on)))
        if action.output is not None:
            defined[action.output] = number
    return tuple(found)


def stages(needed: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Action numbers grouped so that each group needs only earlier groups; shorter than the input on a cycle."""
    done: set[int] = set()
    groups: list[tuple[int, ...]] = []
    while True:
        ready = tuple(n for n, on in enumerate(needed, 1) if n not in done and done.issuperset(on))
        if not ready:
            return tuple(groups)
        groups.append(ready)
        done.update(ready)


def start_order(needed: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """Action numbers so that each comes after all it needs, else as the text has them; needs no cycle."""
    left = [len(set(on)) for on in needed]
    wakes: dict[int, list[int]] = {}
    for number, on in enumerate(needed, 1):
        for each in set(on):
            wakes.setdefault(each, []).append(number)
    ready = [number for number, count in enumerate(left, 1) if count == 0]
    order: list[int] = []
    while ready:
        number = heappop(ready)
        order.append(number)
        for each in wakes.get(number, ()):
            left[each - 1] -= 1
            if left[each - 1] == 0:
                heappush(ready, each)
    return tuple(order)


def names_read(action: Action) -> frozenset[str]:
    """The root names, of outside the action, that it or anything inside it reads."""
    return frozenset(_of_action(action))


def waits_for(action: Action) -> frozenset[str]:
    """The AFTER names of the action, and those of nested ones that their own scope does not know."""
    found = set(action.after)
    for scope in nested(action):
        known = {each.name for each in scope} | {each.output for each in scope}
        for inner in scope:
            found.update(waits_for(inner) - known)
    return frozenset(found)


def nested(action: Action) -> tuple[tuple[Action, ...], ...]:
    """The scopes directly inside `action`: branches in order, a loop's body, the fallback's actions."""
    scopes: list[tuple[Action, ...]] = []
    match action.do:
        case Conditional(cases=cases, default=default):
            scopes.extend(case.block.actions for case in cases)
            scopes.append(default.actions)
        case ForEach(actions=actions):
            scopes.append(actions)
        case _:
            pass
    if action.fallback is not None:
        scopes.append(action.fallback.actions)
    return tuple(scope for scope in scopes if scope)


def actions_within(task: Task) -> Iterator[Action]:
    """Every action of `task`, those inside others and those of ON_FAILURE too, in the order of the text."""
    stack = list(reversed((*task.actions, *task.on_failure)))
    while stack:
        action = stack.pop()
        yield action
        stack.extend(reversed([inner for scope in nested(action) for inner in scope]))


def roots(expr: Expr | None) -> Iterator[str]:
    """The free root names of an expression; a binder's item is not free in its body."""
    match expr:
        case None | Lit():
            return
        case Ref(root=root):
            yield root
        case Call(args=args):
            for arg in args:
                yield from roots(arg)
        case Bind(source=source, item=item, body=body, rest=rest):
            yield from roots(source)
            yield from (name for name in roots(body) if name != item)
            for arg in rest:
                yield from roots(arg)
        case Template(parts=parts):
            yield from (part.root for part in parts if isinstance(part, Ref))
        case ListExpr(items=items):
            for item_expr in items:
                yield from roots(item_expr)
        case ObjectExpr(entries=entries):
            yield from _of_entries(entries)
        case Convert(value=value):
            yield from roots(value)


def _of_entries(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        yield from roots(entry.value)


def _of_action(action: Action) -> Iterator[str]:
    yield from roots(action.when)
    yield from _of_body(action)
    if action.fallback is not None:
        yield from roots(action.fallback.value)
        yield from _of_scope(action.fallback.actions, None)


def _of_body(action: Action) -> Iterator[str]:
    match action.do:
        case HttpCall(url=url, headers=headers, query=query, body=body, params=params):
            yield from roots(url)
            yield from roots(body)
            for entries in (headers, query, params):
                yield from _of_entries(entries)
        case ConnectorCall(params=params) | Subtask(params=params):
            yield from _of_entries(params)
        case Conditional(cases=cases, default=default):
            for case in cases:
                yield from roots(case.when)
                yield from _of_block(case.block)
            yield from _of_block(default)
        case Transform(value=value) | Emit(value=value):
            yield from roots(value)
        case ForEach(item=item, source=source, where=where, actions=actions, collect=collect):
            yield from roots(source)
            inside = set(roots(where)) | set(_of_scope(actions, collect))
            yield from inside - {item}
        case Wait(for_=length, until=until):
            yield from roots(length)
            yield from roots(until)
        case Approval(message=message) | Log(message=message):
            yield from roots(message)
        case Respond(status=status, body=body):
            yield from roots(status)
            yield from roots(body)


def _of_block(block: Block) -> Iterator[str]:
    yield from roots(block.format)
    yield from roots(block.value)
    yield from _of_scope(block.actions, None)


def _of_scope(actions: tuple[Action, ...], last: Expr | None) -> Iterator[str]:
    """Free names of a nested scope; `last` is an expression that sees all of its outputs."""
    own: set[str] = set()
    for action in actions:
        yield from (name for name in _of_action(action) if name not in own)
        if action.output is not None:
            own.add(action.output)
    yield from (name for name in roots(last) if name not in own)
