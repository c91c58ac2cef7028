"""Pass: a cheap condition goes before a read that is needed only where it holds.

A read that only some branches of one `conditional` use, or only one action under a WHEN, becomes a `conditional` with
the same conditions in the same order: the read where it is needed, its FALLBACK VALUE where it is not. Name, number,
output and its type stay.

Only a read that can neither fail the run nor mark it is moved under a condition: one with a continuing FALLBACK VALUE
that is certain. Any other read that nobody turns out to need still decides whether the run goes on to its writes, and
that is not for the optimizer to change. And only on the top level: there the action has completed either way; inside
a block, whether its fallback ran is part of the status of a run that fails elsewhere. The conditions must be known by
then: they read nothing that the read did not wait for, so it never starts later than it did.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.depends import names_read, roots
from eyeflow.ir.expr import Expr
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, Block, Case, Conditional, HttpCall
from eyeflow.optimizer.facts import costs, reads, repeatable, unfailing
from eyeflow.optimizer.siblings import Siblings
from eyeflow.optimizer.trees import Place, every_scope


class Need(msgspec.Struct, frozen=True):
    """When an output is read: ordered conditions, each with whether the first that holds needs it, and whether it is
    needed when none holds. `reader`: who reads it."""

    reader: Action
    tests: tuple[tuple[Expr, bool], ...]
    rest: bool


def guards(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites reads; one decision for each that got a condition."""
    said: list[Decision] = []

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        if place.path:
            return actions
        done, siblings = list(actions), Siblings(actions, ctx)
        for number, action in enumerate(actions, 1):
            capability = reads(action, ctx)
            if capability is None or not _may_wait(action, ctx):
                continue
            need = _need(actions, number, siblings, place)
            if need is not None:
                done[number - 1] = _under(action, need, ctx)
                why = f"only {need.reader.name} reads it, and not always; saves {costs(capability)} when it does not"
                said.append(Decision("rewrite", place.of(action), "asked only where it is needed", why))
        return tuple(done)

    task = every_scope(plan.task, ctx, each)
    return replace(plan, task=task, decisions=(*plan.decisions, *said))


def _may_wait(action: Action, ctx: CompileContext) -> bool:
    return unfailing(action, ctx) and action.output is not None and action.when is None and action.on_error is None


def _need(actions: tuple[Action, ...], number: int, siblings: Siblings, place: Place) -> Need | None:
    """When the output of a read is needed, if that is not always and known early enough."""
    output = actions[number - 1].output
    assert output is not None, "only named outputs are looked for"
    readers = siblings.readers(output)
    if output in place.read_after or len(readers) != 1 or readers[0] < number:
        return None
    need = _when_read(actions[readers[0] - 1], output)
    if need is None or not all(repeatable(test) for test, _ in need.tests):
        return None
    own = {each.output: at for at, each in enumerate(actions, 1)}
    tested = {name for test, _ in need.tests for name in roots(test)}
    early = all(own[name] < number and siblings.waits(number, own[name]) for name in tested if name in own)
    return need if early else None


def _when_read(reader: Action, output: str) -> Need | None:
    """The conditions under which `reader` reads `output`; None when it always does, or its conditions do."""
    if reader.when is not None:
        return None if output in roots(reader.when) else Need(reader, ((reader.when, True),), False)
    do = reader.do
    if not isinstance(do, Conditional):
        return None
    tests = tuple((case.when, _reads(case.block, output)) for case in do.cases)
    rest = _reads(do.default, output)
    bare = replace(do, cases=tuple(Case(case.when, Block()) for case in do.cases), default=Block())
    if output in names_read(replace(reader, do=bare)) or (rest and all(needed for _, needed in tests)):
        return None
    return Need(reader, tests, rest)


def _reads(block: Block, output: str) -> bool:
    return output in names_read(Action(name="", do=Conditional(cases=(), default=block)))


def _under(action: Action, need: Need, ctx: CompileContext) -> Action:
    """The read under the conditions of its reader, its fallback's value where they do not hold."""
    capability, fallback = reads(action, ctx), action.fallback
    assert capability is not None and fallback is not None, "the read cannot fail"
    expected = action.do.expect if isinstance(action.do, HttpCall) else None
    read = replace(action, output=None, after=(), fallback=None, type=expected or capability.returns)

    def block(needed: bool) -> Block:
        return Block(actions=(read,)) if needed else Block(value=fallback.value)

    cases = tuple(Case(test, block(needed)) for test, needed in need.tests)
    return Action(
        name=action.name, do=Conditional(cases=cases, default=block(need.rest)), after=action.after,
        fallback=fallback, output=action.output, type=action.type, span=action.span,
    )  # fmt: skip
