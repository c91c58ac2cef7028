"""Accounts whose hosts name a port: what the compiler says of an address is what its calls may reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.house import house

PROGRAM = """TASK caller
  ACTION post
    TYPE connector_call
    CONNECTOR web
    FUNCTION post
    PARAMS {{ url: "{url}" }}
    TIMEOUT 3s
"""


@pytest.mark.parametrize(
    ("host", "url", "finding"),
    [
        ("api.example.com:8443", "https://api.example.com:8443/hit", None),
        ("*.example.com:8443", "https://api.example.com:8443/hit", None),
        ("api.example.com", "https://api.example.com/hit", None),
        ("api.example.com", "https://api.example.com:443/hit", None),
        ("api.example.com", "https://api.example.com:8443/hit", "api.example.com:8443 is not a host"),
        ("api.example.com:8443", "https://api.example.com:9443/hit", "api.example.com:9443 is not a host"),
        ("api.example.com:8443", "https://evil.example.net:8443/hit", "evil.example.net:8443 is not a host"),
    ],
)
async def test_an_address_is_reached_at_the_port_that_the_account_names(
    tmp_path: Path, host: str, url: str, finding: str | None
) -> None:
    async with house(tmp_path) as home:
        made = await home.ask("POST", "/api/connectors", json={"name": "web", "service": "http", "hosts": [host]})
        assert made.status == 201, made.json
        answer = await home.ask("POST", "/api/tasks", json={"text": PROGRAM.format(url=url), "language": "ir"})
        if finding is None:
            assert answer.status < 300, answer.json
        else:
            assert answer.status == 422
            said = answer.json["errors"][0]
            assert said["code"] == "host_not_allowed" and finding in said["message"], said
