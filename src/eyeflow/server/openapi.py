"""The OpenAPI document of all routes, and a page that shows it: both made from the table of routes.

Knows: how a row, its types and its permission are said in OpenAPI. In: rows. Out: the document as JSON-able data, a
page of HTML without scripts. Never: describes what is not in the table.

Source: OpenAPI 3.1.0; the schemas are JSON Schema 2020-12, from msgspec.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from types import UnionType
from typing import Any, Final, get_args

import msgspec

from eyeflow import __version__
from eyeflow.server.exchange import Answer, Stream
from eyeflow.server.problems import Problem
from eyeflow.server.routes import Route
from eyeflow.server.streams import RETRY_MS
from eyeflow.workspace.permissions import PERMISSIONS

_REF: Final = "#/components/schemas/{name}"
_LEAD: Final = """EyeFlow turns a plain English request into a typed, checked program once, and runs it for ever.

Every request needs an API key (`Authorization: Bearer KEY`), except where it says so. Whatever did not happen is a
problem (RFC 9457) with a stable `code` and, where there is one, a way out in `hint`. A run that exists is answered
with 200 and its `status`, however it ended, and with 202 while it has not. Unknown fields and parameters are refused.
Lists come in pages: ask again with `cursor` set to the `next` of the page before. `/api/v1/...` is the same as
`/api/...`."""
_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "the same key runs the same task once",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
}  # fmt: skip
_LAST_ID: Final = {
    "name": "Last-Event-ID", "in": "header", "required": False, "description": "go on after this event of a stream",
    "schema": {"type": "string", "maxLength": 100},
}  # fmt: skip
_PATH: Final = re.compile(r"\{([a-z_]+)\.\.\.\}")


def described(rows: Iterable[Route]) -> tuple[bytes, bytes]:
    """The document as JSON, and the page."""
    doc = document(rows)
    return msgspec.json.encode(doc), page(doc)


def document(rows: Iterable[Route], *, url: str = "/") -> dict[str, Any]:
    """The document, as data that JSON can hold."""
    held = sorted(rows, key=lambda row: (row.path, row.method))
    kinds = tuple(dict.fromkeys(
        kind for row in held for said in (row.body, row.query, row.answer) for kind in _kinds(said)
    ))  # fmt: skip
    schemas, components = msgspec.json.schema_components((*kinds, Problem), schema_hook=_anything, ref_template=_REF)
    by_kind = dict(zip(kinds, schemas, strict=False))
    asked = {by_kind[row.query]["$ref"].rpartition("/")[2] for row in held if row.query is not None}
    paths: dict[str, dict[str, Any]] = {}
    names: dict[str, int] = {}
    for row in held:
        made = _operation(row, by_kind, components)
        seen = names[row.name] = names.get(row.name, 0) + 1
        made["operationId"] = row.name if seen == 1 else f"{row.name}_{seen}"
        paths.setdefault(_PATH.sub(r"{\1}", row.path), {})[row.method.lower()] = made
    return {
        "openapi": "3.1.0",
        "info": {"title": "EyeFlow", "version": __version__, "description": _LEAD},
        "servers": [{"url": url}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in sorted({row.tag for row in held})],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key"}},
            "schemas": {name: each for name, each in sorted(components.items()) if name not in asked},
        },
    }


def _anything(kind: type) -> dict[str, Any]:
    """`object` is any JSON value; every other type says what it is. Raises: NotImplementedError for those."""
    if kind is object:
        return {"description": "any JSON value"}
    raise NotImplementedError(kind)


def _kinds(said: Any) -> tuple[Any, ...]:
    """The types a row names in one place: the members of a union, which JSON cannot tell apart but by their fields."""
    members = get_args(said) if isinstance(said, UnionType) else (said,)
    return tuple(kind for kind in members if kind not in (None, type(None), str, Answer, Stream))


def _schema(said: Any, by_kind: dict[Any, Any]) -> dict[str, Any]:
    held = [by_kind[kind] for kind in _kinds(said)]
    if not held:
        return {"type": "string"}
    return held[0] if len(held) == 1 else {"anyOf": held}


def _operation(row: Route, by_kind: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "tags": [row.tag], "summary": row.summary, "description": _described(row),
        "responses": _responses(row, by_kind),
    }  # fmt: skip
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in row.params
    ]
    if row.query is not None:
        parameters += _query(by_kind[row.query], components)
    if row.permission == "tasks.run" and row.body is not None:
        parameters.append(_IDEMPOTENCY)
    if row.live:
        parameters.append(_LAST_ID)
    if parameters:
        made["parameters"] = parameters
    if row.body is not None:
        made["requestBody"] = {
            "required": not row.body_may_be_left_out,
            "content": {"application/json": {"schema": by_kind[row.body]}},
        }
    elif row.permission == "signed" and row.method != "GET":
        made["requestBody"] = {"required": False, "content": {"application/json": {"schema": {}}, "*/*": {}}}
    if row.permission in ("open", "signed"):
        made["security"] = []
    return made


def _described(row: Route) -> str:
    if row.permission == "open":
        who = "Needs no key."
    elif row.permission == "signed":
        who = "Needs no key: deliveries are signed."
    else:
        held = PERMISSIONS[row.permission]
        who = f"For {', '.join(sorted(held.roles))} (`{row.permission}`)."
    live = (
        f" With `Accept: text/event-stream` it answers events as they happen (retry after {RETRY_MS} ms)."
        if row.live
        else ""
    )
    return f"{row.detail} {who}{live}".strip()


def _responses(row: Route, by_kind: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if row.answer in (None, type(None)):
        found["204"] = {"description": "done"}
    else:
        content = {row.content: {"schema": _schema(row.answer, by_kind)}}
        if row.live:
            content["text/event-stream"] = {"schema": {"type": "string"}}
        found[str(row.status)] = {"description": "done", "content": content}
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}}
    for status in row.also:
        found[str(status)] = {"description": "not ended yet" if status == 202 else "see the answer"}
    if row.permission == "signed":  # what RESPOND says is the task's own business
        found["default"] = {"description": "what the task answers, or a problem"}
    else:
        found["default"] = {"description": "nothing was done", "content": problem}
    return found


def _query(schema: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    held = components[schema["$ref"].rpartition("/")[2]]
    return [
        {
            "name": name, "in": "query", "required": name in held.get("required", ()),
            "description": each.get("description", ""), "schema": each,
        }
        for name, each in held["properties"].items()
    ]  # fmt: skip


_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}h1,h2{line-height:1.2}code,pre{font:14px/1.4 ui-monospace,monospace}details{border-top:1px solid "
    "#ccc;padding:.4rem 0}summary{cursor:pointer}b{display:inline-block;min-width:4.5rem}pre{overflow-x:auto;"
    "background:#f4f4f4;padding:.7rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}pre{background:#262626}a{color:#8ab4ff}}"
)
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
)  # fmt: skip


def page(doc: dict[str, Any]) -> bytes:
    """The document for people: one page, nothing loaded from anywhere."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>EyeFlow API</title><style>{_STYLE}</style><h1>EyeFlow API</h1>",
        *(f"<p>{_inline(each)}</p>" for each in doc["info"]["description"].split("\n\n")),
        "<p>For machines: <a href=/api/openapi.json>openapi.json</a></p>",
    ]
    for tag in doc["tags"]:
        parts.append(f"<h2>{html.escape(tag['name'])}</h2>")
        for path, methods in doc["paths"].items():
            parts += [_shown(path, method, each) for method, each in methods.items() if tag["name"] in each["tags"]]
    parts.append("<h2>Schemas</h2>")
    for name, schema in doc["components"]["schemas"].items():
        shown = html.escape(name)
        parts.append(f"<details id='{shown}'><summary><code>{shown}</code></summary>{_code(schema)}</details>")
    return "".join(parts).encode()


def _shown(path: str, method: str, made: dict[str, Any]) -> str:
    inside = [f"<p>{_inline(made['description'])}</p>"]
    if "parameters" in made:
        rows = "".join(
            f"<li><code>{html.escape(each['name'])}</code> ({each['in']}{'' if each['required'] else ', optional'}) "
            f"{_inline(each.get('description', ''))}"
            for each in made["parameters"]
        )
        inside.append(f"<ul>{rows}</ul>")
    body = made.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        inside.append(f"<p>Body: {_code(body)}</p>")
    for status, each in made["responses"].items():
        schemas = [content.get("schema") for content in each.get("content", {}).values()]
        shown = "".join(_code(schema) for schema in schemas if schema)
        inside.append(f"<p>{status}: {html.escape(each['description'])}</p>{shown}")
    lead = f"<b>{method.upper()}</b> <code>{html.escape(path)}</code> {_inline(made['summary'])}"
    return f"<details><summary>{lead}</summary>{''.join(inside)}</details>"


def _code(schema: Any) -> str:
    text = html.escape(msgspec.json.format(msgspec.json.encode(schema), indent=2).decode())
    linked = re.sub(r"#/components/schemas/([A-Za-z0-9_\[\], ]+)", r"<a href='#\1'>\1</a>", text)
    return f"<pre>{linked}</pre>"


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
