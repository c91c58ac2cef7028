"""How the nine scalar types look in data, and how each is read.

Knows: ISO 8601, RFC 3339, base64, and what JSON numbers mean. In: data. Out: readers.
Never: guesses formats: a date is `2026-11-23`, never `11/23/26`.

Source: ISO 8601 durations without the calendar units (years, months), whose length depends on when they start.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from eyeflow.errors import RunError
from eyeflow.values import Value

_EXACT_FLOAT: Final = 2**53
_LONGEST_TEXT: Final = 64
_DURATION: Final = re.compile(
    r"(?P<sign>-?)P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,7})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,10})M)?(?:(?P<seconds>\d{1,12}(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)

Refuse = Callable[[Value], RunError]


def reader(name: str, zone: ZoneInfo, refuse: Refuse) -> Callable[[Value], Value]:
    """The reader of scalar `name`; `refuse` makes the error for a value that is not one."""
    match name:
        case "string":
            return _exactly(str, refuse)
        case "boolean":
            return _exactly(bool, refuse)
        case "integer":
            return _integer(refuse)
        case "number":
            return _number(refuse)
        case "bytes":
            return _from_text(bytes, _bytes, refuse)
        case "date":
            return _from_text(date, date.fromisoformat, refuse)
        case "time":
            return _from_text(time, time.fromisoformat, refuse)
        case "timestamp":
            return _timestamp(zone, refuse)
        case _:
            assert name == "duration", f"unknown scalar {name}"
            return _duration(refuse)


def _exactly(kind: type, refuse: Refuse) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        if type(value) is kind:
            return value
        raise refuse(value)

    return read


def _integer(refuse: Refuse) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        if type(value) is int:
            return value
        if type(value) is float and value.is_integer():
            return int(value)
        raise refuse(value)

    return read


def _number(refuse: Refuse) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        if type(value) is float and value - value == 0.0:
            return value
        if type(value) is int:
            if -_EXACT_FLOAT <= value <= _EXACT_FLOAT:
                return value
            try:
                return float(value)
            except OverflowError:
                raise refuse(value) from None
        raise refuse(value)

    return read


def _from_text(kind: type, parse: Callable[[str], Value], refuse: Refuse) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        if type(value) is kind:
            return value
        if type(value) is str and (kind is bytes or len(value) <= _LONGEST_TEXT):
            try:
                return parse(value)
            except ValueError:
                pass
        raise refuse(value)

    return read


def _bytes(text: str) -> Value:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _timestamp(zone: ZoneInfo, refuse: Refuse) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        try:
            if isinstance(value, datetime):
                return _utc(value, zone)
            if type(value) is str and len(value) <= _LONGEST_TEXT:
                return _utc(datetime.fromisoformat(value), zone)
            if type(value) is int or type(value) is float:
                return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise refuse(value)

    return read


def _utc(at: datetime, zone: ZoneInfo) -> datetime:
    """In UTC, because Python subtracts two times of one zone as wall times."""
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def _duration(refuse: Refuse) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        try:
            if isinstance(value, timedelta):
                return value
            if type(value) is int or type(value) is float:
                return timedelta(milliseconds=value)
            if type(value) is str and len(value) <= _LONGEST_TEXT:
                return duration(value)
        except (ValueError, OverflowError):
            pass
        raise refuse(value)

    return read


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds.

    Raises:
        ValueError: anything else, and `P` with nothing after it.
        OverflowError: longer than a timedelta holds.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration")
    parts = {name: float(given) for name, given in found.groupdict().items() if given and name != "sign"}
    if not parts or text.endswith("T"):
        raise ValueError(f"{text!r} has no length")
    length = timedelta(**parts)
    return -length if found["sign"] else length
