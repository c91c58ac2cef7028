"""The schedule of a request: its time phrases as a trigger, and the doubts about them.

Knows: which time phrases belong to something else. In: items, times, a scope. Out: a trigger, and the scope with what
was assumed and asked. Never: reads time phrases (that is the time grammar's).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from eyeflow.frontend import answers as answering
from eyeflow.frontend.content import CLAUSE_STARTS
from eyeflow.frontend.intent import (
    Trigger,
)
from eyeflow.frontend.items import Item
from eyeflow.frontend.rewording import ASKED_FOR, GO_ON, RUN_THEN, TEXT_ONLY
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.timegrammar import TimePhrase
from eyeflow.frontend.timegrammar.draft import unify
from eyeflow.values import Span


def in_speech(items: Sequence[Item]) -> tuple[TimePhrase, ...]:
    """Times after `that ...`: they may be part of what is said (`tell #team that we meet at 5pm`)."""
    found: list[TimePhrase] = []
    said = False
    for item, nxt in pairwise((*items, *items[-1:])):
        if item.text in ".!?;\n":
            said = False
        said = said or (item.lower == "that" and nxt.lower in CLAUSE_STARTS and not item.proper)
        if said and item.time is not None and item.time.triggers:
            found.append(item.time)
    return tuple(found)


def told_when(
    scope: Scope, times: Sequence[TimePhrase], started: Trigger | None, spoken: Sequence[TimePhrase]
) -> Scope:
    """A time at the very end of text to pass on, or `spoken` in `that ...`, may be when to send it: that is asked."""
    for phrase in spoken:
        asked = f"Is “{phrase.text}” when to run, or part of the text?"
        scope = scope.ask("trigger.time", asked, (RUN_THEN, TEXT_ONLY), phrase.span)
    if started is not None:
        return scope
    for phrase in times:
        if phrase.in_free_text and phrase.kind == "schedule" and phrase.span.end >= len(scope.text.rstrip(" .!?")):
            asked = f"Is “{phrase.text}” when to run, or part of the text?"
            if scope.told_at(phrase.span) != TEXT_ONLY:
                return scope.ask("trigger.time", asked, (RUN_THEN, TEXT_ONLY), phrase.span)
    return scope


def schedule(scope: Scope, items: Sequence[Item], times: Sequence[TimePhrase]) -> tuple[Trigger | None, Scope]:
    used = [i.time for i in items if i.kind == "time" and i.time is not None and not i.time.waited_for]
    if not any(t.triggers for t in used):
        return None, scope
    reading, scope = answering.timed(tuple(used), scope)
    for assumption in reading.assumptions:
        scope = scope.assume(assumption.slot, assumption.value, assumption.why)
    for question in reading.questions:
        scope = scope.put(questions=(*scope.questions, question))
    for problem in reading.problems:
        spans = reading.spans or (Span(0, len(scope.text)),)
        scope = scope.refuse(spans[0], problem)
    scope = _doubtful_times(scope, items)
    scope = scope.explain({i.index for i in items if i.kind == "time"})
    return reading.trigger, scope


def _doubtful_times(scope: Scope, items: Sequence[Item]) -> Scope:
    """Times that may belong to something else: two schedules with actions between them, `for 3 days` after a thing."""
    timed = [k for k, i in enumerate(items) if i.kind == "time" and i.time is not None and i.time.triggers]
    for one, two in pairwise(timed):
        between = items[one + 1 : two]
        acts = any(i.kind in ("quoted", "freetext", "channel", "email") for i in between)
        apart = _recurs(items[one]) and _recurs(items[two]) and not _unify(items[one], items[two])
        if (
            acts
            and (apart or any(i.lower in ("and", ";") for i in between))
            and any(_recurs(items[k]) for k in (one, two))
        ):
            asked = f"“{items[one].text}” and “{items[two].text}” are both said: which belongs to which action?"
            return scope.ask("trigger.time", asked + " Ask for one at a time.", (), items[two].span)
    for k in timed:
        item = items[k]
        said = item.text.casefold()
        bounded = item.time is not None and (item.time.until is not None or item.time.count is not None)
        thing = k > 0 and (items[k - 1].kind == "quoted" or (items[k - 1].is_word and not items[k - 1].is_stop))
        if bounded and said.startswith("for ") and thing:
            asked = f"Does “{item.text}” say how long to go on, or what is asked for?"
            if scope.told_at(item.span) != GO_ON:
                scope = scope.ask("trigger.until", asked, (GO_ON, ASKED_FOR), item.span)
    return scope


def _unify(one: Item, two: Item) -> bool:
    first, second = one.time, two.time
    return first is not None and second is not None and unify(first.draft, second.draft) is not None


def _recurs(item: Item) -> bool:
    return item.time is not None and bool(item.time.rules)
