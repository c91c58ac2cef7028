"""Requests over functions that only describe themselves: which call comes of each, and what never becomes one.

The functions are in `described_functions.yaml`, the requests in `described_requests.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog
from frontend.told import tell

HERE = Path(__file__).parent


def _read(name: str) -> Any:
    return yaml.load((HERE / name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


FUNCTIONS: dict[str, dict[str, Any]] = _read("described_functions.yaml")
ROWS: list[dict[str, Any]] = _read("described_requests.yaml")


@cache
def _catalog(names: tuple[str, ...]) -> Catalog:
    services: dict[str, dict[str, Any]] = {}
    for name in names:
        service, function = name.split(".")
        titled = {"service": service, "title": service.replace("_", " ").title(), "type": "Functions"}
        made = services.setdefault(service, {**titled, "connector": "scripted", "capabilities": {}})
        made["capabilities"][function] = {**FUNCTIONS[name], "effect": "read"}
    catalog, report = load_documents(list(services.values()))
    assert catalog is not None, report
    return catalog


@pytest.mark.parametrize("row", [pytest.param(row, id=row["text"][:60]) for row in ROWS])
def test_a_request_becomes_the_calls_it_asks_for_or_none(row: dict[str, Any]) -> None:
    told = tell(row["text"], _catalog(tuple(row["of"])))
    if "calls" not in row:
        assert told.outcome != "program", told.calls
        return
    assert told.outcome == "program", (told.asked, told.refused)
    actions = told.intent["actions"]
    assert [[f"{a['service']}.{a['function']}", a.get("params", {})] for a in actions] == row["calls"]
