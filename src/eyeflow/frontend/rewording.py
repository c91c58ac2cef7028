"""Answers to questions about words: read in place of the words, and the request is understood once more.

Knows: which questions are about a stretch of the request rather than a parameter; where every character of a reworded
request comes from. In: a request, answers by slot, a function that reads. Out: `Heard`: the intent, its spans in the
request as it was given, and what became of every answer. Never: drops an answer in silence.

An answer may be English (`over $500` for `big`), for a condition also an LLM-IR expression, or one of the options.
Every round uses up answers, so there are at most as many rounds as answers, and one for each that did not help.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from eyeflow.diagnostics import Diagnostic, Place, Report, Severity, nearest
from eyeflow.frontend.answers import Applied, unfit
from eyeflow.frontend.choices import option_of
from eyeflow.frontend.intent import Assumption, Intent, Question
from eyeflow.frontend.literals import MAX_REQUEST_CHARS
from eyeflow.ir.expr import Lit, Ref
from eyeflow.ir.text import parse_expression
from eyeflow.values import Span

Given: TypeAlias = tuple[tuple[str, str], ...]
Told: TypeAlias = tuple[tuple[Span, str], ...]
"""Answers that the reader takes where it asked: a choice among options, an expression; by the words asked about."""

Read: TypeAlias = Callable[[str, Given, Told], tuple[Intent, Applied | None]]

RUN_THEN: Final = "when to run"
TEXT_ONLY: Final = "part of the text"
GO_ON: Final = "how long to go on"
ASKED_FOR: Final = "what is asked for"
LAST_ONLY: Final = "the last action"
FOR_ALL: Final = "all of them"

_CHOICES: Final = ("service", "trigger.service")
_CUES: Final = re.compile(r"(?:(?:and|but|only|if|unless|when|whenever)\s+)+", re.IGNORECASE)
_FORMAL: Final = re.compile(r"\b[A-Z][A-Z_]+\s*\(|[A-Za-z_]\w*\.[A-Za-z_]\w*")
_LONGEST: Final = 1_000
_MOST_UNKNOWN: Final = 20


class Heard(msgspec.Struct, frozen=True):
    """An intent and what is to be said of the answers: `bad_answer` (its question stays), `unknown_answer`,
    `unused_answer`."""

    intent: Intent
    report: Report


class _State(msgspec.Struct, frozen=True, eq=False):
    """A request as reworded so far. `starts` and `ends` say where each character comes from; `fresh` are the words put
    in by the last round, with the slots they answer."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    told: Told = ()
    spent: frozenset[str] = frozenset()
    fresh: tuple[tuple[Span, str], ...] = ()


def hear(text: str, answers: Mapping[str, str], read: Read, titles: Mapping[str, str]) -> Heard:
    """What `text` means with `answers`; `read` understands one wording. `titles`: what services are also called, in
    small letters, to their titles."""
    answers = {s: titles.get(a.strip().casefold(), a) if _base(s) in _CHOICES else a for s, a in answers.items()}
    state = _State(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    history: list[_State] = []
    bad: dict[str, Diagnostic] = {}
    known: set[str] = set()
    while True:
        left = {slot: said for slot, said in answers.items() if slot not in state.spent}
        held, applied = read(state.text, tuple(sorted((s, a) for s, a in left.items() if s not in bad)), state.told)
        failed = _failed(state, held)
        if failed and history:
            bad |= {slot: unfit(slot, answers[slot], "was not understood in place of the words") for slot in failed}
            state = history.pop()
            continue
        held = _distinct(held, state.spent)
        known.update(q.slot for q in held.questions)
        todo = [q for q in held.questions if q.slot in left and q.slot not in bad and _about_words(q)]
        reworded = _reworded(state, todo, left, bad)
        if reworded is state:
            break
        history.append(state)
        state = reworded
    if state.text != text:
        held = msgspec.structs.replace(_moved(held, state), text=text)
    used, slots, findings = state.spent | set(bad), known, tuple(bad.values())
    if applied is not None:
        used, slots, findings = used | applied.used, slots | applied.known, (*findings, *applied.findings)
    if held.outcome != "refused":
        unknown = [slot for slot in answers if slot not in used]
        findings += tuple(_unknown(slot, sorted(slots)) for slot in unknown[:_MOST_UNKNOWN])
    return Heard(_still_open(held, bad), Report(tuple(dict.fromkeys(findings))))


def reread(
    text: str,
    edits: Sequence[tuple[Span, str]],
    told: Told,
    read: Callable[[str, Told], tuple[Intent, Applied | None]],
    why: str = "read as a misspelling",
) -> tuple[Intent, Applied | None]:
    """What `text` means with some of its words read as others, which the intent assumes; spans are those of `text`."""
    plain = _State(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)), told)
    state = _edited(plain, [(span, said, "") for span, said in edits], [])
    intent, applied = read(state.text, state.told)
    noted = tuple(Assumption(text[at.start : at.end], said, why) for at, said in edits if said.strip(" ,"))
    kept = tuple(dict.fromkeys((*noted, *intent.assumptions)))
    return msgspec.structs.replace(_moved(intent, state), text=text, assumptions=kept), applied


def _about_words(question: Question) -> bool:
    """A question about a stretch of the request, not about a parameter or a time."""
    if question.span is None:
        return False
    return "." not in question.slot or question.slot in _CHOICES or _is_choice(question)


def _is_choice(question: Question) -> bool:
    return bool({RUN_THEN, GO_ON, LAST_ONLY} & set(question.options))


def _base(slot: str) -> str:
    return re.sub(r"_\d+\Z", "", slot)


def _distinct(intent: Intent, spent: frozenset[str]) -> Intent:
    """A question about other words than one answered before gets a slot of its own: `condition_2`."""
    questions = []
    for question in intent.questions:
        slot, number = question.slot, 1
        while slot in spent and _about_words(question):
            number += 1
            slot = f"{_base(question.slot)}_{number}"
        questions.append(msgspec.structs.replace(question, slot=slot))
    return msgspec.structs.replace(intent, questions=tuple(questions))


# --- one round -----------------------------------------------------------------------------------------------------


def _reworded(
    state: _State, todo: Sequence[Question], answers: Mapping[str, str], bad: dict[str, Diagnostic]
) -> _State:
    """The request with answers in place of the words asked about, the rightmost first, so that spans stay true."""
    edits: list[tuple[Span, str, str]] = []
    told: list[tuple[Span, str, str]] = []
    for question in todo:
        assert question.span is not None, "it is about words"
        said, span = answers[question.slot].strip(), question.span
        why = _unusable(said)
        chosen = option_of(question.options, said) if why is None and question.options else None
        if why is None and question.options and chosen is None:
            why = f"is none of {', '.join(question.options)}"
        if why is not None:
            bad[question.slot] = unfit(question.slot, answers[question.slot], why, question.span)
        elif chosen == RUN_THEN:
            edits += [(span, "", question.slot), (Span(0, 0), state.text[span.start : span.end] + ", ", question.slot)]
        elif chosen is not None:
            told.append((span, chosen, question.slot))
        elif _base(question.slot) == "condition" and _is_expression(said):
            told.append((span, said, question.slot))
        else:
            lead = ", " if span.start == span.end else ""  # what was not said at all goes where it was missed
            edits.append((span, lead + _plain(said), question.slot))
    if any(one is not two and _meet(one[0], two[0]) for one in edits for two in edits):
        edits = edits[:1]
    return _edited(state, edits, told) if edits or told else state


def _unusable(said: str) -> str | None:
    if not said:
        return "is empty"
    if len(said) > _LONGEST:
        return f"has more than {_LONGEST} characters"
    return "holds control characters or line breaks" if any(ord(c) < 32 or ord(c) == 127 for c in said) else None


def _is_expression(said: str) -> bool:
    if _FORMAL.search(said) is None:
        return False
    expr, report = parse_expression(said)
    return report.ok and expr is not None and not isinstance(expr, Lit | Ref)


def _plain(said: str) -> str:
    """An answer as it can stand inside a sentence."""
    cue = _CUES.match(said)
    return said[cue.end() if cue is not None else 0 :].rstrip(" .!?;") or said


def _edited(state: _State, edits: Sequence[tuple[Span, str, str]], told: Sequence[tuple[Span, str, str]]) -> _State:
    text, starts, ends = state.text, list(state.starts), list(state.ends)
    kept = [*state.told, *((span, said) for span, said, _ in told)]
    fresh: list[tuple[Span, str]] = []
    for span, said, slot in sorted(edits, key=lambda e: (e[0].start, e[0].end), reverse=True):
        grown = len(said) - (span.end - span.start)
        first = starts[span.start] if span.start < len(starts) else len(text)
        last = ends[max(span.start, span.end - 1)] if span.start < len(ends) else first
        text = text[: span.start] + said + text[span.end :]
        starts[span.start : span.end] = [first] * len(said)
        ends[span.start : span.end] = [last] * len(said)
        kept = [(_shifted(at, span, grown), what) for at, what in kept]
        fresh = [(_shifted(at, span, grown), what) for at, what in fresh]
        if said:
            fresh.append((Span(span.start, span.start + len(said)), slot))
    if len(text) > MAX_REQUEST_CHARS:
        return state
    slots = {slot for _, _, slot in (*edits, *told)}
    fresh += [(_now(span, kept, said), slot) for span, said, slot in told]
    return _State(text, tuple(starts), tuple(ends), tuple(kept), state.spent | slots, tuple(fresh))


def _now(span: Span, kept: Sequence[tuple[Span, str]], said: str) -> Span:
    """Where a choice stands after the edits."""
    same = [at for at, what in kept if what == said and at.end - at.start == span.end - span.start]
    return min(same, key=lambda at: abs(at.start - span.start), default=span)


def _shifted(at: Span, edited: Span, grown: int) -> Span:
    return Span(at.start + grown, at.end + grown) if at.start >= edited.end else at


def _meet(one: Span, two: Span) -> bool:
    return one.start < two.end and two.start < one.end


def _failed(state: _State, found: Intent) -> set[str]:
    """Slots answered in the last round whose words are still asked about, or are refused now."""
    out: set[str] = set()
    for span, slot in state.fresh:
        again = any(q.span is not None and _about_words(q) and _still(q, slot, span) for q in found.questions)
        refused = any(_meet(r.span, span) for r in found.refusals)
        if again or refused:
            out.add(slot)
    return out


def _still(question: Question, slot: str, span: Span) -> bool:
    assert question.span is not None, "it is about words"
    inside = span.start <= question.span.start and question.span.end <= span.end
    if _base(slot) in _CHOICES:
        inside = False  # what else is open among the words of a capability that was chosen is asked as before
    return inside or (_base(question.slot) == _base(slot) and _meet(question.span, span))


# --- what comes out ------------------------------------------------------------------------------------------------


def _still_open(intent: Intent, bad: Mapping[str, Diagnostic]) -> Intent:
    """No program stands beside an answer that was refused: what it was given for is asked again."""
    asked = {question.slot for question in intent.questions}
    left = tuple(Question(slot, found.message) for slot, found in bad.items() if slot not in asked)
    if not left or intent.outcome != "program":
        return intent
    return msgspec.structs.replace(intent, outcome="questions", questions=left)


def _unknown(slot: str, known: Sequence[str]) -> Diagnostic:
    short = {name.rpartition(".")[2]: name for name in known}
    near = list(dict.fromkeys((*nearest(slot, known), *(short[each] for each in nearest(slot, short)))))[:3]
    if not near and slot.rpartition(".")[2] in short:
        near = [short[slot.rpartition(".")[2]]]
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known[:8])}" if known else ""
    message = f"no question is called {slot[:60]!a}; the answer is not used"
    return Diagnostic("unknown_answer", message, Severity.WARNING, Place("sentence"), hint)


def _moved(value: Any, state: _State) -> Any:
    """`value` with every span where its words stand in the request as given."""
    if isinstance(value, Span):
        if not state.starts or value.start >= len(state.starts):
            return Span(len(state.starts) and state.ends[-1], len(state.starts) and state.ends[-1])
        last = min(max(value.end, value.start + 1), len(state.ends))
        return Span(min(state.starts[value.start : last]), max(state.ends[value.start : last]))
    if isinstance(value, msgspec.Struct):
        changed = {name: _moved(getattr(value, name), state) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **changed)
    return tuple(_moved(each, state) for each in value) if isinstance(value, tuple) else value
