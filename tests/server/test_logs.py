"""Log lines: one line each, readable by machines, holding no key, commanding no terminal."""

from __future__ import annotations

import json
import logging
import os

import pytest

from eyeflow.server.logs import HIDDEN, JsonForm, Lines, TextForm, scrubbed


def record(message: str, *args: object, error: BaseException | None = None, **fields: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    made = logging.LogRecord("eyeflow.engine", logging.WARNING, __file__, 1, message, args, info)
    made.fields = fields
    return made


@pytest.mark.parametrize("form", [JsonForm(), TextForm()])
@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nFAKE level=error", "\x1b[2J\x1b]0;owned\x07", "a\u2028b", "\x00", "\x9b31m", "\u202e"]
)
def test_a_line_is_one_line_whatever_it_says(form, text):
    line = form.format(record("said %s", text, value=text))
    assert line.isprintable() or all(char.isprintable() for char in json.loads(line)["time"])
    assert not any(char in line for char in "\n\r\x1b\x07\x00")


def test_json_keeps_time_level_room_and_fields():
    held = json.loads(JsonForm().format(record("a run failed", execution_id="exec_1", count=3)))
    assert (held["event"], held["level"], held["room"]) == ("a run failed", "warning", "eyeflow.engine")
    assert (held["execution_id"], held["count"]) == ("exec_1", 3) and held["time"].endswith("Z")


@pytest.mark.parametrize(
    "secret",
    [
        "ef_live_" + "a" * 43, "ef_test_" + "b" * 43, "Bearer abcdefghijkl", "xoxb-1-2-abc", "sk_live_abcdef",
        "ghp_abcdefghijkl", "AKIAABCDEFGHIJKLMNOP", "eyJhbGciOiJIUzI1NiJ9.e30.x", "postgres://me:hunter2@db",
    ],
)  # fmt: skip
def test_what_looks_like_a_key_is_not_written(secret):
    assert scrubbed(f"lead {secret} tail").startswith("lead ") and HIDDEN in scrubbed(f"lead {secret} tail")
    line = JsonForm().format(record("failed with %s", secret, detail=secret, error=ValueError(secret)))
    assert secret not in line and "hunter2" not in line


def test_an_error_says_where_without_the_paths_of_this_machine():
    try:
        scrubbed(None)  # type: ignore[arg-type]
    except TypeError as error:
        held = json.loads(JsonForm().format(record("bug", error=error)))
    assert held["error"].startswith("TypeError") and held["where"][-1].startswith("server/logs.py:")


def test_long_things_are_cut():
    assert len(JsonForm().format(record("x" * 1_000_000, y="z" * 1_000_000))) < 20_000


async def test_lines_are_gathered_and_errors_come_at_once():
    read, write = os.pipe()
    lines = Lines(JsonForm(), write)
    try:
        lines.emit(record("first"))
        lines.emit(record("second"))
        assert lines._gathered
        late = record("third")
        late.levelno = logging.ERROR
        lines.emit(late)
        written = os.read(read, 65536).decode().splitlines()
        assert [json.loads(each)["event"] for each in written] == ["first", "second", "third"]
    finally:
        os.close(read)
        os.close(write)
        lines.emit(record("nobody reads any more"))
        lines.flush()
