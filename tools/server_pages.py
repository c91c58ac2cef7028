"""The pages about the server that are made from its tables: docs/rest.md and docs/settings.md.

Knows: how routes, schemas and settings read on a page. In: the OpenAPI document, the table of settings. Out: lines.
Never: writes files (`gen_docs` does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from eyeflow.server.openapi import document
from eyeflow.server.settings import SECTIONS, TABLE, Row, Settings
from eyeflow.server.table import TABLE as ROUTES


def rest() -> Iterator[str]:
    """Every route, by tag; then the structs that bodies and answers are made of."""
    doc = document(ROUTES)
    for tag in doc["tags"]:
        yield from ("", f"## {tag['name']}", "", "| Request | What it does |", "|---|---|")
        for path, methods in doc["paths"].items():
            for method, each in methods.items():
                if tag["name"] in each["tags"]:
                    yield f"| `{method.upper()} {path}` | {_cell(_said(each))} |"
    yield from ("", "## Bodies and answers", "", "A `?` marks what may be left out.", "")
    for name, schema in doc["components"]["schemas"].items():
        yield from _struct(name, schema)


def _said(each: dict[str, Any]) -> str:
    parts = [each["summary"], each["description"]]
    query = [_param(param) for param in each.get("parameters", ()) if param["in"] == "query"]
    if query:
        parts.append(f"Parameters: {', '.join(query)}.")
    body = each.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        parts.append(f"Takes {_type(body)}.")
    gives = [
        _type(content["schema"])
        for status, answer in each["responses"].items()
        if status.startswith("2")
        for kind, content in answer.get("content", {}).items()
        if kind == "application/json"
    ]
    if gives:
        parts.append(f"Gives {' or '.join(gives)}.")
    return " ".join(parts)


def _param(param: dict[str, Any]) -> str:
    said = param["description"]
    return f"`{param['name']}`" + (f" ({said})" if said else "")


def _struct(name: str, schema: dict[str, Any]) -> Iterator[str]:
    if "properties" not in schema:
        return
    lead = " ".join(str(schema.get("description", "")).split())
    fields = [
        f"`{field}{'' if field in schema.get('required', ()) else '?'}` {_type(each)}"
        for field, each in schema["properties"].items()
    ]
    yield from (f"**{name}**: {lead}".rstrip(": "), "", "- " + "\n- ".join(fields) if fields else "- nothing", "")


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "anything"
    if "$ref" in schema:
        return f"*{schema['$ref'].rpartition('/')[2]}*"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[key]))
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object":
        return f"object of {_type(schema['additionalProperties'])}" if schema.get("additionalProperties") else "object"
    return str(kind) if isinstance(kind, str) else "anything"


def settings() -> Iterator[str]:
    """Every setting, by section."""
    yield from _rows("Without a section", (row for row in TABLE if not row.section))
    for section in (each for each in Settings.__struct_fields__ if each in SECTIONS):
        yield from _rows(f"`[{section}]`", (row for row in TABLE if row.section == section))


def _rows(title: str, rows: Iterable[Row]) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| Setting | Variable | Default | Meaning |", "|---|---|---|---|")
    for row in rows:
        default = ", ".join(row.default) if isinstance(row.default, tuple) else str(row.default)
        shown = f"`{default.lower() if isinstance(row.default, bool) else default}`" if default else ""
        yield f"| `{row.field}` | `{row.variable}` | {shown} | {_cell(row.doc)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
