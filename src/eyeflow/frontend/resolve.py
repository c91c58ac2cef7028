"""An `Intent` becomes a `Task`: every name of the JSON form turns into the tree that LLM-IR text also gives.

Knows: how each node of an Intent is written in LLM-IR. In: an intent with outcome `program`, and the context.
Out: `(Task | None, Report)`. Never: checks types (`ir.check` does, on the Task, for English and text alike).

From English every action gets its capability's timeout, and the task a DEADLINE: the sum of timeout x attempts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic, Place, Report
from eyeflow.errors import CompileError
from eyeflow.frontend import intent as said
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Entry, Expr, ListExpr, Lit, ObjectExpr, Template
from eyeflow.ir.text import parse_expression, parse_template, parse_type
from eyeflow.units import convert
from eyeflow.values import JSON, Field, Span, Type

DAY_MS = 86_400_000
_WEEK_MS = 7 * DAY_MS
_LOOP_ROUNDS = 10_000
_SLACK_MS = 1_000
_NAME_WORDS = 6


def resolve(intent: said.Intent, ctx: CompileContext, *, name: str | None = None) -> tuple[ir.Task | None, Report]:
    """The Task that `intent` describes; None when an expression of the intent does not parse."""
    return _Resolver(ctx).task(intent, name)


def resolve_actions(actions: Iterable[said.Action], ctx: CompileContext) -> tuple[tuple[ir.Action, ...], Report]:
    """Actions of an Intent as a Task has them, for a task that is there already."""
    resolver = _Resolver(ctx)
    made = resolver.actions(actions)
    return made, Report(tuple(resolver.found))


def longest(actions: Iterable[said.Action], ctx: CompileContext) -> int:
    """Milliseconds of active time that actions may take one after the other, in the worst case."""
    return _Resolver(ctx).longest(actions)


def task_name(text: str) -> str:
    """A name for a task from the first words of its request: `send_weather_to_slack_every_morning`."""
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", text.casefold())[:_NAME_WORDS]
    return "_".join(words) or "task"


def part_names(intent: said.Intent, first: str) -> tuple[str, ...]:
    """Names for the tasks under `also`, from the words of each; `first` is the name of the request's own."""
    taken = [first]
    for part in intent.also:
        spans = [each.span for each in (part.trigger, *part.actions) if each is not None and each.span is not None]
        words = part.text[min(s.start for s in spans) : max(s.end for s in spans)] if spans else part.text
        wanted = task_name(words)
        taken.append(wanted if wanted not in taken else f"{wanted}_{len(taken) + 1}")
    return tuple(taken[1:])


class _Resolver:
    """Collects findings while the tree is turned; one finding an expression."""

    def __init__(self, ctx: CompileContext) -> None:
        self.ctx = ctx
        self.found: list[Diagnostic] = []

    def task(self, intent: said.Intent, name: str | None) -> tuple[ir.Task | None, Report]:
        actions = tuple(self.action(a) for a in intent.actions)
        trigger = self.trigger(intent.trigger)
        task = ir.Task(
            name=name or task_name(intent.text),
            description=intent.text,
            zone=self.ctx.zone,
            deadline_ms=min(self.longest(intent.actions) + _SLACK_MS, DAY_MS),
            expires_ms=_expires(intent.actions),
            triggers=(trigger,) if trigger is not None else (),
            actions=actions,
            returns=None,
        )
        report = Report(tuple(self.found))
        return (task if report.ok else None), report

    # --- triggers

    def trigger(self, trigger: said.Trigger | None) -> ir.Trigger | None:
        match trigger:
            case said.ScheduleTrigger():
                return ir.Schedule(
                    rules=trigger.rules,
                    zone=trigger.timezone,
                    start=trigger.start,
                    until=trigger.until,
                    exclude=trigger.exclude,
                    span=trigger.span,
                )
            case said.OnceTrigger():
                return ir.Once(at=trigger.at, zone=trigger.timezone, span=trigger.span)
            case said.WebhookTrigger():
                fields = tuple(Field(name, self.type(of)) for name, of in trigger.fields.items())
                where = self.expression(trigger.where, trigger.span) if trigger.where else None
                return ir.Webhook(
                    path=trigger.path, fields=fields, method=trigger.method, where=where, span=trigger.span
                )
            case said.EventTrigger():
                where = self.expression(trigger.where, trigger.span) if trigger.where else None
                params = self.params(trigger.params, trigger.span)
                return ir.Event(
                    service=trigger.service, event=trigger.event, params=params, where=where, span=trigger.span
                )
            case said.ManualTrigger():
                return ir.Manual(span=trigger.span)
            case None:
                return None

    def type(self, text: str) -> Type:
        try:
            return parse_type(text)
        except CompileError as error:
            self.found += error.report.diagnostics
            return JSON

    # --- actions

    def action(self, action: said.Action) -> ir.Action:
        return ir.Action(
            name=action.id,
            do=self.body(action),
            after=action.after,
            when=self.expression(action.when, action.span) if action.when else None,
            timeout_ms=self.timeout(action) if action.service else None,
            retry=retry_of(action.retry),
            fallback=self.fallback(action.fallback, action.span),
            on_error=action.on_error,
            rate=rate_of(action.rate),
            output=action.id,
            span=action.span,
        )

    def actions(self, actions: Iterable[said.Action]) -> tuple[ir.Action, ...]:
        return tuple(self.action(a) for a in actions)

    def body(self, action: said.Action) -> ir.Body:
        if action.service is not None:
            params = self.params(action.params, action.span)
            return ir.ConnectorCall(connector=action.service, function=action.function or "", params=params)
        if action.for_each is not None:
            return self.loop(action, action.for_each)
        if action.branches:
            cases = tuple(
                ir.Case(
                    when=self.expression(b.when, action.span),
                    block=ir.Block(name=f"{action.id}_{i}", actions=self.actions(b.actions)),
                )
                for i, b in enumerate(action.branches, 1)
            )
            return ir.Conditional(cases=cases, default=ir.Block(actions=self.actions(action.default)))
        if action.wait is not None:
            for_ = self.expression(action.wait.for_, action.span) if action.wait.for_ else None
            until = self.expression(action.wait.until, action.span) if action.wait.until else None
            return ir.Wait(for_=for_, until=until)
        if action.approval is not None:
            message = self.template(action.approval.message, action.span)
            expires = _length(action.approval.expires) if action.approval.expires is not None else None
            return ir.Approval(role=action.approval.role, message=message, expires_ms=expires)
        return ir.Transform(value=self.expression(action.value or "null", action.span))

    def loop(self, action: said.Action, head: said.ForEach) -> ir.ForEach:
        where = self.expression(head.where, action.span) if head.where else None
        source = self.expression(head.source, action.span)
        return ir.ForEach(item=head.item, source=source, where=where, actions=self.actions(action.actions))

    def fallback(self, fallback: said.Fallback | None, span: Span | None) -> ir.Fallback | None:
        if fallback is None:
            return None
        value = self.expression(fallback.value, span) if fallback.value else None
        longest = max(self.longest(fallback.actions), 1_000)
        then = fallback.then if fallback.then != "continue" else None
        return ir.Fallback(actions=self.actions(fallback.actions), value=value, then=then, timeout_ms=longest)

    # --- values

    def params(self, params: Mapping[str, said.JsonValue], span: Span | None) -> tuple[Entry, ...]:
        return tuple(Entry(name, self.value(value, span)) for name, value in params.items())

    def value(self, value: said.JsonValue, span: Span | None) -> Expr:
        if isinstance(value, str):
            return self.template(value, span)
        if isinstance(value, Mapping):
            return ObjectExpr(tuple(Entry(str(k), self.value(v, span)) for k, v in value.items()), span=span)
        if isinstance(value, Sequence):
            return ListExpr(tuple(self.value(v, span) for v in value), span=span)
        assert value is None or isinstance(value, bool | int | float), value
        return Lit(value, span=span)

    def template(self, text: str, span: Span | None) -> Template:
        try:
            return parse_template(text)
        except CompileError as error:
            self._note(error.report, span)
            return Template(())

    def expression(self, text: str, span: Span | None) -> Expr:
        expr, report = parse_expression(text)
        self._note(report, span)
        return expr if expr is not None else Lit(None)

    def _note(self, report: Report, span: Span | None) -> None:
        for found in report.diagnostics:
            self.found.append(
                Diagnostic(found.code, found.message, found.severity, Place("sentence", span), found.hint)
            )

    # --- time

    def timeout(self, action: said.Action) -> int | None:
        service = self.ctx.catalog.service(action.service or "")
        capability = service.capability(action.function or "") if service is not None else None
        return capability.timeout_ms if capability is not None else None

    def longest(self, actions: Iterable[said.Action]) -> int:
        """Milliseconds of active time these actions may take one after the other, in the worst case."""
        total = 0
        for action in actions:
            attempts = action.retry.attempts if action.retry is not None else 1
            total += (self.timeout(action) or 0) * attempts
            if action.fallback is not None:
                total += self.longest(action.fallback.actions)
            arms = [self.longest(b.actions) for b in action.branches] + [self.longest(action.default)]
            total += max(arms)
            if action.for_each is not None:
                total += self.longest(action.actions) * _LOOP_ROUNDS
        return total


def _expires(actions: Iterable[said.Action]) -> int | None:
    """A run that waits may live for its waits and the usual week besides; None leaves the usual week."""
    waits = sum(_waited(action) for action in actions)
    return waits + _WEEK_MS if waits else None


def _waited(action: said.Action) -> int:
    nested = (*action.actions, *action.default, *(a for b in action.branches for a in b.actions))
    held = sum(_waited(inner) for inner in nested)
    if action.wait is not None and action.wait.for_ is not None:
        held += _length(action.wait.for_)
    if action.approval is not None and action.approval.expires is not None:
        held += _length(action.approval.expires)
    return held


def _length(text: str) -> int:
    """Milliseconds of a duration in LLM-IR's words."""
    amount, _, unit = text.partition(" ")
    return math.ceil(convert(float(amount), unit, "ms"))


def retry_of(retry: said.Retry | None) -> ir.Retry | None:
    """The policy as a Task has it."""
    if retry is None:
        return None
    backoff = ir.Backoff(retry.backoff, retry.delay_ms) if retry.delay_ms else None
    return ir.Retry(retry.attempts, backoff)


_WINDOW_MS = {"s": 1_000, "sec": 1_000, "second": 1_000, "min": 60_000, "minute": 60_000, "m": 60_000, "h": 3_600_000,
              "hour": 3_600_000, "d": DAY_MS, "day": DAY_MS}  # fmt: skip


def rate_of(rate: str | None) -> ir.Rate | None:
    """`10/min` as a Task has it."""
    if rate is None:
        return None
    calls, _, window = rate.partition("/")
    assert calls.isdigit() and window in _WINDOW_MS, rate
    return ir.Rate(int(calls), math.ceil(_WINDOW_MS[window]))
