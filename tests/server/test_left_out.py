"""Requests whose body has nothing that must be said, sent without one: over the API of a whole server."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from server.house import house


async def test_what_needs_no_body_is_taken_without_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        paused = await home.ask("POST", "/api/tasks/pause-all")
        assert (paused.status, paused.json) == (200, {"tasks": []})
        empty = await home.ask("POST", "/api/tasks/pause-all", body=b"")
        assert empty.json == {"tasks": []}, empty.json
        assert empty.status == 200
        missing = await home.ask("POST", "/api/executions/exec_nothing/retry")
        assert (missing.status, missing.json["code"]) == (404, "unknown_execution")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/profile"), ("PUT", "/api/settings"), ("POST", "/api/keys")])
async def test_what_replaces_or_has_to_say_something_is_refused_without_one(
    tmp_path: Path, method: str, path: str
) -> None:
    async with house(tmp_path) as home:
        answer = await home.ask(method, path)
        assert (answer.status, answer.json["code"]) == (415, "not_json")


async def test_the_description_says_which_bodies_may_be_left_out(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        answer = await home.ask("GET", "/api/openapi.json")
        paths = msgspec.json.decode(answer.body)["paths"]
        assert paths["/api/tasks/pause-all"]["post"]["requestBody"]["required"] is False
        assert paths["/api/executions/{execution_id}/retry"]["post"]["requestBody"]["required"] is False
        assert paths["/api/profile"]["put"]["requestBody"]["required"] is True
        assert paths["/api/keys"]["post"]["requestBody"]["required"] is True
