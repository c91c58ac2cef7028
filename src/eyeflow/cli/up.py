"""`eyeflow up`, `eyeflow serve` and `eyeflow worker`: the server.

Knows: the commands' options, what a person is told at the start. In: options. Out: lines, an exit code.
Never: serves by itself; shows a key a second time.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eyeflow.cli.context import JsonOption
from eyeflow.cli.output import Screen
from eyeflow.cli.serving import (
    HostOption,
    PortOption,
    ServerDataOption,
    ServerSettingsOption,
    WorkersOption,
    read,
)  # fmt: skip
from eyeflow.cli.start import Exit

if TYPE_CHECKING:
    from eyeflow.server.launch import Started


def up(
    *,
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
    data: ServerDataOption = None,
    settings: ServerSettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start API and engine on this machine, with everything they need; Ctrl-C ends them.

    The first start makes the data folder, the master key, and an API key that is shown once.

    \b
    Examples:
      eyeflow up
      eyeflow up --port 8080 --data /var/lib/eyeflow
      eyeflow up --workers 4
    """
    _run(Screen(as_json=as_json), host, port, workers, data, settings, prepare=True)


def serve(
    *,
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
    data: ServerDataOption = None,
    settings: ServerSettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start the server where everything has been made already: nothing is made, and no key is shown.

    For services that start by themselves. Logs are JSON unless `logs.format` says otherwise.

    \b
    Examples:
      eyeflow serve --host 0.0.0.0 --data /var/lib/eyeflow
    """
    _run(Screen(as_json=as_json), host, port, workers, data, settings, prepare=False)


def worker(
    *, data: ServerDataOption = None, settings: ServerSettingsOption = None, as_json: JsonOption = False
) -> None:
    """Run schedules, polls, waits and what is queued, without an address: nobody can ask this process anything.

    With SQLite it has the data folder to itself, as a server has; for several processes beside an API, `eyeflow serve
    --workers N`.

    \b
    Examples:
      eyeflow worker --data /var/lib/eyeflow
    """
    screen = Screen(as_json=as_json)
    held, _ = read(screen, settings=settings, data=data)
    from eyeflow.server import logs
    from eyeflow.server.launch import launch_worker

    logs.configure(held.logs, json=True if held.logs.format == "auto" else None)
    code = launch_worker(held, lambda started: _tell(screen, started))
    raise typer.Exit(code and Exit.FAILED)


def _run(  # noqa: PLR0917 - the options, as they come
    screen: Screen,
    host: str | None,
    port: int | None,
    workers: int | None,
    data: ServerDataOption,
    settings: ServerSettingsOption,
    *,
    prepare: bool,
) -> None:
    held, _ = read(screen, settings=settings, data=data, host=host, port=port, workers=workers)
    from eyeflow.server import logs
    from eyeflow.server.launch import launch

    logs.configure(held.logs, json=None if prepare or held.logs.format != "auto" else True)

    def announce(started: Started) -> None:
        _tell(screen, started)

    code = launch(held, announce, prepare=prepare)
    raise typer.Exit(code and Exit.FAILED)


def _tell(screen: Screen, started: Started) -> None:
    if screen.as_json:
        screen.json(started)
    elif not started.url:
        screen.line(f"EyeFlow works on {started.data}, and answers nobody", "bold green")
        screen.line("Ctrl-C ends it.")
    else:
        several = f", {started.workers} processes" if started.workers > 1 else ""
        screen.line(f"EyeFlow answers at {started.url}{several}", "bold green")
        screen.line(f"  API           {started.url}/api (described at {started.url}/api/docs)")
        screen.line(f"  Data          {started.data}")
        if started.new_master_key is not None:
            screen.line(f"  Master key    {started.new_master_key}: back this up, apart from the data")
        if started.first_key is not None:
            screen.line(f"  First API key {started.first_key}")
            screen.line("                shown this once; `export EYEFLOW_KEY=...` for the other commands")
        screen.line("Ctrl-C ends it.")
    sys.stdout.flush()
