"""Which internet addresses a call may reach.

Knows: the special-purpose address blocks and why each is not a public service.
In: an address as text. Out: None for a public address, else the reason. Never: resolves, connects, reads settings.

Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates). The tables are ours and not
`ipaddress.is_global`, whose answer changed between patch releases of Python.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

import msgspec

Address: TypeAlias = IPv4Address | IPv6Address


class Reason(msgspec.Struct, frozen=True):
    """Why an address is refused. `allowable`: an operator may open it by name for a service on their premises."""

    text: str
    allowable: bool = False


_METADATA: Final = Reason("a cloud metadata address")
_TUNNEL: Final = Reason("an IPv6 form that carries an IPv4 address")

# The first block that holds an address decides, so exceptions stand before the block around them.
_BLOCKS: Final = tuple(
    (ip_network(block), reason)
    for block, reason in (
        ("169.254.169.254/32", _METADATA),
        ("169.254.170.2/32", _METADATA),
        ("168.63.129.16/32", _METADATA),
        ("100.100.100.200/32", _METADATA),
        ("192.0.0.192/32", _METADATA),
        ("fd00:ec2::/32", _METADATA),
        ("fd20:ce::254/128", _METADATA),
        ("0.0.0.0/8", Reason("an unspecified address")),
        ("10.0.0.0/8", Reason("a private address", allowable=True)),
        ("100.64.0.0/10", Reason("a carrier-grade NAT address", allowable=True)),
        ("127.0.0.0/8", Reason("a loopback address", allowable=True)),
        ("169.254.0.0/16", Reason("a link-local address")),
        ("172.16.0.0/12", Reason("a private address", allowable=True)),
        ("192.0.0.0/24", Reason("a reserved address")),
        ("192.0.2.0/24", Reason("a documentation address")),
        ("192.88.99.0/24", Reason("a 6to4 relay address")),
        ("192.168.0.0/16", Reason("a private address", allowable=True)),
        ("198.18.0.0/15", Reason("a benchmarking address")),
        ("198.51.100.0/24", Reason("a documentation address")),
        ("203.0.113.0/24", Reason("a documentation address")),
        ("224.0.0.0/4", Reason("a multicast address")),
        ("255.255.255.255/32", Reason("the broadcast address")),
        ("240.0.0.0/4", Reason("a reserved address")),
        ("::/128", Reason("an unspecified address")),
        ("::1/128", Reason("a loopback address", allowable=True)),
        ("::ffff:0:0/96", _TUNNEL),
        ("::/96", _TUNNEL),
        ("64:ff9b::/96", _TUNNEL),
        ("64:ff9b:1::/48", _TUNNEL),
        ("2001::/32", _TUNNEL),
        ("2002::/16", _TUNNEL),
        ("2001::/23", Reason("a reserved address")),
        ("2001:db8::/32", Reason("a documentation address")),
        ("3fff::/20", Reason("a documentation address")),
        ("fc00::/7", Reason("a private address", allowable=True)),
        ("fe80::/10", Reason("a link-local address")),
        ("fec0::/10", Reason("a site-local address")),
        ("ff00::/8", Reason("a multicast address")),
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_UNASSIGNED: Final = Reason("outside the public internet")


def parse_address(text: str) -> Address | None:
    """`text` as an address, or None when it is a name. An IPv6 scope (`%eth0`) makes it no address."""
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def refusal(address: Address) -> Reason | None:
    """Why `address` is not a public service, or None when it is one."""
    for block, reason in _BLOCKS:
        if address.version == block.version and address in block:
            return reason
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return _UNASSIGNED
    # 5efe (ISATAP, RFC 5214) hides an IPv4 address in the interface half of any IPv6 address.
    if isinstance(address, IPv6Address) and (int(address) >> 32) & 0xFFFF_FFFF in (0x5EFE, 0x0200_5EFE):
        return _TUNNEL
    return None
