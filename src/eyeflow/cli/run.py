"""`eyeflow run`: a program for real, through its accounts.

Knows: the command's options. In: LLM-IR, an artifact, or a sentence. Out: the timeline, the output, an exit code.
Never: runs an artifact this machine does not trust, runs while an account is missing.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eyeflow.cli.context import (
    AnswerOption,
    CatalogOption,
    DataOption,
    JsonOption,
    SettingsOption,
    WithOption,
    Workspace,
    open_workspace,
)
from eyeflow.cli.output import Screen
from eyeflow.cli.ran import code_of_run, execution_json, not_triggered, read_trigger, show_execution
from eyeflow.cli.reading import Given, read_answers, read_given, read_inputs
from eyeflow.cli.sealed import existing_key, opened
from eyeflow.cli.start import Exit
from eyeflow.cli.told import (
    code_of,
    resumed,
    show_missing,
    show_readback,
    show_undecided,
    texts_of,
    told_by,
    undecided_json,
)
from eyeflow.diagnostics import Severity
from eyeflow.ir.task import Event, Topic, Webhook
from eyeflow.values import Value

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation
    from eyeflow.ir.program import Artifact, Program
    from eyeflow.ir.seal import SigningKey
    from eyeflow.svm import Executable, Machine


def run(
    file: Annotated[str, typer.Argument(metavar="FILE|TEXT|-", help="An .eir or .efb file, or a request.")],
    *,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=VALUE|JSON|@FILE", help="An input of the task.")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option("--trigger", metavar="JSON", help="What arrived, for a task that waits for it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run a sentence without asking.")] = False,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a program once, now, through its real accounts.

    \b
    Examples:
      eyeflow run hello.eir --input name=Alice
      eyeflow run hello.efb --input '{"name": "Alice"}' --json
    """
    screen = Screen(as_json=as_json)
    given = read_given(screen, file)
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings, data=data)
    if given.artifact is not None:
        artifact, key = opened(given), existing_key(space)
    else:
        artifact, key = _compiled(screen, given, space, read_answers(screen, answer), yes=yes)
    program = _program(artifact)
    payload = read_trigger(screen, trigger, program, space.catalog)
    values = read_inputs(screen, inputs, program.inputs)
    raise typer.Exit(asyncio.run(_run(screen, space, artifact, key, values, trigger=payload)))


def _program(artifact: Artifact) -> Program:
    from eyeflow.ir.bytecode import decode

    return decode(artifact.program)


def _compiled(
    screen: Screen, given: Given, space: Workspace, answers: dict[str, str], *, yes: bool
) -> tuple[Artifact, SigningKey]:
    """The sealed artifact of a text. Raises: typer.Exit after saying why there is none."""
    from eyeflow.compilation import compile_in

    made = compile_in(space.context(), given.text, answers=answers, language=given.language, source=given.source)
    if made.outcome != "program" or made.missing_accounts:
        _refuse(screen, made, given.source, answers)
        raise typer.Exit(code_of(made) or Exit.FAILED)
    asks = given.language == "english" and not yes
    told = told_by(made, given.source, read_back=asks and not screen.as_json)
    screen.findings(told, texts_of(made, given.source))
    if asks:
        _confirm(screen, made)
    key = space.key()
    return made.seal(key), key


def _refuse(screen: Screen, made: Compilation, source: str, answers: dict[str, str]) -> None:
    if screen.as_json:
        undecided_json(screen, made, source)
    elif made.outcome != "program":
        show_undecided(screen, made, source, resumed("run", made.text if source == "sentence" else source, answers))
    else:
        screen.findings(told_by(made, source, but=(Severity.CONNECT,)), texts_of(made, source))
        screen.problem("an account is missing; nothing ran", code="connect")
        show_missing(screen, made)
        screen.note("`eyeflow practice` runs it without accounts")


def _confirm(screen: Screen, made: Compilation) -> None:
    """A sentence is read back before it acts. Raises: typer.Exit when nobody says yes."""
    if not screen.as_json:
        show_readback(screen, made)
    if not made.readback.touches:
        return
    if screen.as_json or not sys.stdin.isatty():
        screen.problem("a sentence is run after somebody has read what it will do", hint="--yes says that you have")
        raise typer.Exit(Exit.USAGE)
    if not typer.confirm("Run it now?", default=False):
        screen.note("nothing ran")
        raise typer.Exit(Exit.FAILED)


async def _run(
    screen: Screen,
    space: Workspace,
    artifact: Artifact,
    key: SigningKey | None,
    inputs: dict[str, Value],
    *,
    trigger: Value,
) -> int:
    from eyeflow.cli.people import TerminalApprover
    from eyeflow.embedding import live_machine
    from eyeflow.svm import Ports

    held = space.settings
    asks = sys.stdin.isatty() and not screen.as_json
    machine = live_machine(
        space.catalog, connections=held.connections, trust=[key.signer] if key is not None else [],
        ports=Ports(approver=TerminalApprover(screen) if asks else None), policy=held.policy,
    )  # fmt: skip
    try:
        loaded = await machine.load(artifact)
        if trigger is not None and not _passes(machine, loaded, trigger):
            return not_triggered(screen, loaded.task)
        execution = await machine.run(loaded, inputs, trigger=trigger, me=dict(held.profile.me))
    finally:
        await machine.drain()
    if screen.as_json:
        screen.json(execution_json(execution))
    else:
        show_execution(screen, execution)
    return code_of_run(execution)


def _passes(machine: Machine, loaded: Executable, payload: Value) -> bool:
    """True when the payload passes a trigger that brings one, or when there is none to pass."""
    waits = [n for n, code in enumerate(loaded.program.triggers) if isinstance(code.spec, Event | Topic | Webhook)]
    return not waits or any(machine.passes(loaded, number, payload) for number in waits)
