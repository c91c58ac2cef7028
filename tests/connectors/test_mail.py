"""E-mail: data never becomes a header or a second message, and all recipients get it or none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Connection, Service
from eyeflow.connectors.guard import Guard
from eyeflow.connectors.mail import letter
from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.smtp import SmtpConnector
from eyeflow.errors import CallError, EgressDenied
from eyeflow.ports import FixedClock
from eyeflow.simulate.practice_mail import PracticeMail

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
SETTINGS = (("from", "EyeFlow <bot@acme.example>"), ("host", "mail.acme.example"))
SECRET = "mail-passw0rd"


def email() -> Service:
    catalog, found = load_catalog()
    assert catalog is not None, found.errors
    service = catalog.service("email")
    assert service is not None
    return service


async def login() -> Credential:
    return Credential((("username", "bot"), ("password", SECRET)))


async def connected(server: PracticeMail, **settings: str) -> SmtpConnector:
    port = await server.start()
    connector = SmtpConnector(Guard(practice={"email": port}), clock=FixedClock(AT))
    connection = Connection(name="mail", service="email", settings=tuple({**dict(SETTINGS), **settings}.items()))
    await connector.initialize(ConnectorConfig(service=email(), connection=connection, credential=login))
    return connector


async def test_a_message_arrives_with_all_its_parts() -> None:
    server = PracticeMail("bot", SECRET)
    connector = await connected(server)
    params: dict[str, Any] = {
        "to": "Ana <ana@acme.example>, bo@acme.example", "cc": ["cy@acme.example"], "bcc": ["di@acme.example"],
        "subject": "D\u00e9ploy \U0001f680", "body": "Line one\n.\n..dots\nFrom here", "html": "<p>Hi</p>",
        "attachments": [{"name": "../a.csv", "content": "x,y"}],
    }  # fmt: skip
    result = await connector.call("send", params, key="exec_1:mail:0")
    await server.stop()
    (mail,) = server.received
    assert mail.recipients == ("ana@acme.example", "bo@acme.example", "cy@acme.example", "di@acme.example")
    assert mail.headers["Subject"] == "D\u00e9ploy \U0001f680" and "Bcc" not in mail.headers
    assert mail.text == "Line one\n.\n..dots\nFrom here" and mail.html == "<p>Hi</p>"
    assert mail.attachments == (".._a.csv",)
    assert isinstance(result, dict) and result == {"ok": True, "message_id": mail.headers["Message-ID"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "Hi\r\nBcc: eve@evil.example"),
        ("subject", "Hi\nX: y"),
        ("subject", "Hi\x00"),
        ("subject", "Hi\u2028Bcc: eve"),
        ("to", "ana@acme.example\r\nBcc: eve@evil.example"),
        ("to", "ana@acme.example>\r\nRCPT TO:<eve@evil.example"),
        ("to", "no address"),
        ("to", "@acme.example"),
        ("to", "a@b@c.example"),
        ("to", ""),
        ("to", []),
        ("to", [7]),
        ("cc", ["x\ny@acme.example"]),
        ("reply_to", "a@acme.example\nX: y"),
        ("attachments", [{"name": "a\r\nX: y", "content": ""}]),
        ("to", [f"a{n}@acme.example" for n in range(101)]),
    ],
)
def test_line_breaks_and_wrong_addresses_are_refused_before_anything_is_sent(field: str, value: Any) -> None:
    params = {"to": "ana@acme.example", "subject": "Hi", "body": "x", field: value}
    with pytest.raises(CallError) as caught:
        letter(params, "bot@acme.example", at=AT, key="k")
    assert (caught.value.kind, caught.value.code) == ("permanent", "bad_value")


def test_a_repeated_send_is_the_same_message() -> None:
    params: dict[str, Any] = {"to": "ana@acme.example", "subject": "Hi", "body": "x"}
    one, two = (letter(params, "bot@acme.example", at=AT, key="exec_1:mail:0") for _ in range(2))
    other = letter(params, "bot@acme.example", at=AT, key="exec_2:mail:0")
    assert one.message_id == two.message_id != other.message_id


@pytest.mark.parametrize(
    ("refuse", "drop", "kind"),
    [("451 later", False, "transient"), ("554 spam", False, "permanent"), (None, True, "uncertain")],
)
async def test_what_is_known_after_the_text_was_sent(refuse: str | None, drop: bool, kind: str) -> None:
    server = PracticeMail("bot", SECRET)
    connector = await connected(server)
    server.refuse, server.drop = refuse, drop
    with pytest.raises(CallError) as caught:
        await connector.call("send", {"to": "ana@acme.example", "body": "x"})
    await server.stop()
    assert caught.value.kind == kind and not server.received


async def test_a_wrong_login_is_denied_without_showing_the_password() -> None:
    server = PracticeMail("bot", "another")
    with pytest.raises(CallError) as caught:
        await connected(server)
    await server.stop()
    assert (caught.value.kind, caught.value.code) == ("denied", "unauthorized")
    assert SECRET not in str(caught.value) and caught.value.__cause__ is None


async def test_the_mail_host_is_judged_like_any_other() -> None:
    for host, port in (
        ("127.0.0.1", "25"),
        ("169.254.169.254", "25"),
        ("mail.acme.example", "22"),
        ("2130706433", "25"),
    ):
        settings = (("from", "bot@acme.example"), ("host", host), ("port", port))
        connection = Connection(name="mail", service="email", settings=settings)
        with pytest.raises(EgressDenied):
            await SmtpConnector(Guard()).initialize(
                ConnectorConfig(service=email(), connection=connection, credential=login)
            )


async def test_missing_settings_are_named() -> None:
    connection = Connection(name="mail", service="email", settings=(("host", "mail.acme.example"),))
    with pytest.raises(CallError) as caught:
        await SmtpConnector(Guard()).initialize(ConnectorConfig(service=email(), connection=connection))
    assert caught.value.code == "missing_setting" and "from" in caught.value.message
