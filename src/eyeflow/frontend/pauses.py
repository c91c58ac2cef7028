"""Where a request stops for a while: delays between actions ("two hours later"), and people who are asked first.

Knows: how people say that something waits, or needs somebody's approval (`data/pauses.yaml`). In: the items of a
sentence, its clauses. Out: clauses with the pauses as steps of their own; later their actions.
Never: lets what follows a pause begin before it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from eyeflow.diagnostics import Diagnostic, Place
from eyeflow.frontend import approvals, checks
from eyeflow.frontend import clauses as cutting
from eyeflow.frontend.choices import option_of
from eyeflow.frontend.clauses import ACTION, Clause
from eyeflow.frontend.data import words
from eyeflow.frontend.fields import summary_path
from eyeflow.frontend.intent import NEXT_DAY_AT, Action, Approval, Wait
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.rewording import FOR_ALL, LAST_ONLY
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.timegrammar.draft import Draft, Limit, Relative
from eyeflow.frontend.tree import with_action
from eyeflow.frontend.values_said import escape
from eyeflow.values import ObjectOf, Span, non_null

WAITING: Final = "pause: wait"
ASKING: Final = "pause: approval "
"""Cues of clauses that are pauses; what is to be approved follows the second."""

ROLE: Final = "approval.role"
UNCLEAR: Final = "unclear"
"""How an approval at the end is joined when it may be about the last action alone or about all of them."""
NEXT: Final = "next:"
"""How an approval of the next actions alone is joined; their number follows."""
_ROLES: Final = ("owner", "approver", "editor")
_TOMORROW: Final = (Relative(days=1), Relative(period="day", which="next", edge="start"))
_WAITS: Final = ("wait", "pause", "sleep", "hold", "delay")

ToldAt: TypeAlias = Callable[[Span], str | None]


# --- the sentence --------------------------------------------------------------------------------------------------


def cut(items: Sequence[Item], number: int, text: str, told: ToldAt = lambda span: None) -> list[Clause]:
    """The clauses of a sentence, with its pauses as clauses of their own before what they hold up.

    `told`: what a person answered when asked about the words at a span.
    """
    items = checks.turned(approvals.turned(items))
    asked = approvals.asked_in(items)
    if asked is None:
        return _delayed(_after_event(cutting.cut(items, number)))
    before = _delayed(cutting.cut(_trimmed(items[: asked.start]), number))
    rest = _trimmed(items[asked.end :])
    if asked.next:
        rest = [_as_order(item, rest[at - 1] if at else None) for at, item in enumerate(rest)]
    after = _delayed(cutting.cut(rest, number))
    step = Clause(ACTION, tuple(items[asked.start : asked.end]), joined="", sentence=number)
    acts = [at for at, clause in enumerate(before) if _acts(clause)]
    step, after = _within(step, after)
    if after or not acts:
        if acts and not asked.next:
            step = msgspec.structs.replace(step, role=f"sequence:{ACTION}")
        if not asked.next:
            return [*before, _about(step, after, text), *after]
        orders = sum(1 for one, two in zip(rest, items[asked.end :], strict=False) if one.lower != two.lower)
        step = msgspec.structs.replace(step, joined=f"{NEXT}{orders}")
        return [*before, _about(step, after[:orders], text), *after]
    at = acts[-1] if told(step.span) == LAST_ONLY else acts[0]
    if len(acts) > 1 and told(step.span) is None and step.items[0].lower not in ("but", ","):
        step = msgspec.structs.replace(step, joined=UNCLEAR)
    return [*before[:at], _about(step, before[at:], text), *before[at:]]


def _within(step: Clause, after: list[Clause]) -> tuple[Clause, list[Clause]]:
    """`wait for my approval for up to 2 hours`: how long the question stands, taken into the approval."""
    if not after or after[0].role != ACTION:
        return step, after
    items = list(after[0].items)
    end = 0
    while end < len(items) and items[end].lower in ("for", "within", "up", "to", "at", "most"):
        end += 1
    if not 0 < end < len(items) or duration_of(items[end]) is None:
        return step, after
    step = msgspec.structs.replace(step, items=(*step.items, *items[: end + 1]))
    rest = tuple(_trimmed(items[end + 1 :]))
    return step, [msgspec.structs.replace(after[0], items=rest), *after[1:]] if rest else after[1:]


def _acts(clause: Clause) -> bool:
    return clause.role in (ACTION, f"sequence:{ACTION}", "loop")


def _about(step: Clause, held: Sequence[Clause], text: str) -> Clause:
    """The approval with the words of what it is about."""
    items = [item for clause in held for item in clause.items]
    said = text[min(i.span.start for i in items) : max(i.span.end for i in items)] if items else ""
    return msgspec.structs.replace(step, cue=ASKING + said)


def _trimmed(items: Sequence[Item]) -> list[Item]:
    held = list(items)
    while held and held[0].lower in approvals.JOINS:
        held.pop(0)
    while held and held[-1].lower in approvals.JOINS:
        held.pop()
    return held


def _as_order(item: Item, before: Item | None) -> Item:
    """`refunding it and telling #finance` as orders: `refund it and tell #finance`."""
    base = approvals.gerunds().get(item.lower) if before is None or before.lower in approvals.JOINS else None
    return item if base is None else msgspec.structs.replace(item, lower=base, stem=stem(base))


def goes_before(held: Sequence[Clause], earlier: Sequence[Clause]) -> list[Clause] | None:
    """`... . Ask me first.`: a sentence that is an approval alone stands before the actions it is about.

    `Ask me before refunding.` is about the action with that verb. None when the sentence is something else.
    """
    if not held or not held[0].cue.startswith(ASKING) or not any(_acts(c) for c in earlier):
        return None
    acts = [at for at, clause in enumerate(earlier) if _acts(clause)]
    if len(held) == 1:
        at = acts[0]
    elif len(held) == 2 and len([i for i in held[1].items if i.lower not in words("pauses", "it")]) == 1:
        verb = held[1].items[0].lower
        same = [at for at in acts if earlier[at].items and earlier[at].items[0].lower == verb]
        if not same:
            return None
        at = same[0]
    else:
        return None
    return [*earlier[:at], held[0], *earlier[at:]]


# --- delays --------------------------------------------------------------------------------------------------------


def _delayed(held: Sequence[Clause]) -> list[Clause]:
    """`and two hours later text me`, `then after 5 minutes ...`, `text me 10 minutes later`: the wait as a step."""
    out: list[Clause] = []
    for clause in held:
        out += _split_at_delay(clause)
    return out


def _after_event(held: Sequence[Clause]) -> Sequence[Clause]:
    """`two days after a customer signs up, ...`, `wait an hour after ...`: the event, and then the wait."""
    if not held or held[0].role != ACTION:
        return held
    items = held[0].items
    at = next((k for k, i in enumerate(items) if duration_of(i) is not None), None)
    if at is None or at + 2 >= len(items) or items[at + 1].lower != "after":
        return held
    if any(i.lower not in (*_WAITS, "for", "exactly", "about") for i in items[:at]):
        return held
    event = Clause("trigger", items[at + 2 :], cue="after", cue_items=(items[at + 1],), sentence=held[0].sentence)
    wait = Clause(f"sequence:{ACTION}", (items[at],), cue=WAITING, cue_items=items[:at], sentence=held[0].sentence)
    event, own = with_action(event)
    return [event, wait, *([own] if own is not None else []), *held[1:]]


def _split_at_delay(clause: Clause) -> list[Clause]:
    items = clause.items
    at = next((k for k, i in enumerate(items) if _is_delay(i)), None)
    if at is None or clause.role not in (ACTION, f"sequence:{ACTION}", "sequence"):
        return [clause]
    if any(i.lower in _WAITS for i in items[:at][:1]):
        return [clause]
    left, right = _trimmed(items[:at]), _trimmed(items[at + 1 :])
    wait = Clause(f"sequence:{ACTION}", (items[at],), cue=WAITING, sentence=clause.sentence)
    first = msgspec.structs.replace(clause, items=tuple(left))
    if not right:
        after = msgspec.structs.replace(first, role=f"sequence:{ACTION}")
        return [wait, after] if left else [msgspec.structs.replace(wait, cue_items=clause.cue_items)]
    rest = _split_at_delay(Clause(f"sequence:{ACTION}", tuple(right), joined="then", sentence=clause.sentence))
    if not left:
        return [msgspec.structs.replace(wait, cue_items=clause.cue_items), *rest]
    return [first, wait, *rest]


def _is_delay(item: Item) -> bool:
    return item.kind == "time" and item.time is not None and item.time.kind == "delay"


# --- the steps -----------------------------------------------------------------------------------------------------


def read(clause: Clause, items: Sequence[Item], scope: Scope) -> Scope | None:
    """The scope with the pause that the clause is, or None when it is something else."""
    if clause.cue.startswith(ASKING):
        return _approval(clause, scope)
    return _wait(items, scope, bare=clause.cue == WAITING)


class Gates:
    """Which pauses hold up the actions of one level: a wait holds up all that follows, an approval `before refunding
    it` only what it is about."""

    def __init__(self) -> None:
        self._open: list[tuple[str, int]] = []
        self._passed: set[str] = set()

    def through(self, before: Sequence[Action], clause: Clause | None, scope: Scope) -> Scope:
        """`scope` with the actions that a node added behind the pause that holds them up."""
        added = scope.actions[len(before) :]
        if clause is not None and clause.joined.startswith(NEXT) and clause.cue.startswith(ASKING):
            self._open.append((added[-1].id, int(clause.joined.removeprefix(NEXT))))
            self._passed.add(added[-1].id)
        elif self._open:
            gate, left = self._open.pop()
            if left > 1:
                self._open.append((gate, left - 1))
            return _behind(gate, before, scope)
        barrier = next((a.id for a in reversed(before) if _pauses(a) and a.id not in self._passed), None)
        return scope if barrier is None else _behind(barrier, before, scope)


def _pauses(action: Action) -> bool:
    return action.wait is not None or action.approval is not None


def _behind(barrier: str, before: Sequence[Action], scope: Scope) -> Scope:
    kept, added = scope.actions[: len(before)], scope.actions[len(before) :]
    held = tuple(a if a.after else msgspec.structs.replace(a, after=(barrier,)) for a in added)
    return scope.put(actions=(*kept, *held))


def _since(actions: Sequence[Action]) -> tuple[str, ...]:
    """Actions that nothing has waited for yet."""
    found: list[str] = []
    for action in reversed(actions):
        found.append(action.id)
        if _pauses(action):
            break
    return tuple(reversed(found))


def _wait(items: Sequence[Item], scope: Scope, *, bare: bool) -> Scope | None:
    """`wait 10 minutes`; `bare`: the amount alone, from "10 minutes later"."""
    held = [i for i in items if i.kind != "punct" and i.lower not in ("for", "then", "another")]
    if not held or (held[0].lower not in ("wait", "pause", "sleep") and not bare):
        return None
    for item in held if bare else held[1:]:
        duration = duration_of(item)
        until = _next_day(item) if duration is None and not bare else None
        if duration is not None or until is not None:
            name, scope = scope.name("wait")
            span = Span(items[0].span.start, items[-1].span.end)
            wait = Wait(for_=duration, until=until)
            action = Action(id=name, wait=wait, after=_since(scope.actions), span=span)
            said = {i.index for i in items if i in (item, held[0]) or i.is_stop or i.lower == "another"}
            return scope.act(action).explain(said)
    return None


def _next_day(item: Item) -> str | None:
    """`until tomorrow at 9am`, `until 9am the next day`: the day after the one on which the run gets there."""
    limit = item.time.draft.until if item.time is not None else None
    if limit is None or limit.clock is None or limit.clock.half in ("bare", "bare_hour") or item.time is None:
        return None
    if msgspec.structs.replace(item.time.draft, until=None) != Draft():
        return None
    if limit != Limit(relative=limit.relative, clock=limit.clock) or limit.relative not in _TOMORROW:
        return None
    clock = limit.clock
    hour = clock.hour % 12 + (12 if clock.half == "pm" else 0) if clock.half in ("am", "pm") else clock.hour
    return NEXT_DAY_AT.format(f"{hour:02d}:{clock.minute:02d}")


def duration_of(item: Item) -> str | None:
    """An amount of time in LLM-IR's words (`10 minutes`), or None."""
    if item.time is not None:
        return item.time.duration
    timely = item.kind == "quantity" and item.unit in ("seconds", "minutes", "hours", "days", "weeks")
    return f"{item.value} {item.unit}" if timely else None


def _approval(clause: Clause, scope: Scope) -> Scope:
    name, scope = scope.name("approval")
    role, scope = _role(clause, scope)
    said = clause.cue.removeprefix(ASKING)
    if clause.joined == UNCLEAR:
        words_said = scope.text[clause.span.start : clause.span.end]
        asked = f"Does “{words_said}” hold for the last action alone, or for all of them?"
        scope = scope.ask("approval.scope", asked, (LAST_ONLY, FOR_ALL), clause.span)
    message = escape(f"May this go on: “{said}”?" if said else "May this go on?") + _about_event(scope)
    expires = next((held for item in clause.items if (held := duration_of(item)) is not None), None)
    after = _since(scope.actions) if clause.role != ACTION else ()
    action = Action(
        id=name, approval=Approval(role=role, message=message, expires=expires), after=after, span=clause.span
    )
    return scope.act(action).explain({i.index for i in clause.items})


def _about_event(scope: Scope) -> str:
    """What the event is about, as far as its payload always tells: the person who is asked sees it."""
    source = next((s for s in scope.sources if s.kind == "trigger"), None)
    path = summary_path(source.type) if source is not None else None
    if source is None or path is None or len(path) != 1:
        return ""
    held = non_null(source.type)
    field = held.field(path[0]) if isinstance(held, ObjectOf) else None
    return f" {{{source.root}.{path[0]}}}" if field is not None and field.required else ""


def _role(clause: Clause, scope: Scope) -> tuple[str, Scope]:
    """The role that approves: the person's own, as an assumption; a role that was named; else it is asked."""
    lowered = [i.lower.removesuffix("'s") for i in clause.items]
    given = next((said for slot, said in scope.answers if slot in (ROLE, "role")), None)
    if given is not None:
        chosen = scope.ctx.role if given.strip().casefold() in language("me") else option_of(_ROLES, given)
        scope = scope.put(heard=scope.heard | {ROLE, "role"})
        if chosen is not None:
            return chosen, scope
        told = Diagnostic(
            "bad_answer", f"{given[:60]!a} does not answer {ROLE}: it is no role", place=Place("sentence")
        )
        scope = scope.put(findings=(*scope.findings, told))
    for word in lowered:
        if word in approvals.roles():
            return approvals.roles()[word], scope
    named = next((i for i in clause.items if i.lower.removesuffix("'s") in words("pauses", "others")), None)
    named = named or next((i for i in clause.items if i.kind in ("person", "email")), None)
    if named is not None:
        asked = f"“{named.text}” is no role in EyeFlow. Which role may approve this?"
        return _ROLES[0], scope.ask(ROLE, asked, _ROLES, named.span)
    role = scope.ctx.role
    return role, scope.assume(ROLE, role, "your own role; anybody who has it may answer")
