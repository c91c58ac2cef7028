"""The later scenes: programs written as LLM-IR text, the overview's listing and its three examples.

Knows: what the overview says each of them does, and checks it. In: the files of `examples/`. Out: the screen.
Never: goes on when a program did something else; then the demo fails and says which step.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

import eyeflow
from eyeflow.ir.functions.lists import plain
from eyeflow.values import Value
from tools.demo.run import Told, rehearsed
from tools.demo.sentence import show_plan
from tools.demo.stage import Stage, misbehaved

FOLDER: Final = Path(__file__).parents[2] / "examples"
SETTINGS: Final = FOLDER / "eyeflow.toml"


def catalog_of_examples() -> eyeflow.Catalog:
    """The services that ship and those beside the examples. Raises: CatalogError."""
    whole, found = eyeflow.merge(eyeflow.open_catalog(), eyeflow.open_catalog(FOLDER / "catalog"))
    return whole if whole is not None else misbehaved("the catalog of the examples", found)


def compiled(name: str, catalog: eyeflow.Catalog, source: str | None = None) -> eyeflow.Compilation:
    """An example, compiled with the accounts of `examples/eyeflow.toml`."""
    settings, found = eyeflow.load_settings(SETTINGS, catalog)
    if settings is None:
        misbehaved(str(SETTINGS), found)
    text = source if source is not None else (FOLDER / f"{name}.eir").read_text("utf-8")
    made = eyeflow.compile(text, catalog=catalog, connections=settings.connections, language="ir")
    return made if made.outcome == "program" else misbehaved(f"compiling {name}", made.report)


async def show_listing(stage: Stage, catalog: eyeflow.Catalog) -> None:
    """The overview's weather report: the warning it deserves, the fix, three kinds of weather."""
    stage.title("The overview's own listing")
    made = compiled("daily_weather_report", catalog)
    stage.quote(made.text)
    stage.head("The compiler's findings")
    for found in made.report.of(eyeflow.Severity.WARNING):
        stage.finding(found)
    show_plan(stage, made)
    if made.plan is None or made.plan.order != (1, 2, 3):
        misbehaved("the listing's plan", made.plan and made.plan.order)
    stage.head("As `eyeflow fmt --fix` writes it, the head is")
    source = _fixed(FOLDER / "daily_weather_report.eir")
    stage.quote(source.partition("\n\n")[0])
    fixed = compiled("daily_weather_report", catalog, source)
    for degrees, message in ((91, "It's hot! 91F"), (41, "It's cold! 41F"), (72, "Normal weather! 72F")):
        stage.head(f"Run while practice says it is {degrees} degrees Fahrenheit in Paris")
        told = Told(service="openweather", capability="current_weather_imperial", returns={"temp": degrees})
        await _posts(stage, fixed, message, told=told)


def _fixed(path: Path) -> str:
    """What the command prints for a file."""
    command = [sys.executable, "-m", "eyeflow", "fmt", "--fix", "-", "--settings", str(SETTINGS)]
    with path.open("rb") as source:
        done = subprocess.run(command, stdin=source, capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        misbehaved("eyeflow fmt --fix", done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8")


async def _posts(
    stage: Stage,
    made: eyeflow.Compilation,
    message: str,
    *,
    told: Told | None = None,
    inputs: dict[str, Value] | None = None,
) -> None:
    """Run, and make sure that exactly `message` arrived in #general."""
    run = await rehearsed(stage, made, told=[told] if told is not None else [], inputs=inputs, brief=True)
    arrived = [request.body for request in run.practice.received("slack_notify")]
    if run.execution.status != "success" or arrived != [{"channel": "#general", "text": message}]:
        misbehaved(f"posting {message!r}", f"{run.execution.status}, {run.execution.error}, {arrived}")


async def show_hello(stage: Stage, catalog: eyeflow.Catalog) -> None:
    """Example 1: a log line and an output."""
    stage.title("Example 1: hello_world with name = Alice")
    run = await rehearsed(stage, compiled("hello_world", catalog), inputs={"name": "Alice"}, brief=True)
    execution = run.execution
    _json(stage, {
        "execution_id": execution.execution_id, "status": execution.status, "duration_ms": execution.duration_ms,
        "output": plain(execution.output),
    })  # fmt: skip
    if plain(execution.output) != {"greeting": "Hello Alice"}:
        misbehaved("hello_world", execution.output)


async def show_branch(stage: Stage, catalog: eyeflow.Catalog) -> None:
    """Example 2: neither hot nor cold."""
    stage.title("Example 2: perfect_weather with temperature = 72")
    made = compiled("perfect_weather", catalog)
    await _posts(stage, made, "Perfect weather! 🌤️", inputs={"temperature": 72})


async def show_recovery(stage: Stage, catalog: eyeflow.Catalog) -> None:
    """Example 3: the second action is too slow, its fallback ends the task, the third is not started."""
    stage.title("Example 3: error_recovery, the second service answers after 5 seconds, its TIMEOUT is 100 ms")
    made = compiled("error_recovery", catalog)
    slow = Told(service="tanks", capability="forecast", stall_ms=5_000)
    run = await rehearsed(stage, made, told=[slow], brief=True)
    report = run.execution.report()
    _json(stage, msgspec.to_builtins(report))
    seen = (report.status, report.completed_actions, report.failed_action, report.error, report.fallback_executed)
    if seen != ("partial_failure", 1, 2, "Timeout exceeded", True) or run.practice.received("pager"):
        misbehaved("error_recovery", f"{seen}, {len(run.practice.received('pager'))} pages sent")


def _json(stage: Stage, value: object) -> None:
    stage.quote(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
