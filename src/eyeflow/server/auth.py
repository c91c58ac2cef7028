"""Who asks: an API key becomes a `Principal`, or the request is refused.

Knows: the `Authorization` header, each key's bucket, how wrong keys are slowed down. In: the header, the caller's
address. Out: `Caller`. Never: decides what a key may do, logs a key; what is kept of one is its SHA-256.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from typing import Final, Protocol

from eyeflow.engine.model import Principal
from eyeflow.server.exchange import Declined, Headers
from eyeflow.server.limits import Bucket, Buckets
from eyeflow.server.problems import retry_after
from eyeflow.server.sharing import Cells
from eyeflow.store.port import StoreError
from eyeflow.workspace.keys import Unauthenticated

BELIEVED_S: Final = 0.05
"""A key is looked up again after so long: then a revoked one stops working."""

RENEWED_S: Final = 0.025
"""A key in use is looked up again, beside the requests, when it may be believed for so long yet."""

DELAY_S: Final = 0.5
MAX_DELAYED: Final = 64
_MAX_KNOWN: Final = 10_000
_BEARER: Final = re.compile(r"[Bb]earer ([A-Za-z0-9_\-]{20,200})\Z")
_CHALLENGE: Final[Headers] = ((b"www-authenticate", b'Bearer realm="eyeflow"'),)


class Keyring(Protocol):
    """Where keys are known (`workspace.keys`)."""

    def remembered(self, token: str) -> Principal | None:
        """Whose key it is, when that was found out a moment ago."""
        ...

    async def authenticate(self, token: str) -> Principal:
        """Whose key it is. Raises: Unauthenticated."""
        ...


class Caller:
    """A key in use: whose it is, its bucket, and until when that is believed without asking again."""

    __slots__ = ("bucket", "principal", "until_s")

    def __init__(self, principal: Principal, bucket: Bucket, until_s: float) -> None:
        self.principal = principal
        self.bucket = bucket
        self.until_s = until_s


class Auth:
    """Finds out who asks."""

    def __init__(
        self, keyring: Keyring, *, per_minute: int, failures_per_minute: int, cells: Cells | None = None
    ) -> None:
        self._keyring = keyring
        self._per_minute = per_minute
        self._known: OrderedDict[bytes, Caller] = OrderedDict()
        self._failures = Buckets(failures_per_minute, cells=cells, kind="address")
        self._cells = cells
        self._delayed = 0
        self._renewing: dict[bytes, asyncio.Task[None]] = {}

    def known(self, header: bytes | None, now_s: float) -> Caller | None:
        """Who sent this header, when that was found out a moment ago. While a key is in use it is looked up again
        beside the requests, before one would have to wait for that."""
        if header is None:
            return None
        digest = hashlib.sha256(header).digest()
        known = self._known.get(digest)
        if known is None or now_s >= known.until_s:
            return None
        if known.until_s - now_s < RENEWED_S and digest not in self._renewing:
            self._renewing[digest] = asyncio.get_running_loop().create_task(self._renew(header, digest, known))
        return known

    async def _renew(self, header: bytes, digest: bytes, known: Caller) -> None:
        try:
            await self._believe(header, digest, known)
        except Unauthenticated:
            self._known.pop(digest, None)
        except StoreError:
            return  # whoever comes next asks, and is told
        finally:
            del self._renewing[digest]

    async def caller(self, header: bytes | None, address: str, now_s: float) -> Caller:
        """Who sent this `Authorization` header. Raises: Declined 401 `no_key`, `bad_api_key`, `key_expired`,
        `key_revoked`; 429 `too_many_failures`; StoreError."""
        if header is None:
            raise Declined(
                401, "no_key", "this needs an API key", hint="send `Authorization: Bearer KEY`", headers=_CHALLENGE
            )
        digest = hashlib.sha256(header).digest()
        known = self._known.get(digest)
        if known is not None and now_s < known.until_s:
            return known
        return await self._found(header, digest, known, address)

    async def _found(self, header: bytes, digest: bytes, known: Caller | None, address: str) -> Caller:
        try:
            return await self._believe(header, digest, known)
        except Unauthenticated as error:
            self._known.pop(digest, None)
            await self._slow_down(address)
            raise Declined(401, error.code, error.message, hint=error.hint, headers=_CHALLENGE) from None

    async def _believe(self, header: bytes, digest: bytes, known: Caller | None) -> Caller:
        """Look a key up, and believe what is found for a moment. Raises: Unauthenticated; StoreError."""
        found = _BEARER.match(header.decode("latin-1"))
        token = found.group(1) if found else ""
        principal = self._keyring.remembered(token) or await self._keyring.authenticate(token)
        bucket = Bucket(self._per_minute, self._cells, f"key/{token}") if known is None else known.bucket
        caller = self._known[digest] = Caller(principal, bucket, time.monotonic() + BELIEVED_S)
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return caller

    async def _slow_down(self, address: str) -> None:
        """Let a few wrong keys pass at once; then each takes a while, and is told to wait."""
        taken = self._failures.of(address).take(time.monotonic())
        if taken is None or not taken.wait_s:
            return
        if self._delayed < MAX_DELAYED:
            self._delayed += 1
            try:
                await asyncio.sleep(DELAY_S)
            finally:
                self._delayed -= 1
        raise Declined(
            429, "too_many_failures", "too many wrong keys came from this address", hint="a right key is still taken",
            headers=((b"retry-after", retry_after(taken.wait_s * 1000)),),
        )  # fmt: skip
