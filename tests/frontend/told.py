"""Requests told to the product, and what came of them in short: what was called, when it fires, what is asked."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeAlias

import msgspec

from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.simulate import read_case, simulate

NOW = "2026-11-23T08:00:00Z"
"""A Monday."""

PROFILE: dict[str, Any] = {
    "timezone": "UTC",
    "me": {"email": "me@acme.io", "phone": "+15550100", "slack": "@me"},
    "defaults": {"openweather.location": "Paris", "slack_notify.channel": "#general"},
}

Called: TypeAlias = tuple[str, dict[str, Any]]
"""`service.function` and its parameters."""


@cache
def shipped() -> Catalog:
    """The services that ship."""
    return open_catalog()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request. `fires` are the next runs, None when no time starts it; `calls` those that worked,
    `failed` the others."""

    outcome: str
    intent: dict[str, Any]
    asked: tuple[str, ...]
    refused: tuple[str, ...]
    fires: tuple[str, ...] = ()
    triggered: bool = False
    status: str | None = None
    calls: tuple[Called, ...] = ()
    failed: tuple[Called, ...] = ()
    at_ms: tuple[int, ...] = ()
    response: Any = None

    @property
    def trigger(self) -> dict[str, Any]:
        """The trigger without its span."""
        return {key: value for key, value in self.intent["trigger"].items() if key != "span"}

    @property
    def assumed(self) -> dict[str, Any]:
        """Assumptions by slot."""
        return {each["slot"]: each["value"] for each in self.intent.get("assumptions", ())}


def tell(text: str, catalog: Catalog | None = None, **scenario: Any) -> Told:
    """Simulate `text` once; `scenario` holds the keys of a scenario."""
    played = {"now": NOW, "profile": PROFILE, **scenario}
    case, report = read_case(json.dumps({"id": "t", "text": text, "scenarios": [played]}))
    assert case is not None, report
    result = json.loads(msgspec.json.encode(simulate(case, catalog or shipped())))
    known = Told(
        outcome=result["outcome"],
        intent=result["intent"],
        asked=tuple(each["slot"] for each in result["questions"]),
        refused=tuple(each["text"] for each in result["refusals"]),
    )
    if not result["scenarios"]:
        return known
    (did,) = result["scenarios"]
    calls = [each for each in did["calls"] if each["error"] is None]
    return msgspec.structs.replace(
        known,
        fires=tuple(did["fires"] or ()),
        triggered=did["triggered"],
        status=did["status"],
        calls=tuple((f"{each['service']}.{each['function']}", each["params"]) for each in calls),
        failed=tuple(
            (f"{each['service']}.{each['function']}", each["params"]) for each in did["calls"] if each["error"]
        ),
        at_ms=tuple(each["at_ms"] for each in calls),
        response=did.get("response"),
    )
