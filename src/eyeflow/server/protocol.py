"""One connection: uvicorn's HTTP protocol, with the bounds it does not have.

Knows: how long a head may take to arrive and how large it may be, how long a reader may take. In: bytes. Out: scopes
for the door. Never: parses by itself.

A slow head, and a connection without requests, are found by a look at all connections each second rather than by a
timer for each request: the timers would cost more than parsing does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from eyeflow.server.exchange import WHOLE, Headers, encoded
from eyeflow.server.problems import Problem

MAX_HEAD: Final = 65_536
SLOW_READER_S: Final = 60.0
BODY_GRACE_S: Final = 2.0
"""A body may take longer than a head by this: whoever reads it says so first (`too_slow`), if anybody does."""


class Connection(HttpToolsProtocol):
    """An HTTP/1.1 connection. `head_since` is when the head that is arriving began, on the loop's clock, `body_since`
    when the body that is arriving did, `idle_since` when the last request was answered."""

    most: int = 4096
    head_since: float | None = None
    idle_since: float | None = None
    body_since: float | None = None
    _head_bytes = 0
    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it at once when there are too many."""
        super().connection_made(transport)
        self.head_since = self.loop.time()
        if len(self.connections) > self.most:
            self._turn_away(503, "busy", "this server has as many connections as it may", b"retry-after: 1\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._read_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that is too large ends the connection."""
        if self.transport.is_closing():
            return
        self.idle_since = None
        super().data_received(data)
        if self.head_since is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD and not self.transport.is_closing():
                self._turn_away(431, "head_too_large", f"the headers are larger than {MAX_HEAD} bytes")

    def on_message_begin(self) -> None:
        """A head begins."""
        self.head_since = self.loop.time()
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self.head_since, self.body_since = None, self.loop.time()
        if sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            raise httptools.HttpParserError("headers too large")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self.body_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is on the wire: the next request may begin, or may be awaited."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self.idle_since = self.loop.time()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.scope[WHOLE] = partial(_write_whole, cycle)
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so, and the connection ends."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # an answer is on its way: nothing may be written into it
            return
        self._turn_away(400, "bad_http", "this is not a well-formed HTTP request")

    def pause_writing(self) -> None:
        """The caller does not read: it has `SLOW_READER_S` to begin."""
        super().pause_writing()
        self._slow = self._slow or self.loop.call_later(SLOW_READER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller reads again."""
        self._read_on()
        super().resume_writing()

    def _read_on(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _unsupported_upgrade_warning(self) -> None:
        """Upgrades are not taken; the request goes on as it is."""

    def _turn_away(self, status: int, code: str, message: str, more: bytes = b"") -> None:
        body = encoded(Problem(
            type=f"urn:eyeflow:error:{code}", title=code, status=status, code=code, detail=message
        ))  # fmt: skip
        head = b"HTTP/1.1 %d \r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n%s" % (
            status, len(body), more
        )  # fmt: skip
        self.transport.write(head + b"connection: close\r\n\r\n" + body)
        self.transport.close()


def _write_whole(cycle: Any, status: int, headers: Headers, body: bytes) -> bool:
    """Write head and body of an answer in one piece; False, and nothing written, when that has to wait for the reader
    or something was written already. What `RequestResponseCycle.send` does for the general case."""
    if cycle.flow.write_paused or cycle.disconnected or cycle.response_started:
        return False
    parts, close = [STATUS_LINE[status]], not cycle.keep_alive
    for name, value in (*cycle.default_headers, *headers):
        parts += (name, b": ", value, b"\r\n")
        close = close or (name == b"connection" and value == b"close")
    head, lines = b"".join(parts), len(cycle.default_headers) + len(headers) + 1
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        raise RuntimeError("a header of an answer has a line break")
    if close and cycle.keep_alive:
        cycle.keep_alive = False
    elif close:
        head += b"connection: close\r\n"
    if status not in (204, 304):
        head += b"content-length: %d\r\n" % len(body)
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(head + b"\r\n" + (b"" if cycle.scope["method"] == "HEAD" else body))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


def close_idle(connections: Iterable[Any], now_s: float, limit_s: float) -> int:
    """Close the connections that no request came on for `limit_s`; how many there were."""
    idle = [each for each in connections if each.idle_since is not None and now_s - each.idle_since > limit_s]
    for each in idle:
        each.transport.close()
    return len(idle)


def close_slow(connections: Iterable[Any], now_s: float, limit_s: float) -> int:
    """Close the connections whose request takes longer than `limit_s` to arrive; how many there were."""
    slow = [each for each in connections if _is_slow(each, now_s, limit_s) and not each.transport.is_closing()]
    for each in slow:
        each.transport.close()
    return len(slow)


def _is_slow(connection: Any, now_s: float, limit_s: float) -> bool:
    head, body = connection.head_since, connection.body_since
    return (head is not None and now_s - head > limit_s) or (body is not None and now_s - body > limit_s + BODY_GRACE_S)
