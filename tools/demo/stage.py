"""How the demo looks: titles, labelled facts, quoted text.

Knows: the width of a screen. In: real objects' words. Out: stdout, in colour on terminals only (`cli.output` decides).
Never: makes anything up: every line shown is handed in by a scene.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import NoReturn

from eyeflow.cli.output import Screen
from eyeflow.diagnostics import Diagnostic

WIDTH = 100
_LABEL = 12


class StepError(Exception):
    """A step of the demo did not do what it should; the message says which and how."""


def misbehaved(step: str, what: object) -> NoReturn:
    """End the demo. Raises: StepError."""
    raise StepError(f"{step}: {what}")


class Stage:
    """Where the scenes write."""

    def __init__(self) -> None:
        self.screen = Screen()

    def title(self, text: str) -> None:
        """The head of a scene."""
        self.screen.line()
        self.screen.line(f"━━ {text} ".ljust(WIDTH, "━"), "bold cyan")

    def head(self, text: str) -> None:
        """The head of a step."""
        self.screen.line()
        self.screen.line(text, "bold")

    def fact(self, label: str, text: str) -> None:
        """A labelled fact, wrapped."""
        lines = textwrap.wrap(text, WIDTH - _LABEL - 2, break_long_words=False, break_on_hyphens=False) or [""]
        self.screen.line(f"  {label:<{_LABEL}}{lines[0]}")
        for line in lines[1:]:
            self.screen.line(f"  {'':<{_LABEL}}{line}")

    def exactly(self, label: str, text: str) -> None:
        """A labelled text on one line, however long."""
        self.screen.line(f"  {label:<{_LABEL}}{text}")

    def facts(self, label: str, texts: Iterable[str]) -> None:
        """Several facts under one label."""
        for index, text in enumerate(texts):
            self.fact(label if index == 0 else "", text)

    def quote(self, text: str) -> None:
        """Text of another language or service, indented and otherwise as it is."""
        for line in text.rstrip("\n").split("\n"):
            self.screen.line(f"  │ {line}".rstrip())

    def say(self, text: str, style: str = "") -> None:
        """A sentence to the person who watches."""
        for line in textwrap.wrap(text, WIDTH):
            self.screen.line(line, style)

    def finding(self, found: Diagnostic) -> None:
        """A finding of the compiler, in its own words."""
        self.fact(found.severity.value, f"{found.code}: {found.message}")
        if found.hint:
            self.fact("", found.hint)
