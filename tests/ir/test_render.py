"""How values become text in templates."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from eyeflow.errors import RunError
from eyeflow.ir.render import render, renderer
from eyeflow.recurrence.wall import zone_of
from eyeflow.values import JSON, NUMBER, STRING, Field, ListOf, ObjectOf, Type, Value, nullable

UTC_ZONE = zone_of("UTC")
DEAL = ObjectOf((Field("id", STRING), Field("title", STRING, role="summary")))


@pytest.mark.parametrize(
    ("value", "of", "text"),
    [
        ("as it is {x} <b>", STRING, "as it is {x} <b>"),
        (None, nullable(STRING), ""),
        (None, JSON, ""),
        (True, JSON, "true"),
        (72.0, NUMBER, "72"),
        (72.50, NUMBER, "72.5"),
        (-0.0, NUMBER, "0"),
        (1e20, NUMBER, "100000000000000000000"),
        (1e21, NUMBER, "1e+21"),
        (0.000001, NUMBER, "0.000001"),
        (2**70, JSON, "1180591620717411303424"),
        (date(2026, 11, 23), JSON, "2026-11-23"),
        (time(9), JSON, "09:00"),
        (time(9, 0, 5), JSON, "09:00:05"),
        (datetime(2026, 11, 23, 9, tzinfo=UTC), JSON, "2026-11-23T09:00:00Z"),
        (timedelta(hours=2, minutes=30), JSON, "2 hours 30 minutes"),
        (timedelta(), JSON, "0 seconds"),
        (timedelta(days=-1), JSON, "-1 day"),
        (b"hi", JSON, "aGk="),
        ([1, 2.5, None], JSON, "1\n2.5\n"),
        ([], JSON, ""),
        ([{"id": "1", "title": "Big"}, {"id": "2", "title": "Small"}], ListOf(DEAL), "Big\nSmall"),
        ({"id": "1", "title": None}, DEAL, "id: 1"),
        ({"a": 1, "b": [1, {"c": 2}], "d": {"e": None}}, JSON, "a: 1, b: 1, (c: 2), d: "),
    ],
)
def test_text_of_values(value: Value, of: Type, text: str) -> None:
    assert render(value, of, UTC_ZONE) == text
    assert renderer(of, UTC_ZONE)(value) == text


def test_timestamps_are_written_in_the_tasks_zone() -> None:
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert render(at, JSON, zone_of("Europe/Paris")) == "2026-07-02T00:30:00+02:00"


def test_hostile_data_is_an_error_not_a_crash() -> None:
    deep: Value = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RunError) as raised:
        render(deep, JSON, UTC_ZONE)
    assert raised.value.code == "output_limit"
    with pytest.raises(RunError) as raised:
        render(["x" * 1_000_000] * 10, JSON, UTC_ZONE)
    assert raised.value.code == "output_limit"
