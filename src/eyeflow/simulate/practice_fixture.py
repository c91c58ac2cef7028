"""Fixtures: what a provider accepts and answers, written by hand from its documentation.

Knows: the format of docs/practice-fixtures.md. In: YAML files. Out: frozen structs, patterns compiled by RE2.
Never: reads the catalog: where fixture and catalog disagree, a test must be able to say so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import yaml

from eyeflow.catalog.model import Service

FOLDER: Final = Path(__file__).parent / "fixtures"

Data: TypeAlias = Any
"""JSON of any shape, as YAML gives it: bodies and schemas."""


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer; `body` may have `{query.x}` and `{body.x}` places."""

    status: int = 200
    headers: dict[str, str] = {}
    body: Data = None


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another success: `body` is merged into the response's, or `replace` takes its place."""

    body: Data = None
    replace: Data = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One operation of the provider. `path` and `headers` are patterns for the whole text."""

    method: str
    host: str
    path: str
    headers: dict[str, str] = {}
    content_types: tuple[str, ...] = ()
    query: dict[str, Data] | None = None
    body_schema: dict[str, Data] | None = None
    response: Reply = Reply()
    variants: dict[str, Variant] = {}
    errors: dict[str, Reply] = {}


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a credential goes (`basic`: `Authorization`, the pattern is for `user:password`) and what it looks like."""

    place: str = "none"
    name: str = "Authorization"
    pattern: str = ".*"
    practice: dict[str, str] = {}
    denied: Reply = Reply(status=401, body={"error": "unauthorized"})


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A call of one capability and what it comes to on the wire and back."""

    requests: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    params: dict[str, Data] = {}
    sends: tuple[dict[str, Data], ...] = ()
    returns: Data = None
    variants: dict[str, str] = {}
    errors: dict[str, str] = {}
    fails: Data = None
    also: tuple[Case, ...] = ()


class Fixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A provider. `derived` marks one made from the catalog itself, which can check wiring but not the catalog."""

    service: str
    settings: dict[str, str] = {}
    auth: Shape = Shape()
    headers: dict[str, str] = {}
    shared: Data = None
    requests: dict[str, Request] = {}
    capabilities: dict[str, Case] = {}
    deliveries: dict[str, Data] = {}
    derived: bool = False
    notes: tuple[str, ...] = ()


def shipped_fixture(service: Service) -> Fixture | None:
    """The fixture written for `service`, None when there is none."""
    if not service.id.replace("_", "").replace("-", "").isalnum():
        return None
    path = FOLDER / f"{service.id}.yaml"
    return read_fixture(path.read_text(encoding="utf-8")) if path.is_file() else None


def read_fixture(text: str) -> Fixture:
    """A fixture from YAML. Raises: msgspec.ValidationError naming the place that is not as the format says."""
    return msgspec.convert(yaml.safe_load(text), Fixture)
