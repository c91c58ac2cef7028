"""`eyeflow schedules` and `eyeflow webhooks`: what makes tasks start by themselves.

Knows: the commands' options. In: names. Out: tables. Never: fires anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.remote import JsonOption, KeyOption, LimitOption, UrlOption, connected, first, group, listed

app = group("schedules", "When tasks start by the clock.")
webhooks = group("webhooks", "Where deliveries from outside go.")

OfTaskOption = Annotated[str | None, typer.Option("--task", help="Only those of this task.")]


@app.command("list")
def list_schedules(
    *,
    task: OfTaskOption = None,
    limit: LimitOption = 100,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List schedules, and when each fires next.

    \b
    Examples:
      eyeflow schedules list
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.schedules.list(task=task), limit)
    cells = [
        (
            row.task, "PRACTICE" if row.practice else row.state, _next(row.state, row.next_run),
            row.last_run.strftime("%Y-%m-%d %H:%M:%S") if row.last_run else "", row.missed, row.overlap,
        )
        for row in rows
    ]  # fmt: skip
    columns = ("task", "state", "next (UTC)", "last (UTC)", "missed", "overlap")
    listed(screen, rows, columns, cells, more=more, none="nothing starts by the clock")


def _next(state: str, at: datetime | None) -> str:
    """When it fires next, for a table."""
    if at is not None:
        return at.strftime("%Y-%m-%d %H:%M:%S")
    return "never again" if state == "live" else "not now"


@webhooks.command("list")
def list_webhooks(
    *,
    task: OfTaskOption = None,
    limit: LimitOption = 100,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List webhooks, and where deliveries go.

    \b
    Examples:
      eyeflow webhooks list
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.webhooks.list(task=task), limit)
    cells = [(row.id, row.task, row.state, row.method, row.url, row.scheme) for row in rows]
    columns = ("webhook", "task", "state", "method", "address", "signed")
    listed(screen, rows, columns, cells, more=more, none="no task is started from outside")


@webhooks.command("add")
def add_webhook(
    *,
    task: Annotated[str, typer.Argument(metavar="TASK", help="What deliveries start.")],
    path: Annotated[str, typer.Option("--path", metavar="/PATH", help="Below /hooks; else the webhook's id.")] = "",
    method: Annotated[Literal["POST", "PUT", "PATCH"], typer.Option("--method", help="How deliveries come.")] = "POST",
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Take deliveries of anybody who knows the address.")
    ] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a task one more address that starts it. Its signing secret is shown this once.

    \b
    Examples:
      eyeflow webhooks add hello_world
      eyeflow webhooks add hello_world --path /greet
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        made = client.webhooks.add(task, path=path, method=method, unsigned=unsigned)
    if as_json:
        screen.json(made)
        return
    screen.line(f"{made.webhook.id}  {made.webhook.method} {made.webhook.url}")
    if made.secret is None:
        screen.note("unsigned: whoever knows the address starts the task")
    else:
        screen.line(made.secret)
        screen.note("deliveries are signed with it (Standard Webhooks); shown this once")


@webhooks.command("rm")
def remove_webhook(
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id: hook_...")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take away an address that was added to a task; one that its program names goes with the program.

    \b
    Examples:
      eyeflow webhooks rm hook_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        client.webhooks.remove(webhook)
    if as_json:
        screen.json({"removed": webhook})
    else:
        screen.line(f"{webhook} takes no deliveries any more")


@webhooks.command("renew-secret")
def renew_secret(
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id: hook_...")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new signing secret and show it, this once. The old one stops working.

    \b
    Examples:
      eyeflow webhooks renew-secret hook_0193...
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        made = client.webhooks.renew_secret(webhook)
    if as_json:
        screen.json(made)
    else:
        screen.line(made.secret)
        screen.note("deliveries are signed with it from now on (Standard Webhooks); shown this once")
