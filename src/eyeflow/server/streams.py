"""Server-Sent Events: live answers that can be taken up again where they broke.

Knows: the event-stream format, how many streams there may be, how often a quiet one says that it lives. In: an
iterator of events. Out: `Stream`s. Never: keeps events: whoever gives the iterator knows where `Last-Event-ID` is.

Source: WHATWG HTML, "Server-sent events", 9.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.server.exchange import NO_STORE, Declined, Headers, Request, Stream, encoded
from eyeflow.server.limits import Gate
from eyeflow.server.problems import described

QUIET_S: Final = 15.0
RETRY_MS: Final = 2000
LOOK_S: Final = 1.0
"""How long a caller is believed to be one while a stream of theirs says something."""
MAX_LAST_ID: Final = 100
_HEADERS: Final[Headers] = (
    (b"content-type", b"text/event-stream; charset=utf-8"), NO_STORE, (b"x-accel-buffering", b"no"),
)  # fmt: skip


Still: TypeAlias = Callable[[], Awaitable[object]]
"""Returns while the caller may go on hearing. Raises: EyeFlowError when not any more."""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream. `id` is where a stream that broke goes on; empty for what cannot be taken up again."""

    kind: str
    data: object
    id: str = ""


def wants_stream(request: Request) -> bool:
    """True when the caller asked for events."""
    return request.header(b"accept").lower().startswith("text/event-stream")


def last_id(request: Request) -> str:
    """Where the caller's stream broke, empty for a new one. Raises: Declined `bad_header`."""
    said = request.header(b"last-event-id")
    if len(said) > MAX_LAST_ID or not said.isprintable():
        raise Declined(400, "malformed_header", "Last-Event-ID is not one of this server's")
    return said


class Streams:
    """All live streams of one process."""

    def __init__(self, most: int) -> None:
        self.gate = Gate(most)
        self.ending = False
        """Set when the process ends: a stream that was ended is not to be opened again here."""

    def open(self, request: Request, happenings: AsyncIterator[Happening], *, still: Still | None = None) -> Stream:
        """A stream of `happenings` in answer to `request`, which ends when the caller may not hear them any more
        (`still`). Raises: Declined `too_many_streams` (503)."""
        if self.ending:
            headers = ((b"retry-after", b"1"),)
            raise Declined(
                503, "draining", "this process is ending", hint="ask again: another answers", headers=headers
            )
        if not self.gate.enter():
            raise Declined(
                503, "too_many_streams", "this server has as many live streams as it may",
                hint="ask again without `Accept: text/event-stream`", headers=((b"retry-after", b"5"),),
            )  # fmt: skip
        return Stream(_pieces(happenings, still, request.id), _HEADERS, live=True, close=self.gate.leave)


async def _pieces(happenings: AsyncIterator[Happening], still: Still | None, request_id: str) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    looked_s = time.monotonic()
    waiting: asyncio.Task[Happening] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(happenings))
            done, _ = await asyncio.wait((waiting,), timeout=QUIET_S)
            try:
                if still is not None and time.monotonic() - looked_s >= LOOK_S:
                    await still()
                    looked_s = time.monotonic()
                if not done:
                    yield b": still here\n\n"
                    continue
                happening = waiting.result()
            except StopAsyncIteration:
                return
            except EyeFlowError as error:
                yield spelled(Happening(kind="problem", data=described(error, request_id)))
                return
            waiting = None
            yield spelled(happening)
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(BaseException):
                await waiting
        close = getattr(happenings, "aclose", None)
        if close is not None:
            await close()


def spelled(happening: Happening) -> bytes:
    """An event as bytes; JSON has no line breaks, so that `data` is one line."""
    lead = f"id: {happening.id}\n" if happening.id else ""
    return f"{lead}event: {happening.kind}\ndata: ".encode() + encoded(happening.data) + b"\n\n"
