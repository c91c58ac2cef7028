"""Parameters that an action needs and nobody gave: each is a question, with options where some are known.

Knows: words that say which one without a value (`that noisy monitor`), whose number is asked for, defaults as options.
In: the reading chosen and its action. Out: a scope with questions. Never: fills one in.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend import unable
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.handling.receivers import addressed
from eyeflow.frontend.intent import Action
from eyeflow.frontend.items import Item
from eyeflow.frontend.scope import Scope, asking
from eyeflow.frontend.vocabulary import RECIPIENTS, Entry, split_name
from eyeflow.values import Field


def ask(best: Chosen, action: Action, items: Sequence[Item], scope: Scope) -> Scope:
    """Questions for required parameters without a value; answers given are put in their place."""
    left = set(best.unexplained)
    for param in best.open:
        slot = f"{action.id}.{param.name}"
        text, options = _question(best.entry, param, scope)
        who = addressed(items, scope.vocab) if param.entity in RECIPIENTS else []
        if who:  # one question about `text Maria`: her number
            said = scope.text[who[0].span.start : who[-1].span.end]
            text, scope = f"{text} That of “{said}”.", scope.explain({i.index for i in who})
            left -= {i.index for i in who}
        beside = _beside(param, items, left) if not who else []
        if beside:
            said = scope.text[beside[0].span.start : beside[-1].span.end]
            text, scope = f"{text} You said “{said}”.", scope.explain({i.index for i in beside})
            left -= {i.index for i in beside}
        scope = scope.ask(slot, text, options, action.span)
    unset = unable.changes_nothing(best, items)
    if unset:
        text, options = _question(best.entry, unset[0], scope)
        if len(unset) > 1:
            text = f"{best.entry.service.title}: what should change? Say the {_either(unset)} it gets."
            options = ()
        scope = scope.ask(f"{action.id}.{unset[0].name}", text, options, action.span)
    return scope


def _beside(param: Field, items: Sequence[Item], left: set[int]) -> list[Item]:
    """`that noisy monitor`: words that say which one, though nobody could read them, with what is asked for."""
    names = split_name(param.name)
    for at, item in enumerate(items):
        if not item.is_word or item.stem not in names:
            continue
        first = at
        while first > 1 and items[first - 1].index in left and items[first - 1].is_word:
            first -= 1
        if first < at:
            return list(items[first : at + 1])
    return []


def _either(params: Sequence[Field]) -> str:
    names = [p.name.replace("_", " ") for p in params]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _question(entry: Entry, param: Field, scope: Scope) -> tuple[str, tuple[str, ...]]:
    known = dict(scope.ctx.profile.defaults).get(f"{entry.service.id}.{param.name}")
    options = tuple(param.enum) or ((str(known.value),) if known is not None else ())
    return asking(entry, param), options
