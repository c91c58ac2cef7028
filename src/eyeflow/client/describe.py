"""Every endpoint of the server, described once for both clients.

Knows: methods, paths, bodies and answers. In: arguments. Out: `Call`s. Never: sends.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from eyeflow.client import models
from eyeflow.client.calls import Call, StreamCall, segment
from eyeflow.client.endpoint import Page

Query = tuple[tuple[str, str | int | bool | None], ...]

LAST: Final = frozenset(("result", "problem"))
"""Kinds of event after which a stream has nothing to say."""


def _get(path: str, into: Any, query: Query = ()) -> Call[Any]:
    return Call(method="GET", path=path, into=into, query=query, safe=True)


def _post(path: str, into: Any, body: Any = msgspec.UNSET) -> Call[Any]:
    return Call(method="POST", path=path, into=into, body=body)


def _put(path: str, into: Any, body: Any) -> Call[Any]:
    return Call(method="PUT", path=path, into=into, body=body, safe=True)


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


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
    body = {"task": task, "input": dict(input or {}), "wait": wait, **_given(wait_ms=wait_ms)}
    return Call(
        method="POST", path="/tasks/run", into=models.Run, body=body, safe=True,
        headers=(("Idempotency-Key", idempotency_key or uuid.uuid4().hex),),
    )  # fmt: skip


def list_tasks(*, state: Literal["live", "paused"] | None = None, text: str = "") -> Call[Page[models.Task]]:
    """All tasks, by name."""
    return _get("/tasks", Page[models.Task], (("state", state), ("text", text or None)))


def get_task(task: str) -> Call[models.Task]:
    """One task, by name, alias or id."""
    return _get(f"/tasks/{segment(task)}", models.Task)


def deploy_task(
    text: str,
    *,
    name: str | None = None,
    language: Literal["english", "ir", "intent"] | None = None,
    answers: Mapping[str, str] | None = None,
    practice: bool = False,
) -> Call[models.Deployed]:
    """Compile a sentence or LLM-IR and make it live, where authors may approve what they wrote."""
    body = {"text": text, "answers": dict(answers or {}), "practice": practice, **_given(name=name, language=language)}
    return _post("/tasks", models.Deployed, body)


def remove_task(task: str, *, runs: Literal["finish", "cancel"] = "finish") -> Call[None]:
    """Take a task out of use; what ran stays to be looked at."""
    return Call(method="DELETE", path=f"/tasks/{segment(task)}", into=None, query=(("runs", runs),))


def list_versions(task: str) -> Call[Page[models.Version]]:
    """The versions of a task, the newest first."""
    return _get(f"/tasks/{segment(task)}/versions", Page[models.Version])


def roll_back(task: str, version: int) -> Call[models.Task]:
    """Run an earlier version again."""
    return _post(f"/tasks/{segment(task)}/rollback", models.Task, {"version": version})


def pause_task(task: str) -> Call[models.Task]:
    """No new runs of this task."""
    return _post(f"/tasks/{segment(task)}/pause", models.Task)


def resume_task(task: str) -> Call[models.Task]:
    """New runs again."""
    return _post(f"/tasks/{segment(task)}/resume", models.Task)


def pause_all(*, service: str | None = None) -> Call[models.Changed]:
    """Pause every task, or every one that uses a service."""
    return _post("/tasks/pause-all", models.Changed, _given(service=service))


def resume_all() -> Call[models.Changed]:
    """Resume what was paused all at once."""
    return _post("/tasks/resume-all", models.Changed)


def task_source(task: str, version: int | None = None) -> Call[models.Source]:
    """A version as it was written, and as LLM-IR."""
    return _get(f"/tasks/{segment(task)}/ir", models.Source, (("version", version),))


def task_explanation(task: str, version: int | None = None) -> Call[models.Json]:
    """A version in plain English, as it was approved."""
    return _get(f"/tasks/{segment(task)}/explain", models.Json, (("version", version),))


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
    return _get("/executions", Page[models.Execution], query)


def get_execution(execution_id: str) -> Call[models.Execution]:
    """One run: what it was given, what it did, what became of it."""
    return _get(f"/executions/{segment(execution_id)}", models.Execution)


def execution_timeline(execution_id: str) -> Call[models.Timeline]:
    """What happened when, action by action."""
    return _get(f"/executions/{segment(execution_id)}/timeline", models.Timeline)


def cancel_execution(execution_id: str) -> Call[models.Run]:
    """Ask a run to stop: nothing new starts, what has begun ends."""
    return Call(method="POST", path=f"/executions/{segment(execution_id)}/cancel", into=models.Run, safe=True)


def retry_execution(execution_id: str, step: str | None = None) -> Call[models.Run]:
    """Run again from where it failed, or from `step`; what was done before is taken over, not done again."""
    return _post(f"/executions/{segment(execution_id)}/retry", models.Run, _given(step=step))


def replay_execution(execution_id: str) -> Call[models.Replayed]:
    """Run the program against the record of the run: nothing is called, and the trace hash must be the same."""
    return Call(method="POST", path=f"/executions/{segment(execution_id)}/replay", into=models.Replayed, safe=True)


def watched(execution_id: str, after: str = "") -> StreamCall:
    """The events of a run as they happen."""
    path = f"/executions/{segment(execution_id)}/events"
    return StreamCall(opening=_get(path, models.Json), last=LAST, resumable=True, after=after)


# Compiling and proposals


def compile_text(
    text: str, *, answers: Mapping[str, str] | None = None, name: str | None = None
) -> Call[models.Compiled]:
    """What a sentence or LLM-IR becomes; nothing is kept."""
    body = {"text": text, "answers": dict(answers or {}), **_given(name=name)}
    return Call(method="POST", path="/compile", into=models.Compiled, body=body, safe=True)


def compiled_in_stages(text: str, *, answers: Mapping[str, str] | None = None, name: str | None = None) -> StreamCall:
    """The same, one event for each stage, then the result."""
    return StreamCall(opening=compile_text(text, answers=answers, name=name), last=LAST, resumable=False)


def simulate(
    text: str, *, scenario: Mapping[str, Any] | None = None, answers: Mapping[str, str] | None = None
) -> Call[models.Json]:
    """Run a request with scripted answers and simulated time; nothing leaves the server."""
    body = {"text": text, **_given(scenario=scenario, answers=answers)}
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
    body = {"text": text, "answers": dict(answers or {}), "practice": practice, **_given(name=name, language=language)}
    return _post("/proposals", models.Proposal, body)


def list_proposals(
    *, state: Literal["open", "approved", "rejected", "superseded"] = "open"
) -> Call[Page[models.Proposal]]:
    """Proposals in one state, the newest first."""
    return _get("/proposals", Page[models.Proposal], (("state", state),))


def get_proposal(proposal_id: str) -> Call[models.Proposal]:
    """One proposal."""
    return _get(f"/proposals/{segment(proposal_id)}", models.Proposal)


def approve(proposal_id: str, *, digest: str | None = None, comment: str = "") -> Call[models.Proposal]:
    """Say yes. `digest` is that of the program that was read: another one is refused."""
    body = {"comment": comment, **_given(digest=digest)}
    return _post(f"/proposals/{segment(proposal_id)}/approve", models.Proposal, body)


def reject(proposal_id: str, *, digest: str | None = None, comment: str = "") -> Call[models.Proposal]:
    """Say no."""
    body = {"comment": comment, **_given(digest=digest)}
    return _post(f"/proposals/{segment(proposal_id)}/reject", models.Proposal, body)


# Questions of runs


def list_approvals(*, state: str = "open") -> Call[Page[models.Approval]]:
    """Questions that runs wait on."""
    return _get("/approvals", Page[models.Approval], (("state", state),))


def decide(
    approval_id: str, verdict: Literal["approved", "rejected", "sent", "again", "failed"], *, comment: str = ""
) -> Call[models.Approval]:
    """Answer a question, once."""
    return _post(f"/approvals/{segment(approval_id)}", models.Approval, {"verdict": verdict, "comment": comment})


# Accounts, catalog, rules


def list_connectors(*, service: str | None = None) -> Call[Page[models.Connection]]:
    """The accounts you may see."""
    return _get("/connectors", Page[models.Connection], (("service", service),))


def get_connector(name: str) -> Call[models.Connection]:
    """One account, and the tasks that use it."""
    return _get(f"/connectors/{segment(name)}", models.Connection)


def add_connector(
    name: str,
    service: str,
    *,
    credential: str | None = None,
    defaults: Mapping[str, Any] | None = None,
    settings: Mapping[str, str] | None = None,
    hosts: tuple[str, ...] = (),
    shared: bool = True,
) -> Call[models.Connection]:
    """Add an account. `credential` is a reference (`vault:NAME`, `env:NAME`), never the secret."""
    body = {
        "name": name, "service": service, "defaults": dict(defaults or {}), "settings": dict(settings or {}),
        "hosts": hosts, "shared": shared, **_given(credential=credential),
    }  # fmt: skip
    return _post("/connectors", models.Connection, body)


def remove_connector(name: str) -> Call[None]:
    """Take an account away that no task uses."""
    return Call(method="DELETE", path=f"/connectors/{segment(name)}", into=None)


def test_connector(name: str) -> Call[models.Tested]:
    """Contact the service with the account."""
    return Call(method="POST", path=f"/connectors/{segment(name)}/test", into=models.Tested, safe=True)


def connect_connector(
    name: str,
    client_id: str,
    *,
    client_secret: str = "",
    client_secret_from: str = "",
    scopes: tuple[str, ...] | None = None,
) -> Call[models.SignIn]:
    """Begin to sign an account in with OAuth2. The client's secret is given, or named as `vault:NAME`."""
    body = {
        "client_id": client_id, "client_secret": client_secret, "client_secret_from": client_secret_from,
        **_given(scopes=scopes),
    }  # fmt: skip
    return _post(f"/connectors/{segment(name)}/connect", models.SignIn, body)


def list_services(*, text: str = "") -> Call[Page[models.ServiceSummary]]:
    """The services that programs may use."""
    return _get("/catalog", Page[models.ServiceSummary], (("text", text or None),))


def get_service(service: str) -> Call[models.Json]:
    """What a service can do, what happens there, how to get in."""
    return _get(f"/catalog/{segment(service)}", models.Json)


def list_rules(*, task: str | None = None) -> Call[Page[models.Rule]]:
    """What tasks decide."""
    return _get("/rules", Page[models.Rule], (("task", task),))


def get_rule(rule_id: str) -> Call[models.Rule]:
    """One rule: `task.action`."""
    return _get(f"/rules/{segment(rule_id)}", models.Rule)


# Secrets, keys, people


def list_secrets() -> Call[Page[models.Secret]]:
    """The names of all secrets."""
    return _get("/secrets", Page[models.Secret])


def set_secret(name: str, value: str | Mapping[str, str]) -> Call[models.Secret]:
    """Keep a secret: one value, or named parts."""
    held = value if isinstance(value, str) else dict(value)
    return Call(method="POST", path="/secrets", into=models.Secret, body={"name": name, "value": held}, safe=True)


def remove_secret(name: str) -> Call[None]:
    """Forget a secret that nothing uses."""
    path = "/".join(segment(part) for part in name.split("/"))
    return Call(method="DELETE", path=f"/secrets/{path}", into=None)


def list_keys() -> Call[Page[models.Key]]:
    """All API keys, never the keys themselves."""
    return _get("/keys", Page[models.Key])


def create_key(
    name: str,
    role: str,
    *,
    principal: str | None = None,
    practice: bool = False,
    agent: bool = False,
    tasks: tuple[str, ...] = (),
    days: int | None = None,
) -> Call[models.NewKey]:
    """Make an API key; its token is in this answer and never said again."""
    body = {
        "name": name, "role": role, "practice": practice, "agent": agent, "tasks": tasks,
        **_given(principal=principal, days=days),
    }  # fmt: skip
    return _post("/keys", models.NewKey, body)


def revoke_key(key_id: str) -> Call[models.Key]:
    """Let nobody in with this key."""
    return Call(method="DELETE", path=f"/keys/{segment(key_id)}", into=models.Key, safe=True)


def get_profile() -> Call[models.Profile]:
    """Your profile."""
    return _get("/profile", models.Profile)


def put_profile(profile: models.Profile) -> Call[models.Profile]:
    """Replace your profile."""
    return _put("/profile", models.Profile, profile)


# What starts by itself


def list_schedules(*, task: str | None = None) -> Call[Page[models.Schedule]]:
    """Schedules, and when each fires next."""
    return _get("/schedules", Page[models.Schedule], (("task", task),))


def list_webhooks(*, task: str | None = None) -> Call[Page[models.Webhook]]:
    """Webhooks, and where deliveries go."""
    return _get("/webhooks", Page[models.Webhook], (("task", task),))


def renew_webhook_secret(webhook_id: str) -> Call[models.SigningSecret]:
    """Make a new signing secret; the old one stops working at once."""
    return _post(f"/webhooks/{segment(webhook_id)}/secret", models.SigningSecret)


# Audit and operation


def list_audit(
    *,
    actor: str | None = None,
    object: str | None = None,
    action: str | None = None,
) -> Call[Page[models.AuditRow]]:
    """What was done, the newest first."""
    return _get("/audit", Page[models.AuditRow], (("actor", actor), ("object", object), ("action", action)))


def verify_audit() -> Call[models.Verdict]:
    """Whether the audit is as it was written."""
    return Call(method="POST", path="/audit/verify", into=models.Verdict, safe=True)


def export_audit() -> Call[bytes]:
    """All rows as lines of JSON."""
    return Call(method="GET", path="/audit/export", into=bytes, safe=True, raw=True)


def apply_folder(files: Mapping[str, str], *, plan: bool = False, prune: bool = False) -> Call[models.Applied]:
    """Make the workspace what the files of a folder say, all or nothing; with `plan`, say what that would change."""
    held = [{"name": name, "text": text} for name, text in sorted(files.items())]
    return _post("/apply", models.Applied, {"files": held, "plan": plan, "prune": prune})


def export_folder() -> Call[models.Exported]:
    """What runs, as the files of a folder."""
    return _get("/export", models.Exported)


def make_backup() -> Call[bytes]:
    """A consistent copy of everything but the master key."""
    return Call(method="POST", path="/backup", into=bytes, raw=True)


def get_stats() -> Call[models.Json]:
    """How much there is and how it went lately."""
    return _get("/stats", models.Json)
