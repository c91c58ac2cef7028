"""A state said of what happened: `when the gate opens` is an event of the gate that finds it open.

Knows: enumerated fields of a trigger's payload. In: the trigger's entry, the clause's items, the payload as a source.
Out: conditions and the items that state them. Never: adds what the trigger's own wording already implies, or what a
clause that names several states leaves open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from eyeflow.frontend import comparisons, fields
from eyeflow.frontend.data import table
from eyeflow.frontend.data import words as data_words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import same_doing, same_event, stem, words
from eyeflow.frontend.scope import Source
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import Entry, Vocabulary, split_name, walk
from eyeflow.values import BOOLEAN, STRING, Field, non_null


def stated(entry: Entry, items: Sequence[Item], source: Source) -> tuple[list[str], set[int]]:
    """Conditions that keep only events in the state the clause names, and the indexes of the words that name it."""
    exprs: list[str] = []
    used: set[int] = set()
    for path, value, item in _told(entry, items, source):
        target = ".".join((source.root, *path))
        op = "NE" if any(i.lower in words("negations") for i in items) else "EQ"
        exprs.append(f"{op}({target}, {quote(value)})")
        used.add(item.index)
    for item in items:
        if not item.is_word or not item.lower.startswith("un"):
            continue
        bare = stem(item.lower[2:])
        flags = [path for path, field in walk(source.type) if non_null(field.type) == BOOLEAN and _flag(path) == bare]
        if len(flags) == 1:
            exprs.append(f"NOT({'.'.join((source.root, *flags[0]))})")
            used.add(item.index)
    return exprs, used


def _flag(path: tuple[str, ...]) -> str:
    """`locked` of `locked`, `is_locked`."""
    said = [word for word in split_name(path[-1]) if word not in ("is", "has")]
    return said[0] if len(said) == 1 else ""


def _told(entry: Entry, items: Sequence[Item], source: Source) -> list[tuple[tuple[str, ...], str, Item]]:
    """Fields with the value a word names for them. A word that fits several fields (the state, and what it was before)
    tells of none: it is for a parameter of the trigger, or stays to be asked about."""
    found: list[tuple[tuple[str, ...], str, Item]] = []
    for path, field in walk(source.type):
        if non_null(field.type) != STRING or len(field.enum) < 2:
            continue
        said = {v: item for item in items if item.is_word and (v := _named(item, field)) is not None}
        if len(said) != 1:
            continue
        value, item = next(iter(said.items()))
        at = items.index(item)
        into = at > 0 and items[at - 1].lower in ("into", "to", "in", "status", "state", "is")
        if into or not _implied(entry, field, value):
            found.append((path, value, item))
    meant = [item.index for _, _, item in found]
    return [each for each in found if meant.count(each[2].index) == 1]


def _named(item: Item, field: Field) -> str | None:
    """The value a word names; of `open` and `opening`, the one it spells, else the plain one."""
    held = [v for v in field.enum if item.stem == stem(v.casefold()) and not item.proper]
    if not held and item.lower in words("recovering"):
        well = [v for v in field.enum if v.casefold() in words("recovered")]
        return well[0] if len(well) == 1 else None
    held = held or [
        v for v in field.enum if len(v) > 4 and _root(item.lower) == _root(v.casefold()) and not item.proper
    ]
    return next((v for v in held if v.casefold() == item.lower), min(held, key=len, default=None))


def _root(word: str) -> str:
    """`rain` of `rains`, `raining` and `rainy`."""
    return re.sub(r"(?:ing|ed|y|s)\Z", "", word)


def carries(entry: Entry, items: Sequence[Item]) -> bool:
    """The event carries a state that one of the words names."""
    fields = (f for _, f in walk(entry.result) if len(f.enum) > 1)
    return any(_named(i, f) is not None for f in fields for i in items if i.is_word and not i.is_stop)


def _implied(entry: Entry, field: Field, value: str) -> bool:
    """The trigger tells of this state only: its name says it, or its phrases never speak of another."""
    mine = stem(value.casefold())
    others = {stem(v.casefold()) for v in field.enum} - {mine}
    if mine in split_name(entry.spec.name):
        return True
    spoken = {w for phrase in entry.phrases for w in phrase}
    return all(mine in phrase for phrase in entry.phrases) and not others & spoken


NAMED_BY = ("ext", "extension", "format", "name", "filename", "path", "key")
"""Fields that tell the kind of a file."""


def file_kind(items: Sequence[Item], source: Source) -> tuple[str, int] | None:
    """`a PDF lands in ...`, `new images`: what arrives is a file, and the word says which kind; with its index."""
    held = {path[0] for path, field in walk(source.type) if len(path) == 1}
    files = any(field.entity == "file" for _, field in walk(source.type))
    field = next((name for name in NAMED_BY if name in held), None)
    at = next((k for k, i in enumerate(items[:4]) if not i.is_stop), None)
    if not files or field is None or at is None or not items[at].is_word:
        return None
    endings = endings_of(items[at].lower)
    if not endings:
        return None
    return ending_in(f"{source.root}.{field}", endings, whole=field in ("ext", "extension", "format")), items[at].index


def endings_of(word: str) -> tuple[str, ...]:
    """The endings of files that a word speaks of: `pdfs`, `image`."""
    kinds = table("literals", "file_kinds")
    for said in (word, word.removesuffix("s")):
        if said in data_words("literals", "files"):
            return (said,)
        if said in kinds:
            return kinds[said]
    return ()


def ending_in(expr: str, endings: Sequence[str], *, whole: bool) -> str:
    """The condition that a name, or the ending itself (`whole`), is one of `endings`."""
    made = [f"ENDS_WITH(LOWER({expr}), {quote(each if whole else '.' + each)})" for each in endings]
    expr = made[0]
    for each in made[1:]:
        expr = f"OR({expr}, {each})"
    return expr


_AUTHORS = ("author", "sender", "user", "owner", "creator", "poster", "from", "pusher", "reporter", "requester")
_TOPICS = ("title", "headline", "subject", "text", "message", "body", "summary", "description")


def done_by(items: Sequence[Item], used: set[int], source: Source, vocab: Vocabulary) -> tuple[list[str], set[int]]:
    """`when mona posts`, `when user mona_k posts`: one word before what happens, which the catalog does not know, is
    who does it."""
    field = next(
        (n for n in _AUTHORS for p, f in walk(source.type) if p == (n,) and f.entity in ("person", "email")), None
    )
    told = stem(split_name(source.entry.spec.name)[-1]) if source.entry is not None else ""
    if field is None and same_doing(told, stem("finish")):
        field = next((n for n in _WORKING for p, f in walk(source.type) if p == (n,) and f.entity == "person"), None)
    if field is None:
        return [], set()
    full = _full_name(items, used, source, vocab)
    if full is not None:
        return [f"EQ({source.root}.{field}, {quote(full[0])})"], full[1]
    for at, item in enumerate(items[:-1]):
        named = item.is_word and not item.is_stop and item.index not in used and item.lower not in words("happening")
        label = at > 0 and items[at - 1].lower in ("user", "account", "member", "@")
        first = at == 0 or (label and at == 1)
        thing = items[at + 1].stem in source.nouns and not items[at + 2 : at + 3]  # `important mails`
        thing = thing and not _is_done(items[at + 1], source, vocab)
        named = named and (label or (item.stem not in vocab.by_stem and not thing))
        named = named and item.lower not in words("vague") | words("judgement") | words("states")
        verb = items[at + 1]
        happens = verb.is_word and verb.lower.endswith("s") and (verb.index in used or _tells_of(verb, source))
        if named and first and happens:
            taken = {item.index} | ({items[at - 1].index} if label else set())
            return [f"EQ({source.root}.{field}, {quote(item.text)})"], taken
    return [], set()


_WORKING: Final = ("assignee", "member")
"""Who finishes what is theirs."""


def _tells_of(verb: Item, source: Source) -> bool:
    """`finishes`, of what is completed."""
    named = split_name(source.entry.spec.name) if source.entry is not None else ()
    return any(same_doing(verb.stem, word) or same_event(verb.stem, word) for word in named)


def _full_name(items: Sequence[Item], used: set[int], source: Source, vocab: Vocabulary) -> tuple[str, set[int]] | None:
    """`Ada King` of `Ada King posts`, `@ada` of `@ada posts`, before what somebody does; its words' indexes."""
    end = next((k for k, i in enumerate(items) if k and i.index in used and _is_done(i, source, vocab)), None)
    if end is None:
        return None
    held = items[:end]
    if end == 1 and held[0].kind == "person":
        said = held[0].value if isinstance(held[0].value, str) else held[0].text
        return said, {held[0].index}
    plain = all(i.is_word and not i.is_stop and i.index not in used for i in held)
    known = any(i.stem in vocab.by_stem and not i.proper for i in held)
    if not plain or known or not 2 <= end <= 3:
        return None
    return " ".join(i.text for i in held), {i.index for i in held}


def _is_done(item: Item, source: Source, vocab: Vocabulary) -> bool:
    """`tweets`, where the catalog says `when someone I follow tweets`, `when I tweet`: what somebody does."""
    own = (e for e in vocab.entries if e.is_trigger and e.service.id == source.service)
    said = (p.casefold().split() for e in own for p in e.spec.phrases)
    return any(len(p) > 1 and stem(p[-1]) == item.stem and _DOERS & set(p[:-1]) for p in said)


_DOERS: Final = frozenset({"i", "we", "someone", "somebody", "anyone", "anybody", "user"})


def by_whom(run: Sequence[Item], source: Source, vocab: Vocabulary) -> str | None:
    """`by mona`: one word the catalog does not know is who did it."""
    while run and run[-1].is_stop:
        run = run[:-1]
    while len(run) > 2 and run[0].is_stop:
        run = run[1:]
    if len(run) != 2 or run[0].lower != "by" or not run[1].is_word or run[1].stem in vocab.by_stem:
        return None
    people = {p[0] for p, f in walk(source.type) if len(p) == 1 and f.entity == "person"}
    field = next((name for name in _AUTHORS if name in people), None)
    return None if field is None or run[1].is_stop else f"EQ({source.root}.{field}, {quote(run[1].text)})"


def worded(run: Sequence[Item], source: Source) -> str | None:
    """`with the word refund in the subject`: a text that holds the words."""
    hit = comparisons.find([i.lower for i in run])
    if hit is None or hit.op not in ("CONTAINS", "NOT_CONTAINS") or any(not i.is_stop for i in run[: hit.start]):
        return None
    after = run[hit.end :]
    at = next((k for k, i in enumerate(after) if k and i.lower in ("in", "inside", "within")), None)
    if at is None:
        return None
    value, place = after[:at], [i for i in after[at + 1 :] if not i.is_stop]
    hits = fields.find([i.stem for i in place], source.type) if place else ()
    if not hits or len(hits[0].used) < len(place) or non_null(hits[0].field.type) != STRING:
        return None
    text = str(value[0].value) if value[0].kind == "quoted" else " ".join(i.text for i in value)
    made = f"CONTAINS({source.root}.{hits[0].dotted}, {quote(text)})"
    return made if hit.op == "CONTAINS" else f"NOT({made})"


def topic(run: Sequence[Item], source: Source) -> str | None:
    """`about the harbour`: the words stand in the title, or in whatever text the thing has; `mentioning "harbour"`: in
    any text it has."""
    quoted = (
        len(run) == 2
        and run[1].kind == "quoted"
        and run[0].lower in ("containing", "mentioning", "contains", "mentions")
    )
    if len(run) < 2 or not (quoted or run[0].lower in ("about", "regarding", "concerning")):
        return None
    said = [i for i in run[1:] if not i.is_stop]
    if not said or len(said) > 4 or any(not (i.is_word or i.kind == "quoted") for i in said):
        return None
    held = [n for n in _TOPICS for p, f in walk(source.type) if p == (n,) and non_null(f.type) == STRING]
    if not held:
        return None
    text = str(said[0].value) if said[0].kind == "quoted" else " ".join(i.text for i in said)
    first, *rest = (f"CONTAINS({source.root}.{field}, {quote(text)})" for field in held)
    for each in rest if quoted else ():
        first = f"OR({first}, {each})"
    return first
