"""Several automations in one request: where one ends and the next begins, and one intent of all.

Knows: what starts a task (a time, `when ...`), and which words join two tasks. In: items; a function that reads one
wording. Out: `parts` (spans of the request), `together` (the intent of all parts, the later ones under `also`).
Never: cuts where a part would not be an automation by itself, with its own start and its own effect: then the request
is read whole, and what does not fit is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

from eyeflow.catalog.model import Catalog, CompileContext
from eyeflow.frontend import clauses as cutting
from eyeflow.frontend import pauses
from eyeflow.frontend.answers import Applied
from eyeflow.frontend.data import words
from eyeflow.frontend.intent import Action, Intent, ManualTrigger, OnceTrigger, Question, ScheduleTrigger
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as said_words
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.rewording import Given, Told
from eyeflow.frontend.timegrammar import find_times
from eyeflow.frontend.timegrammar.draft import unify
from eyeflow.values import Span

MOST: Final = 8
"""Tasks in one request; a longer list is read whole, which asks."""

ReadOne: TypeAlias = Callable[[str, Given, Told], tuple[Intent, Applied | None]]
_Heard: TypeAlias = tuple[Intent, Applied | None]

_JOINS: Final = frozenset({",", "and", "also", "plus", ";", "&", "."})
_BACK: Final = frozenset({"it", "they", "that", "this", "these", "those", "he", "she"})
_JOIN: Final = re.compile(r"[\s,;]*\b(?:and also|as well as|and|plus)\b\s*|\s*[,;]\s*")
_LEAD: Final = re.compile(r"(?:[\s,;.&]|\b(?:and|also|plus|as well as)\b)+", re.IGNORECASE)
_TAIL: Final = re.compile(r"(?:[\s,;&]|\b(?:and|also|plus|then)\b)+\Z", re.IGNORECASE)
_EFFECTS: Final = ("write", "irreversible")


class _Start(msgspec.Struct, frozen=True, eq=False):
    """Something that starts a task: the item where it is said, its sentence, and whether it is a time."""

    at: int
    sentence: int
    item: Item
    timed: bool
    word: str = ""


def starts(text: str, items: Sequence[Item]) -> tuple[_Start, ...]:
    """The times and `when ...` clauses of a request, in order."""
    found: list[_Start] = []
    for number, sentence in enumerate(cutting.split_sentences(items)):
        cues = [
            (c.cue_items[0], c.items[0].lower if c.items else "")
            for c in pauses.cut(sentence, number, text)
            if c.role == "trigger" and c.cue_items
        ]
        found += [_Start(cue.index, number, cue, timed=False, word=word) for cue, word in cues]
        found += [_Start(i.index, number, i, timed=True) for i in sentence if _is_time(i) and not _names(items, i)]
    return tuple(sorted(found, key=lambda s: s.at))


def _is_time(item: Item) -> bool:
    phrase = item.time
    return (
        item.kind == "time"
        and phrase is not None
        and phrase.triggers
        and not phrase.in_free_text
        and phrase.cue not in words("time", "wait_cues")
        and phrase.cue not in words("time", "taking_away")
    )


def _names(items: Sequence[Item], item: Item) -> bool:
    """`the nightly build`: one word between an article and a noun says which one, not when."""
    before = items[item.index - 1].lower if item.index else ""
    return " " not in item.text and before in said_words("determiners")


def refers_back(start: _Start) -> bool:
    """`when it is over $500`, `whenever that happens`: about something said before, so no start of its own."""
    return not start.timed and start.word in _BACK


def as_conditions(clauses: Sequence[cutting.Clause], *, leads: bool) -> list[cutting.Clause]:
    """Clauses of a sentence, with `when it ...` after something said before read as `if it ...`; `leads` for the
    first sentence, whose first clause has nothing before it."""
    found = []
    for number, clause in enumerate(clauses):
        back = clause.role == "trigger" and clause.items and clause.items[0].lower in _BACK
        after = number > 0 or not leads
        found.append(msgspec.structs.replace(clause, role="condition", cue="if") if back and after else clause)
    return found


def parts(text: str, items: Sequence[Item], ctx: CompileContext) -> tuple[Span, ...]:
    """The stretches of the request that may each be an automation; empty when there is nothing to cut."""
    found = [s for s in starts(text, items) if not refers_back(s)]
    cuts = [0]
    for number, start in enumerate(found):
        inner = _inner_cut(items, start, ctx)
        if number:
            at = _cut_between(items, cuts[-1], found[number - 1], start)
            if at is not None:
                cuts.append(items[at].span.start)
            elif not _one_task(found[number - 1], start):
                return ()
        cuts += [inner] if inner is not None else []
    if not 1 < len(cuts) <= MOST:
        return ()
    spans = tuple(_trimmed(text, begin, end) for begin, end in pairwise((*cuts, len(text))))
    return spans if all(span.start < span.end for span in spans) else ()


def _trimmed(text: str, begin: int, end: int) -> Span:
    """A stretch without the words that join it to its neighbours."""
    lead = _LEAD.match(text, begin, end)
    start = lead.end() if lead is not None else begin
    tail = _TAIL.search(text[start:end])
    return Span(start, start + tail.start() if tail is not None else end)


def _inner_cut(items: Sequence[Item], start: _Start, ctx: CompileContext) -> int | None:
    """`post A every weekday at 9, and every Friday at 4pm post B`: two times told in one breath are of two tasks."""
    phrase = start.item.time
    if phrase is None or len(phrase.draft.also) != 2 or start.at == 0 or not _acts_next(items, start.at):
        return None
    for join in _JOIN.finditer(phrase.text):
        sides = (phrase.text[: join.start()], phrase.text[join.end() :])
        if all(_one_time(side, ctx) for side in sides):
            return phrase.span.start + join.start()
    return None


def _one_time(text: str, ctx: CompileContext) -> bool:
    found = find_times(text, tokenize(text), ctx.now, ctx.zone)
    return len(found) == 1 and found[0].triggers and found[0].text == text.strip()


def _one_task(one: _Start, two: _Start) -> bool:
    """Two times that complete each other ("Every Monday ... at 4pm")."""
    first, second = one.item.time, two.item.time
    return first is not None and second is not None and unify(first.draft, second.draft) is not None


def _cut_between(items: Sequence[Item], begin: int, one: _Start, two: _Start) -> int | None:
    """The item with which the second task begins, where only one place is possible."""
    if _one_task(one, two) and not _each_recurs(one, two):
        return None
    if _leads(items, two):
        return two.at
    if two.sentence != one.sentence:
        return _sentence_start(items, two)
    first_leads = all(i.lower in _JOINS for i in items[: one.at] if i.span.start >= begin)
    if first_leads and not one.timed:
        return None  # `when A, do B and do C every Monday`: C may belong to A
    places = [at for at in _action_starts(items, two) if one.at < at < two.at]
    return places[0] if len(places) == 1 else None


def _each_recurs(one: _Start, two: _Start) -> bool:
    first, second = one.item.time, two.item.time
    assert first is not None and second is not None, "asked about times"
    return first.draft.recurs and second.draft.recurs


def _leads(items: Sequence[Item], start: _Start) -> bool:
    """The start opens its task: it stands after a break, and what to do comes after it."""
    before = items[start.at - 1] if start.at else None
    told = start.item.time
    then = before is not None and before.lower == "then" and told is not None and told.draft.recurs
    if before is not None and not (then or before.lower in _JOINS or before.text in ".!?\n"):
        return False
    if not start.timed:
        return True
    return _acts_next(items, start.at)


def _acts_next(items: Sequence[Item], at: int) -> bool:
    after = [i for i in items[at + 1 : at + 4] if i.lower not in (",", "please", "also", "just", ":")]
    return bool(after) and after[0].acts


def _sentence_start(items: Sequence[Item], start: _Start) -> int | None:
    at = start.at
    while at > 0 and not (items[at - 1].kind == "punct" and items[at - 1].text in ".!?;\n"):
        at -= 1
    return at if at < start.at else None


def _action_starts(items: Sequence[Item], start: _Start) -> list[int]:
    """Items of the start's sentence that begin an action after a comma or `and`."""
    sentence = list(cutting.split_sentences(items))[start.sentence]
    return [
        clause.items[0].index
        for clause in cutting.cut(sentence)
        if clause.role == cutting.ACTION and clause.items and cutting.is_action_like(clause)
    ]


# --- the intent of all ---------------------------------------------------------------------------------------------


def together(
    text: str, spans: Sequence[Span], answers: tuple[Given, Told], read: ReadOne, catalog: Catalog
) -> _Heard | None:
    """The parts as one intent, the later ones under `also`; None when one of them is no automation by itself.

    Questions of all parts stand at the top, each under a slot of its own: what two parts both ask is `slot_2` for
    the second. An answer goes to the first part that knows its slot.
    """
    given, told = answers
    heard: list[tuple[Intent, Applied | None, dict[str, str]]] = []
    left = dict(given)
    taken: set[str] = set()
    for number, span in enumerate(spans, 1):
        own = {slot.removesuffix(f"_{number}"): said for slot, said in left.items() if slot.endswith(f"_{number}")}
        mine = {slot: said for slot, said in left.items() if slot not in taken} | own
        within = tuple((_shifted(at, -span.start), said) for at, said in told if _inside(at, span))
        intent, applied = read(text[span.start : span.end], tuple(sorted(mine.items())), within)
        if not _stands_alone(intent, catalog):
            return None
        names = {slot: f"{slot}_{number}" for slot in _slots(intent, applied) if slot in taken}
        taken |= {names.get(slot, slot) for slot in _slots(intent, applied)}
        heard.append((_placed(intent, text, span.start, names), applied, names))
    if not _apart([intent for intent, _, _ in heard]):
        return None
    return _whole(text, [intent for intent, _, _ in heard]), _applied([(a, names) for _, a, names in heard])


def _stands_alone(intent: Intent, catalog: Catalog) -> bool:
    """It has a start of its own, and it changes something."""
    started = intent.trigger is not None and not isinstance(intent.trigger, ManualTrigger)
    asked = any(q.slot.startswith("trigger.") for q in intent.questions)
    return intent.outcome != "refused" and (started or asked) and any(_writes(a, catalog) for a in intent.actions)


def _writes(action: Action, catalog: Catalog) -> bool:
    service = catalog.service(action.service) if action.service is not None else None
    capability = service.capability(action.function or "") if service is not None else None
    if capability is not None and capability.effect in _EFFECTS:
        return True
    spare = action.fallback.actions if action.fallback is not None else ()
    inner = [*action.actions, *action.default, *(a for b in action.branches for a in b.actions), *spare]
    return any(_writes(each, catalog) for each in inner)


def _apart(intents: Sequence[Intent]) -> bool:
    """A single time beside an event or a series may be about that one ("when X, do A and text me at 5pm")."""
    kinds = {type(intent.trigger) for intent in intents} - {ManualTrigger, type(None)}  # those are still asked about
    return OnceTrigger not in kinds or kinds == {OnceTrigger}


def _slots(intent: Intent, applied: Applied | None) -> tuple[str, ...]:
    asked = [question.slot for question in intent.questions]
    return tuple(dict.fromkeys((*asked, *sorted(applied.known if applied is not None else ()))))


def _placed(intent: Intent, text: str, offset: int, names: Mapping[str, str]) -> Intent:
    """The intent of a part with its spans in the whole request and its questions under their own slots."""
    moved = _moved(intent, offset)
    assert isinstance(moved, Intent), "a struct moves to one of its kind"
    questions = tuple(msgspec.structs.replace(q, slot=names.get(q.slot, q.slot)) for q in moved.questions)
    return msgspec.structs.replace(moved, text=text, questions=questions)


def _moved(value: object, offset: int) -> object:
    if isinstance(value, Span):
        return _shifted(value, offset)
    if isinstance(value, msgspec.Struct):
        changed = {name: _moved(getattr(value, name), offset) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **changed)
    return tuple(_moved(each, offset) for each in value) if isinstance(value, tuple) else value


def _shifted(span: Span, offset: int) -> Span:
    return Span(span.start + offset, span.end + offset)


def _inside(span: Span, whole: Span) -> bool:
    return whole.start <= span.start and span.end <= whole.end


def _whole(text: str, intents: Sequence[Intent]) -> Intent:
    first, *rest = intents
    questions: tuple[Question, ...] = tuple(q for intent in intents for q in intent.questions)
    return msgspec.structs.replace(
        first,
        text=text,
        outcome="questions" if questions else "program",
        questions=questions,
        also=tuple(rest),
        confidence=min(intent.confidence for intent in intents),
    )


def _applied(all_of: Sequence[tuple[Applied | None, Mapping[str, str]]]) -> Applied | None:
    """What became of the answers in every part, under the slots of the whole."""
    held = [(applied, names) for applied, names in all_of if applied is not None]
    if not held:
        return None
    first = held[0][0]
    return msgspec.structs.replace(
        first,
        used=frozenset(names.get(slot, slot) for applied, names in held for slot in applied.used),
        known=frozenset(names.get(slot, slot) for applied, names in held for slot in applied.known),
        findings=tuple(dict.fromkeys(found for applied, _ in held for found in applied.findings)),
    )


def beside(text: str, items: Sequence[Item], trigger: object, timed: object) -> tuple[str, Span] | None:
    """What else would start the task, when it is read as one: the question about it and the words; None when nothing.

    A time beside an event ("when a payment fails, text me at 5pm"), a second event.
    """
    found = [s for s in starts(text, items) if not refers_back(s)]
    events = [s for s in found if not s.timed]
    times = [s for s in found if s.timed]
    if len(events) > 1:
        return _asked(events[0], events[1], items)
    if trigger is not None and isinstance(timed, ScheduleTrigger | OnceTrigger) and times:
        return _asked((events or times)[0], times[0], items) if events else _two(times[0].item)
    return None


def _asked(one: _Start, two: _Start, items: Sequence[Item]) -> tuple[str, Span]:
    first, second = (" ".join(i.text for i in items[s.at : s.at + (1 if s.timed else 4)]) for s in (one, two))
    text = f"“{first}” and “{second}” both say what starts it. Which is it? Ask for one automation at a time."
    return text, two.item.span


def _two(item: Item) -> tuple[str, Span]:
    return f"An event and “{item.text}” both say what starts it. Which is it?", item.span
