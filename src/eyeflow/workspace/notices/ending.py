"""Credentials that end: sign-ins that cannot renew themselves, API keys with a date.

Knows: how early it is worth a word, where the end of a sign-in is written down. In: sign-ins as they are made, rows.
Out: happenings. Never: opens a secret: every access to one is a row of the audit.

The end of a sign-in is a setting beside the secret, with the version of the secret that it is about: a secret that
was replaced since has no known end.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.store.port import Delete, Insert, Op, Store, Where
from eyeflow.store.records import ConnectionRecord, KeyRecord, SecretRecord, SettingRecord, TaskRecord, UseRecord
from eyeflow.workspace.notices.texts import Happening

EARLY_MS: Final = 7 * 86_400_000
"""So long before its end a credential is worth a notice; a short-lived one in the last quarter of its life."""

MOST: Final = 500
_ENDS: Final = "credential.ends/"
_AFTER: Final = "credential.ends0"


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """When the secret of this version ends, and why if it has."""

    ends_ms: int
    version: int
    since_ms: int
    why: str = ""


def ending(name: str, version: int, ends_ms: int | None, at_ms: int, why: str = "") -> Op:
    """What is written of the end of the secret `name`; with None, that it has none."""
    setting = _ENDS + name
    if ends_ms is None:
        return Delete(SettingRecord, (Where("name", "=", setting),))
    held = Ends(ends_ms=ends_ms, version=version, since_ms=at_ms, why=why)
    return Insert(SettingRecord(name=setting, value=msgspec.json.encode(held), updated_ms=at_ms), "replace")


async def ends_soon(store: Store, at_ms: int) -> list[Happening]:
    """What ends, or has ended, as happenings. Raises: StoreError."""
    return [*await _sign_ins(store, at_ms), *await _keys(store, at_ms)]


def incident_of(one: Happening) -> str:
    """What a notice of it is known by: another end is another incident."""
    return f"credential:{one.key or one.account}:{one.instants[0] if one.instants else 0}"[:200]


async def _sign_ins(store: Store, at_ms: int) -> list[Happening]:
    rows = await store.find(SettingRecord, Where("name", ">=", _ENDS), Where("name", "<", _AFTER), limit=MOST)
    found: list[Happening] = []
    for row in rows:
        held, name = msgspec.json.decode(row.value, type=Ends), row.name.removeprefix(_ENDS)
        if not _soon(held.since_ms, held.ends_ms, at_ms):
            continue
        secret = await store.get(SecretRecord, name)
        if secret is None or secret.version != held.version:
            await store.write(Delete(SettingRecord, (Where("name", "=", row.name), Where("value", "=", row.value))))
            continue
        for account in await store.find(ConnectionRecord, Where("credential", "=", f"vault:{name}"), order=("name",)):
            found.append(Happening(
                kind="credential", account=account.name, detail=held.why, instants=(held.ends_ms,), at_ms=at_ms,
                tasks=await _users(store, account.name),
            ))  # fmt: skip
    return found


async def _keys(store: Store, at_ms: int) -> list[Happening]:
    rows = await store.find(
        KeyRecord, Where("revoked_ms", "=", None), Where("expires_ms", ">", at_ms - EARLY_MS),
        Where("expires_ms", "<=", at_ms + EARLY_MS), limit=MOST,
    )  # fmt: skip
    return [
        Happening(kind="credential", key=row.name or row.id, instants=(row.expires_ms,), at_ms=at_ms)
        for row in rows
        if row.expires_ms is not None and _soon(row.created_ms, row.expires_ms, at_ms)
    ]


async def _users(store: Store, account: str) -> tuple[str, ...]:
    uses = await store.find(UseRecord, Where("connection", "=", account), limit=MOST)
    ids = tuple({each.task_id for each in uses})
    tasks = await store.find(TaskRecord, Where("id", "in", ids)) if ids else []
    return tuple(sorted(each.name for each in tasks if each.state != "deleted"))


def _soon(since_ms: int, ends_ms: int, at_ms: int) -> bool:
    return ends_ms - at_ms <= min(EARLY_MS, max(0, ends_ms - since_ms) // 4)
