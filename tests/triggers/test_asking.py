"""Reads outside of runs: only reads, with typed parameters, in their turn, for as long as they may take."""

from __future__ import annotations

import asyncio

import pytest

from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import EngineError
from eyeflow.errors import CallError
from triggers.house import house


async def test_a_read_is_asked_with_the_defaults_of_its_connection():
    script = Script.of({"slack_notify.find_channel": [{"id": "C1", "name": "ops"}]})
    async with house(script=script) as there:
        await there.connect("team", "slack_notify", token="t")
        assert await there.engine.ask("team", "find_channel", {"channel": "#ops"}) == {"id": "C1", "name": "ops"}
        assert (script.calls[0].connection, script.calls[0].params) == ("team", {"channel": "#ops"})


@pytest.mark.parametrize(
    ("connection", "capability", "params", "code"),
    [
        ("team", "send_message", {"channel": "#a", "text": "x"}, "forbidden"),
        ("team", "nope", {}, "unknown_capability"),
        ("nobody", "find_channel", {}, "unknown_connection"),
        ("team", "find_channel", {}, "bad_value"),
        ("team", "find_channel", {"channel": 7}, "bad_value"),
    ],
)
async def test_what_may_not_be_asked_is_refused(connection: str, capability: str, params: dict[str, object], code: str):
    script = Script()
    async with house(script=script) as there:
        await there.connect("team", "slack_notify", token="t")
        with pytest.raises((EngineError, CallError)) as raised:
            await there.engine.ask(connection, capability, params)  # type: ignore[arg-type]
        assert raised.value.code == code and script.calls == []


async def test_a_machine_that_is_replaced_lets_a_read_end():
    script = Script.of({"stall.list_sales": [{"sales": []}]}, takes_ms={"stall.list_sales": [50]})
    async with house(script=script) as there:
        asked = asyncio.create_task(there.engine.ask("stall", "list_sales", {}))
        await asyncio.sleep(0)
        await there.connect("other", "stall")
        assert await asked == {"sales": []}
