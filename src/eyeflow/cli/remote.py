"""What the commands that ask a server share: where it is, with which key, what its refusals look like.

Knows: the options, exit codes of the server's errors. In: options. Out: a `Client`. Never: prints a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from eyeflow.cli.context import JsonOption
from eyeflow.cli.output import Screen
from eyeflow.cli.start import Exit

if TYPE_CHECKING:
    from eyeflow.client import ApiError, Client
    from eyeflow.client.models import Made, Note

UrlOption = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The server; else EYEFLOW_URL, `eyeflow login`, this machine."),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="An API key; better in EYEFLOW_KEY or by `eyeflow login`.")
]
_WAYS: Final = {"bad_input": "inputs are given as --input NAME=VALUE; `eyeflow tasks get TASK` says which there are"}
"""Ways out that are commands, where the server gives none."""
_COMPARED: Final = 500

LimitOption = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many to show.")]

__all__ = ["JsonOption", "KeyOption", "LimitOption", "UrlOption", "connected", "first", "group", "moment", "took"]


def group(name: str, summary: str) -> typer.Typer:
    """A group of commands; it stays one when it has a single command."""
    made = typer.Typer(
        name=name, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]}, help=summary,
    )  # fmt: skip
    made.callback()(lambda: None)
    return made


@contextmanager
def connected(screen: Screen, url: str | None, key: str | None) -> Iterator[Client]:
    """A client of the server. Raises: typer.Exit after saying what the server refused, or that there is none."""
    from eyeflow.client import ApiError, Client

    try:
        with Client(url, key) as client:
            try:
                yield client
            except ApiError as error:
                raise typer.Exit(refusal(screen, error, meant=_meant(client, error))) from None
    except ApiError as error:
        raise typer.Exit(refusal(screen, error)) from None


def _meant(client: Client, error: ApiError) -> str:
    """The task that an unknown name may have been meant for, of those that may be seen."""
    named = re.search(r"'([^']*)'", error.message) if error.code == "unknown_task" else None
    if named is None:
        return ""
    from eyeflow.client import ApiError
    from eyeflow.diagnostics import nearest

    try:
        known = [name for task in islice(client.tasks.list(), _COMPARED) for name in (task.name, *task.aliases)]
    except ApiError:
        return ""
    return next(iter(nearest(named[1], known, limit=1)), "")


def refusal(screen: Screen, error: ApiError, *, meant: str = "") -> int:
    """Say what the server said; the exit code it means. `meant` is the name that may have been meant."""
    hint = (
        f"did you mean {meant}? {error.hint}"
        if meant
        else "; ".join(each for each in (error.hint, _WAYS.get(error.code)) if each)
    )
    if error.status == 401:
        hint = "set EYEFLOW_KEY, or run `eyeflow login`; `eyeflow up` shows the first key when it starts the first time"
    if screen.as_json:
        faults = [{"code": f.code, "message": f.message, "place": f.place, "hint": f.hint} for f in error.faults]
        screen.json({
            "error": {"code": error.code, "message": error.message, "hint": hint, "status": error.status},
            "diagnostics": faults,
        })  # fmt: skip
    else:
        asked = any(fault.code == "question" for fault in error.faults)
        if hint in {fault.message for fault in error.faults}:
            hint = "answer with --answer SLOT=VALUE, once for each" if asked else ""
        screen.problem(f"{error.code}: {error.message}", hint=hint)
        for fault in error.faults[:20]:
            where = f"{fault.place}: " if fault.place else ""
            screen.note(f"  {where}{fault.message}" + (f" ({fault.hint})" if fault.hint else ""))
    codes = {fault.code for fault in error.faults}
    if "refused" in codes:
        return Exit.REFUSED
    return Exit.QUESTIONS if "question" in codes else Exit.FAILED


def shown_once(screen: Screen, notes: Sequence[Note], made: Sequence[Made]) -> None:
    """What a deploy tells whoever made it live: signing secrets of new webhooks, and what is left to do."""
    for each in made:
        screen.line(f"deliveries to {each.path} are signed with {each.secret}")
    if made:
        screen.note(
            "signing secrets (Standard Webhooks) are shown this once; `eyeflow webhooks list` has the addresses"
        )
    for note in notes:
        screen.note(f"{note.code}: {note.message}" + (f" ({note.hint})" if note.hint else ""))


def first(items: Iterator[Any], limit: int) -> tuple[list[Any], bool]:
    """At most `limit` of `items`, and whether there are more."""
    held: list[Any] = []
    for item in items:
        if len(held) == limit:
            return held, True
        held.append(item)
    return held, False


def listed(
    screen: Screen,
    rows: Sequence[Any],
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    *,
    more: bool,
    none: str,
) -> None:
    """A list, as JSON or as a table; `none` is said of an empty one."""
    if screen.as_json:
        screen.json(rows)
    elif rows:
        screen.table(columns, cells)
        if more:
            screen.note("there are more: --limit")
    else:
        screen.note(none)


def moment(at_ms: int | None) -> str:
    """An instant for a table: UTC, to the second."""
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def took(duration_ms: int | None) -> str:
    """A duration for a table."""
    return "" if duration_ms is None else f"{duration_ms:,} ms"
