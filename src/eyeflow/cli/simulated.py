"""A simulation on a terminal: what was understood, the read-back, when it fires, what it called.

Knows: how results look to people. In: a case and its result. Out: text on stdout, tables and colour on terminals only.
Never: prints a control character that came from a request or a service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eyeflow.catalog.model import Catalog, Connection
from eyeflow.frontend.intent import Intent, Question, Refusal
from eyeflow.frontend.readback import read_back
from eyeflow.simulate.events import example, waiting
from eyeflow.simulate.request import Request, compile_request, context
from eyeflow.simulate.result import CallLine, Result, ScenarioResult
from eyeflow.simulate.scenario import Case, Scenario

_LONGEST = 300


def show(case: Case, result: Result, catalog: Catalog, connections: tuple[Connection, ...]) -> None:
    """Print what `result` says of `case`, scenario by scenario."""
    console = Console(highlight=False, soft_wrap=True)
    if not result.scenarios:
        if result.intent is not None:
            _line(console, _summary(result.intent), "bold")
        _open(console, result.questions, result.refusals)
    for index, scenario in enumerate(result.scenarios):
        if len(result.scenarios) > 1:
            _line(console, f"\nScenario {index + 1}", "bold")
        world = case.scenarios[index]
        ctx = context(catalog, connections, world)
        request = compile_request(case, ctx, world.answers)
        if request.intent is not None:
            _line(console, _summary(request.intent), "bold")
        for task in request.tasks:
            if task.task is not None:
                _line(console, read_back(task.task, ctx).text())
        if isinstance(scenario.outcome, str):
            _open(console, scenario.questions or (), scenario.refusals or ())
        else:
            _ran(console, scenario, request, world, catalog)
    for warning in result.warnings or ():
        _line(console, f"warning: {warning}", "yellow")


def _summary(intent: Intent) -> str:
    """`Program: daily 09:00 -> openweather.current_weather, slack_notify.send_message`."""
    found = [f"{action.service}.{action.function}" for action in intent.actions if action.service is not None]
    starts = "manual" if intent.trigger is None else str(msgspec.to_builtins(intent.trigger)["type"])
    return f"{intent.outcome.capitalize()}: {starts} -> {', '.join(found) or f'{len(intent.actions)} actions'}"


def _open(console: Console, questions: tuple[Question, ...], refusals: tuple[Refusal, ...]) -> None:
    for refusal in refusals:
        _line(console, f"Refused “{refusal.text}”: {refusal.reason}", "red")
        for suggestion in refusal.suggestions:
            _line(console, f"  {suggestion}")
    for question in questions:
        options = f" ({', '.join(question.options)})" if question.options else ""
        _line(console, f"{question.text}{options}", "yellow")
        _line(console, f"  --answer {question.slot}=...")


def _ran(console: Console, scenario: ScenarioResult, request: Request, world: Scenario, catalog: Catalog) -> None:
    if scenario.fires is not None:
        _line(console, f"Fires: {', '.join(scenario.fires) or 'never again'}")
    if not scenario.triggered and not isinstance(scenario.error, str):
        _not_triggered(console, request, world, catalog)
        return
    _calls(console, scenario.calls)
    for text in scenario.logs or ():
        _line(console, f"Log: {text}")
    for event in scenario.emitted or ():
        _line(console, f"Event {event.topic}: {_json(event.value)}")
    for asked in scenario.approvals or ():
        verdict = {True: "approved", False: "refused", None: "not answered"}[asked.approved]
        _line(console, f"Asked {asked.role}: {asked.message} ({verdict})")
    if isinstance(scenario.error, str):
        _line(console, scenario.error, "red")
    if scenario.output is not None:
        _line(console, f"Output: {_json(scenario.output)}")
    if scenario.status is None:
        return
    _line(console, f"Status: {scenario.status}", "green" if scenario.status == "success" else "red")


def _not_triggered(console: Console, request: Request, world: Scenario, catalog: Catalog) -> None:
    if world.event is not None:
        _line(console, "Nothing ran: the event does not pass the filter.", "yellow")
        return
    _line(console, "Nothing ran: it waits for an event. Give one in a scenario, for example:", "yellow")
    for task in request.tasks:
        if task.program is not None and waiting(task.program, catalog).only_events:
            _line(console, f"  {_json({'event': example(task.program, catalog)})}")


def _calls(console: Console, calls: tuple[CallLine, ...]) -> None:
    if not calls:
        _line(console, "No calls.")
        return
    if not console.is_terminal:
        for call in calls:
            _line(console, "  ".join(_cells(call)))
        return
    table = Table("ms", "action", "call", "parameters", "result")
    for call in calls:
        table.add_row(*(Text(cell) for cell in _cells(call)))
    console.print(table)


def _cells(call: CallLine) -> tuple[str, ...]:
    action = call.action if not isinstance(call.task, str) else f"{call.task}/{call.action}"
    again = f" (attempt {call.attempt})" if call.attempt > 1 else ""
    made = (str(call.at_ms), action, f"{call.service}.{call.function}{again}", _json(call.params), call.error or "ok")
    return tuple(_clean(cell) for cell in made)


def _json(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


_CONTROLS: Final[Mapping[int, str]] = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}


def _clean(text: str) -> str:
    return text.translate(_CONTROLS)


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(_clean(text), style=style))
