"""What the catalog says of deliveries and polls, prepared: expressions become functions.

Knows: the roots such expressions read. In: `WebhookSource`, `PollSource`. Out: `Reading`, `Polling`. Never: a second
evaluator or template language: those of the connectors are used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from eyeflow.catalog.model import PollSource, TriggerKind, WebhookSource
from eyeflow.connectors import payload
from eyeflow.connectors.formulas import Formula, formula, outline
from eyeflow.connectors.templates import Roots, prepare
from eyeflow.errors import RunError
from eyeflow.values import Json, Nullable, ObjectOf, Type, Value

_DELIVERED: Final = ("headers", "body")
_POLLED: Final = ("item", "params")

Params: TypeAlias = dict[str, Value]


class Reading:
    """How a delivery of one kind of event is read. Raises: CallError `bad_mapping` for expressions that are none."""

    def __init__(self, source: WebhookSource, of: Type) -> None:
        self._id = _maybe(source.id, _DELIVERED)
        self._match = _maybe(source.match, _DELIVERED)
        self._payload = None if source.payload is None else outline(source.payload, _DELIVERED)
        self._of = of

    def identity(self, roots: Roots) -> str | None:
        """The delivery's own id; None when it has none."""
        try:
            found = None if self._id is None else self._id(roots)
        except RunError:
            return None
        return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None

    def matches(self, roots: Roots) -> bool:
        """Whether a delivery is of this kind; one that cannot be read as one is not."""
        try:
            return self._match is None or self._match(roots) is True
        except RunError:
            return False

    def payload(self, roots: Roots) -> Value:
        """What the program receives as `trigger`. Raises: RunError when the delivery has no such thing."""
        return roots["body"] if self._payload is None else promised(self._of, self._payload(roots))


class Polling:
    """How the answer of a poll is read. `grows`: its key is a cursor; otherwise an identity.

    Raises: CallError `bad_mapping` for templates and expressions that are none.
    """

    def __init__(self, source: PollSource, kind: TriggerKind) -> None:
        self.source = source
        self.grows = source.cursor is not None
        names = frozenset(param.name for param in kind.params)
        self._params = payload.filler(_tree(msgspec.json.decode(source.params), names))
        self._items = formula(source.items, ("result",))
        self._key = formula(source.cursor or source.identity or "null", _POLLED)
        self._payload: Formula | None = None if source.payload is None else outline(source.payload, _POLLED)
        self._of = kind.payload

    def asked(self, params: Params) -> Params:
        """The parameters of the read."""
        filled = self._params({"params": params})
        return filled if isinstance(filled, dict) else {}

    def items(self, result: Value) -> list[Value]:
        """The list in an answer. Raises: RunError when there is none."""
        found = self._items({"result": result})
        if not isinstance(found, list | tuple):
            raise RunError("type_mismatch", "the answer of the poll has no list of items")
        return list(found)

    def key(self, item: Value, params: Params) -> Value:
        """The cursor or identity of an item. Raises: RunError."""
        return self._key({"item": item, "params": params})

    def payload(self, item: Value, params: Params) -> Value:
        """What the program receives as `trigger`. Raises: RunError."""
        if self._payload is None:
            return item
        return promised(self._of, self._payload({"item": item, "params": params}))


@lru_cache(maxsize=1024)
def reading(source: WebhookSource, of: Type) -> Reading:
    """The prepared form, once per process."""
    return Reading(source, of)


@lru_cache(maxsize=1024)
def polling(source: PollSource, kind: TriggerKind) -> Polling:
    """The prepared form, once per process."""
    return Polling(source, kind)


def promised(of: Type, value: Value) -> Value:
    """`value` without the nulls of fields that are promised and cannot be null: those are missing, and say so when
    they are read."""
    if not isinstance(value, dict) or not isinstance(of, ObjectOf):
        return value
    kept = {field.name for field in of.fields if not field.required or isinstance(field.type, Json | Nullable)}
    return {name: item for name, item in value.items() if item is not None or name in kept}


def _maybe(text: str | None, roots: tuple[str, ...]) -> Formula | None:
    return None if text is None else formula(text, roots)


def _tree(value: Value, names: frozenset[str]) -> payload.Tree:
    match value:
        case str():
            return prepare(value, names)
        case dict():
            return {key: _tree(item, names) for key, item in value.items()}
        case list():
            return [_tree(item, names) for item in value]
        case None | bool() | int() | float():
            return value
    raise AssertionError("the parameters of a poll are JSON")
