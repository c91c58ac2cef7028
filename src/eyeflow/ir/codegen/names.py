"""What names mean at one point of a program.

Knows: roots, outputs, loop and binder items as registers with types. In: a Task and its context. Out: `Names`.
Never: checks that a name exists; the checker did.
"""

from __future__ import annotations

import msgspec

from eyeflow.values import JSON, Json, ListOf, MapOf, Nullable, ObjectOf, Type, non_null, nullable


class Name(msgspec.Struct, frozen=True):
    """A register and the type of what is in it."""

    register: int
    type: Type


class Names:
    """Names in scope; `with_` gives a larger one and leaves this one alone."""

    def __init__(self, known: dict[str, Name]) -> None:
        self._known = known

    def with_(self, name: str, register: int, of: Type) -> Names:
        """These names and one more, which hides an older one of the same name."""
        return Names({**self._known, name: Name(register, of)})

    def find(self, name: str) -> Name:
        """The meaning of a name.

        Raises:
            KeyError: nobody defined it: the Task was not checked.
        """
        return self._known[name]


def inside(of: Type, step: str | int) -> tuple[Type, bool]:
    """The type one step into `of`, and whether the step is promised to succeed."""
    promised = not isinstance(of, Nullable)
    match non_null(of), step:
        case ObjectOf() as shape, str():
            field = shape.field(step)
            if field is None:
                return nullable(JSON), False
            sure = promised and field.required
            return (field.type if sure else nullable(field.type)), sure
        case MapOf(value), str():
            return nullable(value), False
        case ListOf(item), int():
            return nullable(item), False
        case Json(), _:
            return nullable(JSON), False
        case _:
            return nullable(JSON), False
