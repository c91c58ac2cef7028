"""Short tasks to check, and what the checks say of them."""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic
from eyeflow.ir.check import check
from eyeflow.ir.text import parse
from eyeflow.verify import verify
from ir.checked import CTX

INPUTS = """\
  INPUT x number
  INPUT n integer
  INPUT m integer
  INPUT s string
  INPUT ok boolean
  INPUT on date
  INPUT at timestamp
  INPUT o? number
  INPUT data json
  INPUT warm number<celsius>
  INPUT tags list<string>
"""


def proved(text: str, ctx: CompileContext = CTX, *, budget_ms: int = 20_000) -> list[Diagnostic]:
    """Everything the formal checks say of `text`, which the compiler must accept."""
    task, report = parse(text)
    assert task is not None, [str(d) for d in report.diagnostics]
    checked, report = check(task, ctx)
    assert checked is not None, [str(d) for d in report.errors]
    return list(verify(checked, ctx, budget_ms=budget_ms, text=text).diagnostics)


def branching(*conditions: str, default: str = "VALUE 0", inputs: str = INPUTS) -> str:
    """A task of one conditional `rule` with branches `b1`, `b2` ..."""
    lines = [f"TASK t\n{inputs}\n  ACTION rule\n    TYPE conditional\n"]
    for number, condition in enumerate(conditions, 1):
        lines.append(f"    CONDITION {condition}\n      BRANCH b{number}\n        VALUE {number}\n")
    lines.append(f"    DEFAULT\n      {default}\n    OUTPUT r\n\n  RETURN r\n")
    return "".join(lines)


def guarded(*lines: str) -> str:
    """A task of one logged line under `lines`."""
    shown = "".join(f"    {line}\n" for line in lines)
    return f'TASK t\n{INPUTS}\n  ACTION a\n    TYPE log\n    MESSAGE "x"\n{shown}'


def codes(found: Sequence[Diagnostic]) -> list[str]:
    """The codes, in order."""
    return [each.code for each in found]


def only(found: Sequence[Diagnostic]) -> Diagnostic:
    """The one finding there is."""
    assert len(found) == 1, [str(each) for each in found]
    return found[0]


def fixed(text: str, finding: Diagnostic) -> str:
    """`text` with the fix of the finding applied."""
    assert finding.fix is not None, str(finding)
    span = finding.fix.span
    return text[: span.start] + finding.fix.text + text[span.end :]
