"""What a compile stage has to say: diagnostics, and the report that collects them.

Knows: the shape of a finding (code, severity, place, message, hint, fix). In: findings from the stages.
Out: `Report`, and `Stage results` as `(output | None, Report)`.
Never: prints, raises for bad input (the edge raises `CompileError` once), decides policy.

A stage that can go on collects and goes on; only a missing output stops the pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import msgspec

from eyeflow.values import Span


class Severity(Enum):
    """`error` stops sealing; `connect` (an account is missing) stops only live use; the others inform."""

    ERROR = "error"
    CONNECT = "connect"
    WARNING = "warning"
    NOTE = "note"


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where: `source` names the text (`sentence`, `ir`, or a file name), lines and columns count from 1.

    `path` is the place inside a document (`capabilities.send_message.params.text`).
    """

    source: str = ""
    span: Span | None = None
    line: int | None = None
    column: int | None = None
    path: str = ""


class Fix(msgspec.Struct, frozen=True):
    """A change a machine can apply: replace `span` of the source by `text`; `title` says what it does."""

    title: str
    span: Span
    text: str


class Diagnostic(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding. `code` is snake_case and has a page in the docs; `message` names the guilty words."""

    code: str
    message: str
    severity: Severity = Severity.ERROR
    place: Place = Place()
    hint: str = ""
    fix: Fix | None = None

    def __str__(self) -> str:
        place = self.place
        where = place.source
        if place.line is not None:
            where += f":{place.line}" + (f":{place.column}" if place.column is not None else "")
        if place.path:
            where += f" at {place.path}" if where else place.path
        head = f"{where}: " if where else ""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head}{self.severity.value} {self.code}: {self.message}{tail}"


class Report(msgspec.Struct, frozen=True):
    """Findings of one or more stages, in the order found."""

    diagnostics: tuple[Diagnostic, ...] = ()

    def __add__(self, other: Report) -> Report:
        return Report(self.diagnostics + other.diagnostics)

    @property
    def ok(self) -> bool:
        """True when nothing found is an error (`connect` items and warnings do not count)."""
        return not self.errors

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that stop the pipeline."""
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    def of(self, severity: Severity) -> tuple[Diagnostic, ...]:
        """The findings of one severity."""
        return tuple(d for d in self.diagnostics if d.severity is severity)


EMPTY = Report()


def report(found: Iterable[Diagnostic]) -> Report:
    """A report of `found`."""
    return Report(tuple(found))


def locate(text: str, span: Span | None) -> tuple[int | None, int | None]:
    """Line and column, both from 1, of the start of `span` in `text`; `(None, None)` without a span."""
    if span is None:
        return None, None
    before = text[: span.start]
    return before.count("\n") + 1, span.start - (before.rfind("\n") + 1) + 1


def nearest(word: str, known: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """Up to `limit` known names close to `word`, best first, by difflib's ratio with a cutoff of 0.6."""
    from difflib import get_close_matches  # noqa: PLC0415 - only bad input pays for it

    return tuple(get_close_matches(word, list(known), n=limit, cutoff=0.6))
