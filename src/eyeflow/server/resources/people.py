"""Profiles, API keys, and the settings of the workspace."""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.catalog.model import Policy, PolicyRule, Role
from eyeflow.server.exchange import Request
from eyeflow.server.resources.paging import Page
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.workspace.keys import CreatedKey, KeyView, NewKey
from eyeflow.workspace.profiles import ProfileView
from eyeflow.workspace.settings import WorkspaceSettings

ROUTES: Final = Routes("People")


class PutProfile(ProfileView, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A whole profile."""


class CreateKey(NewKey, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key to make."""


class PutSettings(WorkspaceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of the workspace."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Roles that may use a service, or one capability of it."""

    service: str
    capability: str | None = None
    roles: tuple[Role, ...]


class PutPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules of what roles may use."""

    rules: tuple[Rule, ...]


@ROUTES.add("GET", "/api/profile", "profile.read")
async def get_profile(service: Service, request: Request) -> ProfileView:
    """Your profile: who \"me\" is, your zone, your city, your defaults."""
    return await service.workspace.profiles.get(request.who)


@ROUTES.add("PUT", "/api/profile", "profile.write")
async def put_profile(service: Service, request: Request, body: PutProfile) -> ProfileView:
    """Replace your profile."""
    return await service.workspace.profiles.put(request.who, body)


@ROUTES.add("GET", "/api/keys", "keys.read")
async def list_keys(service: Service, request: Request) -> Page[KeyView]:
    """All API keys, revoked ones too; never the keys themselves."""
    return Page(await service.workspace.keys.page(request.who))


@ROUTES.add("POST", "/api/keys", "keys.write", status=201)
async def create_key(service: Service, request: Request, body: CreateKey) -> CreatedKey:
    """Make an API key. It is shown in this answer and never again."""
    return await service.workspace.keys.create(request.who, body)


@ROUTES.add("DELETE", "/api/keys/{key_id}", "keys.write")
async def revoke_key(service: Service, request: Request, key_id: str) -> KeyView:
    """Let nobody in with this key from now on."""
    return await service.workspace.keys.revoke(request.who, key_id)


@ROUTES.add("GET", "/api/settings", "settings.read")
async def get_settings(service: Service, request: Request) -> WorkspaceSettings:
    """The settings of the workspace: who approves, how long runs are kept, who is told of what."""
    return await service.workspace.settings.get(request.who)


@ROUTES.add("PUT", "/api/settings", "settings.write")
async def put_settings(service: Service, request: Request, body: PutSettings) -> WorkspaceSettings:
    """Replace the settings of the workspace."""
    return await service.workspace.settings.put(request.who, body)


@ROUTES.add("PUT", "/api/settings/policy", "settings.write")
async def put_policy(service: Service, request: Request, body: PutPolicy) -> Policy:
    """Replace the rules of what roles may use."""
    rules = tuple(PolicyRule(rule.service, rule.capability, rule.roles) for rule in body.rules)
    return await service.workspace.settings.put_policy(request.who, Policy(rules))
