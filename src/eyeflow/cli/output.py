"""What commands print: words, tables, JSON, and findings with the guilty line marked.

Knows: terminals from pipes, and what must never reach a terminal. In: texts, reports, errors. Out: stdout for
results, stderr for findings. Never: colour outside a terminal or under NO_COLOR, a control character that came from
a request, a file or a service.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from eyeflow.diagnostics import Diagnostic, Report, Severity, locate
from eyeflow.errors import CompileError, EyeFlowError

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH: Final = 100
_STYLES: Final = {
    Severity.ERROR: "bold red", Severity.CONNECT: "bold cyan", Severity.WARNING: "bold yellow", Severity.NOTE: "bold",
}  # fmt: skip
_OPEN: Final = ("question", "refused")
"""Codes of what is no error of anybody's: a request that is not decided yet, or cannot be served."""

_MAX_SHOWN: Final = 20
_MAX_SOURCE_BYTES: Final = 4 * 1024 * 1024


class Screen:
    """Where one command writes. With `as_json`, results are JSON documents on stdout and nothing else is printed."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._consoles: dict[int, Console | None] = {}

    # --- results

    def line(self, text: str = "", style: str = "") -> None:
        """One line, or several, of a result."""
        self._put(sys.stdout, text, style)

    def section(self, title: str, lines: Iterable[str], style: str = "") -> None:
        """A title with lines under it; nothing at all when there are no lines."""
        held = list(lines)
        if held:
            self.line()
            self.line(title, "bold")
            for each in held:
                self.line(f"  {each}", style)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows in columns as wide as their cells; long last cells stay whole."""
        cells = [tuple(clean(cell) for cell in row) for row in rows]
        widths = [max(map(_width, column)) for column in zip(columns, *cells, strict=True)]
        for number, row in enumerate((tuple(columns), *cells)):
            padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
            self.line("  ".join(padded).rstrip(), "bold" if number == 0 else "")

    def json(self, value: object, *, pretty: bool = False) -> None:
        """One JSON document on stdout, on one line unless `pretty`."""
        data = msgspec.json.encode(value)
        print(_safe_json((msgspec.json.format(data, indent=2) if pretty else data).decode()))

    def raw(self, text: str) -> None:
        """Text for another program to read: exactly as it is."""
        sys.stdout.write(text)

    # --- what is wrong

    def problem(self, message: str, *, hint: str = "", code: str = "error") -> None:
        """One error that has no place."""
        if self.as_json:
            self.json({"error": {"code": code, "message": message, "hint": hint}})
            return
        self._put(sys.stderr, f"error: {message}", "bold red")
        if hint:
            self._put(sys.stderr, f"  {hint}")

    def failure(self, error: EyeFlowError, texts: Mapping[str, str] | None = None) -> None:
        """An error of EyeFlow's own, with its findings when it carries any."""
        report = error.report if isinstance(error, CompileError) else Report()
        if self.as_json:
            self.json({
                "error": {"code": error.code, "message": error.message, "hint": error.hint},
                "diagnostics": _located(report, texts or {}),
            })  # fmt: skip
        elif report.diagnostics:
            self.findings(report, texts)
        else:
            self.problem(f"{error.code}: {error.message}", hint=error.hint)

    def findings(self, report: Report, texts: Mapping[str, str] | None = None) -> None:
        """Findings on stderr, each with its line marked; `texts` holds the sources that places name."""
        if self.as_json:
            return
        for found in report.diagnostics[:_MAX_SHOWN]:
            self._finding(found, texts or {})
        more = len(report.diagnostics) - _MAX_SHOWN
        if more > 0:
            self._put(sys.stderr, f"and {more} more")

    def _finding(self, found: Diagnostic, texts: Mapping[str, str]) -> None:
        asked = found.code in _OPEN
        head = found.code if asked else f"{found.severity.value} {found.code}"
        self._put(sys.stderr, f"{head}: {found.message}", _STYLES[Severity.WARNING if asked else found.severity])
        for line in marked(found, texts):
            self._put(sys.stderr, line)
        if found.hint:
            self._put(sys.stderr, f"  = {found.hint}")
        if found.fix is not None:
            self._put(sys.stderr, f"  = `eyeflow fmt --fix` would {found.fix.title}")

    def note(self, text: str) -> None:
        """A word beside the result, on stderr."""
        if not self.as_json:
            self._put(sys.stderr, text)

    @contextmanager
    def progress(self, text: str) -> Iterator[None]:
        """Show that something takes a while, on a terminal."""
        console = None if self.as_json else self._console(sys.stderr)
        if console is None:
            yield
            return
        with console.status(clean(text)):
            yield

    # --- how

    def _put(self, stream: IO[str], text: str, style: str = "") -> None:
        shown = clean(text)
        console = self._console(stream)
        if console is None:
            print(shown, file=stream)
            return
        from rich.text import Text

        console.print(Text(shown, style=style), soft_wrap=True, highlight=False)

    def _console(self, stream: IO[str]) -> Console | None:
        """Rich's console for a terminal, None for anything else."""
        if id(stream) not in self._consoles:
            terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
            self._consoles[id(stream)] = _rich(stream) if terminal else None
        return self._consoles[id(stream)]


def _rich(stream: IO[str]) -> Console:
    from rich.console import Console

    return Console(file=stream, no_color=bool(os.environ.get("NO_COLOR")))


# --- text that came from somewhere else ----------------------------------------------------------------------------


def clean(text: str) -> str:
    """`text` with everything but line breaks that a terminal would obey spelled out."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(char if char == "\n" or not _commands_terminal(char) else _escaped(char) for char in text)


def _commands_terminal(char: str) -> bool:
    category = unicodedata.category(char)
    return category in ("Cc", "Cs") or (category == "Cf" and char not in "\u200d\u200c\ufe0f")


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def _safe_json(text: str) -> str:
    """The same document with characters that a terminal would obey as JSON escapes; they occur in strings only."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(char if char == "\n" or not _commands_terminal(char) else _json_escaped(char) for char in text)


def _json_escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def marked(found: Diagnostic, texts: Mapping[str, str]) -> list[str]:
    """The place of a finding: where it is, the guilty line, and a mark under the words."""
    place = found.place
    text = _text(place.source, texts)
    line, column = place.line, place.column
    if line is None and text is not None:
        line, column = locate(text, place.span)
    where = ":".join(str(part) for part in (place.source, line, column) if part not in (None, ""))
    if place.path:
        where = f"{where} at {place.path}" if where else place.path
    if text is None or line is None:
        return [f"  --> {where}"] if where else []
    lines = text.split("\n")
    if line > len(lines):
        return [f"  --> {where}"]
    guilty = _without_value(lines[line - 1]) if place.source.endswith(".toml") else lines[line - 1]
    start = max((column or 1) - 1, 0)
    length = place.span.end - place.span.start if place.span is not None else 1
    shown, mark = _window(guilty, start, max(length, 1), marks=column is not None)
    pad = " " * len(str(line))
    return [f"{pad} --> {where}", f"{line} | {shown}", *([f"{pad} | {mark}"] if mark else [])]


def _without_value(line: str) -> str:
    """A line of settings without what is set: it may be a secret that does not belong there."""
    name, equals, _ = line.partition("=")
    return f"{name}{equals} …" if equals else name


def _window(line: str, start: int, length: int, *, marks: bool) -> tuple[str, str]:
    """A piece of a line around what is marked, and the mark under it."""
    begin = max(0, min(start - 20, len(line) - _WIDTH)) if len(line) > _WIDTH else 0
    end = min(len(line), begin + _WIDTH)
    before = clean(line[begin:start].replace("\t", " "))
    guilty = clean(line[start : min(start + length, end)].replace("\t", " "))
    after = clean(line[min(start + length, end) : end].replace("\t", " "))
    lead = "…" if begin else ""
    shown = f"{lead}{before}{guilty}{after}{'…' if end < len(line) else ''}"
    return shown, (" " * _width(lead + before) + "^" * max(_width(guilty), 1)) if marks else ""


def _text(source: str, texts: Mapping[str, str]) -> str | None:
    """The text that a place points into: one of those at hand, else the file of that name."""
    if source in texts:
        return texts[source]
    if not source.endswith((".yaml", ".yml", ".json", ".toml", ".eir", ".txt")):
        return None
    try:
        with Path(source).open("rb") as file:
            data = file.read(_MAX_SOURCE_BYTES)
        return data.decode("utf-8")
    except (OSError, ValueError):
        return None


def _located(report: Report, texts: Mapping[str, str]) -> list[Diagnostic]:
    """Findings whose places say line and column, for JSON."""
    return [located(found, texts) for found in report.diagnostics]


def located(found: Diagnostic, texts: Mapping[str, str]) -> Diagnostic:
    """`found` with line and column worked out from its span, where its text is at hand."""
    place = found.place
    if place.line is not None or place.span is None or place.source not in texts:
        return found
    line, column = locate(texts[place.source], place.span)
    return msgspec.structs.replace(found, place=msgspec.structs.replace(place, line=line, column=column))
