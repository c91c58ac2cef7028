"""What every function of LLM-IR is called in English, as tables of parts.

Knows: a phrase for every function and arity. In: nothing. Out: `CONDITIONS`, `VALUES`, `BINDERS`.
Never: holds a value: a phrase is text and places, so nothing that a program says can be taken for a place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec


class Arg(msgspec.Struct, frozen=True):
    """The argument at `index`, counted from 0. `clause`: as a condition; `bare`: a constant text without its quotes,
    in the words of `words` where they have it."""

    index: int
    clause: bool = False
    bare: bool = False
    words: tuple[tuple[str, str], ...] = ()


class Each(msgspec.Struct, frozen=True):
    """All arguments from `start` on, with `between` between them."""

    start: int = 0
    between: str = ", "


class Given(msgspec.Struct, frozen=True):
    """`then` where there is an argument at `index`, else `otherwise`."""

    index: int
    then: tuple[Part, ...]
    otherwise: tuple[Part, ...] = ()


Part: TypeAlias = str | Arg | Each | Given
Phrase: TypeAlias = tuple[Part, ...]

_A: Final = Arg(0)
_B: Final = Arg(1)
_C: Final = Arg(2)

CONDITIONS: Final[dict[str, tuple[Phrase, Phrase]]] = {
    # function: (as it holds, as it does not hold)
    "GT": ((_A, " is more than ", _B), (_A, " is at most ", _B)),
    "GE": ((_A, " is at least ", _B), (_A, " is less than ", _B)),
    "LT": ((_A, " is less than ", _B), (_A, " is at least ", _B)),
    "LE": ((_A, " is at most ", _B), (_A, " is more than ", _B)),
    "EQ": ((_A, " is ", _B), (_A, " is not ", _B)),
    "NE": ((_A, " is not ", _B), (_A, " is ", _B)),
    "IN": ((_A, " is one of ", _B), (_A, " is none of ", _B)),
    "CONTAINS": ((_A, " contains ", _B), (_A, " does not contain ", _B)),
    "STARTS_WITH": ((_A, " starts with ", _B), (_A, " does not start with ", _B)),
    "ENDS_WITH": ((_A, " ends with ", _B), (_A, " does not end with ", _B)),
    "MATCHES": ((_A, " matches the pattern ", _B), (_A, " does not match the pattern ", _B)),
    "IS_NULL": ((_A, " is missing"), (_A, " is present")),
}

VALUES: Final[dict[str, Phrase]] = {
    "ADD": (Each(0, " plus "),),
    "SUB": (_A, " minus ", _B),
    "MUL": (Each(0, " times "),),
    "DIV": (_A, " divided by ", _B),
    "MOD": ("the remainder of ", _A, " divided by ", _B),
    "ROUND": (_A, ", rounded to ", Given(1, (_B, " places"), ("a whole number",))),
    "ABS": ("the size of ", _A),
    "MIN": ("the smallest of ", Each()),
    "MAX": ("the largest of ", Each()),
    "SUM": ("the sum of ", _A),
    "AVG": ("the average of ", _A),
    "COUNT": ("the number of ", _A),
    "LEN": ("the length of ", _A),
    "UPPER": (_A, " in capitals"),
    "LOWER": (_A, " in small letters"),
    "TRIM": (_A, " without surrounding space"),
    "SPLIT": (_A, " split at ", _B),
    "JOIN": (_A, " joined by ", Given(1, (_B,), ("“, ”",))),
    "REPLACE": (_A, " with ", _B, " replaced by ", _C),
    "SLICE": (_A, " from position ", _B, Given(2, (" up to before ", _C), (" to the end",)), " (counted from 0)"),
    "CONCAT": (Each(), " put together"),
    "FORMAT": (Each(), " as text"),
    "UNIQUE": (_A, " without repeats"),
    "FIRST": ("the first of ", _A),
    "LAST": ("the last of ", _A),
    "TOP": ("the first ", _B, " of ", _A),
    "KEYS": ("the names in ", _A),
    "VALUES": ("the values in ", _A),
    "GET": (_B, " of ", _A, Given(2, (", or ", _C, " when missing"))),
    "MERGE": (Each(), " merged"),
    "PARSE_JSON": (_A, " read as JSON"),
    "TO_JSON": (_A, " as JSON"),
    "TO_NUMBER": (_A, " as a number"),
    "TO_STRING": (_A, " as text"),
    "NOW": ("the present time",),
    "DATE_ADD": (
        _A, " plus ", _B, Given(2, (" ", Arg(2, bare=True))), Given(3, (" in the time of ", Arg(3, bare=True))),
    ),
    "DATE_DIFF": (
        "the time from ", _B, " to ", _A,
        Given(2, (" in whole ", Arg(2, bare=True))), Given(3, (" in the time of ", Arg(3, bare=True))),
    ),
    "FORMAT_DATE": (_A, " written as ", _B, Given(2, (" in the time of ", Arg(2, bare=True)))),
    "UUID": ("a fresh identifier",),
    "HASH": ("the ", Given(1, (Arg(1, bare=True),), ("sha256",)), " hash of ", _A),
    "BASE64": (_A, " in base64"),
    "URL_ENCODE": (_A, " encoded for a URL"),
    "COALESCE": (
        Given(2, ("the first that is not missing of ", Each()), (_A, ", or ", _B, " when missing")),
    ),
    "IF": (_B, " if ", Arg(0, clause=True), ", else ", _C),
}  # fmt: skip

_SOURCE: Final = Arg(0)
_BODY: Final = Arg(1)
_TEST: Final = Arg(1, clause=True)
_ORDERS: Final = (("asc", "smallest first"), ("desc", "largest first"))

BINDERS: Final[dict[str, Phrase]] = {
    # source, body, then what follows the body
    "FILTER": ("those of ", _SOURCE, " where ", _TEST),
    "MAP": (_BODY, " for each of ", _SOURCE),
    "SORT_BY": (
        _SOURCE, " sorted by ", _BODY, ", ", Given(2, (Arg(2, bare=True, words=_ORDERS),), ("smallest first",)),
    ),
    "GROUP_BY": (_SOURCE, " grouped by ", _BODY),
    "TOP": ("the top ", Given(2, (_C, " ")), "of ", _SOURCE, " by ", _BODY),
    "FIRST": ("the first of ", _SOURCE, " where ", _TEST),
    "LAST": ("the last of ", _SOURCE, " where ", _TEST),
    "SUM": ("the sum of ", _BODY, " over ", _SOURCE),
    "AVG": ("the average of ", _BODY, " over ", _SOURCE),
    "MIN": ("the smallest ", _BODY, " of ", _SOURCE),
    "MAX": ("the largest ", _BODY, " of ", _SOURCE),
    "COUNT": ("the number of ", _SOURCE, " where ", _TEST),
    "UNIQUE": (_SOURCE, " without repeats of ", _BODY),
}  # fmt: skip


def places(phrase: Phrase, count: int) -> Iterator[str | Arg]:
    """The parts of `phrase` for `count` arguments in order; `Each` becomes its arguments and the text between them.

    What the phrase has no place for comes last, in brackets: nothing that a program says is left out.
    """
    said: set[int] = set()
    for part in _flat(phrase, count):
        if isinstance(part, Arg):
            said.add(part.index)
        yield part
    left = [index for index in range(count) if index not in said]
    for number, index in enumerate(left):
        yield " (with " if number == 0 else ", "
        yield Arg(index)
    if left:
        yield ")"


def _flat(phrase: Phrase, count: int) -> Iterator[str | Arg]:
    for part in phrase:
        match part:
            case Given(index, then, otherwise):
                yield from _flat(then if index < count else otherwise, count)
            case Each(start, between):
                for index in range(start, count):
                    if index > start:
                        yield between
                    yield Arg(index)
            case Arg(index) if index >= count:
                continue
            case _:
                yield part
