"""Pass: a read that is the same for every item of a loop is made once, before the loop.

The loop becomes a `conditional` of its own name: with at least one item it reads and then loops, with none it gives
the empty list, so that no read happens that would not have happened. Only where the answers would have been the same
and nothing else changes:

- the parameters depend on neither the item nor anything computed in the loop; no NOW, no UUID;
- nothing in the loop, or beside it, writes to that service; nothing in the loop waits, asks a person or has a rate;
- every other action of the loop that is more than a computation needs the read: when it fails, nothing had happened
  yet then either, and nobody waits longer;
- the read has no WHEN, FALLBACK, ON_ERROR; the loop has no FALLBACK, ON_ERROR (which would gather the failures of
  items one by one), RETRY, RATE;
- nobody reads what the loop collects: an empty list alone does not say what its items are.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.depends import names_read
from eyeflow.ir.expr import Bind, Call, Expr, ListExpr, Lit
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, Block, Case, Conditional, ConnectorCall, ForEach, HttpCall, Transform
from eyeflow.optimizer.facts import ANY, called, changes, costs, pauses, plain, reads, repeatable
from eyeflow.optimizer.siblings import Siblings
from eyeflow.optimizer.trees import Place, every_scope
from eyeflow.values import BOOLEAN, INTEGER, NULL, ListOf

_NOTHING: Final = ListExpr((), ListOf(NULL))


def invariants(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites loops; one decision for each read that left one."""
    said: list[Decision] = []

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        done, siblings = list(actions), Siblings(actions, ctx)
        for index, action in enumerate(actions):
            if not isinstance(action.do, ForEach) or not _may_change(actions, action, siblings, place, ctx):
                continue
            written = changes(action, ctx) | place.beside() | siblings.beside(index + 1)
            moved = _moved(action.do, written, ctx)
            if moved:
                done[index] = _around(action, action.do, moved)
                said.extend(_said(read, action, place, ctx) for read in moved)
        return tuple(done)

    task = every_scope(plan.task, ctx, each)
    return replace(plan, task=task, decisions=(*plan.decisions, *said))


def _said(read: Action, loop: Action, place: Place, ctx: CompileContext) -> Decision:
    capability = reads(read, ctx)
    assert capability is not None, "only reads leave loops"
    why = f"it is the same for every item of {loop.name}; saves {costs(capability)} for each item after the first"
    return Decision("rewrite", f"{place.of(loop)}.{read.name}", "asked once, before the loop", why)


def _may_change(
    actions: tuple[Action, ...], loop: Action, siblings: Siblings, place: Place, ctx: CompileContext
) -> bool:
    do = loop.do
    assert isinstance(do, ForEach)
    if not plain(replace(loop, when=None)) or loop.retry is not None or pauses(loop, ctx):
        return False
    if not isinstance(do.source.type, ListOf) or not repeatable(do.source) or not repeatable(do.where):
        return False
    if do.collect is None:
        return True
    last = place.gives_last and loop is actions[-1]
    return not last and loop.output not in place.read_after and not siblings.readers(loop.output)


def _moved(do: ForEach, written: frozenset[str], ctx: CompileContext) -> tuple[Action, ...]:
    """The reads of the loop's body that may go before it."""
    own = {do.item, *(each.output for each in do.actions)}
    siblings = Siblings(do.actions, ctx)
    moved = {
        number for number, each in enumerate(do.actions, 1) if _is_same(each, own, ctx) and _stays(each, written, ctx)
    }
    while moved:
        others = [n for n, each in enumerate(do.actions, 1) if n not in moved and not isinstance(each.do, Transform)]
        late = {n for n in moved if not all(siblings.waits(other, n) for other in others)}
        if not late:
            break
        moved -= late
    left = len(do.actions) - len(moved)
    return tuple(do.actions[n - 1] for n in sorted(moved)) if left or do.collect is not None else ()


def _stays(read: Action, written: frozenset[str], ctx: CompileContext) -> bool:
    """True when nobody writes to the service of `read` meanwhile."""
    found = called(read, ctx)
    return found is not None and written.isdisjoint((found[0].id, ANY))


def _is_same(action: Action, own: set[str | None], ctx: CompileContext) -> bool:
    """True for a read whose answer does not depend on the item."""
    do = action.do
    if reads(action, ctx) is None or not plain(action) or action.after or action.output is None:
        return False
    assert isinstance(do, ConnectorCall | HttpCall)
    return own.isdisjoint(names_read(action)) and all(repeatable(entry.value) for entry in do.params)


def _around(loop: Action, do: ForEach, moved: tuple[Action, ...]) -> Action:
    """The reads and then the loop without them, when there is an item."""
    gone = {name for each in moved for name in (each.name, each.output)}
    stay = (each for each in do.actions if each not in moved)
    left = (replace(each, after=tuple(name for name in each.after if name not in gone)) for each in stay)
    shorter = replace(do, actions=tuple(left))
    inner = Action(name=loop.name, do=shorter, type=loop.type, span=loop.span)
    held = names_read(inner)  # what came after a read without using its answer comes after it still
    inner = replace(inner, after=tuple(each.name for each in moved if each.output not in held))
    case = Case(_has_items(do), Block(actions=(*moved, inner)))
    return replace(loop, do=Conditional(cases=(case,), default=Block(value=_NOTHING)))


def _has_items(do: ForEach) -> Expr:
    kept: Expr = do.source
    if do.where is not None:
        kept = Bind("FILTER", do.source, do.item, do.where, (), do.source.type)
    return Call("GT", (Call("COUNT", (kept,), INTEGER), Lit(0, None, INTEGER)), BOOLEAN)
