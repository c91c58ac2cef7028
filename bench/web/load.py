"""One load on one address: wrk's, read into numbers.

Knows: wrk (Debian's package) and how its report reads. In: an address, a body, how many connections for how long.
Out: `Load`. Never: counts an answer that was not 2xx as done.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import msgspec

_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_PERCENTILE: Final = re.compile(r"^\s+(50|75|90|99)%\s+([\d.]+)(us|ms|s|m)\s*$", re.MULTILINE)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a system did under load: answers a second, latencies in milliseconds, how many answers were no success."""

    rate: float
    done: int
    failed: int
    p50_ms: float
    p75_ms: float
    p90_ms: float
    p99_ms: float


class NoLoad(Exception):  # noqa: N818 - says why there is no figure
    """The load could not be made or read."""


def need_wrk() -> str:
    """Where wrk is. Raises: NoLoad, which says what to install."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoLoad(
            "the load generator wrk is not installed: install the package `wrk` (Debian, Ubuntu, Homebrew); it is the"
            " one thing this bench needs that is in no Python or npm registry"
        )
    return wrk


def post(url: str, body: bytes, *, connections: int, seconds: float, headers: dict[str, str] | None = None) -> Load:
    """POST `body` as JSON on `connections` connections for `seconds`. Raises: NoLoad."""
    wrk = need_wrk()
    lines = ['wrk.method = "POST"', f"wrk.body = {_lua(body.decode())}"]
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        lines.append(f"wrk.headers[{_lua(name)}] = {_lua(value)}")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "post.lua")
        script.write_text("\n".join(lines))
        took = f"{max(1, round(seconds))}s"
        found = subprocess.run(
            [wrk, "-t1", f"-c{connections}", f"-d{took}", "--timeout", "30s", "--latency", "-s", str(script), url],
            capture_output=True, text=True, timeout=seconds + 60, check=False,
        )  # fmt: skip
    return read(found.stdout + found.stderr)


def _lua(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def read(report: str) -> Load:
    """The numbers of wrk's report. Raises: NoLoad when it has none."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    done = re.search(r"(\d+) requests in", report)
    if rate is None or done is None:
        raise NoLoad(report.strip() or "wrk said nothing")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", report)
    failed = (int(bad[1]) if bad else 0) + (sum(map(int, errors.groups())) if errors else 0)
    at = {percent: round(float(number) * _UNITS[unit], 5) for percent, number, unit in _PERCENTILE.findall(report)}
    if len(at) < 4:
        raise NoLoad(f"no request was answered in time: {report.strip()[-500:]}")
    return Load(
        rate=float(rate[1]), done=int(done[1]), failed=failed,
        p50_ms=at["50"], p75_ms=at["75"], p90_ms=at["90"], p99_ms=at["99"],
    )  # fmt: skip
