"""Notices reach people: through the workspace's own e-mail, Slack or HTTP accounts.

Knows: how each channel is spoken to, how a webhook is signed, when to try again. In: notices in state `waiting`. Out:
notices in state `sent` or `undeliverable`. Never: gives up because one receiver fails; tells anybody that telling
failed, but for the row and the log.

A webhook's body is the `Telling` as JSON, signed as Standard Webhooks says: `webhook-id`, `webhook-timestamp`,
`webhook-signature: v1,` and Base64 of HMAC-SHA256 over `id.timestamp.body`.
Source: standardwebhooks.com
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.registry import Factory
from eyeflow.errors import CallError, EyeFlowError
from eyeflow.ports import Clock
from eyeflow.store.port import Store, Update, Where
from eyeflow.store.records import ConnectionRecord, NoticeRecord
from eyeflow.svm.host import ConnectorHost, Credentials
from eyeflow.values import Value
from eyeflow.workspace.context import connection_of
from eyeflow.workspace.notices.texts import Telling
from eyeflow.workspace.ports import CatalogSource
from eyeflow.workspace.settings import Settings
from eyeflow.workspace.writing import now_ms

BATCH: Final = 20
SECONDS: Final = 30.0
DELAYS_MS: Final = (60_000, 300_000, 1_800_000, 7_200_000, 43_200_000)
"""Waits between attempts; after the last one a notice is undeliverable."""

_SERVICES: Final = {"email": "email", "slack": "slack_notify", "webhook": "http"}
_TELLINGS: Final = msgspec.json.Decoder(Telling)


class Delivering:
    """Sends notices. `connectors` makes the live connectors of a catalog."""

    def __init__(
        self, store: Store, *, settings: Settings, catalog: CatalogSource, clock: Clock,
        connectors: Callable[[Catalog], Mapping[str, Factory]], credentials: Credentials | None,
    ) -> None:  # fmt: skip
        self._store = store
        self._settings = settings
        self._catalog = catalog
        self._clock = clock
        self._connectors = connectors
        self._credentials = credentials

    async def deliver(self) -> int:
        """Send a batch of what is due; how many there were. Raises: StoreError."""
        rows = await self._store.find(
            NoticeRecord, Where("state", "=", "waiting"), Where("next_ms", "<=", now_ms(self._clock)),
            order=("created_ms", "id"), limit=BATCH,
        )  # fmt: skip
        if rows:
            catalog = self._catalog()
            host = ConnectorHost(self._connectors(catalog), credentials=self._credentials)
            try:
                await asyncio.gather(*(self._one(row, catalog, host) for row in rows))
            finally:
                await host.drain()
        return len(rows)

    async def _one(self, row: NoticeRecord, catalog: Catalog, host: ConnectorHost) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                await self._send(row, catalog, host)
        except TimeoutError:
            await self._failed(row, f"no answer within {SECONDS:g} seconds", again=True)
        except CallError as error:
            await self._failed(row, str(error), again=error.kind in ("transient", "uncertain"))
        except EyeFlowError as error:
            await self._failed(row, str(error), again=False)
        else:
            sent = (("state", "sent"), ("sent_ms", now_ms(self._clock)), ("error", ""))
            await self._store.write(Update(NoticeRecord, sent, (Where("id", "=", row.id),)))

    async def _failed(self, row: NoticeRecord, why: str, *, again: bool) -> None:
        later = again and row.attempts < len(DELAYS_MS)
        values = (
            ("state", "waiting" if later else "undeliverable"), ("attempts", row.attempts + 1), ("error", why[:500]),
            ("next_ms", now_ms(self._clock) + DELAYS_MS[row.attempts] if later else row.next_ms),
        )  # fmt: skip
        await self._store.write(Update(NoticeRecord, values, (Where("id", "=", row.id),)))

    async def _send(self, row: NoticeRecord, catalog: Catalog, host: ConnectorHost) -> None:
        channel, _, rest = row.recipient.partition(":")
        name, _, to = rest.partition(":")
        record = await self._store.get(ConnectionRecord, name)
        service = catalog.service(_SERVICES[channel])
        if record is None or service is None or record.service != service.id:
            raise CallError("permanent", "unknown_connection", f"there is no {channel} account {name}")
        said = _TELLINGS.decode(row.text)
        handle = host.handle(service, connection_of(record), 1)
        if channel == "email":
            await handle.call("send", {"to": to, "subject": said.subject, "body": said.body}, key=row.id)
        elif channel == "slack":
            text = f"*{escaped(said.subject)}*\n{escaped(said.body)}"
            await handle.call("send_message", {"channel": to, "text": text}, key=row.id)
        else:
            answer = await handle.call("post", await self._signed(row, said, to), key=row.id)
            _taken(answer)

    async def _signed(self, row: NoticeRecord, said: Telling, to: str) -> dict[str, Value]:
        """The parameters of a signed delivery; the bytes that are signed are those that the connector sends."""
        body: dict[str, Value] = msgspec.to_builtins(said)
        stamp = str(now_ms(self._clock) // 1000)
        content = f"{row.id}.{stamp}.".encode() + msgspec.json.encode(body)
        signature = base64.b64encode(hmac.digest(await self._key(row.recipient), content, hashlib.sha256)).decode()
        headers: dict[str, Value] = {
            "webhook-id": row.id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}",
        }  # fmt: skip
        return {"url": to, "body": body, "headers": headers}

    async def _key(self, recipient: str) -> bytes:
        targets = (await self._settings.held()).notices.to
        for target in targets:
            if f"{target.channel}:{target.connection}:{target.to}" == recipient and target.secret is not None:
                if self._credentials is None:
                    break
                credential = await self._credentials(target.secret)
                text = credential.part("token") or ""
                try:
                    key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
                except (binascii.Error, ValueError):
                    key = b""
                if len(key) < 16:
                    raise CallError("permanent", "bad_secret_value", "the secret is not `whsec_` and Base64 of a key")
                return key
        raise CallError("permanent", "no_credential", "the webhook has no secret to sign with")


def escaped(text: str) -> str:
    """Text in which Slack finds no mark-up of its own: no mentions, no links that hide where they go."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _taken(answer: Value) -> None:
    found = answer.get("status") if isinstance(answer, dict) else None
    status = found if isinstance(found, int) else 0
    if not 200 <= status < 300:
        again = status >= 500 or status in (408, 429)
        raise CallError("transient" if again else "permanent", "refused", f"the receiver answered {status}")
