"""Where each step came from, for the envelope.

Knows: the paths of actions and their spans. In: the Task as the sentence gave it, the Task as its text parses.
Out: places, by the paths that the machine gives to steps (`rule.hot_weather.post`, `rule.DEFAULT.post`,
`fetch.fallback.ask`, `on_failure.tell`). Never: part of a program's identity.
"""

from __future__ import annotations

from eyeflow.ir.program import Place
from eyeflow.ir.task import Action, Block, Conditional, ForEach, Task
from eyeflow.values import Span


def places(sentence: Task | None = None, ir: Task | None = None) -> tuple[Place, ...]:
    """A place for every action that has a span in either text, by its path of names, in the order of the task.

    `sentence` is the Task whose spans are of the request, `ir` the one parsed from LLM-IR text.
    """
    said = {} if sentence is None else _spans(sentence)
    written = {} if ir is None else _spans(ir)
    return tuple(Place(path, said.get(path), written.get(path)) for path in {**said, **written})


def _spans(task: Task) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for action in task.actions:
        _note(action, action.name, found)
    for action in task.on_failure:
        _note(action, f"on_failure.{action.name}", found)
    return found


def _note(action: Action, path: str, found: dict[str, Span]) -> None:
    if action.span is not None:
        found[path] = action.span
    match action.do:
        case Conditional(cases=cases, default=default):
            for number, case in enumerate(cases, 1):
                _note_block(case.block, f"{path}.{case.block.name or f'case{number}'}", found)
            _note_block(default, f"{path}.{default.name or 'DEFAULT'}", found)
        case ForEach(actions=actions):
            for inner in actions:
                _note(inner, f"{path}.{inner.name}", found)
        case _:
            pass
    if action.fallback is not None:
        for inner in action.fallback.actions:
            _note(inner, f"{path}.fallback.{inner.name}", found)


def _note_block(body: Block, path: str, found: dict[str, Span]) -> None:
    if body.span is not None:
        found[path] = body.span
    for inner in body.actions:
        _note(inner, f"{path}.{inner.name}", found)
