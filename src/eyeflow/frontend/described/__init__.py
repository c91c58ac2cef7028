"""Calls of services that only describe themselves: no phrases, no examples, as an imported API gives them.

Knows: the steps. In: a request and a scope. Out: a scope with the calls it asks for, or None when it asks for none.
Never: reads requests that something starts (those are clauses), or services that say how people ask for them.

    signature.py  what a capability says of itself and of each parameter
    piece.py      one value said
    pieces.py     what a request holds that can be a value
    figures.py    numbers and lists among them
    names.py      names among them
    dates.py      days and times said as values
    choose.py     which capability is meant, or none
    parts.py      a request cut into what asks for one capability each
    cues.py       how strongly words tie a value to a parameter
    numeric.py    ... where it is a number
    worded.py     ... where it is a name or a text
    values.py     a value as a parameter takes it
    kin.py        words that say the same in another form
    phrases.py    plain words that may be values
    fill.py       values to parameters
    amounts.py    amounts with a unit of their own, how often
    mirrored.py   what is said the same way twice
    several.py    one capability asked for several times at once
    reading.py    one capability with what was said for it
    focus.py      what a request asks for
    explained.py  which words a call accounts for
    doubts.py     what makes a call doubtful all the same
    read.py       all of it
"""

from __future__ import annotations

from eyeflow.frontend.described.read import read

__all__ = ["read"]
