"""`eyeflow fmt`: LLM-IR text in its one canonical form, with fixes a machine can apply.

Knows: the command's options. In: `.eir` files, folders of them, or stdin. Out: files, a diff, exit code 5 for
changes. Never: changes a text it cannot read, leaves half a file behind.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from eyeflow.cli.context import (
    CatalogOption,
    JsonOption,
    SettingsOption,
    WithOption,
    open_workspace,
)
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import STDIN, Given, read_given, stop, write_file
from eyeflow.cli.start import Exit
from eyeflow.diagnostics import EMPTY, Diagnostic, Fix, Report

if TYPE_CHECKING:
    from eyeflow.catalog.model import CompileContext
    from eyeflow.compiler import Compiled

_ROUNDS = 10


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one text; `fixed` are the titles of the fixes applied."""

    source: str
    changed: bool = False
    fixed: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def fmt(
    files: Annotated[list[str], typer.Argument(metavar="FILES|-", help=".eir files, folders, or - for stdin.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 5 when something would change.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Apply the fixes that findings offer.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write LLM-IR text in its one canonical form. Comments stay.

    \b
    Examples:
      eyeflow fmt hello.eir
      eyeflow fmt --check --diff .
      eyeflow fmt --fix hello.eir
    """
    screen = Screen(as_json=as_json)
    given = [read_given(screen, name) for name in _names(screen, files)]
    if wrong := next((each for each in given if each.artifact is not None or each.language == "english"), None):
        stop(screen, f"{wrong.source}: fmt takes LLM-IR files (.eir)")
    ctx = open_workspace(screen, catalog=catalog, extra=extra, settings=settings).context() if fix else None
    outcomes = [_one(screen, each, ctx, write=not (check or diff), diff=diff) for each in given]
    if as_json:
        screen.json(outcomes)
    raise typer.Exit(_code(outcomes, check=check))


def _code(outcomes: Iterable[Outcome], *, check: bool) -> int:
    held = list(outcomes)
    if any(each.diagnostics for each in held):
        return Exit.FAILED
    return Exit.CHANGES if check and any(each.changed for each in held) else Exit.OK


def _names(screen: Screen, files: Iterable[str]) -> list[str]:
    """The files that were named, those inside folders found."""
    found: dict[str, None] = {}
    for name in files:
        path = Path(name)
        if name != STDIN and path.is_dir():
            inside = sorted(str(each) for each in path.rglob("*.eir") if each.is_file())
            if not inside:
                stop(screen, f"{name}: no .eir file in this folder")
            found.update(dict.fromkeys(inside))
        else:
            found[name] = None
            if name != STDIN and not path.exists():
                stop(screen, f"{name}: no such file or directory")
    return list(found)


def _one(screen: Screen, given: Given, ctx: CompileContext | None, *, write: bool, diff: bool) -> Outcome:
    from eyeflow.ir.text import format_source

    text, fixed = _fixed(given, ctx) if ctx is not None else (given.text, ())
    text, report = format_source(text, given.source)
    if not report.ok:
        screen.findings(report, {given.source: given.text})
        return Outcome(source=given.source, diagnostics=report.errors)
    changed = text != given.text
    if diff and changed and not screen.as_json:
        screen.raw(_difference(given, text))
    elif write and given.path is None and not screen.as_json:
        sys.stdout.write(text)
    elif write and changed and given.path is not None:
        write_file(screen, given.path, text.encode())
    if changed and given.path is not None:
        said = "formatted" if write else "would change"
        screen.note(f"{given.source}: {', '.join((said, *fixed))}")
    return Outcome(source=given.source, changed=changed, fixed=fixed)


def _fixed(given: Given, ctx: CompileContext) -> tuple[str, tuple[str, ...]]:
    """The text with every fix of its findings applied, those that only show afterwards too."""
    from eyeflow.compiler import compile_ir

    text = given.text
    titles: list[str] = []
    for _ in range(_ROUNDS):
        compiled = compile_ir(text, ctx, name=given.source)
        fixes = _fixes(compiled.report) or _fixes(_proved(compiled, ctx, given.source))
        if not fixes:
            break
        text = applied(text, fixes)
        titles += [fix.title for fix in fixes]
    return text, tuple(titles)


def _proved(compiled: Compiled, ctx: CompileContext, source: str) -> Report:
    """What the formal checks find in a text that compiles, and how a machine may mend it."""
    if compiled.task is None or not compiled.report.ok:
        return EMPTY
    from eyeflow.verify import verify
    from eyeflow.verify.fixes import machine_applicable

    found = verify(compiled.task, ctx, source=source, text=compiled.text).diagnostics
    return Report(tuple(each for each in found if machine_applicable(each)))


def _fixes(report: Report) -> list[Fix]:
    """The fixes to apply together: of two that touch the same place, the first."""
    found: list[Fix] = []
    end = -1
    held = sorted((d.fix for d in report.diagnostics if d.fix is not None), key=lambda f: (f.span.start, f.span.end))
    for fix in held:
        if fix.span.start > end:
            found.append(fix)
            end = fix.span.end
    return found


def applied(text: str, fixes: Iterable[Fix]) -> str:
    """`text` with the spans of `fixes`, which do not overlap, replaced."""
    for fix in sorted(fixes, key=lambda each: each.span.start, reverse=True):
        text = text[: fix.span.start] + fix.text + text[fix.span.end :]
    return text


def _difference(given: Given, text: str) -> str:
    before, after = given.text.splitlines(keepends=True), text.splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, given.source, f"{given.source} (formatted)")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
