"""EyeFlow as a system under test: a server with N processes, its record on disk before it answers.

Knows: `eyeflow up`, and how a bench catalog and tasks get into it. In: how many processes, further tasks. Out: a
`System`, or one that runs. Never: turns off what users have: authentication, validation, encryption, audit, the record.
Rates are off, since they would be measured instead.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

from bench.report import WORK
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


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a server gets beside the two tasks: `services` are further service files, by name, `sources` further tasks
    in LLM-IR; `deployed` is called with a client when all are there, and `fill` with the data folder once the server
    has ended again. `module` runs instead of `eyeflow`; `environment` is what it is told beside the bench's own."""

    services: dict[str, str] = {}
    sources: Sequence[str] = ()
    deployed: Callable[[Client], None] | None = None
    fill: Callable[[Path], None] | None = None
    module: str = "eyeflow"
    environment: dict[str, str] = {}


PLAIN: Final = Setup()
CATALOG: Final = "catalog"
DATA: Final = "data"


def eyeflow(processes: int, setup: Setup = PLAIN) -> Callable[[str, Path], System]:
    """How to make EyeFlow with so many processes."""

    def made(stub: str, work: Path) -> System:
        catalog, data, port = work / CATALOG, work / DATA, free_port()
        catalog.mkdir(parents=True)
        host = stub.removeprefix("http://")
        services = {"bench_weather": _WEATHER, "bench_chat": _CHAT}
        for name, text in services.items():
            (catalog / f"{name}.yaml").write_text(text.format(stub=stub, host=host))
        for name, text in setup.services.items():
            (catalog / f"{name}.yaml").write_text(text)
        system = existing(work, "", port=port, setup=setup)
        with again(system):
            key = _key(work)
            _deploy(f"http://127.0.0.1:{port}", key, setup)
        if setup.fill is not None:
            setup.fill(data)
        return existing(work, key, port=port, processes=processes, setup=setup, module=setup.module)

    return made


def existing(
    work: Path, key: str, *, port: int = 0, processes: int = 1, setup: Setup = PLAIN, module: str = "eyeflow"
) -> System:
    """EyeFlow over a folder in which all has been made; on a port of its own, unless one is given."""
    port = port or free_port()
    root = Path(__file__).parents[2]
    paths = (str(root), str(root / "src"), *filter(None, [os.environ.get("PYTHONPATH")]))
    environment = {
        "EYEFLOW_CATALOG_FURTHER": str(work / CATALOG), "EYEFLOW_EGRESS_ALLOW": "127.0.0.1=127.0.0.0/8",
        "EYEFLOW_LIMITS_KEY_PER_MINUTE": "0", "EYEFLOW_LIMITS_WORKSPACE_PER_MINUTE": "0",
        "EYEFLOW_LIMITS_WEBHOOK_PER_MINUTE": "0", "EYEFLOW_CACHE": str(work / "cache"),
        "PYTHONPATH": os.pathsep.join(paths), **setup.environment,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {key}"}
    return System(
        name=f"EyeFlow, {processes} process{'es' * (processes > 1)}", record="commit before the answer", port=port,
        folder=work, environment=environment,
        command=(sys.executable, "-m", module, "up", "--port", str(port), "--data", str(work / DATA), "--workers",
                 str(processes)),
        tasks={
            "W1": Endpoint(path="/api/tasks/run", body=b'{"task":"hello_world","input":{"name":"Alice"}}',
                           headers=headers),
            "W2": Endpoint(path="/api/tasks/run", body=b'{"task":"bench_report"}', headers=headers),
        },
    )  # fmt: skip


@contextlib.contextmanager
def serving(
    stub: str,
    setup: Setup = PLAIN,
    *,
    processes: int = 1,
    work: Path | None = None,
) -> Iterator[tuple[System, psutil.Process]]:
    """EyeFlow while it runs, in a new folder (`work`, or one that is removed at the end). Raises: NotStarted."""
    WORK.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory(dir=WORK, prefix="eyeflow-")))
        system = eyeflow(processes, setup)(stub, folder)
        yield system, stack.enter_context(again(system))


@contextlib.contextmanager
def again(system: System) -> Iterator[psutil.Process]:
    """A system that was made, while it runs. Raises: NotStarted."""
    with started(
        system.command, system.port, folder=system.folder, environment=system.environment, patience_s=system.patience_s
    ) as process:
        yield process


def bearer(system: System) -> dict[str, str]:
    """The header that shows who asks."""
    return system.tasks["W1"].headers


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


def _deploy(url: str, key: str, setup: Setup) -> None:
    try:
        with Client(url, key) as client:
            client.secrets.set("bench_chat", "xoxb-bench-token")
            client.connectors.add("bench_chat", "bench_chat", credential="vault:bench_chat")
            for source in (GREET, REPORT, *setup.sources):
                client.tasks.deploy(source)
            if setup.deployed is not None:
                setup.deployed(client)
    except ApiError as error:
        raise NotStarted(f"the tasks cannot be deployed: {error} {error.faults}") from error
