"""Tasks said in English: what starts them, what they do, what if it fails.

Knows: the order of a read-back. In: a checked Task and the context.
Out: `Readback`: the sentences, what is touched, the next runs. Never: leaves out an effect, a condition or a default.

    triggers.py     what starts a task
    steps.py        what it does
    expressions.py  values and conditions
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from eyeflow.catalog.model import Capability, CompileContext
from eyeflow.frontend.readback.expressions import literal, value
from eyeflow.frontend.readback.naming import root_word, to_be_named
from eyeflow.frontend.readback.steps import INDENT, Telling, called, known_after, lines_of, span
from eyeflow.frontend.readback.triggers import TRIGGERS, recurrence
from eyeflow.ir import task as ir
from eyeflow.ir.depends import actions_within
from eyeflow.ir.expr import Lit
from eyeflow.recurrence import read_moment, upcoming, zone_of
from eyeflow.values import Field


class Readback(msgspec.Struct, frozen=True, kw_only=True):
    """`when` says what starts the task, `steps` what it does (indented by nesting), `limits` its deadline and
    durability, `touches` the accounts and effects, `next_runs` the coming fires in UTC (none for other triggers),
    `zone` that of the task's times, `assumed` what nobody said, as `slot = value (where it comes from)`.
    """

    when: str
    steps: tuple[str, ...]
    limits: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    next_runs: tuple[datetime, ...] = ()
    zone: str = "UTC"
    assumed: tuple[str, ...] = ()

    def text(self) -> str:
        """The whole as one text, a line per step."""
        return "\n".join((self.when, *(f"{INDENT}{s}" for s in self.steps), *self.limits))


def read_back(task: ir.Task, ctx: CompileContext, *, runs: int = 3, assumed: tuple[str, ...] = ()) -> Readback:
    """`task` in plain English; `runs` next fire times are worked out from the context's now. `assumed` is what the
    stages before took for granted (`assumptions` has the words)."""
    said = [TRIGGERS[type(t)](t, ctx) for t in task.triggers] or ["When somebody runs it"]
    roots = _roots(task)
    zone = task.zone or next((t.zone for t in task.triggers if isinstance(t, ir.Schedule) and t.zone), "UTC")
    told = Telling(ctx, zone, {a.name: called(a)[4:] for a in actions_within(task)}, to_be_named(task))
    steps = lines_of(task.actions, roots, told, 0)
    done = known_after(task.actions, roots)
    if task.returns is not None:
        steps.append(f"answer with {value(task.returns, done)}")
    if task.on_failure:
        steps.append("if the task fails:")
        steps += lines_of(task.on_failure, done, told, 1)
    return Readback(
        when=_when(task, said),
        steps=tuple(steps),
        limits=_limits(task),
        touches=_touches(task, ctx),
        next_runs=_next(task, ctx, runs),
        zone=next((t.zone for t in task.triggers if isinstance(t, ir.Schedule | ir.Once) and t.zone), zone),
        assumed=assumed,
    )


def _when(task: ir.Task, said: list[str]) -> str:
    """One trigger is the head of the read-back. Of several each has a line: they are not conditions of one another."""
    if len(said) == 1:
        return f"{said[0]}{_inputs(task)}:"
    each = (f"{INDENT}- {one[0].lower()}{one[1:]}" for one in said)
    return "\n".join(("Each time one of these happens:", *each, f"it will do this{_inputs(task)}:"))


def _inputs(task: ir.Task) -> str:
    if not task.inputs:
        return ""
    said = ", ".join(_input(field) for field in task.inputs)
    return f", given {said}"


def _input(field: Field) -> str:
    name = field.name.replace("_", " ")
    if field.default is not None:
        return f"{name} ({_given(field)} when left out)"
    return name if field.required else f"{name} (may be left out)"


def _given(field: Field) -> str:
    """The value of an input that is left out, with its unit."""
    assert field.default is not None
    held = field.default.value
    if held is None or isinstance(held, str | bool | int | float):
        return literal(Lit(held, type=field.type))
    return field.default.json


def _roots(task: ir.Task) -> dict[str, str]:
    roots = {"trigger": "the event", "input": "the input", "me": "me", "now": "the present time"}
    for trigger in task.triggers:
        if isinstance(trigger, ir.Event):
            roots["trigger"] = f"the {root_word(trigger.event)}"
        elif isinstance(trigger, ir.Webhook):
            roots["trigger"] = "the request"
        elif isinstance(trigger, ir.Topic):
            roots["trigger"] = "the message"
    return roots


def _limits(task: ir.Task) -> tuple[str, ...]:
    said = _usual(task)
    if task.deadline_ms is not None:
        said.append(f"It gives up after {span(task.deadline_ms)} of work.")
    if task.expires_ms is not None:
        said.append(f"A run ends at the latest {span(task.expires_ms)} after it began.")
    return tuple(said)


def _usual(task: ir.Task) -> list[str]:
    """What becomes of times that pass unused, where the program leaves that as it usually is; where it says something
    else, its trigger does."""
    clocks = [t for t in task.triggers if isinstance(t, ir.Schedule | ir.Once)]
    said = []
    if any(each.missed in (None, "run_once") for each in clocks):
        said.append("A time that passes while the server is off is made up for once.")
    if any(isinstance(each, ir.Schedule) and each.overlap in (None, "skip") for each in clocks):
        said.append("A time that comes while a run is going on is left out.")
    return said


_EFFECTS = {"pure": "computes", "read": "reads", "write": "changes", "irreversible": "changes for good"}


def _touches(task: ir.Task, ctx: CompileContext) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for trigger in task.triggers:
        if isinstance(trigger, ir.Event):
            connection = next((c for c in ctx.connections if c.name == trigger.service), None)
            heard = ctx.catalog.service(connection.service if connection is not None else trigger.service)
            event = heard.trigger(trigger.event) if heard is not None else None
            if heard is not None and event is not None:
                found[f"hears from {heard.title}: {event.summary}"] = None
    for action in actions_within(task):
        do = action.do
        if not isinstance(do, ir.ConnectorCall | ir.HttpCall) or do.bound is None:
            continue
        service = ctx.catalog.service(do.bound.service)
        capability: Capability | None = service.capability(do.bound.capability) if service is not None else None
        if service is not None and capability is not None and capability.effect != "pure":
            found[f"{_EFFECTS[capability.effect]} {service.title}: {capability.summary}"] = None
    return tuple(found)


def _next(task: ir.Task, ctx: CompileContext, runs: int) -> tuple[datetime, ...]:
    fires: set[datetime] = set()
    for trigger in task.triggers:
        if isinstance(trigger, ir.Schedule):
            fires.update(upcoming(recurrence(trigger), ctx.now, runs))
        elif isinstance(trigger, ir.Once):
            at = read_moment(trigger.at, zone_of(trigger.zone or "UTC"))
            if at > ctx.now:
                fires.add(at)
    return tuple(sorted(fires)[:runs])
