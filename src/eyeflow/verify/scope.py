"""Names where one stands, and what is declared of the paths through them.

Knows: roots, outputs, loop items. In: a checked task and its context. Out: `Names`. Never: judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TypeAlias

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.codegen.roots import input_type, me_type, payload_type, trigger_type
from eyeflow.ir.task import Task, Trigger
from eyeflow.ir.types import item_of
from eyeflow.values import TIMESTAMP, Json, ListOf, MapOf, Nullable, ObjectOf, Type, non_null
from eyeflow.verify.terms import Declared, Root

Names: TypeAlias = Mapping[str, Root]


class Scopes:
    """Gives every name of one task a key of its own."""

    def __init__(self, task: Task, ctx: CompileContext) -> None:
        self._keys = count(1)
        self._ctx = ctx
        self.roots: Names = {
            "trigger": self._root(trigger_type(task, ctx)), "input": self._root(input_type(task.inputs)),
            "me": self._root(me_type(ctx)), "now": self._root(TIMESTAMP),
        }  # fmt: skip

    def _root(self, of: Type | None) -> Root:
        return Root(next(self._keys), of)

    def having(self, names: Names, name: str | None, of: Type | None) -> Names:
        """`names` and one more."""
        return names if name is None else {**names, name: self._root(of)}

    def looping(self, names: Names, item: str, source: Type | None) -> Names:
        """`names` and the item of a list."""
        return self.having(names, item, item_of(non_null(source)) if source is not None else None)

    def filtering(self, trigger: Trigger) -> Names:
        """The names the WHERE of one trigger sees: its own payload under the key of the task's."""
        return {**self.roots, "trigger": Root(self.roots["trigger"].key, payload_type(trigger, self._ctx))}


def declared(root: Root | None, path: tuple[str | int, ...]) -> Declared:
    """What is declared of a path; of the last field on it, when it ends in one."""
    of, field = (root.type if root is not None else None), None
    missing = False
    for step in path:
        if of is None:
            return Declared()
        missing = missing or isinstance(of, Nullable)
        match non_null(of):
            case ObjectOf() as held:
                field = held.field(str(step))
                of = field.type if field is not None else None
                missing = missing or field is None or not field.required
            case ListOf(inner) | MapOf(inner):
                field, of, missing = None, inner, True
            case _:
                return Declared()
    return Declared() if of is None else Declared(of, field, missing or isinstance(of, Nullable | Json))
