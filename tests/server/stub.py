"""A service on this machine that a server under test may reach: it counts, and remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SERVICE = """
service: gauge
title: Gauge
type: Home
connector: http
auth: {{type: bearer, setup: [{{say: "Copy the token", paste: token}}]}}
hosts: ["127.0.0.1:{port}"]
http: {{base_url: "http://127.0.0.1:{port}"}}
capabilities:
  level:
    summary: The level of the tank
    phrases: [read the tank, the level of the tank]
    examples: ["read the tank"]
    effect: read
    returns: {{type: object, properties: {{level: {{type: integer, role: summary}}, echo: {{type: string}}}}, required: [level]}}
    http: {{method: GET, path: /level, error: "{{body.error}}", result: {{level: body.level, echo: body.echo}}}}
  fill:
    summary: Fill the tank
    phrases: [fill the tank]
    examples: ["fill the tank"]
    effect: write
    params: {{litres: {{type: integer, required: true, description: How much}}}}
    returns: {{type: object, properties: {{done: {{type: boolean}}}}}}
    http: {{method: POST, path: /fill, body: {{litres: "{{litres}}"}}, error: "{{body.error}}", result: {{done: body.done}}}}
"""  # noqa: E501 - as people write service files


class Stub:
    """`level` is what it answers, `token` what it wants, `asked` the paths it was asked for. With `echo` it repeats
    the credential in its answer; while it `hangs_up` it does what it is sent, and never says so."""

    def __init__(self) -> None:
        self.level = 7
        self.token = "tok-gauge-51a7e6c2"
        self.echo = False
        self.hangs_up = False
        self.asked: list[str] = []
        self.sent: list[object] = []


@contextmanager
def stub() -> Iterator[tuple[Stub, int]]:
    """A running stub and its port."""
    held = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            held.asked.append(self.path)
            if self.headers.get("authorization") != f"Bearer {held.token}":
                self._say(401, {"error": "who are you"})
            else:
                said = f"you sent {held.token}" if held.echo else "fine"
                self._say(200, {"level": held.level, "echo": said})

        def do_POST(self) -> None:
            held.asked.append(self.path)
            held.sent.append(json.loads(self.rfile.read(int(self.headers.get("content-length", "0")))))
            if held.hangs_up:
                self.close_connection = True
                return
            self._say(200, {"done": True})

        def _say(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield held, listening.server_address[1]
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def serve_file(folder: Path, port: int) -> dict[str, str]:
    """The settings with which a server knows the stub."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gauge.yaml").write_text(SERVICE.format(port=port), "utf-8")
    return {"EYEFLOW_CATALOG_FURTHER": str(folder), "EYEFLOW_EGRESS_ALLOW": "127.0.0.1=127.0.0.0/8"}
