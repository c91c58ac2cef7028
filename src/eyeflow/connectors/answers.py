"""What an HTTP answer means: the body as a value, and the status as what is known of the call.

Knows: statuses, `Retry-After`, the bounds on JSON. In: `HttpResponse`. Out: values for the mapping's expressions, or
the CallError of a failing status. Never: trusts a body: depth and size are bounded before anything looks inside.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

import msgspec

from eyeflow.connectors.transport import HttpResponse
from eyeflow.errors import CallError, CallKind
from eyeflow.values import Value, deeper

MAX_DEPTH: Final = 100
_LONGEST_TYPE: Final = 200
MAX_RETRY_AFTER_MS: Final = 86_400_000

_BOM: Final = b"\xef\xbb\xbf"
_NOT_DONE: Final = {
    408: "unavailable",
    421: "unavailable",
    425: "unavailable",
    429: "rate_limited",
    503: "unavailable",
}
_DENIED: Final = {401: "unauthorized", 403: "forbidden", 407: "unauthorized", 511: "unauthorized"}


def body_value(response: HttpResponse, *, lenient: bool) -> Value:
    """The body: JSON when the answer says so, else text; None when empty. `lenient`: text that looks like JSON and
    is, counts as JSON too, whatever its declared type.

    Raises: ValueError when the body says JSON and is not, or is nested deeper than 100.
    """
    data = response.body.removeprefix(_BOM)
    if not data:
        return None
    if _says_json((response.header("content-type") or "")[:_LONGEST_TYPE]):
        return _json(data)
    if lenient and data.lstrip()[:1] in (b"{", b"["):
        try:
            return _json(data)
        except ValueError:
            pass
    return data.decode("utf-8", "replace")


@lru_cache(maxsize=256)
def _says_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json") or kind == "text/json"


def status_error(status: int, *, safe: bool) -> tuple[CallKind, str] | None:
    """Kind and code of a failing status, None for 2xx. A failing status that does not say whether the work was done
    is `uncertain` for a write."""
    if 200 <= status < 300:
        return None
    if status in _NOT_DONE:
        return "transient", _NOT_DONE[status]
    if status in _DENIED:
        return "denied", _DENIED[status]
    if status == 404:
        return "permanent", "not_found"
    if status < 500 or status in (501, 505):
        return "permanent", "rejected"
    return ("transient" if safe else "uncertain"), "server_error"


def retry_after_ms(response: HttpResponse) -> int | None:
    """What `Retry-After` asks for, at most a day; seconds or an HTTP date counted from the answer's own `Date`.

    Source: RFC 9110, section 10.2.3.
    """
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdecimal():
        return min(int(text[:9]) * 1000, MAX_RETRY_AFTER_MS)
    until, sent = _date(text), _date(response.header("date") or "")
    if until is None:
        return None
    wait = until - (sent or datetime.now(UTC))
    return max(0, min(int(wait.total_seconds() * 1000), MAX_RETRY_AFTER_MS))


def seconds_ms(value: Value) -> int | None:
    """Seconds found in a body, as bounded milliseconds; None when it is no number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return None
    return min(int(value * 1000), MAX_RETRY_AFTER_MS)


def _json(data: bytes) -> Value:
    try:
        value: Value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"the answer is not JSON: {str(error)[:100]}") from None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and deeper(value, MAX_DEPTH):
        raise ValueError(f"the answer is nested deeper than {MAX_DEPTH}")
    return value


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def failed(
    response: HttpResponse, kind: CallKind, code: str, message: str, *, retry_ms: int | None = None
) -> CallError:
    """The error of an answer, with what the service asked us to wait."""
    wait = retry_ms if retry_ms is not None else retry_after_ms(response)
    return CallError(kind, code, message, retry_after_ms=wait)
