"""Cues that name a parameter: `in project CORE`, `titled X`, `the Reviews database`, `the Typeform 'Demo'`.

Knows: names of parameters and services beside a value. In: a `Filling`. Out: the same, changed.
Never: takes a value by its kind alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import synonyms, words
from eyeflow.frontend.slots.filling import Filling, is_container, is_identity, is_plain_text, is_plural
from eyeflow.frontend.values_said import enum_for
from eyeflow.frontend.vocabulary import Entry, split_name
from eyeflow.values import Field, Json, non_null

_TITLED = ("called", "named", "titled", "entitled")
_BETWEEN = ("of", "is", "named", "called", "=", ":", "to", "as", "set", "it", "them", "this", "that")
_COPIES = ("cc", "bcc", "reply_to")
_DAYS = ("due", "deadline", "since", "until", "date", "day", "start", "end")
_TITLES = ("title", "name", "subject", "summary", "headline")
_HAPPENS = ("is", "gets", "has", "fires", "alerts", "triggers", "goes", "fails", "breaks", "opens", "closes", "changes")
_CONTAINERS = ("in", "into", "on", "onto", "to", "from", "at", "under", "of", "for", "inside")


def named_params(said: Filling) -> None:
    """`in project CORE`, `titled 'X'`, `label bug`, `the Reviews database`, `the 'Webinar' sheet`."""
    for param in said.open(content=True):
        if isinstance(non_null(param.type), Json):
            continue  # `set its property tier to gold`: a word is no object with fields
        if is_identity(param) and not any(i.kind in ("key", "number", "issue", "quoted") for i in said.items):
            continue
        stems = [s for s in split_name(param.name) if s not in ("id", "name", "contain")] or list(
            split_name(param.name)
        )
        for at in range(len(said.items)):
            if said.items[at].lower in _TITLED or not _names(said, stems, at):
                continue
            end = at + len(stems)
            if said.compound & set(range(at, end)):
                continue  # `Google Calendar` says which service, not which calendar
            leads = said.items[at].lower in words("prepositions")
            stated = end < len(said.items) and said.free(end) and said.items[end].kind == "quoted"
            turned = said.items[0].lower in ("update", "set", "change", "move") and bool(said.name_run(end + 1))
            stated = stated or (turned and end < len(said.items) and said.items[end].lower == "to")
            if stated and _after(said, param, at, end):
                break  # `the monthly campaign "December"`
            if (not leads and _before(said, param, at, end)) or _after(said, param, at, end):
                break
    _titled(said)


def _names(said: Filling, stems: Sequence[str], at: int) -> bool:
    held = said.items[at : at + len(stems)]
    if len(held) < len(stems):
        return False
    return all(
        i.is_word
        and (
            i.stem == s
            or (
                len(stems) == 1
                and s in synonyms(i.stem)
                and i.stem
                not in ("text", "messag", "mail", "email", "post", "number", "tim", "when", "wher", "who", "dat")
            )
        )
        for i, s in zip(held, stems, strict=True)
    )


def _after(said: Filling, param: Field, at: int, end: int) -> bool:
    start = end
    while start < len(said.items) and said.items[start].stem in split_name(param.name):
        start = end = start + 1  # `first name`, where `first` names the parameter already
    while start < len(said.items) and said.items[start].lower in _BETWEEN:
        start += 1
    exact = all(said.items[k].stem in split_name(param.name) for k in range(at, end))
    run = said.name_run(start) or (_foreign_run(said, start) if exact and start == end else [])
    tight = start == end or all(said.items[k].lower in ("it", "them", "this", "that", "as") for k in range(end, start))
    if not run and tight and exact and said.free(start) and _bare(said, start):
        run = [start]
    if not run and said.free(start) and said.items[start].kind in ("number", "quantity", "percent"):
        run = [start]
    value = said.value_of(param, run) if run else None
    if value is None and run and said.items[run[0]].is_word and param.enum:
        value = enum_for(param, said.items[run[0]])
    if value is None:
        return False
    said.put(param, value, [*range(at, start), *run])
    return True


def _foreign_run(said: Filling, at: int) -> list[int]:
    """`in project Home`: right after the parameter's own name, a name is a value though a service is called so."""
    run: list[int] = []
    while said.free(at) and said.items[at].is_word and said.items[at].proper and at not in said.named:
        run.append(at)
        at += 1
    return run


def _bare(said: Filling, at: int) -> bool:
    """A single lower-case word right after a parameter's name, at the end of its phrase: `label bug`."""
    item = said.items[at]
    if said.entry.listing is not None and item.stem in said.entry.listing.nouns:
        return False  # `my calendar events`: what is listed, and not the calendar's name
    nxt = said.items[at + 1] if at + 1 < len(said.items) else None
    closed = nxt is None or nxt.kind in ("punct", "time") or nxt.lower in (*words("prepositions"), "and", "that")
    closed = closed or (said.entry.is_trigger and nxt is not None and nxt.lower in _HAPPENS)
    if item.lower == "know" or (at > 0 and is_plural(said.items[at - 1].lower)):
        return False  # `let our users know`
    led = any(each.lower == "with" for each in said.items[max(at - 3, 0) : at - 1])
    led = led or _participle(said.items[at - 1])
    if said.entry.is_trigger and not led and any(item.stem in phrase for phrase in said.entry.phrases):
        return False  # `a monitor alerts`: what happens, not its name
    pointed = at > 0 and said.items[at - 1].lower in ("it", "them", "this", "as")  # `tag it refund`
    if said.entry.is_trigger and item.lower in words("recovering") | set(_HAPPENS):
        return False  # `the monitor recovers`
    return item.is_word and not item.is_stop and closed and (pointed or item.lower not in words("verbs"))


def _participle(item: Item) -> bool:
    """`labelled`, `tagged`: what follows is the value, what stands before has it."""
    return item.is_word and item.lower.endswith("ed") and item.stem != item.lower


def _before(said: Filling, param: Field, at: int, end: int) -> bool:
    if _participle(said.items[at]):
        return False  # `an issue labelled bug`
    run = said.name_run(at - 1, -1) or _modifiers(said, param, at)
    if any(said.items[k].kind in ("quoted", "freetext") for k in run) and param.name in _DAYS:
        return False  # `"Call back" due tomorrow`
    if param.name in _COPIES and (not run or said.items[run[0]].kind not in ("email", "person")):
        return False  # `"Hi" cc a@x.org`: the text before is no address
    if not run or (run[0] == 0 and said.items[run[0]].is_word and not said.entry.is_trigger):
        return False
    whole = [*run, *range(at, end)] if param.name == "room" and all(said.items[k].is_word for k in run) else run
    value = said.value_of(param, whole)  # `the living room` is called so
    if value is None:
        return False
    said.put(param, value, [*run, *range(at, end)])
    return True


def _modifiers(said: Filling, param: Field, at: int) -> list[int]:
    """`the bedroom light`: plain words between an article and the noun that names a required parameter."""
    if not (param.required or said.entry.is_trigger or said.entry.reads):
        return []
    if not is_plain_text(param) or is_identity(param) or param.name in _TITLES:
        return []
    run: list[int] = []
    k = at - 1
    while said.free(k) and _describes(said, k) and k not in said.named:
        run.insert(0, k)
        k -= 1
    leads = ("the", "my", "our", "a", "an", "off", "on") if param.required or said.entry.is_trigger else ("with", "of")
    opened = said.items[k].lower in leads if k >= 0 else said.entry.is_trigger  # `when checkout monitor alerts`
    return run if opened else []


def _describes(said: Filling, at: int) -> bool:
    item = said.items[at]
    if item.lower in words("changing"):
        return False  # `the owner changes stage`
    return item.is_word and (
        not item.is_stop or (item.lower == "back" and said.items[at - 1].lower in ("the", "my", "our"))
    )


def _titled(said: Filling) -> None:
    """`called 'X'`, `titled X`, `named X`: the parameter that names the thing."""
    param = next((p for p in said.open() if p.name in _TITLES), None)
    if param is None:
        return
    for at, item in enumerate(said.items):
        if item.lower in ("called", "named", "titled", "entitled"):
            run = said.name_run(at + 1)
            opened = said.items[at + 1].lower if at + 1 < len(said.items) else ""
            if not run and opened in (*words("determiners"), "after", "like", "as", "with", "by", "using", "from"):
                return  # `titled with the event's title`: something of data
            run = run or _title_run(said, at + 1)
            value = said.value_of(param, run) if run else None
            if value is not None:
                said.put(param, value, [at, *run])
                return


def _title_run(said: Filling, at: int) -> list[int]:
    """The words of a title nobody quoted, up to where something is put (`called lunch in the Team calendar`)."""
    run: list[int] = []
    for k in range(at, len(said.items)):
        after = said.items[k + 1] if k + 1 < len(said.items) else None
        placed = after is not None and (after.is_literal or after.lower in words("determiners"))
        if run and placed and said.items[k].lower in ("in", "into", "on", "onto", "to", "under"):
            break
        if said.items[k].kind not in ("punct", "time"):
            run.append(k)
    return run


def beside_service(said: Filling) -> None:
    """`'Intake' Google Doc`, `the Typeform 'Demo request'`: a name beside the service's own names its container."""
    param = next((p for p in said.open() if is_container(p)), None)
    if param is None or not said.named:
        return
    groups = sorted(said.named)
    for at in (groups[-1] + 1, groups[0] - 1):
        run = said.name_run(at, 1 if at > groups[0] else -1)
        value = said.value_of(param, run) if run and not (run[0] == 0 and said.items[0].is_word) else None
        if value is not None and said.items[run[0]].kind not in ("email", "url", "channel", "phone", "freetext"):
            said.put(param, value, run)
            return


def _messenger(entry: Entry) -> bool:
    """A capability that sends content somewhere by a name of its own: `in Oslo` is said of the content."""
    return any(p.role == "content" and p.required for p in entry.spec.params) and "send" in entry.names


def _branch(said: Filling, at: int) -> bool:
    """`merged into main`: one unknown word at the end of its phrase, right after the preposition."""
    item = said.items[at]
    known = {w for p in said.entry.phrases for w in p} | said.entry.summary | said.entry.names | said.entry.fields
    if item.proper or at in said.named | said.foreign or said.scope.vocab.name_at([item.lower], 0) is not None:
        return False
    return _bare(said, at) and item.stem not in known and said.items[at - 1].lower in ("into", "onto", "to")


def containers(said: Filling) -> None:
    """A capitalised name after a preposition fills the first required plain text parameter."""
    for param in said.open():
        sole = said.entry.is_trigger and is_plain_text(param) and len([p for p in said.open() if is_plain_text(p)]) == 1
        coded = said.entry.reads and (param.entity or "").endswith("_project")
        if not (is_container(param) or sole or coded) or said.entry.capability_says or _messenger(said.entry):
            continue
        if param.name == "key" and not sole:
            continue  # it tells one thing apart: no name of a place is one
        for at in range(1, len(said.items)):
            run = said.name_run(at) or ([at] if sole and said.free(at) and _branch(said, at) else [])
            lead = said.items[at - 1].lower
            lead = said.items[at - 2].lower if lead in words("determiners") and at > 1 else lead
            if coded and not is_container(param) and not (len(run) == 1 and said.items[run[0]].text.isupper()):
                continue  # `the bugs in OPS`: a code, and no other name
            if run and lead in _CONTAINERS and said.items[run[0]].kind in ("word", "path", "file", "key"):
                value = said.value_of(param, run)
                if value is not None:
                    said.put(param, value, run, strong=False)
                    break
