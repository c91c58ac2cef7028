"""What can be wrong with LLM-IR text, and the collector of it.

Knows: the codes of this room. In: code, words, span. Out: `Diagnostic`s with line, column, hint, in source order.
Never: raises to the caller of the room; `Refused` is caught where the line it belongs to ends.
"""

from __future__ import annotations

from typing import Final

from eyeflow.diagnostics import Diagnostic, Fix, Place, Report, Severity, locate
from eyeflow.values import Span

MAX_FINDINGS: Final = 50
"""Errors reported before the rest of a text is left alone."""

CODES: Final = {
    "source_too_large": "The text is longer than 1,000,000 characters or 200,000 words, or one line is far too long.",
    "hidden_character": "A control character, a lone surrogate or a text-direction override stands in the open.",
    "unexpected_character": "A character that no line of LLM-IR contains.",
    "unclosed_string": "A quote is opened and not closed.",
    "bad_escape": "A backslash in a string starts no JSON escape.",
    "unclosed_bracket": "A bracket is opened and not closed.",
    "unmatched_bracket": "A bracket closes nothing, or the wrong one.",
    "bad_indentation": "A line stands in no block, or its block is not allowed there.",
    "too_deep": "Blocks, brackets or operators are nested more than 64 deep.",
    "unknown_line": "A line starts with a word that starts no line.",
    "misplaced_line": "A line that is right elsewhere is not allowed in this block.",
    "repeated_line": "A line that may occur once in its block occurs again.",
    "missing_line": "A block lacks a line it needs.",
    "conflicting_lines": "Two lines of a block exclude each other.",
    "unexpected_token": "A line goes on with something its form does not have.",
    "bad_template": "Braces in a string do not enclose a name, or do not match.",
    "bad_number": "A number is too large, or not of the kind its place needs.",
    "bad_duration": "A duration is not a whole number of milliseconds in a known unit.",
    "bad_time": "A time of day, a weekday or a day of the month does not exist.",
    "bad_value": "A value is not one its place can take.",
    "unknown_word": "A word is none of those its place allows.",
    "unknown_type": "A word names no type.",
    "reserved_name": "A word of the language is used as a name.",
    "duplicate_name": "An object, a list of fields or a webhook names the same thing twice.",
    "no_task": "The text has no TASK.",
    "one_task_per_file": "The text has more than one TASK.",
    "too_many_errors": "Reading stopped after 50 errors.",
}


class Refused(Exception):  # noqa: N818 - not an error of the program: control flow inside this room
    """One finding, thrown to the end of the line or block it spoils."""

    def __init__(self, code: str, message: str, span: Span, hint: str = "", fix: Fix | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.hint, self.fix = code, message, span, hint, fix


class TooMany(Exception):  # noqa: N818 - see `Refused`
    """`MAX_FINDINGS` was reached."""


class Findings:
    """Collects findings about one source text called `name`."""

    def __init__(self, source: str, name: str) -> None:
        self.source, self.name = source, name
        self.found: list[Diagnostic] = []

    def add(self, code: str, message: str, span: Span | None, hint: str = "", fix: Fix | None = None) -> None:
        """Adds an error at `span`. Raises: TooMany when enough is enough."""
        assert code in CODES, code
        line, column = locate(self.source, span)
        place = Place(source=self.name, span=span, line=line, column=column)
        self.found.append(Diagnostic(code, message, Severity.ERROR, place, hint, fix))
        if len(self.found) == MAX_FINDINGS:
            end = Span(len(self.source), len(self.source))
            self.add("too_many_errors", f"reading stopped after {MAX_FINDINGS} errors", end, "correct the first ones")
        if len(self.found) > MAX_FINDINGS:
            raise TooMany

    def take(self, refused: Refused) -> None:
        """Adds what was thrown. Raises: TooMany."""
        self.add(refused.code, refused.message, refused.span, refused.hint, refused.fix)

    @property
    def report(self) -> Report:
        """All findings, by place."""
        return Report(tuple(sorted(self.found, key=lambda d: (d.place.span or Span(0, 0)).start)))


def shown(text: str, limit: int = 40) -> str:
    """`text` for a message: one line, printable, at most `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)
