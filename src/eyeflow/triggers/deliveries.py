"""One delivery, read for one webhook: its payload, its identity.

Knows: declared fields, the ids by which a delivery is the same delivery, looked-up names. In: a delivery, its body as
a value, a `WebhookRecord`. Out: the payload, `DeliveryRecord`s. Never: checks signatures, runs anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from eyeflow.conform import conform
from eyeflow.store.records import DeliveryRecord, WebhookRecord
from eyeflow.triggers.port import Problem, TriggerError
from eyeflow.triggers.signatures import SCHEMES
from eyeflow.values import Field, ObjectOf, Scalar, Value, non_null

KEPT_MS: Final = 30 * 86_400_000
"""How long a delivery's id is remembered: longer than any sender tries again."""
DIGEST_KEPT_MS: Final = 400 * 86_400_000
"""How long a body is remembered whose id its signature does not cover."""
MAX_ID_CHARS: Final = 200
MAX_PROBLEMS: Final = 20

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it arrived. `url` is the whole public address."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""
    url: str = ""
    now_ms: int


def declared(row: WebhookRecord, body: Value, *, loose: bool) -> Value:
    """The payload of a webhook that is written in a program: the body with its declared fields checked; a body that
    is no object is `body` of one. `loose`: a form or query, whose values are text that becomes what is declared.

    Raises: TriggerError `bad_payload` with every place that is wrong.
    """
    payload: dict[str, Value] = body if isinstance(body, dict) else {"body": body}
    of = _fields(row.fields)
    if not of.fields:
        return payload
    if loose:
        payload = {**payload, **{f.name: _read(f, payload[f.name]) for f in of.fields if f.name in payload}}
    found = conform(payload, of, wire=True)
    if found:
        problems = tuple(Problem(each.code, f"trigger.{each.path}", each.message) for each in found[:MAX_PROBLEMS])
        first = problems[0]
        hint = f"the task takes {', '.join(field.name for field in of.fields)}"
        raise TriggerError("bad_payload", f"{first.place}: {first.message}", hint=hint, problems=problems)
    return payload


def restored(row: WebhookRecord, payload: Value) -> Value:
    """The payload with what the provider sends for a looked-up name replaced by the name as it was written."""
    if row.resolved == b"{}" or not isinstance(payload, dict):
        return payload
    known = _resolved(row.resolved)
    return {name: known[name][0] if name in known and known[name][1] == v else v for name, v in payload.items()}


def records(row: WebhookRecord, delivery: Delivery, own: str | None, execution_id: str) -> tuple[DeliveryRecord, ...]:
    """The rows that make a delivery the same when it comes again; none for an unsigned one that names no id."""
    scheme = SCHEMES.get(row.scheme)
    headers = delivery.headers
    identity = own
    if row.service is None:
        identity = headers.get("webhook-id") or (headers.get("idempotency-key") if scheme is None else None)
    ids: list[tuple[str, int]] = []
    if identity:
        ids.append((_short(identity), KEPT_MS))
    if scheme is not None and (not identity or not scheme.id_signed):
        ids.append(("sha256:" + hashlib.sha256(delivery.body).hexdigest(), DIGEST_KEPT_MS))
    now = delivery.now_ms
    return tuple(
        DeliveryRecord(
            source_id=row.id, delivery_id=name, execution_id=execution_id, received_ms=now, expires_ms=now + kept
        )
        for name, kept in ids
    )  # fmt: skip


def _short(identity: str) -> str:
    if len(identity) <= MAX_ID_CHARS and identity.isprintable():
        return identity
    return "id:" + hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=4096)
def _fields(spelled: bytes) -> ObjectOf:
    return ObjectOf(msgspec.json.decode(spelled, type=tuple[Field, ...]))


@lru_cache(maxsize=4096)
def _resolved(spelled: bytes) -> dict[str, tuple[str, str]]:
    return msgspec.json.decode(spelled, type=dict[str, tuple[str, str]])


def _read(field: Field, value: Value) -> Value:
    """The text of a form field as what is declared; what cannot be read stays as it is, and does not conform."""
    of = non_null(field.type)
    if not isinstance(value, str) or not isinstance(of, Scalar):
        return value
    match of.name:
        case "integer" if _WHOLE.fullmatch(value):
            return int(value)
        case "number" if _DECIMAL.fullmatch(value):
            return float(value)
        case "boolean" if value in ("true", "false"):
            return value == "true"
    return value
