"""The workspace a command works in: catalog, accounts, profile, data folder.

Knows: where `eyeflow.toml` is looked for, what `--catalog` and `--with` do, where the signing key lies. In: options.
Out: `Workspace`. Never: writes anything, except the signing key when it is asked for, and read catalogs where they
are kept (`EYEFLOW_CACHE`).

`--catalog DIR` stands in for the services that ship, `--with DIR` adds to them. `eyeflow.toml` is the nearest one,
from the current folder upward. Data is in `--data`, else `EYEFLOW_DATA`, else `.eyeflow` beside `eyeflow.toml`, or in
the current folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.start import Exit

if TYPE_CHECKING:
    from eyeflow.catalog.model import Catalog, CompileContext
    from eyeflow.catalog.settings import Settings
    from eyeflow.diagnostics import Report
    from eyeflow.ir.seal import SigningKey

SETTINGS: Final = "eyeflow.toml"
DATA: Final = ".eyeflow"

T = TypeVar("T")

CatalogOption = Annotated[
    Path | None, typer.Option("--catalog", metavar="DIR", help="A folder of services instead of those that ship.")
]
WithOption = Annotated[
    list[Path] | None, typer.Option("--with", metavar="DIR", help="A folder of further services; may be repeated.")
]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", metavar="FILE", help="Accounts and profile; else the nearest eyeflow.toml.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", envvar="EYEFLOW_DATA", help="Where the signing key is kept.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
AnswerOption = Annotated[
    list[str] | None, typer.Option("--answer", metavar="SLOT=VALUE", help="Answer a question; may be repeated.")
]


class Workspace:
    """What a command needs of the place it is called in; the catalog is loaded at once, the key when asked for."""

    def __init__(self, catalog: Catalog, settings: Settings, folder: Path, data: Path | None) -> None:
        self.catalog = catalog
        self.settings = settings
        self.data = data if data is not None else folder / DATA

    def context(self) -> CompileContext:
        """All that a compile may depend on, now. Without a zone in the profile, UTC is assumed."""
        from eyeflow.catalog.model import CompileContext
        from eyeflow.ports import SystemClock

        held = self.settings
        zone = held.profile.timezone
        return CompileContext(
            catalog=self.catalog, connections=held.connections, profile=held.profile, now=SystemClock().now(),
            zone=zone or "UTC", zone_assumed=zone is None, policy=held.policy,
        )  # fmt: skip

    def key(self) -> SigningKey:
        """The signing key of the data folder, made when there is none. Raises: EyeFlowError."""
        from eyeflow.ir.seal import local_key

        return local_key(self.data)


def open_workspace(
    screen: Screen,
    *,
    catalog: Path | None = None,
    extra: Sequence[Path] | None = None,
    settings: Path | None = None,
    data: Path | None = None,
) -> Workspace:
    """The workspace of these options. Raises: typer.Exit after saying what does not load."""
    services = load_services(screen, catalog, extra)
    path = settings if settings is not None else find_settings()
    return Workspace(services, _settings(screen, path, services), path.parent if path else Path(), data)


def load_services(screen: Screen, catalog: Path | None, extra: Sequence[Path] | None) -> Catalog:
    """The catalog of these folders. Raises: typer.Exit after saying what does not load."""
    from eyeflow.catalog.load import load_catalog, merge

    cache = cache_folder()
    found, report = load_catalog(catalog, cache=cache)
    parts = [found]
    for folder in extra or ():
        more, said = load_catalog(folder, cache=cache)
        parts.append(more)
        report = report + said
    whole: Catalog | None = None
    held = [part for part in parts if part is not None]
    if len(held) == len(parts):
        whole, said = merge(*held) if len(held) > 1 else (held[0], report)
        report = report + said if len(held) > 1 else report
    return _loaded(screen, whole, report, "the catalog does not load")


def cache_folder() -> Path | None:
    """Where read catalogs are kept: `EYEFLOW_CACHE`, else the user's folder for such things; None to keep nothing."""
    named = os.environ.get("EYEFLOW_CACHE")
    if named is not None:
        return Path(named) if named else None
    variable, below = ("LOCALAPPDATA", "AppData/Local") if os.name == "nt" else ("XDG_CACHE_HOME", ".cache")
    held = os.environ.get(variable, "")
    home = Path(held) if os.path.isabs(held) else Path(os.path.expanduser("~")) / below  # noqa: PTH111, PTH117
    return home / "eyeflow" if home.is_absolute() else None


def find_settings(start: Path | None = None) -> Path | None:
    """The nearest `eyeflow.toml`, from `start` (the current folder) upward."""
    try:
        folder = (start or Path.cwd()).resolve()
    except OSError:
        return None
    for each in (folder, *folder.parents):
        if os.path.isfile(each / SETTINGS):  # noqa: PTH113 - false, where Path.is_file may raise
            return each / SETTINGS
    return None


def _settings(screen: Screen, path: Path | None, catalog: Catalog) -> Settings:
    from eyeflow.catalog.settings import Settings, load_settings

    if path is None:
        return Settings()
    held, report = load_settings(path, catalog)
    return _loaded(screen, held, report, f"{path} does not load")


def _loaded(screen: Screen, made: T | None, report: Report, message: str) -> T:
    """`made`, after its warnings. Raises: typer.Exit after saying what is wrong, when there is nothing."""
    if made is None:
        from eyeflow.errors import CatalogError

        screen.failure(CatalogError("bad_catalog", message, report))
        raise typer.Exit(Exit.USAGE)
    screen.findings(report)
    return made
