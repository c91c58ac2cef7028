"""One HTTP/1.1 connection: a request goes out, its answer comes in, and nothing else may.

Knows: llhttp's callbacks, the bounds of an answer, when an answer is whole, when a connection can be used again. In:
bytes of a request; bytes from the socket. Out: `HttpResponse`, or the error that says what is known. Never: connects,
judges, retries.

An answer is bounded in its head, in its body (also decompressed), and in bytes that mean nothing (a header line, a
chunk extension without end). Bytes that nobody asked for end the connection.

Source: RFC 9112, sections 6 and 9.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Any, Final, cast

import httptools

from eyeflow.connectors.transport import HttpRequest, HttpResponse, RawHeaders, unanswered
from eyeflow.connectors.url import Url
from eyeflow.errors import CallError

MAX_HEAD_BYTES: Final = 65_536
MAX_HEADERS: Final = 256
EXACT_MS: Final = 5_000
"""A longer time for an answer has no timer of its own: whoever keeps the connections looks at it now and then."""

_MAX_INTERIM: Final = 16
_FRAMING_CHARS: Final = frozenset(map(len, ("content-length", "transfer-encoding", "content-encoding")))
"""How long the names of headers are that say where an answer ends: most others need no second look."""
_WINDOW_BITS: Final = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


class Lost(Exception):  # noqa: N818 - says what became of the connection
    """The connection ended before anything of the answer came."""


class Wire(asyncio.Protocol):
    """A connection to `origin`. `gone`, once it is set, is called when the connection is no more, and `closed` is done
    then. `exchanges` counts requests that were sent; `idle_since` is when the last was answered, `until` when the
    present one is late (seconds of the loop's time)."""

    __slots__ = (
        "_chunks", "_data", "_fed", "_head_count", "_headed", "_headers", "_inflate", "_interim", "_loop", "_moved",
        "_parser", "_practice", "_request", "_size", "_status", "_still", "_timer", "_trailing", "_transport",
        "_until_end", "_url", "_usable", "_waiter", "_whole", "closed", "exchanges", "gone", "idle_since", "origin",
        "until",
    )  # fmt: skip

    _chunks: list[bytes]
    _fed: int
    _head_count: int
    _headed: bool
    _headers: RawHeaders
    _inflate: Any
    _interim: int
    _moved: bool
    _practice: bool
    _size: int
    _status: int
    _still: int
    _trailing: int
    _until_end: bool
    _url: Url | str
    _whole: bool

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: tuple[str, str, int]) -> None:
        self.origin = origin
        self.gone: Callable[[Wire], None] | None = None
        self.closed: asyncio.Future[None] = loop.create_future()
        self.exchanges = 0
        self.idle_since = self.until = 0.0
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._request: HttpRequest | None = None
        self._waiter: asyncio.Future[HttpResponse] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._data = b""
        self._usable = False
        self._reset()

    @property
    def fit(self) -> bool:
        """True when another request can be sent."""
        return self._usable and self._request is None

    @property
    def busy(self) -> bool:
        """True while an answer is awaited."""
        return self._request is not None

    def ask(
        self, request: HttpRequest, data: bytes, until: float, url: Url, *, practice: bool
    ) -> asyncio.Future[HttpResponse]:
        """Take `data`, which spells `request`, to be sent by `write`; the answer will be in what is returned. Whoever
        gives up waiting for it closes the connection.

        There: TimeoutError at `until`, `late` being called at the latest a moment after; Lost when nothing was
        answered; CallError when the answer is none.
        """
        assert self._request is None and self._transport is not None, "one exchange at a time"
        waiter: asyncio.Future[HttpResponse] = self._loop.create_future()
        if not self._usable:
            waiter.set_exception(Lost("the connection was lost before an answer came"))
            return waiter
        self._reset()
        self._request, self._waiter, self._url, self._practice = request, waiter, url, practice
        self.exchanges += 1
        self.until = until
        if request.timeout_ms <= EXACT_MS:
            self._timer = self._loop.call_at(until, self.late)
        self._data = data
        return waiter

    def write(self) -> None:
        """Send what was asked, unless the connection was given up meanwhile."""
        data, self._data = self._data, b""
        if self._usable and data and self._transport is not None:
            self._transport.write(data)

    def late(self) -> None:
        """The time for the answer is over."""
        self._fail(TimeoutError())

    def close(self) -> None:
        """Let go of the connection."""
        self._usable = False
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected, and the handshake done."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._usable = True

    def data_received(self, data: bytes) -> None:
        """More of the answer."""
        if self._request is None or self._whole:
            self.close()  # nobody asked for this
            return
        self._moved = False
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(self._unreadable("the service changed the protocol, which was not asked for"))
        except httptools.HttpParserError as error:
            self._usable = False  # what follows the answer may be read in two ways
            if not self._whole:
                cause = error.__context__
                self._fail(cause if isinstance(cause, CallError) else self._broken())
        if self._whole:
            self._finish()
            return
        if not self._headed and self._fed > MAX_HEAD_BYTES:
            self._fail(self._unreadable("the answer has too many headers"))
        self._still = 0 if self._moved else self._still + len(data)
        if self._still > MAX_HEAD_BYTES:
            self._fail(self._unreadable(f"the answer goes on for {MAX_HEAD_BYTES} bytes without a meaning"))

    def eof_received(self) -> None:
        """The service sends no more; the transport closes."""

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is no more."""
        self._usable = False
        waiting = self._request is not None and not self._whole
        if waiting and error is not None:
            self._fail(Lost("the connection was lost before an answer came"))
        elif waiting and self._until_end:
            self._whole = True
            self._finish()
        elif waiting and self._status:
            self._fail(self._broken())
        elif waiting:
            self._fail(Lost("the connection was lost before an answer came"))
        self._parser = None  # which knows this object
        if not self.closed.done():
            self.closed.set_result(None)
        gone, self.gone = self.gone, None
        if gone is not None:
            gone(self)

    # --- llhttp -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins: the one that was asked for, after any number of interim ones, or one too many."""
        if self._whole:
            raise Lost("an answer came that nobody asked for")
        self._interim += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which means nothing here."""
        self._moved = True
        if not self._headed:
            self._headers.append((name, value))
            return
        self._trailing += len(name) + len(value)
        self._head_count += 1
        if self._trailing > MAX_HEAD_BYTES or self._head_count > MAX_HEADERS:
            raise self._unreadable("the answer has too many headers")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._moved = True
        request, status = self._request, self._parser.get_status_code()
        assert request is not None
        self._head_count += len(self._headers)
        if self._head_count > MAX_HEADERS or self._fed > MAX_HEAD_BYTES:
            self._measure()
        if status < 200:
            if status == 101 or self._interim > _MAX_INTERIM:
                raise self._unreadable("the answer never comes to its end")
            self._headers = []
            return
        self._status, self._headed = status, True
        length = coding = None
        for name, value in self._headers:
            if len(name) not in _FRAMING_CHARS:
                continue
            low = name.lower()
            if low == b"content-length":
                length = value
            elif low == b"transfer-encoding":
                coding = value.strip().lower()
            elif low == b"content-encoding":
                self._decompress_as(value.strip().lower())
        if coding not in (None, b"chunked"):
            raise self._unreadable("the answer has a transfer coding that was not asked for")
        if request.method == "HEAD":
            self._whole, self._usable = True, False
        elif length is not None and self._inflate is None and int(length) > request.max_bytes:
            raise self._too_large()
        self._until_end = length is None and coding is None and status not in (204, 304)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        request = self._request
        assert request is not None
        self._moved = True
        if self._inflate is not None:
            try:
                data = self._inflate.decompress(data, request.max_bytes - self._size + 1)
            except zlib.error:
                raise self._unreadable("the compressed answer is damaged") from None
        self._size += len(data)
        if self._size > request.max_bytes or (self._inflate is not None and self._inflate.unconsumed_tail):
            raise self._too_large()
        self._chunks.append(data)

    def on_message_complete(self) -> None:
        """An answer is whole: ours, or an interim one."""
        if self._headed:
            self._whole = True
            self._usable = self._usable and self._parser.should_keep_alive()

    # --- the end of an exchange -------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._status = 0
        self._headers, self._chunks, self._inflate = [], [], None
        self._size = self._still = self._fed = self._trailing = self._head_count = self._interim = 0
        self._headed = self._whole = self._until_end = self._moved = False

    def _over(self) -> asyncio.Future[HttpResponse] | None:
        """The exchange is over; who waits for it, if anybody still does."""
        waiter, self._waiter, self._request = self._waiter, None, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return None if waiter is None or waiter.done() else waiter

    def _finish(self) -> None:
        """The answer is whole."""
        inflate = self._inflate
        if inflate is not None and self._size and not inflate.eof:
            self._fail(self._unreadable("the compressed answer is cut off"))
            return
        waiter = self._over()
        if waiter is not None:
            chunks = self._chunks
            waiter.set_result(HttpResponse(
                status=self._status, raw=self._headers, body=chunks[0] if len(chunks) == 1 else b"".join(chunks),
                url=self._url, practice=self._practice,
            ))  # fmt: skip

    def _fail(self, error: Exception) -> None:
        self._usable = False
        waiter = self._over()
        if waiter is not None:
            waiter.set_exception(error)
        if self._transport is not None:
            self._transport.abort()

    def _measure(self) -> None:
        """What came so far may be too much of a head, or have a body after it: count."""
        size = sum(len(name) + len(value) for name, value in self._headers)
        if self._head_count > MAX_HEADERS or size > MAX_HEAD_BYTES:
            raise self._unreadable("the answer has too many headers")

    def _decompress_as(self, coding: bytes) -> None:
        if coding in _WINDOW_BITS:
            self._inflate = zlib.decompressobj(_WINDOW_BITS[coding])
        elif coding not in (b"identity", b""):
            shown = coding.decode("latin-1")[:40]
            raise self._unreadable(f"the answer is compressed with {shown!r}, which was not asked for")

    def _unreadable(self, message: str) -> CallError:
        """The service did answer, so it is no longer known to be safe to send a write again."""
        safe = self._request is not None and self._request.safe
        return CallError("permanent" if safe else "uncertain", "bad_response", message)

    def _too_large(self) -> CallError:
        assert self._request is not None
        return self._unreadable(f"the answer is larger than {self._request.max_bytes} bytes")

    def _broken(self) -> CallError:
        assert self._request is not None
        return unanswered("bad_response", "the answer is not HTTP or is cut off", safe=self._request.safe)
