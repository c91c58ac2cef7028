"""A `Task` without what text does not spell.

Knows: which fields the checker sets. In: a `Task` or `Expr`. Out: the one that `parse(print(...))` gives.
Never: changes meaning.

Set aside: spans; every `type`; `Convert` nodes; `Schedule.anchor`; `bound` and the mapped `params` of a call by URL;
of fields all but name, type, required and default. One spelling for one meaning: a template without places in a
value's place is a literal; an input with a default is not required; `fixed` has no factor.
"""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from eyeflow.ir.expr import Bind, Call, Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.functions import FUNCTIONS
from eyeflow.ir.task import (
    Action,
    Approval,
    Backoff,
    Block,
    Body,
    Case,
    Conditional,
    ConnectorCall,
    Emit,
    Fallback,
    ForEach,
    HttpCall,
    Log,
    Manual,
    Once,
    Respond,
    Retry,
    Schedule,
    Subtask,
    Task,
    Transform,
    Trigger,
    Wait,
    Webhook,
)
from eyeflow.ir.text.types import strip_type
from eyeflow.values import Field


def strip(task: Task) -> Task:
    """`task` as text spells it: `parse(print_task(task))` gives the same."""
    return replace(
        task,
        inputs=tuple(_field(field) for field in task.inputs),
        triggers=tuple(_trigger(trigger) for trigger in task.triggers),
        actions=_actions(task.actions),
        on_failure=_actions(task.on_failure),
        returns=_maybe(task.returns),
        type=None,
        span=None,
    )


def strip_expression(expr: Expr) -> Expr:
    """`expr` without spans, types and `Convert` nodes."""
    match expr:
        case Lit(value, unit):
            return Lit(value, unit)
        case Ref(root, path):
            return Ref(root, path)
        case Call(name, args):
            return Call(name, _all(written(name, args)))
        case Bind():
            body = strip_expression(expr.body)
            return Bind(expr.name, strip_expression(expr.source), expr.item, body, _all(expr.rest))
        case Template():
            parts = _template(expr).parts
            return Lit("".join(cast(tuple[str, ...], parts))) if _is_text(parts) else Template(parts)
        case ListExpr(items):
            return ListExpr(_all(items))
        case ObjectExpr(entries):
            return ObjectExpr(_entries(entries))
        case Convert(value):
            return strip_expression(value)


def written(name: str, args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The arguments that text has; the checker adds the units of a comparison that has to convert."""
    row = FUNCTIONS.get(name)
    if row is None or row.most is None or any(not _made(arg) for arg in args[row.most :]):
        return args
    return args[: row.most]


def _made(arg: Expr) -> bool:
    """True for a literal that has a type and stands nowhere: the checker made it."""
    return isinstance(arg, Lit) and arg.type is not None and arg.span is None


def _is_text(parts: tuple[str | Ref, ...]) -> bool:
    return all(isinstance(part, str) for part in parts)


def _template(template: Template) -> Template:
    """Adjacent texts joined, empty ones dropped."""
    parts: list[str | Ref] = []
    for part in template.parts:
        if isinstance(part, Ref):
            parts.append(Ref(part.root, part.path))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += part
        elif part:
            parts.append(part)
    return Template(tuple(parts))


def _all(exprs: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return tuple(strip_expression(expr) for expr in exprs)


def _maybe(expr: Expr | None) -> Expr | None:
    return None if expr is None else strip_expression(expr)


def _entries(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(Entry(entry.name, strip_expression(entry.value)) for entry in entries)


def _field(field: Field) -> Field:
    required = field.required and field.default is None
    return Field(field.name, strip_type(field.type), required=required, default=field.default)


def _trigger(trigger: Trigger) -> Trigger:
    match trigger:
        case Schedule():
            return replace(trigger, anchor=None, span=None)
        case Webhook():
            fields = tuple(replace(_field(field), required=field.required, default=None) for field in trigger.fields)
            return replace(trigger, fields=fields, where=_maybe(trigger.where), span=None)
        case Once() | Manual():
            return replace(trigger, span=None)
        case _:
            given = {"params": _entries(trigger.params)} if hasattr(trigger, "params") else {}
            return replace(trigger, **given, where=_maybe(trigger.where), span=None)


def _actions(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    return tuple(_action(action) for action in actions)


def _action(action: Action) -> Action:
    return replace(
        action,
        do=_body(action.do),
        when=_maybe(action.when),
        retry=_retry(action.retry),
        fallback=_fallback(action.fallback),
        type=None,
        span=None,
    )


def _retry(retry: Retry | None) -> Retry | None:
    if retry is None or retry.backoff is None or retry.backoff.kind == "exponential":
        return retry
    return Retry(retry.attempts, Backoff("fixed", retry.backoff.first_ms))


def _fallback(fallback: Fallback | None) -> Fallback | None:
    if fallback is None:
        return None
    return replace(fallback, actions=_actions(fallback.actions), value=_maybe(fallback.value))


def _block(block: Block) -> Block:
    return replace(
        block,
        format=None if block.format is None else _template(block.format),
        value=_maybe(block.value),
        actions=_actions(block.actions),
        span=None,
    )


def _body(body: Body) -> Body:
    match body:
        case HttpCall():
            return replace(
                body,
                url=strip_expression(body.url),
                headers=_entries(body.headers),
                query=_entries(body.query),
                body=_maybe(body.body),
                expect=None if body.expect is None else strip_type(body.expect),
                bound=None,
                params=(),
            )
        case ConnectorCall():
            return replace(body, params=_entries(body.params), bound=None)
        case Conditional(cases=cases, default=default):
            stripped = tuple(Case(strip_expression(case.when), _block(case.block)) for case in cases)
            return Conditional(cases=stripped, default=_block(default))
        case ForEach():
            return replace(
                body,
                source=strip_expression(body.source),
                where=_maybe(body.where),
                actions=_actions(body.actions),
                collect=_maybe(body.collect),
            )
        case Subtask():
            return replace(body, params=_entries(body.params))
        case Wait():
            return Wait(for_=_maybe(body.for_), until=_maybe(body.until))
        case Respond():
            return Respond(status=_maybe(body.status), body=_maybe(body.body))
        case Approval() | Log():
            return replace(body, message=strip_expression(body.message))
        case Transform() | Emit():
            return replace(body, value=strip_expression(body.value))
