"""The words of a change, piece by piece, made to a task.

Knows: which kind of change a piece is. In: a checked task, words, the compile context, answers. Out: `Edited`.
Never: makes half of a change: one piece that is not understood, and the task stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend import clauses as cutting
from eyeflow.frontend.choices import option_of
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.adding import add, says_also
from eyeflow.frontend.editing.gating import gate
from eyeflow.frontend.editing.limits import limits
from eyeflow.frontend.editing.mentions import mention
from eyeflow.frontend.editing.narrowing import narrow
from eyeflow.frontend.editing.pieces import Done, Edited, Piece
from eyeflow.frontend.editing.receivers import receive
from eyeflow.frontend.editing.removing import order_away, remove
from eyeflow.frontend.editing.services import exchange, exchange_it
from eyeflow.frontend.editing.shifting import shift, widen
from eyeflow.frontend.editing.times import retime
from eyeflow.frontend.editing.tries import tries
from eyeflow.frontend.editing.values import change
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import Assumption, Refusal
from eyeflow.frontend.items import Item
from eyeflow.frontend.items import build as build_items
from eyeflow.frontend.lexicon import is_base_verb
from eyeflow.frontend.literals import MAX_REQUEST_CHARS, free_texts, tokenize
from eyeflow.frontend.timegrammar import find_times
from eyeflow.ir import task as ir
from eyeflow.values import Span

_HINTS: Final = (
    "make it 10am instead", "only on weekdays", "change the channel to #ops", "also email it to ops@example.com",
    "remove the email", "retry 3 times", "if above 30 instead of 25", "wait 30 minutes instead",
    "rename it to lunch_call",
)  # fmt: skip
_MOST_TOLD: Final = 2000
_Kind: TypeAlias = Callable[[Piece, ir.Task], Done | None]


def edit(task: ir.Task, text: str, ctx: CompileContext, answers: Mapping[str, str] | None = None) -> Edited:
    """`task` (checked) changed as `text` says; nothing is changed when a part of the words is not understood."""
    given = dict(answers or {})
    while True:
        done = _edit(task, text, ctx, given)
        meant = {
            question.slot: chosen
            for question in done.questions
            if (chosen := option_of(question.options, given.get(question.slot, ""))) is not None
            and chosen != given[question.slot]
        }
        if not meant:
            return done
        given |= meant  # `the first one` is the option it points at


def _edit(task: ir.Task, text: str, ctx: CompileContext, answers: Mapping[str, str]) -> Edited:
    if not text.strip() or len(text) > MAX_REQUEST_CHARS or any(ord(c) < 32 and c not in "\n\r\t" for c in text):
        said = f"a change has words, at most {MAX_REQUEST_CHARS} characters, and no control characters"
        return _refused(text[:80], Span(0, min(len(text), 80)), said)
    tokens = tokenize(text)
    times = find_times(text, tokens, ctx.now, task.zone or ctx.zone)
    items = build_items(text, tokens, times, free_texts(text, tokens))
    assumptions: tuple[Assumption, ...] = ()
    changed, adding = task, text.lstrip().casefold().startswith(("and ", "plus "))
    for held in _replacing(_pieces(items)):
        span = Span(held[0].span.start, held[-1].span.end)
        inside = tuple(t for t in times if t.span.start < span.end and span.start < t.span.end)
        given = tuple(sorted(answers.items()))
        piece = Piece(tuple(held), inside, text, ctx, vocabulary(ctx.catalog), given)
        known = next((done for read in _FIRST if (done := read(piece, changed)) is not None), None)
        adding = known is None and (says_also(piece) or (adding and is_base_verb(held[0].lower) and not _edits(held)))
        done = known or (add(piece, changed) if adding else _one(piece, changed))
        if done is None:
            return _refused(piece.said, span, "this change is not understood; nothing was changed")
        if done.questions:
            return Edited(questions=done.questions, assumptions=assumptions)
        if done.task is None:
            return _refused(piece.said, span, done.why)
        changed, assumptions = done.task, (*assumptions, *done.assumptions)
    if changed == task:
        return _refused(text[:80], Span(0, len(text)), "this changes nothing")
    told = f"{task.description}\nChanged: {text}" if task.description else f"Changed: {text}"
    return Edited(task=msgspec.structs.replace(changed, description=told[-_MOST_TOLD:]), assumptions=assumptions)


def _one(piece: Piece, task: ir.Task) -> Done | None:
    for read in _KINDS:
        done = read(piece, task)
        if done is not None:
            return done
    return None


def _pieces(items: tuple[Item, ...]) -> list[list[Item]]:
    """The changes of a request: its sentences, cut where a new order begins."""
    found: list[list[Item]] = []
    for sentence in cutting.split_sentences(items):
        kept, _ = cutting.without_politeness(sentence)
        piece: list[Item] = []
        for at, item in enumerate(kept):
            begins = item.lower in ("and", ",", "but") and at + 1 < len(kept)
            begins = begins and (_opens(kept[at + 1 :]) or (_only_when(piece) and _led(kept[at + 1 :])))
            if begins and piece:
                found.append(piece)
                piece = []
            elif piece or item.lower not in ("and", ",", "but"):
                piece.append(item)
        if piece:
            found.append(piece)
    return found


def _replacing(pieces: list[list[Item]]) -> list[list[Item]]:
    """`stop sending to Slack and email me instead`: the second says already that the first is done no more."""
    last = pieces[-1] if pieces else []
    if len(pieces) != 2 or not any(i.lower == "instead" for i in last) or not is_base_verb(last[0].lower):
        return pieces
    return pieces[1:] if order_away(tuple(i.lower for i in pieces[0])) else pieces


def _only_when(piece: list[Item]) -> bool:
    """`at 3pm`: nothing but when it starts has been said so far."""
    return bool(piece) and all(i.kind == "time" or i.lower in words("edits", "around_times") for i in piece)


def _led(rest: tuple[Item, ...]) -> bool:
    """`to #ops`, `for Berlin`: a value by itself."""
    held = [i for i in rest if i.lower not in ("and", "also", "please", "then")]
    return len(held) > 1 and held[0].lower in words("edits", "leading") and (held[1].is_literal or held[1].proper)


def _opens(rest: tuple[Item, ...]) -> bool:
    """Do these words begin a change of their own?"""
    held = [i for i in rest if i.lower not in ("and", "also", "please", "then")]
    if not held:
        return False
    ordered = held[0].lower in (*words("edits", "changing"), *words("edits", "replacing")) or order_away(
        tuple(i.lower for i in held)
    )
    return bool(ordered) or is_base_verb(held[0].lower) or rest[0].lower in words("edits", "opening")


def _edits(items: list[Item]) -> bool:
    lists = ("changing", "replacing", "removing")
    return any(items[0].lower in words("edits", name) for name in lists)


_FIRST: Final[tuple[_Kind, ...]] = (receive, widen, limits, gate, mention)
"""What may be said with “also” and is no action more."""
_KINDS: Final[tuple[_Kind, ...]] = (
    tries, shift, narrow, exchange, remove, retime, change, exchange_it,
)  # fmt: skip


def _refused(said: str, span: Span, why: str) -> Edited:
    return Edited(refusals=(Refusal(span, said, why or "this change is not understood", _HINTS),))
