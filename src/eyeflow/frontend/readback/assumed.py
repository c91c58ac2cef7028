"""What a program takes for granted, in one list: what understanding assumed, and what the checker filled in.

Knows: the words of an assumption. In: an intent, the findings of a compile. Out: lines. Never: assumes anything.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.diagnostics import Diagnostic, Report
from eyeflow.frontend.intent import Intent

ASSUMED_CODES: Final = ("assumed_value", "zone_assumed")
"""Findings that say what was taken for granted; a read-back lists them, so they need not be shown again."""


def assumptions(intent: Intent | None, report: Report) -> tuple[str, ...]:
    """Every assumption as `slot = value (why)`, what was understood first, each once."""
    said = [f"{a.slot} = {_plain(a.value)} ({a.why})" for a in intent.assumptions] if intent is not None else []
    said += [_filled(found) for found in report.diagnostics if found.code in ASSUMED_CODES]
    return tuple(dict.fromkeys(said))


def _filled(found: Diagnostic) -> str:
    if found.code == "zone_assumed":
        return found.message
    steps = found.place.path.split(".")
    owner = steps[steps.index("params") - 1] + "." if "params" in steps[1:] else ""
    name, _, value = found.message.partition(" is ")
    return f"{owner}{name} = {value} ({found.hint})"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
