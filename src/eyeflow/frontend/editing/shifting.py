"""A little more or less of a schedule: "also on Saturdays", "never on Sundays", "an hour later", "only from 9 to 5".

Knows: how a schedule is widened, thinned out and moved. In: a piece, a task. Out: `Done`.
Never: makes a schedule that never fires, or moves a time past midnight, where the day would change with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.editing.limits import SECONDS
from eyeflow.frontend.editing.pieces import Done, Piece
from eyeflow.frontend.editing.times import (
    DAY_PARTS,
    bounded,
    frame_of,
    fresh,
    new_times,
    other_times,
    rules_of,
    says,
    times_of,
    with_part,
)
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.timegrammar import TimePhrase, find_times
from eyeflow.frontend.timegrammar.draft import Clock, Draft, Except, replaced, unify
from eyeflow.frontend.timegrammar.reading import read
from eyeflow.frontend.timegrammar.series import Reading
from eyeflow.ir import task as ir
from eyeflow.recurrence.rule import DAYS

_DAY: Final = 24 * 60
_MARKS: Final = ("only", "just", "but", "please", "instead", "of", "rather", "than")
"""Words around a schedule that say nothing of it."""
_EVERY: Final = {"HOURLY": "hour", "MINUTELY": "minute", "SECONDLY": "second"}


def shift(piece: Piece, task: ir.Task) -> Done | None:
    """The task with its start shifted, widened or thinned out; None when the piece says nothing of that kind."""
    for read_ in (_left_out, _endless, _ended, _moved, _within):
        done = read_(piece, task)
        if done is not None:
            return done
    return None


def _says_more(piece: Piece) -> bool:
    """`also on Saturdays`, `at 6pm as well`: further times, and no action."""
    rest = _around(piece)
    return bool(piece.times) and _adds(piece) and all(word in words("edits", "around_times") for word in rest)


def _adds(piece: Piece) -> bool:
    said = f" {' '.join(piece.lowered)} "
    return any(f" {word} " in said for word in words("edits", "adding"))


def _around(piece: Piece) -> list[str]:
    """The words beside the time phrases, less those that say that it is more."""
    spans = [phrase.span for phrase in piece.times]
    held = " ".join(i.lower for i in piece.items if not any(s.start <= i.span.start < s.end for s in spans))
    for phrase in sorted(words("edits", "adding"), key=len, reverse=True):
        held = f" {held} ".replace(f" {phrase} ", " ").strip()
    return held.split()


def _scheduled(task: ir.Task) -> ir.Schedule | str:
    """The one schedule there is, or why there is none to change."""
    if len(task.triggers) == 1 and isinstance(task.triggers[0], ir.Schedule):
        trigger = task.triggers[0]
        return rules_of(trigger) if trigger.cron is not None else trigger
    if len(task.triggers) == 1 and isinstance(task.triggers[0], ir.Once):
        return "this runs one time; say the whole schedule it should have"
    return "no schedule starts this one; say when in an automation of its own"


def _joined(phrases: tuple[TimePhrase, ...]) -> Draft | None:
    draft = phrases[0].draft if phrases else None
    for phrase in phrases[1:]:
        draft = unify(draft, phrase.draft) if draft is not None else None
    return draft


def _with(task: ir.Task, made: ir.Trigger | Reading | str) -> Done:
    if isinstance(made, str):
        return Done(why=made)
    if isinstance(made, Reading):
        return Done(questions=made.questions, why="" if made.questions else "; ".join(made.problems))
    return Done(task=msgspec.structs.replace(task, triggers=(made,)))


# --- fewer days ----------------------------------------------------------------------------------------------------


def _left_out(piece: Piece, task: ir.Task) -> Done | None:
    """`never on Sundays`, `don't run on Fridays`, `no runs in August`."""
    rest = _around(piece)
    leads = [n for n in range(len(rest), 0, -1) if " ".join(rest[:n]) in words("edits", "leaving_out")]
    draft = _joined(piece.times)
    if not leads or draft is None or not all(word in words("edits", "around_times") for word in rest[leads[0] :]):
        return None
    said = {name for name in draft.__struct_fields__ if says(draft, (name,))} - {"recurs", "unit"}
    if not said or not said <= {"weekdays", "months", "days"}:
        return None
    trigger = _scheduled(task)
    if isinstance(trigger, str):
        return Done(why=trigger)
    gone = Except(weekdays=draft.weekdays, months=draft.months, days=draft.days)
    daily = Draft(recurs=True, unit="day", interval=1.0, times=(Clock(9, 0),), excepts=(gone,))
    found = read(daily, frame_of(piece, trigger.zone or piece.ctx.zone))
    if found.questions or found.problems:
        return _with(task, found)
    there = {day for rule in trigger.rules for day in _days(rule)}
    if draft.weekdays and there <= {DAYS[day] for day in draft.weekdays}:
        return Done(why="it would never run")
    return _with(task, bounded(trigger, found))


def _days(rule: str) -> set[str]:
    held = with_part(rule, "", "").get("BYDAY")
    return set(held.split(",")) if held else set(DAYS)


def _endless(piece: Piece, task: ir.Task) -> Done | None:
    """`without an end`, `forever`."""
    rest = [word for word in piece.lowered if word not in words("edits", "around_times")]
    if " ".join(rest) not in words("edits", "endless"):
        return None
    trigger = _scheduled(task)
    if isinstance(trigger, str):
        return Done(why=trigger)
    if trigger.until is None:
        return Done(why="it has no end now")
    return _with(task, msgspec.structs.replace(trigger, until=None))


def _ended(piece: Piece, task: ir.Task) -> Done | None:
    """`stop on December 20`: the day it ends, not one on which it runs."""
    lowered = piece.lowered
    if lowered[:1] not in (("stop",), ("end",), ("finish",)) or len(piece.times) != 1:
        return None
    phrase = piece.times[0]
    rest = [i.lower for i in piece.items[1:] if not phrase.span.start <= i.span.start < phrase.span.end]
    if any(
        word not in words("edits", "around_times") and word not in ("running", "sending", "posting") for word in rest
    ):
        return None
    said = phrase.text.removeprefix("on ").removeprefix("after ")
    text = said if said.startswith(("until", "till")) else f"until {said}"
    trigger = _scheduled(task)
    if isinstance(trigger, str):
        return Done(why=trigger)
    found = find_times(text, tokenize(text), piece.ctx.now, trigger.zone or piece.ctx.zone)
    if len(found) != 1 or found[0].draft.until is None or says(found[0].draft, ("times", "recurs")):
        return None
    daily = {"recurs": True, "unit": "day", "interval": 1.0, "times": (Clock(9, 0),)}
    read_ = read(replaced(found[0].draft, daily), frame_of(piece, trigger.zone or piece.ctx.zone))
    return _with(task, read_ if read_.questions or read_.problems else bounded(trigger, read_))


# --- more days, more times -----------------------------------------------------------------------------------------


def widen(piece: Piece, task: ir.Task) -> Done | None:
    """The task that runs at further times, or on further days; None when the piece says nothing of that kind."""
    if not _says_more(piece):
        return None
    draft = _joined(piece.times)
    trigger = _scheduled(task)
    if draft is None or isinstance(trigger, str):
        return Done(why=trigger if isinstance(trigger, str) else f"“{piece.said}” says several things about when")
    frame = frame_of(piece, draft.zone or trigger.zone or piece.ctx.zone)
    dayed, timed = says(draft, DAY_PARTS), says(draft, ("times", "part"))
    there = times_of(trigger)
    if timed and not dayed and there is not None:
        own = read(replaced(draft, {"recurs": True, "unit": "day", "interval": 1.0}), frame)
        if own.questions or own.problems:
            return _with(task, own)
        more = [with_part(rule, "", "") for rule in own.rules]
        clocks = {Clock(int(h), int(m)) for r in more for h in r["BYHOUR"].split(",") for m in r["BYMINUTE"].split(",")}
        return _with(task, other_times(trigger, Draft(times=tuple(sorted({*there, *clocks}))), frame))
    if dayed and not timed and says(draft, ("weekdays",)) and draft.interval in (None, 1.0):
        wider = _wider(trigger, draft.weekdays)
        if wider is not None and wider == trigger:
            return Done(why="it runs on those days already")
        if wider is not None:
            return _with(task, wider)
    if not dayed or (not timed and there is None):
        return Done(why="it runs in steps through the day; say the whole schedule")
    own_times = {} if timed else {"times": there}
    made = fresh(replaced(draft, {"recurs": True, **own_times}), frame)
    if not isinstance(made, ir.Schedule):
        return _with(task, made if isinstance(made, Reading) else "this runs once; say the whole schedule")
    rules = tuple(dict.fromkeys((*trigger.rules, *made.rules)))
    return _with(task, msgspec.structs.replace(trigger, rules=rules))


def _wider(old: ir.Schedule, weekdays: tuple[int, ...]) -> ir.Schedule | None:
    """The same on further weekdays; None where the rules are no plain list of days."""
    names = [DAYS[day] for day in weekdays]
    exclude = tuple(kept for rule in old.exclude if (kept := _less(rule, names)))
    rules = []
    for rule in old.rules:
        parts = with_part(rule, "", "")
        weekly = parts["FREQ"] in ("WEEKLY", "HOURLY", "MINUTELY", "SECONDLY") and "BYDAY" in parts
        if parts["FREQ"] == "DAILY" and parts.get("INTERVAL", "1") == "1":
            rules.append(rule)
            continue
        if not weekly or (parts["FREQ"] == "WEEKLY" and parts.get("INTERVAL", "1") != "1") or "BYMONTHDAY" in parts:
            return None
        held = {*parts["BYDAY"].split(","), *names}
        if any(day not in DAYS for day in held):
            return None
        days = with_part(rule, "BYDAY", ",".join(day for day in DAYS if day in held))
        rules.append(";".join(f"{name}={value}" for name, value in days.items()))
    return msgspec.structs.replace(old, rules=tuple(rules), exclude=exclude)


def _less(exclude: str, names: list[str]) -> str:
    """An exception less some weekdays; empty when none is left."""
    if "=" not in exclude:
        return exclude
    parts = with_part(exclude, "", "")
    if parts.get("FREQ") != "WEEKLY" or set(parts) != {"FREQ", "BYDAY"}:
        return exclude
    kept = [day for day in parts["BYDAY"].split(",") if day not in names]
    return f"FREQ=WEEKLY;BYDAY={','.join(kept)}" if kept else ""


# --- earlier, later ------------------------------------------------------------------------------------------------


def _moved(piece: Piece, task: ir.Task) -> Done | None:
    """`half an hour earlier`, `move it 15 minutes later`."""
    way = 1 if "later" in piece.lowered or "later" in piece.said.casefold() else -1
    if way < 0 and not {"earlier", "sooner"} & set(piece.lowered):
        return None
    text = piece.said.casefold().replace("earlier", "later").replace("sooner", "later")
    lengths = [t for t in find_times(text, tokenize(text), piece.ctx.now, piece.ctx.zone) if t.draft.amount is not None]
    if len(lengths) != 1:
        return None
    rest = (text[: lengths[0].span.start] + text[lengths[0].span.end :]).replace(",", " ").split()
    if any(word not in (*words("edits", "around_times"), "later", "by") for word in rest):
        return None
    trigger = task.triggers[0] if len(task.triggers) == 1 else None
    if isinstance(trigger, ir.Schedule) and trigger.cron is not None:
        trigger = rules_of(trigger) if not isinstance(rules_of(trigger), str) else None  # type: ignore[assignment]
    there = times_of(trigger) if isinstance(trigger, ir.Schedule | ir.Once) else None
    if trigger is None or there is None or not isinstance(trigger, ir.Schedule | ir.Once):
        return Done(why="no time of day starts this one")
    amount = lengths[0].draft.amount
    assert amount is not None, "lengths were looked for"
    if isinstance(trigger, ir.Once) and amount[1] in ("day", "week"):
        days = timedelta(**{f"{amount[1]}s": amount[0] * way})
        fresh_at = (datetime.fromisoformat(trigger.at) + days).isoformat(timespec="minutes")
        return Done(task=msgspec.structs.replace(task, triggers=(msgspec.structs.replace(trigger, at=fresh_at),)))
    minutes = Fraction(amount[0]) * SECONDS.get(amount[1], 0) / 60 * way
    moved = [clock.hour * 60 + clock.minute + minutes for clock in there]
    if minutes.denominator != 1 or minutes == 0 or any(not 0 <= at < _DAY for at in moved):
        return Done(why="that would be on another day; say the time it should have")
    clocks = tuple(Clock(int(at) // 60, int(at) % 60) for at in moved)
    frame = frame_of(piece, trigger.zone or task.zone or piece.ctx.zone)
    if isinstance(trigger, ir.Once):
        at = f"{trigger.at.partition('T')[0]}T{clocks[0].text}"
        return Done(task=msgspec.structs.replace(task, triggers=(msgspec.structs.replace(trigger, at=at),)))
    return _with(task, other_times(trigger, Draft(times=clocks), frame))


# --- hours of the day ----------------------------------------------------------------------------------------------


def _within(piece: Piece, task: ir.Task) -> Done | None:
    """`only between 9 and 5`, `every 30 minutes`, of a schedule in steps: what is not said stays as it is."""
    trigger = task.triggers[0] if len(task.triggers) == 1 else None
    if not isinstance(trigger, ir.Schedule) or len(trigger.rules) != 1 or trigger.cron is not None:
        return None
    parts = with_part(trigger.rules[0], "", "")
    unit = _EVERY.get(parts["FREQ"])
    if unit is None:
        return None
    new = new_times(piece)
    olds = [phrase.span.start for phrase in piece.times if phrase not in new]
    items = [i for i in piece.items if not olds or i.span.start < olds[0]]
    marks = (*_MARKS, "not", ",") if olds else _MARKS
    said = " ".join(i.text for i in items if i.lower not in marks)
    steps = [phrase for phrase in new if phrase.draft.unit in _EVERY.values() and phrase.draft.recurs]
    text = said if steps else f"every {parts.get('INTERVAL', '1')} {unit}s {said}"
    found = find_times(text, tokenize(text), piece.ctx.now, trigger.zone or piece.ctx.zone)
    if len(found) != 1 or found[0].span.start > 0 or found[0].span.end < len(text.rstrip(" .!")):
        return None
    draft = found[0].draft
    if not steps and not says(draft, ("window",)):
        return None
    kept: dict[str, object] = {}
    if "BYDAY" in parts and not says(draft, DAY_PARTS):
        kept["weekdays"] = tuple(DAYS.index(day) for day in parts["BYDAY"].split(",") if day in DAYS)
    if "BYMONTH" in parts and not says(draft, ("months",)):
        kept["months"] = tuple(int(month) for month in parts["BYMONTH"].split(","))
    if "BYHOUR" in parts and not says(draft, ("window",)):
        hours = [int(hour) for hour in parts["BYHOUR"].split(",")]
        if hours != list(range(hours[0], hours[-1] + 1)) or hours[-1] == 23:
            return Done(why="it runs at certain hours; say the whole schedule")
        kept["window"] = (Clock(hours[0]), Clock(hours[-1] + 1))
    if not steps and not kept and not says(draft, ("window",)):
        return None
    frame = frame_of(piece, trigger.zone or piece.ctx.zone)
    return _with(task, fresh(replaced(draft, kept), frame, trigger))
