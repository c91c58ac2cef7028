"""What the words of a clause may refer to, and what reading them has cost so far.

Knows: sources in reach (the trigger's payload, results, loop items), the profile, questions and assumptions made.
In: the compile context. Out: `Scope`, copied at every choice so that readings can be compared and dropped.
Never: ranks readings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic
from eyeflow.frontend.intent import Action, Assumption, JsonValue, Question, Refusal
from eyeflow.frontend.vocabulary import Entry, Vocabulary
from eyeflow.values import Field, Span, Type

if TYPE_CHECKING:
    from eyeflow.frontend.hints import Hint
    from eyeflow.frontend.items import Item
    from eyeflow.frontend.wording import Match


class Source(msgspec.Struct, frozen=True, eq=False):
    """Something with data: `root` is its name in expressions, `nouns` the stems that mention it."""

    root: str
    type: Type
    nouns: frozenset[str]
    service: str
    kind: str
    entry: Entry | None = None


class Scope(msgspec.Struct, frozen=True, eq=False):
    """Everything a reading has gathered. Immutable: `with_...` give a new one.

    `said` is the content of the last message, for `it` and `the same text`; `receivers` are the latest recipients by
    `service.param`, for `there`; `did` are all calls so far, whatever level they stand on; `failed` the words of what
    failed, where a fallback is read; `again`: `it` is what was said last, whatever else is in reach; `together` what
    the last clause that read several things read. `told` are answers to questions about words, by the words; `heard`
    the slots whose answers have been read, `findings` what there is to say of them. `looked` is shared by all copies:
    which reads words may speak of, looked up once.
    `hints` are calls that a helper sees.
    """

    ctx: CompileContext
    vocab: Vocabulary
    text: str
    sources: tuple[Source, ...] = ()
    actions: tuple[Action, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    explained: frozenset[int] = frozenset()
    ids: frozenset[str] = frozenset()
    answers: tuple[tuple[str, str], ...] = ()
    told: tuple[tuple[Span, str], ...] = ()
    heard: frozenset[str] = frozenset()
    findings: tuple[Diagnostic, ...] = ()
    said: JsonValue = None
    receivers: tuple[tuple[str, JsonValue], ...] = ()
    did: tuple[Action, ...] = ()
    failed: str | None = None
    again: bool = False
    together: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()
    looked: dict[tuple[Item, ...], tuple[tuple[Entry, Match], ...]] = msgspec.field(default_factory=dict)

    def put(self, **changes: object) -> Scope:
        """A copy with fields replaced."""
        return msgspec.structs.replace(self, **changes)

    def explain(self, indexes: frozenset[int] | set[int]) -> Scope:
        """A copy in which these items are accounted for."""
        return self.put(explained=self.explained | frozenset(indexes))

    def ask(self, slot: str, text: str, options: tuple[str, ...] = (), span: Span | None = None) -> Scope:
        """A copy with one more question (once a slot)."""
        if any(q.slot == slot for q in self.questions):
            return self
        return self.put(questions=(*self.questions, Question(slot, text, options, span)))

    def assume(self, slot: str, value: object, why: str) -> Scope:
        """A copy with one more assumption (once a slot)."""
        if any(a.slot == slot for a in self.assumptions):
            return self
        return self.put(assumptions=(*self.assumptions, Assumption(slot, value, why)))

    def refuse(self, span: Span, reason: str, suggestions: tuple[str, ...] = ()) -> Scope:
        """A copy with one more refusal of the words at `span`."""
        said = self.text[span.start : span.end]
        return self.put(refusals=(*self.refusals, Refusal(span, said, reason, suggestions)))

    def see(self, source: Source) -> Scope:
        """A copy in which `source` is the nearest thing mentioned."""
        return self.put(sources=(*self.sources, source))

    def name(self, wanted: str) -> tuple[str, Scope]:
        """A fresh action id made from `wanted`, and the scope that has taken it."""
        clean = "".join(c if c.isalnum() else "_" for c in wanted.casefold()).strip("_") or "step"
        if clean[0].isdigit():
            clean = "n" + clean
        if clean in ("trigger", "input", "me", "now", "item"):
            clean += "_1"
        picked, n = clean, 1
        while picked in self.ids:
            n += 1
            picked = f"{clean}_{n}"
        return picked, self.put(ids=self.ids | {picked})

    def act(self, action: Action) -> Scope:
        """A copy with one more action at this level."""
        did = (*self.did, action) if action.service is not None else self.did
        return self.put(actions=(*self.actions, action), did=did)

    def told_at(self, span: Span) -> str | None:
        """What a person answered when asked about the words at `span`."""
        return next((said for at, said in self.told if at == span), None)

    def me(self, part: str) -> str | None:
        """A fact about the person asking, from the profile."""
        return dict(self.ctx.profile.me).get(part)


def asking(entry: Entry, param: Field) -> str:
    """The question for a parameter: whose it is, which one, and what the catalog says of it."""
    summary = entry.spec.summary.rstrip(".")
    summary = summary if summary[:2].isupper() else summary[:1].lower() + summary[1:]
    about = f" ({param.description})" if param.description else ""
    return f"{entry.service.title}, {summary}: which {param.name.replace('_', ' ')}?{about}"
