"""`HttpTransport` over aiohttp, with the guard's three gates in place.

Knows: aiohttp's session, connector, resolver hook and exceptions. In: `HttpRequest`. Out: `HttpResponse`.
Never: lets aiohttp follow a redirect, keeps a cookie, reads `HTTP_PROXY` or `.netrc`, decompresses without a bound.

Names and literal addresses are judged before aiohttp sees the request, resolved addresses inside aiohttp's resolver
hook (what it returns is what is connected, and what its cache keeps), and the socket address once more in the socket
factory. One transport serves one connection, so that `pool` is a real bound on its sockets.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from types import SimpleNamespace
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from eyeflow.connectors.guard import Guard, Rules, Target
from eyeflow.connectors.transport import HttpRequest, HttpResponse, redirected, unanswered, unsent
from eyeflow.errors import CallError, EgressDenied

_DNS_TTL_S: Final = 30
_KEEPALIVE_S: Final = 15.0
_SKIP: Final = ("User-Agent", "Accept-Encoding", "Content-Type", "Accept")
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_CONNECT_MS: Final = 3_000


class AiohttpTransport:
    """One pool of `pool` connections behind `guard`. `tls` replaces the default certificate checks (a private CA)."""

    def __init__(self, guard: Guard, *, pool: int = 1, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._pool = max(1, pool)
        self._tls: ssl.SSLContext | bool = tls or True
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once, following at most three judged redirects, all inside one `timeout_ms`.

        Raises: EgressDenied before connecting; CallError when no answer came (kinds as `transport` says).
        """
        sent = SimpleNamespace(headers=False)
        try:
            async with asyncio.timeout(request.timeout_ms / 1000):
                hops = 0
                while True:
                    response = await self._answer(request, sent)
                    again = redirected(request, response, self._guard, hops)
                    if again is None:
                        return response
                    request, hops = again, hops + 1
        except TimeoutError as error:
            message = f"no answer within {request.timeout_ms} ms"
            if sent.headers:
                raise unanswered("timeout", message, safe=request.safe) from error
            raise unsent("timeout", message) from error

    async def warm(self, url: str, rules: Rules) -> None:
        """Connect to the origin of `url`, TLS included, and put the connection into the pool; nothing is requested.

        Raises: EgressDenied; CallError (transient) when it cannot be connected.
        """
        place = self._place(self._guard.judge(url, rules))
        session = self._open()
        assert session.connector is not None
        probe = aiohttp.ClientRequest("GET", place, loop=asyncio.get_running_loop(), ssl=self._tls)
        try:
            connection = await session.connector.connect(probe, [], aiohttp.ClientTimeout(connect=_CONNECT_MS / 1000))
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _classified(error, sent=False, safe=True) from error
        connection.release()

    async def close(self) -> None:
        """Close the pool."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _answer(self, request: HttpRequest, sent: SimpleNamespace) -> HttpResponse:
        """One exchange. A read whose kept connection the server had just closed is sent once more on a fresh one."""
        try:
            return await self._exchange(request, sent)
        except aiohttp.ClientError as error:
            lost = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
            if not (request.safe and lost) or isinstance(error, aiohttp.ClientConnectorError):
                raise _classified(error, sent=sent.headers, safe=request.safe) from error
        try:
            return await self._exchange(request, sent)
        except aiohttp.ClientError as error:
            raise _classified(error, sent=sent.headers, safe=True) from error

    async def _exchange(self, request: HttpRequest, sent: SimpleNamespace) -> HttpResponse:
        target = self._guard.judge(request.url, request.rules, confidential=request.confidential)
        assert target.url is not None
        headers = [*request.headers, *request.credential]
        if target.pinned is not None:
            headers.append(("Host", target.url.authority))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=request.connect_timeout_ms / 1000)
        async with self._open().request(
            request.method,
            self._place(target),
            headers=headers,
            data=request.body,
            allow_redirects=False,
            timeout=timeout,
            ssl=self._tls,
            trace_request_ctx=sent,
        ) as response:
            body = await _bounded_body(response, request)
            return HttpResponse(
                status=response.status,
                headers=tuple((name.lower(), value) for name, value in response.headers.items()),
                body=body,
                url=str(target.url),
                practice=target.pinned is not None,
            )

    def _place(self, target: Target) -> URL:
        """Where aiohttp connects: the judged URL itself, or the practice address with the judged path."""
        url = target.url
        assert url is not None
        if target.pinned is not None:
            return URL(f"http://{target.pinned.host}:{target.pinned.port}{url.target}", encoded=True)
        place = URL(str(url), encoded=True)
        if (place.scheme, place.raw_host, place.port) != url.origin or place.raw_user is not None:
            raise EgressDenied(f"{url.host} is read differently by the transport")
        return place

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            guard = self._guard
            connector = aiohttp.TCPConnector(
                limit=self._pool,
                resolver=_CheckingResolver(guard),
                ttl_dns_cache=_DNS_TTL_S,
                keepalive_timeout=_KEEPALIVE_S,
                socket_factory=lambda info: _checked_socket(guard, info),
            )
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_sent)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                skip_auto_headers=_SKIP,
                trace_configs=[trace],
            )
            # aiohttp repeats PUT and DELETE by itself when a kept connection dies; a write must never be sent twice
            # behind the machine's back, so repeating is done here, for reads alone.
            self._session._retry_connection = False
        return self._session


class _CheckingResolver(AbstractResolver):
    """aiohttp's hook for names: only judged addresses come out of it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The judged addresses of `host`. Raises: EgressDenied, CallError."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._guard.addresses(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def _note_sent(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.headers = True


def _checked_socket(
    guard: Guard,
    info: tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]],
) -> socket.socket:
    family, kind, proto, _, place = info
    host, port = str(place[0]), int(str(place[1]))
    if not guard.admits(host, port):
        raise EgressDenied(f"the socket would reach {host}:{port}")
    return socket.socket(family, kind, proto)


async def _bounded_body(response: aiohttp.ClientResponse, request: HttpRequest) -> bytes:
    """The body, decompressed as it arrives and never larger than `max_bytes`, whatever was announced."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    inflate = None
    if encoding in _WINDOW_BITS:
        inflate = zlib.decompressobj(_WINDOW_BITS[encoding])
    elif encoding not in ("identity", ""):
        raise _unreadable(f"the answer is compressed with {encoding[:40]!r}, which was not asked for", request)
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        data = chunk
        if inflate is not None:
            try:
                data = inflate.decompress(chunk, request.max_bytes - size + 1)
            except zlib.error as error:
                raise _unreadable("the compressed answer is damaged", request) from error
        size += len(data)
        if size > request.max_bytes or (inflate is not None and inflate.unconsumed_tail):
            response.close()
            raise _unreadable(f"the answer is larger than {request.max_bytes} bytes", request)
        chunks.append(data)
    if inflate is not None and size and not inflate.eof:
        raise _unreadable("the compressed answer is cut off", request)
    return b"".join(chunks)


def _unreadable(message: str, request: HttpRequest) -> CallError:
    """The service did answer, so it is no longer known to be safe to send a write again."""
    return CallError("permanent" if request.safe else "uncertain", "bad_response", message)


def _classified(error: Exception, *, sent: bool, safe: bool) -> CallError:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError() | aiohttp.ClientSSLError():
            return CallError("permanent", "tls_failed", "the service's certificate does not verify")
        case aiohttp.ConnectionTimeoutError() | TimeoutError() if not sent:
            return unsent("connect_timeout", "the service did not accept a connection in time")
        case aiohttp.ClientConnectorError():
            return unsent("connection_refused", f"no connection: {error.os_error.strerror or 'refused'}")
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return unanswered("bad_response", "the answer is not HTTP or is cut off", safe=safe)
        case aiohttp.ClientError() | TimeoutError() if sent:
            return unanswered("connection_lost", "the connection was lost before an answer came", safe=safe)
        case _:
            return unsent("connection_lost", "the connection was lost before the request was sent")
