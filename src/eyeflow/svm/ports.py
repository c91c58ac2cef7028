"""What a program may ask of the world besides connectors: people, other tasks, topics, a log, a caller.

Knows: five ports and the in-memory form of each, which ships so that users test with it. In: requests of a run.
Out: answers. Never: a silent stand-in: a program that needs a port nobody gave is refused by the loader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from eyeflow.values import Value

Verdict = Literal["sent", "again", "failed"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a person of `role`: approve this? `expires_ms` from when it was first asked. A resumed run asks
    again: the question is the same when execution, action and iteration are."""

    execution_id: str
    action: str
    role: str
    message: str
    expires_ms: int
    iteration: str = ""


class Answer(msgspec.Struct, frozen=True):
    """A person's decision."""

    approved: bool
    by: str
    comment: str = ""


class Uncertain(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was sent and not answered, and that nobody may repeat unasked: the `attempt`-th of its action."""

    execution_id: str
    action: str
    connection: str
    capability: str
    key: str
    error: str
    iteration: str = ""
    attempt: int = 1


class Settled(msgspec.Struct, frozen=True):
    """What a person found out: it was `sent` (go on), send it `again`, or treat it as `failed`."""

    verdict: Verdict
    by: str


class Approver(Protocol):
    """Asks people. Both calls may take days; they are cancelled when the run no longer waits."""

    async def ask(self, question: Asked) -> Answer:
        """The answer of somebody who has the role."""
        ...

    async def settle(self, question: Uncertain) -> Settled:
        """What became of an uncertain call."""
        ...


class TaskRunner(Protocol):
    """Runs another task as part of a run."""

    async def run(self, task: str, params: Mapping[str, Value], *, parent: str, execution_id: str, depth: int) -> Value:
        """The output of `task`. `execution_id` is the id its run must have: asked a second time for the same one, by
        a parent that was resumed, the runner resumes that run. Raises: RunError, CallError when it did not succeed.
        """
        ...


class Publisher(Protocol):
    """Takes events out of runs."""

    async def publish(self, topic: str, value: Value, *, execution_id: str, key: str) -> None:
        """Hand over one event. A resumed run may do so a second time, with the same `key`. Raises: CallError."""
        ...


class Logger(Protocol):
    """Receives the lines of LOG."""

    async def write(self, text: str, *, execution_id: str, action: str) -> None:
        """One line."""
        ...


class Responder(Protocol):
    """Answers the caller who is still waiting."""

    async def respond(self, status: int, body: Value, *, execution_id: str) -> None:
        """Send the answer. Raises: CallError."""
        ...


class Suspensions(Protocol):
    """Is told when the active time of a run stands still, and when it goes on."""

    def turned(self, execution_id: str, standing: bool) -> None:
        """Called inside the run: returns at once, and changes nothing in it."""
        ...


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The ports of a machine. A log line is always an event of the run and an answer is always in its outcome, so
    `logger`, `responder` and `suspensions` are extra listeners; the other three have no meaning without somebody
    behind them."""

    approver: Approver | None = None
    tasks: TaskRunner | None = None
    publisher: Publisher | None = None
    logger: Logger | None = None
    responder: Responder | None = None
    suspensions: Suspensions | None = None


class ScriptedApprover:
    """Answers from a function; `asked` remembers the questions. The default says yes and `sent`."""

    def __init__(
        self,
        decide: Callable[[Asked], Answer] | None = None,
        settle: Callable[[Uncertain], Settled] | None = None,
    ) -> None:
        self._decide = decide or (lambda _: Answer(True, "scripted"))
        self._settle = settle or (lambda _: Settled("sent", "scripted"))
        self.asked: list[Asked | Uncertain] = []

    async def ask(self, question: Asked) -> Answer:
        """The function's answer."""
        self.asked.append(question)
        return self._decide(question)

    async def settle(self, question: Uncertain) -> Settled:
        """The function's verdict."""
        self.asked.append(question)
        return self._settle(question)


class MemoryPublisher:
    """Keeps what was published, in order, each event once."""

    def __init__(self) -> None:
        self.published: list[tuple[str, Value]] = []
        self._keys: set[str] = set()

    async def publish(self, topic: str, value: Value, *, execution_id: str, key: str) -> None:
        """Remember one event."""
        if key not in self._keys:
            self._keys.add(key)
            self.published.append((topic, value))


class MemoryLogger:
    """Keeps log lines, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def write(self, text: str, *, execution_id: str, action: str) -> None:
        """Remember one line."""
        self.lines.append(text)
