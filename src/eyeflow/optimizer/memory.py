"""Pass: how much memory the results of one run may take; the machine enforces it.

A bound, not a guess of use: texts count their declared maximum, everything of unknown size one transport answer.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import ForEach
from eyeflow.optimizer.calls import sites
from eyeflow.values import Json, ListOf, MapOf, Nullable, ObjectOf, Scalar, Type

BASE_BYTES = 1 << 20
ANSWER_BYTES = 8 << 20
MOST_BYTES = 256 << 20
_TEXT_BYTES = 64 << 10
_SMALL_BYTES = 64


def memory(plan: Plan, ctx: CompileContext) -> Plan:
    """Fills `memory_bytes`."""
    total = BASE_BYTES
    for site in sites(plan.task, ctx):
        total += _bound(site.capability.returns)
    for action in plan.task.actions:
        if isinstance(action.do, ForEach):
            total += ANSWER_BYTES
    total = min(total, MOST_BYTES)
    choice = f"at most {total / (1 << 20):.0f} MB"
    said = Decision("memory", plan.task.name, choice, "the largest answers its calls may give, together")
    return replace(plan, memory_bytes=total, decisions=(*plan.decisions, said))


def _bound(of: Type, depth: int = 0) -> int:
    match of:
        case Scalar(name="string" | "bytes"):
            return _TEXT_BYTES
        case Nullable(inner):
            return _bound(inner, depth)
        case ObjectOf(fields) if depth < 8:
            return min(sum(_bound(f.type, depth + 1) for f in fields), ANSWER_BYTES)
        case Json() | ListOf() | MapOf() | ObjectOf():
            return ANSWER_BYTES
        case _:
            return _SMALL_BYTES
