"""From the time phrases of one clause to its trigger.

Knows: how phrases apart from each other complete one another ("every Monday ... at 9am"), how answers change them.
In: phrases, now, the profile's zone, answers. Out: `TriggerReading`. Never: a trigger while a question is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.intent import Assumption, OnceTrigger, ScheduleTrigger
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.timegrammar import doubts
from eyeflow.frontend.timegrammar.draft import Draft, Except, Limit, Relative, replaced, unify
from eyeflow.frontend.timegrammar.find import drafts
from eyeflow.frontend.timegrammar.lexicon import zone_named
from eyeflow.frontend.timegrammar.phrase import TimePhrase, TriggerReading
from eyeflow.frontend.timegrammar.reading import DATA_CUES, read
from eyeflow.frontend.timegrammar.series import Frame, Reading
from eyeflow.recurrence import local_of, short_form, zone_of
from eyeflow.values import Span

_ONCE: Final = frozenset({"once", "only once", "one time", "just once", "only this once", "no"})
_NONE: Final = frozenset({"none", "no", "never"})
_EMPTY: Final = Draft()
_DAY_SLOTS: Final = ("weekdays", "nth", "month_days", "workdays", "days", "iso", "relative", "months", "of_unit")
_OPEN: Final = {
    doubts.TIME: ("time", "unserved"),
    doubts.FREQUENCY: ("biweekly", "bimonthly", "regularly", "every_nth", "this_or_every", "times"),
    doubts.INTERVAL: ("few",),
    doubts.DAYS: ("other_workday", "weekend", "nth_weekend"),
    doubts.DATE: ("slash", "unserved", "after_next"),
    doubts.ZONE: ("zone",),
    doubts.UNTIL: ("limit_until",),
    doubts.START: ("limit_start",),
}


def to_trigger(
    phrases: tuple[TimePhrase, ...], now: datetime, zone: str, answers: Mapping[str, str] | None = None
) -> TriggerReading:
    """The trigger that `phrases` make together, under the profile's `zone`, with answers by slot.

    Phrases of other kinds than schedule, once, window and part are left alone. No zone said and none in the profile
    is the caller's to decide: `zone` is what counts then. An answer may leave out the `trigger.` of an open slot.
    The result's `trigger` is None while questions are open or a problem stands.

    Raises:
        ScheduleError: `zone` is not a time zone.
    """
    used = [phrase for phrase in phrases if phrase.triggers or _completes(phrase)]
    spans = tuple(phrase.span for phrase in used)
    if not any(phrase.triggers for phrase in used):
        return TriggerReading(trigger=None, spans=spans, problems=("no word says when",))
    unread = [
        phrase.text
        for phrase in phrases
        if phrase.cue in words("time", "taking_away") or (phrase not in used and phrase.cue == "until")
    ]
    if unread:
        return TriggerReading(
            trigger=None, spans=spans, problems=(f"{unread[0]!r} bounds nothing that was understood",)
        )
    draft, clash = _together([phrase.draft for phrase in used])
    draft = _skipping(draft)
    given = answers or {}
    draft, bad = answered(draft, given)
    if clash or bad:
        return TriggerReading(trigger=None, spans=spans, problems=tuple(filter(None, (clash, bad))))
    chosen = draft.zone or zone
    span = Span(min(span.start for span in spans), max(span.end for span in spans))
    found = read(draft, Frame(local_of(now, zone_of(chosen)), chosen, span))
    short = {
        question.slot: given[name]
        for question in found.questions
        if (name := question.slot.removeprefix("trigger.")) in given and question.slot not in given
    }
    if short:
        return to_trigger(phrases, now, zone, {**given, **short})
    return TriggerReading(
        trigger=_trigger(found, chosen, span),
        spans=spans,
        assumptions=found.assumptions,
        questions=found.questions,
        problems=found.problems,
        text=" ".join(phrase.text for phrase in used),
    )


def _skipping(draft: Draft) -> Draft:
    """ "At 4pm, but not on Fridays": days to leave out are those of a series, which is every day's."""
    days = any(getattr(draft, name) != getattr(_EMPTY, name) for name in (*_DAY_SLOTS, "after", "ago", "year"))
    skips = any(left_out.weekdays for left_out in draft.excepts)
    if draft.recurs or draft.once or days or not draft.times or not skips:
        return draft
    note = ("trigger.frequency", "every day", "the days on which it does not run were said")
    return replaced(draft, {"recurs": True, "unit": "day", "interval": 1.0, "notes": (*draft.notes, note)})


def _completes(phrase: TimePhrase) -> bool:
    """Can the phrase be a part of another one's schedule? "Last week" and "by 5pm" cannot."""
    if phrase.kind == "part":
        return phrase.cue not in DATA_CUES
    return phrase.kind == "window" and phrase.draft.relative is None and phrase.draft.ago is None


def _trigger(found: Reading, zone: str, span: Span) -> ScheduleTrigger | OnceTrigger | None:
    if found.questions or found.problems:
        return None
    if found.kind == "schedule" and found.rules:
        short = short_form(found.rules)
        return ScheduleTrigger(
            rules=found.rules,
            timezone=zone,
            time=short[0] if short else None,
            frequency=short[1].partition("(")[0] if short else None,
            exclude=found.exclude,
            start=found.start,
            until=found.until,
            span=span,
        )
    if found.kind == "once" and found.at is not None:
        return OnceTrigger(at=found.at, timezone=zone, span=span)
    return None


def _together(found: list[Draft]) -> tuple[Draft, str]:
    """One draft of all, in the order said; two complete series are merged, anything else that clashes is told."""
    whole = found[0]
    for draft in found[1:]:
        joined = unify(whole, draft) if not _two_kinds(whole, draft) else None
        if joined is None and draft.recurs and whole.recurs and not _steps(whole, draft):
            joined = Draft(recurs=True, also=(*(whole.also or (whole,)), *(draft.also or (draft,))))
        if joined is None:
            return whole, "two times are said for one task"
        whole = joined
    return whole, ""


def _steps(one: Draft, other: Draft) -> bool:
    """Two steps of the clock ("every 30 minutes", "on the hour") side by side are no list of two."""
    return all(draft.unit in ("second", "minute", "hour") for draft in (one, other))


def _two_kinds(one: Draft, other: Draft) -> bool:
    """Weekdays in one phrase and days of the month in another: "Tuesdays and the 15th" is no Tuesday the 15th."""
    dated = [bool(draft.month_days or draft.nth or draft.workdays or draft.days) for draft in (one, other)]
    return (dated[0] and bool(other.weekdays)) or (dated[1] and bool(one.weekdays))


def answered(draft: Draft, answers: Mapping[str, str]) -> tuple[Draft, str]:
    """The draft with answers about its open words, by `trigger.` slot, and which of them answers nothing."""
    for slot, answer in sorted(answers.items()):
        if not slot.startswith("trigger."):
            continue
        changed = _answer(draft, slot, answer.strip())
        if changed is None:
            return draft, f"{answer[:60]!r} does not answer {slot}"
        draft = changed
    return draft, ""


def _answer(draft: Draft, slot: str, answer: str) -> Draft | None:
    vague = tuple(word for word in draft.vague if word.partition(":")[0] not in _OPEN.get(slot, ()))
    if slot == doubts.ZONE:
        zone = zone_named(answer)
        return None if zone is None else replaced(draft, {"zone": zone, "vague": vague})
    if slot == doubts.EXCLUDE:
        return _excluded(draft, answer)
    if slot == doubts.FREQUENCY and answer.casefold() in _ONCE:
        return replaced(draft, {"once": True, "recurs": False, "vague": vague})
    if slot == doubts.WINDOW:
        vague = tuple(word for word in draft.vague if word != "until_clock")
        if answer.casefold() == doubts.TODAY:
            return replaced(draft, {"vague": vague})
        draft = replaced(draft, {"until": None if vague != draft.vague else draft.until})
    said = drafts(tokenize(answer if slot != doubts.TIME else f"at {answer}"))
    if not said:
        return None
    if slot in (doubts.UNTIL, doubts.START):
        if not said[0].days:
            return None
        return replaced(draft, {"vague": vague, slot.removeprefix("trigger."): Limit(day=said[0].days[0])})
    return _overlaid(replaced(draft, {"vague": vague}), slot, said[0])


def _overlaid(draft: Draft, slot: str, said: Draft) -> Draft | None:
    """The answer's parts in place of the draft's own."""
    changes = {
        name: getattr(said, name) for name in said.__struct_fields__ if getattr(said, name) != getattr(_EMPTY, name)
    }
    if slot == doubts.TIME and "times" not in changes:
        return None
    if slot == doubts.WINDOW and "window" not in changes:
        return None
    if slot == doubts.DATE and draft.relative is not None and draft.relative.period is not None:
        return _within(draft, said)
    if slot in (doubts.DAYS, doubts.DATE):
        changes = {**{name: getattr(_EMPTY, name) for name in _DAY_SLOTS}, **changes}
        changes["per"] = None
        if draft.recurs or slot == doubts.DAYS:
            changes["recurs"] = True
        if slot == doubts.DAYS and draft.per is not None:
            changes.setdefault("unit", None)
            changes.setdefault("interval", None)
    if slot == doubts.FREQUENCY:
        if any(word.startswith("every_nth") for word in draft.vague) or "nth" in changes or changes.get("weekdays"):
            changes = {"nth": (), **changes}
        changes["recurs"] = True
        if changes.get("interval") == 1 and (
            changes.get("unit") == draft.of_unit or (draft.weekdays and changes.get("unit") == "week")
        ):
            changes.pop("unit", None)
            changes.pop("interval", None)
    return replaced(draft, changes)


def _within(draft: Draft, said: Draft) -> Draft | None:
    """The day of "next week" or "next month" that an answer names; a full date stands for itself."""
    period = draft.relative
    assert period is not None, "asked about a period"
    if said.month_days and period.period == "month":
        return replaced(draft, {"month_days": said.month_days})
    if len(said.weekdays) == 1 and period.period == "week":
        day = said.weekdays[0]
        coming = Relative(weekday=day, period="week", which="after_next")
        return replaced(draft, {"relative": coming if period.which == "next" else Relative(weekday=day, which="this")})
    if said.days or said.iso:
        return replaced(draft, {"relative": None, "days": said.days, "iso": said.iso})
    return None


def _excluded(draft: Draft, answer: str) -> Draft | None:
    kept = tuple(_without_holidays(found) for found in draft.excepts)
    if answer.casefold() in _NONE:
        return replaced(draft, {"excepts": kept})
    days = [day for said in drafts(tokenize(answer)) for day in said.days]
    return replaced(draft, {"excepts": (*kept, Except(days=tuple(days)))}) if days else None


def _without_holidays(found: Except) -> Except:
    """The exception without "holidays", which an answer has spelled out."""
    return msgspec.structs.replace(found, holidays=False)


def default_zone(phrases: tuple[TimePhrase, ...], zone: str | None) -> tuple[str, Assumption | None]:
    """The zone that counts: said, the profile's, else UTC as an assumption."""
    for phrase in phrases:
        if phrase.zone is not None:
            return phrase.zone, None
    if zone is not None:
        return zone, None
    return "UTC", Assumption("trigger.timezone", "UTC", "no time zone said and none in the profile")
