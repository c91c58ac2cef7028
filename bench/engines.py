"""What a helper of the rules gains, over files of cases that are named on the command line.

Knows: how to run each case twice, with the rules alone and with a helper. In: files as `eyeflow simulate --batch` takes
them. Out: a table of outcomes before and after, time and tokens; result lines of both, for a scorer of one's own.
Never: reads what is expected of a case, keeps a sentence in its figures.

    python -m bench engines CASES.jsonl --engine local --catalog DIR --share 3 --score "score.py {cases} {results}"
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.report import WORK, begin, keep
from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import Catalog, CompileContext
from eyeflow.errors import EyeFlowError
from eyeflow.frontend.engines import Engine, Facts, Proposal
from eyeflow.frontend.engines.settings import EngineSettings, make, read_engine
from eyeflow.simulate.result import Result
from eyeflow.simulate.scenario import Case, read_case
from eyeflow.simulate.simulate import simulate


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """One file with one helper. `moved` counts cases by outcome before and after; times are of the cases the helper
    was asked about, in seconds a request; `programs` are those that the helper made, `stored` the answers it had."""

    cases: str
    engine: str
    count: int
    outcomes: dict[str, int]
    moved: dict[str, int]
    programs: int
    questions_before: int
    questions_after: int
    asked: int
    stored: int
    seconds: float
    slowest_s: float
    tokens_in: int
    tokens_out: int
    scores: dict[str, str]


class _Counting:
    """An engine, and what its proposals cost."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.facts: list[Facts] = []

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def identity(self) -> str:
        return self._engine.identity

    def propose(self, text: str, ctx: CompileContext, answers: Mapping[str, str]) -> Proposal:
        made = self._engine.propose(text, ctx, answers)
        self.facts.append(made.facts)
        return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _options().parse_args(given)
    here = begin(f"engines: rules, and rules with {options.engine}")
    try:
        settings = read_engine(options.settings.read_text("utf-8") if options.settings else "", os.environ)
        settings = msgspec.structs.replace(settings, semantic=settings.semantic or options.semantic)
        helper = _Counting(_helper(settings, options))
        catalog = open_catalog(options.catalog) if options.catalog else open_catalog()
    except EyeFlowError as error:
        print(f"{error.code}: {error.message}; {error.hint or ''}", file=sys.stderr)
        return 2
    found = []
    for path in options.cases:
        made = _measured(path, helper, catalog, options)
        found.append(made)
        _show(made)
    keep("engines", found, here, arguments=given)
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench engines", description=__doc__)
    parser.add_argument("cases", nargs="+", type=Path, help="files of cases, one JSON object a line")
    parser.add_argument("--engine", default="local", choices=("local", "llm", "semantic"))
    parser.add_argument("--semantic", action="store_true", help="static embeddings as a further source of candidates")
    parser.add_argument("--settings", type=Path, help="an eyeflow.toml whose [engine] says where the model is")
    parser.add_argument("--catalog", type=Path, help="a folder of services, for cases that bring none")
    parser.add_argument("--share", type=int, default=1, help="one case of so many, chosen by a digest of its id")
    parser.add_argument("--limit", type=int, default=0, help="at most so many cases that the rules do not decide")
    parser.add_argument("--proposals", type=Path, default=WORK / "proposals", help="where answers of models are kept")
    parser.add_argument("--out", type=Path, default=WORK / "engines", help="where result lines go")
    parser.add_argument("--score", help="a command that scores result lines; {cases} and {results} stand for files")
    return parser


def _helper(settings: EngineSettings, options: argparse.Namespace) -> Engine:
    made = make(settings, os.environ, use=options.engine, folder=options.proposals)
    assert made is not None, "an engine other than the rules was named"
    return made


def _measured(path: Path, helper: _Counting, catalog: Catalog, options: argparse.Namespace) -> Gain:
    before, after = [], []
    times: list[float] = []
    helper.facts.clear()
    for case in _cases(path, options.share):
        alone = simulate(case, catalog)
        before.append(alone)
        if options.limit and len(times) >= options.limit:
            after.append(alone)
            continue
        asked, started = len(helper.facts), time.perf_counter()
        after.append(simulate(case, catalog, engine=helper))
        if any(f.attempts or f.stored for f in helper.facts[asked:]):
            times.append(time.perf_counter() - started)
            print(f"\r{path.name}: {len(before)}, asked about {len(times)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    files = {name: _write(options.out, f"{path.stem}.{name}", held)
             for name, held in (("rules", before), (helper.name, after))}  # fmt: skip
    return Gain(
        cases=path.name,
        engine=helper.identity,
        count=len(before),
        outcomes=dict(Counter(one.outcome for one in before)),
        moved=dict(Counter(f"{a.outcome} -> {b.outcome}" for a, b in zip(before, after, strict=True))),
        programs=sum(a.outcome != "program" == b.outcome for a, b in zip(before, after, strict=True)),
        questions_before=sum(len(one.questions) for one in before),
        questions_after=sum(len(one.questions) for one in after),
        asked=len(times),
        stored=sum(f.stored for f in helper.facts),
        seconds=round(sum(times) / len(times), 2) if times else 0.0,
        slowest_s=round(max(times, default=0.0), 2),
        tokens_in=sum(f.tokens_in for f in helper.facts),
        tokens_out=sum(f.tokens_out for f in helper.facts),
        scores={name: _score(options.score, path, file) for name, file in files.items()} if options.score else {},
    )


class _Given(msgspec.Struct):
    """What of a line goes to the product; what is expected stays behind."""

    id: str
    text: str | None = None
    scenarios: Any = ()
    catalog: Any = None


def _cases(path: Path, share: int) -> Iterator[Case]:
    for line in path.read_bytes().splitlines():
        if not line.strip():
            continue
        held = msgspec.json.decode(line, type=_Given)
        if hashlib.sha256(f"share {held.id}".encode()).digest()[0] % share:
            continue
        bare = {k: v for k, v in msgspec.structs.asdict(held).items() if v is not None}
        case, _ = read_case(msgspec.json.encode(bare), path.name)
        if case is not None and case.text is not None:
            yield case


def _write(folder: Path, name: str, results: Sequence[Result]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.results.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in results))
    return file


def _score(command: str, cases: Path, results: Path) -> str:
    """The last line that the scorer prints."""
    filled = [part.format(cases=cases, results=results) for part in shlex.split(command)]
    done = subprocess.run(filled, capture_output=True, text=True, check=False)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit {done.returncode}"


def _show(made: Gain) -> None:
    print(f"\n{made.cases}: {made.count} cases, {made.engine}")
    for moved, count in sorted(made.moved.items()):
        print(f"  {moved:28}{count:>6}")
    print(f"  questions in all            {made.questions_before:>6} -> {made.questions_after}")
    print(f"  programs by the helper      {made.programs:>6}")
    print(f"  asked about                 {made.asked:>6}, {made.seconds} s each, slowest {made.slowest_s} s")
    print(f"  tokens                      {made.tokens_in:>6} in, {made.tokens_out} out; {made.stored} stored answers")
    for name, score in made.scores.items():
        print(f"  {name:9} {score}")
