"""The `smtp` driver: sends e-mail through the server the connection names.

Knows: the phases of an SMTP session and what each failure proves. In: a call of `send`. Out: `{ok, message_id}`.
Never: delivers to some recipients only, logs in over a connection that is not encrypted, resolves by itself.

Settings of the connection: `host`, `port` (587), `security` (`starttls`, or `tls` from the first byte), `from`. The
guard judges that host as it judges any other: with an SMTP port, a public address, or one the operator opened by name.
Source: RFC 5321, RFC 8314.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

import aiosmtplib
import msgspec

from eyeflow.connectors.credentials import no_credential
from eyeflow.connectors.dialing import open_socket
from eyeflow.connectors.guard import Guard, Rules, Target
from eyeflow.connectors.mail import Letter, letter
from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.redact import Redactor
from eyeflow.connectors.signature import defaults_filled
from eyeflow.errors import CallError
from eyeflow.ports import Clock, Ids, RandomIds, SystemClock
from eyeflow.values import Value

_STEP_S: Final = 15.0
_FINAL_S: Final = 60.0


class _Place(msgspec.Struct, frozen=True):
    target: Target
    security: str
    sender: str


class SmtpConnector:
    """One mail account. A session is opened for each message: servers close idle ones within minutes."""

    def __init__(
        self, guard: Guard, *, tls: ssl.SSLContext | None = None, clock: Clock | None = None, ids: Ids | None = None
    ) -> None:
        self._guard = guard
        self._tls = tls
        self._clock = clock or SystemClock()
        self._ids = ids or RandomIds()
        self._config: ConnectorConfig | None = None
        self._place: _Place | None = None

    async def initialize(self, config: ConnectorConfig) -> None:
        """Judge the server and log in once. Raises: CallError when it cannot be reached or refuses."""
        settings = dict(config.connection.settings)
        host, sender, security = settings.get("host"), settings.get("from"), settings.get("security", "starttls")
        if not host or not sender:
            raise CallError(
                "permanent",
                "missing_setting",
                f"the connection has no setting {'host' if not host else 'from'!s}",
                hint="an e-mail connection needs host and from; port (587) and security (starttls) may follow",
            )
        port = settings.get("port", "465" if security == "tls" else "587")
        if security not in ("starttls", "tls") or not port.isascii() or not port.isdecimal():
            raise CallError(
                "permanent",
                "missing_setting",
                "security is starttls or tls, and port a number",
                hint="starttls and 587",
            )
        rules = Rules(config.service.id, config.connection.hosts or (host,))
        self._config = config
        self._place = _Place(self._guard.judge_host("smtp", host, int(port), rules), security, sender)
        session = await self._session()
        await _quit(session)

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """Send one message to all its recipients or to none. Raises: CallError; `uncertain` once the text was sent
        and the server did not say what became of it."""
        assert self._config is not None and self._place is not None, "a connector is initialised before it is called"
        capability = self._config.service.capability(method)
        if capability is None:
            raise CallError("permanent", "unknown_capability", f"{self._config.service.id} has no {method[:60]!a}")
        note = letter(
            defaults_filled(capability, params),
            self._place.sender,
            at=self._clock.now(),
            key=key or self._ids.new("mail"),
        )
        session = await self._session()
        try:
            await self._deliver(session, note)
        finally:
            await _quit(session)
        return {"ok": True, "message_id": note.message_id}

    async def cleanup(self) -> None:
        """Nothing is kept open."""

    async def _deliver(self, session: aiosmtplib.SMTP, note: Letter) -> None:
        try:
            await session.mail(note.sender)
            for recipient in note.recipients:
                await session.rcpt(recipient)
        except aiosmtplib.SMTPException as error:
            raise _refused(error) from error
        try:
            await session.data(note.data, timeout=_FINAL_S)
        except aiosmtplib.SMTPDataError as error:
            raise _refused(error) from error
        except aiosmtplib.SMTPException as error:
            raise CallError(
                "uncertain", "connection_lost", "the server did not say whether it took the message"
            ) from error

    async def _session(self) -> aiosmtplib.SMTP:
        """A session that is encrypted and logged in; plain only to a practice service."""
        assert self._place is not None
        place, credential = self._place, await self._credential()
        practising = place.target.pinned is not None
        session = aiosmtplib.SMTP(
            hostname=place.target.host,
            sock=await open_socket(self._guard, place.target),
            use_tls=place.security == "tls" and not practising,
            start_tls=False,
            tls_context=self._tls or ssl.create_default_context(),
            local_hostname="localhost",
            timeout=_STEP_S,
        )
        redactor = Redactor(credential or Credential())
        try:
            await session.connect()
            await session.ehlo()
            if place.security == "starttls" and not practising:
                await session.starttls()
            if credential is not None:
                username, password = credential.part("username"), credential.part("password")
                if username is None or password is None:
                    raise no_credential("the credential lacks username and password")
                await session.login(username, password)
        except aiosmtplib.SMTPException as error:
            session.close()
            refused = _refused(error)
            raise CallError(refused.kind, refused.code, redactor.text(refused.message)) from None
        except BaseException:
            session.close()
            raise
        return session

    async def _credential(self) -> Credential | None:
        assert self._config is not None
        return None if self._config.credential is None else await self._config.credential()


async def _quit(session: aiosmtplib.SMTP) -> None:
    """Say goodbye; a server that is gone already has heard it."""
    try:
        await session.quit()
    except aiosmtplib.SMTPException:
        session.close()


def _refused(error: aiosmtplib.SMTPException) -> CallError:
    """A failure before the text was sent, or the server's own verdict on it: the message was surely not taken.

    Source: RFC 5321, section 4.2.1: 4yz may be tried again, 5yz not.
    """
    said = " ".join(str(error).split())[:200]
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return CallError("denied", "unauthorized", f"the server refused the login: {said}")
        case aiosmtplib.SMTPResponseException(code=code) if 500 <= code < 600:
            return CallError("permanent", "rejected", f"the server refused: {said}")
        case aiosmtplib.SMTPNotSupported():
            return CallError("permanent", "tls_failed", f"the server lacks what is needed: {said}")
        case _:
            return CallError("transient", "unavailable", f"the server could not take it: {said}")
