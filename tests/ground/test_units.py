"""Units: exact conversion, and no conversion where there is none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeflow.units import UNITS, UnitError, compatible, convert, exact, lookup


@pytest.mark.parametrize(
    ("word", "name"),
    [("°C", "celsius"), ("Degrees Fahrenheit", "fahrenheit"), ("MB", "megabytes"), ("days", "days"), ("$", "usd"),
     ("EUR", "eur"), ("percent", "percent"), ("%", "percent"), ("km/h", "kilometers_per_hour"), ("m", "minutes")],
)  # fmt: skip
def test_units_are_found_by_the_words_people_write(word: str, name: str) -> None:
    unit = lookup(word)
    assert unit is not None
    assert unit.name == name


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [(86, "fahrenheit", "celsius", 30), (-40, "celsius", "fahrenheit", -40), (0, "celsius", "kelvin", 273.15),
     (2, "GB", "MB", 2000), (1, "GiB", "bytes", 1073741824), (500, "usd", "cents", 50000), (12.5, "usd", "cents", 1250),
     (1999, "cents", "eur", 19.99),
     (90, "minutes", "hours", 1.5), (2, "weeks", "days", 14), (1, "mile", "km", 1.609344),
     (70, "fahrenheit", "celsius", 21.111111), (0.1, "usd", "cents", 10), (1, "psi", "hPa", 68.947573)],
)  # fmt: skip
def test_conversions_are_exact_and_rounded_to_six_places(value: float, source: str, target: str, result: float) -> None:
    assert convert(value, source, target) == result


def test_counted_units_stay_whole() -> None:
    assert isinstance(convert(12.5, "usd", "cents"), int)
    assert isinstance(convert(86, "fahrenheit", "celsius"), int)
    assert isinstance(convert(86.0, "fahrenheit", "celsius"), float)


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [("usd", "eur", "incompatible_units"), ("celsius", "days", "incompatible_units"),
     ("cents", "percent", "incompatible_units"),
     ("furlongs", "days", "unknown_unit"), ("", "days", "unknown_unit"), ("quids", "usd", "unknown_unit")],
)  # fmt: skip
def test_what_does_not_convert_says_why(source: str, target: str, code: str) -> None:
    assert not compatible(source, target)
    with pytest.raises(UnitError) as raised:
        convert(1, source, target)
    assert raised.value.code == code


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308])
def test_what_is_not_finite_is_an_error(value: float) -> None:
    with pytest.raises(UnitError, match="not_finite"):
        convert(value, "TB", "KB")


def test_huge_integers_convert() -> None:
    assert convert(10**400, "bytes", "KB") == 10**397


@given(st.integers(-(10**9), 10**9), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_there_and_back_is_the_same(value: int, one: object, other: object) -> None:
    a, b = one.name, other.name  # type: ignore[attr-defined]
    if compatible(a, b):
        there = exact(value, a, b)
        unit_a, unit_b = lookup(a), lookup(b)
        assert unit_a is not None
        assert unit_b is not None
        back = (there * unit_b.factor + unit_b.offset - unit_a.offset) / unit_a.factor
        assert back == Fraction(value)
