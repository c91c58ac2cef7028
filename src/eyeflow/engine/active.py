"""A run in this process, and all such runs by id.

Knows: what its record will say, what is kept of it, what waits to be written. In: the other parts of the engine set its
fields. Out: records, conditions of a fenced write. Never: writes, or decides what happens to the run.
"""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from eyeflow.engine.model import RunResult, Status
from eyeflow.engine.programs import Deployed
from eyeflow.engine.sealing import RunKey
from eyeflow.store.port import Op, Require, Where
from eyeflow.store.records import ExecutionRecord
from eyeflow.svm.handle import RunHandle
from eyeflow.svm.journal import Event

Answer: TypeAlias = asyncio.Future[RunResult | None]
"""The result of a run that ended; None when it suspended, or is run elsewhere: the store tells the rest."""


class Active:
    """One run in this process.

    `record` is its row as last written, or as it will first be written; `kept` is True once it is in the store.
    `pending` are events the machine thinks kept and that go with the next unit, `ops` further operations that do.
    `gone`: it left this process without an end, because of `fault` if that is set. `answers` are the callers who wait;
    `asks` says that people may have been asked something.
    """

    __slots__ = (
        "answers", "asks", "deployed", "driver", "fault", "gone", "handle", "kept", "key", "look", "occupies", "ops",
        "pending", "record", "seq", "settling", "size",
    )  # fmt: skip

    def __init__(self, record: ExecutionRecord, key: RunKey, deployed: Deployed | None, *, kept: bool) -> None:
        self.record = record
        self.key = key
        self.deployed = deployed
        self.kept = kept
        self.handle: RunHandle | None = None
        self.driver: asyncio.Task[None] | None = None
        self.pending: list[Event] = []
        self.ops: list[Op] = []
        self.seq = 0
        self.size = 0
        self.gone = False
        self.fault: Exception | None = None
        self.settling = False
        self.occupies = False
        self.answers: list[Answer] = []
        self.asks = False
        self.look: asyncio.TimerHandle | None = None

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.record.id

    @property
    def status(self) -> Status:
        """What it is doing now."""
        if self.handle is None:
            return "queued"
        return "waiting" if self.handle.wakes_at is not None else "running"

    def mine(self) -> tuple[Where, ...]:
        """The row, as long as this process owns it under this claim."""
        record = self.record
        return (Where("id", "=", record.id), Where("owner", "=", record.owner), Where("fence", "=", record.fence))

    def fenced(self) -> Require:
        """Nothing is written for a run that belongs to somebody else by now."""
        return Require(ExecutionRecord, self.mine())

    def leave(self, fault: Exception | None = None) -> None:
        """Have the run stop here without an end: whatever it does from now on is not kept."""
        if not self.gone:
            self.gone, self.fault = True, fault
            if self.driver is not None and not self.settling:
                self.driver.cancel()

    def answer(self, result: RunResult | None) -> None:
        """Tell everybody who waits."""
        waiting, self.answers = self.answers, []
        for each in waiting:
            if not each.done():
                each.set_result(result)
