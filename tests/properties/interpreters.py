"""The Pythons of this machine that EyeFlow runs on, and an environment with the locked packages for each.

Looked for: `python3.N` along PATH, and where pyenv, uv and asdf keep theirs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = 11, 16
ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
_ASK = "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.implementation.name, sys.version_info.releaselevel)"


def found() -> dict[str, Path]:
    """The newest interpreter of every minor version from `OLDEST` on, by `3.N`."""
    held: dict[str, tuple[tuple[int, ...], Path]] = {}
    for path in _candidates():
        version = _version(path)
        if version is None or version[0] != 3 or version[1] < OLDEST:
            continue
        name = f"3.{version[1]}"
        if name not in held or version > held[name][0]:
            held[name] = (version, path)
    return {name: held[name][1] for name in sorted(held, key=lambda each: int(each[2:]))}


def absent(present: dict[str, Path]) -> list[str]:
    """The minor versions that were looked for and are not here."""
    return [name for minor in range(OLDEST, NEWEST + 1) if (name := f"3.{minor}") not in present]


def _candidates() -> list[Path]:
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"))
    roots = (pyenv / "versions", uv, home / ".asdf/installs/python")
    kept = [path for root in roots if root.is_dir() for path in sorted(root.glob("*/bin/python3"))]
    along = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    named = [folder / f"python3.{minor}" for folder in along for minor in range(OLDEST, NEWEST + 1)]
    return [Path(sys.executable), *kept, *(path for path in named if path.is_file())]


def _version(path: Path) -> tuple[int, ...] | None:
    """`(3, 12, 1)` of a released CPython; None of anything else, such as a shim for a version that is not there."""
    try:
        done = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    number, kind, level = done.stdout.split()
    return tuple(map(int, number.split("."))) if (kind, level) == ("cpython", "final") else None


def environment(python: Path, folder: Path) -> Path:
    """An environment of `python` with exactly the locked packages; its interpreter.

    Raises: subprocess.CalledProcessError, with pip's words, when a locked package is not to be had for it.
    """
    subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True, timeout=300)
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    subprocess.run([*pip, "--require-hashes", "-r", LOCK], check=True, capture_output=True, text=True, timeout=1_200)
    return inside
