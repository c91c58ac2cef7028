"""`Plan`: what the optimizer decided about a Task, and why.

Knows: the shape of decisions (order, stages, bindings, caches, pools, memory, latency). In: nothing.
Out: frozen structs; every decision is written into the Program by `codegen` and obeyed by the machine's loader.
Never: decides (that is `optimizer`), executes.

Actions are numbered from 1 in the order of the text, top level only, as the seed prints them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from eyeflow.ir.task import Task

DecisionKind: TypeAlias = Literal["order", "bind", "cache", "pool", "memory", "latency", "rewrite", "batch"]


class Stage(msgspec.Struct, frozen=True):
    """Actions whose needs are all met by earlier stages: they may start together."""

    actions: tuple[int, ...]


class Needs(msgspec.Struct, frozen=True):
    """What must have finished before `action` starts: data it reads and its AFTER."""

    action: int
    on: tuple[int, ...]


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """A connection the program uses. `label` is the seed's (`slack_connector`: the service's first alias, else its
    id, and `_connector`); `ready` means connect before the first run; `pool` is the number of kept connections."""

    label: str
    service: str
    connection: str
    ready: bool = True
    pool: int = 1


class Cache(msgspec.Struct, frozen=True):
    """The result of `action` may be reused for `ttl_ms`. `scope` is a nested action's name path, or its own name."""

    action: str
    ttl_ms: int


class Batched(msgspec.Struct, frozen=True):
    """The read `action` (a path of names, as in `Cache`) may go together with others in one request: with those for
    the loop's items to come (`ahead`), or with the same reads that start with it (`beside`)."""

    action: str
    mode: Literal["ahead", "beside"]


class Decision(msgspec.Struct, frozen=True):
    """One decision in words: what about (`subject`), what (`choice`), and the reason."""

    kind: DecisionKind
    subject: str
    choice: str
    why: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`order` is the serial order in which actions are started when several could; `estimate_ms` is the low and high
    estimate along the critical path (action numbers in `critical_path`)."""

    task: Task
    order: tuple[int, ...] = ()
    stages: tuple[Stage, ...] = ()
    needs: tuple[Needs, ...] = ()
    bindings: tuple[Binding, ...] = ()
    caches: tuple[Cache, ...] = ()
    batches: tuple[Batched, ...] = ()
    memory_bytes: int = 0
    estimate_ms: tuple[int, int] = (0, 0)
    critical_path: tuple[int, ...] = ()
    decisions: tuple[Decision, ...] = ()
