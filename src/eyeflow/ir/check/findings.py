"""Where the checker writes down what it finds.

Knows: the place being looked at. In: findings. Out: a `Report`, bounded. Never: judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from eyeflow.diagnostics import Diagnostic, Fix, Place, Report, Severity
from eyeflow.values import Span

MAX_FINDINGS: Final = 200
"""More are not collected: a text with two hundred mistakes is mended in rounds."""

MAX_NOTES: Final = 2_000
"""Notes have a bound of their own, so that they never crowd out a mistake."""


class Findings:
    """Collects diagnostics in the order found. `at` names the place for all that is found inside."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._found: dict[Diagnostic, None] = {}
        self._notes = 0
        self._path: list[str] = []
        self._spans: list[Span | None] = [None]

    @contextmanager
    def at(self, *path: str, span: Span | None = None) -> Iterator[None]:
        """Findings inside get `path` appended to theirs, and `span` when they have none of their own."""
        self._path.extend(path)
        self._spans.append(span or self._spans[-1])
        try:
            yield
        finally:
            del self._path[len(self._path) - len(path) :]
            self._spans.pop()

    def add(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        span: Span | None = None,
        severity: Severity = Severity.ERROR,
        fix: Fix | None = None,
    ) -> None:
        """One finding; the same one twice counts once."""
        place = Place(source=self.source, span=span or self._spans[-1], path=".".join(self._path))
        finding = Diagnostic(code, message, severity, place, hint, fix)
        note = severity is Severity.NOTE
        full = self._notes >= MAX_NOTES if note else self.full
        if not full and finding not in self._found:
            self._found[finding] = None
            self._notes += note

    @property
    def full(self) -> bool:
        """True when nothing more is collected."""
        return len(self._found) - self._notes >= MAX_FINDINGS

    def report(self) -> Report:
        """All of them."""
        return Report(tuple(self._found))


def words(names: Sequence[str], *, most: int = 8) -> str:
    """Names in a sentence: `a, b or c`; what is over `most` is counted."""
    shown = [f"`{name[:60]}`" for name in names[:most]]
    if len(names) > most:
        return ", ".join(shown) + f" and {len(names) - most} more"
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" or {shown[-1]}" if shown else ""


def meant(close: tuple[str, ...], known: Sequence[str] = (), what: str = "known") -> str:
    """A hint: the nearest names, else all known ones."""
    if close:
        return f"did you mean {words(close)}?"
    return f"{what}: {words(list(known))}" if known else ""
