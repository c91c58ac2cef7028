"""The code generator: a checked Task and the plan's decisions become a Program.

Knows: how every node is spelled in operations. In: `Plan` (with its checked Task), the context. Out: `Program`.
Never: types, orders, validates, signs. Pure: the same input gives the same program, byte for byte, whatever the
machine, Python version or hash seed.

    pools.py         constants, types, registers: each once
    names.py         what names mean at one point
    roots.py         trigger, input, me, now
    expressions.py   expressions to blocks of pure operations
    actions.py       actions to steps, lists of actions to scopes
    bindings.py      capabilities bound to connections
    triggers.py      triggers and their filters
    limits.py        how much the program may use
    places.py        where each step came from, for the envelope
"""

from __future__ import annotations

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic, Report
from eyeflow.ir.codegen.actions import Actions, Order, order_of
from eyeflow.ir.codegen.bindings import UnboundCallError
from eyeflow.ir.codegen.expressions import type_of
from eyeflow.ir.codegen.limits import limits
from eyeflow.ir.codegen.names import Names
from eyeflow.ir.codegen.places import places
from eyeflow.ir.codegen.pools import Pools, plain
from eyeflow.ir.codegen.roots import root_names
from eyeflow.ir.codegen.triggers import Triggers
from eyeflow.ir.plan import Plan
from eyeflow.ir.program import Program
from eyeflow.ir.task import Task
from eyeflow.recurrence.wall import ScheduleError, zone_of
from eyeflow.values import NULL, nullable

__all__ = ["generate", "places"]


def generate(plan: Plan, ctx: CompileContext) -> tuple[Program | None, Report]:
    """The program of a checked and planned Task; None when a call or trigger names what the context does not have."""
    task = plan.task
    try:
        pools = Pools(zone_of(task.zone or "UTC"))
    except ScheduleError as error:
        return None, Report((Diagnostic(error.code, error.message, hint=error.hint),))
    names = root_names(task, ctx)
    triggers = Triggers(pools, ctx, names)
    actions = Actions(pools, plan, ctx)
    try:
        codes = triggers.codes(task)
        root, last = actions.scope(task.actions, names, order=_planned(plan), result=task.returns, label=task.name)
        on_failure = -1
        if task.on_failure:
            on_failure, _ = actions.scope(task.on_failure, _perhaps(task, last), path="on_failure")
    except UnboundCallError as unbound:
        return None, Report((*triggers.found, Diagnostic("unbound_call", unbound.what)))
    report = Report(tuple(triggers.found))
    if not report.ok:
        return None, report
    program = Program(
        task=task.name,
        zone=pools.zone.key,
        durable=task.durable or "record",
        inputs=task.inputs,
        triggers=codes,
        constants=tuple(pools.constants),
        types=tuple(pools.types),
        bindings=tuple(pools.bindings),
        blocks=tuple(pools.blocks),
        fans=tuple(pools.fans),
        scopes=tuple(pools.scopes),
        root=root,
        on_failure=on_failure,
        registers=pools.registers,
        limits=limits(task, pools, (root, *([on_failure] if on_failure >= 0 else ())), plan.memory_bytes),
        estimate_ms=plan.estimate_ms,
        output_type=NULL if task.returns is None else plain(task.type or type_of(task.returns, last)),
    )
    return program, report


def _planned(plan: Plan) -> Order:
    """The plan's order of the top level; a plan without one leaves it to the dependencies."""
    own = order_of(plan.task.actions)
    needs = {each.action: tuple(sorted(each.on)) for each in plan.needs}
    return Order(
        needs=tuple(needs.get(n, on) for n, on in enumerate(own.needs, 1)),
        order=plan.order or own.order,
        stages=tuple(stage.actions for stage in plan.stages) or own.stages,
    )


def _perhaps(task: Task, names: Names) -> Names:
    """The names of a run that failed somewhere: an output may be null because its action never finished."""
    for action in task.actions:
        if action.output is not None:
            known = names.find(action.output)
            names = names.with_(action.output, known.register, nullable(known.type))
    return names
