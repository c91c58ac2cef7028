"""What is written to stderr: one line an event, JSON for machines or text for people.

Knows: how a log record becomes a line that is one line, holds no key, and cannot command a terminal. In: records of
`logging` from any room, events of the server. Out: bytes. Never: writes a body, a header or a value of a run (what a
program says with LOG is an event of its run).

Lines are gathered for `GATHER_S` and written together: a line for every request would otherwise cost more than the
request.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from eyeflow.server.settings import Logs

GATHER_S: Final = 0.05
MAX_GATHERED: Final = 64 * 1024
MAX_FIELD: Final = 4000
MAX_FRAMES: Final = 12
HIDDEN: Final = "[redacted]"
_SECRET: Final = re.compile(
    r"(?:ef_(?:live|test)_[A-Za-z0-9_\-]{8,}|[Bb]earer\s{1,4}[^\s\"',]{8,}|xox[abposr]-[A-Za-z0-9\-]+"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]+|gh[pousr]_[A-Za-z0-9]+|github_pat_\w+|glpat-[\w\-]+|AKIA[0-9A-Z]{16}"
    r"|eyJ[A-Za-z0-9_\-]{12,}[A-Za-z0-9_.\-]*|(?<=://)[^/\s:@]{1,200}:[^/\s@]{1,200}(?=@))"
)
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep

log: Final = logging.getLogger("eyeflow.server")


def event(name: str, *, level: int = logging.INFO, error: BaseException | None = None, **fields: Any) -> None:
    """Write one event of the server; `fields` are plain values."""
    if log.isEnabledFor(level):
        log.log(level, name, exc_info=error, extra={"fields": fields})


class Lines(logging.Handler):
    """Gathers lines and writes them to a descriptor."""

    def __init__(self, form: logging.Formatter, descriptor: int = 2) -> None:
        super().__init__()
        self.setFormatter(form)
        self._descriptor = descriptor
        self._gathered: list[str] = []
        self._size = 0
        self._due: asyncio.TimerHandle | None = None
        atexit.register(self.flush)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; errors are written at once."""
        try:
            line = self.format(record)
        except Exception:  # a record that cannot be shown must not end what it speaks of
            line = '{"event":"unprintable log record"}'
        self._gathered.append(line)
        self._size += len(line)
        if record.levelno >= logging.ERROR or self._size >= MAX_GATHERED:
            self.flush()
        elif self._due is None:
            self._later()

    def _later(self) -> None:
        try:
            self._due = asyncio.get_running_loop().call_later(GATHER_S, self.flush)
        except RuntimeError:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        lines, self._gathered, self._size = self._gathered, [], 0
        data = "".join(line + "\n" for line in lines).encode("utf-8", "backslashreplace")
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except OSError:  # nobody reads any more: there is nowhere left to say so
                return


class JsonForm(logging.Formatter):
    """A record as one line of JSON: `time`, `level`, `event`, `room`, then its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return msgspec.json.encode(described(record)).decode().replace("\x7f", "\\u007f")


class TextForm(logging.Formatter):
    """A record as one line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        held = described(record)
        at, level, name, room = (str(held.pop(key)) for key in ("time", "level", "event", "room"))
        fields = " ".join(f"{key}={_word(value)}" for key, value in held.items())
        lead = "" if room == "eyeflow.server" else f"{room}: "
        return f"{at[11:19]} {level:7} {lead}{_neutral(name)} {fields}".rstrip()


def described(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says, cleaned of secrets and cut to size."""
    held: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": scrubbed(record.getMessage()),
        "room": record.name,
    }
    for key, value in getattr(record, "fields", {}).items():
        held[key] = scrubbed(value) if isinstance(value, str) else value
    if record.exc_info and record.exc_info[1] is not None:
        held |= _described_error(record.exc_info[1])
    return held


def scrubbed(text: str) -> str:
    """`text` without anything that looks like a key, cut to `MAX_FIELD`; the second net, never the first."""
    return _SECRET.sub(HIDDEN, text[: MAX_FIELD * 2])[:MAX_FIELD]


def _described_error(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return {
        "error": f"{type(error).__name__}: {scrubbed(str(error))}",
        "where": [f"{each.filename.removeprefix(_PACKAGE)}:{each.lineno} {each.name}" for each in frames],
    }


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _neutral(text) if text and " " not in text else msgspec.json.encode(_neutral(text)).decode()


def _neutral(text: str) -> str:
    """`text` on one line, with every character that commands a terminal spelled out."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def configure(settings: Logs, *, json: bool | None = None) -> None:
    """Send all records of this process through one handler. `json` None decides by settings and terminal."""
    as_json = json if json is not None else settings.format == "json" or (
        settings.format == "auto" and not sys.stderr.isatty()
    )  # fmt: skip
    root = logging.getLogger()
    for each in list(root.handlers):
        root.removeHandler(each)
    root.addHandler(Lines(JsonForm() if as_json else TextForm()))
    root.setLevel(_LEVELS[settings.level])
    for noisy in ("asyncio", "aiohttp.access", "alembic"):
        logging.getLogger(noisy).setLevel(max(_LEVELS[settings.level], logging.WARNING))


def flush() -> None:
    """Write what is gathered, before the process ends or forks."""
    for each in logging.getLogger().handlers:
        each.flush()
