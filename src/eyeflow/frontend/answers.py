"""Answers that are values complete an intent without starting over.

Knows: how a slot names an action's parameter, a place in a text, or a part of the trigger. In: a scope, the trigger,
answers by slot. Out: `Applied`: both with the answers in their places, and what became of every answer.
Never: overrules what the request itself says, takes an answer that does not fit: then the question stays.

A slot is `action.param`, `service.param` or `param` alone (`trigger.param` for an event's). An answer fills what is
open, and replaces what a default filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from eyeflow.diagnostics import Diagnostic, Place, Severity
from eyeflow.frontend.answer_values import Unfit, answer_value
from eyeflow.frontend.choices import option_of
from eyeflow.frontend.intent import Action, EventTrigger, JsonValue, Question, Trigger, WebhookTrigger
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.scope import Scope, asking
from eyeflow.frontend.timegrammar import TimePhrase, TriggerReading, doubts, to_trigger
from eyeflow.frontend.timegrammar.draft import Draft
from eyeflow.frontend.values_said import escape
from eyeflow.frontend.vocabulary import RECIPIENTS
from eyeflow.values import STRING, Field, Span

_PLACE: Final = re.compile(r"\{\{([A-Za-z][A-Za-z0-9_. ]{0,60})\}\}")
_PATH: Final = re.compile(r"/[\w\-.~/]{0,199}\Z")
_TIMES: Final = (
    doubts.FREQUENCY, doubts.TIME, doubts.DAYS, doubts.DATE, doubts.ZONE, doubts.INTERVAL, doubts.EXCLUDE,
    doubts.UNTIL, doubts.START, doubts.WINDOW,
)  # fmt: skip
_PARTS: Final = {
    doubts.TIME: ("times", "minutes"), doubts.FREQUENCY: ("recurs",), doubts.ZONE: ("zone",),
    doubts.DAYS: ("weekdays", "nth", "month_days", "workdays", "days"), doubts.DATE: ("days", "iso", "relative"),
    doubts.UNTIL: ("until",), doubts.START: ("start",), doubts.WINDOW: ("window",), doubts.INTERVAL: ("interval",),
}  # fmt: skip
"""What of a time expression says the part of the start that a slot is about."""
_UNSAID: Final = Draft()
_AGAIN: Final = "as said before"


class Applied(msgspec.Struct, frozen=True, eq=False):
    """`used` are slots whose answers are in the intent; `known` all slots there are; `findings` say why an answer is
    not in it."""

    scope: Scope
    trigger: Trigger | None
    used: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    findings: tuple[Diagnostic, ...] = ()


class _Target(msgspec.Struct, frozen=True, eq=False):
    """A parameter an answer may be for: `owner` is an action's id or `trigger`."""

    owner: str
    service: str
    param: Field
    filled: bool
    question: str = ""

    @property
    def slot(self) -> str:
        return f"{self.owner}.{self.param.name}"

    def named(self, slot: str) -> bool:
        """True for `action.param`, `service.param`, and `param` alone."""
        return slot in (self.slot, f"{self.service}.{self.param.name}", self.param.name)


def apply(scope: Scope, trigger: Trigger | None, answers: Sequence[tuple[str, str]]) -> Applied:
    """`scope` and `trigger` with every answer that fits put in its place."""
    targets = (*_of_trigger(trigger, scope), *(t for a in _walk(scope.actions) for t in _of_action(a, scope)))
    places = {q.slot: q.slot.partition(".")[2] for q in scope.questions if _asks_place(q, scope)}
    known = frozenset((*(t.slot for t in targets), *(q.slot for q in scope.questions)))
    done = Applied(scope, trigger, scope.heard, known, scope.findings)
    filling: dict[str, str] = {}
    about_words = {q.slot for q in scope.questions if "." not in q.slot}
    for slot, text in answers:
        if slot in about_words:
            continue  # it is about words of the request: `rewording` puts it in their place
        named = [at for at, name in places.items() if slot in (at, name)]
        if named:
            done = msgspec.structs.replace(done, used=done.used | {slot})
            if text.strip():
                filling.update(dict.fromkeys(named, escape(text)))
            else:
                done = _told(done, unfit(slot, text, "is empty"))
            continue
        mine = [t for t in targets if t.slot == slot] or [t for t in targets if t.named(slot)]
        if mine:
            done = _in_params(done, slot, text, mine)
    return _in_texts(done, filling) if filling else done


def unfit(slot: str, text: str, why: str, span: Span | None = None) -> Diagnostic:
    """The finding for an answer that is refused; its question stays."""
    said = f"{text[:60]!a}" if text.strip() else "the answer"
    return Diagnostic("bad_answer", f"{said} does not answer {slot}: it {why}", place=Place("sentence", span))


def timed(phrases: tuple[TimePhrase, ...], scope: Scope) -> tuple[TriggerReading, Scope]:
    """What the time phrases make together with the answers about time. One that answers nothing is told, and its
    question stays."""
    given, said = _open_times(phrases, scope)
    heard = scope.heard | set(given) | set(said)
    bad: dict[str, Diagnostic] = {}
    while True:
        reading = to_trigger(phrases, scope.ctx.now, scope.ctx.zone, given)
        refused = [problem.rpartition(" does not answer ")[2] for problem in reading.problems]
        slot = next((each for each in given if _full(each) in refused), None)
        if slot is None:
            break
        bad[_full(slot)] = unfit(slot, given.pop(slot), "says nothing of that kind")
    for slot in given:
        if any(question.slot == _full(slot) for question in reading.questions) and _full(slot) not in bad:
            bad[_full(slot)] = unfit(slot, given[slot], "leaves open what is asked")
    for slot in bad.keys() - {question.slot for question in reading.questions}:
        asked = Question(slot, bad[slot].message)
        reading = msgspec.structs.replace(reading, trigger=None, questions=(*reading.questions, asked))
    return reading, scope.put(heard=heard, findings=(*scope.findings, *said.values(), *bad.values()))


def _open_times(phrases: tuple[TimePhrase, ...], scope: Scope) -> tuple[dict[str, str], dict[str, Diagnostic]]:
    """The answers about time that fill what is open or replace what a default filled; those that the request itself
    has answered, as findings."""
    left = {slot: text for slot, text in scope.answers if _about_time(slot)}
    given: dict[str, str] = {}
    while left:
        reading = to_trigger(phrases, scope.ctx.now, scope.ctx.zone, given)
        if not any(phrase.triggers for phrase in phrases):
            return {**given, **left}, {}
        wanted = {q.slot for q in reading.questions} | {a.slot for a in reading.assumptions}
        fresh = [slot for slot in left if _full(slot) in wanted or not _says_part(phrases, _full(slot))]
        if not fresh:
            break
        options = {question.slot: question.options for question in reading.questions}
        given |= {slot: _as_option(left.pop(slot), options.get(_full(slot), ())) for slot in fresh}
    return given, {slot: _said_already(slot) for slot in left}


def _as_option(said: str, options: Sequence[str]) -> str:
    """`the first one` as the option it points at; a number that is an hour of one of them is that hour."""
    hours = {option.partition(":")[0].lstrip("0") for option in options} | {
        str((int(option[:2]) + 11) % 12 + 1) for option in options if option[:2].isdecimal()
    }
    return said if said.strip() in hours else option_of(options, said) or said


def _says_part(phrases: tuple[TimePhrase, ...], slot: str) -> bool:
    """Do the words of the request themselves say this part of the start?"""
    names = _PARTS.get(slot, ())
    return any(getattr(phrase.draft, name) != getattr(_UNSAID, name) for phrase in phrases for name in names)


def _said_already(slot: str) -> Diagnostic:
    message = f"the request itself says {slot}; the answer is not used"
    return Diagnostic("unused_answer", message, Severity.WARNING, Place("sentence"))


def _full(slot: str) -> str:
    return slot if slot.startswith("trigger.") else f"trigger.{slot}"


def _about_time(slot: str) -> bool:
    return _full(slot) in _TIMES


# --- what there is to answer ---------------------------------------------------------------------------------------


def _walk(actions: Sequence[Action]) -> Iterator[Action]:
    for action in actions:
        yield action
        yield from _walk(action.actions)
        for branch in action.branches:
            yield from _walk(branch.actions)
        yield from _walk(action.default)
        if action.fallback is not None:
            yield from _walk(action.fallback.actions)


def _of_action(action: Action, scope: Scope) -> Iterator[_Target]:
    entry = scope.vocab.entry(action.service, action.function or "") if action.service is not None else None
    if entry is not None:
        for param in entry.capability.params:
            yield _Target(action.id, entry.service.id, param, param.name in action.params, asking(entry, param))


def _of_trigger(trigger: Trigger | None, scope: Scope) -> Iterator[_Target]:
    if isinstance(trigger, WebhookTrigger):
        yield _Target("trigger", "webhook", Field("path", STRING), True)
    if not isinstance(trigger, EventTrigger):
        return
    service = scope.ctx.catalog.service(trigger.service)
    kind = service.trigger(trigger.event) if service is not None else None
    if service is not None and kind is not None:
        for param in kind.params:
            yield _Target("trigger", service.id, param, param.name in trigger.params)


def _asks_place(question: Question, scope: Scope) -> bool:
    """True for the question what stands for a `{place}` in a text."""
    owner, _, name = question.slot.partition(".")
    action = next((a for a in _walk(scope.actions) if a.id == owner), None)
    return action is not None and any(name in _PLACE.findall(text) for text in _texts(action.params))


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


# --- into the intent -----------------------------------------------------------------------------------------------


def _in_params(done: Applied, slot: str, text: str, targets: Sequence[_Target]) -> Applied:
    scope = done.scope
    assumed = {a.slot for a in scope.assumptions}
    free = [t for t in targets if not t.filled or t.slot in assumed]
    if not free:
        done = _told(done, _said_already(targets[0].slot))
        return msgspec.structs.replace(done, used=done.used | {slot})
    for target in free:
        service = scope.ctx.catalog.service(target.service)
        value = answer_value(target.param, _meant(target, text, scope), service, scope.ctx.zone)
        if not isinstance(value, Unfit) and _names_service(target, text, scope):
            value = Unfit(f"is what a service is called; write the {target.param.name} itself, such as #general")
        if isinstance(value, str) and isinstance(done.trigger, WebhookTrigger) and target.owner == "trigger":
            value = value if _PATH.match(value) else Unfit("is no path such as /orders/new")
        if isinstance(value, Unfit):
            return _refused(done, slot, target, text, value.why)
        done = _put(done, target, value)
    return msgspec.structs.replace(done, used=done.used | {slot})


def _meant(target: _Target, text: str, scope: Scope) -> str:
    """What was typed, where it points at an option of the question, or at the person who is asked."""
    asked = next((q for q in scope.questions if q.slot == target.slot), None)
    chosen = option_of(asked.options, text) if asked is not None else None
    own = {"slack_channel": "slack", "person": "slack"}.get(target.param.entity or "", target.param.entity or "")
    if chosen is None and text.strip().casefold() in words("me") and target.param.entity in RECIPIENTS:
        return scope.me(own) or text
    return text if chosen is None else chosen


def _names_service(target: _Target, text: str, scope: Scope) -> bool:
    """`slack`, `email`: a way of sending where a channel is asked for."""
    said = text.strip().casefold().split()
    if target.param.entity != "slack_channel" or not said:
        return False
    name = scope.vocab.name_at(said, 0)
    return (name is not None and name.length == len(said)) or (len(said) == 1 and said[0] in scope.vocab.means)


def _refused(done: Applied, slot: str, target: _Target, said: str, why: str) -> Applied:
    """The question stays; where a default had answered it, it is asked now."""
    asked = next((q for q in done.scope.questions if q.slot == target.slot), None)
    scope = done.scope
    if asked is None:
        text = target.question or f"Which {target.param.name.replace('_', ' ')} of the trigger?"
        scope = scope.ask(target.slot, text, tuple(target.param.enum))
    told = _told(done, unfit(slot, said, why, asked.span if asked is not None else None))
    return msgspec.structs.replace(told, scope=scope, used=done.used | {slot})


def _put(done: Applied, target: _Target, value: JsonValue) -> Applied:
    scope, name = done.scope, target.param.name
    again = {a.slot for a in scope.assumptions if a.why == _AGAIN and a.slot.endswith(f".{name}")}
    before: list[JsonValue] = []

    def one(action: Action) -> Action:
        if action.id == target.owner:
            before.append(action.params.get(name))
            return msgspec.structs.replace(action, params={**action.params, name: value})
        copies = action.service == target.service and f"{action.id}.{name}" in again
        if copies and before and action.params.get(name) == before[0]:
            return msgspec.structs.replace(action, params={**action.params, name: value})
        return action

    trigger = done.trigger
    if target.owner == "trigger" and isinstance(trigger, EventTrigger):
        trigger = msgspec.structs.replace(trigger, params={**trigger.params, name: value})
    elif target.owner == "trigger" and isinstance(trigger, WebhookTrigger):
        trigger = msgspec.structs.replace(trigger, path=value)
    scope = scope.put(
        actions=_mapped(scope.actions, one),
        assumptions=tuple(a for a in scope.assumptions if a.slot != target.slot),
        questions=tuple(q for q in scope.questions if q.slot != target.slot),
    )
    return msgspec.structs.replace(done, scope=scope, trigger=trigger)


def _in_texts(done: Applied, filling: Mapping[str, str]) -> Applied:
    """Every place that was answered, in one go: an answer is never searched for places itself."""

    def one(action: Action) -> Action:
        names = {slot.partition(".")[2]: said for slot, said in filling.items() if slot.startswith(f"{action.id}.")}
        return action if not names else msgspec.structs.replace(action, params=_filled(action.params, names))

    questions = tuple(q for q in done.scope.questions if q.slot not in filling)
    scope = done.scope.put(actions=_mapped(done.scope.actions, one), questions=questions)
    return msgspec.structs.replace(done, scope=scope)


def _filled(value: JsonValue, names: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return _PLACE.sub(lambda hit: names.get(hit[1], hit[0]), value)
    if isinstance(value, dict):
        return {name: _filled(each, names) for name, each in value.items()}
    return [_filled(each, names) for each in value] if isinstance(value, list | tuple) else value


def _mapped(actions: Sequence[Action], change: Callable[[Action], Action]) -> tuple[Action, ...]:
    """Every action of the tree changed."""
    out: list[Action] = []
    for action in actions:
        done = change(action)
        fallback = done.fallback
        if fallback is not None:
            fallback = msgspec.structs.replace(fallback, actions=_mapped(fallback.actions, change))
        branches = tuple(msgspec.structs.replace(b, actions=_mapped(b.actions, change)) for b in done.branches)
        out.append(msgspec.structs.replace(
            done, actions=_mapped(done.actions, change), branches=branches, default=_mapped(done.default, change),
            fallback=fallback,
        ))  # fmt: skip
    return tuple(out)


def _told(done: Applied, finding: Diagnostic) -> Applied:
    return msgspec.structs.replace(done, findings=(*done.findings, finding))
