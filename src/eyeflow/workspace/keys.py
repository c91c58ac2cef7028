"""API keys: made once, shown once, kept as a digest.

Knows: how a key is spelled, what it may, when it ends. In: a token from a request. Out: the `Principal` behind it.
Never: stores or logs a key; tells a wrong key from one that never was; compares secrets byte by byte: a key is found
by its SHA-256, which says nothing about the keys around it, and 256 bits of randomness need no slow hash.

A key that was checked is remembered for a minute, and forgotten at once when anything changes here; another process
sees the change when it next compares the generation, at most 50 ms later.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final, get_args

import msgspec

from eyeflow.catalog.model import Role
from eyeflow.engine.model import Principal
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Insert, Op, Store, Update, Where
from eyeflow.store.records import KeyRecord, SettingRecord
from eyeflow.workspace.errors import Clash, Invalid, Missing, WorkspaceError
from eyeflow.workspace.names import require_task_name, require_words
from eyeflow.workspace.permissions import require
from eyeflow.workspace.writing import GENERATION, audited, generation, now_ms

FIRST_PRINCIPAL: Final = "owner"
_TOKEN: Final = re.compile(r"ef_(?:live|test)_[A-Za-z0-9_\-]{43}")
_WHO: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@\-]{0,99}")
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_SHOWN_CHARS: Final = 12
_REMEMBERED_SECONDS: Final = 60.0
_COMPARE_SECONDS: Final = 0.05
_MOST_REMEMBERED: Final = 10_000
_SCOPES: Final = msgspec.json.Decoder(tuple[str, ...])


class Unauthenticated(WorkspaceError):  # noqa: N818 - named as what it says
    """Nobody we know: `bad_api_key`, or a key whose time is over: `key_expired`, `key_revoked`."""


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner asks for. `principal` is whose key it is (the name, when None); several keys of one person are
    one principal. `tasks` limits it to tasks by name; `agent` for programs that write tasks: they never approve;
    `practice` makes an `ef_test_` key, which reaches practice services only. `days` until it expires; None: never.

    `{"name": "ci", "role": "runner", "tasks": ["nightly_import"], "days": 90}`
    """

    name: str
    role: Role
    principal: str | None = None
    practice: bool = False
    agent: bool = False
    tasks: tuple[str, ...] = ()
    days: int | None = None


class KeyView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key as it is listed: `shown` is its beginning, never the key."""

    id: str
    name: str
    shown: str
    principal: str
    role: Role
    practice: bool = False
    agent: bool = False
    tasks: tuple[str, ...] = ()
    created_by: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    used_ms: int | None = None


class CreatedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key. `token` is said this once."""

    token: str
    key: KeyView

    def __repr__(self) -> str:
        return f"CreatedKey({self.key.id})"


class _Remembered(msgspec.Struct, frozen=True):
    principal: Principal
    expires_ms: int | None
    until: float


class Keys:
    """Makes, lists, revokes and recognises keys. `seconds` is a clock that never goes back."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._seconds = seconds
        self._remembered: dict[bytes, _Remembered] = {}
        self._generation = b""
        self._compared = -1.0

    # --- recognising -------------------------------------------------------------------------------------------

    def remembered(self, token: str) -> Principal | None:
        """The principal of a key that was checked a moment ago, without waiting for anything; else None, and
        `authenticate` knows."""
        now = self._seconds()
        if now - self._compared > _COMPARE_SECONDS or not _TOKEN.fullmatch(token):
            return None
        found = self._remembered.get(_digest(token))
        if found is None or now > found.until or self._over(found.expires_ms):
            return None
        return found.principal

    async def authenticate(self, token: str) -> Principal:
        """Whose key this is. Raises: Unauthenticated (`bad_api_key`, `key_expired`, `key_revoked`)."""
        if not _TOKEN.fullmatch(token):
            raise _bad_key()
        await self._compare()
        known = self.remembered(token)
        if known is not None:
            return known
        digest = _digest(token)
        rows = await self._store.find(KeyRecord, Where("digest", "=", digest), limit=1)
        if not rows or not hmac.compare_digest(rows[0].digest, digest):
            raise _bad_key()
        row = rows[0]
        if row.revoked_ms is not None:
            raise Unauthenticated("key_revoked", "this key was revoked", hint="ask an owner for another one")
        if self._over(row.expires_ms):
            raise Unauthenticated("key_expired", "this key has expired", hint="ask an owner for another one")
        principal = principal_of(row)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        until = self._seconds() + _REMEMBERED_SECONDS
        self._remembered[digest] = _Remembered(principal, row.expires_ms, until)
        await self._note_use(row)
        return principal

    async def _compare(self) -> None:
        """Forget what is remembered when something has changed, here or in another process."""
        now = self._seconds()
        if now - self._compared <= _COMPARE_SECONDS:
            return
        row = await self._store.get(SettingRecord, GENERATION)
        current = b"" if row is None else row.value
        if current != self._generation:
            self._remembered.clear()
        self._generation, self._compared = current, now

    def _over(self, expires_ms: int | None) -> bool:
        return expires_ms is not None and now_ms(self._clock) >= expires_ms

    async def _note_use(self, row: KeyRecord) -> None:
        at = now_ms(self._clock)
        if row.used_ms is None or at - row.used_ms >= 1000 * _REMEMBERED_SECONDS:
            await self._store.write(Update(KeyRecord, (("used_ms", at),), (Where("id", "=", row.id),)))

    # --- keeping -----------------------------------------------------------------------------------------------

    async def create(self, principal: Principal, wanted: NewKey) -> CreatedKey:
        """A new key. Raises: Forbidden, Invalid (`bad_request`, `bad_name`)."""
        require(principal, "keys.write")
        made, op = self._made(principal.id, wanted)
        said = audited(
            principal, "key.created", f"key:{made.key.id}", made.key.created_ms, name=made.key.name,
            role=made.key.role, whose=made.key.principal, agent=wanted.agent, practice=wanted.practice,
        )  # fmt: skip
        await self._store.write(op, said, generation(made.key.created_ms))
        return made

    async def first(self) -> str | None:
        """The first key of a new workspace, an owner's; None when there is one already, or was."""
        if await self._store.count(KeyRecord, limit=1):
            return None
        made, op = self._made("local", NewKey(name="first key", role="owner", principal=FIRST_PRINCIPAL))
        at = made.key.created_ms
        who = Principal(id="local")
        await self._store.write(op, audited(who, "key.created", f"key:{made.key.id}", at, role="owner", first=True))
        return made.token

    async def page(self, principal: Principal) -> tuple[KeyView, ...]:
        """All keys by name, revoked ones too. Raises: Forbidden."""
        require(principal, "keys.read")
        rows = await self._store.find(KeyRecord, order=("name", "id"), limit=10_000)
        return tuple(_view(row) for row in rows)

    async def revoke(self, principal: Principal, key_id: str) -> KeyView:
        """From now on nobody is let in with it. Raises: Forbidden, Missing, Clash (`in_use`: the last owner's key)."""
        require(principal, "keys.write")
        row = await self._store.get(KeyRecord, key_id) if len(key_id) <= 100 and key_id.isascii() else None
        if row is None:
            raise Missing(
                "unknown_api_key",
                f"there is no key with the id {key_id[:80]!a}",
                hint="`eyeflow keys list` shows the ids",
            )
        if row.revoked_ms is None:
            at = now_ms(self._clock)
            if row.role == "owner" and not await self._other_owner(row, at):
                raise Clash("in_use", "this is the last key of an owner", hint="create another owner's key first")
            end = Update(KeyRecord, (("revoked_ms", at),), (Where("id", "=", row.id), Where("revoked_ms", "=", None)))
            said = audited(principal, "key.revoked", f"key:{row.id}", at, name=row.name)
            await self._store.write(end, said, generation(at))
            self._remembered.clear()
            row = msgspec.structs.replace(row, revoked_ms=at)
        return _view(row)

    async def _other_owner(self, but: KeyRecord, at_ms: int) -> bool:
        rows = await self._store.find(KeyRecord, Where("role", "=", "owner"), Where("revoked_ms", "=", None))
        return any(
            row.id != but.id and not row.practice and not row.agent and (row.expires_ms or at_ms + 1) > at_ms
            for row in rows
        )

    def _made(self, by: str, wanted: NewKey) -> tuple[CreatedKey, Op]:
        at = now_ms(self._clock)
        token = f"ef_{'test' if wanted.practice else 'live'}_{secrets.token_urlsafe(32)}"
        row = KeyRecord(
            id=self._ids.new("key"), name=require_words(wanted.name, "the name of a key", 100), digest=_digest(token),
            shown=token[:_SHOWN_CHARS], principal=_who(wanted), role=_role(wanted.role), practice=wanted.practice,
            agent=wanted.agent, scopes=msgspec.json.encode(_tasks(wanted)), created_by=by, created_ms=at,
            expires_ms=_expiry(wanted.days, at),
        )  # fmt: skip
        return CreatedKey(token=token, key=_view(row)), Insert(row)


def principal_of(row: KeyRecord) -> Principal:
    """The principal behind a key that holds."""
    tasks = _SCOPES.decode(row.scopes)
    return Principal(
        id=row.principal, role=_role(row.role), practice=row.practice, agent=row.agent,
        tasks=frozenset(tasks) if tasks else None,
    )  # fmt: skip


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _bad_key() -> Unauthenticated:
    return Unauthenticated("bad_api_key", "there is no such key", hint="`eyeflow keys create` makes one")


def _who(wanted: NewKey) -> str:
    who = wanted.principal if wanted.principal is not None else re.sub(r"[^A-Za-z0-9_.@\-]+", "_", wanted.name.strip())
    if not _WHO.fullmatch(who):
        raise Invalid("bad_name", f"{who[:60]!a} is not a name for whoever holds a key", hint="such as ana@acme.io")
    return who


def _role(text: str) -> Role:
    for role in _ROLES:
        if role == text:
            return role
    raise Invalid("bad_request", f"{text[:40]!a} is no role", hint=f"one of {', '.join(_ROLES)}")


def _tasks(wanted: NewKey) -> tuple[str, ...]:
    if len(wanted.tasks) > 1000:
        raise Invalid("bad_request", "a key is limited to at most 1000 tasks by name")
    for name in wanted.tasks:
        require_task_name(name)
    return tuple(dict.fromkeys(wanted.tasks))


def _expiry(days: int | None, at_ms: int) -> int | None:
    if days is None:
        return None
    if not 1 <= days <= 3660:
        raise Invalid("bad_request", "a key lasts from 1 to 3660 days, or for ever")
    return at_ms + days * 86_400_000


def _view(row: KeyRecord) -> KeyView:
    return KeyView(
        id=row.id, name=row.name, shown=row.shown, principal=row.principal, role=_role(row.role),
        practice=row.practice, agent=row.agent, tasks=_SCOPES.decode(row.scopes), created_by=row.created_by,
        created_ms=row.created_ms, expires_ms=row.expires_ms, revoked_ms=row.revoked_ms, used_ms=row.used_ms,
    )  # fmt: skip
