"""A folder as truth: apply and export; and a backup of everything."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from eyeflow.server.exchange import NO_STORE, Request, Stream
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.workspace.backup import backup
from eyeflow.workspace.folderfiles import FolderFile
from eyeflow.workspace.planning import ApplyRequest, ApplyView

ROUTES: Final = Routes("Folder")
_PIECE: Final = 256 * 1024


class Apply(ApplyRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files of a folder. With `plan` nothing is changed; with `prune` tasks that it does not have are deleted."""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a folder."""

    files: tuple[FolderFile, ...]


@ROUTES.add("POST", "/api/apply", "folder.apply")
async def apply_folder(service: Service, request: Request, body: Apply) -> ApplyView:
    """Make the workspace what a folder says, all or nothing; or say what that would change."""
    return await service.workspace.folder.apply(request.who, body)


@ROUTES.add("GET", "/api/export", "folder.export")
async def export_folder(service: Service, request: Request) -> Exported:
    """What runs, as the files of a folder: the inverse of apply."""
    return Exported(files=await service.workspace.folder.export(request.who))


@ROUTES.add("POST", "/api/backup", "backup", answer=str, content="application/octet-stream")
async def make_backup(service: Service, request: Request) -> Stream:
    """A consistent copy of everything but the master key, made while everything goes on; `eyeflow restore` reads it."""
    folder = tempfile.TemporaryDirectory(dir=service.settings.folder, prefix=".backup-")
    try:
        target = Path(folder.name) / "eyeflow.backup"
        key_id, _ = await service.keys.in_use()
        await backup(request.who, service.store, service.settings.folder, target, key_id=key_id, clock=service.clock)
    except BaseException:
        folder.cleanup()
        raise
    headers = (
        (b"content-type", b"application/octet-stream"), NO_STORE,
        (b"content-disposition", b'attachment; filename="eyeflow.backup"'),
    )  # fmt: skip
    return Stream(_pieces(target), headers, close=folder.cleanup)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
