"""Stage 1: every time expression of a request.

Knows: how terminals become phrases. In: the request, its tokens, now, the profile's zone. Out: `TimePhrase`s in order.
Never: looks inside quotes, decides which clause a phrase belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.literals import free_texts
from eyeflow.frontend.timegrammar import clockrules, daterules, dayrules, everyrules
from eyeflow.frontend.timegrammar.chart import Edge, Grammar, parse
from eyeflow.frontend.timegrammar.draft import Draft, replaced
from eyeflow.frontend.timegrammar.lexicon import corrected, is_core, terminals, weak_words
from eyeflow.frontend.timegrammar.phrase import TimePhrase
from eyeflow.frontend.timegrammar.reading import read
from eyeflow.frontend.timegrammar.series import Frame, Reading
from eyeflow.frontend.tokens import Kind, Token
from eyeflow.recurrence import local_of, zone_of
from eyeflow.values import Span

MAX_ISLAND: Final = 48
"""Tokens parsed together; a longer run of time words is cut."""

_CUES: Final = tuple(
    tuple(cue.split()) for cue in sorted(words("time", "governing"), key=lambda cue: (-len(cue.split()), cue))
)
_EXPLICIT: Final = {
    "time": ("times", "minutes"),
    "part": ("part",),
    "day": ("weekdays", "nth", "month_days", "workdays", "year_days"),
    "date": ("days", "iso", "relative", "months"),
    "frequency": ("recurs", "unit", "per"),
    "window": ("window",),
    "zone": ("zone",),
    "start": ("start",),
    "until": ("until", "count"),
    "except": ("excepts",),
}


@cache
def grammar() -> Grammar:
    """The whole time grammar, made once."""
    return Grammar((*clockrules.RULES, *dayrules.RULES, *daterules.RULES, *everyrules.RULES))


def find_times(text: str, tokens: tuple[Token, ...], now: datetime, zone: str) -> tuple[TimePhrase, ...]:
    """Time expressions in order of their spans, never overlapping. `now` is aware; `zone` is the profile's.

    Raises:
        ScheduleError: `zone` is not a time zone.
    """
    zone_of(zone)
    texts = [(free.start, free.ends[0]) for free in free_texts(text, tokens) if free.strong]
    found = []
    reminds = any(token.lower in words("time", "reminders") for token in tokens)
    for edge in _edges(tokens, reminder=reminds):
        assert isinstance(edge.value, Draft), "the grammar's top symbol is a draft"
        span = _span(tokens, edge)
        inside = any(start <= span.start < end for start, end in texts)
        if _limits(tokens, edge):
            continue
        phrase = _phrase(text, tokens, edge, local=(now, zone))
        found.append(phrase if not inside else _inside(phrase))
    stepped = any(phrase.draft.unit in ("second", "minute", "hour") for phrase in found)
    return tuple(phrase for phrase in found if stepped or not _bare_window(phrase.draft))


def _bare_window(draft: Draft) -> bool:
    """ "Between 10 and 20" is a window only beside "every 15 minutes"."""
    return (
        draft.window is not None
        and draft == Draft(window=draft.window, reminder=draft.reminder)
        and draft.window[0].half == "bare_hour"
    )


def _limits(tokens: tuple[Token, ...], edge: Edge) -> bool:
    """ "At most 3 times a minute", "retry every 5 minutes": how often an action may be done, not when to run."""
    draft = edge.value
    assert isinstance(draft, Draft), "the grammar's top symbol is a draft"
    if not draft.recurs or draft.times or draft.weekdays:
        return False
    before = [token.lower for token in tokens[max(0, edge.start - 8) : edge.start]]
    counted = draft.per is not None or tokens[edge.start].lower == "once"
    if counted and any(_ends_with(before, cue) for cue in words("policies", "limits")):
        return True
    while before and (before[-1] in words("policies", "filling") or before[-1].isdigit()):
        if any(_ends_with(before, cue) for cue in words("policies", "trying")):
            return True
        before.pop()
    return any(_ends_with(before, cue) for cue in words("policies", "trying"))


def _ends_with(said: list[str], phrase: str) -> bool:
    parts = phrase.split()
    return said[-len(parts) :] == parts


def _span(tokens: tuple[Token, ...], edge: Edge) -> Span:
    return Span(tokens[edge.start].span.start, tokens[edge.end - 1].span.end)


def _inside(phrase: TimePhrase) -> TimePhrase:
    return msgspec.structs.replace(phrase, in_free_text=True)


def drafts(tokens: tuple[Token, ...]) -> tuple[Draft, ...]:
    """The drafts alone, for answers to questions."""
    return tuple(edge.value for edge in _edges(tokens) if isinstance(edge.value, Draft))


def _edges(tokens: tuple[Token, ...], *, reminder: bool = False) -> list[Edge]:
    found: list[Edge] = []
    for island, cut in _islands(tokens):
        edges, overfull = parse(grammar(), island, "S")
        best = _best(edges, tokens)
        if cut or overfull:
            best = [_doubted(edge, "too many time words in a row to read them all") for edge in best]
        found += _accounted(best, island, tokens)
    if reminder:
        found = [_reminder(edge) for edge in found]
    return sorted(found, key=lambda edge: edge.start)


def _reminder(edge: Edge) -> Edge:
    assert isinstance(edge.value, Draft), "the grammar's top symbol is a draft"
    return Edge(edge.symbol, edge.start, edge.end, replaced(edge.value, {"reminder": True}))


def _doubted(edge: Edge, problem: str) -> Edge:
    """A phrase out of a run that was not read to its end is no ground for a schedule."""
    assert isinstance(edge.value, Draft), "the grammar's top symbol is a draft"
    return Edge(edge.symbol, edge.start, edge.end, replaced(edge.value, {"problems": (*edge.value.problems, problem)}))


def _accounted(best: list[Edge], island: list[Edge], tokens: tuple[Token, ...]) -> list[Edge]:
    """Phrases whose own run holds time words that nothing explains say so: dropping them would be a wrong schedule."""
    covered = {index for edge in best for index in range(edge.start, edge.end)}
    left = {
        edge.start
        for edge in island
        if (is_core(edge) or edge.symbol == "YEAR")
        and not covered & set(range(edge.start, edge.end))
        and tokens[edge.start].lower not in weak_words()
    }
    reach = {index for edge in island for index in range(edge.start, edge.end)} - covered
    left |= {index for index in reach if tokens[index].lower in words("time", "binding")}
    within = reach | covered
    # `for each deal`: a word of number before something that is no time is about that thing
    left = {i for i in left if tokens[i].lower not in ("each", "every", "all", "any") or i + 1 in within}
    if not left or not best:
        return best
    words_left = " ".join(tokens[index].text for index in sorted(left))
    return [
        _doubted(edge, f"the words {words_left!r} beside it were not understood") if _series_or_once(edge) else edge
        for edge in best
    ]


def _series_or_once(edge: Edge) -> bool:
    draft = edge.value
    return isinstance(draft, Draft) and (draft.recurs or draft.after is not None or bool(draft.times or draft.days))


def _islands(tokens: tuple[Token, ...]) -> Iterable[tuple[list[Edge], bool]]:
    """Runs of tokens that may all be time words, at least one of them nothing else; True for a run that was cut."""
    at: list[list[Edge]] = [terminals(tokens, index) for index in range(len(tokens))]
    _correct(tokens, at)
    run: list[Edge] = []
    start = reach = 0
    after_cut = False
    for index in range(len(tokens) + 1):
        edges = at[index] if index < len(tokens) else []
        outside = index >= reach and not edges
        full = index - start >= MAX_ISLAND and not outside and index < len(tokens)
        if run and (outside or full or index == len(tokens)):
            if any(is_core(edge) for edge in run):
                yield run, full or after_cut
            run, reach, after_cut = [], index, full
        if edges and index < len(tokens):
            if not run:
                start = index
            run += edges
            reach = max(reach, *(edge.end for edge in edges))


def _correct(tokens: tuple[Token, ...], at: list[list[Edge]]) -> None:
    """Misspelled time words, but only beside a time word: "evry mornign" holds each other up."""
    guesses: dict[int, list[Edge]] = {}
    for index, token in enumerate(tokens):
        if token.kind is not Kind.WORD or at[index]:
            continue
        word = corrected(token.lower)
        if word is not None:
            fixed = Token(token.span, Kind.WORD, word, word)
            guesses[index] = terminals((fixed,), 0)
    for index, edges in guesses.items():
        if _timely(at, guesses, index, -1) or _timely(at, guesses, index, 1):
            at[index] = [Edge(edge.symbol, edge.start + index, edge.end + index, edge.value) for edge in edges]


def _timely(at: list[list[Edge]], guesses: dict[int, list[Edge]], index: int, step: int) -> bool:
    """Is the neighbour a time word, or one function word away ("tommorow at 9am")?"""
    for distance in (1, 2):
        side = index + step * distance
        if not 0 <= side < len(at):
            return False
        if side in guesses or any(is_core(edge) or edge.symbol == "NUM" for edge in at[side]):
            return True
        if not at[side]:
            return False
    return False


def _best(edges: list[Edge], tokens: tuple[Token, ...]) -> list[Edge]:
    """The phrases that explain most words with fewest pieces (dynamic programming over the island)."""
    if not edges:
        return []
    best_at: dict[int, tuple[float, tuple[Edge, ...]]] = {}
    by_end: dict[int, list[tuple[float, Edge]]] = {}
    for edge in edges:
        worth = _worth(edge, tokens)
        if worth > 0:
            by_end.setdefault(edge.end, []).append((worth, edge))
    low, high = min(edge.start for edge in edges), max(edge.end for edge in edges)
    best_at[low] = (0.0, ())
    for end in range(low + 1, high + 1):
        best = best_at[end - 1]
        for worth, edge in by_end.get(end, ()):
            score, chosen = best_at[edge.start]
            if score + worth > best[0] + 1e-9:
                best = (score + worth, (*chosen, edge))
        best_at[end] = best
    return list(best_at[high][1])


def _worth(edge: Edge, tokens: tuple[Token, ...]) -> float:
    """Ten a word, less for each phrase and for open words; nothing for a lone word that has other uses."""
    draft = edge.value
    assert isinstance(draft, Draft), "the grammar's top symbol is a draft"
    said = [token.lower for token in tokens[edge.start : edge.end] if token.kind is not Kind.PUNCT]
    if all(word in weak_words() or word == "and" for word in said) or _says_little(draft, said, tokens, edge):
        return 0.0
    value = 10.0 * len(said) + (edge.end - edge.start - len(said)) - 6.0
    value -= 2.0 * len(draft.vague) + 3.0 * len(draft.problems) + (1.5 if draft.also else 0.0)
    value -= 1.0 * (draft.start is not None) + 1.0 * (draft.until is not None) + 4.0 * (draft.unit == "second")
    dated = draft.relative is not None or bool(draft.days) or draft.iso is not None
    if dated and not draft.recurs and draft.until is not None and draft.until.span is not None:
        value -= 8.0  # "tomorrow at 3pm for 30 minutes": how long something lasts is another phrase
    value += 0.5 * (draft.recurs and bool(draft.times))  # "for tomorrow | at 7am every day"
    value -= 0.5 * (draft.amount is not None) + 0.4 * (draft.recurs and draft.unit is None and not draft.weekdays)
    return round(value, 3)


def _says_little(draft: Draft, said: list[str], tokens: tuple[Token, ...], edge: Edge) -> bool:
    """ "3 times" belongs to a retry, "a day" without a word like "for" before it to a name ("a day off")."""
    if draft == Draft(vague=draft.vague) and all(word.startswith("times:") for word in draft.vague):
        return True
    one = draft.amount is not None and said[0] in ("a", "an") and len(said) == 2
    return one and not _cue(tokens, edge.start)


def _phrase(text: str, tokens: tuple[Token, ...], edge: Edge, *, local: tuple[datetime, str]) -> TimePhrase:
    now, profile_zone = local
    span = _span(tokens, edge)
    draft = edge.value
    assert isinstance(draft, Draft), "the grammar's top symbol is a draft"
    cue = _governing(tokens, edge, draft)
    zone = draft.zone or profile_zone
    found = read(draft, Frame(local_of(now, zone_of(zone)), zone, span, cue))
    phrase = _described(text, span, draft, found)
    return msgspec.structs.replace(phrase, cue=cue, score=_worth(edge, tokens))


def _described(text: str, span: Span, draft: Draft, found: Reading) -> TimePhrase:
    empty = Draft()
    explicit = tuple(
        part for part, slots in _EXPLICIT.items() if any(getattr(draft, slot) != getattr(empty, slot) for slot in slots)
    )
    return TimePhrase(
        span=span,
        text=text[span.start : span.end],
        kind=found.kind,  # type: ignore[arg-type]
        draft=draft,
        rules=found.rules,
        exclude=found.exclude,
        at=found.at,
        start=found.start,
        until=found.until,
        count=found.count,
        zone=draft.zone,
        duration=found.duration,
        duration_ms=found.duration_ms,
        explicit=explicit,
        assumptions=found.assumptions,
        questions=found.questions,
        problems=found.problems,
    )


def _governing(tokens: tuple[Token, ...], edge: Edge, draft: Draft) -> str:
    """The words that say what the phrase attaches to; "for" belongs to a duration's cue, not to the duration."""
    if draft.relative is not None and tokens[edge.end - 1].lower.endswith("'s"):
        return "'s"
    if draft.weekdays and not draft.times and _word_before(tokens, edge) in ("the", "my", "our", "your"):
        return "the"  # "the Monday report"
    inner = draft.until is not None and draft.until.span is not None and tokens[edge.start].lower == "for"
    return _cue(tokens, edge.start + 1 if inner else edge.start)


def _word_before(tokens: tuple[Token, ...], edge: Edge) -> str:
    """The word before the phrase, lower case; empty at the start."""
    return tokens[edge.start - 1].lower if edge.start else ""


def _cue(tokens: tuple[Token, ...], start: int) -> str:
    for cue in _CUES:
        before = tokens[max(0, start - len(cue)) : start]
        if len(before) == len(cue) and tuple(token.lower for token in before) == cue:
            return " ".join(cue)
    return ""
