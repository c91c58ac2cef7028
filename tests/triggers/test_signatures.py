"""Who sent a delivery: published examples of each scheme, and everything that is nearly right.

The expected values are those the providers print in their documentation, or are made here with `hmac` from the text of
the specification, never with the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec
import pytest

from eyeflow.connectors.port import Credential
from eyeflow.triggers.port import TriggerError
from eyeflow.triggers.signatures import SCHEMES, Signed, verify

WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a1"
    b"4d10d2c447fce8b6703c"
)
TWILIO_BODY = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"


def stripe(secret: str, stamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


EXAMPLES: dict[str, tuple[str, Signed]] = {
    "standard": (
        WHSEC,
        Signed(
            headers={
                "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
                "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            },
            body=b'{"test": 2432232314}', now_s=1614265330,
        ),
    ),
    "github_sha256": (
        "It's a Secret to Everybody",
        Signed(
            headers={"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
            body=b"Hello, World!",
        ),
    ),
    "hub_sha256": (
        "It's a Secret to Everybody",
        Signed(
            headers={"x-hub-signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"},
            body=b"Hello World!",
        ),
    ),
    "slack_v0": (
        "8f742231b10e8888abcd99yyyzzz85a5",
        Signed(
            headers={
                "x-slack-request-timestamp": "1531420618",
                "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            },
            body=SLACK_BODY, now_s=1531420618,
        ),
    ),
    "stripe_v1": (
        "whsec_test_secret",
        Signed(
            headers={"stripe-signature": f"t=1492774577,v1={stripe('whsec_test_secret', 1492774577, b'{}')},v0=6ffb"},
            body=b"{}", now_s=1492774577,
        ),
    ),
    "twilio_sha1": (
        "12345",
        Signed(
            headers={
                "x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
                "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            },
            body=TWILIO_BODY, url="https://mycompany.com/myapp.php?foo=1&bar=2",
        ),
    ),
}  # fmt: skip

HEADER = {
    "standard": "webhook-signature", "github_sha256": "x-hub-signature-256", "hub_sha256": "x-hub-signature",
    "slack_v0": "x-slack-signature", "stripe_v1": "stripe-signature", "twilio_sha1": "x-twilio-signature",
}  # fmt: skip


def check(scheme: str, secret: str, signed: Signed) -> str:
    """`ok`, or the code of the refusal, which is always a 401."""
    part = "password" if scheme == "twilio_sha1" else "token"
    try:
        verify(SCHEMES[scheme], Credential(((part, secret),)), signed)
    except TriggerError as error:
        assert error.status == 401
        assert len(secret) < 10 or secret not in str(error)
        return error.code
    return "ok"


def other(signed: Signed, **changes: object) -> Signed:
    return msgspec.structs.replace(signed, **changes)


def headed(signed: Signed, **headers: str | None) -> Signed:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {**signed.headers, **changed}
    return other(signed, headers={name: value for name, value in merged.items() if value is not None})


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_published_example_fits(scheme: str):
    assert check(scheme, *EXAMPLES[scheme]) == "ok"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_byte_of_the_body_counts(scheme: str):
    secret, signed = EXAMPLES[scheme]
    for at in range(0, len(signed.body), max(1, len(signed.body) // 7)):
        body = bytearray(signed.body)
        body[at] ^= 1
        assert check(scheme, secret, other(signed, body=bytes(body))) == "bad_signature"
    assert check(scheme, secret, other(signed, body=signed.body + b" ")) == "bad_signature"
    assert check(scheme, secret, other(signed, body=b"")) == "bad_signature"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_byte_of_the_signature_counts(scheme: str):
    secret, signed = EXAMPLES[scheme]
    name = HEADER[scheme]
    value = signed.headers[name].partition(",v0")[0]
    for at in range(len(value) - 6, len(value) - 1):
        altered = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
        assert check(scheme, secret, headed(signed, **{name: altered})) == "bad_signature"
    for wrong in (
        "x",
        value[:-1],
        value + "0",
        value.upper() if scheme == "standard" else "v9=" + value[3:],
        "v1,",
        "=",
    ):
        assert check(scheme, secret, headed(signed, **{name: wrong})) == "bad_signature", wrong


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_missing_or_empty_signature_is_unsigned(scheme: str):
    secret, signed = EXAMPLES[scheme]
    for value in (None, "", "  "):
        assert check(scheme, secret, headed(signed, **{HEADER[scheme]: value})) == "unsigned_delivery"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_empty_secret_signs_nothing(scheme: str):
    _, signed = EXAMPLES[scheme]
    digest = hmac.new(b"", signed.body, hashlib.sha256).hexdigest()
    forged = headed(signed, **{HEADER[scheme]: f"sha256={digest}"})
    for secret in ("", " ", "\n"):
        assert check(scheme, secret, forged) == "no_webhook_secret"
    assert check("standard", "whsec_", EXAMPLES["standard"][1]) == "no_webhook_secret"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_secret_does_not_fit(scheme: str):
    secret, signed = EXAMPLES[scheme]
    wrong = "whsec_" + base64.b64encode(b"another secret, of 32 bytes ....").decode()
    assert check(scheme, wrong, signed) == "bad_signature"
    assert check(scheme, secret, signed) == "ok"


@pytest.mark.parametrize("scheme", ["standard", "slack_v0", "stripe_v1"])
def test_a_delivery_is_good_for_five_minutes_either_way(scheme: str):
    secret, signed = EXAMPLES[scheme]
    for drift, said in ((-300, "ok"), (300, "ok"), (-301, "stale_delivery"), (301, "stale_delivery"),
                        (86_400 * 365, "stale_delivery")):  # fmt: skip
        assert check(scheme, secret, other(signed, now_s=signed.now_s + drift)) == said


@pytest.mark.parametrize("stamp", ["", "soon", "1614265330.5", "-1", "９", "99999999999999999999", "1614265331"])
def test_the_timestamp_is_signed_too(stamp: str):
    secret, signed = EXAMPLES["standard"]
    expected = "unsigned_delivery" if not stamp else "bad_signature"
    assert check("standard", secret, headed(signed, webhook_timestamp=stamp)) == expected


def test_the_id_is_signed_too():
    secret, signed = EXAMPLES["standard"]
    assert check("standard", secret, headed(signed, webhook_id="msg_another")) == "bad_signature"
    assert check("standard", secret, headed(signed, webhook_id=None)) == "unsigned_delivery"


def test_one_of_several_signatures_is_enough_and_other_versions_count_for_nothing():
    secret, signed = EXAMPLES["standard"]
    good = signed.headers["webhook-signature"]
    several = headed(signed, webhook_signature=f"v1a,xyz v1,AAAA {good}")
    assert check("standard", secret, several) == "ok"
    for version in ("v2", "v1a", "V1", "v0", ""):
        assert check("standard", secret, headed(signed, webhook_signature=f"{version},{good[3:]}")) == "bad_signature"
    secret, signed = EXAMPLES["stripe_v1"]
    rolled = f"t=1492774577,v1=00,v1={stripe(secret, 1492774577, signed.body)}"
    assert check("stripe_v1", secret, headed(signed, stripe_signature=rolled)) == "ok"
    old = f"t=1492774577,v0={stripe(secret, 1492774577, signed.body)}"
    assert check("stripe_v1", secret, headed(signed, stripe_signature=old)) == "bad_signature"


def test_the_secret_before_a_change_still_fits_while_it_is_kept():
    secret, signed = EXAMPLES["github_sha256"]
    both = Credential((("token", "the new one"), ("previous", secret)))
    verify(SCHEMES["github_sha256"], both, signed)


def test_twilio_signs_the_address_and_the_digest_of_a_json_body():
    body = b'{"MessageSid":"SM1"}'
    url = f"https://example.org/webhooks/events-sms?bodySHA256={hashlib.sha256(body).hexdigest()}"
    value = base64.b64encode(hmac.new(b"12345", url.encode(), hashlib.sha1).digest()).decode()
    signed = Signed(
        headers={"x-twilio-signature": value, "content-type": "application/json"}, body=body, url=url
    )  # fmt: skip
    assert check("twilio_sha1", "12345", signed) == "ok"
    assert check("twilio_sha1", "12345", other(signed, body=body + b" ")) == "bad_signature"
    assert check("twilio_sha1", "12345", other(signed, url=url.replace("https", "http"))) == "bad_signature"
