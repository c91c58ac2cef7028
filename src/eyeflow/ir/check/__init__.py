"""THE type checker: the only judge of what a task means and whether it may become a program.

Knows: the rules of LLM-IR. In: a Task with names, from English or text, and a `CompileContext`. Out: the same tree
with `type` on every expression and action, conversions inserted, calls bound to catalog entries with all parameters,
and a report. Never: runs, reads clocks, asks the network, changes what was written.

Rules and their codes. Names: `unknown_name unknown_field used_before_output duplicate_name unknown_action cycle`.
Types: `type_mismatch nullable_value unit_mismatch unknown_unit bad_constant missing_field unknown_function
argument_count`. Calls: `unknown_service ambiguous_service ambiguous_connection unknown_capability unknown_parameter
missing_parameter too_long not_permitted secret_leak connect` (of severity connect). HTTP: `bad_url dynamic_host
unmatched_call ambiguous_call wrong_auth secret_in_call bad_method host_not_allowed`. Triggers: `bad_schedule bad_zone
zone_assumed in_the_past bad_path unsigned_webhook unknown_trigger bad_topic`. Effects: `unsafe_repeat cached_write
no_effect respond_without_webhook respond_twice deadline_too_short out_of_range`. Forms: `bad_block bad_conditional
bad_fallback bad_loop bad_wait bad_name empty_task unknown_role recursion too_large`. Told: `assumed_value`.

What the returned task has filled in: DEADLINE 100 ms (with the warning `deadline_too_short` when timeouts exceed it;
front ends write an explicit one from `needed_ms`), EXPIRES 7 days, DURABLE journal when a trigger other than manual
starts it or it waits, else record; zone; a fallback's THEN continue and TIMEOUT 1 s; PARALLEL 1, MAX_ITEMS 10,000;
MISSED run_once, OVERLAP skip; parameters from connection, profile and catalog defaults.

Not checked here: what needs a solver (`verify`), what a service really answers (the machine does).

    task.py         the whole, and its defaults          expressions.py  types of expressions
    actions.py      every kind of step                   fit.py          conversions to a place's type
    triggers.py     when it runs, what `trigger` is      constants.py    literals against constraints
    calls.py        parameters of calls                  scope.py        names and what is known of them
    http.py urls.py calls by URL                         taint.py        where secrets flow
    services.py     words to catalog entries             effects.py deadline.py  repeats, answers, time
"""

from __future__ import annotations

from collections.abc import Mapping

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Report
from eyeflow.ir.check.constants import wrong, zone_problem
from eyeflow.ir.check.deadline import needed_ms
from eyeflow.ir.check.expressions import Typing
from eyeflow.ir.check.findings import Findings
from eyeflow.ir.check.scope import scope_of
from eyeflow.ir.check.task import check_task
from eyeflow.ir.check.tree import oversized, too_large
from eyeflow.ir.expr import Expr
from eyeflow.ir.task import Task
from eyeflow.values import Type

__all__ = ["check", "check_expression", "needed_ms", "wrong"]


def check(task: Task, ctx: CompileContext, *, source: str = "ir") -> tuple[Task | None, Report]:
    """The typed task, or None with at least one error in the report.

    `source` names the text that spans count in (`ir`, `sentence`, or a file name). Missing accounts and assumptions
    are in the report too and stop nothing.
    """
    found = Findings(source)
    if (why := too_large(task)) is not None:
        found.add("too_large", why, hint="divide it into smaller parts", span=task.span)
        return None, found.report()
    done = check_task(task, ctx, found)
    report = found.report()
    return (done if report.ok else None), report


def check_expression(
    expr: Expr,
    scope: Mapping[str, Type],
    ctx: CompileContext | None = None,
    expected: Type | None = None,
    *,
    zone: str | None = None,
    place: str = "the expression",
    source: str = "expression",
) -> tuple[Expr | None, Report]:
    """One expression over the names of `scope`, fitted to `expected` when given; None with an error in the report.

    Catalog mappings (`body status headers params payload`) and intents use it. `zone` is the context's when left out,
    and UTC without a context.
    """
    found = Findings(source)
    if (why := oversized(expr)) is not None:
        found.add("too_large", why, span=expr.span)
        return None, found.report()
    chosen = zone or (ctx.zone if ctx is not None else "UTC")
    typing = Typing(found, chosen if zone_problem(chosen) is None else "UTC")
    names = scope_of(scope)
    typed = typing.infer(expr, names) if expected is None else typing.place(expr, names, expected, place)
    return typed, found.report()
