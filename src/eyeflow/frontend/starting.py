"""What starts a task: the clause that tells an event, or a time; and the clauses that are left to do.

Knows: which clauses can be triggers, and how a service's event or a webhook is said without `when`. In: the items of a
request, a scope, its times. Out: the trigger, the scope that sees its payload, the clauses left, sentence by sentence.
Never: builds actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend import clauses as cutting
from eyeflow.frontend import (
    conditions,
    filters,
    loops,
    orders,
    pauses,
    plainly,
    policies,
    rivals,
    several,
    states,
    timing,
    triggers,
)
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.intent import (
    EventTrigger,
    ManualTrigger,
    Trigger,
)
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_past, phrase_at, same_doing, words
from eyeflow.frontend.lists import plural
from eyeflow.frontend.nouns import content
from eyeflow.frontend.recast import left_alone
from eyeflow.frontend.scope import Scope, asking
from eyeflow.frontend.strangers import CARRIED
from eyeflow.frontend.timegrammar import TimePhrase
from eyeflow.frontend.tree import with_action
from eyeflow.values import Span

_EVEN = 0.15
_CONTINUES = ("failure", "fallback", "exclusion")
"""A sentence that begins with one of these goes on with the one before."""

_ASKING = ("is", "are", "does", "do", "has", "have", "did", "was", "were", "if", "unless")

Sentences = list[tuple[tuple[Item, ...], list[Clause]]]


def start(items: Sequence[Item], scope: Scope, times: Sequence[TimePhrase]) -> tuple[Trigger | None, Scope, Sentences]:
    """The trigger, the scope that sees its payload, and the clauses left to do, sentence by sentence."""
    sentences: Sentences = []
    trigger: Trigger | None = None
    said = cutting.split_sentences(items)
    for number, raw in enumerate(said):
        kept, courteous = cutting.without_politeness(raw)
        scope = scope.explain(courteous)
        kept, taken_back = orders.as_orders(kept, alone=number + 1 == len(said))
        scope = scope.explain(taken_back)
        kept, reworded = plainly.plain(kept, scope.vocab.by_verb)
        scope = scope.explain(reworded)
        held = several.as_conditions(pauses.cut(kept, number, scope.text, scope.told_at), leads=number == 0)
        if not held:
            continue
        held = [_ones(c, said[:number], scope) for c in held]
        scope = scope.explain({i.index for c in held for i in c.cue_items})
        scope = scope.explain({i.index for c in held if c.role == "purpose" for i in c.items})
        trigger, scope, held = _take_trigger(trigger, held, scope)
        moved = pauses.goes_before(held, sentences[-1][1]) if sentences else None
        if moved is not None:
            sentences[-1] = ((*sentences[-1][0], *kept), moved)
            scope = scope.explain({i.index for c in held for i in c.items})
        elif sentences and held and (_goes_on(held, kept) or _narrows(held, [c for _, c in sentences])):
            before, clauses = sentences.pop()
            sentences.append(((*before, *kept), [*clauses, *held]))
        elif number == 0 or held:
            sentences.append((kept, held))
    scope, sentences = _background(scope, sentences)
    if trigger is None and not any(t.triggers for t in times):
        trigger, scope, sentences = _event_said(scope, sentences)
    timed, scope = timing.schedule(scope, items, times)
    also = several.beside(scope.text, items, trigger, timed)
    if also is not None:
        scope = scope.ask("trigger.start", also[0], (), also[1])
    return trigger or timed, scope, sentences


def _ones(clause: Clause, before: Sequence[Sequence[Item]], scope: Scope) -> Clause:
    """`look at the open ones`: the things that a sentence before spoke of, in its words."""
    at = next((k for k, i in enumerate(clause.items) if i.lower == "ones"), None)
    if at is None or clause.role not in ("action", "sequence:action"):
        return clause
    for sentence in reversed(before):
        if any(i.acts for i in sentence[:1]):
            continue  # an order: what it gives is in reach by itself
        for k, item in enumerate(sentence):
            if not (item.is_word and not item.is_stop and item.lower not in words("vague")):
                continue
            if loops.list_of(sentence[k:], scope) is not None:
                return msgspec.structs.replace(
                    clause, items=(*clause.items[:at], *sentence[k:], *clause.items[at + 1 :])
                )
    return clause


def _goes_on(held: Sequence[Clause], kept: Sequence[Item]) -> bool:
    """The sentence says more about the one before: a failure, an exception, an otherwise, how often to retry."""
    first = held[0].role
    if first in _CONTINUES or first.startswith("alternative"):
        return True
    if len(held) == 2 and first == "action" and held[1].role == "failure" and not held[1].items:
        return True  # `Text me if that fails`
    if first == "negative_condition" and held[0].cue == "but not if" and len(held) == 1:
        return True  # `Don't post it if ...`
    if first in ("condition", "negative_condition") and _nothing_then(held):
        return True  # `if there is nothing to report, don't post anything`
    retry_at = policies.read(kept).retry_at
    return retry_at is not None and retry_at == kept[0].index


_ONLY: Final = ("only if", "only when")


def _narrows(held: Sequence[Clause], before: Sequence[Sequence[Clause]]) -> bool:
    """`Skip it if ...`, `Only when ...` in a sentence of its own, after the one thing that is to be done."""
    alone = held[0] if len(held) == 1 and held[0].items else None
    acts = [c for clauses in before for c in clauses if c.role != "purpose"]
    only = alone is not None and (alone.role == "negative_condition" or alone.cue in _ONLY)
    return only and [c.role for c in acts] == ["action"]


def _nothing_then(held: Sequence[Clause]) -> bool:
    lowered = [i.lower for i in held[0].items]
    if lowered[:1] != ["there"] or len(held) > 2:
        return False
    ends = any(phrase_at("nothing", lowered, k) == len(lowered) - k for k in range(1, len(lowered)))
    rest = [i.lower for i in held[1].items] if len(held) == 2 else []
    return ends or (bool(rest) and phrase_at("nothing", rest, 0) == len(rest))


def _take_trigger(
    trigger: Trigger | None, held: list[Clause], scope: Scope
) -> tuple[Trigger | None, Scope, list[Clause]]:
    rest: list[Clause] = []
    told = any(clause.role == "trigger" for clause in held)
    acted = [c for c in held if c.role in ("action", "sequence:action")]
    for clause in tuple(held):
        if clause not in held:
            continue  # it told what is left out of the event
        may = clause.role == "trigger" or (
            clause.role == "condition" and clause.cue == "if" and not _timed(held) and not told
        )
        may = may or (clause.role == "loop" and (_says_new(clause) or _does(clause)))
        asked = clause.role == "action" and _commands_endpoint(clause)
        if trigger is None and (may or asked) and clause.items:
            started, more, tail = _read_trigger(clause, scope, acted, must=clause.role == "trigger")
            if started is not None:
                trigger, scope = started.trigger, more
                less = _kept_out(started, held, scope)
                if less is not None:
                    trigger, scope, held = less
                trigger, case = _as_case(trigger, clause, held)
                rest += [*case, *tail]
                continue
            if clause.role == "trigger":
                scope = _no_trigger(clause, scope)
                trigger = ManualTrigger()
                continue
        rest.append(clause)
    return trigger, scope, rest


def _kept_out(
    started: triggers.Started, held: list[Clause], scope: Scope
) -> tuple[Trigger, Scope, list[Clause]] | None:
    """`when a release is out post it, skip prereleases`: the event without those, when nothing else was asked of them;
    None where the words say no such thing of the event, or of which of several actions is open."""
    excluded = [c for c in held if c.role == "exclusion"]
    done = [c for c in held if c.role in ("action", "sequence:action")]
    simple = all(c.role in ("trigger", "action", "sequence:action", "exclusion") for c in held)
    if not (excluded and simple and held[-1] is excluded[-1] and isinstance(started.trigger, EventTrigger)):
        return None
    if len(done) > 1 and not all(c.cue.startswith(("skip", "ignor")) for c in excluded):
        return None
    trigger, after = _less(msgspec.structs.replace(started, scope=scope), excluded)
    if any(i.index not in after.explained for c in excluded for i in content(c.items) if i.lower != "ones"):
        return None
    return trigger, after, [c for c in held if c not in excluded]


def _as_case(trigger: Trigger, clause: Clause, held: Sequence[Clause]) -> tuple[Trigger, list[Clause]]:
    """`when a chargeback over $200 comes in do A, otherwise B`: the filter is a condition; both happen on the event."""
    otherwise = any(c.role.startswith("alternative") for c in held)
    choice = any(c.role in ("condition", "negative_condition") for c in held if c is not clause)
    if not isinstance(trigger, EventTrigger) or not trigger.where or not otherwise or choice:
        return trigger, []
    case = Clause("condition", (), "if", clause.cue_items, "", clause.sentence, trigger.where)
    return msgspec.structs.replace(trigger, where=None), [case]


def _event_said(scope: Scope, sentences: Sentences) -> tuple[Trigger | None, Scope, Sentences]:
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
    limits = policies.read(clause.items).used
    items = tuple(i for i in clause.items if i.index not in limits)
    while items and items[-1].kind == "punct":
        items = items[:-1]
    related = _whoever(clause, items, scope)
    if related is not None:
        return related
    singled = (k for k, i in enumerate(items) if i.lower in ("every", "each", "any", "new") and k > 0)
    at = next((k for k in singled if not _in_a_name(items, k, scope)), None)
    if at is None and items and same_doing("tell", items[0].stem):
        after = (k + 1 for k, i in enumerate(items[:-1]) if i.lower == "about" and k > 0)
        at = next((k for k in after if any(plural(i) for i in items[k : k + 3] if i.is_word)), None)
    if at is None or clause.role != "action":
        return None
    told = items[at - 1].lower == "about" or (
        items[at - 1].lower in ("of", "on", "for") and same_doing("tell", items[0].stem)
    )
    new = any(i.lower == "new" for i in items[at : at + 2])
    if not (told or new):
        return None
    for end in range(len(items), at + 1, -1):
        if end < len(items) and items[end].lower not in ("to", "in", "into", "on", "and", "as"):
            continue
        if _takes_place(items, at, end):
            continue
        found = triggers.read(items[at:end], scope)
        unread = {i.index for i in items if found and i.index in found[0].unexplained}
        doubtful = {i.index for i in items if i.lower in words("vague") | words("judgement")}
        if found and found[0].score > 1.0 and unread <= doubtful:
            done = found[0].scope.explain({i.index for i in items[at:end]} - unread)
            kept = (*items[: at - told], *items[end:], *(i for i in clause.items if i.index in limits))
            return msgspec.structs.replace(found[0], scope=done), msgspec.structs.replace(clause, items=kept)
    return None


def _in_a_name(items: Sequence[Item], at: int, scope: Scope) -> bool:
    """`the New York Times`: nothing there is new."""
    name = scope.vocab.name_at([i.lower for i in items], at)
    return name is not None and name.length > 1


_PLACING = (
    *("add", "copy", "save", "put", "post", "send", "forward", "upload", "append", "log", "write", "move", "subscribe"),
    *("attach", "push", "store", "record", "insert", "archive", "export", "share", "publish"),
)
"""Verbs by which something is put somewhere."""


def _takes_place(items: Sequence[Item], at: int, end: int) -> bool:
    """`add each new lead to the list`: the only `to` says where it is put, and is no part of what happens."""
    places = ("to", "into", "onto")
    inside = any(i.lower in places for i in items[at:end])
    return inside and items[0].lower in _PLACING and not any(i.lower in places for i in items[end:])


_ANYONE = ("everyone", "everybody", "anyone", "anybody", "whoever", "someone", "somebody")
_OPENING = ("to", "in", "into", "on", "and", "as", "with", "the", "a", "an", "by", "via")


def _whoever(clause: Clause, items: Sequence[Item], scope: Scope) -> tuple[triggers.Started, Clause] | None:
    """`thank every customer who leaves a rating`: what they do is the event, and they are `them` in what is done."""
    who = next((k for k, i in enumerate(items) if i.lower in ("who", "that") and k > 1), None)
    any_at = next((k for k, i in enumerate(items) if k and i.lower in (*_ANYONE, "every", "each", "any")), None)
    if any_at is None or clause.role != "action" or not items[0].acts:
        return None
    person = items[any_at].lower in _ANYONE
    if items[any_at].lower == "whoever":
        who = any_at
    if who is None or not any_at <= who <= any_at + (1 if person else 3):
        return None
    subject = (
        [msgspec.structs.replace(items[any_at], lower="someone", stem="someon")] if person else items[any_at + 1 : who]
    )
    for end in range(len(items), who + 1, -1):
        if end < len(items) and items[end].lower not in _OPENING and not items[end].is_literal:
            continue
        if _takes_place(items, who, end):
            continue
        found = triggers.read([*subject, *items[who + 1 : end]], scope)
        if found and found[0].score > 1.0 and not found[0].unexplained and not _was_done(items[who + 1]):
            done = found[0].scope.explain({i.index for i in items[any_at:end]})
            them = msgspec.structs.replace(items[any_at], lower="them", stem="them", kind="word", verb=False)
            kept = (*items[:any_at], them, *items[end:], *(i for i in clause.items if i not in items))
            return msgspec.structs.replace(found[0], scope=done), msgspec.structs.replace(clause, items=kept)
    return None


def _was_done(verb: Item) -> bool:
    """`everyone who answered`: those who have done it by now, and none who does it later."""
    return verb.lower in ("has", "have", "had") or is_past(verb.lower)


def _less(started: triggers.Started, excluded: Sequence[Clause]) -> tuple[Trigger, Scope]:
    """The event without what `except ...` leaves out."""
    scope, trigger = started.scope, started.trigger
    for clause in excluded:
        exprs, scope, used = filters.modifiers(clause.items, set(), scope, started.source)
        if not exprs and started.entry is not None:
            exprs, used = states.stated(started.entry, clause.items, started.source)
        scope = scope.explain(used)
        if exprs and isinstance(trigger, EventTrigger):
            where = negate(filters.all_of(exprs) or "false")
            joined = f"AND({trigger.where}, {where})" if trigger.where else where
            trigger = msgspec.structs.replace(trigger, where=joined)
            scope = scope.explain({i.index for i in clause.items if i.index in used or i.is_stop or i.lower == "ones"})
    return trigger, scope


def _says_new(clause: Clause) -> bool:
    """`for every new response`: each one as it comes."""
    return bool(clause.items) and clause.items[0].lower == "new"


def _timed(held: Sequence[Clause]) -> bool:
    return any(i.kind == "time" and i.time is not None and i.time.triggers for c in held for i in c.items)


def _commands_endpoint(clause: Clause) -> bool:
    """`POST to /deploy should run ...`: the request names its own trigger."""
    return len(clause.items) > 2 and clause.items[0].text in ("POST", "PUT", "GET")


def _read_trigger(
    clause: Clause, scope: Scope, acted: Sequence[Clause], *, must: bool
) -> tuple[triggers.Started | None, Scope, list[Clause]]:
    head, tail = _event_and_rest(clause)
    head, own = with_action(head)
    tail = [*([own] if own is not None else []), *tail]
    found = triggers.read(head.items, scope)
    if not found:
        return None, scope, []
    told = scope.told_at(head.span)
    found = rivals.measured_there(rivals.by_name(found, head, scope), head, [*tail, *acted], scope)
    best = next((f for f in found if f.entry is not None and f.entry.service.title == told), found[0])
    if not must and (best.score < 1.0 or (best.unexplained and not _happens(best, head, scope))):
        return None, scope, []
    stranger = next(
        (i for i, nxt in pairwise(head.items) if i.proper and i.index in best.unexplained and nxt.lower in CARRIED),
        None,
    )
    if stranger is not None:
        reason = f"no service called {stranger.text} is in the catalog"
        return best, scope.refuse(stranger.span, reason).explain({i.index for i in clause.items}), tail
    after = best.scope.explain({i.index for i in clause.cue_items})
    close = [
        f for f in found[1:]
        if f.source.service != best.source.service
        and (best.score - f.score < rivals.CLOSE or (f.score > 0 and rivals.in_its_words(f, best, head)))
    ]  # fmt: skip
    if close and best.entry is not None and told is None:
        titles = tuple(f.entry.service.title for f in (best, *close) if f.entry is not None)
        after = after.ask(
            "trigger.service", f"Which service's event is meant by “{_said(head, scope)}”?", titles, head.span
        )
    beside = [f for f in found[1:] if best.score - f.score < _EVEN and f.source.service == best.source.service]
    if beside and told is None and best.entry is not None and not best.unexplained:
        titles = tuple(f.entry.spec.summary for f in (best, *beside) if f.entry is not None)
        after = after.ask("trigger.event", f"Which event is meant by “{_said(head, scope)}”?", titles, head.span)
    for param in best.open:
        if best.entry is not None:
            after = after.ask(f"trigger.{param.name}", asking(best.entry, param), tuple(param.enum), head.span)
    return best, after, tail


_IS = ("is", "are", "was", "were", "has", "have", "isn't", "aren't", "hasn't", "haven't", "needs", "contains", "starts")


def _does(clause: Clause) -> bool:
    """`for each opportunity that closes`: what one of them does, each time it does."""
    for at in range(1, min(4, len(clause.items) - 1)):
        verb = clause.items[at + 1].lower
        if clause.items[at].lower in ("that", "which", "who"):
            return verb.endswith("s") and verb not in _IS
    return False


_CERTAIN = 3.0


def _happens(best: triggers.Started, head: Clause, scope: Scope) -> bool:
    """`if an email arrives ...` with words nobody understood: an event, when it is no condition that can be read."""
    return best.score >= _CERTAIN and conditions.read(head.items, scope) is None


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


def _background(scope: Scope, sentences: Sentences) -> tuple[Scope, Sentences]:
    """Statements that ask for nothing are context, not content: their words are accounted for."""
    kept: Sentences = []
    for number, (items, held) in enumerate(sentences):
        after = [i for later, _ in sentences[number + 1 :] for i in later]
        meant = any(i.is_literal for i in items) and any(i.lower in ("those", "these", "such") for i in after)
        if (
            held
            and not cutting.is_action_like(held[0])
            and all(c.role == "action" for c in held)
            and len(sentences) > 1
        ):
            asks = any(cutting.is_action_like(c) for c in held)
            if not asks:
                if not meant and not _demands(items):  # `mails from X ...: when one of those arrives`
                    scope = scope.explain({i.index for i in items})
                continue
        kept.append((items, held))
    return scope, kept


def _demands(items: Sequence[Item]) -> bool:
    """`it should be called lunch`: a statement that asks for something of what is done, and is no mere context."""
    lowered = [i.lower for i in items]
    if left_alone.nothing_at(items) or lowered[0] in _ASKING:
        return True  # `low ones need nothing`, `is it cold?`: a case of what is asked for
    if lowered[1:2] and lowered[1] in words("me"):
        return True  # an order by a verb nobody knows
    if lowered[0] in words("prepositions") or items[0].is_literal:
        return True  # `for enterprise customers ...`: a case of what is asked for
    if lowered[0] in ("never", "only", "not", "no", "don't", "always", "except", "unless", "without"):
        return True
    return lowered[0] in ("it", "they", "this", "these") and any(w in ("should", "must") for w in lowered[1:3])
