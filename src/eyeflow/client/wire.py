"""What both clients put on the wire: addresses, headers, time limits.

Knows: how a `Call` is spelled as HTTP. In: `Access`, `Call`s. Out: texts. Never: sends.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from eyeflow.client.calls import Call
from eyeflow.client.settings import Access

CONNECT_S: Final = 10.0
QUIET_S: Final = 90.0
PREPARED_S: Final = 900.0
"""How long the first piece of a download may take: a backup is made before it is sent."""
PIECE: Final = 256 * 1024
"""A stream without even a comment for this long is broken; the server sends one every 15 s."""


def target(to: Access, call: Call[Any]) -> str:
    """The whole address of a request."""
    query = urlencode(call.params())
    return f"{to.url}/api{call.path}" + (f"?{query}" if query else "")


def headers_of(
    to: Access, call: Call[Any], content: bytes | None, *, stream: bool = False, last_id: str = ""
) -> dict[str, str]:
    """The headers of one request."""
    headers = {
        "User-Agent": "eyeflow-python",
        "Accept": "text/event-stream" if stream else "application/json",
        **dict(call.headers),
    }
    if to.key:
        headers["Authorization"] = f"Bearer {to.key}"
    if content is not None:
        headers["Content-Type"] = "application/json"
    if last_id:
        headers["Last-Event-ID"] = last_id
    return headers
