"""Whether the programs of a data folder are signed with the key that is in it.

Knows: which key sealed what first. In: a store, the key of the folder. Out: a warning. Never: signs, trusts another
key, stops a start: what was signed with a lost key can only be deployed again, and that takes a server.
"""

from __future__ import annotations

import logging
from typing import Final

from eyeflow.errors import LoadError
from eyeflow.ir.bytecode import read_artifact
from eyeflow.ports import Clock
from eyeflow.server import logs
from eyeflow.store.port import Insert, Store, Where
from eyeflow.store.records import ArtifactRecord, SettingRecord, TaskRecord, VersionRecord

SIGNER: Final = "signer"
_AT_ONCE: Final = 200
_MOST: Final = 10_000


async def remember_signer(store: Store, key_id: str, clock: Clock) -> int:
    """Note whose key signs here. When it is another than before: how many tasks its programs keep from running, which
    is logged; 0 once they have all been deployed again. Raises: StoreError."""
    known = await store.get(SettingRecord, SIGNER)
    if known is not None and known.value == key_id.encode():
        return 0
    foreign = 0 if known is None else await _foreign(store, key_id)
    if foreign:
        logs.event(
            "signing_key_changed", level=logging.WARNING, tasks_refused=foreign,
            hint="put the backup of signing.key back, or deploy these tasks again",
        )  # fmt: skip
        return foreign
    row = SettingRecord(name=SIGNER, value=key_id.encode(), updated_ms=int(clock.now().timestamp() * 1000))
    await store.write(Insert(row, taken="replace"))
    return 0


async def _foreign(store: Store, key_id: str) -> int:
    """Live tasks whose program another key has signed."""
    count, after = 0, tuple[str, ...]()
    for _ in range(0, _MOST, _AT_ONCE):
        tasks = await store.find(TaskRecord, Where("state", "=", "live"), order=("id",), after=after, limit=_AT_ONCE)
        for task in tasks:
            if task.alias_of is None:
                count += not await _signed(store, task, key_id)
        if len(tasks) < _AT_ONCE:
            break
        after = (tasks[-1].id,)
    return count


async def _signed(store: Store, task: TaskRecord, key_id: str) -> bool:
    version = await store.get(VersionRecord, task.id, task.version)
    artifact = None if version is None else await store.get(ArtifactRecord, version.artifact)
    try:
        return artifact is not None and read_artifact(artifact.data).envelope.key_id == key_id
    except LoadError:
        return False
