"""Profiles: who somebody is, for requests that say "me", "here" or nothing at all.

Knows: the shape of a profile and when its zone counts as confirmed. In: a `Principal` and its own profile. Out:
`ProfileView`. Never: shows one person's profile to another.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.catalog.model import Profile
from eyeflow.catalog.settings import read_profile
from eyeflow.engine.model import Principal
from eyeflow.frontend.intent import JsonValue
from eyeflow.ports import Clock
from eyeflow.store.port import Insert, Op, Store
from eyeflow.store.records import ProfileRecord
from eyeflow.workspace.context import Contexts
from eyeflow.workspace.errors import Invalid
from eyeflow.workspace.permissions import require
from eyeflow.workspace.writing import audited, generation, now_ms

MAX_CHARS: Final = 20_000


class ProfileView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A profile. `confirmed` is True once a person has said that the zone is theirs; until then it is an assumption
    that read-backs show first. `defaults` are by slot (`service.param`).

    `{"me": {"name": "Ana", "email": "ana@acme.io"}, "timezone": "Europe/Paris", "confirmed": true, "city": "Paris",
    "defaults": {"slack_notify.channel": "#general"}}`
    """

    me: dict[str, str] = {}
    timezone: str | None = None
    confirmed: bool = False
    city: str | None = None
    defaults: dict[str, JsonValue] = {}


class Profiles:
    """Reads and replaces the profile of whoever asks."""

    def __init__(self, store: Store, contexts: Contexts, clock: Clock) -> None:
        self._store = store
        self._contexts = contexts
        self._clock = clock

    async def get(self, principal: Principal) -> ProfileView:
        """The profile of `principal`, an empty one when there is none. Raises: Forbidden."""
        require(principal, "profile.read")
        profile, confirmed = await self._contexts.profile(principal)
        return view_of(profile, confirmed=confirmed)

    async def put(self, principal: Principal, view: ProfileView) -> ProfileView:
        """Replace it. Raises: Forbidden, Invalid (`bad_request` with findings, `too_large`)."""
        require(principal, "profile.write")
        profile, confirmed = checked(view)
        at = now_ms(self._clock)
        await self._store.write(*profile_ops(principal, profile, at, confirmed=confirmed), generation(at))
        return view_of(profile, confirmed=confirmed)


def checked(view: ProfileView) -> tuple[Profile, bool]:
    """The profile that a view says. Raises: Invalid."""
    data = {"me": view.me, "timezone": view.timezone, "city": view.city, "defaults": view.defaults}
    given = {name: value for name, value in data.items() if value not in (None, {})}
    try:
        size = len(msgspec.json.encode(given))
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("bad_request", "the profile is not plain data") from error
    if size > MAX_CHARS:
        raise Invalid("too_large", f"a profile has at most {MAX_CHARS:,} characters")
    profile, found = read_profile(given)
    if profile is None:
        raise Invalid("bad_request", found.errors[0].message, hint=found.errors[0].hint, report=found)
    return profile, view.confirmed and profile.timezone is not None


def profile_ops(principal: Principal, profile: Profile, at_ms: int, *, confirmed: bool) -> tuple[Op, ...]:
    """What replaces a profile, to be written with a generation. What it holds is not repeated in the audit."""
    row = ProfileRecord(
        principal=principal.id, profile=msgspec.json.encode(profile), confirmed=confirmed, updated_ms=at_ms
    )
    said = audited(
        principal, "profile.changed", f"profile:{principal.id}", at_ms, timezone=profile.timezone, confirmed=confirmed
    )
    return Insert(row, "replace"), said


def view_of(profile: Profile, *, confirmed: bool) -> ProfileView:
    """A profile as it is shown."""
    return ProfileView(
        me=dict(profile.me), timezone=profile.timezone, confirmed=confirmed, city=profile.city,
        defaults={name: value.value for name, value in profile.defaults},
    )  # fmt: skip
