"""Answers of models, kept so that compiling the same request again needs no model.

Knows: a folder of small JSON files named by what was asked. In: a key's parts. Out: the answer's text, or None.
Never: believes a file more than a model: what is read from it goes before the judge again; keeps credentials.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.engines.schema import MAX_ANSWER_BYTES

_NOWHEN: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stored answer with what it cost; the request and the engine are there for people who look."""

    text: str
    engine: str
    answer: str
    tokens_in: int = 0
    tokens_out: int = 0


def key(text: str, ctx: CompileContext, answers: Mapping[str, str], engine: str) -> str:
    """SHA-256 over the request, the context (without the time of day), the answers given, and the engine."""
    held = msgspec.structs.replace(ctx, catalog=msgspec.structs.replace(ctx.catalog, services=()), now=_NOWHEN)
    parts = [text, sorted(answers.items()), engine]
    said = msgspec.json.encode(parts, order="deterministic") + msgspec.json.encode(held, order="deterministic")
    return hashlib.sha256(said).hexdigest()


def digest(*parts: object) -> str:
    """SHA-256 over whatever an answer depends on."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def find(folder: Path, name: str) -> Kept | None:
    """The answer stored under a key, or None when there is none that can be read."""
    try:
        with (folder / f"{name}.json").open("rb") as file:
            raw = file.read(4 * MAX_ANSWER_BYTES)
        return msgspec.json.decode(raw, type=Kept)
    except (OSError, msgspec.MsgspecError):
        return None


def keep(folder: Path, name: str, kept: Kept) -> str | None:
    """Write an answer, whole or not at all; why it could not be, or None."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept, order="deterministic")))
        Path(made).replace(folder / f"{name}.json")
    except OSError as error:
        return (error.strerror or "cannot be written").lower()
    return None
