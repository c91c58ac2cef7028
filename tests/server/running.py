"""A real `eyeflow up` in a process of its own, ended with the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

ROOT = Path(__file__).parents[2]
CACHE = tempfile.TemporaryDirectory(prefix="eyeflow-catalog-")
"""The catalog that ships, read once for all servers of this test run."""
EXAMPLES = ROOT / "examples"


class Running:
    """A server process: where it answers, its first key, its folder."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, said: Any, log: Path, started_s: float) -> None:
        self.process = process
        self.folder = folder
        self.url: str = said["url"]
        self.key: str = said["first_key"] or ""
        self.said = said
        self.started_s = started_s
        self.started_ms = time.time() * 1000
        self._log = log
        self._clients: list[httpx.Client] = []
        self.http = self.client(self.key)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, key: str | None) -> httpx.Client:
        """A client with another key, closed with the server."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._clients.append(httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False))
        return self._clients[-1]

    def close(self) -> None:
        """Let go of every connection."""
        for each in self._clients:
            each.close()

    def deploy(self, text: str, name: str | None = None, **more: Any) -> Any:
        """Deploy LLM-IR or a sentence; what the server says."""
        reply = self.http.post("/api/tasks", json={"text": text, "name": name, **more})
        assert reply.status_code == 201, reply.text
        return reply.json()

    def example(self, name: str) -> Any:
        return self.deploy((EXAMPLES / f"{name}.eir").read_text("utf-8"))

    def run(self, task: str, input: Any = None, **more: Any) -> httpx.Response:
        return self.http.post("/api/tasks/run", json={"task": task, "input": input or {}, **more})

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def logs(self, words: str) -> bool:
        """Whether `words` come into the log; lines are written beside the answering."""
        ends = time.monotonic() + 10
        while words not in self.log() and time.monotonic() < ends:
            time.sleep(0.02)
        return words in self.log()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and give its exit code."""
        self.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "eyeflow", *args]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    held = {name: value for name, value in os.environ.items() if not name.startswith("EYEFLOW_")}
    paths = os.pathsep.join(filter(None, (str(ROOT / "src"), held.get("PYTHONPATH", ""))))
    return {**held, "PYTHONPATH": paths, "EYEFLOW_CACHE": CACHE.name, **(more or {})}


@contextmanager
def running(
    folder: Path | None = None, *args: str, env: Mapping[str, str] | None = None, verb: str = "up"
) -> Iterator[Running]:
    """`eyeflow up` on a free port, with its data in `folder`; killed at the end whatever happens."""
    with tempfile.TemporaryDirectory() as made:
        data = folder or Path(made) / "data"
        log = Path(made) / "log"
        begun = time.monotonic()
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command(verb, "--port", "0", "--data", str(data), "--json", *args), cwd=made, env=environment(env),
                stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"the server did not start:\n{log.read_text('utf-8')}"
            said = msgspec.json.decode(line)
            assert "url" in said, said
            server = Running(process, data, said, log, time.monotonic() - begun)
            try:
                yield server
            finally:
                server.close()
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
