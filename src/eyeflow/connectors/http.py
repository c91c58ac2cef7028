"""The declarative connector: speaks any service whose file says how, and is code for none of them.

Knows: how a call becomes one or several requests, where the credential goes, and that it must not come back.
In: capability, parameters, idempotency key. Out: the mapped result, or CallError. Never: names a provider, retries,
follows the service's word to a host that is not the connection's.

A credential goes with requests to origins that the catalog, the connection or the caller named. A URL that an earlier
answer named (an upload address) gets it only at the service's own origin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from eyeflow.catalog.model import Capability
from eyeflow.connectors.credentials import no_credential
from eyeflow.connectors.formulas import Formula, outline
from eyeflow.connectors.guard import rules_for
from eyeflow.connectors.mapping import Draft, Exchange, Login
from eyeflow.connectors.payload import checked_header, query_text
from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.redact import Redactor
from eyeflow.connectors.signature import Signature
from eyeflow.connectors.templates import Roots
from eyeflow.connectors.transport import Headers, HttpRequest, HttpResponse, HttpTransport
from eyeflow.connectors.url import Url, parse_url
from eyeflow.errors import CallError, RunError
from eyeflow.values import Value

LONGEST_CALL_MS: Final = 120_000
"""The connector's own net below the machine's timeouts, unless the capability's is longer."""

PRACTICE_HEADER: Final = "x-eyeflow-practice"
"""How a practice service says what is wrong with a request."""

_NOTHING: Final = Credential()


class _Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A capability ready to be called: its steps (one without a name when there is no list) and what they give. `only`
    is the one request that most capabilities are; `longest_ms` bounds a call."""

    capability: Capability
    signature: Signature
    exchanges: tuple[Exchange, ...]
    only: Exchange | None
    result: Formula | None
    longest_ms: int


class _Account(msgspec.Struct, frozen=True):
    """A credential, what finds echoes of it, and the headers and query fields it goes with."""

    credential: Credential
    redactor: Redactor
    headers: Headers
    fields: Headers


_NOBODY: Final = _Account(_NOTHING, Redactor(_NOTHING), (), ())


class HttpConnector:
    """One connection to one HTTP service. `open_transport` makes the transport for a pool of that size."""

    def __init__(self, open_transport: Callable[[int], HttpTransport]) -> None:
        self._open_transport = open_transport
        self._transport: HttpTransport | None = None
        self._config: ConnectorConfig | None = None
        self._prepared: dict[str, _Prepared] = {}
        self._account = _NOBODY

    async def initialize(self, config: ConnectorConfig) -> None:
        """Prepare the capabilities, check that the credential exists, connect to the base URL if the file has one.

        Raises: CallError when there is no credential, or the service cannot be reached.
        """
        self._config = config
        self._open = config.credential is None and not config.service.needs_credential
        self._settings = dict(config.connection.settings)
        self._rules = rules_for(config.service, config.connection)
        self._login = Login(config.service)
        self._transport = self._open_transport(config.pool)
        for capability in config.service.capabilities:
            if capability.http is not None:
                with suppress(CallError):  # a mapping that cannot be prepared fails the calls that use it
                    self._prepare(capability.name)
        if not self._open:
            self._known(await self._credential())
        self._home = self._home_origin()
        if self._home is not None:
            await self._transport.warm(str(self._home), self._rules)

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """Run capability `method` once. Raises: CallError, never with the credential in its words."""
        prepared = self._prepared.get(method) or self._prepare(method)
        account = _NOBODY if self._open else self._known(await self._credential())
        wrote = False
        try:
            if prepared.only is not None:
                request, roots = self._asked(prepared, prepared.only, params, account, key)
                assert self._transport is not None
                _read(prepared.only, await self._transport.send(request), roots, account)
                return prepared.signature.declared(prepared.only.result(roots))
            run = _Run(self, prepared, account, key)
            try:
                return await run.result(params)
            finally:
                wrote = run.wrote
        except CallError as error:
            _redact(error, account)
            renew, again = account.credential.renew, None
            if renew is not None and error.code == "unauthorized" and not wrote:
                again = await renew(account.credential)
            if again is None:
                raise
        account = self._known(again)
        try:
            return await _Run(self, prepared, account, key).result(params)
        except CallError as error:
            _redact(error, account)
            raise

    def _asked(
        self, prepared: _Prepared, exchange: Exchange, params: Mapping[str, Value], account: _Account, key: str | None
    ) -> tuple[HttpRequest, Roots]:
        """The request of a capability that is only one, and the values it is made from. Raises: CallError."""
        roots: Roots = {"params": prepared.signature.filled(params), "steps": {}, "items": [], "page": 1}
        draft = exchange.draft(roots)
        headers = _key_header(prepared.capability, exchange, key)
        request = self._request(draft, account, safe=exchange.safe, timeout_ms=prepared.longest_ms, key=headers)
        return request, roots

    def _known(self, credential: Credential) -> _Account:
        """The account of `credential`, worked out once for each one. Raises: CallError (denied, `no_credential`)."""
        known = self._account
        if known.credential is credential or known.credential == credential:
            return known
        if credential is _NOTHING:
            return _NOBODY
        headers, fields = self._login.apply(credential)
        self._account = _Account(credential, Redactor(credential), headers, fields)
        return self._account

    async def cleanup(self) -> None:
        """Close the pool."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def exchange(
        self, draft: Draft, account: _Account, *, safe: bool, deadline: float, key: Headers
    ) -> HttpResponse:
        """Send `draft` with the credential where it belongs. Raises: CallError, EgressDenied."""
        assert self._transport is not None
        left = max(1, round((deadline - asyncio.get_running_loop().time()) * 1000))
        return await self._transport.send(self._request(draft, account, safe=safe, timeout_ms=left, key=key))

    def _request(self, draft: Draft, account: _Account, *, safe: bool, timeout_ms: int, key: Headers) -> HttpRequest:
        """`draft` with the credential where it belongs. Raises: CallError."""
        secret, fields = account.headers, account.fields
        if draft.answered and (self._home is None or draft.url.origin != self._home.origin):
            secret, fields = (), ()
        own = draft.own
        if own and secret:
            raise CallError("permanent", "bad_header", f"{own[0][0]} is the connection's to set", hint="leave it out")
        url = draft.url
        if fields:
            mark = "&" if "?" in url.target else "?"
            url = msgspec.structs.replace(url, target=url.target + mark + query_text(fields))
        return HttpRequest(
            method=draft.method,
            url=url,
            rules=self._rules,
            headers=draft.headers + key if key else draft.headers,
            credential=secret or own,
            body=draft.body,
            safe=safe,
            confidential=bool(secret or fields or own),
            timeout_ms=timeout_ms,
        )

    def _home_origin(self) -> Url | None:
        """The service's base URL, when it is known before any call."""
        assert self._config is not None
        http = self._config.service.http
        base = None if http is None else http.base_url
        if base is None:
            return None
        for name, value in self._settings.items():
            base = base.replace("{" + name + "}", value)
        return None if "{" in base else parse_url(base)

    def _credential(self) -> Awaitable[Credential]:
        """The credential of this call. Raises: CallError (denied, `no_credential`)."""
        assert self._config is not None
        if self._config.credential is None:
            raise no_credential(
                f"{self._config.service.title} needs an account", hint="give the connection a credential reference"
            )
        return self._config.credential()

    def _prepare(self, method: str) -> _Prepared:
        if (known := self._prepared.get(method)) is not None:
            return known
        assert self._config is not None
        service = self._config.service
        capability = service.capability(method)
        if capability is None or capability.http is None:
            raise CallError("permanent", "unknown_capability", f"{service.id} has no {method[:60]!a} over HTTP")
        mapping = capability.http
        steps = mapping.steps or (("", mapping),)
        exchanges = tuple(Exchange(service, capability, step, self._settings, name) for name, step in steps)
        result = mapping.result if mapping.steps else None
        if result is not None and "headers" in result:
            exchanges[-1].reads_headers = True
        single = len(exchanges) == 1 and result is None and mapping.pages is None
        prepared = _Prepared(
            capability=capability,
            signature=Signature(capability),
            exchanges=exchanges,
            only=exchanges[0] if single and exchanges[0].mapping.when is None else None,
            result=None if result is None else outline(result),
            longest_ms=max(capability.timeout_ms, LONGEST_CALL_MS),
        )
        self._prepared[method] = prepared
        return prepared


def _redact(error: CallError, account: _Account) -> None:
    """Take the credential out of the words of an error."""
    error.message, error.hint = account.redactor.text(error.message), account.redactor.text(error.hint)
    error.args = (error.message,)


def _read(exchange: Exchange, response: HttpResponse, roots: Roots, account: _Account) -> None:
    """Read an answer, with every echo of the credential gone before anything looks at it. Raises: CallError."""
    if response.practice and (said := response.header(PRACTICE_HEADER)):
        raise CallError("permanent", "practice_mismatch", said)
    if account is _NOBODY or not account.redactor.holds(response.said):
        exchange.read(response, roots)
        return
    try:
        exchange.read(response, roots)
    finally:
        for name in ("headers", "body", "rows"):
            if name in roots:
                roots[name] = account.redactor.value(roots[name])


class _Run:
    """One call: its values, how far it got, and when it has to end."""

    def __init__(self, connector: HttpConnector, prepared: _Prepared, account: _Account, key: str | None) -> None:
        self._connector = connector
        self._prepared = prepared
        self._account = account
        self._key = key
        self._wrote = False
        self._deadline = asyncio.get_running_loop().time() + prepared.longest_ms / 1000

    @property
    def wrote(self) -> bool:
        """True once a write was answered."""
        return self._wrote

    async def result(self, params: Mapping[str, Value]) -> Value:
        """Do the steps in order. Once a write was answered, no later failure counts as surely not done.

        Raises: CallError.
        """
        capability = self._prepared.capability
        steps: dict[str, Value] = {}
        roots: Roots = {"params": self._prepared.signature.filled(params), "steps": steps}
        value: Value = None
        for exchange in self._prepared.exchanges:
            roots = {"params": roots["params"], "steps": steps, "let": {}}
            try:
                value = await self._step(exchange, roots) if exchange.wanted(roots) else None
            except CallError as error:
                if self._wrote and error.kind == "transient" and not capability.idempotent:
                    error.kind = "uncertain"
                raise
            steps[exchange.name] = value
        if self._prepared.result is not None:
            try:
                value = self._prepared.result(roots)
            except RunError as error:
                raise CallError("uncertain" if self._wrote else "permanent", "bad_response", error.message) from error
        return self._prepared.signature.declared(value)

    async def _step(self, exchange: Exchange, roots: Roots) -> Value:
        pages = exchange.mapping.pages
        roots["items"] = []
        more: Headers = ()
        for number in range(1, (pages.max if pages else 1) + 1):
            roots["page"] = number
            response = await self._connector.exchange(
                exchange.draft(roots, more),
                self._account,
                safe=exchange.safe,
                deadline=self._deadline,
                key=_key_header(self._prepared.capability, exchange, self._key),
            )
            _read(exchange, response, roots, self._account)
            self._wrote = self._wrote or not exchange.safe
            if pages is None:
                break
            more = exchange.page(roots)
            if not more:
                break
        else:
            raise CallError("permanent", "too_many_pages", f"the list has more than {number} pages")
        return exchange.result(roots)


def _key_header(capability: Capability, exchange: Exchange, key: str | None) -> Headers:
    """How the service takes the idempotency key, if it takes one with this request."""
    header = capability.idempotency_header
    if header is None or key is None or exchange.safe:
        return ()
    return (checked_header(header, f"{key}:{exchange.name}" if exchange.name else key),)
