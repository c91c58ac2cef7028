"""`Task`: the typed tree at which English and LLM-IR text meet.

Knows: every node an automation is made of. In: nothing. Out: frozen structs.
Never: parses, checks, orders or runs.

`parse(print(task)) == strip(task)`: what is not spelled in text (spans, and the fields under "set by the checker")
is set aside by `eyeflow.ir.text.strip`. Durations are integer milliseconds. None means "not said": the checker's
defaults are in `ir/check.py`, so that what a person wrote stays distinguishable from what was assumed.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from eyeflow.ir.expr import Entry, Expr, Template
from eyeflow.values import Field, Span, Type

Missed: TypeAlias = Literal["run_once", "run_all", "skip"]
Overlap: TypeAlias = Literal["skip", "queue", "cancel"]


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="schedule", tag_field="node"):
    """Recurring times: RRULEs whose occurrences are merged, or one five-field cron line; never both.

    `zone` None means UTC, as an assumption. `start`, `until`: ISO instant, local date-time or date. `exclude`:
    RRULEs or ISO dates. `anchor`: ISO local midnight of the day of compiling, from which INTERVAL counts when there
    is no START; set by the checker. The short forms `schedule(09:00, daily)` parse to the RRULE they mean.
    """

    rules: tuple[str, ...] = ()
    cron: str | None = None
    zone: str | None = None
    start: str | None = None
    until: str | None = None
    exclude: tuple[str, ...] = ()
    missed: Missed | None = None
    overlap: Overlap | None = None
    anchor: str | None = None
    span: Span | None = None


class Once(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="once", tag_field="node"):
    """One instant: ISO local date-time in `zone` (None: UTC, as an assumption), or with an offset."""

    at: str
    zone: str | None = None
    missed: Missed | None = None
    span: Span | None = None


class Webhook(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="webhook", tag_field="node"):
    """A request to `path`; `fields` types the body's named fields, none given means json. `unsigned` by name only."""

    path: str
    fields: tuple[Field, ...] = ()
    method: str = "POST"
    unsigned: bool = False
    where: Expr | None = None
    span: Span | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="event", tag_field="node"):
    """A trigger kind of a service (or connection, by name), with params and a filter over `trigger`."""

    service: str
    event: str
    params: tuple[Entry, ...] = ()
    where: Expr | None = None
    span: Span | None = None


class Topic(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="topic", tag_field="node"):
    """A message on an event topic of this workspace."""

    name: str
    where: Expr | None = None
    span: Span | None = None


class Manual(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="manual", tag_field="node"):
    """Runs when asked to."""

    span: Span | None = None


Trigger: TypeAlias = Schedule | Once | Webhook | Event | Topic | Manual


class Backoff(msgspec.Struct, frozen=True, omit_defaults=True):
    """`fixed(first)` or `exponential(first, factor, max)`; milliseconds."""

    kind: Literal["fixed", "exponential"]
    first_ms: int
    factor: float = 2.0
    max_ms: int | None = None


class Retry(msgspec.Struct, frozen=True, omit_defaults=True):
    """`attempts` in all, the first included. No backoff given: repeat at once unless the service asks to wait."""

    attempts: int
    backoff: Backoff | None = None


class Fallback(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Either `value` or `actions`; the last action's output is the value. `then` None means continue."""

    actions: tuple[Action, ...] = ()
    value: Expr | None = None
    then: Literal["continue", "stop"] | None = None
    timeout_ms: int | None = None


class Rate(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most `calls` in any window of `window_ms`; what is over waits (`queue`, the default) or fails (`refuse`)."""

    calls: int
    window_ms: int
    mode: Literal["queue", "refuse"] | None = None


class Bound(msgspec.Struct, frozen=True):
    """What a call came to mean: ids in the catalog, and the connection's name. Set by the checker."""

    service: str
    capability: str
    connection: str


class HttpCall(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="http_call", tag_field="node"):
    """A call by URL. It must match one capability of the catalog (then it has that result) or say `EXPECT`."""

    method: str
    url: Expr
    headers: tuple[Entry, ...] = ()
    query: tuple[Entry, ...] = ()
    body: Expr | None = None
    auth: str | None = None
    auth_connection: str | None = None
    expect: Type | None = None
    bound: Bound | None = None
    params: tuple[Entry, ...] = ()


class ConnectorCall(
    msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="connector_call", tag_field="node"
):
    """A capability by name. `connector` is a connection's name, a service id or alias."""

    connector: str
    function: str
    params: tuple[Entry, ...] = ()
    bound: Bound | None = None


class Block(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of a branch: exactly one of `format` (text), `value`, `actions`, or nothing at all (`NOTHING`).

    `name` is the branch's label (`BRANCH hot_weather`), `output` a label for its value; both are for people.
    """

    name: str | None = None
    format: Template | None = None
    value: Expr | None = None
    actions: tuple[Action, ...] = ()
    output: str | None = None
    span: Span | None = None


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """`CONDITION when` and the block taken when it is the first that holds."""

    when: Expr
    block: Block


class Conditional(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="conditional", tag_field="node"):
    """Ordered cases, first match wins, and a required default."""

    cases: tuple[Case, ...]
    default: Block


class Transform(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="transform", tag_field="node"):
    """A pure value."""

    value: Expr


class ForEach(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="foreach", tag_field="node"):
    """Runs `actions` for each `item` of `source` for which `where` holds; output: list of `collect` (None: nulls)."""

    item: str
    source: Expr
    where: Expr | None = None
    parallel: int | None = None
    max_items: int | None = None
    actions: tuple[Action, ...] = ()
    collect: Expr | None = None


class Subtask(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="subtask", tag_field="node"):
    """Another task, run as part of this one; its output is this action's."""

    task: str
    params: tuple[Entry, ...] = ()


class Wait(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="wait", tag_field="node"):
    """Exactly one of a duration and an instant."""

    for_: Expr | None = None
    until: Expr | None = None


class Approval(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="approval", tag_field="node"):
    """Goes on when a person of `role` agrees; a refusal or the expiry is a failure of this action."""

    role: str
    message: Expr
    expires_ms: int | None = None


class Emit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="emit", tag_field="node"):
    """Publishes `value` on `topic`."""

    topic: str
    value: Expr


class Log(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="log", tag_field="node"):
    """A line in the run's log."""

    message: Expr


class Respond(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="respond", tag_field="node"):
    """Answers the caller of a webhook; at most one runs."""

    status: Expr | None = None
    body: Expr | None = None


Body: TypeAlias = (
    HttpCall | ConnectorCall | Conditional | Transform | ForEach | Subtask | Wait | Approval | Emit | Log | Respond
)


class Action(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One step: what to do, when, and what if it goes wrong. `type` (of its output) is set by the checker."""

    name: str
    do: Body
    after: tuple[str, ...] = ()
    when: Expr | None = None
    timeout_ms: int | None = None
    retry: Retry | None = None
    fallback: Fallback | None = None
    on_error: Literal["fail", "continue"] | None = None
    uncertain: Literal["fail", "retry", "ask"] | None = None
    cache_ms: int | None = None
    rate: Rate | None = None
    output: str | None = None
    type: Type | None = None
    span: Span | None = None


class Task(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One automation. `zone` renders dates; None: the first schedule's zone, else UTC. `type` of its output and
    the output types of all names are set by the checker."""

    name: str
    version: str | None = None
    description: str | None = None
    zone: str | None = None
    deadline_ms: int | None = None
    expires_ms: int | None = None
    durable: Literal["record", "journal"] | None = None
    inputs: tuple[Field, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    actions: tuple[Action, ...] = ()
    on_failure: tuple[Action, ...] = ()
    returns: Expr | None = None
    type: Type | None = None
    span: Span | None = None
