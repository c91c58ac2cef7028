"""`CloudEvent`: one event as the world outside reads it.

Knows: CloudEvents 1.0 in JSON. In: an id, a type, where it comes from, data. Out: bytes, and events from bytes.
Never: decides what is published.

The id makes an event the same event when it is delivered twice: consumers keep the ids they have seen.

Source: CloudEvents 1.0.2 and its JSON event format.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.values import Value

SPEC_VERSION: Final = "1.0"
MAX_BYTES: Final = 1_048_576
"""An event is not larger than this."""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `type` is its topic, `subject` the execution it is about, `time` an RFC 3339 instant, `data` JSON."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    subject: str | None = None
    datacontenttype: str = ""
    data: Value = None


def cloud_event(
    identity: str, topic: str, *, source: str, at: datetime, subject: str | None = None, data: Value = None
) -> CloudEvent:
    """A CloudEvent of type `topic` with JSON data."""
    return CloudEvent(
        specversion=SPEC_VERSION, id=identity, source=source, type=topic, subject=subject,
        time=at.astimezone(UTC).isoformat().replace("+00:00", "Z"), datacontenttype="application/json", data=data,
    )  # fmt: skip


def encode(event: CloudEvent) -> bytes:
    """The event as JSON. Raises: EyeFlowError `event_too_large`."""
    data = msgspec.json.encode(event, order="deterministic")
    if len(data) > MAX_BYTES:
        message = f"an event on {event.type} has {len(data)} bytes, and may have {MAX_BYTES}"
        raise EyeFlowError("event_too_large", message, hint="publish a reference to the data")
    return data


class _Read(msgspec.Struct, kw_only=True):
    specversion: str
    id: str
    source: str
    type: str
    time: str = ""
    subject: str | None = None
    datacontenttype: str = ""
    data: object = None


_reader = msgspec.json.Decoder(_Read)


def decode(data: bytes) -> CloudEvent:
    """The event that JSON spells. Raises: EyeFlowError `bad_event` for anything that is no CloudEvent 1.0."""
    try:
        read = _reader.decode(data) if len(data) <= MAX_BYTES else None
    except (msgspec.MsgspecError, RecursionError):
        read = None
    if read is None or read.specversion != SPEC_VERSION or not (read.id and read.source and read.type):
        raise EyeFlowError("bad_event", "this is not a CloudEvent 1.0 in JSON")
    return CloudEvent(
        specversion=read.specversion, id=read.id, source=read.source, type=read.type, time=read.time,
        subject=read.subject, datacontenttype=read.datacontenttype, data=read.data,  # type: ignore[arg-type]  # JSON
    )  # fmt: skip
