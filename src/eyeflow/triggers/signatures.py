"""Who sent a delivery: the signature schemes of webhooks.

Knows: Standard Webhooks and the schemes providers use, by the names catalogs write. In: the secret's parts, headers,
raw body, address, the present. Out: nothing, or a TriggerError with status 401. Never: compares in varying time,
takes an empty secret, says which part of a signature was right.

    standard       webhook-id, webhook-timestamp, webhook-signature: `v1,` and Base64 of HMAC-SHA256 over
                   `id.timestamp.body`; several are parted by spaces; the secret is `whsec_` and Base64
                   (standardwebhooks.com)
    github_sha256  X-Hub-Signature-256: `sha256=` hex over the body (docs.github.com, Validating webhook deliveries)
    hub_sha256     X-Hub-Signature: `sha256=` hex over the body (WebSub 1.0, 7.1; Atlassian webhooks)
    slack_v0       X-Slack-Signature: `v0=` hex over `v0:timestamp:body` (docs.slack.dev, Verifying requests)
    stripe_v1      Stripe-Signature: `t=..,v1=..`, hex over `timestamp.body`; several v1 while a secret is rolled
    twilio_sha1    X-Twilio-Signature: Base64 of HMAC-SHA1 over the address and the sorted form fields; a JSON body is
                   covered by the query field bodySHA256 (twilio.com/docs, Webhooks security)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from eyeflow.connectors.port import Credential
from eyeflow.triggers.port import TriggerError

WINDOW_S: Final = 300
"""How far a delivery's own clock may be from ours, either way."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheme looks at. `headers` by lower-case name; `url` is the whole public address, `now_s` Unix seconds."""

    headers: Mapping[str, str]
    body: bytes
    url: str = ""
    now_s: int = 0


Check: TypeAlias = Callable[[tuple[bytes, ...], Signed], None]


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """One scheme. `secret` says where it comes from: `ours` (made here, given to the sender), `theirs` (made by the
    sender, put into the vault), `credential` (a part of the connection's credential). `parts` are the parts of a
    credential that hold it, the previous one after a change included. `id_signed`: the delivery's id is covered by
    the signature; otherwise whoever saw a delivery could send it again under another id. `form_field`: where the
    sender puts its JSON when it sends a form."""

    check: Check
    secret: Literal["ours", "theirs", "credential"]
    parts: tuple[str, ...] = ("token", "previous")
    id_signed: bool = True
    form_field: str | None = None


def verify(scheme: Scheme, credential: Credential, signed: Signed) -> None:
    """Raises: TriggerError (401) `unsigned_delivery`, `bad_signature`, `stale_delivery`, `no_webhook_secret`."""
    found = (credential.part(name) for name in scheme.parts)
    secrets = tuple(each.encode() for each in found if each is not None and each.strip())
    if not secrets:
        raise no_secret()
    scheme.check(secrets, signed)


def no_secret(hint: str = "put the sender's signing secret into the vault") -> TriggerError:
    """The webhook has no secret to check a delivery with."""
    return TriggerError("no_webhook_secret", "this webhook has no signing secret yet", hint=hint, status=401)


def _standard(secrets: tuple[bytes, ...], signed: Signed) -> None:
    identity, stamp = _header(signed, "webhook-id"), _header(signed, "webhook-timestamp")
    given = [part.partition(",") for part in _header(signed, "webhook-signature").split(" ")]
    candidates = [_decoded(text) for version, _, text in given if version == "v1"]
    _fresh(stamp, signed.now_s)
    content = f"{identity}.{stamp}.".encode() + signed.body
    _match([hmac.digest(_standard_key(key), content, hashlib.sha256) for key in secrets], candidates)


def _github(secrets: tuple[bytes, ...], signed: Signed) -> None:
    _prefixed(secrets, signed, "x-hub-signature-256", "sha256=", signed.body)


def _hub(secrets: tuple[bytes, ...], signed: Signed) -> None:
    _prefixed(secrets, signed, "x-hub-signature", "sha256=", signed.body)


def _slack(secrets: tuple[bytes, ...], signed: Signed) -> None:
    stamp = _header(signed, "x-slack-request-timestamp")
    _header(signed, "x-slack-signature")
    _fresh(stamp, signed.now_s)
    _prefixed(secrets, signed, "x-slack-signature", "v0=", f"v0:{stamp}:".encode() + signed.body)


def _stripe(secrets: tuple[bytes, ...], signed: Signed) -> None:
    pairs = [part.strip().partition("=") for part in _header(signed, "stripe-signature").split(",")]
    stamp = next((value for name, _, value in pairs if name == "t"), "")
    candidates = [_hex(value) for name, _, value in pairs if name == "v1"]
    _fresh(stamp, signed.now_s)
    content = stamp.encode() + b"." + signed.body
    _match([hmac.digest(key, content, hashlib.sha256) for key in secrets], candidates)


def _twilio(secrets: tuple[bytes, ...], signed: Signed) -> None:
    given = [_decoded(_header(signed, "x-twilio-signature"))]
    content = signed.url
    digest = dict(parse_qsl(signed.url.partition("?")[2])).get("bodySHA256")
    if digest is not None:
        _match([hashlib.sha256(signed.body).digest()], [_hex(digest)])
    elif signed.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        content += _twilio_fields(signed.body)
    _match([hmac.digest(key, content.encode(), hashlib.sha1) for key in secrets], given)


def _twilio_fields(body: bytes) -> str:
    """The form's fields by name, each with its value after it; equal pairs once."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        raise _bad_signature() from None
    return "".join(name + value for name, value in sorted(set(pairs)))


SCHEMES: Final[dict[str, Scheme]] = {
    "standard": Scheme(check=_standard, secret="ours"),
    "github_sha256": Scheme(check=_github, secret="ours", id_signed=False, form_field="payload"),
    "hub_sha256": Scheme(check=_hub, secret="ours", id_signed=False),
    "slack_v0": Scheme(check=_slack, secret="theirs"),
    "stripe_v1": Scheme(check=_stripe, secret="theirs"),
    "twilio_sha1": Scheme(check=_twilio, secret="credential", parts=("password",)),
}


def _header(signed: Signed, name: str) -> str:
    value = signed.headers.get(name, "").strip()
    if not value:
        raise TriggerError(
            "unsigned_delivery", f"the header {name} is missing", hint="sign the delivery", status=401
        )  # fmt: skip
    return value


def _prefixed(secrets: tuple[bytes, ...], signed: Signed, header: str, prefix: str, content: bytes) -> None:
    value = _header(signed, header)
    given = [_hex(value.removeprefix(prefix))] if value.startswith(prefix) else []
    _match([hmac.digest(key, content, hashlib.sha256) for key in secrets], given)


def _fresh(stamp: str, now_s: int) -> None:
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        raise _bad_signature()
    if abs(now_s - int(stamp)) > WINDOW_S:
        message = f"the delivery's timestamp is more than {WINDOW_S // 60} minutes from now"
        raise TriggerError("stale_delivery", message, hint="check both clocks", status=401)


def _match(expected: list[bytes], given: list[bytes]) -> None:
    """Every pair is compared, so that the time taken says nothing about which one fits."""
    fits = False
    for wanted in expected:
        for each in given[:20]:
            fits = hmac.compare_digest(wanted, each) or fits
    if not fits:
        raise _bad_signature()


def _bad_signature() -> TriggerError:
    hint = "check the secret, and that the body is sent as it was signed"
    return TriggerError("bad_signature", "the signature does not fit the delivery", hint=hint, status=401)


def _standard_key(secret: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise no_secret("the secret must be `whsec_` and Base64")
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
