"""`eyeflow disasm`: the program inside an artifact, or the one LLM-IR text becomes.

Knows: the command's options. In: an `.efb` or `.eir` file. Out: a listing. Never: judges or runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eyeflow.cli.context import CatalogOption, JsonOption, SettingsOption, WithOption, Workspace, open_workspace
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import Given, read_given
from eyeflow.cli.sealed import opened
from eyeflow.cli.told import code_of, show_undecided, undecided_json

if TYPE_CHECKING:
    from eyeflow.ir.program import Program


def disasm(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An .efb or .eir file.")],
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a program: limits, constants, bindings, triggers, steps, and the operations of every block.

    \b
    Examples:
      eyeflow disasm hello.efb
      eyeflow disasm hello.eir
    """
    from eyeflow.ir.bytecode import decode
    from eyeflow.ir.disasm import disassemble

    screen = Screen(as_json=as_json)
    given = read_given(screen, file)
    if given.artifact is None:
        program = _compiled(screen, given, open_workspace(screen, catalog=catalog, extra=extra, settings=settings))
    else:
        program = decode(opened(given).program)
    if as_json:
        screen.json(program)
    else:
        screen.raw(disassemble(program))


def _compiled(screen: Screen, given: Given, space: Workspace) -> Program:
    from eyeflow.compilation import compile_in

    made = compile_in(space.context(), given.text, language=given.language, source=given.source)
    if made.outcome == "program":
        return made.compiled.require()
    if screen.as_json:
        undecided_json(screen, made, given.source)
    else:
        show_undecided(screen, made, given.source, "eyeflow compile")
    raise typer.Exit(code_of(made))
