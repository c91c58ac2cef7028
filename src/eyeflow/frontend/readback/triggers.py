"""What starts a task, said in English.

Knows: `TRIGGERS`, one sayer per trigger of `ir.task`. In: a trigger, the context. Out: the first line of a read-back.
Never: leaves out a filter, a zone or a rule for missed times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.readback.expressions import condition, value
from eyeflow.frontend.readback.naming import root_word
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Expr
from eyeflow.recurrence import Recurrence, describe

_MISSED: Final = {"run_all": ", every missed time made up for", "skip": ", missed times never made up for"}
_OVERLAP: Final = {"queue": ", a run waits for the one before", "cancel": ", a new run stops the one before"}


def recurrence(schedule: ir.Schedule) -> Recurrence:
    """The schedule as the recurrence room takes it."""
    return Recurrence(
        rules=schedule.rules, cron=schedule.cron, zone=schedule.zone or "UTC", start=schedule.start,
        until=schedule.until, exclude=schedule.exclude, anchor=schedule.anchor,
    )  # fmt: skip


def _schedule(trigger: ir.Schedule, ctx: CompileContext) -> str:
    said = (_MISSED.get(trigger.missed or "", ""), _OVERLAP.get(trigger.overlap or "", ""))
    return describe(recurrence(trigger)) + "".join(said)


def _once(trigger: ir.Once, ctx: CompileContext) -> str:
    missed = ", not later when that was missed" if trigger.missed == "skip" else ""
    return f"Once, at {trigger.at.replace('T', ' ')} ({trigger.zone or 'UTC'}){missed}"


def _where(where: Expr | None, root: str) -> str:
    return f", if {condition(where, {'trigger': root})}" if where is not None else ""


def _webhook(trigger: ir.Webhook, ctx: CompileContext) -> str:
    fields = ", ".join(f.name if f.required else f"{f.name} (may be left out)" for f in trigger.fields)
    what = f" with {fields}" if fields else ""
    unsigned = ", from anyone (unsigned)" if trigger.unsigned else ""
    return (
        f"When {trigger.path} receives a {trigger.method} request{what}{unsigned}{_where(trigger.where, 'the request')}"
    )


def _event(trigger: ir.Event, ctx: CompileContext) -> str:
    connection = next((c for c in ctx.connections if c.name == trigger.service), None)
    service = ctx.catalog.service(connection.service if connection is not None else trigger.service)
    kind = service.trigger(trigger.event) if service is not None else None
    summary = kind.summary if kind is not None else trigger.event.replace("_", " ")
    title = service.title if service is not None else trigger.service
    if service is not None and trigger.service != service.id:
        title += f", account {trigger.service}"
    root = f"the {root_word(trigger.event)}"
    params = "".join(f", {e.name.replace('_', ' ')} {value(e.value, {})}" for e in trigger.params)
    return f"When {summary[0].lower()}{summary[1:].rstrip('.')} ({title}{params}){_where(trigger.where, root)}"


def _topic(trigger: ir.Topic, ctx: CompileContext) -> str:
    return f"When a message arrives on {trigger.name}{_where(trigger.where, 'the message')}"


def _manual(trigger: ir.Manual, ctx: CompileContext) -> str:
    return "When somebody runs it"


TRIGGERS: Final[Mapping[type[Any], Callable[[Any, CompileContext], str]]] = {
    ir.Schedule: _schedule,
    ir.Once: _once,
    ir.Webhook: _webhook,
    ir.Event: _event,
    ir.Topic: _topic,
    ir.Manual: _manual,
}
