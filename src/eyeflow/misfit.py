"""What msgspec says of a value that does not fit its type, in words for people, and a way out.

Knows: the wordings of `msgspec.ValidationError`. In: one of them, and the struct that was wanted. Out: `Misfit`.
Never: says a value that was given, except a word where one of a few was wanted; raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from eyeflow.diagnostics import nearest


class Misfit(msgspec.Struct, frozen=True):
    """`place` is a path (`input.items[3]`), "" for the whole; `hint` is a way out, or empty."""

    place: str
    message: str
    hint: str = ""

    @property
    def text(self) -> str:
        """Place and message in one line."""
        return f"{self.place}: {self.message}" if self.place else self.message


_WORDS: Final = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "an object", "null": "null", "bytes": "Base64 text", "datetime": "an instant", "date": "a date",
}  # fmt: skip
_KIND: Final = re.compile(r"Expected `([^`]+)`(?:, got `([^`]+)`)?(.*)\Z", re.DOTALL)
_LENGTH: Final = re.compile(r" of length (<=|>=|==) (\d+)\Z")
_BOUND: Final = re.compile(r" (<=|>=|<|>) (\S+)\Z")
_CHOICE: Final = re.compile(r" matching regex '\^\(([a-z0-9_|\-]+)\)\$'\Z")
_AT: Final = {"<=": "at most", ">=": "at least", "==": "exactly", "<": "less than", ">": "more than"}
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`\Z", re.DOTALL)
_WORD: Final = re.compile(r"Invalid enum value '?(.*?)'?\Z", re.DOTALL)
_COUNTED: Final = {"str": "characters", "array": "items", "object": "entries"}
_EXAMPLES: Final = {
    "Invalid RFC3339 encoded datetime": ("this is no instant", "such as 2026-01-31T09:00:00Z"),
    "Invalid RFC3339 encoded date": ("this is no date", "such as 2026-01-31"),
    "Invalid base64 encoded string": ("this is no Base64", ""),
}
_MOST: Final = 12


def misfit(error: msgspec.ValidationError, into: object = None) -> Misfit:
    """`error` in plain words. With `into`, the type that was wanted, the hint has its fields and the words it takes."""
    said, _, at = str(error).partition(" - at `")
    place = at.rstrip("`").removeprefix("$").lstrip(".")
    message, hint = _plain(said, _wanted(into, place))
    return Misfit(place, message, hint)


def _plain(said: str, wanted: object) -> tuple[str, str]:
    if found := _UNKNOWN.match(said):
        names = [each.encode_name for each in _fields(wanted)]
        return f"unknown field `{found[1][:60]}`", _suggested(found[1], names, "it takes")
    if found := _MISSING.match(said):
        names = [each.encode_name for each in _fields(wanted)]
        return f"the field `{found[1]}` is missing", _listed("it takes", names)
    if found := _WORD.match(said):
        words = sorted({str(each) for each in _literals(wanted)})
        return f"'{found[1][:60]}' is not a word for this", _suggested(found[1], words, "one of")
    if said in _EXAMPLES:
        return _EXAMPLES[said]
    found = _KIND.match(said)
    return (_expected(found[1], found[2], found[3]), "") if found else (said, "")


def _expected(kinds: str, got: str | None, rest: str) -> str:
    names = [each for each in kinds.split(" | ") if each != "null" or "|" not in kinds]
    wanted = " or ".join(_WORDS.get(each, each) for each in names)
    if got is not None:
        return f"this should be {wanted}, not {_WORDS.get(got, got) if got != 'float' else 'one with a fraction'}"
    if length := _LENGTH.match(rest):
        if length[1] == ">=" and length[2] == "1":
            return "this is empty"
        return f"this should have {_AT[length[1]]} {length[2]} {_COUNTED.get(kinds, 'items')}"
    if bound := _BOUND.match(rest):
        return f"this should be {_AT[bound[1]]} {bound[2]}"
    if words := _CHOICE.match(rest):
        return f"this should be one of {words[1].replace('|', ', ')}"
    if "matching regex" in rest:
        return f"this should be {wanted} that matches {rest.partition('regex ')[2][:120]}"
    return f"this should be {wanted}{rest}"


def _suggested(word: str, known: list[str], lead: str) -> str:
    close = nearest(word, known, limit=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return _listed(lead, known)


def _listed(lead: str, known: list[str]) -> str:
    return f"{lead} {', '.join(known)}" if 0 < len(known) <= _MOST else ""


def _fields(kind: object) -> tuple[msgspec.structs.FieldInfo, ...]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return msgspec.structs.fields(kind)
    return ()


def _wanted(kind: object, place: str) -> object:
    """The type at `place` inside `kind`; None where the way leads through something without fields."""
    for name in re.findall(r"[^.\[\]]+|\[[^\]]*\]", place):
        if name.startswith("["):
            index = -1 if name == "[...]" else 0
            kind = next((get_args(each)[index] for each in _members(kind) if get_args(each)), None)
            continue
        structs = (each for member in _members(kind) for each in _fields(member))
        kind = next((each.type for each in structs if each.encode_name == name), None)
    members = [each for each in _members(kind) if _fields(each)]
    return members[0] if len(members) == 1 else kind


def _members(kind: object) -> Iterator[object]:
    """The members of a union, behind `Annotated`; a type alone is its only member."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _members(get_args(kind)[0])
    elif origin is Union or origin is UnionType:
        for each in get_args(kind):
            yield from _members(each)
    else:
        yield kind


def _literals(kind: object) -> Iterator[Any]:
    for each in _members(kind):
        if get_origin(each) is Literal:
            yield from get_args(each)
