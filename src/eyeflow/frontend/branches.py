"""Conditions of a sentence become branches: what governs what, and what is done otherwise.

Knows: leading and trailing conditions, elliptical subjects across arms. In: `If` nodes, the state so far, the function
that builds nodes. Out: the state with the branches. Never: reads a comparison itself (that is `conditions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from eyeflow.frontend import conditions
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.intent import Action, Branch
from eyeflow.frontend.policies import Policies
from eyeflow.frontend.rewording import FOR_ALL, LAST_ONLY
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.tree import If, Loop, Node
from eyeflow.values import Span, Type

Build: TypeAlias = Callable[[Sequence[Node], Scope, Policies], Scope]


class Built(msgspec.Struct, frozen=True, eq=False):
    """State across nodes of one level: the scope, and the last subject a condition had."""

    scope: Scope
    subject: tuple[str, Type] | None = None


def branch(node: If, state: Built, policies: Policies, build: Build) -> Built:
    if node.trailing:
        return _trailing(node, state, policies, build)
    scope, subject = state.scope, state.subject
    branches: list[Branch] = []
    for arm in node.arms:
        made = _condition(arm.clause, arm.negated, scope, subject)
        if made is None:
            inside = words_of((*(n for each in node.arms for n in each.body), *node.otherwise))
            return msgspec.structs.replace(state, scope=unread(arm.clause, scope).explain(inside))
        expr, scope, subject = made
        inner, scope = _inside(arm.body, scope, policies, build)
        branches.append(Branch(when=expr, actions=inner))
    default: tuple[Action, ...] = ()
    if node.otherwise:
        default, scope = _inside(node.otherwise, scope, policies, build)
    name, scope = scope.name("choice")
    after = scope.act(Action(id=name, branches=tuple(branches), default=default, span=node.arms[0].clause.span))
    return Built(after, subject)


def _inside(nodes: Sequence[Node], scope: Scope, policies: Policies, build: Build) -> tuple[tuple[Action, ...], Scope]:
    """Nodes in a scope of their own: their actions, and the outer scope with what was asked inside."""
    inner = build(nodes, scope.put(actions=()), policies)
    return inner.actions, inner.put(actions=scope.actions, sources=scope.sources)


def _condition(
    clause: Clause, negated: bool, scope: Scope, subject: tuple[str, Type] | None
) -> tuple[str, Scope, tuple[str, Type] | None] | None:
    if clause.expr:
        return (negate(clause.expr) if negated else clause.expr), scope, subject
    told = scope.told_at(said_at(clause))
    if told is not None and told not in (LAST_ONLY, FOR_ALL):
        done = scope.explain({i.index for i in (*clause.items, *clause.cue_items)})
        return (negate(told) if negated else told), done, subject
    made = conditions.read(clause.items, scope, None, subject)
    if made is None:
        return None
    done = made.scope.explain({i.index for i in clause.items} - set(made.unexplained))
    done = done.explain({i.index for i in clause.cue_items})
    return (negate(made.expr) if negated else made.expr), done, made.subject


def unread(clause: Clause, scope: Scope) -> Scope:
    span = said_at(clause)
    said = scope.text[span.start : span.end]
    asked = scope.ask("condition", f"When exactly is “{said}” true? Name a value to compare with.", (), span)
    return asked.explain({i.index for i in clause.items})


def said_at(clause: Clause) -> Span:
    """Where the clause stands without its cue: an answer is read in place of these words."""
    items = clause.items or clause.cue_items
    return Span(items[0].span.start, items[-1].span.end) if items else clause.span


def words_of(nodes: Sequence[Node]) -> set[int]:
    """All items of nodes that are not built, because what they hang on is asked first."""
    found: set[int] = set()
    for node in nodes:
        if isinstance(node, If):
            clauses = [arm.clause for arm in node.arms]
            inner = (*(n for arm in node.arms for n in arm.body), *node.otherwise)
        else:
            clauses = [node.clause, *node.excluded]
            inner = node.body if isinstance(node, Loop) else node.rescue
        found |= {i.index for clause in clauses for i in (*clause.items, *clause.cue_items)} | words_of(inner)
    return found


def _trailing(node: If, state: Built, policies: Policies, build: Build) -> Built:
    """`email me the balance if it is under 10`: reads stay outside, what changes something goes under the condition."""
    arm = node.arms[0]
    scope = state.scope
    several = bool(scope.actions) and not _reads(scope.actions[-1], scope)
    if node.unclear and several and scope.told_at(said_at(arm.clause)) is None:
        said = scope.text[arm.clause.span.start : arm.clause.span.end]
        asked = f"Does “{said}” hold for the last action alone, or for all of them?"
        scope = scope.ask("condition.scope", asked, (LAST_ONLY, FOR_ALL), said_at(arm.clause))
    before = len(scope.actions)
    scope = build(arm.body, scope, policies)
    mine = scope.actions[before:]
    made = _condition(arm.clause, arm.negated, scope, state.subject)
    if made is None:
        return msgspec.structs.replace(state, scope=unread(arm.clause, scope))
    expr, scope, subject = made
    fetched = scope.actions[before + len(mine) :]
    reads = tuple(a for a in mine if _reads(a, scope))
    acts = tuple(a for a in mine if not _reads(a, scope))
    kept = (*scope.actions[:before], *reads, *fetched)
    default: tuple[Action, ...] = ()
    if node.otherwise:
        default, scope = _inside(node.otherwise, scope, policies, build)
    name, scope = scope.name("choice")
    branch = Action(id=name, branches=(Branch(when=expr, actions=acts),), default=default, span=arm.clause.span)
    return Built(scope.put(actions=(*kept, branch)), subject)


def _reads(action: Action, scope: Scope) -> bool:
    if action.value is not None:
        return True
    if action.service is None or action.function is None:
        return False
    entry = scope.vocab.entry(action.service, action.function)
    return entry is not None and entry.reads
