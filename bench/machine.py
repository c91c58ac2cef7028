"""W5: one run of a compute-only program inside the process, loading an artifact, memory of a run that waits.

Knows: the programs measured. In: nothing. Out: timings and sizes. Never: does I/O.
"""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from typing import Final

import eyeflow
from bench.measure import Size, Timing, timed
from eyeflow.svm import Answer, Ports
from eyeflow.svm.ports import Asked, Settled, Uncertain

_RULE: Final = """
TASK rule
  DEADLINE 1s
  INPUT temperature number
  TRIGGER manual()

  ACTION judge
    TYPE conditional
    CONDITION GT(input.temperature, 75)
      BRANCH hot
        FORMAT "It's hot! {input.temperature}F"
    CONDITION LT(input.temperature, 50)
      BRANCH cold
        FORMAT "It's cold! {input.temperature}F"
    DEFAULT
      FORMAT "Normal weather! {input.temperature}F"
    OUTPUT message

  RETURN {message: message, length: LEN(message)}
"""
_WAITING: Final = """
TASK waiting
  TRIGGER manual()

  ACTION ask
    TYPE approval
    ROLE owner
    MESSAGE "Go on?"
    EXPIRES 7d
"""
_SUSPENDED: Final = 2_000


class _Nobody:
    """An approver who never answers."""

    async def ask(self, question: Asked) -> Answer:
        """Wait for ever."""
        return await self._never(question)

    async def settle(self, question: Uncertain) -> Settled:
        """Wait for ever."""
        raise AssertionError("nothing here is uncertain")

    async def _never(self, question: Asked) -> Answer:
        await asyncio.get_running_loop().create_future()
        raise AssertionError(question)


def measure() -> list[Timing | Size]:
    """All of W5."""
    key = eyeflow.SigningKey(os.urandom(32))
    rule = eyeflow.write_artifact(eyeflow.compile(_RULE).seal(key))
    machine = eyeflow.Machine(trust=[key.signer])
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loaded = runner.run(machine.load(rule))
        run = timed(
            "W5", "run, 3 operations and a template",
            lambda: loop.run_until_complete(machine.run(loaded, {"temperature": 72})), 3_000, warm=100,
        )  # fmt: skip
        load = timed("W5", "load an artifact", lambda: loop.run_until_complete(machine.load(rule)), 300)
        size = runner.run(_suspended(key))
    return [run, load, Size(workload="W5", what="artifact", bytes=len(rule)), size]


async def _suspended(key: eyeflow.SigningKey) -> Size:
    """Memory of one run that waits for a person."""
    machine = eyeflow.Machine(trust=[key.signer], ports=Ports(approver=_Nobody()))
    loaded = await machine.load(eyeflow.write_artifact(eyeflow.compile(_WAITING).seal(key)))
    handles = [await machine.start(loaded)]
    await asyncio.sleep(0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    handles += [await machine.start(loaded) for _ in range(_SUSPENDED)]
    await asyncio.sleep(0.1)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    for handle in handles:
        handle.cancel()
    await asyncio.gather(*(handle.finished() for handle in handles))
    return Size(workload="W5", what="a run that waits for approval", bytes=used // _SUSPENDED)
