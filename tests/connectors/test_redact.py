"""A service that echoes a credential, in any spelling, gets it replaced before anybody else sees it."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.connectors.credentials import Credentials, EnvCredentials
from eyeflow.connectors.port import Credential
from eyeflow.connectors.redact import MARK, Redactor
from eyeflow.errors import CallError

SECRET = 'xoxb-9/8+"7\\ é?<k>'

ECHOES = {
    "plain": SECRET,
    "percent": quote(SECRET, safe=""),
    "percent_twice": quote(quote(SECRET, safe=""), safe=""),
    "plus_for_space": quote_plus(SECRET),
    "percent_lower": quote(SECRET, safe="").lower().replace("%c3%a9", "%c3%a9"),
    "percent_every_character": "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    "json": json.dumps(SECRET),
    "json_in_json": json.dumps(json.dumps(SECRET)),
    "json_every_character": "".join(f"\\u{ord(char):04x}" for char in SECRET),
    "json_escaped_slash": json.dumps(SECRET).replace("/", "\\/"),
    "html": html.escape(SECRET),
    "html_numbers": "".join(f"&#{ord(char)};" for char in SECRET),
    "hex": SECRET.encode().hex(),
    "hex_upper": SECRET.encode().hex().upper(),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64_inside_1": base64.b64encode(b"a" + SECRET.encode() + b"z").decode(),
    "base64_inside_2": base64.b64encode(b"ab" + SECRET.encode() + b"yz").decode(),
    "base64_url": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64_percent": quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
    "mixed": SECRET[:3] + "%62" + SECRET[4:],
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_an_echo_is_replaced_whatever_its_spelling(echo: str) -> None:
    redactor = Redactor(Credential((("token", SECRET),)))
    shown = redactor.text(f"before {echo} after")
    assert MARK in shown and shown.startswith("before ") and shown.endswith(" after")
    for spelling in (SECRET, SECRET[4:10], quote(SECRET[4:10]), base64.b64encode(SECRET.encode()).decode()[4:-4]):
        assert spelling not in shown


@given(secret=st.text(min_size=4, max_size=30), before=st.binary(max_size=5), after=st.binary(max_size=5))
@settings(max_examples=40, deadline=None)
def test_any_secret_is_found_in_base64_and_hex_at_any_offset(secret: str, before: bytes, after: bytes) -> None:
    data = secret.encode("utf-8", "surrogatepass")
    redactor = Redactor(Credential((("token", secret),)))
    assert redactor.holds(before + data + after)
    assert redactor.holds((before + data + after).hex().encode())
    if len(data) >= 8:
        assert redactor.holds(base64.b64encode(before + data + after))


def test_a_value_is_redacted_in_texts_keys_bytes_and_numbers() -> None:
    redactor = Redactor(Credential((("key", "90210777"), ("username", "me@acme.io"))))
    value = redactor.value({"90210777": ["x90210777y", 90210777, 12, True, None, b"90210777"], "mail": "me@acme.io"})
    assert value == {MARK: [f"x{MARK}y", MARK, 12, True, None, MARK.encode()], "mail": "me@acme.io"}


def test_basic_authentication_is_recognised_as_it_is_sent() -> None:
    redactor = Redactor(Credential((("username", "me@acme.io"), ("password", "s3cret"))))
    sent = base64.b64encode(b"me@acme.io:s3cret").decode()
    assert redactor.text(f"Basic {sent}") == f"Basic {MARK}"


def test_a_credential_never_shows_in_its_repr() -> None:
    assert SECRET not in repr(Credential((("token", SECRET),)))


async def test_environment_references_give_parts_and_a_missing_one_is_denied_with_a_hint() -> None:
    source = Credentials({"env": EnvCredentials({"A": "tok", "U": "me", "P": "pw", "UP": "me:pw:x", "E": "  "})})
    assert (await source("env:A")).parts == (("token", "tok"), ("key", "tok"))
    assert (await source("env:UP")).part("password") == "pw:x"
    assert (await source("env:username=U,password=P")).parts == (("username", "me"), ("password", "pw"))
    for reference in ("env:MISSING", "env:E", "vault:x", "", "env:username=U,password=NO"):
        with pytest.raises(CallError) as caught:
            await source(reference)
        assert (caught.value.kind, caught.value.code) == ("denied", "no_credential")
        assert caught.value.hint
