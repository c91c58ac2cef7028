"""Effects, limits, triggers and inputs.

Knows: the machine's maxima, and what may never be repeated or cached. In: a program of the right shape.
Out: findings. Never: reads a catalog.
"""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo

from eyeflow.errors import RunError
from eyeflow.ir.evaluate.conform import expecter
from eyeflow.ir.opcodes import CALLS, Op
from eyeflow.ir.program import CallBinding, Program, Step, TriggerCode
from eyeflow.ir.task import Event, Manual, Once, Schedule, Topic, Webhook
from eyeflow.ir.validate.findings import Findings, step_path
from eyeflow.recurrence import Recurrence, ScheduleError, read_moment, zone_of
from eyeflow.recurrence import check as check_recurrence
from eyeflow.values import JSON, Null, Nullable

DAY_MS: Final = 86_400_000
MOST: Final = {
    "deadline_ms": 366 * DAY_MS,
    "expires_ms": 3_660 * DAY_MS,
    "operations": 1_000_000_000,
    "calls": 10_000_000,
    "memory_bytes": 4_000_000_000,
    "timeout_ms": 366 * DAY_MS,
    "attempts": 1_000,
    "delay_ms": 366 * DAY_MS,
    "rate_calls": 1_000_000,
    "window_ms": 366 * DAY_MS,
    "cache_ms": 3_660 * DAY_MS,
    "parallel": 10_000,
    "max_items": 1_000_000,
    "pool": 10_000,
}
"""The machine's maxima, by what they bound."""

_REFERENCE: Final = re.compile(r"[a-z]+:[A-Za-z0-9_./@-]{1,200}", re.ASCII)


def check(program: Program, found: Findings) -> None:
    """The rules under "Effects" and "Triggers and inputs"."""
    _limits(program, found)
    for index, binding in enumerate(program.bindings):
        _binding(binding, f"bindings.{index}", found)
    for index, scope in enumerate(program.scopes):
        for position, step in enumerate(scope.steps):
            _step(program, step, step_path(index, position), found)
    for index, fan in enumerate(program.fans):
        _bound("parallel", fan.parallel, f"fans.{index}", found)
        _bound("max_items", fan.max_items, f"fans.{index}", found)
    for index, trigger in enumerate(program.triggers):
        _trigger(trigger, f"triggers.{index}", found)
    _respond(program, found)
    _inputs(program, found)


def _bound(what: str, value: int, path: str, found: Findings, *, least: int = 1) -> None:
    if not least <= value <= MOST[what]:
        found.add("limits", f"{what} is {value}; {least} to {MOST[what]} are possible", path)


def _limits(program: Program, found: Findings) -> None:
    held = program.limits
    for name in ("deadline_ms", "expires_ms", "operations", "memory_bytes"):
        _bound(name, getattr(held, name), "limits", found)
    _bound("calls", held.calls, "limits", found, least=0)
    low, high = program.estimate_ms
    if not 0 <= low <= high:
        found.add("limits", f"the estimate {low}-{high} ms is none", "estimate_ms")
    outside = sum(step.do.op in CALLS for step in program.scopes[program.root].steps)
    if held.calls < outside:
        found.add("call_budget", f"{held.calls} calls are allowed, and {outside} steps make one each", "limits.calls")


def _binding(binding: CallBinding, path: str, found: Findings) -> None:
    for name in ("label", "service", "capability", "connection", "digest"):
        if not getattr(binding, name):
            found.add("binding", f"the binding has no {name}", path)
    if binding.credential is not None and _REFERENCE.fullmatch(binding.credential) is None:
        found.add("binding", "the credential is no reference", path)
    if binding.effect in ("pure", "read") and not binding.idempotent:
        found.add("binding", f"a {binding.effect} capability is idempotent", path)
    _bound("timeout_ms", binding.timeout_ms, path, found)
    _bound("pool", binding.pool, path, found)


def _step(program: Program, step: Step, path: str, found: Findings) -> None:
    if step.timeout_ms is not None:
        _bound("timeout_ms", step.timeout_ms, path, found)
    _bound("attempts", step.attempts, path, found)
    if step.attempts > 1 and step.do.op not in (*CALLS, Op.SUBTASK):
        found.add("attempts", f"{step.name} is no call and no task, and nothing else is tried twice", path)
    if step.backoff is not None:
        _bound("delay_ms", step.backoff.first_ms, path, found, least=0)
        if step.backoff.max_ms is not None:
            _bound("delay_ms", step.backoff.max_ms, path, found, least=0)
        if not 1 <= step.backoff.factor <= 1_000:
            found.add("limits", f"a factor of {step.backoff.factor}; 1 to 1000 are possible", path)
    if step.rate is not None:
        _bound("rate_calls", step.rate.calls, path, found)
        _bound("window_ms", step.rate.window_ms, path, found)
    _bound("cache_ms", step.cache_ms, path, found, least=0)
    if step.backup is not None:
        _bound("timeout_ms", step.backup.timeout_ms, f"{path}.backup", found)
        if (step.backup.block >= 0) == (step.backup.scope >= 0):
            found.add("backup", "a fallback is either a block or a scope", f"{path}.backup")
    _repeats(program, step, path, found)
    nullable = isinstance(step.output_type, Nullable | Null) or step.output_type == JSON
    if (step.when >= 0 or step.continue_on_error) and not nullable:
        found.add("output_type", f"{step.name} may have no output, and its type is never null", path)


def _repeats(program: Program, step: Step, path: str, found: Findings) -> None:
    binding = program.bindings[step.do.args[0]] if step.do.op in CALLS else None
    writes = binding is not None and binding.effect in ("write", "irreversible")
    if binding is not None and writes and step.uncertain == "retry" and not (binding.idempotent or binding.keyed):
        what = f"{binding.service}.{binding.capability}"
        found.add("repeats_write", f"{what} may be done twice: it is neither idempotent nor keyed", path)
    if step.cache_ms and (binding is None or writes):
        found.add("cache", f"{step.name} is no pure or read call, and its result is cached", path)


def _trigger(trigger: TriggerCode, path: str, found: Findings) -> None:
    spec = trigger.spec
    names = [name for name, _ in trigger.params]
    if len(set(names)) != len(names):
        found.add("trigger", "a param is given twice", path)
    match spec:
        case Schedule():
            for problem in _schedule(spec):
                found.add("trigger", problem, path)
        case Once(at=at, zone=zone):
            try:
                read_moment(at, zone_of(zone or "UTC"))
            except ScheduleError as error:
                found.add("trigger", error.message, path)
        case Webhook(path=place, where=where, method=method):
            if not place.startswith("/") or len(place) > 500 or not place.isprintable() or not method.isalpha():
                found.add("trigger", f"{place[:60]!r} is no webhook path", path)
            _bare(where is None, path, found)
        case Event(service=service, event=event, where=where, params=params):
            if not service or not event:
                found.add("trigger", "an event has a service and a name", path)
            _bare(where is None and not params, path, found)
        case Topic(name=name, where=where):
            if not name:
                found.add("trigger", "a topic has a name", path)
            _bare(where is None, path, found)
        case Manual():
            pass


def _bare(bare: bool, path: str, found: Findings) -> None:
    if not bare:
        found.add("trigger", "a program's triggers hold blocks, not expressions", path)


def _schedule(spec: Schedule) -> tuple[str, ...]:
    if bool(spec.rules) == (spec.cron is not None):
        return ("a schedule has rules, or one cron line",)
    return check_recurrence(
        Recurrence(
            rules=spec.rules, cron=spec.cron, zone=spec.zone or "UTC", start=spec.start, until=spec.until,
            exclude=spec.exclude, anchor=spec.anchor,
        )
    )  # fmt: skip


def _respond(program: Program, found: Findings) -> None:
    if any(isinstance(trigger.spec, Webhook) for trigger in program.triggers):
        return
    for index, scope in enumerate(program.scopes):
        for position, step in enumerate(scope.steps):
            if step.do.op == Op.RESPOND:
                found.add("respond", f"{step.name} answers a caller, and no webhook starts this task",
                          step_path(index, position))  # fmt: skip


def _inputs(program: Program, found: Findings) -> None:
    zone: ZoneInfo = zone_of(program.zone)
    seen: set[str] = set()
    for index, field in enumerate(program.inputs):
        path = f"inputs.{index}"
        if not field.name or field.name in seen:
            found.add("inputs", f"an input is called {field.name[:40]!r}", path)
        seen.add(field.name)
        if field.default is None:
            continue
        read = expecter(field.type, zone, repr(field.name))
        try:
            value = field.default.value
            if read is not None:
                read(value)
        except (RunError, ValueError, RecursionError) as error:
            found.add("inputs", f"the default of {field.name!r} is not of its type: {error}", path)
