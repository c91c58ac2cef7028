"""Pass: the same read, with the same parameters, is made once.

The second becomes a `transform` of the first one's output and keeps its name, number, WHEN and AFTER. Only where both
would have had the same answer and nobody waits longer:

- same connection, capability, parameters, RETRY, TIMEOUT, CACHE; NOW and UUID are never the same;
- no write to that service between, that is: every write is before the first or after both; an EMIT or SUBTASK counts
  as a write to every service, for another task may run;
- no wait, approval or rate between: time may have passed, and asking again may be the point;
- the first surely runs (no WHEN, FALLBACK, ON_ERROR), and all it waits for, the second waits for too.

When the read fails, the run fails at the first, as it did before: the second has nothing to fall back on either.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import Capability, CompileContext
from eyeflow.ir.expr import Entry, Lit, Ref
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, ConnectorCall, HttpCall, Transform
from eyeflow.optimizer.facts import ANY, ancestors, called, changes, costs, pauses, plain, reads, repeatable
from eyeflow.optimizer.trees import Place, bare, every_scope
from eyeflow.values import NULL


def duplicates(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites reads; one decision for each that is gone."""
    said: list[Decision] = []

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        for second in range(2, len(actions) + 1):
            first = next((n for n in range(1, second) if _merges(actions, n, second, place, ctx)), None)
            if first is None:
                continue
            capability = reads(actions[second - 1], ctx)
            assert capability is not None, "only reads merge"
            said.append(_said(actions[second - 1], actions[first - 1], capability, place))
            merged = _reusing(actions[second - 1], actions[first - 1])
            actions = (*actions[: second - 1], merged, *actions[second:])
        return actions

    task = every_scope(plan.task, ctx, each)
    return replace(plan, task=task, decisions=(*plan.decisions, *said))


def _said(second: Action, first: Action, capability: Capability, place: Place) -> Decision:
    why = f"the same read with the same parameters, and nothing is written in between; saves {costs(capability)}"
    return Decision("rewrite", place.of(second), f"takes the answer of {first.name}", why)


def _merges(actions: tuple[Action, ...], first: int, second: int, place: Place, ctx: CompileContext) -> bool:
    one, two = actions[first - 1], actions[second - 1]
    found = called(one, ctx)
    if found is None or not _same(one, two, ctx):
        return False
    service = found[0].id
    if not place.beside.isdisjoint((service, ANY)):
        return False
    before = ancestors(actions)
    if first in before[second] and pauses(one, ctx) or not before[first] <= before[second]:
        return False
    for number, other in enumerate(actions, 1):
        if number in (first, second) or number in before[first]:
            continue
        after_both = first in before[number] and second in before[number]
        if not after_both and not changes(other, ctx).isdisjoint((service, ANY)):
            return False
        if number in before[second] and pauses(other, ctx):
            return False
    return True


def _same(one: Action, two: Action, ctx: CompileContext) -> bool:
    """True when two actions are one read said twice, the first of which surely happens and has a name."""
    if reads(one, ctx) is None or not plain(one) or not plain(replace(two, when=None)):
        return False
    if two.output is not None and one.output is None:
        return False
    modifiers = [(each.retry, each.timeout_ms, each.cache_ms, each.uncertain) for each in (one, two)]
    return modifiers[0] == modifiers[1] and _request(one) is not None and _request(one) == _request(two)


def _request(action: Action) -> object:
    """What decides about the answer; None when that is not the same twice."""
    do = action.do
    if not isinstance(do, ConnectorCall | HttpCall) or not all(repeatable(entry.value) for entry in do.params):
        return None
    params = {entry.name: entry.value for entry in (Entry(each.name, bare(each.value)) for each in do.params)}
    return do.bound, params, do.expect if isinstance(do, HttpCall) else None


def _reusing(second: Action, first: Action) -> Action:
    """The second read as a transform of the first one's output, or of nothing when nobody named it."""
    value = Lit(None, type=NULL) if second.output is None or first.output is None else Ref(first.output, (), first.type)
    made = replace(second, do=Transform(value=value), retry=None, timeout_ms=None, cache_ms=None, uncertain=None)
    return replace(made, type=NULL) if isinstance(value, Lit) else made
