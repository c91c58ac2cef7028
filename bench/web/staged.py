"""`eyeflow up` with a clock in it: `python -m bench.web.staged up ...` is `python -m eyeflow up ...`, and at its end it
writes for each request how long each stage took.

Knows: which functions are a stage's (`STAGES`); that one request is in hand at a time, sent by one caller. In: the
command's own arguments, a file's name in `BENCH_STAGES`. Out: that file. Never: changes what a function does.

A moment belongs to the stage that was entered last and not left, waiting included; so the stages of a request add up to
the time it was in the server. A test holds that every function named here exists.
"""

from __future__ import annotations

import atexit
import importlib
import inspect
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

STAGES: Final[dict[str, tuple[str, ...]]] = {
    "http": ("server.protocol:Connection.data_received", "server.turn:Turn.whole"),
    "door": ("server.door:Door.answer",),
    "engine": ("engine.engine:Engine.run",),
    "load": (
        "engine.running:Running._admitted", "engine.starting:Starting.prepared", "svm.machine:Machine._begun",
    ),
    "format": ("svm.straight:StraightRun.drive", "svm.handle:RunHandle.drive"),
    "connector": ("connectors.http:HttpConnector.call",),
    "serialise": (
        "server.dataplane:json_body", "server.dataplane:typed", "server.dataplane:encoded",
        "engine.starting:pack_request", "engine.starting:pack_outcome", "engine.starting:pack_events",
        "engine.ending:pack_outcome", "engine.ending:pack_events", "engine.journal:pack_events",
        "secrets.runs:RunCipher.new", "secrets.runs:RunKey.seal",
    ),
    "store": ("engine.common:Common.write",),
}  # fmt: skip
"""By stage, the functions that are it. `http`: what comes from and goes to the socket, as HTTP; `door`: route, key,
permission, rate; `engine`: places, limits, answers; `load`: which program it is, its inputs, a run ready to begin;
`format`: the program's own steps: conditions, templates, values; `connector`: calls, services included; `serialise`:
JSON in and out, the record packed and encrypted; `store`: from handing over the record until it is on disk."""

_ENDS: Final = "server.door:Door.answer"
_MOST: Final = 200_000


class StageClock:
    """How long each stage has taken; `rows` has a request each, in seconds in the order of `STAGES`."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self._spent = dict.fromkeys(STAGES, 0.0)
        self._entered: list[str] = []
        self._since = 0.0

    def enter(self, stage: str) -> None:
        """From now on time is this stage's."""
        self._charge()
        self._entered.append(stage)

    def leave(self, stage: str) -> None:
        """This stage is over: time is again that of the one before it."""
        self._charge()
        for at in range(len(self._entered) - 1, -1, -1):
            if self._entered[at] == stage:
                del self._entered[at]
                return

    def end(self) -> None:
        """A request has been answered."""
        if len(self.rows) < _MOST:
            self.rows.append(list(self._spent.values()))
        self._spent = dict.fromkeys(STAGES, 0.0)

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._entered:
            self._spent[self._entered[-1]] += now - self._since
        self._since = now


def clocked(clock: StageClock, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with its time charged to `stage`."""
    if inspect.iscoroutinefunction(function):

        async def awaited(*given: Any, **named: Any) -> Any:
            clock.enter(stage)
            try:
                return await function(*given, **named)
            finally:
                clock.leave(stage)

        return awaited

    def called(*given: Any, **named: Any) -> Any:
        clock.enter(stage)
        try:
            return function(*given, **named)
        finally:
            clock.leave(stage)

    return called


def ending(clock: StageClock, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same of the function with which a request ends."""

    async def awaited(*given: Any, **named: Any) -> Any:
        clock.enter(stage)
        try:
            return await function(*given, **named)
        finally:
            clock.leave(stage)
            clock.end()

    return awaited


def place(name: str) -> tuple[Any, str, Callable[..., Any]]:
    """The module or class that holds a function, its name there, and the function. Raises: AttributeError."""
    module, _, path = name.partition(":")
    holder: Any = importlib.import_module(f"eyeflow.{module}")
    *outer, last = path.split(".")
    for part in outer:
        holder = getattr(holder, part)
    return holder, last, getattr(holder, last)


def install(clock: StageClock) -> None:
    """Put the clock around every function of `STAGES`, and have every request take the road that awaits: what is
    answered by callbacks has stages that lie inside one another otherwise."""
    holder, last, _ = place("server.door:Door.at_once")
    setattr(holder, last, lambda *_: False)
    for stage, names in STAGES.items():
        for name in names:
            holder, last, function = place(name)
            setattr(holder, last, (ending if name == _ENDS else clocked)(clock, stage, function))


def main() -> None:
    """Serve, and write what was measured."""
    clock, target = StageClock(), Path(os.environ["BENCH_STAGES"])
    install(clock)
    atexit.register(lambda: target.write_bytes(msgspec.json.encode(clock.rows)))
    from eyeflow.cli import main as command  # noqa: PLC0415 - what it imports is in its place by now

    command()


if __name__ == "__main__":
    main()
