"""The `rules` engine: a request, a catalog and a profile give an `Intent`, the same one every time.

Knows: the order of the stages. In: text, `CompileContext`, answers given so far. Out: `Intent`.
Never: touches the clock, the network or anything random; the context carries what it may know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend import answers as answering
from eyeflow.frontend import clauses as cutting
from eyeflow.frontend import guards, policies, triggers
from eyeflow.frontend.answers import Applied
from eyeflow.frontend.build import build
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.intent import (
    EventTrigger,
    Intent,
    ManualTrigger,
    OnceTrigger,
    Question,
    Refusal,
    ScheduleTrigger,
    Trigger,
    WebhookTrigger,
)
from eyeflow.frontend.items import Item
from eyeflow.frontend.items import build as build_items
from eyeflow.frontend.literals import MAX_REQUEST_CHARS, free_texts, tokenize
from eyeflow.frontend.nouns import content
from eyeflow.frontend.rewording import ASKED_FOR, GO_ON, RUN_THEN, TEXT_ONLY, Given, Heard, Told, hear
from eyeflow.frontend.scope import Scope, asking
from eyeflow.frontend.spelling import correct
from eyeflow.frontend.timegrammar import TimePhrase, find_times
from eyeflow.frontend.tree import grow, with_action
from eyeflow.frontend.vocabulary import vocabulary
from eyeflow.values import Span

CLOSE = 0.4
_CONTINUES = ("failure", "fallback", "exclusion")
"""A sentence that begins with one of these goes on with the one before."""


def understand(text: str, ctx: CompileContext, answers: Mapping[str, str] | None = None) -> Intent:
    """The intent of one request. `answers` maps slots of questions asked before to what the person said."""
    return heard(text, ctx, answers).intent


def heard(text: str, ctx: CompileContext, answers: Mapping[str, str] | None = None) -> Heard:
    """`understand`, and what is to be said of the answers."""
    services = ctx.catalog.services
    titles = {name.casefold(): service.title for service in services for name in (service.id, *service.aliases)}
    return hear(text, answers or {}, lambda said, given, told: _wording(said, ctx, given, told), titles)


def _wording(text: str, ctx: CompileContext, given: Given, told: Told) -> tuple[Intent, Applied | None]:
    refused = _unreadable(text)
    if refused is not None:
        return refused, None
    tokens = tokenize(text)
    meant = {span for span, said in told if said == ASKED_FOR}
    times = [phrase for phrase in find_times(text, tokens, ctx.now, ctx.zone) if phrase.span not in meant]
    items = build_items(text, tokens, times, free_texts(text, tokens))
    scope = Scope(ctx=ctx, vocab=vocabulary(ctx.catalog), text=text, answers=given, told=told)
    first = _read(items, times, scope, text)
    if first[0].outcome == "program":
        return first
    mended, pairs = correct(items, scope.vocab.spoken)
    if not pairs:
        return first
    for wrong, right in pairs:
        scope = scope.assume(wrong, right, "read as a misspelling")
    again = _read(mended, times, scope, text)
    return again if again[0].outcome == "program" else first


def _read(
    items: tuple[Item, ...], times: Sequence[TimePhrase], scope: Scope, text: str
) -> tuple[Intent, Applied | None]:
    given = scope.answers
    scope = guards.refuse(items, scope)
    if scope.refusals:
        return _finish(scope, items, None, text), None
    started, scope, sentences = _start(items, scope, times)
    for kept, held in sentences:
        found = policies.read(kept)
        scope = build(grow(_without(held, found.used)), scope.explain(found.used), found)
    scope = _told_when(scope, times, started)
    done = answering.apply(scope, started, given)
    return _finish(done.scope, items, done.trigger, text), done


def _told_when(scope: Scope, times: Sequence[TimePhrase], started: Trigger | None) -> Scope:
    """A schedule at the very end of text to pass on may be when to send it: that is asked."""
    if started is not None:
        return scope
    for phrase in times:
        if phrase.in_free_text and phrase.kind == "schedule" and phrase.span.end >= len(scope.text.rstrip(" .!?")):
            asked = f"Is “{phrase.text}” when to run, or part of the text?"
            if scope.told_at(phrase.span) != TEXT_ONLY:
                return scope.ask("trigger.time", asked, (RUN_THEN, TEXT_ONLY), phrase.span)
    return scope


def _unreadable(text: str) -> Intent | None:
    whole = Span(0, min(len(text), 80))
    reason = None
    if not text.strip():
        reason = "there is nothing to read"
    elif len(text) > MAX_REQUEST_CHARS:
        reason = f"a request has at most {MAX_REQUEST_CHARS} characters"
    elif any(ord(c) < 32 and c not in "\n\r\t" for c in text):
        reason = "the request contains control characters"
    elif sum(c.isascii() and c.isalpha() for c in text) < 2:
        reason = "requests are understood in English"
    if reason is None:
        return None
    return Intent(text=text, outcome="refused", refusals=(Refusal(whole, text[:80], reason),))


# --- what starts it ------------------------------------------------------------------------------------------------

_Sentences = list[tuple[tuple[Item, ...], list[Clause]]]


def _start(
    items: Sequence[Item], scope: Scope, times: Sequence[TimePhrase]
) -> tuple[Trigger | None, Scope, _Sentences]:
    """The trigger, the scope that sees its payload, and the clauses left to do, sentence by sentence."""
    sentences: _Sentences = []
    trigger: Trigger | None = None
    for number, raw in enumerate(cutting.split_sentences(items)):
        kept, courteous = cutting.without_politeness(raw)
        scope = scope.explain(courteous)
        held = list(cutting.cut(kept, number))
        if not held:
            continue
        scope = scope.explain({i.index for c in held for i in c.cue_items})
        scope = scope.explain({i.index for c in held if c.role == "purpose" for i in c.items})
        trigger, scope, held = _take_trigger(trigger, held, scope)
        if sentences and held and _goes_on(held, kept):
            before, clauses = sentences.pop()
            sentences.append(((*before, *kept), [*clauses, *held]))
        elif number == 0 or held:
            sentences.append((kept, held))
    scope, sentences = _background(scope, sentences)
    if trigger is None and not any(t.triggers for t in times):
        trigger, scope, sentences = _event_said(scope, sentences)
    timed, scope = _schedule(scope, items, times)
    return trigger or timed, scope, sentences


def _goes_on(held: Sequence[Clause], kept: Sequence[Item]) -> bool:
    """The sentence says more about the one before: a failure, an exception, an otherwise, how often to retry."""
    first = held[0].role
    if first in _CONTINUES or first.startswith("alternative"):
        return True
    retry_at = policies.read(kept).retry_at
    return retry_at is not None and retry_at == kept[0].index


def _take_trigger(
    trigger: Trigger | None, held: list[Clause], scope: Scope
) -> tuple[Trigger | None, Scope, list[Clause]]:
    rest: list[Clause] = []
    for clause in held:
        may = clause.role == "trigger" or (clause.role == "condition" and clause.cue == "if" and not _timed(held))
        may = may or (clause.role == "loop" and _says_new(clause))
        asked = clause.role == "action" and _commands_endpoint(clause)
        if trigger is None and (may or asked) and clause.items:
            started, more, tail = _read_trigger(clause, scope, must=clause.role == "trigger")
            if started is not None:
                trigger, scope = started.trigger, more
                rest += tail
                continue
            if clause.role == "trigger":
                scope = _no_trigger(clause, scope)
                trigger = ManualTrigger()
                continue
        rest.append(clause)
    return trigger, scope, rest


def _event_said(scope: Scope, sentences: _Sentences) -> tuple[Trigger | None, Scope, _Sentences]:
    """`notify #x about every overdue invoice`, `save every new response`: an event told without `when`."""
    for n, (kept, held) in enumerate(sentences):
        for k, clause in enumerate(held):
            found = _about_every(clause, scope)
            if found is None:
                continue
            started, action = found
            excluded = [c for c in held[k + 1 :] if c.role == "exclusion"]
            trigger, after = _less(started, excluded)
            rest = [*held[:k], action, *[c for c in held[k + 1 :] if c not in excluded]]
            asked = started.open
            for param in asked:
                if started.entry is not None:
                    after = after.ask(f"trigger.{param.name}", asking(started.entry, param), tuple(param.enum))
            return trigger, after, [*sentences[:n], (kept, rest), *sentences[n + 1 :]]
    return None, scope, sentences


def _about_every(clause: Clause, scope: Scope) -> tuple[triggers.Started, Clause] | None:
    items = clause.items
    at = next((k for k, i in enumerate(items) if i.lower in ("every", "each", "any", "new") and k > 0), None)
    if at is None or clause.role != "action":
        return None
    told = items[at - 1].lower == "about"
    new = any(i.lower == "new" for i in items[at : at + 2])
    if not (told or new):
        return None
    for end in range(len(items), at + 1, -1):
        if end < len(items) and items[end].lower not in ("to", "in", "into", "on", "and", "as"):
            continue
        found = triggers.read(items[at:end], scope)
        if found and found[0].score > 1.0 and not found[0].unexplained:
            done = found[0].scope.explain({i.index for i in items[at:end]})
            kept = (*items[: at - told], *items[end:])
            return msgspec.structs.replace(found[0], scope=done), msgspec.structs.replace(clause, items=kept)
    return None


def _less(started: triggers.Started, excluded: Sequence[Clause]) -> tuple[Trigger, Scope]:
    """The event without what `except ...` leaves out."""
    scope, trigger = started.scope, started.trigger
    for clause in excluded:
        exprs, scope, used = triggers.modifiers(clause.items, set(), scope, started.source)
        scope = scope.explain(used)
        if exprs and isinstance(trigger, EventTrigger):
            where = negate(triggers.all_of(exprs) or "false")
            joined = f"AND({trigger.where}, {where})" if trigger.where else where
            trigger = msgspec.structs.replace(trigger, where=joined)
            scope = scope.explain({i.index for i in clause.items})
    return trigger, scope


def _says_new(clause: Clause) -> bool:
    """`for every new response`: each one as it comes."""
    return bool(clause.items) and clause.items[0].lower == "new"


def _timed(held: Sequence[Clause]) -> bool:
    return any(i.kind == "time" and i.time is not None and i.time.triggers for c in held for i in c.items)


def _commands_endpoint(clause: Clause) -> bool:
    """`POST to /deploy should run ...`: the request names its own trigger."""
    return len(clause.items) > 2 and clause.items[0].text in ("POST", "PUT", "GET")


def _read_trigger(clause: Clause, scope: Scope, *, must: bool) -> tuple[triggers.Started | None, Scope, list[Clause]]:
    head, tail = _event_and_rest(clause)
    head, own = with_action(head)
    tail = [*([own] if own is not None else []), *tail]
    found = triggers.read(head.items, scope)
    if not found:
        return None, scope, []
    told = scope.told_at(head.span)
    best = next((f for f in found if f.entry is not None and f.entry.service.title == told), found[0])
    if not must and (best.score < 1.0 or best.unexplained):
        return None, scope, []
    after = best.scope.explain({i.index for i in clause.cue_items})
    close = [f for f in found[1:] if best.score - f.score < CLOSE and f.source.service != best.source.service]
    if close and best.entry is not None and told is None:
        titles = tuple(f.entry.service.title for f in (best, *close) if f.entry is not None)
        after = after.ask(
            "trigger.service", f"Which service's event is meant by “{_said(head, scope)}”?", titles, head.span
        )
    for param in best.open:
        if best.entry is not None:
            after = after.ask(f"trigger.{param.name}", asking(best.entry, param), tuple(param.enum), head.span)
    return best, after, tail


def _event_and_rest(clause: Clause) -> tuple[Clause, list[Clause]]:
    """`POST to /deploy should run X`: the event before `should`, the action after it."""
    at = next((k for k, i in enumerate(clause.items) if i.lower in ("should", "must")), None)
    if at is None or at + 1 >= len(clause.items):
        return clause, []
    action = Clause("action", clause.items[at + 1 :], joined="", sentence=clause.sentence)
    return msgspec.structs.replace(clause, items=clause.items[:at]), [action]


def _said(clause: Clause, scope: Scope) -> str:
    return scope.text[clause.span.start : clause.span.end]


def _no_trigger(clause: Clause, scope: Scope) -> Scope:
    held = content(clause.items) or list(clause.items)
    span = Span(held[0].span.start, held[-1].span.end)
    reason = f"no service in the catalog tells when “{scope.text[span.start : span.end]}”"
    near = [e for e in scope.vocab.candidates([i.stem for i in held]) if e.is_trigger][:3]
    suggestions = tuple(f"{e.service.title}: {e.spec.summary}" for e in near)
    return scope.refuse(span, reason, suggestions).explain({i.index for i in clause.items})


def _background(scope: Scope, sentences: _Sentences) -> tuple[Scope, _Sentences]:
    """Statements that ask for nothing are context, not content: their words are accounted for."""
    kept: _Sentences = []
    for items, held in sentences:
        if (
            held
            and not cutting.is_action_like(held[0])
            and all(c.role == "action" for c in held)
            and len(sentences) > 1
        ):
            asks = any(cutting.is_action_like(c) for c in held)
            if not asks:
                scope = scope.explain({i.index for i in items})
                continue
        kept.append((items, held))
    return scope, kept


def _schedule(scope: Scope, items: Sequence[Item], times: Sequence[TimePhrase]) -> tuple[Trigger | None, Scope]:
    used = [i.time for i in items if i.kind == "time" and i.time is not None]
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
        if acts and any(i.lower in ("and", ";") for i in between) and any(_recurs(items[k]) for k in (one, two)):
            asked = f"“{items[one].text}” and “{items[two].text}” are both said: which belongs to which action?"
            return scope.ask("trigger.time", asked + " Ask for one at a time.", (), items[two].span)
    for k in timed:
        item = items[k]
        said = item.text.casefold()
        bounded = item.time is not None and (item.time.until is not None or item.time.count is not None)
        if bounded and said.startswith("for ") and k > 0 and items[k - 1].is_word and not items[k - 1].is_stop:
            asked = f"Does “{item.text}” say how long to go on, or what is asked for?"
            if scope.told_at(item.span) != GO_ON:
                scope = scope.ask("trigger.until", asked, (GO_ON, ASKED_FOR), item.span)
    return scope


def _recurs(item: Item) -> bool:
    return item.time is not None and bool(item.time.rules)


def _without(clauses: Sequence[Clause], used: frozenset[int]) -> list[Clause]:
    held = [msgspec.structs.replace(c, items=tuple(i for i in c.items if i.index not in used)) for c in clauses]
    return [c for c in held if c.items or c.role in ("failure", "loop")]


# --- what comes out ------------------------------------------------------------------------------------------------


def _finish(scope: Scope, items: Sequence[Item], trigger: Trigger | None, text: str) -> Intent:
    scope = guards.judged(items, scope) if not scope.refusals else scope
    if not scope.refusals:
        scope = _unexplained(items, scope)
    if not scope.actions and not scope.refusals and not scope.questions:
        scope = scope.refuse(Span(0, len(text)), "this does not say what to do")
    if trigger is None and not scope.refusals:
        trigger = ManualTrigger()
    if isinstance(trigger, WebhookTrigger) and not trigger.fields:
        trigger = msgspec.structs.replace(trigger, fields=_fields_read(scope))
    scope = _zone(trigger, scope)
    outcome = "refused" if scope.refusals else "questions" if scope.questions else "program"
    return Intent(
        text=text, outcome=outcome, trigger=trigger, actions=scope.actions,  # type: ignore[arg-type]
        assumptions=scope.assumptions, questions=scope.questions, refusals=scope.refusals,
        confidence=_confidence(scope, items),
    )  # fmt: skip


def _fields_read(scope: Scope) -> dict[str, str]:
    """The fields of a webhook's body that the actions read, when the request listed none."""
    said = msgspec.json.encode(scope.actions).decode()
    names = dict.fromkeys(re.findall(r"\btrigger\.([A-Za-z_]\w*)", said))
    return dict.fromkeys(names, "string")


def _zone(trigger: Trigger | None, scope: Scope) -> Scope:
    if (
        isinstance(trigger, ScheduleTrigger | OnceTrigger)
        and scope.ctx.zone_assumed
        and trigger.timezone == scope.ctx.zone
    ):
        return scope.assume("trigger.timezone", trigger.timezone, "no time zone was said or set in your profile")
    return scope


def _unexplained(items: Sequence[Item], scope: Scope) -> Scope:
    """Every content word plays a part, or there is a question about it."""
    whole = ("service", "condition", "list", "trigger.service")
    asked = [q.span for q in scope.questions if q.span is not None and q.slot in whole]
    run: list[Item] = []
    runs: list[list[Item]] = []
    for item in items:
        plain = item.kind in ("punct",) or item.is_stop
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
