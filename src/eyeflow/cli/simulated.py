"""A simulation on a terminal: what was understood, the read-back, when it fires, what it called.

Knows: how results look to people. In: a case and what came of it. Out: text on a screen, a table on terminals only.
Never: compiles or runs again what was simulated.
"""

from __future__ import annotations

import sys

import msgspec

from eyeflow.catalog.model import Catalog, Connection
from eyeflow.cli.output import Screen
from eyeflow.frontend.intent import Intent, Question, Refusal
from eyeflow.frontend.readback import read_back
from eyeflow.simulate.events import example, waiting
from eyeflow.simulate.request import Request, context
from eyeflow.simulate.result import CallLine, ScenarioResult
from eyeflow.simulate.scenario import Case, Scenario
from eyeflow.simulate.simulate import Simulated

_LONGEST = 300


def show(
    screen: Screen, case: Case, simulated: Simulated, catalog: Catalog, connections: tuple[Connection, ...]
) -> None:
    """Print what came of `case`, scenario by scenario."""
    result = simulated.result
    if not result.scenarios:
        if result.intent is not None:
            screen.line(_summary(result.intent), "bold")
        _open(screen, result.questions, result.refusals)
    for index, scenario in enumerate(result.scenarios):
        if len(result.scenarios) > 1:
            screen.line(f"\nScenario {index + 1}", "bold")
        world = case.scenarios[index]
        ctx, request = context(catalog, connections, world), simulated.requests[index]
        if request.intent is not None:
            screen.line(_summary(request.intent), "bold")
        for task in request.tasks:
            if task.task is not None:
                screen.line(read_back(task.task, ctx).text())
        if isinstance(scenario.outcome, str):
            _open(screen, scenario.questions or (), scenario.refusals or ())
        else:
            _ran(screen, scenario, request, world, catalog)
    for warning in result.warnings or ():
        screen.line(f"warning: {warning}", "yellow")


def _summary(intent: Intent) -> str:
    """`Program: daily 09:00 -> openweather.current_weather, slack_notify.send_message`."""
    found = [f"{action.service}.{action.function}" for action in intent.actions if action.service is not None]
    starts = "manual" if intent.trigger is None else str(msgspec.to_builtins(intent.trigger)["type"])
    return f"{intent.outcome.capitalize()}: {starts} -> {', '.join(found) or f'{len(intent.actions)} actions'}"


def _open(screen: Screen, questions: tuple[Question, ...], refusals: tuple[Refusal, ...]) -> None:
    for refusal in refusals:
        screen.line(f"Refused “{refusal.text}”: {refusal.reason}", "red")
        for suggestion in refusal.suggestions:
            screen.line(f"  {suggestion}")
    for question in questions:
        options = f" ({', '.join(question.options)})" if question.options else ""
        screen.line(f"{question.text}{options}", "yellow")
        screen.line(f"  --answer {question.slot}=...")


def _ran(screen: Screen, scenario: ScenarioResult, request: Request, world: Scenario, catalog: Catalog) -> None:
    if scenario.fires is not None:
        screen.line(f"Fires: {', '.join(scenario.fires) or 'never again'}")
    if not scenario.triggered and not isinstance(scenario.error, str):
        _not_triggered(screen, request, world, catalog)
        return
    _calls(screen, scenario.calls)
    for text in scenario.logs or ():
        screen.line(f"Log: {text}")
    for event in scenario.emitted or ():
        screen.line(f"Event {event.topic}: {_json(event.value)}")
    for asked in scenario.approvals or ():
        verdict = {True: "approved", False: "refused", None: "not answered"}[asked.approved]
        screen.line(f"Asked {asked.role}: {asked.message} ({verdict})")
    if isinstance(scenario.error, str):
        screen.line(scenario.error, "red")
    if scenario.output is not None:
        screen.line(f"Output: {_json(scenario.output)}")
    if scenario.status is None:
        return
    screen.line(f"Status: {scenario.status}", "green" if scenario.status == "success" else "red")


def _not_triggered(screen: Screen, request: Request, world: Scenario, catalog: Catalog) -> None:
    if world.event is not None:
        screen.line("Nothing ran: the event does not pass the filter.", "yellow")
        return
    screen.line("Nothing ran: it waits for an event. Give one in a scenario, for example:", "yellow")
    for task in request.tasks:
        if task.program is not None and waiting(task.program, catalog).only_events:
            screen.line(f"  {_json({'event': example(task.program, catalog)})}")


def _calls(screen: Screen, calls: tuple[CallLine, ...]) -> None:
    if not calls:
        screen.line("No calls.")
        return
    cells = [_cells(call) for call in calls]
    if sys.stdout.isatty():
        screen.table(("ms", "action", "call", "parameters", "result"), cells)
        return
    for each in cells:
        screen.line("  ".join(each))


def _cells(call: CallLine) -> tuple[str, ...]:
    action = call.action if not isinstance(call.task, str) else f"{call.task}/{call.action}"
    again = f" (attempt {call.attempt})" if call.attempt > 1 else ""
    return (str(call.at_ms), action, f"{call.service}.{call.function}{again}", _json(call.params), call.error or "ok")


def _json(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
