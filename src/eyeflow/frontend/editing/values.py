"""What is passed: "change the channel to #ops", "Rome instead of Paris", "send it to bob@example.com instead".

Knows: which parameter a word may mean, which values are constants. In: a piece, a task. Out: `Done`.
Never: touches a value that comes from data; a name that means two parameters is asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from eyeflow.frontend.answer_values import Unfit, answer_value
from eyeflow.frontend.data import load, words
from eyeflow.frontend.editing import naming
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, rebuilt, walk, with_params
from eyeflow.frontend.intent import JsonValue, Question
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, stem
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Expr, Lit, Template
from eyeflow.ir.text import constant
from eyeflow.units import lookup
from eyeflow.values import Field

PLACE: Final = "edit.place"
MEANT: Final = "edit.meant"
INSTEAD: Final = "instead"
_AS_WELL: Final = ("and ", "also ", "plus ")
_AROUND: Final = ("to", "it", "say", "at")
_ENTITIES: Final = {
    "channel": "slack_channel", "email": "email", "phone": "phone", "url": "url", "repo": "repo", "person": "person",
}  # fmt: skip


class _Slot(msgspec.Struct, frozen=True):
    """A parameter of an action: its declaration and the constant it has now (None: not given, or from data)."""

    action: str
    param: Field
    held: str | None

    @property
    def name(self) -> str:
        return f"{self.action}.{self.param.name}"


def change(piece: Piece, task: ir.Task) -> Done | None:
    """The task with a value changed; None when the piece says nothing of that kind."""
    for read in (_old_and_new, _named, _should, _instead, _alone):
        done = read(piece, task)
        if done is not None:
            return done
    return None


def _slots(piece: Piece, task: ir.Task) -> list[_Slot]:
    found = []
    for action in walk(task.actions):
        entry = entry_of(action, piece.vocab)
        if entry is None or not isinstance(action.do, ir.ConnectorCall):
            continue
        values = {each.name: each.value for each in action.do.params}
        found += [_Slot(action.name, p, _text(values.get(p.name))) for p in entry.spec.params]
    return found


def _text(value: Expr | None) -> str | None:
    match value:
        case Lit(value=held) if held is not None:
            return str(held)
        case Template(parts=parts) if all(isinstance(part, str) for part in parts):
            return "".join(str(part) for part in parts)
    return None


def _old_and_new(piece: Piece, task: ir.Task) -> Done | None:
    """`change Paris to Rome`, `Rome instead of Paris`, `in Rome, not Paris`: the old value is one that is there."""
    lowered = list(piece.lowered)
    for at in range(1, len(lowered) - 1):
        cue = 2 if lowered[at : at + 2] in (["instead", "of"], ["rather", "than"], ["and", "not"]) else 0
        cue = cue or (1 if lowered[at] == "not" else 0)
        if cue:
            start = 1 if lowered[0] in (*words("edits", "replacing"), *words("edits", "changing")) else 0
            new, old = _told(piece.items[start:at]), _value(_bare(piece.items[at + cue :]))
            if new is None or (lowered[at] in ("not", "and") and not _there(old, piece, task)):
                return Done(why="put the new value in quotes") if new is None else None
            return _swapped(piece, task, old, new)
        if lowered[at] in ("to", "with", "by", "into") and lowered[0] in words("edits", "replacing"):
            old = _value(_bare(piece.items[1:at]))
            if _there(old, piece, task):
                return _swapped(piece, task, old, _value(piece.items[at + 1 :]))
    return None


def _there(old: str, piece: Piece, task: ir.Task) -> bool:
    return any(slot.held is not None and slot.held.casefold() == old.casefold() for slot in _slots(piece, task))


def _bare(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """A phrase without what leads it: `from acme/web` is acme/web, `for Berlin` is Berlin."""
    held = [item for item in items if item.kind != "punct"]
    while len(held) > 1 and held[0].lower in (*words("edits", "fillers"), *words("edits", "leading")):
        held = held[1:]
    return tuple(held)


def _told(items: tuple[Item, ...]) -> str | None:
    """The new value: `post "Hi"` says “Hi”, `get it for Rome` says Rome; a verb before other plain words may be the
    value's own, so they are no value."""
    literals = [item for item in items if item.is_literal]
    around = [i for i in items if not i.is_literal and i.kind != "punct" and i.lower not in words("edits", "fillers")]
    led = (*words("edits", "leading"), *_AROUND)
    if len(literals) == 1 and all(is_base_verb(i.lower) or i.lower in led for i in around):
        return _value(tuple(literals))
    tail = _bare(items)
    if tail and is_base_verb(tail[0].lower) and len(tail) > 1:
        at = next((k for k in range(len(tail) - 1, 0, -1) if tail[k].lower in words("edits", "leading")), None)
        tail = tail[at + 1 :] if at is not None else ()
        return _value(tail) if tail and all(item.proper for item in tail) else None
    return _value(tail)


def _swapped(piece: Piece, task: ir.Task, old: str, new: str) -> Done:
    same = [s for s in _slots(piece, task) if s.held is not None and s.held.casefold() == old.casefold()]
    if not same:
        return Done(why=f"no value here is “{old}”")
    return _set(piece, task, same, new)


def _value(items: tuple[Item, ...]) -> str:
    """The words as a value: a literal as itself, else what was written."""
    held = list(items)
    while held and (held[-1].lower in ("instead", "please") or held[-1].kind == "punct"):
        held.pop()
    while held and (held[0].lower in ("please", "the", "a", "an") or held[0].kind == "punct"):
        held.pop(0)
    if len(held) == 1 and held[0].is_literal:
        return str(held[0].value if held[0].value is not None and held[0].kind != "quantity" else held[0].text)
    out = ""
    for before, item in zip([None, *held], held, strict=False):
        out += (" " if before is not None and before.span.end < item.span.start else "") + item.text
    return out


def _named(piece: Piece, task: ir.Task) -> Done | None:
    """`change the channel to #ops`, `set the subject to "Weekly report"`."""
    lowered = piece.lowered
    if not lowered or lowered[0] not in words("edits", "changing"):
        return None
    at = next((k for k, word in enumerate(lowered) if word in ("to", "=", ":", "be") and k > 0), None)
    if at is None or at + 1 >= len(lowered):
        return None
    named = [i for i in piece.items[1:at] if i.is_word and i.lower not in words("edits", "fillers")]
    if not named:
        return None
    found = [s for s in _slots(piece, task) if _about(named, s, piece, task)]
    if not found:
        said = " ".join(item.text for item in named)
        return Done(why=f"nothing here has a “{said}” to change")
    given = [slot for slot in found if slot.held is not None] or found
    kind = _ENTITIES.get(piece.items[at + 1].kind)
    fitting = [slot for slot in given if slot.param.entity == kind] if kind is not None else []
    return _one(piece, task, fitting or given, _value(piece.items[at + 1 :]))


def _should(piece: Piece, task: ir.Task) -> Done | None:
    """`the email should go to ops@example.com`, `make the message say "Hi"`, `the city should be Rome`."""
    lowered = piece.lowered
    start = 1 if lowered[0] in words("edits", "changing") else 0
    at = next((k for k, word in enumerate(lowered) if word in words("edits", "becoming")), None)
    if at is None or at <= start or not (start or {"should", "must", "shall"} & set(lowered)):
        return None
    end = at + 1
    while end < len(lowered) and lowered[end] in (*words("edits", "becoming"), "to", "in"):
        end += 1
    named = [i for i in piece.items[start:at] if i.is_word and i.lower not in words("edits", "subjects")]
    if not named or end >= len(lowered):
        return None
    new, item = _value(piece.items[end:]), piece.items[end]
    found = [s for s in _slots(piece, task) if _about(named, s, piece, task) and s.held is not None]
    if not found:
        among = list(walk(task.actions))
        meant = {action.name for action in naming.named(named, among, piece)}
        wanted = _ENTITIES.get(item.kind)
        found = [s for s in _slots(piece, task) if s.action in meant and s.held is not None and _takes(s.param, wanted)]
    return _one(piece, task, found, new) if found else None


def _takes(param: Field, entity: str | None) -> bool:
    """Is it the parameter that such a value is for: an address, or else what is said?"""
    return param.role == "content" if entity is None else param.entity == entity


def _about(named: list[Item], slot: _Slot, piece: Piece, task: ir.Task) -> bool:
    """Does every word name the parameter, its service or its action?"""
    action = next(each for each in walk(task.actions) if each.name == slot.action)
    entry = entry_of(action, piece.vocab)
    assert entry is not None, "slots come from entries"
    own = {stem(part) for part in slot.param.name.split("_")}
    own |= {stem(part) for part in (slot.param.entity or "").split("_") if part}
    listed = load("edits")["names"]
    assert isinstance(listed, dict), "edits.names is a mapping"
    own |= {stem(str(word)) for word in listed.get(slot.param.name, ())}  # type: ignore[union-attr]
    around = {
        stem(part)
        for name in (entry.service.title, *entry.service.aliases, action.name)
        for part in name.replace("_", " ").split()
    }
    return any(item.stem in own for item in named) and all(item.stem in own | around for item in named)


def _instead(piece: Piece, task: ir.Task) -> Done | None:
    """`post it to #ops instead`: the one parameter that takes such a value."""
    literals = [item for item in piece.items if item.kind in (*_ENTITIES, "quoted")]
    told = "instead" in piece.lowered or piece.lowered[:1] == ("use",)
    if not told or len(literals) != 1:
        return None
    item = literals[0]
    if item.kind == "quoted":
        found = [s for s in _slots(piece, task) if s.param.role == "content" and s.held is not None]
    else:
        found = [s for s in _slots(piece, task) if s.param.entity == _ENTITIES[item.kind] and s.held is not None]
    return _one(piece, task, found, _value((item,))) if found else None


def _alone(piece: Piece, task: ir.Task) -> Done | None:
    """`to #ops`, `for Berlin`: the one place that takes such a value; whether it is one more is asked."""
    held = [i for i in piece.items if i.kind != "punct"]
    if len(held) < 2 or held[0].lower not in words("edits", "leading"):
        return None
    said = _bare(tuple(i for i in held if i.lower not in ("instead", "only", "now")))
    if len(said) == 1 and said[0].kind in _ENTITIES:
        entities: tuple[str, ...] = (_ENTITIES[said[0].kind],)
    elif all(item.proper for item in said):
        entities = ("location", "city")
    else:
        return None
    unit = next((item.text for item in said if item.is_word and lookup(item.text) is not None), None)
    if unit is not None:
        return Done(why=f"“{unit}” is a unit, and nothing here lets it be chosen")
    found = [s for s in _slots(piece, task) if s.param.entity in entities and s.held is not None]
    if not found:
        return Done(why=f"nothing here takes “{' '.join(item.text for item in said)}”")
    if piece.text.strip().casefold().startswith(_AS_WELL) and piece.answer(MEANT) != INSTEAD:
        asked = f"Is “{_value(said)}” to take the place of “{found[0].held}”? For both, say what is to be done as well."
        return Done(questions=(Question(MEANT, asked, (INSTEAD,)),))
    return _one(piece, task, found, _value(said))


def _one(piece: Piece, task: ir.Task, found: list[_Slot], new: str) -> Done:
    """The value in the one place that is meant; several places with the same value change together."""
    chosen = piece.answer(PLACE)
    if chosen is not None and any(slot.name == chosen for slot in found):
        found = [slot for slot in found if slot.name == chosen]
    if len({slot.held for slot in found}) > 1 or (len(found) > 1 and found[0].held is None):
        options = tuple(slot.name for slot in found)
        return Done(questions=(Question(PLACE, f"Which is meant: {', '.join(options)}?", options),))
    return _set(piece, task, found, new)


def _set(piece: Piece, task: ir.Task, slots: list[_Slot], new: str) -> Done:
    if not new:
        return Done(why="the new value is missing")
    values: dict[tuple[str, str], Expr] = {}
    for slot in slots:
        value = answer_value(slot.param, new, None, piece.ctx.zone)
        if isinstance(value, Unfit):
            return Done(why=f"“{new}” is no {slot.param.name.replace('_', ' ')}: it {value.why}")
        values[slot.action, slot.param.name] = constant(_plain(value))
    return Done(task=msgspec.structs.replace(task, actions=rebuilt(task.actions, _setting(values))))


def _plain(value: JsonValue) -> JsonValue:
    """An Intent's string is a template; a constant of a program is the text itself."""
    if isinstance(value, str):
        return value.replace("{{", "{").replace("}}", "}")
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _setting(values: dict[tuple[str, str], Expr]) -> Callable[[tuple[ir.Action, ...]], tuple[ir.Action, ...]]:
    def change_all(actions: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        return tuple(
            with_params(action, {p: v for (name, p), v in values.items() if name == action.name}) for action in actions
        )

    return change_all
