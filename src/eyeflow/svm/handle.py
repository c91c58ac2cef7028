"""`RunHandle`: one run from its first event to its `Execution`.

Knows: what comes before and after the root scope: roots, ON_FAILURE, status, the last event. In: a prepared `Run`.
Out: the `Execution`; cancelling. Never: raises what happened inside the run.
"""

from __future__ import annotations

import asyncio
import contextlib

from eyeflow.errors import CallError, RunError
from eyeflow.ir.evaluate import Frame
from eyeflow.ir.program import INPUT, ME, NOW, TRIGGER
from eyeflow.svm.journal import CancelRequested, Event, RunFinished, RunResumed, RunStarted
from eyeflow.svm.limits import Stopped, deadline_error
from eyeflow.svm.outcome import Execution, Status, Written
from eyeflow.svm.run import Failure, Run, TaskEnded
from eyeflow.svm.scope import ScopeRun
from eyeflow.values import Value


class RunHandle:
    """One run under way."""

    __slots__ = (
        "_cancelling", "_ended_by_fallback", "_error", "_finished", "_halted", "_head", "_over", "_run", "_task",
    )  # fmt: skip

    def __init__(self, run: Run, head: RunStarted) -> None:
        self._run = run
        self._head = head
        self._task: asyncio.Task[Execution] | None = None
        self._finished: Execution | None = None
        self._cancelling = False
        self._over = False
        self._error: Failure | None = None
        self._ended_by_fallback = False
        self._halted = False

    @property
    def execution_id(self) -> str:
        """The run's id."""
        return self._run.execution_id

    @property
    def status(self) -> Status:
        """`running`, `waiting` while its active time stands still, and at the end the execution's status."""
        if self._finished is not None:
            return self._finished.status
        return "waiting" if self._run.active.standing else "running"

    @property
    def wakes_at(self) -> float | None:
        """While active time stands still: when it goes on if nobody does anything, in seconds of the loop's time."""
        run = self._run
        return min(run.naps, default=run.expires_at) if run.active.standing else None

    @property
    def in_line(self) -> bool:
        """True while it waits for its turn under a rate, which it loses when it leaves memory."""
        return self._run.in_line > 0

    @property
    def working(self) -> bool:
        """True while a call is at work."""
        return self._run.active.working

    @property
    def events(self) -> tuple[Event, ...]:
        """What has happened so far."""
        return tuple(self._run.events)

    def happened(self, since: int) -> list[Event]:
        """What has happened so far, from event number `since` (from 0) on."""
        return self._run.events[since:]

    def make_durable(self) -> None:
        """From now on the run is durable by journal, whatever its program asks."""
        self._run.durable = self._run.journal is not None and self._run.recording is None

    async def keep(self) -> None:
        """Be durable from now on, and return when all that has happened so far is kept."""
        self.make_durable()
        await self._run.flush()

    def begin(self) -> None:
        """Start in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self.drive())

    async def finished(self) -> Execution:
        """The execution when it has ended. Giving up waiting does not end the run."""
        assert self._task is not None, "only a started run is waited for"
        return await asyncio.shield(self._task)

    def cancel(self) -> None:
        """Start nothing more and end waits; started writes run to their end and are recorded. Twice is once."""
        run = self._run
        if self._over or self._cancelling:
            return
        self._cancelling = True
        run.note(CancelRequested(at_us=run.at_us()))
        run.stop_reason = "cancelled"
        if run.root is not None:
            run.root.stop(cancelling=True)

    async def drive(self) -> Execution:
        """Run in the present task to the end."""
        run, code = self._run, self._run.executable.code
        if run.past is None:
            run.events.insert(0, self._head)
        else:
            run.events.append(RunResumed(at_us=run.at_us()))
        frame = Frame.of(code.registers, run.meter)
        frame[TRIGGER], frame[INPUT] = self._head.trigger, self._head.inputs
        frame[ME], frame[NOW] = self._head.me, self._head.now
        await run.flush()
        root = run.root = ScopeRun(run, code.root, frame)
        output = await self._root(root)
        failed_action = self._failed_action(root)
        status = self._status(root)
        if self._error is not None and status in ("failed", "partial_failure") and not self._ended_by_fallback:
            await self._on_failure(frame)
        first = self._first_tolerated(root)
        error = self._error or (None if first is None else first[2])
        self._over = True
        run.note(RunFinished(
            at_us=run.at_us(), status=status, output=output, code="" if error is None else error.code,
            error="" if error is None else error.message,
        ))  # fmt: skip
        await run.write()
        self._finished = self._execution(root, status, output, error, failed_action)
        run.let_go()
        return self._finished

    async def _root(self, root: ScopeRun) -> Value:
        history = self._run.history
        if history is not None and history.cancelled:
            self._cancelling = True
            self._run.stop_reason = "cancelled"
        if self._cancelling and self._run.recording is None and not self._failed_before():
            root.stop(cancelling=True)
        try:
            output = await root.drive()
            self._run.budget.keep(output)
            if history is not None and history.output_was_late():
                self._run.pass_deadline()  # in the record, computing this output took too long
                raise deadline_error()
            return output
        except TaskEnded as ended:
            self._error, self._ended_by_fallback = ended.error, True
        except (RunError, CallError) as error:
            self._error = error
        except Stopped:
            self._halted = True
        return None

    async def _on_failure(self, frame: Frame) -> None:
        """ON_FAILURE, with an allowance of active time of its own; its own failure changes nothing."""
        run, code = self._run, self._run.executable.code.on_failure
        if code is None:
            return
        run.active.renew(run.loop.time())
        run.deadline_hit = False
        run.root = ScopeRun(run, code, frame)
        if self._cancelling and run.recording is None:
            run.root.stop(cancelling=True)
        with contextlib.suppress(RunError, CallError, TaskEnded, Stopped):  # the journal has it
            await run.root.drive()

    def _failed_before(self) -> bool:
        """By the record: whether the task had failed, and ON_FAILURE begun. A cancelling after that changes nothing
        of how the run ends."""
        history = self._run.history
        return history is not None and history.on_failure

    def _failed_action(self, root: ScopeRun) -> int | None:
        if root.failures:
            number = min(number for number, _ in root.failures)
            return number if number > 0 else None
        first = self._first_tolerated(root)
        return None if self._error is not None or first is None else _number(root, first[0])

    def _first_tolerated(self, root: ScopeRun) -> tuple[str, str, Failure] | None:
        """Of the tolerated failures the first by the text: nothing depends on the order of finishing."""
        order = self._run.tolerated
        return min(order, key=lambda each: (_number(root, each[0]) or 0, each[0], each[1])) if order else None

    def _status(self, root: ScopeRun) -> Status:
        run = self._run
        cancelled = self._cancelling and not self._failed_before()
        if self._halted or (cancelled and self._error is not None):
            return "cancelled"
        if self._error is not None:
            return "partial_failure" if root.completed or run.fell_back else "failed"
        return "partial_failure" if run.tolerated else "success"

    def _execution(
        self, root: ScopeRun, status: Status, output: Value, error: Failure | None, failed_action: int | None
    ) -> Execution:
        run = self._run
        return Execution(
            status=status,
            output=output,
            error=None if error is None else error.message,
            error_code=None if error is None else error.code,
            error_hint="" if error is None else error.hint,
            # The failed action may have a fallback's value and still be the one that failed.
            completed_actions=len(root.completed - {failed_action}),
            failed_action=failed_action,
            fallback_executed=run.fell_back,
            uncertain=tuple(sorted(set(run.uncertain))),
            response=run.response,
            trail=Written(run.executable, self._head, round(run.at_us() / 1000), tuple(run.events)),
        )


def _number(root: ScopeRun, action: str) -> int | None:
    """The number of the top-level action that `action` is, or is inside of."""
    name = action.split(".", maxsplit=1)[0]
    return next((step.number for step in root.code.steps if step.name == name), None)
