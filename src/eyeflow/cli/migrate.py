"""`eyeflow migrate`: the database of a data folder as this version needs it, without starting a server.

Knows: the command's options. In: a data folder. Out: lines, an exit code. Never: makes a database.
"""

from __future__ import annotations

from typing import Annotated

import typer

from eyeflow.cli.context import JsonOption
from eyeflow.cli.output import Screen
from eyeflow.cli.serving import ServerDataOption, ServerSettingsOption, read
from eyeflow.cli.start import Exit


def migrate(
    *,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 5 if something is to do.")] = False,
    data: ServerDataOption = None,
    settings: ServerSettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the database of a data folder up to date. No server may use it meanwhile; make a backup first.

    A server does this by itself when it starts, unless `store.migrate` is false.

    \b
    Examples:
      eyeflow migrate --check
      eyeflow migrate --data /var/lib/eyeflow
    """
    screen = Screen(as_json=as_json)
    held, _ = read(screen, settings=settings, data=data)
    from eyeflow.server.migrating import migrated

    with screen.progress("migrating"):
        found = migrated(held, check=check)
    if as_json:
        screen.json(found)
    elif found.state == "older":
        screen.line(f"{found.database} is older than this version needs it; `eyeflow migrate` changes that")
    elif found.state == "migrated":
        screen.line(f"{found.database} is as this version needs it now")
    else:
        screen.line(f"{found.database} is as this version needs it")
    raise typer.Exit(Exit.CHANGES if found.state == "older" else Exit.OK)
