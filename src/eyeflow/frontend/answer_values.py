"""What a person typed as an answer becomes the value of a parameter, or a sentence about why it cannot.

Knows: how people write numbers, choices, lists; what a parameter may hold. In: a parameter, the text of an answer.
Out: the value as an `Intent` holds it, or `Unfit`. Never: reads text as a program: braces stay braces.
"""

from __future__ import annotations

import json
import re
from typing import Final

import msgspec

from eyeflow.catalog.model import Service
from eyeflow.frontend.choices import option_of
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.values_said import escape, number_for
from eyeflow.frontend.vocabulary import RECIPIENTS
from eyeflow.ir.check.calls import spelled
from eyeflow.ir.check.constants import NotAValue, Unknown, constant, wrong
from eyeflow.ir.check.expressions import Typing
from eyeflow.ir.check.findings import Findings
from eyeflow.ir.check.scope import Scope
from eyeflow.values import Field, ListOf, MapOf, ObjectOf, Scalar, Type, Value, is_numeric, non_null

_YES: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_FORMATS: Final = {"email": "email", "url": "url", "phone": "phone"}
_CHANNEL: Final = re.compile(r"[#@][^\s#@,]{1,80}\Z|[A-Z][A-Z0-9]{7,}\Z")
_BARE_CHANNEL: Final = re.compile(r"[a-z0-9][a-z0-9._\-]{0,79}\Z")
_NOWHERE: Final = ("my", "our", "his", "her", "their", "this", "that", "here", "home", "me", "yes", "no")
_PLACE: Final = re.compile(r"(?:[^\W_]|['’.\-])[^#@<>{}|]{0,120}\Z")
_REPO: Final = re.compile(r"[\w.\-]{1,100}/[\w.\-]{1,100}\Z")
_QUOTED: Final = re.compile(r"([\"“])([^\"“”]+)[\"”]")
_KIND_WORDS: Final = {
    "slack_channel": ("channel",), "email": ("address", "email"), "phone": ("number", "phone"),
    "repo": ("repository", "repo"), "location": ("city", "town"), "person": ("user",),
}  # fmt: skip
_LED: Final = {
    "location": "in the|in|for|at|near|the", "slack_channel": "to the|in the|to|in|the", "email": "to|at",
    "phone": "to|at", "repo": "in the|in|the", "person": "to",
}  # fmt: skip
_POINTING: Final = (
    "yes",
    "no",
    "none",
    "first",
    "second",
    "this",
    "that",
    "it",
    "me",
    "here",
    "any",
    "all",
    "the",
    "ok",
)
"""Words that answer another question than which one; a channel called so is written with its sign."""
_TITLES: Final = ("subject", "title", "name", "summary")


class Unfit(msgspec.Struct, frozen=True):
    """Why an answer is no value of a parameter, in words that follow the answer."""

    why: str


def answer_value(param: Field, text: str, service: Service | None = None, zone: str = "UTC") -> JsonValue | Unfit:
    """`text` as the value of `param`; strings in it are escaped, as an `Intent` holds them."""
    if not text.strip():
        return Unfit("is empty")
    if any((ord(c) < 32 and c not in "\n\r\t") or ord(c) == 127 for c in text):
        return Unfit("holds control characters")
    if _one_line(param) and re.search(r"[\r\n\u2028\u2029\x85]", text):
        return Unfit("must be on one line")
    value = _read(param, non_null(param.type), _tidied(param, text))
    if isinstance(value, Unfit):
        return value
    why = _refused(param, value, service, zone)
    if why is not None and isinstance(value, str) and _refused(param, value.upper(), service, zone) is None:
        value, why = value.upper(), None  # a key that is written in capitals
    return Unfit(why) if why is not None else _escaped(value)


def _tidied(param: Field, text: str) -> str:
    """What was typed without what people put around a value: quotes, `please`, `the ... channel`, `in`."""
    said = _QUOTED.fullmatch(text.strip())
    if said is not None:
        return said[2]
    if param.role == "content" or not (_one_line(param) or param.entity is not None) or param.name in _TITLES:
        return text
    held = re.sub(r"[\s,]+please[.!]?\Z", "", text.strip(), flags=re.IGNORECASE)
    names = {param.name.replace("_", " "), *_KIND_WORDS.get(param.entity or "", ())}
    kinds = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    held = re.sub(rf"\A(?:{_LED.get(param.entity or '', 'the')})\s+(?=\S)", "", held, flags=re.IGNORECASE)
    held = re.sub(rf"\A(?:{kinds})\s+(?=\S)|\s+(?:{kinds})\Z", "", held, flags=re.IGNORECASE)
    if param.entity == "phone" and held.startswith("+"):
        return re.sub(r"[\s().\-]", "", held)
    if param.entity == "email" and " and " in held:
        return ", ".join(part.strip() for part in re.split(r",|\band\b", held) if part.strip())
    if param.entity == "repo":
        return re.sub(r"\Ahttps?://(?:www\.)?[\w.\-]+/([\w.\-]+/[\w.\-]+?)(?:\.git)?/?\Z", r"\1", held)
    return held


def _one_line(param: Field) -> bool:
    """Everything but free text: a line break in an address or a header would begin a new one."""
    if param.role == "content":
        return False
    special = param.entity in (*RECIPIENTS, *_FORMATS, "repo", "location", "person", "file")
    return special or param.format is not None or bool(param.enum) or param.name in _TITLES


def _read(param: Field, of: Type, text: str) -> Value | Unfit:
    """The text as a value of type `of`; what else `param` wants of it is looked at later."""
    if param.enum and not isinstance(of, ListOf):
        return _chosen(param, text)
    match of:
        case ListOf(item):
            return _list(param, non_null(item), text)
        case ObjectOf() | MapOf():
            held = _json(text)
            return held if isinstance(held, dict) else Unfit('is no JSON object such as {"name": "value"}')
        case Scalar(name="boolean"):
            said = _YES.get(text.strip().casefold())
            return Unfit("is neither yes nor no") if said is None else said
        case Scalar() if is_numeric(of):
            return _number(param, text)
        case Scalar(name="string"):
            return _text(param, text)
        case _:
            return text


def _chosen(param: Field, text: str) -> Value | Unfit:
    found = option_of(param.enum, text)
    if found is None:
        return Unfit(f"is none of {', '.join(param.enum[:12])}")
    held = non_null(param.type)
    is_text = isinstance(held, Scalar) and held.name == "string"
    return found if is_text else _json(found)


def _list(param: Field, item: Type, text: str) -> Value | Unfit:
    held = _json(text) if text.lstrip().startswith("[") else None
    if isinstance(held, list):
        return held
    whole = param.items or Field(param.name, item, entity=param.entity, format=param.format)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found: list[Value] = []
    for part in parts:
        one = _read(whole, item, part)
        if isinstance(one, Unfit):
            return one
        found.append(one)
    return found or Unfit("is empty")


def _number(param: Field, text: str) -> Value | Unfit:
    said = text.strip()
    if re.fullmatch(r"-?\d{1,15}", said):
        return int(said)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,10}", said):
        value = float(said)
        held = non_null(param.type)
        whole = isinstance(held, Scalar) and held.name == "integer"
        return Unfit("is no whole number") if whole and not value.is_integer() else int(value) if whole else value
    tokens = [t for t in tokenize(said) if t.kind in ("number", "quantity", "money", "percent")]
    if len(tokens) == 1 and tokens[0].text.strip() == said and isinstance(tokens[0].value, int | float):
        single = msgspec.structs.replace(param, type=non_null(param.type))
        value_said = number_for(single, tokens[0].value, tokens[0].unit)
        if isinstance(value_said, int | float):
            return value_said
    return Unfit("is no number that fits here")


def _text(param: Field, text: str) -> Value | Unfit:
    said = text if param.role == "content" or not _one_line(param) else text.strip()
    if param.entity == "slack_channel":
        said = f"#{said}" if _BARE_CHANNEL.match(said) and said not in _POINTING else said
        return said if _CHANNEL.match(said) else Unfit("is no channel such as #general")
    if param.entity == "location" and (not _PLACE.match(said) or said.split()[0].casefold() in _NOWHERE):
        return Unfit("is no place such as Paris")
    if param.entity == "repo" and not _REPO.match(said):
        return Unfit("is no repository such as owner/name")
    if param.entity in _FORMATS:
        addressed = msgspec.structs.replace(param, format=param.format or _FORMATS[param.entity], enum=())
        # a text that the schema does not call one address may hold several, as mail programs write them
        several = param.format is None and param.entity == "email"
        for each in said.split(",") if several else [said]:
            why = wrong(addressed, each.strip() if several else each)
            if why is not None:
                return Unfit(why)
    return said


def _json(text: str) -> Value:
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        return None


def _refused(param: Field, value: Value, service: Service | None, zone: str) -> str | None:
    """What the checker would say of this constant in that place."""
    most = service.constraints.max_text_chars if service is not None else None
    if most is not None and param.role == "content" and (param.max_length is None or param.max_length > most):
        param = msgspec.structs.replace(param, max_length=most)
    found = Findings("answer")
    typed = Typing(found, zone).place(spelled(value), Scope(names={}), param.type, f"`{param.name}`")
    if typed is None:
        told = found.report().errors
        return told[0].message if told else "does not fit"
    try:
        held = constant(typed, zone)
    except NotAValue as error:
        return str(error)
    return None if isinstance(held, Unknown) else wrong(param, held)


def _escaped(value: Value) -> JsonValue:
    match value:
        case str():
            return escape(value)
        case list():
            return [_escaped(each) for each in value]
        case dict():
            return {name: _escaped(each) for name, each in value.items()}
        case _:
            return value
