"""`eyeflow audit`: who did what, and whether anybody changed what was written.

Knows: the commands' options. In: filters. Out: tables, lines of JSON, a verdict. Never: writes.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated

import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.reading import write_file
from eyeflow.cli.remote import JsonOption, KeyOption, LimitOption, UrlOption, connected, first, group, listed, moment
from eyeflow.cli.start import Exit
from eyeflow.cli.told import plain

app = group("audit", "Who did what; whether the record is whole.")


@app.command("show")
def show(
    *,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this principal did.")] = None,
    thing: Annotated[
        str | None, typer.Option("--object", metavar="KIND:NAME", help="Only what was done to it.")
    ] = None,
    action: Annotated[str | None, typer.Option("--action", help="Only this action.")] = None,
    limit: LimitOption = 50,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was done, the newest first.

    \b
    Examples:
      eyeflow audit show --actor ana
      eyeflow audit show --object secret:slack_daily --json
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.audit.list(actor=actor, object=thing, action=action), limit)
    cells = [
        (str(row.seq), moment(row.at_ms), row.actor, row.action, row.object, plain(row.detail) if row.detail else "")
        for row in rows
    ]
    listed(screen, rows, ("row", "at (UTC)", "who", "did", "to", "detail"), cells, more=more, none="nothing yet")


@app.command("verify")
def verify(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Walk the whole chain; exit 1 and name the first row that is not as it was written.

    \b
    Examples:
      eyeflow audit verify
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client, screen.progress("reading the audit"):
        verdict = client.audit.verify()
    if as_json:
        screen.json(verdict)
    elif verdict.ok:
        screen.line(f"{verdict.rows:,} rows, all as they were written")
    else:
        screen.problem(f"row {verdict.first_bad} is not as it was written: {verdict.fault}")
    raise typer.Exit(Exit.OK if verdict.ok else Exit.FAILED)


@app.command("export")
def export(
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Else stdout.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all rows as lines of JSON, the oldest first.

    \b
    Examples:
      eyeflow audit export -o audit.jsonl
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client, screen.progress("reading the audit"):
        if out is None:
            for text in codecs.iterdecode(client.download("audit"), "utf-8"):
                screen.raw(text)
        else:
            size = write_file(screen, out, client.download("audit"))
            if as_json:
                screen.json({"file": str(out), "bytes": size})
            else:
                screen.line(f"{out}: {size:,} bytes")
