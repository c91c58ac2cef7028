"""A small catalog and short ways to simulate LLM-IR text in it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog
from eyeflow.simulate import read_case, simulate

SERVICES: list[dict[str, Any]] = [
    {
        "service": "chat", "title": "Chat", "type": "Communication",
        "connector": "chat_api_v1", "hosts": ["chat.example"],
        "auth": {"type": "bearer"}, "http": {"base_url": "https://chat.example"},
        "capabilities": {
            "send": {
                "summary": "Send a message", "phrases": ["send", "post"], "effect": "write",
                "params": {
                    "channel": {"type": "string", "required": True},
                    "text": {"type": "string", "required": True, "role": "content"},
                },
                "returns": {"type": "object", "properties": {"id": {"type": "string"}}},
                "http": {"method": "POST", "path": "/send", "body": {"channel": "{channel}", "text": "{text}"}},
            }
        },
    },
    {
        "service": "tracker", "title": "Tracker", "type": "Development", "connector": "scripted",
        "capabilities": {
            "list_issues": {
                "summary": "List issues", "effect": "read",
                "params": {"repo": {"type": "string", "required": True}},
                "returns": {"type": "array", "items": {"type": "object", "properties": {
                    "title": {"type": "string"}, "votes": {"type": "integer"}}}},
            }
        },
        "triggers": {
            "issue_opened": {
                "summary": "An issue is opened", "params": {"repo": {"type": "string"}},
                "payload": {"type": "object", "properties": {
                    "repo": {"type": "string"}, "title": {"type": "string"}, "votes": {"type": "integer"}}},
            },
            "release_made": {
                "summary": "A release is made",
                "payload": {"type": "object", "properties": {"tag": {"type": "string"}}},
            },
        },
    },
    {
        "service": "limited", "title": "Limited", "type": "Test", "connector": "scripted",
        "constraints": {"rate_limit": "1/min"},
        "capabilities": {"ping": {"summary": "Ping", "effect": "write", "params": {"n": {"type": "integer"}},
                                  "returns": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}},
    },
    {
        "service": "webhook", "title": "Webhook", "type": "Web", "connector": "respond",
        "capabilities": {"respond": {"summary": "Answer the caller", "effect": "write", "params": {
            "body": {"required": True}, "status": {"type": "integer", "default": 200}},
            "returns": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}},
    },
]  # fmt: skip

NOW = "2026-11-23T08:00:00Z"


def catalog() -> Catalog:
    """The services above."""
    found, report = load_documents(SERVICES)
    assert found is not None, report
    return found


def run(ir: str, *scenarios: dict[str, Any], **case: Any) -> dict[str, Any]:
    """The result of LLM-IR text as JSON data."""
    return result({"id": "t", "ir": ir, "scenarios": [{"now": NOW, **each} for each in scenarios], **case})


def result(case: dict[str, Any]) -> dict[str, Any]:
    """The result of a case as JSON data."""
    read, report = read_case(json.dumps(case))
    assert read is not None, report
    data: dict[str, Any] = json.loads(msgspec.json.encode(simulate(read, catalog())))
    return data


def one(ir: str, scenario: dict[str, Any] | None = None) -> dict[str, Any]:
    """The result of the only scenario."""
    whole = run(ir, scenario or {})
    assert whole["outcome"] == "program", whole["refusals"]
    (found,) = whole["scenarios"]
    assert isinstance(found, dict)
    return found


def calls(scenario: dict[str, Any]) -> list[str]:
    """`action service.function #attempt @ms [error]` for each call."""
    said = "{action} {service}.{function} #{attempt} @{at_ms}"
    return [said.format(**call) + (f" {call['error']}" if call["error"] else "") for call in scenario["calls"]]


def send(name: str, text: str, *more: str) -> str:
    """An action that sends `text` (IR text of an expression)."""
    lines = [
        f"  ACTION {name}", "    TYPE connector_call", "    CONNECTOR chat", "    FUNCTION send",
        f'    PARAMS {{channel: "#general", text: {text}}}', *(f"    {line}" for line in more),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
