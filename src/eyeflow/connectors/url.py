"""URLs read strictly, so that what the guard judged is what the socket layer connects to.

Knows: the one shape of URL a call may have: `scheme://host[:port]/path[?query]`, host in plain ASCII.
In: text. Out: `Url`, or EgressDenied that names the trick. Never: resolves, repairs a suspicious host, guesses.

Two programs that read one URL differently are the root of most egress attacks. So there is one reader, and whatever
could be read in two ways (user names, backslashes, tabs, numbers that are not dotted quads, letters beyond ASCII) is
refused. Source: RFC 3986; the WHATWG URL standard for what browsers would have done with the rest.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

import msgspec

from eyeflow.errors import EgressDenied

MAX_URL_CHARS: Final = 16_384
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_SHAPE: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?P<rest>.*)", re.DOTALL)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_PATH_SAFE: Final = "/:@!$&'()*+,;=~-._%"
_QUERY_SAFE: Final = _PATH_SAFE + "?"


class Url(msgspec.Struct, frozen=True):
    """A URL whose parts have one reading only. `host` is lower-case ASCII, an IPv6 literal without brackets;
    `target` is path and query, percent-encoded, starting with `/`."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a credential belongs to."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port as a `Host` header writes them: the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if DEFAULT_PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> Url:
    """`text` as a `Url`. A fragment is dropped, as no server ever sees one; characters beyond ASCII in path and query
    are percent-encoded as UTF-8.

    Raises: EgressDenied for any other scheme than http and https, and for any text with two readings.
    """
    if len(text) > MAX_URL_CHARS:
        raise EgressDenied(f"the URL has {len(text)} characters; at most {MAX_URL_CHARS} are sent")
    _refuse_characters(text)
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise EgressDenied(f"not an absolute URL: {_shown(text)}", hint="write https://host/path")
    scheme, rest = shape["scheme"].lower(), shape["rest"]
    if scheme not in DEFAULT_PORTS:
        raise EgressDenied(f"scheme {scheme!r} is not reachable", hint="only http and https leave the machine")
    if not rest.startswith("//"):
        raise EgressDenied(f"the URL names no host: {_shown(text)}", hint="write https://host/path")
    authority, target = _split(rest[2:])
    host, port = _host_and_port(authority, DEFAULT_PORTS[scheme])
    return Url(scheme, host, port, target)


def join_url(base: Url, location: str) -> Url:
    """Where a `Location` header points, seen from `base`. Raises: EgressDenied as `parse_url`."""
    _refuse_characters(location)
    if location.startswith("//"):
        return parse_url(f"{base.scheme}:{location}")
    if _SHAPE.fullmatch(location) and re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", location):
        return parse_url(location)
    path = base.target.partition("?")[0]
    if location.startswith("/"):
        joined = location
    elif location.startswith("?"):
        joined = path + location
    else:
        joined = path.rpartition("/")[0] + "/" + location
    return parse_url(f"{base.scheme}://{base.authority}{joined}")


@lru_cache(maxsize=4096)
def parse_host(host: str) -> str:
    """`host` in its one spelling: lower case; IPv6 compressed and without brackets.

    Raises: EgressDenied for numbers that are not a dotted quad, letters beyond ASCII, trailing dots, zones.
    """
    if not host.isascii():
        raise EgressDenied(
            f"host {_shown(host)} has letters beyond ASCII, which can look like other letters",
            hint="write an internationalised name in its xn-- form",
        )
    low = host.lower()
    if low.startswith("[") or ":" in low:
        return _ipv6(low)
    if low.endswith("."):
        raise EgressDenied(f"host {_shown(host)} ends in a dot", hint="write the name without it")
    labels = low.split(".")
    if len(low) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise EgressDenied(f"{_shown(host)} is not a host name")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(low)
    return low


def _ipv4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise EgressDenied(
            f"{_shown(host)} is a number that some programs read as an address",
            hint="write an IPv4 address as four decimal numbers without leading zeros",
        ) from None


def _ipv6(host: str) -> str:
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in inner:
        raise EgressDenied(f"{_shown(host)} names a network interface")
    try:
        return str(IPv6Address(inner))
    except AddressValueError:
        raise EgressDenied(f"{_shown(host)} is not an IPv6 address") from None


def _refuse_characters(text: str) -> None:
    for char in text:
        if char <= " " or char == "\x7f" or "\x80" <= char <= "\x9f":
            raise EgressDenied(f"the URL has the character {char!a}", hint="encode it as %XX")
        if char == "\\":
            raise EgressDenied("the URL has a backslash, which some programs read as /", hint="encode it as %5C")
        if "\ud800" <= char <= "\udfff":
            raise EgressDenied("the URL has half of a surrogate pair")


def _split(rest: str) -> tuple[str, str]:
    end = min((at for at in (rest.find(c) for c in "/?#") if at >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:].partition("#")[0]
    path, mark, query = tail.partition("?")
    encoded = quote(path or "/", safe=_PATH_SAFE) + mark + quote(query, safe=_QUERY_SAFE)
    return authority, encoded


def _host_and_port(authority: str, default_port: int) -> tuple[str, int]:
    if "@" in authority:
        raise EgressDenied(
            "the URL carries a user name before its host", hint="credentials belong to the connection, not to the URL"
        )
    if "%" in authority:
        raise EgressDenied("the host is percent-encoded", hint="write it plainly")
    if authority.startswith("["):
        host, bracket, tail = authority.partition("]")
        host += bracket
    else:
        host, colon, port = authority.partition(":")
        tail = colon + port
    if not host:
        raise EgressDenied("the URL names no host")
    if not tail:
        return parse_host(host), default_port
    if not tail.startswith(":") or not _PORT.fullmatch(tail[1:]) or not 0 < int(tail[1:]) < 65_536:
        raise EgressDenied(f"{_shown(tail)} is not a port")
    return parse_host(host), int(tail[1:])


def _shown(text: str) -> str:
    """`text` for a message: ASCII, quoted, short."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")
