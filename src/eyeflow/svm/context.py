"""`ExecutionContext`: what one run works with, as the seed draws it, immutable.

Knows: the six fields. In: values at the start, one result per finished action. Out: read-only mappings.
Never: lets a field, an input or an assigned result change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec

from eyeflow.connectors.port import Connector
from eyeflow.values import Value

DEFAULT_DEADLINE_MS = 100
"""The seed's default of `DEADLINE`."""


class Results(Mapping[str, Value]):
    """Outputs of the top-level actions that finished, by action name; each is assigned once, by the machine."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return f"Results({', '.join(self._held)})"

    def assign(self, name: str, value: Value) -> None:
        """The machine's: keep the result of `name`. Raises: AssertionError when it already has one."""
        assert name not in self._held, f"{name} already has its result"
        self._held[name] = value


class ExecutionContext(msgspec.Struct, frozen=True, kw_only=True):
    """One run's surroundings. `deadline_ms` counts active time; connectors are live and shared, by connection."""

    task_id: str
    execution_id: str
    inputs: Mapping[str, Value]
    intermediate_results: Mapping[str, Value]
    connectors: Mapping[str, Connector]
    deadline_ms: int = DEFAULT_DEADLINE_MS


def frozen_mapping(values: Mapping[str, Value]) -> Mapping[str, Value]:
    """A read-only view of a copy."""
    return MappingProxyType(dict(values))
