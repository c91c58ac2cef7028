"""One request and its answer, as everything between the socket and a handler sees them.

Knows: which headers matter, how a body is read within bounds, how an answer is put on the wire. In: an ASGI scope.
Out: `Request`, `Answer`, `Stream`. Never: decides who may do what, formats errors.

Source: ASGI HTTP specification 2.3; RFC 9110 for the headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.errors import EyeFlowError

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json")
PROBLEM: Final = (b"content-type", b"application/problem+json")
NO_STORE: Final = (b"cache-control", b"no-store")
NO_SNIFF: Final = (b"x-content-type-options", b"nosniff")
WHOLE: Final = "eyeflow.whole"
"""The key of a scope under which a server offers to write a whole answer at once: status, headers, body."""
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


class Request:
    """One request. `params` are the parts of the path, `principal` who asks: None where no key is needed."""

    __slots__ = (
        "_receive", "client", "headers", "id", "max_body", "method", "params", "path", "principal", "query", "scope",
        "timeout_ms",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, *, max_body: int = 1 << 20, timeout_ms: int = 10_000) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = ""
        self.query: bytes = scope["query_string"]
        self.params: Mapping[str, str] = {}
        self.principal: Principal | None = None
        self.client: str = scope["client"][0] if scope.get("client") else ""
        self.id = ""
        self.max_body = max_body
        self.timeout_ms = timeout_ms
        self._receive = receive
        held: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in held and name in _ONCE:
                raise Declined(
                    400, "malformed_header", f"the header {name.decode('latin-1')} stands in the request twice"
                )
            held[name] = value
        self.headers = held

    def header(self, name: bytes) -> str:
        """A header as text, empty when it is not there."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def who(self) -> Principal:
        """Who asks, on routes that need a key."""
        assert self.principal is not None, "this route needs a key"
        return self.principal

    async def body(self) -> bytes:
        """All of the body. Raises: Declined `body_too_large`, `too_slow`; Gone."""
        said = self.headers.get(b"content-length")
        if said is not None and said.isdigit() and int(said) > self.max_body:
            raise self._too_large()
        message = await self._next() if said is None else await self._first()
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

    async def _first(self) -> Message:
        """The first piece. Small bodies arrive with the headers, so that no timer is set for them."""
        return await self._next()

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

    def written(self, whole: Callable[[int, Headers, bytes], bool] | None, more: Headers) -> bool:
        """Put it on the wire at once, where the server has a way for that (`whole`); False when it has to be sent."""
        return whole is not None and whole(self.status, (*self.headers, *more), self.body)

    async def send(self, send: Send, more: Headers) -> None:
        """Put it on the wire, with the headers `more` after its own."""
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": (*self.headers, length, *more)})
        await send({"type": "http.response.body", "body": self.body})


class Stream:
    """An answer of pieces that come by and by. `close` is called once, however it ends."""

    __slots__ = ("close", "headers", "pieces", "status")

    def __init__(
        self, pieces: AsyncIterator[bytes], headers: Headers, *, status: int = 200, close: Callable[[], None]
    ) -> None:
        self.status = status
        self.pieces = pieces
        self.headers = headers
        self.close = close

    async def send(self, send: Send, more: Headers) -> None:
        """Put it on the wire, piece by piece, until it ends."""
        await send({"type": "http.response.start", "status": self.status, "headers": (*self.headers, *more)})
        async for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def encoded(value: object) -> bytes:
    """`value` as JSON bytes."""
    return _encode(value)


def json_answer(value: object, *, status: int = 200, headers: Headers = ()) -> Answer:
    """`value` as a JSON answer."""
    return Answer(status, _encode(value), (JSON, *headers))
