"""What is certain about actions and expressions before a run.

Knows: effects by the catalog, which expressions cannot fail, which actions cannot fail a run, what waits for what.
In: checked actions. Out: facts; where something is not certain, the careful answer. Never: rewrites.
"""

from __future__ import annotations

from typing import Final

from eyeflow.catalog.model import Capability, CompileContext, Service
from eyeflow.ir import depends
from eyeflow.ir.expr import Bind, Call, Convert, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.functions import FUNCTIONS
from eyeflow.ir.task import Action, Approval, Bound, ConnectorCall, Emit, HttpCall, Subtask, Wait

ANY: Final = "*"
"""In a set of services: any of them."""

LONG_BACKOFF_MS: Final = 1_000
"""A longer pause between attempts is a wait: the world may have moved on."""

_CANNOT_FAIL: Final = frozenset(("EQ", "NE", "IS_NULL", "COALESCE"))
"""Functions that have a value for every argument."""

_GIVEN: Final = frozenset(("input", "me", "now"))
"""Roots whose shape is checked before the first action."""


def called(action: Action, ctx: CompileContext) -> tuple[Service, Capability, Bound] | None:
    """The capability that `action` calls; None for everything that is no bound call."""
    do = action.do
    if not isinstance(do, ConnectorCall | HttpCall) or do.bound is None:
        return None
    service = ctx.catalog.service(do.bound.service)
    capability = service.capability(do.bound.capability) if service is not None else None
    return None if service is None or capability is None else (service, capability, do.bound)


def reads(action: Action, ctx: CompileContext) -> Capability | None:
    """The capability of a call that changes nothing."""
    found = called(action, ctx)
    return found[1] if found is not None and found[1].effect in ("pure", "read") else None


def within(action: Action) -> tuple[Action, ...]:
    """`action` and every action inside it."""
    inner = (each for scope in depends.nested(action) for one in scope for each in within(one))
    return (action, *inner)


def changes(action: Action, ctx: CompileContext) -> frozenset[str]:
    """The services that `action`, or anything inside it, writes to; `ANY` when somebody else's program may run."""
    found: set[str] = set()
    for each in within(action):
        if isinstance(each.do, Subtask | Emit):
            found.add(ANY)
        elif isinstance(each.do, ConnectorCall | HttpCall) and reads(each, ctx) is None:
            found.add(each.do.bound.service if each.do.bound is not None else ANY)
    return frozenset(found)


def pauses(action: Action, ctx: CompileContext) -> bool:
    """True when `action`, or anything inside it, may let time pass beyond the calls themselves."""
    for each in within(action):
        long = each.retry is not None and each.retry.backoff is not None
        if isinstance(each.do, Wait | Approval | Subtask) or each.rate is not None or (long and _long(each)):
            return True
        found = called(each, ctx)
        if found is not None and found[0].constraints.rate_calls is not None:
            return True
    return False


def _long(action: Action) -> bool:
    backoff = action.retry.backoff if action.retry is not None else None
    return backoff is not None and (backoff.kind == "exponential" or backoff.first_ms > LONG_BACKOFF_MS)


def plain(action: Action) -> bool:
    """True when nothing but its own failure comes between starting an action and its output."""
    tolerant = action.on_error == "continue"
    return action.when is None and action.fallback is None and not tolerant and action.rate is None


def repeatable(expr: Expr | None) -> bool:
    """True when `expr` is worth the same whenever it is computed in one run: no NOW, no UUID."""
    match expr:
        case None | Lit() | Ref() | Template():
            return True
        case Call(name=name, args=args):
            return not FUNCTIONS[name].journaled and all(repeatable(arg) for arg in args)
        case Bind(source=source, body=body, rest=rest):
            return all(repeatable(each) for each in (source, body, *rest))
        case ListExpr(items=items):
            return all(repeatable(item) for item in items)
        case ObjectExpr(entries=entries):
            return all(repeatable(entry.value) for entry in entries)
        case Convert(value=value):
            return repeatable(value)


def sure(expr: Expr | None) -> bool:
    """True when computing `expr` cannot fail, whatever the services answered."""
    match expr:
        case None | Lit():
            return True
        case Ref(root=root, path=path):
            return not path or root in _GIVEN
        case Template(parts=parts):
            return all(isinstance(part, str) for part in parts)
        case Call(name=name, args=args):
            return name in _CANNOT_FAIL and all(sure(arg) for arg in args)
        case ListExpr(items=items):
            return all(sure(item) for item in items)
        case ObjectExpr(entries=entries):
            return all(sure(entry.value) for entry in entries)
        case Convert(value=value, how=how):
            return isinstance(value, Lit) or (how == "widen" and sure(value))
        case _:
            return False


def unfailing(action: Action, ctx: CompileContext) -> bool:
    """True for a call that changes nothing and can neither fail a run nor mark it: a continuing FALLBACK VALUE that
    is certain stands in whatever happens. ON_ERROR continue is not enough: a tolerated failure shows in the status."""
    fallback = action.fallback
    if reads(action, ctx) is None or fallback is None or fallback.value is None or fallback.then == "stop":
        return False
    return sure(fallback.value)


def costs(capability: Capability) -> str:
    """What one call of it takes, in words."""
    return "1 computation" if capability.value is not None else f"1 call, about {capability.latency_ms} ms"
