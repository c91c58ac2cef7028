"""`HttpTransport` through the operator's forward proxy: CONNECT for https, requests in absolute form for http.

Knows: what is said to a proxy, which destinations do not go through it. In: a `Proxy` beside what every transport has.
Out: the same answers and errors. Never: reads a proxy from the environment, lets a proxy decide what may be reached,
shows the proxy's password.

The guard judges the same things as without a proxy: names and literal addresses for every request, and the addresses
of a name as far as this machine knows them. A name it does not know is the proxy's to resolve: where only a proxy
reaches the internet, nothing else can. Hosts that an operator opened by name (`egress.allow`) are on the own network:
they are connected directly, and so are practice services. Certificates are those of the service: the proxy sees names
and ports, not what is said.

Source: RFC 9110, section 9.3.6 (CONNECT); RFC 9112, section 3.2.2 (absolute form); RFC 7617 (Basic).
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import msgspec

from eyeflow.connectors.exchange1 import Wire
from eyeflow.connectors.guard import Guard
from eyeflow.connectors.http1 import Http1Transport, Origin
from eyeflow.connectors.transport import unsent
from eyeflow.errors import CallError

_MAX_ANSWER: Final = 16_384
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?:[ \r])")
_HOST: Final = re.compile(r"[A-Za-z0-9_.\-]+|\[[0-9A-Fa-f:.]+\]")
_LATER: Final = frozenset((408, 429, 500, 502, 503, 504))


class Proxy(msgspec.Struct, frozen=True):
    """Where the proxy listens, and the login it wants (`user:password`), if any."""

    host: str
    port: int
    login: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"

    @property
    def fields(self) -> bytes:
        """The header lines it is sent beside the others."""
        if not self.login:
            return b""
        return b"Proxy-Authorization: Basic " + base64.b64encode(self.login.encode()) + b"\r\n"


def proxy_of(url: str) -> Proxy:
    """The proxy of `http://[user:password@]host[:port]`. Raises: ValueError, which repeats nothing of it."""
    wrong = ValueError("a proxy is http://HOST:PORT, with USER:PASSWORD@ before the host if it wants a login")
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.netloc.rpartition("@")[2]
    except ValueError:
        raise wrong from None
    host = parts.hostname or ""
    if parts.scheme != "http" or parts.path not in ("", "/") or parts.query or parts.fragment or not url.isprintable():
        raise wrong
    bare = name if port is None else name.rpartition(":")[0]
    if not host or not _HOST.fullmatch(bare) or port == 0:
        raise wrong
    login = ""
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        if not login.isprintable() or ":" in unquote(parts.username):
            raise wrong
    return Proxy(host, port or 3128, login)


class ProxiedTransport(Http1Transport):
    """As `Http1Transport`, through `proxy`."""

    def __init__(self, guard: Guard, proxy: Proxy, *, pool: int = 1, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(guard, pool=pool, tls=tls)
        self._proxy = proxy

    async def _connected(self, place: Any, connect_ms: int) -> Wire:
        scheme, host, port = place.origin
        if place.pinned or self._guard.opened(host):
            return await super()._connected(place, connect_ms)
        await self._judged(host, port)
        try:
            async with asyncio.timeout(connect_ms / 1000):
                connection = await _dialled(self._proxy)
        except TimeoutError as error:
            raise unsent("connect_timeout", "the proxy did not accept a connection in time") from error
        except OSError as error:
            why = error.strerror or "refused"
            raise unsent("connection_refused", f"no connection to the proxy: {why}") from error
        if scheme != "https":
            return await self._plain(connection, place.origin)
        try:
            async with asyncio.timeout(connect_ms / 1000):
                await _tunnelled(connection, self._proxy, host, port)
        except TimeoutError as error:
            connection.close()
            raise unsent("connect_timeout", "the proxy did not answer in time") from error
        except OSError as error:
            connection.close()
            raise unsent("connection_lost", "the proxy closed the connection") from error
        except BaseException:
            connection.close()
            raise
        return await self._spoken(connection, scheme, host, place)

    async def _judged(self, host: str, port: int) -> None:
        """Return unless an address of the name, known here, may not be reached. Raises: EgressDenied."""
        try:
            await self._addresses(host, port)
        except CallError as error:
            if error.code != "name_not_found":
                raise

    async def _plain(self, connection: socket.socket, origin: Origin) -> Wire:
        loop = asyncio.get_running_loop()
        wire = _AbsoluteWire(loop, origin, self._proxy)
        try:
            await loop.create_connection(lambda: wire, sock=connection)
        except BaseException:
            connection.close()
            raise
        wire.gone = self._left
        return wire


class _AbsoluteWire(Wire):
    """A connection to a proxy that is asked for `http://` addresses."""

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin, proxy: Proxy) -> None:
        super().__init__(loop, origin)
        _, host, port = origin
        shown = f"[{host}]" if ":" in host else host
        self._before = f"http://{shown}{'' if port == 80 else f':{port}'}".encode()
        self._fields = proxy.fields

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The proxy is connected."""
        super().connection_made(cast("asyncio.Transport", _Absolute(transport, self._before, self._fields)))


class _Absolute:
    """A transport whose writes are whole requests: the target of each becomes absolute, and the login is added."""

    def __init__(self, transport: asyncio.BaseTransport, before: bytes, fields: bytes) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._before = before
        self._fields = fields

    def write(self, data: bytes) -> None:
        """Send one request."""
        method, _, rest = bytes(data).partition(b" ")
        line, _, others = rest.partition(b"\r\n")
        self._transport.write(b"".join((method, b" ", self._before, line, b"\r\n", self._fields, others)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


async def _dialled(proxy: Proxy) -> socket.socket:
    """A socket connected to the proxy. Raises: OSError."""
    loop = asyncio.get_running_loop()
    failed: OSError = OSError("the proxy has no address")
    for family, kind, number, _, address in await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, number)
        try:
            made.setblocking(False)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(made, address)
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failed


async def _tunnelled(connection: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy connect to the service. Raises: CallError `proxy_refused`; OSError."""
    loop = asyncio.get_running_loop()
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n".encode() + proxy.fields + b"\r\n"
    await loop.sock_sendall(connection, head)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = await loop.sock_recv(connection, 4096)
        if not piece:
            raise ConnectionResetError("the proxy closed the connection")
        answer += piece
        if len(answer) > _MAX_ANSWER:
            raise CallError("permanent", "proxy_refused", "the proxy's answer never comes to its end")
    found = _STATUS.match(answer)
    status = 0 if found is None else int(found[1])
    if not 200 <= status < 300:
        said = "no HTTP" if found is None else str(status)
        hint = "see the login in egress.proxy" if status == 407 else "ask whoever runs the proxy to let it through"
        message = f"the proxy answered {said} when asked for {name}"
        raise CallError("transient" if status in _LATER else "permanent", "proxy_refused", message, hint=hint)
    if answer.partition(b"\r\n\r\n")[2]:
        raise CallError("permanent", "proxy_refused", "the proxy spoke before the service did")
