"""One practice service: a real HTTP server on a loopback port that is as strict as the provider.

Knows: a fixture, the credential practice issued, what it was told to do. In: HTTP requests. Out: the fixture's
answers; for a request that does not fit, status 400 and the header `X-EyeFlow-Practice` that names the difference.
Never: listens anywhere but on 127.0.0.1, forgets what it received.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import copy
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import web

from eyeflow.connectors.guard import LoopbackPort
from eyeflow.diagnostics import nearest
from eyeflow.simulate.practice_fixture import Data, Fixture, Reply, Request
from eyeflow.simulate.practice_rules import differences, matches

HOST: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 25 * 1024 * 1024
_PLACE: Final = re.compile(r"\{(query|body)(?:\.([^{}]+))?\}")


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it arrived. `capabilities` are those the operation can belong to; `problems` what did not fit
    (then `status` is 400). The credential is not kept, only whether it was right."""

    request: str
    capabilities: tuple[str, ...]
    method: str
    host: str
    path: str
    query: dict[str, Data]
    headers: dict[str, str]
    body: Data
    raw: bytes
    authorized: bool
    problems: tuple[str, ...] = ()
    status: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with the next `times` requests of an operation (None: all from now on).

    `merge` goes into the success body; `reply` takes its place; `stall_ms` waits first; `drop` resets the connection
    after the request was read, so that its sender cannot know what became of it.
    """

    merge: Data = None
    reply: Reply | None = None
    stall_ms: int = 0
    drop: bool = False
    times: int | None = None


class PracticeServer:
    """Serves one fixture. `credential` are the headers and query fields of the issued credential; requests to hosts
    outside `trusted` (addresses an answer named) need none. `title` is how messages call the service."""

    def __init__(
        self,
        fixture: Fixture,
        *,
        credential: tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = ((), ()),
        trusted: frozenset[str] = frozenset(),
    ) -> None:
        self.fixture = fixture
        self.received: list[Received] = []
        self._headers, self._fields = credential
        self._trusted = trusted
        self._told: dict[str, list[Told]] = defaultdict(list)
        self._runner: web.ServerRunner | None = None
        self._closing = asyncio.Event()

    async def start(self) -> LoopbackPort:
        """Listen on a free loopback port."""
        self._runner = web.ServerRunner(web.Server(self._handle), handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        return LoopbackPort(HOST, int(self._runner.addresses[0][1]))

    async def stop(self) -> None:
        """Stop at once, also in the middle of a stall."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def tell(self, request: str, what: Told) -> None:
        """Do `what` when `request` arrives; later ones come after earlier ones that are limited in `times`."""
        waiting = self._told[request]
        if waiting and waiting[-1].times is None:
            waiting.clear()
        waiting.append(what)

    async def _handle(self, asked: web.BaseRequest) -> web.StreamResponse:
        raw = await _bounded(asked)
        if raw is None:
            return _answered(Reply(status=413, body={"practice": f"more than {MAX_BODY_BYTES} bytes"}))
        heard, problem = _heard(asked, raw)
        authorized = self._authorized(heard)
        for field, _ in self._fields:
            heard.query.pop(field, None)
        name, problems = self._operation(heard)
        if problem is not None:
            problems = [problem, *problems]
        if name is None or problems:
            self._keep(heard, name or "", authorized, 400, tuple(problems))
            body = {"practice": self.fixture.service, "problems": problems}
            return _answered(Reply(status=400, body=body), f"{self.fixture.service}: {'; '.join(problems)}")
        if not authorized:
            self._keep(heard, name, authorized, self.fixture.auth.denied.status)
            return _answered(self.fixture.auth.denied)
        return await self._do(asked, heard, name)

    async def _do(self, asked: web.BaseRequest, heard: _Heard, name: str) -> web.StreamResponse:
        told, request = self._next(name), self.fixture.requests[name]
        reply = request.response if told is None or told.reply is None else told.reply
        if told is not None and told.merge is not None:
            reply = msgspec.structs.replace(reply, body=merged(reply.body, told.merge))
        self._keep(heard, name, True, reply.status)
        if told is not None and told.stall_ms:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), told.stall_ms / 1000)
        if told is not None and told.drop and asked.transport is not None:
            asked.transport.abort()
        body = _filled(reply.body, {"query": heard.query, "body": heard.body})
        return _answered(msgspec.structs.replace(reply, body=body))

    def _next(self, name: str) -> Told | None:
        waiting = self._told[name]
        if not waiting:
            return None
        told = waiting[0]
        if told.times is not None:
            left = told.times - 1
            waiting[:1] = [msgspec.structs.replace(told, times=left)] if left else []
        return told

    def _operation(self, heard: _Heard) -> tuple[str | None, list[str]]:
        """The operation meant and what does not fit it; the best fitting one when several share an address."""
        judged = [
            (list(self._unfit(request, heard)), name)
            for name, request in self.fixture.requests.items()
            if request.method == heard.method
            and request.host in ("*", heard.host)
            and matches(request.path, heard.path)
        ]
        if not judged:
            return None, [self._nothing_like(heard.method, heard.host, heard.path)]
        problems, found = min(judged, key=lambda pair: len(pair[0]))
        return found, problems

    def _unfit(self, request: Request, heard: _Heard) -> Iterator[str]:
        for name, pattern in {**self.fixture.headers, **request.headers}.items():
            value = heard.headers.get(name.lower())
            if value is None:
                yield f"header {name} is missing"
            elif not matches(pattern, value):
                yield f"header {name} must match {pattern}, not {value[:60]!a}"
        if request.query is not None or request.host != "*":
            yield from differences(request.query or {"properties": {}}, heard.query, "query", texts=True)
        kind = heard.headers.get("content-type", "").partition(";")[0].strip().lower()
        if heard.raw and request.content_types and kind not in request.content_types:
            yield f"content type {kind or 'none'} is not one of {', '.join(request.content_types)}"
        if request.body_schema is not None:
            form = kind in ("application/x-www-form-urlencoded", "multipart/form-data")
            body = {} if heard.body is None else heard.body
            yield from differences(request.body_schema, body, "body", texts=form)
        elif heard.raw and not request.content_types and request.method in ("GET", "HEAD", "DELETE"):
            yield "a body was sent, and none is expected"

    def _nothing_like(self, method: str, host: str, path: str) -> str:
        known = [(r.method, r.host, r.path.replace("\\", "")) for r in self.fixture.requests.values()]
        here = f"{method} {host}{path}"
        others = [m for m, h, _ in known if h in ("*", host)]
        for name, request in self.fixture.requests.items():
            if matches(request.path, path) and request.host in ("*", host):
                return f"{here} does not exist; {name} is {request.method}"
        close = nearest(here, [f"{m} {h}{p}" for m, h, p in known], limit=1)
        if close:
            return f"{here} does not exist; did you mean {close[0]}?"
        return f"{here} does not exist" + ("" if others else f"; {host} is not a host of this service")

    def _authorized(self, heard: _Heard) -> bool:
        """The issued credential is there, in the form the provider wants it."""
        shape = self.fixture.auth
        if shape.place == "none" or (self._trusted and heard.host not in self._trusted):
            return True
        sent = [(name, heard.headers.get(name.lower())) for name, _ in self._headers]
        fields = [(name, heard.query.get(name)) for name, _ in self._fields]
        if sent != list(self._headers) or fields != list(self._fields) or not (sent or fields):
            return False
        match shape.place:
            case "any":
                return True
            case "query":
                return matches(shape.pattern, str(heard.query.get(shape.name, "")))
            case "basic":
                return matches(shape.pattern, _basic(heard.headers.get("authorization", "")))
            case _:
                return matches(shape.pattern, heard.headers.get(shape.name.lower(), ""))

    def _keep(self, heard: _Heard, name: str, authorized: bool, status: int, problems: tuple[str, ...] = ()) -> None:
        secret = {header.lower() for header, _ in self._headers}
        self.received.append(
            Received(
                request=name,
                capabilities=tuple(c for c, case in self.fixture.capabilities.items() if name in case.requests),
                method=heard.method,
                host=heard.host,
                path=heard.path,
                query=heard.query,
                headers={key: value for key, value in heard.headers.items() if key not in secret},
                body=heard.body,
                raw=heard.raw,
                authorized=authorized,
                problems=problems,
                status=status,
            )
        )


class _Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A request taken apart; header names in lower case."""

    method: str
    host: str
    path: str
    query: dict[str, Data]
    headers: dict[str, str]
    body: Data
    raw: bytes


def _heard(asked: web.BaseRequest, raw: bytes) -> tuple[_Heard, str | None]:
    """The parts of a request, and what is wrong with its body as such."""
    headers = {name.lower(): value for name, value in asked.headers.items()}
    body, problem = _read_body(headers.get("content-type", ""), raw)
    heard = _Heard(
        method=asked.method,
        host=headers.get("host", "").partition(":")[0],
        path=unquote(asked.raw_path.partition("?")[0]),
        query=_form(parse_qsl(asked.raw_path.partition("?")[2], keep_blank_values=True), nested=False),
        headers=headers,
        body=body,
        raw=raw,
    )
    return heard, problem


def merged(body: Data, change: Data) -> Data:
    """`change` laid over `body`: objects field by field, everything else replaced."""
    if isinstance(body, dict) and isinstance(change, dict):
        return {**body, **{key: merged(body.get(key), item) for key, item in change.items()}}
    if isinstance(body, list) and isinstance(change, list) and body and change and isinstance(change[0], dict):
        return [merged(body[at] if at < len(body) else body[0], item) for at, item in enumerate(change)]
    return copy.deepcopy(change)


def _filled(body: Data, sent: dict[str, Data]) -> Data:
    """`body` with `{query.x}` and `{body.x}` replaced by what was sent; a text that is one place keeps its type."""
    if isinstance(body, dict):
        return {key: _filled(item, sent) for key, item in body.items()}
    if isinstance(body, list):
        return [_filled(item, sent) for item in body]
    if not isinstance(body, str):
        return body
    whole = _PLACE.fullmatch(body)
    if whole is not None:
        return _dug(sent[whole[1]], whole[2])
    return _PLACE.sub(lambda found: str(_dug(sent[found[1]], found[2]) or ""), body)


def _dug(value: Data, path: str | None) -> Data:
    for step in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


async def _bounded(asked: web.BaseRequest) -> bytes | None:
    chunks, size = [], 0
    async for chunk in asked.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _read_body(kind: str, raw: bytes) -> tuple[Data, str | None]:
    """The body by its content type: JSON, a form as nested objects, else text."""
    plain = kind.partition(";")[0].strip().lower()
    if not raw:
        return None, None
    if plain == "application/json" or plain.endswith("+json"):
        try:
            return msgspec.json.decode(raw), None
        except (msgspec.MsgspecError, RecursionError) as error:
            return None, f"the body is not JSON: {str(error)[:100]}"
    text = raw.decode("utf-8", "replace")
    if plain == "application/x-www-form-urlencoded":
        return _form(parse_qsl(text, keep_blank_values=True), nested=True), None
    return text, None


def _form(pairs: list[tuple[str, str]], *, nested: bool) -> dict[str, Data]:
    """Fields by name; with `nested`, `a[b][0]` becomes `{a: {b: [..]}}`; a repeated name becomes a list."""
    fields: dict[str, Data] = {}
    for name, value in pairs:
        steps = re.findall(r"[^\[\]]+", name)[:20] if nested and "[" in name else [name]
        into = fields
        for step in steps[:-1]:
            inner = into.setdefault(step, {})
            into = inner if isinstance(inner, dict) else {}
        last = steps[-1] if steps else name
        if last in into:
            before = into[last]
            into[last] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            into[last] = value
    return {name: _listed(value) for name, value in fields.items()}


def _listed(value: Data) -> Data:
    """Objects whose keys are 0, 1, 2 ... are the lists they were before they became a form."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    if list(inner) == [str(at) for at in range(len(inner))]:
        return list(inner.values())
    return inner


def _basic(header: str) -> str:
    try:
        return base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _answered(reply: Reply, said: str = "") -> web.Response:
    body = reply.body
    headers = dict(reply.headers)
    if isinstance(body, str):
        data = body.encode()
    elif body is None:
        data = b""
    else:
        data = msgspec.json.encode(body)
        headers.setdefault("Content-Type", "application/json")
    if said:
        headers["X-EyeFlow-Practice"] = said.encode("ascii", "backslashreplace").decode().replace("\n", " ")[:2000]
    return web.Response(status=reply.status, headers=headers, body=data)
