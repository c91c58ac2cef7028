"""`eyeflow secrets` and `eyeflow keys`: what opens doors.

Knows: the commands' options; a value comes from a prompt or from stdin, so that it is in no history and no process
list. In: names. Out: names. Never: shows a secret; a new API key is shown once, by the command that makes it.
"""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import msgspec
import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.reading import stop
from eyeflow.cli.remote import JsonOption, KeyOption, LimitOption, UrlOption, connected, first, group, listed, moment
from eyeflow.cli.start import Exit

app = group("secrets", "Credentials, encrypted; values go in and never come out.")
keys = group("keys", "API keys of the server.")

MAX_SECRET_BYTES = 65_536


@app.command("list")
def list_secrets(
    limit: LimitOption = 1000, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """List the names of all secrets.

    \b
    Examples:
      eyeflow secrets list
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.secrets.list(), limit)
    cells = [(row.name, str(row.version), row.created_by, moment(row.rotated_ms or row.created_ms)) for row in rows]
    listed(screen, rows, ("secret", "version", "by", "set (UTC)"), cells, more=more, none="no secrets yet")


@app.command("set")
def set_secret(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the secret is called.")],
    parts: Annotated[bool, typer.Option("--parts", help="The value is JSON of named parts.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a secret. The value is asked for, or read from stdin; it is never an argument.

    \b
    Examples:
      eyeflow secrets set slack_daily
      pass show slack | eyeflow secrets set slack_daily
      echo '{"username": "ana", "password": "..."}' | eyeflow secrets set mail --parts
    """
    screen = Screen(as_json=as_json)
    value = _value(screen, name, parts=parts)
    with connected(screen, url, key) as client:
        info = client.secrets.set(name, value)
    if as_json:
        screen.json(info)
    else:
        screen.line(f"{info.name}: version {info.version}; accounts name it as vault:{info.name}")


@app.command("rotate")
def rotate(
    *,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A secret; without, the master key.")] = None,
    parts: Annotated[bool, typer.Option("--parts", help="The value is JSON of named parts.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a secret its next value, asked for or read from stdin; or without a name, make a new master key.

    A new master key wraps every secret anew while the server goes on. Back it up; the old one opens only old backups.

    \b
    Examples:
      eyeflow secrets rotate slack_daily
      eyeflow secrets rotate
    """
    screen = Screen(as_json=as_json)
    if name is None:
        if parts:
            stop(screen, "--parts is for the value of a secret", hint="name the secret", code=Exit.USAGE)
        with connected(screen, url, key) as client, screen.progress("wrapping every secret under a new key"):
            made = client.secrets.rotate_master()
        if as_json:
            screen.json(made)
        else:
            screen.line(f"master key {made.key_id} is in use now: {made.place}. Back it up, apart from the data")
        return
    value = _value(screen, name, parts=parts)
    with connected(screen, url, key) as client:
        info = client.secrets.rotate(name, value)
    if as_json:
        screen.json(info)
    else:
        screen.line(f"{info.name}: version {info.version}")


def _value(screen: Screen, name: str, *, parts: bool) -> str | dict[str, str]:
    """The value, from the prompt or stdin; with `parts`, the named parts that it spells in JSON."""
    value = _text(screen, name)
    if not parts:
        return value
    try:
        return msgspec.json.decode(value.encode(), type=dict[str, str])
    except msgspec.MsgspecError:
        stop(screen, "with --parts the value is one JSON object of texts", code=Exit.USAGE)


def _text(screen: Screen, name: str) -> str:
    if sys.stdin.isatty():
        import getpass

        value = getpass.getpass(f"Value of {name} (not shown): ")
    else:
        data = sys.stdin.buffer.read(MAX_SECRET_BYTES + 1)
        if len(data) > MAX_SECRET_BYTES:
            stop(screen, f"a secret is at most {MAX_SECRET_BYTES} bytes", code=Exit.USAGE)
        try:
            value = data.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            stop(screen, "the value is not UTF-8", code=Exit.USAGE)
    if not value:
        stop(screen, "the value is empty", code=Exit.USAGE)
    return value


@app.command("rm")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the secret is called.")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a secret that nothing uses.

    \b
    Examples:
      eyeflow secrets rm slack_daily
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        client.secrets.remove(name)
    if as_json:
        screen.json({"removed": name})
    else:
        screen.line(f"{name} is forgotten")


@keys.command("list")
def list_keys(
    limit: LimitOption = 1000, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """List API keys, revoked ones too.

    \b
    Examples:
      eyeflow keys list
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.keys.list(), limit)
    cells = [
        (
            row.id, row.name, f"{row.shown}...", row.principal, row.role + (" (agent)" if row.agent else ""),
            "revoked" if row.revoked_ms else moment(row.expires_ms) or "never ends", moment(row.used_ms),
        )
        for row in rows
    ]  # fmt: skip
    columns = ("id", "name", "key", "of", "role", "until (UTC)", "last used (UTC)")
    listed(screen, rows, columns, cells, more=more, none="no keys")


@keys.command("create")
def create_key(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    role: Annotated[
        Literal["viewer", "runner", "editor", "approver", "auditor", "owner"],
        typer.Option("--role", help="What it may do."),
    ] = "runner",
    principal: Annotated[str | None, typer.Option("--for", metavar="WHO", help="Whose it is; else its name.")] = None,
    task: Annotated[list[str] | None, typer.Option("--task", help="Only this task; repeatable.")] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="Until it expires; else never.")] = None,
    practice: Annotated[bool, typer.Option("--practice", help="Reaches practice services only.")] = False,
    agent: Annotated[bool, typer.Option("--agent", help="For a program that writes tasks: it never approves.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key and show it, this once.

    \b
    Examples:
      eyeflow keys create ci --role runner --task nightly_import --days 90
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        made = client.keys.create(
            name, role, principal=principal, practice=practice, agent=agent, tasks=tuple(task or ()), days=days
        )
    if as_json:
        screen.json(made)
    else:
        screen.line(made.token)
        screen.note(f"{made.key.id}, {made.key.role}; the key is shown this once")


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Its id: key_...")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let nobody in with a key from now on.

    \b
    Examples:
      eyeflow keys revoke key_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held = client.keys.revoke(key_id)
    if as_json:
        screen.json(held)
    else:
        screen.line(f"{held.id} ({held.name}) is revoked")
