"""Requests that lack something are asked about that and nothing else, what cannot be is refused at the very words, and
what only looks so is done. The requests are in `requests_asked.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import eyeflow
from eyeflow.catalog.model import Catalog
from frontend.told import shipped, tell

ROOT = Path(__file__).resolve().parents[2]
ROWS: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests/frontend/requests_asked.yaml").read_text(encoding="utf-8"))


@cache
def _catalog() -> Catalog:
    whole, report = eyeflow.merge(shipped(), eyeflow.open_catalog(ROOT / "examples" / "catalog"))
    assert whole is not None, report
    return whole


@pytest.mark.parametrize("row", ROWS, ids=[row["text"][:60] for row in ROWS])
def test_a_request_is_asked_about_refused_or_done(row: dict[str, Any]) -> None:
    told = tell(row["text"], _catalog())
    if "calls" in row:
        assert told.outcome == "program", (told.asked, told.refused)
        assert [name for name, _ in told.calls] == [name for name, _ in row["calls"]]
        for (_, wanted), (_, got) in zip(row["calls"], told.calls, strict=True):
            for name, value in wanted.items():
                held = value["has"] if isinstance(value, dict) else [value]
                assert all(part in str(got[name]) for part in held), got
        return
    assert told.calls == ()
    if "asks" in row:
        assert told.outcome == "questions", (told.refused, told.calls)
        assert [q["slot"] for q in told.intent["questions"]] == row["asks"]
    else:
        assert told.outcome == "refused", (told.asked, told.calls)
        for words in row["refused"]:
            assert any(words.casefold() in refused.casefold() for refused in told.refused), told.refused
