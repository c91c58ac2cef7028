"""Triggers: when a task runs, and what `trigger` then is.

Knows: the forms of schedules, webhooks and events. In: triggers as written. Out: typed triggers with zone, MISSED and
OVERLAP said, and the type of the payload. Never: waits for anything.

`trigger` is, by kind: schedule and once `object{at: timestamp}` (the planned instant); webhook its fields, json when
it names none; event the payload of the catalog; topic and manual json. With several triggers it is json unless all
agree. A task without a trigger runs when asked to.

Defaults: no zone is UTC, with the note `zone_assumed`; MISSED run_once, OVERLAP skip. A rule that counts from its
first time (INTERVAL, COUNT) and has no START counts from the local midnight of the day of compiling.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Final

import msgspec

from eyeflow.catalog.model import CompileContext, TriggerKind
from eyeflow.diagnostics import Severity, nearest
from eyeflow.ir.check.calls import Calls
from eyeflow.ir.check.constants import NotAValue, Unknown, constant, zone_problem
from eyeflow.ir.check.findings import Findings, meant, words
from eyeflow.ir.check.scope import Name, Scope
from eyeflow.ir.expr import Entry, Expr
from eyeflow.ir.task import Event, Manual, Once, Schedule, Task, Topic, Trigger, Webhook
from eyeflow.recurrence.firing import Recurrence, check
from eyeflow.recurrence.wall import ScheduleError, read_moment, zone_of
from eyeflow.values import JSON, TIMESTAMP, Field, ObjectOf, Type, spell

MAX_TRIGGERS: Final = 50
WEBHOOK_METHODS: Final = ("POST", "PUT", "PATCH", "GET", "DELETE")
TICK: Final = ObjectOf((Field("at", TIMESTAMP),))

_PATH: Final = re.compile(r"(/[A-Za-z0-9_~\-.]+)+\Z")
_TOPIC: Final = re.compile(r"[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*\Z")
_COUNTED: Final = re.compile(r"(?:^|;)\s*(?:INTERVAL\s*=\s*(?!0*1\s*(?:;|$))|COUNT\s*=)", re.IGNORECASE)


class Fired(msgspec.Struct, frozen=True):
    """What a trigger delivers: its payload's type and the service it comes from."""

    type: Type
    origin: str = "trigger"


class Triggers:
    """Checks the triggers of one task."""

    def __init__(self, calls: Calls, ctx: CompileContext) -> None:
        self.calls = calls
        self.typing = calls.typing
        self.found: Findings = calls.found
        self.ctx = ctx

    def check(self, task: Task, roots: Scope) -> tuple[tuple[Trigger, ...], Fired]:
        """The triggers typed, and what `trigger` is in the task. `roots`: the names filters may use."""
        if len(task.triggers) > MAX_TRIGGERS:
            self.found.add("too_large", f"a task has at most {MAX_TRIGGERS} triggers")
        done: list[Trigger] = []
        fired: list[Fired] = []
        for number, trigger in enumerate(task.triggers[:MAX_TRIGGERS], 1):
            label = "trigger" if len(task.triggers) == 1 else f"trigger {number}"
            with self.found.at(label, span=trigger.span):
                typed, delivers = self._one(trigger, roots)
                done.append(typed)
                fired.append(delivers)
        self._paths(task.triggers)
        return tuple(done), _together(fired)

    def _one(self, trigger: Trigger, roots: Scope) -> tuple[Trigger, Fired]:
        match trigger:
            case Schedule():
                return self._schedule(trigger), Fired(TICK)
            case Once():
                return self._once(trigger), Fired(TICK)
            case Webhook():
                return self._webhook(trigger, roots)
            case Event():
                return self._event(trigger, roots)
            case Topic():
                self.topic(trigger.name)
                where = self._where(trigger.where, roots, Fired(JSON))
                return msgspec.structs.replace(trigger, where=where), Fired(JSON)
            case Manual():
                return trigger, Fired(JSON)

    def _zone(self, zone: str | None) -> str:
        if zone is None:
            message = "no time zone was given: times are UTC"
            self.found.add("zone_assumed", message, hint="name one, such as Europe/Paris", severity=Severity.NOTE)
            return "UTC"
        if (why := zone_problem(zone)) is not None:
            self.found.add("bad_zone", why, hint="zones are IANA names such as Europe/Paris")
            return "UTC"
        return zone

    def _schedule(self, trigger: Schedule) -> Schedule:
        zone = self._zone(trigger.zone)
        if trigger.rules and trigger.cron is not None:
            self.found.add("bad_schedule", "a schedule has rules or a cron line, not both")
        anchor = None
        if trigger.start is None and any(_COUNTED.search(rule) for rule in trigger.rules):
            day = self.ctx.now.astimezone(zone_of(zone)).date()
            anchor = datetime.combine(day, time()).isoformat(timespec="seconds")
        done = msgspec.structs.replace(
            trigger, zone=zone, anchor=anchor, missed=trigger.missed or "run_once", overlap=trigger.overlap or "skip"
        )
        spec = Recurrence(
            rules=trigger.rules, cron=trigger.cron, zone=zone, start=trigger.start, until=trigger.until,
            exclude=trigger.exclude, anchor=anchor,
        )  # fmt: skip
        for why in check(spec):
            self.found.add("bad_schedule", why)
        return done

    def _once(self, trigger: Once) -> Once:
        zone = "UTC" if trigger.zone is None and _has_offset(trigger.at) else self._zone(trigger.zone)
        try:
            at = read_moment(trigger.at, zone_of(zone))
        except ScheduleError as error:
            self.found.add("bad_schedule", error.message, hint="write it like 2026-12-24T17:00")
        else:
            if at <= self.ctx.now:
                message = f"{trigger.at} is past: this would never run"
                self.found.add("in_the_past", message, severity=Severity.WARNING)
        return msgspec.structs.replace(trigger, zone=zone, missed=trigger.missed or "run_once")

    def _webhook(self, trigger: Webhook, roots: Scope) -> tuple[Webhook, Fired]:
        path = trigger.path
        if not fits_path(path):
            message = f"`{path[:60]}` is no webhook path"
            hint = "write it like /orders/new: letters, digits, - _ . ~ between slashes"
            self.found.add("bad_path", message, hint=hint)
        method = trigger.method.upper()
        if method not in WEBHOOK_METHODS:
            self.found.add("bad_method", f"`{method[:20]}` is not a webhook's method", hint=words(WEBHOOK_METHODS))
        names = [field.name for field in trigger.fields]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.found.add("duplicate_name", f"the field `{name}` is given twice")
        if trigger.unsigned:
            message = "anybody who knows the address can call this webhook"
            self.found.add("unsigned_webhook", message, hint="leave `unsigned` out", severity=Severity.WARNING)
        payload: Type = ObjectOf(trigger.fields) if trigger.fields else JSON
        where = self._where(trigger.where, roots, Fired(payload))
        return msgspec.structs.replace(trigger, method=method, where=where), Fired(payload)

    def _event(self, trigger: Event, roots: Scope) -> tuple[Event, Fired]:
        account = self.calls.directory.account(trigger.service)
        kind = None if account is None else self.calls.directory.trigger(account, trigger.event)
        if account is None or kind is None:
            return trigger, Fired(JSON)
        fired = Fired(kind.payload, account.service.id)
        params = self._params(trigger, kind, account.service.id)
        where = self._where(trigger.where, roots, fired)
        done = msgspec.structs.replace(trigger, service=account.connection.name, params=params, where=where)
        return done, fired

    def _params(self, trigger: Event, kind: TriggerKind, service: str) -> tuple[Entry, ...]:
        done: list[Entry] = []
        nothing = Scope(names={})
        label = f"{service}.{kind.name}"
        for entry in trigger.params:
            with self.found.at("params", entry.name, span=entry.value.span):
                param = kind.param(entry.name)
                if param is None:
                    known = [each.name for each in kind.params]
                    hint = meant(nearest(entry.name, known), known, "parameters")
                    self.found.add("unknown_parameter", f"{label} has no parameter `{entry.name[:60]}`", hint=hint)
                    continue
                typed = self.typing.place(entry.value, nothing, param.type, f"`{param.name}` of {label}")
                if typed is not None and self._is_constant(typed, param.name):
                    done.append(Entry(entry.name, typed))
        given = {entry.name for entry in trigger.params}
        for param in kind.params:
            if param.required and param.default is None and param.name not in given:
                self.found.add("missing_parameter", f"{label} needs `{param.name}`", hint=param.description)
        return tuple(done)

    def _is_constant(self, typed: Expr, name: str) -> bool:
        try:
            if not isinstance(constant(typed, self.typing.zone), Unknown):
                return True
            why = f"`{name}` of a trigger must be written out"
        except NotAValue as error:
            why = str(error)
        self.found.add("bad_constant", why)
        return False

    def _where(self, where: Expr | None, roots: Scope, fired: Fired) -> Expr | None:
        if where is None:
            return None
        scope = roots.having("trigger", Name(type=fired.type, origin=fired.origin, what="the payload"))
        with self.found.at("where", span=where.span):
            return self.typing.condition(where, scope, "WHERE")

    def topic(self, name: str) -> None:
        """A finding when `name` is no topic a task may use."""
        if len(name) > 200 or _TOPIC.match(name) is None:
            message = f"`{name[:60]}` is no topic"
            self.found.add("bad_topic", message, hint="write it like orders.paid: words of letters, digits, - _")

    def _paths(self, triggers: tuple[Trigger, ...]) -> None:
        seen: set[tuple[str, str]] = set()
        for trigger in triggers:
            if isinstance(trigger, Webhook):
                if (trigger.path, trigger.method) in seen:
                    self.found.add("duplicate_name", f"two webhooks have the path {trigger.path}", span=trigger.span)
                seen.add((trigger.path, trigger.method))


def fits_path(path: str) -> bool:
    """Whether a webhook may have this path."""
    dots = any(set(part) == {"."} for part in path.split("/") if part)
    return len(path) <= 200 and _PATH.match(path) is not None and not dots


def _has_offset(at: str) -> bool:
    clock = at.partition("T")[2]
    return any(sign in clock for sign in "Z+-")


def _together(fired: list[Fired]) -> Fired:
    """One payload for all: the joint type when all agree, else json."""
    if not fired:
        return Fired(JSON)
    types = {spell(each.type) for each in fired}
    origins = sorted({each.origin for each in fired})
    origin = origins[0] if len(origins) == 1 else "trigger"
    return Fired(fired[0].type, origin) if len(types) == 1 else Fired(JSON, origin)
