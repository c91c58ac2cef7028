"""One service document as a `Service`.

Knows: the keys of a service file, their defaults and limits. In: a `Document`. Out: `Service` and findings.
Never: opens files, compares services with each other, parses expressions.
"""

from __future__ import annotations

import re
from typing import Final, Literal, cast

import msgspec

from eyeflow.catalog.batches import check_batches, read_batch
from eyeflow.catalog.digests import service_digest
from eyeflow.catalog.mapping import read_hosts, read_mapping, read_service_http
from eyeflow.catalog.model import (
    Auth,
    AuthType,
    Capability,
    Constraints,
    Effect,
    HttpMapping,
    Param,
    Role,
    Service,
    ServiceHttp,
    SetupStep,
    TriggerKind,
)
from eyeflow.catalog.nodes import Node, Problems
from eyeflow.catalog.reading import Document
from eyeflow.catalog.schema import NAME, read_fields, read_type
from eyeflow.catalog.sources import read_source
from eyeflow.diagnostics import Report
from eyeflow.values import JSON, STRING, literal
from eyeflow.values import Literal as JsonLiteral

EFFECTS: Final = ("pure", "read", "write", "irreversible")
AUTH_TYPES: Final = ("none", "api_key", "basic", "bearer", "oauth2")
ROLES: Final = ("viewer", "runner", "editor", "approver", "auditor", "owner")

SERVICE_KEYS: Final = frozenset(
    {
        "service", "title", "type", "aliases", "connector", "auth", "hosts", "constraints", "capabilities", "triggers",
        "http", "policy", "defaults", "test",
    }
)  # fmt: skip
CAPABILITY_KEYS: Final = frozenset(
    {
        "summary", "phrases", "examples", "effect", "idempotent", "idempotency", "cache_ttl", "batch", "params",
        "returns", "latency_ms", "timeout_ms", "http", "value", "options",
    }
)  # fmt: skip
TRIGGER_KEYS: Final = frozenset({"summary", "phrases", "examples", "params", "payload", "filter", "source"})
_AUTH_KEYS: Final = frozenset({"type", "place", "name", "scopes", "authorize", "token", "setup"})
_SETUP_KEYS: Final = frozenset({"say", "url", "paste"})
_CONSTRAINT_KEYS: Final = frozenset({"rate_limit", "max_text_chars"})

_RATE: Final = re.compile(r"\s*([0-9]{1,9})\s*/\s*([0-9]{0,6})\s*([a-z]+)\s*\Z")
_DURATION: Final = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([a-z]+)\s*\Z")
_UNIT_MS: Final = {
    "ms": 1, "s": 1000, "sec": 1000, "second": 1000, "m": 60_000, "min": 60_000, "minute": 60_000, "h": 3_600_000,
    "hour": 3_600_000, "d": 86_400_000, "day": 86_400_000, "w": 604_800_000, "week": 604_800_000,
}  # fmt: skip


def read_service(document: Document) -> tuple[Service | None, Report]:
    """The service a document describes; None when anything in it is an error."""
    problems = Problems()
    node = Node(document, problems, document.data)
    service = _service(node) if node.is_mapping() else None
    if service is None or problems.errors:
        return None, problems.report()
    service = msgspec.structs.replace(service, source=document.source)
    return msgspec.structs.replace(service, digest=service_digest(service)), problems.report()


def parse_duration_ms(text: str) -> int | None:
    """Milliseconds of `10m`, `1.5s`, `250 ms`, `2 hours`; None when it is no duration."""
    found = _DURATION.match(text.lower())
    scale = _UNIT_MS.get(_singular(found.group(2))) if found else None
    return round(float(found.group(1)) * scale) if found and scale else None


def parse_rate(text: str) -> tuple[int, int] | None:
    """Calls and window in milliseconds of `60/min`, `5/s`, `100/10s`; None when it is no rate."""
    found = _RATE.match(text.lower())
    scale = _UNIT_MS.get(_singular(found.group(3))) if found else None
    if found is None or scale is None:
        return None
    calls, window = int(found.group(1)), int(found.group(2) or 1) * scale
    return (calls, window) if calls > 0 and window > 0 else None


def _singular(unit: str) -> str:
    return unit[:-1] if unit.endswith("s") and unit not in ("s", "ms") else unit


def _service(node: Node) -> Service:
    node.only(SERVICE_KEYS, "a service")
    name = _identifier(node, "service")
    hosts = read_hosts(node.get("hosts"))
    http_node = node.get("http")
    http = read_service_http(http_node, hosts) if http_node is not None and http_node.is_mapping() else None
    constraints = _constraints(node.get("constraints"))
    capabilities = _capabilities(node, hosts, http, constraints.max_text_chars)
    triggers = _triggers(node, capabilities)
    if not capabilities and not triggers and not node.problems.errors:
        node.problem("empty_service", "it has no capability and no trigger", "add `capabilities:`")
    return Service(
        id=name,
        title=node.text("title", required=True),
        type=node.text("type", required=True),
        aliases=node.texts("aliases", limit=200),
        connector=_identifier(node, "connector"),
        auth=_auth(node.get("auth")),
        hosts=hosts,
        constraints=constraints,
        capabilities=capabilities,
        triggers=triggers,
        http=http,
        defaults=_defaults(node.get("defaults"), capabilities),
        allow_roles=_allow_roles(node.get("policy")),
        test=_test(node.get("test"), hosts, http),
    )


def _test(node: Node | None, hosts: tuple[str, ...], http: ServiceHttp | None) -> HttpMapping | None:
    """A read that shows whether a credential works: a mapping without parameters."""
    if node is None or not node.is_mapping():
        return None
    return read_mapping(node, [], hosts, based=http is not None and http.base_url is not None)


def _identifier(node: Node, key: str) -> str:
    text = node.text(key, required=True)
    if text and not NAME.match(text):
        hint = "letters, digits, `_`, `-` and `.`, at most 200"
        node.child(key, text).problem("bad_name", f"`{text[:60]}` is not a name", hint)
        return ""
    return text


def _constraints(node: Node | None) -> Constraints:
    if node is None or not node.is_mapping():
        return Constraints()
    node.only(_CONSTRAINT_KEYS, "`constraints`")
    rate = None
    text = node.optional_text("rate_limit")
    if text is not None:
        rate = parse_rate(text)
        if rate is None:
            place = node.child("rate_limit", text)
            place.problem("bad_rate", f"`{text[:60]}` is not a rate", "calls per window: `60/min`, `5/s`, `1000/day`")
    calls, window_ms = rate or (None, None)
    most = node.integer("max_text_chars", least=1)
    return Constraints(rate_calls=calls, rate_window_ms=window_ms, max_text_chars=most)


def _auth(node: Node | None) -> tuple[Auth, ...]:
    """One way in, or several, the easiest first."""
    if node is None:
        return ()
    if type(node.value) is dict:
        return (_one_auth(node),)
    if type(node.value) is list:
        return tuple(_one_auth(item) for item in node.items() if item.is_mapping())
    node.wrong_type("a mapping or a list of mappings")
    return ()


def _one_auth(node: Node) -> Auth:
    node.only(_AUTH_KEYS, "`auth`")
    if not node.has("type"):
        node.missing("type")
    kind = cast(AuthType, node.choice("type", AUTH_TYPES, "none"))
    place = node.choice("place", ("header", "query"), "") or None
    if kind == "api_key" and place is not None and not node.has("name"):
        node.missing("name")
    return Auth(
        type=kind,
        place=cast("Literal['header', 'query'] | None", place),
        name=node.optional_text("name"),
        scopes=node.texts("scopes"),
        authorize=_https(node, "authorize"),
        token=_https(node, "token"),
        setup=_setup(node.get("setup")),
    )


def _https(node: Node, key: str) -> str | None:
    text = node.optional_text(key)
    if text is not None and not re.match(r"https://[^\s@\\]+\Z", text):
        node.child(key, text).problem("bad_url", f"`{key}` must be an https address", "https://...")
        return None
    return text


def _setup(node: Node | None) -> tuple[SetupStep, ...]:
    if node is None:
        return ()
    steps: list[SetupStep] = []
    for item in node.items():
        if item.is_mapping():
            item.only(_SETUP_KEYS, "a setup step")
            say = item.text("say", required=True)
            steps.append(SetupStep(say, _https(item, "url") or "", item.text("paste")))
    return tuple(steps)


def _allow_roles(node: Node | None) -> tuple[Role, ...]:
    if node is None or not node.is_mapping():
        return ()
    node.only(frozenset({"allow"}), "`policy`")
    allow = node.get("allow")
    if allow is None or not allow.is_mapping():
        return ()
    allow.only(frozenset({"roles"}), "`allow`")
    spec = allow.get("roles")
    if spec is None:
        return ()
    roles = [item.one_of(ROLES, "") for item in spec.items()]
    if not roles:
        spec.problem("empty_policy", "`roles` lets nobody in", "name a role, or remove `policy`")
    return tuple(cast(Role, role) for role in dict.fromkeys(roles) if role)


def _defaults(node: Node | None, capabilities: tuple[Capability, ...]) -> tuple[tuple[str, JsonLiteral], ...]:
    if node is None:
        return ()
    known = {param.name for capability in capabilities for param in capability.params}
    known |= {f"{c.name}.{param.name}" for c in capabilities for param in c.params}
    found: list[tuple[str, JsonLiteral]] = []
    for name, item in node.entries():
        if name not in known and not node.problems.errors:
            item.problem("unknown_param", f"no capability has a parameter `{name[:60]}`", "see `params`")
        found.append((name, literal(item.value)))
    return tuple(found)


def _capabilities(
    node: Node, hosts: tuple[str, ...], http: ServiceHttp | None, most_chars: int | None
) -> tuple[Capability, ...]:
    spec = node.get("capabilities")
    if spec is None:
        return ()
    based = http is not None and http.base_url is not None
    found = tuple(
        _capability(name, item, hosts, based, most_chars)
        for name, item in spec.entries()
        if _entry_named(name, item) and item.is_mapping()
    )
    if not node.problems.errors:
        check_batches(spec, found)
    return found


def _entry_named(name: str, item: Node) -> bool:
    if NAME.match(name):
        return True
    item.problem("bad_name", f"`{name[:60]}` is not a name", "letters, digits, `_`, `-` and `.`, at most 200")
    return False


def _capability(name: str, node: Node, hosts: tuple[str, ...], based: bool, most_chars: int | None) -> Capability:
    node.only(CAPABILITY_KEYS, "a capability")
    effect = cast(Effect, node.choice("effect", EFFECTS, "write"))
    params_node = node.get("params")
    fields = () if params_node is None else read_fields(params_node, promised=False)
    params = tuple(_capped(field, most_chars) for field in fields)
    returns = node.get("returns")
    http = node.get("http")
    mapping = None
    if http is not None and http.is_mapping():
        mapping = read_mapping(http, [param.name for param in params], hosts, based=based)
    value = node.optional_text("value")
    if value is not None and effect != "pure":
        node.child("value", value).problem("value_not_pure", "only a pure capability is a `value`", "effect: pure")
    options = node.get("options")
    return Capability(
        name=name,
        summary=node.text("summary"),
        phrases=node.texts("phrases"),
        examples=node.texts("examples"),
        effect=effect,
        idempotent=node.flag("idempotent", effect in ("pure", "read")),
        idempotency_header=_idempotency(node.get("idempotency")),
        cache_ttl_ms=_cache_ttl(node),
        batch=read_batch(node.get("batch")),
        params=params,
        returns=JSON if returns is None else read_type(returns, promised=True),
        latency_ms=_or(node.integer("latency_ms", most=86_400_000), 100),
        timeout_ms=_or(node.integer("timeout_ms", least=1, most=86_400_000), 10_000),
        http=mapping,
        value=value,
        options=None if options is None or not options.is_mapping() else literal(options.value).json,
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _capped(param: Param, most_chars: int | None) -> Param:
    """`max_text_chars` of the service bounds its free-text parameters that state no tighter length themselves."""
    if most_chars is None or param.role != "content" or param.type != STRING:
        return param
    if param.max_length is not None and param.max_length <= most_chars:
        return param
    return msgspec.structs.replace(param, max_length=most_chars)


def _idempotency(node: Node | None) -> str | None:
    if node is None or not node.is_mapping():
        return None
    node.only(frozenset({"header"}), "`idempotency`")
    return node.optional_text("header")


def _cache_ttl(node: Node) -> int | None:
    text = node.optional_text("cache_ttl")
    if text is None:
        return None
    ms = parse_duration_ms(text)
    if ms is None:
        node.child("cache_ttl", text).problem("bad_duration", f"`{text[:60]}` is not a duration", "`10m`, `1h`, `30s`")
    return ms


def _triggers(node: Node, capabilities: tuple[Capability, ...]) -> tuple[TriggerKind, ...]:
    spec = node.get("triggers")
    if spec is None:
        return ()
    return tuple(
        _trigger(name, item, capabilities)
        for name, item in spec.entries()
        if _entry_named(name, item) and item.is_mapping()
    )


def _trigger(name: str, node: Node, capabilities: tuple[Capability, ...]) -> TriggerKind:
    node.only(TRIGGER_KEYS, "a trigger")
    params_node = node.get("params")
    params = () if params_node is None else read_fields(params_node, promised=False)
    payload = node.get("payload")
    return TriggerKind(
        name=name,
        summary=node.text("summary"),
        phrases=node.texts("phrases"),
        examples=node.texts("examples"),
        params=params,
        payload=JSON if payload is None else read_type(payload, promised=True),
        filters=_filters(node.get("filter"), {param.name for param in params}),
        source=read_source(node.get("source"), params, capabilities),
    )


def _filters(node: Node | None, params: set[str]) -> tuple[tuple[str, str], ...]:
    if node is None:
        return ()
    found: list[tuple[str, str]] = []
    for name, item in node.entries():
        text = item.as_text()
        if name not in params:
            item.problem("unknown_param", f"the trigger has no parameter `{name[:60]}`", "see its `params`")
        if text is not None:
            found.append((name, text))
    return tuple(found)
