"""`eyeflow connectors` (also `connections`): accounts on a server.

Knows: the commands' options. In: names, references. Out: tables, exit codes. Never: takes a secret as an argument.
"""

from __future__ import annotations

import sys
import time
from typing import Annotated, Final

import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.reading import read_pairs, stop
from eyeflow.cli.remote import JsonOption, KeyOption, LimitOption, UrlOption, connected, first, group, listed, moment
from eyeflow.cli.start import Exit

app = group("connectors", "See, add and test accounts of services.")

_POLL_S: Final = 1.0

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the account is called.")]


@app.command("list")
def list_connectors(
    *,
    service: Annotated[str | None, typer.Option("--service", help="Only those of this service.")] = None,
    limit: LimitOption = 100,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the accounts you may see.

    \b
    Examples:
      eyeflow connectors list
      eyeflow connectors list --service slack_notify --json
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.connectors.list(service=service), limit)
    cells = [
        (
            row.name,
            row.title or row.service,
            row.state,
            row.credential or "",
            moment(row.tested_ms),
            ", ".join(row.tasks),
        )
        for row in rows
    ]
    columns = ("account", "service", "state", "credential", "tested (UTC)", "tasks")
    listed(screen, rows, columns, cells, more=more, none="no accounts yet: eyeflow connectors add NAME SERVICE")


@app.command("add")
def add(
    *,
    name: NameArgument,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its id, title or alias.")],
    credential: Annotated[
        str | None, typer.Option("--credential", metavar="REF", help="vault:NAME or env:NAME; never the secret itself.")
    ] = None,
    default: Annotated[
        list[str] | None, typer.Option("--default", metavar="PARAM=VALUE", help="Fills a parameter; repeatable.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the service; repeatable.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option("--host", metavar="HOST", help="A host it may reach; repeatable.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Yours alone.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an account of a service. Its secret is kept apart: `eyeflow secrets set`.

    \b
    Examples:
      eyeflow secrets set slack_daily
      eyeflow connectors add slack_daily slack --credential vault:slack_daily --default channel=#general
    """
    screen = Screen(as_json=as_json)
    defaults = read_pairs(screen, default, "--default")
    settings = read_pairs(screen, setting, "--set")
    with connected(screen, url, key) as client:
        held = client.connectors.add(
            name, service, credential=credential, defaults=defaults, settings=settings, hosts=tuple(host or ()),
            shared=not private,
        )  # fmt: skip
    if as_json:
        screen.json(held)
    else:
        screen.line(
            f"{held.name}: an account of {held.title or held.service}; try it: eyeflow connectors test {held.name}"
        )


@app.command("test")
def test(name: NameArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Contact the service with the account; exit 1 when it does not let us in.

    \b
    Examples:
      eyeflow connectors test slack_daily
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client, screen.progress(f"contacting {name}"):
        found = client.connectors.test(name)
    if as_json:
        screen.json(found)
    elif found.ok:
        screen.line(f"{found.name}: {found.state} in {found.duration_ms} ms. {found.detail}")
    else:
        screen.problem(
            f"{found.code}: {found.name}: {found.state}. {found.detail}",
            hint="`eyeflow catalog show SERVICE` says what it needs",
        )
    raise typer.Exit(Exit.OK if found.ok else Exit.FAILED)


@app.command("connect")
def connect(
    *,
    name: NameArgument,
    client_id: Annotated[str, typer.Option("--client-id", metavar="ID", help="What the service knows this server as.")],
    client_secret_from: Annotated[
        str, typer.Option("--client-secret-from", metavar="REF", help="Where its secret is kept: vault:NAME.")
    ] = "",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help="Instead of those of the catalog; repeatable.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the account is signed in.")] = True,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign an account in with OAuth2: open the address that is printed in a browser.

    \b
    Examples:
      eyeflow secrets set sheets_client
      eyeflow connectors connect sheets --client-id 1234.apps.example.com --client-secret-from vault:sheets_client
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        before = client.connectors.get(name)
        begun = client.connectors.connect(
            name, client_id, client_secret_from=client_secret_from, scopes=tuple(scope) if scope else None
        )
        if as_json:
            screen.json(begun)
        else:
            screen.line(f"open this address in a browser, before {moment(begun.expires_ms)} UTC:")
            screen.line(begun.authorize_url)
        sys.stdout.flush()
        if not wait:
            return
        with screen.progress(f"waiting for {name}"):
            while (held := client.connectors.get(name)).tested_ms == before.tested_ms or held.state != "connected":
                if time.time() * 1000 > begun.expires_ms:
                    stop(screen, f"{name} was not signed in in time", code=Exit.FAILED)
                time.sleep(_POLL_S)
    if as_json:
        screen.json(held)
    else:
        screen.line(f"{name}: {held.detail}")


@app.command("rm")
def remove(name: NameArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Take an account away that no task uses.

    \b
    Examples:
      eyeflow connectors rm slack_daily
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        client.connectors.remove(name)
    if as_json:
        screen.json({"removed": name})
    else:
        screen.line(f"{name} is gone")
