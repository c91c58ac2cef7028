"""What is to be said, stored or handed on: the rest of an action clause becomes parameter values.

Knows: `saying ...`, `that ...`, `to do ...`, lists of fields, placeholders in quoted text. In: free items, a target
parameter, a scope. Out: a template (and the scope with the reads it needs).
Never: writes text of its own, except the separators between pieces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

import msgspec

from eyeflow.frontend import fetching, fields, nouns
from eyeflow.frontend.intent import Action, JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, phrase_at, stem, words
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.values_said import escape, fits, text_for, wrap
from eyeflow.values import Field, Json, ListOf, MapOf, ObjectOf, Scalar, Type, non_null

_REF = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")
_MOST_PARTS: Final = 40
"""Things joined by commas and `and` that are read as one value; more than that is no sentence."""
_PLACE = re.compile(
    r"\{\{\s?(?P<double>[A-Za-z][A-Za-z0-9_. ]{0,60}?)\s?\}\}|\{(?P<single>[A-Za-z][A-Za-z0-9_. ]{0,60})\}"
    r"|<(?P<angle>[A-Za-z][A-Za-z0-9_ ]{0,40})>|\[(?P<square>[A-Za-z][A-Za-z0-9_ ]{0,40})\]"
)
"""How people write a place to be filled in: `{name}`, `{{name}}`, `<name>`, `[name]`."""


CLAUSE_STARTS = (
    *("the", "their", "his", "her", "its", "our", "my", "your", "a", "an", "this", "these"),
    *("we", "they", "he", "she", "i", "you", "there", "it"),
)
"""After `that`: words that begin what is said, not what a thing is (`the customer that signed up`)."""


class Made(msgspec.Struct, frozen=True, eq=False):
    """A parameter value, the scope it leads to, and the items that stayed unexplained. `lists` names the list the
    value runs over when one item of it was meant (`each ...`)."""

    value: JsonValue
    scope: Scope
    unexplained: tuple[int, ...] = ()


def place(expr: str, scope: Scope) -> tuple[str, Scope]:
    """`{expr}` for a template; an expression that is more than a path gets an action of its own."""
    if _REF.fullmatch(expr):
        return "{" + expr + "}", scope
    known = next((a.id for a in scope.actions if a.value == expr), None)
    if known is not None:
        return "{" + known + "}", scope
    name, scope = scope.name("value")
    return "{" + name + "}", scope.act(Action(id=name, value=expr))


def literal_text(text: str, scope: Scope) -> tuple[str, Scope, tuple[str, ...]]:
    """A person's text as a template: `{first name}` becomes the field it names, every other brace stays a brace.

    The last part lists placeholders that name nothing in reach, or several things alike. `<name>` and `[name]` are
    placeholders only where one of them names a field: text may hold such marks for itself.
    """
    out: list[str] = []
    unknown: list[str] = []
    marked: list[str] = []
    at = 0
    hits = tuple(_PLACE.finditer(text))
    alone = _holds_all([next(said for said in hit.groups() if said is not None) for hit in hits], scope)
    for hit in hits:
        name = next(said for said in hit.groups() if said is not None)
        shaped = hit["single"] is not None or hit["double"] is not None
        expr = _field_named(name, alone or scope, shaped=shaped)
        if expr is None:
            (unknown if hit["single"] is not None else marked).append(hit.group(0))
            continue
        out.append(escape(text[at : hit.start()]))
        out.append("{" + expr + "}")
        at = hit.end()
    out.append(escape(text[at:]))
    return "".join(out), scope, (*unknown, *(marked if at else ()))


def _holds_all(names: Sequence[str], scope: Scope) -> Scope | None:
    """`{name} is out: {url}`: what one thing in reach has all of is its own, and not of the page made since."""
    for source in reversed(scope.sources):
        one = scope.put(sources=(source,))
        if len(names) > 1 and not isinstance(non_null(source.type), Json) and all(_field_named(n, one) for n in names):
            return one
    return None


def _field_named(name: str, scope: Scope, *, shaped: bool = True) -> str | None:
    """The field that a placeholder names; `shaped`: a body of unknown shape has every field."""
    stems = [stem(w) for w in re.split(r"[\s_.]+", name) if w]
    for source in reversed(scope.sources):
        if isinstance(non_null(source.type), Json) and source.kind in ("trigger", "item"):
            plain = re.sub(r"\W+", "_", name)  # a row or a body of unknown shape: the column called so
            return f"{source.root}.{plain}" if shaped and plain.isidentifier() else None
        held = [s for s in stems if s not in source.nouns] or stems
        hits = [h for h in fields.find(held, source.type) if len(h.used) == len(held)]
        if hits:
            alike = len(hits) > 1 and hits[1].score == hits[0].score and len(hits[1].path) == len(hits[0].path)
            return None if alike else ".".join((source.root, *hits[0].path))
    return None


def spoken(items: Sequence[Item], scope: Scope) -> tuple[str, tuple[int, ...]] | None:
    """Text said in the clause itself: `that the build is done`, `to take an umbrella`, `saying hello`; with the
    positions it takes, or None."""
    lowered = [i.lower for i in items]
    greeted = _greeting(items, lowered)
    if greeted:
        return _span_text(items[:greeted], 0, scope), tuple(range(greeted))
    for at in range(len(items)):
        length = phrase_at("say", lowered, at)
        after = items[at + length] if length and at + length < len(items) else None
        if after is not None and (after.is_word or after.kind in ("placeholder", "punct", "emoji")):
            return _span_text(items, at + length, scope), tuple(range(at, len(items)))
        if (
            lowered[at] == "that"
            and at > 0
            and (
                items[at - 1].lower in ("know", "me", "them", "him", "her", "everyone", "us")
                or items[at - 1].kind in ("channel", "person", "email", "phone")
                or items[at + 1].lower in CLAUSE_STARTS
                or _reported(items, lowered, at)
            )
            and at + 2 < len(items)
        ):
            return _span_text(items, at + 1, scope), tuple(range(at, len(items)))
        if lowered[at] == "to" and at + 1 < len(items) and is_base_verb(lowered[at + 1]) and at > 0:
            start = at + 2 if lowered[at + 1] == "say" and at + 2 < len(items) else at + 1
            start += lowered[start] == "that" and start + 1 < len(items)
            return _span_text(items, start, scope), tuple(range(at, len(items)))
        if (
            lowered[at] == "to"
            and 0 < at < len(items) - 1
            and items[at + 1].is_word
            and not items[at + 1].proper
            and (items[at - 1].lower in words("me") or items[at - 1].kind in ("punct", "channel", "person"))
            and items[at + 1].lower not in words("determiners")
            and items[at + 1].lower not in words("stop")
        ):
            return _span_text(items, at + 1, scope), tuple(range(at, len(items)))
    return None


_STATES: Final = ("is", "are", "was", "were", "has", "have", "will", "needs", "need", "should", "must", "starts", "can")


def _reported(items: Sequence[Item], lowered: Sequence[str], at: int) -> bool:
    """`let them know by email that lunch is ready`: what is said, not which of the things that were named."""
    told = items[at - 1].proper or "know" in lowered[:at]
    things = any(w in ("about", "of", "every", "each", "all", "any") for w in lowered[:at])
    return told and not things and any(w in _STATES for w in lowered[at + 2 : at + 7])


def _greeting(items: Sequence[Item], lowered: Sequence[str]) -> int:
    """`good morning everyone to #team`: how many words before the receiver are a greeting, and so what is said."""
    if not lowered or not phrase_at("greetings", lowered, 0):
        return 0
    receivers = ("channel", "email", "person", "phone")
    led = (k for k in range(1, len(items) - 1) if lowered[k] in ("to", "in", "on") and items[k + 1].kind in receivers)
    end = next(led, 0)
    return end if all(i.is_word or i.kind == "punct" for i in items[:end]) else 0


def _span_text(items: Sequence[Item], start: int, scope: Scope) -> str:
    return scope.text[items[start].span.start : items[-1].span.end].strip(" ,")


def conjuncts(items: Sequence[Item]) -> list[list[Item]]:
    """The phrases of an `and` / comma list."""
    parts: list[list[Item]] = [[]]
    for at, item in enumerate(items):
        nxt = [i.lower for i in items[at + 1 : at + 3]]
        if item.text == "," and len(nxt) == 2 and nxt[1] in ("first", "order"):
            continue  # `sorted by amount, largest first`
        if item.lower in ("and", "plus", "&") or (item.kind == "punct" and item.text in (",", "&", "+")):
            if parts[-1]:
                parts.append([])
            continue
        if item.kind != "punct":
            parts[-1].append(item)
    return _with_head([p for p in parts if p])


def _with_head(parts: list[list[Item]]) -> list[list[Item]]:
    """`the AAPL and MSFT quotes`: what is said once after the last name is said of each."""
    if len(parts) < 2 or any(not _is_name(i) for part in parts[:-1] for i in part if i.lower not in ("the", "both")):
        return parts
    last = parts[-1]
    at = next((k for k, i in enumerate(last) if not _is_name(i)), len(last))
    head = list(takewhile(lambda i: i.is_word and not i.is_stop, last[at:]))
    if not at or not head or at + len(head) != len(last):
        return parts
    return [*([*part, *head] for part in parts[:-1]), last]


def _is_name(item: Item) -> bool:
    return (item.is_word and item.proper) or item.kind == "quoted"


def compose(items: Sequence[Item], scope: Scope, want: Field) -> Made | None:
    """The phrases of `items` as one value for `want`; None when nothing of it can be read."""
    held = non_null(want.type)
    parts = conjuncts(items)
    if len(parts) > _MOST_PARTS:
        return None
    made: list[tuple[str, Type, str]] = []
    left: list[int] = []
    previous: nouns.Reading | None = None
    for said in parts:
        part = _wondering(said)
        again = same_again(part, previous, scope)
        reading = again or _best(part, scope, want)
        if reading is not None and _too_big(reading.type, held, want):
            reading = None
        if reading is None:
            left += [i.index for i in nouns.content(part)]
            continue
        left += reading.unexplained
        if not again and any(expr == reading.expr for expr, _, _ in made):
            left += [i.index for i in nouns.content(part)]  # the same once more is not what was meant
            continue
        scope = reading.scope.explain({i.index for i in part} - set(reading.unexplained))
        name = next((i.text for i in reversed(part) if i.is_word and not i.is_stop), "value")
        made.append((reading.expr, reading.type, name))
        previous = reading
    if not made or (len(made) > 1 and isinstance(held, Scalar) and want.role != "content"):
        return None
    value, scope = _assemble(made, held, want, scope)
    return Made(value, scope, tuple(left))


def _wondering(part: Sequence[Item]) -> Sequence[Item]:
    """`who`, `where` alone, in a list of what is to be told: they name a field, and are not to be passed over."""
    if len(part) != 1 or part[0].lower not in ("who", "when", "where"):
        return part
    return [msgspec.structs.replace(part[0], lower=f"{part[0].lower}?")]


def _too_big(of: Type, held: Type, want: Field) -> bool:
    """A thing with many fields cannot be one plain value; only text that is said, lists and objects can hold it."""
    return isinstance(held, Scalar) and want.role != "content" and isinstance(non_null(of), ObjectOf | MapOf | ListOf)


def _best(part: Sequence[Item], scope: Scope, want: Field) -> nouns.Reading | None:
    found = nouns.read(part, scope, want)
    return nouns.sure(found) or next((r for r in found if not r.unexplained), found[0] if found else None)


def same_again(part: Sequence[Item], previous: nouns.Reading | None, scope: Scope) -> nouns.Reading | None:
    """`the weather for Paris and London`: a lone name is the same read with another value."""
    said = nouns.content(part)
    others = _other_ones(part, previous, scope)
    if others is not None:
        return others
    if previous is None or previous.entry is None or len(said) == 0 or not all(i.proper or i.is_literal for i in said):
        return None
    if nouns.sure(nouns.read(part, scope)) is not None:
        return None
    action = next((a for a in scope.actions if previous.expr.split(".")[0] == a.id), None)
    if action is None:
        return None
    spoken = [p for p in previous.entry.spec.params if isinstance(action.params.get(p.name), str) and not p.enum]
    target = next((p for p in spoken if p.entity == "location"), None) or next((p for p in spoken if p.required), None)
    if target is None or target.role == "content":
        return None
    value = fits(target, said[0]) if len(said) == 1 and said[0].is_literal else text_for(target, said, scope.text)
    if value is None:
        return None
    params = {**action.params, target.name: value}
    from eyeflow.frontend.slots import Filled  # noqa: PLC0415 - slots does not know this module

    filled = Filled(params, frozenset(i.index for i in said), 1)
    name, _, scope, source = fetching.fetch(previous.entry, filled, scope, fetching.span_of(part))
    path = previous.expr.split(".")[1:]
    done = scope.explain({i.index for i in part})
    return nouns.Reading(".".join((name, *path)), previous.type, done, previous.score, (), source, previous.entry)


def _other_ones(part: Sequence[Item], previous: nouns.Reading | None, scope: Scope) -> nouns.Reading | None:
    """`the number of merged PRs and of open ones`: the same read, of those in another state."""
    if previous is None or previous.entry is None or not any(i.lower == "ones" for i in part):
        return None
    action = next((a for a in scope.actions if previous.expr.split(".")[0] == a.id), None)
    from eyeflow.frontend import slots  # noqa: PLC0415 - slots does not know this module

    filled = slots.fill(previous.entry, part, scope)
    rest = [i for i in nouns.content(part) if i.index not in filled.used and i.lower not in ("number", "count", "many")]
    if action is None or rest or not filled.params:
        return None
    filled = slots.Filled({**action.params, **filled.params}, filled.used, filled.strong)
    name, _, scope, source = fetching.fetch(previous.entry, filled, scope, None)
    path = previous.expr.split(".")[1:]
    done = scope.explain({i.index for i in part})
    return nouns.Reading(".".join((name, *path)), previous.type, done, previous.score, (), source, previous.entry)


def _assemble(made: Sequence[tuple[str, Type, str]], held: Type, want: Field, scope: Scope) -> tuple[JsonValue, Scope]:
    if isinstance(held, ListOf):
        return _as_list(made, scope)
    if isinstance(held, ObjectOf | MapOf) or want.type.__class__.__name__ == "Json":
        out: dict[str, JsonValue] = {}
        for expr, _, name in made:
            out[name], scope = place(expr, scope)
        return (out if len(out) > 1 or isinstance(held, ObjectOf | MapOf) else next(iter(out.values()))), scope
    texts: list[str] = []
    for expr, of, _ in made:
        text, scope = place(_readable(expr, of), scope)
        texts.append(text)
    return wrap(want, "\n".join(texts)) if want.role == "content" or len(texts) > 1 else texts[0], scope


def _readable(expr: str, of: Type) -> str:
    """An amount counted in cents is said in whole units: 1250 is 12.5."""
    inner = non_null(of)
    return f"DIV({expr}, 100)" if isinstance(inner, Scalar) and inner.unit == "cents" else expr


def _cells(expr: str, of: Type) -> list[str]:
    """`log it to the sheet`, of a thing with plain fields and no name of its own: each field is a cell."""
    held = non_null(of)
    if not isinstance(held, ObjectOf) or "." in expr or "(" in expr or fields.summary_path(of) is not None:
        return []
    plain = all(isinstance(non_null(field.type), Scalar) for field in held.fields)
    return [f"{{{expr}.{field.name}}}" for field in held.fields] if plain else []


def _as_list(made: Sequence[tuple[str, Type, str]], scope: Scope) -> tuple[JsonValue, Scope]:
    values: list[JsonValue] = []
    for expr, of, _ in made:
        text, scope = place(expr, scope)
        if len(made) == 1 and isinstance(non_null(of), ListOf):
            return text, scope
        cells = _cells(expr, of)
        if cells:
            values += cells
            continue
        values.append(text)
    return values, scope
