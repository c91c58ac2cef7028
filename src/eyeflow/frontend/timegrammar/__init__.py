"""Stage 1: time expressions, by our own chart grammar over tokens.

Knows: how people say when, how often and how long. In: a request's tokens, now, the profile's zone.
Out: `find_times` (every time phrase, with its meaning, assumptions and questions), `to_trigger` (the phrases of one
clause as a trigger). Never: reads a clock, calls a model, decides which clause a phrase belongs to.

    lexicon.py      time words, zones, misspellings, as terminals
    chart.py        the parser
    clockrules.py dayrules.py daterules.py everyrules.py   the grammar; its values are `Draft`s
    draft.py        what was said, and how two parts join
    clocksettle.py  morning or afternoon
    moments.py      days seen from now
    rulewriter.py   RRULE text
    reading.py series.py   what a draft means, or what must be asked
    find.py trigger.py   the two doors
"""

from eyeflow.frontend.timegrammar.find import find_times
from eyeflow.frontend.timegrammar.phrase import PhraseKind, TimePhrase, TriggerReading
from eyeflow.frontend.timegrammar.trigger import default_zone, to_trigger

__all__ = ["PhraseKind", "TimePhrase", "TriggerReading", "default_zone", "find_times", "to_trigger"]
