"""A read-back read again: the regular English of `tasks.py` as the intent it was said of.

Knows: the lines that `read_back` writes for calls, choices, loops, waits and approvals. In: a text and the context.
Out: `Intent`, or None when a line is of another form: then the text is read as anybody's English.
Never: returns an intent that would not be described by the very words it was read from.

Supported are all triggers the front end makes; calls with constants, fields of what is in reach, and texts with such
places; conditions over these; what comes after what, rates, retries, and what is done when a call fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import (
    NEXT_DAY_AT,
    Action,
    Approval,
    Branch,
    EventTrigger,
    Fallback,
    ForEach,
    Intent,
    ManualTrigger,
    OnceTrigger,
    Retry,
    ScheduleTrigger,
    Trigger,
    Wait,
    WebhookTrigger,
)
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.readback.naming import Claims, root_word
from eyeflow.frontend.readback.sayings import (
    Named,
    UnreadError,
    conditions_of,
    in_quotes,
    names_of,
    params_of,
    quoted_text,
    value_of,
    worked_out,
)
from eyeflow.frontend.readback.steps import capability_words
from eyeflow.frontend.readback.tasks import read_back
from eyeflow.frontend.resolve import resolve
from eyeflow.frontend.timegrammar import find_times, to_trigger
from eyeflow.frontend.vocabulary import Entry
from eyeflow.ir.check import check
from eyeflow.recurrence import Recurrence, describe
from eyeflow.values import JSON, STRING, Field, ListOf, ObjectOf, Type, non_null

_FORM: Final = re.compile(r"\A[^\n]+:\n  \S")
_TAIL: Final = ("It gives up after ", "A run ends at the latest ", "A time that ")
_EVENT: Final = re.compile(r"When (?P<what>.+?) \((?P<title>[^()]+?)(?:, (?P<params>.*?))?\)(?:, if (?P<where>.+))?")
_HOOK: Final = re.compile(
    r"When (?P<path>/\S*) receives a (?P<method>\w+) request(?: with (?P<fields>[\w, ]+?))?(?:, if (?P<where>.+))?"
)
_ONCE: Final = re.compile(r"Once, at (\d{4}-\d\d-\d\d) (\d\d:\d\d(?::\d\d)?) \(([\w/+-]+)\)")
_AFTER: Final = re.compile(r" \(after ([^()“”]*)\)\Z")
_RATE: Final = re.compile(r", at most (\d+) in 1 (second|minute|hour|day)\Z")
_TRIES: Final = re.compile(
    r", trying up to (\d+) times(?:, (?:(?P<fixed>\d+) (?P<unit>\w+?)s? apart"
    r"|first (?P<first>\d+) (?P<of>\w+?)s? apart, then 2 times longer each time))?\Z"
)
_EACH: Final = re.compile(
    r"for each (?P<item>[\w ]+?) of (?P<list>.+?)(?: where (?P<where>.+))?, one at a time"
    r"(?:, at most [\d,]+)?(?:, called (?P<called>[\w ]+))?:"
)
_APPROVE: Final = re.compile(
    r"ask (?:the|an?) (\w+) to approve(?:, within (\d+ \w+))?(?:, called ([\w ]+))?: ([“\"].*)", re.DOTALL
)
_CHOICE: Final = re.compile(r"do the first of these that applies(?:, called ([\w ]+))?")
_WAIT: Final = re.compile(r"wait (?:(\d+ \w+)|until (\d\d:\d\d) the next day)(?:, called ([\w ]+))?")
_WORK_OUT: Final = re.compile(r"work out (.+), called ([\w ]+)")
_CALLED: Final = re.compile(r", called ([\w ]*\w)")
_FAILS: Final = re.compile(r"if that fails(?:, for at most \d+ \w+)?(?P<stop> and then stop)?:")
_VALUE: Final = re.compile(r"if that fails, use (?P<value>.+?) instead(?P<stop> and then stop)?", re.DOTALL)
_MS: Final = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_WINDOWS: Final = {"second": "s", "minute": "min", "hour": "h", "day": "d"}


def read_again(text: str, ctx: CompileContext) -> Intent | None:
    """The intent of a read-back, or of several with an empty line between them; None when `text` is none, or one of
    more than is supported.

    What is returned is described by the very words of `text`: its program was made and read back.
    """
    if _FORM.match(text) is None:
        return None
    try:
        told = _parts(_lines(text))
        made = [_one(lines, ctx) for lines in told]
    except UnreadError:
        return None
    first, *rest = (Intent(text=text, outcome="program", trigger=t, actions=a, confidence=1.0) for t, a in made)
    whole = msgspec.structs.replace(first, also=tuple(rest))
    same = all(_says(part, lines, ctx) for part, lines in zip((first, *rest), told, strict=True))
    return whole if same else None


def _lines(text: str) -> Iterator[str]:
    """The lines of a read-back; a quoted text with line ends in it stays in one."""
    held: list[str] = []
    for line in text.strip("\n").split("\n"):
        held.append(line)
        whole = "\n".join(held)
        quotes = in_quotes(whole)
        if not quotes or quotes[-1][1] <= len(whole):
            yield whole.rstrip()
            held = []
    if held:
        raise UnreadError


def _parts(lines: Iterable[str]) -> list[list[str]]:
    """The lines of each program; an empty line stands between two."""
    told: list[list[str]] = [[]]
    gap = False
    for line in lines:
        if gap and line and not line.startswith(" "):
            told.append([])
        gap = not line
        if line:
            told[-1].append(line)
    return told


def _one(lines: Sequence[str], ctx: CompileContext) -> tuple[Trigger, tuple[Action, ...]]:
    head, *rest = lines
    steps = [line for line in rest if not line.startswith(_TAIL)]
    if not head.endswith(":") or any(not line.startswith("  ") for line in steps):
        raise UnreadError
    reader = _Reader(ctx, "\n".join(lines))
    trigger = reader.trigger(head.removesuffix(":"))
    return trigger, reader.block([line[2:] for line in steps])


def _says(intent: Intent, lines: Sequence[str], ctx: CompileContext) -> bool:
    """Whether the program of `intent` is described by these lines; limits are compared where they are stated."""
    task, _ = resolve(intent, ctx)
    if task is None:
        return False
    checked, report = check(task, ctx)
    if checked is None or not report.ok:
        return False
    said = read_back(checked, ctx, runs=0)
    limits = tuple(each for each in said.limits if each in lines)
    return "\n".join(lines) == msgspec.structs.replace(said, limits=limits).text()


class _Reader:
    """What is in reach while lines are read: things by what they are called, and the names that are taken."""

    def __init__(self, ctx: CompileContext, whole: str) -> None:
        self.ctx = ctx
        self.whole = whole
        self.names: dict[str, Named] = {}
        self.steps: dict[str, str] = {}
        self.said = {name.replace(" ", "_") for name in _CALLED.findall(whole)}
        self.ids: set[str] = set()
        self.claims = Claims()
        self.calls: dict[str, Entry] = {}
        for entry in vocabulary(ctx.catalog).entries:
            if not entry.is_trigger:
                self.calls.setdefault(capability_words(entry.capability, entry.service.title), entry)

    # --- what starts it

    def trigger(self, head: str) -> Trigger:
        if head == "When somebody runs it":
            return ManualTrigger()
        once = _ONCE.fullmatch(head)
        if once is not None:
            return OnceTrigger(at=f"{once[1]}T{once[2]}", timezone=once[3])
        hook = _HOOK.fullmatch(head)
        if hook is not None:
            return self._hook(hook)
        event = _EVENT.fullmatch(head)
        return self._event(event) if event is not None else self._schedule(head)

    def _hook(self, said: re.Match[str]) -> WebhookTrigger:
        fields = [name.strip() for name in (said["fields"] or "").split(",") if name.strip()]
        payload = ObjectOf(tuple(Field(name, STRING) for name in fields)) if fields else JSON
        self._triggered("request", payload)
        where = conditions_of(said["where"], self.names) if said["where"] else None
        return WebhookTrigger(
            path=said["path"], method=said["method"], fields=dict.fromkeys(fields, "string"), where=where
        )

    def _event(self, said: re.Match[str]) -> EventTrigger:
        for entry in vocabulary(self.ctx.catalog).entries:
            summary = entry.spec.summary.rstrip(".")
            if (
                entry.is_trigger
                and entry.service.title == said["title"]
                and summary[:1].lower() + summary[1:] == said["what"]
            ):
                break
        else:
            raise UnreadError
        params = params_of(said["params"] or "", entry.spec.params, {})
        self._triggered(root_word(entry.spec.name), entry.kind.payload)
        where = conditions_of(said["where"], self.names) if said["where"] else None
        return EventTrigger(service=entry.service.id, event=entry.spec.name, params=params, where=where)

    def _triggered(self, word: str, payload: Type) -> None:
        self.names[f"the {word}"] = Named("trigger", payload)
        self.claims.taken.add(word.replace(" ", "_"))

    def _schedule(self, head: str) -> Trigger:
        text, _, zone = head.removesuffix(")").rpartition(" (")
        found = find_times(text, tokenize(text), self.ctx.now, zone)
        reading = to_trigger(found, self.ctx.now, zone, {})
        made = reading.trigger
        if not isinstance(made, ScheduleTrigger) or reading.questions or reading.problems:
            raise UnreadError
        told = describe(
            Recurrence(rules=made.rules, zone=made.timezone, start=made.start, until=made.until, exclude=made.exclude)
        )
        if told != head:
            raise UnreadError
        return made

    # --- what it does

    def block(self, lines: Sequence[str]) -> tuple[Action, ...]:
        out: list[Action] = []
        at = 0
        while at < len(lines):
            if lines[at].startswith(" "):
                raise UnreadError
            end = at + 1
            while end < len(lines) and lines[end].startswith("  "):
                end += 1
            out.append(self._step(lines[at], [line[2:] for line in lines[at + 1 : end]]))
            at = end
        return tuple(out)

    def _step(self, line: str, inner: Sequence[str]) -> Action:
        if line.startswith("for each "):
            return self._loop(line, inner)
        guarded = self._guarded(line, inner)
        if guarded is not None:
            return guarded
        bare, after = self._after(line)
        choice = _CHOICE.fullmatch(bare)
        if choice is not None:
            return msgspec.structs.replace(self._choice(self._own("choice", choice[1]), inner), after=after)
        wait = _WAIT.fullmatch(bare)
        if wait is not None and not inner:
            until = NEXT_DAY_AT.format(wait[2]) if wait[2] is not None else None
            return Action(id=self._own("wait", wait[3]), wait=Wait(for_=wait[1], until=until), after=after)
        worked = _WORK_OUT.fullmatch(bare)
        if worked is not None and not inner:
            return self._value(worked[1], worked[2], after)
        approval = _APPROVE.fullmatch(bare)
        if approval is not None and not inner:
            said = Approval(role=approval[1], message=quoted_text(approval[4], self.names), expires=approval[2])
            return Action(id=self._own("approval", approval[3]), approval=said, after=after)
        return self._call(line, inner)

    def _value(self, said: str, called: str, after: tuple[str, ...]) -> Action:
        worked = worked_out(said, self.names)
        name = self._take(called.replace(" ", "_"), said=True)
        self.names[f"the {called}"] = Named(name, worked.type)
        return Action(id=name, value=worked.expr, after=after)

    def _after(self, line: str) -> tuple[str, tuple[str, ...]]:
        rest, after = _cut(_AFTER, line)
        return rest, tuple(self._action_named(each) for each in after[1].split(", ")) if after is not None else ()

    def _guarded(self, line: str, inner: Sequence[str]) -> Action | None:
        """`if the issue’s title contains “x”, post ...`: a call with a condition of its own."""
        if not line.startswith("if "):
            return None
        for hit in re.finditer(", ", line):
            try:
                when = conditions_of(line[3 : hit.start()], self.names)
                return msgspec.structs.replace(self._call(line[hit.end() :], inner), when=when)
            except UnreadError:
                continue
        raise UnreadError

    def _loop(self, line: str, inner: Sequence[str]) -> Action:
        said = _EACH.fullmatch(line)
        if said is None:
            raise UnreadError
        listed = names_of(said["list"], self.names)
        held = non_null(listed.type)
        if not isinstance(held, ListOf):
            raise UnreadError
        item = said["item"].replace(" ", "_")
        own = self._own(f"each_{item}", said["called"])
        before = dict(self.names)
        self.names[f"the {said['item']}"] = Named(item, held.item)
        where = conditions_of(said["where"], self.names) if said["where"] else None
        actions = self.block(inner)
        self.names = before
        head = ForEach(item=item, source=listed.expr, where=where)
        return Action(id=own, for_each=head, actions=actions)

    def _choice(self, own: str, inner: Sequence[str]) -> Action:
        branches: list[Branch] = []
        default: tuple[Action, ...] = ()
        at = 0
        while at < len(inner):
            line = inner[at]
            end = at + 1
            while end < len(inner) and inner[end].startswith("  "):
                end += 1
            held = self._inside([each[2:] for each in inner[at + 1 : end]])
            if line.startswith("if ") and line.endswith(":"):
                branches.append(Branch(when=conditions_of(line[3:-1], self.names), actions=held))
            elif line == "otherwise:":
                default = held
            elif line != "otherwise nothing" or held:
                raise UnreadError
            at = end
        return Action(id=own, branches=tuple(branches), default=default)

    def _inside(self, lines: Sequence[str]) -> tuple[Action, ...]:
        before = dict(self.names)
        actions = self.block(lines)
        self.names = before
        return actions

    def _call(self, line: str, inner: Sequence[str]) -> Action:
        rest, rate = _cut(_RATE, line)
        rest, tries = _cut(_TRIES, rest)
        rest, after = self._after(rest)
        known = [words for words in self.calls if rest.startswith(words)]
        if not known:
            raise UnreadError
        words = max(known, key=len)
        entry, rest = self.calls[words], rest[len(words) :]
        called = _CALLED.match(rest)
        rest = rest[called.end() :] if called is not None else rest
        if rest and not rest.startswith(": "):
            raise UnreadError
        params = params_of(rest[2:], entry.spec.params, self.names)
        named = self._named_call(entry, called[1] if called is not None else None)
        fallback, on_error = self._failing(inner)
        return Action(
            id=named, service=entry.service.id, function=entry.spec.name, params=params, after=after,
            rate=f"{rate[1]}/{_WINDOWS[rate[2]]}" if rate is not None else None,
            retry=_retry(tries) if tries is not None else None, fallback=fallback, on_error=on_error,
        )  # fmt: skip

    def _failing(self, inner: Sequence[str]) -> tuple[Fallback | None, Literal["continue"] | None]:
        if not inner:
            return None, None
        if list(inner) == ["if that fails, go on without it"]:
            return None, "continue"
        value = _VALUE.fullmatch(inner[0])
        said = value or _FAILS.fullmatch(inner[0])
        if said is None or (value is not None and len(inner) > 1):
            raise UnreadError
        then: Literal["continue", "stop"] = "stop" if said["stop"] else "continue"
        if value is not None:
            return Fallback(value=value_of(value["value"], self.names), then=then), None
        return Fallback(actions=self._inside([line[2:] for line in inner[1:]]), then=then), None

    # --- names

    def _take(self, base: str, *, said: bool = False) -> str:
        name, number = base, 1
        while name in self.ids or (name in self.said and not said):
            number += 1
            name = f"{base}_{number}"
        self.ids.add(name)
        return name

    def _own(self, usual: str, called: str | None) -> str:
        """The name of what is no call: the one that is said, else the usual one."""
        names = (called.replace(" ", "_"),) if called is not None else self.claims.first(usual)
        own = self._take(names[0] if names else usual, said=called is not None)
        self.steps.update((name.replace("_", " "), own) for name in names)
        return own

    def _named_call(self, entry: Entry, called: str | None) -> str:
        """The call's name: the one that is said, else the names by which calls of its kind go by themselves."""
        names = (called.replace(" ", "_"),) if called is not None else self.claims.of(entry.service.id, entry.spec.name)
        spoken = [name for name in names if self._spoken_of(name.replace("_", " "))]
        own = self._take((spoken or names or (entry.spec.name,))[0], said=called is not None)
        for name in names:
            self.names[f"the {name.replace('_', ' ')}"] = Named(own, entry.result)
            self.steps[name.replace("_", " ")] = own
        return own

    def _spoken_of(self, name: str) -> bool:
        said = re.escape(name)
        return re.search(rf"\bthe {said}’|\(after (?:[^()]*, )?{said}(?:, [^()]*)?\)", self.whole) is not None

    def _action_named(self, words: str) -> str:
        if words not in self.steps:
            raise UnreadError
        return self.steps[words]


def _cut(pattern: re.Pattern[str], line: str) -> tuple[str, re.Match[str] | None]:
    found = pattern.search(line)
    return (line[: found.start()], found) if found is not None else (line, None)


def _retry(said: re.Match[str]) -> Retry:
    if said["first"] is not None:
        return Retry(attempts=int(said[1]), delay_ms=int(said["first"]) * _MS[said["of"]], backoff="exponential")
    delay = int(said["fixed"]) * _MS[said["unit"]] if said["fixed"] is not None else 0
    return Retry(attempts=int(said[1]), delay_ms=delay)
