"""A seeded storm: a random program, services that lie, a crash at an index of the journal, and the run carried on.

    PYTHONPATH=src:tests python -m svm.storm --seed 17            every crash of one seed
    PYTHONPATH=src:tests python -m svm.storm --seed 17 --crash 9  one crash, with the journal
    PYTHONPATH=src:tests python -m svm.storm --seeds 1000-1200    many

Everything follows from the seed: the program, how long each arrival at a service takes and how it ends, what people
answer, how long the process is gone. Time is virtual. `weather` gives the services' answers by key and arrival, so
that a run with a crash meets the same world as the run without.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

from eyeflow.connectors.port import ConnectorConfig
from eyeflow.errors import CallError, RunError
from eyeflow.ir.program import Artifact
from eyeflow.svm import Answer, Execution, LocalTasks, Machine, MemoryPublisher, Ports, Settled, run_virtual, wire
from eyeflow.svm.journal import (
    EffectFailed,
    EffectFinished,
    EffectStarted,
    Event,
    RunFinished,
    RunStarted,
    StepFinished,
    StepSkipped,
    StepStarted,
    UncertainSettled,
    event_name,
)
from eyeflow.svm.virtualtime import EPOCH
from eyeflow.values import Value
from svm.built import machine, sealed
from svm.storm_program import CHILD, storm_program

IDENTITY = "exec_1"


class Crash(BaseException):
    """The process is gone: no `except Exception` of the machine may see it off."""


class DurableJournal:
    """Keeps events; after `limit` of them (in all executions) the process is gone, for good."""

    def __init__(self, kept: Mapping[str, Sequence[Event]] | None = None, limit: int | None = None) -> None:
        self.kept = {name: list(events) for name, events in (kept or {}).items()}
        self.left = limit

    async def append(self, execution_id: str, events: Sequence[Event]) -> None:
        """Keep what the crash leaves time for."""
        await asyncio.sleep(0)
        for event in events:
            if self.left is not None:
                if self.left == 0:
                    raise Crash
                self.left -= 1
            self.kept.setdefault(execution_id, []).append(event)

    def of(self, execution_id: str) -> list[Event]:
        """All events of one execution."""
        return self.kept.get(execution_id, [])


class Services:
    """All services of the storm. They outlive every crash, and know what was really done, by idempotency key."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.arrivals: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.asked: dict[str, set[bytes]] = {}

    def weather(self, what: str) -> Random:
        """What happens at the next arrival of `what`."""
        self.arrivals[what] += 1
        return Random(f"{self.seed}/{what}/{self.arrivals[what]}")

    async def call(self, method: str, params: Mapping[str, Value], key: str | None) -> Value:
        """One arrival. A keyed service does one key once, and answers a repetition like the first time."""
        request = wire.pack(dict(params))
        what = f"{method}/{key or wire.digest(dict(params))}"
        self.asked.setdefault(what, set()).add(request)
        luck = self.weather(what)
        end = luck.choices(
            ("answered", "refused", "invalid", "lost", "silent", "hangs"), (70, 9, 5, 6, 5, 5)
        )[0]  # fmt: skip
        if end in ("answered", "silent") or (end == "hangs" and luck.random() < 0.5):
            self._do(method, key)
        await asyncio.sleep(luck.choice((0, 1, 3, 20, 90, 400)) / 1000)
        match end:
            case "refused":
                raise CallError("transient", "unavailable", "come again")
            case "invalid":
                raise CallError("permanent", "invalid", "no")
            case "lost" | "silent":
                raise CallError("uncertain", "reset", "the line went dead")
            case "hangs":
                await asyncio.get_running_loop().create_future()
        if method == "find_all":
            names = params["names"]
            assert isinstance(names, list)
            return [{"name": name, "temp": 20} for name in names if luck.random() < 0.8]
        if method == "find":
            return {"name": params["name"], "temp": 20}
        return {"ok": True, "ts": what, "temp": 20, "summary": "s"}

    def _do(self, method: str, key: str | None) -> None:
        if key is not None and (method != "keyed_send" or not self.done[key]):
            self.done[key] += 1


class Door:
    """The connector of `Services`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def initialize(self, config: ConnectorConfig) -> None:
        """Nothing to do."""

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """As the services say."""
        return await self._services.call(method, params, key)

    async def cleanup(self) -> None:
        """Nothing to do."""


class People:
    """Answer by seed, action and iteration, after some hours; the same question, the same answer."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    async def ask(self, question: Any) -> Answer:
        """Mostly yes."""
        luck = Random(f"{self._seed}/ask/{question.action}/{question.iteration}")
        await asyncio.sleep(luck.choice((1, 3_600, 30_000)))
        return Answer(luck.random() < 0.8, "somebody")

    async def settle(self, question: Any) -> Settled:
        """Without knowing."""
        luck = Random(f"{self._seed}/settle/{question.key}")
        await asyncio.sleep(luck.choice((1, 3_600)))
        return Settled(luck.choice(("sent", "again", "failed")), "somebody")


class Storm:
    """One seed: its programs and its world."""

    def __init__(self, seed: int, *, together: bool = False) -> None:
        self.seed = seed
        programs = storm_program(Random(seed), together=together)
        self.artifact = sealed(programs[0])
        self.child: Artifact = sealed(programs[1])

    def run(
        self, services: Services, journal: DurableJournal, publisher: MemoryPublisher, *, gone_s: float = 0
    ) -> Execution | None:
        """Begin, or carry on from the journal, `gone_s` seconds after its last event. None when it crashed."""

        async def main(clock: Any) -> Execution:
            # A dead process tells nobody of the tasks that died with it.
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            host: list[Machine] = []
            tasks = LocalTasks(lambda: host[0], {CHILD: self.child}, journal.of)
            ports = Ports(approver=People(self.seed), tasks=tasks, publisher=publisher)
            host.append(machine(
                clock=clock, connectors={"scripted": lambda: Door(services)}, journal=journal, ports=ports
            ))  # fmt: skip
            events = journal.of(IDENTITY)
            if events:
                return await host[0].resume(self.artifact, tuple(events))
            return await host[0].run(self.artifact, execution_id=IDENTITY)

        last_us = max((event.at_us for event in journal.of(IDENTITY)), default=0)
        try:
            return run_virtual(main, start=EPOCH + timedelta(seconds=last_us / 1_000_000 + gone_s))
        except Crash:
            return None

    def calm(self) -> Outcome:
        """The run without a crash."""
        services, journal = Services(self.seed), DurableJournal()
        execution = self.run(services, journal, MemoryPublisher())
        assert execution is not None
        return Outcome(execution, journal, services)

    def crashed(self, at: Sequence[int]) -> Outcome:
        """The run with crashes: the first after `at[0]` events, the next after `at[1]` more, and so on."""
        services, journal, publisher = Services(self.seed), DurableJournal(), MemoryPublisher()
        luck = Random(f"{self.seed}/{at}")
        for limit in at:
            journal = DurableJournal(journal.kept, limit)
            execution = self.run(services, journal, publisher, gone_s=luck.choice((0, 0.05, 60, 90_000)))
            if execution is not None:
                break
        else:
            journal = DurableJournal(journal.kept)
            execution = self.run(services, journal, publisher, gone_s=luck.choice((0, 0.05, 60, 90_000)))
        assert execution is not None
        return Outcome(execution, journal, services)

    def replayed(self, events: Sequence[Event]) -> Execution:
        """The same again from the record alone."""

        async def main(clock: Any) -> Execution:
            ports = Ports(approver=People(0), tasks=LocalTasks(lambda: host, {}), publisher=MemoryPublisher())
            host = machine(clock=clock, connectors={"scripted": lambda: Door(Services(0))}, ports=ports)
            return await host.replay(self.artifact, tuple(events))

        return run_virtual(main)


class Outcome(NamedTuple):
    """A run that ended, what is kept of it, what its services did."""

    execution: Execution
    journal: DurableJournal
    services: Services


def wrong(storm: Storm, calm: Outcome, outcome: Outcome) -> str:
    """What is wrong with a run that was carried on, or nothing."""
    execution, journal, services = outcome
    events = journal.of(IDENTITY)
    everything = [(name, event) for name, kept in journal.kept.items() for event in kept]
    return (
        _shape(execution, events)
        or _assignments(events)
        or _effects(everything, services)
        or _replay(storm, execution, events)
        or _same(calm, outcome)
    )


def _shape(execution: Execution, events: Sequence[Event]) -> str:
    if list(execution.events) != list(events):
        return "the journal is not the run's events"
    if not isinstance(events[0], RunStarted) or sum(isinstance(e, RunStarted) for e in events) != 1:
        return "the journal does not begin once"
    if not isinstance(events[-1], RunFinished) or sum(isinstance(e, RunFinished) for e in events) != 1:
        return "the journal does not end once"
    if execution.status not in ("success", "partial_failure", "failed"):
        return f"status {execution.status}"
    times = [event.at_us for event in events]
    return "" if times == sorted(times) else "time went backwards"


def _assignments(events: Sequence[Event]) -> str:
    for kind in (StepStarted, StepFinished, StepSkipped):
        count = Counter((e.action, e.iteration) for e in events if isinstance(e, kind))
        for place, times in count.items():
            if times > 1:
                return f"{kind.__name__} {times} times at {place}"
    finished = {(e.action, e.iteration) for e in events if isinstance(e, StepFinished)}
    both = finished & {(e.action, e.iteration) for e in events if isinstance(e, StepSkipped)}
    return f"finished and skipped: {sorted(both)}" if both else ""


def _effects(everything: Sequence[tuple[str, Event]], services: Services) -> str:
    acknowledged: Counter[str] = Counter()
    again: Counter[str] = Counter()
    doubtful: set[str] = set()
    attempts: Counter[str] = Counter()
    keyed: set[str] = set()
    for name, event in everything:
        if not isinstance(event, EffectStarted | EffectFinished | EffectFailed | UncertainSettled):
            continue
        key = f"{name}:{event.action}:{event.iteration or '0'}"
        if isinstance(event, EffectStarted):
            attempts[key] += 1
            if event.key != key or event.attempt != attempts[key]:
                return f"attempt {event.attempt} of {key} is number {attempts[key]}, with key {event.key}"
            if event.capability == "keyed_send":
                keyed.add(key)
        elif isinstance(event, EffectFinished):
            acknowledged[key] += 1
        elif isinstance(event, UncertainSettled):
            again[key] += event.verdict == "again"
        elif event.kind == "uncertain":
            doubtful.add(key)
    for key, times in acknowledged.items():
        if times > 1:
            return f"{key} was answered {times} times"
        if key in services.done and services.done[key] < 1:
            return f"the acknowledged effect {key} was lost"
    for key, times in services.done.items():
        if times > 1 + (0 if key in keyed else again[key]):
            return f"{key} was done {times} times, with {again[key]} orders to do it again"
        if times and not acknowledged[key] and key not in doubtful:
            return f"{key} was done, and nothing says so"
    for what, requests in services.asked.items():
        if len(requests) > 1:
            return f"{what} was asked with {len(requests)} different requests"
    return ""


def _replay(storm: Storm, execution: Execution, events: Sequence[Event]) -> str:
    again = storm.replayed(events)
    if (again.status, again.output, again.error) != (execution.status, execution.output, execution.error):
        return f"its replay ends otherwise: {again.status} {again.error}, not {execution.status} {execution.error}"
    if again.uncertain != execution.uncertain:
        return f"its replay doubts {again.uncertain}, not {execution.uncertain}"
    return "" if again.trace_hash() == execution.trace_hash() else "its replay has another trace hash"


def _same(calm: Outcome, outcome: Outcome) -> str:
    """When the services met the same calls as without the crash, a run that then succeeded must end the same."""
    execution, expected = outcome.execution, calm.execution
    everything = [event for kept in outcome.journal.kept.values() for event in kept]
    doubt = any(isinstance(event, EffectFailed) and event.code == "interrupted" for event in everything)
    late = execution.error_code == "approval_expired" or "ended with cancelled" in (execution.error or "")
    if not expected.ok or doubt or late or outcome.services.arrivals != calm.services.arrivals:
        return ""
    if not execution.ok or execution.output != expected.output:
        return f"it ended with {execution.status} {execution.error}, and with success without the crash"
    return ""


def storms(seed: int, *, crash: int | None = None, twice: bool = False, together: bool = False) -> str:
    """Every crash of one seed (or one of them); what went wrong, with the command that shows it again, or nothing."""
    storm = Storm(seed, together=together)
    option = " --together" if together else ""
    calm = storm.calm()
    found = wrong(storm, calm, calm)
    if found:
        return f"seed {seed} without a crash: {found}\n  PYTHONPATH=src:tests python -m svm.storm --seed {seed}{option}"
    length = sum(len(events) for events in calm.journal.kept.values())
    journal = calm.journal
    for at in range(length) if crash is None else [crash]:
        crashes = [at, Random(f"{seed}/{at}/second").randrange(1, 8)] if twice else [at]
        try:
            outcome = storm.crashed(crashes)
            journal, found = outcome.journal, wrong(storm, calm, outcome)
        except (RunError, AssertionError) as error:
            found = f"{type(error).__name__}: {error}"
        if crash is not None:
            _show(journal)
        if found:
            more = (" --twice" if twice else "") + option
            return (
                f"seed {seed}, crash after {at} events: {found}\n"
                f"  PYTHONPATH=src:tests python -m svm.storm --seed {seed} --crash {at}{more}"
            )
    return ""


def _show(journal: DurableJournal) -> None:
    for name, events in journal.kept.items():
        for number, event in enumerate(events):
            more = [f"{f}={getattr(event, f)!r}" for f in ("attempt", "kind", "code", "reason") if hasattr(event, f)]
            place = f"{getattr(event, 'action', '')} {getattr(event, 'iteration', '')}"
            sys.stdout.write(f"{name} {number:4} {event.at_us:>12} {event_name(event)} {place} {' '.join(more)}\n")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="svm.storm", description="crash a random program at every journal index")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", default="0-100")
    parser.add_argument("--crash", type=int)
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--together", action="store_true", help="programs whose reads may go together")
    asked = parser.parse_args()
    first, last = (asked.seed, asked.seed) if asked.seed is not None else map(int, asked.seeds.split("-"))
    broken = 0
    for seed in range(first, last + 1):
        found = storms(seed, crash=asked.crash, twice=asked.twice, together=asked.together)
        if found:
            broken += 1
            sys.stdout.write(f"{found}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{broken} of {last - first + 1} seeds failed\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
