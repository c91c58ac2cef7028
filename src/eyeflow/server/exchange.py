"""One request and its answer, as everything between the socket and a handler sees them.

Knows: which headers matter, how a body is read within bounds, how an answer is put on the wire. In: the parts of a
request's head, and where its body comes from. Out: `Request`, `Answer`, `Stream`. Never: decides who may do what,
formats errors.

Source: ASGI HTTP specification 2.3 for the messages; RFC 9110 for the headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.errors import EyeFlowError

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json")
PROBLEM: Final = (b"content-type", b"application/problem+json")
NO_STORE: Final = (b"cache-control", b"no-store")
NO_SNIFF: Final = (b"x-content-type-options", b"nosniff")
_ONCE: Final = frozenset((
    b"host", b"authorization", b"content-type", b"content-length", b"origin", b"idempotency-key", b"last-event-id",
))  # fmt: skip
"""Headers that may stand in a request once: two of them could be read differently by a proxy and by us."""

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Declined(EyeFlowError):  # noqa: N818 - named as what it says
    """A request the server does not take: `status` is HTTP's, `headers` go with the answer."""

    def __init__(self, status: int, code: str, message: str, *, hint: str = "", headers: Headers = ()) -> None:
        super().__init__(code, message, hint=hint)
        self.status = status
        self.headers = headers


class Gone(Exception):  # noqa: N818 - what happened to the caller
    """The caller hung up before the request was whole; nobody waits for an answer."""


class Wire(Protocol):
    """Where the answer to one request goes."""

    def whole(self, status: int, headers: Headers, body: bytes) -> bool:
        """Write an answer in one piece; False, and nothing written, where it has to be sent in messages."""
        ...

    async def send(self, message: Message) -> None:
        """One message of an answer: its start, or a piece of its body."""
        ...


class Request:
    """One request. `target` is its path as it was sent, `params` are the parts of it that the route names, `principal`
    who asks: None where no key is needed. `whole` is the body, where all of it came with the head."""

    __slots__ = (
        "_receive", "client", "count", "headers", "id", "max_body", "method", "params", "path", "principal", "query",
        "target", "timeout_ms", "twice", "whole",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - made for every request, from the parts of its head
        self,
        method: str,
        target: bytes,
        query: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        client: str,
        receive: Receive,
        whole: bytes | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.query = query
        self.client = client
        self.whole = whole
        self.path: str = ""
        self.params: Mapping[str, str] = {}
        self.principal: Principal | None = None
        self.id = ""
        self.max_body = 1 << 20
        self.timeout_ms = 10_000
        self._receive = receive
        self.headers = dict(headers)
        self.count = len(headers)
        self.twice = None if len(self.headers) == self.count else _repeated(headers)
        """A header that stands in the request twice and may not."""

    def header(self, name: bytes) -> str:
        """A header as text, empty when it is not there."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def who(self) -> Principal:
        """Who asks, on routes that need a key."""
        assert self.principal is not None, "this route needs a key"
        return self.principal

    def here(self) -> bytes:
        """All of the body, of a request that came whole. Raises: Declined `body_too_large`."""
        assert self.whole is not None, "the request came whole"
        if len(self.whole) > self.max_body:
            raise self._too_large()
        return self.whole

    async def body(self) -> bytes:
        """All of the body. Raises: Declined `body_too_large`, `too_slow`; Gone."""
        said = self.headers.get(b"content-length")
        if said is not None and said.isdigit() and int(said) > self.max_body:
            raise self._too_large()
        if self.whole is not None:
            return self.here()
        message = await self._next()
        data: bytes = message.get("body", b"")
        if not message.get("more_body"):
            if len(data) > self.max_body:
                raise self._too_large()
            return data
        try:
            async with asyncio.timeout(self.timeout_ms / 1000):
                return await self._rest(data)
        except TimeoutError:
            why = f"the body did not arrive in {self.timeout_ms} ms"
            raise Declined(408, "too_slow", why, headers=((b"connection", b"close"),)) from None

    async def _rest(self, first: bytes) -> bytes:
        parts, size = [first], len(first)
        while True:
            if size > self.max_body:
                raise self._too_large()
            message = await self._next()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if not message.get("more_body"):
                break
        if size > self.max_body:
            raise self._too_large()
        return b"".join(parts)

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Gone
        return message

    def _too_large(self) -> Declined:
        return Declined(
            413, "body_too_large", f"the body is larger than {self.max_body} bytes",
            hint="`server.max_body_bytes` raises the limit", headers=((b"connection", b"close"),),
        )  # fmt: skip

    async def hung_up(self) -> None:
        """Returns when the caller has hung up; for streams."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


class Answer:
    """A whole answer."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Headers = (JSON,)) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    def written(self, wire: Wire, more: Headers) -> bool:
        """Put it on the wire at once; False when it has to be sent."""
        return wire.whole(self.status, (*self.headers, *more), self.body)

    async def send(self, send: Send, more: Headers) -> None:
        """Put it on the wire, with the headers `more` after its own."""
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": (*self.headers, length, *more)})
        await send({"type": "http.response.body", "body": self.body})


class Stream:
    """An answer of pieces that come by and by. `close` is called once, however it ends. A `live` one ends well whenever
    this process does; any other has to be whole, and its caller sees when it is not."""

    __slots__ = ("close", "headers", "live", "pieces", "status")

    def __init__(
        self, pieces: AsyncIterator[bytes], headers: Headers, *, live: bool = False, close: Callable[[], None]
    ) -> None:
        self.status = 200
        self.live = live
        self.pieces = pieces
        self.headers = headers
        self.close = close

    async def send(self, send: Send, more: Headers) -> None:
        """Put it on the wire, piece by piece, until it ends."""
        await send({"type": "http.response.start", "status": self.status, "headers": (*self.headers, *more)})
        async for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _repeated(headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in _ONCE:
            return name
        seen.add(name)
    return None


def encoded(value: object) -> bytes:
    """`value` as JSON bytes."""
    return _encode(value)


def json_answer(value: object, *, status: int = 200, headers: Headers = ()) -> Answer:
    """`value` as a JSON answer."""
    return Answer(status, _encode(value), (JSON, *headers))
