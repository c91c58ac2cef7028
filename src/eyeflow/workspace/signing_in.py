"""Signing an account in with OAuth2: begun by somebody with a key, finished by the browser that comes back.

Knows: the state of a sign-in, who began it and for which account, where its tokens go. In: a `Principal`, a client;
later a state and a code. Out: an address to open; an account with a credential. Never: gives out a token, a verifier or
a client's secret; keeps a state as it is sent (only its hash); takes a state twice, late, or for another account.

The state is the only proof the browser has, so it is 256 random bits, lasts ten minutes and is taken once, in one unit,
before anything else is done with it. An account has one sign-in at a time: a new one ends the one before.

Source: RFC 6749 section 4.1; RFC 7636; RFC 9700 section 2.1.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from eyeflow.catalog.model import Auth, Service
from eyeflow.connectors.oauth import TokenEndpoint, authorize_url, oauth_of, refused, unguessable
from eyeflow.engine.model import Principal
from eyeflow.engine.telling import CONNECTED_TOPIC, told
from eyeflow.ports import Clock, Ids
from eyeflow.secrets.access import Access
from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.vault import Vault
from eyeflow.store.port import Conflict, Delete, Insert, Op, Require, Store, Update, Where
from eyeflow.store.records import ConnectionRecord, SecretRecord, SettingRecord, UseRecord
from eyeflow.workspace.connections import Connections
from eyeflow.workspace.context import connection_of
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing, NotNow
from eyeflow.workspace.notices.ending import ending
from eyeflow.workspace.permissions import require
from eyeflow.workspace.ports import CatalogSource, EngineView
from eyeflow.workspace.renewing import SignedIn
from eyeflow.workspace.vaulting import PENDING
from eyeflow.workspace.writing import audited, generation, now_ms

LASTS_MS: Final = 600_000
MOST_BEGUN: Final = 1_000
_STATES: Final = "oauth.state/"
_AFTER_STATES: Final = "oauth.state0"
_AFTER_PENDING: Final = "oauth.pending0"
_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_CODE: Final = re.compile(r"[\x20-\x7e]{1,4096}\Z")
_LOOPBACK: Final = re.compile(r"localhost|127\.[0-9.]+|::1")


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """The client that the service knows this server as. Its secret is given as `client_secret`, or kept in the vault
    and named by `client_secret_from` (`vault:NAME`, copied now); a public client has none. `scopes`: others than the
    catalog's.

    `{"client_id": "1234.apps.example.com", "client_secret_from": "vault:sheets_client"}`
    """

    client_id: Annotated[str, Meta(min_length=1, max_length=1000)]
    client_secret: Annotated[str, Meta(max_length=4000)] = ""
    client_secret_from: Annotated[str, Meta(max_length=200)] = ""
    scopes: Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=100)] | None = None

    def __repr__(self) -> str:
        return f"SignIn({self.client_id!a})"


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that was begun: the address to open in a browser, and until when (milliseconds since 1970)."""

    authorize_url: str
    expires_ms: int


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a sign-in until the browser comes back. Its secrets are in the vault, under `pending`."""

    principal: Principal
    connection: str
    created_ms: int
    service: str
    redirect_uri: str
    pending: str
    expires_ms: int


class SigningIn:
    """The two halves of a sign-in."""

    def __init__(
        self, store: Store, vault: Vault, tokens: TokenEndpoint, *, connections: Connections, catalog: CatalogSource,
        engine: EngineView, clock: Clock, ids: Ids,
    ) -> None:  # fmt: skip
        self._store = store
        self._vault = vault
        self._tokens = tokens
        self._connections = connections
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._ids = ids

    async def begin(self, principal: Principal, name: str, client: SignIn, *, redirect_uri: str) -> Begun:
        """Begin to sign the account `name` in.

        Raises: Forbidden, Missing, Clash (`in_use`, `name_taken`), Invalid (`no_oauth`, `needs_public_url`,
        `bad_request`, `bad_secret_value`), NotNow (`too_many_sign_ins`).
        """
        require(principal, "connections.write")
        row = await self._connections.record(principal, name)
        _, way, authorize, _ = self._spoken(row)
        _checked(client, redirect_uri)
        await self._target(principal, row)
        given = await self._client_secret(principal, row, client)
        at, state, verifier = now_ms(self._clock), unguessable(), unguessable()
        digest = _digest(state)
        waiting = _Waiting(
            principal=principal, connection=row.name, created_ms=row.created_ms, service=row.service,
            redirect_uri=redirect_uri, pending=PENDING + digest, expires_ms=at + LASTS_MS,
        )  # fmt: skip
        await self._tidy(row.name, at)
        record = SettingRecord(name=_STATES + digest, value=msgspec.json.encode(waiting), updated_ms=at)
        said = audited(principal, "connection.sign_in_begun", f"connection:{row.name}", at, service=row.service)
        await self._store.write(Insert(record), said)
        parts = {"verifier": verifier, "client_id": client.client_id, **given}
        await self._vault.put(waiting.pending, parts, Access(actor=principal.id, purpose=f"sign-in of {row.name}"))
        scopes = way.scopes if client.scopes is None else client.scopes
        address = authorize_url(
            authorize, client_id=client.client_id, redirect_uri=redirect_uri, scopes=scopes, state=state,
            verifier=verifier,
        )  # fmt: skip
        return Begun(authorize_url=address, expires_ms=waiting.expires_ms)

    async def finish(self, state: str, *, code: str = "", error: str = "") -> str:
        """Take the state, exchange the code, keep the tokens; the name of the account that is signed in.

        Raises: Invalid (`bad_state`, `bad_request`); CallError `sign_in_refused`, `bad_token_answer` and those of any
        call; Missing, Clash, Forbidden when the account has become another one meanwhile.
        """
        waiting = await self._taken(state)
        who = waiting.principal
        access = Access(actor=who.id, purpose=f"sign-in of {waiting.connection}")
        try:
            secret = dict((await self._vault.get(waiting.pending, access, fresh=True)).parts)
            await self._vault.remove(waiting.pending, access)
        except SecretError as gone:
            if gone.code != "no_secret":
                raise
            raise _bad_state() from None
        row = await self._connections.record(who, waiting.connection)
        if (row.created_ms, row.service) != (waiting.created_ms, waiting.service):
            raise _bad_state()
        service, _, _, token = self._spoken(row)
        if error:
            raise refused(service, error)
        if not _CODE.match(code):
            raise Invalid("bad_request", "the service sent no code", hint="begin to sign in again")
        target = await self._target(who, row)
        held = SignedIn(
            service=service.id, client_id=secret["client_id"], client_secret=secret.get("client_secret", ""),
            access_token="",
        )  # fmt: skip
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": waiting.redirect_uri,
            "code_verifier": secret["verifier"], **held.client(),
        }  # fmt: skip
        grant = await self._tokens.ask(service, token, fields)
        at = now_ms(self._clock)
        held = held.granted(grant, at)
        kept = await self._vault.put(target, held.parts(), access)
        await self._store.write(ending(target, kept.version, held.ends_ms, at))
        await self._keep(who, row, f"vault:{target}")
        return row.name

    async def expire(self) -> None:
        """End the sign-ins whose browser did not come back in time, and forget what they kept. Raises: StoreError."""
        at = now_ms(self._clock)
        begun = await self._begun()
        for name, each in begun:
            if each.expires_ms <= at:
                await self._end(name, each)
        known = {each.pending for _, each in begun}
        after = Where("name", ">=", PENDING), Where("name", "<", _AFTER_PENDING)
        left = Where("created_ms", "<=", at - LASTS_MS)
        for row in await self._store.find(SecretRecord, *after, left, limit=MOST_BEGUN, without=("sealed", "wrapped")):
            if row.name not in known:  # taken by a browser, and then this server was killed
                with suppress(SecretError):
                    await self._vault.remove(row.name, Access(purpose="a sign-in that did not end"))

    # --- inside ------------------------------------------------------------------------------------------------

    def _spoken(self, row: ConnectionRecord) -> tuple[Service, Auth, str, str]:
        """The service of an account, and how it signs in. Raises: Missing, Invalid (`no_oauth`)."""
        service = self._catalog().service(row.service)
        if service is None:
            raise Missing("unknown_service", f"the catalog has no service {row.service}", hint="bring its file back")
        found = oauth_of(service)
        if found is None:
            raise Invalid(
                "no_oauth", f"{service.title} does not sign in with OAuth2", hint="give the account a credential"
            )
        return service, *found

    async def _target(self, principal: Principal, row: ConnectionRecord) -> str:
        """The name of the secret that the tokens go to: the account's own, else one of the account's name, which must
        be free. Raises: Clash, Forbidden, Missing, Invalid."""
        kind, _, known = (row.credential or "").partition(":")
        name = known if kind == "vault" else row.name
        if kind != "vault":
            if await self._store.find(UseRecord, Where("connection", "=", row.name), limit=1):
                said = f"tasks use {row.name} with the credential it has"
                raise Clash("in_use", said, hint="add another account, sign it in and deploy again")
            if await self._store.get(SecretRecord, name) is not None:
                said = f"there is a secret {name} already, which is not this account's"
                raise Clash("name_taken", said, hint=f"give the account the credential vault:{name}, if it is meant")
        secret = await self._store.get(SecretRecord, name)
        if secret is not None and principal.role != "owner" and secret.created_by != principal.id:
            raise Forbidden("forbidden", f"the secret of {row.name} is somebody else's", hint="an owner may sign in")
        return name

    async def _client_secret(self, principal: Principal, row: ConnectionRecord, client: SignIn) -> dict[str, str]:
        """The client's secret as a part; none for a public client. Raises: Invalid, Missing, SecretError."""
        if not client.client_secret_from:
            return {"client_secret": client.client_secret} if client.client_secret else {}
        kind, _, name = client.client_secret_from.partition(":")
        if kind != "vault" or not name or not name.isprintable():
            raise Invalid("bad_request", "`client_secret_from` is a reference to the vault", hint="vault:NAME")
        connection = msgspec.structs.replace(connection_of(row), credential=client.client_secret_from)
        await self._connections.may_refer(principal, connection)
        if await self._store.get(SecretRecord, name) is None:
            raise Missing("unknown_secret", f"there is no secret {name[:80]!a} of yours", hint="put it in first")
        kept = await self._vault.get(name, Access(actor=principal.id, purpose=f"sign-in of {row.name}"))
        value = kept.single or dict(kept.parts).get("client_secret", "")
        if not value.isascii() or not value.isprintable() or not value:
            raise Invalid("bad_request", f"the secret {name} holds no client secret", hint="put it in as one value")
        return {"client_secret": value}

    async def _begun(self) -> list[tuple[str, _Waiting]]:
        where = (Where("name", ">=", _STATES), Where("name", "<", _AFTER_STATES))
        rows = await self._store.find(SettingRecord, *where, limit=MOST_BEGUN)
        return [(row.name, msgspec.json.decode(row.value, type=_Waiting)) for row in rows]

    async def _tidy(self, connection: str, at: int) -> None:
        """End the sign-ins that came too late, and the one of this account. Raises: NotNow."""
        begun = await self._begun()
        over = [(name, each) for name, each in begun if each.connection == connection or each.expires_ms <= at]
        for name, each in over:
            await self._end(name, each)
        if len(begun) - len(over) >= MOST_BEGUN:
            raise NotNow("too_many_sign_ins", "too many sign-ins wait for their browser", hint="try again in a while")

    async def _end(self, name: str, waiting: _Waiting) -> None:
        await self._store.write(Delete(SettingRecord, (Where("name", "=", name),)))
        await self._forget(waiting)

    async def _forget(self, waiting: _Waiting) -> None:
        with suppress(SecretError):  # it was taken meanwhile
            await self._vault.remove(waiting.pending, Access(actor=waiting.principal.id))

    async def _taken(self, state: str) -> _Waiting:
        """The sign-in of a state, which counts no more from here on. Raises: Invalid (`bad_state`)."""
        if not _STATE.match(state):
            raise _bad_state()
        name = _STATES + _digest(state)
        row = await self._store.get(SettingRecord, name)
        if row is None:
            raise _bad_state()
        here = (Where("name", "=", name),)
        try:
            await self._store.write(Require(SettingRecord, here), Delete(SettingRecord, here))
        except Conflict:
            raise _bad_state() from None
        waiting = msgspec.json.decode(row.value, type=_Waiting)
        if waiting.expires_ms <= now_ms(self._clock):
            await self._forget(waiting)
            raise _bad_state()
        return waiting

    async def _keep(self, who: Principal, row: ConnectionRecord, credential: str) -> None:
        """The account has its credential, and everybody is told. Raises: Clash (`changed_meanwhile`)."""
        at = now_ms(self._clock)
        here = (Where("name", "=", row.name), Where("created_ms", "=", row.created_ms),
                Where("service", "=", row.service), Where("credential", "=", row.credential))  # fmt: skip
        values = (("credential", credential), ("state", "connected"), ("detail", "signed in"), ("tested_ms", at))
        event = told(
            self._ids.new("evt"), CONNECTED_TOPIC,
            {"connection": row.name, "service": row.service, "state": "connected"},
            source=f"/connections/{row.name}", subject=None, at_ms=at,
        )  # fmt: skip
        unit: list[Op] = [
            Update(ConnectionRecord, values, here, expect=1), Insert(event), generation(at),
            audited(who, "connection.signed_in", f"connection:{row.name}", at, service=row.service,
                    credential=credential),
        ]  # fmt: skip
        if credential != row.credential:
            unit.insert(0, Require(UseRecord, (Where("connection", "=", row.name),), absent=True))
        try:
            await self._store.write(*unit)
        except Conflict:
            said = f"somebody else changed {row.name} at the same time"
            raise Clash("changed_meanwhile", said, hint="sign in again") from None
        await self._engine.changed()


def _checked(client: SignIn, redirect_uri: str) -> None:
    """Return when a client can be sent as it is. Raises: Invalid."""
    if client.client_secret and client.client_secret_from:
        raise Invalid("bad_request", "give `client_secret` or `client_secret_from`, not both")
    texts = (client.client_id, client.client_secret, *(client.scopes or ()))
    if not all(text.isascii() and (not text or text.isprintable()) for text in texts):
        raise Invalid("bad_request", "a client and its scopes are printable ASCII", hint="copy them again")
    if any(not scope or " " in scope for scope in client.scopes or ()):
        raise Invalid("bad_request", "a scope is one word", hint="give several as a list")
    back = urlsplit(redirect_uri)
    if back.scheme != "https" and not _LOOPBACK.fullmatch(back.hostname or ""):
        raise Invalid(
            "needs_public_url", "a browser comes back to this server, which needs an https address",
            hint="set `server.public_url`, or sign in on a server that listens on 127.0.0.1",
        )  # fmt: skip


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode("ascii")).hexdigest()


def _bad_state() -> Invalid:
    return Invalid(
        "bad_state", "this sign-in is not known here: it was used already, is too old, or was not begun here",
        hint="begin to sign in again, and use the newest address",
    )  # fmt: skip
