"""`eyeflow apply`, `export`, `backup`, `restore`: a server as files.

Knows: which files a workspace folder has. In: folders, archives. Out: plans in sentences, files, exit code 5 for
changes. Never: leaves half a folder or half an archive.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.reading import stop, write_file
from eyeflow.cli.remote import JsonOption, KeyOption, UrlOption, connected
from eyeflow.cli.start import Exit

if TYPE_CHECKING:
    from eyeflow.client.models import Applied

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="NAME.txt, NAME.eir, eyeflow.toml.")]


def apply(
    *,
    folder: FolderArgument,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would change; exit 5 when something would.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete tasks that the folder does not have.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a server what a folder says, all or nothing.

    \b
    Examples:
      eyeflow apply automations --plan
      eyeflow apply automations
    """
    from eyeflow.workspace.errors import Invalid
    from eyeflow.workspace.folderfiles import read_folder

    screen = Screen(as_json=as_json)
    try:
        files, others = read_folder(folder)
    except (Invalid, OSError) as error:
        stop(screen, f"{folder}: {getattr(error, 'message', None) or error}", hint=getattr(error, "hint", ""))
    if others:
        screen.note(f"not of a workspace folder, left alone: {', '.join(others[:10])}")
    held = {file.name: file.text for file in files}
    with connected(screen, url, key) as client, screen.progress("compiling the folder"):
        found = client.apply(held, plan=plan, prune=prune)
    if as_json:
        screen.json(found)
    else:
        _show(screen, found)
    raise typer.Exit(Exit.CHANGES if plan and found.changed else Exit.OK)


def _show(screen: Screen, found: Applied) -> None:
    for each in found.items:
        screen.line(f"{each['item']}: {each['change']}. {each['text']}")
    for each in found.tasks:
        screen.line(f"{each['task']}: {each['change']}", "bold")
        for line in _sentences(each):
            screen.line(f"  {line}")
    for each in found.findings:
        screen.note(f"{each.get('severity', 'note')} {each.get('code', '')}: {each.get('message', '')}")
    if found.proposal is not None:
        screen.line(f"waits for approval: eyeflow proposals get {found.proposal}")
    elif not found.changed:
        screen.line("nothing to change")
    else:
        screen.line("applied" if found.applied else "nothing was changed; `eyeflow apply` without --plan does it")


def _sentences(each: dict[str, Any]) -> list[str]:
    compared = each.get("compared") or {}
    return [*(str(change.get("text", change)) for change in compared.get("changes", ())), *each.get("also", ())]


def export(
    *,
    folder: FolderArgument,
    replace: Annotated[bool, typer.Option("--replace", help="Write over files that are there.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what runs on a server as a folder; applied again, it changes nothing.

    \b
    Examples:
      eyeflow export automations
    """
    from eyeflow.workspace.errors import Invalid
    from eyeflow.workspace.folderfiles import FolderFile, write_folder

    screen = Screen(as_json=as_json)
    with connected(screen, url, key) as client:
        files = tuple(FolderFile(each["name"], each["text"]) for each in client.export().files)
    try:
        write_folder(folder, files, replace=replace)
    except (Invalid, OSError) as error:
        stop(screen, f"{folder}: {getattr(error, 'message', None) or error}", hint=getattr(error, "hint", ""))
    if as_json:
        screen.json({"folder": str(folder), "files": [file.name for file in files]})
    else:
        screen.line(f"{len(files)} files in {folder}")


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write; it must not exist.")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy everything of a server but the master key, while it goes on. Keep the master key apart.

    \b
    Examples:
      eyeflow backup eyeflow.backup
    """
    screen = Screen(as_json=as_json)
    if file.exists():
        stop(screen, f"{file} exists already", hint="choose another name")
    with connected(screen, url, key) as client, screen.progress("copying"):
        size = write_file(screen, file, client.download("backup"), mode=0o600)
    if as_json:
        screen.json({"file": str(file), "bytes": size})
    else:
        screen.line(f"{file}: {size:,} bytes; it is of no use without the master key")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `eyeflow backup` has written.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="A new folder, or one with only a master key.")],
    as_json: JsonOption = False,
) -> None:
    """Make a data folder of a backup. Put the master key of that server into it first, unless it comes from elsewhere.

    \b
    Examples:
      mkdir -m 700 restored && cp master.key restored
      eyeflow restore eyeflow.backup --data restored
      eyeflow up --data restored
    """
    from eyeflow.secrets.sources import FileKeys
    from eyeflow.workspace.backup import MASTER_KEY
    from eyeflow.workspace.backup import restore as restored

    screen = Screen(as_json=as_json)
    own = data / MASTER_KEY
    known = [key.id for key in FileKeys(own).load()] if own.is_file() else None
    manifest = restored(file, data, key_ids=known)
    if as_json:
        screen.json({"data": str(data), "files": [each.name for each in manifest.files]})
    else:
        screen.line(f"{data}: {len(manifest.files)} files, made by eyeflow {manifest.eyeflow}")
        if known is None:
            screen.line(f"its secrets need the master key {manifest.key_id}: put it into {own}, or say where it is")
