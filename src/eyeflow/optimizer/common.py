"""Pass: a value that has a name already is read by its name instead of being computed again.

The name is that of an earlier `transform` of the same list of actions, or of one around it, which surely ran: no
WHEN, FALLBACK, ON_ERROR, AFTER. Whoever computes the same needs the same inputs, so it waits for nothing new; when the
transform fails, the run fails there, as it did before.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.depends import roots
from eyeflow.ir.expr import Bind, Call, Expr, ObjectExpr, Ref
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, Transform
from eyeflow.optimizer.facts import plain, repeatable
from eyeflow.optimizer.trees import Place, bare, every_scope, rebuilt, with_expressions, with_scopes


def common(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites expressions; one decision for each action that reads what it used to compute."""
    said: dict[tuple[str, str], int] = {}

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        done = list(actions)
        for index, action in enumerate(done):
            if _names(action):
                named = _Named(action)
                done[index + 1 :] = [named.inside(later, place.of(later)) for later in done[index + 1 :]]
                for path, times in named.used.items():
                    said[path, action.name] = said.get((path, action.name), 0) + times
        return tuple(done)

    task = every_scope(plan.task, ctx, each)
    decisions = [
        Decision("rewrite", path, f"reads what {name} computed",
                 f"it computed the same; saves {times} computation{'s' if times > 1 else ''} a run")
        for (path, name), times in said.items()
    ]  # fmt: skip
    return replace(plan, task=task, decisions=(*plan.decisions, *decisions))


def _names(action: Action) -> bool:
    """True when `action` gives a name to something worth reading back."""
    do = action.do
    if not isinstance(do, Transform) or action.output is None or not plain(action) or action.after:
        return False
    return isinstance(do.value, Call | Bind | ObjectExpr) and repeatable(do.value)


class _Named:
    """The value of one transform, looked for in later actions."""

    def __init__(self, action: Action) -> None:
        assert isinstance(action.do, Transform) and action.output is not None
        self._value = bare(action.do.value)
        self._reads = frozenset(roots(action.do.value))
        self._ref = Ref(action.output, (), action.do.value.type)
        self.used: dict[str, int] = {}

    def inside(self, action: Action, path: str) -> Action:
        """`action` with the value read by its name, in all it holds."""

        def at(expr: Expr) -> Expr:
            return self._replaced(expr, path)

        action = with_expressions(action, at)
        return with_scopes(
            action, lambda actions, *_: tuple(self.inside(each, f"{path}.{each.name}") for each in actions)
        )

    def _replaced(self, expr: Expr, path: str) -> Expr:
        if any(name in self._reads for name in _bound(expr)):
            return expr

        def node(each: Expr) -> Expr:
            if each.type != self._ref.type or bare(each) != self._value:
                return each
            self.used[path] = self.used.get(path, 0) + 1
            return replace(self._ref, span=each.span)

        return rebuilt(expr, node)


def _bound(expr: Expr) -> set[str]:
    """The item names of the binders in `expr`: they may hide a name."""
    found: set[str] = set()

    def node(each: Expr) -> Expr:
        if isinstance(each, Bind):
            found.add(each.item)
        return each

    rebuilt(expr, node)
    return found
