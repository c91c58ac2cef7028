"""Where the validator writes down what it finds.

Knows: how places in a program are named. In: findings. Out: a bounded `Report`. Never: judges.
"""

from __future__ import annotations

from typing import Final

from eyeflow.diagnostics import Diagnostic, Place, Report

MAX_FINDINGS: Final = 100


class Findings:
    """Collects errors, up to `MAX_FINDINGS`."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def add(self, code: str, message: str, path: str) -> None:
        """One error at `path` (`blocks.3.code.0`, `scopes.1.steps.2`)."""
        if len(self._found) < MAX_FINDINGS:
            self._found.append(Diagnostic(code, message, place=Place(source="program", path=path)))

    @property
    def any(self) -> bool:
        """True when something was found."""
        return bool(self._found)

    def report(self) -> Report:
        """All of them."""
        return Report(tuple(self._found))


def step_path(scope: int, position: int) -> str:
    """The place of a step."""
    return f"scopes.{scope}.steps.{position}"


def code_path(block: int, position: int) -> str:
    """The place of an operation."""
    return f"blocks.{block}.code.{position}"
