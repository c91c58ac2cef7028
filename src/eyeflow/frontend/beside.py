"""A value said beside the name of its field: `on the pro plan`, `with source referral`, `from Germany`.

Knows: in which order people say a field and what it holds. In: items, those already explained, the thing they are said
of. Out: conditions of the IR and the items that state them. Never: a measure, an address, or a value that merely judges
(`on a big plan`): what is big stays to be asked about.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words as kept
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, words
from eyeflow.frontend.scope import Source
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import split_name, walk
from eyeflow.values import STRING, Field, non_null

_LEADS: Final = frozenset({"on", "in", "with", "of", "from", "for", "having", "using", "under"})
_BARE_LEADS: Final = frozenset({"with", "having", "whose", "where"})
_IS: Final = frozenset({"is", "are", "was", "were", "equals", "says", "=", "==", "equal"})
_ARTICLES: Final = frozenset({"the", "a", "an", "its", "their", "his", "her", "our"})
_ANY: Final = frozenset({"any", "a", "an", "some", "every"})
_BUT: Final = (("other", "than"), ("except", "for"), ("apart", "from"), ("but",), ("except",), ("besides",))
_NO_VALUE: Final = frozenset({
    "same", "different", "other", "another", "new", "certain", "specific", "given", "right", "wrong", "own", "empty",
    "missing", "blank", "unknown", "valid", "invalid", "current", "following", "next", "first", "last", "whole", "full",
    "set", "known", "changed", "previous", "second", "single", "particular", "available", "present", "there", "not",
})  # fmt: skip
"""Words that stand before a field's name without being what it holds."""
_LONGEST: Final = 3


class _Hit(msgspec.Struct, frozen=True, eq=False):
    """`said` are the items of the value, `others` the rest of the words that say it."""

    said: tuple[Item, ...]
    others: tuple[Item, ...]
    negated: bool = False


def stated(items: Sequence[Item], used: Container[int], about: Source) -> tuple[list[str], set[int]]:
    """Conditions in words nobody explained yet, and the indexes of all words that state them."""
    named = _named_fields(about)
    exprs: list[str] = []
    taken: set[int] = set()
    for at, item in enumerate(items):
        if not item.is_word or item.index in taken:
            continue
        held = named.get(item.stem)
        if held is not None:
            hit = _but(items, at, used) or _before(items, at, used) or _after(items, at, used)
            made = _condition(about, held, hit) if hit is not None else None
        else:
            hit = _country(items, at, used)
            made = _condition(about, named.get(stem("country")), hit) if hit is not None else None
        if hit is None or made is None or taken & {i.index for i in hit.said}:
            continue
        exprs.append(made)
        taken |= {i.index for i in (*hit.said, *hit.others)}
    return exprs, taken


def _named_fields(about: Source) -> dict[str, tuple[str, Field]]:
    """The plain texts of a thing by the stem of the one word that names them: those that tell things apart."""
    found: dict[str, tuple[str, Field]] = {}
    for path, field in walk(about.type):
        name = split_name(path[-1])
        plain = non_null(field.type) == STRING and field.entity is None and field.role in (None, "summary")
        if len(path) == 1 and plain and len(name) == 1 and path[0] not in _TEXTS:
            found[stem(path[0].casefold())] = (path[0], field)
    return found


_TEXTS: Final = frozenset({
    "id", "key", "title", "name", "subject", "body", "text", "message", "description", "summary", "content", "snippet",
    "comment", "notes", "start", "end", "date", "time", "at", "number", "value", "from", "to", "commit", "sheet",
    "table", "path", "row",
})  # fmt: skip
"""Fields that hold what a thing says, when it is or which one it is: not what kind of thing it is."""


def _condition(about: Source, held: tuple[str, Field] | None, hit: _Hit) -> str | None:
    if held is None:
        return None
    name, field = held
    target = f"{about.root}.{name}"
    said = hit.said
    text = " ".join(str(i.value) if isinstance(i.value, str) and i.kind == "quoted" else i.text for i in said)
    if field.enum:
        value = next((v for v in field.enum if v.casefold() == text.casefold()), None)
        made = None if value is None else f"EQ({target}, {quote(value)})"
    elif said[0].kind == "quoted":
        made = f"EQ({target}, {quote(text)})"
    else:
        made = f"EQ(LOWER({target}), {quote(text.casefold())})"
    return f"NOT({made})" if made is not None and hit.negated else made


def _value(item: Item, used: Container[int]) -> bool:
    """A word that may be what a field holds, and that nobody explained otherwise."""
    if item.index in used:
        return False
    if item.kind == "quoted":
        return True
    plain = item.is_word and not item.is_stop and item.lower not in _NO_VALUE
    return plain and item.lower not in words("vague") | words("negations") | words("determiners")


def _before(items: Sequence[Item], at: int, used: Container[int]) -> _Hit | None:
    """`on the pro plan`, `with High priority`."""
    k = at
    while k > 0 and at - k < _LONGEST and _value(items[k - 1], used):
        k -= 1
    lead = k - 1
    while lead >= 0 and items[lead].lower in _ARTICLES:
        lead -= 1
    if k == at or lead < 0 or items[lead].lower not in _LEADS:
        return None
    return _Hit(tuple(items[k:at]), (*items[lead:k], items[at]))


def _after(items: Sequence[Item], at: int, used: Container[int]) -> _Hit | None:
    """`whose source is referral`, `with status Review`, `with the plan set to pro`."""
    lead = at - 1
    while lead >= 0 and (items[lead].lower in _ARTICLES or items[lead].lower in ("column", "field")):
        lead -= 1
    if lead < 0 or items[lead].lower not in _BARE_LEADS:
        return None
    k = at + 1
    whose = items[lead].lower in ("whose", "where")
    while k < len(items) and (items[k].lower in _IS or items[k].lower in ("set", "to", "of", ":", "exactly")):
        k += 1
    negated = k < len(items) and items[k].lower == "not"
    k += negated
    if (whose and k == at + 1) or k >= len(items) or not _value(items[k], used):
        return None
    end = k + 1
    while end < len(items) and end - k < _LONGEST and items[end].proper and _value(items[end], used):
        end += 1  # a name of several words; of small ones, only the first is sure
    closed = end >= len(items) or items[end].kind in ("punct", "time") or items[end].is_stop or items[end].index in used
    closed = closed or items[end].lower in words("happening") | words("arriving") or items[end].lower.endswith("s")
    return _Hit(tuple(items[k:end]), (*items[lead:k],), negated) if closed else None


def _but(items: Sequence[Item], at: int, used: Container[int]) -> _Hit | None:
    """`with a plan other than Basic`, `on any branch but main`."""
    for said in _BUT:
        k = at + 1 + len(said)
        if tuple(i.lower for i in items[at + 1 : k]) != said or k >= len(items):
            continue
        k += items[k].lower in ("the", "for")
        if k >= len(items) or not _value(items[k], used):
            return None
        lead = at - 1
        while lead >= 0 and items[lead].lower in _ARTICLES | _ANY:
            lead -= 1
        led = items[max(lead, 0) : at] if lead >= 0 and items[lead].lower in _LEADS else ()
        return _Hit((items[k],), (*led, *items[at:k]), negated=True)
    return None


def _country(items: Sequence[Item], at: int, used: Container[int]) -> _Hit | None:
    """`from Germany`, `not from New Zealand`: a land, where a thing says which land it is from."""
    if items[at].lower not in ("from", "in", "outside"):
        return None
    for length in (3, 2, 1):
        said = items[at + 1 : at + 1 + length]
        if len(said) == length and all(_value(i, used) for i in said):
            name = " ".join(i.lower for i in said)
            short = length == 1 and said[0].text in kept("regions", "abbreviated")
            if name in kept("regions", "named") or short:
                no = at > 0 and items[at - 1].lower in words("negations")
                others = (items[at - 1], items[at]) if no else (items[at],)
                return _Hit(tuple(said), others, negated=no or items[at].lower == "outside")
    return None
