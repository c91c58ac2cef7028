"""`Program`: the only executable form, as pools of small structs that bytes spell exactly.

Knows: the shape of a program and of the artifact around it. In: nothing (`codegen` makes programs, `bytecode` reads
and writes them, `validate` judges them). Out: frozen structs.
Never: holds a secret: bindings name credentials by reference.

All cross references are indexes into the program's own pools.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from eyeflow.ir.task import Backoff, Event, Manual, Once, Schedule, Topic, Webhook
from eyeflow.values import Field, Span, Type
from eyeflow.values import Literal as JsonLiteral

IR_VERSION = 1
"""The version of the program format; a loader refuses any other."""

TRIGGER, INPUT, ME, NOW = 0, 1, 2, 3
"""The registers that hold a run's roots; the first free register is 4."""


class Constant(msgspec.Struct, frozen=True, array_like=True):
    """A typed constant: `value` as JSON; date, time, timestamp as ISO text, duration as milliseconds, bytes base64."""

    type: Type
    value: JsonLiteral


class Instruction(msgspec.Struct, frozen=True, array_like=True):
    """`op` is a number of the opcode table, `dst` the register it assigns, `args` what the row says."""

    op: int
    dst: int
    args: tuple[int, ...] = ()


class CodeBlock(msgspec.Struct, frozen=True, array_like=True):
    """Pure operations run in order; `result` is the register whose value the block has."""

    code: tuple[Instruction, ...]
    result: int


class Backup(msgspec.Struct, frozen=True, array_like=True):
    """What runs when a step failed for good: a pure `block`, or a `scope` of steps (the other is -1)."""

    block: int
    scope: int
    stop: bool
    timeout_ms: int


class RateLimit(msgspec.Struct, frozen=True, array_like=True):
    """At most `calls` starts in any `window_ms`; `queue` waits, otherwise the call fails."""

    calls: int
    window_ms: int
    queue: bool


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One action. `number` counts from 1 in its scope by the order of the text; `needs` are numbers in the same
    scope. `do.dst` is its output register. `output_type` is T? when the step may be skipped or tolerated.
    `nullable_inputs` are the needed steps whose null output this step accepts.
    """

    number: int
    name: str
    do: Instruction
    needs: tuple[int, ...] = ()
    when: int = -1
    timeout_ms: int | None = None
    attempts: int = 1
    backoff: Backoff | None = None
    backup: Backup | None = None
    continue_on_error: bool = False
    uncertain: Literal["fail", "retry", "ask"] = "fail"
    cache_ms: int = 0
    rate: RateLimit | None = None
    output_type: Type
    label: str | None = None


class Scope(msgspec.Struct, frozen=True, array_like=True):
    """Steps that share a frame. `order` lists step numbers as they are started when several could start;
    `stages` is the plan's grouping; `result` is the block of the scope's value, -1 for null."""

    steps: tuple[Step, ...]
    order: tuple[int, ...]
    stages: tuple[tuple[int, ...], ...]
    result: int
    label: str | None = None


class Fan(msgspec.Struct, frozen=True, kw_only=True):
    """A loop: `source` block gives the list, `item` is the register of the element, `where` and `collect` blocks
    may be -1. More than `max_items` items (after `where`) is the error loop_limit before the first effect."""

    source: int
    item: int
    where: int = -1
    scope: int
    collect: int = -1
    parallel: int = 1
    max_items: int = 10_000


class CallBinding(msgspec.Struct, frozen=True, kw_only=True):
    """A capability bound to a connection. `digest` is that of the service's executable part at compile time;
    `label`, `ready`, `pool` are the plan's decisions. `key_header` is set when the service takes an idempotency key."""

    label: str
    service: str
    capability: str
    connection: str
    credential: str | None = None
    digest: str
    effect: Literal["pure", "read", "write", "irreversible"]
    idempotent: bool
    keyed: bool = False
    timeout_ms: int
    ready: bool = True
    pool: int = 1


class TriggerCode(msgspec.Struct, frozen=True, kw_only=True):
    """One trigger: `spec` without its expressions, which are blocks over register 0: `where` (a boolean that also
    holds the catalog's filters), and `params` (name, constant index) for the source."""

    spec: Schedule | Once | Webhook | Event | Topic | Manual
    where: int = -1
    params: tuple[tuple[str, int], ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Enforced by the machine. `deadline_ms` counts active time, `expires_ms` bounds the whole run; `operations`
    bounds pure operations run, `calls` connector attempts, `memory_bytes` the size of all results together."""

    deadline_ms: int
    expires_ms: int
    operations: int
    calls: int
    memory_bytes: int


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A whole program. `scopes[root]` is the task, `scopes[on_failure]` runs after an unrecovered failure (-1: none);
    `me_fields` are the profile fields the program reads."""

    ir_version: int = IR_VERSION
    task: str
    zone: str
    durable: Literal["record", "journal"]
    inputs: tuple[Field, ...] = ()
    triggers: tuple[TriggerCode, ...] = ()
    constants: tuple[Constant, ...] = ()
    types: tuple[Type, ...] = ()
    bindings: tuple[CallBinding, ...] = ()
    blocks: tuple[CodeBlock, ...] = ()
    fans: tuple[Fan, ...] = ()
    scopes: tuple[Scope, ...] = ()
    root: int
    on_failure: int = -1
    registers: int
    limits: Limits
    estimate_ms: tuple[int, int] = (0, 0)
    output_type: Type


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a step came from: its path of names, and its spans in the sentence and in the IR text."""

    step: str
    sentence: Span | None = None
    ir: Span | None = None


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a program: not part of its identity. `signature` is Ed25519 over all other fields' canonical
    bytes; `practice` artifacts run only against practice services."""

    program_digest: str
    source: str = ""
    sentence: str = ""
    places: tuple[Place, ...] = ()
    context_digest: str = ""
    catalog_digest: str = ""
    approver: str = ""
    compiler: str = ""
    practice: bool = False
    key_id: str = ""
    signature: bytes = b""


class Artifact(msgspec.Struct, frozen=True):
    """A sealed program: `program` are its canonical bytes, whose SHA-256 is `digest`."""

    program: bytes
    digest: str
    envelope: Envelope
