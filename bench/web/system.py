"""A system under test: how it starts, where its two tasks are, what it uses, how it ends.

Knows: processes and their children. In: a command. Out: `System`s. Never: leaves one running.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import psutil


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where one task is asked for, and with what."""

    path: str
    body: bytes
    headers: dict[str, str] = {}


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Something that runs the tasks. `tasks` by workload (`W1`, `W2`). `record`: what is written by then."""

    name: str
    record: str
    command: Sequence[str]
    tasks: dict[str, Endpoint]
    port: int
    folder: Path | None = None
    ready: Callable[[], None] | None = None
    environment: dict[str, str] = {}
    patience_s: float = 60.0

    def url(self, workload: str) -> str:
        """The address of a task."""
        return f"http://127.0.0.1:{self.port}{self.tasks[workload].path}"


class NotStarted(Exception):  # noqa: N818 - says why there is no figure
    """A system did not come up."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.contextmanager
def started(command: Sequence[str], port: int, *, folder: Path | None = None, environment: dict[str, str] | None = None,
            patience_s: float = 60.0) -> Iterator[psutil.Process]:  # fmt: skip
    """A process that listens on `port`, and its end with all its children. Raises: NotStarted."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)
    with open(os.devnull if folder is None else folder / "log.txt", "wb") as log:  # noqa: PTH123 - either kind of name
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        _await(process, port, patience_s, folder)
        yield psutil.Process(process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _leave(number: int, _: object) -> None:
    """Told to end, the bench ends what it started first."""
    sys.exit(128 + number)


@contextlib.contextmanager
def stubbed(delay_ms: float = 0) -> Iterator[str]:
    """The address of the stub services, whose answers take `delay_ms`. Raises: NotStarted."""
    port = free_port()
    with started([sys.executable, "-m", "bench.web.stub", str(port), str(delay_ms)], port):
        yield f"http://127.0.0.1:{port}"


def counted(stub: str) -> dict[str, int]:
    """How many calls the stub has got, by service."""
    with urllib.request.urlopen(f"{stub}/count", timeout=30) as said:
        return msgspec.json.decode(said.read(), type=dict[str, int])


def _await(process: subprocess.Popen[bytes], port: int, patience_s: float, folder: Path | None) -> None:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if process.poll() is not None:
            said = (folder / "log.txt").read_text("utf-8", "replace")[-2000:] if folder is not None else ""
            raise NotStarted(f"it ended with {process.returncode}. {said}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise NotStarted(f"it did not listen within {patience_s:g} s")


def answer(url: str, endpoint: Endpoint) -> tuple[int, bytes]:
    """One POST, for making sure that a system really does the task. Raises: OSError."""
    headers = {"Content-Type": "application/json", **endpoint.headers}
    request = urllib.request.Request(url, endpoint.body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as said:
            return said.status, said.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Usage(msgspec.Struct, frozen=True):
    """CPU seconds used so far and memory held now (bytes, resident), of a process and its children."""

    cpu_s: float
    memory: int


def usage(process: psutil.Process) -> Usage:
    """What a process tree uses."""
    cpu, memory = 0.0, 0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            cpu += times.user + times.system
            memory += each.memory_info().rss
    return Usage(cpu, memory)
