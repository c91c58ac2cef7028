"""One request on a connection: its body as it arrives, its answer as it leaves.

Knows: how an answer is framed, and who waits for whom. In: pieces of a body, the messages of an answer. Out: bytes on
the transport. Never: parses, knows what is asked or answered.

The messages are those of ASGI. An answer that is there as a whole goes out in one piece instead.

Source: RFC 9112 for framing; ASGI HTTP specification 2.3 for the messages.
"""

from __future__ import annotations

import asyncio
import http
import re
from typing import Final, Protocol

from eyeflow.server.exchange import Headers, Message

STATUS_LINES: Final = {
    status: f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else ''}\r\n".encode()
    for status in range(100, 600)
}
FULL_BYTES: Final = 65_536
"""So much of a body is taken before somebody reads it."""

_HEADER: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [^\x00-\x08\x0a-\x1f\x7f]*\Z")
_SELDOM_NEW: Final = frozenset((b"content-type", b"cache-control", b"x-content-type-options"))
_MOST_SPELLED: Final = 64
_BODILESS: Final = frozenset((204, 304))


class Line(Protocol):
    """The connection of a turn."""

    transport: asyncio.Transport

    @property
    def date(self) -> bytes:
        """The `Date` of answers, as a line."""
        ...

    @property
    def paused(self) -> bool:
        """Whether the caller has to read before more is written."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes now."""
        ...

    def write_soon(self, data: bytes) -> None:
        """Send bytes with those of other connections, once this turn of the loop is over."""
        ...

    def read_on(self) -> None:
        """Take more bytes from the caller."""
        ...

    async def drained(self) -> None:
        """Return when the caller has taken most of what was written."""
        ...

    def answered(self, turn: Turn) -> None:
        """The answer of this turn is written."""
        ...


class Turn:
    """A request and its answer. `more`: its body is not whole yet. `gone`: the caller hung up."""

    __slots__ = (
        "_body", "_chunked", "_left", "_line", "_news", "_started", "_waiting", "answered", "begun", "expects", "gone",
        "headers", "keep", "method", "more", "url",
    )  # fmt: skip

    def __init__(self, line: Line, method: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self._line = line
        self.method = method
        self.url = url
        self.headers = headers
        self.keep = True
        self.expects = False
        self.begun = False
        self.more = True
        self.gone = False
        self.answered = False
        self._body: bytes | bytearray = b""
        self._news = False
        self._waiting: asyncio.Future[None] | None = None
        self._started = False
        self._chunked = False
        self._left = 0

    # --- the body ----------------------------------------------------------------------------------------------

    def arrived(self, piece: bytes) -> bool:
        """Take a piece of the body; False when no more should be read until somebody has taken what is here."""
        if self._body:
            if type(self._body) is bytes:
                self._body = bytearray(self._body)
            self._body += piece
        else:
            self._body = piece
        self._told()
        return len(self._body) <= FULL_BYTES

    def complete(self) -> None:
        """The body is whole."""
        self.more = False
        self._told()

    def taken(self) -> bytes:
        """All of the body that is here."""
        body, self._body = bytes(self._body), b""
        return body

    def hung_up(self) -> None:
        """The caller is not there any more."""
        self.gone = True
        self._wake()

    def _told(self) -> None:
        self._news = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def receive(self) -> Message:
        """The next piece of the body; when there is none any more, that the caller hung up, once that is so."""
        if self.expects and not self.gone:
            self.expects = False
            self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self._news or self.gone or self.answered):
            self._line.read_on()
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self.gone or self.answered:
            return {"type": "http.disconnect"}
        self._news = False
        return {"type": "http.request", "body": self.taken(), "more_body": self.more}

    # --- the answer --------------------------------------------------------------------------------------------

    def whole(self, status: int, headers: Headers, body: bytes) -> bool:
        """Write an answer in one piece; False while the caller has to read what was written before."""
        if self.gone or self._line.transport.is_closing():
            return True
        if self._line.paused:
            return False
        assert not self._started, "a request has one answer"
        self._started, self.expects = True, False
        head = self._head(status, headers)
        length = b"" if status in _BODILESS else b"content-length: %d\r\n" % len(body)
        write = self._line.write_soon if self.keep else self._line.write
        write(b"%b%b\r\n%b" % (head, length, b"" if self.method == "HEAD" or status in _BODILESS else body))
        self._over()
        return True

    async def send(self, message: Message) -> None:
        """Write a message of an answer."""
        await self._line.drained()
        if self.gone or self._line.transport.is_closing():
            return
        if message["type"] == "http.response.start":
            self._start(message["status"], tuple(message.get("headers", ())))
        else:
            assert self._started and not self.answered, "an answer begins once, and ends once"
            self._piece(message.get("body", b""), more=message.get("more_body", False))

    def _start(self, status: int, headers: Headers) -> None:
        assert not self._started, "a request has one answer"
        self._started, self.expects = True, False
        length = next((value for name, value in headers if name == b"content-length"), None)
        head = self._head(status, headers)
        if length is not None:
            self._left = int(length)
        elif self.method != "HEAD" and status not in _BODILESS:
            self._chunked = True
            head += b"transfer-encoding: chunked\r\n"
        self._line.write(head + b"\r\n")

    def _piece(self, body: bytes, *, more: bool) -> None:
        write = self._line.write
        if self.method == "HEAD":
            self._left = 0
        elif self._chunked:
            if body:
                write(b"%x\r\n%b\r\n" % (len(body), body))
            if not more:
                write(b"0\r\n\r\n")
        else:
            self._left -= len(body)
            assert self._left >= 0, "an answer is as long as it says"
            if body:
                write(body)
        if not more:
            assert self._left == 0, "an answer is as long as it says"
            self._over()

    def _head(self, status: int, headers: Headers) -> bytes:
        """The status line and the headers, each with its line break."""
        lines, closes = spelled(headers)
        if closes:
            self.keep = False
        elif not self.keep:
            lines += b"connection: close\r\n"
        return STATUS_LINES[status] + self._line.date + lines

    def _over(self) -> None:
        self.answered = True
        self._wake()
        self._line.answered(self)


_spelled: Final[dict[tuple[bytes, bytes], bytes]] = {}


def spelled(headers: Headers) -> tuple[bytes, bool]:
    """Headers as lines, and whether they close the connection. Raises: RuntimeError when one would break its line."""
    lines = b"".join([_spelled.get(each) or _line(each) for each in headers])
    return lines, (b"connection", b"close") in headers


def _line(header: tuple[bytes, bytes]) -> bytes:
    line = b"%b: %b" % header
    if not _HEADER.match(line):
        raise RuntimeError("a header of an answer has a character that no header may have")
    line += b"\r\n"
    if header[0] in _SELDOM_NEW and len(_spelled) < _MOST_SPELLED:
        _spelled[header] = line
    return line
