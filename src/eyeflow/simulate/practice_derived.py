"""A fixture for a service nobody wrote one for, made from its own catalog entry.

Knows: how a mapping would look from the provider's side. In: a service. Out: a `Fixture` marked `derived`.
Never: a check of the catalog against the provider: a wrong path in the entry is a wrong path here too. It checks that
what is sent is what the entry says, with the types its parameters have.
"""

from __future__ import annotations

import re

import msgspec
import re2

from eyeflow.catalog.model import Capability, HttpMapping, Service
from eyeflow.connectors.sample import sample
from eyeflow.simulate.practice_fixture import Case, Data, Fixture, Reply, Request, Shape
from eyeflow.simulate.practice_inverse import body_for
from eyeflow.values import Field, ListOf, MapOf, ObjectOf, Scalar, Type, Value, non_null

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_CONTENT = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain",
    "multipart": "multipart/form-data",
}
_CREDENTIALS = {
    "bearer": {"token": "practice-token-{}"},
    "oauth2": {"token": "practice-token-{}"},
    "api_key": {"key": "practice-key-{}"},
    "basic": {"username": "practice", "password": "practice-password-{}"},
    "none": {},
}
_JSON_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}


def derived_fixture(service: Service) -> Fixture:
    """What `service` says of itself, as a provider would. Settings it needs get the value `practice`."""
    settings = dict.fromkeys(_open_settings(service), "practice")
    requests: dict[str, Request] = {}
    cases: dict[str, Case] = {}
    notes: list[str] = []
    for capability in service.capabilities:
        mapping = capability.http
        if mapping is None:
            continue
        names: list[str] = []
        steps = mapping.steps or (("", mapping),)
        for step, part in steps:
            name = f"{capability.name}.{step}" if step else capability.name
            last = step == steps[-1][0] and mapping.result in (None, part.result)
            body = body_for(part, sample(capability.returns) if last else {})
            notes += [f"{name}: {lost}" for lost in body.lost]
            requests[name] = _request(service, capability, part, settings, body.value)
            names.append(name)
        cases[capability.name] = Case(requests=tuple(names))
    return Fixture(
        service=service.id,
        settings=settings,
        auth=_shape(service),
        requests=requests,
        capabilities=cases,
        derived=True,
        notes=tuple(notes),
    )


def _open_settings(service: Service) -> list[str]:
    base = (service.http.base_url if service.http else None) or ""
    return [found[1] for found in _PLACE.finditer(base) if found[1]]


def _shape(service: Service) -> Shape:
    """The practice credential of the first way in; `place: any` leaves the form to the service's own login."""
    way = service.auth[0] if service.auth else None
    if way is None:
        return Shape()
    parts = {name: text.format(service.id) for name, text in _CREDENTIALS[way.type].items()}
    return Shape(place="any" if parts else "none", practice=parts)


def _request(
    service: Service, capability: Capability, mapping: HttpMapping, settings: dict[str, str], body: Value
) -> Request:
    params = {param.name: param for param in capability.params}
    base = mapping.base_url or (service.http.base_url if service.http else None) or ""
    for name, value in settings.items():
        base = base.replace("{" + name + "}", value)
    host, prefix = "*", ""
    if "://" in base and "{" not in base:
        host, slash, prefix = base.partition("://")[2].partition("/")
        prefix = (slash + prefix).rstrip("/")
    tree: Data = None if mapping.body is None else msgspec.json.decode(mapping.body)
    kind = _CONTENT.get(mapping.encoding)
    response = Reply(status=200, headers={"Content-Type": "application/json"}, body=body)
    return Request(
        method=mapping.method,
        host=host,
        path=".*" if base.startswith("{") or not base else _path_pattern(prefix + mapping.path) or "/",
        content_types=() if tree is None or kind is None else (kind,),
        query=_query(mapping, params),
        body_schema=None if tree is None or mapping.encoding in ("text", "raw") else _schema(tree, params),
        response=response,
    )


def _path_pattern(path: str) -> str:
    pattern, at = "", 0
    for found in _PLACE.finditer(path):
        pattern += re2.escape(path[at : found.start()])
        at = found.end()
        if found[1] is None:
            pattern += re2.escape(found[0][0])
        else:
            pattern += ".+"  # the path is matched decoded, where a value may hold a slash
    return pattern + str(re2.escape(path[at:]))


def _query(mapping: HttpMapping, params: dict[str, Field]) -> dict[str, Data]:
    fields = {name: _leaf(text, params) for name, text in mapping.query if name != "*"}
    if mapping.pages is not None:
        fields.update({name: {} for name, _ in mapping.pages.next})
    constants = [name for name, text in mapping.query if name != "*" and "{" not in text]
    spread = any(name == "*" for name, _ in mapping.query)
    return {"type": "object", "properties": fields, "required": constants, "open": spread}


def _schema(tree: Data, params: dict[str, Field]) -> dict[str, Data]:
    if isinstance(tree, str):
        return _leaf(tree, params)
    if isinstance(tree, dict):
        known = {name: _schema(item, params) for name, item in tree.items() if name != "*"}
        return {"type": "object", "properties": known, "open": "*" in tree}
    if isinstance(tree, list):
        return {"type": "array"}
    return {"enum": [tree]}


def _leaf(text: str, params: dict[str, Field]) -> dict[str, Data]:
    """A constant must be itself; one parameter alone has its type; anything computed is not known."""
    if not _PLACE.search(text):
        return {"enum": [text]}
    whole = _PLACE.fullmatch(text)
    param = params.get(whole[1]) if whole is not None and whole[1] is not None else None
    if param is None:
        return {}
    return _typed(param.type) | ({"enum": list(param.enum)} if param.enum else {})


def _typed(of: Type) -> dict[str, Data]:
    match non_null(of):
        case Scalar(name):
            return {"type": _JSON_TYPES.get(name, "string")}
        case ListOf():
            return {}
        case ObjectOf() | MapOf():
            return {"type": "object"}
        case _:
            return {}
