"""What a run carries reads back as it was, whatever it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeflow.engine.admission import Admission
from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.model import Busy
from eyeflow.engine.packing import (
    Outcome,
    Request,
    pack_events,
    pack_outcome,
    pack_request,
    pack_whole,
    unpack_events,
    unpack_outcome,
    unpack_request,
    unpack_whole,
)
from eyeflow.errors import RunError
from eyeflow.svm.journal import BranchTaken, Check, EffectFinished, RunFinished, RunStarted, StepFinished

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT, st.binary(max_size=9),
    st.dates(), st.times(), st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(min_value=timedelta(days=-999), max_value=timedelta(days=999)),
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


def _long(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(_long(each) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and not -(2**63) <= value < 2**64


@given(VALUES)
def test_values_read_back(value):
    now = datetime(2026, 1, 1, 12, 30, 0, 1, tzinfo=UTC)
    events = [
        RunStarted(execution_id="e", task="t", program="p", inputs={"a": value}, trigger=value, me=None, now=now),
        EffectFinished(at_us=5, action="a.b", iteration="1.2", attempt=2, value=value),
        BranchTaken(action="c", checks=(Check("1 > 2", False),), taken="DEFAULT"),
        StepFinished(action="c", value=value),
        RunFinished(status="success", output=value),
    ]
    assert unpack_events(pack_events(events)) == events
    request = Request(input={"a": value}, payload=value, payload_as_input=True)
    assert unpack_request(pack_request(request)) == request
    outcome = Outcome(output=value, uncertain=("a", "b"), failed_action=2, response=(201, value))
    assert unpack_outcome(pack_outcome(outcome)) == outcome
    assert pack_whole(events, outcome) is None, "what RESPOND said is not in the events"
    ended = Outcome(output=value, completed_actions=3, uncertain=("b",))
    whole = pack_whole(events, ended)
    if whole is None:
        assert _long(value), "only numbers beyond 64 bits take two parts"
        return
    assert unpack_whole(whole) == ended and unpack_events(whole) == events


def test_plain_data_takes_the_short_way():
    events = [StepFinished(action="a", value={"n": [1, "x", None, 2.5, True]})]
    assert b"StepFinished" in pack_events(events)
    assert len(pack_events(events)) < 60
    assert unpack_events(pack_events([])) == []


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x01", b"\x91\x01", b"\x91\x92\xa1x\x80", b"\x80"])
def test_damaged_bytes_are_refused(data):
    with pytest.raises(RunError):
        unpack_events(data)


def test_times_keep_their_types():
    held = [date(2026, 1, 2), time(3, 4), timedelta(seconds=5), datetime(2026, 1, 2, tzinfo=UTC)]
    (event,) = unpack_events(pack_events([StepFinished(action="a", value=held)]))
    assert [type(value) for value in event.value] == [date, time, timedelta, datetime]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_places_are_never_overbooked_nor_left_empty(moves):
    admission = Admission(EngineLimits(running=4, running_per_task=2, line=6))
    inside: list[str] = []
    for task, arrives in moves:
        if arrives and admission.enter(task):
            inside.append(task)
        elif arrives:
            try:
                admission.line_up(task, lambda task=task: inside.append(task))
            except Busy:
                assert admission.in_line >= 3
        elif inside:
            admission.leave(inside.pop(0))
        assert admission.running == len(inside) <= 4
        assert all(inside.count(each) <= 2 for each in "abc")
        assert admission.in_line <= 6
    while inside:
        admission.leave(inside.pop())
    assert (admission.running, admission.in_line) == (0, 0)
