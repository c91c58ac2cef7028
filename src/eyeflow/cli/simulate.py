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
from typing import Annotated, BinaryIO, Final, NoReturn

import msgspec
import typer
from msgspec.structs import replace

from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.catalog.settings import Settings, load_settings
from eyeflow.cli.simulated import show
from eyeflow.diagnostics import Report
from eyeflow.errors import EyeFlowError
from eyeflow.ports import SystemClock
from eyeflow.simulate.batch import simulate_lines
from eyeflow.simulate.result import Result
from eyeflow.simulate.scenario import Case, Scenario, read_scenarios
from eyeflow.simulate.simulate import simulate as simulate_case

FAILED, USAGE, QUESTIONS, REFUSED = 1, 2, 3, 4
MAX_FILE: Final = 16 * 1024 * 1024
SETTINGS: Final = Path("eyeflow.toml")

Request = Annotated[str | None, typer.Argument(metavar="TEXT|FILE.eir", help="A request, or a file of LLM-IR.")]
Batch = Annotated[Path | None, typer.Option(help="Cases, one JSON object a line; `-` reads them from stdin.")]
Folder = Annotated[Path | None, typer.Option(help="A folder of services instead of those that ship.")]
Scenarios = Annotated[Path | None, typer.Option(help="A JSON file: one scenario, or a list of them.")]
Answers = Annotated[list[str] | None, typer.Option(metavar="SLOT=VALUE", help="Answer a question.")]
Accounts = Annotated[Path | None, typer.Option(help="Accounts and profile; ./eyeflow.toml when there is one.")]
AsJson = Annotated[bool, typer.Option("--json", help="One result line for a program to read.")]
Debug = Annotated[bool, typer.Option(help="Show the traceback of a bug.")]


def simulate(  # noqa: PLR0917 - typer reads the options from here
    request: Request = None,
    batch: Batch = None,
    catalog: Folder = None,
    scenario: Scenarios = None,
    answer: Answers = None,
    settings: Accounts = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run a request with scripted answers and simulated time: nothing leaves this process."""
    if (request is None) == (batch is None):
        _stop("give a request, or --batch with a file of cases", USAGE)
    services = _catalog(catalog)
    if batch is not None:
        if scenario is not None or answer:
            _stop("--scenario and --answer belong to one request; the cases of a batch bring their own", USAGE)
        raise typer.Exit(_batch(batch, services, debug=debug))
    assert request is not None
    held = _settings(settings, services)
    answers = dict(_answer(each) for each in answer or [])
    scenarios = tuple(replace(each, answers={**each.answers, **answers}) for each in _scenarios(scenario, held))
    text, ir = _request(request)
    case = Case(id="request", text=text, ir=ir, scenarios=scenarios)
    try:
        result = simulate_case(case, services, connections=held.connections)
    except EyeFlowError as error:
        _stop(str(error), FAILED)
    if as_json:
        _write(msgspec.json.encode(result))
    else:
        show(case, result, services, held.connections)
    raise typer.Exit(_code(result))


def _batch(path: Path, catalog: Catalog, *, debug: bool) -> int:
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
                _stop(f"{path}: {error.strerror or error}", USAGE)
        try:
            for line in simulate_lines(stream, catalog, source=path.name):
                _write(line.json)
                code = code if line.ok else FAILED
                if debug and line.traceback is not None:
                    print(line.traceback, file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:  # whoever read the results has enough; the interpreter must not flush into it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except OSError as error:
            _stop(f"{path}: {error.strerror or error}", FAILED)
    return code


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _code(result: Result) -> int:
    """The exit code that tells how a request fared in all its scenarios."""
    if any(each.status in ("failed", "partial_failure", "cancelled") for each in result.scenarios):
        return FAILED
    outcomes = {result.outcome} if not result.scenarios else {
        each.outcome for each in result.scenarios if isinstance(each.outcome, str)
    }  # fmt: skip
    if "refused" in outcomes:
        return REFUSED
    return QUESTIONS if "questions" in outcomes else 0


def _catalog(folder: Path | None) -> Catalog:
    catalog, found = load_catalog(folder)
    if catalog is None:
        _stop_with(found)
    return catalog


def _settings(path: Path | None, catalog: Catalog) -> Settings:
    if path is None and not SETTINGS.is_file():
        return Settings()
    held, found = load_settings(path or SETTINGS, catalog)
    if held is None:
        _stop_with(found)
    return held


def _scenarios(path: Path | None, held: Settings) -> tuple[Scenario, ...]:
    """Those of the file, or the present with the workspace's profile."""
    if path is None:
        return (Scenario(now=SystemClock().now(), profile=held.profile),)
    scenarios, found = read_scenarios(_file(path), str(path))
    if scenarios is None:
        _stop_with(found)
    if not scenarios:
        _stop(f"{path}: there is no scenario in it", USAGE)
    return scenarios


def _request(given: str) -> tuple[str | None, str | None]:
    """English, or the LLM-IR of the file that is named."""
    if not given.endswith(".eir"):
        return given, None
    path = Path(given)
    try:
        return None, _file(path).decode("utf-8")
    except UnicodeDecodeError:
        _stop(f"{path}: this is not UTF-8 text", USAGE)


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        _stop(f"{path}: {getattr(error, 'strerror', None) or error}", USAGE)
    if len(data) > MAX_FILE:
        _stop(f"{path}: longer than {MAX_FILE} bytes", USAGE)
    return data


def _answer(given: str) -> tuple[str, str]:
    slot, equals, value = given.partition("=")
    if not equals or not slot.strip():
        _stop(f"--answer takes slot=value, not {given[:80]!r}", USAGE)
    return slot.strip(), value


def _stop_with(found: Report) -> NoReturn:
    for each in found.errors:
        typer.echo(str(each), err=True)
    raise typer.Exit(USAGE)


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
