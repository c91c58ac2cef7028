"""What `up`, `serve`, `doctor` and `config` share: options become settings of the server.

Knows: where `eyeflow.toml` and the data folder are. In: options. Out: `Settings`. Never: reads a secret.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from eyeflow.cli.context import DATA, cache_folder, find_settings
from eyeflow.cli.output import Screen
from eyeflow.cli.start import Exit

if TYPE_CHECKING:
    from eyeflow.server.settings import Origin, Settings

HostOption = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen; 127.0.0.1.")]
PortOption = Annotated[int | None, typer.Option("--port", metavar="N", help="The port; 3000. 0 takes a free one.")]
WorkersOption = Annotated[int | None, typer.Option("--workers", metavar="N", help="Processes that answer; 1.")]
ServerDataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of database, keys and lock; .eyeflow.")
]
ServerSettingsOption = Annotated[
    Path | None, typer.Option("--settings", metavar="FILE", help="Settings; else the nearest eyeflow.toml.")
]


def read(
    screen: Screen, *, settings: Path | None, data: Path | None = None, **options: Any
) -> tuple[Settings, tuple[Origin, ...]]:
    """The settings of the server. Raises: typer.Exit after saying what is wrong with them."""
    from eyeflow.server.settings import SettingsError, read_settings

    path = settings if settings is not None else find_settings()
    given = {f"server.{name}": value for name, value in options.items()}
    try:
        held, origins = read_settings(options={**given, "data": str(data) if data else None}, file=path)
    except SettingsError as error:
        screen.failure(error)
        raise typer.Exit(Exit.USAGE) from None
    if next(each for each in origins if each.name == "data").source == "default" and path is not None:
        held = msgspec.structs.replace(held, data=str(path.parent / DATA))
    cache = cache_folder()
    return msgspec.structs.replace(held, cache=str(cache) if cache else ""), origins
