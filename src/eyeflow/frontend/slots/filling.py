"""The state of filling one entry's parameters, and what every cue asks of it.

Knows: which parameters are open, which items are used, where names of services stand. In: an entry, items, a scope.
Out: parameters. Never: a cue of its own; those are in `by_name`, `by_kind` and `by_place`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.values_said import element, fits, is_code, text_for
from eyeflow.frontend.vocabulary import Entry, split_name
from eyeflow.values import Field, Scalar


class Filled(msgspec.Struct, frozen=True, eq=False):
    """Parameters found. `used` are item indexes accounted for; `by_name` counts parameters tied by a strong cue;
    `unsaid` are words that ask for something no parameter was given for, though one is there."""

    params: dict[str, JsonValue]
    used: frozenset[int]
    strong: int
    assumed: tuple[tuple[str, JsonValue, str], ...] = ()
    unsaid: frozenset[int] = frozenset()


class Filling:
    """One entry being filled; cues change it, strongest first."""

    def __init__(self, entry: Entry, items: Sequence[Item], scope: Scope) -> None:
        self.entry = entry
        self.items = items
        self.scope = scope
        self.params: dict[str, JsonValue] = {}
        self.used: set[int] = set()
        self.strong = 0
        self.assumed: list[tuple[str, JsonValue, str]] = []
        self.own = {entry.service.id, entry.service.title.casefold(), *entry.service.aliases}
        self.named, self.foreign, self.compound = self._service_words()

    def _service_words(self) -> tuple[set[int], set[int], set[int]]:
        """Positions of this service's name, of other services' names written as names, and of this one's names that
        are several words."""
        lowered = [i.lower for i in self.items]
        found: set[int] = set()
        others: set[int] = set()
        compound: set[int] = set()
        for at in range(len(lowered)):
            name = self.scope.vocab.name_at(lowered, at)
            if name is not None and self.entry.service.id in name.services:
                found.update(range(at, at + name.length))
                compound.update(range(at, at + name.length) if name.length > 1 else ())
            elif name is not None and (self.items[at].proper or name.length > 1):
                others.update(range(at, at + name.length))
        return found, others, compound

    def filled(self) -> Filled:
        """What has been found so far."""
        used = frozenset(self.items[i].index for i in self.used)
        return Filled(self.params, used, self.strong, tuple(self.assumed))

    def open(self, *, content: bool = False) -> list[Field]:
        """Parameters without a value, in declaration order; content ones only when asked for."""
        return [p for p in self.entry.spec.params if p.name not in self.params and (content or p.role != "content")]

    def put(self, param: Field, value: JsonValue, positions: Sequence[int], *, strong: bool = True) -> None:
        if param.name in self.params and isinstance(self.params[param.name], list) and isinstance(value, list):
            self.params[param.name] = [*self.params[param.name], *value]
        else:
            self.params[param.name] = value
        self.used.update(positions)
        self.strong += strong

    def free(self, at: int) -> bool:
        return 0 <= at < len(self.items) and at not in self.used

    def name_run(self, at: int, step: int = 1) -> list[int]:
        """Positions of a value at `at`: one literal, or a run of capitalised words, going in direction `step`."""
        if not self.free(at):
            return []
        item = self.items[at]
        if item.is_literal and item.kind not in ("number", "ordinal", "quantity", "money", "percent"):
            return [at]
        run: list[int] = []
        while self.free(at) and self.items[at].is_word and self.is_name(at):
            run.append(at)
            at += step
        return sorted(run)

    def is_name(self, at: int) -> bool:
        item = self.items[at]
        return item.proper and not item.is_stop and at not in self.named and at not in self.foreign

    def value_of(self, param: Field, run: Sequence[int]) -> JsonValue | None:
        held = [self.items[i] for i in run]
        if len(held) == 1 and held[0].is_literal:
            direct = fits(param, held[0])
            if direct is not None:
                return direct
            if held[0].kind in ("number", "quantity", "money", "percent", "url", "email", "phone", "channel"):
                return None
        if len(held) > 1 and held[-1].lower in self.own and not held[-1].proper and is_container(param):
            return None  # `the shared drive`: the service's own name, and not a place in it
        return text_for(param, held, self.scope.text)


_FILES = ("file", "files", "attachments", "attachment", "images", "documents")


def is_identity(param: Field) -> bool:
    """A parameter that takes an identifier, code or a file's content: no plain word is one."""
    if is_code(param) or param.entity == "file" or param.name in _FILES:
        return True
    stems = split_name(param.name)
    return stems[-1] in ("id", "timestamp", "ts") and (len(stems) > 1 or stems[-1] != "id")


def is_container(param: Field) -> bool:
    """A required text parameter that names where something is kept, rather than what is said."""
    kept = param.entity in (None, "file", "topic") or (param.entity or "").endswith("_project")
    return param.required and is_plain_text(param) and kept


def is_plain_text(param: Field) -> bool:
    held = element(param)
    return (
        isinstance(held, Scalar)
        and held.name == "string"
        and not param.enum
        and param.role != "content"
        and (param.entity not in ("email", "phone", "url", "slack_channel", "repo", "person"))
    )


def is_plural(word: str) -> bool:
    return word.endswith("s") and stem(word) != word
