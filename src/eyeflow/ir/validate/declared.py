"""Types as a program declares them: whether they are types at all.

Knows: the lattice. In: any decoded type, not too deep. Out: what is wrong, in words. Never: looks at values.
"""

from __future__ import annotations

from eyeflow import units
from eyeflow.conform import pattern_problem
from eyeflow.values import SCALARS, Field, ListOf, MapOf, Null, Nullable, ObjectOf, Scalar, Type


def wrong_type(of: Type) -> str | None:
    """The first thing wrong with `of`: a scalar nobody knows, a unit where none can be or that nobody knows, `T??`,
    `null?`, a field named twice, a pattern that is none; None when it is a type."""
    stack: list[Type] = [of]
    while stack:
        match stack.pop():
            case Scalar(name, unit):
                if name not in SCALARS:
                    return f"there is no type {name[:40]!r}"
                if unit is not None and (name not in ("integer", "number") or units.lookup(unit) is None):
                    return f"{name} has no unit {unit[:40]!r}"
            case Nullable(inner):
                if isinstance(inner, Nullable | Null):
                    return "a nullable type holds one that is null already"
                stack.append(inner)
            case ListOf(inner) | MapOf(inner):
                stack.append(inner)
            case ObjectOf(fields):
                if len({field.name for field in fields}) != len(fields):
                    return "an object names a field twice"
                for field in fields:
                    if (wrong := _wrong_field(field)) is not None:
                        return wrong
                    stack.append(field.type)
            case _:
                pass
    return None


def _wrong_field(field: Field) -> str | None:
    if field.items is not None:
        if field.items.items is not None:
            return f"the items of {field.name[:40]!r} constrain items of their own"
        if (wrong := _wrong_field(field.items)) is not None:
            return wrong
    if field.pattern is not None and (why := pattern_problem(field.pattern)) is not None:
        return f"the pattern of {field.name[:40]!r} is none: {why[:100]}"
    return None
