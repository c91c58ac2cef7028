"""`--engine`: which engine helps the rules to read a sentence.

Knows: where `[engine]` stands and where answers of models are kept. In: the option and the workspace's place.
Out: an `Engine`, or None for the rules alone. Never: turns one on that nobody asked for.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eyeflow.cli.context import Workspace, find_settings
from eyeflow.cli.output import Screen
from eyeflow.cli.start import Exit
from eyeflow.errors import EyeFlowError

if TYPE_CHECKING:
    from eyeflow.frontend.engines import Engine


class EngineName(StrEnum):
    """What may help: nothing, static embeddings, a small model on this machine, a model at an endpoint."""

    RULES = "rules"
    SEMANTIC = "semantic"
    LOCAL = "local"
    LLM = "llm"


EngineOption = Annotated[
    EngineName | None,
    typer.Option("--engine", help="What helps to read the sentence; else as eyeflow.toml says, else the rules alone."),
]


def engine_of(screen: Screen, space: Workspace | None, name: EngineName | None, settings: Path | None) -> Engine | None:
    """The engine asked for here or in the settings; without a workspace its answers are not kept.

    Raises: typer.Exit after saying what is missing.
    """
    path = settings if settings is not None else find_settings()
    if name is EngineName.RULES or (name is None and path is None):
        return None
    from eyeflow.frontend.engines.settings import make, read_engine

    try:
        text = path.read_text("utf-8") if path is not None else ""
        held = read_engine(text, os.environ, str(path))
        folder = space.data / "proposals" if space is not None else None
        return make(held, os.environ, use=name.value if name is not None else None, folder=folder)
    except EyeFlowError as error:
        screen.failure(error)
        raise typer.Exit(Exit.USAGE) from None
    except (OSError, UnicodeDecodeError):
        return None  # the settings were read once already, and what is wrong with them was told
