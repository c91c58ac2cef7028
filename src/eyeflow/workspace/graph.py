"""A task as nodes and edges, for whoever draws it.

Knows: what contains what and what waits for what. In: a task's LLM-IR. Out: `GraphView`. Never: coordinates; a node
knows its parent and branch, the rest is for the drawer.

Node ids are paths: `trigger.1`, `fetch_weather`, `weather_rule.hot_weather`, `loop.inner`. An edge `data` means that
the second reads what the first gives, `order` that it only waits for it (AFTER), `starts` goes out from a trigger.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.frontend.readback.expressions import condition
from eyeflow.ir.depends import names_read, needs
from eyeflow.ir.task import (
    Action,
    Approval,
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
from eyeflow.ir.text import parse, print_expression, print_trigger
from eyeflow.workspace.tasks import Tasks

Kind: TypeAlias = Literal[
    "trigger", "call", "choice", "branch", "loop", "value", "subtask", "wait", "approval", "emit", "log", "respond",
    "fallback", "on_failure",
]  # fmt: skip


class NodeView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node: `label` is for people, `target` what a call calls (`slack_daily.send_message`), `parent` the node it
    stands in. `number` is the action's number at the top level, as the plan and timelines count."""

    id: str
    kind: Kind
    label: str
    target: str = ""
    parent: str | None = None
    number: int | None = None
    condition: str = ""


class EdgeView(msgspec.Struct, frozen=True, kw_only=True):
    """`source` comes before `target`."""

    source: str
    target: str
    kind: Literal["starts", "data", "order"]


class GraphView(msgspec.Struct, frozen=True, kw_only=True):
    """`{"task": "hello_world", "version": 1, "nodes": [{"id": "trigger.1", "kind": "trigger", "label": "manual()"},
    {"id": "greet", "kind": "log", "label": "greet", "number": 1}], "edges": [{"source": "trigger.1",
    "target": "greet", "kind": "starts"}]}`"""

    task: str
    version: int
    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]


class Graphs:
    """Draws deployed tasks."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def of(self, principal: Principal, name: str, number: int | None = None) -> GraphView:
        """The graph of a version, the running one without `number`. Raises: Forbidden, Missing."""
        task, row = await self._tasks.version(principal, name, number)
        return graph_of(row.ir, task.name, row.number)


def graph_of(text: str, name: str, version: int) -> GraphView:
    """The graph of LLM-IR text."""
    task, _ = parse(text)
    assert task is not None, "what is shown parses"
    nodes: list[NodeView] = []
    edges: list[EdgeView] = []
    triggers = [f"trigger.{number}" for number in range(1, len(task.triggers) + 1)]
    for place, trigger in zip(triggers, task.triggers, strict=True):
        nodes.append(NodeView(id=place, kind="trigger", label=print_trigger(trigger).removeprefix("TRIGGER ")))
    _scope(task.actions, "", None, nodes, edges, top=True)
    first = {edge.target for edge in edges}
    begins = [action.name for action in task.actions if action.name not in first]
    edges += [EdgeView(source=place, target=each, kind="starts") for place in triggers for each in begins]
    if task.on_failure:
        nodes.append(NodeView(id="on_failure", kind="on_failure", label="if the task fails"))
        _scope(task.on_failure, "on_failure.", "on_failure", nodes, edges)
    return GraphView(task=name, version=version, nodes=tuple(nodes), edges=tuple(edges))


def _scope(
    actions: tuple[Action, ...], path: str, parent: str | None, nodes: list[NodeView], edges: list[EdgeView], *,
    top: bool = False,
) -> None:  # fmt: skip
    for number, action in enumerate(actions, 1):
        place = f"{path}{action.name}"
        kind, target = _kind(action)
        nodes.append(NodeView(
            id=place, kind=kind, label=action.name.replace("_", " "), target=target, parent=parent,
            number=number if top else None,
            condition="" if action.when is None else condition(action.when, {}),
        ))  # fmt: skip
        _inner(action, place, nodes, edges)
    for number, waits in enumerate(needs(actions), 1):
        action = actions[number - 1]
        read = names_read(action)
        for on in waits:
            before = actions[on - 1]
            data = before.output is not None and before.output in read
            edges.append(EdgeView(
                source=f"{path}{before.name}", target=f"{path}{action.name}", kind="data" if data else "order"
            ))  # fmt: skip


def _inner(action: Action, place: str, nodes: list[NodeView], edges: list[EdgeView]) -> None:
    do = action.do
    if isinstance(do, Conditional):
        for inner, node in _branches(do, place):
            nodes.append(node)
            _scope(inner, f"{node.id}.", node.id, nodes, edges)
    elif isinstance(do, ForEach):
        _scope(do.actions, f"{place}.", place, nodes, edges)
    if action.fallback is not None:
        label = "if that fails" + (", then stop" if action.fallback.then == "stop" else "")
        node = NodeView(id=f"{place}.fallback", kind="fallback", label=label, parent=place)
        nodes.append(node)
        _scope(action.fallback.actions, f"{node.id}.", node.id, nodes, edges)


def _branches(do: Conditional, place: str) -> Iterator[tuple[tuple[Action, ...], NodeView]]:
    for number, case in enumerate(do.cases, 1):
        name = case.block.name or f"branch_{number}"
        label = f"if {condition(case.when, {})}"
        yield (
            case.block.actions,
            NodeView(
                id=f"{place}.{name}", kind="branch", label=label, parent=place, condition=print_expression(case.when)
            ),
        )
    yield do.default.actions, NodeView(id=f"{place}.default", kind="branch", label="otherwise", parent=place)


def _kind(action: Action) -> tuple[Kind, str]:
    match action.do:
        case ConnectorCall(connector=connector, function=function):
            return "call", f"{connector}.{function}"
        case HttpCall(method=method, auth=auth):
            return "call", f"{method} {auth or ''}".strip()
        case Conditional():
            return "choice", ""
        case ForEach(source=source):
            return "loop", print_expression(source)
        case Transform():
            return "value", ""
        case Subtask(task=task):
            return "subtask", task
        case Wait():
            return "wait", ""
        case Approval(role=role):
            return "approval", role
        case Emit(topic=topic):
            return "emit", topic
        case Log():
            return "log", ""
        case Respond():
            return "respond", ""
