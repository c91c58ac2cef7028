"""What the rules asked about, completed with what a helper sees, when the rules then understand every word.

Knows: how far a second reading may part from the first. In: the rules' reading, a proposal with hints, the context.
Out: an intent that is a program, with an assumption for each thing the helper decided; None when there is none.
Never: takes a value the request does not spell (`hints`), leaves a word of it unexplained (the rules read it again, and
ask as they always do), moves what the rules had found, calls anything that cannot be undone.

    the rules asked     a helper sees            completed when, read again from there, nothing is open, and
    for a value         words that are it        every other value of the rules is where it was
    what a word means   that it is a value       the same
    (nothing known)     a function, sure of it   every word is a value or one of the function's own
    about part of       a value with it          for a person to confirm
    a value
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.engines.grounding import fold
from eyeflow.frontend.engines.proposal import READING, Proposal
from eyeflow.frontend.engines.widening import as_one
from eyeflow.frontend.hints import Hint
from eyeflow.frontend.intent import Action, Assumption, Intent, JsonValue, Question
from eyeflow.frontend.rules import understand
from eyeflow.frontend.summary import walk

SURE: Final = 0.1
"""Below it a helper's word completes nothing, however well it fits."""
SURE_OF_FUNCTION: Final = 0.3
"""The same, where the rules knew no function at all."""
_Calls = tuple[Action, ...]


class Completed(msgspec.Struct, frozen=True):
    """A program; `certain` when two models, each by itself, see what it needs, else it is for a person to confirm."""

    intent: Intent
    certain: bool


def completed(rules: Intent, proposal: Proposal, ctx: CompileContext) -> Completed | None:
    """The program, or None when something stays open or the two disagree."""
    sure = SURE if proposal.facts.confidence is None else proposal.facts.confidence
    if not proposal.hints or sure < (SURE if rules.actions else SURE_OF_FUNCTION):
        return None
    if not helpable(rules) or not _may(proposal.hints, rules, ctx):
        return None
    answers = {slot: said for slot, said in proposal.answers if slot != READING}
    filled = understand(rules.text, ctx, answers, proposal.hints)
    certain = filled.outcome == "program" and _keeps(rules, filled) and _as_hinted(proposal.hints, filled)
    # how far a value goes is one model's word only
    again = filled if certain else as_one(rules, proposal.hints, ctx, answers)
    if again is None or again.also:
        return None
    told = _chosen(rules, again, proposal.engine, ctx)
    kept = tuple(a for a in again.assumptions if a.slot not in {t.slot for t in told})
    made = replace(
        again, assumptions=(*kept, *told), engine=f"rules+{proposal.engine}",
        confidence=round(min(again.confidence, sure), 2),
    )  # fmt: skip
    return Completed(made, certain and proposal.sources > 1)


def helpable(rules: Intent) -> bool:
    """True when all that is open is a value or a word: what starts it, and when, is no helper's business."""
    if rules.outcome == "refused":
        return not rules.questions
    return rules.outcome == "questions" and all(_of_value(q, rules) or _of_words(q, rules) for q in rules.questions)


def _of_value(question: Question, rules: Intent) -> bool:
    owner, _, name = question.slot.rpartition(".")
    return bool(name) and owner in {a.id for a in walk(rules.actions)}


def _of_words(question: Question, rules: Intent) -> bool:
    """A word nobody knows: its slot is made of the word."""
    if question.span is None or question.options or "." in question.slot:
        return False
    said = rules.text[question.span.start : question.span.end]
    made = "".join(c if c.isalnum() else "_" for c in said.casefold()).strip("_")
    return made.startswith(question.slot.strip("_")[:20]) or question.slot.strip("_").startswith(made[:20])


def _may(hints: Sequence[Hint], rules: Intent, ctx: CompileContext) -> bool:
    """The functions are those of the rules, where they had some, and none does what cannot be undone."""
    known = {f"{a.service}.{a.function}" for a in walk(rules.actions) if a.service is not None}
    if known and not {hint.key for hint in hints} <= known:
        return False
    for hint in hints:
        service = ctx.catalog.service(hint.service)
        capability = service.capability(hint.function) if service is not None else None
        if capability is None or capability.effect == "irreversible":
            return False
    return True


def _keeps(rules: Intent, again: Intent) -> bool:
    """No value the rules had found is lost, or stands where they had found another one."""
    if not rules.actions:
        return True
    before, after = _values(rules.actions), _values(again.actions)
    if set(before) != set(after):
        return False
    every = {value for held in after.values() for values in held.values() for value in values}
    for key, held in before.items():
        if any(value not in every for values in held.values() for value in values):
            return False
        for name, values in after[key].items():
            known = held.get(name)
            if known and any(value not in known for value in values):
                return False
    return True


def _as_hinted(hints: Sequence[Hint], again: Intent) -> bool:
    """Each hinted call is there, one for one, with the values that were hinted for it and not for another."""
    calls = [(f"{a.service}.{a.function}", a.params) for a in walk(again.actions) if a.service is not None]
    for key in {hint.key for hint in hints}:
        held = [params for called, params in calls if called == key]
        wanted = [hint for hint in hints if hint.key == key]
        if len(held) != len(wanted) or not all(any(_agrees(hint, params, held) for params in held) for hint in wanted):
            return False
    return True


def _agrees(hint: Hint, params: Mapping[str, JsonValue], every: Sequence[Mapping[str, JsonValue]]) -> bool:
    """Of the values hinted for a call, those that some call has are in this one."""
    for name, value in hint.params:
        wanted = {_bare(v) for v in _plain(value)}
        has = [wanted <= {_bare(v) for v in _plain(each.get(name))} for each in (params, *every)]
        if not has[0] and any(has):
            return False
    return True


def _bare(value: str) -> str:
    """A number as it counts, a town without its region."""
    return value.removesuffix(".0").split(",", 1)[0]


def _values(actions: Sequence[Action]) -> dict[str, dict[str, set[str]]]:
    """By function and parameter, every value stated for it."""
    found: dict[str, dict[str, set[str]]] = {}
    for action in walk(actions):
        if action.service is not None:
            held = found.setdefault(f"{action.service}.{action.function}", {})
            for name, value in action.params.items():
                held.setdefault(name, set()).update(_plain(value))
    return found


def _plain(value: JsonValue) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _plain(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _plain(each)
    else:
        yield fold(str(value))


def _chosen(rules: Intent, again: Intent, engine: str, ctx: CompileContext) -> tuple[Assumption, ...]:
    """What the helper decided: each value the rules did not have there, each function they did not know."""
    before = _values(rules.actions)
    found: list[Assumption] = []
    for action in walk(again.actions):
        if action.service is None:
            continue
        held = before.get(f"{action.service}.{action.function}")
        if held is None:
            service = ctx.catalog.service(action.service)
            title = service.title if service is not None else action.service
            found.append(Assumption(action.id, f"{title}: {action.function}", f"what {engine} takes this to ask for"))
        for name, value in action.params.items():
            if held is None or not set(_plain(value)) <= held.get(name, set()):
                found.append(Assumption(f"{action.id}.{name}", value, f"as {engine} reads it"))
    return tuple(found)
