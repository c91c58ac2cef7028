"""Places and lines of one process: how long a line may grow, and whose turn it is."""

from __future__ import annotations

import pytest

from eyeflow.engine.admission import Admission
from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.model import Busy


def test_lines_are_bounded_and_none_takes_the_place_of_the_others():
    places, called = Admission(EngineLimits(running=1, line=8)), list[str]()
    assert places.enter("a") and not places.enter("b")
    places.line_up("b", lambda: called.append("b"))
    for _ in range(4):
        places.line_up("flood", lambda: called.append("flood"))
    with pytest.raises(Busy):
        places.line_up("flood", lambda: called.append("too many of one task"))
    for _ in range(3):
        places.line_up("b", lambda: called.append("b"))
    assert places.in_line == 8
    with pytest.raises(Busy):
        places.line_up("c", lambda: called.append("too many of all"))
    for left in ("a", "b", "flood", "b", "flood"):
        places.leave(left)
    assert called == ["b", "flood", "b", "flood", "b"], "the lines take turns"
    assert (places.running, places.in_line) == (1, 3)


def test_a_line_that_stands_alone_may_be_as_long_as_all_lines():
    places = Admission(EngineLimits(running=1, line=4))
    assert places.enter("a")
    for _ in range(4):
        places.line_up("a", lambda: None)
    with pytest.raises(Busy):
        places.line_up("a", lambda: None)
