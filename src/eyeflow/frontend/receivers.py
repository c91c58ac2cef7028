"""Several receivers of one message: the same once more for each further address of that kind, and for the asker.

Knows: how receivers are listed. In: the reading of a clause, its action and items. Out: parameters of further calls.
Never: adds a receiver that is not said.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.intent import Action, JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.values_said import escape


def more_receivers(best: Chosen, action: Action, items: Sequence[Item]) -> list[tuple[dict[str, JsonValue], int]]:
    """`to a@x.org and b@x.org`, `to #a and #b`: the same once more for each further literal of that kind."""
    found: list[tuple[dict[str, JsonValue], int]] = []
    mine = _me_as_well(best, action, items)
    if mine is not None:
        found.append(mine)
    for at, item in enumerate(items):
        if item.index not in best.unexplained or item.kind not in ("email", "channel", "phone"):
            continue
        first = next((i for i in items[:at] if i.kind == item.kind), None)
        before = [i.lower for i in items[max(0, at - 2) : at]]
        joined = bool({"and", ",", "&"} & set(before)) and before[-1] in ("and", ",", "&", "to", "in")
        if first is None or not joined:
            continue
        slot = next((n for n, v in action.params.items() if v == escape(str(first.value or first.text))), None)
        if slot is not None:
            found.append(({**action.params, slot: escape(str(item.value or item.text))}, item.index))
    return found


def _me_as_well(best: Chosen, action: Action, items: Sequence[Item]) -> tuple[dict[str, JsonValue], int] | None:
    """`text me and +15550111`, `email a@x.org and me`: the asker is one of several receivers."""
    for at, item in enumerate(items):
        if item.lower not in words("me"):
            continue
        near = [
            items[k]
            for k in (at - 2, at + 2)
            if 0 <= k < len(items) and items[(at + k) // 2].lower in ("and", ",", "&")
        ]
        other = next((i for i in near if i.kind in ("email", "phone")), None)
        first = next((i for i in items if other is not None and i.kind == other.kind), None)
        slot = next(
            (n for n, v in action.params.items() if first and v == escape(str(first.value or first.text))), None
        )
        known = best.scope.me(other.kind) if other is not None else None
        if slot is not None and known is not None:
            return {**action.params, slot: known}, item.index
    return None
