"""Which names and web pages requests may come under.

Knows: `Host` and `Origin`. In: the settings and the two headers. Out: nothing, or `Declined`. Never: trusts a
forwarded header.

A page of another site can make a browser send requests here, and can make its own name point at this address (DNS
rebinding). Such requests carry that page's name: in `Origin` the first, in `Host` the second.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from eyeflow.server.exchange import Declined
from eyeflow.server.settings import Server

_MAX_REMEMBERED: Final = 1000


class Hosts:
    """Decides by name; a name that was let in is remembered."""

    def __init__(self, settings: Server) -> None:
        public = urlsplit(settings.public_url).hostname if settings.public_url else None
        names = {"localhost", *(name.lower().rstrip(".") for name in settings.allowed_hosts)}
        self._names = names | ({public} if public else set())
        self._origins = {origin.lower().rstrip("/") for origin in settings.allowed_origins}
        if settings.public_url:
            parts = urlsplit(settings.public_url)
            self._origins.add(f"{parts.scheme}://{parts.netloc}".lower())
        self._known: set[bytes] = set()

    def known(self, host: bytes | None) -> bool:
        """True for a name that was let in before."""
        return host in self._known

    def check(self, host: bytes | None) -> None:
        """Return for a name of this server. Raises: Declined `no_host` (400), `unknown_host` (421)."""
        if host in self._known:
            return
        if not host:
            raise Declined(400, "no_host", "the request names no host")
        name = _hostname(host.decode("latin-1").lower())
        if not (name in self._names or _is_address(name)):
            raise Declined(
                421, "unknown_host", "this server does not answer to that name",
                hint="add it to `server.allowed_hosts`, or set `server.public_url`",
            )  # fmt: skip
        if len(self._known) < _MAX_REMEMBERED:
            self._known.add(host)

    def check_origin(self, origin: bytes, host: bytes) -> None:
        """Return when the page that sent a change is this server's own or one of the allowed. Raises: Declined
        `foreign_origin` (403)."""
        said = origin.decode("latin-1").lower()
        own = host.decode("latin-1").lower()
        if said in (f"http://{own}", f"https://{own}") or said in self._origins:
            return
        raise Declined(
            403, "foreign_origin", "a page of another site may not change anything here",
            hint="add it to `server.allowed_origins`",
        )  # fmt: skip


def _hostname(host: str) -> str:
    """The name without a port; empty for what is no host."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.partition(":")
    return name.rstrip(".") if not port or port.isdigit() else ""


def _is_address(name: str) -> bool:
    """True for a literal address: no name server can make one point elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
