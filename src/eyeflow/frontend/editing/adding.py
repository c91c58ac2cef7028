"""Further actions: "also email it to ops@example.com".

Knows: how to speak of what a task has: its event, its results, its last message. In: a piece, a task. Out: `Done`.
Never: guesses where an action goes when the task has several places that send something.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.frontend import pauses, policies
from eyeflow.frontend.build import build
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, lists_of, rebuilt, walk
from eyeflow.frontend.editing.reach import Said, reach, sayings, template_of
from eyeflow.frontend.finishing import unexplained
from eyeflow.frontend.intent import Action, Assumption, JsonValue, Question
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb
from eyeflow.frontend.resolve import longest, resolve_actions
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.tree import grow
from eyeflow.frontend.vocabulary import RECIPIENTS
from eyeflow.ir import task as ir

BESIDE: Final = "edit.beside"
EACH: Final = "each"
WHAT: Final = "edit.says"
IT: Final = "\ue000"
"""Stands for what is said while it is open whose words they are; nobody writes this sign."""
_SHOWN: Final = 40
"""Characters of a message in a question."""
_DAY_MS: Final = 86_400_000


def says_also(piece: Piece) -> bool:
    """`also`, `as well`, `too`."""
    said = f" {' '.join(piece.lowered)} "
    return any(f" {word} " in said for word in words("edits", "adding"))


def add(piece: Piece, task: ir.Task) -> Done:
    """The task with the actions the piece asks for beside the last message there is."""
    items = _plain(piece.items)
    if not items or not is_base_verb(items[0].lower):
        return Done(why=f"“{piece.said}” does not say what is to be done as well")
    if any(item.kind == "time" and item.time is not None and item.time.triggers for item in items):
        return Done(why="an action at a time of its own is an automation of its own")
    places = _places(piece, task)
    if isinstance(places, Done):
        return places
    done, assumed = Done(task=task), dict[str, Assumption]()
    for place in places:
        assert done.task is not None, "a step that failed ends this"
        done = beside(piece, items, done.task, place)
        if done.task is None:
            return done
        assumed |= {each.slot: each for each in done.assumptions}
    return msgspec.structs.replace(done, assumptions=tuple(assumed.values()))


def beside(piece: Piece, items: tuple[Item, ...], task: ir.Task, place: str) -> Done:
    """The task with what `items` order beside the action `place`; `it` is what is said there."""
    held = sayings(piece, task, place)
    scope = _read(piece, items, reach(piece, task, place), IT if held else None)
    source = _meant(piece, held, scope)
    if isinstance(source, Done):
        return source
    if source is not None:
        scope = _alike(_read(piece, items, reach(piece, task, place), source.text), source)
    if scope.refusals:
        return Done(why=scope.refusals[0].reason)
    scope, asks = answered(piece, scope)
    if asks:
        return Done(questions=scope.questions)
    actions, report = resolve_actions(scope.actions, piece.ctx)
    if not report.ok or not actions:
        return Done(why=report.errors[0].message if report.errors else "this adds nothing")
    changed = msgspec.structs.replace(task, actions=_beside(task.actions, place, actions))
    if task.deadline_ms is not None:
        more = longest(scope.actions, piece.ctx)
        changed = msgspec.structs.replace(changed, deadline_ms=min(task.deadline_ms + more, _DAY_MS))
    return Done(task=changed, assumptions=scope.assumptions)


def _read(piece: Piece, items: tuple[Item, ...], scope: Scope, said: JsonValue) -> Scope:
    """The actions that `items` order, where `it` is what is `said`."""
    if said is not None:
        scope = scope.put(said=said, again=True)
    found = policies.read(items)
    held = [c for c in pauses.cut(items, 0, piece.text, scope.told_at) if c.items]
    nodes = grow(
        [msgspec.structs.replace(c, items=tuple(i for i in c.items if i.index not in found.used)) for c in held]
    )
    return unexplained(items, build(nodes, scope.explain(found.used), found))


def _meant(piece: Piece, held: list[Said], scope: Scope) -> Said | Done | None:
    """Whose words the new actions say again: those of the same service, else those there are; None when nobody's."""
    if not held or not any(IT in action.params.values() for action in scope.actions):
        return None
    same = [each for each in held if each.entry.service.id == scope.actions[-1].service]
    found = same if len({str(each.text) for each in same}) == 1 else held
    if len({str(each.text) for each in found}) == 1:
        return found[0]
    chosen = next((each for each in held if each.action.name == piece.answer(WHAT)), None)
    if chosen is not None:
        return chosen
    options = tuple(each.action.name for each in held)
    told = "; ".join(f"{each.action.name} says “{_short(each)}”" for each in held)
    return Done(questions=(Question(WHAT, f"Which message is it that is sent as well? {told}", options),))


def _short(said: Said) -> str:
    text = str(said.text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _says_again(action: Action, said: Said) -> bool:
    return said.text is not None and said.text in action.params.values()


def _alike(scope: Scope, source: Said) -> Scope:
    """A message sent once more by the same service is the same in all but its receiver: its subject, its files."""
    assert isinstance(source.action.do, ir.ConnectorCall), "it says something"
    spec = source.entry.spec
    receivers = {param.name for param in spec.params if param.entity in RECIPIENTS or param.items}
    there = {
        each.name: value
        for each in source.action.do.params
        if each.name not in receivers and (value := template_of(each.value)) is not None
    }

    def same(action: Action) -> Action:
        if not _says_again(action, source):
            return action
        # `it` is the text that is sent, so no file of that name goes along
        own = {name: value for name, value in action.params.items() if not _of_data(value)}
        if (action.service, action.function) == (source.entry.service.id, spec.name):
            own = {p.name: {**there, **own}[p.name] for p in spec.params if p.name in there or p.name in own}
        return msgspec.structs.replace(action, params=own)

    return scope.put(actions=tuple(same(action) for action in scope.actions))


def _of_data(value: JsonValue) -> bool:
    """A list that the words of a message alone have filled."""
    return isinstance(value, list) and any(isinstance(each, str) and "{" in each.replace("{{", "") for each in value)


def _plain(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The order without `also`, `and`, `too`."""
    listed = words("edits", "adding")
    out: list[Item] = []
    at = 0
    while at < len(items):
        length = next((n for n in (3, 2, 1) if " ".join(i.lower for i in items[at : at + n]) in listed), 0)
        if length == 0:
            out.append(items[at])
        at += length or 1
    while out and (out[0].lower in ("and", "then", ",", "please", "but") or out[0].kind == "punct"):
        out.pop(0)
    while out and out[-1].kind == "punct":
        out.pop()
    return tuple(out)


def answered(piece: Piece, scope: Scope) -> tuple[Scope, bool]:
    """Answers to what new actions leave open, put in their places; True while something is still open."""
    from eyeflow.frontend.answers import apply  # noqa: PLC0415 - answers are rare

    done = apply(scope, None, piece.answers)
    return done.scope, bool(done.scope.questions)


# --- where ---------------------------------------------------------------------------------------------------------


def _places(piece: Piece, task: ir.Task) -> tuple[str, ...] | Done:
    """The names of the actions beside which the new ones go; an empty name: at the end of the task."""
    writes = [a for a in walk(task.actions) if (e := entry_of(a, piece.vocab)) is not None and not e.reads]
    if not writes:
        return ("",)
    top = {action.name for action in task.actions}
    if all(action.name in top for action in writes):
        return (writes[-1].name,)
    lists = [_names(task.actions)]
    lists += [_names(held) for action in walk(task.actions) for held in lists_of(action)]
    homes = [next(n for n, names in enumerate(lists) if action.name in names) for action in writes]
    last = {home: action.name for home, action in zip(homes, writes, strict=True)}
    if len(last) == 1:
        return (writes[-1].name,)
    options = (*(action.name for action in writes), EACH)
    chosen = piece.answer(BESIDE)
    if chosen == EACH:
        return tuple(last.values())
    if chosen is not None and chosen in options:
        return (chosen,)
    asked = f"Beside which action: {', '.join(action.name for action in writes)}, or {EACH} of them?"
    return Done(questions=(Question(BESIDE, asked, options),))


def _names(actions: tuple[ir.Action, ...]) -> frozenset[str]:
    return frozenset(action.name for action in actions)


def _beside(actions: tuple[ir.Action, ...], place: str, new: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
    if not place:
        return (*actions, *new)

    def change(held: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        at = next((k for k, action in enumerate(held) if action.name == place), None)
        if at is None:
            return held
        when = held[at].when
        added = tuple(msgspec.structs.replace(a, when=when) if when is not None and a.when is None else a for a in new)
        return (*held[: at + 1], *added, *held[at + 1 :])

    return rebuilt(actions, change)
