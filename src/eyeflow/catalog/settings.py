"""`eyeflow.toml`: connections, profile and policy of a workspace.

Knows: the sections `[connections.NAME]`, `[profile]`, `[policy]`; other sections belong to other rooms.
In: TOML text. Out: `Settings` and findings. Never: holds a secret: credentials are references (`env:NAME`,
`vault:name`), a value that looks like a secret is refused, and no finding repeats it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Hashable
from pathlib import Path
from typing import Final, cast
from zoneinfo import available_timezones

import msgspec

from eyeflow.catalog.mapping import read_hosts
from eyeflow.catalog.model import Catalog, Connection, Policy, PolicyRule, Profile, Role, Service
from eyeflow.catalog.nodes import Node, Problems
from eyeflow.catalog.policies import ROLES
from eyeflow.catalog.reading import MAX_BYTES, Document, Position, decode, read_data
from eyeflow.catalog.registry import ServiceRegistry
from eyeflow.catalog.schema import NAME
from eyeflow.conform import conform
from eyeflow.diagnostics import Diagnostic, Place, Report, nearest, report
from eyeflow.values import Literal as JsonLiteral
from eyeflow.values import literal

SECTIONS: Final = frozenset({"connections", "profile", "policy"})
_CONNECTION_KEYS: Final = frozenset({"service", "credential", "defaults", "settings", "hosts"})
_PROFILE_KEYS: Final = frozenset({"me", "timezone", "city", "defaults"})
_REFERENCE: Final = re.compile(r"(?:env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9_][A-Za-z0-9_./\-]*)\Z")
_SECRET_KEY: Final = re.compile(
    r"(?:^|[_\-])(?:token|secret|password|passwd|pwd|api[_\-]?key|apikey|private[_\-]?key|authorization)$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = re.compile(
    r"(?:xox[abposr]-|xapp-|sk_live_|sk_test_|rk_live_|gh[pousr]_|github_pat_|glpat-|AKIA[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_\-]{30}|eyJ[A-Za-z0-9_\-]{12}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY|Bearer\s{1,4}\S{12}"
    r"|://[^/\s:@]{1,200}:[^/\s@]{1,200}@)"
)
_MAX_LINE: Final = 500
_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]#]+?)\s*\]\s*(?:#.*)?\Z")
_KEY: Final = re.compile(
    r"\s*((?:[A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_\-]+)")


class Settings(msgspec.Struct, frozen=True):
    """What `eyeflow.toml` says that a compile depends on."""

    connections: tuple[Connection, ...] = ()
    profile: Profile = Profile()
    policy: Policy = Policy()


def load_settings(path: Path, catalog: Catalog | None = None) -> tuple[Settings | None, Report]:
    """The settings in a file; with a catalog, services, parameters and values are checked against it."""
    source = str(path)
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        return None, report([Diagnostic("unreadable", f"cannot be read: {why.lower()}", place=Place(source=source))])
    text, problem = decode(raw, source)
    if text is None:
        assert problem is not None
        return None, report([problem])
    return parse_settings(text, source, catalog)


def parse_settings(
    text: str, source: str = "eyeflow.toml", catalog: Catalog | None = None
) -> tuple[Settings | None, Report]:
    """The settings in TOML text; None when anything in them is an error."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, report([_toml_problem(str(error), source)])
    except (RecursionError, ValueError):
        return None, report([Diagnostic("bad_toml", "nested too deeply, or a number too long", place=Place(source))])
    own = {key: value for key, value in data.items() if key in SECTIONS}
    document, problem = read_data(own, source)
    if document is None:
        assert problem is not None
        return None, report([problem])
    located = Document(document.data, source, _positions(text, own))
    problems = Problems()
    _warn_misspelt(data, located, problems)
    settings = _settings(Node(located, problems, located.data), catalog)
    return (None if problems.errors else settings), problems.report()


def read_profile(data: object, source: str = "profile") -> tuple[Profile | None, Report]:
    """A profile given as data: `{"timezone", "city", "me": {...}, "defaults": {...}}`."""
    document, problem = read_data(data, source)
    if document is None:
        assert problem is not None
        return None, report([problem])
    problems = Problems()
    profile = _profile(Node(document, problems, document.data))
    return (None if problems.errors else profile), problems.report()


def read_connection(
    name: str, data: object, catalog: Catalog | None = None, source: str = "connection"
) -> tuple[Connection | None, Report]:
    """A connection given as data: `{"service", "credential", "defaults", "settings", "hosts"}`."""
    document, problem = read_data(data, source)
    if document is None:
        assert problem is not None
        return None, report([problem])
    problems = Problems()
    node = Node(document, problems, document.data)
    registry = ServiceRegistry(catalog) if catalog is not None else None
    found = _connection(name, node, registry) if node.is_mapping() else None
    return (None if problems.errors else found), problems.report()


def _settings(node: Node, catalog: Catalog | None) -> Settings:
    registry = ServiceRegistry(catalog) if catalog is not None else None
    connections = node.get("connections")
    profile = node.get("profile")
    policy = node.get("policy")
    found = [] if connections is None else [
        _connection(name, item, registry) for name, item in connections.entries() if item.is_mapping()
    ]  # fmt: skip
    return Settings(
        tuple(sorted((each for each in found if each is not None), key=lambda each: each.name)),
        Profile() if profile is None else _profile(profile),
        Policy() if policy is None else _policy(policy, registry),
    )


def _connection(name: str, node: Node, registry: ServiceRegistry | None) -> Connection | None:
    if not NAME.match(name):
        node.problem("bad_name", f"`{name[:60]}` is not a name", "letters, digits, `_`, `-` and `.`")
        return None
    _refuse_secrets(node)
    secret_keys = {key for key, _ in node.entries() if _SECRET_KEY.search(key)}
    node.only(_CONNECTION_KEYS | secret_keys, "a connection")
    named = node.text("service", required=True)
    service = _service(node, named, registry)
    defaults = _literals(node.get("defaults"))
    if service is not None and defaults:
        _check_defaults(node, defaults, service)
    return Connection(
        name=name,
        service=service.id if service is not None else named,
        credential=_credential(node),
        defaults=defaults,
        settings=_texts(node.get("settings")),
        hosts=read_hosts(node.get("hosts")),
    )


def _service(node: Node, named: str, registry: ServiceRegistry | None, key: str = "service") -> Service | None:
    if registry is None or not named:
        return None
    service, found = registry.find(named)
    for each in found.diagnostics:
        node.child(key, named).problem(each.code, each.message, each.hint)
    return service


def _credential(node: Node) -> str | None:
    spec = node.get("credential")
    if spec is None:
        return None
    if isinstance(spec.value, str) and _REFERENCE.match(spec.value):
        return spec.value
    spec.problem("inline_secret", "`credential` must be a reference, never the secret", "`env:NAME` or `vault:name`")
    return None


def _refuse_secrets(node: Node) -> None:
    """Report every place of a connection that holds a secret; what it holds is not repeated."""
    pending = [node]
    while pending:
        here = pending.pop()
        if isinstance(here.value, dict | list):
            pairs = here.value.items() if isinstance(here.value, dict) else enumerate(here.value)
            pending.extend(here.child(key, value) for key, value in pairs)
        elif isinstance(here.value, str) and here.value and here.key != "credential":
            by_name = isinstance(here.key, str) and _SECRET_KEY.search(here.key)
            if by_name or _SECRET_TEXT.search(here.value):
                hint = 'store it, and write `credential = "env:NAME"` or `"vault:name"`'
                here.problem("inline_secret", f"`{here.key}` holds a secret", hint)


def _check_defaults(node: Node, defaults: tuple[tuple[str, JsonLiteral], ...], service: Service) -> None:
    """Each default names a parameter (`param` or `capability.param`) and has its type."""
    params = {param.name: param for capability in service.capabilities for param in capability.params}
    params |= {f"{each.name}.{param.name}": param for each in service.capabilities for param in each.params}
    place = node.get("defaults")
    assert place is not None
    for name, value in defaults:
        item = place.child(name, None)
        param = params.get(name)
        if param is None:
            close = nearest(name, sorted(params), limit=1)
            hint = f"did you mean `{close[0]}`?" if close else ""
            item.problem("unknown_param", f"{service.id} has no parameter `{name[:60]}`", hint)
        elif param.secret:
            item.problem("inline_secret", f"`{name[:60]}` is a secret and takes no default", "use `credential`")
        else:
            for wrong in conform(value.value, param, wire=True)[:1]:
                item.problem(wrong.code, f"the default of `{name[:60]}` {wrong.message}")


def _profile(node: Node) -> Profile:
    if not node.is_mapping():
        return Profile()
    node.only(_PROFILE_KEYS, "the profile")
    zone = node.optional_text("timezone")
    if zone is not None and zone != "UTC" and zone not in available_timezones():
        close = nearest(zone, sorted(available_timezones()), limit=1)
        hint = f"did you mean `{close[0]}`?" if close else "an IANA name such as `Europe/Paris`"
        node.child("timezone", zone).problem("unknown_zone", f"`{zone[:60]}` is no time zone", hint)
    return Profile(
        me=_texts(node.get("me")),
        timezone=zone,
        city=node.optional_text("city"),
        defaults=_slots(node.get("defaults")),
    )


def _policy(node: Node, registry: ServiceRegistry | None) -> Policy:
    """`"stripe.refund" = ["owner"]` or `stripe.refund = ["owner"]`: roles by service, or by capability."""
    rules: list[PolicyRule] = []
    for name, item in node.entries():
        if isinstance(item.value, dict):
            for inner, roles in item.entries():
                rules += _rule(name, inner, roles, registry)
            continue
        service, _, capability = name.partition(".")
        if registry is not None and registry.find(name)[0] is not None:
            service, capability = name, ""
        rules += _rule(service, capability or None, item, registry)
    return Policy(tuple(rules))


def _rule(named: str, capability: str | None, node: Node, registry: ServiceRegistry | None) -> list[PolicyRule]:
    if not isinstance(node.value, list):
        node.wrong_type("a list of roles")
        return []
    roles = [item.one_of(ROLES, "") for item in node.items()]
    service_id = named
    if registry is not None:
        service, found = registry.find(named)
        for each in found.diagnostics:
            node.problem(each.code, each.message, each.hint)
        if service is not None:
            service_id = service.id
            if capability is not None and service.capability(capability) is None:
                close = nearest(capability, [each.name for each in service.capabilities], limit=1)
                hint = f"did you mean `{close[0]}`?" if close else ""
                node.problem("unknown_capability", f"{service_id} has no capability `{capability[:60]}`", hint)
    return [PolicyRule(service_id, capability, tuple(cast(Role, role) for role in dict.fromkeys(roles) if role))]


def _literals(node: Node | None) -> tuple[tuple[str, JsonLiteral], ...]:
    return () if node is None else tuple((name, literal(item.value)) for name, item in node.entries())


def _slots(node: Node | None) -> tuple[tuple[str, JsonLiteral], ...]:
    """Defaults by `service.param`; TOML reads an unquoted `slack.channel = "x"` as a table `slack`."""
    found: list[tuple[str, JsonLiteral]] = []
    for name, item in () if node is None else node.entries():
        if "." not in name and isinstance(item.value, dict):
            found += [(f"{name}.{inner}", literal(each.value)) for inner, each in item.entries()]
        else:
            found.append((name, literal(item.value)))
    return tuple(found)


def _texts(node: Node | None) -> tuple[tuple[str, str], ...]:
    if node is None:
        return ()
    found: list[tuple[str, str]] = []
    for name, item in node.entries():
        if isinstance(item.value, int | float):
            found.append((name, literal(item.value).json))
        else:
            text = item.as_text()
            found += [(name, text)] if text is not None else []
    return tuple(found)


def _warn_misspelt(data: dict[str, object], document: Document, problems: Problems) -> None:
    for key in data.keys() - SECTIONS:
        close = nearest(key, sorted(SECTIONS), limit=1)
        if close:
            node = Node(document, problems, None).child(key, None)
            node.warn("unknown_section", f"the section `{key[:60]}` is not read here", f"did you mean `{close[0]}`?")


def _toml_problem(said: str, source: str) -> Diagnostic:
    found = re.search(r"\(at line (\d+), column (\d+)\)", said)
    place = (
        Place(source=source, line=int(found.group(1)), column=int(found.group(2))) if found else Place(source=source)
    )
    message = re.sub(r"\s*\(at [^)]*\)\s*$", "", said)
    message = re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", "a value", message)  # what stands there may be a secret
    return Diagnostic("bad_toml", f"not TOML here: {message[:200]}", place=place)


def _positions(text: str, data: dict[str, object]) -> dict[tuple[int, Hashable], Position]:
    """Line and column of the tables and keys that stand at the beginning of a line; the parser does not tell them."""
    positions: dict[tuple[int, Hashable], Position] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _MAX_LINE:
            continue
        header = _HEADER.match(line)
        key = None if header else _KEY.match(line)
        if header:
            table = _parts(header.group(1))
            _mark(positions, data, table, (number, line.index("[") + 1))
        elif key:
            _mark(positions, data, table + _parts(key.group(1)), (number, line.index(key.group(1)) + 1))
    return positions


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(found.group(1) or found.group(2) or found.group(3) or "" for found in _PART.finditer(dotted))


def _mark(positions: dict[tuple[int, Hashable], Position], data: object, path: tuple[str, ...], at: Position) -> None:
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return
        positions.setdefault((id(data), name), at)
        data = data[name]
