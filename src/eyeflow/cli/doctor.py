"""`eyeflow doctor`: whether a server could start here, and what to do when not.

Knows: how findings are shown. In: options. Out: lines, an exit code. Never: makes or changes anything.
"""

from __future__ import annotations

import typer

from eyeflow.cli.context import JsonOption
from eyeflow.cli.output import Screen
from eyeflow.cli.serving import HostOption, PortOption, ServerDataOption, ServerSettingsOption, read
from eyeflow.cli.start import Exit

_MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


def doctor(
    *,
    host: HostOption = None,
    port: PortOption = None,
    data: ServerDataOption = None,
    settings: ServerSettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether a server could start here and be reached: settings, data, keys, disk, port, catalog.

    \b
    Examples:
      eyeflow doctor
      eyeflow doctor --data /var/lib/eyeflow --json
    """
    screen = Screen(as_json=as_json)
    held, _ = read(screen, settings=settings, data=data, host=host, port=port)
    from eyeflow.server.checkup import checkup

    found = checkup(held)
    if as_json:
        screen.json(found)
    else:
        screen.table(("What", "State", "Found"), [(each.what, _MARKS[each.state], each.said) for each in found])
        for each in found:
            if each.hint:
                screen.note(f"{each.what}: {each.hint}")
    raise typer.Exit(Exit.FAILED if any(each.state == "problem" for each in found) else Exit.OK)
