"""The `rules` engine: a request, a catalog and a profile give an `Intent`, the same one every time.

Knows: the order of the stages. In: text, `CompileContext`, answers given so far. Out: `Intent`.
Never: touches the clock, the network or anything random; the context carries what it may know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend import answers as answering
from eyeflow.frontend import clauses as cutting
from eyeflow.frontend import (
    described,
    finishing,
    guards,
    happenings,
    hours,
    policies,
    recast,
    several,
    starting,
    timing,
)
from eyeflow.frontend.answers import Applied
from eyeflow.frontend.build import build
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.hints import Hint
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import (
    EventTrigger,
    Intent,
    ManualTrigger,
    Refusal,
)
from eyeflow.frontend.items import Item, doing, placed, watched
from eyeflow.frontend.items import build as build_items
from eyeflow.frontend.literals import MAX_REQUEST_CHARS, free_texts, tokenize
from eyeflow.frontend.readback.again import read_again
from eyeflow.frontend.rewording import ASKED_FOR, TEXT_ONLY, Given, Heard, Told, hear, reread
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.spelling import corrections
from eyeflow.frontend.timegrammar import TimePhrase, find_times
from eyeflow.frontend.tokens import Token
from eyeflow.frontend.tree import grow
from eyeflow.values import Span


def understand(
    text: str, ctx: CompileContext, answers: Mapping[str, str] | None = None, hints: tuple[Hint, ...] = ()
) -> Intent:
    """The intent of one request. `answers` maps slots of questions asked before to what the person said."""
    return heard(text, ctx, answers, hints).intent


def heard(
    text: str, ctx: CompileContext, answers: Mapping[str, str] | None = None, hints: tuple[Hint, ...] = ()
) -> Heard:
    """`understand`, and what is to be said of the answers. `hints` are where reading may begin, nothing more."""
    services = ctx.catalog.services if answers else ()
    titles = {name.casefold(): service.title for service in services for name in (service.id, *service.aliases)}
    return hear(text, answers or {}, lambda said, given, told: _wording(said, ctx, given, told, hints), titles)


def _wording(
    text: str,
    ctx: CompileContext,
    given: Given,
    told: Told,
    hints: tuple[Hint, ...] = (),
    *,
    correcting: bool = True,
    turns: int = recast.MOST,
) -> tuple[Intent, Applied | None]:
    refused = _unreadable(text)
    if refused is not None:
        return refused, None
    told_back = read_again(text, ctx)
    if told_back is not None:
        return told_back, None
    tokens = tokenize(text)
    meant = {span for span, said in told if said == ASKED_FOR}
    timed = happenings.with_delays(text)
    found = find_times(timed, tokens if timed == text else tokenize(timed), ctx.now, ctx.zone)
    times = [phrase for phrase in found if phrase.span not in meant]
    vocab = vocabulary(ctx.catalog)
    items = _items(text, tokens, times, vocab.verbs)
    spoken = timing.in_speech(items)
    outside = any(t.triggers and not t.in_free_text for t in times if t not in spoken)
    outside = outside or (bool(spoken) and any(not s.timed for s in several.starts(text, items)))
    during = hours.held(text, items, ctx.zone) if turns == recast.MOST else None
    if during is not None:
        more = partial(_wording, ctx=ctx, given=given, hints=hints, correcting=correcting, turns=turns - 1)
        within = reread(text, ((during.span, ""),), told, lambda said, meant: more(said, told=meant))
        event = isinstance(within[0].trigger, EventTrigger) and not hours.tells_time(within[0], ctx.catalog)
        if event and not within[0].also:
            return hours.only(within[0], during, text), within[1]
    full = recast.in_full(text, items) if turns else ()
    if full:
        more = partial(_wording, ctx=ctx, given=given, hints=hints, correcting=correcting, turns=turns - 1)
        return reread(text, full, told, lambda said, meant: more(said, told=meant), "said in short")
    told_text = {span for span, said in told if said == TEXT_ONLY}
    if spoken and (outside or all(t.span in told_text for t in spoken)):
        times = [t for t in times if t not in spoken]
        items = _items(text, tokens, times, vocab.verbs)
    scope = Scope(ctx=ctx, vocab=vocab, text=text, answers=given, told=told, hints=hints)
    plain = _described(text, tokens, times, scope)
    if plain is not None and len(scope.vocab.bare) == scope.vocab.callable:
        return plain
    spans = several.parts(text, items, ctx)
    if len(spans) > 1:
        parts = several.together(text, spans, (given, told), lambda t, g, s: _wording(t, ctx, g, s, hints), ctx.catalog)
        if parts is not None:
            return parts
    first = _read(items, times, scope, text)
    if first[0].outcome == "program":
        return first
    if plain is not None and (plain[0].outcome == "program" or first[0].outcome == "refused"):
        return plain
    settled = [t.span for t in times] + [Span(f.start, f.ends[0]) for f in free_texts(text, tokens) if f.ends]
    forbidden = guards.refuse(items, scope).refusals
    names = (word for name in scope.vocab.names for word in name.split())
    edits = corrections(tokens, scope.vocab.spoken, names, settled) if correcting and not forbidden else ()
    if not edits:
        return first
    again = reread(
        text, edits, told, lambda said, meant: _wording(said, ctx, given, meant, hints, correcting=False, turns=turns)
    )
    return again if _clearer(again[0], first[0]) else first


def _clearer(one: Intent, other: Intent) -> bool:
    """`one` is a program, or less is open in it."""
    ranks = [(i.outcome != "program", i.outcome == "refused", len(i.questions)) for i in (one, other)]
    return ranks[0] < ranks[1]


def _items(
    text: str, tokens: tuple[Token, ...], times: Sequence[TimePhrase], verbs: frozenset[str]
) -> tuple[Item, ...]:
    return happenings.plainer(doing(watched(placed(build_items(text, tokens, times, free_texts(text, tokens)))), verbs))


def _described(
    text: str, tokens: Sequence[Token], times: Sequence[TimePhrase], scope: Scope
) -> tuple[Intent, Applied | None] | None:
    """One-off calls of capabilities without phrases; days and times are values there, not when to run."""
    if not scope.vocab.bare:
        return None
    items = build_items(text, tokens, ())
    scope = guards.refuse(items, scope)
    kept, courteous = cutting.without_politeness(items)
    meant = frozenset(i.index for i in items if i.lower in ("immediately", "automatically"))  # may be a flag's name
    spoken = [i for i in items if i in kept or i.index in meant]
    found = None if scope.refusals else described.read(spoken, times, scope.explain(courteous - meant))
    if found is None:
        return None
    done = answering.apply(found, ManualTrigger(), scope.answers)
    return finishing.finish(done.scope, items, done.trigger, text), done


def _read(
    items: tuple[Item, ...], times: Sequence[TimePhrase], scope: Scope, text: str
) -> tuple[Intent, Applied | None]:
    given = scope.answers
    scope = guards.refuse(items, scope)
    if scope.refusals:
        return finishing.finish(scope, items, None, text), None
    started, scope, sentences = starting.start(items, scope, times)
    for kept, held in sentences:
        found = policies.read(kept)
        for slot, value, why in found.assumed:
            scope = scope.assume(slot, value, why)
        scope = build(grow(_without(held, found.used)), scope.explain(found.used), found)
    unset = happenings.lacks_time(items) if started is None else None
    if unset is not None:
        scope = scope.ask("trigger.time", "When?", (), unset)
    bare = happenings.only_new(items) if started is None else None
    if bare is not None and scope.actions:
        scope = scope.ask(
            "trigger", "What there is now, or each new one as it comes? Say “when ...” for the second.", (), bare
        )
    if started is None and bare is None:
        reads = [scope.vocab.entry(a.service or "", a.function or "") for a in scope.did[:1]]
        bare = happenings.notified(items, reads[0] if reads else None)
        if bare is not None:
            asked = "Of what it is now, or of each change? Say “tell me ...” for the first, “when ...” for the second."
            scope = scope.ask("trigger", asked, (), bare)
    scope = timing.told_when(scope, times, started, timing.in_speech(items))
    done = answering.apply(scope, started, given)
    return finishing.finish(done.scope, items, done.trigger, text), done


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


def _without(clauses: Sequence[Clause], used: frozenset[int]) -> list[Clause]:
    held: list[Clause] = []
    for clause in clauses:
        items = tuple(i for i in clause.items if i.index not in used)
        told = clause.role == "failure" and not clause.items and any(i.index not in used for i in clause.cue_items)
        if items or clause.expr or clause.role == "loop" or told:  # `if it fails, retry twice` is told by the retry
            held.append(msgspec.structs.replace(clause, items=items))
    return held
