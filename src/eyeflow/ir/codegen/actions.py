"""Actions to steps, lists of actions to scopes.

Knows: which effect operation each kind of action is, and which policies a step carries. In: checked actions, the
plan's decisions. Out: scopes in the pools. Never: orders the top level; the plan did.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.ir import depends
from eyeflow.ir.codegen.bindings import call_binding
from eyeflow.ir.codegen.expressions import block, object_block, register_block, type_of
from eyeflow.ir.codegen.names import Names
from eyeflow.ir.codegen.pools import Pools, plain
from eyeflow.ir.expr import Entry, Expr
from eyeflow.ir.opcodes import Op
from eyeflow.ir.plan import Plan
from eyeflow.ir.program import Backup, Fan, Instruction, RateLimit, Scope, Step
from eyeflow.ir.task import (
    Action,
    Approval,
    Block,
    Bound,
    Conditional,
    ConnectorCall,
    Emit,
    ForEach,
    HttpCall,
    Log,
    Respond,
    Subtask,
    Transform,
    Wait,
)
from eyeflow.ir.types import item_of
from eyeflow.values import JSON, NULL, Null, Type, non_null, nullable

FALLBACK_TIMEOUT_MS: Final = 1_000
APPROVAL_EXPIRES_MS: Final = 7 * 86_400_000
MAX_ITEMS: Final = 10_000
RESPOND: Final = "respond"
"""The connector of the service whose capability is the same as the action `respond`."""


class Order(msgspec.Struct, frozen=True):
    """How a scope's steps follow one another."""

    needs: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    stages: tuple[tuple[int, ...], ...]


def order_of(actions: tuple[Action, ...]) -> Order:
    """The order of a nested scope: by what needs what, the text deciding between equals."""
    needs = depends.needs(actions)
    stages = depends.stages(needs)
    return Order(needs, tuple(number for stage in stages for number in stage), stages)


_CALL_OPS: Final = {None: Op.CALL, "ahead": Op.CALL_AHEAD, "beside": Op.CALL_BESIDE}


class Actions:
    """Turns actions into steps of one program."""

    def __init__(self, pools: Pools, plan: Plan, ctx: CompileContext) -> None:
        self._pools = pools
        self._plan = plan
        self._ctx = ctx
        self._caches = {cache.action: cache.ttl_ms for cache in plan.caches}
        self._batches = {batched.action: batched.mode for batched in plan.batches}

    def scope(
        self,
        actions: tuple[Action, ...],
        names: Names,
        *,
        path: str = "",
        order: Order | None = None,
        result: Expr | None = None,
        last: bool = False,
        label: str | None = None,
    ) -> tuple[int, Names]:
        """A scope of `actions` whose value is `result`, or with `last` the last action's output; and the names that
        exist when it is done. `path` is where it is, as `Plan.caches` writes it."""
        order = order or order_of(actions)
        steps: list[Step] = []
        for number, action in enumerate(actions, 1):
            step = self._step(number, action, names, order.needs[number - 1], path)
            steps.append(step)
            if action.output is not None:
                names = names.with_(action.output, step.do.dst, step.output_type)
        if result is not None:
            value = block(self._pools, names, result)
        else:
            value = register_block(self._pools, steps[-1].do.dst) if last and steps else -1
        return self._pools.scope(Scope(tuple(steps), order.order, order.stages, value, label)), names

    def _step(self, number: int, action: Action, names: Names, needs: tuple[int, ...], path: str) -> Step:
        place = f"{path}.{action.name}" if path else action.name
        output = self._pools.register()
        op, args = self._operation(action, names, place)
        limit = action.rate
        return Step(
            number=number,
            name=action.name,
            do=Instruction(op, output, args),
            needs=needs,
            when=self._block(action.when, names),
            timeout_ms=action.timeout_ms,
            attempts=action.retry.attempts if action.retry is not None else 1,
            backoff=action.retry.backoff if action.retry is not None else None,
            backup=self._backup(action, names, place),
            continue_on_error=action.on_error == "continue",
            uncertain=action.uncertain or "fail",
            cache_ms=self._caches.get(place, 0),
            rate=None if limit is None else RateLimit(limit.calls, limit.window_ms, limit.mode != "refuse"),
            output_type=plain(output_type(action)),
            label=action.output,
        )

    def _block(self, expr: Expr | None, names: Names) -> int:
        return -1 if expr is None else block(self._pools, names, expr)

    def _operation(self, action: Action, names: Names, place: str) -> tuple[int, tuple[int, ...]]:
        pools = self._pools
        match action.do:
            case HttpCall(bound=bound, params=params) | ConnectorCall(bound=bound, params=params):
                return self._call(bound, params, names, place)
            case Conditional():
                return int(Op.BRANCH), self._cases(action.do, names, place)
            case Transform(value=value):
                return int(Op.VALUE), (block(pools, names, value),)
            case ForEach():
                return int(Op.FOREACH), (self._fan(action.do, names, place),)
            case Subtask(task=task, params=params):
                return int(Op.SUBTASK), (pools.text(task), object_block(pools, names, params))
            case Wait(for_=length, until=until):
                if length is not None:
                    return int(Op.WAIT_FOR), (block(pools, names, length),)
                assert until is not None, "the checker wants FOR or UNTIL"
                return int(Op.WAIT_UNTIL), (block(pools, names, until),)
            case Approval(role=role, message=message, expires_ms=expires):
                limit = pools.integer(expires if expires is not None else APPROVAL_EXPIRES_MS)
                return int(Op.APPROVAL), (pools.text(role), block(pools, names, message), limit)
            case Emit(topic=topic, value=value):
                return int(Op.EMIT), (pools.text(topic), block(pools, names, value))
            case Log(message=message):
                return int(Op.LOG), (block(pools, names, message),)
            case Respond(status=status, body=body):
                return int(Op.RESPOND), (self._block(status, names), self._block(body, names))

    def _call(
        self, bound: Bound | None, params: tuple[Entry, ...], names: Names, place: str
    ) -> tuple[int, tuple[int, ...]]:
        assert bound is not None, "the checker binds every call"
        service = self._ctx.catalog.service(bound.service)
        if service is not None and service.connector == RESPOND:
            given = {entry.name: entry.value for entry in params}
            return int(Op.RESPOND), (self._block(given.get("status"), names), self._block(given.get("body"), names))
        binding = self._pools.binding(call_binding(bound, self._plan, self._ctx))
        op = _CALL_OPS[self._batches.get(place)]
        return int(op), (binding, object_block(self._pools, names, params))

    def _cases(self, do: Conditional, names: Names, place: str) -> tuple[int, ...]:
        args: list[int] = []
        for case in do.cases:
            args.append(block(self._pools, names, case.when))
            args.append(self._branch(case.block, names, place))
        args.append(self._branch(do.default, names, place))
        return tuple(args)

    def _branch(self, body: Block, names: Names, place: str) -> int:
        value = body.format if body.format is not None else body.value
        index, _ = self.scope(body.actions, names, path=place, result=value, last=True, label=body.name)
        return index

    def _fan(self, do: ForEach, names: Names, place: str) -> int:
        source = block(self._pools, names, do.source)
        item = self._pools.register()
        of = item_of(non_null(type_of(do.source, names))) or JSON
        inside = names.with_(do.item, item, of)
        where = self._block(do.where, inside)
        scope, last = self.scope(do.actions, inside, path=place, label=do.item)
        return self._pools.fan(
            Fan(
                source=source,
                item=item,
                where=where,
                scope=scope,
                collect=self._block(do.collect, last),
                parallel=do.parallel or 1,
                max_items=do.max_items if do.max_items is not None else MAX_ITEMS,
            )
        )

    def _backup(self, action: Action, names: Names, place: str) -> Backup | None:
        fallback = action.fallback
        if fallback is None:
            return None
        stop, timeout = fallback.then == "stop", fallback.timeout_ms or FALLBACK_TIMEOUT_MS
        if fallback.value is not None:
            return Backup(block(self._pools, names, fallback.value), -1, stop, timeout)
        scope, _ = self.scope(fallback.actions, names, path=place, last=True)
        return Backup(-1, scope, stop, timeout)


def output_type(action: Action) -> Type:
    """The type of an action's output as its dependents see it."""
    of = action.type if action.type is not None else JSON
    if isinstance(of, Null):
        return NULL
    return nullable(of) if action.when is not None or action.on_error == "continue" else of
