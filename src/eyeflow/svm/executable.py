"""`Executable`: a verified program as closures, with its connectors in hand.

Knows: the shape the machine runs: scopes of steps whose operands are functions over registers. In: `link` makes it.
Out: frozen structs, and the `Executable`, which is linked when it first runs. Never: runs, opens, checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from eyeflow.catalog.model import Batch
from eyeflow.connectors.port import Connector
from eyeflow.ir import bytecode
from eyeflow.ir.evaluate.frame import Code, Frame
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import CallBinding, Program, RateLimit
from eyeflow.ir.task import Backoff
from eyeflow.values import Field, Value

SUSPENDING: Final = frozenset((Op.WAIT_FOR, Op.WAIT_UNTIL, Op.APPROVAL))
"""Operations that suspend active time from their start to their end."""

Read: TypeAlias = Callable[[Value], Value]
"""Gives a value as its declared type has it. Raises: RunError `type_mismatch`, `missing_field`."""


Shown: TypeAlias = Callable[[Frame], str]
"""Gives a value as people read it. Raises: RunError."""


class ValueCode(msgspec.Struct, frozen=True):
    """VALUE."""

    block: Code


class BatchCode(msgspec.Struct, frozen=True, kw_only=True):
    """How reads of one capability become a request for many. `ahead`: the items of the loop around that are still to
    come are asked for too; else the steps beside. `check` is the typed parameters of the capability that is asked."""

    by: Batch
    ahead: bool
    check: Read | None


class CallCode(msgspec.Struct, frozen=True, kw_only=True):
    """CALL. `check` is the capability's typed parameters, `optional` those that may be left out, `max_text` the
    service's longest text, `expect` the type of a result the catalog leaves open; `rates` pairs names with limits."""

    binding: CallBinding
    connector: Connector
    params: Code
    check: Read | None
    optional: frozenset[str]
    max_text: int | None
    expect: Read | None
    rates: tuple[tuple[str, RateLimit], ...]
    repeatable: bool
    writes: bool
    batch: BatchCode | None = None


class CompareCode(msgspec.Struct, frozen=True):
    """The operands of a condition that is one comparison, as the timeline shows them."""

    left: Shown
    sign: str
    right: Shown


class CaseCode(msgspec.Struct, frozen=True):
    """One condition of BRANCH and the scope taken."""

    test: Code
    compared: CompareCode | None
    scope: ScopeCode | None


class BranchCode(msgspec.Struct, frozen=True):
    """BRANCH."""

    cases: tuple[CaseCode, ...]
    default: ScopeCode | None


class FanCode(msgspec.Struct, frozen=True, kw_only=True):
    """FOREACH. `collecting`: failing items are collected as `{item, error}`."""

    source: Code
    item: int
    where: Code | None
    scope: ScopeCode
    collect: Code | None
    parallel: int
    max_items: int
    collecting: bool


class SubtaskCode(msgspec.Struct, frozen=True):
    """SUBTASK."""

    task: str
    params: Code


class WaitCode(msgspec.Struct, frozen=True):
    """WAIT_FOR and WAIT_UNTIL."""

    block: Code


class ApprovalCode(msgspec.Struct, frozen=True):
    """APPROVAL."""

    role: str
    message: Code
    expires_ms: int


class EmitCode(msgspec.Struct, frozen=True):
    """EMIT."""

    topic: str
    value: Code


class LogCode(msgspec.Struct, frozen=True):
    """LOG."""

    message: Code


class RespondCode(msgspec.Struct, frozen=True):
    """RESPOND; no status means 200, no body null."""

    status: Code | None
    body: Code | None


Operand: TypeAlias = (
    ValueCode | CallCode | BranchCode | FanCode | SubtaskCode | WaitCode | ApprovalCode | EmitCode | LogCode
    | RespondCode
)  # fmt: skip


class BackupCode(msgspec.Struct, frozen=True):
    """A fallback: a pure block or a scope."""

    block: Code | None
    scope: ScopeCode | None
    stop: bool
    timeout_ms: int


class StepCode(msgspec.Struct, frozen=True, kw_only=True):
    """One action, ready to run. `action` is its path of names; `position` its place in the scope's start order;
    `dependents` the positions it wakes; `strict` the needed steps it cannot do without. It `computes` when it is a
    VALUE, or a BRANCH to scopes without steps, and nothing stands in for it: then it needs no await."""

    number: int
    position: int
    name: str
    action: str
    op: int
    dst: int
    operand: Operand
    when: Code | None
    needs: int
    dependents: tuple[int, ...]
    strict: frozenset[int]
    timeout_ms: int | None
    attempts: int
    backoff: Backoff | None
    backup: BackupCode | None
    continue_on_error: bool
    uncertain: str
    cache_ms: int
    label: str
    computes: bool


class ScopeCode(msgspec.Struct, frozen=True, kw_only=True):
    """Steps in start order. `first` are the positions that need nothing, ascending; `needs` says by position how many
    others a step needs."""

    steps: tuple[StepCode, ...]
    first: tuple[int, ...]
    needs: tuple[int, ...]
    result: Code | None
    label: str


class StraightScope(msgspec.Struct, frozen=True):
    """Steps that only compute, in start order, and the value they come to."""

    steps: tuple[StraightStep, ...]
    result: Code | None


class StraightGuard(msgspec.Struct, frozen=True):
    """What may leave a step out: its WHEN, and the steps it needs whose null it cannot do without."""

    number: int
    when: Code | None
    strict: frozenset[int]


class StraightBranch(msgspec.Struct, frozen=True):
    """The conditions of a choice, each with what it leads to."""

    cases: tuple[tuple[Code, StraightScope | None], ...]
    default: StraightScope | None


StraightStep: TypeAlias = tuple[int, StraightGuard | None, Code | StraightBranch, bool]
"""A register, what may leave the step out, what it does, and whether it is a line of the log."""


class StraightCode(msgspec.Struct, frozen=True, kw_only=True):
    """A program that only computes. Its code is not metered: a run takes the operations of all blocks off the budget
    at its start, and begins with `operations` left for work that depends on data. `blank` is what the registers hold
    at first; `reads_more` says whether any block reads another root than the inputs."""

    root: StraightScope
    operations: int
    memory_bytes: int
    deadline_s: float
    blank: tuple[None, ...]
    reads_more: bool


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """The code of a program. `straight` is the code of a program that only computes; `inputs` reads what a task is
    given; `me_fields` are the fields of the profile it reads, sorted, None when it
    reads the profile as a whole."""

    root: ScopeCode
    on_failure: ScopeCode | None
    straight: StraightCode | None
    fields: tuple[Field, ...]
    inputs: Callable[[Mapping[str, Value]], dict[str, Value]]
    me_fields: tuple[str, ...] | None
    wheres: tuple[Code | None, ...]
    registers: int


class Executable:
    """A program a machine has verified, resolved and connected. `digest` is the program's identity.

    Most programs wait most of the time, so an executable is its bytes until it first runs: then it is linked, once.
    """

    __slots__ = ("_link", "code", "connectors", "data", "digest", "durable", "limits", "practice", "task")

    def __init__(
        self, program: Program, data: bytes, digest: str, link: Callable[[Program, bytes], Linked], *,
        practice: bool, connectors: Mapping[str, Connector],
    ) -> None:  # fmt: skip
        """`data` is what spells `program`; `link` makes its code."""
        self.task = program.task
        self.digest = digest
        self.practice = practice
        self.durable = program.durable
        self.limits = program.limits
        self.connectors = connectors
        self.data = data
        self._link = link

    def __repr__(self) -> str:
        return f"Executable({self.task}, {self.digest[:12]})"

    @property
    def program(self) -> Program:
        """The whole program, read from its bytes anew: for those who look at it, not for those who run it."""
        return bytecode.decode(self.data)

    code: Linked
    """The code, ready to run; `__getattr__` makes it when it is first asked for, and every run after finds it."""

    def __getattr__(self, name: str) -> Linked:
        if name != "code":
            raise AttributeError(f"an executable has no {name}")
        self.code = self._link(self.program, self.data)
        return self.code

    @property
    def straight(self) -> bool:
        """True for a program that only computes."""
        return self.code.straight is not None

    @property
    def me_fields(self) -> tuple[str, ...] | None:
        """The fields of the profile that the program reads, sorted; None when it reads the profile as a whole."""
        return self.code.me_fields

    def waits(self) -> frozenset[str]:
        """The actions, by their paths, that suspend active time from their start to their end."""
        code = self.code
        scopes = [code.root] if code.on_failure is None else [code.root, code.on_failure]
        found: set[str] = set()
        while scopes:
            for step in scopes.pop().steps:
                if step.op in SUSPENDING:
                    found.add(step.action)
                scopes.extend(_inside(step))
        return frozenset(found)


def _inside(step: StepCode) -> list[ScopeCode]:
    scopes: list[ScopeCode | None] = []
    match step.operand:
        case BranchCode(cases=cases, default=default):
            scopes = [*(case.scope for case in cases), default]
        case FanCode(scope=scope):
            scopes = [scope]
        case _:
            pass
    if step.backup is not None:
        scopes.append(step.backup.scope)
    return [scope for scope in scopes if scope is not None]
