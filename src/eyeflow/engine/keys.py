"""Idempotency keys of callers: the same key, task and caller run once.

Knows: what a key stands for and how long. In: a request with a key. Out: the execution it has run already, or the
record that reserves the key in the unit of a new one. Never: remembers in this process who was first: the store does.
"""

from __future__ import annotations

import hashlib
from typing import Final

from eyeflow.engine.common import Common
from eyeflow.engine.model import EngineError, RunRequest
from eyeflow.engine.packing import Request, pack_request
from eyeflow.store.port import Delete, Insert, Op, Where
from eyeflow.store.records import IdempotencyRecord

MAX_KEY: Final = 255


class Keys:
    """Looks keys up."""

    def __init__(self, common: Common) -> None:
        self._common = common

    def key(self, task_id: str, request: RunRequest, execution_id: str) -> IdempotencyRecord:
        """What would reserve the request's key for `execution_id`. Raises: EngineError `bad_input`."""
        name = request.idempotency_key
        assert name is not None, "a request with a key"
        if not 0 < len(name) <= MAX_KEY or not name.isprintable():
            raise EngineError("bad_input", f"an idempotency key is 1 to {MAX_KEY} printable characters")
        return IdempotencyRecord(
            scope=f"{task_id}/{request.principal.id}", name=name, execution_id=execution_id,
            request=digest_of(request), expires_ms=self._common.now_ms() + self._common.limits.keys_ms,
        )  # fmt: skip

    async def taken(self, key: IdempotencyRecord) -> str | None:
        """The execution that has this key, or None. Raises: EngineError `idempotency_mismatch`; StoreError."""
        found = await self._common.store.get(IdempotencyRecord, key.scope, key.name)
        if found is None or found.expires_ms <= self._common.now_ms():
            return None
        if found.request != key.request:
            raise EngineError(
                "idempotency_mismatch", f"the key {key.name[:60]!a} was used with another request",
                hint="use a new key for a new request",
            )  # fmt: skip
        return found.execution_id


def reserved(key: IdempotencyRecord, now_ms: int) -> list[Op]:
    """Reserve the key, also where an expired one has its place. The unit conflicts when it is taken."""
    place = (Where("scope", "=", key.scope), Where("name", "=", key.name))
    return [Delete(IdempotencyRecord, (*place, Where("expires_ms", "<=", now_ms))), Insert(key)]


def digest_of(request: RunRequest) -> str:
    """What tells one request from another: what the run would get."""
    asked = Request(input=request.input, payload=request.payload, payload_as_input=request.payload_as_input)
    return hashlib.sha256(pack_request(asked)).hexdigest()
