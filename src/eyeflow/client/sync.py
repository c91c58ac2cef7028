"""`Client`: the server from code that waits.

Knows: how a `Call` is sent and sent again. In: arguments. Out: typed results. Never: prints, keeps a key anywhere.

    with Client() as client:
        run = client.tasks.run("hello_world", {"name": "Alice"})
        for event in client.executions.watch(run.execution_id):
            print(event.event, event.data)
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import urllib3

from eyeflow.client import resources
from eyeflow.client.calls import ApiError, Call, Retries, StreamCall, decoded, lost, problem
from eyeflow.client.describe import compiled_in_stages, watched
from eyeflow.client.endpoint import Resource
from eyeflow.client.household import Download, downloaded
from eyeflow.client.settings import access
from eyeflow.client.stream import Events, ServerEvent
from eyeflow.client.wire import CONNECT_S, PIECE, PREPARED_S, QUIET_S, headers_of, target

T = TypeVar("T")

_UNSENT: Final = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
"""Errors after which nothing of the request has left."""


class _Executions(resources.Executions, Resource):
    def watch(self, execution_id: str, *, after: str = "") -> Iterator[ServerEvent]:
        """What happens in a run, from its beginning, as it happens, until it has ended. A connection that breaks is
        made again; `after` is the id of the last event already seen."""
        return self._sender._stream(watched(execution_id, after))


class _Tasks(resources.Tasks, Resource):
    pass


class _Proposals(resources.Proposals, Resource):
    pass


class _Approvals(resources.Approvals, Resource):
    pass


class _Connectors(resources.Connectors, Resource):
    pass


class _Catalog(resources.Catalog, Resource):
    pass


class _Rules(resources.Rules, Resource):
    pass


class _Secrets(resources.Secrets, Resource):
    pass


class _Keys(resources.Keys, Resource):
    pass


class _ProfileOfMine(resources.ProfileOfMine, Resource):
    pass


class _Schedules(resources.Schedules, Resource):
    pass


class _Webhooks(resources.Webhooks, Resource):
    pass


class _Notices(resources.Notices, Resource):
    pass


class _Settings(resources.Settings, Resource):
    pass


class _Audit(resources.Audit, Resource):
    pass


class Client(resources.Workspace, Resource):
    """A connection to one server. `url` and `key` default to `EYEFLOW_URL`, `EYEFLOW_KEY`, then `eyeflow login`.

    `timeout_s` bounds one answer; a run that takes longer goes on at the server. Every method may raise ApiError.
    """

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
        self._timeout = urllib3.Timeout(connect=CONNECT_S, read=timeout_s)
        self._http = urllib3.PoolManager(maxsize=8, retries=False)
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
    ) -> Iterator[ServerEvent]:
        """`compile`, one event `stage` for each stage that has ended, then `result`."""
        return self._stream(compiled_in_stages(text, answers=answers, name=name))

    def download(self, what: Download) -> Iterator[bytes]:
        """What `backup()` or `audit.export()` gives, piece by piece, for what is larger than memory."""
        call: Call[bytes] = downloaded(what)
        content = call.content()
        try:
            answer = self._http.request(
                call.method, target(self._access, call), body=content, redirect=False, preload_content=False,
                headers=headers_of(self._access, call, content),
                timeout=urllib3.Timeout(connect=CONNECT_S, read=PREPARED_S),
            )  # fmt: skip
            try:
                if answer.status != 200:
                    raise problem(answer.status, answer.data)
                yield from answer.stream(PIECE)
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise lost(call, self.url, error, sent=not isinstance(error, _UNSENT)) from error

    @property
    def url(self) -> str:
        """The server's address."""
        return self._access.url

    def close(self) -> None:
        """Let go of the connections."""
        self._http.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, call: Call[T]) -> T:
        attempt, content = 0, call.content()
        headers = headers_of(self._access, call, content)
        while True:
            attempt += 1
            try:
                answer = self._http.request(
                    call.method, target(self._access, call), body=content, headers=headers, timeout=self._timeout,
                    redirect=False,
                )  # fmt: skip
            except urllib3.exceptions.HTTPError as error:
                sent = not isinstance(error, _UNSENT)
                pause = self._retries.after_loss(call, attempt, sent=sent)
                if pause is None:
                    raise lost(call, self.url, error, sent=sent) from error
            else:
                pause = self._retries.after_answer(call, attempt, answer.status, answer.headers)
                if pause is None:
                    return decoded(call, answer.status, answer.data)
            time.sleep(pause)

    def _stream(self, call: StreamCall) -> Iterator[ServerEvent]:
        """Events until one of the last kinds; a broken stream is taken up again after the last one."""
        events, losses = Events(call.after), 0
        while True:
            try:
                for event in self._once(call, events):
                    losses = 0
                    yield event
                    if event.event in call.last:
                        return
            except urllib3.exceptions.HTTPError as error:
                losses += 1
                pause = self._retries.after_loss(call.opening, losses, sent=False)
                if pause is None or not call.resumable:
                    raise lost(call.opening, self.url, error, sent=True) from error
                time.sleep(max(pause, events.retry_s or 0.0))
            else:
                if not call.resumable:
                    raise ApiError(0, "bad_answer", f"the stream of {call.opening.path} ended before its last event")

    def _once(self, call: StreamCall, events: Events) -> Iterator[ServerEvent]:
        opening: Call[Any] = call.opening
        content = opening.content()
        events.begin()
        answer = self._http.request(
            opening.method, target(self._access, opening), body=content, redirect=False, preload_content=False,
            headers=headers_of(self._access, opening, content, stream=True, last_id=events.last_id),
            timeout=urllib3.Timeout(connect=CONNECT_S, read=QUIET_S),
        )  # fmt: skip
        try:
            if answer.status != 200:
                raise problem(answer.status, answer.data)
            spelling = codecs.getincrementaldecoder("utf-8")("replace")
            while data := answer.read1():
                yield from events.feed(spelling.decode(data))
        finally:
            answer.close()
