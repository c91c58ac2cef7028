"""One request from the socket to its answer, the same way for every route.

Knows: the order of checks. In: requests. Out: an answer on the wire; every exception
becomes a problem here and nowhere else. Never: knows a resource, reads a body that is not allowed yet.

The order: host, route, origin, how much is in hand, key, permission, rate, query, body, handler. So nothing of a
request is looked at before what it names exists, and no body is read for somebody who may not send it.

A request that is whole when it comes, of a caller who was known a moment ago, needs no task of its own where the route
can begin its work at once (`at_once`): it is then answered by whoever ends that work. Anything unusual about it, and it
goes the way all others go, before anything of it was counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.server import problems
from eyeflow.server.auth import Auth, Caller
from eyeflow.server.exchange import (
    JSON,
    NO_SNIFF,
    NO_STORE,
    Answer,
    Declined,
    Gone,
    Headers,
    Request,
    Send,
    Stream,
    Wire,
    encoded,
)  # fmt: skip
from eyeflow.server.hosts import Hosts
from eyeflow.server.limits import Bucket, Buckets, Gate
from eyeflow.server.logs import event
from eyeflow.server.metrics import Metrics
from eyeflow.server.routes import Route, Router
from eyeflow.server.settings import Settings
from eyeflow.server.sharing import Cells
from eyeflow.server.strictjson import has_body, json_body, typed, unfit
from eyeflow.server.traces import Tracer
from eyeflow.workspace.permissions import require

MAX_HEADERS: Final = 100
MAX_QUERY: Final = 8192
Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], object]
"""Runs something in a task."""

_CHANGING: Final = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_EMPTY: Final = (b"", b"{}")


class Door:
    """Takes every request of one process. `service` is handed to the handlers."""

    def __init__(
        self,
        service: Any,
        router: Router,
        auth: Auth,
        settings: Settings,
        *,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
        cells: Cells | None = None,
    ) -> None:
        self._service = service
        self.router = router
        self._auth = auth
        self._settings = settings.server
        self._hosts = Hosts(settings.server)
        self._gate = Gate(settings.server.max_requests)
        self._whole = Bucket(settings.limits.workspace_per_minute, cells, "whole")
        self._deliveries = Buckets(settings.limits.webhook_per_minute, cells=cells, kind="webhook")
        self.metrics = metrics or Metrics()
        self._tracer = tracer
        self._log_requests = settings.logs.requests
        prefix = os.urandom(4).hex()
        self._ids = (f"{prefix}-{number:x}" for number in itertools.count(1))
        self._streams: set[asyncio.Task[None]] = set()
        self.draining = False

    def next_id(self) -> str:
        """The name of the next request."""
        return next(self._ids)

    @property
    def in_hand(self) -> int:
        """Requests being answered now."""
        return self._gate.inside

    async def answer(self, request: Request, wire: Wire) -> None:
        """Answer a request, whatever becomes of it."""
        begun = time.perf_counter()
        request.id = next(self._ids)
        route: Route | None = None
        more: Headers = ()
        answer: Answer | Stream
        try:
            route = self._checked(request)
            answer, more = await self._admitted(request, route)
        except Gone:
            self._counted(request, route, 499, begun)
            return
        except Exception as error:
            answer = self._trouble(error, request, route)
        try:
            if isinstance(answer, Stream):
                await self._stream(answer, request, wire.send, self._ending(request, more))
            else:
                await self._say(answer, request, wire, more)
        finally:
            self._counted(request, route, answer.status, begun)

    def at_once(self, request: Request, wire: Wire, spawn: Spawn) -> bool:
        """Begin to answer a request that came whole, when nothing has to be waited for before its work begins; False,
        and nothing has happened, when `answer` has to. `spawn` runs what has to be waited for after all."""
        route = self.router.plain(request.method, request.target)
        if route is None or route.at_once is None or self._tracer is not None or self.draining:
            return False
        headers, now = request.headers, time.monotonic()
        caller = self._auth.known(headers.get(b"authorization"), now)
        if caller is None or not self._usual(request) or not self._gate.enter():
            return False
        doing = _Doing(self, request, route, wire, spawn)
        try:
            doing.more = self._let_in(caller, route, now)
            request.principal = caller.principal
            left = route.at_once(self._service, request, doing)
        except Exception as error:
            doing(error)
        else:
            if left is not None:
                spawn(doing.awaited(left))
        return True

    def _usual(self, request: Request) -> bool:
        headers = request.headers
        return (
            request.twice is None
            and request.count <= MAX_HEADERS
            and b"origin" not in headers
            and self._hosts.known(headers.get(b"host"))
        )

    def _trouble(self, error: Exception, request: Request, route: Route | None) -> Answer:
        """The answer to a request that met an error."""
        if isinstance(error, EyeFlowError):
            return problems.problem_of(error, request.id)
        event("bug", level=logging.ERROR, error=error, request_id=request.id, route=_template(route))
        return problems.internal(request.id)

    def _ending(self, request: Request, more: Headers) -> Headers:
        """The headers that end every answer's."""
        return (*more, (b"x-request-id", request.id.encode()), NO_SNIFF)

    async def _say(self, answer: Answer, request: Request, wire: Wire, more: Headers) -> None:
        more = self._ending(request, more)
        more = (*more, (b"connection", b"close")) if self.draining else more
        if not answer.written(wire, more):
            await answer.send(wire.send, more)

    def _counted(self, request: Request, route: Route | None, status: int, begun: float) -> None:
        spent = time.perf_counter() - begun
        self.metrics.request(request.method if route else "-", _template(route), status, spent)
        if self._log_requests:
            event(
                "request", method=request.method[:10], route=_template(route), status=status,
                ms=round(spent * 1000, 2), request_id=request.id,
            )  # fmt: skip

    def bound(self, request: Request) -> None:
        """Tell a request how large its body may be, and how long it may take."""
        request.max_body, request.timeout_ms = self._settings.max_body_bytes, self._settings.request_timeout_ms

    def _checked(self, request: Request) -> Route:
        """What can be known without anybody's help. Raises: Declined."""
        if request.count > MAX_HEADERS:
            raise Declined(431, "head_too_large", f"the request has more than {MAX_HEADERS} headers", hint="send fewer")
        if request.twice is not None:
            name = request.twice.decode("latin-1")
            raise Declined(400, "malformed_header", f"the header {name} stands in the request twice")
        self.bound(request)
        host = request.headers.get(b"host")
        self._hosts.check(host)
        method = "GET" if request.method == "HEAD" else request.method
        route, request.params = self.router.find(method, request.target)
        request.path = route.path
        if method in _CHANGING and b"origin" in request.headers:
            self._hosts.check_origin(request.headers[b"origin"], host or b"")
        return route

    async def _admitted(self, request: Request, route: Route) -> tuple[Answer | Stream, Headers]:
        if route.permission == "open":
            return await self._handled(request, route), ()
        if not self._gate.enter():
            raise Declined(503, "busy", "this server has too many requests in hand", headers=((b"retry-after", b"1"),))
        try:
            more = await self._known(request, route)
            if self._tracer is None:
                return await self._handled(request, route), more
            with self._tracer.span(request, route.path) as span:
                answer = await self._handled(request, route)
                span.answered(answer.status)
                return answer, more
        finally:
            self._gate.leave()

    async def _known(self, request: Request, route: Route) -> Headers:
        """Key, permission and rate; the rate's headers. Raises: Declined, Forbidden."""
        now = time.monotonic()
        if route.permission == "signed":
            self._delivered(request, now)
            return ()
        caller = await self._auth.caller(request.headers.get(b"authorization"), request.client, now)
        more = self._let_in(caller, route, now)
        request.principal = caller.principal
        return more

    def _let_in(self, caller: Caller, route: Route, now: float) -> Headers:
        """Rate and permission of somebody who is known; the rate's headers. Raises: Declined, Forbidden."""
        taken = caller.bucket.take(now)
        whole = self._whole.take(now)
        narrow = taken if whole is None or (taken is not None and taken.wait_s >= whole.wait_s) else whole
        if narrow is not None and narrow.wait_s:
            wait = (b"retry-after", problems.retry_after(narrow.wait_s * 1000))
            raise Declined(429, "too_many_requests", "too many requests", headers=(wait, *narrow.headers()))
        assert route.permission != "open"
        assert route.permission != "signed"
        require(caller.principal, route.permission)
        return () if narrow is None else narrow.headers()

    def _delivered(self, request: Request, now_s: float) -> None:
        """Count a delivery to its webhook. Raises: Declined `too_many_requests`."""
        taken = self._deliveries.of("/".join(request.params.values())).take(now_s)
        if taken is not None and taken.wait_s:
            wait = (b"retry-after", problems.retry_after(taken.wait_s * 1000))
            raise Declined(429, "too_many_requests", "too many deliveries to this webhook", headers=(wait,))

    async def _handled(self, request: Request, route: Route) -> Answer | Stream:
        given: dict[str, Any] = dict(request.params)
        if route.raw:
            made = await route.handler(self._service, request, **given)
            assert isinstance(made, Answer | Stream), f"{route.name} answers by itself"
            return made
        if route.query is not None:
            given["query"] = _query(request, route.query)
        elif request.query:
            raise Declined(400, "bad_query", "this address takes no parameters")
        if route.body is not None:
            left_out = route.body_may_be_left_out and not has_body(request)
            given["body"] = typed({} if left_out else await json_body(request), route.body)
        elif request.method in _CHANGING and (await request.body()).strip() not in _EMPTY:
            raise Declined(400, "bad_request", "this address takes no body")
        made = await route.handler(self._service, request, **given)
        if isinstance(made, Answer | Stream):
            return made
        if made is None:
            return Answer(204, b"", ())
        return Answer(route.status, encoded(made), (JSON, NO_STORE))

    async def _stream(self, answer: Stream, request: Request, send: Send, more: Headers) -> None:
        """Send until the stream ends, the caller hangs up, or, when it is live, this process drains."""
        sending = asyncio.create_task(answer.send(send, more))
        watching = asyncio.create_task(request.hung_up())
        if answer.live:
            self._streams.add(sending)
        try:
            await asyncio.wait((sending, watching), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams.discard(sending)
            for task in (sending, watching):
                task.cancel()
            results = await asyncio.gather(sending, watching, return_exceptions=True)
            answer.close()
            if isinstance(results[0], Exception):
                event("bug", level=logging.ERROR, error=results[0], request_id=request.id, route=request.path)
            if answer.live and isinstance(results[0], asyncio.CancelledError):
                with contextlib.suppress(Exception):  # it may have sent its last piece already
                    await send({"type": "http.response.body", "body": b""})

    def end_streams(self) -> None:
        """Let every live stream end, so that connections can close."""
        for task in tuple(self._streams):
            task.cancel()


class _Doing:
    """A request whose work began at once. Called with what became of it, an answer or an error, it answers."""

    __slots__ = ("_begun", "_door", "_request", "_route", "_spawn", "_wire", "more")

    def __init__(self, door: Door, request: Request, route: Route, wire: Wire, spawn: Spawn) -> None:
        self._begun = time.perf_counter()
        self._door = door
        self._request = request
        self._route = route
        self._wire = wire
        self._spawn = spawn
        self.more: Headers = ()
        request.id = door.next_id()
        door.bound(request)
        request.path = route.path

    def __call__(self, made: Answer | Exception) -> None:
        """Answer, once."""
        request = self._request
        answer = made if isinstance(made, Answer) else self._door._trouble(made, request, self._route)
        self._door._gate.leave()
        if not self._door.draining and answer.written(self._wire, self._door._ending(request, self.more)):
            self._door._counted(request, self._route, answer.status, self._begun)
        else:
            self._spawn(self._said(answer))

    async def _said(self, answer: Answer) -> None:
        try:
            await self._door._say(answer, self._request, self._wire, self.more)
        finally:
            self._door._counted(self._request, self._route, answer.status, self._begun)

    async def awaited(self, left: Awaitable[Answer]) -> None:
        """Answer when `left` has the answer."""
        try:
            answer = await left
        except Exception as error:
            self(error)
        else:
            self(answer)


def _template(route: Route | None) -> str:
    return "-" if route is None else route.path


def _query(request: Request, into: Any) -> Any:
    """The parameters of an address as a struct. Raises: Declined `bad_query`."""
    if len(request.query) > MAX_QUERY:
        raise Declined(414, "head_too_large", f"the parameters are longer than {MAX_QUERY} bytes")
    try:
        pairs = parse_qsl(
            request.query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(request.query), errors="strict",
            max_num_fields=50,
        )  # fmt: skip
    except (ValueError, UnicodeError):
        raise Declined(400, "bad_query", "the parameters are not `name=value&...` in percent-encoded UTF-8") from None
    held = dict(pairs)
    if len(held) != len(pairs):
        raise Declined(400, "bad_query", "a parameter stands there twice")
    try:
        return msgspec.convert(held, into, strict=False)
    except msgspec.ValidationError as error:
        refused = unfit(error, into)
        raise Declined(400, "bad_query", refused.message, hint=refused.hint) from None
