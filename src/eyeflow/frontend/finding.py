"""One thing of a kind that an order works on, found among what a read lists: `play the podcast X`, `tune in to any
local station`.

Knows: which reads list what a parameter takes, how a thing is named beside its kind (`the song X by Y`, `the X
podcast`). In: the items of an action clause, a scope. Out: a `Chosen` whose parameter comes of the read; None where the
clause is something else. Never: takes plain words for a kind nobody named, or picks one of several that are `the`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

import msgspec

from eyeflow.frontend import fetching, slots
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.approvals import gerunds
from eyeflow.frontend.data import words
from eyeflow.frontend.filters import all_of
from eyeflow.frontend.intent import Action
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import same_doing, stem
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.lists import ONE, plural, shaped
from eyeflow.frontend.nouns import content
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import PARTICLES, Entry, split_name, walk
from eyeflow.values import STRING, Field, ListOf, ObjectOf, Span, Type, non_null

_SCORE: Final = 6.0
_PLAIN: Final = frozenset({"get", "list", "read", "search", "find", "all"})
_SOUGHT: Final = ("query", "q", "search", "term", "keyword", "keywords")
_MAKERS: Final = ("artist", "artists", "author", "authors", "creator", "maker", "composer", "writer")
_CALLED: Final = ("called", "named", "titled", "entitled")
_ANY: Final = ("a", "an", "any", "some")
_RELATING: Final = language("prepositions") | {"that", "which", "whose", "where", "who"}
_OPEN: Final = frozenset(("something", "anything", "everything", "it", "them", "this", "that", "more", "all", "me"))


class Taker(msgspec.Struct, frozen=True, eq=False):
    """A write, its parameter that takes a thing by name, the reads that list such things, the plainest of them, and
    the field of an item that the parameter takes."""

    entry: Entry
    param: Field
    lists: tuple[Entry, ...]
    plain: Entry | None
    field: str


class _Named(msgspec.Struct, frozen=True, eq=False):
    """What the object says: the read that lists its kind, its name and maker, words of order; `worth`: how much of it
    names the kind."""

    read: Entry
    name: tuple[Item, ...]
    maker: tuple[Item, ...]
    ahead: tuple[Item, ...]
    used: frozenset[int]
    worth: int = 0


def read(items: Sequence[Item], scope: Scope) -> tuple[Chosen, ...]:
    """The order as a search and what is done with the first it finds."""
    held = _plainly([i for i in items if i.kind != "time"])
    if len(held) < 2 or not held[0].is_word:
        return ()
    known = [t for t in takers(scope.vocab.entries) if _asked(t, held)]
    if not known or _said_so(held, known, scope):
        return ()
    found = [(said, taker) for taker in known if (said := _named(taker, held)) is not None]
    if not found:
        return ()
    said, taker = max(found, key=lambda f: f[0].worth)
    spare = frozenset(i.index for i in items if i.index not in {h.index for h in held})
    chosen = _chosen(taker, said, held, scope)
    if chosen is None:
        return ()
    return (msgspec.structs.replace(chosen, scope=chosen.scope.explain(spare)),)


def _plainly(items: Sequence[Item]) -> list[Item]:
    """`start playing X`, `play me X`: play X."""
    held = list(items)
    if len(held) > 2 and held[0].lower in ("start", "begin") and held[1].lower.endswith("ing"):
        verb = gerunds().get(held[1].lower, held[1].stem)
        held = [msgspec.structs.replace(held[1], lower=verb, stem=stem(verb)), *held[2:]]
    return [*held[:1], *held[2:]] if len(held) > 2 and held[1].lower in language("me") else held


def _said_so(items: Sequence[Item], known: Sequence[Taker], scope: Scope) -> bool:
    """`play the last song`, where that is how something else is asked for: its words and no more."""
    said = _stems(items)
    entries = (scope.vocab.entries[k] for k in scope.vocab.by_verb.get(items[0].stem, ()))
    others = (e for e in entries if e.capability_writes and all(e is not t.entry for t in known))
    return any(said in e.phrases for e in others)


def _stems(items: Sequence[Item]) -> tuple[str, ...]:
    return tuple(i.stem for i in items if i.is_word and (not i.is_stop or i.lower in PARTICLES))


# --- what takes what -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def takers(entries: tuple[Entry, ...]) -> tuple[Taker, ...]:
    """Writes that take one of what a read lists, by the name of the list or of the thing's own name."""
    listing = [e for e in entries if e.reads and not e.is_trigger and _item(e) is not None]
    found = []
    for entry in entries:
        if not entry.capability_writes or split_name(entry.spec.name)[0] in _making():
            continue
        wanted = [p for p in entry.spec.params if p.required]
        if len(wanted) != 1 or non_null(wanted[0].type) != STRING or wanted[0].enum or wanted[0].role == "content":
            continue
        taker = _by_list(entry, wanted[0], listing) or _by_name(entry, wanted[0], listing)
        if taker is not None:
            found.append(taker)
    return tuple(found)


def _by_list(entry: Entry, param: Field, listing: Sequence[Entry]) -> Taker | None:
    """`playable`, where a read is called so: what it lists, and what its service lists of the same shape."""
    root = [e for e in listing if split_name(e.spec.name) == split_name(param.name)]
    if len(root) != 1:
        return None
    shape = {f.name for _, f in walk(_item(root[0]) or STRING)}
    field = _title(_item(root[0]))
    alike = [e for e in listing if e.service.id == root[0].service.id]
    held = tuple(e for e in alike if shape <= {f.name for _, f in walk(_item(e) or STRING)})
    return Taker(entry, param, held, root[0], field) if field is not None else None


def _by_name(entry: Entry, param: Field, listing: Sequence[Entry]) -> Taker | None:
    """The parameter is called as the name of what its own service lists."""
    held = tuple(e for e in listing if e.service.id == entry.service.id and _title(_item(e)) == param.name)
    if not held:
        return None
    called = {e.key: frozenset(w for w in split_name(e.spec.name) if w not in _PLAIN) for e in held}
    plain = [e for e in held if all(called[e.key] <= other for other in called.values())]
    return Taker(entry, param, held, plain[0] if len(plain) == 1 else None, param.name)


def _item(entry: Entry) -> Type | None:
    """The type of what a read lists, where it is the list itself."""
    held = non_null(entry.result)
    item = non_null(held.item) if isinstance(held, ListOf) else None
    return item if isinstance(item, ObjectOf) else None


def _title(item: Type | None) -> str | None:
    """The field by which a thing is named."""
    for path, field in walk(item) if item is not None else ():
        if field.role == "summary" and len(path) == 1 and non_null(field.type) == STRING:
            return field.name
    return None


def named(best: Chosen, items: Sequence[Item], scope: Scope) -> Chosen:
    """A reading without a value that only says of what kind a thing is: `water the driest plant` names none."""
    taker = next((t for t in takers(scope.vocab.entries) if t.entry is best.entry), None)
    value = best.action.params.get(taker.param.name) if taker is not None else None
    if taker is None or not isinstance(value, str) or "{" in value:
        return best
    said = value.casefold().split()
    if not any(_kind_of(taker, i) and i.lower in said for i in items):
        return best
    params = {name: each for name, each in best.action.params.items() if name != taker.param.name}
    action = msgspec.structs.replace(best.action, params=params)
    return msgspec.structs.replace(best, action=action, open=(*best.open, taker.param))


# --- what is said --------------------------------------------------------------------------------------------------


@cache
def _making() -> frozenset[str]:
    """Stems of verbs that bring forth something new: `add the task X` takes none of the tasks there are."""
    return frozenset(stem(verb) for verb in words("lists", "brought_forth"))


def _asked(taker: Taker, items: Sequence[Item]) -> bool:
    if items[0].stem in _making():
        return False
    firsts = {p[0] for p in taker.entry.phrases} | {split_name(taker.entry.spec.name)[-1]}
    return any(items[0].stem == first or same_doing(items[0].stem, first) for first in firsts)


def _named(taker: Taker, items: Sequence[Item]) -> _Named | None:
    start = 1
    while start < len(items) and (items[start].lower in ("to", "on", "in", "up") and not items[start].proper):
        start += 1
    items = _maker_last(taker, items, start)
    end, maker = _maker(items, start)
    found = [(_worth(items[start + at : start + at + length]), entry, start + at, length)
             for entry in taker.lists for at, length in _kinds(entry, taker, items[start:end])]  # fmt: skip
    if not found:
        return _by_name_only(taker, items, start, end, maker)
    worth, entry, at, length = max(found, key=lambda f: f[0])
    said = _Said(entry, items[start:at], items[at : at + length], items[at + length : end], maker)
    named = _after(taker, said, items) if said.after else _before(taker, said, items)
    return None if named is None else msgspec.structs.replace(named, worth=worth)


class _Said(msgspec.Struct, frozen=True, eq=False):
    """The object around the words for its kind."""

    entry: Entry
    ahead: Sequence[Item]
    kind: Sequence[Item]
    after: Sequence[Item]
    maker: tuple[tuple[Item, ...], tuple[Item, ...]]

    @property
    def lead(self) -> list[Item]:
        """What stands before the kind, without articles."""
        return [i for i in self.ahead if not (i.lower in language("determiners") or i.lower in _ANY)]

    @property
    def ranked(self) -> tuple[Item, ...]:
        """Words of order before the kind."""
        return tuple(i for i in self.lead if _ranks(i))

    @property
    def used(self) -> frozenset[int]:
        """Indexes of all of it."""
        return frozenset(i.index for i in (*self.ahead, *self.kind, *self.after, *self.maker[0]))


def _worth(kind: Sequence[Item]) -> int:
    return 1 + sum(not i.is_stop for i in kind) * 10 + len(kind)


def _after(taker: Taker, said: _Said, items: Sequence[Item]) -> _Named | None:
    """`the podcast X`: the name after the kind."""
    after = list(said.after)
    while after and after[0].lower in _CALLED:
        after = after[1:]
    if not after or list(said.ranked) != said.lead or _vague(after) or _several(taker, said.kind, after):
        return None  # a name on both sides, or none
    if after[0].lower == "about" and not after[0].proper and _sought(said.entry) is not None:
        after = after[1:]  # `a book about bees`: what is looked for
    if not after or (after[0].lower in _RELATING and not after[0].text[:1].isupper()):
        return None  # `the plant in the corner`: said of where it is
    return _Named(said.entry, tuple(after), said.maker[1], said.ranked, said.used)


def _several(taker: Taker, kind: Sequence[Item], after: Sequence[Item]) -> bool:
    """`the songs X and Y`, `the book X and the book Y`: more than one thing."""
    joined = [k for k, i in enumerate(after) if i.lower in ("and", "or", ",", "&")]
    if plural(kind[-1]) and joined:
        return True
    for k in joined:
        led = k + 2 if k + 1 < len(after) and after[k + 1].lower in language("determiners") else k + 1
        if led < len(after) and _kind_of(taker, after[led]):
            return True
    return False


def _kind_of(taker: Taker, item: Item) -> bool:
    """The word, written small, names the kind of what is taken."""
    kinds = {stem(phrase.split()[-1].casefold()) for entry in taker.lists for phrase in entry.capability.phrases}
    kinds |= {split_name(entry.spec.name)[-1] for entry in taker.lists}
    return item.is_word and not item.text[:1].isupper() and item.stem in kinds


def _sought(entry: Entry) -> Field | None:
    """The parameter of a read that takes what to look for."""
    return next((p for p in entry.capability.params if p.name in _SOUGHT), None)


def _before(taker: Taker, said: _Said, items: Sequence[Item]) -> _Named | None:
    """`the X podcast`, or the kind alone where any of them will do, or one is said by its place in order."""
    if list(said.ranked) != said.lead:
        if not any(i.proper or (i.is_literal and i.kind != "number") for i in said.lead):
            return None  # `relaxing music`: said of what it is like; `two songs`: of how many
        whole = said.kind[-1].proper and taker.plain is not None
        entry = taker.plain if whole and taker.plain is not None else said.entry
        kept = said.ahead if said.ahead[0].text[:1].isupper() else said.lead
        return _Named(entry, tuple([*kept, *said.kind] if whole else kept), said.maker[1], (), said.used)
    choice = any(i.lower in _ANY for i in said.ahead) or bool(said.ranked)
    special = len(said.kind) > 1 and said.entry is not taker.plain and not said.maker[1]
    asked = _stems(items) in taker.entry.phrases
    if plural(said.kind[-1]) or not (choice or special or asked):
        return None
    return _Named(said.entry, (), said.maker[1], said.ranked, said.used)


def _maker_last(taker: Taker, items: Sequence[Item], start: int) -> Sequence[Item]:
    """`hear from Ann Lee song Rain`: the song Rain from Ann Lee."""
    if start >= len(items) or items[start].lower not in ("from", "by"):
        return items
    for at in range(start + 2, len(items) - 1):
        if any((0, length) in _kinds(e, taker, items[at:]) for e in taker.lists for length in (1, 2)):
            return [*items[:start], *items[at:], *items[start:at]]
    return items


def _by_name_only(
    taker: Taker, items: Sequence[Item], start: int, end: int, maker: tuple[tuple[Item, ...], tuple[Item, ...]]
) -> _Named | None:
    """`play Golden Hour`: a name without a kind, written as one."""
    said = tuple(items[start:end])
    while len(said) > 1 and said[0].lower in language("determiners") and not said[0].text[:1].isupper():
        said = said[1:]
    if taker.plain is None or not said or _vague(said):
        return None
    telling = [i for i in said if not i.is_stop and i.kind != "punct"]
    quoted = len(said) == 1 and said[0].kind == "quoted"
    written = bool(telling) and all(i.text[:1].isupper() or i.text.isdigit() for i in telling)
    if not (quoted or written or maker[1]):
        return None
    used = frozenset(i.index for i in (*items[start:end], *maker[0]))
    return _Named(taker.plain, said, maker[1], (), used)


def _vague(said: Sequence[Item]) -> bool:
    loose = language("pronouns") | language("me") | _OPEN
    first = said[0]
    if first.is_literal:
        return len(said) == 1 and first.kind not in ("quoted", "freetext")  # `track 3`
    return first.lower in loose and not first.text[:1].isupper()


def _ranks(item: Item) -> bool:
    return any(item.lower in words("lists", kind) for kind in ("newest", "oldest", "order"))


def _kinds(entry: Entry, taker: Taker, items: Sequence[Item]) -> list[tuple[int, int]]:
    """Where words for what `entry` lists stand: at the head or the end of the object."""
    stems = [i.stem for i in items]
    found = []
    own = entry.service
    names = {tuple(stem(w) for w in name.casefold().split()) for name in (own.title, own.id, *own.aliases)}
    spoken = {tuple(stem(w) for w in phrase.casefold().split()) for phrase in entry.capability.phrases}
    if entry is taker.plain:
        spoken |= names | {phrase[1:] for phrase in spoken if len(phrase) == 2 and phrase[:1] in names}
    for phrase in spoken:
        for at in range(len(stems) - len(phrase) + 1):
            if tuple(stems[at : at + len(phrase)]) != phrase:
                continue
            alone = items[at].kind == "word" and not (len(phrase) == 1 and items[at].proper and at)
            last = at + len(phrase) == len(stems)
            led = all(i.lower in (*language("determiners"), *_ANY) or _ranks(i) for i in items[:at])
            if last or (led and alone):
                found.append((at, len(phrase)))
    return sorted(found)


def _maker(items: Sequence[Item], start: int) -> tuple[int, tuple[tuple[Item, ...], tuple[Item, ...]]]:
    """Where `by X`, `from X` at the end begins, its items, and the items of the name."""
    for at in range(len(items) - 2, start, -1):
        if items[at].lower not in ("by", "from") or items[at].proper:
            continue
        name = tuple(items[at + 1 :])
        named = all(i.is_word for i in name) and not name[0].is_stop and _written(name)
        if named:
            return at, (tuple(items[at:]), name)
    return len(items), ((), ())


def _written(name: Sequence[Item]) -> bool:
    """Small letters throughout, or capitals but for small words: `Ann Lee twice` is no name."""
    telling = [i.text[:1].isupper() for i in name if not i.is_stop]
    return all(telling) or not any(telling)


# --- what is made of it --------------------------------------------------------------------------------------------


def _chosen(taker: Taker, said: _Named, items: Sequence[Item], scope: Scope) -> Chosen | None:
    item = _item(said.read)
    where: list[str] = []
    params = {}
    sought = _sought(said.read)
    if said.name:
        if sought is not None:
            params[sought.name] = _text(said.name, scope)
        else:
            where.append(f"CONTAINS(LOWER({ONE}.{taker.field}), {quote(_text(said.name, scope).casefold())})")
    if said.maker:
        made_by = _made_by(item, said.maker, scope)
        if made_by is None:
            return None
        where.append(made_by)
    filled = slots.Filled(params, frozenset(), 0)
    root, _, after, _ = fetching.fetch(said.read, filled, scope, Span(items[0].span.start, items[-1].span.end))
    made = _in_order(f"FILTER({root}, {ONE}, {all_of(where)})" if where else root, item or STRING, said, items)
    if made is None:
        return None
    name, after = after.name(_called(said.read))
    span = Span(items[0].span.start, items[-1].span.end)
    after = after.act(Action(id=name, value=f"FIRST({made})", span=span))
    source = Source(name, item or STRING, fetching.result_words(said.read), said.read.service.id, "result", said.read)
    after = after.see(source)
    action_id, after = after.name(taker.entry.spec.name)
    action = Action(
        id=action_id, service=taker.entry.service.id, function=taker.entry.spec.name,
        params={taker.param.name: "{" + f"{name}.{taker.field}" + "}"}, when=f"NOT(IS_NULL({name}))", span=span,
    )  # fmt: skip
    used = said.used | {items[0].index}
    left = tuple(i.index for i in content(items) if i.index not in used)
    return Chosen(taker.entry, action, after.explain(used), _SCORE, (), left, (), 0, fits=True)


def _in_order(made: str, item: Type, said: _Named, items: Sequence[Item]) -> str | None:
    """The list as words of order before the kind say; None for an order that nothing of such a thing tells."""
    if not said.ahead:
        return made
    ahead = [msgspec.structs.replace(i, lower="latest") if i.lower == "last" else i for i in said.ahead]
    ordered = shaped(made, item, [*ahead, *_kind_words(said, items)], frozenset(), ()).expr
    if not ordered.startswith("FIRST("):
        return None
    unsure = ("best",) if _sought(said.read) is not None else ("best", "last")
    if "SORT_BY(" not in ordered and any(i.lower in unsure for i in said.ahead):
        return None  # by what it is the best, is not said; the last of a plain list is not its first
    return ordered.removeprefix("FIRST(").removesuffix(")")


def _kind_words(said: _Named, items: Sequence[Item]) -> list[Item]:
    return [i for i in items if i.index in said.used and i not in said.ahead and i not in said.name][-1:]


def _text(said: Sequence[Item], scope: Scope) -> str:
    if len(said) == 1 and isinstance(said[0].value, str):
        return said[0].value
    return scope.text[said[0].span.start : said[-1].span.end]


def _made_by(item: Type | None, maker: Sequence[Item], scope: Scope) -> str | None:
    for _, field in walk(item) if item is not None else ():
        if field.name not in _MAKERS:
            continue
        held = non_null(field.type)
        wanted = quote(_text(maker, scope).casefold())
        if isinstance(held, ListOf) and non_null(held.item) == STRING:
            return f"GT(COUNT({ONE}.{field.name}, maker, CONTAINS(LOWER(maker), {wanted})), 0)"
        if held == STRING:
            return f"CONTAINS(LOWER({ONE}.{field.name}), {wanted})"
    return None


def _called(entry: Entry) -> str:
    return "found_" + "_".join(w for w in entry.spec.name.split("_") if w not in ("get", "list", "search", "find"))
