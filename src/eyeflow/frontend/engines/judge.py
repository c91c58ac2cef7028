"""The one judge: what becomes of a proposal beside the reading of `rules`.

Knows: the order in which the two are believed. In: a proposal, the rules' intent, the context. Out: `Judged`, whose
intent is the rules' own, or a question, or the proposal after a person chose it.
Never: lets a proposal become a program on its own word: it takes the agreement of `rules`, or a person's yes.

    rules          proposal                outcome
    program        the same                program, with more confidence
    program        objected to, or open    program as the rules read it
    program        whole, different        question `reading`: the difference, both readings as options
    words unclear  whole                   question `reading`: is this what is meant, yes or no
    words unclear  open                    the proposal's questions, then `reading`
    slots open     fills one as said       the rules' question, with that value as an option
    refused        anything                refused, unless the only reason was that nothing was recognised
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import Diagnostic, Report, Severity
from eyeflow.frontend.engines.compare import Difference, differences
from eyeflow.frontend.engines.complete import Completed, completed
from eyeflow.frontend.engines.examine import Examined, examine, telling_words, typed
from eyeflow.frontend.engines.grounding import Ground, ground
from eyeflow.frontend.engines.proposal import READING, Engine, Facts, Proposal
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.intent import Intent, Question
from eyeflow.frontend.readback import read_back
from eyeflow.frontend.rules import heard
from eyeflow.frontend.summary import walk
from eyeflow.ir.task import Task

Verdict: TypeAlias = Literal["agreed", "rules", "asked", "chosen", "suggested", "completed", "not asked"]
_RECALL: Final = ("no service in the catalog", "this does not say what to do")
"""How refusals begin that say only: nothing was recognised."""
_OF_ANSWERS: Final = ("unknown_answer", "unused_answer")
_YES: Final = ("yes", "y", "1", "engine")
_NO: Final = ("no", "n", "2", "rules")
_FIRST: Final = ("rules", "first", "1")
_SECOND: Final = ("engine", "second", "2")


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`intent` goes on through the compiler. `report` has the objections as warnings; `verdict` says which way."""

    intent: Intent
    verdict: Verdict
    report: Report = Report()
    facts: Facts = Facts()


def consult(engine: Engine, text: str, ctx: CompileContext, answers: Mapping[str, str] | None = None) -> Judged:
    """Read `text` with the rules, then ask `engine` unless the rules refused it for good, then judge."""
    given = answers or {}
    own = {slot: value for slot, value in given.items() if slot != READING}
    read = heard(text, ctx, own)
    if _refused_for_good(read.intent):
        return Judged(intent=read.intent, verdict="not asked", report=read.report)
    judged = judge(engine.propose(text, ctx, given), read.intent, ctx)
    # an answer to a question of the proposal is not unknown, only unknown to the rules
    own_slots = judged.verdict in ("asked", "chosen")
    said = tuple(d for d in read.report.diagnostics if not (own_slots and d.code in _OF_ANSWERS))
    return replace(judged, report=Report((*said, _used(judged))) + judged.report)


def _used(judged: Judged) -> Diagnostic:
    """What the engine's help came to and cost, for people to see."""
    facts = judged.facts
    parts = [f"{facts.tokens_in} tokens in, {facts.tokens_out} out"] if facts.tokens_in or facts.tokens_out else []
    parts += [f"cost {facts.cost:.6f}"] if facts.cost is not None else []
    parts += ["a stored answer"] if facts.stored else [f"{facts.latency_ms} ms"] if facts.attempts else ["not needed"]
    model = facts.model or "the engine"
    return Diagnostic("engine_used", f"{model}: {judged.verdict}; {', '.join(parts)}", Severity.NOTE)


def judge(proposal: Proposal, rules: Intent, ctx: CompileContext) -> Judged:
    """What is made of `proposal`, given how the rules read the same request."""
    case = _Case(proposal, rules, ctx)
    if _refused_for_good(rules):
        return case.keep("rules")
    if rules.outcome != "program":
        found = completed(rules, proposal, ctx)
        if found is not None:
            return case.completed(found)
    if proposal.intent is None:
        return case.keep("rules")
    if rules.outcome == "program":
        return case.beside_program()
    if rules.outcome == "refused":
        return case.beside_refusal()
    return case.beside_questions()


def _refused_for_good(rules: Intent) -> bool:
    return rules.outcome == "refused" and not all(r.reason.startswith(_RECALL) for r in rules.refusals)


class _Case:
    """One proposal, one reading, one context."""

    def __init__(self, proposal: Proposal, rules: Intent, ctx: CompileContext) -> None:
        self.proposal = proposal
        self.rules = rules
        self.ctx = ctx
        self.answers = dict(proposal.answers)
        self.ground: Ground = ground(rules.text, ctx)
        self.seen: Examined | None = None
        if proposal.intent is not None:
            self.seen = examine(proposal.intent, self.ground, ctx, rules=rules, answers=self.answers)

    # --- ways out

    def done(self, intent: Intent, verdict: Verdict) -> Judged:
        objections = self.seen.objections if self.seen is not None else ()
        found = (*self.proposal.problems, *objections)
        told = Report(tuple(replace(d, severity=Severity.WARNING) for d in found))
        return Judged(intent=intent, verdict=verdict, report=told, facts=self.proposal.facts)

    def keep(self, verdict: Verdict) -> Judged:
        return self.done(self.rules, verdict)

    def both(self, intent: Intent) -> Intent:
        return replace(intent, engine=f"rules+{self.proposal.engine}")

    def examined(self) -> Examined:
        assert self.seen is not None, "there is a proposal to examine"
        return self.seen

    # --- the rules have a program

    def beside_program(self) -> Judged:
        seen = self.examined()
        if not seen.whole:
            return self.keep("rules")
        parted = differences(self.rules, seen.intent, self.ctx)
        if not parted:
            mine = self.rules.confidence
            theirs = self.proposal.facts.confidence or 0.5
            surer = round(1 - (1 - mine) * (1 - theirs / 2), 2)
            return self.done(self.both(replace(self.rules, confidence=max(mine, surer))), "agreed")
        if self.poorer(parted):
            return self.keep("rules")
        chosen = self.choice(parted)
        if chosen == "rules":
            return self.done(self.rules, "chosen")
        if chosen == "engine":
            return self.done(self.accepted(seen), "chosen")
        question = Question(READING, _which(parted, self.proposal.engine), _options(parted, self.proposal.engine))
        return self.done(self.asked((question,)), "asked")

    def poorer(self, parted: tuple[Difference, ...]) -> bool:
        """The proposal only leaves out what the rules read: a call, a condition, a parameter."""
        return all(not d.second for d in parted)

    def choice(self, parted: tuple[Difference, ...]) -> str | None:
        said = self.answers.get(READING, "").strip().casefold()
        options = [o.casefold() for o in _options(parted, self.proposal.engine)]
        if said in (*_FIRST, options[0]):
            return "rules"
        if said in (*_SECOND, self.proposal.engine, options[1]):
            return "engine"
        return None

    def asked(self, questions: tuple[Question, ...]) -> Intent:
        held = replace(self.rules, outcome="questions", questions=questions, refusals=())
        return self.both(replace(held, confidence=round(held.confidence * 0.6, 2)))

    def accepted(self, seen: Examined) -> Intent:
        assert seen.whole, "only what passed every check can be chosen"
        return replace(seen.intent, engine=self.proposal.engine, confidence=0.9)

    # --- the rules ask, or recognised nothing

    def completed(self, held: Completed) -> Judged:
        """The program when two sources see it, or a person said yes; else the question whether it is meant."""
        found = held.intent
        said = self.answers.get(READING, "").strip().casefold()
        if said in _NO:
            return self.keep("rules")
        if said in (*_YES, self.proposal.engine):
            return self.done(found, "chosen")
        if held.certain:
            return self.done(found, "completed")
        task, _ = typed(found, self.ctx)
        if task is None:
            return self.keep("rules")
        return self.done(self.asked((self.whether(task),)), "asked")

    def whether(self, task: Task) -> Question:
        """Yes or no to a reading that is told in words."""
        return Question(READING, f"Is this what is meant: {_told(task, self.ctx)}", ("yes", "no"))

    def beside_refusal(self) -> Judged:
        seen = self.examined()
        if not self._evident(seen):
            return self.keep("rules")
        return self.confirmed(seen, ())

    def beside_questions(self) -> Judged:
        seen = self.examined()
        unclear = [q for q in self.rules.questions if not q.options and "." not in q.slot]
        if not unclear:
            return self.suggested(seen)
        trigger = tuple(q for q in self.rules.questions if q.slot.startswith("trigger."))
        return self.confirmed(seen, trigger)

    def confirmed(self, seen: Examined, first: tuple[Question, ...]) -> Judged:
        """The proposal, once its open slots are answered and a person said yes."""
        if seen.objections:
            return self.keep("rules")
        if first or seen.questions:
            held = replace(seen.intent, outcome="questions", questions=(*first, *seen.questions), confidence=0.3)
            return self.done(self.both(held), "asked")
        assert seen.task is not None, "nothing open and nothing objected makes a task"
        said = self.answers.get(READING, "").strip().casefold()
        if said in (*_YES, self.proposal.engine):
            return self.done(self.accepted(seen), "chosen")
        if said in _NO:
            return self.keep("rules")
        return self.done(self.asked((self.whether(seen.task),)), "asked")

    def suggested(self, seen: Examined) -> Judged:
        """The rules' questions, with what the proposal found in the text as options."""
        values: dict[tuple[str, str, str], str] = {}
        for action in walk(seen.intent.actions):
            for name, value in action.params.items():
                if isinstance(value, str) and "{" not in value:
                    values.setdefault((action.service or "", action.function or "", name), value)
        names = {a.id: (a.service or "", a.function or "") for a in walk(self.rules.actions)}
        found = []
        for question in self.rules.questions:
            owner, _, part = question.slot.rpartition(".")
            value = values.get((*names.get(owner, ("", "")), part))
            fits = value is not None and not question.options
            found.append(replace(question, options=(value,)) if fits and value is not None else question)
        if tuple(found) == self.rules.questions:
            return self.keep("rules")
        return self.done(self.both(replace(self.rules, questions=tuple(found))), "suggested")

    def _evident(self, seen: Examined) -> bool:
        """Every call shares a word with what was said outside quotations."""
        known = vocabulary(self.ctx.catalog)
        for action in walk(seen.intent.actions):
            if action.service is None:
                continue
            entry = known.entry(action.service, action.function or "")
            if entry is None or not telling_words(entry) & self.ground.stems:
                return False
        return True


def _told(task: Task, ctx: CompileContext) -> str:
    said = read_back(task, ctx)
    return " ".join((said.when, "; ".join(step.strip() for step in said.steps)))


def _which(parted: tuple[Difference, ...], engine: str) -> str:
    slots = ", ".join(d.slot for d in parted[:4]) + (", …" if len(parted) > 4 else "")
    return f"This can be read in two ways, which differ in {slots}; which one is meant? (2 is how {engine} reads it)"


def _options(parted: tuple[Difference, ...], engine: str) -> tuple[str, str]:
    first = "; ".join(f"{d.slot}: {d.first or 'nothing'}" for d in parted[:4])
    second = "; ".join(f"{d.slot}: {d.second or 'nothing'}" for d in parted[:4])
    return (first, second) if first != second else (first, f"{second} ({engine})")
