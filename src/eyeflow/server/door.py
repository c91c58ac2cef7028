"""The ASGI application: one request from the socket to its answer, the same way for every route.

Knows: the order of checks. In: a scope. Out: an answer on the wire; every exception becomes a problem here and
nowhere else. Never: knows a resource, reads a body that is not allowed yet.

The order: host, route, origin, how much is in hand, key, permission, rate, query, body, handler. So nothing of a
request is looked at before what it names exists, and no body is read for somebody who may not send it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.server import problems
from eyeflow.server.auth import Auth
from eyeflow.server.exchange import (
    JSON,
    NO_SNIFF,
    NO_STORE,
    WHOLE,
    Answer,
    Declined,
    Gone,
    Headers,
    Receive,
    Request,
    Scope,
    Send,
    Stream,
    encoded,
)  # fmt: skip
from eyeflow.server.hosts import Hosts
from eyeflow.server.limits import Bucket, Buckets, Gate
from eyeflow.server.logs import event
from eyeflow.server.metrics import Metrics
from eyeflow.server.routes import Route, Router
from eyeflow.server.settings import Settings
from eyeflow.server.sharing import Cells
from eyeflow.server.strictjson import json_body, typed, unfit
from eyeflow.server.traces import Tracer
from eyeflow.workspace.permissions import require

MAX_HEADERS: Final = 100
MAX_QUERY: Final = 8192
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

    @property
    def in_hand(self) -> int:
        """Requests being answered now."""
        return self._gate.inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        route: Route | None = None
        request_id = next(self._ids)
        more: Headers = ()
        status = 499
        try:
            request, route = self._checked(scope, receive)
            request.id = request_id
            answer, more = await self._admitted(request, route)
        except EyeFlowError as error:
            answer = problems.problem_of(error, request_id)
        except Gone:
            return
        except Exception as error:
            event("bug", level=logging.ERROR, error=error, request_id=request_id, route=_template(route))
            answer = problems.internal(request_id)
        try:
            status = answer.status
            more = (*more, (b"x-request-id", request_id.encode()), NO_SNIFF)
            if isinstance(answer, Stream):
                await self._stream(answer, request, send, more)
            else:
                more = (*more, (b"connection", b"close")) if self.draining else more
                if not answer.written(scope.get(WHOLE), more):
                    await answer.send(send, more)
        finally:
            spent = time.perf_counter() - begun
            self.metrics.request(str(scope["method"]) if route else "-", _template(route), status, spent)
            if self._log_requests:
                self._logged(scope, route, status, spent, request_id)

    def _checked(self, scope: Scope, receive: Receive) -> tuple[Request, Route]:
        """What can be known without anybody's help. Raises: Declined."""
        if len(scope["headers"]) > MAX_HEADERS:
            raise Declined(431, "head_too_large", f"the request has more than {MAX_HEADERS} headers")
        request = Request(
            scope, receive, max_body=self._settings.max_body_bytes, timeout_ms=self._settings.request_timeout_ms
        )
        host = request.headers.get(b"host")
        self._hosts.check(host)
        method = "GET" if request.method == "HEAD" else request.method
        route, request.params = self.router.find(method, scope["raw_path"])
        request.path = route.path
        if method in _CHANGING and b"origin" in request.headers:
            self._hosts.check_origin(request.headers[b"origin"], host or b"")
        return request, route

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
        taken = caller.bucket.take(now)
        whole = self._whole.take(now)
        narrow = taken if whole is None or (taken is not None and taken.wait_s >= whole.wait_s) else whole
        if narrow is not None and narrow.wait_s:
            wait = (b"retry-after", problems.retry_after(narrow.wait_s * 1000))
            raise Declined(429, "too_many_requests", "too many requests", headers=(wait, *narrow.headers()))
        assert route.permission != "open"
        require(caller.principal, route.permission)
        request.principal = caller.principal
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
            given["body"] = typed(await json_body(request), route.body)
        elif request.method in _CHANGING and (await request.body()).strip() not in _EMPTY:
            raise Declined(400, "bad_request", "this address takes no body")
        made = await route.handler(self._service, request, **given)
        if isinstance(made, Answer | Stream):
            return made
        if made is None:
            return Answer(204, b"", ())
        return Answer(route.status, encoded(made), (JSON, NO_STORE))

    async def _stream(self, answer: Stream, request: Request, send: Send, more: Headers) -> None:
        """Send until the stream ends, the caller hangs up, or this process drains."""
        sending = asyncio.create_task(answer.send(send, more))
        watching = asyncio.create_task(request.hung_up())
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
            if isinstance(results[0], asyncio.CancelledError):
                with contextlib.suppress(Exception):  # it may have sent its last piece already
                    await send({"type": "http.response.body", "body": b""})

    def end_streams(self) -> None:
        """Let every live stream end, so that connections can close."""
        for task in tuple(self._streams):
            task.cancel()

    def _logged(self, scope: Scope, route: Route | None, status: int, spent: float, request_id: str) -> None:
        event(
            "request", method=str(scope["method"])[:10], route=_template(route), status=status,
            ms=round(spent * 1000, 2), request_id=request_id,
        )  # fmt: skip


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
        refused = unfit(error)
        raise Declined(400, "bad_query", refused.message) from None
