"""What a run begins with: `trigger`, `input`, `me`, `now`.

Knows: the types of a run's roots. In: a Task, the context. Out: their names. Never: values.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.check.triggers import TICK
from eyeflow.ir.codegen.names import Name, Names
from eyeflow.ir.program import INPUT, ME, NOW, TRIGGER
from eyeflow.ir.task import Event, Once, Schedule, Task, Trigger, Webhook
from eyeflow.values import JSON, STRING, TIMESTAMP, Field, ObjectOf, Type, spell


def root_names(task: Task, ctx: CompileContext) -> Names:
    """The names every expression of the task may begin with."""
    return Names(
        {
            "trigger": Name(TRIGGER, trigger_type(task, ctx)),
            "input": Name(INPUT, input_type(task.inputs)),
            "me": Name(ME, me_type(ctx)),
            "now": Name(NOW, TIMESTAMP),
        }
    )


def trigger_type(task: Task, ctx: CompileContext) -> Type:
    """What `trigger` is: the payload when all triggers agree on it, else json."""
    payloads = [payload_type(each, ctx) for each in task.triggers]
    return payloads[0] if payloads and len({spell(each) for each in payloads}) == 1 else JSON


def payload_type(trigger: Trigger, ctx: CompileContext) -> Type:
    """What one trigger delivers."""
    match trigger:
        case Schedule() | Once():
            return TICK
        case Webhook(fields=fields) if fields:
            return ObjectOf(fields)
        case Event():
            service = ctx.catalog.service(event_service(trigger, ctx))
            kind = service.trigger(trigger.event) if service is not None else None
            return kind.payload if kind is not None else JSON
        case _:
            return JSON


def event_service(trigger: Event, ctx: CompileContext) -> str:
    """The id of the service behind an event, which may be named by a connection or an alias."""
    for connection in ctx.connections:
        if connection.name == trigger.service:
            return connection.service
    for service in ctx.catalog.services:
        if trigger.service in service.aliases:
            return service.id
    return trigger.service


def input_type(fields: tuple[Field, ...]) -> ObjectOf:
    """The object of a task's inputs; one with a default is always there."""
    return ObjectOf(tuple(replace(f, required=f.required or f.default is not None) for f in fields))


def me_type(ctx: CompileContext) -> ObjectOf:
    """The profile as an object of text, with its city and zone."""
    known = dict(ctx.profile.me)
    known.setdefault("city", ctx.profile.city or "")
    known.setdefault("timezone", ctx.profile.timezone or "")
    return ObjectOf(tuple(Field(name, STRING) for name in known))
