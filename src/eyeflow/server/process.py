"""One process that serves: the loop, the connections, the end.

Knows: the order of starting and of draining. In: settings and listening sockets. Out: an exit code. Never: prints;
whoever starts it is told through `ready`.

Draining, on SIGTERM or Ctrl-C: no new connections, answers in hand are finished, live streams end, the engine lets go
of its leases; a second signal ends at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Final

from eyeflow.server import logs
from eyeflow.server.assemble import Assembled
from eyeflow.server.door import Door
from eyeflow.server.protocol import Connections, close_idle, close_slow
from eyeflow.server.service import Service
from eyeflow.server.settings import Settings

TICK_S: Final = 0.5
_SWITCH_S: Final = 0.000_5
_SETTLE_S: Final = 0.02
_GARBAGE: Final = (20_000, 20, 50)
"""Objects of a request are freed when it ends, hardly any in circles: looking for those every 700 objects found
nothing, dozens of times a second."""

Assemble = Callable[[Settings], Awaitable[Assembled]]
Ready = Callable[[Assembled], Awaitable[None]]


class Serving:
    """The connections of one process, from its sockets to its door."""

    def __init__(self, door: Door, settings: Settings, sockets: list[socket.socket]) -> None:
        self._door = door
        self._settings = settings.server
        self._sockets = sockets
        self._held: Connections | None = None
        self._servers: list[asyncio.Server] = []
        self._tick: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        self._held = held = Connections(self._door, loop, most=self._settings.max_connections)
        self._ticked(held)
        for each in self._sockets:
            self._servers.append(await loop.create_server(held.made, sock=each, backlog=2048))

    @property
    def connections(self) -> int:
        """Open connections."""
        return 0 if self._held is None else len(self._held.open)

    def _ticked(self, held: Connections) -> None:
        """Twice a second: the date of answers, slow heads, idle connections."""
        loop = asyncio.get_running_loop()
        held.date = f"date: {formatdate(time.time(), usegmt=True)}\r\n".encode()
        close_slow(tuple(held.open), loop.time(), self._settings.request_timeout_ms / 1000)
        close_idle(tuple(held.open), loop.time(), max(1.0, self._settings.idle_timeout_ms / 1000))
        self._tick = loop.call_later(TICK_S, self._ticked, held)

    async def drain(self, hurry: asyncio.Event) -> None:
        """Accept no more and let what is in hand end, for `drain_timeout_ms` at the most, or until `hurry`."""
        self._door.draining = True
        for server in self._servers:
            server.close()
        self._door.end_streams()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.drain_timeout_ms / 1000
        await asyncio.sleep(_SETTLE_S)
        held = self._held
        if held is not None:
            for connection in tuple(held.open):
                connection.shutdown()
            while (held.tasks or self._door.in_hand) and loop.time() < until and not hurry.is_set():
                await asyncio.sleep(_SETTLE_S)
            for task in tuple(held.tasks):
                task.cancel()
            for connection in tuple(held.open):
                connection.close()
        if self._tick is not None:
            self._tick.cancel()
        await asyncio.sleep(0)


async def serve(
    settings: Settings,
    sockets: list[socket.socket],
    assemble: Assemble,
    *,
    ready: Ready | None = None,
    orphaned: Callable[[Callable[[], None]], None] | None = None,
) -> int:
    """Serve until told to end. `ready` is called when requests are answered; `orphaned` arranges that its argument is
    called when the supervisor is gone. Raises: EyeFlowError when it cannot start."""
    loop = asyncio.get_running_loop()
    end, hurry = asyncio.Event(), asyncio.Event()

    def told() -> None:
        if end.is_set():
            hurry.set()
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, told)
    if orphaned is not None:
        orphaned(told)
    made = await assemble(settings)
    service, door = made.service, made.door
    serving = Serving(door, settings, sockets)
    try:
        await service.start()
        await serving.start()
        # What is loaded by now stays: looking for garbage in it again and again would take milliseconds each time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        if ready is not None:
            await ready(made)
        await end.wait()
        logs.event("draining", connections=serving.connections, requests=door.in_hand)
    finally:
        begun = loop.time()
        service.draining = True
        await serving.drain(hurry)
        left = max(0.0, settings.server.drain_timeout_ms / 1000 - (loop.time() - begun))
        await _stopped(service, left, hurry)
        await made.close()
        logs.event("stopped")
        logs.flush()
    return 0


async def _stopped(service: Service, seconds: float, hurry: asyncio.Event) -> None:
    """Stop the parts, in `seconds`, or at once when told to `hurry`."""
    stopping = asyncio.ensure_future(service.stop(seconds))
    told = asyncio.ensure_future(hurry.wait())
    await asyncio.wait((stopping, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if stopping.done():
        await stopping
        return
    stopping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await stopping
    await service.stop(0.0)


def run(main: Awaitable[int]) -> int:
    """Run on uvloop where it is, else on asyncio's own loop."""
    # A thread that has waited for the disk wants the interpreter back: the loop shall not keep it for 5 ms then.
    sys.setswitchinterval(_SWITCH_S)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - not on every system

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)  # type: ignore[arg-type]
