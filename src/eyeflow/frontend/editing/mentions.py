"""What a message says besides: "also add the author", "include the link in the message".

Knows: how people ask for more in a message that is there. In: a piece, a task. Out: `Done`.
Never: takes words for data that are not wholly read as something in reach, puts them into a message nobody meant.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.frontend import content
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.adding import answered
from eyeflow.frontend.editing.naming import effects, named
from eyeflow.frontend.editing.pieces import Done, Piece, rebuilt, swapped, with_params
from eyeflow.frontend.editing.reach import Said, reach, said_by
from eyeflow.frontend.intent import Question
from eyeflow.frontend.items import Item
from eyeflow.frontend.resolve import longest, resolve_actions
from eyeflow.ir import task as ir
from eyeflow.ir.text import parse_template

MESSAGE: Final = "edit.message"


def mention(piece: Piece, task: ir.Task) -> Done | None:
    """The task with more in one of its messages; None when the piece asks for something else."""
    held = [i for i in piece.items if i.kind != "punct" and i.lower not in words("edits", "adding")]
    if not held or held[0].lower not in words("edits", "mentions"):
        return None
    what, where = _halves(held[1:])
    telling = [s for action in effects(task, piece) if (s := said_by(action, piece)) is not None and s.text is not None]
    meant = named(where, [each.action for each in telling], piece)
    generic = all(item.lower in words("edits", "texts") for item in where)
    told = [each for each in telling if each.action in meant] or (telling if generic else [])
    if not what or not told:
        return None
    chosen = piece.answer(MESSAGE)
    found = [s for s in told if s.action.name == chosen] if chosen is not None else told
    made = _made(piece, task, what, found[0]) if found else None
    if made is None:
        return None
    if len(found) > 1:
        options = tuple(each.action.name for each in found)
        asked = f"Which message should say it: {', '.join(options)}?"
        return Done(questions=(Question(MESSAGE, asked, options),))
    return made


def _halves(items: list[Item]) -> tuple[list[Item], list[Item]]:
    """What is said besides, and in which message (nothing where it is not said)."""
    lowered = [i.lower for i in items]
    for at in range(1, len(items)):
        if lowered[at] in ("to", "in", "into", "on") and any(word in words("edits", "texts") for word in lowered[at:]):
            return items[:at], [i for i in items[at + 1 :] if i.lower not in words("edits", "removed_words")]
    return items, []


def _made(piece: Piece, task: ir.Task, what: list[Item], said: Said) -> Done | None:
    param = next(p for p in said.entry.spec.params if p.name == said.param)
    literal = what[0] if len(what) == 1 and what[0].kind == "quoted" else None
    scope = reach(piece, task, said.action.name)
    if literal is not None:
        text, scope, _ = content.literal_text(str(literal.value or literal.text), scope)
    else:
        found = content.compose(what, scope, param)
        if found is None or found.unexplained or not isinstance(found.value, str) or found.scope.refusals:
            return None
        text, scope = found.value, found.scope
    scope, asks = answered(piece, scope)
    if asks:
        return Done(questions=scope.questions)
    reads, report = resolve_actions(scope.actions, piece.ctx)
    if not report.ok:
        return None
    own = with_params(said.action, {said.param: parse_template(f"{said.text}\n{text}")})

    def change(held: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        at = next((k for k, action in enumerate(held) if action.name == said.action.name), None)
        return held if at is None else (*held[:at], *reads, *held[at:])

    changed = msgspec.structs.replace(task, actions=rebuilt(swapped(task.actions, said.action, own), change))
    if task.deadline_ms is not None and reads:
        changed = msgspec.structs.replace(changed, deadline_ms=task.deadline_ms + longest(scope.actions, piece.ctx))
    return Done(task=changed, assumptions=scope.assumptions)
