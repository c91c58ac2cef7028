"""The walk through a task: every condition, with what holds where it stands.

Knows: what each kind of step says of the steps inside it. In: a checked task. Out: findings through `Judge`.
Never: reports what is inside a part that never runs.

- `never_triggers`, `never_runs`, `empty_loop`: the WHERE of a trigger, the WHEN of an action, the WHERE of a loop can
  never hold. `always_runs`, `always_passes` (notes): it always does, so the line says nothing.
- `contradiction` also for the body of FILTER and COUNT and the condition of IF, wherever an expression has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eyeflow.ir.check.tree import children, expressions, type_of
from eyeflow.ir.expr import Bind, Call, Convert, Expr
from eyeflow.ir.task import Action, Conditional, Event, ForEach, Task, Topic, Webhook
from eyeflow.values import nullable
from eyeflow.verify.branches import judge_branches
from eyeflow.verify.fixes import without_line
from eyeflow.verify.judge import Judge
from eyeflow.verify.scope import Names, Scopes
from eyeflow.verify.terms import Fact

_FILTERS: Final = ("FILTER", "COUNT")
_SAFE: Final = frozenset(
    ("AND", "OR", "NOT", "EQ", "NE", "GT", "GE", "LT", "LE", "IN", "IS_NULL", "CONTAINS", "STARTS_WITH", "ENDS_WITH")
)


class Walk:
    """Goes through one task."""

    def __init__(self, judge: Judge, scopes: Scopes) -> None:
        self.judge = judge
        self.scopes = scopes

    def task(self, task: Task) -> None:
        """Triggers, actions, ON_FAILURE, RETURN."""
        facts = self._triggers(task)
        names = self._actions(task.actions, self.scopes.roots, facts)
        if task.returns is not None:
            with self.judge.found.at("return", span=task.returns.span):
                self._values(task.returns, names)
        failed = self.scopes.roots
        for action in task.actions:
            if action.output is not None:
                failed = self.scopes.having(failed, action.output, nullable(action.type) if action.type else None)
        with self.judge.found.at("on_failure"):
            self._actions(task.on_failure, failed, facts)

    def _triggers(self, task: Task) -> tuple[Fact, ...]:
        """What the only trigger lets through holds in the whole task."""
        facts: list[Fact] = []
        for number, trigger in enumerate(task.triggers, 1):
            if not isinstance(trigger, Webhook | Event | Topic) or trigger.where is None:
                continue
            name = "trigger" if len(task.triggers) == 1 else f"trigger {number}"
            with self.judge.found.at(name, "where", span=trigger.where.span):
                fact = self._guard(
                    trigger.where, self.scopes.filtering(trigger), (), origin="WHERE of the trigger",
                    never=("never_triggers", "the task never starts"), always=("always_passes", "WHERE"),
                )  # fmt: skip
            if fact is not None:
                facts.append(fact)
        return tuple(facts) if len(task.triggers) == 1 else ()

    def _guard(
        self, expr: Expr, names: Names, facts: tuple[Fact, ...], *, origin: str, never: tuple[str, str],
        always: tuple[str, str],
    ) -> Fact | None:  # fmt: skip
        """A condition that lets through or not; None when it never does."""
        judge = self.judge
        condition = judge.encode(expr, names)
        if judge.never([condition.true], [condition], facts):
            why, fix = judge.why_never(expr, names, facts)
            judge.warn(never[0], f"{why}: {never[1]}", expr, fix=fix)
            return None
        if judge.never([condition.false], [condition], facts):
            fix = without_line(judge.text, expr.span, always[1]) if sure(expr) else None
            judge.note(always[0], f"this {always[1]} always holds: it says nothing", expr, fix=fix)
        return Fact(condition, True, origin)

    def _actions(self, actions: tuple[Action, ...], names: Names, facts: tuple[Fact, ...]) -> Names:
        """One list of actions; the names after it."""
        for action in actions:
            with self.judge.found.at(action.name, span=action.span):
                self._action(action, names, facts)
            names = self.scopes.having(names, action.output, action.type)
        return names

    def _action(self, action: Action, names: Names, facts: tuple[Fact, ...]) -> None:
        outside = facts
        if action.when is not None:
            with self.judge.found.at("when", span=action.when.span):
                fact = self._guard(
                    action.when, names, facts, origin=f"WHEN of {action.name}",
                    never=("never_runs", f"`{action.name}` never runs"), always=("always_runs", "WHEN"),
                )  # fmt: skip
            if fact is None:
                return
            facts = (*facts, fact)
        for expr in _plain(action):
            self._values(expr, names)
        match action.do:
            case Conditional() as do:
                self._conditional(do, action.name, names, facts)
            case ForEach() as do:
                self._loop(do, action.name, names, facts)
            case _:
                pass
        if action.fallback is not None:
            told = action.when is None or sure(action.when)  # a WHEN that fails may be what is fallen back from
            with self.judge.found.at("fallback"):
                self._actions(action.fallback.actions, names, facts if told else outside)

    def _conditional(self, do: Conditional, name: str, names: Names, facts: tuple[Fact, ...]) -> None:
        for case in do.cases:
            self._values(case.when, names)
        for block, inner in judge_branches(self.judge, do, name, names, facts):
            if inner is None:
                continue
            for expr in (block.format, block.value):
                if expr is not None:
                    self._values(expr, names)
            self._actions(block.actions, names, inner)

    def _loop(self, do: ForEach, name: str, names: Names, facts: tuple[Fact, ...]) -> None:
        inner = self.scopes.looping(names, do.item, type_of(do.source))
        if do.where is not None:
            with self.judge.found.at("where", span=do.where.span):
                fact = self._guard(
                    do.where, inner, facts, origin=f"WHERE of {name}",
                    never=("empty_loop", f"`{name}` goes through nothing"), always=("always_passes", "WHERE"),
                )  # fmt: skip
            if fact is None:
                return
            facts = (*facts, fact)
        after = self._actions(do.actions, inner, facts)
        if do.collect is not None:
            self._values(do.collect, after)

    def _values(self, expr: Expr, names: Names) -> None:
        """Conditions inside an expression."""
        for node, here in _within(expr, names, self.scopes):
            match node:
                case Bind(name=name, body=body, item=item) if name in _FILTERS:
                    self._always_false(body, here, f"{name} keeps no `{item}`")
                case Call(name="IF", args=(test, _, _)):
                    self._always_false(test, here, "IF never gives its first value")
                case _:
                    pass

    def _always_false(self, expr: Expr, names: Names, then: str) -> None:
        judge = self.judge
        condition = judge.encode(expr, names)
        if judge.never([condition.true], [condition], ()):
            why, fix = judge.why_never(expr, names, ())
            judge.warn("contradiction", f"{why}: {then}", expr, fix=fix)


def _plain(action: Action) -> Iterator[Expr]:
    """The expressions of an action that are no conditions of its own and no parts of its branches."""
    if isinstance(action.do, Conditional):
        return
    apart = (action.when, *((action.do.where, action.do.collect) if isinstance(action.do, ForEach) else ()))
    yield from (expr for expr in expressions(action) if not any(expr is each for each in apart))


def _within(expr: Expr, names: Names, scopes: Scopes) -> Iterator[tuple[Expr, Names]]:
    """Every node that holds a condition, with the names that condition sees."""
    stack = [(expr, names)]
    while stack:
        node, here = stack.pop()
        if isinstance(node, Bind):
            inner = scopes.looping(here, node.item, type_of(node.source))
            yield node, inner
            stack.extend(((node.body, inner), (node.source, here), *((each, here) for each in node.rest)))
            continue
        yield node, here
        stack.extend((child, here) for child in children(node))


def sure(expr: Expr) -> bool:
    """True when evaluating `expr` cannot fail, so that nothing changes without it."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Convert) and node.how in ("check", "parse", "unit"):
            return False
        if isinstance(node, Bind) or (isinstance(node, Call) and node.name not in _SAFE):
            return False
        stack.extend(children(node))
    return True
