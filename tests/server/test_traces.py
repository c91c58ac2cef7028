"""Traces leave only when they are configured, and then hold what a request was, not what it carried."""

from __future__ import annotations

import asyncio
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from eyeflow.server.settings import SettingsError, Telemetry
from eyeflow.server.traces import tracer
from server.house import house


def test_nothing_is_loaded_when_nothing_is_configured():
    assert tracer(Telemetry()) is None


def test_without_the_extra_the_fix_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError) as caught:
        tracer(Telemetry(otlp_url="http://127.0.0.1:4318/v1/traces"))
    assert "eyeflow[otel]" in caught.value.hint


async def test_a_request_becomes_a_span(tmp_path):
    got: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listening.server_address[1]}/v1/traces"
        async with house(tmp_path, telemetry=Telemetry(otlp_url=url)) as held:
            parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            reply = await held.ask("GET", "/api/tasks?text=private", headers={"traceparent": parent})
            assert reply.status == 200
            key = held.key
        whole = b"".join(got)
        assert b"GET /api/tasks" in whole and bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in whole
        assert b"private" not in whole and key.encode() not in whole
    finally:
        await asyncio.to_thread(listening.shutdown)
        listening.server_close()
        thread.join()
