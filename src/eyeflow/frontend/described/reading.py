"""One capability with what was said for it.

Knows: what a reading holds. In: what `fill` and `several` found. Out: `Reading`, the usual value of a parameter.
Never: chooses between readings.
"""

from __future__ import annotations

import msgspec

from eyeflow.frontend.described.choose import Match
from eyeflow.frontend.described.filling import Filling
from eyeflow.frontend.described.signature import Place
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.values_said import escape


class Reading(msgspec.Struct, frozen=True, eq=False):
    """One capability with what was said for it: the parameters of each call (None: they do not line up)."""

    match: Match
    state: Filling
    calls: tuple[dict[str, JsonValue], ...] | None
    open: tuple[Place, ...]
    rival: Match | None = None

    @property
    def complete(self) -> bool:
        """Nothing required is open."""
        return self.calls is not None and not self.open


def usual(place: Place) -> JsonValue | None:
    """The default the description of a required parameter states, as a value of it."""
    said = place.usual
    if said is None:
        return None
    if place.numeric:
        try:
            return int(said) if said.lstrip("-").isdigit() else float(said)
        except ValueError:
            return None
    if "flag" in place.traits:
        return {"true": True, "false": False}.get(said.casefold())
    if place.textual and not place.many and (not place.field.enum or said in place.field.enum):
        return escape(said) if said else None
    return None


def called(name: str) -> str:
    """A capability's name as the id of an action."""
    return name.replace(".", "_").replace("-", "_")
