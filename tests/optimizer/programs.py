"""Small tasks drawn by hypothesis: reads, writes, branches, loops, fallbacks, WHEN.

Two kinds, because what a run does must be certain before two runs can be compared. In a `chain` every action waits
for the one before, so the order of everything is certain, and what is written may change later answers. Otherwise
actions run side by side, and what one writes does not change what another reads.
"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from optimizer.world import World

HARD = ("x", "y", "general")
"""Ids and channels whose reads have no fallback when drawn so; in some worlds one of them fails for good, last of all:
what runs beside a failure gets as far as it gets."""

FALLBACK = 'FALLBACK THEN continue\n  VALUE {name: "nobody", score: 0, vip: false}'


class _Writer:
    """Writes the actions of one task; `people` and `lists` are the outputs in sight."""

    def __init__(self, draw: DrawFn, *, chain: bool) -> None:
        self._draw = draw
        self._chain = chain
        self._made = 0

    def actions(self, count: int, people: tuple[str, ...], depth: int) -> tuple[list[str], tuple[str, ...]]:
        """Lines of `count` actions, and the people in sight after them."""
        lines: list[str] = []
        before: str | None = None
        for _ in range(count):
            self._made += 1
            name = f"a{self._made}"
            kinds = ["read", "read", "read", "topic", "value", "write"]
            kinds += ["branch", "branch", "loop"] if depth < 2 else []
            body, output = getattr(self, f"_{self._pick(*kinds)}")(name, people, depth)
            lines += [f"ACTION {name}", *_indent([*body, *([f"AFTER {before}"] if self._chain and before else [])])]
            before = name
            people = (*people, output) if output else people
        return lines, people

    def _pick(self, *choices: str) -> str:
        return self._draw(st.sampled_from(choices))

    def _number(self, people: tuple[str, ...]) -> str:
        known = [f"{each}.score" for each in people]
        return self._pick("ADD(2, MUL(3, 4))", "input.n", "ADD(input.n, 1)", *known)

    def _condition(self, people: tuple[str, ...]) -> str:
        known = [f"{each}.vip" for each in people]
        return self._pick("input.flag", "GT(input.n, 3)", "AND(GT(2, 1), input.flag)", *known)

    def _id(self, people: tuple[str, ...]) -> str:
        return self._pick('"x"', '"x"', '"x"', '"y"', "input.key", *(f"{each}.name" for each in people))

    def _read(self, name: str, people: tuple[str, ...], depth: int) -> tuple[list[str], str]:
        del depth
        soft = self._draw(st.booleans())
        about = self._pick('"soft"', '"s"', '"soft"') if soft else self._id(people)
        lines = [*_call("crm", "find", f"id: {about}"), *(FALLBACK.split("\n") if soft else [])]
        return [*lines, f"OUTPUT o{name}"], f"o{name}"

    def _topic(self, name: str, people: tuple[str, ...], depth: int) -> tuple[list[str], str]:
        del people, depth
        lines = _call("chat", "topic", 'channel: "general"')
        when = self._draw(st.booleans())
        return [*lines, *(["WHEN input.flag"] if when else ["ON_ERROR continue"]), f"OUTPUT o{name}"], ""

    def _value(self, name: str, people: tuple[str, ...], depth: int) -> tuple[list[str], str]:
        del depth
        number = self._number(people)
        said = self._pick(
            "input.n", f"ADD({number}, 1)", f"DIV({number}, input.n)", f"IF(GT({number}, 4), 1, 2)", "DIV(1, SUB(2, 2))"
        )
        if "SUB" in said and not self._chain:
            said = "ADD(1, 1)"
        return ["TYPE transform", f"VALUE {said}", f"OUTPUT o{name}"], ""

    def _write(self, name: str, people: tuple[str, ...], depth: int) -> tuple[list[str], str]:
        del depth
        about = "".join(f" {{{each}.name}} {{{each}.score}}" for each in people[-2:])
        more = [f"WHEN {self._condition(people)}"] if self._draw(st.integers(0, 3)) == 0 else []
        sum_ = "TO_STRING(ADD(2, MUL(3, 4)))"
        text = self._pick(f'"{name}{about}"', f'"{name}{about}"', f'CONCAT("{name} ", {sum_})')
        service, function = self._pick("crm.note", "crm.note", "chat.send").split(".")
        return [*_call(service, function, f"text: {text}"), *more], ""

    def _branch(self, name: str, people: tuple[str, ...], depth: int) -> tuple[list[str], str]:
        lines = ["TYPE conditional"]
        for _ in range(self._draw(st.integers(1, 2))):
            inner, _ = self.actions(self._draw(st.integers(1, 2)), people, depth + 1)
            lines += [f"CONDITION {self._condition(people)}", *_indent([f"BRANCH b{self._made}", *_indent(inner)])]
        inner, _ = self.actions(1, people, depth + 1)
        nothing = self._draw(st.booleans())
        return [*lines, "DEFAULT", *_indent(["NOTHING"] if nothing else inner), f"OUTPUT o{name}"], ""

    def _loop(self, name: str, people: tuple[str, ...], depth: int) -> tuple[list[str], str]:
        item = f"i{name}"
        source = self._pick("input.people", "input.people", "input.nobody")
        where = self._pick("", "", f" WHERE GT({item}.score, 4)")
        parallel = self._pick("", "", " PARALLEL 2")
        self._made += 1
        first = f"a{self._made}"
        read = [f"ACTION {first}", *_indent([*_call("crm", "find", f"id: {self._id(people)}"), f"OUTPUT o{first}"])]
        seen = (*people, item, f"o{first}") if self._draw(st.booleans()) else (*people, item)
        reads = seen[-1] != item
        inner, _ = self.actions(self._draw(st.integers(1, 2)), seen, depth + 1)
        inner = inner if self._draw(st.booleans()) else []
        self._made += 1
        said = f'text: "{{{item}.name}}{f" {{{seen[-1]}.name}}" if reads else ""} in {name}"'
        last = [f"ACTION a{self._made}", *_indent(_call(self._pick("crm", "chat"), "", said))]
        last = [line.replace("FUNCTION ", "FUNCTION note" if "crm" in last[2] else "FUNCTION send") for line in last]
        body = self._in_a_row([*(read if reads else []), *inner, *last])
        head = ["TYPE foreach", f"EACH {item} IN {source}{where}{parallel}"]
        return [*head, *body, f"OUTPUT o{name}"], ""

    def _in_a_row(self, lines: list[str]) -> list[str]:
        """The actions of a loop's body, each after the one before it where all are to be in a row."""
        starts = [at for at, line in enumerate(lines) if line.startswith("ACTION ")]
        parts = [lines[at:end] for at, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
        for one, two in pairwise(parts if self._chain else []):
            if not any(line.startswith("  AFTER ") for line in two):
                two.append(f"  AFTER {one[0].removeprefix('ACTION ')}")
        return [line for part in parts for line in part]


def _call(service: str, function: str, params: str) -> list[str]:
    return ["TYPE connector_call", f"CONNECTOR {service}", f"FUNCTION {function}", f"PARAMS {{{params}}}"]


def _indent(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


_PEOPLE = "list<object{name: string, score: integer, vip: boolean}>"


@st.composite
def sources(draw: DrawFn, *, chain: bool) -> str:
    """The text of a task."""
    writer = _Writer(draw, chain=chain)
    lines, people = writer.actions(draw(st.integers(2, 6)), (), 0)
    names = draw(st.lists(st.sampled_from(people), unique=True)) if people else []
    returned = f"[{', '.join(f'{each}.name' for each in names)}]" if names else "input.n"
    head = ["TASK t", "  DEADLINE 25d", "  EXPIRES 90d", "  INPUT n integer", "  INPUT flag boolean",
            "  INPUT key string", f"  INPUT people {_PEOPLE}", f"  INPUT nobody {_PEOPLE}"]  # fmt: skip
    return "\n".join([*head, *_indent(lines), f"  RETURN {returned}"]) + "\n"


@st.composite
def worlds(draw: DrawFn, *, chain: bool) -> World:
    """A world in which a run of such a task is certain."""
    people = [{"name": name, "score": draw(st.integers(0, 9)), "vip": draw(st.booleans())} for name in ("ann", "bob")]
    given: dict[str, object] = {"n": draw(st.integers(0 if chain else 1, 6)), "flag": draw(st.booleans()), "nobody": [],
                                "key": draw(st.sampled_from(["x", "z"])), "people": people}  # fmt: skip
    soft = draw(st.sets(st.sampled_from(["soft", "s"])))
    hard = draw(st.sets(st.sampled_from(HARD), max_size=1))
    return World(fails=frozenset(soft), slow=frozenset(hard), moving=chain, input=given)  # type: ignore[arg-type]
