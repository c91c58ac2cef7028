"""A load generator for requests that wrk cannot make: each one different, or sent at a rate whatever the answers do.

Knows: HTTP/1.1 as our server answers it: with a Content-Length. In: a port, requests as bytes, connections. Out:
`Sent`: latencies, what was answered. Never: counts a lost request as answered.

`closed`: each connection sends its next request when the last was answered, as wrk does. `paced`: requests are due at
a rate, in small bursts each millisecond; one that finds no free connection waits, and its wait counts, so that a slow
server cannot slow the measurement down.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Final, cast

import msgspec

_LENGTH: Final = b"content-length:"
_TICK_S: Final = 0.001
_PATIENCE_S: Final = 60.0
_BEHIND: Final = 0.05


class Lost(Exception):  # noqa: N818 - what happened to the request
    """A connection ended before its answer was whole."""


class Sent(msgspec.Struct, kw_only=True):
    """What came of a load. Latencies in milliseconds; `lost` requests were never answered. `behind`: of those that were
    due at a rate, the part that was not answered when the last was due."""

    latencies_ms: list[float] = []
    statuses: Counter[int] = msgspec.field(default_factory=Counter)
    lost: int = 0
    seconds: float = 0.0
    behind: float = 0.0

    @property
    def done(self) -> int:
        """Answers with 2xx."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def failed(self) -> int:
        """Everything else."""
        return self.statuses.total() - self.done + self.lost

    @property
    def kept_up(self) -> bool:
        """Whether requests at a rate were answered at that rate: if not, latencies only say how long the line was."""
        return self.behind < _BEHIND

    @property
    def rate(self) -> float:
        """Answers with 2xx a second."""
        return self.done / self.seconds if self.seconds else 0.0


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are a kind of their own

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed: whoever waits is told."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Lost("the connection ended"))

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer."""
        self._buffer += data
        whole = answer_in(self._buffer)
        if whole is not None and self._answer is not None and not self._answer.done():
            status, body, size = whole
            self._buffer = self._buffer[size:]
            self._answer.set_result((status, body))

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send; what is answered is status and body. Raises (from the future): Lost."""
        assert self._transport is not None, "it was connected"
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            self._answer.set_exception(Lost("the connection had ended"))
        else:
            self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Let go; nobody waits for an answer any more."""
        if self._answer is not None:
            self._answer.cancel()
        if self._transport is not None:
            self._transport.close()


def answer_in(buffer: bytes) -> tuple[int, bytes, int] | None:
    """Status and body of the answer at the beginning of `buffer`, and its size; None when it is not whole yet."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = buffer[:end].lower()
    at = head.find(_LENGTH)
    length = 0 if at < 0 else int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
    size = end + 4 + length
    if len(buffer) < size:
        return None
    return int(head[9:12]), buffer[end + 4 : size], size


def request_bytes(path: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def connected(port: int, count: int) -> list[Connection]:
    """So many connections to this machine. Raises: OSError."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in made]


async def closed(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float | None = None,
    answers: list[tuple[int, bytes]] | None = None,
) -> Sent:  # fmt: skip
    """Send until the requests or the `seconds` are over; `answers` collects what was answered. Raises: OSError."""
    sent = Sent()
    held = await connected(port, connections)
    begun = time.perf_counter()
    until = begun + (seconds if seconds is not None else float("inf"))

    async def caller(connection: Connection) -> None:
        for request in requests:
            started = time.perf_counter()
            if not await _one(connection, request, started, sent, answers) or time.perf_counter() >= until:
                return

    await asyncio.gather(*(caller(each) for each in held))
    sent.seconds = time.perf_counter() - begun
    for each in held:
        each.close()
    return sent


async def paced(port: int, requests: Iterator[bytes], *, rate: float, seconds: float, connections: int) -> Sent:
    """Send at `rate` a second for `seconds`, whatever is answered. Raises: OSError."""
    sent = Sent()
    free = deque(await connected(port, connections))
    everyone = tuple(free)
    due: deque[tuple[float, bytes]] = deque()
    under_way: set[asyncio.Task[None]] = set()

    async def one(connection: Connection, request: bytes, at: float) -> None:
        alive = await _one(connection, request, at, sent, None)
        while alive and due:
            later, following = due.popleft()
            alive = await _one(connection, following, later, sent, None)
        if alive:
            free.append(connection)

    loop, begun, made = asyncio.get_running_loop(), time.perf_counter(), 0
    while (now := time.perf_counter()) < begun + seconds:
        while made < (now - begun) * rate:
            made += 1
            request = next(requests)
            if free:
                task = loop.create_task(one(free.popleft(), request, now))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            else:
                due.append((now, request))
        await asyncio.sleep(_TICK_S)
    sent.seconds = time.perf_counter() - begun
    sent.behind = (len(under_way) + len(due)) / max(1, made)
    if under_way:
        _, late = await asyncio.wait(tuple(under_way), timeout=_PATIENCE_S)
        sent.lost += len(late)
    sent.lost += len(due)
    for each in everyone:
        each.close()
    return sent


async def _one(
    connection: Connection, request: bytes, at: float, sent: Sent, answers: list[tuple[int, bytes]] | None
) -> bool:
    """One request and its answer; False when the connection is gone."""
    try:
        status, body = await connection.ask(request)
    except Lost:
        sent.lost += 1
        return False
    sent.latencies_ms.append((time.perf_counter() - at) * 1000)
    sent.statuses[status] += 1
    if answers is not None:
        answers.append((status, body))
    return True
