"""`eyeflow practice`: the program over real HTTP against practice services on this machine.

Knows: the command's options. In: a sentence or LLM-IR. Out: the timeline, and what each service received.
Never: reaches further than the loopback, needs an account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

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
from eyeflow.cli.ran import code_of_run, execution_json, read_trigger, show_execution
from eyeflow.cli.reading import read_answers, read_given, read_inputs, read_sayings, stop
from eyeflow.cli.told import code_of, plain, resumed, show_undecided, undecided_json
from eyeflow.values import Value

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation
    from eyeflow.embedding import Rehearsal
    from eyeflow.simulate.practice import Practice


def practice(
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE|-", help="A request, or an .eir or .txt file.")],
    *,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=VALUE|JSON|@FILE", help="An input of the task.")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option("--trigger", metavar="JSON", help="What arrived, for a task that waits for it.")
    ] = None,
    say: Annotated[
        list[str] | None,
        typer.Option("--say", metavar="SERVICE.CAPABILITY=JSON", help="What a service answers; may be repeated."),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the services up after the run, until Ctrl-C.")] = False,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start practice services, run the program against them over real HTTP, and show what arrived.

    \b
    Examples:
      eyeflow practice hello.eir --input name=Alice
      eyeflow practice weather.eir --say 'openweather.current_weather={"temp": 31}'
    """
    from eyeflow.compilation import compile_in

    screen = Screen(as_json=as_json)
    given = read_given(screen, text)
    if given.artifact is not None:
        stop(screen, f"{given.source}: practice seals its own artifact", hint="give the .eir file or the sentence")
    ctx = open_workspace(screen, catalog=catalog, extra=extra, settings=settings).context()
    answers = read_answers(screen, answer)
    made = compile_in(ctx, given.text, answers=answers, language=given.language, source=given.source)
    if made.outcome != "program":
        if as_json:
            undecided_json(screen, made, given.source)
        else:
            show_undecided(screen, made, given.source, resumed("practice", text, answers))
        raise typer.Exit(code_of(made))
    program = made.compiled.require()
    payload = read_trigger(screen, trigger, program, ctx.catalog)
    values = read_inputs(screen, inputs, program.inputs)
    raise typer.Exit(asyncio.run(_practise(screen, made, values, payload, read_sayings(screen, say), serve=serve)))


async def _practise(
    screen: Screen,
    made: Compilation,
    inputs: dict[str, Value],
    trigger: Value,
    sayings: Sequence[tuple[str, str, Value]],
    *,
    serve: bool,
) -> int:
    from eyeflow.embedding import rehearse, services_of
    from eyeflow.simulate.practice import Practice

    async with Practice(made.context.catalog, services_of(made)) as services:
        _tell(screen, services, services_of(made), sayings)
        with screen.progress("running against practice services"):
            done = await rehearse(made, services, inputs=inputs, trigger=trigger)
        received = {name: list(_received(services, name)) for name in services_of(made)}
        if screen.as_json:
            screen.json(execution_json(done.execution) | {"received": received, "notes": services.notes})
        else:
            _show(screen, done, received)
        if serve:
            await _serve(screen, services)
    return code_of_run(done.execution)


def _tell(screen: Screen, services: Practice, known: Sequence[str], sayings: Sequence[tuple[str, str, Value]]) -> None:
    for service, capability, value in sayings:
        if service not in known:
            stop(screen, f"--say: the program does not use {service}", hint=f"it uses {', '.join(known) or 'nothing'}")
        try:
            services.told(service, capability, returns=value)
        except (ValueError, KeyError) as error:
            stop(screen, f"--say {service}.{capability}: {error.args[0]}")


def _show(screen: Screen, done: Rehearsal, received: dict[str, list[dict[str, object]]]) -> None:
    show_execution(screen, done.execution)
    for name, requests in received.items():
        screen.section(f"{name} received:", [_said(each) for each in requests] or ["nothing"])
    for topic, value in done.published:
        screen.section(f"Published on {topic}:", [plain(value)])
    screen.section("Notes:", done.practice.notes)


def _said(request: dict[str, object]) -> str:
    words = [str(request[key]) for key in ("method", "path", "capability", "to", "subject") if key in request]
    words += [plain(request[key]) for key in ("query", "body", "params", "text") if request.get(key)]
    if request.get("problems"):
        words.append(f"refused: {plain(request['problems'])}")
    return "  ".join(words)


def _received(services: Practice, name: str) -> list[dict[str, object]]:
    """What one service received, in whichever way it is spoken to."""
    try:
        return [
            {
                "method": each.method, "path": each.path, "query": each.query, "body": each.body,
                "authorized": each.authorized, "status": each.status, "problems": list(each.problems),
            }
            for each in services.received(name)
        ]  # fmt: skip
    except KeyError:
        pass
    try:
        return [
            {"to": ", ".join(each.recipients), "subject": each.headers.get("Subject", ""), "text": each.text}
            for each in services.mail(name)
        ]
    except KeyError:
        pass
    try:
        return [{"capability": each.capability, "params": each.params} for each in services.calls(name)]
    except KeyError:
        return []


async def _serve(screen: Screen, services: Practice) -> None:
    """Keep the services up until Ctrl-C."""
    for name, endpoint in services.endpoints.items():
        screen.note(f"{name} practises at {endpoint.host}:{endpoint.port}")
    screen.note("Ctrl-C stops them")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        screen.note("stopped")
