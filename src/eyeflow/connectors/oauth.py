"""OAuth 2.0 as a client speaks it: the address a person opens, and what is said to the token endpoint.

Knows: PKCE, the authorisation request, the token request and its answer. In: a service's `Auth` of type oauth2, a
transport behind the guard. Out: an address, `Grant`s. Never: keeps a token, follows a redirect with one, says anything
to a host that is not the catalog's token host, repeats what the service wrote but for its error code.

The client names itself in the body of the token request (`client_secret_post`): some services know no other way, and
none that we found refuses it.

Source: RFC 6749 sections 4.1, 5 and 6 (code, answers, refresh); RFC 7636 (PKCE, S256); RFC 9700 section 2.1.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from eyeflow.catalog.model import Auth, Service
from eyeflow.connectors.answers import status_error
from eyeflow.connectors.guard import Rules
from eyeflow.connectors.transport import HttpRequest, HttpResponse, HttpTransport
from eyeflow.connectors.url import parse_url
from eyeflow.errors import CallError

MAX_ANSWER_BYTES: Final = 64 * 1024
MAX_EXPIRES_S: Final = 10 * 366 * 86_400
TIMEOUT_MS: Final = 10_000

_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}\Z")
_REASON: Final = re.compile(r"[a-z_]{1,60}\Z")
_TYPES: Final = frozenset({"bearer", "bot"})
"""Kinds of tokens that are sent as `Authorization: Bearer`; Slack calls those of a bot `bot`."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint gave; `expires_s` seconds from now, None when it does not say. Its repr shows none."""

    access_token: str
    refresh_token: str | None = None
    expires_s: int | None = None

    def __repr__(self) -> str:
        return f"Grant(expires_s={self.expires_s})"


class TokenEndpoint:
    """Speaks to the token endpoints of services through `transport`; `timeout_ms` for one whole exchange."""

    def __init__(self, transport: HttpTransport, *, timeout_ms: int = TIMEOUT_MS) -> None:
        self._transport = transport
        self._timeout_ms = timeout_ms

    async def ask(self, service: Service, endpoint: str, fields: Mapping[str, str]) -> Grant:
        """Send `fields` as a form to the token endpoint of `service`.

        Raises: CallError: denied `sign_in_refused` when the service says no; permanent `bad_token_answer` for an
        answer that is no token; transient and uncertain ones, `egress_denied` as of any call.
        """
        url = parse_url(endpoint)
        request = HttpRequest(
            method="POST", url=url, rules=Rules(service.id, (f"{url.host}:{url.port}",)),
            headers=(
                ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"),
                ("User-Agent", "eyeflow"),
            ),
            body=urlencode(fields).encode(), safe=False, confidential=True, timeout_ms=self._timeout_ms,
            max_bytes=MAX_ANSWER_BYTES,
        )  # fmt: skip
        response = await self._transport.send(request)
        if response.url and parse_url(response.url) != url:
            raise _rubbish(service, "it led elsewhere")
        return _grant(service, response)


def oauth_of(service: Service) -> tuple[Auth, str, str] | None:
    """The service's OAuth2, its addresses of authorisation and token; None when it has none."""
    for way in service.auth:
        if way.type == "oauth2" and way.authorize is not None and way.token is not None:
            return way, way.authorize, way.token
    return None


def unguessable() -> str:
    """256 random bits in the alphabet of states and verifiers (43 characters)."""
    return secrets.token_urlsafe(32)


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier. Source: RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def authorize_url(
    endpoint: str, *, client_id: str, redirect_uri: str, scopes: tuple[str, ...], state: str, verifier: str
) -> str:
    """The address a person opens to say yes. Source: RFC 6749 section 4.1.1, RFC 7636 section 4.3."""
    fields = {
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "state": state,
        "code_challenge": challenge(verifier), "code_challenge_method": "S256",
        **({"scope": " ".join(scopes)} if scopes else {}),
    }  # fmt: skip
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(fields)}"


def reason_of(said: object) -> str:
    """The error code of a service when it is one, else nothing: what else stands there may repeat what we sent."""
    return said if isinstance(said, str) and _REASON.match(said) else ""


def refused(service: Service, said: object) -> CallError:
    """The service said no."""
    reason = reason_of(said)
    return CallError(
        "denied", "sign_in_refused", f"{service.title} refused the sign-in" + (f": {reason}" if reason else ""),
        hint="check the client and its scopes, and sign in again",
    )  # fmt: skip


def _grant(service: Service, response: HttpResponse) -> Grant:
    """The grant of an answer. Source: RFC 6749 sections 5.1 and 5.2; some services answer errors with 200."""
    try:
        body: object = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    failing = status_error(response.status, safe=True)
    held = body if isinstance(body, dict) else {}
    if held.get("error") is not None and (failing is None or 400 <= response.status < 500):
        raise refused(service, held["error"])
    if failing is not None:
        kind, code = failing
        raise CallError(kind, code, f"the token address of {service.title} answered {response.status}")
    access, refresh = held.get("access_token"), held.get("refresh_token")
    if not isinstance(access, str) or not _TOKEN.match(access):
        raise _rubbish(service, "there is no access token in it")
    if refresh is not None and not (isinstance(refresh, str) and _TOKEN.match(refresh)):
        raise _rubbish(service, "its refresh token is none")
    kind_said = held.get("token_type", "bearer")
    if not isinstance(kind_said, str) or kind_said.lower() not in _TYPES:
        raise _rubbish(service, "its kind of token is not known")
    return Grant(access_token=access, refresh_token=refresh, expires_s=_seconds(service, held.get("expires_in")))


def _seconds(service: Service, said: object) -> int | None:
    if said is None:
        return None
    if isinstance(said, str) and re.fullmatch(r"[0-9]{1,12}", said):
        said = int(said)
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < 1e12:
        raise _rubbish(service, "its expires_in is no number of seconds")
    return min(int(said), MAX_EXPIRES_S)


def _rubbish(service: Service, what: str) -> CallError:
    return CallError(
        "permanent", "bad_token_answer", f"what the token address of {service.title} answered cannot be used: {what}",
        hint="check `token` in the service file",
    )  # fmt: skip
