"""A proposal's intent held against the request, the catalog and the type checker.

Knows: what an engine may say at all. In: an intent that some engine proposed, and what the request holds (`Ground`).
Out: `Examined`: the part of it that stands, the task it makes, what was left open, every objection.
Never: adds meaning, keeps a constant that nobody said, takes a time from an engine (`rules` reads those).

Objections: `engine_unknown` (not in the catalog), `engine_shape` (not something an engine may propose),
`engine_not_said` (a constant that is not in the request; removed), `engine_injected` (a call or recipient that only
quoted text or data asks for), `engine_left_out` (something said that it does not use), and what the checker finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import Capability, CompileContext, Service, TriggerKind
from eyeflow.diagnostics import Diagnostic, Report
from eyeflow.errors import CompileError
from eyeflow.frontend.answer_values import Unfit, answer_value
from eyeflow.frontend.engines.grounding import Ground, fold
from eyeflow.frontend.engines.retrieve import clauses
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import (
    Action,
    Assumption,
    Branch,
    EventTrigger,
    Fallback,
    Intent,
    JsonValue,
    ManualTrigger,
    OnceTrigger,
    Question,
    ScheduleTrigger,
    Trigger,
    WebhookTrigger,
)
from eyeflow.frontend.resolve import resolve
from eyeflow.frontend.scope import asking
from eyeflow.frontend.summary import walk
from eyeflow.frontend.vocabulary import PARTICLES, RECIPIENTS, Entry, split_name
from eyeflow.ir.check import check
from eyeflow.ir.expr import Ref
from eyeflow.ir.task import Task
from eyeflow.ir.text import parse_expression, parse_template
from eyeflow.values import Field, ObjectOf, Type, non_null

MAX_ACTIONS: Final = 40
MAX_DEPTH: Final = 6
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}\Z")
_RESERVED: Final = frozenset({"trigger", "input", "me", "now"})
_CONDITIONS: Final = frozenset({"condition", "negative_condition", "exclusion", "alternative"})
_SENT_TO: Final = (*RECIPIENTS, "url", "host", "repo")


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """`intent` is what stands; `task` is typed, None while `questions` are open or `objections` made."""

    intent: Intent
    task: Task | None = None
    questions: tuple[Question, ...] = ()
    objections: tuple[Diagnostic, ...] = ()

    @property
    def whole(self) -> bool:
        """True when it could be run as it is."""
        return self.task is not None and not self.objections and not self.questions


def examine(
    intent: Intent,
    ground: Ground,
    ctx: CompileContext,
    *,
    rules: Intent | None = None,
    answers: Mapping[str, str] | None = None,
) -> Examined:
    """What stands of `intent`. `rules` is the reading of the `rules` engine, whose times are always taken."""
    eye = _Examiner(ground, ctx, answers or {})
    shape = _shape(intent.actions)
    if shape is not None:
        eye.object("engine_shape", shape)
        return Examined(intent=intent, objections=tuple(eye.found))
    trigger = eye.trigger(intent.trigger, rules)
    actions = tuple(eye.action(a, trigger) for a in intent.actions)
    held = replace(
        intent, text=ground.text, trigger=trigger, actions=actions, outcome="program", questions=(), refusals=(),
        also=(), assumptions=_assumed(rules),
    )  # fmt: skip
    eye.left_out(held, rules)
    task: Task | None = None
    if not eye.questions and not eye.found:
        task, report = typed(held, ctx)
        eye.found += report.errors
    return Examined(intent=held, task=task, questions=tuple(eye.questions), objections=tuple(eye.found))


def typed(intent: Intent, ctx: CompileContext) -> tuple[Task | None, Report]:
    """The checked task of an intent, None with the findings when there is none."""
    task, report = resolve(intent, ctx)
    if task is None:
        return None, report
    typed, more = check(task, ctx, source="sentence")
    return typed, report + more


def _shape(actions: tuple[Action, ...]) -> str | None:
    """Why the tree is none an engine may propose, or None."""
    held = list(_walk_bounded(actions, 0))
    if not held:
        return "it proposes nothing to do"
    if len(held) > MAX_ACTIONS or any(depth > MAX_DEPTH for _, depth in held):
        return f"it proposes more than {MAX_ACTIONS} actions, or nests them more than {MAX_DEPTH} deep"
    names = [a.id for a, _ in held]
    names += [a.for_each.item for a, _ in held if a.for_each is not None]
    if len(set(names)) != len(names) or any(not _NAME.match(n) or n in _RESERVED for n in names):
        return "its actions are not named apart"
    for action, _ in held:
        kinds = [action.service, action.for_each, action.branches, action.value, action.wait, action.approval]
        if sum(bool(k) for k in kinds) != 1:
            return f"{action.id} is not exactly one of call, loop, choice, value, wait"
        if action.approval is not None or action.rate is not None or action.retry is not None:
            return f"{action.id} states an approval, a rate or a retry, which only the rules read"
    return None


def _walk_bounded(actions: Iterable[Action], depth: int) -> Iterator[tuple[Action, int]]:
    for action in actions:
        yield action, depth
        if depth <= MAX_DEPTH:
            inner = [*action.actions, *action.default, *(a for b in action.branches for a in b.actions)]
            inner += action.fallback.actions if action.fallback is not None else ()
            yield from _walk_bounded(inner, depth + 1)


def _assumed(rules: Intent | None) -> tuple[Assumption, ...]:
    """What the rules assumed about the time; everything else they assumed belongs to their own reading."""
    held = rules.assumptions if rules is not None else ()
    return tuple(a for a in held if a.slot.startswith("trigger."))


class _Examiner:
    """One walk over one intent; objections and open slots gather on the way."""

    def __init__(self, ground: Ground, ctx: CompileContext, answers: Mapping[str, str]) -> None:
        self.ground = ground
        self.ctx = ctx
        self.answers = answers
        self.found: list[Diagnostic] = []
        self.questions: list[Question] = []
        self.types: dict[str, Type] = {}

    def object(self, code: str, message: str, hint: str = "") -> None:
        self.found.append(Diagnostic(code, message, hint=hint))

    # --- what starts it

    def trigger(self, proposed: Trigger | None, rules: Intent | None) -> Trigger | None:
        read = rules.trigger if rules is not None else None
        if isinstance(read, ScheduleTrigger | OnceTrigger):
            if isinstance(proposed, EventTrigger | WebhookTrigger):
                self.object("engine_left_out", "a time was said that starts it, and the proposal starts otherwise")
            return read
        match proposed:
            case None:
                return read if read is not None else ManualTrigger()
            case ScheduleTrigger() | OnceTrigger():
                if rules is not None:
                    self.object("engine_not_said", "the proposal states a time that the rules do not read in the text")
                return ManualTrigger()
            case EventTrigger():
                return self.event(proposed)
            case WebhookTrigger():
                if not self.ground.says(proposed.path):
                    self.object("engine_not_said", f"nobody said the path {proposed.path[:80]}")
                self.expression(proposed.where, "trigger.where")
                return proposed
            case ManualTrigger():
                return proposed

    def event(self, proposed: EventTrigger) -> Trigger:
        service = self.ctx.catalog.service(proposed.service)
        kind = service.trigger(proposed.event) if service is not None else None
        if service is None or kind is None:
            self.object("engine_unknown", f"the catalog has no event {proposed.service[:60]}.{proposed.event[:60]}")
            return ManualTrigger()
        self.types["trigger"] = kind.payload
        self.evidence(service, kind, addressed=False)
        params = self.params("trigger", proposed.params, service, kind)
        self.expression(proposed.where, "trigger.where")
        return replace(proposed, params=params)

    # --- what is done

    def action(self, action: Action, trigger: Trigger | None) -> Action:
        for text in (action.when, action.value, action.wait.until if action.wait else None):
            self.expression(text, action.id)
        if action.wait is not None and action.wait.for_ is not None:
            self.waiting(action.wait.for_)
        if action.for_each is not None:
            self.expression(action.for_each.source, action.id)
            self.expression(action.for_each.where, action.id)
        params = action.params
        if action.service is not None:
            params = self.call(action)
        return replace(
            action,
            params=params,
            actions=tuple(self.action(a, trigger) for a in action.actions),
            branches=tuple(self.branch(action, b, trigger) for b in action.branches),
            default=tuple(self.action(a, trigger) for a in action.default),
            fallback=self.fallback(action, trigger),
        )

    def branch(self, owner: Action, branch: Branch, trigger: Trigger | None) -> Branch:
        self.expression(branch.when, owner.id)
        return replace(branch, actions=tuple(self.action(a, trigger) for a in branch.actions))

    def fallback(self, action: Action, trigger: Trigger | None) -> Fallback | None:
        if action.fallback is None:
            return None
        self.expression(action.fallback.value, action.id)
        return replace(action.fallback, actions=tuple(self.action(a, trigger) for a in action.fallback.actions))

    def call(self, action: Action) -> dict[str, JsonValue]:
        service = self.ctx.catalog.service(action.service or "")
        capability = service.capability(action.function or "") if service is not None else None
        if service is None or capability is None:
            named = f"{(action.service or '')[:60]}.{(action.function or '')[:60]}"
            self.object("engine_unknown", f"the catalog has no function {named}", "use only the functions listed")
            return {}
        held = self.params(action.id, action.params, service, capability)
        entities = [p.name for p in capability.params if p.entity]
        addressed = any(self.said_here(held.get(name)) for name in entities)
        self.evidence(service, capability, addressed=addressed)
        self.types[action.id] = capability.returns
        return held

    def params(
        self, slot: str, said: Mapping[str, JsonValue], service: Service, spec: Capability | TriggerKind
    ) -> dict[str, JsonValue]:
        held: dict[str, JsonValue] = {}
        for name, value in said.items():
            param = spec.param(name)
            if param is None:
                named = f"{service.id}.{spec.name} has no parameter {name[:60]}"
                self.object("engine_unknown", named, ", ".join(p.name for p in spec.params)[:200])
            elif param.secret:
                self.object("engine_injected", f"{slot}.{name} is a secret, which no request states")
            elif (loose := self.ground.untraced(value, param, (service, spec))) is not None:
                if not param.required or param.entity in _SENT_TO:
                    self.object("engine_not_said", f"{slot}.{name}: nobody said “{loose[:80]}”", "leave it out")
            elif (reason := self.addressed(value, param)) is not None:
                self.object("engine_injected", f"{slot}.{name}: {reason}")
            else:
                held[name] = value
        for param in spec.params:
            if param.required and param.name not in held:
                self.open(slot, param, service, spec, held)
        return held

    def open(
        self, slot: str, param: Field, service: Service, spec: Capability | TriggerKind, held: dict[str, JsonValue]
    ) -> None:
        named = f"{slot}.{param.name}"
        for key in (named, f"{service.id}.{param.name}", param.name):
            if key in self.answers:
                value = answer_value(param, self.answers[key], service, self.ctx.zone)
                if not isinstance(value, Unfit):
                    held[param.name] = value
                    return
        entry = vocabulary(self.ctx.catalog).entry(service.id, spec.name)
        assert entry is not None, "a capability of the catalog is in its vocabulary"
        self.questions.append(Question(named, asking(entry, param), tuple(param.enum)))

    # --- constants, recipients, evidence

    def expression(self, text: str | None, slot: str) -> None:
        if text is not None and (loose := self.ground.untraced_expression(text)) is not None:
            self.object("engine_not_said", f"{slot}: nobody said “{loose[:80]}”")

    def waiting(self, text: str) -> None:
        numbers = re.findall(r"\d+(?:\.\d+)?", text)
        if len(text) > 60 or not numbers or not all(self.ground.counts(float(n)) for n in numbers):
            self.object("engine_not_said", f"nobody said to wait {text[:60]}")

    def addressed(self, value: JsonValue, param: Field) -> str | None:
        """Why the data that `value` reads may not decide where something goes, or None."""
        if param.entity not in _SENT_TO or not isinstance(value, str):
            return None
        try:
            parts = parse_template(value).parts
        except CompileError:
            return None  # the resolver reports it
        for part in parts:
            if isinstance(part, Ref) and part.root != "me" and not self._fits(part, param):
                path = ".".join([part.root, *map(str, part.path)])
                return f"who receives it would be decided by {path}, which is no {param.entity}"
        return None

    def _fits(self, ref: Ref, param: Field) -> bool:
        at: Type | None = self.types.get(ref.root)
        field: Field | None = None
        for name in ref.path:
            inner = non_null(at) if at is not None else None
            field = inner.field(str(name)) if isinstance(inner, ObjectOf) else None
            at = field.type if field is not None else None
        if field is not None and field.entity is not None:
            return field.entity == param.entity
        last = next((p for p in reversed(ref.path) if isinstance(p, str)), ref.root)
        wanted = {*split_name(param.entity or ""), *split_name(param.name)} - PARTICLES
        return bool(wanted & set(split_name(last)))

    def evidence(self, service: Service, spec: Capability | TriggerKind, *, addressed: bool) -> None:
        """Something outside quotations has to ask for it: a word it is known by, or (`addressed`) a thing of its kind.

        What only quoted text asks for was asked for by the text, not by the person.
        """
        entry = vocabulary(self.ctx.catalog).entry(service.id, spec.name)
        assert entry is not None, "a capability of the catalog is in its vocabulary"
        words = telling_words(entry)
        if addressed or words & self.ground.stems:
            return
        inside = {w for each in self.ground.quoted for w in split_name(each.replace(" ", "_"))}
        who = "only quoted text asks" if words & inside else "nothing in the request asks"
        self.object("engine_injected", f"{who} for {service.id}.{spec.name}")

    def said_here(self, value: JsonValue) -> bool:
        """True for a text that the person wrote, not one read from data or the profile."""
        return isinstance(value, str) and "{" not in value and self.ground.says(value)

    def left_out(self, held: Intent, rules: Intent | None) -> None:
        """Everything that is said has to be there: values, conditions, what only the rules may state."""
        if rules is not None and (rules.also or any(_policy(a) for a in walk(rules.actions))):
            self.object("engine_left_out", "the rules read a retry, a rate, an approval or a further task")
        roles = {c.role.split(":")[0] for c in clauses(self.ground.text, self.ctx)}
        if roles & _CONDITIONS and not _conditional(held):
            self.object("engine_left_out", "a condition was said, and the proposal has none")
        if "failure" in roles and not any(a.fallback is not None for a in walk(held.actions)):
            self.object("engine_left_out", "it was said what to do after a failure, and the proposal does nothing")
        self.values_left_out(held, rules)

    def values_left_out(self, held: Intent, rules: Intent | None) -> None:
        read = rules.trigger if rules is not None else None
        timed = read.span if isinstance(read, ScheduleTrigger | OnceTrigger) else None
        used = " ".join(fold(c) for c in constants(held) if isinstance(c, str))
        numbers = {float(c) for c in constants(held) if not isinstance(c, str)}
        for token in self.ground.telling([(timed.start, timed.end)] if timed is not None else ()):
            value = token.value
            if isinstance(value, int | float):
                known = float(value) in numbers or round(float(value) * 100, 6) in numbers
                known = known or fold(token.text) in used
            else:
                known = fold(str(value if value is not None else token.text)).lstrip("#@") in used
            if not known:
                self.object("engine_left_out", f"“{token.text[:80]}” was said, and the proposal does not use it")


def _policy(action: Action) -> bool:
    return bool(action.retry or action.rate or action.approval or action.on_error)


def _conditional(intent: Intent) -> bool:
    """True when anything in it depends on a condition."""
    if isinstance(intent.trigger, EventTrigger):
        return True  # the condition may be the event itself: `if a payment fails`
    if isinstance(intent.trigger, WebhookTrigger) and intent.trigger.where:
        return True
    held = list(walk(intent.actions))
    return any(a.when or a.branches or (a.for_each is not None and a.for_each.where) for a in held)


def telling_words(entry: Entry) -> frozenset[str]:
    """Stems by which people mention an entry: its phrases, name, summary, its service's names."""
    service = entry.service
    names = [service.id, service.title, *service.aliases]
    said = {w for phrase in entry.phrases for w in phrase} | entry.summary | entry.names
    said |= {w for name in names for w in split_name(name.replace(" ", "_"))}
    return frozenset(w for w in said if len(w) > 2 and w not in PARTICLES)


def constants(intent: Intent) -> Iterator[str | float]:
    """Every text and number that the calls, events and conditions of an intent state."""
    trigger = intent.trigger
    if isinstance(trigger, EventTrigger):
        yield from _in(trigger.params)
        yield from _stated(trigger.where)
    elif isinstance(trigger, WebhookTrigger):
        yield trigger.path
        yield from _stated(trigger.where)
    for action in walk(intent.actions):
        yield from _in(action.params)
        loop, wait = action.for_each, action.wait
        texts = [action.when, action.value, *(b.when for b in action.branches)]
        texts += [loop.source, loop.where] if loop is not None else []
        texts += [wait.for_, wait.until] if wait is not None else []
        texts += [action.fallback.value] if action.fallback is not None else []
        for text in texts:
            yield from _stated(text)


def _in(value: JsonValue) -> Iterator[str | float]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _in(each)


def _stated(text: str | None) -> Iterator[str | float]:
    """An expression's text as it is, and its numbers."""
    if text is None:
        return
    yield text
    expr, _ = parse_expression(text)
    if expr is not None:
        for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text):
            yield float(number)
