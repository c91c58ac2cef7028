"""Who may run now, who stands in line, who is sent away.

Knows: how many runs are at work, by task, and the lines before them. In: a task's id. Out: a turn, a place in line, or
`Busy`. Never: knows what a run is.

Each task has a line of its own and the lines take turns, so that a flood on one task delays itself. A run that waits
gives its place back; when it goes on it takes it again without asking, for it cannot be stopped there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.model import Busy

Turn: TypeAlias = Callable[[], None]
"""Called when its turn has come: its place is taken already."""


class Admission:
    """The places of one process."""

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self._by_task: dict[str, int] = {}
        self._lines: dict[str, deque[Turn]] = {}
        self.running = 0
        self.in_line = 0

    def enter(self, task_id: str) -> bool:
        """Take a place if there is one and nobody of this task stands in line for it."""
        if self.running >= self._limits.running or self._lines:
            return self._enter_slowly(task_id)
        mine = self._by_task.get(task_id, 0)
        if mine >= self._limits.running_per_task:
            return False
        self._by_task[task_id] = mine + 1
        self.running += 1
        return True

    def _enter_slowly(self, task_id: str) -> bool:
        if self.running >= self._limits.running or task_id in self._lines or not self._has_room(task_id):
            return False
        self.occupy(task_id)
        return True

    def room(self) -> int:
        """How many more could be at work or in line here."""
        return max(self._limits.running - self.running, 0) + max(self._limits.line - self.in_line, 0)

    def full(self, task_id: str) -> bool:
        """True when a run of this task would have to wait."""
        return self.running >= self._limits.running or not self._has_room(task_id)

    def line_up(self, task_id: str, turn: Turn) -> None:
        """Stand in the task's line. No line takes more than half of all places in lines while others stand too.

        Raises: Busy `busy` when the line is full.
        """
        line = self._lines.get(task_id)
        share = self._limits.line // 2 if len(self._lines) > (line is not None) else self._limits.line
        if self.in_line >= self._limits.line or (line is not None and len(line) >= share):
            raise Busy("busy", f"{self.in_line} requests wait for their turn already")
        if line is None:
            line = self._lines[task_id] = deque()
        line.append(turn)
        self.in_line += 1

    def step_out(self, task_id: str, turn: Turn) -> bool:
        """Leave the line; False when the turn had come."""
        line = self._lines.get(task_id)
        if line is None or turn not in line:
            return False
        line.remove(turn)
        self.in_line -= 1
        if not line:
            del self._lines[task_id]
        return True

    def occupy(self, task_id: str) -> None:
        """Take a place whether there is one or not."""
        self._by_task[task_id] = self._by_task.get(task_id, 0) + 1
        self.running += 1

    def leave(self, task_id: str) -> None:
        """Give a place back, to the next whose turn it is."""
        self.running -= 1
        left = self._by_task[task_id] - 1
        if left:
            self._by_task[task_id] = left
        else:
            del self._by_task[task_id]
        while self._lines and self.running < self._limits.running and self._call_next():
            pass

    def _call_next(self) -> bool:
        """Call one from the first line that may go on, and put that line last."""
        for task_id, line in self._lines.items():
            if not self._has_room(task_id):
                continue
            turn = line.popleft()
            del self._lines[task_id]
            if line:
                self._lines[task_id] = line
            self.in_line -= 1
            self.occupy(task_id)
            turn()
            return True
        return False

    def _has_room(self, task_id: str) -> bool:
        return self._by_task.get(task_id, 0) < self._limits.running_per_task
