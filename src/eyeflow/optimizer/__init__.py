"""Layer 3: a checked Task becomes a `Plan`: rewritten where that saves something, ordered, bound, estimated.

Knows: the tuple of passes, in order. In: a checked Task and the context. Out: `(Plan, Report)`; `Plan.task` is the Task
as it will run, the caller keeps the one that was said. Never: changes what a program does.

Each pass is one file with one function `Plan -> Plan` that says what it did, why, and what that saves, in
`Plan.decisions`. What "the same" means: in every world, that is whatever the services answer and whichever calls
fail, the rewritten task makes the same writes in the same order where the text orders them, and ends with the same
status and output. In a world, equal reads have equal answers until something is written to their service. Time is
not part of it: a run may meet a deadline that it would have missed. Actions keep their names and numbers, so a
timeline and a report read as the text does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import EMPTY, Report
from eyeflow.ir.plan import Plan
from eyeflow.ir.task import Task
from eyeflow.optimizer.batch import batch
from eyeflow.optimizer.bind import bind
from eyeflow.optimizer.cache import cache
from eyeflow.optimizer.common import common
from eyeflow.optimizer.duplicates import duplicates
from eyeflow.optimizer.fold import fold
from eyeflow.optimizer.guards import guards
from eyeflow.optimizer.invariants import invariants
from eyeflow.optimizer.latency import latency
from eyeflow.optimizer.memory import memory
from eyeflow.optimizer.order import order
from eyeflow.optimizer.prefetch import prefetch
from eyeflow.optimizer.unread import unread

Pass: TypeAlias = Callable[[Plan, CompileContext], Plan]

REWRITES: Final[tuple[Pass, ...]] = (
    fold,  # first, so that expressions that come to the same look the same
    common,  # then one name for one value, so that reads with equal parameters look equal
    duplicates,
    guards,  # before `unread`, which sees what is left without a reader
    invariants,
    unread,
)
"""What changes the task, each so that effects, status and output stay what they are."""

PASSES: Final[tuple[Pass, ...]] = (*REWRITES, order, prefetch, bind, cache, batch, memory, latency)
"""What is decided, in the order in which it is decided."""


def optimize(task: Task, ctx: CompileContext) -> tuple[Plan, Report]:
    """The plan of a checked Task."""
    plan = Plan(task=task)
    for step in PASSES:
        plan = step(plan, ctx)
    return plan, EMPTY
