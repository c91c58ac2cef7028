"""When it starts: "make it 10am instead", "only on weekdays", "every Friday", "until December", "not in August".

Knows: which part of a schedule a phrase says: its times, its days, its bounds. In: a piece, a task. Out: `Done`.
Never: changes a part of the schedule that the words do not say; what does not fit together is told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from eyeflow.frontend.choices import option_of
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Done, Piece
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.timegrammar import TimePhrase, find_times
from eyeflow.frontend.timegrammar.draft import Clock, Day, Draft, Except, replaced, unify
from eyeflow.frontend.timegrammar.reading import read
from eyeflow.frontend.timegrammar.series import Frame, Reading
from eyeflow.frontend.timegrammar.trigger import answered
from eyeflow.ir import task as ir
from eyeflow.recurrence import Rule, RuleProblem, local_of, parse_rule, zone_of
from eyeflow.recurrence.cronlines import as_rules
from eyeflow.recurrence.rule import DAYS
from eyeflow.values import Span

DAY_PARTS: Final = ("weekdays", "nth", "month_days", "workdays", "days", "months", "iso", "relative", "after", "per")
_STEPS: Final = ("second", "minute", "hour")
_PLAIN: Final = Draft()


def retime(piece: Piece, task: ir.Task) -> Done | None:
    """The task with another start; None when the piece is about something else."""
    piece = _with_hour(piece, task)
    phrases = new_times(piece)
    if not phrases or not _only_times(piece):
        return None
    if any(not phrase.draft.excepts and _negated(piece, phrase) for phrase in phrases):
        return Done(why="say when it is to run instead, such as every 15 minutes between 8am and 10pm")
    problem = next((problem for phrase in phrases for problem in phrase.problems), "")
    if problem:
        return Done(why=problem)
    draft = phrases[0].draft
    for phrase in phrases[1:]:
        joined = unify(draft, phrase.draft)
        if joined is None:
            return Done(why=f"“{phrases[0].text}” and “{phrase.text}” are both said")
        draft = joined
    if draft.times:  # `at 10am, not 9am`: the other is the old one
        draft = replaced(draft, {"excepts": tuple(e for e in draft.excepts if e != Except(times=e.times))})
    draft = replaced(draft, {"reminder": False})
    timed = [t for t in task.triggers if isinstance(t, ir.Schedule | ir.Once | ir.Manual)]
    if len(timed) != 1 or len(task.triggers) != 1:
        what = "several things" if len(task.triggers) > 1 else "an event" if task.triggers else "nothing"
        return Done(why=f"{what} starts this one; say when in an automation of its own")
    return _changed(piece, task, timed[0], draft)


def new_times(piece: Piece) -> list[TimePhrase]:
    """The time phrases that say the new start; the one after "instead of" is the old one."""
    found: list[TimePhrase] = []
    for phrase in piece.times:
        before = [i.lower for i in piece.items if i.span.end <= phrase.span.start]
        old = any(before[-len(cue.split()) :] == cue.split() for cue in words("edits", "old_times"))
        old = old or (bool(found) and before[-1:] == ["not"])
        if not old:
            found.append(phrase)
    return found


def _negated(piece: Piece, phrase: TimePhrase) -> bool:
    """`not at night`: a time at which it is not to run."""
    before = [i.lower for i in piece.items if i.span.end <= phrase.span.start]
    return before[-1:] in (["not"], ["never"], ["no"])


def _with_hour(piece: Piece, task: ir.Task) -> Piece:
    """`make it 11`, of a task that starts at one time of day: at 11."""
    held = [i for i in piece.items if i.kind != "punct" and i.lower not in ("please", "instead")]
    hour = held[-1].value if held and held[-1].kind == "number" else None
    asked = [i.lower for i in held[:-1]] in (
        ["make", "it"],
        ["change", "it", "to"],
        ["move", "it", "to"],
        ["set", "it", "to"],
    )
    timed = [t for t in task.triggers if isinstance(t, ir.Schedule | ir.Once) and times_of(t)]
    if piece.times or not asked or not isinstance(hour, int) or not 0 < hour <= 24 or len(timed) != 1:
        return piece
    said = f"at {hour}"
    found = find_times(said, tokenize(said), piece.ctx.now, task.zone or piece.ctx.zone)
    span = held[-1].span
    return msgspec.structs.replace(piece, times=tuple(msgspec.structs.replace(t, span=span) for t in found))


def _only_times(piece: Piece) -> bool:
    spans = [phrase.span for phrase in piece.times]
    around = [i for i in piece.items if not any(s.start <= i.span.start < s.end for s in spans)]
    return all(item.lower in words("edits", "around_times") for item in around)


def frame_of(piece: Piece, zone: str) -> Frame:
    held = piece.times or piece.items
    span = Span(held[0].span.start, held[-1].span.end)
    return Frame(local_of(piece.ctx.now, zone_of(zone)), zone, span)


def _changed(piece: Piece, task: ir.Task, trigger: ir.Schedule | ir.Once | ir.Manual, draft: Draft) -> Done:
    zone = draft.zone or getattr(trigger, "zone", None) or task.zone or piece.ctx.zone
    frame, only = frame_of(piece, zone), "only" in piece.lowered
    given: dict[str, str] = {}
    while True:
        settled, bad = answered(draft, given)
        made = _started(trigger, _moved(settled, trigger), frame, only=only)
        asked = made.questions if isinstance(made, Reading) else ()
        fresh_ = {
            question.slot: option_of(question.options, said) or said
            for question in asked
            if question.slot not in given and (said := piece.answer(question.slot))
        }
        if bad or not fresh_:
            break
        given |= fresh_
    if isinstance(made, str):
        return Done(why=made)
    if isinstance(made, Reading):
        return Done(questions=made.questions, why="" if made.questions else "; ".join(made.problems))
    return Done(task=msgspec.structs.replace(task, triggers=(made,)))


def _started(
    trigger: ir.Schedule | ir.Once | ir.Manual, draft: Draft, frame: Frame, *, only: bool
) -> ir.Trigger | Reading | str:
    if isinstance(trigger, ir.Schedule):
        return _schedule(trigger, draft, frame, only=only)
    return _once(trigger, draft, frame) if isinstance(trigger, ir.Once) else fresh(draft, frame)


def _moved(draft: Draft, trigger: ir.Trigger) -> Draft:
    """`from 9am to 10am`: a window whose start is the time there is now is a move."""
    if draft.window is None or not isinstance(trigger, ir.Schedule | ir.Once):
        return draft
    there = times_of(trigger)
    if there is None or len(there) != 1 or draft.window[0].text != there[0].text:
        return draft
    return replaced(draft, {"window": None, "times": (draft.window[1],)})


def says(draft: Draft, names: tuple[str, ...]) -> bool:
    return any(getattr(draft, name) != getattr(_PLAIN, name) for name in names)


# --- a schedule ----------------------------------------------------------------------------------------------------


def _schedule(old: ir.Schedule, draft: Draft, frame: Frame, *, only: bool) -> ir.Trigger | Reading | str:
    plain = rules_of(old)
    if isinstance(plain, str):
        return plain
    old = plain
    whole = bool(draft.also) or draft.unit in _STEPS
    timed = says(draft, ("times", "part", "minutes"))
    dayed = says(draft, DAY_PARTS) or draft.unit not in (None, *_STEPS)
    if only and not whole and dayed and _thinned(old):
        return _filtered(old, draft, frame)
    if draft.unit in _STEPS and not says(draft, ("window", "weekdays", "months")) and _restricted(old):
        return "it runs on certain days or hours; say the whole schedule, such as every 30 minutes on weekdays"
    if whole or (timed and dayed):
        return fresh(draft, frame, old)
    if timed:
        return other_times(old, draft, frame)
    if dayed:
        return _other_days(old, draft, frame)
    return _bounds(old, draft, frame)


def fresh(draft: Draft, frame: Frame, old: ir.Schedule | None = None) -> ir.Trigger | Reading:
    """A start of its own, with the bounds of the old one where the words say none."""
    found = read(draft, frame)
    if found.questions or found.problems:
        return found
    if found.kind == "once" and found.at is not None:
        return ir.Once(at=found.at, zone=frame.zone)
    if found.kind != "schedule" or not found.rules:
        return Reading(kind="schedule", problems=("this does not say when to start",))
    base = old or ir.Schedule()
    return msgspec.structs.replace(
        base, rules=found.rules, zone=frame.zone, start=found.start or base.start, until=found.until or base.until,
        exclude=tuple(dict.fromkeys((*base.exclude, *found.exclude))), anchor=None,
    )  # fmt: skip


def _parsed(old: ir.Schedule) -> list[Rule]:
    try:
        return [parse_rule(text) for text in old.rules]
    except RuleProblem:
        return []


def times_of(old: ir.Schedule | ir.Once) -> tuple[Clock, ...] | None:
    """The times of day there are now; None when it steps through the day."""
    if isinstance(old, ir.Once):
        try:
            moment = datetime.fromisoformat(old.at)
        except ValueError:
            return None
        return (Clock(moment.hour, moment.minute),)
    rules = _parsed(old)
    if not rules or any(rule.stepped or not rule.by_hour for rule in rules):
        return None
    found = {Clock(hour, minute) for rule in rules for hour in rule.by_hour for minute in rule.by_minute or (0,)}
    return tuple(sorted(found))


def other_times(old: ir.Schedule, draft: Draft, frame: Frame) -> ir.Trigger | Reading | str:
    """Other times on the same days."""
    there = times_of(old)
    if there is None:
        return "it runs in steps through the day; say the whole schedule, such as every day at 10am"
    if len(there) > 1 and len(draft.times) == 1:
        said = " and ".join(clock.text for clock in there)
        return f"it runs at {said}; say all the times it should have"
    found = read(replaced(draft, {"recurs": True, "unit": "day", "interval": 1.0}), frame)
    if found.questions or found.problems:
        return found
    days = list(dict.fromkeys(_untimed(rule) for rule in old.rules))
    clocks = [_parts(rule) for rule in found.rules]
    rules = tuple(f"{day};BYHOUR={clock['BYHOUR']};BYMINUTE={clock['BYMINUTE']}" for day in days for clock in clocks)
    changed = msgspec.structs.replace(old, rules=rules, zone=frame.zone)
    return bounded(changed, found)


def rules_of(old: ir.Schedule) -> ir.Schedule | str:
    """A schedule of rules alone, or why it cannot be one."""
    if old.cron is None:
        return old
    written = as_rules(old.cron)
    if written is None:
        return "this schedule is a cron line with signs of its own; change it in the program's text"
    return msgspec.structs.replace(old, cron=None, rules=(*old.rules, *written))


def with_part(rule: str, name: str, value: str) -> dict[str, str]:
    """A rule's parts by name, one of them changed where `name` says which."""
    parts = _parts(rule)
    return {**parts, name: value} if name else parts


def _untimed(rule: str) -> str:
    return ";".join(f"{name}={value}" for name, value in _parts(rule).items() if name not in ("BYHOUR", "BYMINUTE"))


def _parts(rule: str) -> dict[str, str]:
    pairs = (piece.partition("=") for piece in rule.removeprefix("RRULE:").split(";") if piece)
    return {name.strip().upper(): value.strip() for name, _, value in pairs}


def _other_days(old: ir.Schedule, draft: Draft, frame: Frame) -> ir.Trigger | Reading | str:
    """Other days at the same times; "every other Monday" moved to Tuesday stays every other week."""
    there = times_of(old)
    if there is None:
        return "it runs in steps through the day; say the whole schedule"
    rules = _parsed(old)
    weekly = all(rule.freq == "WEEKLY" for rule in rules)
    if weekly and draft.weekdays and draft.unit is None and any(rule.interval > 1 for rule in rules):
        names = ",".join(DAYS[day] for day in draft.weekdays)
        moved = tuple(_with(rule, "BYDAY", names) for rule in old.rules)
        return msgspec.structs.replace(old, rules=moved, zone=frame.zone)
    if not draft.recurs and draft.weekdays:
        draft = replaced(draft, {"recurs": True})
    return fresh(replaced(draft, {"times": there}), frame, old)


def _with(rule: str, name: str, value: str) -> str:
    parts = _parts(rule)
    parts[name] = value
    order = ("FREQ", "INTERVAL", "BYMONTH", "BYDAY", "BYMONTHDAY")
    first = [f"{each}={parts.pop(each)}" for each in order if each in parts]
    return ";".join([*first, *(f"{each}={held}" for each, held in parts.items())])


def _thinned(old: ir.Schedule) -> bool:
    """A schedule that "only on ..." can thin out: daily, in steps, or on weekdays."""
    return all(rule.freq in ("DAILY", "WEEKLY", "HOURLY", "MINUTELY", "SECONDLY") for rule in _parsed(old))


def _restricted(old: ir.Schedule) -> bool:
    """Are there days, months or hours that another step alone would drop?"""
    held = _parsed(old)
    return any(r.by_day or r.by_month or r.by_month_day or (r.stepped and r.by_hour) for r in held)


def _filtered(old: ir.Schedule, draft: Draft, frame: Frame) -> ir.Trigger | Reading | str:
    """The same schedule on fewer days: weekdays, months."""
    said = tuple(name for name in DAY_PARTS if getattr(draft, name) != getattr(_PLAIN, name))
    if said not in (("weekdays",), ("months",), ("weekdays", "months")) or draft.unit not in (None, "year"):
        return fresh(replaced(draft, {"times": draft.times or times_of(old) or ()}), frame, old)
    rules = []
    for text, rule in zip(old.rules, _parsed(old), strict=True):
        there = {day for _, day in rule.by_day} or set(range(7))
        days = [DAYS[day] for day in draft.weekdays if day in there]
        if draft.weekdays and not days:
            return "it does not run on those days; say “instead” to move it there"
        held = _with(text, "BYDAY", ",".join(days)) if draft.weekdays else text
        if draft.weekdays and rule.freq == "DAILY" and rule.interval == 1:
            held = held.replace("FREQ=DAILY", "FREQ=WEEKLY")
        months = sorted(set(draft.months) & set(rule.by_month or range(1, 13)))
        if draft.months and not months:
            return "it does not run in those months"
        rules.append(_with(held, "BYMONTH", ",".join(map(str, months))) if draft.months else held)
    changed = msgspec.structs.replace(old, rules=tuple(rules), zone=frame.zone)
    if draft.times or draft.part:
        return other_times(changed, Draft(times=draft.times, part=draft.part), frame)
    return changed


def _bounds(old: ir.Schedule, draft: Draft, frame: Frame) -> ir.Trigger | Reading | str:
    """A start, an end, exceptions or another zone for the same rules."""
    if draft.vague:
        return fresh(replaced(draft, {"times": draft.times or times_of(old) or ()}), frame, old)
    if draft.count is not None:
        return "a number of runs is better said with the whole schedule, such as every day at 9am, 10 times"
    if not says(draft, ("start", "until", "excepts", "zone")):
        return "this does not say when to start"
    daily = {"recurs": True, "unit": "day", "interval": 1.0, "times": (Clock(9, 0),)}
    found = read(replaced(draft, daily), frame)
    if found.questions or found.problems:
        return found
    return bounded(msgspec.structs.replace(old, zone=frame.zone), found)


def bounded(old: ir.Schedule, found: Reading) -> ir.Schedule:
    return msgspec.structs.replace(
        old, start=found.start or old.start, until=found.until or old.until,
        exclude=tuple(dict.fromkeys((*old.exclude, *found.exclude))),
    )  # fmt: skip


# --- a single run --------------------------------------------------------------------------------------------------


def _once(old: ir.Once, draft: Draft, frame: Frame) -> ir.Trigger | Reading | str:
    """The same day at another time, another day at the same time, or a start of its own."""
    there = times_of(old)
    moment = old.at.partition("T")[0]
    if there is None or draft.also:
        return fresh(draft, frame)
    if draft.recurs:
        timed = says(draft, ("times", "part", "minutes", "window")) or draft.unit in _STEPS
        return fresh(draft if timed else replaced(draft, {"times": there}), frame)
    if not says(draft, DAY_PARTS):
        year, month, day = (int(part) for part in moment.split("-"))
        return fresh(replaced(draft, {"iso": None, "days": (Day(month, day, year),)}), frame)
    return fresh(draft if draft.times or draft.part else replaced(draft, {"times": there}), frame)
