"""Endpoints about work, described once for both clients: tasks, runs, compiling, proposals, questions.

Knows: methods, paths, bodies and answers. In: arguments. Out: `Call`s. Never: sends. The others are in `household`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from eyeflow.client import models
from eyeflow.client.calls import Call, StreamCall, get, given, post, put, segment
from eyeflow.client.endpoint import Page

LAST: Final = frozenset(("result", "problem"))
"""Kinds of event after which a stream has nothing to say."""


def _instant(at: datetime | None) -> str | None:
    """An aware instant as the server reads it."""
    return None if at is None else at.astimezone().isoformat()


# Tasks


def run_task(
    task: str,
    input: Mapping[str, Any] | None = None,
    *,
    wait: bool = True,
    wait_ms: int | None = None,
    idempotency_key: str | None = None,
) -> Call[models.Run]:
    """Run a task by name, alias or id. Without `wait` it returns as soon as the run is durably accepted.

    A key is made when none is given, so that asking again after a lost answer never runs the task twice.
    """
    body = {"task": task, "input": dict(input or {}), "wait": wait, **given(wait_ms=wait_ms)}
    return Call(
        method="POST", path="/tasks/run", into=models.Run, body=body, safe=True,
        headers=(("Idempotency-Key", idempotency_key or uuid.uuid4().hex),),
    )  # fmt: skip


def list_tasks(*, state: Literal["live", "paused"] | None = None, text: str = "") -> Call[Page[models.Task]]:
    """All tasks, by name."""
    return get("/tasks", Page[models.Task], (("state", state), ("text", text or None)))


def get_task(task: str) -> Call[models.Task]:
    """One task, by name, alias or id."""
    return get(f"/tasks/{segment(task)}", models.Task)


def deploy_task(
    text: str,
    *,
    name: str | None = None,
    language: Literal["english", "ir", "intent"] | None = None,
    answers: Mapping[str, str] | None = None,
    practice: bool = False,
) -> Call[models.Deployed]:
    """Compile a sentence or LLM-IR and make it live, where authors may approve what they wrote."""
    body = {"text": text, "answers": dict(answers or {}), "practice": practice, **given(name=name, language=language)}
    return post("/tasks", models.Deployed, body)


def remove_task(task: str, *, runs: Literal["finish", "cancel"] = "finish") -> Call[None]:
    """Take a task out of use; what ran stays to be looked at."""
    return Call(method="DELETE", path=f"/tasks/{segment(task)}", into=None, query=(("runs", runs),))


def list_versions(task: str) -> Call[Page[models.Version]]:
    """The versions of a task, the newest first."""
    return get(f"/tasks/{segment(task)}/versions", Page[models.Version])


def roll_back(task: str, version: int) -> Call[models.Task]:
    """Run an earlier version again."""
    return post(f"/tasks/{segment(task)}/rollback", models.Task, {"version": version})


def pause_task(task: str) -> Call[models.Task]:
    """No new runs of this task."""
    return post(f"/tasks/{segment(task)}/pause", models.Task)


def resume_task(task: str) -> Call[models.Task]:
    """New runs again."""
    return post(f"/tasks/{segment(task)}/resume", models.Task)


def pause_all(*, service: str | None = None) -> Call[models.Changed]:
    """Pause every task, or every one that uses a service."""
    return post("/tasks/pause-all", models.Changed, given(service=service))


def resume_all() -> Call[models.Changed]:
    """Resume what was paused all at once."""
    return post("/tasks/resume-all", models.Changed)


def task_source(task: str, version: int | None = None) -> Call[models.Source]:
    """A version as it was written, and as LLM-IR."""
    return get(f"/tasks/{segment(task)}/ir", models.Source, (("version", version),))


def task_explanation(task: str, version: int | None = None) -> Call[models.Json]:
    """A version in plain English, as it was approved."""
    return get(f"/tasks/{segment(task)}/explain", models.Json, (("version", version),))


def task_bytecode(task: str, version: int | None = None) -> Call[models.Json]:
    """The sealed artifact of a version, in base64, and its listing."""
    return get(f"/tasks/{segment(task)}/bytecode", models.Json, (("version", version),))


def task_graph(task: str, version: int | None = None) -> Call[models.Json]:
    """A version as nodes and edges."""
    return get(f"/tasks/{segment(task)}/graph", models.Json, (("version", version),))


def add_alias(task: str, alias: str) -> Call[models.Task]:
    """Give a task one more name."""
    return post(f"/tasks/{segment(task)}/aliases", models.Task, {"alias": alias})


def remove_alias(task: str, alias: str) -> Call[None]:
    """Take a further name away."""
    return Call(method="DELETE", path=f"/tasks/{segment(task)}/aliases/{segment(alias)}", into=None)


def keep_runs(task: str, days: int | None) -> Call[models.Task]:
    """How long executions of the task are kept; None for ever."""
    return put(f"/tasks/{segment(task)}/retention", models.Task, {"days": days})


# Executions


def list_executions(
    *,
    task: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
) -> Call[Page[models.Execution]]:
    """Runs, the newest first."""
    query = (
        ("task", task), ("status", status), ("since", _instant(since)), ("until", _instant(until)),
        ("text", text or None),
    )  # fmt: skip
    return get("/executions", Page[models.Execution], query)


def get_execution(execution_id: str) -> Call[models.Execution]:
    """One run: what it was given, what it did, what became of it."""
    return get(f"/executions/{segment(execution_id)}", models.Execution)


def execution_timeline(execution_id: str) -> Call[models.Timeline]:
    """What happened when, action by action."""
    return get(f"/executions/{segment(execution_id)}/timeline", models.Timeline)


def cancel_execution(execution_id: str) -> Call[models.Run]:
    """Ask a run to stop: nothing new starts, what has begun ends."""
    return Call(method="POST", path=f"/executions/{segment(execution_id)}/cancel", into=models.Run, safe=True)


def retry_execution(execution_id: str, step: str | None = None) -> Call[models.Run]:
    """Run again from where it failed, or from `step`; what was done before is taken over, not done again."""
    return post(f"/executions/{segment(execution_id)}/retry", models.Run, given(step=step))


def erase_execution(execution_id: str) -> Call[None]:
    """Destroy what an ended run carried, for ever; that it ran stays known."""
    return Call(method="POST", path=f"/executions/{segment(execution_id)}/erase", into=None)


def replay_execution(execution_id: str) -> Call[models.Replayed]:
    """Run the program against the record of the run: nothing is called, and the trace hash must be the same."""
    return Call(method="POST", path=f"/executions/{segment(execution_id)}/replay", into=models.Replayed, safe=True)


def watched(execution_id: str, after: str = "") -> StreamCall:
    """The events of a run as they happen."""
    path = f"/executions/{segment(execution_id)}/events"
    return StreamCall(opening=get(path, models.Json), last=LAST, resumable=True, after=after)


# Compiling and proposals


def compile_text(
    text: str | None = None,
    *,
    ir: str | None = None,
    intent: Mapping[str, Any] | None = None,
    answers: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Call[models.Compiled]:
    """What a sentence, LLM-IR (`text` or `ir`) or an Intent becomes; nothing is kept."""
    body = {"answers": dict(answers or {}), **given(text=text, ir=ir, intent=intent, name=name)}
    return Call(method="POST", path="/compile", into=models.Compiled, body=body, safe=True)


def compiled_in_stages(text: str, *, answers: Mapping[str, str] | None = None, name: str | None = None) -> StreamCall:
    """The same, one event for each stage, then the result."""
    return StreamCall(opening=compile_text(text, answers=answers, name=name), last=LAST, resumable=False)


def simulate(
    text: str, *, scenario: Mapping[str, Any] | None = None, answers: Mapping[str, str] | None = None
) -> Call[models.Json]:
    """Run a request with scripted answers and simulated time; nothing leaves the server."""
    body = {"text": text, **given(scenario=scenario, answers=answers)}
    return Call(method="POST", path="/simulate", into=models.Json, body=body, safe=True)


def propose(
    text: str,
    *,
    name: str | None = None,
    language: Literal["english", "ir", "intent"] | None = None,
    answers: Mapping[str, str] | None = None,
    practice: bool = False,
) -> Call[models.Proposal]:
    """Compile, and keep the program for people to decide on."""
    body = {"text": text, "answers": dict(answers or {}), "practice": practice, **given(name=name, language=language)}
    return post("/proposals", models.Proposal, body)


def propose_change(
    task: str, change: str, *, answers: Mapping[str, str] | None = None, practice: bool = False
) -> Call[models.Proposal]:
    """Change the program that runs as `task` in plain English, and keep what came of it for people to decide on."""
    body = {"text": "", "name": task, "change": change, "answers": dict(answers or {}), "practice": practice}
    return post("/proposals", models.Proposal, body)


def list_proposals(
    *, state: Literal["open", "approved", "rejected", "superseded"] = "open"
) -> Call[Page[models.Proposal]]:
    """Proposals in one state, the newest first."""
    return get("/proposals", Page[models.Proposal], (("state", state),))


def get_proposal(proposal_id: str) -> Call[models.Proposal]:
    """One proposal."""
    return get(f"/proposals/{segment(proposal_id)}", models.Proposal)


def approve(proposal_id: str, *, digest: str | None = None, comment: str = "") -> Call[models.Proposal]:
    """Say yes. `digest` is that of the program that was read: another one is refused."""
    body = {"comment": comment, **given(digest=digest)}
    return post(f"/proposals/{segment(proposal_id)}/approve", models.Proposal, body)


def reject(proposal_id: str, *, digest: str | None = None, comment: str = "") -> Call[models.Proposal]:
    """Say no."""
    body = {"comment": comment, **given(digest=digest)}
    return post(f"/proposals/{segment(proposal_id)}/reject", models.Proposal, body)


# Questions of runs


def list_approvals(*, state: str = "open") -> Call[Page[models.Approval]]:
    """Questions that runs wait on."""
    return get("/approvals", Page[models.Approval], (("state", state),))


def decide(
    approval_id: str, verdict: Literal["approved", "rejected", "sent", "again", "failed"], *, comment: str = ""
) -> Call[models.Approval]:
    """Answer a question, once."""
    return post(f"/approvals/{segment(approval_id)}", models.Approval, {"verdict": verdict, "comment": comment})
