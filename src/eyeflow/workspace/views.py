"""What a compile, a proposal and a task look like to whoever asked: the bodies of REST answers.

Knows: field names and their meaning. In: nothing. Out: frozen structs that `msgspec.json.encode` writes as they are.
Never: holds a secret; accounts are named, credentials are references at most.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from eyeflow.catalog.model import Effect
from eyeflow.compilation import Outcome
from eyeflow.diagnostics import Diagnostic
from eyeflow.frontend.intent import Intent, Question, Refusal
from eyeflow.ir.diff import Change


class ReadbackView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program in plain English. `text` is the whole; `next_runs` are in UTC.

    `{"text": "Every day at 09:00 (UTC):\\n  ...", "when": "Every day at 09:00 (UTC):", "steps": ["get ..."],
    "next_runs": ["2026-11-24T09:00:00Z"], "assumed": ["weather.location = Paris (your profile's city)"]}`
    """

    text: str
    when: str
    steps: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    next_runs: tuple[datetime, ...] = ()
    assumed: tuple[str, ...] = ()


class Touch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something outside that a program uses: one capability (or event) of one account. `connected` is False while the
    account lacks what live use needs.

    `{"service": "slack_notify", "title": "Slack", "account": "slack_daily", "operation": "send_message",
    "summary": "Send a message to a channel", "effect": "write", "hosts": ["slack.com"], "connected": true}`
    """

    service: str
    title: str
    account: str
    operation: str
    summary: str = ""
    effect: Effect
    hosts: tuple[str, ...] = ()
    connected: bool = True


class MissingAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account that live use needs: what to say, and the first step to get it."""

    message: str
    how: str = ""


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """What the optimizer decided, in the words of the overview: `order` `[1, 2]`, `resources`
    `{"slack_connector": "READY"}`, `estimate_ms` low and high."""

    order: tuple[int, ...]
    stages: tuple[tuple[int, ...], ...]
    resources: dict[str, str]
    estimate_ms: tuple[int, int]
    memory_bytes: int
    decisions: tuple[str, ...]


class InputView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An input of a task. `type` as LLM-IR spells it, `default` as JSON text."""

    name: str
    type: str
    required: bool = True
    default: str | None = None


class ProgramView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One program of a request. `digest` is the identity of what would run; `triggers` are lines of LLM-IR."""

    task: str
    digest: str
    ir: str
    readback: ReadbackView
    plan: PlanView
    touches: tuple[Touch, ...] = ()
    inputs: tuple[InputView, ...] = ()
    triggers: tuple[str, ...] = ()


class CompileView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a request. With `outcome` `program`, `programs` has one for each task of the request; with
    `questions`, answer them by slot and ask again; with `refused`, `refusals` says why; with `errors`, `findings`.

    `{"outcome": "questions", "language": "english", "questions": [{"slot": "weather.location", "text": "Which place?",
    "options": [], "span": [5, 12]}], "tokens": ["Send", "weather"], "summary": "SCHEDULE + SEND_MESSAGE"}`
    """

    outcome: Outcome
    language: str
    programs: tuple[ProgramView, ...] = ()
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    missing: tuple[MissingAccount, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    intent: Intent | None = None
    tokens: tuple[str, ...] = ()
    summary: str = ""


class StageView(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of a compile has ended: for whoever watches. `detail` is a line for people.

    `{"stage": "optimize", "detail": "order [1, 2], 40-73 ms"}`
    """

    stage: str
    detail: str


class ComparedView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a program does differently from the one that runs now under its name. `compared` is False when there is
    none, or when the running one cannot be understood any more: then everything counts as new. `same` means the very
    same program."""

    compared: bool
    same: bool = False
    changes: tuple[Change, ...] = ()
    names: tuple[Change, ...] = ()
    new_accounts: tuple[str, ...] = ()
    new_hosts: tuple[str, ...] = ()
    new_effects: tuple[str, ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A program ready to be sealed, byte for byte. `envelope` is what will surround it, unsigned; `request` is the
    first task of the same request, empty for that itself; `missing` are accounts that live use lacks."""

    task: str
    request: str = ""
    language: str
    source: str
    answers: bytes = b"{}"
    ir: str
    digest: str
    program: bytes
    envelope: bytes
    readback: bytes
    missing: tuple[str, ...] = ()
    task_id: str | None = None
    base_version: int = 0


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """A compile's view, and with outcome `program` its programs."""

    view: CompileView
    drafts: tuple[Draft, ...] = ()
