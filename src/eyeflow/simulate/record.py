"""What happened in a simulated run, read from its journal.

Knows: which events are calls, answers, log lines, published events, approvals. In: journal batches, the script's
record of parameters. Out: the parts of a `ScenarioResult`. Never: runs anything.

The journal says which action called, which attempt it was and when; the script says with which parameters. They meet
by the digest of the parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.scripted import Script
from eyeflow.ir.codegen.actions import RESPOND
from eyeflow.ir.functions.lists import plain
from eyeflow.simulate.people import responding_service
from eyeflow.simulate.result import ApprovalLine, CallLine, EmittedLine, ResponseLine
from eyeflow.svm import wire
from eyeflow.svm.journal import (
    ApprovalAsked,
    ApprovalGiven,
    EffectFailed,
    EffectStarted,
    Event,
    EventEmitted,
    LogWritten,
    Responded,
    RunStarted,
    StepFailed,
)
from eyeflow.values import Value


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """All that several runs of one scenario did, in the order of simulated time."""

    calls: tuple[CallLine, ...] = ()
    response: ResponseLine | None = None
    logs: tuple[str, ...] = ()
    emitted: tuple[EmittedLine, ...] = ()
    approvals: tuple[ApprovalLine, ...] = ()


class Reading:
    """Reads the runs of one scenario that began at `start`; `own` is the name of the request's own task."""

    def __init__(self, script: Script, catalog: Catalog, start: datetime, own: str) -> None:
        self._start = start
        self._own = own
        service = responding_service(catalog)
        self._responds = "webhook" if service is None else service.id
        self._known = {
            (call.connection, call.function, wire.digest(_value(call.params))): (call.service, call.params)
            for call in script.calls
        }

    def record(self, runs: Sequence[tuple[Event, ...]]) -> Record:
        """The record of `runs`, the request's own first."""
        calls: list[tuple[int, CallLine]] = []
        logs: list[str] = []
        emitted: list[EmittedLine] = []
        approvals: list[ApprovalLine] = []
        response = None
        for events in runs:
            head = events[0]
            assert isinstance(head, RunStarted), "a journal begins with the start of the run"
            calls += self._calls(head, events)
            approvals += _approvals(events)
            for event in events:
                if isinstance(event, LogWritten):
                    logs.append(event.text)
                elif isinstance(event, EventEmitted):
                    emitted.append(EmittedLine(topic=event.topic, value=plain(event.value)))
                elif isinstance(event, Responded):
                    response = ResponseLine(status=event.status, body=plain(event.body))
        calls.sort(key=lambda pair: pair[0])
        return Record(
            calls=tuple(line for _, line in calls), response=response, logs=tuple(logs), emitted=tuple(emitted),
            approvals=tuple(approvals),
        )  # fmt: skip

    def _calls(self, head: RunStarted, events: tuple[Event, ...]) -> list[tuple[int, CallLine]]:
        offset_us = round((head.now - self._start).total_seconds() * 1_000_000)
        task = UNSET if head.task == self._own else head.task
        failed = {
            (event.action, event.iteration, event.attempt): event.code
            for event in events
            if isinstance(event, EffectFailed)
        }
        found: list[tuple[int, CallLine]] = []
        for event in events:
            at_us = offset_us + event.at_us
            if isinstance(event, EffectStarted):
                known = self._known.get((event.connection, event.capability, event.request))
                if known is None:
                    continue  # given up before it left
                service, params = known
                found.append((at_us, CallLine(
                    action=event.action, service=service, function=event.capability, params=_json(params),
                    attempt=event.attempt, at_ms=at_us // 1000, task=task, iteration=event.iteration or UNSET,
                    error=failed.get((event.action, event.iteration, event.attempt)),
                )))  # fmt: skip
            elif isinstance(event, Responded):
                found.append((at_us, CallLine(
                    action=event.action, service=self._responds, function=RESPOND,
                    params=_json({"status": event.status, "body": event.body}), attempt=1, at_ms=at_us // 1000,
                    task=task, iteration=event.iteration or UNSET, error=_refused(event, events),
                )))  # fmt: skip
        return found


def _value(params: object) -> Value:
    assert isinstance(params, dict), "connectors receive an object"
    return params


def _json(params: object) -> dict[str, Value]:
    """Parameters as JSON; an absent one and a null one are the same to a service."""
    made = plain(_value(params))
    assert isinstance(made, dict)
    return made


def _refused(answer: Responded, events: tuple[Event, ...]) -> str | None:
    """The code with which handing over an answer failed."""
    for event in events:
        if isinstance(event, StepFailed) and (event.action, event.iteration) == (answer.action, answer.iteration):
            return event.code
    return None


def _approvals(events: tuple[Event, ...]) -> list[ApprovalLine]:
    given = {(event.action, event.iteration): event.approved for event in events if isinstance(event, ApprovalGiven)}
    return [
        ApprovalLine(
            action=event.action, role=event.role, message=event.message,
            approved=given.get((event.action, event.iteration)),
        )
        for event in events
        if isinstance(event, ApprovalAsked)
    ]  # fmt: skip
