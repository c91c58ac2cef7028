"""The registry by name, by capability, and as the judge of requests."""

from __future__ import annotations

import pytest

from eyeflow.catalog.load import load_documents, open_catalog
from eyeflow.catalog.model import Connection, Policy, PolicyRule
from eyeflow.catalog.registry import ServiceRegistry, ServiceRequest
from eyeflow.errors import CatalogError
from eyeflow.values import Value, literal

CHAT = {
    "service": "team_chat",
    "title": "Team Chat",
    "type": "Communication",
    "aliases": ["chat"],
    "connector": "scripted",
    "constraints": {"max_text_chars": 40000},
    "policy": {"allow": {"roles": ["editor", "owner"]}},
    "capabilities": {
        "send_message": {
            "summary": "Send a message",
            "params": {
                "room": {"type": "string", "required": True, "pattern": "^#"},
                "text": {"type": "string", "required": True, "role": "content"},
                "level": {"type": "string", "enum": ["low", "high"]},
                "copies": {"type": "integer", "minimum": 1, "maximum": 9},
                "to": {"type": "array", "items": {"type": "string", "format": "email"}, "max_items": 2},
                "when": {"type": "string", "format": "date-time"},
                "card": {
                    "type": "object",
                    "properties": {"title": {"type": "string", "required": True}, "rows": {"type": "array",
                                   "items": {"type": "integer"}}},
                },
            },
        }
    },
}  # fmt: skip
PAGER = {
    "service": "pager",
    "title": "Pager",
    "type": "Alerts",
    "aliases": ["beeper"],
    "connector": "scripted",
    "capabilities": {"send_message": {"summary": "Page somebody"}, "resolve": {"summary": "Close an alert"}},
}


def registry(*connections: Connection, policy: Policy | None = None) -> ServiceRegistry:
    catalog, found = load_documents([CHAT, PAGER])
    assert catalog is not None, found
    return ServiceRegistry(catalog, connections, policy)


def problems(params: dict[str, Value], *connections: Connection, service: str = "team_chat") -> list[tuple[str, str]]:
    request = ServiceRequest(service=service, capability="send_message", params=params)
    result = registry(*connections).validate(request)
    assert result.ok == (not result.problems)
    return [(each.code, each.place.path) for each in result.problems]


@pytest.mark.parametrize("name", ["team_chat", "Team Chat", "team-chat", "TEAM CHAT", "chat", "standup"])
def test_a_service_answers_to_id_title_alias_and_connection(name: str) -> None:
    assert registry(Connection(name="standup", service="team_chat")).lookup(name).id == "team_chat"


@pytest.mark.parametrize("name", ["team_chatt", "pagr", "chta", "", "zzz", "\x00", "ä" * 5000])
def test_an_unknown_service_names_the_nearest(name: str) -> None:
    with pytest.raises(CatalogError) as caught:
        registry().lookup(name)
    assert caught.value.code == "unknown_service"
    expected = {"team_chatt": "`team_chat`", "pagr": "`pager`", "chta": "`team_chat`"}.get(name, "see the catalog")
    assert expected in caught.value.hint


def test_a_name_of_two_services_is_not_guessed() -> None:
    catalog, _ = load_documents([CHAT, PAGER | {"aliases": ["chat"]}])
    assert catalog is not None
    with pytest.raises(CatalogError) as caught:
        ServiceRegistry(catalog).lookup("chat")
    assert caught.value.code == "ambiguous_service"
    assert "pager, team_chat" in caught.value.message


def test_acceptance_44_lookup_list_by_capability_validate_and_frozen() -> None:
    slack = ServiceRegistry(open_catalog())
    assert slack.lookup("Slack").id == "slack_notify"
    assert "slack_notify" in [service.id for service in slack.list_by_capability("send_message")]
    request = ServiceRequest(service="slack", capability="send_message", params={"channel": "#general", "text": "hi"})
    assert slack.validate(request).ok
    for name in ("catalog", "_by_id", "extra"):
        with pytest.raises(AttributeError):
            setattr(slack, name, None)
    with pytest.raises(AttributeError):
        del slack.catalog
    with pytest.raises(TypeError):
        slack._by_id["evil"] = slack.lookup("slack")  # type: ignore[index]
    with pytest.raises(AttributeError):
        slack.lookup("slack").title = "Evil"  # type: ignore[misc]


def test_services_by_capability() -> None:
    assert [service.id for service in registry().list_by_capability("Send Message")] == ["pager", "team_chat"]
    assert registry().list_by_capability("fly") == ()


def test_acceptance_22_the_longest_message() -> None:
    slack = ServiceRegistry(open_catalog())

    def codes(size: int) -> list[str]:
        params: dict[str, Value] = {"channel": "#general", "text": "é" * size}
        request = ServiceRequest(service="slack_notify", capability="send_message", params=params)
        return [each.code for each in slack.validate(request).problems]

    assert codes(40_000) == []
    assert codes(40_001) == ["too_long"]


GOOD: dict[str, Value] = {"room": "#a", "text": "hi"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"room": None}, [("type_mismatch", "room")]),
        ({"room": "a"}, [("pattern_mismatch", "room")]),
        ({"text": 5}, [("type_mismatch", "text")]),
        ({"level": "medium"}, [("not_in_enum", "level")]),
        ({"level": None}, []),
        ({"copies": 10}, [("out_of_range", "copies")]),
        ({"copies": 2.0}, []),
        ({"copies": True}, [("type_mismatch", "copies")]),
        ({"to": ["a@b.io", "b@b.io"]}, []),
        ({"to": ["a@b.io", "nobody"]}, [("format_mismatch", "to[1]")]),
        ({"to": ["a@b.io"] * 3}, [("too_many_items", "to")]),
        ({"when": "2026-01-01T09:00:00Z"}, []),
        ({"when": "tomorrow"}, [("type_mismatch", "when")]),
        ({"card": {"title": "x", "rows": [1, "2"]}}, [("type_mismatch", "card.rows[1]")]),
        ({"card": {}}, [("missing_field", "card.title")]),
        ({"txt": "x"}, [("unknown_param", "txt")]),
        ({"level": "x", "copies": 0}, [("not_in_enum", "level"), ("out_of_range", "copies")]),
    ],
)
def test_acceptance_24_wrong_types_and_limits_are_named(
    change: dict[str, Value], expected: list[tuple[str, str]]
) -> None:
    assert problems(GOOD | change) == expected


def test_acceptance_24_a_missing_parameter_is_named_unless_a_default_fills_it() -> None:
    assert problems({"text": "hi"}) == [("missing_param", "room")]
    standup = Connection(name="standup", service="team_chat", defaults=(("room", literal("#standup")),))
    assert problems({"text": "hi"}, standup, service="standup") == []
    assert problems({"text": "hi"}, standup) == [("missing_param", "room")]


def test_unknown_capabilities_and_services() -> None:
    known = registry()
    found = known.validate(ServiceRequest(service="chat", capability="send_mesage"))
    assert [(each.code, "`send_message`" in each.hint) for each in found.problems] == [("unknown_capability", True)]
    assert [each.code for each in known.validate(ServiceRequest(service="x", capability="y")).problems] == [
        "unknown_service"
    ]


def test_the_role_must_be_let_in() -> None:
    def codes(role: str, service: str = "team_chat") -> list[str]:
        rule = PolicyRule("pager", "send_message", ("owner",))
        request = ServiceRequest(service=service, capability="send_message", params=GOOD if service != "pager" else {},
                                 role=role)  # type: ignore[arg-type]  # fmt: skip
        return [each.code for each in registry(policy=Policy((rule,))).validate(request).problems]

    assert codes("editor") == [] and codes("runner") == ["role_not_allowed"]
    assert codes("owner", "pager") == [] and codes("editor", "pager") == ["role_not_allowed"]
