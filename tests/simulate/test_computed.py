"""What needs no service is worked out in a simulation, not made up; a scripted answer still wins."""

from __future__ import annotations

import json
from typing import Any

from eyeflow.catalog.load import open_catalog
from eyeflow.simulate import read_case, simulate
from simulate.world import NOW

CUT = """TASK t
  TRIGGER manual()
  ACTION short
    TYPE connector_call
    CONNECTOR text
    FUNCTION truncate
    PARAMS { text: "Good morning", length: 4, ending: "" }
    OUTPUT cut
  RETURN cut
"""
TODAY = """TASK t
  TRIGGER manual()
  ACTION day
    TYPE connector_call
    CONNECTOR date
    FUNCTION today
    OUTPUT day
  RETURN day.date
"""
SHARES = {
    "service": "shares", "title": "Shares", "type": "Test", "connector": "builtin",
    "capabilities": {"share": {
        "summary": "Share out", "effect": "pure", "params": {"by": {"type": "integer", "required": True}},
        "returns": {"type": "object", "properties": {"each": {"type": "number"}}},
        "value": "{each: DIV(12, params.by)}",
    }},
}  # fmt: skip
SHARE = """TASK t
  TRIGGER manual()
  ACTION share
    TYPE connector_call
    CONNECTOR shares
    FUNCTION share
    PARAMS { by: 0 }
    OUTPUT share
  RETURN share.each
"""


def played(ir: str, catalog: list[dict[str, Any]] | None = None, **scenario: Any) -> Any:
    given = {"catalog": catalog} if catalog is not None else {}
    case, report = read_case(json.dumps({"id": "t", "ir": ir, "scenarios": [{"now": NOW, **scenario}], **given}))
    assert case is not None, report
    (found,) = simulate(case, open_catalog()).scenarios
    return found


def test_a_value_is_computed() -> None:
    assert played(CUT).output == {"text": "Good"}


def test_the_present_is_the_scenarios() -> None:
    assert played(TODAY).output == "2026-11-23"
    assert played(TODAY, now="2030-01-02T00:00:00Z").output == "2030-01-02"


def test_a_scripted_answer_wins() -> None:
    assert played(CUT, returns={"text.truncate": [{"text": "G..."}]}).output == {"text": "G..."}


def test_a_scripted_failure_wins() -> None:
    found = played(CUT, fails={"text.truncate": ["invalid"]})
    assert found.status == "failed"


def test_what_has_no_value_fails_as_it_would_live() -> None:
    assert played(SHARE.replace("by: 0", "by: 3"), catalog=[SHARES]).output == 4
    found = played(SHARE, catalog=[SHARES])
    assert found.status == "failed"
    assert [call.error for call in found.calls] == ["evaluation"]
