"""What the time grammar says about one stretch of a sentence.

Knows: the shape of a time phrase. In: nothing. Out: `TimePhrase`, `TriggerReading`. Never: decides what it governs.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.intent import Assumption, OnceTrigger, Question, ScheduleTrigger
from eyeflow.frontend.timegrammar.draft import Draft
from eyeflow.values import Span

PhraseKind: TypeAlias = Literal[
    "schedule", "once", "delay", "duration_literal", "date_literal", "relative_day", "window", "part"
]
"""What a phrase is, taken with the word that governs it (`cue`).

`schedule` and `once` are the only candidates for a trigger ("at 9am" alone is a `once` with a question). `part` is a
piece that only completes another ("until March", "in the morning", "by 5pm", a zone).
`delay` is a pause ("wait 10 minutes", "10 minutes later").
`duration_literal` is an amount of time ("older than 14 days"), `date_literal` a date something has ("due March 3"),
`relative_day` a day seen from today ("tomorrow's weather"), `window` a stretch of time ("last week", "9am to 5pm").
"""


class TimePhrase(msgspec.Struct, frozen=True, kw_only=True):
    """One time expression. Dates and times are ISO text, local in `zone` (None: the profile's).

    `rules`, `exclude`, `start`, `until`: of a schedule, as `ScheduleTrigger` has them. `at`: of `once`, and of a
    `date_literal` or `relative_day` the date; `until` with it: of a `window`, both inclusive dates or local times.
    `duration`: LLM-IR text (`14 days`), `duration_ms` its length, None for months and years. `cue`: the words just
    before, lower case, that say what it attaches to ("older than", "due", "for", "wait"). `explicit`: the parts said
    (`time`, `day`, `frequency`, `date`, `zone`, `window`). `problems`: why the phrase names no time at all.
    """

    span: Span
    text: str
    kind: PhraseKind
    draft: Draft
    rules: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    at: str | None = None
    start: str | None = None
    until: str | None = None
    count: int | None = None
    zone: str | None = None
    duration: str | None = None
    duration_ms: int | None = None
    cue: str = ""
    explicit: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    questions: tuple[Question, ...] = ()
    problems: tuple[str, ...] = ()
    in_free_text: bool = False
    score: float = 0.0

    @property
    def triggers(self) -> bool:
        """True when the phrase can start a task."""
        return self.kind in ("schedule", "once")

    @property
    def waited_for(self) -> bool:
        """True for the moment at which a pause ends: `wait until tomorrow at 9am`."""
        return self.kind == "part" and self.draft.until is not None and self.cue in words("time", "wait_cues")


class TriggerReading(msgspec.Struct, frozen=True, kw_only=True):
    """Phrases of one clause read together: the trigger, or None while a question is open or a problem stands."""

    trigger: ScheduleTrigger | OnceTrigger | None
    spans: tuple[Span, ...]
    assumptions: tuple[Assumption, ...] = ()
    questions: tuple[Question, ...] = ()
    problems: tuple[str, ...] = ()
    text: str = ""
