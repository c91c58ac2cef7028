"""The sockets that requests come in through.

Knows: how an address is taken so that a second server cannot take it too, and how several processes share it.
In: host, port, how many. Out: listening sockets. Never: accepts.

Several sockets on one address (SO_REUSEPORT) let the kernel spread connections evenly. Any process of the same user
could join such an address unnoticed, so it is first taken alone, without sharing: that fails when anybody has it.
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import Final

from eyeflow.errors import EyeFlowError

BACKLOG: Final = 2048


class ListenError(EyeFlowError):
    """The address cannot be listened on: `port_in_use`, `cannot_listen`."""


def listen(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """`count` sockets that listen on one address; port 0 takes a free one. Raises: ListenError."""
    family, address = _resolved(host, port)
    if count == 1:
        alone = _bound(family, address, shared=False)
        _listening(alone, address)
        return [alone]
    with _bound(family, address, shared=False) as probe:
        _listening(probe, address)
        address = (address[0], probe.getsockname()[1], *address[2:])
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(_bound(family, address, shared=True))
            _listening(sockets[-1], address)
    except ListenError:
        for each in sockets:
            each.close()
        raise
    return sockets


def _resolved(host: str, port: int) -> tuple[int, tuple[str | int, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ListenError(
            "cannot_listen",
            f"{host[:100]!a} is no address of this machine",
            hint="`--host 127.0.0.1` is this machine only",
        ) from error
    family, *_, address = found[0]
    return family, tuple(part for part in address if isinstance(part, str | int))


def _bound(family: int, address: tuple[str | int, ...], *, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind(address)
    except OSError as error:
        made.close()
        raise _said(error, address) from error
    made.setblocking(False)
    made.set_inheritable(False)
    return made


def _listening(made: socket.socket, address: tuple[str | int, ...]) -> None:
    try:
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise _said(error, address) from error


def _said(error: OSError, address: tuple[str | int, ...]) -> ListenError:
    host, port = address[0], address[1]
    if error.errno == errno.EADDRINUSE:
        return ListenError(
            "port_in_use", f"something listens on {host} port {port} already",
            hint="stop it, or choose another port with --port (0 takes a free one)",
        )  # fmt: skip
    why = (error.strerror or str(error)).lower()
    hint = "ports below 1024 need more rights: choose one above" if error.errno == errno.EACCES else ""
    return ListenError("cannot_listen", f"cannot listen on {host} port {port}: {why}", hint=hint)


def can_share() -> bool:
    """True where several processes can listen on one address."""
    return hasattr(socket, "SO_REUSEPORT") and sys.platform != "win32"
