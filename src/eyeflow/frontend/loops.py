"""Lists: which one a phrase names, which of its items are meant, and what an item is called.

Knows: listings of results, filters in the words around them. In: items, a scope. Out: `Listed`.
Never: builds the body of a loop (that is `build`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from eyeflow.frontend import filters, nouns, states
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.data import words as data_words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, words
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.vocabulary import Entry, listing_of, walk
from eyeflow.values import Field, Json, ListOf, Type, non_null

_ROOTS = ("trigger", "input", "me", "now")
_ENDS = ("to", "with", "and", "as", "saying", "a", "an", "the")


class Listed(msgspec.Struct, frozen=True, eq=False):
    """A list (`expr`), one `item` of it as a source, the conditions an item must meet, and the scope so far."""

    expr: str
    item: Source
    where: tuple[str, ...]
    scope: Scope

    def put(self, scope: Scope) -> Listed:
        """A copy with another scope."""
        return msgspec.structs.replace(self, scope=scope)

    def explain(self, indexes: Iterable[int]) -> Listed:
        """A copy in which these items are accounted for."""
        return self.put(self.scope.explain(frozenset(indexes)))

    def named(self) -> Listed:
        """A copy whose item has a name nothing else has."""
        old = self.item.root
        name, scope = self.scope.name(old)
        where = tuple(w.replace(f"{old}.", f"{name}.") for w in self.where)
        return Listed(self.expr, msgspec.structs.replace(self.item, root=name), where, scope)


def _item(called: str, of: Type, said: frozenset[str], service: str, entry: Entry | None) -> Source:
    name = called if called.isidentifier() and called not in _ROOTS else "item"
    return Source(name, of, said | {called}, service, "item", entry)


def last_list(said: Sequence[Item], scope: Scope) -> Listed | None:
    """`open an issue for each`, `for each one older than 3 days`: the list most recently in reach."""
    for source in reversed(scope.sources):
        listing = listing_of(source.type)
        if listing is None:
            continue
        expr = ".".join(p for p in (source.root, listing.path) if p)
        called = singular(listing.path or source.root)
        item = _item(called, listing.item, listing.nouns, source.service, source.entry)
        where, scope, used = filters.modifiers(said, set(), scope, item)
        left = {i.index for i in nouns.content(said) if i.index not in used}
        return Listed(expr, item, tuple(where), scope.explain({i.index for i in said} - left))
    return None


def list_of(items: Sequence[Item], scope: Scope) -> Listed | None:
    """The list that a phrase names, with the filters said after it; None when a word of it plays no part."""
    for end in range(len(items), 0, -1):
        for reading in nouns.read(items[:end], scope)[:3]:
            held = non_null(reading.type)
            found = _filtered(items, reading, held.item) if isinstance(held, ListOf) else None
            if found is not None:
                return found
    return _rows(items, scope)


def _rows(items: Sequence[Item], scope: Scope) -> Listed | None:
    """`contact in the "Newsletter" sheet`: a row, by what it stands for."""
    at = next((k for k, i in enumerate(items) if i.lower in ("in", "from", "on", "of")), 0)
    named = [i for i in items[:at] if not i.is_stop]
    if len(named) != 1 or not named[0].is_word or named[0].lower in ("row", "rows") or at + 1 >= len(items):
        return None
    row = msgspec.structs.replace(named[0], lower="row", stem=stem("row"))
    found = list_of([row, *items[at:]], scope)
    if found is None or not isinstance(non_null(found.item.type), Json):
        return None
    called = msgspec.structs.replace(found.item, nouns=found.item.nouns | {named[0].stem})
    return msgspec.structs.replace(found, item=called).explain({named[0].index})


def _filtered(items: Sequence[Item], reading: nouns.Reading, of: Type) -> Listed | None:
    entry = reading.entry
    noun = next((i.stem for i in items if i.is_word and not i.is_stop), "item")
    listing = entry.listing if entry is not None else None
    called = singular(listing.path) if listing is not None and listing.path else noun
    said = (listing.nouns if listing is not None else frozenset[str]()) | {noun}
    service = entry.service.id if entry is not None else (reading.source.service if reading.source else "")
    item = _item(called, of, said, service, entry)
    known = {i.index for i in items if i.index in reading.scope.explained}
    where, scope, used = filters.modifiers(items, known, reading.scope, item)
    if any(i.index not in known and i.index not in used for i in nouns.content(items)):
        return None
    return Listed(reading.expr, item, tuple(where), scope)


def without(listed: Listed, said: Sequence[Item]) -> Listed | None:
    """The list less the items that `said` describes; None when that cannot be read."""
    exprs, scope, used = filters.modifiers(said, set(), listed.scope, listed.item)
    if not exprs or any(i.index not in used for i in nouns.content(said)):
        return None
    where = (*listed.where, negate(filters.all_of(exprs) or "false"))
    return Listed(listed.expr, listed.item, where, scope.explain(used))


def inside(items: Sequence[Item], scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """`each X` within an action clause: the list, and the clause without the words that name it."""
    at = next(
        (k for k, i in enumerate(items[:-1]) if k and i.lower in ("each", "every") and items[k + 1].is_word), None
    )
    if len(items) > 1 and items[-1].lower == "each" and items[-2].lower in words("prepositions") and items[0].acts:
        return _each_of_them(items, len(items) - 1, scope)  # `add a note to each`
    if at is None or not items[0].acts:
        return None
    spoken = _each_of_them(items, at, scope)
    if spoken is not None:
        return spoken
    for end in range(len(items), at + 1, -1):
        if end < len(items) and not _closes(items[end]):
            continue
        column = _column(items, at, end, scope)
        if column is not None:
            return column
        listed = _files_like(items[at + 1 : end], scope) or list_of(items[at + 1 : end], scope)
        if listed is not None:
            return listed.explain(i.index for i in items[at:end]), (*items[:at], *items[end:])
    return _people(items, at, scope)


def _each_of_them(items: Sequence[Item], at: int, scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """`each one's title`, `each of them`: the items of the list read last, with `its` or `it` in their place."""
    said = items[at + 1].lower if at + 1 < len(items) else ""
    length = _each_one(items, at)
    after = items[at + length].lower if length and at + length < len(items) else ""
    if after in data_words("lists", "choosing") and after not in ("in", "from"):
        return _some(items, at, at + length, scope)
    listed = last_list((), scope) if length else None
    if listed is None:
        return None
    word = "its" if said == "one's" else "it"
    one = msgspec.structs.replace(items[at], lower=word, stem=word)
    return listed.explain(i.index for i in items[at : at + length]), (*items[:at], one, *items[at + length :])


def _each_one(items: Sequence[Item], at: int) -> int:
    """How many words `each`, `each one('s)`, `each (one) of them` are; 0 where something else is said of each."""
    said = [i.lower for i in items[at + 1 : at + 4]]
    if not said:
        return 1
    one = said[0] in ("one", "one's")
    if said[one : one + 2] in (["of", "them"], ["of", "those"], ["of", "these"]):
        return 3 + one
    return 2 if one else 0


_CHOSEN: Final = ("ones", "those", "any", "anything", "everything")


def those(items: Sequence[Item], scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """`comment X on the ones older than a week`, `label those that are urgent`: some of the list read last."""
    if not items or not items[0].acts:
        return None
    for at in range(1, len(items) - 1):
        after = items[at + 1].lower
        if items[at].lower not in _CHOSEN or after not in data_words("lists", "choosing"):
            continue
        start = at - sum(1 for i in items[max(1, at - 2) : at] if i.lower in ("the", "all", "of", "only", "any"))
        found = _some(items, start, at + 1, scope)
        if found is not None:
            return found
    return None


def _some(items: Sequence[Item], start: int, at: int, scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """The items of the list read last that the words from `at` on choose; `it` stands for those from `start` on."""
    for end in range(len(items), at + 1, -1):
        if end < len(items) and not _closes(items[end]):
            continue
        said = items[at:end]
        said = said[1:] if said[0].lower in ("that", "which", "who", "where") else said
        listed = last_list(said, scope)
        if listed is None or not listed.where:
            continue
        if any(i.index not in listed.scope.explained for i in nouns.content(said)):
            continue
        it = msgspec.structs.replace(items[start], kind="word", lower="it", stem="it", verb=False)
        return listed.explain(i.index for i in items[start:end]), (*items[:start], it, *items[end:])
    return None


def _people(items: Sequence[Item], at: int, scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """`text each invitee`, of bookings read before: whoever each of them is about."""
    if at + 1 >= len(items) or items[at + 1].stem not in {stem(w) for w in data_words("lists", "people")}:
        return None
    listed = last_list((), scope)
    held = {f.entity for _, f in walk(listed.item.type)} if listed is not None else set()
    if listed is None or not (held & {"email", "phone", "person"} or isinstance(non_null(listed.item.type), Json)):
        return None
    called = msgspec.structs.replace(listed.item, nouns=listed.item.nouns | {items[at + 1].stem})
    it = msgspec.structs.replace(items[at], lower="the", stem="the")
    rest = (*items[:at], it, *items[at + 1 :])
    return msgspec.structs.replace(listed, item=called).explain({items[at].index, items[at + 1].index}), rest


def files_of(wanted: Sequence[Field], items: Sequence[Item], scope: Scope) -> Listed | None:
    """`save the attachment` of a thing that carries a list of them: each one."""
    if not any(p.entity == "file" for p in wanted):
        return None
    said = {i.stem for i in items if i.is_word}
    for source in reversed(scope.sources):
        for path, field in walk(source.type):
            held = non_null(field.type)
            called = singular(path[-1])
            if isinstance(held, ListOf) and source.kind != "item" and stem(called) in said:
                expr = ".".join((source.root, *path))
                return Listed(
                    expr, _item(called, held.item, frozenset({stem(called)}), source.service, None), (), scope
                )
    return None


def _files_like(said: Sequence[Item], scope: Scope) -> Listed | None:
    """`each PDF`, of files listed before: those with that ending."""
    named = [i for i in said if not i.is_stop and i.lower.removesuffix("s") not in ("file", "document")]
    endings = states.endings_of(named[0].lower) if len(named) == 1 and named[0].is_word else ()
    listed = last_list((), scope) if endings else None
    if listed is None:
        return None
    held = {path[0] for path, _ in walk(listed.item.type) if len(path) == 1}
    field = next((name for name in states.NAMED_BY if name in held), None)
    if field is None:
        return None
    where = states.ending_in(f"{listed.item.root}.{field}", endings, whole=field in states.NAMED_BY[:3])
    called = msgspec.structs.replace(listed.item, nouns=listed.item.nouns | {named[0].stem, endings[0]})
    return msgspec.structs.replace(listed, item=called, where=(*listed.where, where))


def _column(items: Sequence[Item], at: int, end: int, scope: Scope) -> tuple[Listed, tuple[Item, ...]] | None:
    """`email each person in the email column`: the rows read last, and the column as what is meant of each."""
    named = next((k for k in range(at + 1, end - 1) if items[k + 1].lower in ("column", "field")), None)
    listed = last_list((), scope) if named is not None else None
    if named is None or listed is None or not isinstance(non_null(listed.item.type), Json):
        return None
    after = named + 2
    return listed.explain(i.index for i in items[at:after]), (*items[:at], items[named], *items[after:])


def _closes(item: Item) -> bool:
    return item.kind in ("quoted", "freetext", "punct") or item.lower in _ENDS or item.lower in words("verbs")


def singular(word: str) -> str:
    """The name of one item of a list called `word`."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
