"""Answers to questions complete an intent without starting over.

Knows: how a slot names an action's parameter or a part of the trigger. In: a scope and answers by slot.
Out: the scope with answered parameters filled and their questions gone. Never: asks again what was answered.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend.build import answer_value
from eyeflow.frontend.intent import Action, Branch, Fallback, Question
from eyeflow.frontend.scope import Scope


def _owner(action: Action, slot: str) -> str | None:
    """The parameter of `action` that `slot` names: `action.param`, `service.param`, or `param` alone."""
    owner, _, name = slot.rpartition(".")
    if owner in ("", action.id, action.service or "-"):
        return name
    return None


def apply(scope: Scope, answers: Sequence[tuple[str, str]]) -> Scope:
    """`scope` with every answer that fits put in its place."""
    for slot, value in answers:
        scope = scope.put(actions=tuple(_answered(a, slot, value, scope) for a in scope.actions))
        scope = scope.put(questions=tuple(q for q in scope.questions if not _same(q, slot, scope)))
    return scope


def _answered(action: Action, slot: str, value: str, scope: Scope) -> Action:
    action = msgspec.structs.replace(
        action,
        actions=tuple(_answered(a, slot, value, scope) for a in action.actions),
        branches=tuple(
            Branch(when=b.when, actions=tuple(_answered(a, slot, value, scope) for a in b.actions))
            for b in action.branches
        ),
        default=tuple(_answered(a, slot, value, scope) for a in action.default),
    )
    if action.fallback is not None:
        inner = tuple(_answered(a, slot, value, scope) for a in action.fallback.actions)
        action = msgspec.structs.replace(
            action, fallback=Fallback(actions=inner, value=action.fallback.value, then=action.fallback.then)
        )
    name = _owner(action, slot)
    if action.service is None or name is None or name in action.params:
        return action
    entry = scope.vocab.entry(action.service, action.function or "")
    param = entry.capability.param(name) if entry is not None else None
    if param is None:
        return action
    return msgspec.structs.replace(action, params={**action.params, name: answer_value(param, value)})


def _same(question: Question, slot: str, scope: Scope) -> bool:
    if question.slot == slot:
        return True
    owner, _, name = question.slot.rpartition(".")
    wanted, _, wanted_name = slot.rpartition(".")
    if name != wanted_name:
        return False
    services = {a.id: a.service for a in scope.actions}
    return not wanted or wanted in (owner, services.get(owner))
