"""Can this literal be the value of that parameter, and as what?

Knows: kinds of literals, types, entities and units of parameters. In: an item or words, and a parameter.
Out: the JSON value for an Intent (text escaped so that a brace a person typed stays a brace), or None.
Never: guesses across types: an edge exists only if it type-checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.vocabulary import split_name
from eyeflow.units import UnitError, compatible, convert
from eyeflow.values import Field, Json, ListOf, Scalar, Type, is_numeric, non_null

_FREE = (None, "file", "location", "person", "topic", "text")
_NAMED_FOR: Final = {
    "channel": {"channel", "room"},
    "email": {"to", "from", "email", "recipient", "cc", "bcc", "address", "requester", "attendee", "sender", "mail"},
    "url": {"url", "link", "feed", "href", "uri", "endpoint", "site", "page"},
    "repo": {"repo", "repository", "project", "subreddit"},
    "phone": {"phone", "to", "number", "mobile"},
    "person": {"user", "assignee", "owner", "person", "member", "username", "handle", "account", "to", "chat"},
    "path": {"folder", "path", "file", "directory", "dir", "prefix", "key", "location"},
    "emoji": {"emoji", "reaction"},
    "file": {"file", "filename", "workflow", "name", "path", "document", "key", "script"},
    "key": {"key", "issue", "ticket", "id", "project", "order", "symbol", "sku"},
}
_ENTITY_OF: Final = {
    "channel": ("slack_channel", "discord_channel", "teams_channel", "channel"),
    "email": ("email",),
    "url": ("url",),
    "repo": ("repo",),
    "phone": ("phone",),
    "person": ("person",),
    "path": ("file", "folder", "path"),
    "file": ("file",),
}


_CONTENTS = frozenset({"content", "body", "data", "bytes"})
_CODE = frozenset({"sql", "jql", "script", "command", "commands", "code", "expression", "statement"})


def is_code(param: Field) -> bool:
    """A parameter whose text is a program of another system: only a person's own quoted text may be one."""
    return bool(_CODE & set(re.split(r"[^a-z]+", param.name.casefold())))


def escape(text: str) -> str:
    """Text as a template that renders to exactly itself."""
    return text.replace("{", "{{").replace("}", "}}")


def quote(text: str) -> str:
    """Text as a string of an LLM-IR expression: JSON escapes, and braces doubled because strings are templates."""
    return json.dumps(escape(text), ensure_ascii=False)


def element(param: Field) -> Type:
    """The type one said value must have: of the parameter, or of an item when it is a list."""
    held = non_null(param.type)
    return non_null(held.item) if isinstance(held, ListOf) else held


def wrap(param: Field, value: JsonValue) -> JsonValue:
    """A single value as the parameter takes it: lists hold it."""
    return [value] if isinstance(non_null(param.type), ListOf) else value


def number_for(param: Field, value: float, unit: str | None) -> JsonValue | None:
    """`value unit` in the parameter's own unit, or None when the units do not go together."""
    held = element(param)
    if not (isinstance(held, Scalar) and is_numeric(held)):
        return None
    if unit == "degrees" and held.unit in ("celsius", "fahrenheit"):
        unit = None  # on the scale the service counts in
    if unit and held.unit:
        if not compatible(unit, held.unit):
            return None
        try:
            value = convert(value, unit, held.unit)
        except UnitError:
            return None
    elif unit:
        return None
    if held.name == "integer":
        return int(value) if float(value).is_integer() else None
    return value


def fits(param: Field, item: Item) -> JsonValue | None:
    """The value that `item` gives to `param`, or None when it cannot."""
    held = element(param)
    if item.kind in ("number", "quantity", "money", "percent", "issue"):
        if isinstance(item.value, int | float):
            said = number_for(param, item.value, item.unit)
            if said is not None:
                return wrap(param, said)
        return None
    if not _stringy(held):
        return None
    text = item.value if isinstance(item.value, str) else item.text
    if is_code(param) and item.kind not in ("quoted", "freetext"):
        return None
    if param.entity == "file" and item.kind in ("file", "path") and set(split_name(param.name)) & _CONTENTS:
        return None  # a name is no content
    names = set(re.split(r"[^a-z]+", param.name.casefold())) | set(split_name(param.name))
    if item.kind in ("quoted", "freetext"):
        return wrap(param, escape(text)) if _takes_text(param, text) else None
    if param.entity is not None:
        if param.entity in _ENTITY_OF.get(item.kind, ()):
            return wrap(param, escape(text))
        keyed = item.kind == "key" and bool(names & _NAMED_FOR["key"])
        if param.entity not in _FREE and not keyed:
            return None
    if item.kind in _NAMED_FOR and names & _NAMED_FOR[item.kind]:
        return wrap(param, escape(text))
    return None


def text_for(param: Field, words: Sequence[Item], text: str) -> JsonValue | None:
    """A run of plain words as the value of a free text parameter (a name, a place), or None."""
    held = element(param)
    if not _stringy(held) or not words or is_code(param) or param.entity == "file":
        return None
    said = text[words[0].span.start : words[-1].span.end]
    said = said.lower() if said.isupper() and len(said) > 1 and shouted(text) else said
    return wrap(param, escape(said)) if _takes_text(param, said) else None


@lru_cache(maxsize=8)
def shouted(text: str) -> bool:
    """A request all in capitals, quotations aside: its words are no names for being written so."""
    letters = [c for c in re.sub(r"(['\"]).*?\1", "", text) if c.isalpha()]
    return len(letters) > 12 and sum(c.isupper() for c in letters) > 0.8 * len(letters)


def enum_for(param: Field, item: Item) -> JsonValue | None:
    """The enum value that a word names, by stem, or None."""
    from eyeflow.frontend.lexicon import stem  # noqa: PLC0415 - keeps this file importable on its own

    if not param.enum:
        return None
    wanted = item.value if isinstance(item.value, str) else item.lower
    for value in param.enum:
        if value.casefold() == wanted.casefold() or stem(value.casefold()) == stem(wanted):
            return wrap(param, value)
    return None


def _stringy(of: Type) -> bool:
    return (isinstance(of, Scalar) and of.name == "string") or isinstance(of, Json)


def _takes_text(param: Field, said: str) -> bool:
    if param.enum:
        return any(v.casefold() == said.casefold() for v in param.enum)
    if param.max_length is not None and len(said) > param.max_length:
        return False
    if param.entity == "email" or param.format == "email":
        return bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", said))
    if param.entity == "url":
        return said.startswith(("http://", "https://"))
    if param.entity == "phone":
        return bool(re.fullmatch(r"\+?[0-9 ()-]{5,}", said))
    if param.entity == "slack_channel":
        return said.startswith("#")
    if "emoji" in split_name(param.name):
        return bool(re.fullmatch(r":?[\w+-]+:?|[^\w\s]+", said))
    if param.entity == "repo":
        return "/" in said and " " not in said
    return True
