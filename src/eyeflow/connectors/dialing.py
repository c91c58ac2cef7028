"""Opens sockets for protocol drivers: to a judged address only, never to a name.

Knows: how to connect one TCP socket. In: a guard and a target. Out: a connected, non-blocking socket.
Never: resolves by itself; the address comes from the guard and is asked about once more before the connect.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from eyeflow.connectors.guard import Guard, Target
from eyeflow.connectors.transport import unsent
from eyeflow.errors import EgressDenied

CONNECT_S: Final = 5.0


async def open_socket(guard: Guard, target: Target) -> socket.socket:
    """A socket connected to `target`. Raises: EgressDenied before connecting; CallError (transient) when it fails."""
    host, port = await guard.dial(target)
    if not guard.admits(host, port):
        raise EgressDenied(f"the socket would reach {host}:{port}")
    connection = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(connection, (host, port))
    except TimeoutError as error:
        connection.close()
        raise unsent("connect_timeout", f"{target.host} did not accept a connection in time") from error
    except OSError as error:
        connection.close()
        raise unsent("connection_refused", f"no connection to {target.host}: {error.strerror}") from error
    except BaseException:
        connection.close()
        raise
    return connection
