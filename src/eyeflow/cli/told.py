"""What a compile says to people: read-back, assumptions, questions, refusals, missing accounts.

Knows: the words and their order. In: `Compilation`s. Out: lines on a screen, exit codes. Never: compiles.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from eyeflow.cli.output import Screen, located
from eyeflow.cli.start import Exit
from eyeflow.diagnostics import Diagnostic, Place, Report, Severity, report

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation, Revision
    from eyeflow.frontend.intent import Question, Refusal

_CODES = {
    "program": Exit.OK, "questions": Exit.QUESTIONS, "refused": Exit.REFUSED, "errors": Exit.FAILED,
}  # fmt: skip


def code_of(made: Compilation) -> Exit:
    """The exit code that a compile's outcome means."""
    return _CODES[made.outcome]


def texts_of(made: Compilation, source: str) -> dict[str, str]:
    """The text under every name that findings may call it by."""
    return {"sentence": made.text, "ir": made.text, "<ir>": made.text, source: made.text}


def show_undecided(screen: Screen, made: Compilation, source: str, again: str) -> None:
    """Why there is no program: refusals, else questions, else findings. `again` is the command line that asked."""
    texts = texts_of(made, source)
    refusals, questions = made.refusals, made.questions
    if refusals:
        screen.findings(report(_refused(each) for each in refusals), texts)
    elif questions:
        screen.findings(report(_asked(each) for each in questions), texts)
        screen.findings(about_answers(made.report), texts)
        answers = " ".join(f"--answer {shlex.quote(each.slot + '=')}..." for each in questions)
        screen.note(f"answer with: {again} {answers}")
    else:
        screen.findings(told_by(made, source), texts)


def show_open(screen: Screen, found: Revision, texts: Mapping[str, str], again: str) -> None:
    """Why a change was not made: refusals, else questions, else findings. `again` is the command line that asked."""
    if found.refusals:
        screen.findings(report(_refused(each) for each in found.refusals), texts)
    elif found.questions:
        screen.findings(report(_asked(each) for each in found.questions), texts)
        answers = " ".join(f"--answer {shlex.quote(each.slot + '=')}..." for each in found.questions)
        screen.note(f"answer with: {again} {answers}")
    else:
        screen.findings(found.report, texts)


def about_answers(found: Report) -> Report:
    """What there is to say of the answers that were given."""
    return report(each for each in dict.fromkeys(found.diagnostics) if each.code.endswith("_answer"))


def _refused(refusal: Refusal) -> Diagnostic:
    hint = "; ".join(refusal.suggestions)
    place = Place("sentence", refusal.span)
    return Diagnostic("refused", f"“{refusal.text}”: {refusal.reason}", place=place, hint=hint)


def _asked(question: Question) -> Diagnostic:
    hint = f"one of: {', '.join(question.options)}" if question.options else ""
    place = Place("sentence", question.span)
    return Diagnostic("question", f"{question.slot}: {question.text}", place=place, hint=hint)


def told_by(made: Compilation, source: str, *, but: tuple[Severity, ...] = (), read_back: bool = False) -> Report:
    """The findings of a compile, each once, under the name the person gave its text; with `read_back`, without those
    that the read-back lists."""
    from eyeflow.frontend.readback import ASSUMED_CODES

    listed = ASSUMED_CODES if read_back else ()
    return report(
        _named(found, source) for found in dict.fromkeys(made.report.diagnostics)
        if found.severity not in but and found.code not in listed
    )  # fmt: skip


def _named(found: Diagnostic, source: str) -> Diagnostic:
    place = found.place
    if place.source not in ("", "ir", "<ir>"):
        return found
    return msgspec.structs.replace(found, place=msgspec.structs.replace(place, source=source))


def undecided_json(screen: Screen, made: Compilation, source: str) -> None:
    """Why there is no program, as one JSON document."""
    texts = texts_of(made, source)
    held = ("question", "refused")
    screen.json({
        "outcome": made.outcome, "questions": made.questions, "refusals": made.refusals,
        "diagnostics": [located(d, texts) for d in told_by(made, source).diagnostics if d.code not in held],
    })  # fmt: skip


def show_readback(screen: Screen, made: Compilation) -> None:
    """What the program does, what was assumed, what it touches, when it runs next."""
    said = made.readback
    screen.line(said.text())
    for each in made.also:
        screen.line()
        screen.line(each.readback.text())
    screen.section("Assumed:", dict.fromkeys(line for each in (made, *made.also) for line in each.readback.assumed),
                   "yellow")  # fmt: skip
    touches = dict.fromkeys(line for each in (made, *made.also) for line in each.readback.touches)
    screen.section("Touches:", touches or ["nothing outside"])
    read = [each.readback for each in (made, *made.also)]
    runs = sorted({(moment, each.zone) for each in read for moment in each.next_runs})[:3]
    screen.section("Next runs:", [line for moment, zone in runs for line in moments([moment], zone)])


def show_missing(screen: Screen, made: Compilation) -> None:
    """Accounts that live use needs, and how to give them."""
    missing = made.missing_accounts
    if not missing:
        return
    screen.note("Accounts needed for live use:")
    said = (f"  {found.message}" + (f" ({found.hint})" if found.hint else "") for found in missing)
    for line in dict.fromkeys(said):
        screen.note(line)
    for name, service in dict.fromkeys(accounts(made)):
        screen.note(f'  eyeflow.toml: [connections.{name}]  service = "{service}"  credential = "env:{variable(name)}"')


def accounts(made: Compilation) -> Iterable[tuple[str, str]]:
    """Connection and service of every binding that has no credential and wants one."""
    for each in (made, *made.also):
        bindings = each.program.bindings if each.program is not None else ()
        for binding in dict.fromkeys((b.connection, b.service) for b in bindings):
            service = made.context.catalog.service(binding[1])
            known = next((c for c in made.context.connections if c.name == binding[0]), None)
            if service is not None and service.needs_credential and (known is None or known.credential is None):
                yield binding


def variable(connection: str) -> str:
    """An environment variable's name for a connection's credential."""
    return "".join(char if char.isalnum() else "_" for char in connection).upper() + "_CREDENTIAL"


def moments(found: Iterable[datetime], zone: str) -> list[str]:
    """Instants as people read them, in `zone`."""
    from zoneinfo import ZoneInfo

    return [f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} ({zone})" for moment in found]


def plain(value: object) -> str:
    """A JSON value on one line; a text as it is."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def resumed(command: str, text: str, answers: Mapping[str, str]) -> str:
    """The command line that goes on where a person stopped."""
    options = [word for slot, value in answers.items() for word in ("--answer", f"{slot}={value}")]
    return shlex.join(["eyeflow", command, text, *options])
