"""Errors as answers: problem details with the code of the error tree, and nothing of the inside.

Knows: which HTTP status a code has. In: exceptions. Out: `Problem`, `Answer`. Never: shows a traceback, a path of
this machine, a query or what a body held; a bug is logged under an id, and only that id leaves.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

from __future__ import annotations

import http
import math
from typing import Final

import msgspec

from eyeflow.diagnostics import Diagnostic, Place
from eyeflow.engine.model import Busy, EngineError
from eyeflow.errors import CallError, CatalogError, CompileError, EyeFlowError, LoadError, RunError
from eyeflow.server.exchange import NO_STORE, PROBLEM, Answer, Declined, Headers, encoded
from eyeflow.store.port import StoreError
from eyeflow.triggers.port import TriggerError
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing, NotNow
from eyeflow.workspace.keys import Unauthenticated

MAX_ERRORS: Final = 50


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding inside a problem. `place` is where in the request, `source:line:column` or a path."""

    code: str
    message: str
    severity: str = "error"
    place: str = ""
    hint: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Problem details. `code` never changes its meaning and has a page in the documentation; `hint` is a way out."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str = ""
    errors: tuple[Fault, ...] = ()
    request_id: str = ""


STATUS: Final[dict[str, int]] = {
    "unknown_task": 404, "unknown_execution": 404, "unknown_approval": 404, "no_such_step": 404, "unknown_secret": 404,
    "forbidden": 403, "wrong_role": 403,
    "task_paused": 409, "not_waiting": 409, "already_decided": 409, "not_ended": 409, "approval_expired": 409,
    "conflict": 409, "payload_erased": 410,
    "busy": 503, "draining": 503, "store_full": 507,
}  # fmt: skip
"""Codes whose HTTP status is not that of their class."""

_BY_CLASS: Final[tuple[tuple[type[EyeFlowError], int], ...]] = (
    (Unauthenticated, 401), (Forbidden, 403), (Missing, 404), (Clash, 409), (Invalid, 422), (NotNow, 503),
    (StoreError, 503), (EngineError, 422), (CatalogError, 422), (CompileError, 422), (LoadError, 409), (RunError, 422),
    (CallError, 502),
)  # fmt: skip


def status_of(error: EyeFlowError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, Declined | TriggerError):
        return error.status
    known = STATUS.get(error.code)
    if known is not None:
        return known
    return next((status for kind, status in _BY_CLASS if isinstance(error, kind)), 422)


def described(error: EyeFlowError, request_id: str = "", *, status: int | None = None) -> Problem:
    """`error` as problem details; `status` when whoever met it knows better."""
    status = status or status_of(error)
    return Problem(
        type=f"urn:eyeflow:error:{error.code}", title=http.HTTPStatus(status).phrase, status=status, code=error.code,
        detail=error.message, hint=error.hint, errors=faults(error), request_id=request_id,
    )  # fmt: skip


def problem_of(error: EyeFlowError, request_id: str = "", *, status: int | None = None) -> Answer:
    """The answer to a request that met `error`."""
    held = described(error, request_id, status=status)
    return Answer(held.status, encoded(held), (PROBLEM, NO_STORE, *_headers(error, held.status)))


def internal(request_id: str) -> Answer:
    """The answer to a request that met a bug."""
    held = Problem(
        type="urn:eyeflow:error:internal", title="Internal Server Error", status=500, code="internal",
        detail="something went wrong here; it has been logged", hint="say this request id when you report it",
        request_id=request_id,
    )  # fmt: skip
    return Answer(500, encoded(held), (PROBLEM, NO_STORE))


def faults(error: EyeFlowError) -> tuple[Fault, ...]:
    """The findings an error carries."""
    if isinstance(error, TriggerError):
        return tuple(
            Fault(code=each.code, message=each.message, place=each.place) for each in error.problems[:MAX_ERRORS]
        )
    if not isinstance(error, CompileError | Invalid):
        return ()
    return tuple(fault(each) for each in error.report.diagnostics[:MAX_ERRORS])


def fault(found: Diagnostic) -> Fault:
    """A finding as the API shows it."""
    return Fault(
        code=found.code, message=found.message, severity=found.severity.value, place=_place(found.place),
        hint=found.hint,
    )  # fmt: skip


def _place(place: Place) -> str:
    parts = [place.source, *(str(each) for each in (place.line, place.column) if each is not None)]
    where = ":".join(part for part in parts if part)
    if place.line is None and place.span is not None:
        where = f"{where}[{place.span.start}:{place.span.end}]"
    return f"{where} {place.path}".strip()


def _headers(error: EyeFlowError, status: int) -> Headers:
    if isinstance(error, Declined):
        return error.headers
    if isinstance(error, TriggerError) and error.methods:
        return ((b"allow", ", ".join(error.methods).encode()),)
    waits = error.retry_after_ms if isinstance(error, Busy | TriggerError) else None
    if waits is not None:
        return ((b"retry-after", retry_after(waits)),)
    if status in (429, 503):
        return ((b"retry-after", b"1"),)
    return ()


def retry_after(wait_ms: float) -> bytes:
    """`Retry-After` in whole seconds, rounded up, one at the least (RFC 9110, 10.2.3)."""
    return str(max(1, math.ceil(wait_ms / 1000))).encode()
