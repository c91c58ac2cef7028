"""`ExecutionContext`: what one run works with, as the seed draws it, immutable.

Knows: the six fields. In: how a run began and what happened in it. Out: read-only mappings.
Never: lets a field, an input or an assigned result change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from eyeflow.connectors.port import Connector
from eyeflow.svm.executable import Executable
from eyeflow.svm.journal import Event, RunStarted, StepFinished
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


def surroundings(executable: Executable, head: RunStarted, events: Iterable[Event]) -> ExecutionContext:
    """What a run of `executable` worked with, as far as its events tell."""
    results = Results()
    top = {step.action: step.name for step in executable.code.root.steps}
    for event in events:
        if isinstance(event, StepFinished) and event.action in top:
            results.assign(top[event.action], event.value)
    inputs = head.inputs
    assert isinstance(inputs, dict), "inputs are an object"
    return ExecutionContext(
        task_id=executable.task,
        execution_id=head.execution_id,
        inputs=MappingProxyType(dict(inputs)),
        intermediate_results=results,
        connectors=executable.connectors,
        deadline_ms=executable.limits.deadline_ms,
    )
