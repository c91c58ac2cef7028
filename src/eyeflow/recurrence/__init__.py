"""Recurrence: when a schedule fires.

Knows: RRULEs merged with exclusions, five-field cron, time zones with gaps and folds. In: a `Recurrence` and an
instant. Out: the instants after it, ascending, in UTC; problems in words; the schedule in English (`describe`).
Never: reads a clock, spins: rules are judged before they are expanded and expansion has a horizon.

The wall clock rules DAILY and coarser rules (in a gap the first valid instant, in a fold once, the first);
HOURLY, MINUTELY and SECONDLY rules step in elapsed time from START, else from the anchor's local midnight.

    rule.py     RRULE text, parsed and judged
    wall.py     wall time to instants
    steps.py    one rule, unrolled
    firing.py   `Recurrence`, `occurrences`, `check`
    english.py  `describe`
"""

from eyeflow.recurrence.english import describe
from eyeflow.recurrence.firing import Recurrence, check, occurrences, upcoming
from eyeflow.recurrence.rule import Rule, RuleProblem, check_rule, parse_rule
from eyeflow.recurrence.short import frequency_rule, short_form
from eyeflow.recurrence.wall import ScheduleError, instant, local_of, read_moment, zone_of

__all__ = [
    "Recurrence",
    "Rule",
    "RuleProblem",
    "ScheduleError",
    "check",
    "check_rule",
    "describe",
    "frequency_rule",
    "instant",
    "local_of",
    "occurrences",
    "parse_rule",
    "read_moment",
    "short_form",
    "upcoming",
    "zone_of",
]
