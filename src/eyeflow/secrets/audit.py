"""The audit chain with its key, and what shows that nobody changed it.

Knows: how rows and their end are authenticated, where the end is noted. In: audit rows. Out: digests; a `Verdict`.
Never: decides what is audited.

Each row's digest is an HMAC over the row and the digest before it, so a row that is altered, moved or missing breaks
the chain there. Rows cut off the end leave a whole chain behind: so the number and digest of the last row, with an HMAC
of their own, are kept in the store by each commit, and in a file beside it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.secrets.keys import Keys
from eyeflow.secrets.sealing import KEY_BYTES, Keyed, keyed
from eyeflow.store.chaining import HEAD, covered
from eyeflow.store.port import Append, Delete, Insert, Require, Store, Where
from eyeflow.store.records import AuditRecord, SettingRecord

Fault: TypeAlias = Literal["altered", "missing", "cut", "replaced", "head_missing", "head_altered", "base_altered"]

BASE: Final = "audit.base"
_SEQ_BYTES: Final = 8
_PAGE: Final = 500


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `verify` found. `first_bad` is the number of the first row that is not as it was written (altered, missing,
    cut off the end, replaced by another history than the file beside the store knows) or, of the last one, whose head
    is missing or altered; `anchored`: the file beside the store agrees too."""

    ok: bool
    rows: int
    first_bad: int | None = None
    fault: Fault | None = None
    anchored: bool = False


class AuditChain:
    """The `Chain` of a store. It is made before the store is open and given its key after that (`unlock`), since the
    store holds the key. `anchor` is the file beside the store."""

    def __init__(self, anchor: str | Path | None = None) -> None:
        self._anchor = None if anchor is None else Path(anchor)
        self._rows_key: Keyed | None = None
        self._head_key: Keyed | None = None
        self._base_key = b""
        self._file: int | None = None

    def unlock(self, keys: Keys) -> None:
        """Take the key."""
        self._rows_key = Keyed(keys.purpose("audit rows"))
        self._head_key = Keyed(keys.purpose("audit head"))
        self._base_key = keys.purpose("audit base")

    def digest(self, previous: bytes, record: AuditRecord) -> bytes:
        """See `Chain.digest`."""
        assert self._rows_key is not None, "unlock the chain before the first row"
        return self._rows_key(covered(previous, record))

    def head(self, seq: int, digest: bytes) -> bytes:
        """See `Chain.head`: the number, and an HMAC over number and digest."""
        assert self._head_key is not None, "unlock the chain before the first row"
        number = seq.to_bytes(_SEQ_BYTES, "big")
        return number + self._head_key(number + digest)

    def committed(self, seq: int, digest: bytes) -> None:
        """Note the end in the file. When the disk refuses, the head in the store still stands, and `verify` says that
        the file is behind."""
        if self._anchor is None:
            return
        with suppress(OSError):
            if self._file is None:
                self._file = os.open(self._anchor, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
            os.pwrite(self._file, digest + self.head(seq, digest), 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def verify(self, store: Store) -> Verdict:
        """Walk the chain and compare its end. Rows that are written meanwhile are no fault. Raises: StoreError."""
        setting = await store.get(SettingRecord, HEAD)
        anchor = self._anchored()
        end = _End(self, None if setting is None else setting.value, anchor)
        base = self._based(await store.get(SettingRecord, BASE))
        if base is None:
            return Verdict(ok=False, rows=0, first_bad=1, fault="base_altered")
        first, previous = base
        expected = first + 1
        async for row in _rows(store):
            if row.seq != expected:
                return Verdict(ok=False, rows=expected - 1 - first, first_bad=expected, fault="missing")
            if row.previous != previous or row.digest != self.digest(previous, row):
                return Verdict(ok=False, rows=expected - 1 - first, first_bad=expected, fault="altered")
            previous, expected = row.digest, expected + 1
            end.passed(row)
        return end.verdict(expected - 1, expected - 1 - first)

    async def trim(self, store: Store, before_ms: int, now_ms: int) -> int:
        """Remove the oldest rows, those from before `before_ms`, and note where the chain begins now; how many are
        gone. The newest row stays. What remains is verified as before; export first what must be kept.

        Raises: StoreError; Conflict when another process trims at the same time.
        """
        removed = 0
        newest = await store.find(AuditRecord, order=("-seq",), limit=1)
        stays = newest[0].seq if newest else 0
        note = AuditRecord(
            at_ms=now_ms, actor="system", action="audit.trimmed", detail=msgspec.json.encode({"before_ms": before_ms})
        )
        while True:
            page = await store.find(AuditRecord, order=("seq",), limit=_PAGE)
            old = list(takewhile(lambda row: row.at_ms < before_ms and row.seq < stays, page))
            if not old:
                return removed
            last = old[-1]
            number = last.seq.to_bytes(_SEQ_BYTES, "big")
            value = number + last.digest + keyed(self._base_key, number + last.digest)
            await store.write(
                Require(AuditRecord, (Where("seq", "=", old[0].seq),)),
                Delete(AuditRecord, (Where("seq", "<=", last.seq),)),
                Insert(SettingRecord(name=BASE, value=value, updated_ms=now_ms), taken="replace"),
                *(() if removed else (Append(note),)),
            )
            removed += len(old)

    def _based(self, setting: SettingRecord | None) -> tuple[int, bytes] | None:
        """The number and digest before the first row; None when they were not noted with our key."""
        if setting is None:
            return 0, b""
        number, digest = setting.value[:_SEQ_BYTES], setting.value[_SEQ_BYTES : _SEQ_BYTES + KEY_BYTES]
        if setting.value != number + digest + keyed(self._base_key, number + digest):
            return None
        return int.from_bytes(number, "big"), digest

    def _anchored(self) -> bytes | None:
        """What the file holds, if there is one."""
        if self._anchor is None:
            return None
        try:
            return self._anchor.read_bytes()
        except OSError:
            return None


class _End:
    """Compares the noted ends of a chain with its rows."""

    def __init__(self, chain: AuditChain, head: bytes | None, anchor: bytes | None) -> None:
        self._chain = chain
        self._head = head
        self._anchor = anchor
        self._head_seq = _number(head or b"")
        self._anchor_seq = _number((anchor or b"")[KEY_BYTES:])
        self._head_met = self._anchor_met = False
        # After a power cut the file may hold anything. What was not noted with our key says no more than no file.
        self._anchor_own = anchor is not None and self._is_own(anchor[:KEY_BYTES], anchor[KEY_BYTES:])

    def passed(self, row: AuditRecord) -> None:
        if row.seq == self._head_seq:
            self._head_met = self._head == self._chain.head(row.seq, row.digest)
        if row.seq == self._anchor_seq:
            self._anchor_met = self._anchor == row.digest + self._chain.head(row.seq, row.digest)

    def verdict(self, last: int, rows: int) -> Verdict:
        """The chain ends with number `last`, and has `rows` rows, each of them well."""

        def bad(first_bad: int, fault: Fault) -> Verdict:
            return Verdict(ok=False, rows=rows, first_bad=first_bad, fault=fault)

        if self._anchor_own and self._anchor_seq > last:
            return bad(last + 1, "cut")
        if self._head is None:
            return Verdict(ok=True, rows=0) if last == 0 else bad(last, "head_missing")
        if self._head_seq > last:
            return bad(last + 1, "cut")
        if not self._head_met:
            return bad(max(1, self._head_seq), "head_altered")
        if self._anchor_own and not self._anchor_met:
            return bad(self._anchor_seq, "replaced")
        return Verdict(ok=True, rows=rows, anchored=self._anchor_met)

    def _is_own(self, digest: bytes, head: bytes) -> bool:
        """Whether the number in `head` is one that was noted with our key."""
        return _number(head) >= 0 and head == self._chain.head(_number(head), digest)


async def exported(store: Store) -> AsyncIterator[bytes]:
    """The audit rows as lines of JSON, oldest first, with digests in hexadecimal: whoever has the key can verify them
    elsewhere. Raises: StoreError."""
    async for row in _rows(store):
        fields = {
            "seq": row.seq,
            "at_ms": row.at_ms,
            "actor": row.actor,
            "action": row.action,
            "object": row.object,
            "detail": msgspec.Raw(row.detail),
            "workspace_id": row.workspace_id,
            "previous": row.previous.hex(),
            "digest": row.digest.hex(),
        }
        yield msgspec.json.encode(fields) + b"\n"


async def _rows(store: Store) -> AsyncIterator[AuditRecord]:
    after: tuple[int, ...] = ()
    while page := await store.find(AuditRecord, order=("seq",), after=after, limit=_PAGE):
        for row in page:
            yield row
        after = (page[-1].seq,)


def _number(head: bytes) -> int:
    """The number a noted end is of; -1, which no row has, for what is none."""
    return int.from_bytes(head[:_SEQ_BYTES], "big") if len(head) == _SEQ_BYTES + KEY_BYTES else -1
