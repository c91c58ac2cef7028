"""The same sentence, catalog and version give the same bytes: in every run, hash seed, locale, time zone, Python."""

from __future__ import annotations

import locale
import os
import subprocess
import sys
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import pytest

from properties import fingerprints, interpreters

SCRIPT = Path(fingerprints.__file__)
ROOT = SCRIPT.parents[2]
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.UTF-8", "ja_JP.UTF-8", "ar_SA.UTF-8")
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Apia", "Antarctica/Troll", "XYZ-26:17")


@cache
def expected() -> list[str]:
    """The lines of this process."""
    return fingerprints.lines()


def elsewhere(python: Path | str = sys.executable, **env: str) -> list[str]:
    """The lines of another process in another environment."""
    told = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("src", "tests", ".")),
        "EYEFLOW_CACHE": "",
        "PYTHONDONTWRITEBYTECODE": "1" if python != sys.executable else os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
        **env,
    }
    done = subprocess.run([python, SCRIPT], capture_output=True, text=True, env=told, check=False, timeout=300)
    assert done.returncode == 0, f"{python} with {env}:\n{done.stderr}"
    return done.stdout.splitlines()


def present(names: tuple[str, ...]) -> tuple[str, ...]:
    """The locales that this machine has."""
    held, before = [], locale.setlocale(locale.LC_ALL)
    for name in names:
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        held.append(name)
    locale.setlocale(locale.LC_ALL, before)
    return tuple(held)


def test_acceptance_39_other_processes_compile_the_same_bytes() -> None:
    assert len(expected()) > 150
    for env in (
        {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
        {"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Apia", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "4294967295", "LC_ALL": "C.UTF-8", "TZ": "XYZ-26:17", "PYTHONOPTIMIZE": "2"},
    ):
        assert elsewhere(**env) == expected(), env


def test_acceptance_39_a_hundred_runs_in_one_process_give_the_same_bytes() -> None:
    path = fingerprints.FOLDER / "loop_over_pull_requests.md"
    case = fingerprints.read(path.read_text(encoding="utf-8"))
    assert len({tuple(fingerprints.parts(fingerprints.compiled(case))) for _ in range(100)}) == 1


def test_a_kept_catalog_gives_the_same_bytes(tmp_path: Path) -> None:
    """What the cache of read catalogs answers is the catalog, down to the digests in programs."""
    code = (
        "import pathlib, sys\nfrom eyeflow.catalog.load import load_catalog\nfrom tools import golden\n"
        "kept = pathlib.Path(sys.argv[1])\nload_catalog(cache=kept)\ncatalog, _ = load_catalog(cache=kept)\n"
        "golden._catalog = lambda: catalog\nfrom properties.fingerprints import lines\nprint('\\n'.join(lines()))\n"
    )
    path = os.pathsep.join(str(ROOT / part) for part in ("src", "tests", "."))
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("catalog-*.msgpack"))
    assert done.stdout.splitlines() == expected()


@pytest.mark.slow
def test_acceptance_39_a_hundred_processes_in_every_locale_and_zone(capfd: pytest.CaptureFixture[str]) -> None:
    held = present(LOCALES)
    with capfd.disabled():
        others = ", ".join(name for name in LOCALES if name not in held)
        print(f"\nlocales used: {', '.join(held)}; not on this machine: {others or 'none'}")  # noqa: T201
    turns = zip(range(100), cycle(held), cycle(ZONES), strict=False)
    for seed, name, zone in islice(turns, 100):
        env = {"PYTHONHASHSEED": str(seed), "LC_ALL": name, "TZ": zone, "PYTHONUTF8": str(seed % 2)}
        assert elsewhere(**env) == expected(), env


@pytest.mark.slow
def test_acceptance_39_every_python_of_this_machine_gives_the_same_bytes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pythons = interpreters.found()
    used = []
    for name, python in pythons.items():
        inside = interpreters.environment(python, tmp_path / name)
        for seed in ("0", "31337"):
            assert elsewhere(inside, PYTHONHASHSEED=seed) == expected(), f"Python {name} ({python})"
        used.append(name)
    with capfd.disabled():
        print(f"\nPythons used: {', '.join(used)}; not on this machine: {', '.join(interpreters.absent(pythons))}")  # noqa: T201
    assert used
