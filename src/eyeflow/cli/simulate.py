"""`eyeflow simulate`: try a request out; nothing leaves the process.

Knows: the command's options. In: words and files. Out: text or JSON, an exit code.
Never: decides what a request means (the simulation does), draws (`simulated` does).

Exit codes: 0 ran, 1 failed, 2 usage, 3 questions to answer, 4 refused. A batch: 1 when a case could not be simulated.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer
from msgspec.structs import replace

from eyeflow.catalog.model import Catalog
from eyeflow.catalog.settings import Settings
from eyeflow.cli.context import (
    AnswerOption,
    CatalogOption,
    JsonOption,
    SettingsOption,
    WithOption,
    load_services,
    open_workspace,
)
from eyeflow.cli.helping import EngineOption, engine_of
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import read_answers, read_bytes, read_given, stop
from eyeflow.cli.simulated import show
from eyeflow.cli.start import Exit
from eyeflow.compilation import language_of
from eyeflow.errors import CompileError
from eyeflow.ports import SystemClock
from eyeflow.simulate.batch import simulate_lines
from eyeflow.simulate.result import Result
from eyeflow.simulate.scenario import Case, Scenario, read_scenarios
from eyeflow.simulate.simulate import simulate_case

if TYPE_CHECKING:
    from eyeflow.frontend.engines import Engine

MAX_FILE: Final = 16 * 1024 * 1024

Request = Annotated[str | None, typer.Argument(metavar="TEXT|FILE|-", help="A request, or an .eir or .txt file.")]
Batch = Annotated[Path | None, typer.Option(help="Cases, one JSON object a line; `-` reads them from stdin.")]
Scenarios = Annotated[Path | None, typer.Option(help="A JSON file: one scenario, or a list of them.")]
Debug = Annotated[bool, typer.Option(envvar="EYEFLOW_DEBUG", help="Show the traceback of a bug.")]


def simulate(
    request: Request = None,
    *,
    batch: Batch = None,
    scenario: Scenarios = None,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    engine: EngineOption = None,
    as_json: JsonOption = False,
    debug: Debug = False,
) -> None:
    """Run a request with scripted answers and simulated time: nothing leaves this process.

    \b
    Examples:
      eyeflow simulate hello.eir --scenario scenario.json
      eyeflow simulate --batch cases.jsonl --json
    """
    screen = Screen(as_json=as_json)
    if (request is None) == (batch is None):
        stop(screen, "give a request, or --batch with a file of cases")
    if batch is not None:
        if scenario is not None or answer:
            stop(screen, "--scenario and --answer belong to one request; the cases of a batch bring their own")
        helping = engine_of(screen, None, engine, settings) if engine is not None else None
        raise typer.Exit(_batch(screen, batch, load_services(screen, catalog, extra), helping, debug=debug))
    assert request is not None
    text, ir = _request(screen, request)
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings)
    held = space.settings
    answers = read_answers(screen, answer)
    scenarios = tuple(replace(each, answers={**each.answers, **answers}) for each in _scenarios(screen, scenario, held))
    case = Case(id="request", text=text, ir=ir, scenarios=scenarios)
    simulated = simulate_case(
        case, space.catalog, connections=held.connections, engine=engine_of(screen, space, engine, settings)
    )
    if as_json:
        screen.json(simulated.result)
    else:
        show(screen, case, simulated, space.catalog, held.connections)
    raise typer.Exit(_code(simulated.result))


def _batch(screen: Screen, path: Path, catalog: Catalog, engine: Engine | None, *, debug: bool) -> int:
    """Stream the results of a file; what was printed stays whatever ends the batch."""
    code = 0
    with ExitStack() as stack:
        stream: BinaryIO
        if str(path) == "-":
            stream = sys.stdin.buffer
        else:
            try:
                stream = stack.enter_context(path.open("rb"))
            except OSError as error:
                stop(screen, f"{path}: {(error.strerror or str(error)).lower()}")
        try:
            for line in simulate_lines(stream, catalog, source=path.name, engine=engine):
                _write(line.json)
                code = code if line.ok else Exit.FAILED
                if debug and line.traceback is not None:
                    print(line.traceback, file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            return Exit.INTERRUPTED
        except BrokenPipeError:  # whoever read the results has enough; the interpreter must not flush into it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.FAILED
        except OSError as error:
            stop(screen, f"{path}: {(error.strerror or str(error)).lower()}", code=Exit.FAILED)
    return code


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _code(result: Result) -> int:
    """The exit code that tells how a request fared in all its scenarios."""
    if any(each.status in ("failed", "partial_failure", "cancelled") for each in result.scenarios):
        return Exit.FAILED
    outcomes = {result.outcome} if not result.scenarios else {
        each.outcome for each in result.scenarios if isinstance(each.outcome, str)
    }  # fmt: skip
    if "refused" in outcomes:
        return Exit.REFUSED
    return Exit.QUESTIONS if "questions" in outcomes else Exit.OK


def _scenarios(screen: Screen, path: Path | None, held: Settings) -> tuple[Scenario, ...]:
    """Those of the file, or the present with the workspace's profile."""
    if path is None:
        return (Scenario(now=SystemClock().now(), profile=held.profile),)
    scenarios, found = read_scenarios(read_bytes(screen, path, MAX_FILE), str(path))
    if scenarios is None:
        screen.failure(CompileError("bad_scenario", f"{path} does not load", found))
        raise typer.Exit(Exit.USAGE)
    if not scenarios:
        stop(screen, f"{path}: there is no scenario in it")
    return scenarios


def _request(screen: Screen, given: str) -> tuple[str | None, str | None]:
    """English, or the LLM-IR of what is named."""
    found = read_given(screen, given)
    if found.artifact is not None:
        stop(screen, f"{found.source}: simulate compiles for itself", hint="give the .eir file or the sentence")
    ir = (found.language or language_of(found.text)) == "ir"
    return (None, found.text) if ir else (found.text, None)
