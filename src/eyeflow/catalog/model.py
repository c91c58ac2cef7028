"""The closed world as types: services, capabilities, triggers, connections, and the context of a compile.

Knows: what a loaded catalog is. In: nothing (`load.py` makes these from YAML). Out: frozen structs.
Never: reads files, searches, resolves names, opens anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from eyeflow.values import Field, Type
from eyeflow.values import Literal as JsonLiteral

Effect: TypeAlias = Literal["pure", "read", "write", "irreversible"]
AuthType: TypeAlias = Literal["none", "api_key", "basic", "bearer", "oauth2"]
Role: TypeAlias = Literal["viewer", "runner", "editor", "approver", "auditor", "owner"]

Param: TypeAlias = Field
"""A parameter of a capability or trigger is a `Field` whose `required` means the caller must give it."""


class SetupStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing a person does to get a credential: what to do, where, what to paste back."""

    say: str
    url: str = ""
    paste: str = ""


class Auth(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One way to authenticate, the easiest first in `Service.auth`.

    `place`/`name` say where an api key goes (`query appid`, `header X-Api-Key`).
    """

    type: AuthType
    place: Literal["header", "query"] | None = None
    name: str | None = None
    scopes: tuple[str, ...] = ()
    authorize: str | None = None
    token: str | None = None
    setup: tuple[SetupStep, ...] = ()


class Constraints(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Enforced at run time per connection: `rate_limit` as calls per window, and the longest text in characters."""

    rate_calls: int | None = None
    rate_window_ms: int | None = None
    max_text_chars: int | None = None


class Pages(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a list goes on over several answers.

    `items`: expression for one page's items; the root `items` is all of them so far, `page` the number of the page
    just read, from 1. `next`: query fields for the next request and their expressions; one that is null, false or
    "" ends it. More than `max` pages is the error `too_many_pages`, never a silent cut.
    """

    items: str
    next: tuple[tuple[str, str], ...]
    max: int = 20


class HttpMapping(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one capability is spoken over HTTP.

    `path`, and every leaf of `query`, `headers` and `body`, are templates over the parameters; `body` and `query`
    are canonical JSON text (a leaf that is one `{param}` keeps its type; an absent optional drops its key).
    `ok`, `error` and the leaves of `result` are LLM-IR expressions over `status`, `headers`, `body`, `params`.
    `steps`: several requests in order instead of one; each step's mapped result is `steps.NAME` in the later ones.
    `let`: names computed first, in order, from `params`, `steps` and earlier `let`; templates write `{let.NAME}`.
    `when`: on a step; false skips it and its result is null. `table`: expression for a list of lists, the first of
    them the column names; `result` then sees `rows`, each `{number, cells}`. See docs/catalog-format.md.
    """

    method: str = "GET"
    path: str = "/"
    base_url: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    encoding: Literal["json", "form", "text", "raw", "multipart"] = "json"
    ok: str | None = None
    error: str | None = None
    result: str | None = None
    retry_after: str | None = None
    any_status: bool = False
    let: tuple[tuple[str, str], ...] = ()
    when: str | None = None
    pages: Pages | None = None
    table: str | None = None
    steps: tuple[tuple[str, HttpMapping], ...] = ()


class ServiceHttp(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What all mappings of a service share. `{token}`, `{username}`, `{password}` and `{key}` name parts of the
    credential; `{name}` in `base_url` is a setting of the connection."""

    base_url: str | None = None
    auth_header: str | None = None
    auth_query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    retry_after: str | None = None


class Batch(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How many reads become one request: `capability` takes the values of `item` as its list `items`, at most `max`,
    and the other parameters as they are. Its answer, or the field `results` of it, lists what the reads would have
    given; the one whose field `match` equals an item is that item's, and an item without one is read by itself."""

    capability: str
    item: str
    items: str
    match: str
    results: str | None = None
    max: int = 100


class Capability(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing a service can do.

    `value` is the LLM-IR expression over `params` of a pure capability that needs no transport. `options` holds
    what a protocol driver (postgres, smtp, rss) needs, as canonical JSON text.
    """

    name: str
    summary: str
    phrases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    effect: Effect = "write"
    idempotent: bool = False
    idempotency_header: str | None = None
    cache_ttl_ms: int | None = None
    batch: Batch | None = None
    params: tuple[Param, ...] = ()
    returns: Type
    latency_ms: int = 100
    timeout_ms: int = 10_000
    http: HttpMapping | None = None
    value: str | None = None
    options: str | None = None

    def param(self, name: str) -> Param | None:
        """The parameter called `name`, or None."""
        for param in self.params:
            if param.name == name:
                return param
        return None


class WebhookSource(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Events that the service delivers. `signature` is a scheme of `SIGNATURES`; `id`, `match` and the leaves of
    `payload` (JSON text of a tree) are expressions over `headers` and `body`. `resolve` pairs a param with
    `capability.field`: the param is looked up when the task is deployed, and the field compared instead."""

    signature: str
    id: str | None = None
    match: str | None = None
    payload: str | None = None
    resolve: tuple[tuple[str, str], ...] = ()


class PollSource(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Events found by repeating the read `capability` every `every_ms`; the first poll only remembers.

    `params` is JSON text whose leaves are templates over the trigger's params. `items` is an expression over `result`
    for the list; of `cursor` (what is greater than the greatest seen is new) and `identity` (what was not seen is new)
    exactly one is given, over `item` and `params`, as are the leaves of `payload`.
    """

    capability: str
    params: str = "{}"
    every_ms: int = 60_000
    items: str
    cursor: str | None = None
    identity: str | None = None
    payload: str | None = None


class Source(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where events of a kind come from; with several, the one that works where EyeFlow runs."""

    webhook: WebhookSource | None = None
    poll: PollSource | None = None
    topic: str | None = None


class TriggerKind(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that happens at a service. `filters` pairs a param with an expression over `payload` and the
    params; a param without one filters by the payload field of its name, or is the source's business."""

    name: str
    summary: str
    phrases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    payload: Type
    filters: tuple[tuple[str, str], ...] = ()
    source: Source | None = None

    def param(self, name: str) -> Param | None:
        """The parameter called `name`, or None."""
        for param in self.params:
            if param.name == name:
                return param
        return None


class Service(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One file of the catalog. `digest` covers the executable part (params, returns, effects, idempotency, http,
    hosts, auth, constraints), not the words people say; `source` is the file it came from. `test` is a read without
    parameters that shows whether a credential works; programs cannot call it."""

    id: str
    title: str
    type: str
    aliases: tuple[str, ...] = ()
    connector: str
    auth: tuple[Auth, ...] = ()
    hosts: tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    capabilities: tuple[Capability, ...] = ()
    triggers: tuple[TriggerKind, ...] = ()
    http: ServiceHttp | None = None
    defaults: tuple[tuple[str, JsonLiteral], ...] = ()
    allow_roles: tuple[Role, ...] = ()
    test: HttpMapping | None = None
    digest: str = ""
    source: str = ""

    def capability(self, name: str) -> Capability | None:
        """The capability called `name`, or None."""
        for capability in self.capabilities:
            if capability.name == name:
                return capability
        return None

    def trigger(self, name: str) -> TriggerKind | None:
        """The trigger kind called `name`, or None."""
        for kind in self.triggers:
            if kind.name == name:
                return kind
        return None

    @property
    def needs_credential(self) -> bool:
        """True when every way in wants a credential."""
        return bool(self.auth) and all(way.type != "none" for way in self.auth)


class Catalog(msgspec.Struct, frozen=True):
    """All services, sorted by id. `digest` covers every byte of meaning, phrases included."""

    services: tuple[Service, ...] = ()
    digest: str = ""

    def service(self, name: str) -> Service | None:
        """The service with this id, or None."""
        for service in self.services:
            if service.id == name:
                return service
        return None


class Connection(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A named, configured use of a service. `credential` is a reference (`env:NAME`, `vault:name`), never a value.

    `defaults` fill parameters (`channel`), `settings` fill `{name}` places of the service's base URL and hosts.
    `implicit` marks the one that a service without a configured connection gets, named after the service.
    """

    name: str
    service: str
    credential: str | None = None
    defaults: tuple[tuple[str, JsonLiteral], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()
    implicit: bool = False


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who asks: `me` (name, email, phone, slack ...), zone, city, and defaults by slot (`service.param`)."""

    me: tuple[tuple[str, str], ...] = ()
    timezone: str | None = None
    city: str | None = None
    defaults: tuple[tuple[str, JsonLiteral], ...] = ()


class PolicyRule(msgspec.Struct, frozen=True):
    """`roles` that may use a capability; `capability` None means all of the service."""

    service: str
    capability: str | None
    roles: tuple[Role, ...]


class Policy(msgspec.Struct, frozen=True):
    """Who may use what; no rule for a capability means every role that may run programs."""

    rules: tuple[PolicyRule, ...] = ()


class CompileContext(msgspec.Struct, frozen=True, kw_only=True):
    """All that a compile may depend on, and all that its digest covers. `zone` is IANA; `zone_assumed` is True
    when nobody confirmed it."""

    catalog: Catalog
    connections: tuple[Connection, ...] = ()
    profile: Profile = Profile()
    now: datetime
    zone: str = "UTC"
    zone_assumed: bool = True
    principal: str = "local"
    role: Role = "owner"
    policy: Policy = Policy()
