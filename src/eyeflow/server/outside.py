"""What settings say of the world outside: services, networks, certificates, the master key's place.

Knows: how each of these is opened. In: `Settings`. Out: a catalog, connectors, a key source, limits. Never: keeps one.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from eyeflow.catalog.load import load_catalog, merge
from eyeflow.catalog.model import Catalog
from eyeflow.connectors.guard import Guard, PrivateRange
from eyeflow.connectors.http1 import Http1Transport
from eyeflow.connectors.proxied import ProxiedTransport, Proxy, proxy_of
from eyeflow.connectors.registry import Factory, factories
from eyeflow.connectors.transport import HttpTransport
from eyeflow.engine.limits import EngineLimits
from eyeflow.errors import CatalogError
from eyeflow.secrets.external import HashicorpKeys, KeyringKeys
from eyeflow.secrets.master import KeySource
from eyeflow.secrets.sources import EnvKeys, FileKeys
from eyeflow.server.settings import Settings, SettingsError

MASTER_KEY: Final = "master.key"


def load_services(settings: Settings) -> Catalog:
    """The catalog of the settings. Raises: CatalogError."""
    held = settings.catalog
    cache = Path(settings.cache) if settings.cache else None
    parts = []
    for folder in (Path(held.folder) if held.folder else None, *map(Path, held.further)):
        part, found = load_catalog(folder, cache=cache)
        if part is None:
            first = found.errors[0]
            raise CatalogError("bad_catalog", f"the catalog does not load: {first}", found, hint=first.hint)
        parts.append(part)
    if len(parts) == 1:
        return parts[0]
    whole, found = merge(*parts)
    if whole is None:
        raise CatalogError("bad_catalog", f"the catalogs do not fit together: {found.errors[0]}", found)
    return whole


def live_connectors(settings: Settings, catalog: Catalog) -> Mapping[str, Factory]:
    """The connectors that reach real services, behind the egress guard."""
    guard = Guard(allow=private_ranges(settings))
    open_transport = _opener(settings, guard)

    def opened(pool: int) -> HttpTransport:
        # A plan knows only its own calls: here many runs of many tasks share an account at a time.
        return open_transport(max(pool, settings.egress.max_connections))

    return factories(catalog, guard=guard, open_transport=opened)


def plain_transport(settings: Settings) -> HttpTransport:
    """A transport behind the egress guard, for what is said to services beside calls. Raises: SettingsError."""
    return _opener(settings, Guard(allow=private_ranges(settings)))(8)


def _opener(settings: Settings, guard: Guard) -> Callable[[int], HttpTransport]:
    """Makes transports with a pool of so many sockets. Raises: SettingsError."""
    tls, proxy = tls_context(settings), proxy_setting(settings)
    if proxy is None:
        return lambda pool: Http1Transport(guard, pool=pool, tls=tls)
    return lambda pool: ProxiedTransport(guard, proxy, pool=pool, tls=tls)


def proxy_setting(settings: Settings) -> Proxy | None:
    """The proxy that HTTP leaves through. Raises: SettingsError."""
    if not settings.egress.proxy:
        return None
    try:
        return proxy_of(settings.egress.proxy)
    except ValueError as error:
        raise SettingsError("bad_setting", "egress.proxy does not fit", hint=f"{error}") from None


def private_ranges(settings: Settings) -> tuple[PrivateRange, ...]:
    """What the operator opened by name. Raises: SettingsError."""
    found = []
    for each in settings.egress.allow:
        host, equals, network = each.partition("=")
        made = PrivateRange(name=f"egress.allow {host.strip()}", hosts=(host.strip(),), networks=(network.strip(),))
        try:
            Guard(allow=(made,))
        except ValueError:
            equals = ""
        if not equals or not host.strip():
            raise SettingsError(
                "bad_setting",
                f"egress.allow does not fit: {each[:100]!a}",
                hint="each is HOST=NETWORK, as in db.example.com=10.0.0.0/8",
            )
        found.append(made)
    return tuple(found)


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The certificates that are believed; None for those of the system. Raises: SettingsError."""
    if not settings.egress.ca_file:
        return None
    try:
        context = ssl.create_default_context()
        context.load_verify_locations(settings.egress.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "bad_setting", "egress.ca_file cannot be used", hint="it is a file of certificates in PEM"
        ) from error
    return context


def engine_limits(settings: Settings) -> EngineLimits:
    """How much the engine takes on."""
    return EngineLimits(running=settings.work.max_running, queued=settings.work.max_queued)


def key_source(settings: Settings) -> KeySource:
    """Where the master key is kept."""
    held = settings.secrets
    match held.key_source:
        case "env":
            return EnvKeys()
        case "keyring":
            return KeyringKeys()
        case "vault":
            return HashicorpKeys(held.vault_url, held.vault_token, mount=held.vault_mount, path=held.vault_path)
    return FileKeys(held.key_file or settings.folder.absolute() / MASTER_KEY)
