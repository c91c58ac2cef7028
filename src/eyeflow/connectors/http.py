"""The declarative connector: speaks any service whose file says how, and is code for none of them.

Knows: how a call becomes one or several requests, where the credential goes, and that it must not come back.
In: capability, parameters, idempotency key. Out: the mapped result, or CallError. Never: names a provider, retries,
follows the service's word to a host that is not the connection's.

A credential goes with requests to origins that the catalog, the connection or the caller named. A URL that an earlier
answer named (an upload address) gets it only at the service's own origin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from eyeflow.catalog.model import Capability
from eyeflow.connectors.credentials import no_credential
from eyeflow.connectors.formulas import Outline, outline, shape
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


class _Prepared(msgspec.Struct, frozen=True):
    """A capability ready to be called: its steps (one without a name when there is no list) and what they give."""

    capability: Capability
    signature: Signature
    exchanges: tuple[Exchange, ...]
    result: Outline | None


class HttpConnector:
    """One connection to one HTTP service. `open_transport` makes the transport for a pool of that size."""

    def __init__(self, open_transport: Callable[[int], HttpTransport]) -> None:
        self._open_transport = open_transport
        self._transport: HttpTransport | None = None
        self._config: ConnectorConfig | None = None
        self._prepared: dict[str, _Prepared] = {}
        self._redactor = (_NOTHING, Redactor(_NOTHING))
        self._login_of: tuple[Credential, tuple[Headers, Headers]] = (_NOTHING, ((), ()))

    async def initialize(self, config: ConnectorConfig) -> None:
        """Prepare the capabilities, check that the credential exists, connect to the base URL if the file has one.

        Raises: CallError when there is no credential, or the service cannot be reached.
        """
        self._config = config
        self._settings = dict(config.connection.settings)
        self._rules = rules_for(config.service, config.connection)
        self._login = Login(config.service)
        self._transport = self._open_transport(config.pool)
        for capability in config.service.capabilities:
            if capability.http is not None:
                with suppress(CallError):  # a mapping that cannot be prepared fails the calls that use it
                    self._prepare(capability.name)
        credential = await self._credential()
        if credential is not _NOTHING:
            self._login.apply(credential)
        self._home = self._home_origin()
        if self._home is not None:
            await self._transport.warm(str(self._home), self._rules)

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """Run capability `method` once. Raises: CallError, never with the credential in its words."""
        assert self._config is not None, "a connector is initialised before it is called"
        prepared = self._prepare(method)
        credential = await self._credential()
        run = self._run(prepared, credential, key)
        try:
            return await run.result(params)
        except CallError as error:
            again = None
            if credential.renew is not None and error.code == "unauthorized" and not run.wrote:
                again = await credential.renew(credential)
            if again is None:
                raise
        return await self._run(prepared, again, key).result(params)

    def _run(self, prepared: _Prepared, credential: Credential, key: str | None) -> _Run:
        if self._redactor[0] != credential:
            self._redactor = (credential, Redactor(credential))
        return _Run(self, prepared, credential, self._redactor[1], key)

    async def cleanup(self) -> None:
        """Close the pool."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def exchange(
        self, draft: Draft, credential: Credential, *, safe: bool, deadline: float, key: Headers
    ) -> HttpResponse:
        """Send `draft` with the credential where it belongs. Raises: CallError, EgressDenied."""
        assert self._transport is not None
        secret, fields = self._applied(credential)
        if draft.answered and (self._home is None or draft.url.origin != self._home.origin):
            secret, fields = (), ()
        own = draft.own
        if own and secret:
            raise CallError("permanent", "bad_header", f"{own[0][0]} is the connection's to set", hint="leave it out")
        url = draft.url
        if fields:
            mark = "&" if "?" in url.target else "?"
            url = msgspec.structs.replace(url, target=url.target + mark + query_text(fields))
        left = deadline - asyncio.get_running_loop().time()
        return await self._transport.send(
            HttpRequest(
                method=draft.method,
                url=url,
                rules=self._rules,
                headers=draft.headers + key if key else draft.headers,
                credential=secret or own,
                body=draft.body,
                safe=safe,
                confidential=bool(secret or fields or own),
                timeout_ms=max(1, round(left * 1000)),
            )
        )

    def _applied(self, credential: Credential) -> tuple[Headers, Headers]:
        """How the credential goes with requests, worked out once for each credential."""
        if credential is _NOTHING:
            return (), ()
        if self._login_of[0] != credential:
            self._login_of = (credential, self._login.apply(credential))
        return self._login_of[1]

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

    async def _credential(self) -> Credential:
        assert self._config is not None
        if self._config.credential is not None:
            return await self._config.credential()
        if self._config.service.needs_credential:
            raise no_credential(
                f"{self._config.service.title} needs an account", hint="give the connection a credential reference"
            )
        return _NOTHING

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
        prepared = _Prepared(
            capability,
            Signature(capability),
            tuple(Exchange(service, capability, step, self._settings, name) for name, step in steps),
            outline(mapping.result) if mapping.steps and mapping.result is not None else None,
        )
        self._prepared[method] = prepared
        return prepared


def _everything(response: HttpResponse) -> bytes:
    """What an answer says, in one piece."""
    values = [value for _, value in response.headers]
    return "\n".join(values).encode("utf-8", "surrogatepass") + b"\n" + response.body


class _Run:
    """One call: its values, how far it got, and when it has to end."""

    def __init__(
        self, connector: HttpConnector, prepared: _Prepared, credential: Credential, redactor: Redactor, key: str | None
    ) -> None:
        self._connector = connector
        self._prepared = prepared
        self._credential = credential
        self._redactor = redactor
        self._key = key
        self._wrote = False
        longest = max(prepared.capability.timeout_ms, LONGEST_CALL_MS)
        self._deadline = asyncio.get_running_loop().time() + longest / 1000

    @property
    def wrote(self) -> bool:
        """True once a write was answered."""
        return self._wrote

    async def result(self, params: Mapping[str, Value]) -> Value:
        """The result, or a failure without the credential in its words. Raises: CallError."""
        try:
            return await self._result(params)
        except CallError as error:
            error.message, error.hint = self._redactor.text(error.message), self._redactor.text(error.hint)
            error.args = (error.message,)
            raise

    async def _result(self, params: Mapping[str, Value]) -> Value:
        """Do the steps in order. Once a write was answered, no later failure counts as surely not done."""
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
                value = shape(self._prepared.result, roots)
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
                self._credential,
                safe=exchange.safe,
                deadline=self._deadline,
                key=self._key_header(exchange),
            )
            self._read(exchange, response, roots)
            self._wrote = self._wrote or not exchange.safe
            if pages is None:
                break
            more = exchange.page(roots)
            if not more:
                break
        else:
            raise CallError("permanent", "too_many_pages", f"the list has more than {number} pages")
        return exchange.result(roots)

    def _read(self, exchange: Exchange, response: HttpResponse, roots: Roots) -> None:
        """Read an answer, with every echo of the credential gone before anything looks at it."""
        if response.practice and (said := response.header(PRACTICE_HEADER)):
            raise CallError("permanent", "practice_mismatch", said)
        redactor = self._redactor
        dirty = self._credential is not _NOTHING and redactor.holds(_everything(response))
        try:
            exchange.read(response, roots)
        finally:
            if dirty:
                for name in ("headers", "body", "rows"):
                    if name in roots:
                        roots[name] = redactor.value(roots[name])

    def _key_header(self, exchange: Exchange) -> Headers:
        header = self._prepared.capability.idempotency_header
        if header is None or self._key is None or exchange.safe:
            return ()
        return (checked_header(header, f"{self._key}:{exchange.name}" if exchange.name else self._key),)
