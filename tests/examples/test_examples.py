"""Every example, run through `simulate`: what it calls, answers, logs and when it fires, in full."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from eyeflow.catalog.load import merge, open_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.catalog.settings import Settings, load_settings
from eyeflow.ir.text import format_source
from eyeflow.simulate import Case, read_scenarios, simulate

FOLDER = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.eir"))
AS_THE_OVERVIEW_PRINTS_IT = "daily_weather_report"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    whole, found = merge(open_catalog(), open_catalog(FOLDER / "catalog"))
    assert whole is not None, found
    return whole


@pytest.fixture(scope="module")
def settings(catalog: Catalog) -> Settings:
    held, found = load_settings(FOLDER / "eyeflow.toml", catalog)
    assert held is not None, found
    return held


@pytest.mark.parametrize("name", NAMES)
def test_example_does_what_it_says(name: str, catalog: Catalog, settings: Settings):
    scenarios, found = read_scenarios((FOLDER / f"{name}.scenario.json").read_bytes())
    assert scenarios, found
    source = (FOLDER / f"{name}.eir").read_text("utf-8")
    result = simulate(Case(id=name, ir=source, scenarios=scenarios), catalog, connections=settings.connections)
    assert (result.outcome, result.refusals, result.warnings) == ("program", (), msgspec.UNSET)
    expected = msgspec.json.decode((FOLDER / f"{name}.expected.json").read_bytes())
    assert msgspec.json.decode(msgspec.json.encode(result.scenarios)) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if name != AS_THE_OVERVIEW_PRINTS_IT])
def test_example_is_in_canonical_form(name: str):
    source = (FOLDER / f"{name}.eir").read_text("utf-8")
    assert format_source(source)[0] == source


def test_every_example_is_in_the_list_of_examples():
    listed = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in NAMES if f"({name}.eir)" not in listed] == []
