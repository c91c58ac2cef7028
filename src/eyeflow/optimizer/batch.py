"""Pass: reads that go together in one request, where the catalog says how (`batch` of a capability).

The task stays as it is; the machine asks for many at once and hands each read its own answer. A read whose answer is
missing, or whose request failed, is made alone, so a failing item fails as it would have: with the same error, for that
item only, with its own RETRY, FALLBACK, ON_ERROR. What is decided here is only which reads may be made earlier:

- in a loop, the read of each item, for the items to come: its parameters depend on the item and on nothing computed in
  the loop, no NOW, no UUID; nothing in the loop or beside it writes to that service; nothing in the loop waits, asks a
  person, runs another task, or has a RATE, for then later items are meant to be read later;
- side by side, the same reads that start at the same moment: same connection and capability, they wait for the same,
  and differ in the item alone. None of them is made earlier than it would have been;
- never a read with a WHEN or RATE of its own, or for a role that may not use the capability that answers many.

A request takes one turn under the service's rate, whatever it asks for.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import Batch, Capability, CompileContext
from eyeflow.catalog.policies import allowed
from eyeflow.ir.depends import names_read, needs, roots
from eyeflow.ir.plan import Batched, Decision, Plan
from eyeflow.ir.task import Action, Approval, ConnectorCall, ForEach, HttpCall, Subtask, Wait
from eyeflow.optimizer.facts import ANY, called, changes, repeatable, within
from eyeflow.optimizer.siblings import Siblings
from eyeflow.optimizer.trees import Place, bare, every_scope


def batch(plan: Plan, ctx: CompileContext) -> Plan:
    """Fills `batches`; one decision for each read in a loop, and for each group side by side."""
    found: list[Batched] = []
    said: list[Decision] = []

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        siblings = Siblings(actions, ctx)
        for number, action in enumerate(actions, 1):
            if isinstance(action.do, ForEach) and not _lets_time_pass(action):
                written = changes(action, ctx) | place.beside() | siblings.beside(number)
                for read in _ahead(action.do, written, ctx):
                    path = f"{place.of(action)}.{read.name}"
                    found.append(Batched(path, "ahead"))
                    said.append(_said_ahead(path, read, ctx))
        taken = {each.action for each in found}
        for group in _beside(actions, ctx):
            paths = [place.of(read) for read in group]
            if taken.isdisjoint(paths):
                found.extend(Batched(path, "beside") for path in paths)
                said.append(_said_beside(paths, group[0], ctx))
        return actions

    every_scope(plan.task, ctx, each)
    return replace(plan, batches=tuple(found), decisions=(*plan.decisions, *said))


def _said_ahead(path: str, read: Action, ctx: CompileContext) -> Decision:
    one, by = _batched(read, ctx)
    why = (
        f"{by.capability} answers up to {by.max} at once; saves all but one of every {by.max} calls, "
        f"about {one.latency_ms} ms each"
    )
    return Decision("batch", path, "asked for many items in one request", why)


def _said_beside(paths: list[str], read: Action, ctx: CompileContext) -> Decision:
    _, by = _batched(read, ctx)
    requests = -(-len(paths) // by.max)
    saved = len(paths) - requests
    why = f"{by.capability} answers up to {by.max} at once; saves {saved} call{'s' if saved > 1 else ''}"
    return Decision("batch", ", ".join(paths), f"asked in {requests} request{'s' if requests > 1 else ''}", why)


def _lets_time_pass(loop: Action) -> bool:
    return any(isinstance(each.do, Wait | Approval | Subtask) or each.rate is not None for each in within(loop))


def _ahead(do: ForEach, written: frozenset[str], ctx: CompileContext) -> list[Action]:
    """The reads of the loop's body that may be made for items to come."""
    own = {name for each in do.actions for name in (each.name, each.output) if name is not None}
    return [
        read
        for read in do.actions
        if (params := _split(read, ctx)) is not None
        and own.isdisjoint(names_read(read))
        and do.item in params[0]
        and do.item not in params[1]
        and written.isdisjoint((_service(read, ctx), ANY))
    ]


def _beside(actions: tuple[Action, ...], ctx: CompileContext) -> list[tuple[Action, ...]]:
    """Groups of reads that start together and differ in the item alone."""
    groups: dict[str, list[Action]] = {}
    for action, needed in zip(actions, needs(actions), strict=True):
        if _split(action, ctx) is None:
            continue
        do = action.do
        assert isinstance(do, ConnectorCall | HttpCall)
        _, by = _batched(action, ctx)
        rest = sorted((entry.name, repr(bare(entry.value))) for entry in do.params if entry.name != by.item)
        groups.setdefault(repr((needed, do.bound, rest)), []).append(action)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _split(read: Action, ctx: CompileContext) -> tuple[frozenset[str], frozenset[str]] | None:
    """The names that the item of a batchable read depends on, and those its other parameters do; None for any other
    action."""
    found, do = called(read, ctx), read.do
    if found is None or found[1].batch is None or read.when is not None or read.rate is not None:
        return None
    assert isinstance(do, ConnectorCall | HttpCall)
    service, capability, _ = found
    by = capability.batch
    assert by is not None
    if capability.effect not in ("pure", "read") or not allowed(ctx, service, by.capability).allowed:
        return None
    if not all(repeatable(entry.value) for entry in do.params):
        return None
    item = frozenset(name for entry in do.params if entry.name == by.item for name in roots(entry.value))
    rest = frozenset(name for entry in do.params if entry.name != by.item for name in roots(entry.value))
    return item, rest


def _batched(read: Action, ctx: CompileContext) -> tuple[Capability, Batch]:
    found = called(read, ctx)
    assert found is not None and found[1].batch is not None, "only batchable reads are asked about"
    return found[1], found[1].batch


def _service(read: Action, ctx: CompileContext) -> str:
    found = called(read, ctx)
    assert found is not None, "only calls are asked about"
    return found[0].id
