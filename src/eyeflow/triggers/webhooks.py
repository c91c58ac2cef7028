"""Deliveries: what arrives at `/webhooks/{id}` and `/hooks/{path}` becomes a durable run, once.

Knows: in which order a delivery is judged, what is answered. In: method, headers, raw body. Out: `Received`.
Never: reads a body before its signature fits, answers before the run is on disk, runs a delivery twice.

A delivery is judged in this order: address, method, size, pause, signature, body, kind of event, declared fields,
filter. What is for nobody is accepted with 204 and runs nothing. What is for somebody is written together with the
delivery's id, and answered `{execution_id, status}`: at once, or at the end of the run when the sender asks to wait
(`Prefer: wait=10`, RFC 7240). When the program may answer the sender, the answer is what RESPOND says, as soon as it
says it: the run goes on meanwhile. The same id again gets the same run.

The payload is the task's `trigger`, and fills the inputs of the same names. A body that is no object arrives as
`trigger.body`; of a GET the payload is the fields of the query. A delivery at the address of a connection goes to
every task whose event it is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.templates import Roots
from eyeflow.engine.model import ENDED, Busy, EngineError, Principal, RunRequest
from eyeflow.errors import CallError, EyeFlowError, LoadError, RunError
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Insert, Store, StoreError
from eyeflow.store.records import DeliveryRecord, WebhookRecord
from eyeflow.svm.journal import Responded
from eyeflow.triggers.addresses import Addresses, Keys
from eyeflow.triggers.bodies import MAX_BYTES, read_body, read_form
from eyeflow.triggers.deliveries import Delivery, declared, records, restored
from eyeflow.triggers.port import ADDED, Problem, Secrets, TriggerError, WatchedEngine
from eyeflow.triggers.provider_events import EVENTS
from eyeflow.triggers.signatures import SCHEMES, Signed, verify
from eyeflow.triggers.sources import reading
from eyeflow.triggers.timing import milliseconds
from eyeflow.values import Value

ANSWER_MS: Final = 25_000
"""How long a sender may wait for the end of the run."""

_PREFER: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})")
_BODYLESS: Final = frozenset(("GET", "DELETE"))
_STATUS: Final = {"bad_input": 400, "forbidden": 403, "unknown_task": 404}


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a delivery: a `status` of HTTP, and a `body` (text goes as text/plain, anything else as JSON, None
    not at all), or an `error` that is shown as a problem. `executions` are the runs it belongs to."""

    status: int
    body: Value = None
    error: EyeFlowError | None = None
    executions: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True):
    """The run a delivery has; `again` when it had it before."""

    execution_id: str
    again: bool


class Webhooks:
    """Takes deliveries. `catalog` gives the catalog that holds now, `public_url` is what senders know us by."""

    def __init__(
        self, store: Store, engine: WatchedEngine, *, catalog: Callable[[], Catalog], secrets: Secrets, clock: Clock,
        ids: Ids, public_url: str | None = None, answer_ms: int = ANSWER_MS,
    ) -> None:  # fmt: skip
        self._store = store
        self._engine = engine
        self._catalog = catalog
        self._clock = clock
        self._ids = ids
        self._public_url = (public_url or "").rstrip("/")
        self._answer_ms = answer_ms
        self._addresses = Addresses(store, clock)
        self._keys = Keys(secrets, clock)

    def changed(self) -> None:
        """Webhooks were deployed, paused, removed, or given another secret."""
        self._addresses.forget()
        self._keys.forget()

    async def receive(
        self, name: str, method: str, headers: Mapping[str, str], body: bytes, *, query: str = "", target: str = ""
    ) -> Received:
        """Take one delivery. `name` is a webhook's id, `events-CONNECTION`, or a path that begins with `/`; `headers`
        have lower-case names; `target` is the path of the request as it was sent. Whatever a sender does wrong is in
        the answer."""
        delivery = Delivery(
            method=method.upper(), headers=headers, body=body, query=query,
            url=f"{self._public_url}{target}" + (f"?{query}" if query else ""),
            now_ms=milliseconds(self._clock.now()),
        )  # fmt: skip
        try:
            return await self._receive(name, delivery)
        except TriggerError as error:
            return Received(status=error.status, error=error)
        except (EngineError, LoadError, StoreError) as error:
            return Received(status=_STATUS.get(error.code, 503), error=error)

    async def _receive(self, name: str, delivery: Delivery) -> Received:
        rows = await self._addressed(name, delivery)
        await self._signed(rows, delivery)
        form_field = next((s.form_field for row in rows if (s := SCHEMES.get(row.scheme)) is not None), None)
        if delivery.method in _BODYLESS:
            body: Value = read_form(delivery.query)
            loose = True
        else:
            body, loose = read_body(delivery.headers, delivery.body, form_field=form_field)
        if rows[0].scheme == "slack_v0" and isinstance(body, dict) and body.get("type") == "url_verification":
            return Received(status=200, body={"challenge": body.get("challenge")})
        taken = [found for row in rows if (found := await self._take(row, delivery, body, loose)) is not None]
        if not taken:
            return Received(status=204)
        if name.startswith(EVENTS):
            return _all(taken)
        return await self._answer(rows[0], taken[0], delivery)

    async def _addressed(self, name: str, delivery: Delivery) -> list[WebhookRecord]:
        """The live webhooks of an address. Raises: TriggerError (404, 405, 413, 503)."""
        rows = await self._addresses.rows(name)
        if not rows:
            raise TriggerError(
                "unknown_webhook",
                "there is no such webhook",
                status=404,
                hint="`eyeflow webhooks list` has the addresses",
            )
        fitting = [row for row in rows if row.method == delivery.method]
        if not fitting:
            methods = tuple(sorted({row.method for row in rows}))
            said = f"this webhook takes {', '.join(methods)}"
            raise TriggerError("wrong_method", said, status=405, hint="send it so", methods=methods)
        if len(delivery.body) > MAX_BYTES:
            said = f"the body is larger than {MAX_BYTES} bytes"
            raise TriggerError("payload_too_large", said, status=413, hint="send less at a time")
        live = [row for row in fitting if row.state == "live"]
        if not live:
            raise TriggerError(
                "webhook_paused", "this webhook is paused", hint="send it again later", status=503,
                retry_after_ms=60_000,
            )  # fmt: skip
        return live

    async def _signed(self, rows: list[WebhookRecord], delivery: Delivery) -> None:
        """Raises: TriggerError (401)."""
        signed = Signed(
            headers=delivery.headers, body=delivery.body, url=delivery.url, now_s=delivery.now_ms // 1000
        )  # fmt: skip
        for scheme, reference in dict.fromkeys((row.scheme, row.secret) for row in rows):
            if scheme != "unsigned":
                verify(SCHEMES[scheme], await self._keys.credential(reference), signed)

    async def _take(self, row: WebhookRecord, delivery: Delivery, body: Value, loose: bool) -> Taken | None:
        """The run of a delivery for one webhook; None when it is not for it."""
        own: str | None = None
        if row.service is None:
            nothing = body is None and not delivery.body  # unlike the JSON text `null`, which is a value
            payload = declared(row, {} if nothing else body, loose=loose)
        else:
            read = self._read(row, delivery, body)
            if read is None:
                return None
            payload, own = read
        if row.trigger == ADDED:
            return await self._enqueue(row, delivery, payload, own)
        try:
            if not await self._engine.passes(row.task_id, row.version, row.trigger, payload):
                return None
        except RunError as error:
            if row.service is not None:
                return None
            raise _unfit(error) from None
        return await self._enqueue(row, delivery, payload, own)

    def _read(self, row: WebhookRecord, delivery: Delivery, body: Value) -> tuple[Value, str | None] | None:
        """Payload and own id of a provider's delivery; None when it is another kind of event.

        Raises: TriggerError `bad_payload`, `no_source`.
        """
        service = self._catalog().service(row.service or "")
        kind = None if service is None else service.trigger(row.event or "")
        source = None if kind is None or kind.source is None else kind.source.webhook
        if kind is None or source is None:
            message = f"the catalog has no {row.service}.{row.event} by webhook any more"
            raise TriggerError("no_source", message, hint="deploy the task again", status=503)
        headers: dict[str, Value] = dict(delivery.headers)
        roots: Roots = {"headers": headers, "body": body}
        try:
            prepared = reading(source, kind.payload)
            if not prepared.matches(roots):
                return None
            return restored(row, prepared.payload(roots)), prepared.identity(roots)
        except RunError as error:
            raise _unfit(error) from None
        except CallError as error:
            raise TriggerError(error.code, error.message, status=503) from None

    async def _enqueue(self, row: WebhookRecord, delivery: Delivery, payload: Value, own: str | None) -> Taken:
        execution_id = self._ids.new("exec")
        request = RunRequest(
            task=row.task_id, payload=payload, payload_as_input=True, origin="webhook", origin_id=row.id,
            principal=Principal(id=f"webhook:{row.id}", role="runner"), execution_id=execution_id,
        )  # fmt: skip
        rows = records(row, delivery, own, execution_id)
        if await self._engine.enqueue(request, *(Insert(each) for each in rows)) is not None:
            return Taken(execution_id, again=False)
        for each in rows:
            held = await self._store.get(DeliveryRecord, each.source_id, each.delivery_id)
            if held is not None and held.execution_id is not None:
                return Taken(held.execution_id, again=True)
        raise Busy("busy", "the delivery was being taken by somebody else")

    async def _answer(self, row: WebhookRecord, taken: Taken, delivery: Delivery) -> Received:
        wait_ms = self._answer_ms if row.answers else self._asked(delivery)
        if not wait_ms and not taken.again:
            return _standing(taken.execution_id, "queued")
        if not row.answers:
            result = await self._engine.end(taken.execution_id, wait_ms=wait_ms)
            return _standing(taken.execution_id, result.status)
        found = await self._responded(taken.execution_id, wait_ms)
        if isinstance(found, str):
            return _standing(taken.execution_id, found)
        return Received(status=found[0], body=found[1], executions=(taken.execution_id,))

    async def _responded(self, execution_id: str, wait_ms: int) -> tuple[int, Value] | str:
        """What RESPOND says, as soon as it does; the status of a run that ends, or goes on for too long, without."""
        ended = asyncio.ensure_future(self._engine.end(execution_id, wait_ms=wait_ms))
        said = asyncio.ensure_future(self._said(execution_id))
        try:
            await asyncio.wait((ended, said), return_when=asyncio.FIRST_COMPLETED)
            found = said.result() if said.done() else None
            if found is not None:
                return found
            result = await ended
            return result.status if result.response is None else result.response
        finally:
            for each in (ended, said):
                each.cancel()
            await asyncio.gather(ended, said, return_exceptions=True)

    async def _said(self, execution_id: str) -> tuple[int, Value] | None:
        """What RESPOND says, as soon as it does; None when the run ends without."""
        with suppress(EyeFlowError):  # whoever waits for the end hears of it
            async for event in self._engine.watch(execution_id):
                if isinstance(event, Responded):
                    return event.status, event.body
        return None

    def _asked(self, delivery: Delivery) -> int:
        found = _PREFER.search(delivery.headers.get("prefer", ""))
        return 0 if found is None else min(int(found[1]) * 1000, self._answer_ms)


def _standing(execution_id: str, status: str) -> Received:
    body: dict[str, Value] = {"execution_id": execution_id, "status": status}
    return Received(status=200 if status in ENDED else 202, body=body, executions=(execution_id,))


def _all(taken: list[Taken]) -> Received:
    runs = tuple(each.execution_id for each in taken)
    listed: list[Value] = [{"execution_id": name, "status": "queued"} for name in runs]
    return Received(status=202, body={"executions": listed}, executions=runs)


def _unfit(error: RunError) -> TriggerError:
    problem = Problem(error.code, "trigger", error.message)
    return TriggerError("bad_payload", f"the payload cannot be read: {error.message}", problems=(problem,))
