"""Pass: a value that has a name already is read by its name instead of being computed again.

The name is that of an earlier `transform` of the same list of actions, or of one around it, which surely ran: no
WHEN, FALLBACK, ON_ERROR, AFTER. Whoever computes the same needs the same inputs, so it waits for nothing new; when the
transform fails, the run fails there, as it did before.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.depends import roots
from eyeflow.ir.expr import Bind, Call, Expr, Ref
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, Transform
from eyeflow.optimizer.facts import plain, repeatable
from eyeflow.optimizer.trees import Place, bare, every_scope, rebuilt, with_expressions, with_scopes


def common(plan: Plan, ctx: CompileContext) -> Plan:
    """Rewrites expressions; one decision for each action that reads what it used to compute."""
    said: dict[tuple[str, str], int] = {}

    def each(actions: tuple[Action, ...], place: Place) -> tuple[Action, ...]:
        named, done = _Named(said), list[Action]()
        for action in actions:
            made = named.inside(action, place.of(action)) if named.values else action
            done.append(made)
            named.add(made)
        return tuple(done)

    task = every_scope(plan.task, ctx, each)
    decisions = [
        Decision("rewrite", path, f"reads what {name} has computed",
                 f"it is the same; saves {times} computation{'s' if times > 1 else ''} a run")
        for (path, name), times in said.items()
    ]  # fmt: skip
    return replace(plan, task=task, decisions=(*plan.decisions, *decisions))


class _Named:
    """The values that have a name so far, by their spelling: 1, 1.0 and true are equal as Python values."""

    def __init__(self, used: dict[tuple[str, str], int]) -> None:
        self.values: dict[str, tuple[Ref, str]] = {}
        self._functions: set[str] = set()
        self._reads: set[str] = set()
        self._used = used

    def add(self, action: Action) -> None:
        """Remember the value of `action` when it surely has one that is worth reading back."""
        do = action.do
        if not isinstance(do, Transform) or action.output is None or not plain(action) or action.after:
            return
        if isinstance(do.value, Call | Bind) and repeatable(do.value):
            self.values.setdefault(repr(bare(do.value)), (Ref(action.output, (), do.value.type), action.name))
            self._functions.add(do.value.name)
            self._reads.update(roots(do.value))

    def inside(self, action: Action, path: str) -> Action:
        """`action` with every known value read by its name, in all it holds."""
        action = with_expressions(action, lambda expr: self._replaced(expr, path))
        return with_scopes(
            action, lambda actions, *_: tuple(self.inside(each, f"{path}.{each.name}") for each in actions)
        )

    def _replaced(self, expr: Expr, path: str) -> Expr:
        if not self._reads.isdisjoint(_binders(expr)):
            return expr

        def node(each: Expr) -> Expr:
            if not isinstance(each, Call | Bind) or each.name not in self._functions:
                return each
            found = self.values.get(repr(bare(each)))
            if found is None:
                return each
            ref, name = found
            self._used[path, name] = self._used.get((path, name), 0) + 1
            return replace(ref, span=each.span)

        return rebuilt(expr, node)


def _binders(expr: Expr) -> set[str]:
    """The item names of the binders in `expr`: they may hide a name."""
    found: set[str] = set()

    def node(each: Expr) -> Expr:
        if isinstance(each, Bind):
            found.add(each.item)
        return each

    rebuilt(expr, node)
    return found
