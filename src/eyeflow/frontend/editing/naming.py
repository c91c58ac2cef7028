"""Which action is meant: by its service, its verb, a value it passes, the one it writes to.

Knows: what an action may be called. In: words of a piece, a task. Out: the actions they name, the likeliest alone
where it is likelier than the rest. Never: changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Piece, entry_of, walk
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.vocabulary import RECIPIENTS, Entry
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Convert, Expr, ListExpr, Lit, Template

_PAUSES: Final = {
    ir.Wait: ("wait", "pause", "delay"),
    ir.Approval: ("approval", "question", "ask", "approve", "confirm"),
}
_OWN, _SAID, _LOOSE = 3, 2, 1
"""How much it weighs that a word names the service or the action, is in its phrases, or is a word about it."""


def effects(task: ir.Task, piece: Piece) -> list[ir.Action]:
    """The actions that do something outside, or stop the run for a while."""
    return [action for action in walk(task.actions) if changes(action, piece)]


def changes(action: ir.Action, piece: Piece) -> bool:
    """Is this an action that a person would speak of, no read?"""
    if isinstance(action.do, ir.Wait | ir.Approval | ir.Emit | ir.Log | ir.Respond | ir.Subtask | ir.HttpCall):
        return True
    entry = entry_of(action, piece.vocab)
    return entry is not None and not entry.reads


def named(items: Sequence[Item], among: Sequence[ir.Action], piece: Piece) -> list[ir.Action]:
    """Those of `among` that every word of `items` names; of several, those whose words fit best."""
    said = [i for i in items if i.kind != "punct" and i.lower not in words("edits", "removed_words")]
    found = [(sum(weights), action) for action in among if all(weights := [_weight(i, action, piece) for i in said])]
    best = max((weight for weight, _ in found), default=0)
    return [action for weight, action in found if weight == best]


def _weight(item: Item, action: ir.Action, piece: Piece) -> int:
    """How surely a word, or a value, is about the action; 0 when it is not."""
    if item.is_literal:
        said = str(item.value if item.value is not None else item.text)
        return _OWN if said in constants(action) else 0
    stems = {item.stem, *_bases(item.lower)}
    kinds = {stem(word) for word in _PAUSES.get(type(action.do), ())}
    if stems & kinds or item.stem in {stem(part) for part in action.name.split("_")}:
        return _SAID if not stems & kinds else _OWN
    entry = entry_of(action, piece.vocab)
    if entry is None:
        return 0
    titles = (entry.service.title, *entry.service.aliases)
    if stems & {stem(part) for name in titles for part in name.split()} or stems & _alone(entry):
        return _OWN
    if item.lower in _handles(action, entry):
        return _OWN
    if stems & {word for phrase in entry.phrases for word in phrase}:
        return _SAID
    return _LOOSE if stems & (entry.summary | entry.names) else 0


def _alone(entry: Entry) -> set[str]:
    """Words that by themselves ask for this action."""
    return {phrase[0] for phrase in entry.phrases if len(phrase) == 1}


def _bases(word: str) -> set[str]:
    """`emailing` as `email`, `posting` as `post`, `texting` as `text`, `messages` as they stand."""
    if not word.endswith("ing") or len(word) < 6:
        return set()
    bare = word.removesuffix("ing")
    return {stem(bare), stem(bare + "e"), stem(bare[:-1]) if bare[-1:] == bare[-2:-1] else stem(bare)}


def _handles(action: ir.Action, entry: Entry) -> set[str]:
    """What receivers are called in speech: `bob` of bob@example.com, `team` of #team, `kim` of @kim."""
    found: set[str] = set()
    for _, value in receivers_of(action, entry):
        for each in value:
            head = each.lstrip("#@").partition("@")[0].casefold()
            found |= {head, *head.replace("_", ".").replace("-", ".").split(".")}
    return found - {""}


def receivers_of(action: ir.Action, entry: Entry) -> list[tuple[str, list[str]]]:
    """The parameters of an action that say to whom, each with its constant receivers."""
    if not isinstance(action.do, ir.ConnectorCall):
        return []
    spec = {p.name: p for p in entry.spec.params}
    found = []
    for each in action.do.params:
        param = spec.get(each.name)
        inner = param.items.entity if param is not None and param.items is not None else None
        if param is None or (param.entity not in RECIPIENTS and inner not in RECIPIENTS):
            continue
        held = texts_of(each.value)
        several = [part.strip() for text in held for part in text.split(",")] if param.entity == "email" else held
        if several:
            found.append((each.name, several))
    return found


def constants(action: ir.Action) -> set[str]:
    """The constant texts that an action passes."""
    given = action.do.params if isinstance(action.do, ir.ConnectorCall) else ()
    return {text for each in given for text in texts_of(each.value)}


def texts_of(value: Expr) -> list[str]:
    """A constant as text, each element of a constant list; nothing for what comes from data."""
    match value:
        case Lit(value=held) if held is not None:
            return [str(held)]
        case Template(parts=parts) if all(isinstance(part, str) for part in parts):
            return ["".join(str(part) for part in parts)]
        case ListExpr(items=items):
            return [text for each in items for text in texts_of(each)]
        case Convert(value=inner):
            return texts_of(inner)
    return []
