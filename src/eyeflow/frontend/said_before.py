"""What an order leaves to what was said before it: `there`, `turn it off again`, a receiver named once for all.

Knows: the receivers and calls of the orders before. In: an entry, its parameters so far, a scope. Out: the parameters
with what is meant again, and the scope that remembers. Never: fills what nobody pointed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend import nouns, slots
from eyeflow.frontend.intent import Action
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.vocabulary import RECIPIENTS, Entry, split_name

_IT: Final = frozenset({"it", "them", "that", "this"})


def remembered(entry: Entry, action: Action, scope: Scope) -> Scope:
    """What `there` and `the same` will mean after this action."""
    named = {f"{entry.service.id}.{p.name}": action.params[p.name] for p in entry.spec.params
             if p.entity in RECIPIENTS and p.name in action.params}  # fmt: skip
    scope = scope.put(receivers=tuple({**dict(scope.receivers), **named}.items()))
    said = next((p.name for p in entry.spec.params if p.role == "content"), None)
    if said is not None and said in action.params and not entry.reads:
        scope = scope.put(said=action.params[said])
    return scope


def there(entry: Entry, items: Sequence[Item], filled: slots.Filled, scope: Scope) -> slots.Filled:
    """`post X there`, `otherwise post Y`: the recipient named last for this service is meant again."""
    known = dict(scope.receivers)
    params = dict(filled.params)
    assumed = list(filled.assumed)
    defaults = {slot for slot, _, _ in assumed}
    for param in entry.spec.params:
        again = known.get(f"{entry.service.id}.{param.name}")
        free = param.name not in params or (param.name in defaults and not any(i.lower in words("me") for i in items))
        if param.required and free and again is not None:
            params[param.name] = again
            assumed = [a for a in assumed if a[0] != param.name]
            assumed.append((param.name, again, "as said before"))
    return msgspec.structs.replace(filled, params=params, assumed=tuple(assumed))


def again(entry: Entry, items: Sequence[Item], scope: Scope) -> Action | None:
    """The last call of this very capability, when the clause handles `it`: `turn the fan on ..., then turn it off`."""
    if entry.capability_says or entry.reads:
        return None
    if not any(i.lower in _IT for i in items[1:4]) and not _the_same(entry, items):
        return None
    same = (a for a in reversed(scope.did) if a.service == entry.service.id)
    last = next(same, None)
    return last if last is not None and last.function == entry.spec.name else None


def _the_same(entry: Entry, items: Sequence[Item]) -> bool:
    """`turn the light off again`: of the light no more is said than what it is."""
    said = [i for i in nouns.content(items[1:]) if i.is_word or i.is_literal]
    kinds = {w for p in entry.spec.params if p.required and not p.enum for w in split_name(p.name)}
    led = any(one.lower in ("the", "this", "that") and two in said for one, two in pairwise(items))
    return led and bool(said) and all(i.stem in kinds for i in said)


def as_before(entry: Entry, filled: slots.Filled, last: Action) -> slots.Filled:
    """What is open is as it was when the same was done before: it is the same thing."""
    named = [p for p in entry.spec.params if p.role != "content" and not p.enum and p.name in last.params]
    more = {p.name: last.params[p.name] for p in named if p.name not in filled.params and p.required}
    noted = tuple((name, value, "as said before") for name, value in more.items())
    return msgspec.structs.replace(filled, params={**filled.params, **more}, assumed=(*filled.assumed, *noted))
