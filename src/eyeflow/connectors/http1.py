"""`HttpTransport` over sockets: HTTP/1.1 with kept connections, the guard's three gates in place.

Knows: one request and one answer on a connection, the pool of a transport, how failures are classified. In:
`HttpRequest`. Out: `HttpResponse`. Never: follows a redirect that was not judged, keeps a cookie, reads `HTTP_PROXY`
or `.netrc`, decompresses without a bound, sends a write twice.

Names and literal addresses are judged for every request, and what the guard said of one destination is remembered,
since nothing it depends on changes; addresses are judged when a connection is made, each of them once more where its
socket is made, and that socket is connected to the address and not to a name. So a kept connection is one whose address
was judged. One transport serves one account, so that `pool` is a real bound on its sockets.

The parser is llhttp, which refuses what two programs could read differently. A general client costs several times as
much for each call; what a connector needs of one is here.

Source: RFC 9110, RFC 9112.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import deque
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from eyeflow.connectors.exchange1 import Lost, Wire
from eyeflow.connectors.guard import Guard, Rules
from eyeflow.connectors.transport import (
    REDIRECTS,
    Headers,
    HttpRequest,
    HttpResponse,
    redirected,
    unanswered,
    unsent,
)
from eyeflow.connectors.url import MAX_URL_CHARS, Url, parse_url
from eyeflow.errors import CallError, EgressDenied

_DNS_TTL_S: Final = 30.0
_KEEPALIVE_S: Final = 15.0
_CONNECT_MS: Final = 3_000
_MOST_NAMES: Final = 256
_LOOK_S: Final = 1.0
"""How often late answers are looked for that have no timer of their own."""

_TARGET: Final = re.compile(r"/[!-~]*").fullmatch
_METHOD: Final = re.compile(r"[A-Z]{1,20}").fullmatch
_EXPECTS_BODY: Final = frozenset(("POST", "PUT", "PATCH"))

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port of what is connected: connections are kept by it."""


class _Place(msgspec.Struct, frozen=True):
    """A judged destination: what is connected, and what the request says of it (`host`, a header line). The host of
    `origin` is resolved, unless `pinned`. `rules` are those it was judged by."""

    origin: Origin
    host: str
    pinned: bool
    rules: Rules


class Http1Transport:
    """One pool of `pool` connections behind `guard`. `tls` replaces the default certificate checks (a private CA)."""

    def __init__(self, guard: Guard, *, pool: int = 1, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._pool = max(1, pool)
        self._tls = tls
        self._idle: dict[Origin, list[Wire]] = {}
        self._open = 0
        self._waiting: deque[tuple[Origin, asyncio.Future[Wire | None]]] = deque()
        self._names: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}
        self._places: dict[tuple[str, str, int, bool], _Place] = {}
        self._spelled: dict[Headers, str] = {}
        self._outgoing: list[Wire] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._wires: set[Wire] = set()
        self._closed = False

    @property
    def _running(self) -> asyncio.AbstractEventLoop:
        """The loop, asked for once: that costs a system call."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once, following at most three judged redirects, all inside one `timeout_ms`.

        Raises: EgressDenied before connecting; CallError when no answer came (kinds as `transport` says).
        """
        until = self._running.time() + request.timeout_ms / 1000
        hops = 0
        while True:
            place, url, data = self._written(request)
            wire, again = self._kept(place.origin), request.safe
            while True:  # a read whose kept connection the server had just closed is sent once more on a fresh one
                if wire is None:
                    wire = await self._made(place, until, request, sent=hops > 0)
                kept = wire.exchanges > 0
                if self._looking is None:
                    self._look()
                try:
                    answer = wire.ask(request, data, until, url, practice=place.pinned)
                    self._soon(wire)
                    response = await answer
                    break
                except Lost as lost:
                    if not (kept and again):
                        raise unanswered("connection_lost", str(lost), safe=request.safe) from lost
                    again = False
                except TimeoutError as error:
                    message = f"no answer within {request.timeout_ms} ms"
                    raise unanswered("timeout", message, safe=request.safe) from error
                finally:
                    self._give_back(wire)
                wire = None
            if response.status not in REDIRECTS:
                return response
            following = redirected(request, response, self._guard, hops)
            if following is None:
                return response
            request, hops = following, hops + 1

    async def warm(self, url: str, rules: Rules) -> None:
        """Connect to the origin of `url`, TLS included, and put the connection into the pool; nothing is requested.

        Raises: EgressDenied; CallError (transient) when it cannot be connected.
        """
        place = self._place(parse_url(url), rules, confidential=False)
        until = asyncio.get_running_loop().time() + _CONNECT_MS / 1000
        wire = self._kept(place.origin)
        if wire is None:
            try:
                wire = await self._fresh(place, until, _CONNECT_MS)
            except TimeoutError as error:
                raise unsent("connect_timeout", "the service did not accept a connection in time") from error
        self._give_back(wire)

    async def close(self) -> None:
        """Close the pool."""
        self._closed, wires = True, tuple(self._wires)
        for wire in wires:
            wire.close()
        self._idle.clear()
        for timer in (self._tidying, self._looking):
            if timer is not None:
                timer.cancel()
        self._tidying = self._looking = None
        if wires:
            await asyncio.wait([wire.closed for wire in wires], timeout=1.0)

    # --- one request ------------------------------------------------------------------------------------------

    def _written(self, request: HttpRequest) -> tuple[_Place, Url, bytes]:
        """Where a request goes, and the bytes that spell it.

        Raises: EgressDenied; CallError (permanent, `bad_header`).
        """
        url = request.url if isinstance(request.url, Url) else parse_url(request.url)
        place = self._place(url, request.rules, confidential=request.confidential)
        target = url.target
        if len(target) > MAX_URL_CHARS or not _TARGET(target):
            raise EgressDenied("the path of the URL has characters that no request can carry")
        fields = self._spelled.get(request.headers)
        if fields is None:
            fields = self._spelled_anew(request.headers)
        method, body, lines = request.method, request.body, 3 + len(request.headers) + len(request.credential)
        text = f"{method} {target} HTTP/1.1\r\n{place.host}{fields}"
        for name, value in request.credential:
            text += f"{name}: {value}\r\n"
        if body is not None or method in _EXPECTS_BODY:
            lines += 1
            text += f"Content-Length: {len(body or b'')}\r\n"
        head = _checked(method, text + "\r\n", lines)
        return place, url, head + body if body else head

    def _spelled_anew(self, headers: Headers) -> str:
        """Header lines, kept: most calls have those of the call before. Never those of credentials."""
        if len(self._spelled) >= _MOST_NAMES:
            self._spelled.clear()
        lines = self._spelled[headers] = "".join([f"{name}: {value}\r\n" for name, value in headers])
        return lines

    def _place(self, url: Url, rules: Rules, *, confidential: bool) -> _Place:
        """The judged destination of `url`. Raises: EgressDenied."""
        name = (url.scheme, url.host, url.port, confidential)
        known = self._places.get(name)
        if known is not None and (known.rules is rules or known.rules == rules):
            return known
        target = self._guard.judge(url, rules, confidential=confidential)
        pinned = target.pinned
        origin = url.origin if pinned is None else ("http", pinned.host, pinned.port)
        place = _Place(origin, f"Host: {url.authority}\r\n", pinned is not None, rules)
        if len(self._places) >= _MOST_NAMES:
            self._places.clear()
        self._places[name] = place
        return place

    def _soon(self, wire: Wire) -> None:
        """Write what one turn of the loop asks for together: to wake a service for every single request costs both
        sides more than to serve it. Waiting for more than a turn would make bursts, which answers come back in."""
        if not self._outgoing:
            self._running.call_soon(self._write)
        self._outgoing.append(wire)

    def _write(self) -> None:
        wires, self._outgoing = self._outgoing, []
        for wire in wires:
            wire.write()

    # --- the pool ---------------------------------------------------------------------------------------------

    def _kept(self, origin: Origin) -> Wire | None:
        """A kept connection to `origin` that is fit for use, the last used first."""
        idle = self._idle.get(origin)
        while idle:
            wire = idle.pop()
            if wire.fit:
                return wire
        return None

    async def _made(self, place: _Place, until: float, request: HttpRequest, *, sent: bool) -> Wire:
        """A connection for `request`. `sent`: a redirect led here, so something was sent already. Raises: CallError."""
        try:
            return await self._fresh(place, until, request.connect_timeout_ms)
        except TimeoutError as error:
            message = f"no answer within {request.timeout_ms} ms"
            if sent:
                raise unanswered("timeout", message, safe=request.safe) from error
            raise unsent("timeout", message) from error

    async def _fresh(self, place: _Place, until: float, connect_ms: int) -> Wire:
        """A connection: made as soon as the pool has room for it, unless one is given back first.

        Raises: TimeoutError at `until`; EgressDenied; CallError when it cannot be connected.
        """
        async with asyncio.timeout_at(until):
            if self._open < self._pool:
                self._open += 1
            elif not self._drop_other(place.origin):
                wire = await self._turn(place.origin)
                if wire is not None:
                    return wire
            try:
                wire = await self._connected(place, connect_ms)
            except BaseException:
                self._make_room()
                raise
        self._wires.add(wire)
        return wire

    async def _turn(self, origin: Origin) -> Wire | None:
        """Wait in line: for a connection to `origin`, or (None) for the room to make one."""
        turn: asyncio.Future[Wire | None] = asyncio.get_running_loop().create_future()
        mine = (origin, turn)
        self._waiting.append(mine)
        try:
            return await turn
        except BaseException:
            if not turn.cancelled():
                wire = turn.result()
                if wire is None:
                    self._make_room()
                else:
                    self._give_back(wire)
            elif mine in self._waiting:
                self._waiting.remove(mine)
            raise

    def _drop_other(self, wanted: Origin) -> bool:
        """Take the room of a connection that is kept for another origin; False when there is none."""
        for origin, idle in self._idle.items():
            if origin != wanted and idle:
                self._drop(idle.pop(0))
                return True
        return False

    def _drop(self, wire: Wire) -> None:
        """Close a connection whose room somebody takes."""
        self._wires.discard(wire)
        wire.gone = None
        wire.close()

    def _give_back(self, wire: Wire) -> None:
        """Keep a connection that can be used again; let go of any other."""
        if not wire.fit or self._closed:
            wire.close()
            return
        if self._waiting:
            origin, turn = self._next()
            if turn is not None and origin == wire.origin:
                turn.set_result(wire)
                return
            if turn is not None:
                self._drop(wire)
                turn.set_result(None)
                return
        loop = self._running
        wire.idle_since = now = loop.time()
        idle = self._idle.get(wire.origin)
        if idle is None:
            idle = self._idle[wire.origin] = []
        idle.append(wire)
        if self._tidying is None:
            self._tidying = loop.call_at(now + _KEEPALIVE_S, self._tidy)

    def _left(self, wire: Wire) -> None:
        """A connection is no more."""
        self._wires.discard(wire)
        idle = self._idle.get(wire.origin, [])
        if wire in idle:
            idle.remove(wire)
        self._make_room()

    def _make_room(self) -> None:
        """The room of a connection is somebody else's now, or nobody's."""
        _, turn = self._next()
        if turn is None:
            self._open -= 1
        else:
            turn.set_result(None)

    def _next(self) -> tuple[Origin | None, asyncio.Future[Wire | None] | None]:
        """Who stands first in line."""
        while self._waiting:
            origin, turn = self._waiting.popleft()
            if not turn.done():
                return origin, turn
        return None, None

    def _tidy(self) -> None:
        """Close what was kept for too long."""
        loop = asyncio.get_running_loop()
        now, self._tidying = loop.time(), None
        for origin, idle in list(self._idle.items()):
            old = [wire for wire in idle if now - wire.idle_since >= _KEEPALIVE_S]
            for wire in old:
                idle.remove(wire)
                wire.close()
            if not idle:
                del self._idle[origin]
        if self._idle:
            oldest = min(wire.idle_since for idle in self._idle.values() for wire in idle)
            self._tidying = loop.call_at(oldest + _KEEPALIVE_S, self._tidy)

    def _look(self) -> None:
        """Let go of answers that are late; look again while any is awaited."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for wire in tuple(self._wires):
            if wire.busy and now >= wire.until:
                wire.late()
        awaited = self._looking is None or any(wire.busy for wire in self._wires)
        self._looking = loop.call_at(now + _LOOK_S, self._look) if awaited else None

    # --- connecting -------------------------------------------------------------------------------------------

    async def _connected(self, place: _Place, connect_ms: int) -> Wire:
        scheme, host, port = place.origin
        failed: OSError | None = None
        for address in (host,) if place.pinned else await self._addresses(host, port):
            try:
                async with asyncio.timeout(connect_ms / 1000):
                    connection = await self._socket(address, port)
            except TimeoutError:
                failed = TimeoutError("in time")
                continue
            except OSError as error:
                failed = error
                continue
            return await self._spoken(connection, scheme, host, place)
        if isinstance(failed, TimeoutError):
            raise unsent("connect_timeout", "the service did not accept a connection in time") from failed
        why = (failed.strerror if failed is not None else None) or "refused"
        raise unsent("connection_refused", f"no connection: {why}") from failed

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The judged addresses of a name, asked for anew after half a minute."""
        now = asyncio.get_running_loop().time()
        known = self._names.get((host, port))
        if known is not None and now < known[0]:
            return known[1]
        found = await self._guard.addresses(host, port)
        if len(self._names) >= _MOST_NAMES:
            self._names.clear()
        self._names[host, port] = (now + _DNS_TTL_S, found)
        return found

    async def _socket(self, address: str, port: int) -> socket.socket:
        """A socket connected to a judged address. Raises: EgressDenied before it is made; OSError."""
        if not self._guard.admits(address, port):
            raise EgressDenied(f"the socket would reach {address}:{port}")
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(made, (address, port))
        except BaseException:
            made.close()
            raise
        return made

    async def _spoken(self, connection: socket.socket, scheme: str, host: str, place: _Place) -> Wire:
        """The connection as a `Wire`, after the TLS handshake where there is one."""
        loop = asyncio.get_running_loop()
        secure = scheme == "https"
        wire = Wire(loop, place.origin)
        try:
            await loop.create_connection(
                lambda: wire,
                sock=connection,
                ssl=(self._tls or _default_tls()) if secure else None,
                server_hostname=host if secure else None,
            )
        except ssl.SSLError as error:
            connection.close()
            raise CallError("permanent", "tls_failed", "the service's certificate does not verify") from error
        except OSError as error:
            connection.close()
            raise unsent("connection_lost", "the connection was lost before the request was sent") from error
        except BaseException:
            connection.close()
            raise
        if not wire.fit:
            raise unsent("connection_lost", "the connection was lost before the request was sent")
        wire.gone = self._left
        return wire


def _checked(method: str, text: str, lines: int) -> bytes:
    """Request line and headers as bytes. Raises: CallError (permanent, `bad_header`) for what could be read as two."""
    if text.count("\n") != lines or text.count("\r") != lines or "\0" in text or not _METHOD(method):
        raise CallError("permanent", "bad_header", "a header of the request has a line break or a control character")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise CallError("permanent", "bad_header", "a header of the request has half of a surrogate pair") from None


@lru_cache(maxsize=1)
def _default_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
