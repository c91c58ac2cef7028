"""What a proposal looks like to whoever decides on it, and what is said when a request became none.

Knows: field names and their meaning. In: nothing. Out: frozen structs, the bodies of REST answers; `Review` is stored
as it is. Never: decides.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from eyeflow.diagnostics import Diagnostic, Report, Severity
from eyeflow.triggers.drafting import Made, Note
from eyeflow.workspace.errors import Invalid
from eyeflow.workspace.views import ComparedView, CompileView, Draft, MissingAccount, ProgramView

State = Literal["open", "approved", "rejected", "superseded"]
Verdict = Literal["approve", "reject"]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """One program of a proposal, and what it does differently from the one that runs now."""

    program: ProgramView
    compared: ComparedView
    base_version: int


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What people look at: kept with the proposal, so that what was approved can be read for ever."""

    programs: tuple[Proposed, ...]
    missing: tuple[MissingAccount, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Programs that could be proposed, and their review."""

    drafts: tuple[Draft, ...]
    review: Review


class DecisionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one person said."""

    principal: str
    verdict: Verdict
    comment: str = ""
    decided_ms: int


class ProposalView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A proposal. `digest` is that of its first program: send it along with a verdict, so that what you decide is
    what you read. `needed` approvals in all; `self_approved` when its author approved it. `notes` and `made` (signing
    secrets of new webhooks) are in the answer that made it live, and shown this once.

    `{"id": "prop_0193...", "state": "open", "task": "morning_weather", "language": "english",
    "source": "Send weather to Slack every morning at 9am", "answers": {"weather.location": "Paris"},
    "digest": "5e0c...", "review": {"programs": [...]}, "needed": 1, "created_by": "ana", "created_ms": 1764000000000}`
    """

    id: str
    state: State
    task: str
    language: str
    source: str
    answers: dict[str, str] = {}
    digest: str
    review: Review
    practice: bool = False
    needed: int = 1
    decisions: tuple[DecisionView, ...] = ()
    self_approved: bool = False
    created_by: str
    created_ms: int
    decided_ms: int | None = None
    notes: tuple[Note, ...] = ()
    made: tuple[Made, ...] = ()


class NotAProgram(Invalid):
    """The request did not become a program; `view` says why, questions included."""

    def __init__(self, view: CompileView) -> None:
        said = {
            "questions": "the request leaves questions open", "refused": "the request cannot be served",
        }.get(view.outcome, "the request has errors")  # fmt: skip
        asked = tuple(Diagnostic("question", f"{q.slot}: {q.text}") for q in view.questions)
        refused = tuple(Diagnostic("refused", f"“{r.text[:200]}”: {r.reason}") for r in view.refusals)
        errors = tuple(found for found in view.findings if found.severity is Severity.ERROR)
        first = (*asked, *refused, *errors)
        hint = first[0].message if first else ""
        super().__init__("not_a_program", said, hint=hint, report=Report(first))
        self.view = view
