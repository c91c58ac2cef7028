"""The services that W2 calls: a weather service and a chat service that cost as little as Python can make them.

`python -m bench.web.stub PORT [DELAY_MS]`. `GET /weather` and `POST /slack` answer after the delay; `GET /count` says
how many of each came, so that a run can show that nothing was dropped or done twice.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final, cast

import uvloop

_WEATHER: Final = b'{"temp":72,"humidity":40,"city":"Paris"}'
_SLACK: Final = b'{"ok":true,"ts":"1732352400.000100"}'


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Stub(asyncio.Protocol):
    """One connection; requests one after the other, bodies by Content-Length or chunked."""

    counts: dict[str, int] = {"weather": 0, "slack": 0}  # noqa: RUF012 - the process has one count
    delay_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transports are a kind of their own
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in the buffer."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            size = self._length(self.buffer[:end], end + 4)
            if size is None or len(self.buffer) < size:
                return
            path = self.buffer[: self.buffer.find(b" HTTP/")].split(b" ", 1)[-1]
            self.buffer = self.buffer[size:]
            self._reply(path.partition(b"?")[0])

    def _length(self, head: bytes, start: int) -> int | None:
        lowered = head.lower()
        if b"transfer-encoding: chunked" in lowered:
            last = self.buffer.find(b"0\r\n\r\n", start)
            return None if last < 0 else last + 5
        at = lowered.find(b"content-length:")
        return start if at < 0 else start + int(lowered[at + 15 :].split(b"\r\n", 1)[0])

    def _reply(self, path: bytes) -> None:
        if path == b"/count":
            counts = ",".join(f'"{name}":{count}' for name, count in self.counts.items())
            self.transport.write(_answer(f"{{{counts}}}".encode()))
            return
        name, body = ("weather", _WEATHER) if path == b"/weather" else ("slack", _SLACK)
        self.counts[name] += 1
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._late, _answer(body))
        else:
            self.transport.write(_answer(body))

    def _late(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


async def main(port: int, delay_ms: float) -> None:
    """Serve for ever."""
    Stub.delay_s = delay_ms / 1000
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port, backlog=2048)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
