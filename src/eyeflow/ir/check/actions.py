"""Actions: every kind of step, its output, and what the steps after it may rely on.

Knows: single assignment, scopes of blocks, what makes an output nullable. In: actions as written, a scope.
Out: typed actions and the names they leave behind. Never: orders (see `depends`).

An output is `T?` when its action has WHEN or ON_ERROR continue; a continuing fallback's value joins its type. What a
loop with ON_ERROR continue collects joins `{item, error}`, which stands in for an item that failed. A name inside a
block is local and never hides an outer one. AFTER names actions of the same list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import Capability, Role
from eyeflow.diagnostics import nearest
from eyeflow.ir.check import http
from eyeflow.ir.check.calls import Calls
from eyeflow.ir.check.effects import check_modifiers
from eyeflow.ir.check.findings import meant, words
from eyeflow.ir.check.scope import Name, Scope
from eyeflow.ir.check.taint import flowing, held
from eyeflow.ir.check.tree import conjuncts, type_of
from eyeflow.ir.check.triggers import Triggers
from eyeflow.ir.depends import needs, stages
from eyeflow.ir.expr import Entry, Expr, Ref
from eyeflow.ir.task import (
    Action,
    Approval,
    Block,
    Body,
    Bound,
    Case,
    Conditional,
    ConnectorCall,
    Emit,
    Fallback,
    ForEach,
    HttpCall,
    Log,
    Respond,
    Subtask,
    Transform,
    Wait,
)
from eyeflow.ir.types import holds_secret, item_of, join
from eyeflow.values import (
    DURATION,
    INTEGER,
    JSON,
    NULL,
    STRING,
    TIMESTAMP,
    Field,
    Json,
    ListOf,
    ObjectOf,
    Type,
    non_null,
    nullable,
)

MAX_ITEMS: Final = 10_000
MOST_ITEMS: Final = 1_000_000
MOST_PARALLEL: Final = 256
ROOTS: Final = ("trigger", "input", "me", "now")
_ROLES: Final[tuple[Role, ...]] = ("viewer", "runner", "editor", "approver", "auditor", "owner")
_NOTHING: Final = Name(type=NULL)


class Made(msgspec.Struct, frozen=True):
    """What an action's body came to: typed, the name its output would have, and the capability it calls."""

    do: Body
    output: Name = _NOTHING
    capability: Capability | None = None


class Actions:
    """Checks lists of actions of one task."""

    def __init__(self, calls: Calls, triggers: Triggers, task: str) -> None:
        self.calls = calls
        self.typing = calls.typing
        self.found = calls.found
        self.triggers = triggers
        self.task = task

    def check(self, actions: tuple[Action, ...], scope: Scope) -> tuple[tuple[Action, ...], Scope, Name]:
        """The actions typed, the scope after them, and the value of the list: its last action's output."""
        outputs = [action.output for action in actions if action.output is not None]
        self._names(actions, outputs, scope)
        done: list[Action] = []
        last = _NOTHING
        for index, action in enumerate(actions):
            later = frozenset(each.output for each in actions[index:] if each.output is not None)
            here = replace(scope, later=(scope.later | later) - scope.names.keys())
            with self.found.at(action.name, span=action.span):
                typed, last = self._action(action, here)
            done.append(typed)
            if action.output is not None and action.output not in scope.names:
                scope = scope.having(action.output, last)
        return tuple(done), scope, last

    def _names(self, actions: tuple[Action, ...], outputs: list[str], scope: Scope) -> None:
        names = [action.name for action in actions]
        for index, action in enumerate(actions):
            with self.found.at(action.name, span=action.span):
                if action.name in names[:index]:
                    self.found.add("duplicate_name", f"two actions are called `{action.name}`")
                if action.output in ROOTS or action.output in scope.names:
                    self.found.add("duplicate_name", f"`{action.output}` already means something here")
                elif action.output is not None and any(action.output == each.output for each in actions[:index]):
                    self.found.add("duplicate_name", f"`{action.output}` is assigned twice")
                for name in action.after:
                    if name not in names and name not in outputs:
                        hint = meant(nearest(name, names), names, "actions here")
                        message = f"AFTER names no action of this block: `{name[:60]}`"
                        self.found.add("unknown_action", message, hint=hint)
                    if name == action.name:
                        self.found.add("cycle", f"{name} waits for itself")
        if len(set(names)) == len(names):
            needed = needs(actions)
            placed = {number for group in stages(needed) for number in group}
            stuck = [names[number - 1] for number in range(1, len(names) + 1) if number not in placed]
            if stuck:
                message = f"{words(stuck)} wait for each other"
                self.found.add("cycle", message, hint="take one AFTER away", span=actions[names.index(stuck[0])].span)

    def _action(self, action: Action, scope: Scope) -> tuple[Action, Name]:
        when = None
        inner = scope
        if action.when is not None:
            with self.found.at("when", span=action.when.span):
                when = self.typing.condition(action.when, scope, "WHEN")
            inner = scope.knowing(action.when, holds=True)
        made = self._body(action.do, inner, tolerated=action.on_error == "continue")
        check_modifiers(replace(action, do=made.do), made.capability, self.found)
        fallback, backup = self._fallback(action.fallback, inner)
        output = made.output if backup is None else _merged(made.output, backup)
        tolerated = action.on_error == "continue"
        if action.when is not None or tolerated:
            guard = () if tolerated or action.when is None else conjuncts(action.when)
            output = replace(output, type=nullable(output.type), guard=guard)
        typed = replace(action, do=made.do, when=when, fallback=fallback, type=output.type)
        return typed, replace(output, what=f"the output of {action.name}")

    def _fallback(self, fallback: Fallback | None, scope: Scope) -> tuple[Fallback | None, Name | None]:
        """The fallback typed, and its value when it stands in for the action's."""
        if fallback is None:
            return None, None
        with self.found.at("fallback"):
            then = fallback.then or "continue"
            if (fallback.value is None) == (not fallback.actions):
                self.found.add("bad_fallback", "FALLBACK has either a VALUE or actions")
                return fallback, None
            if fallback.timeout_ms is not None and fallback.timeout_ms < 1:
                self.found.add("out_of_range", "TIMEOUT must be at least 1 ms")
            timeout = fallback.timeout_ms or 1_000
            if fallback.value is not None:
                typed = self.typing.infer(fallback.value, scope)
                value = _NOTHING if typed is None else _named(typed, scope)
                done = replace(fallback, value=typed or fallback.value, then=then, timeout_ms=timeout)
            else:
                actions, _, value = self.check(fallback.actions, scope)
                done = replace(fallback, actions=actions, then=then, timeout_ms=timeout)
            return done, value if then == "continue" else None

    def _body(self, do: Body, scope: Scope, *, tolerated: bool) -> Made:
        check: Callable[[], Made]
        match do:
            case HttpCall():
                check = lambda: self._http(do, scope)  # noqa: E731
            case ConnectorCall():
                check = lambda: self._connector(do, scope)  # noqa: E731
            case Conditional():
                check = lambda: self._conditional(do, scope)  # noqa: E731
            case Transform():
                check = lambda: self._transform(do, scope)  # noqa: E731
            case ForEach():
                check = lambda: self._foreach(do, scope, tolerated=tolerated)  # noqa: E731
            case Subtask():
                check = lambda: self._subtask(do, scope)  # noqa: E731
            case Wait():
                check = lambda: self._wait(do, scope)  # noqa: E731
            case Approval():
                check = lambda: self._approval(do, scope)  # noqa: E731
            case _:
                check = lambda: self._said(do, scope)  # noqa: E731
        return check()

    def _http(self, do: HttpCall, scope: Scope) -> Made:
        resolved = http.bind(do, self.calls, scope)
        if resolved is None:
            return Made(do, Name(type=do.expect or JSON))
        bound = resolved.call.bound
        assert bound is not None, "a resolved call is bound"
        output = Name(type=resolved.result, origin=bound.service)
        return Made(resolved.call, output, resolved.capability)

    def _connector(self, do: ConnectorCall, scope: Scope) -> Made:
        with self.found.at("connector"):
            account = self.calls.directory.account(do.connector)
        if account is None:
            for entry in do.params:
                self.typing.infer(entry.value, scope)
            return Made(do, Name(type=JSON))
        with self.found.at("function"):
            capability = self.calls.directory.capability(account, do.function)
        if capability is None:
            return Made(do, Name(type=JSON))
        params = self.calls.params(do.params, account, capability, scope)
        bound = Bound(account.service.id, capability.name, account.connection.name)
        done = replace(do, bound=bound, params=do.params if params is None else params)
        return Made(done, Name(type=capability.returns, origin=account.service.id), capability)

    def _conditional(self, do: Conditional, scope: Scope) -> Made:
        cases: list[Case] = []
        outputs: list[Name] = []
        rest = scope
        if not do.cases:
            self.found.add("bad_conditional", "a conditional needs at least one CONDITION")
        for number, case in enumerate(do.cases, 1):
            with self.found.at(f"condition {number}", span=case.when.span):
                when = self.typing.condition(case.when, rest, "CONDITION")
                block, output = self._block(case.block, rest.knowing(case.when, holds=True))
            cases.append(Case(when or case.when, block))
            outputs.append(output)
            rest = rest.knowing(case.when, holds=False)
        with self.found.at("default", span=do.default.span):
            default, output = self._block(do.default, rest)
        outputs.append(output)
        whole = outputs[0]
        for each in outputs[1:]:
            whole = _merged(whole, each)
        return Made(Conditional(cases=tuple(cases), default=default), whole)

    def _block(self, block: Block, scope: Scope) -> tuple[Block, Name]:
        forms = [block.format is not None, block.value is not None, bool(block.actions)]
        if sum(forms) > 1:
            self.found.add("bad_block", "a branch holds one of FORMAT, VALUE or actions", span=block.span)
        if block.format is not None:
            text = self.typing.text(block.format, scope)
            if text is None:
                return block, Name(type=STRING)
            return replace(block, format=text), Name(type=STRING, taints=held(text, scope))
        if block.value is not None:
            value = self.typing.infer(block.value, scope)
            if value is None:
                return block, Name(type=JSON)
            return replace(block, value=value), _named(value, scope)
        actions, _, last = self.check(block.actions, scope)
        return replace(block, actions=actions), replace(last, guard=())

    def _transform(self, do: Transform, scope: Scope) -> Made:
        value = self.typing.infer(do.value, scope)
        return Made(do, Name(type=JSON)) if value is None else Made(Transform(value=value), _named(value, scope))

    def _foreach(self, do: ForEach, scope: Scope, *, tolerated: bool) -> Made:
        with self.found.at("in", span=do.source.span):
            source = self.typing.infer(do.source, scope)
            if source is not None and isinstance(non_null(type_of(source)), Json):
                source = self.typing.fitter.fit(source, ListOf(JSON), "what EACH goes through")
            item = None if source is None else item_of(type_of(source))
            if source is not None and item is None:
                have = type_of(source)
                wanted = ListOf(item_of(non_null(have)) or JSON)
                self.typing.fitter.fit(source, wanted, "what EACH goes through")
        if do.item in ROOTS or do.item in scope.names:
            self.found.add("duplicate_name", f"`{do.item}` already means something here", hint="name the item anew")
        origin = _named(source, scope) if source is not None else _NOTHING
        entry = replace(origin, type=item or JSON, guard=(), what="the item")
        inner = scope.having(do.item, entry)
        where = None
        if do.where is not None:
            with self.found.at("where", span=do.where.span):
                where = self.typing.condition(do.where, inner, "WHERE")
            inner = inner.knowing(do.where, holds=True)
        self._loop_limits(do)
        actions, after, _ = self.check(do.actions, inner)
        collect, each = None, _NOTHING
        if do.collect is not None:
            with self.found.at("collect", span=do.collect.span):
                collect = self.typing.infer(do.collect, after)
            each = Name(type=JSON) if collect is None else _named(collect, after)
        if tolerated:
            each = _merged(each, replace(entry, type=ObjectOf((Field("item", entry.type), Field("error", STRING)))))
        done = replace(
            do, source=source or do.source, where=where, actions=actions, collect=collect,
            parallel=do.parallel or 1, max_items=do.max_items or MAX_ITEMS,
        )  # fmt: skip
        return Made(done, replace(each, type=ListOf(each.type), guard=()))

    def _loop_limits(self, do: ForEach) -> None:
        if do.parallel is not None and not 1 <= do.parallel <= MOST_PARALLEL:
            self.found.add("out_of_range", f"PARALLEL must be from 1 to {MOST_PARALLEL}")
        if do.max_items is not None and not 1 <= do.max_items <= MOST_ITEMS:
            self.found.add("out_of_range", f"MAX_ITEMS must be from 1 to {MOST_ITEMS}")
        if not do.actions and do.collect is None:
            self.found.add("bad_loop", "a loop needs actions or COLLECT")

    def _subtask(self, do: Subtask, scope: Scope) -> Made:
        if do.task == self.task:
            self.found.add("recursion", f"{do.task} would run itself for ever")
        entries: list[Entry] = []
        for entry in do.params:
            with self.found.at("params", entry.name, span=entry.value.span):
                value = self.typing.infer(entry.value, scope)
                if value is not None:
                    self.no_secret(value, scope, f"the task {do.task}")
                    entries.append(Entry(entry.name, value))
        return Made(replace(do, params=tuple(entries)), Name(type=JSON))

    def _wait(self, do: Wait, scope: Scope) -> Made:
        if (do.for_ is None) == (do.until is None):
            self.found.add("bad_wait", "a wait has either FOR or UNTIL")
            return Made(do)
        if do.for_ is not None:
            return Made(replace(do, for_=self.typing.place(do.for_, scope, DURATION, "FOR") or do.for_))
        assert do.until is not None, "one of both is there"
        return Made(replace(do, until=self.typing.place(do.until, scope, TIMESTAMP, "UNTIL") or do.until))

    def _approval(self, do: Approval, scope: Scope) -> Made:
        if do.role not in _ROLES:
            hint = meant(nearest(do.role, _ROLES), _ROLES, "roles")
            self.found.add("unknown_role", f"there is no role `{do.role[:40]}`", hint=hint)
        if do.expires_ms is not None and do.expires_ms < 1:
            self.found.add("out_of_range", "EXPIRES must be at least 1 ms")
        message = self._heard(do.message, scope, STRING, "MESSAGE")
        return Made(replace(do, message=message))

    def _said(self, do: Body, scope: Scope) -> Made:
        """EMIT, LOG and RESPOND: values that leave for people or other programs."""
        match do:
            case Emit():
                self.triggers.topic(do.topic)
                if do.topic.startswith("eyeflow."):
                    self.found.add("bad_topic", "topics that start with `eyeflow.` are the system's own")
                return Made(replace(do, value=self._heard(do.value, scope, None, "VALUE")))
            case Log():
                return Made(replace(do, message=self._heard(do.message, scope, STRING, "MESSAGE")))
            case Respond():
                status = None
                if do.status is not None:
                    status = self._heard(do.status, scope, INTEGER, "STATUS")
                    self._status(do.status)
                body = None if do.body is None else self._heard(do.body, scope, None, "BODY")
                return Made(replace(do, status=status, body=body))
            case _:
                raise AssertionError(f"{type(do).__name__} has its own check")

    def _status(self, status: Expr) -> None:
        value = getattr(status, "value", None)
        if isinstance(value, int) and not 200 <= value <= 599:
            self.found.add("out_of_range", f"STATUS must be from 200 to 599, not {value}")

    def _heard(self, expr: Expr, scope: Scope, want: Type | None, place: str) -> Expr:
        with self.found.at(place.lower(), span=expr.span):
            if want is None:
                typed = self.typing.infer(expr, scope)
            elif want == STRING and isinstance(expr, Ref):
                typed = self._rendered(expr, scope, place)
            else:
                typed = self.typing.place(expr, scope, want, place)
            if typed is not None:
                self.no_secret(typed, scope, place)
        return typed or expr

    def _rendered(self, expr: Expr, scope: Scope, place: str) -> Expr | None:
        """A message for people may name a value without quotes; it is rendered like a template."""
        typed = self.typing.infer(expr, scope)
        return None if typed is None else self.typing.fitter.fit(typed, STRING, place, render=True)

    def no_secret(self, typed: Expr, scope: Scope, place: str) -> None:
        """A finding when `typed` holds a secret that `place` would show."""
        leaked = sorted(held(typed, scope))
        if leaked:
            source = "the secret input" if leaked == ["input"] else f"a secret of {', '.join(leaked)}"
            self.found.add("secret_leak", f"{source} would be shown by {place}", hint="leave it out", span=typed.span)


def _named(typed: Expr, scope: Scope) -> Name:
    """The name an expression's value gets: secrets its type marks stay where they are."""
    taints = flowing(typed, scope)
    origin = ""
    if holds_secret(type_of(typed)):
        origins = sorted(held(typed, scope) - taints)
        origin = origins[0] if origins else ""
    return Name(type=type_of(typed), origin=origin, taints=taints)


def _merged(a: Name, b: Name) -> Name:
    """A value that is one or the other. Marks that the joint type loses become marks of the whole."""
    of = join(a.type, b.type)
    taints = a.taints | b.taints
    for each in (a, b):
        if holds_secret(each.type) and (not holds_secret(of) or each.origin != a.origin):
            taints |= {each.origin}
    return Name(type=of, origin=a.origin or b.origin, taints=taints)
