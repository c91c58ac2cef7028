"""The whole task: its roots, its parts in order, its defaults.

Knows: what `check` promises (see the package). In: a task as written and a context. Out: the typed task.
Never: does a part's work itself.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext, Profile
from eyeflow.ir.check.actions import Actions
from eyeflow.ir.check.calls import Calls, spelled
from eyeflow.ir.check.constants import NotAValue, constant, wrong, zone_problem
from eyeflow.ir.check.deadline import DEFAULT_DEADLINE_MS, DEFAULT_EXPIRES_MS, check_deadline
from eyeflow.ir.check.effects import MAX_MS, check_answers
from eyeflow.ir.check.expressions import Typing
from eyeflow.ir.check.findings import Findings
from eyeflow.ir.check.scope import Name, Scope
from eyeflow.ir.check.services import Directory
from eyeflow.ir.check.tree import type_of
from eyeflow.ir.check.triggers import Triggers
from eyeflow.ir.depends import nested
from eyeflow.ir.task import Action, Approval, Event, Once, Schedule, Task, Topic, Wait, Webhook
from eyeflow.values import NULL, STRING, TIMESTAMP, Field, ObjectOf, nullable

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_\-.]{0,127}\Z")
_DURABLE: Final = (Schedule, Once, Webhook, Event, Topic)


def check_task(task: Task, ctx: CompileContext, found: Findings) -> Task:
    """`task` typed as far as it goes; what is wrong is in `found`."""
    zone = _zone(task, found)
    typing = Typing(found, zone)
    calls = Calls(typing, Directory(ctx, found))
    triggers = Triggers(calls, ctx)
    _head(task, found)
    inputs = _inputs(task.inputs, typing)
    roots = Scope(
        names={
            "input": Name(type=ObjectOf(tuple(_given(field) for field in inputs)), origin="input", what="the input"),
            "me": Name(type=_me(ctx.profile), origin="me", what="your profile"),
            "now": Name(type=TIMESTAMP, what="the present"),
        }
    )
    checked, fired = triggers.check(task, roots)
    scope = roots.having("trigger", Name(type=fired.type, origin=fired.origin, what="the payload"))
    actions = Actions(calls, triggers, task.name)
    done, after, _ = actions.check(task.actions, scope)
    returns = None
    if task.returns is not None:
        with found.at("return", span=task.returns.span):
            returns = typing.infer(task.returns, after)
            if returns is not None:
                actions.no_secret(returns, after, "RETURN")
    on_failure = _on_failure(task, actions, after)
    webhook = any(isinstance(trigger, Webhook) for trigger in task.triggers)
    check_answers(done + on_failure, webhook=webhook, found=found)
    whole = replace(
        task,
        zone=zone,
        deadline_ms=task.deadline_ms if task.deadline_ms is not None else DEFAULT_DEADLINE_MS,
        expires_ms=task.expires_ms if task.expires_ms is not None else DEFAULT_EXPIRES_MS,
        durable=task.durable or ("journal" if _lasts(task) else "record"),
        inputs=inputs,
        triggers=checked,
        actions=done,
        on_failure=on_failure,
        returns=returns if returns is not None else task.returns,
        type=type_of(returns) if returns is not None else NULL,
    )
    if found.report().ok:
        check_deadline(whole, task, ctx.catalog, found)
    return whole


def _on_failure(task: Task, actions: Actions, after: Scope) -> tuple[Action, ...]:
    """ON_FAILURE sees every output, any of which may be missing."""
    outputs = {action.output for action in task.actions if action.output is not None}
    names = {
        name: replace(entry, type=nullable(entry.type), guard=()) if name in outputs else entry
        for name, entry in after.names.items()
    }
    with actions.found.at("on_failure"):
        done, _, _ = actions.check(task.on_failure, Scope(names=names))
    return done


def _zone(task: Task, found: Findings) -> str:
    """The zone dates are rendered in: the task's, else its first schedule's, else UTC."""
    zone = task.zone
    for trigger in task.triggers:
        if zone is None and isinstance(trigger, Schedule | Once):
            zone = trigger.zone
    if zone is None:
        return "UTC"
    if (why := zone_problem(zone)) is not None:
        if task.zone is not None:
            found.add("bad_zone", why, hint="zones are IANA names such as Europe/Paris", span=task.span)
        return "UTC"
    return zone


def _head(task: Task, found: Findings) -> None:
    if _NAME.match(task.name) is None:
        message = f"`{task.name[:60]}` cannot name a task"
        found.add("bad_name", message, hint="letters, digits, _ - and ., at most 128", span=task.span)
    for said, value in (("DEADLINE", task.deadline_ms), ("EXPIRES", task.expires_ms)):
        if value is not None and not 1 <= value <= MAX_MS:
            found.add("out_of_range", f"{said} must be from 1 ms to a year", span=task.span)
    if not task.actions and task.returns is None:
        found.add("empty_task", "the task does nothing", hint="give it an ACTION or a RETURN", span=task.span)


def _inputs(fields: tuple[Field, ...], typing: Typing) -> tuple[Field, ...]:
    names = [field.name for field in fields]
    for field in fields:
        with typing.found.at("input", field.name):
            if names.count(field.name) > 1:
                typing.found.add("duplicate_name", f"the input `{field.name}` is given twice")
            if field.default is None:
                continue
            typed = typing.place(spelled(field.default.value), Scope(names={}), field.type, f"the input {field.name}")
            if typed is None:
                continue
            try:
                value = constant(typed, typing.zone)
            except NotAValue as error:
                typing.found.add("bad_constant", str(error))
                continue
            why = None if not isinstance(value, str | int | float | list) else wrong(field, value)
            if why is not None:
                typing.found.add("bad_constant", f"the input `{field.name}` {why}")
    return fields


def _given(field: Field) -> Field:
    """An input as the task sees it: with a default it is always there."""
    return field if field.required or field.default is None else replace(field, required=True)


def _me(profile: Profile) -> ObjectOf:
    known = dict(profile.me)
    if profile.city is not None:
        known.setdefault("city", profile.city)
    if profile.timezone is not None:
        known.setdefault("timezone", profile.timezone)
    return ObjectOf(tuple(Field(name, STRING) for name in known))


def _lasts(task: Task) -> bool:
    """True when a run may outlive the process: somebody else's event started it, or it waits."""
    if any(isinstance(trigger, _DURABLE) for trigger in task.triggers):
        return True
    stack = [*task.actions, *task.on_failure]
    while stack:
        action = stack.pop()
        if isinstance(action.do, Wait | Approval):
            return True
        stack.extend(inner for block in nested(action) for inner in block)
    return False
