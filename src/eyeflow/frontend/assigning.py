"""`set its Status field to Done`, `write the URL to the row's Link field`: one named field of a record and its value.

Knows: how people say that a field whose name the catalog does not know gets a value (`data/lists.yaml`). In: an entry
that takes fields as an object, the items of a clause. Out: the field's name, the words of its value, and the words left
for the rest. Never: reads the value (that is content's).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as said_words
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import Field, Json, non_null

_SETTING: Final = frozenset({"set", "change", "update", "switch", "fill", "mark"})
_WRITING: Final = frozenset({"write", "put", "save", "store", "add", "copy", "record", "log", "enter"})
_PLACES: Final = frozenset({"to", "in", "into", "under", "with"})
_KINDS: Final = frozenset({"field", "column", "property", "cell", "attribute"})
_LONGEST: Final = 4
"""Words of a field's name."""


class Assigned(msgspec.Struct, frozen=True, eq=False):
    """`param` takes an object in which `name` is what `value` says; `rest` are the other words of the clause, `used`
    the indexes of those that say the assignment."""

    param: Field
    name: str
    value: tuple[Item, ...]
    rest: tuple[Item, ...]
    used: frozenset[int]


def read(entry: Entry, items: Sequence[Item]) -> Assigned | None:
    """The one field that the clause gives a value; None where it does not, or the service has no such object."""
    param = next((p for p in entry.spec.params if p.name in words("lists", "objects") and _free(p)), None)
    if param is None or entry.reads or entry.is_trigger or len(items) < 4:
        return None
    verb = items[0].lower
    to = next((k for k in range(2, len(items) - 1) if items[k].lower in _PLACES), None)
    if verb in _SETTING and to is not None and items[to].lower == "to":
        return _assigned(param, items, range(1, to), range(to + 1, len(items)))
    led = next((k for k in range(1, len(items) - 2) if items[k].lower == "with"), None)
    if verb in _SETTING and led is not None and items[-1].is_literal:
        return _assigned(param, items, range(led + 1, len(items) - 1), range(len(items) - 1, len(items)))
    last = max((k for k in range(2, len(items) - 1) if items[k].lower in _PLACES), default=None)
    if verb in _WRITING and last is not None and any(i.lower in _KINDS for i in items[last:]):
        end = last - (items[last - 1].lower == "back")
        return _assigned(param, items, range(last + 1, len(items)), range(1, end))
    return None


def _free(param: Field) -> bool:
    return isinstance(non_null(param.type), Json)


def _assigned(param: Field, items: Sequence[Item], named: range, value: range) -> Assigned | None:
    name = _name([items[k] for k in named])
    held = tuple(items[k] for k in value)
    if name is None or not held:
        return None
    used = frozenset(items[k].index for k in (*named, *value))
    spoken = {items[k].index for k in (*named, *value)}
    rest = tuple(i for i in items if i.index not in spoken and i.lower not in (*_PLACES, "back"))
    return Assigned(param, name, held, rest, used | {i.index for i in items[1:] if i.lower in (*_PLACES, "back")})


def _name(said: Sequence[Item]) -> str | None:
    """`the record's Link field`, `its Status`, `the Link field of the record`: the field's own name."""
    kind = next((k for k, i in enumerate(said) if i.lower in _KINDS), None)
    of = next((k for k, i in enumerate(said) if i.lower in ("of", "on", "for")), None)
    end = kind if kind else of if of is not None else len(said)
    held = [i for i in said[:end] if i.lower not in said_words("determiners")]
    owner = next((k for k in range(len(held) - 1, -1, -1) if held[k].lower.endswith("'s")), None)
    held = held[owner + 1 :] if owner is not None else held
    if kind == 0 or (kind is not None and not held):
        held = [i for i in said[kind + 1 :] if i.lower not in said_words("determiners")]  # `the field Status`
    if not 0 < len(held) <= _LONGEST or not all(i.is_word or i.kind == "quoted" for i in held):
        return None
    return " ".join(i.text if i.kind != "quoted" else str(i.value) for i in held)
