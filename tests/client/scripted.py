"""A server that answers from a script, over real sockets, for the conformance cases."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Script:
    """The exchanges of one case: `next` is what the coming request must be and gets; `unlike` says what was wrong."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        self._left = list(exchanges)
        self._lock = threading.Lock()
        self.unlike: list[str] = []

    @property
    def left(self) -> int:
        """How many exchanges have not happened."""
        return len(self._left)

    def take(self) -> dict[str, Any] | None:
        """The coming exchange."""
        with self._lock:
            return self._left.pop(0) if self._left else None


def serving(script: Script) -> ThreadingHTTPServer:
    """A server on a free port, in a thread of its own; `shutdown` and `server_close` end it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            exchange = script.take()
            if exchange is None:
                script.unlike.append(f"one request too many: {self.command} {self.path}")
                self.close_connection = True
                return
            script.unlike += _differences(exchange["request"], self, body)
            _answer(self, exchange["answer"])

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_any)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def _differences(wanted: dict[str, Any], got: BaseHTTPRequestHandler, body: bytes) -> list[str]:
    where = urlsplit(got.path)
    found = {"method": got.command, "path": where.path, "query": dict(parse_qsl(where.query))}
    unlike = [
        f"{name}: {found[name]!r}, not {wanted[name]!r}"
        for name in found
        if name in wanted and found[name] != wanted[name]
    ]
    for name, value in wanted.get("headers", {}).items():
        said = got.headers.get(name)
        if said is None or value not in ("*", said):
            unlike.append(f"header {name}: {said!r}, not {value!r}")
    if "body" in wanted and json.loads(body or b"null") != wanted["body"]:
        unlike.append(f"body: {body!r}, not {wanted['body']!r}")
    return unlike


def _answer(to: BaseHTTPRequestHandler, answer: Any) -> None:
    to.close_connection = True
    if answer == "drop":
        return
    text = answer.get("text", json.dumps(answer["body"]) if "body" in answer else "").encode()
    to.send_response(answer["status"])
    for name, value in answer.get("headers", {}).items():
        to.send_header(name, value)
    to.send_header("content-length", str(len(text) + (10 if answer.get("then") == "drop" else 0)))
    to.send_header("connection", "close")
    to.end_headers()
    to.wfile.write(text)
