"""Units of measure: one table, exact arithmetic.

Knows: the units people write after a number, how each converts to the base of its dimension, and which may meet.
In: unit words ("MB", "degrees celsius", "dollars") and numbers. Out: `Unit` rows, converted numbers.
Never: floats inside a conversion, exchange rates (currencies never convert into each other), calendar units
(a month is not a duration).

A value v of a unit is `v * factor + offset` in the base of its dimension. `cents` is the minor unit of every
currency: compatible with each of them at 1/100, and the currencies with nobody else.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

import msgspec

from eyeflow.errors import EyeFlowError

MINOR: Final = "money"
"""The dimension of `cents`; a currency's own dimension is `money:` and its name."""

_PLACES: Final = 10**6


class UnitError(EyeFlowError):
    """A conversion that has no meaning: `unknown_unit`, `incompatible_units`, `not_finite`."""


class Unit(msgspec.Struct, frozen=True):
    """One row: `name` is the spelling in LLM-IR and catalogs, `symbol` the one in English; `whole` if counted."""

    name: str
    symbol: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)
    aliases: tuple[str, ...] = ()
    whole: bool = False


def _row(
    dimension: str, name: str, symbol: str, factor: str, aliases: str = "", *, offset: str = "0", whole: bool = False
) -> Unit:
    return Unit(
        name, symbol, dimension, Fraction(factor), Fraction(offset), tuple(filter(None, aliases.split("|"))), whole
    )


def _currency(name: str, symbol: str, aliases: str) -> Unit:
    return _row(f"{MINOR}:{name}", name, symbol, "1", aliases)


UNITS: Final[tuple[Unit, ...]] = (
    _row("temperature", "kelvin", "K", "1", "kelvins|°k|degrees kelvin"),
    _row(
        "temperature",
        "celsius",
        "°C",
        "1",
        "c|°c|centigrade|degrees celsius|degree celsius|degrees c|degc|deg c|° c",
        offset="273.15",
    ),
    _row(
        "temperature",
        "fahrenheit",
        "°F",
        "5/9",
        "f|°f|degrees fahrenheit|degree fahrenheit|degrees f|degf|deg f|° f",
        offset="45967/180",
    ),
    _row("time", "milliseconds", "ms", "1/1000", "ms|millisecond|msec|msecs|millis", whole=True),
    _row("time", "seconds", "s", "1", "s|sec|secs|second"),
    _row("time", "minutes", "min", "60", "m|min|mins|minute"),
    _row("time", "hours", "h", "3600", "h|hr|hrs|hour"),
    _row("time", "days", "d", "86400", "d|day"),
    _row("time", "weeks", "wk", "604800", "w|wk|wks|week"),
    _row("data", "bytes", "B", "1", "byte|b", whole=True),
    _row("data", "kilobytes", "KB", "1000", "kb|kilobyte"),
    _row("data", "megabytes", "MB", "1000000", "mb|megabyte|megs|meg"),
    _row("data", "gigabytes", "GB", "1000000000", "gb|gigabyte|gigs|gig"),
    _row("data", "terabytes", "TB", "1000000000000", "tb|terabyte"),
    _row("data", "kibibytes", "KiB", "1024", "kib|kibibyte"),
    _row("data", "mebibytes", "MiB", "1048576", "mib|mebibyte"),
    _row("data", "gibibytes", "GiB", "1073741824", "gib|gibibyte"),
    _row("data", "tebibytes", "TiB", "1099511627776", "tib|tebibyte"),
    _row("length", "meters", "m", "1", "meter|metre|metres"),
    _row("length", "kilometers", "km", "1000", "km|kms|kilometer|kilometre|kilometres"),
    _row("length", "centimeters", "cm", "1/100", "cm|centimeter|centimetre|centimetres"),
    _row("length", "millimeters", "mm", "1/1000", "mm|millimeter|millimetre|millimetres"),
    _row("length", "miles", "mi", "201168/125", "mi|mile"),
    _row("length", "yards", "yd", "1143/1250", "yd|yds|yard"),
    _row("length", "feet", "ft", "381/1250", "ft|foot"),
    _row("length", "inches", "in", "127/5000", "inch"),
    _row("speed", "meters_per_second", "m/s", "1", "m/s|meters per second|metres per second|mps"),
    _row(
        "speed",
        "kilometers_per_hour",
        "km/h",
        "5/18",
        "km/h|kmh|kph|km per hour|kilometers per hour|kilometres per hour",
    ),
    _row("speed", "miles_per_hour", "mph", "1397/3125", "mph|miles per hour|mi/h"),
    _row("speed", "knots", "kn", "463/900", "knot|kn|kt|kts"),
    _row("mass", "kilograms", "kg", "1", "kg|kgs|kilogram|kilo|kilos"),
    _row("mass", "grams", "g", "1/1000", "g|gram"),
    _row("mass", "milligrams", "mg", "1/1000000", "mg|milligram"),
    _row("mass", "tonnes", "t", "1000", "tonne|metric tons|metric ton"),
    _row("mass", "pounds_mass", "lb", "45359237/100000000", "lb|lbs"),
    _row("mass", "ounces", "oz", "45359237/1600000000", "oz|ounce"),
    _row("pressure", "pascals", "Pa", "1", "pa|pascal"),
    _row("pressure", "hectopascals", "hPa", "100", "hpa|hectopascal|mbar|millibar|millibars"),
    _row("pressure", "kilopascals", "kPa", "1000", "kpa|kilopascal"),
    _row("pressure", "bars", "bar", "100000", "bar"),
    _row("pressure", "psi", "psi", "8896443230521/1290320000", "pounds per square inch"),
    _row("pressure", "atmospheres", "atm", "101325", "atm|atmosphere"),
    _row("volume", "liters", "L", "1", "l|liter|litre|litres"),
    _row("volume", "milliliters", "mL", "1/1000", "ml|milliliter|millilitre|millilitres"),
    _row("volume", "cubic_meters", "m³", "1000", "m3|m³|cubic meter|cubic meters|cubic metres"),
    _row("volume", "gallons", "gal", "473176473/125000000", "gal|gallon"),
    _row("energy", "watt_hours", "Wh", "1", "wh|watt hours|watt hour"),
    _row("energy", "kilowatt_hours", "kWh", "1000", "kwh|kilowatt hours|kilowatt hour"),
    _row("power", "watts", "W", "1", "watt"),
    _row("power", "kilowatts", "kW", "1000", "kw|kilowatt"),
    _row("ratio", "percent", "%", "1/100", "%|per cent|pct|percentage points|percentage point"),
    _row("ratio", "basis_points", "bp", "1/10000", "bps|basis point|basis points"),
    _row(MINOR, "cents", "¢", "1/100", "cent|¢|pence|penny|pennies", whole=True),
    _currency("usd", "$", "$|us$|dollar|dollars|us dollar|us dollars|bucks|buck"),
    _currency("eur", "€", "€|euro|euros"),
    _currency("gbp", "£", "£|quid|pounds|pound sterling|pounds sterling|british pounds"),
    _currency("jpy", "¥", "¥|yen"),
    _currency("chf", "CHF", "swiss franc|swiss francs|sfr"),
    _currency("cad", "C$", "c$|ca$|canadian dollar|canadian dollars"),
    _currency("aud", "A$", "a$|au$|australian dollar|australian dollars"),
    _currency("nzd", "NZ$", "nz$|new zealand dollar|new zealand dollars"),
    _currency("inr", "₹", "₹|rupee|rupees|indian rupees"),
    _currency("cny", "CN¥", "cn¥|yuan|renminbi|rmb"),
    _currency("brl", "R$", "r$|real|reais"),
    _currency("mxn", "MX$", "mx$|mexican peso|mexican pesos"),
    _currency("sek", "SEK", "swedish krona|swedish kronor"),
    _currency("nok", "NOK", "norwegian krone|norwegian kroner"),
    _currency("dkk", "DKK", "danish krone|danish kroner"),
    _currency("pln", "PLN", "zloty|zlotys|złoty"),
    _currency("czk", "CZK", "czech koruna|czech crowns"),
    _currency("krw", "₩", "₩|won"),
    _currency("sgd", "S$", "s$|singapore dollar|singapore dollars"),
    _currency("hkd", "HK$", "hk$|hong kong dollar|hong kong dollars"),
    _currency("zar", "ZAR", "rand"),
    _currency("try", "₺", "₺|turkish lira"),
    _currency("ils", "₪", "₪|shekel|shekels"),
)


def _by_word() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for unit in UNITS:
        for word in (unit.name, *unit.aliases):
            assert word not in table, f"two units are called {word!r}"
            table[word] = unit
    return table


_WORDS: Final = _by_word()

LONGEST_ALIAS_WORDS: Final = max(word.count(" ") + 1 for word in _WORDS)
"""How many words a unit's spelling may take: how far a tokenizer must look ahead."""


def lookup(word: str) -> Unit | None:
    """The unit people write as `word` (any case, plural or not), or None. `m` is minutes, as in `5m`."""
    return _WORDS.get(" ".join(word.casefold().split()))


def spellings() -> frozenset[str]:
    """Every spelling `lookup` knows, in lower case."""
    return frozenset(_WORDS)


def is_currency(word: str) -> bool:
    """True for a major currency (not for `cents`)."""
    unit = lookup(word)
    return unit is not None and unit.dimension.startswith(MINOR + ":")


def compatible(a: str, b: str) -> bool:
    """True when a value of unit `a` may be converted to or compared with unit `b`."""
    one, other = lookup(a), lookup(b)
    return one is not None and other is not None and _meet(one, other)


def exact(value: int | float, source: str, target: str) -> Fraction:
    """`value` of unit `source` in unit `target`, exactly; comparisons use this.

    A float counts as the decimal it prints as, so that 0.1 is one tenth.

    Raises:
        UnitError: an unknown unit, units of different dimensions, a value that is not finite.
    """
    one, other = _unit(source), _unit(target)
    if not _meet(one, other):
        raise UnitError(
            "incompatible_units", f"{one.name} and {other.name} measure different things", hint=_why_apart(one, other)
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise UnitError("not_finite", f"{value} {one.name} is not a finite number")
    number = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    return (number * one.factor + one.offset - other.offset) / other.factor


def convert(value: int | float, source: str, target: str) -> int | float:
    """`value` of unit `source` in unit `target`, rounded to six places half-even.

    An integral result is an int when `value` was one or the target is counted (cents, bytes, milliseconds).

    Raises:
        UnitError: an unknown unit, units of different dimensions, a value that is not finite.
    """
    result = exact(value, source, target)
    if result.denominator == 1 and (isinstance(value, int) or _unit(target).whole):
        return result.numerator
    return _rounded(result)


def _rounded(result: Fraction) -> float:
    try:
        return float(Fraction(round(result * _PLACES), _PLACES))
    except OverflowError:
        raise UnitError("not_finite", "the converted number is too large") from None


def _unit(word: str) -> Unit:
    unit = lookup(word)
    if unit is None:
        raise UnitError("unknown_unit", f"{word!r} is not a known unit")
    return unit


def _meet(one: Unit, other: Unit) -> bool:
    if one.dimension == other.dimension:
        return True
    pair = (one.dimension, other.dimension)
    return MINOR in pair and all(d == MINOR or d.startswith(MINOR + ":") for d in pair)


def _why_apart(one: Unit, other: Unit) -> str:
    if one.dimension.startswith(MINOR) and other.dimension.startswith(MINOR):
        return "currencies do not convert into each other; convert with an exchange-rate service first"
    one_kind, other_kind = one.dimension.partition(":")[0], other.dimension.partition(":")[0]
    return f"{one.name} is a unit of {one_kind}, {other.name} of {other_kind}"
