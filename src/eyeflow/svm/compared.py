"""A choice as people read it: `72 > 75`, and the name of the branch taken.

Knows: how a decided condition is shown with its values. In: linked code and a frame. Out: text. Never: decides.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from eyeflow.errors import RunError
from eyeflow.ir.evaluate import Frame
from eyeflow.svm.executable import BranchCode, CompareCode, ScopeCode
from eyeflow.values import Value

_ALLOWANCE: Final = 1_000
"""Operations for showing a condition: it is one plain comparison."""


def taken_name(code: BranchCode, taken: ScopeCode | None, decided: int) -> str:
    """What the branch that was taken after `decided` conditions is called."""
    if taken is not None and taken.label:
        return taken.label
    return "DEFAULT" if taken is code.default else f"case {decided}"


def told(compared: CompareCode | None, frame: Frame) -> str:
    """`72 > 75`: the condition with its values, at no cost to the run's budget and whatever is left of it."""
    if compared is None:
        return ""
    left, frame.meter.left = frame.meter.left, _ALLOWANCE
    try:
        return f"{compared.left(frame)} {compared.sign} {compared.right(frame)}"
    except RunError:
        return ""
    finally:
        frame.meter.left = left


def shown(value: Value) -> str:
    """A value as people read it, not too long."""
    if type(value) is int:
        return str(value)
    match value:
        case None | bool():
            return str(value).lower().replace("none", "null")
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case str():
            return f'"{value}"' if len(value) <= 40 else f'"{value[:39]}…"'
        case datetime():
            return value.isoformat()
        case _:
            return str(value)[:40]
