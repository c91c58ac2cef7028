"""Do the parts of a draft go together? What is said and then not used would be a wrong program.

Knows: which slots each kind of reading uses. In: a draft. Out: why its parts do not agree, or nothing.
Never: drops a part to make the rest fit.
"""

from __future__ import annotations

from typing import Final

from eyeflow.frontend.timegrammar.draft import Draft

_ALWAYS: Final = frozenset({"zone", "notes", "vague", "problems", "once", "recurs", "reminder"})
_SAID: Final = {
    "nth": "numbered weekdays",
    "month_days": "days of the month",
    "year_days": "days of the year",
    "workdays": "working days",
    "days": "a date",
    "minutes": "minutes past the hour",
    "part": "a part of the day",
    "window": "a window",
    "iso": "a date and time",
    "relative": "a day seen from today",
    "after": "a time from now",
    "ago": "a time ago",
    "amount": "a length of time",
    "start": "a start",
    "until": "an end",
    "count": "a number of runs",
    "excepts": "exceptions",
    "unit": "an interval",
    "interval": "an interval",
    "per": "a number of times",
    "of_unit": "a period",
    "also": "a second series",
    "base": "another day",
}


def unused(draft: Draft, used: tuple[str, ...]) -> str:
    """What `draft` says beyond the slots in `used`, in words; empty when all is used."""
    plain = Draft()
    left = [
        _SAID.get(name, name)
        for name in draft.__struct_fields__
        if name not in used and name not in _ALWAYS and getattr(draft, name) != getattr(plain, name)
    ]
    return f"{' and '.join(dict.fromkeys(left))} cannot be put together with the rest" if left else ""


def contradiction(draft: Draft) -> str:
    """Why one series cannot be all that `draft` says, in words; empty when it can."""
    numbered = bool(draft.nth or draft.workdays)
    if draft.year is not None:
        return "a series and a single year are both said"
    if draft.minutes and draft.times:
        return "minutes past every hour and times of day are both said"
    if draft.window is not None and draft.times:
        return "a window and times of day are both said"
    if draft.days and (numbered or draft.month_days or draft.unit not in (None, "year")):
        return "a date and another rule for the days are both said"
    if draft.days and draft.weekdays:
        return "a date and weekdays are both said"
    if draft.days and draft.months:
        return "a date and months are both said"
    if draft.weekdays and numbered:
        return "weekdays and numbered days of the month are both said"
    if draft.unit in ("day", "week") and (numbered or draft.month_days) and draft.of_unit != "week":
        return f"every {draft.unit} and certain days of the month are both said"
    if draft.of_unit == "quarter" and draft.months:
        return "quarters and months are both said"
    return ""
