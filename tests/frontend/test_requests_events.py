"""Events narrowed down in people's own words: exact or a question, never something else (`requests_events.yaml`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from frontend.test_requests_own import _catalog, _same
from frontend.told import Told, tell

ROWS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "requests_events.yaml").read_text(encoding="utf-8")
)
EXACT = 14
"""Requests of the table that are understood without a question; a change may raise it, never lower it."""


@cache
def _told(at: int) -> Told:
    row = ROWS[at]
    return tell(row["text"], _catalog(), **{key: row[key] for key in ("event", "returns", "fails") if key in row})


@pytest.mark.parametrize("at", range(len(ROWS)), ids=[row["text"][:60] for row in ROWS])
def test_an_event_that_is_narrowed_down_is_taken_as_said_or_asked_about(at: int) -> None:
    told = _told(at)
    if told.outcome == "program":
        assert "calls" in ROWS[at], "this needs a question first"
        said = _same(ROWS[at], told) if ROWS[at]["calls"] else not told.calls
        assert said, (told.calls, told.fires)


def test_most_events_need_no_question() -> None:
    done = [row["text"] for at, row in enumerate(ROWS) if "calls" in row and _told(at).outcome == "program"]
    asked = [row["text"] for row in ROWS if row["text"] not in done]
    assert len(done) >= EXACT, asked
