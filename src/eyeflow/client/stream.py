"""Server-Sent Events: the lines of an open answer become events.

Knows: the event-stream format. In: text as it arrives, in any pieces. Out: `ServerEvent`s. Never: reconnects (the
clients do, with the last id), keeps more than one event in memory.

Source: WHATWG HTML, "Server-sent events", 9.2.6 Interpreting an event stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from eyeflow.client.calls import ApiError

MAX_EVENT_CHARS: Final = 8_000_000


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event: its kind, its data, and the id from which a broken stream is taken up again."""

    event: str
    data: str
    id: str = ""


class Events:
    """Takes text piece by piece; `feed` gives the events that are complete. `last_id` is that of the last one,
    `retry_s` how long the server asks to wait before connecting again."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_s: float | None = None
        self.begin()

    def begin(self) -> None:
        """A connection is made, or made again: what an earlier one left half said is forgotten."""
        self._rest = ""
        self._event = ""
        self._id = self.last_id
        self._data: list[str] = []
        self._size = 0

    def feed(self, text: str) -> Iterator[ServerEvent]:
        """The events that `text` completes. Raises: ApiError `bad_answer` when one never ends."""
        *lines, self._rest = (self._rest + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            found = self._line(line)
            if found is not None:
                yield found
        if self._size + len(self._rest) > MAX_EVENT_CHARS:
            raise ApiError(200, "bad_answer", "an event of the stream is longer than any should be")

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._size += len(value)
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry_s = int(value[:9]) / 1000
        return None

    def _dispatch(self) -> ServerEvent | None:
        self.last_id = self._id
        data, event = "\n".join(self._data), self._event or "message"
        held, self._data, self._event, self._size = bool(self._data), [], "", 0
        return ServerEvent(event=event, data=data, id=self.last_id) if held else None
