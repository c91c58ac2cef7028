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
from eyeflow.ir.expr import Lit, Ref
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, ConnectorCall, HttpCall, Transform
from eyeflow.optimizer.facts import ANY, called, costs, plain, reads, repeatable
from eyeflow.optimizer.siblings import Siblings
from eyeflow.optimizer.trees import Place, bare, every_scope
from eyeflow.values import NULL


def duplicates(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites reads; one decision for each that is gone."""
    said: list[Decision] = []

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        done, siblings = list(actions), Siblings(actions, ctx)
        known: dict[str, list[int]] = {}
        for second, action in enumerate(actions, 1):
            found, request = called(action, ctx), _request(action)
            if found is None or reads(action, ctx) is None or request is None:
                continue
            service, capability, _ = found
            services = frozenset((service.id, ANY))
            earlier = known.setdefault(request, [])
            alone = bool(earlier) and place.beside().isdisjoint(services)
            first = next((n for n in earlier if alone and _merges(actions, n, second, siblings, services)), None)
            if first is None:
                earlier.append(second)
                continue
            said.append(_said(action, actions[first - 1], capability, place))
            done[second - 1] = _reusing(action, actions[first - 1])
            siblings.join(first, second)
        return tuple(done)

    task = every_scope(plan.task, ctx, each)
    return replace(plan, task=task, decisions=(*plan.decisions, *said))


def _said(second: Action, first: Action, capability: Capability, place: Place) -> Decision:
    why = f"the same read with the same parameters, and nothing is written in between; saves {costs(capability)}"
    return Decision("rewrite", place.of(second), f"takes the answer of {first.name}", why)


def _merges(actions: tuple[Action, ...], first: int, second: int, siblings: Siblings, services: frozenset[str]) -> bool:
    one, two = actions[first - 1], actions[second - 1]
    if not plain(one) or not plain(replace(two, when=None)) or (two.output is not None and one.output is None):
        return False
    if not siblings.waits_as_long(second, first):
        return False
    for number in siblings.changing(services):
        after_both = siblings.waits(number, first) and siblings.waits(number, second)
        if not after_both and not siblings.waits(first, number):
            return False
    return not siblings.pausing_between(first, second)


def _request(action: Action) -> str | None:
    """What decides about the answer, spelled out; None when that is not the same twice.

    A spelling, because 1, 1.0 and true are equal as Python values.
    """
    do = action.do
    if not isinstance(do, ConnectorCall | HttpCall) or not all(repeatable(entry.value) for entry in do.params):
        return None
    params = sorted((entry.name, repr(bare(entry.value))) for entry in do.params)
    expect = do.expect if isinstance(do, HttpCall) else None
    return repr((do.bound, params, expect, action.retry, action.timeout_ms, action.cache_ms, action.uncertain))


def _reusing(second: Action, first: Action) -> Action:
    """The second read as a transform of the first one's output, or of nothing when nobody named it."""
    value = Lit(None, type=NULL) if second.output is None or first.output is None else Ref(first.output, (), first.type)
    made = replace(second, do=Transform(value=value), retry=None, timeout_ms=None, cache_ms=None, uncertain=None)
    return replace(made, type=NULL) if isinstance(value, Lit) else made
