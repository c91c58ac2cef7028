"""What one request to the server is, and what its answer is decoded into; no sockets here.

Knows: `Call`, how answers and problems are read, when a request may be sent again. In: arguments of endpoints, raw
answers. Out: typed results, `ApiError`, delays. Never: does I/O; `sync` and `aio` send what this room describes.
"""

from __future__ import annotations

import os
import random
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.ports import Clock, SystemClock

T = TypeVar("T")
Query = tuple[tuple[str, str | int | bool | None], ...]

RETRIED: Final = frozenset((408, 425, 429, 502, 503, 504))
MAX_DELAY_S: Final = 30.0


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One request. `path` is below `/api`; `query` leaves out what is None; `body` becomes JSON. `safe`: sending it
    twice does no more than sending it once, so a lost answer is asked for again. `into` is the type of the answer;
    `raw` takes its bytes as they are."""

    method: str
    path: str
    into: Any
    query: Query = ()
    body: Any = msgspec.UNSET
    headers: tuple[tuple[str, str], ...] = ()
    safe: bool = False
    raw: bool = False

    def params(self) -> dict[str, str]:
        """The query as text."""
        return {
            name: ("true" if value else "false") if isinstance(value, bool) else str(value)
            for name, value in self.query
            if value is not None
        }

    def content(self) -> bytes | None:
        """The body's bytes, None when there is none."""
        return None if self.body is msgspec.UNSET else msgspec.json.encode(self.body)


def get(path: str, into: Any, query: Query = ()) -> Call[Any]:
    """A read."""
    return Call(method="GET", path=path, into=into, query=query, safe=True)


def post(path: str, into: Any, body: Any = msgspec.UNSET) -> Call[Any]:
    """Something that is done, each time it is sent."""
    return Call(method="POST", path=path, into=into, body=body)


def put(path: str, into: Any, body: Any) -> Call[Any]:
    """A replacement."""
    return Call(method="PUT", path=path, into=into, body=body, safe=True)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


class StreamCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request answered by a stream. `last`: the kinds of event after which nothing comes. `resumable`: a broken
    stream goes on after the last event that came. `after` is the id of the last event already seen."""

    opening: Call[Any]
    last: frozenset[str]
    resumable: bool
    after: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One finding inside a problem: where it is and what is wrong with it."""

    code: str = ""
    message: str = ""
    place: str = ""
    hint: str = ""


class ApiError(EyeFlowError):
    """The server refused, or could not be asked. `status` is the HTTP status, 0 when there was no answer
    (`unreachable`, `bad_answer`); `faults` are the single findings."""

    def __init__(self, status: int, code: str, message: str, *, hint: str = "", faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(code, message, hint=hint)
        self.status = status
        self.faults = faults


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457, as the server fills it."""

    title: str = ""
    detail: str = ""
    code: str = ""
    hint: str = ""
    errors: tuple[Fault, ...] = ()


def segment(text: str) -> str:
    """A path segment that is nothing but itself. Raises: ApiError for what no path can name."""
    if text in ("", ".", ".."):
        raise ApiError(0, "bad_name", f"{text!r} names nothing", hint="give a name or an id")
    return quote(text, safe="")


def decoded(call: Call[T], status: int, content: bytes) -> T:
    """The answer as the call wants it. Raises: ApiError for a problem and for an answer that is not as declared."""
    if status >= 300:
        raise problem(status, content)
    if call.raw:
        return content  # type: ignore[return-value]
    if call.into is None:
        return None  # type: ignore[return-value]
    try:
        result: T = msgspec.json.decode(content, type=call.into)
    except msgspec.MsgspecError as error:
        raise ApiError(
            status, "bad_answer", f"the answer to {call.method} {call.path} is not as expected: {error}",
            hint="server and client may be of different versions",
        ) from error  # fmt: skip
    return result


def problem(status: int, content: bytes) -> ApiError:
    """The error that an answer of `status` carries; also when something between answered in its own way."""
    try:
        said = msgspec.json.decode(content, type=_Problem)
    except msgspec.MsgspecError:
        said = _Problem()
    message = said.detail or said.title or f"the server answered {status}"
    return ApiError(status, said.code or "http_error", message, hint=said.hint, faults=said.errors)


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often a request is sent in all, and how long the first pause is; each further one is twice as long, with
    full jitter. Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015."""

    attempts: int = 4
    first_s: float = 0.2

    def after_answer(
        self, call: Call[Any], attempt: int, status: int, headers: Mapping[str, str], clock: Clock | None = None
    ) -> float | None:
        """Seconds until the request is sent again, None to take this answer. `attempt` counts from 1.

        429 and 503 say that nothing was done, so everything is sent again; other failures only what is safe.
        """
        if attempt >= self.attempts or status not in RETRIED or not (call.safe or status in (429, 503)):
            return None
        asked = _retry_after(headers.get("retry-after", ""), clock or SystemClock())
        return self._pause(attempt) if asked is None else min(asked, MAX_DELAY_S)

    def after_busy(self, call: StreamCall, attempt: int, status: int) -> float | None:
        """The same for a stream that was not opened: one that can be taken up again is, by another process perhaps."""
        if attempt >= self.attempts or status not in RETRIED or not call.resumable:
            return None
        return self._pause(attempt)

    def after_loss(self, call: Call[Any], attempt: int, *, sent: bool) -> float | None:
        """The same when no answer came. What never left (`sent` False) may always be sent again."""
        if attempt >= self.attempts or (sent and not call.safe):
            return None
        return self._pause(attempt)

    def _pause(self, attempt: int) -> float:
        return random.uniform(0, min(self.first_s * 2 ** (attempt - 1), MAX_DELAY_S))


def _retry_after(text: str, clock: Clock) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - clock.now()).total_seconds()) if text else None
    except (ValueError, TypeError):
        return None


def _why(error: BaseException) -> str:
    """The system's own word on why nothing came, from below what the HTTP libraries wrap around it."""
    below: BaseException | None = error
    for _ in range(10):
        if below is None:
            break
        if isinstance(below, ssl.SSLError) and getattr(below, "reason", None):
            return f"TLS: {below.reason.replace('_', ' ').lower()}"
        if isinstance(below, OSError) and below.errno and not isinstance(below, ssl.SSLError):
            return (os.strerror(below.errno) if below.errno > 0 else below.strerror or str(below)).lower()
        reason = getattr(below, "os_error", None) or getattr(below, "reason", None)
        below = reason if isinstance(reason, BaseException) else below.__cause__ or below.__context__
    return str(error) or type(error).__name__


def lost(call: Call[Any], base: str, error: Exception, *, sent: bool) -> ApiError:
    """The error of a request without an answer."""
    done = "whether it was done is not known" if sent and not call.safe else "nothing was done"
    why = _why(error)
    return ApiError(
        0, "unreachable", f"no answer from {base} to {call.method} {call.path} ({why}): {done}",
        hint="is the server up? `eyeflow up` starts one; EYEFLOW_URL says where it is",
    )  # fmt: skip
