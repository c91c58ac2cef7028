"""Triggers to what the machine's door needs: a specification without expressions, and one boolean block.

Knows: the catalog's filters of an event. In: checked triggers. Out: `TriggerCode`s in the pools.
Never: listens to anything.

An event passes when all of these hold: for each given param of its kind, the catalog's filter expression over
`payload` and the params, or, without one, that the payload field of the param's name equals it (a param with neither
is the source's business); and the WHERE of the text.
"""

from __future__ import annotations

import msgspec

from eyeflow.catalog.model import CompileContext, TriggerKind
from eyeflow.diagnostics import Diagnostic, Place
from eyeflow.ir.check import check_expression
from eyeflow.ir.check.constants import NotAValue, Unknown, constant
from eyeflow.ir.codegen.expressions import Lowering, constant_of
from eyeflow.ir.codegen.names import Name, Names
from eyeflow.ir.codegen.pools import Pools, as_json
from eyeflow.ir.codegen.roots import event_service, payload_type
from eyeflow.ir.expr import Call, Expr, Ref
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import TRIGGER, TriggerCode
from eyeflow.ir.task import Event, Task, Topic, Trigger, Webhook
from eyeflow.ir.text import parse_expression
from eyeflow.values import BOOLEAN, NULL, ObjectOf, Type, nullable


class Triggers:
    """Turns the triggers of one task into code."""

    def __init__(self, pools: Pools, ctx: CompileContext, names: Names) -> None:
        self._pools = pools
        self._ctx = ctx
        self._names = names
        self.found: list[Diagnostic] = []

    def codes(self, task: Task) -> tuple[TriggerCode, ...]:
        """One code for each trigger, in the order of the text."""
        return tuple(self._code(trigger) for trigger in task.triggers)

    def _code(self, trigger: Trigger) -> TriggerCode:
        match trigger:
            case Event():
                return self._event(trigger)
            case Webhook(where=where) | Topic(where=where):
                spec = msgspec.structs.replace(trigger, where=None, span=None)
                names = self._under(trigger)
                block = -1 if where is None else self._conjunction(Lowering(self._pools, names), [(where, names)])
                return TriggerCode(spec=spec, where=block)
            case _:
                return TriggerCode(spec=msgspec.structs.replace(trigger, span=None))

    def _event(self, trigger: Event) -> TriggerCode:
        service = self._ctx.catalog.service(event_service(trigger, self._ctx))
        kind = service.trigger(trigger.event) if service is not None else None
        if kind is None:
            self._report("unknown_trigger", trigger, f"the catalog has no event {trigger.service}.{trigger.event}")
            return TriggerCode(spec=trigger)
        params: dict[str, int] = {}
        for entry in trigger.params:
            index = self._param(entry.value, kind, entry.name)
            if index is None:
                self._report("bad_constant", trigger, f"{entry.name!r} must be known before any event")
            else:
                params[entry.name] = index
        filters = self._filters(trigger, kind)
        names = self._under(trigger)
        where = -1
        if filters or trigger.where is not None:
            code = Lowering(self._pools, names)
            inside = _param_names(code, kind, params, self._pools)
            own = [] if trigger.where is None else [(trigger.where, names)]
            where = self._conjunction(code, [*((each, inside) for each in filters), *own])
        spec = msgspec.structs.replace(trigger, params=(), where=None, span=None)
        return TriggerCode(spec=spec, where=where, params=tuple(params.items()))

    def _param(self, expr: Expr, kind: TriggerKind, name: str) -> int | None:
        """The constant of a param; lists and objects of constants are constants too."""
        index = constant_of(expr, self._pools)
        param = kind.param(name)
        if index is not None or param is None:
            return index
        try:
            value = constant(expr, self._pools.zone.key)
            return None if isinstance(value, Unknown) else self._pools.constant(param.type, as_json(value))
        except (NotAValue, TypeError):
            return None

    def _filters(self, trigger: Event, kind: TriggerKind) -> list[Expr]:
        """The checked conditions of the catalog, over `payload` and the given params."""
        given = {entry.name for entry in trigger.params}
        written = dict(kind.filters)
        types: dict[str, Type] = {"payload": kind.payload}
        for param in kind.params:
            types[param.name] = param.type if param.name in given else nullable(param.type)
        found: list[Expr] = []
        for entry in trigger.params:
            expr = self._filter(entry.name, written, kind, trigger)
            if expr is None:
                continue
            checked, report = check_expression(expr, types, expected=BOOLEAN)
            self.found.extend(report.diagnostics)
            if checked is not None:
                found.append(checked)
        return found

    def _filter(self, name: str, written: dict[str, str], kind: TriggerKind, trigger: Event) -> Expr | None:
        if name in written:
            expr, report = parse_expression(written[name], f"{trigger.service}.{trigger.event}.{name}")
            self.found.extend(report.diagnostics)
            return expr
        if isinstance(kind.payload, ObjectOf) and kind.payload.field(name) is not None:
            return Call("EQ", (Ref("payload", (name,)), Ref(name)))
        return None

    def _under(self, trigger: Trigger) -> Names:
        """The roots, with `trigger` as this trigger delivers it."""
        return self._names.with_("trigger", TRIGGER, payload_type(trigger, self._ctx))

    def _conjunction(self, code: Lowering, parts: list[tuple[Expr, Names]]) -> int:
        """A block that is true when all parts are, each read with its own names; it stops at the first that fails."""
        first, names = parts[0]
        result = code.under(names, first)
        for expr, names in parts[1:]:
            inner = Lowering(self._pools, names)
            result = code.emit(Op.AND, result, inner.done(inner.value(expr)))
        return code.done(result)

    def _report(self, code: str, trigger: Event, message: str) -> None:
        place = Place(span=trigger.span, path=f"{trigger.service}.{trigger.event}")
        self.found.append(Diagnostic(code, message, place=place))


def _param_names(code: Lowering, kind: TriggerKind, given: dict[str, int], pools: Pools) -> Names:
    """`payload` and the params of a kind as names; a param that was not given is null."""
    known = {"payload": Name(TRIGGER, kind.payload)}
    for param in kind.params:
        index = given.get(param.name)
        of = param.type if index is not None else nullable(param.type)
        known[param.name] = Name(code.emit(Op.CONST, index if index is not None else pools.constant(NULL, None)), of)
    return Names(known)
