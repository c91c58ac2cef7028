"""Automations from many trades: each as a sentence, a program, scenarios, and exactly what comes of them.

The program is the truth. The sentence beside it is as a person would write it, and `english` in the expected file says
what becomes of it today: `exact`, the same simulated calls; `asks` or `refused`, no program, and never a wrong one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from eyeflow.catalog.lint import lint
from eyeflow.catalog.load import merge, open_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.ir.text import format_source
from eyeflow.simulate import Case, read_scenarios, simulate

SERVICES = Path(__file__).parents[2] / "examples" / "catalog"
FOLDER = Path(__file__).parents[2] / "examples" / "trades"
NAMES = sorted(path.stem for path in FOLDER.glob("*.eir"))


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    whole, found = merge(open_catalog(), open_catalog(SERVICES))
    assert whole is not None, found
    return whole


def expected(name: str) -> dict[str, Any]:
    held = msgspec.json.decode((FOLDER / f"{name}.expected.json").read_bytes())
    assert isinstance(held, dict)
    return held


def ran(name: str, catalog: Catalog, *, english: bool) -> tuple[str, list[dict[str, Any]]]:
    """The outcome and the result of each scenario, of the sentence or of the program."""
    scenarios, found = read_scenarios((FOLDER / f"{name}.scenario.json").read_bytes())
    assert scenarios, found
    source = (FOLDER / f"{name}.{'txt' if english else 'eir'}").read_text("utf-8")
    case = Case(id=name, scenarios=scenarios, **{"text" if english else "ir": source.strip() if english else source})
    result = simulate(case, catalog)
    return result.outcome, msgspec.json.decode(msgspec.json.encode(result.scenarios))


def effects(scenario: dict[str, Any]) -> dict[str, Any]:
    """What a person would notice of a run: not the names of its steps, nor the order within one instant."""
    calls = [{key: call[key] for key in call if key != "action"} for call in scenario["calls"]]
    people = [(each["role"], each["approved"]) for each in scenario.get("approvals", ())]
    seen = {key: scenario[key] for key in ("triggered", "status", "fires")}
    return {**seen, "people": people, "calls": sorted(calls, key=lambda c: (c["at_ms"], msgspec.json.encode(c)))}


@pytest.mark.parametrize("name", NAMES)
def test_program_does_what_it_says(name: str, catalog: Catalog):
    outcome, scenarios = ran(name, catalog, english=False)
    assert outcome == "program"
    assert scenarios == expected(name)["scenarios"]


@pytest.mark.parametrize("name", NAMES)
def test_sentence_becomes_that_program_or_none(name: str, catalog: Catalog):
    says = expected(name)["english"]
    assert says in ("exact", "asks", "refused")
    outcome, scenarios = ran(name, catalog, english=True)
    if says != "exact" and outcome in ("questions", "refused"):
        return
    same = list(map(effects, scenarios)) == list(map(effects, expected(name)["scenarios"]))
    assert (outcome, same) == ("program", True)


@pytest.mark.parametrize("name", NAMES)
def test_program_is_in_canonical_form(name: str):
    source = (FOLDER / f"{name}.eir").read_text("utf-8")
    assert format_source(source)[0] == source


def test_there_are_thirty_and_each_has_its_four_files():
    assert len(NAMES) >= 30
    files = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    assert files == {f"{n}.{end}" for n in NAMES for end in ("txt", "eir", "scenario.json", "expected.json")}


def test_every_program_is_in_the_list():
    listed = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in NAMES if f"({name}.eir)" not in listed] == []


def test_services_of_the_examples_are_clean(catalog: Catalog):
    assert [str(each) for each in lint(open_catalog(SERVICES)).diagnostics] == []


def test_ten_thousand_accounts_are_all_looked_at_and_one_more_is_refused(catalog: Catalog):
    def night(count: int, *, every: int) -> dict[str, Any]:
        book = [
            {"account": f"A{n}", "owner": "o@acme.io", "balance": n, "checked_at": "2026-01-05T00:00:00Z",
             "verified": n % every != 0}
            for n in range(1, count + 1)
        ]  # fmt: skip
        text = msgspec.json.encode({"returns": {"accounts.list_accounts": [{"accounts": book}]}})
        scenarios, found = read_scenarios(text)
        assert scenarios, found
        source = (FOLDER / "compliance_check.eir").read_text("utf-8")
        result = simulate(Case(id="night", ir=source, scenarios=scenarios), catalog)
        found_one = msgspec.json.decode(msgspec.json.encode(result.scenarios))[0]
        assert isinstance(found_one, dict)
        return found_one

    whole = night(10_000, every=100)
    flagged = [call["params"]["account"] for call in whole["calls"] if call["function"] == "flag"]
    assert (whole["status"], whole["output"]) == ("success", 100)
    assert flagged == [f"A{n}" for n in range(100, 10_001, 100)]
    more = night(10_001, every=1)
    assert [call["function"] for call in more["calls"]] == ["list_accounts"]
    assert more["error"].startswith("loop_limit")
