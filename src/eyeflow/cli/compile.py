"""`eyeflow compile`: a sentence or LLM-IR becomes a program, and the program a signed artifact.

Knows: the command's options. In: text. Out: an artifact's size, digest and signer, or one stage's output.
Never: seals for live use while an account is missing, leaves half a file behind.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
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
from eyeflow.cli.helping import EngineOption, engine_of
from eyeflow.cli.output import Screen, located
from eyeflow.cli.reading import read_answers, read_given, stop
from eyeflow.cli.sealed import Sealed, sealed, show_sealed
from eyeflow.cli.start import Exit
from eyeflow.cli.told import code_of, resumed, show_missing, show_undecided, texts_of, told_by, undecided_json
from eyeflow.diagnostics import Severity

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation


class Emit(StrEnum):
    """Which stage's output to print."""

    INTENT = "intent"
    TASK = "task"
    PLAN = "plan"
    IR = "ir"
    PROGRAM = "program"


def compile_command(
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE|-", help="A request, or an .eir or .txt file.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.efb", help="Write the signed artifact here.")
    ] = None,
    emit: Annotated[Emit | None, typer.Option("--emit", help="Print one stage's output instead.")] = None,
    answer: AnswerOption = None,
    practice: Annotated[bool, typer.Option("--practice", help="Seal for practice services only.")] = False,
    approver: Annotated[str, typer.Option("--approver", help="Who approves this program.")] = "local",
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    data: DataOption = None,
    engine: EngineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a sentence or LLM-IR into a program, and seal it.

    \b
    Examples:
      eyeflow compile hello.eir -o hello.efb
      eyeflow compile "Send weather to Slack every morning at 9am" --answer weather.location=Paris --answer message.channel=#general --emit ir
      eyeflow compile hello.eir --emit program
    """  # noqa: E501 - one command is one line
    from eyeflow.compilation import compile_in

    screen = Screen(as_json=as_json)
    given = read_given(screen, text)
    if given.artifact is not None:
        stop(screen, f"{given.source} is compiled already", hint=f"eyeflow disasm {given.source} lists it")
    if output is not None and output.is_dir():
        stop(screen, f"{output}: is a directory")
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings, data=data)
    made = compile_in(
        space.context(), given.text, answers=read_answers(screen, answer), language=given.language, source=given.source,
        engine=engine_of(screen, space, engine, settings),
    )  # fmt: skip
    if emit is not None:
        code = _emitted(screen, made, emit, given.source)
    elif made.outcome != "program":
        code = _undecided(screen, made, given.source)
    else:
        code = _sealed(screen, made, space, given.source, output, approver=approver, practice=practice)
    raise typer.Exit(code)


def _undecided(screen: Screen, made: Compilation, source: str) -> int:
    again = resumed("compile", made.text if source == "sentence" else source, dict(made.compiled.answers))
    if screen.as_json:
        undecided_json(screen, made, source)
    else:
        show_undecided(screen, made, source, again)
    return code_of(made)


def _sealed(
    screen: Screen, made: Compilation, space: Workspace, source: str, output: Path | None, *, approver: str,
    practice: bool,
) -> int:  # fmt: skip
    """Seal every task, unless an account is missing: then it is a draft, and only asking for a file is a failure."""
    draft = bool(made.missing_accounts) and not practice
    found: list[Sealed] = []
    if not draft:
        key = space.key()
        for number, each in enumerate((made, *made.also), 1):
            artifact = each.seal(key, approver=approver, practice=practice)
            name = each.compiled.require().task
            found.append(sealed(name, artifact, _numbered(output, number), screen))
    texts = texts_of(made, source)
    if screen.as_json:
        said = told_by(made, source, but=(Severity.CONNECT,)).diagnostics
        screen.json({
            "outcome": made.outcome, "artifacts": found, "missing_accounts": made.missing_accounts,
            "diagnostics": [located(one, texts) for one in said],
        })  # fmt: skip
    else:
        screen.findings(told_by(made, source, but=(Severity.CONNECT,)), texts)
        for held in found:
            show_sealed(screen, held)
        if draft:
            _show_draft(screen, made)
    return Exit.FAILED if draft and output is not None else Exit.OK


def _show_draft(screen: Screen, made: Compilation) -> None:
    from eyeflow.ir.bytecode import encode
    from eyeflow.ir.seal import program_digest

    program = made.compiled.require()
    screen.line(f"{program.task}: a draft of {len(encode(program)):,} bytes, not sealed for live use")
    screen.line(f"  digest {program_digest(program)}")
    show_missing(screen, made)
    screen.note("--practice seals it for practice services")


def _numbered(output: Path | None, number: int) -> Path | None:
    """`out.efb`, `out_2.efb`, ... for the tasks of one request."""
    return output if output is None or number == 1 else output.with_name(f"{output.stem}_{number}{output.suffix}")


def _emitted(screen: Screen, made: Compilation, emit: Emit, source: str) -> int:
    """Print one stage's output, as far as the compile came; then say why it came no further."""
    if emit is Emit.INTENT and made.intent is None:
        stop(screen, f"{source} is LLM-IR, which has no intent")
    if emit is Emit.INTENT:
        screen.json(made.intent, pretty=not screen.as_json)
        return code_of(made)
    if made.outcome != "program":
        return _undecided(screen, made, source)
    for each in (made, *made.also):
        _print(screen, each, emit)
    if not screen.as_json:
        screen.findings(told_by(made, source, but=(Severity.CONNECT,)), texts_of(made, source))
    return Exit.OK


def _print(screen: Screen, made: Compilation, emit: Emit) -> None:
    program = made.compiled.require()
    match emit:
        case Emit.TASK:
            screen.json(made.task, pretty=not screen.as_json)
        case Emit.PLAN if screen.as_json:
            screen.json(made.plan)
        case Emit.PLAN:
            from eyeflow.optimizer.describe import describe_plan

            assert made.plan is not None, "a program has a plan"
            screen.line(describe_plan(made.plan))
        case Emit.IR if screen.as_json:
            screen.json({"ir": made.ir})
        case Emit.IR:
            screen.raw(made.ir)
        case Emit.PROGRAM if screen.as_json:
            screen.json(program)
        case _:
            from eyeflow.ir.disasm import disassemble

            screen.raw(disassemble(program))
