"""`eyeflow.toml`, connections, precedence and policies."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.catalog.connections import connect_items, default_for, resolve_connection
from eyeflow.catalog.load import load_documents, open_catalog
from eyeflow.catalog.model import Catalog, CompileContext, Connection, Policy, PolicyRule, Profile
from eyeflow.catalog.policies import allowed
from eyeflow.catalog.settings import Settings, load_settings, parse_settings, read_profile
from eyeflow.diagnostics import Severity

SERVICES = [
    {
        "service": "team_chat", "title": "Team Chat", "type": "Communication", "aliases": ["chat"],
        "connector": "chat_v2", "auth": {"type": "bearer", "setup": [{"say": "Ask your admin for a token"}]},
        "hosts": ["{team}.chat.example"], "http": {"base_url": "https://{team}.chat.example"},
        "defaults": {"room": "#lobby"},
        "capabilities": {
            "send_message": {
                "summary": "Send a message",
                "params": {"room": {"type": "string", "required": True, "default": "#all"},
                           "text": {"type": "string", "required": True}, "pin": {"type": "string", "secret": True},
                           "copies": {"type": "integer", "default": 1}},
                "http": {"path": "/send", "method": "POST", "body": {"room": "{room}", "text": "{text}"}},
            },
            "wipe": {"summary": "Delete a room", "effect": "irreversible", "params": {"room": {"type": "string"}},
                     "http": {"path": "/wipe", "body": {"room": "{room}"}}},
        },
    },
    {"service": "clock", "title": "Clock", "type": "Utility", "connector": "scripted",
     "capabilities": {"tick": {"summary": "Tick once"}}},
]  # fmt: skip

TOML = """\
[connections.standup]
service = "Team Chat"
credential = "env:CHAT_TOKEN"
hosts = ["eu.chat.example"]
[connections.standup.defaults]
room = "#standup"
[connections.standup.settings]
team = "acme"

[profile]
timezone = "Europe/Paris"
city = "Paris"
[profile.me]
email = "me@acme.io"
[profile.defaults]
team_chat.room = "#profile"
"clock.zone" = "UTC"

[policy]
team_chat = ["editor", "owner"]
"team_chat.wipe" = ["owner"]

[server]
port = 3000
"""


def catalog() -> Catalog:
    found, said = load_documents(SERVICES)
    assert found is not None, said
    return found


def loaded(text: str = TOML) -> Settings:
    found, said = parse_settings(text, "eyeflow.toml", catalog())
    assert found is not None and not said.diagnostics, said
    return found


def context(settings: Settings, role: str = "owner") -> CompileContext:
    return CompileContext(
        catalog=catalog(), connections=settings.connections, profile=settings.profile, policy=settings.policy,
        now=datetime(2026, 1, 1, tzinfo=UTC), role=role,  # type: ignore[arg-type]
    )  # fmt: skip


def test_what_the_file_says_is_what_a_compile_sees() -> None:
    settings = loaded()
    (standup,) = settings.connections
    assert (standup.name, standup.service, standup.credential) == ("standup", "team_chat", "env:CHAT_TOKEN")
    assert [(name, value.value) for name, value in standup.defaults] == [("room", "#standup")]
    assert (standup.settings, standup.hosts) == ((("team", "acme"),), ("eu.chat.example",))
    assert (settings.profile.timezone, settings.profile.me) == ("Europe/Paris", (("email", "me@acme.io"),))
    assert [(name, value.value) for name, value in settings.profile.defaults] == [
        ("team_chat.room", "#profile"), ("clock.zone", "UTC")]  # fmt: skip
    assert settings.policy.rules == (
        PolicyRule("team_chat", None, ("editor", "owner")), PolicyRule("team_chat", "wipe", ("owner",)))  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "code", "line", "path"),
    [
        ('service = "Team Chat"', 'service = "Team Caht"', "unknown_service", 2, "connections.standup.service"),
        ('service = "Team Chat"', "", "missing_key", 1, "connections.standup"),
        ('credential = "env', 'credentials = "env', "unknown_key", 3, "connections.standup.credentials"),
        ('room = "#standup"', "room = 5", "type_mismatch", 6, "connections.standup.defaults.room"),
        ('room = "#standup"', 'rom = "#standup"', "unknown_param", 6, "connections.standup.defaults.rom"),
        ('room = "#standup"', 'pin = "1234"', "inline_secret", 6, "connections.standup.defaults.pin"),
        ("Europe/Paris", "Europe/Pariss", "unknown_zone", 11, "profile.timezone"),
        ('"editor", "owner"]', '"editor", "ownr"]', "unknown_value", None, "policy.team_chat[1]"),
        ('"team_chat.wipe"', '"team_chat.wype"', "unknown_capability", 21, "policy.team_chat.wype"),
        ("[connections.standup]", "[connections.'a b']", "bad_name", 1, "connections.a b"),
        ('"eu.chat.example"', '"*"', "bad_host", None, "connections.standup.hosts[0]"),
        ("[server]", "[server", "bad_toml", 23, ""),
    ],
)
def test_each_mistake_has_its_place(before: str, after: str, code: str, line: int | None, path: str) -> None:
    assert before in TOML
    found, said = parse_settings(TOML.replace(before, after, 1), "eyeflow.toml", catalog())
    assert found is None
    first = next(each for each in said.errors if each.code == code)
    assert (first.place.line, first.place.path) == (line, path)


@pytest.mark.parametrize(
    "line",
    [
        'credential = "hunter2hunter2"',
        'token = "hunter2hunter2"',
        'api_key = "hunter2hunter2"',
        'settings = {password = "hunter2hunter2"}',
        'settings = {url = "https://me:hunter2hunter2@chat.example"}',
        'defaults = {text = "xoxb-hunter2hunter2"}',
        'defaults = {text = "Bearer hunter2hunter2"}',
        'credential = "env:"',
        'credential = ["hunter2hunter2"]',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(line: str) -> None:
    text = f'[connections.standup]\nservice = "team_chat"\n{line}\n'
    found, said = parse_settings(text, "eyeflow.toml", catalog())
    assert found is None
    assert "inline_secret" in [each.code for each in said.errors]
    assert "hunter2" not in str([str(each) for each in said.diagnostics])


def test_misspelt_sections_are_pointed_at_and_other_rooms_left_alone() -> None:
    found, said = parse_settings('[conections.a]\nservice = "x"\n[server]\nport = 1\n')
    assert found == Settings()
    assert [(each.code, each.severity) for each in said.diagnostics] == [("unknown_section", Severity.WARNING)]


def test_unreadable_files(tmp_path: Path) -> None:
    assert [each.code for each in load_settings(tmp_path / "none")[1].errors] == ["unreadable"]
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    assert [each.code for each in load_settings(tmp_path / "a.toml")[1].errors] == ["not_utf8"]
    (tmp_path / "b.toml").write_text(TOML, encoding="utf-8")
    assert load_settings(tmp_path / "b.toml", catalog())[0] == loaded()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120) | st.builds(lambda text: f"[connections.a]\nservice = 1\n{text}", st.text(max_size=60)))
def test_any_text_gives_findings_or_settings(text: str) -> None:
    found, said = parse_settings(text)
    assert (found is None) == bool(said.errors)


def test_a_profile_given_as_data() -> None:
    profile, said = read_profile({"timezone": "UTC", "me": {"email": "a@b.io"}, "defaults": {"chat.room": "#x"}})
    assert profile is not None and said.ok and profile.me == (("email", "a@b.io"),)
    assert [each.code for each in read_profile({"zone": "UTC"})[1].errors] == ["unknown_key"]
    assert [each.code for each in read_profile([1])[1].errors] == ["wrong_type"]


def test_a_name_means_a_connection_or_the_only_one_of_a_service() -> None:
    ctx = context(loaded())
    for name in ("standup", "team_chat", "Team Chat", "chat"):
        connection, said = resolve_connection(ctx, name)
        assert connection is not None and connection.name == "standup", said
    clock, _ = resolve_connection(ctx, "clock")
    assert clock == Connection(name="clock", service="clock", implicit=True)
    assert [each.code for each in resolve_connection(ctx, "nobody")[1].errors] == ["unknown_service"]


def test_two_connections_of_a_service_are_a_question_unless_one_has_its_name() -> None:
    two = Settings((Connection(name="a", service="team_chat"), Connection(name="b", service="team_chat")))
    connection, said = resolve_connection(context(two), "chat")
    assert connection is None and "a, b" in said.errors[0].message
    named = Settings((Connection(name="a", service="team_chat"), Connection(name="team_chat", service="team_chat")))
    connection, _ = resolve_connection(context(named), "chat")
    assert connection is not None and connection.name == "team_chat"


def test_connection_before_profile_before_service_before_parameter() -> None:
    settings = loaded()
    service = catalog().services[1]
    (standup,) = settings.connections

    def chosen(settings: Settings, connection: Connection | None, param: str = "room") -> tuple[object, str] | None:
        found = default_for(context(settings), service, "send_message", param, connection)
        return None if found is None else (found.value.value, found.origin)

    assert chosen(settings, standup) == ("#standup", "connection")
    assert chosen(settings, None) == ("#profile", "profile")
    assert chosen(Settings(), None) == ("#lobby", "service")
    assert chosen(Settings(), None, "copies") == (1, "parameter")
    assert chosen(Settings(profile=Profile()), None, "text") is None


def test_acceptance_23_a_missing_credential_is_a_connect_item() -> None:
    service = catalog().services[1]
    found = connect_items(service, Connection(name="team_chat", service="team_chat", implicit=True))
    assert [(each.code, each.severity) for each in found.diagnostics] == [("connect", Severity.CONNECT)] * 2
    assert "Ask your admin for a token" in found.diagnostics[0].hint
    assert found.ok
    assert not connect_items(service, loaded().connections[0]).diagnostics
    slack = open_catalog().service("slack_notify")
    assert slack is not None and "oauth2" in [way.type for way in slack.auth]
    assert connect_items(slack, Connection(name="slack_notify", service="slack_notify")).diagnostics


@pytest.mark.parametrize(
    ("role", "capability", "yes"),
    [
        ("owner", "wipe", True),
        ("editor", "wipe", False),
        ("editor", "send_message", True),
        ("runner", "send_message", False),
        ("viewer", "send_message", False),
    ],
)
def test_roles_are_narrowed_by_every_rule(role: str, capability: str, yes: bool) -> None:
    ctx = context(loaded(), role)
    decision = allowed(ctx, ctx.catalog.services[1], capability)
    assert decision.allowed is yes
    assert "team_chat" in decision.why


def test_without_rules_those_who_may_run_programs_may_use_everything() -> None:
    answers = {role: allowed(context(Settings(policy=Policy()), role), catalog().services[0], "tick").allowed
               for role in ("viewer", "auditor", "runner", "editor", "approver", "owner")}  # fmt: skip
    assert answers == {
        "viewer": False,
        "auditor": False,
        "runner": True,
        "editor": True,
        "approver": True,
        "owner": True,
    }
