"""How a row joins the audit chain, whatever the store.

Knows: what of a row its digest covers, and the setting that holds the head. In: the last row's number and digest, a
record, a `Chain`. Out: the record with `seq`, `previous` and `digest`. Never: a key; a keyed `Chain` is in `secrets`.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from eyeflow.store.port import Chain
from eyeflow.store.records import AuditRecord, SettingRecord

HEAD: Final = "audit.head"
_encoder: Final = msgspec.msgpack.Encoder()


class PlainChain:
    """A chain without a key: it shows accidents, not attackers. For tests, and stores that have no secrets."""

    def digest(self, previous: bytes, record: AuditRecord) -> bytes:
        """SHA-256 of the row and its predecessor's digest."""
        return hashlib.sha256(covered(previous, record)).digest()

    def head(self, seq: int, digest: bytes) -> bytes:
        """SHA-256 of the number and digest of the last row."""
        return hashlib.sha256(b"head" + seq.to_bytes(8, "big") + digest).digest()

    def committed(self, seq: int, digest: bytes) -> None:
        """Nothing is kept elsewhere."""


def covered(previous: bytes, record: AuditRecord) -> bytes:
    """The bytes a digest is over: every field but the digests, each with its length, after the digest before it."""
    fields = (record.workspace_id, record.seq, record.at_ms, record.actor, record.action, record.object, record.detail)
    return previous + _encoder.encode(fields)


def chained(chain: Chain, seq: int, previous: bytes, record: AuditRecord) -> AuditRecord:
    """`record` as row `seq`, after the row whose digest is `previous` (empty for the first)."""
    placed = msgspec.structs.replace(record, seq=seq, previous=previous)
    return msgspec.structs.replace(placed, digest=chain.digest(previous, placed))


def head_setting(chain: Chain, last: AuditRecord) -> SettingRecord:
    """The setting that says where the chain ends."""
    value = chain.head(last.seq, last.digest)
    return SettingRecord(workspace_id=last.workspace_id, name=HEAD, value=value, updated_ms=last.at_ms)
