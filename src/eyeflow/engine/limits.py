"""How much an engine takes on, and how long it waits for what.

Knows: every number an operator may turn. In: nothing. Out: one frozen struct. Never: a limit of a program (those are in
its artifact).
"""

from __future__ import annotations

import msgspec

MEGABYTE = 1_048_576
DAY_MS = 86_400_000


class EngineLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`running` runs are at work at a time, of one task `running_per_task`; runs that wait are not counted. `line`
    more wait in memory for their turn, and `queued` more in the store; beyond that callers are told to come again.

    `request_bytes` bounds what a run is asked with, `batch_bytes` one row of its journal, `journal_bytes` all of it.
    A caller is answered when the run suspends for longer than `patience_ms`; a run that stands still for longer than
    `park_ms` leaves memory after `linger_ms`.

    A process says every `heartbeat_ms` that it is alive, for `lease_ms`; another believes it dead when it has been
    silent for `quiet_ms` and its lease is over. A run under which `deaths` processes ended is not tried again.
    `retry_store_ms` is how long a failing store is tried again. An idempotency key is kept for `keys_ms`.
    """

    running: int = 2_000
    running_per_task: int = 1_000
    line: int = 4_000
    queued: int = 100_000
    request_bytes: int = MEGABYTE
    batch_bytes: int = MEGABYTE
    journal_bytes: int = 64 * MEGABYTE
    patience_ms: int = 1_000
    linger_ms: int = 1_000
    park_ms: int = 120_000
    heartbeat_ms: int = 1_000
    lease_ms: int = 6_000
    quiet_ms: int = 2_500
    sweep_ms: int = 1_000
    signal_ms: int = 200
    deaths: int = 8
    retry_store_ms: int = 5_000
    keys_ms: int = DAY_MS
    executables: int = 2_000
    look_ms: int = 50
