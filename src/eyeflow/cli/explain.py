"""`eyeflow explain`: a program read back in plain English, whoever wrote it.

Knows: the command's options. In: a sentence, LLM-IR, or an artifact. Out: read-back, assumptions, next runs, what it
touches, the plan. Never: runs anything.
"""

from __future__ import annotations

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
from eyeflow.cli.reading import Given, read_answers, read_given
from eyeflow.cli.sealed import opened, show_envelope
from eyeflow.cli.told import (
    code_of,
    moments,
    resumed,
    show_missing,
    show_readback,
    show_undecided,
    told_by,
    undecided_json,
)
from eyeflow.diagnostics import Severity

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation


def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE|-", help="A request, an .eir, .txt or .efb file.")],
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Add what the optimizer decided, and why.")] = False,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a program back in English: what it does, what was assumed, what it touches, when it runs next.

    \b
    Examples:
      eyeflow explain "Send weather to Slack every morning at 9am" --answer weather.location=Paris --answer message.channel=#general --plan
      eyeflow explain hello.eir
    """  # noqa: E501 - one command is one line
    from eyeflow.compilation import compile_in
    from eyeflow.ir.seal import program_digest

    screen = Screen(as_json=as_json)
    given = read_given(screen, text)
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings, data=data)
    answers = read_answers(screen, answer)
    digest = None
    if given.artifact is not None:
        digest = opened(given).digest
        given = _inside(screen, given, space)
    made = compile_in(space.context(), given.text, answers=answers, language=given.language, source=given.source)
    if made.outcome != "program":
        if as_json:
            undecided_json(screen, made, given.source)
        else:
            show_undecided(screen, made, given.source, resumed("explain", text, answers))
        raise typer.Exit(code_of(made))
    if digest is not None and program_digest(made.compiled.require()) != digest:
        screen.note("compiled again here from its text, this is another program; `eyeflow disasm` shows the sealed one")
    if as_json:
        screen.json(_document(made, plan=plan))
    else:
        _show(screen, made, given.source, plan=plan)


def _show(screen: Screen, made: Compilation, source: str, *, plan: bool) -> None:
    show_readback(screen, made)
    if plan:
        from eyeflow.optimizer.describe import describe_plan

        for each in (made, *made.also):
            assert each.plan is not None, "a program has a plan"
            screen.section("Plan:", describe_plan(each.plan).split("\n"))
    show_missing(screen, made)
    found = told_by(made, source, but=(Severity.CONNECT,), read_back=True)
    screen.findings(found, {source: made.text, "sentence": made.text})


def _document(made: Compilation, *, plan: bool) -> dict[str, object]:
    """What `--json` prints."""
    said, decided = made.readback, made.plan
    assert decided is not None, "a program has a plan"
    document: dict[str, object] = {
        "outcome": made.outcome,
        "readback": said,
        "assumptions": made.intent.assumptions if made.intent is not None else [],
        "next_runs": moments(said.next_runs, said.zone),
        "diagnostics": list(dict.fromkeys(made.report.diagnostics)),
    }
    if plan:
        document["plan"] = {
            "order": decided.order,
            "stages": [stage.actions for stage in decided.stages],
            "resources": {each.label: "READY" if each.ready else "IN PROCESS" for each in decided.bindings},
            "estimate_ms": decided.estimate_ms,
            "memory_bytes": decided.memory_bytes,
            "decisions": decided.decisions,
        }
    if made.also:
        document["also"] = [_document(each, plan=plan) for each in made.also]
    return document


def _inside(screen: Screen, given: Given, space: Workspace) -> Given:
    """The text an artifact was compiled from, after saying what it is. Raises: LoadError for one that is not whole."""
    artifact = opened(given)
    show_envelope(screen, artifact, space)
    envelope = artifact.envelope
    return Given(
        text=envelope.source or envelope.sentence, source=given.source, path=given.path,
        language="ir" if envelope.source else "english",
    )  # fmt: skip
