"""Numbers, needs, order and stages of every scope.

Knows: what an order of starting must respect. In: a program of the right shape. Out: findings.
Never: chooses an order.
"""

from __future__ import annotations

from eyeflow.ir.program import Program, Scope
from eyeflow.ir.validate.findings import Findings, step_path


def check(program: Program, found: Findings) -> None:
    """The rules under "Order"."""
    for index, scope in enumerate(program.scopes):
        numbers = [step.number for step in scope.steps]
        if numbers != list(range(1, len(numbers) + 1)):
            found.add("step_numbers", "steps are not numbered 1, 2, 3 ...", f"scopes.{index}")
        elif _needs(scope, index, found):
            _order(scope, index, found)
            _stages(scope, index, found)


def ancestors(scope: Scope) -> dict[int, frozenset[int]]:
    """For each step the steps it needs at any distance; for scopes without cycles."""
    known: dict[int, frozenset[int]] = {}
    for number in scope.order:
        on = scope.steps[number - 1].needs
        known[number] = frozenset(on).union(*(known[each] for each in on))
    return known


def _needs(scope: Scope, index: int, found: Findings) -> bool:
    """True when every need exists and nobody waits for itself."""
    count = len(scope.steps)
    for position, step in enumerate(scope.steps):
        if any(not 1 <= each <= count for each in step.needs) or len(set(step.needs)) != len(step.needs):
            found.add("needs_cycle", f"step {step.number} needs a step that is none", step_path(index, position))
            return False
    waiting = {step.number: set(step.needs) for step in scope.steps}
    dependents: dict[int, list[int]] = {}
    for step in scope.steps:
        for each in step.needs:
            dependents.setdefault(each, []).append(step.number)
    ready = [number for number, on in waiting.items() if not on]
    done = 0
    while ready:
        number = ready.pop()
        done += 1
        for each in dependents.get(number, ()):
            waiting[each].discard(number)
            if not waiting[each]:
                ready.append(each)
    if done != count:
        found.add("needs_cycle", "steps wait for one another", f"scopes.{index}")
    return done == count


def _order(scope: Scope, index: int, found: Findings) -> None:
    if sorted(scope.order) != list(range(1, len(scope.steps) + 1)):
        found.add("order", "the order is not every step once", f"scopes.{index}.order")
        return
    started: set[int] = set()
    for number in scope.order:
        missing = set(scope.steps[number - 1].needs) - started
        if missing:
            message = f"step {number} stands before step {min(missing)}, which it needs"
            found.add("order", message, f"scopes.{index}.order")
            return
        started.add(number)


def _stages(scope: Scope, index: int, found: Findings) -> None:
    path = f"scopes.{index}.stages"
    if sorted(number for stage in scope.stages for number in stage) != list(range(1, len(scope.steps) + 1)):
        found.add("stages", "the stages are not every step once", path)
        return
    earlier: set[int] = set()
    for stage in scope.stages:
        late = [number for number in stage if not earlier.issuperset(scope.steps[number - 1].needs)]
        if late or not stage:
            found.add("stages", f"step {late[0]} needs a step of its own stage" if late else "a stage is empty", path)
            return
        earlier.update(stage)
