"""`AsyncClient`: the server from code on an event loop. What `sync` does, awaited.

async with AsyncClient() as client:
    run = await client.tasks.run("hello_world", {"name": "Alice"})
    async for event in client.executions.watch(run.execution_id):
        print(event.event, event.data)
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiohttp
from yarl import URL

from eyeflow.client import resources
from eyeflow.client.calls import ApiError, Call, Retries, StreamCall, decoded, lost, problem
from eyeflow.client.describe import compiled_in_stages, watched
from eyeflow.client.endpoint import AsyncResource
from eyeflow.client.household import Download, downloaded
from eyeflow.client.settings import access
from eyeflow.client.stream import Events, ServerEvent
from eyeflow.client.wire import CONNECT_S, PIECE, PREPARED_S, QUIET_S, headers_of, target

T = TypeVar("T")

_UNSENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Errors after which nothing of the request has left."""


class _Executions(resources.Executions, AsyncResource):
    def watch(self, execution_id: str, *, after: str = "") -> AsyncIterator[ServerEvent]:
        """What happens in a run, from its beginning, as it happens, until it has ended. A connection that breaks is
        made again; `after` is the id of the last event already seen."""
        return self._sender._stream(watched(execution_id, after))


class _Tasks(resources.Tasks, AsyncResource):
    pass


class _Proposals(resources.Proposals, AsyncResource):
    pass


class _Approvals(resources.Approvals, AsyncResource):
    pass


class _Connectors(resources.Connectors, AsyncResource):
    pass


class _Catalog(resources.Catalog, AsyncResource):
    pass


class _Rules(resources.Rules, AsyncResource):
    pass


class _Secrets(resources.Secrets, AsyncResource):
    pass


class _Keys(resources.Keys, AsyncResource):
    pass


class _ProfileOfMine(resources.ProfileOfMine, AsyncResource):
    pass


class _Schedules(resources.Schedules, AsyncResource):
    pass


class _Webhooks(resources.Webhooks, AsyncResource):
    pass


class _Notices(resources.Notices, AsyncResource):
    pass


class _Settings(resources.Settings, AsyncResource):
    pass


class _Audit(resources.Audit, AsyncResource):
    pass


class AsyncClient(resources.Workspace, AsyncResource):
    """A connection to one server; arguments as of `Client`. Every method may raise ApiError."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout_s: float = 60.0,
        retries: Retries | None = None,
    ) -> None:
        self._access = access(url, key)
        self._retries = retries or Retries()
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
        self._session: aiohttp.ClientSession | None = None
        super().__init__(self)
        self.tasks = _Tasks(self)
        self.executions = _Executions(self)
        self.proposals = _Proposals(self)
        self.approvals = _Approvals(self)
        self.connectors = _Connectors(self)
        self.catalog = _Catalog(self)
        self.rules = _Rules(self)
        self.secrets = _Secrets(self)
        self.keys = _Keys(self)
        self.profile = _ProfileOfMine(self)
        self.schedules = _Schedules(self)
        self.webhooks = _Webhooks(self)
        self.notices = _Notices(self)
        self.settings = _Settings(self)
        self.audit = _Audit(self)

    def compile_stages(
        self, text: str, *, answers: Mapping[str, str] | None = None, name: str | None = None
    ) -> AsyncIterator[ServerEvent]:
        """`compile`, one event `stage` for each stage that has ended, then `result`."""
        return self._stream(compiled_in_stages(text, answers=answers, name=name))

    async def download(self, what: Download) -> AsyncIterator[bytes]:
        """What `backup()` or `audit.export()` gives, piece by piece, for what is larger than memory."""
        call: Call[bytes] = downloaded(what)
        content = call.content()
        try:
            async with self._http.request(
                call.method, _url(target(self._access, call)), data=content, allow_redirects=False,
                headers=headers_of(self._access, call, content),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=PREPARED_S),
            ) as answer:  # fmt: skip
                if answer.status != 200:
                    raise problem(answer.status, await answer.read())
                async for piece in answer.content.iter_chunked(PIECE):
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise lost(call, self.url, error, sent=not isinstance(error, _UNSENT)) from error

    @property
    def url(self) -> str:
        """The server's address."""
        return self._access.url

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def _http(self) -> aiohttp.ClientSession:
        """Made at the first request, since it belongs to a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, auto_decompress=True)
        return self._session

    async def _send(self, call: Call[T]) -> T:
        attempt, content = 0, call.content()
        headers = headers_of(self._access, call, content)
        while True:
            attempt += 1
            try:
                async with self._http.request(
                    call.method, _url(target(self._access, call)), data=content, headers=headers, allow_redirects=False
                ) as answer:
                    data = await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                sent = not isinstance(error, _UNSENT)
                pause = self._retries.after_loss(call, attempt, sent=sent)
                if pause is None:
                    raise lost(call, self.url, error, sent=sent) from error
            else:
                pause = self._retries.after_answer(call, attempt, answer.status, answer.headers)
                if pause is None:
                    return decoded(call, answer.status, data)
            await asyncio.sleep(pause)

    async def _stream(self, call: StreamCall) -> AsyncIterator[ServerEvent]:
        """Events until one of the last kinds; a broken stream is taken up again after the last one."""
        events, losses = Events(call.after), 0
        while True:
            try:
                async for event in self._once(call, events):
                    losses = 0
                    yield event
                    if event.event in call.last:
                        return
            except (aiohttp.ClientError, TimeoutError) as error:
                losses += 1
                pause = self._retries.after_loss(call.opening, losses, sent=False)
                if pause is None or not call.resumable:
                    raise lost(call.opening, self.url, error, sent=True) from error
                await asyncio.sleep(max(pause, events.retry_s or 0.0))
            else:
                if not call.resumable:
                    raise ApiError(0, "bad_answer", f"the stream of {call.opening.path} ended before its last event")

    async def _once(self, call: StreamCall, events: Events) -> AsyncIterator[ServerEvent]:
        opening: Call[Any] = call.opening
        content = opening.content()
        events.begin()
        async with self._http.request(
            opening.method, _url(target(self._access, opening)), data=content, allow_redirects=False,
            headers=headers_of(self._access, opening, content, stream=True, last_id=events.last_id),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=QUIET_S),
        ) as answer:  # fmt: skip
            if answer.status != 200:
                raise problem(answer.status, await answer.read())
            spelling = codecs.getincrementaldecoder("utf-8")("replace")
            async for data in answer.content.iter_any():
                for event in events.feed(spelling.decode(data)):
                    yield event


def _url(address: str) -> URL:
    """The address as it is: nothing in it is quoted a second time."""
    return URL(address, encoded=True)
