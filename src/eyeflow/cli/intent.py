"""`eyeflow intent`: what a sentence means, in the one form every engine produces.

Knows: the command's options. In: a sentence. Out: JSON. Never: goes further than understanding.
"""

from __future__ import annotations

from typing import Annotated

import typer

from eyeflow.cli.context import (
    AnswerOption,
    CatalogOption,
    JsonOption,
    SettingsOption,
    WithOption,
    open_workspace,
)
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import read_answers, read_given, stop
from eyeflow.cli.start import Exit

_CODES = {"program": Exit.OK, "questions": Exit.QUESTIONS, "refused": Exit.REFUSED}


def intent(
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE.txt|-", help="A request in English.")],
    *,
    tokens: Annotated[bool, typer.Option("--tokens", help="Add the words, and what they amount to.")] = False,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a sentence means, as JSON: trigger, actions, assumptions, questions, refusals.

    \b
    Examples:
      eyeflow intent "Send weather to Slack every morning at 9am" --tokens
      eyeflow intent "Post the weather to #dev daily" --answer weather.location=Paris --json
    """
    screen = Screen(as_json=as_json)
    given = read_given(screen, text)
    if given.artifact is not None or given.language == "ir":
        stop(screen, f"{given.source} is a program already; intents come from English")
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings)
    raise typer.Exit(_show(screen, given.text, space.context(), read_answers(screen, answer), tokens=tokens))


def _show(screen: Screen, text: str, ctx: object, answers: dict[str, str], *, tokens: bool) -> int:
    from eyeflow.catalog.model import CompileContext
    from eyeflow.frontend.literals import seed_tokens
    from eyeflow.frontend.rules import heard
    from eyeflow.frontend.summary import summary, token_line

    assert isinstance(ctx, CompileContext)
    understood = heard(text, ctx, answers)
    found = understood.intent
    screen.findings(understood.report, {"sentence": text})
    if tokens and screen.as_json:
        screen.json({"tokens": seed_tokens(text), "summary": summary(found, ctx.catalog), "intent": found})
    else:
        if tokens:
            screen.line(f"Tokens: {token_line(text)}")
            screen.line(f"Intent: {summary(found, ctx.catalog)}")
        screen.json(found, pretty=not screen.as_json)
    return _CODES[found.outcome]
