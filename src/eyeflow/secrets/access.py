"""On whose behalf secrets are read: set around a run, found in the audit row of each access.

Knows: a context variable. In: who and why. Out: the same, wherever the work goes. Never: decides who may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import msgspec


class Access(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`actor`: who asks. `execution_id`: the run that needs it. `purpose`: what for (`test of slack_daily`)."""

    actor: str = "system"
    execution_id: str | None = None
    purpose: str = ""


SYSTEM: Final = Access()
_current: ContextVar[Access] = ContextVar("eyeflow_access", default=SYSTEM)


def current() -> Access:
    """On whose behalf this code runs."""
    return _current.get()


def from_now_on(access: Access) -> None:
    """In the rest of the present task, and in tasks started in it, secrets are read for `access`."""
    _current.set(access)


@contextmanager
def on_behalf_of(access: Access) -> Iterator[None]:
    """Within the block, and in tasks started in it, secrets are read for `access`."""
    token = _current.set(access)
    try:
        yield
    finally:
        _current.reset(token)
