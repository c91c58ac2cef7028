"""A run on the command line: what it is given, what it shows, what its exit code is.

Knows: timelines, outputs, the order of what people ask first. In: programs, executions. Out: lines, exit codes.
Never: runs anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyeflow.cli.output import Screen
from eyeflow.cli.reading import read_json, stop
from eyeflow.cli.start import Exit
from eyeflow.cli.told import plain
from eyeflow.ir.task import Event, Topic, Webhook
from eyeflow.values import Value

if TYPE_CHECKING:
    from eyeflow.catalog.model import Catalog
    from eyeflow.ir.program import Program
    from eyeflow.svm import Execution


def read_trigger(screen: Screen, given: str | None, program: Program, catalog: Catalog) -> Value:
    """The payload that starts the run. Raises: typer.Exit when the program waits for one and none is given."""
    from eyeflow.simulate.events import example, waiting

    found = waiting(program, catalog)
    if given is not None:
        return read_json(screen, given, "--trigger")
    if not found.only_events:
        return None
    shown = plain(example(program, catalog))
    spec = program.triggers[found.triggers[0]].spec
    hint = f"give what arrived, for example --trigger '{shown}'"
    return stop(screen, f"this task is started by {_source(spec)}", hint=hint)


def _source(spec: object) -> str:
    match spec:
        case Event(service=service, event=event):
            return f"{service}.{event}"
        case Webhook(path=path, method=method):
            return f"{method} {path}"
        case Topic(name=name):
            return f"a message on {name}"
    raise AssertionError("only these wait for something")


def not_triggered(screen: Screen, task: str) -> int:
    """Nothing ran, as the program wants it."""
    if screen.as_json:
        screen.json({"task": task, "triggered": False})
    else:
        screen.line(f"{task}: nothing ran, what arrived does not pass the trigger's filter")
    return Exit.OK


def show_execution(screen: Screen, execution: Execution) -> None:
    """The timeline, the output, and what went wrong."""
    screen.line(execution.timeline().text())
    if execution.output is not None:
        screen.line()
        screen.line(f"Output: {plain(json_shaped(execution.output))}")
    if execution.response is not None:
        status, body = execution.response
        screen.line(f"Answer to the caller: {status} {plain(json_shaped(body))}")
    for action in execution.uncertain:
        screen.note(f"uncertain: {action} may have been done; check, then run again or leave it")
    if execution.error is not None:
        screen.problem(f"{execution.error_code}: {execution.error}", hint=execution.error_hint)
        report = execution.report()
        if report.failed_action is not None:
            screen.note(f"action {report.failed_action} failed after {report.total_duration}")


def execution_json(execution: Execution) -> dict[str, object]:
    """What `--json` says of a run."""
    report = execution.report()
    return {
        "execution_id": execution.execution_id,
        "task": execution.task,
        "status": execution.status,
        "duration_ms": execution.duration_ms,
        "output": json_shaped(execution.output),
        "error": execution.error,
        "error_code": execution.error_code,
        "completed_actions": report.completed_actions,
        "failed_action": report.failed_action,
        "fallback_executed": report.fallback_executed,
        "total_duration": report.total_duration,
        "total_duration_ms": report.total_duration_ms,
        "uncertain": execution.uncertain,
        "response": None if execution.response is None else json_shaped(list(execution.response)),
        "timeline": execution.timeline().lines,
    }


def json_shaped(value: Value) -> Value:
    """A run-time value as JSON has it."""
    from eyeflow.ir.functions.lists import plain as shaped

    return shaped(value)


def code_of_run(execution: Execution) -> Exit:
    """0 for success, 6 when nobody knows whether something was done, else 1."""
    if execution.uncertain:
        return Exit.UNCERTAIN
    return Exit.OK if execution.ok else Exit.FAILED
