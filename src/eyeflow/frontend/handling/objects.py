"""What is handled: fields and files of data in reach, values for rows, titles.

Knows: phrases and the prepositions that lead them. In: an entry, items, what is handled so far.
Out: the same with parameters filled. Never: gives a named parameter what its name does not mention.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

from eyeflow.frontend import content, fields, nouns
from eyeflow.frontend.data import words as data_words
from eyeflow.frontend.handling.state import LEADS, TITLES, Handled, free
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, synonyms, words
from eyeflow.frontend.lists import identifies
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.values_said import escape, is_code
from eyeflow.frontend.vocabulary import Entry, split_name, walk
from eyeflow.values import BOOLEAN, Field, Json, is_numeric, non_null

_Phrase: TypeAlias = tuple[Item | None, list[Item]]

_OFTEN: Final = ("attachments", "fields", "values", "title", "name", "subject", "description")
_MEDIA: Final = frozenset(stem(w) for w in ("photo", "image", "picture", "video", "audio", "avatar", "thumbnail"))
_FILES: Final = frozenset({"pdf", "file", "attachment", "image", "photo", "document", "content", "text"})


def objects(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """What the clause handles: fields for content, files, values, names; an identity is taken from what is at hand."""
    left = [i for i in free(items, state) if i is not verb]
    said = phrases(
        [i for k, i in enumerate(left) if not (i.lower in ("named", "called", "titled") and _from_data(left, k))]
    )
    for param in _targets(entry, state, left):
        best: tuple[list[Item], content.Made] | None = None
        file = param.entity == "file" or param.name == "attachments"
        for run in _joined([each for each in said if not (file and _of_it(each))]):
            if not nouns.content(run) and not _points(run):
                continue
            if param.role == "content" and not param.required and _names_other(entry, run, state):
                continue
            if not nouns.content(run) and not param.required and not entry.capability_says:
                continue  # `hold it`: the thing itself, not what is said of it
            made = content.compose(run, state.scope, param)
            if made is None or made.unexplained or not _belongs(param, run, made):
                continue
            if file and not _is_file(made, state.scope):
                continue
            if param.name in data_words("lists", "objects") and not _is_object(made):
                continue
            if best is None or len(run) > len(best[0]):
                best = (run, made)
        if best is not None:
            run, made = best
            state = msgspec.structs.replace(
                state, params={**state.params, param.name: made.value}, scope=made.scope,
                used=state.used | {i.index for i in run},
            )  # fmt: skip
            said = [(lead, [i for i in held if i.index not in state.used]) for lead, held in said]
            said = [(lead, held) for lead, held in said if held]
    return state


def amounts(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`convert the amount from X to Y`: an amount that the very name of a parameter says, of what is at hand."""
    for param in entry.spec.params:
        named = [k for k, i in enumerate(items) if i.is_word and {i.stem} == set(split_name(param.name))]
        open_ = param.required and param.name not in state.params and is_numeric(non_null(param.type))
        if not open_ or len(named) != 1 or identifies(param.name) or not state.scope.sources:
            continue
        run = items[max(0, named[0] - 1) : named[0] + 1]
        made = content.compose([i for i in run if i is not verb], state.scope, param)
        if made is not None and not made.unexplained and made.scope.actions == state.scope.actions:
            params = {**state.params, param.name: made.value}
            state = msgspec.structs.replace(state, params=params, scope=made.scope)
    return state


def named_as(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """`with the comment as the description`: what is before goes to the parameter that is named."""
    # the name of a parameter may be a word of what the capability does as well, and so be accounted for already
    said = [i for i in items if i is not verb and (i.index not in state.used or (i.is_word and not i.proper))]
    runs = _apart(phrases(said))
    for (_, run), (lead, after) in pairwise(runs):
        stems = {i.stem for i in nouns.content(after)}
        if lead is None or lead.lower != "as" or not stems:
            continue
        param = next(
            (p for p in entry.spec.params if p.name not in state.params and set(split_name(p.name)) == stems), None
        )
        made = content.compose(run, state.scope, param) if param is not None and nouns.content(run) else None
        if param is not None and made is not None and not made.unexplained:
            used = state.used | {i.index for i in (*run, *after, lead)}
            params = {**state.params, param.name: made.value}
            state = msgspec.structs.replace(state, params=params, scope=made.scope, used=used)
    return state


def _apart(runs: Sequence[_Phrase]) -> list[_Phrase]:
    """`X as title and Y as body`: what follows the first name after `as` is a phrase of its own."""
    out: list[_Phrase] = []
    for lead, run in runs:
        at = next((k for k, i in enumerate(run) if k and (i.lower == "and" or i.text == ",")), None)
        if lead is None or lead.lower != "as" or at is None:
            out.append((lead, run))
            continue
        out += [(lead, run[:at]), (None, run[at + 1 :])]
    return [(lead, run) for lead, run in out if run]


def _from_data(items: Sequence[Item], at: int) -> bool:
    return at + 1 < len(items) and items[at + 1].lower in ("after", "with", "by", "like")


def _names_other(entry: Entry, run: Sequence[Item], state: Handled) -> bool:
    """The words are the very name of another parameter that is open (`for its owner`)."""
    said = {i.stem for i in nouns.content(run)}
    others = (p for p in entry.spec.params if p.name not in state.params and p.role != "content")
    return any(said == set(split_name(p.name)) for p in others)


def _is_object(made: content.Made) -> bool:
    """Fields by their names, or all of them as they are: one column's text is neither."""
    if isinstance(made.value, dict):
        return True
    return isinstance(made.value, str) and made.value.strip("{}").rpartition(".")[2] in data_words("lists", "columns")


def _is_file(made: content.Made, scope: Scope) -> bool:
    """The value is a field that holds a file, or the content of one."""
    held = made.value[0] if isinstance(made.value, list) and made.value else made.value
    if not isinstance(held, str):
        return False
    root, *path = held.strip("{}").split(".")
    source = next((s for s in reversed(made.scope.sources) if s.root == root), None)
    if source is None:
        return False
    if not path:
        named = {word for name in (source.root, *source.nouns) for word in split_name(name)}
        return source.kind == "item" and bool(named & ({stem(w) for w in _FILES} | _FILES))
    field = next((f for p, f in walk(source.type) if list(p) == path), None)
    return field is not None and (field.entity == "file" or bool(set(split_name(field.name)) & _FILES))


def _belongs(param: Field, run: Sequence[Item], made: content.Made) -> bool:
    """A named parameter takes only what its own name, entity or a synonym of it mentions."""
    if param.role == "content" or param.entity == "file" or not isinstance(made.value, str):
        return True
    if isinstance(non_null(param.type), Json) and not nouns.content(run):
        return True  # `save both`, where anything can be held
    if param.required and param.name in ("value", "data", "content") and not nouns.content(run):
        return True  # `put it in cell B2`
    stems = set(split_name(param.name))
    said = {w for i in run if i.is_word for w in (i.stem, *synonyms(i.stem))}
    path = {w for part in made.value.strip("{}").split(".")[1:] for w in split_name(part)}
    kinds = stems & _MEDIA
    if kinds and param.entity == "url" and not kinds & (said | path):
        return False  # a link is no photo's
    if param.name in TITLES:
        stems |= {stem(w) for w in TITLES} | {"headlin", "text", "messag"}
    return bool(stems & (said | path))


def _of_it(phrase: _Phrase) -> bool:
    """`a link to it`, `the name of it`: what is sent is not the thing itself."""
    lead, run = phrase
    return lead is not None and lead.lower in ("to", "of") and not nouns.content(run)


def _points(run: Sequence[Item]) -> bool:
    return any(i.lower in ("it", "them", "this", "that", "these", "everything", "both") for i in run)


def phrases(items: Sequence[Item]) -> list[_Phrase]:
    """Runs of free items with the preposition that leads each."""
    found: list[_Phrase] = [(None, [])]
    for item in items:
        if item.is_word and item.lower in LEADS:
            found.append((item, []))
        else:
            found[-1][1].append(item)
    return [(lead, run) for lead, run in found if run]


def _joined(phrases: Sequence[_Phrase]) -> list[list[Item]]:
    """Single phrases, and neighbours taken together with what joins them (`the price of X in Y`)."""
    found: list[list[Item]] = []
    for start in range(len(phrases)):
        run: list[Item] = []
        for lead, more in phrases[start : start + 4]:
            run = [*run, *([lead] if run and lead is not None else []), *more]
            found.append(list(run))
        # `with the email and the name`: each for a parameter of its own
        parts = content.conjuncts(phrases[start][1])
        found += parts if len(parts) > 1 else []
    return found


def _targets(entry: Entry, state: Handled, left: Sequence[Item]) -> list[Field]:
    """Parameters that data may fill, content first, then files and values, then named text."""
    held = [p for p in entry.spec.params if p.name not in state.params and not p.enum]
    rank = {"content": 0}
    stems = {i.stem for i in left if i.is_word}
    chosen = [p for p in held if p.role == "content" or p.required or p.entity == "file"
              or set(split_name(p.name)) <= stems or p.name in _OFTEN]  # fmt: skip
    chosen = [p for p in chosen if p.entity not in ("slack_channel", "repo") and non_null(p.type) != BOOLEAN]
    chosen = [p for p in chosen if not is_code(p)]
    if entry.reads:
        chosen = [p for p in chosen if p.required and p.entity not in ("location",)]
    # what must be filled comes first; among those, what is said
    files = [p for p in chosen if p.entity == "file" or p.name == "attachments"]
    rest = [p for p in chosen if p not in files]
    return [*files, *sorted(rest, key=lambda p: (not p.required, rank.get(p.role or "", 1), p.name != "title"))]


def _as_the_thing(entry: Entry, param: Field, items: Sequence[Item], state: Handled) -> Handled:
    """`create a page for each opportunity`, `add it to the Ideas database`: what is made is called as the thing is."""
    source = next((s for s in reversed(state.scope.sources) if s.kind in ("trigger", "item")), None)
    path = fields.summary_path(source.type) if source is not None else None
    if (
        source is None
        or path is None
        or split_name(entry.spec.name)[0] not in _MAKING
        or source.service == entry.service.id
    ):
        return state
    left = [i for i in nouns.content(items[1:]) if i.index not in state.used and i.is_word]
    own = entry.names | entry.summary | {w for p in entry.phrases for w in p}
    if any(i.stem not in source.nouns and i.stem not in own and not i.proper for i in left):
        return state  # something else was said, though it could not be read
    text, scope = content.place(".".join((source.root, *path)), state.scope)
    scope = scope.assume(f"{entry.spec.name}.{param.name}", text, "nothing else was said to call it")
    return msgspec.structs.replace(state, params={**state.params, param.name: text}, scope=scope)


_MAKING: Final = tuple(stem(word) for word in ("create", "add", "make", "open", "new", "insert"))


def title(entry: Entry, items: Sequence[Item], state: Handled, verb: Item | None) -> Handled:
    """A title nobody stated is made of the words that say what to make."""
    param = next((p for p in entry.spec.params if p.name in TITLES and p.required and p.name not in state.params
                  and p.role != "content"), None)  # fmt: skip
    if param is None or entry.reads:
        return state
    told = content.spoken([i for i in items if i is not verb], state.scope)
    if told is not None:
        text, at = told
        body = [i for i in items if i is not verb]
        taken = frozenset(body[k].index for k in at)
    else:
        start = next((k for k, i in enumerate(items) if i is not verb), 0)
        run: list[Item] = []
        for item in items[start:]:
            if (
                item.kind in ("date", "time", "punct")
                or item.is_literal
                or item.lower in ("with", "in", "to", "and", "on")
            ):
                break
            run.append(item)
        while run and run[0].lower in words("determiners"):
            run = run[1:]
        if run and run[0].lower in words("audience"):
            return state  # `make everybody happier`: people are no title
        while run and run[-1].lower in ("due", "by", "for"):
            run = run[:-1]
        own = {entry.service.id, entry.service.title.casefold(), *entry.service.aliases}
        run = [i for i in run if i.lower not in own and i.lower not in words("me")]
        plain = [i.stem for i in run if i.is_word and not i.is_stop]
        generic = entry.names | entry.summary | {w for p in entry.phrases for w in p}
        named = any(len(h.used) == len(plain) for s in state.scope.sources for h in fields.find(plain, s.type))
        if all(i.index in state.used for i in run if i.is_word and not i.is_stop):
            known = _as_the_thing(entry, param, items, state)  # each word says something else already
            if known is not state:
                return known
        if not plain or named or (len(plain) == 1 and plain[0] in generic):
            return _as_the_thing(entry, param, items, state) if not named else state
        text = state.scope.text[run[0].span.start : run[-1].span.end]
        taken = frozenset(i.index for i in run)
    scope = state.scope.assume(f"{entry.spec.name}.{param.name}", text, "the words of your request")
    return msgspec.structs.replace(
        state, params={**state.params, param.name: escape(text)}, scope=scope, used=state.used | taken
    )
