"""A place in a service document, with typed questions to ask it.

Knows: how to take text, numbers, flags and lists from plain data, and how to say what is wrong where.
In: a `Document`. Out: Python values, and diagnostics collected in `Problems`.
Never: knows which keys a service has, stops at the first problem.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from eyeflow.catalog.reading import Document, Plain
from eyeflow.diagnostics import Diagnostic, Place, Report, Severity, nearest

MAX_PROBLEMS: Final = 100
MAX_TEXT: Final = 20_000
MAX_COMPARED: Final = 300

_SPOKEN: Final = {
    dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number",
    type(None): "nothing",
}  # fmt: skip


class Problems:
    """Findings of one document, in the order found, at most `MAX_PROBLEMS` of them."""

    __slots__ = ("errors", "found")

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.errors = 0

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep one finding, unless there are too many already."""
        self.errors += diagnostic.severity is Severity.ERROR
        if len(self.found) < MAX_PROBLEMS:
            self.found.append(diagnostic)
        elif len(self.found) == MAX_PROBLEMS:
            place = Place(source=diagnostic.place.source)
            self.found.append(Diagnostic("too_many_problems", f"more than {MAX_PROBLEMS} problems", place=place))

    @property
    def full(self) -> bool:
        """True when no more findings are kept, so that looking for hints is wasted."""
        return len(self.found) > MAX_PROBLEMS

    def report(self) -> Report:
        """All findings."""
        return Report(tuple(self.found))


class Node:
    """`value` at `key` of `parent`."""

    __slots__ = ("document", "key", "parent", "problems", "value")

    def __init__(
        self, document: Document, problems: Problems, value: Plain, parent: Node | None = None, key: str | int = ""
    ) -> None:
        self.document = document
        self.problems = problems
        self.value = value
        self.parent = parent
        self.key = key

    @property
    def path(self) -> str:
        """Where this is in the document: `capabilities.send_message.phrases[2]`."""
        parts: list[str] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            parts.append(f"[{node.key}]" if isinstance(node.key, int) else f".{node.key}")
            node = node.parent
        return "".join(reversed(parts)).removeprefix(".")

    @property
    def place(self) -> Place:
        """Where this is in the file."""
        if self.parent is None:
            known = bool(self.document.positions)
            return Place(source=self.document.source, line=1 if known else None, column=1 if known else None)
        return self.document.place(self.parent.value, self.key, self.path)

    def problem(self, code: str, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> None:
        """Report something about this place."""
        self.problems.add(Diagnostic(code, message, severity=severity, place=self.place, hint=hint))

    def warn(self, code: str, message: str, hint: str = "") -> None:
        """Report something that does not stop the loading."""
        self.problem(code, message, hint, Severity.WARNING)

    def wrong_type(self, wanted: str) -> None:
        """Report that this should have been something else."""
        name = f"`{self.key}`" if isinstance(self.key, str) and self.key else "this"
        self.problem("wrong_type", f"{name} must be {wanted}, not {_SPOKEN[type(self.value)]}")

    def closest(self, name: str, known: Iterable[str]) -> str | None:
        """The known name nearest to a mistaken one, looked for among so many that the search stays short."""
        if self.problems.full or len(name) > 200:
            return None
        close = nearest(name, islice(known, MAX_COMPARED), limit=1)
        return close[0] if close else None

    def child(self, key: str | int, value: Plain) -> Node:
        """The node of `value`, found at `key` of this."""
        return Node(self.document, self.problems, value, self, key)

    def get(self, key: str) -> Node | None:
        """The entry `key` of this mapping; None when absent or null."""
        if type(self.value) is not dict:
            return None
        value = self.value.get(key)
        return None if value is None else self.child(key, value)

    def has(self, key: str) -> bool:
        """True when the mapping has the key, even with null."""
        return type(self.value) is dict and key in self.value

    def is_mapping(self) -> bool:
        """True for a mapping; anything else is reported."""
        if type(self.value) is dict:
            return True
        self.wrong_type("a mapping")
        return False

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Keys and nodes of a mapping; anything else is reported and has none."""
        if self.is_mapping():
            assert type(self.value) is dict
            for key, value in self.value.items():
                yield key, self.child(key, value)

    def items(self) -> Iterator[Node]:
        """Nodes of a list; anything else is reported and has none."""
        if type(self.value) is list:
            for index, value in enumerate(self.value):
                yield self.child(index, value)
        else:
            self.wrong_type("a list")

    def only(self, known: frozenset[str], what: str) -> None:
        """Report keys outside `known`, each with the nearest known one."""
        if type(self.value) is not dict or self.value.keys() <= known:
            return
        for key in self.value:
            if self.problems.full:
                return
            if key not in known:
                close = self.closest(key, sorted(known))
                hint = "" if close else _listed(sorted(known))
                message = f"unknown key `{_short(key)}` in {what}" + (f", did you mean `{close}`?" if close else "")
                self.child(key, self.value[key]).problem("unknown_key", message, hint)

    def as_text(self, *, empty: bool = False, limit: int = MAX_TEXT) -> str | None:
        """This text; None after a report."""
        value = self.value
        if type(value) is not str:
            self.wrong_type("text")
            return None
        if not empty and not value.strip():
            self.problem("empty_text", f"`{self.key}` is empty")
            return None
        if len(value) > limit:
            self.problem("text_too_long", f"`{self.key}` is longer than {limit} characters")
            return None
        return value

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """The text at `key`, or `default`."""
        node = self.get(key)
        if node is None:
            if required:
                self.missing(key)
            return default
        found = node.as_text()
        return default if found is None else found

    def optional_text(self, key: str) -> str | None:
        """The text at `key`, or None."""
        node = self.get(key)
        return None if node is None else node.as_text()

    def missing(self, key: str) -> None:
        """Report that `key` should be there."""
        self.problem("missing_key", f"`{key}` is missing", f"add `{key}:`")

    def flag(self, key: str, default: bool) -> bool:
        """true or false at `key`."""
        node = self.get(key)
        if node is None:
            return default
        if type(node.value) is not bool:
            node.wrong_type("true or false")
            return default
        return node.value

    def integer(self, key: str, *, least: int = 0, most: int = 2**53) -> int | None:
        """The whole number at `key`."""
        node = self.get(key)
        if node is None:
            return None
        value = node.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            node.wrong_type("a whole number")
        elif not least <= value <= most:
            node.problem("out_of_range", f"`{key}` must be from {least} to {most}, not {value}")
        else:
            return value
        return None

    def number(self, key: str) -> float | None:
        """The number at `key`."""
        node = self.get(key)
        if node is None:
            return None
        if type(node.value) not in (int, float):
            node.wrong_type("a number")
            return None
        return float(node.value)  # type: ignore[arg-type]

    def choice(self, key: str, allowed: Iterable[str], default: str) -> str:
        """One of `allowed` at `key`."""
        node = self.get(key)
        if node is None:
            return default
        return node.one_of(tuple(allowed), default)

    def one_of(self, allowed: tuple[str, ...], default: str) -> str:
        """This, when it is one of `allowed`."""
        value = self.value
        if type(value) is not str:
            self.wrong_type(f"one of {', '.join(allowed)}")
        elif value in allowed:
            return sys.intern(
                value
            )  # what equals a default must be that very object: msgspec leaves it out by identity
        else:
            close = self.closest(value, allowed)
            hint = f"did you mean `{close}`?" if close else _listed(allowed)
            self.problem("unknown_value", f"`{_short(value)}` is not a known `{self.key}`", hint)
        return default

    def texts(self, key: str, *, limit: int = 2_000) -> tuple[str, ...]:
        """The list of texts at `key`."""
        node = self.get(key)
        if node is None:
            return ()
        found = (item.as_text(limit=limit) for item in node.items())
        return tuple(text for text in found if text is not None)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(known: Iterable[str]) -> str:
    return "known: " + ", ".join(known)
