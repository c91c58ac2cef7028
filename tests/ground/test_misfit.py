"""What does not fit its type is said in plain words, with a way out where there is one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from eyeflow.misfit import Misfit, misfit


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    color: Literal["red", "green"]
    width: int = 1


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    input: dict[str, int] = {}
    name: Annotated[str, Meta(min_length=1, max_length=3)] = "x"
    level: Annotated[str, Meta(pattern="^(low|high)$")] = "low"
    code: Annotated[str, Meta(pattern="^x[0-9]$")] = "x1"
    port: Annotated[int, Meta(ge=1, le=9)] = 1
    ratio: float = 0.0
    at: datetime | None = None
    day: date | None = None
    data: bytes = b""
    state: Literal["live", "paused"] | None = None
    one: Inner | None = None
    many: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}
    few: Annotated[list[int], Meta(max_length=1)] = []


def said(given: object, into: type = Outer) -> Misfit:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(given, into)
    return misfit(caught.value, into)


@pytest.mark.parametrize(("given", "text", "hint"), [
    ({"inputs": {}}, "unknown field `inputs`", "did you mean `input`?"),
    ({"one": {}}, "one: the field `color` is missing", "it takes color, width"),
    ({"input": {"a": "1"}}, "input[...]: this should be a whole number, not text", ""),
    ({"input": []}, "input: this should be an object, not a list", ""),
    ({"port": 1.5}, "port: this should be a whole number, not one with a fraction", ""),
    ({"port": 10}, "port: this should be at most 9", ""),
    ({"ratio": "x"}, "ratio: this should be a number, not text", ""),
    ({"name": ""}, "name: this is empty", ""),
    ({"name": "four"}, "name: this should have at most 3 characters", ""),
    ({"few": [1, 2]}, "few: this should have at most 1 items", ""),
    ({"level": "loud"}, "level: this should be one of low, high", ""),
    ({"code": "y"}, "code: this should be text that matches '^x[0-9]$'", ""),
    ({"at": "soon"}, "at: this is no instant", "such as 2026-01-31T09:00:00Z"),
    ({"day": "soon"}, "day: this is no date", "such as 2026-01-31"),
    ({"data": "!"}, "data: this is no Base64", ""),
    ({"state": "lve"}, "state: 'lve' is not a word for this", "did you mean `live`?"),
    ({"state": "zzz"}, "state: 'zzz' is not a word for this", "one of live, paused"),
    ({"one": {"color": "blue"}}, "one.color: 'blue' is not a word for this", "one of green, red"),
    ({"one": {"colour": "red"}}, "one: unknown field `colour`", "did you mean `color`?"),
    ({"many": [{"color": "rad"}]}, "many[0].color: 'rad' is not a word for this", "did you mean `red`?"),
    ({"named": {"x": {"q": 1}}}, "named[...]: unknown field `q`", "it takes color, width"),
    ([], "this should be an object, not a list", ""),
])  # fmt: skip
def test_it_is_said_in_plain_words(given, text, hint):
    found = said(given)
    assert (found.text, found.hint) == (text, hint)


def test_a_hostile_name_is_cut_and_nothing_raises():
    assert len(said({"x" * 10_000: 1}).message) < 100
    assert said({"a`b - at `$.c`": 1}).message
    assert misfit(msgspec.ValidationError("something new"), None) == Misfit("", "something new")
