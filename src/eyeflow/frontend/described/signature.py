"""What a capability without phrases says of itself: its words, and for each parameter what may be its value.

Knows: how names and descriptions are written (`e.g. Oslo, Lima`, `default is 10`, `in km`, `format YYYY-MM-DD`).
In: a vocabulary entry. Out: `Signature`, `Place`. Never: looks at a request.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.lexicon import is_base_verb, stem
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.values_said import element
from eyeflow.frontend.vocabulary import Entry, content_stems, split_name
from eyeflow.units import Unit, lookup
from eyeflow.values import BOOLEAN, DATE, TIMESTAMP, Field, Json, ListOf, ObjectOf, Scalar, Type, is_numeric, non_null

_ENDINGS: Final = (
    "ations", "ation", "ition", "ically", "ional", "ical", "ics", "ion", "ance", "ence", "ment", "ness", "ally", "ary",
    "ory", "etic", "ist", "ity", "ive", "ant", "ent", "ous", "ate", "at", "er", "or", "al", "ic", "ar", "y",
)  # fmt: skip
_EXAMPLES: Final = re.compile(
    r"(?:e\.g\.?,?|eg[:.]|such as|for example,?|for instance,?|options?(?: are| include)?:?|possible values(?: are)?:?"
    r"|can be(?: one of)?|either|one of:?|values:|including)\s*(?P<held>[^.();]{1,160})",
    re.IGNORECASE,
)
_EITHER: Final = re.compile(
    r"[,:(]\s*(?P<held>(?:[a-z]+(?:-[a-z]+)?, )*[a-z]+(?:-[a-z]+)?,? or [a-z]+(?:-[a-z]+)?)\s*[.)]?\Z"
)
"""`Type of organism, plant or animal.`"""

_QUOTED: Final = re.compile(r"['\"‘“]([^'\"’”]{1,40})['\"’”]")
_DEFAULT: Final = re.compile(
    r"\bdefaults?(?:\s+(?:value|factor))?\s*(?:is|to|are|:|=|as)?\s*(?P<held>'[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|true|false)"
    r"(?!\w)",
    re.IGNORECASE,
)
_FORMAT: Final = re.compile(
    r"\b((?:yyyy|mm|dd|yy)[-/. ](?:yyyy|mm|dd|yy|m|d)(?:[-/. ](?:yyyy|yy|dd|mm))?"
    r"(?:[ t]?hh:mm(?::ss)?)?|hh:mm(?::ss)?|iso[- ]?8601)\b",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(
    r"\b(?:in|as|of)\s+(?:the\s+)?([A-Za-z]+(?:/[A-Za-z]+|\s+per\s+[a-z]+)?)\b|\(([A-Za-z/°%]{1,12})\)"
)


class Place(msgspec.Struct, frozen=True, eq=False):
    """One parameter as a place for values.

    `names` are the stems of its name, `about` those its description adds, `said` the values it lists itself (by their
    words), `traits` what kind of thing it takes, `unit` the unit it is counted in, `format` how a day is written,
    `regional` whether a town is wanted with its region, `usual` the default its description states, `counted` the
    stems of what a number is counted in by its description, known units or not.
    """

    field: Field
    names: tuple[str, ...]
    about: tuple[str, ...]
    said: tuple[tuple[tuple[str, ...], str], ...]
    traits: frozenset[str]
    unit: Unit | None
    format: str | None
    regional: bool
    usual: str | None
    counted: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self.field.name

    @property
    def closed(self) -> bool:
        """True when only listed values may be taken."""
        return bool(self.field.enum or (self.field.items is not None and self.field.items.enum))

    @property
    def many(self) -> bool:
        """True when the parameter takes a list."""
        return isinstance(non_null(self.field.type), ListOf)

    @property
    def numeric(self) -> bool:
        """True for a number, a list of numbers, or rows of them."""
        held = non_null(element(self.field))
        return is_numeric(held) or (isinstance(held, ListOf) and is_numeric(non_null(held.item)))

    @property
    def rows(self) -> bool:
        """True for a list of lists."""
        return self.many and isinstance(non_null(element(self.field)), ListOf)

    @property
    def textual(self) -> bool:
        """True for text, or a list of texts."""
        held = element(self.field)
        return isinstance(held, Json) or (isinstance(held, Scalar) and held.name == "string")


class Signature(msgspec.Struct, frozen=True, eq=False):
    """`head` are the telling stems of the capability's own name, `core` with its service's, `summary` those of its
    summary, `params` those of its parameters."""

    entry: Entry
    head: tuple[str, ...]
    core: frozenset[str]
    summary: frozenset[str]
    params: frozenset[str]
    values: frozenset[str]
    places: tuple[Place, ...]


_ORDERS: Final = frozenset(stem(w) for w in ("request", "query", "run", "check"))
"""Words that say little beside others, and everything where a capability is called nothing else."""


@lru_cache(maxsize=4096)
def signature(entry: Entry) -> Signature:
    """What `entry` says of itself."""
    plain = words("described", "signature")
    named = [w for w in _split(entry.spec.name) if w not in plain]
    named = named or [w for w in _split(entry.spec.name) if w in _ORDERS]
    service = [w for w in _split(entry.service.id) if w not in plain]
    doing = [is_base_verb(w.casefold()) for w in re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", entry.spec.name) if w]
    places = tuple(_place(p) for p in entry.spec.params)
    return Signature(
        entry=entry,
        head=tuple(dict.fromkeys([*named, *service] if all(doing) else named or service)),
        core=frozenset((*named, *service)),
        summary=frozenset(w for w in told(entry.spec.summary) if w not in plain),
        params=frozenset(w for p in places for w in (*p.names, *p.about)),
        values=frozenset(w for p in places for said, _ in p.said for w in said),
        places=places,
    )


@lru_cache(maxsize=65_536)
def root(word: str) -> str:
    """A stem without the endings by which English makes nouns of verbs and adjectives of nouns."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=65_536)
def akin(one: str, other: str) -> bool:
    """True when two stems are forms of one word: `emission` and `emit` are not, `statistic` and `statistical` are."""
    if one == other or root(one) == root(other):
        return True
    short, long = sorted((one, other), key=len)
    if len(short) >= 4 and (
        short.rstrip("ei") == long.rstrip("ei")
        or long in (short.rstrip("e") + "tic", short + "tic", short.rstrip("e") + "ic")
    ):
        return True
    return len(short) >= 5 and long.startswith(short) and len(long) - len(short) <= 5 and short.isalpha()


def among(word: str, held: frozenset[str] | tuple[str, ...]) -> bool:
    """True when `word` or a form of it is one of `held`."""
    return word in held or any(akin(word, h) for h in held)


def told(text: str) -> tuple[str, ...]:
    """Stems of the content words of a description."""
    return content_stems(re.sub(r"[-_'\"()\[\]{}:;]", " ", text))


def _split(name: str) -> list[str]:
    return [w for w in split_name(name) if w and not w.isdigit() and w not in language("stop")]


def _place(param: Field) -> Place:
    text = param.description
    names = _named(param.name)
    first = re.split(
        r"(?<=[a-z)])\.\s|\be\.g|\bdefault|\boptional\.|\bfor example|\bsuch as", text, maxsplit=1, flags=re.I
    )
    about = tuple(
        dict.fromkeys(w for w in told(first[0]) if w not in names and w not in words("described", "signature"))
    )
    usual = _DEFAULT.search(text)
    shape = _FORMAT.search(text)
    return Place(
        field=param,
        names=names,
        about=about[:12],
        said=_said(param, text),
        traits=_traits(param, names, about, text),
        unit=_unit(param, text),
        format=shape.group(1).casefold() if shape is not None else None,
        regional=bool(re.search(r"city,? (?:and )?(?:state|country)\b", text, re.I) or _IN_STATE.search(text)),
        usual=usual["held"].strip("'\"") if usual is not None else None,
        counted=_counted(param, text),
    )


def _named(name: str) -> tuple[str, ...]:
    """Stems of a parameter's name; `username` and `hostname` are a user's and a host's."""
    found: list[str] = []
    for word in split_name(name):
        if word.endswith("nam") and len(word) > 5:
            found.append(word[:-3])
        elif word:
            found.append(word)
    return tuple(found)


def _said(param: Field, text: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Values the parameter lists: its enum, else those its description names."""
    enum = param.enum or (param.items.enum if param.items is not None else ())
    if enum:
        return tuple((_stems(v), v) for v in enum if _stems(v))
    if not _is_text(param):
        return ()
    found: dict[str, None] = {}
    for hit in _EXAMPLES.finditer(text):
        held = hit["held"]
        quoted = _QUOTED.findall(held)
        parts = quoted or [re.sub(r"^(?:and|or)\s+", "", part.strip()) for part in re.split(r",|/|\bor\b", held)]
        found.update(dict.fromkeys(p.strip(" '\"") for p in parts if p and len(p.split()) <= 3))
    either = _EITHER.search(text) if not found else None
    if either is not None:
        found.update(dict.fromkeys(re.split(r",? or |, ", either["held"])))
    if not found:
        found.update(dict.fromkeys(_QUOTED.findall(text)))
    return tuple((_stems(v), v) for v in found if _stems(v) and v.casefold() not in ("etc", "etc.") and _plain(v))


def _plain(value: str) -> bool:
    """Words, not a formula (`x**2`), whose parts say nothing."""
    return not re.search(r"[*^=+<>|\\]", value)


_IN_STATE: Final = re.compile(r"['\"‘“][A-Z][A-Za-z. ]+, [A-Z]{2}['\"’”]")
"""An example that gives a town with its state."""


@lru_cache(maxsize=65_536)
def _stems(value: str) -> tuple[str, ...]:
    return tuple(stem(w) for w in re.findall(r"[^\W_]+(?:/[^\W_]+)?", value.casefold()))


def _is_text(param: Field) -> bool:
    held = element(param)
    return isinstance(held, Scalar) and held.name == "string"


_AREA: Final = re.compile(r"(?:the )?(?:\w+ )?(?:areas?|fields?) of (?!(?:the |a )?(?:city|town|country|map))", re.I)
"""`Area of legal expertise` is no place."""


def _traits(param: Field, names: tuple[str, ...], about: tuple[str, ...], text: str) -> frozenset[str]:
    """What kind of value a parameter takes, from its type, name and description."""
    found: set[str] = set()
    held: Type = element(param)
    spoken = {*names, *about[:6]}
    near = set(about[:4]) - ({"area", "field"} if _AREA.match(text) else set())

    def speaks(key: str, where: set[str]) -> bool:
        return any(stem(w) in where or w in where for w in words("described", key))

    own = set(names)
    spelled = {v.casefold() for v in param.enum}
    if held == BOOLEAN or (spelled & {"true", "yes"} and spelled <= {"true", "false", "yes", "no", "dontcare", "any"}):
        found.add("flag")
    if isinstance(held, ObjectOf):
        found.add("object")
    if re.search(r"\bday of the week\b|\bweekday\b", f"{param.name.replace('_', ' ')} {text}", re.I):
        found.add("weekday")
    annual = "year" in own and not own & {"date", "day"}
    dated = held in (DATE, TIMESTAMP) or param.format in ("date", "date-time") or bool(own & {"date", "day", "datetim"})
    if dated or (not annual and re.search(r"\b(?:date|yyyy)\b", text, re.I) and _is_text(param)):
        found.add("date")
    if own & {"time", "clock"} and "date" not in found and _is_text(param):
        found.add("time")
    if "languag" in own or stem("language") in own:
        found.add("language")
    counts = any(lookup(v) or lookup(v.casefold()) for v in param.enum)
    if own & {"unit"} or (own & {"scal", "measur"} and counts):
        found.add("unit")
    for trait, key in (("place", "places"), ("maker", "makers"), ("origin", "origins"), ("target", "targets")):
        if speaks(key, own):
            found.add(trait)
    if "place" not in found and "date" not in found and _is_text(param) and speaks("places", near):
        found.add("place")
    counted = own & {"year", "month", "week", "day", "night", "hour", "minut", "second", "duration", "term"}
    for trait, key in (("money", "money"), ("share", "shares")):
        if not counted and speaks(key, spoken):
            found.add(trait)
    for trait, key in (
        ("topic", "topics"),
        ("titled", "titles"),
        ("words", "contents"),
        ("to", "recipients"),
        ("venue", "venues"),
        ("kind", "kinds"),
        ("platform", "platforms"),
        ("person", "persons"),
        ("contest", "contests"),
        ("alike", "resembling"),
    ):
        if speaks(key, own):
            found.add(trait)
    if speaks("codes", own):
        found.add("code")
    if speaks("limits", own):
        found.add("limit")
    if own & {"year"} and "years" not in param.name.casefold():
        found.add("year")
    if param.entity == "location":
        found.add("place")
    return frozenset(found)


_COUNTED: Final = re.compile(r"\bin (?:square |cubic )?([a-z]+)\b|\(([a-z]+)\)", re.IGNORECASE)


def _counted(param: Field, text: str) -> tuple[str, ...]:
    """`ohm` for a number `in ohms`."""
    if not is_numeric(element(param)):
        return ()
    found = (stem((hit[1] or hit[2]).casefold()) for hit in _COUNTED.finditer(text))
    return tuple(w for w in dict.fromkeys(found) if w not in language("stop"))


def _unit(param: Field, text: str) -> Unit | None:
    """The unit a number is counted in, when its name or description says so once."""
    if not is_numeric(element(param)):
        return None
    if param.type.__class__ is Scalar and getattr(param.type, "unit", None):
        return lookup(str(getattr(param.type, "unit", "")))
    for word in reversed(re.split(r"[_\W]+", param.name)):
        if (
            len(word) > 1
            and word.casefold() not in ("min", "max", "sec", "h")
            and (known := lookup(word.casefold())) is not None
        ):
            return known
    found = {}
    for hit in _UNIT.finditer(text):
        said = (hit.group(1) or hit.group(2)).strip()
        known = lookup(said) or lookup(said.casefold())
        if known is not None and len(said) > 1:
            found[known.name] = known
    return next(iter(found.values())) if len(found) == 1 else None
