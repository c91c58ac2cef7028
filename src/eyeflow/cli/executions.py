"""`eyeflow executions`: what ran on a server, and what runs now.

Knows: the commands' options. In: ids. Out: tables, timelines, exit codes. Never: ends a run because nobody watches it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.reading import stop
from eyeflow.cli.remote import (
    JsonOption,
    KeyOption,
    LimitOption,
    UrlOption,
    connected,
    first,
    group,
    listed,
    moment,
    took,
)  # fmt: skip
from eyeflow.cli.start import Exit
from eyeflow.cli.tasks import exit_of
from eyeflow.cli.told import plain
from eyeflow.client.calls import ApiError

if TYPE_CHECKING:
    from eyeflow.client import Client
    from eyeflow.client.models import Run

app = group("executions", "See runs: list, look, watch, cancel, retry, replay.")

ExecutionArgument = Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id: exec_...; or last.")]


@app.command("list")
def list_executions(
    *,
    task: Annotated[str | None, typer.Option("--task", help="Only runs of this task.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="success, failed, waiting, ...")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="INSTANT", help="2026-11-23T09:00:00Z, or 2h, 3d ago.")
    ] = None,
    text: Annotated[str, typer.Option("--text", help="In the error's message.")] = "",
    limit: LimitOption = 50,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, the newest first.

    \b
    Examples:
      eyeflow executions list --task daily_weather
      eyeflow executions list --status failed --since 24h --json
    """
    screen = Screen(as_json=as_json)
    begun = _instant(screen, since)
    with connected(screen, url, key) as client:
        rows, more = first(client.executions.list(task=task, status=status, since=begun, text=text), limit)
    cells = [
        (
            row.execution_id,
            row.task,
            row.status + (", PRACTICE" if row.practice else ""),
            row.origin,
            moment(row.created_ms),
            took(row.duration_ms),
            row.error or "",
        )
        for row in rows
    ]
    columns = ("execution", "task", "status", "by", "begun (UTC)", "took", "error")
    listed(screen, rows, columns, cells, more=more, none="no such runs")


def _meant(client: Client, execution: str) -> str:
    """The id that was given; `last` is the run that began last. Raises: ApiError."""
    if execution != "last":
        return execution
    found = next(iter(client.executions.list()), None)
    if found is None:
        raise ApiError(0, "unknown_execution", "nothing has run yet", hint="`eyeflow tasks run TASK` runs one")
    return found.execution_id


def _instant(screen: Screen, text: str | None) -> datetime | None:
    """An instant, or how long ago it was."""
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    if number.isascii() and number.isdigit() and unit in "smhd" and len(number) < 7:
        from datetime import timedelta

        ago = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[unit]
        return datetime.now(UTC) - timedelta(**{ago: int(number)})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        stop(screen, f"--since {text[:40]!r} is no instant", hint="such as 2026-11-23T09:00:00Z, 90m, 24h, 7d")
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@app.command("get")
def get(
    *, execution: ExecutionArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Show a run: its timeline, what it was given, what became of it.

    \b
    Examples:
      eyeflow executions get exec_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held = client.executions.get(_meant(client, execution))
        if as_json:
            screen.json(held)
            return
        screen.line(f"{held.task}, version {held.version}, asked for by {held.principal or held.origin}")
        if held.input:
            screen.line(f"Input: {plain(held.input)}")
        if held.payload is not None:
            screen.line(f"Trigger: {plain(held.payload)}")
        screen.line()
        show_run(screen, client, held.execution_id)


def show_run(screen: Screen, client: Client, execution_id: str) -> None:
    """The seed's timeline, the output, and what went wrong."""
    held = client.executions.get(execution_id)
    shown = f"{held.execution_id} {held.status}; what it carried was erased"
    if held.practice:
        screen.line("PRACTICE: the services are stand-ins on the server's machine; nothing left it")
    screen.line(shown if held.erased else client.executions.timeline(execution_id).text)
    if held.output is not None:
        screen.line()
        screen.line(f"Output: {plain(held.output)}")
    for action in held.uncertain:
        screen.note(f"uncertain: {action} may have been done; check, then run again or leave it")
    if held.error is not None:
        screen.problem(f"{held.error_code}: {held.error}", hint=held.error_hint)
        if held.failed_action is not None:
            screen.note(f"action {held.failed_action} failed after {held.duration_ms} ms")


@app.command("watch")
def watch(
    *, execution: ExecutionArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Show what happens in a run as it happens, to its end. With --json, one event a line. Ctrl-C stops watching only.

    \b
    Examples:
      eyeflow executions watch exec_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        execution = _meant(client, execution)
        result = followed(screen, client, execution)
        if not as_json:
            screen.line()
            show_run(screen, client, execution)
    raise typer.Exit(exit_of(result))


def followed(screen: Screen, client: Client, execution_id: str) -> Run:
    """The result of a run, after everything that happened in it was shown."""
    from eyeflow.client.models import Run

    for event in client.executions.watch(execution_id):
        data = msgspec.json.decode(event.data)
        if screen.as_json:
            screen.json({"event": event.event, "id": event.id, **(data if isinstance(data, dict) else {"data": data})})
        else:
            _tell(screen, event.event, data if isinstance(data, dict) else {})
    held = client.executions.get(execution_id)
    return msgspec.convert(msgspec.to_builtins(held), Run)


_QUIET = frozenset(("effect_started", "world_read", "result"))


def _tell(screen: Screen, kind: str, data: dict[str, Any]) -> None:
    """One line for a person."""
    if kind in _QUIET:
        return
    at = f"{data.get('at_us', 0) / 1000:>9.1f} ms" if isinstance(data.get("at_us"), int) else " " * 12
    where = str(data.get("action", ""))
    said = str(data.get("message") or data.get("error") or data.get("text") or data.get("status") or "")
    screen.note(f"{at}  {kind.replace('_', ' '):<18} {where} {said}".rstrip())


@app.command("cancel")
def cancel(
    *, execution: ExecutionArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Ask a run to stop: nothing new starts, what has begun ends and is recorded.

    \b
    Examples:
      eyeflow executions cancel exec_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held = client.executions.cancel(_meant(client, execution))
    if as_json:
        screen.json(held)
    else:
        screen.line(f"{held.execution_id}: {held.status}" + ("" if held.ended else ", asked to stop"))


@app.command("retry")
def retry(
    *,
    execution: ExecutionArgument,
    step: Annotated[str | None, typer.Option("--from", metavar="ACTION", help="Else from where it failed.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run again from where it failed. What was done before is taken over, not done again.

    \b
    Examples:
      eyeflow executions retry exec_0193...
      eyeflow executions retry exec_0193... --from post_to_slack
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        result = client.executions.retry(_meant(client, execution), step)
        if not as_json and result.ended:
            show_run(screen, client, result.execution_id)
    if as_json:
        screen.json(result)
    elif not result.ended:
        screen.line(f"{result.execution_id} {result.status}")
    raise typer.Exit(exit_of(result))


@app.command("replay")
def replay(
    *, execution: ExecutionArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Run the program against its record: nothing is called, and the trace must be the same, bit for bit.

    \b
    Examples:
      eyeflow executions replay exec_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held = client.executions.replay(_meant(client, execution))
    if as_json:
        screen.json(held)
    else:
        screen.line(f"{held.execution_id}: {'the same' if held.equal else 'NOT the same'}, trace {held.trace_hash}")
    raise typer.Exit(Exit.OK if held.equal else Exit.FAILED)
