"""Conditions over two whole numbers, against trying every pair: nothing false is said, no dead branch is missed."""

from __future__ import annotations

import re
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from verify.proving import branching, proved

INPUTS = "  INPUT a integer\n  INPUT b integer\n"
CONSTANTS = st.integers(-3, 3)
DOMAIN = range(-6, 7)
"""Wider than the constants by more than the number of variables: every order of them occurs."""

OPERATORS = {"GT": "__gt__", "GE": "__ge__", "LT": "__lt__", "LE": "__le__", "EQ": "__eq__", "NE": "__ne__"}
Tree = tuple[str, tuple[object, ...]]

names = st.sampled_from(["a", "b"])
atoms = st.builds(
    lambda op, left, right: (op, (left, right)), st.sampled_from(sorted(OPERATORS)), names, st.one_of(CONSTANTS, names)
)
trees = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda one, other: ("AND", (one, other)), inner, inner),
        st.builds(lambda one, other: ("OR", (one, other)), inner, inner),
        st.builds(lambda one: ("NOT", (one,)), inner),
    ),
    max_leaves=3,
)


def spelled(tree: object) -> str:
    match tree:
        case (str(name), tuple(args)):
            return f"{name}({', '.join(map(spelled, args))})"
        case str(name):
            return f"input.{name}"
        case _:
            return str(tree)


def holds(tree: object, data: dict[str, int]) -> bool:
    match tree:
        case ("AND", (one, other)):
            return holds(one, data) and holds(other, data)
        case ("OR", (one, other)):
            return holds(one, data) or holds(other, data)
        case ("NOT", (one,)):
            return not holds(one, data)
        case (str(name), (left, right)):
            one, other = (data[side] if isinstance(side, str) else side for side in (left, right))
            return bool(getattr(one, OPERATORS[name])(other))
    raise AssertionError(tree)


EVERYTHING = [{"a": a, "b": b} for a, b in product(DOMAIN, DOMAIN)]


def taken(conditions: list[Tree], data: dict[str, int]) -> int | None:
    return next((number for number, tree in enumerate(conditions, 1) if holds(tree, data)), None)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(trees, min_size=1, max_size=4))
def test_what_is_said_is_so_and_no_unreachable_branch_is_missed(conditions: list[Tree]) -> None:
    found = proved(branching(*map(spelled, conditions), inputs=INPUTS))
    assert "verify_gave_up" not in [each.code for each in found]
    dead = {each.place.path for each in found if each.code in ("contradiction", "unreachable_branch")}
    reached = {taken(conditions, data) for data in EVERYTHING}
    assert dead == {f"rule.condition {n}" for n in range(1, len(conditions) + 1) if n not in reached}
    always = any(all(holds(tree, data) for data in EVERYTHING) for tree in conditions)
    said_so = {each.code for each in found} & {"unreachable_default", "always_true"}
    assert bool(said_so) == (None not in reached) or (always and None not in reached)
    for each in found:
        if each.code == "overlapping_branches":
            data = {"a": 0, "b": 0} | {name: int(n) for name, n in re.findall(r"input\.(\w) is (-?\d+)", each.message)}
            numbers = [int(n) for n in re.findall(r"branch `b(\d+)`", each.message)]
            assert all(holds(conditions[n - 1], data) for n in numbers), each.message
            assert taken(conditions, data) == numbers[0], each.message


single = st.builds(lambda op, right: (op, ("a", right)), st.sampled_from(["GT", "GE", "LT", "LE"]), CONSTANTS)
bands = st.one_of(single, st.builds(lambda one, other: ("AND", (one, other)), single, single))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(bands, min_size=2, max_size=4))
def test_every_value_of_a_gap_takes_default_and_its_neighbours_do_not(conditions: list[Tree]) -> None:
    for each in proved(branching(*map(spelled, conditions), inputs=INPUTS)):
        if each.code != "hidden_gap":
            continue
        stretch = re.search(r"is (?:exactly (-?\d+)|from (-?\d+) to (-?\d+))", each.message)
        assert stretch is not None, each.message
        low, high = int(stretch[1] or stretch[2]), int(stretch[1] or stretch[3])
        inside = [taken(conditions, {"a": a, "b": 0}) for a in range(low, high + 1)]
        assert set(inside) == {None}, each.message
        assert None not in [taken(conditions, {"a": a, "b": 0}) for a in (low - 1, high + 1)], each.message
