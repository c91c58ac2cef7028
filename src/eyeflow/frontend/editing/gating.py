"""What has to hold, or to be said, first: "ask me before", "only if it is above 10 degrees", "otherwise post ...".

Knows: which actions a gate is for and in which list it stands. In: a piece, a task. Out: `Done`.
Never: asks once for every item of a loop, puts a gate before what only reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend import approvals, conditions, pauses
from eyeflow.frontend.clauses import ACTION, Clause
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.adding import answered, beside
from eyeflow.frontend.editing.naming import changes, effects, named
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, lists_of, rebuilt, swapped, walk
from eyeflow.frontend.editing.reach import reach
from eyeflow.frontend.intent import Assumption
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, stem
from eyeflow.frontend.resolve import longest, resolve_actions
from eyeflow.frontend.scope import Scope
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Call, Expr, Template
from eyeflow.ir.text import parse_expression

_LEADS = ("only", "but", "just", "and", "do", "it", "run", "please")
_IFS = ("if", "when", "unless")


def gate(piece: Piece, task: ir.Task) -> Done | None:
    """The task with a gate more; None when the piece says nothing of that kind."""
    for read in (_other_role, _approval, _otherwise, _condition):
        done = read(piece, task)
        if done is not None:
            return done
    return None


# --- approvals -----------------------------------------------------------------------------------------------------


def _approval(piece: Piece, task: ir.Task) -> Done | None:
    """`ask me first`, `ask me before emailing it`: an approval before the actions that are meant."""
    items = [i for i in piece.items if i.kind != "punct" and i.lower not in words("edits", "adding")]
    if items and items[-1].lower == "before":  # `ask me before`: before anything is done
        items[-1] = msgspec.structs.replace(items[-1], lower="first", stem=stem("first"))
    asked = approvals.asked_in(items)
    if asked is None or (asked.start > 0 and any(i.lower not in _LEADS for i in items[: asked.start])):
        return None
    gated = [a for a in effects(task, piece) if not isinstance(a.do, ir.Wait | ir.Approval)]
    about = [i for i in items[asked.end :] if i.lower not in words("edits", "doing")] if asked.next else []
    rest = items[asked.end :] if not asked.next else []
    if any(i.lower not in words("edits", "doing") for i in rest) or not gated:
        return None if gated else Done(why="no action here does anything that could be approved")
    if about:
        gated = named(about, gated, piece)
        if not gated:
            return None  # it may be an action to be added: `also ask me before refunding it`
    step = Clause(ACTION, tuple(items[asked.start : asked.end]), cue=pauses.ASKING)
    found = _places(task.actions, gated)
    changed, assumed = task, tuple[Assumption, ...]()
    for first in found:
        scope = pauses.read(step, step.items, reach(piece, changed, first))
        assert scope is not None, "the clause is an approval"
        scope, open_ = answered(piece, scope)
        if open_:
            return Done(questions=scope.questions)
        made, report = resolve_actions(scope.actions, piece.ctx)
        if not report.ok or not made or not isinstance(made[0].do, ir.Approval):
            return Done(why=report.errors[0].message if report.errors else "this asks nothing")
        own = msgspec.structs.replace(made[0], do=_asking(made[0].do, _under(changed, first, gated), piece))
        changed = msgspec.structs.replace(changed, actions=_before(changed.actions, own, first))
        assumed = scope.assumptions
    return Done(task=changed, assumptions=assumed)


def _asking(approval: ir.Approval, gated: Sequence[ir.Action], piece: Piece) -> ir.Approval:
    """The question names what it is about."""
    said = [entry.spec.summary for action in gated if (entry := entry_of(action, piece.vocab)) is not None]
    told = ", ".join(dict.fromkeys(each.rstrip(".")[0].lower() + each.rstrip(".")[1:] for each in said if each))
    match approval.message:
        case Template(parts=parts) if told and parts and isinstance(parts[0], str):
            first = parts[0].replace("May this go on?", f"May this go on: “{told}”?", 1)
            return msgspec.structs.replace(approval, message=Template((first, *parts[1:])))
    return approval


def _under(task: ir.Task, name: str, gated: Sequence[ir.Action]) -> list[ir.Action]:
    """The gated actions that the action `name` is or holds."""
    action = next(a for a in walk(task.actions) if a.name == name)
    names = {each.name for each in gated}
    return [each for each in walk((action,)) if each.name in names]


def _places(actions: tuple[ir.Action, ...], gated: Sequence[ir.Action]) -> list[str]:
    """In every list that holds gated actions, the action before which the gate stands.

    A loop is gated as a whole; the branches of a choice each for themselves.
    """
    names = {action.name for action in gated}
    found: list[str] = []

    def look(held: tuple[ir.Action, ...]) -> None:
        here = [a for a in held if a.name in names or (isinstance(a.do, ir.ForEach) and _any_in(a, names))]
        if here:
            found.append(here[0].name)
        for action in held:
            if action not in here:
                for inner in lists_of(action):
                    look(inner)

    look(actions)
    return found


def _any_in(action: ir.Action, names: set[str]) -> bool:
    return any(each.name in names for held in lists_of(action) for each in walk(held))


def _before(actions: tuple[ir.Action, ...], own: ir.Action, first: str) -> tuple[ir.Action, ...]:
    """The tree with the gate before `first`, and what follows it in that list behind the gate."""

    def change(held: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        at = next((k for k, action in enumerate(held) if action.name == first), None)
        if at is None:
            return held
        behind = (msgspec.structs.replace(a, after=(*a.after, own.name)) for a in held[at:])
        return (*held[:at], own, *behind)

    return rebuilt(actions, change)


def _other_role(piece: Piece, task: ir.Task) -> Done | None:
    """`ask the owner instead of me`, `the approver should approve`: somebody else decides."""
    lowered = piece.lowered
    held = [a for a in walk(task.actions) if isinstance(a.do, ir.Approval)]
    new = next((approvals.roles()[word] for word in lowered if word in approvals.roles()), None)
    rest = [i.lower for i in piece.items if i.kind != "punct" and i.lower not in approvals.roles()]
    if new is None or not held or any(word not in words("edits", "deciding") for word in rest):
        return None
    changed = task
    for action in held:
        assert isinstance(action.do, ir.Approval), "approvals were looked for"
        own = msgspec.structs.replace(action, do=msgspec.structs.replace(action.do, role=new))
        changed = msgspec.structs.replace(changed, actions=swapped(changed.actions, action, own))
    return Done(task=changed)


# --- conditions ----------------------------------------------------------------------------------------------------


def _condition(piece: Piece, task: ir.Task) -> Done | None:
    """`only if it is above 10 degrees`: what is done is done only then; what the condition needs is read before."""
    items = list(piece.items)
    while items and items[0].lower in _LEADS:
        items.pop(0)
    if not items or items[0].lower not in _IFS:
        return None
    events = [t for t in task.triggers if isinstance(t, ir.Event)]
    if events and len(task.triggers) == 1:
        return None  # it narrows the event
    gated = [a for a in effects(task, piece) if not isinstance(a.do, ir.Wait)]
    if not gated:
        return Done(why="no action here does anything, so there is nothing to hold to that")
    found = _places(task.actions, gated)
    if len(found) > 1:
        return Done(why="this does different things in different cases; say the whole request anew")
    first = found[0]
    held = [i for i in items[1:] if i.kind != "punct"]
    made = conditions.read(held, reach(piece, task, first))
    if made is None or made.unexplained:
        return Done(why=f"“{piece.said}” is no condition that can be read here")
    scope, open_ = answered(piece, made.scope)
    if open_:
        return Done(questions=scope.questions)
    text = negate(made.expr) if items[0].lower == "unless" else made.expr
    expr, report = parse_expression(text)
    reads, found_too = resolve_actions(scope.actions, piece.ctx)
    if expr is None or not report.ok or not found_too.ok:
        return Done(why=f"“{piece.said}” is no condition that can be read here")
    return Done(task=_held_to(piece, task, scope, reads, (first, expr)), assumptions=scope.assumptions)


def _held_to(
    piece: Piece, task: ir.Task, scope: Scope, reads: tuple[ir.Action, ...], held: tuple[str, Expr]
) -> ir.Task:
    first, expr = held

    def change(actions: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        at = next((k for k, action in enumerate(actions) if action.name == first), None)
        if at is None:
            return actions
        tail = tuple(_only_when(a, expr) if _does(a, piece) else a for a in actions[at:])
        return (*actions[:at], *reads, *tail)

    changed = msgspec.structs.replace(task, actions=rebuilt(task.actions, change))
    if task.deadline_ms is None:
        return changed
    return msgspec.structs.replace(changed, deadline_ms=task.deadline_ms + longest(scope.actions, piece.ctx))


def _does(action: ir.Action, piece: Piece) -> bool:
    return any(changes(each, piece) for each in walk((action,)))


def _only_when(action: ir.Action, expr: Expr) -> ir.Action:
    return msgspec.structs.replace(action, when=expr if action.when is None else Call("AND", (action.when, expr)))


def _otherwise(piece: Piece, task: ir.Task) -> Done | None:
    """`otherwise post "Fine" to #team`: the other side of the one choice there is."""
    if piece.lowered[:1] not in (("otherwise",), ("else",)):
        return None
    items: tuple[Item, ...] = tuple(i for i in piece.items[1:] if i.kind != "punct")
    if not items or not is_base_verb(items[0].lower):
        return Done(why=f"“{piece.said}” does not say what is to be done otherwise")
    choices = [a for a in walk(task.actions) if isinstance(a.do, ir.Conditional)]
    if len(choices) != 1:
        return Done(why="there is no choice here" if not choices else "there are several choices here")
    choice = choices[0]
    assert isinstance(choice.do, ir.Conditional), "choices were looked for"
    if choice.do.default != ir.Block():
        return Done(why="this choice has an “otherwise” already; remove it first, or change its values")
    done = beside(piece, items, task, choice.name)
    if done.task is None:
        return done
    there = {action.name for action in walk(task.actions)}
    new = tuple(action for action in walk(done.task.actions) if action.name not in there)
    default = ir.Block(actions=tuple(msgspec.structs.replace(a, when=None) for a in new))
    own = msgspec.structs.replace(choice, do=msgspec.structs.replace(choice.do, default=default))
    changed = msgspec.structs.replace(done.task, actions=swapped(task.actions, choice, own))
    return msgspec.structs.replace(done, task=changed)
