"""When, if and in which case: requests in people's own words, each understood at once and done as said. The requests
are in `requests_when.yaml`; and words that must never be passed over in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from frontend.told import Told, tell

PATH = Path(__file__).resolve().parent / "requests_when.yaml"
ROWS: list[dict[str, Any]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))


def _holds(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        return all(part in str(value) for part in wanted["has"])
    return bool(wanted == value)


def _done(row: dict[str, Any], told: Told) -> bool:
    wanted, got = row["calls"], list(told.calls)
    if row.get("any_order"):
        wanted, got = sorted(wanted, key=lambda c: c[0]), sorted(got, key=lambda c: c[0])
    same = [name for name, _ in wanted] == [name for name, _ in got]
    return same and all(_holds(v, g[1].get(k)) for w, g in zip(wanted, got, strict=True) for k, v in w[1].items())


@pytest.mark.parametrize("row", ROWS, ids=[row["text"][:60] for row in ROWS])
def test_a_request_is_done_as_said(row: dict[str, Any]) -> None:
    told = tell(row["text"], **{key: row[key] for key in ("event", "returns") if key in row})
    assert told.outcome == "program"
    assert _done(row, told), (told.calls, told.fires)
    assert told.fires[: len(row.get("fires", []))] == tuple(row.get("fires", []))
    assert told.triggered is row.get("ran", True)
    assert tuple(row.get("at_ms", told.at_ms)) == told.at_ms


@pytest.mark.parametrize(
    "text",
    [
        "turn it off every day at 9pm",
        "Every Monday at 9am post 'a' to #x, no wait, purple",
        "When an issue is opened in acme/shop post its title to #a. Low priority ones need nothing.",
        "Every day at 7am: is it nicer than yesterday in Rome? then text me 'Go out'",
        "When a payment fails at night, text me",
        "Every day at 9am post 'a' to #x every day at 5pm post 'b' to #x",
    ],
)
def test_what_is_said_is_asked_about_rather_than_passed_over(text: str) -> None:
    assert tell(text).outcome != "program"
