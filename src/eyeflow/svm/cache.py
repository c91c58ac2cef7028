"""Results of reads, kept for a while.

Knows: what was read, keyed by connection, capability and canonical parameters, and until when it is good.
In: packed results. Out: packed results that are still good. Never: errors, writes, anything beyond its size.
"""

from __future__ import annotations

from collections import OrderedDict


class ResultCache:
    """Least recently used results, at most `entries` of them and `max_bytes` in all. Times are seconds of the loop."""

    def __init__(self, *, entries: int = 10_000, max_bytes: int = 64_000_000) -> None:
        self._held: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._entries = entries
        self._max_bytes = max_bytes
        self._bytes = 0

    def get(self, key: str, now: float) -> bytes | None:
        """The result under `key` if it is still good at `now`."""
        found = self._held.get(key)
        if found is None:
            return None
        if found[0] <= now:
            self._drop(key)
            return None
        self._held.move_to_end(key)
        return found[1]

    def put(self, key: str, result: bytes, until: float) -> None:
        """Keep `result` until `until`; one larger than the whole cache is not kept."""
        if key in self._held:
            self._drop(key)
        if len(result) > self._max_bytes:
            return
        self._held[key] = (until, result)
        self._bytes += len(result)
        while len(self._held) > self._entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._held)))

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        self._bytes -= len(self._held.pop(key)[1])
