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
    """`said` are the items of each value it may be, `others` the rest of the words that say it."""

    said: tuple[tuple[Item, ...], ...]
    others: tuple[Item, ...]
    negated: bool = False

    @property
    def indexes(self) -> set[int]:
        return {i.index for i in (*self.others, *(i for each in self.said for i in each))}


def stated(items: Sequence[Item], used: Container[int], about: Source) -> tuple[list[str], set[int]]:
    """Conditions in words nobody explained yet, and the indexes of all words that state them."""
    named = _named_fields(about)
    exprs: list[str] = []
    taken: set[int] = set()
    open_ = False
    for at, item in enumerate(items):
        if not item.is_word or item.index in taken:
            continue
        held = named.get(item.stem)
        if held is not None:
            hit = _but(items, at, used) or _before(items, at, used) or _after(items, at, used)
        elif item.lower in _BEING:
            held, hit = named.get("type"), _is_a(items, at, used, about)
        else:
            held, hit = named.get(stem("country")), _country(items, at, used)
        made = _condition(about, held, hit) if held is not None and hit is not None else None
        if hit is None or made is None or taken & hit.indexes:
            continue
        or_ = _or_before(items, hit, taken)
        if or_ == ():
            continue  # one of two things that it may be, and the other one nobody understood
        if or_ is not None:
            made = f"OR({exprs.pop()}, {made})"
            taken |= {i.index for i in or_}
        exprs.append(made)
        taken |= hit.indexes
        open_ = _or_behind(items, hit)
    return ([], set()) if open_ else (exprs, taken)


def _or_before(items: Sequence[Item], hit: _Hit, taken: Container[int]) -> tuple[Item, ...] | None:
    """`on the pro plan or from Spain`: the words that join the second to the first; () when what it is joined to was
    not understood, None when it is joined to nothing."""
    at = min(k for k, i in enumerate(items) if i.index in hit.indexes)
    begin = at
    while begin and at - begin < _FILLS and items[begin - 1].is_word and items[begin - 1].lower in _FILLING:
        begin -= 1
    if not begin or items[begin - 1].lower != "or":
        return None
    joined = begin > 1 and items[begin - 2].index in taken
    return tuple(items[begin - 1 : at]) if joined else ()


def _or_behind(items: Sequence[Item], hit: _Hit) -> bool:
    """`or` right behind it: what it may be besides is still to be said."""
    end = max(k for k, i in enumerate(items) if i.index in hit.indexes) + 1
    return end < len(items) and items[end].lower == "or"


_FILLS: Final = 4
_FILLING: Final = frozenset({"are", "is", "come", "comes", "coming", "who", "which", "that", "they", "it"})


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


def _condition(about: Source, held: tuple[str, Field], hit: _Hit) -> str | None:
    name, field = held
    made = ""
    for said in hit.said:
        one = _equals(f"{about.root}.{name}", field, said)
        if one is None:
            return None
        made = f"OR({made}, {one})" if made else one
    return f"NOT({made})" if hit.negated else made


def _equals(target: str, field: Field, said: Sequence[Item]) -> str | None:
    text = " ".join(str(i.value) if isinstance(i.value, str) and i.kind == "quoted" else i.text for i in said)
    if field.enum:
        value = next((v for v in field.enum if v.casefold() == text.casefold()), None)
        return None if value is None else f"EQ({target}, {quote(value)})"
    if said[0].kind == "quoted":
        return f"EQ({target}, {quote(text)})"
    return f"EQ(LOWER({target}), {quote(text.casefold())})"


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
    said = [tuple(items[k:at])]
    if lead > 0 and lead == k - 1 and items[lead].lower == "or" and _value(items[lead - 1], used):
        said.insert(0, (items[lead - 1],))  # `on the pro or team plan`
        lead -= 2
        while lead >= 0 and items[lead].lower in _ARTICLES:
            lead -= 1
    if k == at or lead < 0 or items[lead].lower not in _LEADS:
        return None
    return _Hit(tuple(said), tuple(i for i in items[lead : at + 1] if not any(i in each for each in said)))


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
    said = [tuple(items[k:end])]
    others = items[lead:k]
    if end + 1 < len(items) and items[end].lower == "or" and _value(items[end + 1], used):
        said.append((items[end + 1],))
        others = (*others, items[end])
        end += 2
    closed = end >= len(items) or items[end].kind in ("punct", "time") or items[end].is_stop or items[end].index in used
    closed = closed or items[end].lower in words("happening") | words("arriving") or items[end].lower.endswith("s")
    return _Hit(tuple(said), tuple(others), negated) if closed else None


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
        return _Hit(((items[k],),), (*led, *items[at:k]), negated=True)
    return None


_BEING: Final = frozenset({"is", "isn't", "are", "aren't"})


def _is_a(items: Sequence[Item], at: int, used: Container[int], about: Source) -> _Hit | None:
    """`that isn't a bug`, `which is an incident`: of which type a thing is, where it has one."""
    if not at or items[at - 1].lower not in ("that", "which"):
        return None
    k = at + 1
    negated = items[at].lower.endswith("n't") or (items[k : k + 1] != [] and items[k].lower == "not")
    while k < len(items) and items[k].lower in ("not", "a", "an"):
        k += 1
    closed = k + 1 >= len(items) or items[k + 1].kind == "punct" or items[k + 1].is_stop
    led = k > at + 1 and items[k - 1].lower in ("a", "an")
    if not led or k >= len(items) or not closed or not _value(items[k], used) or items[k].stem in about.nouns:
        return None
    return _Hit(((items[k],),), tuple(items[at - 1 : k]), negated)


def _country(items: Sequence[Item], at: int, used: Container[int]) -> _Hit | None:
    """`from Germany or Austria`, `not from the US`: lands, where a thing says which land it is from."""
    if items[at].lower not in ("from", "in", "outside"):
        return None
    said: list[tuple[Item, ...]] = []
    others = [items[at]]
    k = at + 1
    while (land := _land(items, k, used)) is not None:
        begin, end = land
        others += items[k:begin]
        said.append(tuple(items[begin:end]))
        k = end
        if k < len(items) and items[k].lower in ("or", ",") and _land(items, k + 1, used) is not None:
            others.append(items[k])
            k += 1
        else:
            break
    if not said:
        return None
    no = at > 0 and items[at - 1].lower in words("negations")
    others += [items[at - 1]] if no else []
    return _Hit(tuple(said), tuple(others), negated=no or items[at].lower == "outside")


def _land(items: Sequence[Item], at: int, used: Container[int]) -> tuple[int, int] | None:
    """Where the name of a land begins and ends, `the` before it aside."""
    at += at < len(items) and items[at].lower in ("the", "or")
    for length in (3, 2, 1):
        said = items[at : at + length]
        if len(said) == length and all(i.is_word and i.index not in used for i in said):
            short = length == 1 and said[0].text in kept("regions", "abbreviated")
            if short or " ".join(i.lower for i in said) in kept("regions", "named"):
                return at, at + length
    return None
