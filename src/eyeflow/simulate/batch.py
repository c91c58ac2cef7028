"""Many cases, one result line each, in the order they came.

Knows: JSON lines, and that one bad case is no reason to stop. In: a byte stream, a catalog. Out: `Line`s, lazily, as
each case is done. Never: keeps results, reads a line longer than the limit into memory, hides a bug: what no case may
raise is a line with `internal:` and the traceback beside it.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from eyeflow.catalog.model import Catalog, Connection
from eyeflow.errors import EyeFlowError
from eyeflow.simulate.result import Failure
from eyeflow.simulate.scenario import read_case
from eyeflow.simulate.simulate import simulate

if TYPE_CHECKING:
    from eyeflow.frontend.engines import Engine

MAX_LINE: Final = 16 * 1024 * 1024
"""Longest case, in bytes."""


class Line(msgspec.Struct, frozen=True):
    """One result as JSON without the line break; `ok` is False for a case that could not be simulated, and
    `traceback` is there when that is a bug."""

    json: bytes
    ok: bool = True
    traceback: str | None = None


def simulate_lines(
    stream: BinaryIO, catalog: Catalog, *, connections: tuple[Connection, ...] = (), source: str = "cases",
    engine: Engine | None = None,
) -> Iterator[Line]:  # fmt: skip
    """The result of every case of `stream`; empty lines are left out. `engine` helps the rules to read them."""
    for number, data in _lines(stream):
        place = f"{source}:{number}"
        if data is None:
            yield _failure(place, f"too_large: a case has at most {MAX_LINE} bytes")
        elif data.strip():
            yield _line(data, catalog, connections, place, engine)


def _line(
    data: bytes, catalog: Catalog, connections: tuple[Connection, ...], place: str, engine: Engine | None
) -> Line:
    case, found = read_case(data, place)
    name = _id(data) or place
    if case is None:
        return _failure(name, "; ".join(str(each) for each in found.errors))
    try:
        return Line(msgspec.json.encode(simulate(case, catalog, connections=connections, engine=engine)))
    except EyeFlowError as error:
        return _failure(name, str(error))
    except Exception as bug:  # the edge of the batch: the other cases go on
        return _failure(name, f"internal: {type(bug).__name__}: {bug}"[:2000], traceback.format_exc())


def _failure(name: str, error: str, trace: str | None = None) -> Line:
    clean = error.encode("utf-8", "replace").decode()
    return Line(msgspec.json.encode(Failure(id=name, error=clean)), ok=False, traceback=trace)


class _Named(msgspec.Struct):
    id: str | int


def _id(data: bytes) -> str | None:
    """The id of a case that may be wrong otherwise."""
    try:
        return str(msgspec.json.decode(data, type=_Named).id)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines; None for one that is too long, whose rest is skipped."""
    number = 0
    while data := stream.readline(MAX_LINE + 1):
        number += 1
        if len(data) <= MAX_LINE or data.endswith(b"\n"):
            yield number, data
            continue
        while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass
        yield number, None
