"""Registrations of events that the catalog describes: by webhook, by polling, from a topic.

Knows: which way works where this server runs, and what it needs. In: event triggers, the catalog. Out: rows in a
`Draft`, notes. Never: writes rows, signs anything.

All events of a connection arrive at one address, `/webhooks/events-CONNECTION`, signed with one secret: a Slack app
and a Twilio number have only one. A delivery goes to every task whose event it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from eyeflow.catalog.model import Catalog, Connection, PollSource, Service, Source, TriggerKind, WebhookSource
from eyeflow.connectors.templates import dig
from eyeflow.ir.program import Program, TriggerCode
from eyeflow.ir.task import Event
from eyeflow.store.records import PollRecord, WebhookRecord
from eyeflow.triggers.drafting import Draft, Keeper, Note
from eyeflow.triggers.port import TriggerError
from eyeflow.triggers.signatures import SCHEMES
from eyeflow.triggers.sources import polling, reading
from eyeflow.values import Value


class Lookup(Protocol):
    """One read outside of any run."""

    def __call__(
        self, connection: str, capability: str, params: Mapping[str, Value], *, practice: bool = False
    ) -> Awaitable[Value]:
        """What the service says; a practice one, with `practice`. Raises: CallError."""
        ...


EVENTS: Final = "events-"
"""What the name of a connection's address begins with."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One event trigger with all it names."""

    number: int
    service: Service
    connection: Connection
    kind: TriggerKind
    params: dict[str, Value]


class EventRows:
    """Adds the rows of event triggers."""

    def __init__(self, keeper: Keeper, lookup: Lookup, public_url: str | None) -> None:
        self._keeper = keeper
        self._lookup = lookup
        self._public_url = public_url

    async def add(
        self, draft: Draft, number: int, trigger: TriggerCode, catalog: Catalog, connections: Sequence[Connection]
    ) -> None:
        """The row of one trigger. Raises: TriggerError; CallError when a name cannot be looked up."""
        heard = _heard(draft.program, number, trigger, catalog, connections)
        source = heard.kind.source or Source()
        if await self._by_webhook(source, heard.connection):
            assert source.webhook is not None, "that is what was asked"
            await self._webhook(draft, heard, source.webhook)
        elif source.poll is not None:
            _poll(draft, heard, source.poll)
        elif source.topic is not None:
            draft.subscribe(number, source.topic)
        elif source.webhook is not None:
            label = f"{heard.service.title} sends {heard.kind.name} by webhook only"
            hint = "set `server.public_url` to the address of this server on the internet"
            raise TriggerError("needs_public_url", label, hint=hint, status=422)
        else:
            message = f"the catalog does not say where {heard.service.id}.{heard.kind.name} comes from"
            raise TriggerError("no_source", message, hint="add `source:` to the trigger", status=422)

    async def _by_webhook(self, source: Source, connection: Connection) -> bool:
        if source.webhook is None or self._public_url is None:
            return False
        if source.poll is None:
            return True
        reference = _secret_of(source.webhook, connection)
        return reference is not None and await self._is_known(reference)

    async def _is_known(self, reference: str) -> bool:
        prefix, _, name = reference.partition(":")
        return prefix != "vault" or await self._keeper.known(name)

    async def _webhook(self, draft: Draft, heard: Heard, source: WebhookSource) -> None:
        reading(source, heard.kind.payload)  # what cannot be prepared is refused now, not at the first delivery
        resolved = await self._resolved(heard, source, practice=draft.practice)
        reference = await self._reference(draft, heard, source)
        for row in draft.former.webhooks:
            if (row.connection, row.event) == (heard.connection.name, heard.kind.name) and not draft.kept(row):
                draft.keep(row, heard.number, scheme=source.signature, secret=reference, resolved=resolved)
                return
        identity = draft.ids.new("hook")
        draft.add(
            WebhookRecord(
                id=identity, task_id=draft.task_id, version=draft.version, trigger=heard.number, path=identity,
                scheme=source.signature, secret=reference, service=heard.service.id, event=heard.kind.name,
                connection=heard.connection.name, resolved=resolved, created_by=draft.created_by,
                created_ms=draft.now_ms,
            )
        )  # fmt: skip

    async def _reference(self, draft: Draft, heard: Heard, source: WebhookSource) -> str:
        """The reference of the connection's signing secret; a note when somebody has to do something for it."""
        title, address = heard.service.title, f"{self._public_url}/webhooks/{EVENTS}{heard.connection.name}"
        reference = _secret_of(source, heard.connection)
        if reference is None:
            message = f"{title} signs with the account's password, and {heard.connection.name} has no credential"
            raise TriggerError("no_webhook_secret", message, hint="connect the account first", status=422)
        name = reference.removeprefix("vault:")
        if await self._is_known(reference) or any(made.name == name for made in draft.made):
            return reference
        if SCHEMES[source.signature].secret == "ours":
            draft.make(name, f"/webhooks/{EVENTS}{heard.connection.name}", standard=source.signature == "standard")
            hint = "give it the signing secret that is shown with this"
        else:
            hint = f"copy its signing secret: eyeflow secrets set {name}"
        draft.notes.append(Note(code="set_up_webhook", message=f"let {title} send its events to {address}", hint=hint))
        return reference

    async def _resolved(self, heard: Heard, source: WebhookSource, *, practice: bool) -> bytes:
        """What the provider sends for a name that a person wrote, looked up once."""
        found: dict[str, tuple[Value, Value]] = {}
        for name, text in source.resolve:
            written = heard.params.get(name)
            if written is None:
                continue
            capability, _, path = text.partition(".")
            answer = await self._lookup(heard.connection.name, capability, {name: written}, practice=practice)
            sent = dig(answer, tuple(path.split(".")))
            if sent is None:
                message = f"{heard.service.title} knows no {name} called {str(written)[:80]!a}"
                raise TriggerError("not_found", message, hint="check how it is written", status=422)
            found[name] = (written, sent)
        return msgspec.json.encode(found)


def _heard(
    program: Program, number: int, trigger: TriggerCode, catalog: Catalog, connections: Sequence[Connection]
) -> Heard:
    """Raises: TriggerError `unknown_connection`, `unknown_trigger`."""
    spec = trigger.spec
    assert isinstance(spec, Event), "other triggers are not heard of"
    connection = next((each for each in connections if each.name == spec.service), None)
    service = catalog.service(connection.service if connection is not None else spec.service)
    if service is None:
        message = f"there is no connection or service {spec.service[:80]!a}"
        raise TriggerError("unknown_connection", message, hint="connect the account first", status=422)
    kind = service.trigger(spec.event)
    if kind is None:
        message = f"{service.id} has no event {spec.event[:80]!a}"
        raise TriggerError("unknown_trigger", message, hint="compile the task again", status=422)
    given = {name: program.constants[index].value.value for name, index in trigger.params}
    defaults = {param.name: param.default.value for param in kind.params if param.default is not None}
    return Heard(
        number=number, service=service, kind=kind, params={**defaults, **given},
        connection=connection or Connection(name=service.id, service=service.id, implicit=True),
    )  # fmt: skip


def _secret_of(source: WebhookSource, connection: Connection) -> str | None:
    if SCHEMES[source.signature].secret == "credential":
        return connection.credential
    return f"vault:signing_{connection.name}"


def _poll(draft: Draft, heard: Heard, source: PollSource) -> None:
    polling(source, heard.kind)
    params = msgspec.json.encode(heard.params, order="sorted")
    same = (heard.service.id, heard.kind.name, heard.connection.name, params)
    for row in draft.former.polls:
        if (row.service, row.event, row.connection, row.params) == same and not draft.kept(row):
            if row.state == "live":
                draft.keep(row, heard.number, every_ms=source.every_ms)
            else:
                draft.keep(row, heard.number, every_ms=source.every_ms, next_ms=draft.now_ms, cursor=None, failures=0)
            return
    draft.add(
        PollRecord(
            id=draft.ids.new("poll"), task_id=draft.task_id, version=draft.version, trigger=heard.number,
            service=heard.service.id, event=heard.kind.name, connection=heard.connection.name, params=params,
            every_ms=source.every_ms, next_ms=draft.now_ms,
        )
    )  # fmt: skip
