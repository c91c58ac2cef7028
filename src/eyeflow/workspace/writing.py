"""The operations that many units of the workspace end with: the audit row, and the generation.

Knows: how an audit row and the generation are spelled. In: who did what to what. Out: store operations.
Never: writes by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
import uuid_utils

from eyeflow.engine.model import Principal
from eyeflow.ports import Clock
from eyeflow.store.port import Append, Insert
from eyeflow.store.records import AuditRecord, SettingRecord

GENERATION: Final = "generation"
"""The setting whose value changes with everything that programs or keys depend on."""


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970 of an aware instant."""
    return int(at.timestamp() * 1000)


def now_ms(clock: Clock) -> int:
    """The present instant in milliseconds since 1970."""
    return milliseconds(clock.now())


def audited(principal: Principal, action: str, about: str, at_ms: int, **detail: object) -> Append:
    """An audit row: `action` in the past tense (`task.deployed`), `about` as `kind:name`; `detail` becomes JSON."""
    held = msgspec.json.encode(detail, order="deterministic")
    return Append(AuditRecord(at_ms=at_ms, actor=principal.id, action=action, object=about, detail=held))


def generation(at_ms: int) -> Insert:
    """The operation that tells every process that something changed."""
    value = msgspec.json.encode(uuid_utils.uuid7().hex)
    return Insert(SettingRecord(name=GENERATION, value=value, updated_ms=at_ms), taken="replace")
