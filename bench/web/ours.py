"""EyeFlow as a system under test: a server with N processes, its record on disk before it answers.

Knows: `eyeflow up`, and how a bench catalog and two tasks get into it. In: how many processes. Out: a `System`.
Never: turns off what users have: authentication, validation, encryption, audit, the record.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.web.system import Endpoint, NotStarted, System, free_port, started
from eyeflow.client import ApiError, Client

_WEATHER: Final = """
service: bench_weather
title: Bench weather
type: Utility
connector: http
hosts: ["{host}"]
http: {{base_url: "{stub}"}}
capabilities:
  current:
    summary: Read the weather
    effect: read
    params: {{city: {{type: string, required: true}}}}
    returns: {{type: object, properties: {{temp: {{type: number}}}}}}
    latency_ms: 20
    timeout_ms: 10000
    http: {{method: GET, path: /weather, query: {{q: "{{city}}"}}, result: {{temp: body.temp}}}}
"""

_CHAT: Final = """
service: bench_chat
title: Bench chat
type: Communication
connector: http
hosts: ["{host}"]
auth: {{type: bearer, setup: [{{say: "any token", paste: token}}]}}
http: {{base_url: "{stub}", auth_header: "Bearer {{token}}"}}
capabilities:
  send:
    summary: Send a message
    effect: write
    params: {{channel: {{type: string, required: true}}, text: {{type: string, required: true}}}}
    returns: {{type: object, properties: {{ok: {{type: boolean}}, ts: {{type: string}}}}}}
    latency_ms: 20
    timeout_ms: 10000
    http:
      method: POST
      path: /slack
      body: {{channel: "{{channel}}", text: "{{text}}"}}
      ok: "EQ(body.ok, true)"
      result: {{ok: body.ok, ts: body.ts}}
"""

GREET: Final = """TASK hello_world
  INPUT name string

  ACTION greet
    TYPE transform
    VALUE {greeting: "Hello {input.name}"}
    OUTPUT said

  RETURN said
"""

REPORT: Final = """TASK bench_report
  DEADLINE 60s
  DURABLE record

  ACTION fetch_weather
    TYPE connector_call
    CONNECTOR bench_weather
    FUNCTION current
    PARAMS {
      city: "Paris"
    }
    OUTPUT weather_data

  ACTION weather_rule
    TYPE conditional
    CONDITION GT(weather_data.temp, 75)
      BRANCH hot_weather
        FORMAT "It's hot! {weather_data.temp}F"
        OUTPUT msg_hot
    CONDITION LT(weather_data.temp, 50)
      BRANCH cold_weather
        FORMAT "It's cold! {weather_data.temp}F"
        OUTPUT msg_cold
    DEFAULT
      FORMAT "Normal weather! {weather_data.temp}F"
      OUTPUT msg_normal
    OUTPUT final_message

  ACTION post_message
    TYPE connector_call
    CONNECTOR bench_chat
    FUNCTION send
    PARAMS {
      channel: "#general",
      text: final_message
    }
    OUTPUT sent

  RETURN sent
"""


def eyeflow(processes: int, *, fill: Callable[[Path], None] | None = None) -> Callable[[str, Path], System]:
    """How to make EyeFlow with so many processes. `fill` gets the data folder once its tables are there."""

    def made(stub: str, work: Path) -> System:
        catalog, data, port = work / "catalog", work / "data", free_port()
        catalog.mkdir()
        host = stub.removeprefix("http://")
        (catalog / "bench_weather.yaml").write_text(_WEATHER.format(stub=stub, host=host))
        (catalog / "bench_chat.yaml").write_text(_CHAT.format(stub=stub, host=host))
        environment = {
            "EYEFLOW_CATALOG_FURTHER": str(catalog), "EYEFLOW_EGRESS_ALLOW": "127.0.0.1=127.0.0.0/8",
            "EYEFLOW_LIMITS_KEY_PER_MINUTE": "0", "EYEFLOW_LIMITS_WORKSPACE_PER_MINUTE": "0",
            "EYEFLOW_CACHE": str(work / "cache"),
        }  # fmt: skip
        command = (
            sys.executable, "-m", "eyeflow", "up", "--port", str(port), "--data", str(data),
            "--workers", str(processes),
        )  # fmt: skip
        with started((*command[:-1], "1"), port, folder=work, environment=environment):
            key = _key(work)
            _deploy(f"http://127.0.0.1:{port}", key)
        if fill is not None:
            fill(data)
        headers = {"Authorization": f"Bearer {key}"}
        return System(
            name=f"EyeFlow, {processes} process{'es' * (processes > 1)}", record="commit before the answer",
            command=command, port=port, folder=work, environment=environment,
            tasks={
                "W1": Endpoint(path="/api/tasks/run", body=b'{"task":"hello_world","input":{"name":"Alice"}}',
                               headers=headers),
                "W2": Endpoint(path="/api/tasks/run", body=b'{"task":"bench_report"}', headers=headers),
            },
        )  # fmt: skip

    return made


def _key(folder: Path) -> str:
    """The first API key, which the server has shown."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        words = (folder / "log.txt").read_text("utf-8", "replace").split()
        key = next((word for word in words if word.startswith("ef_live_")), None)
        if key is not None:
            return key
        time.sleep(0.05)
    raise NotStarted("the server has shown no key")


def _deploy(url: str, key: str) -> None:
    try:
        with Client(url, key) as client:
            client.secrets.set("bench_chat", "xoxb-bench-token")
            client.connectors.add("bench_chat", "bench_chat", credential="vault:bench_chat")
            for source in (GREET, REPORT):
                client.tasks.deploy(source)
    except ApiError as error:
        raise NotStarted(f"the tasks cannot be deployed: {error} {error.faults}") from error
