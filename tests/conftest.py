"""The order of the suite: rooms from the ground up, those that run whole programs last, so that what is broken at the
bottom is seen first."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

os.environ["EYEFLOW_CACHE"] = ""  # no test keeps or meets a catalog of another one; `test_compiled` says otherwise

# A shell that starts a suite in the background has it ignore Ctrl-C, and so would every server and command it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

FIRST = ("ground", "tree", "recurrence", "ir", "catalog", "connectors", "svm", "frontend")
LAST = ("simulate", "examples", "cli", "acceptance", "docs")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by room; within a room nothing changes."""
    items.sort(key=lambda item: _place(item.path.relative_to(HERE).parts[0]))


def _place(room: str) -> int:
    if room in FIRST:
        return FIRST.index(room)
    return len(FIRST) + (1 + LAST.index(room) if room in LAST else 0)
