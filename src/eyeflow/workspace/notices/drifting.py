"""Tasks that the world has left behind: what they use is described differently now, or is gone.

Knows: what a task was compiled against. In: the rows of its uses, the catalog. Out: happenings. Never: decodes a
program: the digests beside it say enough, for ten thousand tasks in a moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eyeflow.catalog.model import Catalog
from eyeflow.store.port import Store, Where
from eyeflow.store.records import TaskRecord, UseRecord
from eyeflow.workspace.notices.texts import Happening

PAGE: Final = 1000


async def drifted(store: Store, catalog: Catalog, at_ms: int) -> list[Happening]:
    """Every live task that its catalog has left behind. Raises: StoreError."""
    found: list[Happening] = []
    after: tuple[str, ...] = ()
    while rows := await store.find(UseRecord, order=("task_id", "connection", "service"), after=after, limit=PAGE):
        after = (rows[-1].task_id, rows[-1].connection, rows[-1].service)
        why = {row.task_id: said for row in rows if (said := left_behind((row,), catalog)) is not None}
        tasks = await store.find(TaskRecord, Where("id", "in", tuple(why))) if why else []
        found += [
            Happening(kind="drifted", task=task.name, task_id=task.id, detail=why[task.id], at_ms=at_ms)
            for task in tasks
            if task.state == "live"
        ]
    return found


async def caught_up(store: Store, catalog: Catalog, task_id: str) -> bool:
    """Whether a task is of this world again. Raises: StoreError."""
    return left_behind(await store.find(UseRecord, Where("task_id", "=", task_id)), catalog) is None


def left_behind(uses: Iterable[UseRecord], catalog: Catalog) -> str | None:
    """What is not so any more, in words, or None."""
    for use in uses:
        service = catalog.service(use.service)
        if service is None:
            return f"the catalog has no service {use.service}"
        if use.pinned and service.digest != use.pinned:
            return f"the service {use.service} is described differently now"
    return None
