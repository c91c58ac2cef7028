"""What is said of a list: how many, the first or largest, sorted, unique, by group, one field of each.

Knows: the words of order, number and grouping (`data/lists.yaml`). In: an expression for a list, the type of an item,
the words around it. Out: `Shaped`: the expression of what is meant. Never: orders by a field that is not the only one
it can be, or leaves out items nobody spoke of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend import fields
from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.vocabulary import split_name, walk
from eyeflow.values import (
    BOOLEAN,
    DATE,
    INTEGER,
    STRING,
    TIMESTAMP,
    Field,
    ListOf,
    ObjectOf,
    Scalar,
    Type,
    is_numeric,
    non_null,
)

ONE: Final = "one"
"""What an item is called inside an expression over a list."""

RANKS: Final = ("largest", "smallest", "newest", "oldest", "order")
"""Lists of words (`data/lists.yaml`) by which one or some of a list are chosen."""

_FUNCTIONS: Final = {"total": "SUM", "sum": "SUM", "average": "AVG", "mean": "AVG", "highest": "MAX", "lowest": "MIN",
                     "largest": "MAX", "smallest": "MIN", "maximum": "MAX", "minimum": "MIN"}  # fmt: skip
_AMOUNTS: Final = ("amount", "price", "total")
_COUNTING: Final = ("number", "count", "counts", "quantity")
_DATES: Final = ("created_at", "published_at", "modified_at", "received_at", "submitted_at", "date", "updated_at",
                 "opened_at", "at", "created", "modified")  # fmt: skip
_NAMES: Final = ("name", "title", "subject", "full_name", "content", "label", "key")
_AGES: Final = ("age_days", "age_hours", "age_minutes", "age")


class Shaped(msgspec.Struct, frozen=True, eq=False):
    """`expr` of `type`, and the indexes of the words that shaped it."""

    expr: str
    type: Type
    used: frozenset[int]


class _Key(msgspec.Struct, frozen=True, eq=False):
    dotted: str
    field: Field
    used: frozenset[int]


def shaped(expr: str, item: Type, items: Sequence[Item], taken: frozenset[int], limited: Sequence[object]) -> Shaped:
    """The list `expr` as the words say. `taken` are items that play another part; `limited` are numbers the service
    was given already."""
    made = Shaped(expr, ListOf(item), frozenset())
    free = [i for i in items if i.index not in taken]
    grouped = _grouped(made, item, free)
    if grouped is not None:
        return grouped
    summed = _aggregate(made, item, free)
    if summed is not None:
        return summed
    for step in (_ranked_first, _by_name, _sorted, _first):
        done = step(made, item, free, limited)
        made = done if done is not None else made
    made = _field_of_each(made, item, free)
    made = _unique(made, free)
    return _counted(made, free)


def _then(made: Shaped, expr: str, of: Type, used: frozenset[int] | set[int]) -> Shaped:
    return Shaped(expr, of, made.used | frozenset(used))


def holding(item: Type, items: Sequence[Item], taken: frozenset[int]) -> tuple[str | None, frozenset[int]]:
    """`open doors`, `accounts that are not verified`: a yes/no field of an item that a word names, as a condition."""
    yes_no = [p for p, f in walk(item) if non_null(f.type) == BOOLEAN]
    flags = {split_name(p[-1])[0]: p for p in yes_no if len(split_name(p[-1])) == 1}
    for k, word in enumerate(items):
        if not word.is_word or word.index in taken or word.stem not in flags:
            continue
        field = f"{ONE}.{'.'.join(flags[word.stem])}"
        negating = {i.index for i in items[max(0, k - 3) : k] if i.lower in language("negations")}
        return (f"NOT({field})" if negating else field), frozenset({word.index, *negating})
    return None, frozenset()


# --- order ---------------------------------------------------------------------------------------------------------


def _ranked_first(made: Shaped, item: Type, free: Sequence[Item], limited: Sequence[object]) -> Shaped | None:
    """`the open issues, oldest first`: all of them, in that order."""
    for k in range(len(free) - 1):
        kind, length = _ranking(free, k)
        if kind in ("", "order") or k + length >= len(free) or free[k + length].lower != "first":
            continue
        if any(i.lower in words("lists", "sorting") for i in free):
            return None  # `sorted by amount, largest first`
        ordered = _ordered(made, item, free, kind, k)
        if ordered is None or ordered.expr == made.expr:
            return None
        said = {i.index for i in free[k : k + length + 1]}
        return _then(made, ordered.expr, made.type, ordered.used | said)
    return None


def _by_name(made: Shaped, item: Type, free: Sequence[Item], limited: Sequence[object]) -> Shaped | None:
    """`in alphabetical order`, `sorted alphabetically`: by the text that such a thing is called by."""
    at = next((k for k, i in enumerate(free) if i.lower in words("lists", "alphabetical")), None)
    named = next((".".join(p) for name in _NAMES for p, f in walk(item) if p == (name,) and _plain(f)), None)
    if at is None or named is None:
        return None
    around = free[max(0, at - 2) : at + 2]
    used = {i.index for i in around if i.lower in ("in", "order", "list") or i.lower in words("lists", "sorting")}
    return _then(made, f"SORT_BY({made.expr}, {ONE}, {ONE}.{named})", made.type, {free[at].index, *used})


def _sorted(made: Shaped, item: Type, free: Sequence[Item], limited: Sequence[object]) -> Shaped | None:
    """`sorted by amount`, `sort ... by amount, largest first`, `in descending order of date`."""
    at = next((k for k, i in enumerate(free) if i.lower in words("lists", "sorting")), None)
    key = _key_after(free, item, at) if at is not None else None
    if at is None or key is None:
        return None
    used = {free[at].index, *key.used}
    down = False
    for k, word in enumerate(free):
        if word.lower in words("lists", "falling") | words("lists", "rising"):
            down = word.lower in words("lists", "falling")
            used.add(word.index)
            used |= {i.index for i in free[k + 1 : k + 2] if i.lower in ("first", "order")}
    order = ', "desc"' if down else ""
    return _then(made, f"SORT_BY({made.expr}, {ONE}, {ONE}.{key.dotted}{order})", made.type, used)


def _key_after(free: Sequence[Item], item: Type, at: int) -> _Key | None:
    said = [free[k].lower for k in range(at, len(free))]
    by = next((at + said.index(word) for word in ("by", "per", "of") if word in said), None)
    return _key(free, item, by) if by is not None else None


def _key(free: Sequence[Item], item: Type, by: int) -> _Key | None:
    """The field named after `by`."""
    run: list[Item] = []
    for word in free[by + 1 : by + 4]:
        if not word.is_word or (run and word.is_stop) or word.lower in words("lists", "falling"):
            break
        if word.lower not in ("the", "their", "its", "each"):
            run.append(word)
    for end in range(len(run), 0, -1):
        hits = [h for h in fields.find([w.stem for w in run[:end]], item) if len(h.used) == end and _plain(h.field)]
        if hits:
            used = {i.index for i in free[by : by + 2] if i.is_stop or i.lower in ("by", "per")}
            used |= {free[by].index, *(w.index for w in run[:end])}
            return _Key(hits[0].dotted, hits[0].field, frozenset(used))
    dated = _dated(item) if [w.lower for w in run[:1]] == ["date"] else None
    field = next((f for p, f in walk(item) if dated is not None and ".".join(p) == dated), None)
    return _Key(dated, field, frozenset({free[by].index, run[0].index})) if dated and field else None


def _first(made: Shaped, item: Type, free: Sequence[Item], limited: Sequence[object]) -> Shaped | None:
    """`top 3`, `the three most recent`, `the biggest deal`, `the 5 largest by amount`."""
    for k in range(len(free)):
        kind, length = _ranking(free, k)
        if not kind:
            continue
        number = _beside(free, k, length)
        used = {i.index for i in free[k : k + length]} | ({number.index} if number is not None else set())
        many = number.value if number is not None else None
        rest = [i for i in free if i.index not in used]
        several = any(plural(i) for i in rest if i.is_word and not i.is_stop)
        if many is None and several:
            return None  # how many of them is not said
        ordered = _ordered(made, item, free, kind, k)
        if ordered is None:
            return None
        used |= ordered.used
        if many is None:
            return _then(made, f"FIRST({ordered.expr})", item, used)
        if many in limited and ordered.expr == made.expr:
            return _then(made, made.expr, made.type, used)
        return _then(made, f"SLICE({ordered.expr}, 0, {many})", made.type, used)
    return None


def _ranking(free: Sequence[Item], at: int) -> tuple[str, int]:
    """The kind of rank said at `at` (`order`, `largest`, `smallest`, `newest`, `oldest`), and in how many words."""
    pair = " ".join(i.lower for i in free[at : at + 2])
    for kind in RANKS:
        if pair in words("lists", kind):
            return kind, 2
        if free[at].lower in words("lists", kind):
            return kind, 1
    return "", 0


def _beside(free: Sequence[Item], at: int, length: int) -> Item | None:
    near = [free[k] for k in (at - 1, at + length) if 0 <= k < len(free)]
    return next((i for i in near if i.kind == "number" and isinstance(i.value, int)), None)


def _ordered(made: Shaped, item: Type, free: Sequence[Item], kind: str, at: int) -> Shaped | None:
    """The list in the order a rank speaks of; as it is where the service's own order is meant."""
    by = next((k for k in range(at, len(free)) if free[k].lower == "by"), None)
    key = _key(free, item, by) if by is not None else None
    if kind in ("order", "newest", "oldest") and key is None:
        dated, aged = _dated(item), next((n for n in _AGES for p, _ in walk(item) if p == (n,)), None)
        if kind == "order" or not (dated or aged):
            return None if kind == "oldest" else made
        falling = (kind == "newest") == (dated is not None)
        order = ', "desc"' if falling else ""
        return _then(made, f"SORT_BY({made.expr}, {ONE}, {ONE}.{dated or aged}{order})", made.type, set())
    size = key or _size(item)
    if size is None:
        return None
    order = "" if kind == "smallest" else ', "desc"'
    return _then(made, f"SORT_BY({made.expr}, {ONE}, {ONE}.{size.dotted}{order})", made.type, size.used)


def _dated(item: Type) -> str | None:
    held = {path[-1]: ".".join(path) for path, _ in walk(item) if len(path) == 1}
    known = next((held[name] for name in _DATES if name in held), None)
    days = [p[0] for p, f in walk(item) if len(p) == 1 and non_null(f.type) in (DATE, TIMESTAMP)]
    return known or (days[0] if len(days) == 1 else None)


def _size(item: Type) -> _Key | None:
    """The one field by which a thing is big or cheap: its only number, or its only amount of money."""
    numeric = [(p, f) for p, f in walk(item) if is_numeric(non_null(f.type)) and not identifies(p[-1])]
    money = [(p, f) for p, f in numeric if f.entity == "money" or _unit(f) == "cents" or p[-1] in _AMOUNTS]
    held = money if len(money) == 1 else numeric
    return _Key(".".join(held[0][0]), held[0][1], frozenset()) if len(held) == 1 else None


def _plain(field: Field) -> bool:
    return not isinstance(non_null(field.type), ListOf | ObjectOf)


def _unit(field: Field) -> str | None:
    inner = non_null(field.type)
    return inner.unit if isinstance(inner, Scalar) else None


def identifies(name: str) -> bool:
    """A number that tells things apart, and measures nothing."""
    return name in ("id", "number", "iid", "key", "row_number") or name.endswith(("_id", "_number"))


def plural(item: Item) -> bool:
    """A noun in the plural, by its form."""
    return item.lower.endswith("s") and not item.lower.endswith("ss") and item.stem != item.lower


# --- numbers -------------------------------------------------------------------------------------------------------


def _aggregate(made: Shaped, item: Type, free: Sequence[Item]) -> Shaped | None:
    """`the total amount of the payments`, `the average price`: a function over the one field that is meant."""
    at = next((k for k, i in enumerate(free) if i.lower in _FUNCTIONS), None)
    if at is None:
        return None
    word = free[at]
    plain = [i for i in free if i.is_word and i is not word]
    found = fields.find([i.stem for i in plain], item)
    numeric = [h for h in found if is_numeric(non_null(h.field.type)) and not identifies(h.path[-1])]
    ranks = _ranking(free, at)[0]
    if numeric:
        used = {plain[k].index for k in numeric[0].used}
        if (ranks and not any(free[at + 1 : at + 2])) or (ranks and free[at + 1].index not in used):
            return None  # `the largest deal by amount`: the deal, not its amount
        path, of = numeric[0].dotted, numeric[0].field.type
    else:
        money = [(p, f) for p, f in walk(item) if f.entity == "money"]
        if ranks or len(money) != 1:
            return None
        path, of, used = ".".join(money[0][0]), money[0][1].type, set()
    used |= {word.index} | {i.index for i in free if i.lower in ("value", "up")}
    return _then(made, f"{_FUNCTIONS[word.lower]}({made.expr}, {ONE}, {ONE}.{path})", of, used)


def _grouped(made: Shaped, item: Type, free: Sequence[Item]) -> Shaped | None:
    """`the number of issues per assignee`, `grouped by status`: each value with how many have it."""
    at = next((k for k, i in enumerate(free) if i.lower in ("per", "grouped", "group")), None)
    if at is None:
        at = next((k for k, i in enumerate(free) if i.lower == "by"), None) if _counts(free) else None
    if at is None:
        return None
    key = _key(free, item, at) if free[at].lower in ("per", "by") else _key_after(free, item, at)
    if key is None:
        return None
    used = {free[at].index, *key.used, *_counts(free)}
    group = f"GROUP_BY({made.expr}, {ONE}, {ONE}.{key.dotted})"
    lines = f'MAP({group}, group, CONCAT(group.key, ": ", COUNT(group.items)))'
    return _then(made, f'JOIN({lines}, "\\n")', STRING, used)


def summing(items: Sequence[Item]) -> bool:
    """A word of adding up or averaging is said."""
    return any(i.lower in _FUNCTIONS for i in items)


def _counts(free: Sequence[Item]) -> set[int]:
    lowered = [i.lower for i in free]
    if "many" in lowered:
        return {i.index for i in free if i.lower in ("how", "many")}
    return {i.index for i in free if i.lower in _COUNTING} if len(free) > 1 else set()


def _counted(made: Shaped, free: Sequence[Item]) -> Shaped:
    used = _counts(free)
    if not used or not isinstance(non_null(made.type), ListOf):
        return made
    return _then(made, f"COUNT({made.expr})", INTEGER, used)


# --- parts ---------------------------------------------------------------------------------------------------------


def _field_of_each(made: Shaped, item: Type, free: Sequence[Item]) -> Shaped:
    """`the titles of the issues`, `the name of each tank`: that field of every item."""
    held = non_null(made.type)
    single = made.expr.startswith("FIRST(")
    if not isinstance(held, ListOf) and not single:
        return made
    named = [i for i in free if i.index not in made.used and not i.is_stop and i.kind != "punct"]
    for k, word in enumerate(free):
        if word.index in made.used or not word.is_word or word.is_stop:
            continue
        hits = [h for h in fields.find([word.stem], item) if _plain(h.field)]
        said = [i.lower for i in free[k + 1 : k + 4]]
        of_them = (bool(said) and said[0] == "of") or "unique" in [i.lower for i in free[:k]]
        exact = bool(hits) and word.stem in split_name(hits[0].path[-1])
        of_them = of_them or (named == [word] and plural(word) and exact)  # `the titles`, of what was listed before
        if not hits or not of_them or not (single or plural(word) or "each" in said or "every" in said):
            continue
        hit = hits[0]
        used = {word.index}
        if single:
            ranked = made.expr.removeprefix("FIRST(").removesuffix(")")
            return _then(made, f"FIRST(MAP({ranked}, {ONE}, {ONE}.{hit.dotted}))", hit.field.type, used)
        return _then(made, f"MAP({made.expr}, {ONE}, {ONE}.{hit.dotted})", ListOf(hit.field.type), used)
    return made


def _unique(made: Shaped, free: Sequence[Item]) -> Shaped:
    """`the unique countries`, `... without duplicates`: the first of equal ones."""
    used = {i.index for i in free if i.lower in words("lists", "unique")}
    for k, word in enumerate(free[:-1]):
        if word.lower in ("without", "no") and free[k + 1].lower in ("duplicates", "repetitions", "repeats"):
            used |= {word.index, free[k + 1].index}
    if not used or not isinstance(non_null(made.type), ListOf):
        return made
    return _then(made, f"UNIQUE({made.expr})", made.type, used)
