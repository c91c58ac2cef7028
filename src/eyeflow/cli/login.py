"""`eyeflow login`, `status`, `profile`: this person and this server.

Knows: where a key is kept, what a profile is. In: a key from a prompt, options. Out: a file only its owner reads.
Never: prints a key; keeps one the server does not know.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import msgspec
import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.reading import read_pairs, stop
from eyeflow.cli.remote import JsonOption, KeyOption, UrlOption, connected
from eyeflow.cli.start import Exit


def login(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Remember a server and a key, so that the other commands need neither. The key is asked for, or read from stdin.

    \b
    Examples:
      eyeflow login
      eyeflow login --url https://eyeflow.example.com
    """
    from eyeflow.client.settings import access, login_file

    screen = Screen(as_json=as_json)
    where = access(url, "none").url
    key = _asked(screen, where)
    with connected(screen, where, key) as client:
        profile = client.profile.get()
    path = login_file()
    _keep(path, f"url = {_toml(where)}\nkey = {_toml(key)}\n")
    who = profile.me.get("name") or profile.me.get("email") or "you"
    if as_json:
        screen.json({"url": where, "file": str(path)})
    else:
        screen.line(f"{where} knows {who}; the key is in {path}")


def _asked(screen: Screen, where: str) -> str:
    if sys.stdin.isatty():
        import getpass

        key = getpass.getpass(f"API key of {where} (not shown): ").strip()
    else:
        key = sys.stdin.readline(1000).strip()
    if not key.isascii() or not key.isprintable() or not key:
        stop(screen, "that is no API key", hint="keys begin with ef_live_ or ef_test_", code=Exit.USAGE)
    return key


def _toml(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _keep(path: os.PathLike[str], text: str) -> None:
    """Write the file so that nobody else can ever read it."""
    folder = os.path.dirname(path)  # noqa: PTH120 - works on any path
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    draft = f"{os.fspath(path)}.new"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)  # noqa: PTH105


def status(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Say how the server is: what is deployed, how it went lately, what waits for somebody.

    \b
    Examples:
      eyeflow status
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held, where = client.stats(), client.url
    if as_json:
        screen.json({"url": where, **held})
        return
    screen.line(f"{where} is up", "bold")
    screen.line(
        f"  {held['tasks_live']} tasks live, {held['tasks_paused']} paused; {held['unfinished']} runs under way"
    )
    lately = ", ".join(f"{count} {name}" for name, count in held["last_day"].items() if count)
    screen.line(f"  last 24 hours: {lately or 'no runs'}")
    if held["open_approvals"] or held["open_proposals"]:
        screen.line(f"  waiting: {held['open_proposals']} proposals, {held['open_approvals']} approvals")


def profile(
    *,
    timezone: Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Yours: Europe/Paris.")] = None,
    city: Annotated[str | None, typer.Option("--city", help="Where you are; weather is asked for there.")] = None,
    me: Annotated[
        list[str] | None, typer.Option("--me", metavar="NAME=VALUE", help="name, email, phone, slack.")
    ] = None,
    default: Annotated[
        list[str] | None, typer.Option("--default", metavar="SLOT=VALUE", help="What is meant when nothing is said.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show your profile, or change it with options; a time zone you set counts as confirmed.

    \b
    Examples:
      eyeflow profile
      eyeflow profile --timezone Europe/Paris --city Paris --me email=ana@example.com
      eyeflow profile --default "slack_notify.channel=#general"
    """
    screen = Screen(as_json=as_json)
    own, defaults = read_pairs(screen, me, "--me"), read_pairs(screen, default, "--default")
    with connected(screen, url, key) as client:
        held = client.profile.get()
        if timezone or city or own or defaults:
            held = client.profile.put(
                msgspec.structs.replace(
                    held, timezone=timezone or held.timezone, confirmed=held.confirmed or timezone is not None,
                    city=city or held.city, me={**held.me, **own}, defaults={**held.defaults, **defaults},
                )
            )  # fmt: skip
    if as_json:
        screen.json(held)
        return
    sure = "" if held.confirmed or held.timezone is None else " (not confirmed)"
    screen.line(f"time zone  {held.timezone or 'not set: times are UTC'}{sure}")
    screen.line(f"city       {held.city or 'not set'}")
    for name, value in held.me.items():
        screen.line(f"{name:<10} {value}")
    for slot, what in held.defaults.items():
        screen.line(f"{slot} = {what}")
