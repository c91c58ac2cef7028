"""How much a program may use, worked out from its shape.

Knows: how attempts, loops and fallbacks multiply. In: the pools of a program. Out: `Limits`.
Never: measures; what is promised here the machine enforces.
"""

from __future__ import annotations

from typing import Final

from eyeflow.ir.codegen.pools import Pools
from eyeflow.ir.opcodes import CALLS, Op
from eyeflow.ir.operands import blocks_named
from eyeflow.ir.program import Limits, Step
from eyeflow.ir.task import Task

DEADLINE_MS: Final = 100
EXPIRES_MS: Final = 7 * 86_400_000
MEMORY_BYTES: Final = 50_000_000
MOST_CALLS: Final = 1_000_000
LEAST_OPERATIONS: Final = 1_000_000
MOST_OPERATIONS: Final = 100_000_000


def limits(task: Task, pools: Pools, roots: tuple[int, ...], memory_bytes: int) -> Limits:
    """The limits of a program whose outermost scopes are `roots`; `memory_bytes` 0 means the plan did not say."""
    counted = _Count(pools)
    calls = sum(counted.calls(root) for root in roots)
    operations = LEAST_OPERATIONS + sum(counted.operations(root) for root in roots)
    return Limits(
        deadline_ms=task.deadline_ms if task.deadline_ms is not None else DEADLINE_MS,
        expires_ms=task.expires_ms if task.expires_ms is not None else EXPIRES_MS,
        operations=min(operations, MOST_OPERATIONS),
        calls=min(calls, MOST_CALLS),
        memory_bytes=memory_bytes or MEMORY_BYTES,
    )


class _Count:
    """Worst cases of scopes, loops multiplied out."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._lengths = [len(block.code) + 1 for block in pools.blocks]

    def calls(self, scope: int) -> int:
        return sum(self._calls_of(step) for step in self._pools.scopes[scope].steps)

    def _calls_of(self, step: Step) -> int:
        total = step.attempts if step.do.op in (*CALLS, Op.SUBTASK) else 0
        total += sum(times * self.calls(inner) for inner, times in self._inner(step))
        return min(total, MOST_CALLS)

    def operations(self, scope: int) -> int:
        """All pure operations of a scope, each block once for every time it may run."""
        total = 0
        for step in self._pools.scopes[scope].steps:
            total += sum(self._lengths[block] for block in _blocks(step)) * step.attempts
            if step.do.op == Op.FOREACH:
                fan = self._pools.fans[step.do.args[0]]
                own = [each for each in (fan.where, fan.collect) if each >= 0]
                total += fan.max_items * sum(self._lengths[each] for each in own)
            total += sum(times * self.operations(inner) for inner, times in self._inner(step))
        return min(total, MOST_OPERATIONS)

    def _inner(self, step: Step) -> list[tuple[int, int]]:
        """Scopes inside a step, and how often each may run."""
        found: list[tuple[int, int]] = []
        if step.do.op == Op.BRANCH:
            found.extend((scope, 1) for scope in (*step.do.args[1::2], step.do.args[-1]))
        elif step.do.op == Op.FOREACH:
            fan = self._pools.fans[step.do.args[0]]
            found.append((fan.scope, fan.max_items))
        if step.backup is not None and step.backup.scope >= 0:
            found.append((step.backup.scope, 1))
        return found


def _blocks(step: Step) -> list[int]:
    blocks = [*blocks_named(step.do), step.when, step.backup.block if step.backup is not None else -1]
    return [block for block in blocks if block >= 0]
