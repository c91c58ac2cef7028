"""`eyeflow tasks`: what is deployed on a server.

Knows: the commands' options. In: names, sentences, files. Out: tables, timelines. Never: compiles; the server does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.proposals import show_proposal
from eyeflow.cli.reading import MAX_TEXT_BYTES, read_answers, read_bytes, read_loose, stop
from eyeflow.cli.remote import (
    JsonOption,
    KeyOption,
    LimitOption,
    UrlOption,
    connected,
    first,
    group,
    listed,
    moment,
    shown_once,
)
from eyeflow.cli.start import Exit

if TYPE_CHECKING:
    from eyeflow.client import Client
    from eyeflow.client.models import Run, Task

app = group("tasks", "See, run and change what is deployed.")

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="Its name, alias or id.")]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", metavar="NAME=VALUE|JSON|@FILE", help="An input; or a JSON object, or a file with one."
    ),
]
AnswerOption = Annotated[
    list[str] | None, typer.Option("--answer", "-a", metavar="SLOT=VALUE", help="The answer to a question; repeatable.")
]


@app.command("list")
def list_tasks(
    *,
    state: Annotated[Literal["live", "paused"] | None, typer.Option("--state", help="Only these.")] = None,
    text: Annotated[str, typer.Option("--text", help="Part of the name.")] = "",
    limit: LimitOption = 100,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the tasks, by name.

    \b
    Examples:
      eyeflow tasks list
      eyeflow tasks list --state paused --json
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.tasks.list(state=state, text=text), limit)
    cells = [
        (
            row.name,
            row.state + (", PRACTICE" if row.practice else ""),
            str(row.version),
            ", ".join(row.accounts),
            moment(row.updated_ms),
            row.title[:60],
        )
        for row in rows
    ]
    columns = ("task", "state", "version", "accounts", "since (UTC)", "what it does")
    listed(screen, rows, columns, cells, more=more, none='no tasks yet: eyeflow tasks deploy "..."')


@app.command("get")
def get(task: TaskArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Show a task: what it does, in English, and its state.

    \b
    Examples:
      eyeflow tasks get daily_weather
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held, said = client.tasks.get(task), client.tasks.explain(task)
    if as_json:
        screen.json({"task": held, "explained": said})
        return
    _show(screen, held)
    readback = said.get("readback", {})
    screen.line()
    screen.line(str(readback.get("text", "") if isinstance(readback, dict) else readback))


def _show(screen: Screen, task: Task) -> None:
    also = f" (also {', '.join(task.aliases)})" if task.aliases else ""
    practice = ", PRACTICE" if task.practice else ""
    screen.line(f"{task.name}{also}: {task.state}{practice}, version {task.version}", "bold")
    screen.line(f"  id       {task.id}")
    screen.line(f"  digest   {task.digest}")
    if task.accounts:
        screen.line(f"  accounts {', '.join(task.accounts)}")
    if task.retention_days is not None:
        screen.line(f"  runs are kept for {task.retention_days} days")


@app.command("run")
def run(
    *,
    task: TaskArgument,
    given: InputOption = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for the end, or only for the acceptance.")
    ] = True,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar="KEY", help="The same key runs the task once.")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a task and show its timeline. Ctrl-C stops watching, not the run.

    \b
    Examples:
      eyeflow tasks run hello_world --input name=Alice
      eyeflow tasks run hello_world --input @input.json
      eyeflow tasks run daily_weather --no-wait
    """
    from eyeflow.cli.executions import show_run

    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        inputs = read_loose(screen, given, lambda: _texts(client, task))
        result = client.tasks.run(task, inputs, wait=wait, idempotency_key=idempotency_key)
        if wait and not result.ended:
            result = _awaited(screen, client, result)
        if as_json:
            screen.json(result)
        elif result.ended:
            show_run(screen, client, result.execution_id)
        else:
            screen.line(f"{result.execution_id} {result.status}")
    raise typer.Exit(exit_of(result))


def _texts(client: Client, task: str) -> set[str]:
    """The inputs that are text, whatever they look like."""
    declared = client.tasks.explain(task).get("inputs", ())
    return {each["name"] for each in declared if each["type"] in ("string", "string?")}


def _awaited(screen: Screen, client: Client, result: Run) -> Run:
    """The run when it has ended; what happens meanwhile is shown."""
    from eyeflow.cli.executions import followed

    screen.note(f"{result.execution_id} is {result.status}; Ctrl-C stops watching, `eyeflow executions watch` goes on")
    return followed(screen, client, result.execution_id)


def exit_of(result: Any) -> int:
    """The exit code that a run's status means."""
    if getattr(result, "uncertain", ()):
        return Exit.UNCERTAIN
    return Exit.OK if result.status in ("success", "queued", "running", "waiting") else Exit.FAILED


@app.command("deploy")
def deploy(
    *,
    what: Annotated[
        str, typer.Argument(metavar="SENTENCE|FILE", help="A sentence, or a file with one or with LLM-IR.")
    ],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What the task is called.")] = None,
    answer: AnswerOption = None,
    practice: Annotated[bool, typer.Option("--practice", help="For practice services only.")] = False,
    propose: Annotated[bool, typer.Option("--propose", help="Have somebody else approve it.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compile on the server and make it live; with --propose, ask for approval first.

    \b
    Examples:
      eyeflow tasks deploy "Send weather to Slack every morning at 9am" --answer weather.location=Paris
      eyeflow tasks deploy report.eir
      eyeflow tasks deploy report.eir --propose
    """
    screen = Screen(as_json=as_json)
    text, answers = _text_of(screen, what), read_answers(screen, answer)
    with connected(screen, url, key) as client, screen.progress("compiling"):
        if propose:
            proposal = client.proposals.create(text, name=name, answers=answers, practice=practice)
        else:
            deployed = client.tasks.deploy(text, name=name, answers=answers, practice=practice)
    if propose:
        if as_json:
            screen.json(proposal)
        else:
            screen.line(f"{proposal.id} waits for approval: eyeflow proposals get {proposal.id}")
        return
    if as_json:
        screen.json(deployed)
        return
    for each in deployed.tasks:
        _show(screen, each)
    shown_once(screen, deployed.proposal.notes, deployed.proposal.made)


def _text_of(screen: Screen, what: str) -> str:
    """A file's text, or the sentence itself."""
    if not what.endswith((".eir", ".txt")):
        return what
    data = read_bytes(screen, Path(what), MAX_TEXT_BYTES)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return stop(screen, f"{what}: this is not UTF-8 text (byte {error.start})", code=Exit.USAGE)


@app.command("edit")
def edit(
    *,
    task: TaskArgument,
    change: Annotated[str, typer.Argument(help="What is to be different, in plain English.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve it without asking.")] = False,
    answer: AnswerOption = None,
    practice: Annotated[bool, typer.Option("--practice", help="The task runs against practice services.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what runs in plain English: propose it, see what is different, and approve it or leave it open.

    \b
    Examples:
      eyeflow tasks edit daily_weather "make it 10am instead"
      eyeflow tasks edit daily_weather "also email it to ops@example.com" --yes
    """
    screen = Screen(as_json=as_json)
    answers = read_answers(screen, answer)
    with connected(screen, url, key) as client:
        held = client.tasks.edit(task, change, answers=answers, practice=practice)
        if not as_json:
            show_proposal(screen, held)
        if yes or (not as_json and sys.stdin.isatty() and typer.confirm("Approve it", default=False)):
            held = client.proposals.approve(held.id, digest=held.digest)
    if as_json:
        screen.json(held)
    elif held.state == "open":
        screen.note(f"it waits: eyeflow proposals approve {held.id}")
    else:
        screen.line(f"{held.id}: {held.state}")


@app.command("versions")
def versions(
    *,
    task: TaskArgument,
    limit: LimitOption = 50,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions of a task, the newest first.

    \b
    Examples:
      eyeflow tasks versions daily_weather
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        rows, more = first(client.tasks.versions(task), limit)
    cells = [
        (
            f"{row.number}{' (runs)' if row.current else ''}", moment(row.created_ms), row.created_by, row.approved_by,
            row.digest[:12], " ".join(row.source.split())[:60],
        )
        for row in rows
    ]  # fmt: skip
    columns = ("version", "made (UTC)", "by", "approved by", "digest", "source")
    listed(screen, rows, columns, cells, more=more, none="no versions")


@app.command("rollback")
def rollback(
    *,
    task: TaskArgument,
    version: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="The version to run again.")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run an earlier version again, with the very same program.

    \b
    Examples:
      eyeflow tasks rollback daily_weather 3
    """
    _change(Screen(as_json=as_json), url, key, lambda client: client.tasks.rollback(task, version))


@app.command("pause")
def pause(
    *,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Its name; with --all, leave it out.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every task.")] = False,
    service: Annotated[str | None, typer.Option("--service", help="With --all: only those that use it.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let nothing new start. What has begun goes on.

    \b
    Examples:
      eyeflow tasks pause daily_weather
      eyeflow tasks pause --all --service stripe
    """
    screen = Screen(as_json=as_json)
    _one_or_all(screen, task, everything)
    if everything:
        _change_all(screen, url, key, "paused", lambda client: client.tasks.pause_all(service=service).tasks)
    else:
        _change(screen, url, key, lambda client: client.tasks.pause(task))


@app.command("resume")
def resume(
    *,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Its name; with --all, leave it out.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="What was paused all at once.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let runs start again.

    \b
    Examples:
      eyeflow tasks resume daily_weather
      eyeflow tasks resume --all
    """
    screen = Screen(as_json=as_json)
    _one_or_all(screen, task, everything)
    if everything:
        _change_all(screen, url, key, "resumed", lambda client: client.tasks.resume_all().tasks)
    else:
        _change(screen, url, key, lambda client: client.tasks.resume(task))


def _one_or_all(screen: Screen, task: str, everything: bool) -> None:
    if bool(task) == everything:
        stop(screen, "name one task, or say --all", code=Exit.USAGE)


@app.command("rm")
def remove(
    *,
    task: TaskArgument,
    cancel: Annotated[bool, typer.Option("--cancel", help="Also cancel runs that have begun.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a task out of use. What ran stays to be looked at.

    \b
    Examples:
      eyeflow tasks rm daily_weather
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        client.tasks.remove(task, runs="cancel" if cancel else "finish")
    if as_json:
        screen.json({"removed": task})
    else:
        screen.line(f"{task} is out of use")


@app.command("source")
def source(
    *,
    task: TaskArgument,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Else the one that runs.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a version as LLM-IR.

    \b
    Examples:
      eyeflow tasks source daily_weather > daily_weather.eir
    """
    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        held = client.tasks.source(task, version)
    if as_json:
        screen.json(held)
    else:
        screen.raw(held.ir)


def _change(screen: Screen, url: str | None, key: str | None, change: Any) -> None:
    with connected(screen, url, key) as client:
        held = change(client)
    if screen.as_json:
        screen.json(held)
    else:
        screen.line(f"{held.name}: {held.state}, version {held.version}")


def _change_all(screen: Screen, url: str | None, key: str | None, done: str, change: Any) -> None:
    with connected(screen, url, key) as client:
        names = change(client)
    if screen.as_json:
        screen.json({done: names})
    else:
        screen.line(f"{done}: {', '.join(names) or 'nothing'}")
