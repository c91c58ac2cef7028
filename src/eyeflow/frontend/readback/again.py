"""A read-back read again: the regular English of `tasks.py` as the intent it was said of.

Knows: the lines that `read_back` writes for calls, choices, loops, waits and approvals. In: a text and the context.
Out: `Intent`, or None when a line is of another form: then the text is read as anybody's English.
Never: takes a schedule that would not be described by the very words it was read from.

Supported are all triggers the front end makes; calls with constants, fields of what is in reach, and texts with such
places; conditions over these; what comes after what, rates, retries, and what is done when a call fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import (
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
from eyeflow.frontend.readback.sayings import Named, UnreadError, conditions_of, names_of, params_of, quoted_text
from eyeflow.frontend.readback.tasks import capability_words
from eyeflow.frontend.timegrammar import find_times, to_trigger
from eyeflow.frontend.vocabulary import Entry, listing_of
from eyeflow.recurrence import Recurrence, describe
from eyeflow.values import JSON, STRING, Field, ListOf, ObjectOf, non_null

_FORM: Final = re.compile(r"\A[^\n]+:\n  \S")
_LIMITS: Final = ("It gives up after ", "A run ends at the latest ")
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
_EACH: Final = re.compile(r"for each (?P<item>[\w ]+?) of (?P<list>.+?)(?: where (?P<where>.+))?, one at a time:")
_APPROVE: Final = re.compile(r"ask (\w+) to approve(?:, within (\d+ \w+))?: (“.*”)")
_MS: Final = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_WINDOWS: Final = {"second": "s", "minute": "min", "hour": "h", "day": "d"}


def read_again(text: str, ctx: CompileContext) -> Intent | None:
    """The intent of a read-back; None when `text` is none, or one of more than is supported."""
    if _FORM.match(text) is None:
        return None
    head, *rest = [line.rstrip() for line in text.strip("\n").split("\n")]
    lines = [line for line in rest if line.strip() and not line.startswith(_LIMITS)]
    if any(not line.startswith("  ") for line in lines):
        return None
    try:
        reader = _Reader(ctx)
        trigger = reader.trigger(head.removesuffix(":"))
        actions = reader.block([line[2:] for line in lines])
    except UnreadError:
        return None
    return Intent(text=text, outcome="program", trigger=trigger, actions=actions, confidence=1.0)


class _Reader:
    """What is in reach while lines are read: things by what they are called, and the names that are taken."""

    def __init__(self, ctx: CompileContext) -> None:
        self.ctx = ctx
        self.names: dict[str, Named] = {}
        self.taken: dict[str, int] = {}
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
        self.names["the request"] = Named("trigger", payload)
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
        self.names["the " + entry.spec.name.split("_")[0]] = Named("trigger", entry.kind.payload)
        where = conditions_of(said["where"], self.names) if said["where"] else None
        return EventTrigger(service=entry.service.id, event=entry.spec.name, params=params, where=where)

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
        after = _AFTER.search(line)
        named = tuple(self._action_named(each) for each in after[1].split(", ")) if after is not None else ()
        bare = line[: after.start()] + line[after.end() :] if after is not None else line
        if bare == "choose the first that holds":
            return msgspec.structs.replace(self._choice(inner), after=named)
        if bare.startswith("wait ") and not inner:
            return Action(id=self._take("wait"), wait=Wait(for_=bare.removeprefix("wait ")), after=named)
        approval = _APPROVE.fullmatch(bare)
        if approval is not None and not inner:
            said = Approval(role=approval[1], message=quoted_text(approval[3], self.names), expires=approval[2])
            return Action(id=self._take("approval"), approval=said, after=named)
        return self._call(line, inner)

    def _loop(self, line: str, inner: Sequence[str]) -> Action:
        said = _EACH.fullmatch(line)
        if said is None:
            raise UnreadError
        listed = names_of(said["list"], self.names)
        held = non_null(listed.type)
        if not isinstance(held, ListOf):
            raise UnreadError
        item = said["item"].replace(" ", "_")
        before = dict(self.names)
        self.names[f"the {said['item']}"] = Named(item, held.item)
        where = conditions_of(said["where"], self.names) if said["where"] else None
        actions = self.block(inner)
        self.names = before
        head = ForEach(item=item, source=listed.expr, where=where)
        return Action(id=self._take(f"each_{item}"), for_each=head, actions=actions)

    def _choice(self, inner: Sequence[str]) -> Action:
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
        return Action(id=self._take("choice"), branches=tuple(branches), default=default)

    def _inside(self, lines: Sequence[str]) -> tuple[Action, ...]:
        before = dict(self.names)
        actions = self.block(lines)
        self.names = before
        return actions

    def _call(self, line: str, inner: Sequence[str]) -> Action:
        rest, rate = _cut(_RATE, line)
        rest, tries = _cut(_TRIES, rest)
        rest, after = _cut(_AFTER, rest)
        known = [words for words in self.calls if rest == words or rest.startswith(words + ": ")]
        if not known:
            raise UnreadError
        words = max(known, key=len)
        entry = self.calls[words]
        params = params_of(rest[len(words) + 2 :], entry.spec.params, self.names)
        named = tuple(self._action_named(each) for each in after[1].split(", ")) if after is not None else ()
        called = self._named_call(entry)
        fallback, on_error = self._failing(inner)
        return Action(
            id=called, service=entry.service.id, function=entry.spec.name, params=params, after=named,
            rate=f"{rate[1]}/{_WINDOWS[rate[2]]}" if rate is not None else None,
            retry=_retry(tries) if tries is not None else None, fallback=fallback, on_error=on_error,
        )  # fmt: skip

    def _failing(self, inner: Sequence[str]) -> tuple[Fallback | None, Literal["continue"] | None]:
        if not inner:
            return None, None
        if list(inner) == ["if that fails, go on without it"]:
            return None, "continue"
        if not re.fullmatch(r"if that fails(?:, for at most \d+ \w+)?:", inner[0]):
            raise UnreadError
        return Fallback(actions=self._inside([line[2:] for line in inner[1:]])), None

    # --- names

    def _take(self, base: str) -> str:
        number = self.taken[base] = self.taken.get(base, 0) + 1
        return base if number == 1 else f"{base}_{number}"

    def _named_call(self, entry: Entry) -> str:
        """A name for the call, under which the lines after it may speak of it; it may be called by either of two."""
        name = entry.spec.name
        saying = "message" if "message" in name or name == "send" else name
        short = "_".join(p for p in name.split("_") if p not in _SMALL) or entry.service.id
        called = self._take(saying)
        result = Named(called, entry.result)
        self.names[f"the {called.replace('_', ' ')}"] = result
        if entry.reads and short != saying:
            other = self._take(short)
            self.names[f"the {other.replace('_', ' ')}"] = result
        if entry.listing is not None and listing_of(entry.result) is None:
            raise UnreadError
        return called

    def _action_named(self, words: str) -> str:
        found = self.names.get(f"the {words}")
        return found.expr if found is not None else words.replace(" ", "_")


_SMALL: Final = ("get", "list", "read", "search", "find", "current", "fetch")


def _cut(pattern: re.Pattern[str], line: str) -> tuple[str, re.Match[str] | None]:
    found = pattern.search(line)
    return (line[: found.start()], found) if found is not None else (line, None)


def _retry(said: re.Match[str]) -> Retry:
    if said["first"] is not None:
        return Retry(attempts=int(said[1]), delay_ms=int(said["first"]) * _MS[said["of"]], backoff="exponential")
    delay = int(said["fixed"]) * _MS[said["unit"]] if said["fixed"] is not None else 0
    return Retry(attempts=int(said[1]), delay_ms=delay)
