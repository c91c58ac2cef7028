"""W4: signed webhooks in, deduplicated, queued durably, answered; then run.

    python -m bench.web.webhook [--deliveries 20000] [--repeats 10] [--connections 48] [--processes 1]

Each delivery is signed as Standard Webhooks says, with an id of its own; so many of a hundred (`--repeats`) are sent a
second time, with the same id and signature, and must be answered with the run of the first. Each run posts one message
to the chat stub, so that what ran is counted outside of EyeFlow.

Knows: how a delivery is signed, where runs are counted. In: options. Out: a table, `.bench/results/webhook.json`.
Never: believes that what was answered also ran: it counts.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import random
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.measure import Spread, spread
from bench.report import begin, keep, table
from bench.web.client import Sent, closed, request_bytes
from bench.web.ours import Setup, serving
from bench.web.system import NotStarted, counted, stubbed, usage
from eyeflow.client import Client

_ORDER: Final = """TASK bench_order
  DEADLINE 60s
  TRIGGER webhook("/bench/orders", {number: integer, text: string})

  ACTION post_message
    TYPE connector_call
    CONNECTOR bench_chat
    FUNCTION send
    PARAMS {
      channel: "#orders",
      text: trigger.text
    }
    OUTPUT sent

  RETURN sent
"""
_PATH: Final = "/hooks/bench/orders"
_STUCK_S: Final = 60.0
"""When nothing more has ended for so long, the rest will not."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What W4 gave. `answers_per_s` counts acknowledged deliveries, repeats included; `drained_s` is from the last
    answer until the last run had ended, `runs_per_s` from the first delivery until then. `lost` runs were acknowledged
    and did not succeed, `doubled` messages were posted more often than there were deliveries: both must be 0."""

    deliveries: int
    repeats: int
    connections: int
    processes: int
    answers_per_s: float
    answer_ms: Spread
    refused: int
    drained_s: float
    runs_per_s: float
    acknowledged: int
    succeeded: int
    posted: int
    lost: int
    doubled: int
    other_run: int
    cpu_us: float
    memory: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _options(given)
    here = begin("W4 webhook")
    try:
        figures = measure(options.deliveries, options.repeats, options.connections, options.processes)
    except (NotStarted, OSError) as error:
        print(f"not run: {error}", file=sys.stderr)
        return 1
    took = figures.answer_ms
    table("W4 answers", ("answers/s", "p50 ms", "p75", "p90", "p99", "refused"), [[
        f"{figures.deliveries:,} deliveries, {figures.repeats:,} sent twice", round(figures.answers_per_s),
        took.p50, took.p75, took.p90, took.p99, figures.refused,
    ]])  # fmt: skip
    table("W4 runs", ("runs/s", "drained s", "acknowledged", "succeeded", "posted", "lost", "doubled", "other run"), [[
        f"{figures.connections} connections, {figures.processes} process(es)", round(figures.runs_per_s),
        figures.drained_s, figures.acknowledged, figures.succeeded, figures.posted, figures.lost, figures.doubled,
        figures.other_run,
    ]])  # fmt: skip
    print(f"\nCPU {figures.cpu_us:,.0f} µs a delivery with its run; {figures.memory / 1e6:,.0f} MB at the end")
    keep("webhook", figures, here, arguments=given)
    return 0


def measure(deliveries: int, repeats: int, connections: int, processes: int) -> Figures:
    """All of W4. Raises: NotStarted; OSError."""
    secrets: list[str] = []

    def deployed(client: Client) -> None:
        (hook,) = client.webhooks.list(task="bench_order")
        secrets.append(client.webhooks.renew_secret(hook.id).secret)

    setup = Setup(sources=(_ORDER,), deployed=deployed)
    with stubbed() as stub, serving(stub, setup, processes=processes) as (system, process):
        assert system.folder is not None, "it has a data folder"
        database = system.folder / "data" / "eyeflow.db"
        requests, again = signed(secrets[0], deliveries, repeats)
        uvloop.run(_warm(system.port, secrets[0]))
        _ended(database)
        posted, before = counted(stub)["slack"], usage(process)
        begun = time.monotonic()
        answers: list[tuple[int, bytes]] = []
        sent = uvloop.run(closed(system.port, iter(requests), connections=connections, answers=answers))
        last = time.monotonic()
        succeeded = _ended(database)
        ended, after = time.monotonic(), usage(process)
        runs = acknowledged(answers)
        return _figures(
            sent, runs, deliveries=deliveries, repeats=again, connections=connections, processes=processes,
            drained_s=round(ended - last, 3), runs_per_s=round(len(runs) / (ended - begun), 1),
            succeeded=succeeded - _WARM, posted=counted(stub)["slack"] - posted, memory=after.memory,
            cpu_us=round((after.cpu_s - before.cpu_s) / deliveries * 1e6, 1),
        )  # fmt: skip


_WARM: Final = 200


async def _warm(port: int, secret: str) -> None:
    requests, _ = signed(secret, _WARM, 0, kind="warm")
    await closed(port, iter(requests), connections=8)


def _figures(
    sent: Sent, runs: set[str], *, deliveries: int, repeats: int, connections: int, processes: int, drained_s: float,
    runs_per_s: float, succeeded: int, posted: int, memory: int, cpu_us: float,
) -> Figures:  # fmt: skip
    return Figures(
        deliveries=deliveries, repeats=repeats, connections=connections, processes=processes,
        answers_per_s=round(sent.rate, 1), answer_ms=spread(sent.latencies_ms), refused=sent.failed,
        drained_s=drained_s, runs_per_s=runs_per_s, acknowledged=len(runs), succeeded=succeeded, posted=posted,
        lost=max(0, len(runs) - succeeded), doubled=max(0, posted - len(runs)),
        other_run=max(0, len(runs) - deliveries), cpu_us=cpu_us, memory=memory,
    )  # fmt: skip


def acknowledged(answers: Sequence[tuple[int, bytes]]) -> set[str]:
    """The runs that were promised."""
    taken = (msgspec.json.decode(body, type=dict[str, str]) for status, body in answers if 200 <= status < 300)
    return {each["execution_id"] for each in taken}


def signed(secret: str, deliveries: int, repeats: int, *, kind: str = "order") -> tuple[list[bytes], int]:
    """Signed deliveries as requests, each id once and `repeats` of a hundred twice, a little later; how many twice."""
    key, stamp = base64.b64decode(secret.removeprefix("whsec_")), str(int(time.time()))
    chance = random.Random(4)
    requests = [_signed(key, f"{kind}_{number}", stamp, number) for number in range(deliveries)]
    twice = [number for number in range(deliveries) if chance.random() * 100 < repeats]
    order = [(float(number), number) for number in range(deliveries)]
    order += [(number + chance.uniform(0.5, 200), number) for number in twice]
    return [requests[number] for _, number in sorted(order)], len(twice)


def _signed(key: bytes, identity: str, stamp: str, number: int) -> bytes:
    body = msgspec.json.encode({"number": number, "text": f"Order {number} has come in"})
    mac = hmac.digest(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256)
    headers = {
        "webhook-id": identity, "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }  # fmt: skip
    return request_bytes(_PATH, body, headers)


def _ended(database: Path) -> int:
    """Wait until no webhook's run is unfinished; how many succeeded in all."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as reader:
        left, since = -1, time.monotonic()
        for now in _ticks():
            (unfinished,) = reader.execute("SELECT count(*) FROM work").fetchone()
            if not unfinished:
                break
            if unfinished != left:
                left, since = unfinished, now
            elif now - since > _STUCK_S:
                print(f"{unfinished} runs have not ended", file=sys.stderr)
                break
        where = "origin = 'webhook' AND status = 'success'"
        return int(reader.execute(f"SELECT count(*) FROM executions WHERE {where}").fetchone()[0])


def _ticks() -> Iterator[float]:
    while True:
        yield time.monotonic()
        time.sleep(0.02)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.web.webhook", description=__doc__.partition("\n")[0])
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=10, help="of a hundred deliveries so many are sent twice")
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
