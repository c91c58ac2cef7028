"""One connection: HTTP/1.1 as llhttp reads it, within bounds.

Knows: how long a head may take to arrive and how large it may be, how long a reader may take, that requests of one
connection are answered one after the other. In: bytes. Out: requests for the door, their answers on the wire. Never:
parses by itself, knows a route.

A slow head, and a connection without requests, are found by a look at all connections each second rather than by a
timer for each request: the timers would cost more than parsing does. A request that came whole is offered to the door
at once; only what that does not take is answered by a task of its own.

llhttp is strict: what two programs could read differently is refused. Nothing is read after a request that ends its
connection, nor after one that asks for another protocol: those are answered as they stand, and the connection ends.

Source: RFC 9112.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Iterable
from typing import Any, Final, Protocol

import httptools

from eyeflow.server.exchange import NO_SNIFF, Declined, Request, Wire
from eyeflow.server.logs import event
from eyeflow.server.problems import problem_of
from eyeflow.server.turn import STATUS_LINES, Turn, spelled

MAX_HEAD: Final = 65_536
SLOW_READER_S: Final = 60.0
BODY_GRACE_S: Final = 2.0
"""A body may take longer than a head by this: whoever reads it says so first (`too_slow`), if anybody does."""

_METHODS: Final = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}


_BUSY: Final = "ask again in a second; `server.max_connections` raises the limit"


class Answering(Protocol):
    """What the door is to a connection."""

    def next_id(self) -> str:
        """The name of a request that is turned away before the door."""
        ...

    def at_once(self, request: Request, wire: Wire, spawn: Any) -> bool:
        """Begin to answer without a task, or False."""
        ...

    async def answer(self, request: Request, wire: Wire) -> None:
        """Answer."""
        ...


class Connections:
    """The connections of one process, and what they share: the door, the date, the tasks that answer."""

    def __init__(self, door: Answering, loop: asyncio.AbstractEventLoop, *, most: int) -> None:
        self.door = door
        self.loop = loop
        self.most = most
        self.open: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.date = b""
        self._outgoing: list[Connection] = []

    def made(self) -> Connection:
        """A new one."""
        return Connection(self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` in a task that is held until it is done."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def soon(self, connection: Connection) -> None:
        """Have `connection` send what it holds when all that this turn of the loop answers is there. Answers come in
        bursts, as commits do: to wake a caller for every single one costs both sides more than to make it."""
        if not self._outgoing:
            self.loop.call_soon(self._send)
        self._outgoing.append(connection)

    def _send(self) -> None:
        connections, self._outgoing = self._outgoing, []
        for connection in connections:
            connection.send_held()


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection. `head_since` is when the head that is arriving began, on the loop's clock, `body_since`
    when the body that is arriving did, `idle_since` when the last request was answered."""

    __slots__ = (
        "_advancing", "_arriving", "_client", "_connections", "_drained", "_fed", "_headers", "_held", "_last", "_loop",
        "_parser", "_reading", "_size", "_slow", "_turn", "_url", "_waiting", "body_since", "head_since", "idle_since",
        "transport",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._loop = connections.loop
        self._parser = httptools.HttpRequestParser(self)
        # What follows a request that ends its connection is not looked at, rather than an error in that request.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._client = ""
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._turn: Turn | None = None
        """Whose answer is due."""
        self._arriving: Turn | None = None
        """Whose body is arriving."""
        self._waiting: deque[Turn] = deque()
        self._advancing = False
        self._last = False
        self._reading = True
        self._drained: asyncio.Event | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._held = b""
        """What is sent soon."""
        self._fed = 0
        """Bytes since the head that is arriving began, at the most: those before it in the same piece count too."""
        self._size = 0
        self.head_since: float | None = None
        self.idle_since: float | None = None
        self.body_since: float | None = None

    @property
    def date(self) -> bytes:
        """The `Date` of answers, as a line."""
        return self._connections.date

    # --- the transport -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or close it at once when there are too many."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's is one, and says that it is not
        peer = transport.get_extra_info("peername")
        self._client = str(peer[0]) if isinstance(peer, tuple) else ""
        self._connections.open.add(self)
        self.head_since = self._loop.time()
        if len(self._connections.open) > self._connections.most:
            self._turn_away(Declined(503, "busy", "this server has as many connections as it may", hint=_BUSY))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and tell whoever still answers."""
        self._connections.open.discard(self)
        self._held = b""
        self.resume_writing()
        self._waiting.clear()
        if self._turn is not None:
            self._turn.hung_up()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that is too large ends the connection."""
        if (self._last and self._arriving is None) or self.transport.is_closing():
            return
        self.idle_since = None
        self._size = len(data)
        self._fed += self._size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end_after(self._waiting[-1] if self._waiting else self._turn)
        except httptools.HttpParserError as error:
            self._no_http(error)
            return
        if self.head_since is not None and self._fed > MAX_HEAD:
            self._turn_away(_too_large())
            return
        self._advance()

    def eof_received(self) -> bool:
        """The caller sends no more, and perhaps does not listen either: the connection ends."""
        self.send_held()
        return False

    def is_slow(self, now_s: float, limit_s: float) -> bool:
        """Whether a request takes longer than `limit_s` to arrive; a head that waits for its turn is not looked at."""
        head, body = self.head_since, self.body_since
        return (head is not None and self._turn is None and now_s - head > limit_s) or (
            body is not None and now_s - body > limit_s + BODY_GRACE_S
        )

    def pause_writing(self) -> None:
        """The caller does not read: it has `SLOW_READER_S` to begin."""
        if self._drained is None:
            self._drained = asyncio.Event()
            self._slow = self._loop.call_later(SLOW_READER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller reads again."""
        drained, self._drained = self._drained, None
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None
        if drained is not None:
            drained.set()

    # --- the parser --------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A head begins."""
        if self._last:
            return
        if self.head_since is None:
            self.head_since = self._loop.time()
        self._fed = self._size
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """A head is whole."""
        if self._last:
            return
        self.head_since = None
        headers, parser = self._headers, self._parser
        if self._fed > MAX_HEAD and sum(len(name) + len(value) for name, value in headers) > MAX_HEAD:
            raise _TooLargeError
        method: bytes = parser.get_method()
        turn = Turn(self, _METHODS.get(method) or method.decode("ascii"), self._url, headers)
        last = not parser.should_keep_alive()
        for name, value in headers:
            if name == b"expect":
                turn.expects = value.lower() == b"100-continue"
            elif name == b"connection":
                last = last or parser.get_http_version() == "1.0"
        self._arriving = turn
        self.body_since = self._loop.time()
        if self._turn is None:
            self._turn = turn
        else:
            self._waiting.append(turn)
            self._pause_reading()
        if last:
            self._end_after(turn)

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        if self._arriving is not None and not self._arriving.answered and not self._arriving.arrived(body):
            self._pause_reading()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self.body_since = None
        if self._arriving is not None:
            self._arriving.complete()
            self._arriving = None

    # --- requests, one after the other -------------------------------------------------------------------------

    def _advance(self) -> None:
        """Begin the request whose turn it is; again, when it was answered at once."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._turn is not None and not self._turn.begun and not self.transport.is_closing():
                self._begin(self._turn)
        finally:
            self._advancing = False
        if self._turn is None and self._arriving is None and self.head_since is None:
            self.idle_since = self._loop.time()

    def _begin(self, turn: Turn) -> None:
        turn.begun = True
        target, _, query = turn.url.partition(b"?")
        if not target.startswith(b"/"):
            try:
                target, query = _other_form(turn.url)
            except httptools.HttpParserError as error:
                self._turn_away(_bad_http(error))
                return
        whole = None if turn.more else turn.taken()
        request = Request(turn.method, target, query, turn.headers, self._client, turn.receive, whole)
        connections = self._connections
        if whole is None or not connections.door.at_once(request, turn, connections.spawn):
            connections.spawn(self._answer(request, turn))

    async def _answer(self, request: Request, turn: Turn) -> None:
        try:
            await self._connections.door.answer(request, turn)
        except Exception as error:
            event("bug", level=logging.ERROR, error=error, request_id=request.id, route=request.path)
        if not turn.answered and not turn.gone:
            self.close()

    def answered(self, turn: Turn) -> None:
        """An answer is on the wire: the next request may begin, or may be awaited."""
        if self.transport.is_closing():
            return
        if not turn.keep:
            self.close()
            return
        self._turn = self._waiting.popleft() if self._waiting else None
        if not self._waiting:
            self.read_on()
        if self.head_since is not None:
            self.head_since = self._loop.time()  # it had to wait: that is not its sender's doing
        self._advance()

    def _end_after(self, turn: Turn | None) -> None:
        """This request is the last one."""
        self._last = True
        if turn is not None:
            turn.keep = False

    def shutdown(self) -> None:
        """Answer what has begun, and end."""
        if self._turn is None:
            self.close()
        else:
            self._end_after(self._waiting[-1] if self._waiting else self._turn)

    # --- flow --------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes now, after those that are held."""
        self.send_held()
        self.transport.write(data)

    def write_soon(self, data: bytes) -> None:
        """Send bytes with those of other connections, once this turn of the loop is over."""
        if self._held:
            self._held += data
            return
        self._held = data
        self._connections.soon(self)

    def send_held(self) -> None:
        """Send what is held, if anything is."""
        if self._held:
            data, self._held = self._held, b""
            self.transport.write(data)

    def close(self) -> None:
        """End the connection when all that was written is sent."""
        self.send_held()
        self.transport.close()

    @property
    def paused(self) -> bool:
        """Whether the caller has to read before more is written."""
        return self._drained is not None

    async def drained(self) -> None:
        """Return when the caller has taken most of what was written."""
        while self._drained is not None:
            await self._drained.wait()

    def read_on(self) -> None:
        """Take more bytes from the caller."""
        if not self._reading and not self.transport.is_closing():
            self._reading = True
            self.transport.resume_reading()

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    # --- refusing ----------------------------------------------------------------------------------------------

    def _no_http(self, error: httptools.HttpParserError) -> None:
        """What is no HTTP is told so, and the connection ends."""
        if self._turn is not None and self._turn.begun:
            self.close()  # an answer is on its way: nothing may be written into it
            return
        self._turn_away(_bad_http(error))

    def _turn_away(self, error: Declined) -> None:
        self._last, self._turn = True, None
        self._waiting.clear()
        request_id = self._connections.door.next_id()
        answer = problem_of(error, request_id)
        ending = ((b"x-request-id", request_id.encode()), NO_SNIFF, (b"connection", b"close"))
        head, _ = spelled((*answer.headers, *ending))
        length = b"content-length: %d\r\n\r\n" % len(answer.body)
        self.write(STATUS_LINES[answer.status] + self.date + head + length + answer.body)
        self.close()


class _TooLargeError(Exception):
    """A head came whole and is too large."""


def _too_large() -> Declined:
    said = f"the headers are larger than {MAX_HEAD} bytes"
    return Declined(431, "head_too_large", said, hint="send fewer or shorter headers")


def _bad_http(error: httptools.HttpParserError) -> Declined:
    if isinstance(error.__context__, _TooLargeError):
        return _too_large()
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return Declined(
            400, "bad_http", "this begins with no method of HTTP", hint=f"methods are {', '.join(_METHODS.values())}"
        )
    return Declined(400, "bad_http", "this is not a well-formed HTTP request", hint="HTTP/1.1, as RFC 9112 says")


def _other_form(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a target that is no path; a host in it counts for nothing. Raises: HttpParserError."""
    parsed = httptools.parse_url(url)
    return parsed.path or b"", parsed.query or b""


def close_idle(connections: Iterable[Connection], now_s: float, limit_s: float) -> int:
    """Close the connections that no request came on for `limit_s`; how many there were."""
    idle = [each for each in connections if each.idle_since is not None and now_s - each.idle_since > limit_s]
    for each in idle:
        each.close()
    return len(idle)


def close_slow(connections: Iterable[Connection], now_s: float, limit_s: float) -> int:
    """Close the connections whose request takes longer than `limit_s` to arrive; how many there were."""
    slow = [each for each in connections if each.is_slow(now_s, limit_s) and not each.transport.is_closing()]
    for each in slow:
        each.close()
    return len(slow)
