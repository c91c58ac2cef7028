"""The seed's short form of a schedule: a time and one frequency word.

Knows: `hourly daily weekdays weekly(MO) monthly(1)`. In: a rule, or a time and a word. Out: the other one.
Never: a short form that would lose something: then there is none.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.recurrence.rule import DAYS, Rule, RuleProblem, parse_rule

FREQUENCY_WORDS: Final = ("hourly", "daily", "weekdays", "weekly", "monthly")
_WORKDAYS: Final = tuple((0, day) for day in range(5))
_SHORT: Final = re.compile(r"(?P<word>[a-z]+)(?:\((?P<part>[A-Z]{2}|[0-9]{1,2})\))?\Z")


def short_form(rules: tuple[str, ...]) -> tuple[str, str] | None:
    """(`HH:MM`, word) when one rule of one time says it all, else None: ("09:00", "daily"), ("08:30", "weekly(MO)")."""
    if len(rules) != 1:
        return None
    try:
        rule = parse_rule(rules[0])
    except RuleProblem:
        return None
    plain = rule.interval == 1 and rule.count is None and rule.until is None and not rule.by_month
    if not plain or rule.by_set_pos or rule.by_year_day or rule.by_week_no or len(rule.by_minute) > 1:
        return None
    minute = rule.by_minute[0] if rule.by_minute else 0
    if rule.freq == "HOURLY":
        return None if rule.by_hour or rule.by_day or rule.by_month_day else (f"00:{minute:02d}", "hourly")
    if len(rule.by_hour) != 1:
        return None
    word = _word(rule)
    return None if word is None else (f"{rule.by_hour[0]:02d}:{minute:02d}", word)


def _word(rule: Rule) -> str | None:
    match rule.freq:
        case "DAILY" if not rule.by_day and not rule.by_month_day:
            return "daily"
        case "WEEKLY" | "DAILY" if rule.by_day == _WORKDAYS and not rule.by_month_day:
            return "weekdays"
        case "WEEKLY" if len(rule.by_day) == 1:
            return f"weekly({DAYS[rule.by_day[0][1]]})"
        case "MONTHLY" if len(rule.by_month_day) == 1 and not rule.by_day and rule.by_month_day[0] > 0:
            return f"monthly({rule.by_month_day[0]})"
    return None


def frequency_rule(time: str, frequency: str) -> str:
    """The RRULE of the short form; `weekly` alone is Monday, `monthly` alone the first.

    Raises:
        RuleProblem: the time is not HH:MM, or the word is not one of `FREQUENCY_WORDS`.
    """
    clock = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", time.strip())
    if clock is None:
        raise RuleProblem(f"{time[:20]!r} is not a time such as 09:00")
    found = _SHORT.match(frequency.strip())
    if found is None or found["word"] not in FREQUENCY_WORDS:
        raise RuleProblem(f"{frequency[:20]!r} is not one of {', '.join(FREQUENCY_WORDS)}")
    hour, minute, part = int(clock[1]), int(clock[2]), found["part"]
    at = f"BYHOUR={hour};BYMINUTE={minute}"
    match found["word"]:
        case "hourly" if part is None:
            rule = f"FREQ=HOURLY;BYMINUTE={minute}"
        case "daily" if part is None:
            rule = f"FREQ=DAILY;{at}"
        case "weekdays" if part is None:
            rule = f"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;{at}"
        case "weekly":
            rule = f"FREQ=WEEKLY;BYDAY={part or 'MO'};{at}"
        case "monthly":
            rule = f"FREQ=MONTHLY;BYMONTHDAY={part or '1'};{at}"
        case word:
            raise RuleProblem(f"{word} takes nothing in brackets")
    parse_rule(rule)
    return rule
