"""Lanes: runs of one schedule, one after the other, as its OVERLAP says.

Knows: which unfinished runs share a lane, and who of them is first. In: work of a lane. Out: whether it may begin.
Never: runs anything, or decides when a schedule fires.

The first of a lane is the one with the lowest execution id, and ids ascend with time. `skip` drops a run while another
is unfinished, in the unit that would have queued it; `queue` and `cancel` let it wait its turn, and `cancel` also asks
the others to end.
"""

from __future__ import annotations

from typing import Final

from eyeflow.engine.common import Common
from eyeflow.store.port import Op, Require, Update, Where
from eyeflow.store.records import ExecutionRecord, WorkRecord

LOOK_AGAIN_MS: Final = 1_000
"""How often a run that waits for its turn looks, if nobody tells it."""


def empty(lane: str) -> Require:
    """The lane has no unfinished run."""
    return Require(WorkRecord, (Where("lane", "=", lane),), absent=True)


async def blocked(common: Common, work: WorkRecord) -> bool:
    """True when another run of its lane comes before this one, which then looks again later."""
    if work.lane is None:
        return False
    first = await common.store.find(WorkRecord, Where("lane", "=", work.lane), order=("execution_id",), limit=1)
    if not first or first[0].execution_id >= work.execution_id:
        return False
    later = common.now_ms() + LOOK_AGAIN_MS
    mine = (Where("execution_id", "=", work.execution_id), Where("owner", "=", None))
    await common.store.write(Update(WorkRecord, (("ready_ms", later),), mine))
    return True


async def call_next(common: Common, lane: str) -> bool:
    """A run of the lane has ended: the next may begin. False when there is none."""
    first = await common.store.find(WorkRecord, Where("lane", "=", lane), order=("execution_id",), limit=1)
    if not first or first[0].owner is not None:
        return False
    mine = (Where("execution_id", "=", first[0].execution_id), Where("owner", "=", None))
    await common.store.write(Update(WorkRecord, (("ready_ms", common.now_ms()),), mine))
    return True


async def ending_all(common: Common, lane: str) -> list[Op]:
    """What asks every unfinished run of the lane to end."""
    unit: list[Op] = []
    for work in await common.store.find(WorkRecord, Where("lane", "=", lane)):
        unit += cancelling(work.execution_id, common.now_ms())
    return unit


def cancelling(execution_id: str, now_ms: int) -> list[Op]:
    """What asks one run to end, whoever has it."""
    return [
        Update(ExecutionRecord, (("cancelling", True),), (Where("id", "=", execution_id),)),
        Update(WorkRecord, (("signal", True), ("ready_ms", now_ms)), (Where("execution_id", "=", execution_id),)),
    ]
