"""The clients can ask for everything that the server can do, and are there under the package's own name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import eyeflow
from eyeflow.client import AsyncClient, Client, describe, household, models
from eyeflow.client.calls import Call, StreamCall
from eyeflow.server.table import TABLE

NOT_ASKED = {
    ("POST", "/tasks/{task_id}/execute"),  # `tasks.run` by name, alias or id
    ("PUT", "/tasks/{task_id}"),  # `tasks.deploy(name=...)`
    ("PUT", "/secrets/{name...}"),  # `secrets.set`
    ("GET", "/connectors/oauth/callback"),  # a browser comes back there
    ("POST", "/webhooks/{webhook_id}"),  # deliveries are not asked for
}
PLACEHOLDERS: dict[str, Any] = {
    "profile": models.Profile(), "settings": models.WorkspaceSettings(), "version": 1, "days": 1, "scopes": (),
    "files": {"a.txt": "x"}, "rules": [], "defaults": {}, "wait": True,
}  # fmt: skip


def calls() -> Iterator[Call[Any]]:
    """Every request that the clients describe, with placeholders for what has to be given."""
    for module in (describe, household):
        for name, made in inspect.getmembers(module, inspect.isfunction):
            if made.__module__ != module.__name__ or name.startswith("_"):
                continue
            wanted = inspect.signature(made).parameters.values()
            needed = {
                each.name: PLACEHOLDERS.get(each.name, "backup" if each.name == "what" else "x")
                for each in wanted
                if each.default is each.empty
            }
            call = made(**needed)
            yield call.opening if isinstance(call, StreamCall) else call


def test_every_route_can_be_asked_for() -> None:
    asked = {(each.method, each.path) for each in calls()}
    for row in TABLE:
        path = row.path.removeprefix("/api")
        if path == row.path or row.tag == "Operation" or "/hooks/" in path or (row.method, path) in NOT_ASKED:
            continue
        spelled = re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)) + r"\Z")
        assert any(method == row.method and spelled.match(at) for method, at in asked), f"{row.method} {path}"


def test_both_clients_have_the_same_names() -> None:
    def names(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert names(Client) ^ names(AsyncClient) <= {"close", "aclose"}


def test_the_package_names_its_clients() -> None:
    assert eyeflow.Client is Client and eyeflow.AsyncClient is AsyncClient
    assert {"Client", "AsyncClient", "ApiError"} <= set(eyeflow.__all__)
