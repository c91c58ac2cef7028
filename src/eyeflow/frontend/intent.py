"""`Intent`: the one form in which the front end says what it understood, whatever engine produced it.

Knows: the JSON contract (trigger, tree of actions, assumptions, questions, refusals). In: nothing.
Out: structs that `msgspec.json.encode` writes exactly as documented. Never: decides anything.

Spans are `[start, end)` in code points of `text`. Expressions (`when`, `where`, `in`, `value`) are LLM-IR expression
text; strings in `params` are templates, with `{{` and `}}` for braces a person typed.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

from eyeflow.values import Span

JsonValue: TypeAlias = Any
"""A JSON value. Parameters come in any shape; the type checker judges them on the Task."""


class ScheduleTrigger(msgspec.Struct, frozen=True, tag="schedule", tag_field="type", omit_defaults=True, kw_only=True):
    """`rules` are RFC 5545 RRULEs whose occurrences are merged; `time` (HH:MM) and `frequency` are the short form.

    `exclude` holds RRULEs or ISO dates; `start` and `until` are ISO instants or local dates.
    """

    rules: tuple[str, ...]
    timezone: str
    time: str | None = None
    frequency: str | None = None
    exclude: tuple[str, ...] = ()
    start: str | None = None
    until: str | None = None
    span: Span | None = None


class OnceTrigger(msgspec.Struct, frozen=True, tag="once", tag_field="type", omit_defaults=True, kw_only=True):
    """One local instant, ISO without offset, in `timezone`."""

    at: str
    timezone: str
    span: Span | None = None


class WebhookTrigger(msgspec.Struct, frozen=True, tag="webhook", tag_field="type", omit_defaults=True, kw_only=True):
    """A request to `path`; `fields` maps each named body field to its type as LLM-IR spells it."""

    path: str
    method: str = "POST"
    fields: dict[str, str] = {}
    where: str | None = None
    span: Span | None = None


class EventTrigger(msgspec.Struct, frozen=True, tag="event", tag_field="type", omit_defaults=True, kw_only=True):
    """A trigger kind of a catalog service, its parameters, and a filter over `trigger`."""

    service: str
    event: str
    params: dict[str, JsonValue] = {}
    where: str | None = None
    span: Span | None = None


class ManualTrigger(msgspec.Struct, frozen=True, tag="manual", tag_field="type", omit_defaults=True, kw_only=True):
    """Runs when somebody runs it."""

    span: Span | None = None


Trigger: TypeAlias = ScheduleTrigger | OnceTrigger | WebhookTrigger | EventTrigger | ManualTrigger


class Retry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`attempts` in all, the first included; `delay_ms` between them, or the first delay when exponential."""

    attempts: int
    delay_ms: int = 0
    backoff: Literal["fixed", "exponential"] = "fixed"


class Fallback(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What stands in when the action failed for good: actions, or a value (an expression)."""

    actions: tuple[Action, ...] = ()
    value: str | None = None
    then: Literal["continue", "stop"] = "continue"


class ForEach(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The head of a loop: `item` names each element of the expression `source`, kept when `where` holds."""

    item: str
    source: str = msgspec.field(name="in")
    where: str | None = None


class Branch(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One arm of a choice; the first whose `when` holds is taken."""

    when: str
    actions: tuple[Action, ...]


NEXT_DAY_AT: Final = 'FORMAT_DATE(DATE_ADD(now, 1, "days"), "YYYY-MM-DD[T{}:00]")'
"""The time of day, in the task's zone, on the day after the one on which it is worked out; the place holds HH:MM."""


class Wait(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A pause: `for_` in LLM-IR duration text (`10 minutes`), or `until`, an expression."""

    for_: str | None = msgspec.field(name="for", default=None)
    until: str | None = None


class Approval(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A person of `role` must agree before what depends on it goes on; `expires` in duration text."""

    role: str
    message: str
    expires: str | None = None


class Action(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One node of the tree: exactly one of call (`service`), loop, choice, value, wait, approval.

    `after` names actions that must have finished first; list order alone implies nothing.
    """

    id: str
    service: str | None = None
    function: str | None = None
    params: dict[str, JsonValue] = {}
    when: str | None = None
    retry: Retry | None = None
    rate: str | None = None
    on_error: Literal["fail", "continue"] | None = None
    fallback: Fallback | None = None
    for_each: ForEach | None = None
    actions: tuple[Action, ...] = ()
    branches: tuple[Branch, ...] = ()
    default: tuple[Action, ...] = ()
    value: str | None = None
    wait: Wait | None = None
    approval: Approval | None = None
    after: tuple[str, ...] = ()
    span: Span | None = None


class Assumption(msgspec.Struct, frozen=True):
    """A decision nobody stated: the slot, the value taken, and where it came from."""

    slot: str
    value: JsonValue
    why: str


class Question(msgspec.Struct, frozen=True):
    """What must be answered before there is a program; `--answer slot=value` answers it."""

    slot: str
    text: str
    options: tuple[str, ...] = ()
    span: Span | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Words that cannot be served, why, and what could be said instead."""

    span: Span
    text: str
    reason: str
    suggestions: tuple[str, ...] = ()


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What one request means. `outcome` is `program` only when nothing is open and nothing refused."""

    text: str
    outcome: Literal["program", "questions", "refused"]
    trigger: Trigger | None = None
    actions: tuple[Action, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    also: tuple[Intent, ...] = ()
    confidence: float = 0.0
    engine: str = "rules"
