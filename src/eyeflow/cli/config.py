"""`eyeflow config`: what is set, and where it was said.

Knows: how settings are listed. In: options. Out: lines. Never: shows a secret, changes a setting.
"""

from __future__ import annotations

import typer

from eyeflow.cli.context import JsonOption
from eyeflow.cli.output import Screen
from eyeflow.cli.serving import ServerDataOption, ServerSettingsOption, read

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Settings of the server: what they are and where they come from."
)


@app.callback()
def _config() -> None:
    """Settings of the server: what they are and where they come from."""


@app.command()
def show(*, data: ServerDataOption = None, settings: ServerSettingsOption = None, as_json: JsonOption = False) -> None:
    """Every setting, its value, and its source: default, file, environment, option.

    \b
    Examples:
      eyeflow config show
      EYEFLOW_PORT=8080 eyeflow config show --json
    """
    screen = Screen(as_json=as_json)
    _, origins = read(screen, settings=settings, data=data)
    if as_json:
        screen.json(origins)
        return
    rows = [(each.name, each.value or "-", each.source, each.variable) for each in origins]
    screen.table(("Setting", "Value", "Source", "Variable"), rows)
