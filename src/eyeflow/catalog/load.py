"""Reads a catalog: a folder of service files, or service documents given inline.

Knows: which files count, how their services become one closed world. In: a folder, or documents. Out: `Catalog` and
`Report`; no catalog when any finding is an error. Never: raises for bad files, reads outside the folder's own files,
writes anything unless it is given a folder to keep things in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from eyeflow.catalog import compiled
from eyeflow.catalog.digests import catalog_digest, make_catalog
from eyeflow.catalog.model import Catalog, Service
from eyeflow.diagnostics import EMPTY, Diagnostic, Place, Report, report
from eyeflow.errors import CatalogError

if TYPE_CHECKING:
    from eyeflow.catalog.reading import Document

SHIPPED: Final = Path(__file__).parent / "services"
MAX_FILES: Final = 20_000
MAX_FOLDER_BYTES: Final = 256 * 1024 * 1024
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


def load_catalog(folder: Path | None = None, *, cache: Path | None = None) -> tuple[Catalog | None, Report]:
    """The catalog in `folder` (None: the services that ship with EyeFlow).

    Every `*.yaml`, `*.yml` and `*.json` directly in the folder is one service; names that begin with `.` are left out.
    `cache`: a folder that keeps what files without any finding gave (`compiled.py`); nothing is kept when None.
    """
    whole = SHIPPED if folder is None else Path(folder)
    services, found = load_services(whole) if cache is None else _load_kept(whole, cache)
    return (make_catalog(services), found) if found.ok else (None, found)


def load_documents(documents: Sequence[object], source: str = "inline") -> tuple[Catalog | None, Report]:
    """A catalog of service documents that are Python data already; `source[3]` names the fourth in findings."""
    from eyeflow.catalog.reading import read_data  # noqa: PLC0415

    if not isinstance(documents, list | tuple):
        place = Place(source=source)
        return None, report([Diagnostic("wrong_type", "a catalog is a list of service documents", place=place)])
    services: list[Service] = []
    found = EMPTY
    for index, data in enumerate(documents):
        service, said = _service(read_data(data, f"{source}[{index}]"))
        services += [service] if service is not None else []
        found += said
    found += _clashes(services)
    return (make_catalog(services), found) if found.ok else (None, found)


def load_services(folder: Path) -> tuple[list[Service], Report]:
    """Every service of the folder that can be read, in file-name order, and what was found wrong with the others."""
    files, found = _files(folder)
    return _gathered((load_service(path) for path in files), found)


def _gathered(read: Iterable[tuple[Service | None, Report]], found: Report) -> tuple[list[Service], Report]:
    services: list[Service] = []
    diagnostics: list[Diagnostic] = list(found.diagnostics)
    for service, said in read:
        services += [service] if service is not None else []
        diagnostics += said.diagnostics
    return services, report(diagnostics) + _clashes(services)


def _load_kept(folder: Path, cache: Path) -> tuple[list[Service], Report]:
    """As `load_services`; what was kept of exactly these bytes is not read again."""
    compiled.use(cache)
    files, found = _files(folder)
    try:
        sources = [(path, path.read_bytes()) for path in files]
        key = compiled.key_of((path.name, raw) for path, raw in sources)
    except OSError:
        return load_services(folder)
    kept = compiled.recall(cache, key) if found.ok else None
    if kept is not None:
        return list(kept), EMPTY
    services, said = _gathered((_loaded(path, raw) for path, raw in sources), found)
    if not said.diagnostics:
        compiled.remember(cache, key, services)
    return services, said


def load_service(path: Path) -> tuple[Service | None, Report]:
    """The service in one file."""
    from eyeflow.catalog.reading import MAX_BYTES  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return None, _unreadable(str(path), error)
    return _loaded(path, raw)


def _loaded(path: Path, raw: bytes) -> tuple[Service | None, Report]:
    from eyeflow.catalog.reading import decode, read_json, read_yaml  # noqa: PLC0415 - YAML only when needed (30 ms)

    source = str(path)
    text, problem = decode(raw, source)
    if text is None:
        return _service((None, problem))
    is_json = path.suffix.lower() == ".json"
    service, found = _service(read_json(text, source) if is_json else read_yaml(text, source))
    # the same catalog in another folder is the same catalog, so only the file's own name is kept
    return (None if service is None else msgspec.structs.replace(service, source=path.name)), found


def parse_service(text: str, source: str = "text", *, is_json: bool = False) -> tuple[Service | None, Report]:
    """The service in YAML (or JSON) text."""
    from eyeflow.catalog.reading import read_json, read_yaml  # noqa: PLC0415

    return _service(read_json(text, source) if is_json else read_yaml(text, source))


def merge(*catalogs: Catalog) -> tuple[Catalog | None, Report]:
    """One catalog of several; the same id with another meaning in two of them is an error."""
    services: dict[tuple[str, str], Service] = {}
    for service in (service for catalog in catalogs for service in catalog.services):
        services.setdefault((service.id, catalog_digest([service])), service)
    found = _clashes(services.values())
    return (make_catalog(services.values()), found) if found.ok else (None, found)


def open_catalog(folder: Path | None = None) -> Catalog:
    """`load_catalog`, for callers that want an exception.

    Raises:
        CatalogError: a file does not load; `report` has every finding.
    """
    catalog, found = load_catalog(folder)
    if catalog is None:
        first = found.errors[0]
        raise CatalogError("bad_catalog", f"the catalog does not load: {first}", found, hint=first.hint)
    return catalog


def _service(read: tuple[Document | None, Diagnostic | None]) -> tuple[Service | None, Report]:
    document, problem = read
    if document is None:
        assert problem is not None
        return None, report([problem])
    from eyeflow.catalog.service_file import read_service  # noqa: PLC0415

    return read_service(document)


def _files(folder: Path) -> tuple[list[Path], Report]:
    """The service files of a folder in name order. Devices and pipes are no files: reading one could block."""
    try:
        names = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.name[0] != "."]
        paths = sorted((path for path in names if path.is_file()), key=lambda path: path.name)
        size = sum(path.stat().st_size for path in paths)
    except (OSError, ValueError) as error:
        return [], _unreadable(str(folder), error)
    place = Place(source=str(folder))
    if len(paths) > MAX_FILES or size > MAX_FOLDER_BYTES:
        return [], report([Diagnostic("too_large", f"more than {MAX_FILES} service files", place=place)])
    if not paths:
        hint = "put one service in each `NAME.yaml`"
        return [], report([Diagnostic("no_services", "the folder holds no service file", place=place, hint=hint)])
    return paths, EMPTY


def _unreadable(source: str, error: Exception) -> Report:
    why = (error.strerror if isinstance(error, OSError) else None) or "not a path"
    return report([Diagnostic("unreadable", f"cannot be read: {why.lower()}", place=Place(source=source))])


def _clashes(services: Iterable[Service]) -> Report:
    first: dict[str, Service] = {}
    found: list[Diagnostic] = []
    for service in services:
        other = first.setdefault(service.id, service)
        if other is not service:
            message = f"the id `{service.id}` is taken by {other.source or 'another service'}"
            place = Place(source=service.source, path="service")
            found.append(Diagnostic("duplicate_service", message, place=place, hint="give one of them another id"))
    return report(found)
