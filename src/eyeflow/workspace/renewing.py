"""Credentials of accounts that signed in: given out while they last, renewed before they end.

Knows: how the parts of a sign-in are kept in the vault, when a token is renewed, that only one renewal of a secret
goes on at a time, over all processes. In: `vault:NAME`. Out: a `Credential` with the access token alone. Never: hands
the refresh token or the client's secret to a connector, sends them anywhere but to the catalog's token host.

Any other secret of the vault is given out as it is.

Source: RFC 6749 section 6; RFC 9700 section 4.14.2 (a refresh token that is used twice may end its whole family).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.credentials import VaultCredentials
from eyeflow.connectors.oauth import Grant, TokenEndpoint, oauth_of
from eyeflow.connectors.port import Credential
from eyeflow.errors import CallError, EyeFlowError
from eyeflow.ports import Clock
from eyeflow.secrets.access import Access
from eyeflow.secrets.vault import SecretValue, Vault
from eyeflow.store.port import Conflict, Delete, Insert, Store, Update, Where
from eyeflow.store.records import LeaseRecord, SecretRecord
from eyeflow.workspace.notices.ending import ending
from eyeflow.workspace.writing import now_ms

RENEW_BEFORE_MS: Final = 60_000
LEASE_MS: Final = 20_000
_ASK_AGAIN_S: Final = 0.1
_LEAVE_ALONE_S: Final = 30.0
"""A token that was made just now, or could not be renewed, is left alone for so long while it lasts."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """What the vault keeps of a sign-in, as named parts; `expires_ms` since 1970, None when the service does not say.
    Its repr shows nothing."""

    service: str
    client_id: str
    client_secret: str = ""
    access_token: str
    refresh_token: str = ""
    expires_ms: int | None = None

    def __repr__(self) -> str:
        return f"SignedIn({self.service})"

    def parts(self) -> dict[str, str]:
        """As the vault takes it."""
        given = {
            "oauth2_service": self.service, "client_id": self.client_id, "client_secret": self.client_secret,
            "access_token": self.access_token, "refresh_token": self.refresh_token,
            "expires_at": "" if self.expires_ms is None else str(self.expires_ms // 1000),
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}

    @property
    def ends_ms(self) -> int | None:
        """When somebody has to sign in again; None when it renews itself, or does not end."""
        return None if self.refresh_token else self.expires_ms

    def client(self) -> dict[str, str]:
        """Who the client is, as a token request says it; a public client has no secret."""
        return {"client_id": self.client_id} | ({"client_secret": self.client_secret} if self.client_secret else {})

    def granted(self, grant: Grant, at_ms: int) -> SignedIn:
        """With what the service gave now; it may leave the refresh token as it was."""
        return msgspec.structs.replace(
            self, access_token=grant.access_token, refresh_token=grant.refresh_token or self.refresh_token,
            expires_ms=None if grant.expires_s is None else at_ms + grant.expires_s * 1000,
        )  # fmt: skip


def signed_in(secret: SecretValue | Credential) -> SignedIn | None:
    """The sign-in that a secret holds, or None for any other secret."""
    if all(name != "oauth2_service" for name, _ in secret.parts):
        return None
    held = dict(secret.parts)
    if "access_token" not in held:
        return None
    expires = held.get("expires_at", "")
    return SignedIn(
        service=held["oauth2_service"], client_id=held.get("client_id", ""),
        client_secret=held.get("client_secret", ""), access_token=held["access_token"],
        refresh_token=held.get("refresh_token", ""),
        expires_ms=int(expires) * 1000 if expires.isascii() and expires.isdigit() and len(expires) < 15 else None,
    )  # fmt: skip


class RenewingCredentials:
    """The `vault:` references of a server. `owner` names this process among those that share the store."""

    def __init__(
        self, vault: Vault, store: Store, *, tokens: TokenEndpoint, catalog: Callable[[], Catalog], clock: Clock,
        owner: str,
    ) -> None:  # fmt: skip
        self._vault = vault
        self._store = store
        self._plain = VaultCredentials(vault)
        self._tokens = tokens
        self._catalog = catalog
        self._clock = clock
        self._owner = owner
        self._flights: dict[str, asyncio.Task[SignedIn]] = {}
        self._renewals: dict[str, _Renewal] = {}
        self._refused: dict[str, tuple[str, float]] = {}
        self._tried: dict[str, tuple[str, float]] = {}

    async def resolve(self, reference: str) -> Credential:
        """The credential, renewed when it ends within a minute.

        Raises: CallError (denied `no_credential`, `credential_expired`; transient when nobody can say now).
        """
        found = await self._plain.resolve(reference)
        held = signed_in(found)
        if held is None:
            return found
        name = reference.removeprefix("vault:")
        if self._ends(held):
            held = await self._renewed(name, held)
        return self._shown(name, held)

    async def again(self, name: str, token: str) -> Credential | None:
        """A credential in the place of `token`, which the service did not take; None when there is none to be had.
        Raises: as `resolve`."""
        held = signed_in(await self._plain.resolve(f"vault:{name}"))
        if held is None:
            return None
        if held.access_token == token:
            if not held.refresh_token or _recent(self._tried, name, token):
                return None
            held = await self._renewed(name, held, lasting=False)
        return self._shown(name, held)

    def _shown(self, name: str, held: SignedIn) -> Credential:
        renewal = self._renewals.setdefault(name, _Renewal(self, name))
        return Credential((("token", held.access_token),), renewal)

    def _ends(self, held: SignedIn, within_ms: int = RENEW_BEFORE_MS) -> bool:
        return held.expires_ms is not None and held.expires_ms - now_ms(self._clock) <= within_ms

    async def _renewed(self, name: str, held: SignedIn, *, lasting: bool = True) -> SignedIn:
        """The sign-in after a renewal, one at a time. `lasting`: a token that still lasts is used when it cannot be
        renewed. A caller that gives up does not end the renewal: its answer may be the only one there is."""
        lasts = lasting and not self._ends(held, 0)
        if lasts and (not held.refresh_token or _recent(self._tried, name, held.access_token)):
            return held
        if _recent(self._refused, name, held.access_token):
            if lasts:
                return held
            raise _expired(name)
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.create_task(self._renew(name, held.access_token))
            self._flights[name] = flight
            flight.add_done_callback(lambda done: self._landed(name, done))
        try:
            return await asyncio.shield(flight)
        except CallError:
            if lasts:
                self._tried[name] = _now(held.access_token)
                return held
            raise

    def _landed(self, name: str, done: asyncio.Task[SignedIn]) -> None:
        self._flights.pop(name, None)
        if not done.cancelled():
            done.exception()  # everybody who waited may have given up

    async def _renew(self, name: str, token: str) -> SignedIn:
        access = Access(purpose="renewal of a sign-in")
        try:
            async with self._turn(name):
                held = signed_in(await self._vault.get(name, access, fresh=True))
                if held is None:
                    raise _expired(name)
                if held.access_token != token:
                    return held
                after = await self._granted(name, held)
                kept = await self._vault.rotate(name, after.parts(), access)
                at = now_ms(self._clock)
                await self._store.write(ending(name, kept.version, after.ends_ms, at))
                self._tried[name] = _now(after.access_token)
                return after
        except CallError as error:
            if error.kind == "denied":
                self._refused[name] = _now(token)
                await self._over(name, error)
            raise
        except EyeFlowError as error:
            raise CallError("transient", error.code, error.message, hint=error.hint) from None

    async def _over(self, name: str, error: CallError) -> None:
        """Write down that a sign-in has ended, so that its people are told."""
        with suppress(EyeFlowError):  # the call fails with it in any case
            record = await self._store.get(SecretRecord, name)
            if record is not None:
                at = now_ms(self._clock)
                await self._store.write(ending(name, record.version, at, at, error.message))

    async def _granted(self, name: str, held: SignedIn) -> SignedIn:
        service = self._catalog().service(held.service)
        way = None if service is None else oauth_of(service)
        if service is None or way is None or not held.refresh_token:
            raise _expired(name)
        fields = {"grant_type": "refresh_token", "refresh_token": held.refresh_token, **held.client()}
        try:
            grant = await self._tokens.ask(service, way[2], fields)
        except CallError as error:
            if error.kind in ("transient", "uncertain"):  # nothing of the call itself was sent
                raise CallError("transient", error.code, error.message, hint=error.hint) from None
            raise _expired(name, error.message) from None
        return held.granted(grant, now_ms(self._clock))

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """Within the block no other process renews this secret. A process that died lets go by its lease.
        Raises: CallError (transient, `credential_busy`), StoreError."""
        lease = f"renewal/{name}"
        loop = asyncio.get_running_loop()
        until = loop.time() + LEASE_MS / 1000 + 1
        while (fence := await self._claimed(lease)) is None:
            if loop.time() > until:
                raise CallError("transient", "credential_busy", f"another process renews {name}, and does not end")
            await asyncio.sleep(_ASK_AGAIN_S)
        try:
            yield
        finally:
            mine = (Where("name", "=", lease), Where("owner", "=", self._owner), Where("fence", "=", fence))
            with suppress(EyeFlowError):  # it ends by itself
                await self._store.write(Delete(LeaseRecord, mine))

    async def _claimed(self, lease: str) -> int | None:
        held, at = await self._store.get(LeaseRecord, lease), now_ms(self._clock)
        if held is not None and held.until_ms > at:
            return None
        fence = 1 if held is None else held.fence + 1
        wanted = LeaseRecord(name=lease, owner=self._owner, fence=fence, until_ms=at + LEASE_MS)
        try:
            if held is None:
                await self._store.write(Insert(wanted))
            else:
                same = (Where("name", "=", lease), Where("fence", "=", held.fence))
                values = (("owner", wanted.owner), ("fence", fence), ("until_ms", wanted.until_ms))
                await self._store.write(Update(LeaseRecord, values, same, expect=1))
        except Conflict:
            return None
        return fence


class _Renewal:
    """What a credential carries so that a connector can ask for the next one."""

    def __init__(self, source: RenewingCredentials, name: str) -> None:
        self._source = source
        self._name = name

    async def __call__(self, credential: Credential) -> Credential | None:
        """A credential in the place of one that was refused. Raises: CallError."""
        return await self._source.again(self._name, credential.part("token") or "")


def _now(token: str) -> tuple[str, float]:
    return token, asyncio.get_running_loop().time()


def _recent(known: dict[str, tuple[str, float]], name: str, token: str) -> bool:
    last, at = known.get(name, ("", 0.0))
    return last == token and asyncio.get_running_loop().time() - at < _LEAVE_ALONE_S


def _expired(name: str, said: str = "") -> CallError:
    return CallError(
        "denied", "credential_expired", f"the sign-in {name} has ended" + (f" ({said})" if said else ""),
        hint="sign in again: `eyeflow connectors connect NAME`",
    )  # fmt: skip
