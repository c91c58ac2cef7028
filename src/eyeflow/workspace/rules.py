"""Rules: what a task decides, as data. A rule's id is `task.action`.

Knows: which parts of a program choose. In: a task's LLM-IR. Out: `RuleView`s. Never: evaluates one.

A rule is a choice (TYPE conditional: conditions in order, a branch for each, a default), a guard (WHEN on an action)
or a filter (WHERE on a trigger). A choice inside another action is named with the path: `task.outer.inner`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.frontend.readback.expressions import condition
from eyeflow.ir.depends import nested
from eyeflow.ir.expr import Expr
from eyeflow.ir.task import Action, Block, Conditional, Event, Task, Topic, Webhook
from eyeflow.ir.text import parse, print_expression, print_template
from eyeflow.workspace.errors import Missing
from eyeflow.workspace.permissions import require
from eyeflow.workspace.tasks import Tasks


class BranchView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is taken when `condition` holds and none before it did. `gives` is the text or value of the branch, as
    LLM-IR spells it; `actions` are the names of what it runs."""

    condition: str
    english: str
    name: str = ""
    gives: str = ""
    actions: tuple[str, ...] = ()


class DefaultView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is taken when no condition holds; nothing at all when everything is empty."""

    name: str = ""
    gives: str = ""
    actions: tuple[str, ...] = ()


class RuleView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule of the running version.

    `{"id": "daily_weather_report.weather_rule", "task": "daily_weather_report", "action": "weather_rule", "version": 1,
    "kind": "choice", "branches": [{"condition": "GT(weather_data.temp, 75)", "english": "weather data's temp is above
    75", "name": "hot_weather", "gives": "It's hot! {weather_data.temp}F"}], "default": {"gives": "Normal weather!"}}`
    """

    id: str
    task: str
    action: str
    version: int
    kind: Literal["choice", "guard", "filter"]
    branches: tuple[BranchView, ...]
    default: DefaultView | None = None
    output: str | None = None


class Rules:
    """Reads the rules of deployed tasks."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def of(self, principal: Principal, name: str) -> tuple[RuleView, ...]:
        """Every rule of a task. Raises: Forbidden, Missing."""
        task, row = await self._tasks.version(principal, name)
        return tuple(rules_of(row.ir, task.name, row.number))

    async def page(self, principal: Principal, *, after: str = "", limit: int = 50) -> tuple[RuleView, ...]:
        """The rules of up to `limit` tasks, by name, from after the task `after` on. Raises: Forbidden."""
        require(principal, "tasks.read")
        found: list[RuleView] = []
        for task in await self._tasks.page(principal, after=after, limit=max(1, min(limit, 100))):
            found += await self.of(principal, task.id)
        return tuple(found)

    async def get(self, principal: Principal, rule_id: str) -> RuleView:
        """One rule: `task.action`, the task by name, alias or id. Raises: Forbidden, Missing (`unknown_rule`)."""
        require(principal, "tasks.read")
        task, _, action = rule_id.partition(".")
        found = await self.of(principal, task) if action else ()
        for rule in found:
            if rule.action == action:
                return rule
        nested_ones = [rule for rule in found if rule.action.rpartition(".")[2] == action]
        if len(nested_ones) == 1:
            return nested_ones[0]
        names = ", ".join(rule.id for rule in found[:10])
        hint = f"there are {names}" if found else "a rule is called task.action"
        raise Missing("unknown_rule", f"there is no rule {rule_id[:120]!a}", hint=hint)


def rules_of(text: str, name: str, version: int) -> Iterator[RuleView]:
    """The rules in LLM-IR text, in its order."""
    task, _ = parse(text)
    assert task is not None, "what is deployed parses"
    yield from _filters(task, name, version)
    yield from _inside(task.actions, "", name, version)
    yield from _inside(task.on_failure, "on_failure.", name, version)


def _filters(task: Task, name: str, version: int) -> Iterator[RuleView]:
    for number, trigger in enumerate(task.triggers, 1):
        if isinstance(trigger, Event | Webhook | Topic) and trigger.where is not None:
            place = "trigger" if len(task.triggers) == 1 else f"trigger_{number}"
            branch = _branch(trigger.where, None, "the run begins")
            yield RuleView(
                id=f"{name}.{place}", task=name, action=place, version=version, kind="filter", branches=(branch,)
            )


def _inside(actions: tuple[Action, ...], path: str, name: str, version: int) -> Iterator[RuleView]:
    for action in actions:
        place = f"{path}{action.name}"
        do = action.do
        if isinstance(do, Conditional):
            yield RuleView(
                id=f"{name}.{place}", task=name, action=place, version=version, kind="choice",
                branches=tuple(_branch(case.when, case.block) for case in do.cases),
                default=DefaultView(
                    name=do.default.name or "", gives=_gives(do.default),
                    actions=tuple(each.name for each in do.default.actions),
                ),
                output=action.output,
            )  # fmt: skip
        if action.when is not None and not isinstance(do, Conditional):
            branch = BranchView(
                condition=print_expression(action.when), english=condition(action.when, {}), actions=(action.name,)
            )
            yield RuleView(
                id=f"{name}.{place}", task=name, action=place, version=version, kind="guard", branches=(branch,)
            )
        for scope in nested(action):
            yield from _inside(scope, f"{place}.", name, version)


def _branch(when: Expr, block: Block | None, gives: str = "") -> BranchView:
    return BranchView(
        condition=print_expression(when), english=condition(when, {}), name=(block.name if block else None) or "",
        gives=_gives(block) if block is not None else gives,
        actions=tuple(each.name for each in block.actions) if block is not None else (),
    )  # fmt: skip


def _gives(block: Block) -> str:
    if block.format is not None:
        return print_template(block.format)
    return print_expression(block.value) if block.value is not None else ""
