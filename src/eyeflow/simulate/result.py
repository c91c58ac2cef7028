"""What a simulation has to say: the documented result line.

Knows: the JSON form of results. In: nothing. Out: structs that `msgspec.json.encode` writes as documented.
Never: decides anything.

Beyond the documented keys, present only when there is something to say: `warnings` and `error` of a result;
`task` and `iteration` of a call; `error`, `response`, `logs`, `emitted`, `approvals` of a scenario, and `outcome`,
`questions`, `refusals` of a scenario whose own context or answers gave no program.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from eyeflow.frontend.intent import Intent, Question, Refusal
from eyeflow.svm import Status

JsonValue: TypeAlias = Any
"""A run-time value as JSON writes it."""

Outcome: TypeAlias = Literal["program", "questions", "refused"]


class CallLine(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one call. `action` is the path of action names, `at_ms` simulated milliseconds since the start,
    `error` the code it failed with. `task` names the task of a call that is not the request's own; `iteration` counts
    the loop items it ran in, from 0, outermost first."""

    action: str
    service: str
    function: str
    params: dict[str, JsonValue]
    attempt: int
    at_ms: int
    error: str | None = None
    task: str | UnsetType = UNSET
    iteration: str | UnsetType = UNSET


class ApprovalLine(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked what; `approved` is None when nobody answered in time."""

    action: str
    role: str
    message: str
    approved: bool | None


class EmittedLine(msgspec.Struct, frozen=True, kw_only=True):
    """An event the program published."""

    topic: str
    value: JsonValue


class ResponseLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller of the webhook got."""

    status: int
    body: JsonValue


class ScenarioResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the program did in one scenario. `fires`: the next five instants, None when no trigger is a time.
    `status` is None when nothing ran."""

    fires: tuple[str, ...] | None = None
    triggered: bool = False
    status: Status | None = None
    calls: tuple[CallLine, ...] = ()
    output: JsonValue = None
    error: str | UnsetType = UNSET
    response: ResponseLine | UnsetType = UNSET
    logs: tuple[str, ...] | UnsetType = UNSET
    emitted: tuple[EmittedLine, ...] | UnsetType = UNSET
    approvals: tuple[ApprovalLine, ...] | UnsetType = UNSET
    outcome: Outcome | UnsetType = UNSET
    questions: tuple[Question, ...] | UnsetType = UNSET
    refusals: tuple[Refusal, ...] | UnsetType = UNSET


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `outcome`, `intent`, `questions` and `refusals` are those of the request before any answer, under the
    first scenario's now and profile; `intent` is None for LLM-IR text."""

    id: str
    outcome: Outcome
    intent: Intent | None
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    scenarios: tuple[ScenarioResult, ...] = ()
    warnings: tuple[str, ...] | UnsetType = UNSET


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The result line of a case that could not be simulated."""

    id: str
    error: str
