"""Requests in people's own words, written before anybody saw what becomes of them: exact or a question, and never
something else. The requests are in `requests_own.yaml`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import eyeflow
from eyeflow.catalog.model import Catalog
from frontend.told import Told, shipped, tell

ROOT = Path(__file__).resolve().parents[2]
ROWS: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests/frontend/requests_own.yaml").read_text(encoding="utf-8"))
EXACT = 42
"""Requests of the table that are understood without a question; a change may raise it, never lower it."""


@cache
def _catalog() -> Catalog:
    whole, report = eyeflow.merge(shipped(), eyeflow.open_catalog(ROOT / "examples" / "catalog"))
    assert whole is not None, report
    return whole


@cache
def _told(at: int) -> Told:
    row = ROWS[at]
    return tell(row["text"], _catalog(), **{key: row[key] for key in ("event", "returns", "fails") if key in row})


def _holds(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict) and set(wanted) == {"has"}:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return all(part.casefold() in text.casefold() for part in wanted["has"])
    return bool(wanted == value)


def _same(row: dict[str, Any], told: Told) -> bool:
    wanted = row.get("calls", [])
    got = list(told.calls)
    if row.get("any_order"):
        wanted, got = sorted(wanted, key=lambda c: c[0]), sorted(got, key=lambda c: c[0])
    return (
        [name for name, _ in wanted] == [name for name, _ in got]
        and all(_holds(v, g[1].get(k)) for w, g in zip(wanted, got, strict=True) for k, v in w[1].items())
        and told.fires[: len(row.get("fires", []))] == tuple(row.get("fires", []))
        and told.triggered is row.get("ran", True)
        and tuple(row.get("at_ms", told.at_ms)) == told.at_ms
    )


@pytest.mark.parametrize("at", range(len(ROWS)), ids=[row["text"][:60] for row in ROWS])
def test_a_request_is_done_as_said_or_asked_about(at: int) -> None:
    told = _told(at)
    if told.outcome == "program":
        assert "calls" in ROWS[at], "this needs a question first"
        assert _same(ROWS[at], told), (told.calls, told.fires)


def test_most_requests_need_no_question() -> None:
    done = [row["text"] for at, row in enumerate(ROWS) if "calls" in row and _told(at).outcome == "program"]
    assert len(done) >= EXACT
