"""Endpoints about everything around work, described once for both clients: accounts, catalog, secrets, keys, people,
what starts by itself, the audit, folders.

Knows: methods, paths, bodies and answers. In: arguments. Out: `Call`s. Never: sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from eyeflow.client import models
from eyeflow.client.calls import Call, get, given, post, put, segment
from eyeflow.client.endpoint import Page

# Accounts, catalog, rules


def list_connectors(*, service: str | None = None) -> Call[Page[models.Connection]]:
    """The accounts you may see."""
    return get("/connectors", Page[models.Connection], (("service", service),))


def get_connector(name: str) -> Call[models.Connection]:
    """One account, and the tasks that use it."""
    return get(f"/connectors/{segment(name)}", models.Connection)


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
    body = _account(service, credential, defaults, settings, hosts, shared=shared)
    return post("/connectors", models.Connection, {"name": name, **body})


def change_connector(
    name: str,
    service: str,
    *,
    credential: str | None = None,
    defaults: Mapping[str, Any] | None = None,
    settings: Mapping[str, str] | None = None,
    hosts: tuple[str, ...] = (),
    shared: bool = True,
) -> Call[models.Connection]:
    """Change an account, as a whole. What approved programs use of it stays."""
    body = _account(service, credential, defaults, settings, hosts, shared=shared)
    return put(f"/connectors/{segment(name)}", models.Connection, body)


def _account(
    service: str, credential: str | None, defaults: Mapping[str, Any] | None, settings: Mapping[str, str] | None,
    hosts: tuple[str, ...], *, shared: bool,
) -> dict[str, Any]:  # fmt: skip
    return {
        "service": service, "defaults": dict(defaults or {}), "settings": dict(settings or {}), "hosts": hosts,
        "shared": shared, **given(credential=credential),
    }  # fmt: skip


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
        **given(scopes=scopes),
    }  # fmt: skip
    return post(f"/connectors/{segment(name)}/connect", models.SignIn, body)


def list_services(*, text: str = "") -> Call[Page[models.ServiceSummary]]:
    """The services that programs may use."""
    return get("/catalog", Page[models.ServiceSummary], (("text", text or None),))


def get_service(service: str) -> Call[models.Json]:
    """What a service can do, what happens there, how to get in."""
    return get(f"/catalog/{segment(service)}", models.Json)


def list_rules(*, task: str | None = None) -> Call[Page[models.Rule]]:
    """What tasks decide."""
    return get("/rules", Page[models.Rule], (("task", task),))


def get_rule(rule_id: str) -> Call[models.Rule]:
    """One rule: `task.action`."""
    return get(f"/rules/{segment(rule_id)}", models.Rule)


# Secrets, keys, people


def list_secrets() -> Call[Page[models.Secret]]:
    """The names of all secrets."""
    return get("/secrets", Page[models.Secret])


def set_secret(name: str, value: str | Mapping[str, str]) -> Call[models.Secret]:
    """Keep a secret: one value, or named parts."""
    held = value if isinstance(value, str) else dict(value)
    return Call(method="POST", path="/secrets", into=models.Secret, body={"name": name, "value": held}, safe=True)


def rotate_secret(name: str, value: str | Mapping[str, str]) -> Call[models.Secret]:
    """Give a secret that is there its next value."""
    held = value if isinstance(value, str) else dict(value)
    return Call(method="POST", path="/secrets/rotate", into=models.Secret, body={"name": name, "value": held})


def rotate_master() -> Call[models.MasterKey]:
    """Make a new master key and wrap every secret under it."""
    return post("/secrets/rotate-master", models.MasterKey)


def remove_secret(name: str) -> Call[None]:
    """Forget a secret that nothing uses."""
    path = "/".join(segment(part) for part in name.split("/"))
    return Call(method="DELETE", path=f"/secrets/{path}", into=None)


def list_keys() -> Call[Page[models.Key]]:
    """All API keys, never the keys themselves."""
    return get("/keys", Page[models.Key])


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
        **given(principal=principal, days=days),
    }  # fmt: skip
    return post("/keys", models.NewKey, body)


def revoke_key(key_id: str) -> Call[models.Key]:
    """Let nobody in with this key."""
    return Call(method="DELETE", path=f"/keys/{segment(key_id)}", into=models.Key, safe=True)


def get_profile() -> Call[models.Profile]:
    """Your profile."""
    return get("/profile", models.Profile)


def put_profile(profile: models.Profile) -> Call[models.Profile]:
    """Replace your profile."""
    return put("/profile", models.Profile, profile)


# What starts by itself


def list_schedules(*, task: str | None = None) -> Call[Page[models.Schedule]]:
    """Schedules, and when each fires next."""
    return get("/schedules", Page[models.Schedule], (("task", task),))


def list_webhooks(*, task: str | None = None) -> Call[Page[models.Webhook]]:
    """Webhooks, and where deliveries go."""
    return get("/webhooks", Page[models.Webhook], (("task", task),))


def add_webhook(
    task: str, *, path: str = "", method: Literal["POST", "PUT", "PATCH"] = "POST", unsigned: bool = False
) -> Call[models.NewWebhook]:
    """Give a task one more address that starts it; the signing secret is in this answer and never said again."""
    return post("/webhooks", models.NewWebhook, {"task": task, "path": path, "method": method, "unsigned": unsigned})


def remove_webhook(webhook_id: str) -> Call[None]:
    """Take away an address that was added to a task."""
    return Call(method="DELETE", path=f"/webhooks/{segment(webhook_id)}", into=None)


def renew_webhook_secret(webhook_id: str) -> Call[models.SigningSecret]:
    """Make a new signing secret; the old one stops working at once."""
    return post(f"/webhooks/{segment(webhook_id)}/secret", models.SigningSecret)


def list_ticks(schedule_id: str) -> Call[Page[models.Tick]]:
    """What became of the instants of a schedule, the newest first."""
    return get(f"/schedules/{segment(schedule_id)}/ticks", Page[models.Tick])


def list_notices() -> Call[Page[models.Notice]]:
    """What people were told, or could not be told, the newest first."""
    return get("/notices", Page[models.Notice])


def get_settings() -> Call[models.WorkspaceSettings]:
    """The settings of the workspace."""
    return get("/settings", models.WorkspaceSettings)


def put_settings(settings: models.WorkspaceSettings) -> Call[models.WorkspaceSettings]:
    """Replace the settings of the workspace."""
    return put("/settings", models.WorkspaceSettings, settings)


def put_policy(rules: Sequence[Mapping[str, Any]]) -> Call[models.Json]:
    """Replace the rules of what roles may use: each with `service`, perhaps `capability`, and `roles`."""
    return put("/settings/policy", models.Json, {"rules": [dict(rule) for rule in rules]})


# Audit and operation


def list_audit(
    *,
    actor: str | None = None,
    object: str | None = None,
    action: str | None = None,
) -> Call[Page[models.AuditRow]]:
    """What was done, the newest first."""
    return get("/audit", Page[models.AuditRow], (("actor", actor), ("object", object), ("action", action)))


def verify_audit() -> Call[models.Verdict]:
    """Whether the audit is as it was written."""
    return Call(method="POST", path="/audit/verify", into=models.Verdict, safe=True)


def export_audit() -> Call[bytes]:
    """All rows as lines of JSON."""
    return Call(method="GET", path="/audit/export", into=bytes, safe=True, raw=True)


def apply_folder(files: Mapping[str, str], *, plan: bool = False, prune: bool = False) -> Call[models.Applied]:
    """Make the workspace what the files of a folder say, all or nothing; with `plan`, say what that would change."""
    held = [{"name": name, "text": text} for name, text in sorted(files.items())]
    return post("/apply", models.Applied, {"files": held, "plan": plan, "prune": prune})


def export_folder() -> Call[models.Exported]:
    """What runs, as the files of a folder."""
    return get("/export", models.Exported)


def make_backup() -> Call[bytes]:
    """A consistent copy of everything but the master key."""
    return Call(method="POST", path="/backup", into=bytes, raw=True)


Download: TypeAlias = Literal["backup", "audit"]


def downloaded(what: Download) -> Call[bytes]:
    """The request for something that may be large."""
    return make_backup() if what == "backup" else export_audit()


def get_stats() -> Call[models.Json]:
    """How much there is and how it went lately."""
    return get("/stats", models.Json)
