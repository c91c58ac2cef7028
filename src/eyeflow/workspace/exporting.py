"""What runs, written out as the files of a folder: the inverse of applying it.

Knows: which file says what. In: a `Principal`. Out: `FolderFile`s. Never: another person's private accounts, a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from eyeflow.catalog.model import Connection, Profile
from eyeflow.engine.model import Principal
from eyeflow.store.port import Store, Where
from eyeflow.store.records import TaskRecord, VersionRecord
from eyeflow.workspace.context import Contexts
from eyeflow.workspace.deployment import Deployment
from eyeflow.workspace.folderfiles import SETTINGS, FolderFile, toml
from eyeflow.workspace.permissions import require

_ANSWERS: Final = msgspec.json.Decoder(dict[str, str])


class Export:
    """Writes out what runs."""

    def __init__(self, store: Store, contexts: Contexts, deployment: Deployment) -> None:
        self._store = store
        self._contexts = contexts
        self._deployment = deployment

    async def files(self, principal: Principal) -> tuple[FolderFile, ...]:
        """What runs, as the files of a folder. Raises: Forbidden, Invalid."""
        require(principal, "folder.export")
        files: list[FolderFile] = []
        sections: dict[str, Mapping[str, object]] = {}
        ctx = await self._contexts.of(principal)
        for connection in ctx.connections:
            sections[f"connections\n{connection.name}"] = _connection_section(connection)
        if ctx.profile != Profile():
            sections["profile"] = _profile_section(ctx.profile)
        if ctx.policy.rules:
            sections["policy"] = {
                ".".join(filter(None, (rule.service, rule.capability))): list(rule.roles) for rule in ctx.policy.rules
            }
        for row in await self.tasks(principal):
            version = await self._store.get(VersionRecord, row.id, row.version)
            assert version is not None, "a task runs a version that is there"
            if version.request and await self._deployment.task(version.request) is not None:
                continue  # the file of the first task of its request makes it too
            files.append(_file(row, version))
            options = await self._options(row, version)
            if options:
                sections[f"tasks\n{row.name}"] = options
        text = toml(sections)
        return (*files, FolderFile(SETTINGS, text)) if text else tuple(files)

    async def _options(self, row: TaskRecord, version: VersionRecord) -> dict[str, object]:
        aliases = await self._store.find(TaskRecord, Where("alias_of", "=", row.id), order=("name",))
        answers = _ANSWERS.decode(version.answers) if version.language == "english" else {}
        options: dict[str, object] = {"answers": answers} if answers else {}
        options |= {"state": "paused"} if row.state == "paused" else {}
        options |= {"aliases": [each.name for each in aliases]} if aliases else {}
        return options | ({"practice": True} if row.practice else {})

    async def tasks(self, principal: Principal) -> list[TaskRecord]:
        """Every task that is not deleted and that `principal` may see, by name."""
        rows = await self._store.find(
            TaskRecord, Where("state", "!=", "deleted"), Where("alias_of", "=", None), order=("name",)
        )
        return [row for row in rows if principal.tasks is None or row.name in principal.tasks]


def _file(row: TaskRecord, version: VersionRecord) -> FolderFile:
    if version.language == "english":
        return FolderFile(f"{row.name}.txt", version.source.strip() + "\n")
    text = version.source if version.language == "ir" else version.ir
    return FolderFile(f"{row.name}.eir", text.strip() + "\n")


def _connection_section(connection: Connection) -> dict[str, object]:
    section: dict[str, object] = {"service": connection.service}
    section |= {"credential": connection.credential} if connection.credential is not None else {}
    section |= {"hosts": list(connection.hosts)} if connection.hosts else {}
    section |= {"settings": dict(connection.settings)} if connection.settings else {}
    defaults = {name: value.value for name, value in connection.defaults}
    return section | ({"defaults": defaults} if defaults else {})


def _profile_section(profile: Profile) -> dict[str, object]:
    held = {
        "timezone": profile.timezone, "city": profile.city, "me": dict(profile.me),
        "defaults": {name: value.value for name, value in profile.defaults},
    }  # fmt: skip
    return {name: value for name, value in held.items() if value}
