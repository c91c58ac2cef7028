"""Changes a machine can apply to the text of a finding.

Knows: that LLM-IR has one thing a line. In: the text, spans. Out: `Fix`es, or None where the text does not allow one.
Never: changes the text.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.diagnostics import Diagnostic, Fix
from eyeflow.ir.task import Case
from eyeflow.values import Span

_DEADLINE: Final = re.compile(r"^[ \t]+(DEADLINE[ \t]+[^\s#]+)", re.MULTILINE)
_TIMES: Final = frozenset(("impossible_deadline", "impossible_expiry"))
_EXPIRES: Final = re.compile(r"^  (EXPIRES[ \t]+[^\s#]+)", re.MULTILINE)


def without_line(text: str | None, span: Span | None, keyword: str) -> Fix | None:
    """Takes out the line of `keyword`, when `span` is all the rest of it."""
    if text is None or span is None:
        return None
    start, end = _line_start(text, span.start), _line_end(text, span.end)
    if text[start : span.start].strip() != keyword or text[span.end : end].strip():
        return None
    return Fix(f"take the {keyword} out", Span(start, end), "")


def without_case(text: str | None, case: Case) -> Fix | None:
    """Takes out a CONDITION and its branch."""
    when, block = case.when.span, case.block.span
    if text is None or when is None or block is None or block.start < when.end:
        return None
    start, end = _line_start(text, when.start), _line_end(text, block.end)
    if text[start : when.start].strip() != "CONDITION":
        return None
    return Fix("take the CONDITION and its branch out", Span(start, end), "")


def said_anew(text: str | None, keyword: str, value: str) -> Fix | None:
    """Gives the task's DEADLINE or EXPIRES another duration."""
    found = (_DEADLINE if keyword == "DEADLINE" else _EXPIRES).search(text) if text is not None else None
    if found is None:
        return None
    return Fix(f"say {keyword} {value}", Span(found.start(1), found.end(1)), f"{keyword} {value}")


def instead(text: str | None, span: Span | None, written: str, wanted: str) -> Fix | None:
    """Replaces a constant by another."""
    if text is None or span is None or text[span.start : span.end] != written:
        return None
    return Fix(f"write {wanted}", span, wanted)


def machine_applicable(finding: Diagnostic) -> bool:
    """True when the fix of a proved finding may be applied unasked: it takes out what has no effect, or gives the time
    that is needed. To write another constant is a guess at what was meant, and for a person to decide."""
    return finding.fix is not None and (not finding.fix.text or finding.code in _TIMES)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
