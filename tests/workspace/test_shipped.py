"""A new workspace has something to run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from eyeflow.store.port import Where
from eyeflow.store.records import ScheduleRecord, TaskRecord
from eyeflow.workspace.errors import Missing
from eyeflow.workspace.shipped import FOLDER
from workspace.house import ANA, VIC, House

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_a_new_workspace_has_the_examples_of_the_overview(house: House):
    assert await house.workspace.first_start() == ("hello_world", "daily_weather_report")
    hello = await house.workspace.tasks.get(VIC, "hello_world")
    weather = await house.workspace.tasks.get(VIC, "daily_weather")
    assert (hello.state, hello.practice) == ("live", False)
    assert (weather.name, weather.state, weather.practice) == ("daily_weather_report", "live", True)
    assert {each.name for each in await house.workspace.connections.page(VIC)} == {"openweather_prod", "slack_daily"}


async def test_practice_is_not_started_by_the_clock(house: House):
    await house.workspace.first_start()
    assert await house.store.count(ScheduleRecord, Where("state", "=", "live")) == 0
    await house.workspace.tasks.pause(ANA, "daily_weather")
    await house.workspace.tasks.resume(ANA, "daily_weather")
    assert await house.store.count(ScheduleRecord, Where("state", "=", "live")) == 0


async def test_what_was_deleted_does_not_come_back(house: House):
    await house.workspace.first_start()
    await house.workspace.tasks.delete(ANA, "hello_world")
    assert await house.workspace.first_start() == ()
    with pytest.raises(Missing):
        await house.workspace.tasks.get(ANA, "hello_world")


async def test_two_processes_that_start_at_once_deploy_each_once(house: House):
    await asyncio.gather(house.workspace.first_start(), house.workspace.first_start())
    assert await house.store.count(TaskRecord, Where("alias_of", "=", None)) == 2
    assert await house.store.count(TaskRecord, Where("alias_of", "!=", None)) == 1


async def test_acceptance_07_a_rule_shows_conditions_branches_and_default(house: House):
    await house.workspace.first_start()
    for name in ("daily_weather_report.weather_rule", "daily_weather.weather_rule"):
        rule = await house.workspace.rules.get(VIC, name)
        assert rule.id == "daily_weather_report.weather_rule" and rule.kind == "choice"
        assert [(each.condition, each.name) for each in rule.branches] == [
            ("GT(weather_data.temp, 75)", "hot_weather"), ("LT(weather_data.temp, 50)", "cold_weather"),
        ]  # fmt: skip
        assert rule.branches[0].gives == "It's hot! {weather_data.temp}F"
        assert rule.default is not None and rule.default.gives == "Normal weather! {weather_data.temp}F"
        assert rule.output == "final_message"
    for unknown in ("daily_weather_report.none", "none.rule", "", ".", "daily_weather_report", "undefined.null"):
        with pytest.raises(Missing):
            await house.workspace.rules.get(VIC, unknown)
    assert [rule.id for rule in await house.workspace.rules.page(VIC)] == ["daily_weather_report.weather_rule"]


async def test_a_graph_has_every_action_and_what_waits_for_what(house: House):
    await house.workspace.first_start()
    graph = await house.workspace.graphs.of(VIC, "daily_weather")
    assert [node.id for node in graph.nodes] == [
        "trigger.1", "fetch_weather", "weather_rule", "weather_rule.hot_weather", "weather_rule.cold_weather",
        "weather_rule.default", "post_to_slack",
    ]  # fmt: skip
    assert [(edge.source, edge.target, edge.kind) for edge in graph.edges] == [
        ("fetch_weather", "weather_rule", "data"), ("weather_rule", "post_to_slack", "data"),
        ("trigger.1", "fetch_weather", "starts"),
    ]  # fmt: skip


async def test_what_is_explained_is_what_was_approved(house: House):
    await house.workspace.first_start()
    said = await house.workspace.explaining.of(VIC, "daily_weather")
    assert "every day at 09:00" in said.readback.text.lower() and said.next_runs == ()
    assert said.version.approved_by == "local"


@pytest.mark.parametrize(("name", "of"), [("hello_world", "hello_world"), ("daily_weather_report", "daily_weather")])
def test_they_are_those_of_the_examples(name: str, of: str):
    assert (FOLDER / f"{name}.eir").read_bytes() == (EXAMPLES / f"{of}.eir").read_bytes()
