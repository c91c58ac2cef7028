"""Artifacts on the command line: opened, shown, sealed, written.

Knows: the local key and its trust. In: bytes, compilations. Out: artifacts, lines. Never: runs one, trusts a key
that is not of this data folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from eyeflow.cli.context import Workspace
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import Given, write_file
from eyeflow.errors import LoadError

if TYPE_CHECKING:
    from eyeflow.ir.program import Artifact
    from eyeflow.ir.seal import SigningKey

KEY_FILE = "signing.key"


class Sealed(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What `--json` says of an artifact. `size` is in bytes, `path` the file it was written to."""

    task: str
    digest: str
    size: int
    signer: str
    practice: bool = False
    path: str | None = None


def opened(given: Given) -> Artifact:
    """The artifact in a file. Raises: LoadError when the bytes are none."""
    from eyeflow.ir.bytecode import read_artifact

    assert given.artifact is not None, "only artifacts are opened"
    return read_artifact(given.artifact)


def sealed(name: str, artifact: Artifact, path: Path | None, screen: Screen) -> Sealed:
    """What there is to say of `artifact`, after writing it to `path` when there is one."""
    from eyeflow.ir.bytecode import write_artifact

    data = write_artifact(artifact)
    if path is not None:
        write_file(screen, path, data)
    return Sealed(
        task=name, digest=artifact.digest, size=len(data), signer=artifact.envelope.key_id,
        practice=artifact.envelope.practice, path=str(path) if path is not None else None,
    )  # fmt: skip


def show_sealed(screen: Screen, each: Sealed) -> None:
    """Size, digest, signer, and where it is."""
    where = each.path or f"{each.task} (not written; -o OUT.efb writes it)"
    mark = ", PRACTICE" if each.practice else ""
    screen.line(f"{where}: {each.size:,} bytes{mark}")
    screen.line(f"  digest {each.digest}")
    screen.line(f"  signed by {each.signer}")


def show_envelope(screen: Screen, artifact: Artifact, space: Workspace) -> None:
    """What surrounds the program of an artifact, and whether this machine would run it."""
    envelope = artifact.envelope
    screen.note(f"artifact {artifact.digest}" + (" (PRACTICE)" if envelope.practice else ""))
    compiler = envelope.compiler or "an unknown compiler"
    screen.note(f"  approved by {envelope.approver or 'nobody'}, compiled by {compiler}")
    screen.note(f"  signed by {envelope.key_id or 'nobody'}: {_trusted(artifact, space)}")


def _trusted(artifact: Artifact, space: Workspace) -> str:
    from eyeflow.ir.seal import Trust, verify

    key = existing_key(space)
    try:
        verify(artifact, Trust((key.signer,) if key is not None else (), practice=True))
    except LoadError as error:
        return f"not trusted here ({error.message})"
    return "trusted here"


def existing_key(space: Workspace) -> SigningKey | None:
    """The key of the data folder when there is one; nothing is made."""
    return space.key() if (space.data / KEY_FILE).is_file() else None
