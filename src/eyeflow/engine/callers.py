"""A caller who waits for a run without a task of their own.

Knows: that one is told once. In: the answer of a run in this process. Out: `tell`, called with the result or the error.
Never: decides what a caller is told of a run that goes on (`running`).

Most runs end while their caller waits, and are told by a callback: a task for each caller, that only waits for another
one, cost more than the door and the record together.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from eyeflow.engine.active import Answer
from eyeflow.engine.model import RunResult

Tell: TypeAlias = Callable[[RunResult | Exception], None]
Otherwise: TypeAlias = Callable[[int | None], Coroutine[Any, Any, RunResult]]
"""Gives what is told of a run that suspends, goes elsewhere or takes too long, within so many milliseconds."""


class Caller:
    """Tells the end of a run, or what `otherwise` gives when it has no end here within `wait_ms`; `spawn` runs that."""

    __slots__ = ("_answer", "_otherwise", "_spawn", "_tell", "_timer", "_wait_ms")

    def __init__(
        self,
        answer: Answer,
        tell: Tell,
        otherwise: Otherwise,
        *,
        wait_ms: int | None,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._answer = answer
        self._tell = tell
        self._otherwise = otherwise
        self._wait_ms = wait_ms
        self._spawn = spawn
        answer.add_done_callback(self._came)
        self._timer = None if wait_ms is None else answer.get_loop().call_later(wait_ms / 1000, self._late)

    def _came(self, answer: Answer) -> None:
        if self._timer is not None:
            self._timer.cancel()
        error = answer.exception()
        if error is not None:
            assert isinstance(error, Exception), "a run has no other errors"
            self._tell(error)
        elif (result := answer.result()) is not None:
            self._tell(result)
        else:
            self._spawn(self._told_otherwise(self._wait_ms))

    def _late(self) -> None:
        self._timer = None
        if self._answer.remove_done_callback(self._came):  # else it was done in this very turn
            self._spawn(self._told_otherwise(0))

    async def _told_otherwise(self, wait_ms: int | None) -> None:
        try:
            result = await self._otherwise(wait_ms)
        except Exception as error:
            self._tell(error)
        else:
            self._tell(result)
