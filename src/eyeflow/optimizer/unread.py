"""Pass: a read whose answer nobody uses is not made.

It becomes a `transform` of nothing, and keeps its name and number, so that what a run reports (`completed_actions`,
`failed_action`) stays what the text says. Who may go:

- Not a write, a wait, a question to a person, an answer, a log line: those are why the program is run.
- Not a read that can fail the run. It decides whether the run goes on to its writes; "ask first, and send only if
  the service is there" is a program too. ON_ERROR continue does not change that: a tolerated failure makes the status
  `partial_failure`.
- A read with a continuing FALLBACK VALUE that is certain: whatever the service does, the run goes on, in the same
  way and with the same status. So without it effects, status and output are the same. What differs is the report's
  `fallback_executed`, which says what ran.
- Not a read inside a block: it is not counted as completed, and when its fallback ran, a run that fails elsewhere is
  a `partial_failure` and not `failed`. On the top level it has completed either way.
- Not when an AFTER names it: then somebody wanted its time to pass.
- Not a `transform`: it costs microseconds, and people look at it in the timeline.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.expr import Lit
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, Transform
from eyeflow.optimizer.facts import costs, reads, unfailing
from eyeflow.optimizer.siblings import Siblings
from eyeflow.optimizer.trees import Place, every_scope
from eyeflow.values import NULL


def unread(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites reads; one decision for each that is gone."""
    said: list[Decision] = []

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        if place.path:
            return actions
        done: list[Action] = []
        siblings = Siblings(actions, ctx)
        for action in actions:
            capability = reads(action, ctx)
            if capability is None or not unfailing(action, ctx) or _is_used(action, siblings, place):
                done.append(action)
                continue
            done.append(_without_call(action))
            why = f"nobody reads its answer, and its fallback lets no failure through; saves {costs(capability)}"
            said.append(Decision("rewrite", place.of(action), "not asked", why))
        return tuple(done)

    task = every_scope(plan.task, ctx, each)
    return replace(plan, task=task, decisions=(*plan.decisions, *said))


def _is_used(action: Action, siblings: Siblings, place: Place) -> bool:
    if not siblings.waited_for.isdisjoint((action.name, action.output)):
        return True
    return action.output in place.read_after or bool(siblings.readers(action.output))


def _without_call(action: Action) -> Action:
    """Nothing in the call's place; the fallback stays where a WHEN may still need it."""
    do = Transform(value=Lit(None, type=NULL))
    fallback = action.fallback if action.when is not None else None
    made = replace(action, do=do, fallback=fallback, retry=None, timeout_ms=None, uncertain=None, cache_ms=None)
    return replace(made, rate=None, on_error=None, type=NULL if fallback is None else action.type)
