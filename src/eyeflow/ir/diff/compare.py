"""Which action became which, and what is different: the sentences.

Knows: how actions of one scope are paired. In: two checked Tasks. Out: `Difference`. Never: reads text or catalogs.

Actions of a scope are paired by name and target, then by target (the pair that has most in common first), then by
name alone. Branches are paired by condition, then by position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec

from eyeflow.ir import task as ir
from eyeflow.ir.depends import names_read, nested
from eyeflow.ir.diff.canonical import Speller
from eyeflow.ir.diff.facets import (
    Area,
    Facet,
    action_facets,
    item_facets,
    plain,
    target,
    target_facet,
    task_facets,
    trigger_facets,
    value_facet,
)

Actions: TypeAlias = tuple[ir.Action, ...]
T = TypeVar("T")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `action` is the path of the action, "" for the task; `before`, `after` are "" where nothing is.

    `text` says the whole in a sentence.
    """

    area: Area
    action: str
    what: str
    before: str
    after: str
    text: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What is different. `names` are other names for the same things; they alone change nothing that runs."""

    changes: tuple[Change, ...]
    names: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        """True when a run could notice."""
        return bool(self.changes)


def diff(before: ir.Task, after: ir.Task) -> Difference:
    """What `after` does differently from `before`; both as the checker returned them."""
    found = list(_task(before, after, _Sides(_spelled(before), _spelled(after))))
    return Difference(
        changes=tuple(each for each in found if each.area != "name"),
        names=tuple(each for each in found if each.area == "name"),
    )


def _spelled(task: ir.Task) -> Speller:
    return Speller({}, task.zone or "UTC")


class _Sides(NamedTuple):
    """Who spells the first and who the second, both in the names of the first."""

    old: Speller
    new: Speller

    def also(self, names: dict[str, str]) -> _Sides:
        return _Sides(self.old, self.new.also(names))


def _task(before: ir.Task, after: ir.Task, sides: _Sides) -> Iterator[Change]:
    names, inside = _scope("", before.actions, after.actions, sides)
    yield from _triggers(before.triggers, after.triggers, sides)
    yield from _facets("", task_facets(before, sides.old), task_facets(after, sides.new.also(names)))
    yield from inside
    yield from _scope("on failure", before.on_failure, after.on_failure, sides.also(names))[1]


def _triggers(before: Sequence[ir.Trigger], after: Sequence[ir.Trigger], sides: _Sides) -> Iterator[Change]:
    old = [list(trigger_facets(each, sides.old)) for each in before]
    new = [list(trigger_facets(each, sides.new)) for each in after]
    pairs, gone, added = paired(old, new, (_same, _same_start, _same_kind))
    for one, two in pairs:
        yield from _facets("", one, two)
    for one in gone:
        yield _change(one[0], None, "", f"it no longer starts {one[0].shown}{_more(one)}")
    for two in added:
        yield _change(None, two[0], "", f"it also starts {two[0].shown}{_more(two)}")


def _scope(path: str, before: Actions, after: Actions, sides: _Sides) -> tuple[dict[str, str], list[Change]]:
    """The names that outputs of `after` have in `before`, and the changes of one scope."""
    pairs, gone, added = paired(before, after, (_same_call, _alike(sides), _same_name))
    outputs = {b.output: a.output for a, b in pairs if a.output and b.output and a.output != b.output}
    sides = sides.also(outputs)
    old_order, new_order = _orders(before, {}), _orders(after, {b.name: a.name for a, b in pairs})
    found: list[Change] = []
    for a, b in pairs:
        here = _path(path, a.name)
        found += _facets(here, [old_order[a.name]], [new_order[b.name]])
        found += _action(here, a, b, sides)
    for each in gone:
        found += _whole(path, each, sides.old, "removed")
    for each in added:
        found += _whole(path, each, sides.new, "added")
    return outputs, found


def _orders(actions: Actions, steps: dict[str, str]) -> dict[str, Facet]:
    """What each action waits for without using anything of it, in the names of the first side."""
    outputs = {each.name: each.output for each in actions}
    names = {each.output: each.name for each in actions if each.output}
    found = {}
    for each in actions:
        read = names_read(each)
        waits = {name if name in outputs else names.get(name, name) for name in each.after}
        idle = sorted(steps.get(name, name) for name in waits if outputs.get(name) not in read)
        found[each.name] = plain("order", "AFTER", ", ".join(idle))
    return found


def _action(path: str, a: ir.Action, b: ir.Action, sides: _Sides) -> Iterator[Change]:
    if a.name != b.name:
        yield _renamed(path, a.name, b.name)
    yield from _facets(path, action_facets(a, sides.old), action_facets(b, sides.new))
    if isinstance(a.do, ir.ForEach) and isinstance(b.do, ir.ForEach):
        yield from _loop(path, a.do, b.do, sides)
    elif isinstance(a.do, ir.Conditional) and isinstance(b.do, ir.Conditional):
        yield from _branches(path, a.do, b.do, sides)
    else:
        for each in _inside(a):
            yield from _whole(path, each, sides.old, "removed")
        for each in _inside(b):
            yield from _whole(path, each, sides.new, "added")
    yield from _fallbacks(path, a.fallback, b.fallback, sides)


def _fallbacks(path: str, a: ir.Fallback | None, b: ir.Fallback | None, sides: _Sides) -> Iterator[Change]:
    if (a is None) is not (b is None):
        there = "there is a fallback now" if a is None else "there is no fallback any more"
        one, two = (plain("policy", "FALLBACK", "" if each is None else "given") for each in (a, b))
        yield _change(one, two, path, f"{path}: {there}")
    actions = (a.actions if a is not None else (), b.actions if b is not None else ())
    yield from _scope(f"{path} > fallback", *actions, sides)[1]


def _loop(path: str, a: ir.ForEach, b: ir.ForEach, sides: _Sides) -> Iterator[Change]:
    sides = sides.also({b.item: a.item})
    names, inside = _scope(path, a.actions, b.actions, sides)
    yield from _facets(path, item_facets(a, sides.old), item_facets(b, sides.new.also(names)))
    yield from inside


def _branches(path: str, a: ir.Conditional, b: ir.Conditional, sides: _Sides) -> Iterator[Change]:
    old, new = sides
    first = [(old.key(case.when), case) for case in a.cases]
    second = [(new.key(case.when), case) for case in b.cases]
    pairs, gone, added = paired(first, second, (lambda x, y: x[0] == y[0], lambda x, y: True))
    for (key, one), (other, two) in pairs:
        was, now = _condition(one, old), _condition(two, new)
        if key != other:
            yield _change(was, now, path, f"{path}: a branch is taken if {now.shown}, no longer if {was.shown}")
        yield from _block(f"{path} > if {was.shown}", one.block, two.block, sides)
    for _, case in gone:
        yield from _case(path, case, old, "removed")
    for _, case in added:
        yield from _case(path, case, new, "added")
    keys = [key for key, _ in first], [key for key, _ in second]
    shared = [key for key in keys[0] if key in keys[1]], [key for key in keys[1] if key in keys[0]]
    if shared[0] != shared[1]:
        was, now = (plain("order", "CONDITION order", each) for each in shared)
        yield _change(was, now, path, f"{path}: the conditions are tried in another order")
    yield from _block(f"{path} > otherwise", a.default, b.default, sides)


def _condition(case: ir.Case, spell: Speller) -> Facet:
    return Facet("condition", "CONDITION", spell.key(case.when), spell.shown(case.when))


def _case(path: str, case: ir.Case, spell: Speller, how: str) -> Iterator[Change]:
    facet = _condition(case, spell)
    value = value_facet(case.block, spell).shown
    one, two = (facet, None) if how == "removed" else (None, facet)
    text = f"{path}: the branch for {facet.shown} is {how}" + (f" (value {value})" if value else "")
    yield _change(one, two, path, text)
    for each in case.block.actions:
        yield from _whole(f"{path} > if {facet.shown}", each, spell, how)


def _block(path: str, a: ir.Block, b: ir.Block, sides: _Sides) -> Iterator[Change]:
    yield from _facets(path, [value_facet(a, sides.old)], [value_facet(b, sides.new)])
    yield from _scope(path, a.actions, b.actions, sides)[1]


# --- pairing -------------------------------------------------------------------------------------------------------


def paired(
    before: Sequence[T], after: Sequence[T], rules: Iterable[Callable[[T, T], int]]
) -> tuple[list[tuple[T, T]], list[T], list[T]]:
    """Pairs in the order of `before`, then what is left of both. A rule says how much two have in common: 0, nothing.

    Each rule gets what the rules before it left over; of several candidates the pair with most in common wins.
    """
    old, new = list(before), list(after)
    pairs: list[tuple[T, T]] = []
    for rule in rules:
        scores = [(rule(a, b), -i, -j) for i, a in enumerate(old) for j, b in enumerate(new)]
        taken_a: set[int] = set()
        taken_b: set[int] = set()
        for score, i, j in sorted(scores, reverse=True):
            if score > 0 and -i not in taken_a and -j not in taken_b:
                taken_a.add(-i)
                taken_b.add(-j)
                pairs.append((old[-i], new[-j]))
        old = [a for i, a in enumerate(old) if i not in taken_a]
        new = [b for j, b in enumerate(new) if j not in taken_b]
    place = {id(each): number for number, each in enumerate(before)}
    return sorted(pairs, key=lambda pair: place[id(pair[0])]), old, new


def _same_call(a: ir.Action, b: ir.Action) -> bool:
    return a.name == b.name and target(a) == target(b)


def _same_name(a: ir.Action, b: ir.Action) -> bool:
    return a.name == b.name


def _alike(sides: _Sides) -> Callable[[ir.Action, ir.Action], int]:
    def rule(a: ir.Action, b: ir.Action) -> int:
        if target(a) != target(b):
            return 0
        one, two = ({(f.what, f.key) for f in action_facets(x, s)} for x, s in zip((a, b), sides, strict=True))
        return 1 + len(one & two)

    return rule


def _same(a: list[Facet], b: list[Facet]) -> bool:
    return [f.key for f in a] == [f.key for f in b]


def _same_start(a: list[Facet], b: list[Facet]) -> bool:
    return a[0].key == b[0].key


def _same_kind(a: list[Facet], b: list[Facet]) -> bool:
    return [f.what for f in a if f.area != "trigger"] == [f.what for f in b if f.area != "trigger"]


# --- sentences -----------------------------------------------------------------------------------------------------


def _facets(path: str, before: Iterable[Facet], after: Iterable[Facet]) -> Iterator[Change]:
    old, new = {f.what: f for f in before}, {f.what: f for f in after}
    for what in dict.fromkeys((*old, *new)):
        one, two = old.get(what), new.get(what)
        if (one.key if one else "") == (two.key if two else ""):
            continue
        held = two or one
        assert held is not None
        yield _change(one, two, path, _sentence(path, held, one, two))


def _sentence(path: str, held: Facet, one: Facet | None, two: Facet | None) -> str:
    was, now = one.shown if one else "", two.shown if two else ""
    lead = f"{path}: " if path else ""
    if held.area == "trigger" and held.what == "starts":
        return f"it starts {now}, no longer {was}"
    if held.what == "calls":
        return f"{lead}calls {now}, no longer {was}"
    if not was:
        return f"{lead}{held.what} is {now}; it was not given before"
    if not now:
        return f"{lead}{held.what} is not given any more; it was {was}"
    return f"{lead}{held.what} is {now}, it was {was}"


def _change(one: Facet | None, two: Facet | None, path: str, text: str) -> Change:
    held = two or one
    assert held is not None
    return Change(
        area=held.area, action=path, what=held.what, before=one.shown if one else "", after=two.shown if two else "",
        text=text,
    )  # fmt: skip


def _renamed(path: str, was: str, now: str) -> Change:
    return Change(area="name", action=path, what="name", before=was, after=now, text=f"{path} is called {now} now")


def _whole(path: str, action: ir.Action, spell: Speller, how: str) -> Iterator[Change]:
    """An action that is on one side only, and what is inside it."""
    here = _path(path, action.name)
    facets = [f for f in action_facets(action, spell) if f.shown and f.what != "calls"]
    calls = target_facet(action)
    held = "; ".join(f"{f.what} {f.shown}" for f in facets)
    one, two = (calls, None) if how == "removed" else (None, calls)
    yield _change(one, two, here, f"{here} is {how}: {calls.shown}" + (f" ({held})" if held else ""))
    for each in _inside(action):
        yield from _whole(here, each, spell, how)


def _inside(action: ir.Action) -> Iterator[ir.Action]:
    for scope in nested(action):
        if action.fallback is None or scope is not action.fallback.actions:
            yield from scope


def _more(facets: list[Facet]) -> str:
    said = "; ".join(f"{f.what} {f.shown}" for f in facets[1:] if f.shown and f.area in ("trigger", "condition"))
    return f" ({said})" if said else ""


def _path(path: str, name: str) -> str:
    return f"{path} > {name}" if path else name
