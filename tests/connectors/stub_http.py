"""A loopback HTTP listener under the tests' control that counts every connection it accepts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

Handler = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"{}", headers: str = "") -> Handler:
    """A handler that sends one fixed response and keeps the connection."""

    async def handle(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    return handle


class StubHttp:
    """`async with StubHttp(handler) as stub`: `stub.port`, `stub.accepts`, `stub.heads` (request heads received)."""

    def __init__(self, *handlers: Handler) -> None:
        self._handlers = list(handlers) or [answer()]
        self.accepts = 0
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> StubHttp:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.server.close()
        for writer in self._open:
            writer.transport.abort()
        await self.server.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepts += 1
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = [line.partition(":") for line in head.split("\r\n")]
                length = [value for name, _, value in lines if name.lower() == "content-length"]
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(length[0])) if length else b"")
                handler = self._handlers.pop(0) if len(self._handlers) > 1 else self._handlers[0]
                await handler(head, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
