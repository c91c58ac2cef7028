"""What a capability takes and promises, for the drivers that speak for it.

Knows: the catalog's parameters with their defaults, and which fields of an answer may be null. In: a capability.
Out: parameters filled in, answers as they were declared. Never: HTTP; drivers without it import no more than this.
"""

from __future__ import annotations

from collections.abc import Mapping

from eyeflow.catalog.model import Capability
from eyeflow.connectors import payload
from eyeflow.values import Json, Nullable, ObjectOf, Value


class Signature:
    """What a capability takes and promises, ready for every call."""

    def __init__(self, capability: Capability) -> None:
        self._name = capability.name
        self._known = frozenset(param.name for param in capability.params)
        self._open = tuple(
            (param.name, param.default, param.required)
            for param in capability.params
            if param.default is not None or param.required
        )
        returns = capability.returns
        self._nullable = None if not isinstance(returns, ObjectOf) else frozenset(
            field.name for field in returns.fields if not field.required or isinstance(field.type, Json | Nullable)
        )  # fmt: skip

    def filled(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """`params` with the catalog's defaults where nothing was given. Raises: CallError (`bad_value`) for unknown or
        missing parameters."""
        if not self._known.issuperset(params):
            name = next(name for name in params if name not in self._known)
            raise payload.bad_value(f"{self._name} has no parameter {name[:60]!a}")
        filled = dict(params)
        for name, default, required in self._open:
            if filled.get(name) is None:
                if default is not None:
                    filled[name] = default.value
                elif required:
                    raise payload.bad_value(f"{self._name} needs {name}")
        return filled

    def declared(self, value: Value) -> Value:
        """`value` without the nulls of promised fields whose type has no null: those are missing, and say so when they
        are read."""
        nullable = self._nullable
        if nullable is None or not isinstance(value, dict) or None not in value.values():
            return value
        return {name: item for name, item in value.items() if item is not None or name in nullable}


def defaults_filled(capability: Capability, params: Mapping[str, Value]) -> dict[str, Value]:
    """`Signature.filled`, for those who call seldom. Raises: CallError (`bad_value`)."""
    return Signature(capability).filled(params)


def declared(capability: Capability, value: Value) -> Value:
    """`Signature.declared`, for those who call seldom."""
    return Signature(capability).declared(value)
