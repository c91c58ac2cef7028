"""The last stage: what was gathered becomes an `Intent`, and every word nobody explained a question.

Knows: outcome, zone, the fields a webhook is read for, how sure the reading is. In: a scope, items, the trigger.
Out: `Intent`. Never: changes what the actions do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from eyeflow.frontend import guards
from eyeflow.frontend.intent import (
    EventTrigger,
    Intent,
    ManualTrigger,
    OnceTrigger,
    Question,
    ScheduleTrigger,
    Trigger,
    WebhookTrigger,
)
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.nouns import content
from eyeflow.frontend.scope import Scope
from eyeflow.values import Span


def finish(scope: Scope, items: Sequence[Item], trigger: Trigger | None, text: str) -> Intent:
    scope = guards.judged(items, scope)
    if not scope.refusals:
        before = scope
        scope = unexplained(items, scope)
        unread = len(scope.questions) > len(before.questions) and isinstance(trigger, ManualTrigger | None)
        if (
            unread
            and not scope.vocab.bare
            and ((not scope.actions and not before.questions) or _only_asks(items, scope))
        ):
            scope = guards.nothing_asked(scope, Span(0, len(text)))
    if not scope.actions and not scope.refusals and not scope.questions:
        if trigger is not None and not isinstance(trigger, ManualTrigger):
            end = len(text.rstrip(" .!?,;:"))
            scope = scope.ask("action", "What should be done then?", (), Span(end, end))
        else:
            scope = scope.refuse(Span(0, len(text)), "this does not say what to do")
    if trigger is None and not scope.refusals:
        trigger = ManualTrigger()
    if isinstance(trigger, WebhookTrigger):
        fields = trigger.fields or _fields_read(scope)
        trigger = msgspec.structs.replace(trigger, fields=_numbers(fields, scope))
    scope = _zone(trigger, scope)
    outcome = "refused" if scope.refusals else "questions" if scope.questions else "program"
    return Intent(
        text=text, outcome=outcome, trigger=trigger, actions=scope.actions,  # type: ignore[arg-type]
        assumptions=scope.assumptions, questions=scope.questions, refusals=scope.refusals,
        confidence=_confidence(scope, items),
    )  # fmt: skip


_ASKING = ("what", "what's", "who", "who's", "whose", "how", "where", "where's", "why")


def _only_asks(items: Sequence[Item], scope: Scope) -> bool:
    """`what is the capital of Peru?`: a question to which nothing that is done belongs."""
    if not items or items[0].lower not in _ASKING:
        return False
    entries = [scope.vocab.entry(a.service, a.function or "") for a in scope.actions if a.service is not None]
    return all(e is not None and e.reads for e in entries) and not any(a.for_each or a.branches for a in scope.actions)


def _fields_read(scope: Scope) -> dict[str, str]:
    """The fields of a webhook's body that the actions read, when the request listed none."""
    said = msgspec.json.encode(scope.actions).decode()
    names = dict.fromkeys(re.findall(r"\btrigger\.([A-Za-z_]\w*)", said))
    return dict.fromkeys(names, "string")


def _numbers(fields: dict[str, str], scope: Scope) -> dict[str, str]:
    """Fields that a condition compares with a number are numbers."""
    said = msgspec.json.encode(scope.actions).decode()
    compared = set(re.findall(r"\b(?:GT|GE|LT|LE)\(trigger\.([A-Za-z_]\w*), -?\d", said))
    return {name: "number" if name in compared else of for name, of in fields.items()}


def _zone(trigger: Trigger | None, scope: Scope) -> Scope:
    if (
        isinstance(trigger, ScheduleTrigger | OnceTrigger)
        and scope.ctx.zone_assumed
        and trigger.timezone == scope.ctx.zone
    ):
        return scope.assume("trigger.timezone", trigger.timezone, "no time zone was said or set in your profile")
    return scope


def unexplained(items: Sequence[Item], scope: Scope) -> Scope:
    """Every content word plays a part, or there is a question about it."""
    whole = ("condition", "list", "trigger.service")
    asked = [q.span for q in scope.questions if q.span is not None and q.slot in whole]
    run: list[Item] = []
    runs: list[list[Item]] = []
    for item in items:
        plain = item.kind in ("punct",) or item.is_stop or item.lower in words("prepositions")
        if item.index in scope.explained or plain or item.kind == "time":
            if not plain and run:
                runs.append(run)
                run = []
            continue
        run.append(item)
    if run:
        runs.append(run)
    for group in runs:
        span = Span(group[0].span.start, group[-1].span.end)
        if any(a.start <= span.start and span.end <= a.end for a in asked):
            continue
        said = scope.text[span.start : span.end]
        slot = "".join(c if c.isalnum() else "_" for c in said.casefold()).strip("_")[:40] or "meaning"
        question = Question(slot, f"What is meant by “{said}” here?", (), span)
        scope = scope.put(questions=(*scope.questions, question))
    return scope


def _confidence(scope: Scope, items: Sequence[Item]) -> float:
    said = content(items)
    if not said or scope.refusals:
        return 0.0
    known = sum(1 for i in said if i.index in scope.explained)
    return round(known / len(said) * (0.6 if scope.questions else 1.0) * (0.97 ** len(scope.assumptions)), 2)


def words_of(trigger: Trigger | None) -> str:
    """The seed's word for a trigger: SCHEDULE, ONCE, WEBHOOK, EVENT, MANUAL."""
    names = {ScheduleTrigger: "SCHEDULE", OnceTrigger: "ONCE", WebhookTrigger: "WEBHOOK", EventTrigger: "EVENT"}
    return next((word for kind, word in names.items() if isinstance(trigger, kind)), "MANUAL")
