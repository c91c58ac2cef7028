"""`eyeflow config`: what is set for a server, and where it was said; what is set for its workspace.

Knows: how settings are listed. In: options. Out: lines. Never: shows a secret; changes what a file or variable says.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from eyeflow.cli.context import JsonOption
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import stop
from eyeflow.cli.remote import KeyOption, UrlOption, connected, group
from eyeflow.cli.serving import ServerDataOption, ServerSettingsOption, read
from eyeflow.cli.start import Exit

app = group("config", "Settings of the server: what they are and where they come from.")


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


@app.command()
def workspace(
    *,
    approval: Annotated[
        str | None,
        typer.Option("--approval", metavar="self|other|N", help="Who approves: authors too, or N others."),
    ] = None,
    retention: Annotated[
        str | None, typer.Option("--retention-days", metavar="N|never", help="How long runs of new tasks are kept.")
    ] = None,
    notices: Annotated[bool | None, typer.Option("--notices/--no-notices", help="Tell people what happens.")] = None,
    digest: Annotated[
        int | None, typer.Option("--digest-hours", min=0, metavar="N", help="Between two digests; 0 for none.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the settings of a server's workspace, or change them with options.

    \b
    Examples:
      eyeflow config workspace
      eyeflow config workspace --approval other --retention-days 30
    """
    screen = Screen(as_json=as_json)
    wanted = _wanted(screen, approval, retention)
    told = {name: value for name, value in (("enabled", notices), ("digest_hours", digest)) if value is not None}
    with connected(screen, url, key) as client:
        held = client.settings.get()
        if wanted or told:
            changed = msgspec.structs.replace(held, notices={**held.notices, **told}, **wanted)
            held = client.settings.put(changed)
    if as_json:
        screen.json(held)
        return
    kept = "for ever" if held.retention_days is None else f"{held.retention_days} days"
    screen.line(f"approval   {held.approval}")
    screen.line(f"runs kept  {kept}")
    state, hours = "on" if held.notices.get("enabled") else "off", held.notices.get("digest_hours")
    screen.line(f"notices    {state}" + (f", a digest every {hours} hours" if hours else ", no digest"))
    for target in held.notices.get("to", ()):
        screen.line(f"           {target['channel']} through {target['connection']} to {target['to']}")


def _wanted(screen: Screen, approval: str | None, retention: str | None) -> dict[str, object]:
    """The settings that these options name."""
    wanted: dict[str, object] = {}
    if approval is not None:
        others = int(approval) if approval.isascii() and approval.isdigit() else 0
        if approval not in ("self", "other") and not 1 <= others <= 20:
            stop(screen, f"--approval {approval[:40]!a} is none of self, other, 1 to 20", code=Exit.USAGE)
        wanted["approval"] = others or approval
    if retention is not None:
        if retention != "never" and not (retention.isascii() and retention.isdigit()):
            stop(screen, f"--retention-days {retention[:40]!a} is no number of days, nor never", code=Exit.USAGE)
        wanted["retention_days"] = None if retention == "never" else int(retention)
    return wanted
