"""What a run carries, as bytes: its request, its outcome, batches of its events.

Knows: two spellings: data that JSON could hold is packed as it stands, everything else canonically by `svm.wire`; both
read back the same. In: structs of the engine and events. Out: bytes and back. Never: encrypts (`sealing`), stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from eyeflow.errors import RunError
from eyeflow.svm import wire
from eyeflow.svm.journal import Event, RunFinished, decode_event, encode_event, event_of
from eyeflow.svm.outcome import Execution
from eyeflow.values import Value

_encoder: Final = msgspec.msgpack.Encoder()
_CARRIERS: Final = frozenset(("inputs", "trigger", "me", "value", "body", "output"))
"""Fields of events that hold values of the program."""

_EVENTS: Final = "events"
_OUTCOME: Final = "outcome"
_AS_THEY_STAND: Final = frozenset((str, bool, int, float, type(None), bytes))


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run was asked with, before its inputs were read."""

    input: dict[str, Value] = {}
    payload: Value = None
    payload_as_input: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a run ended, beside the columns of its record."""

    output: Value = None
    hint: str = ""
    completed_actions: int = 0
    failed_action: int | None = None
    fallback_executed: bool = False
    uncertain: tuple[str, ...] = ()
    response: tuple[int, Value] | None = None


def outcome_of(execution: Execution) -> Outcome:
    """The outcome of a finished run."""
    return Outcome(
        output=execution.output, hint=execution.error_hint, completed_actions=execution.completed_actions,
        failed_action=execution.failed_action, fallback_executed=execution.fallback_executed,
        uncertain=execution.uncertain, response=execution.response,
    )  # fmt: skip


def pack_request(request: Request) -> bytes:
    """The bytes of a request."""
    if _plain(request.input) and _plain(request.payload):
        with suppress(OverflowError):
            return _encoder.encode(request)
    return wire.pack({
        "input": request.input, "payload": request.payload, "payload_as_input": request.payload_as_input
    })  # fmt: skip


def unpack_request(data: bytes) -> Request:
    """The request that was packed. Raises: RunError `bad_journal`."""
    fields = _fields(data)
    given = fields.get("input", {})
    if not isinstance(given, dict):
        raise RunError("bad_journal", "the request of a run cannot be read")
    return Request(
        input=given, payload=fields.get("payload"), payload_as_input=fields.get("payload_as_input") is True
    )  # fmt: skip


def pack_outcome(outcome: Outcome) -> bytes:
    """The bytes of an outcome."""
    if _plain(outcome.output) and (outcome.response is None or _plain(outcome.response[1])):
        with suppress(OverflowError):
            return _encoder.encode(outcome)
    fields = msgspec.structs.asdict(outcome)
    return wire.pack(fields)


def unpack_outcome(data: bytes) -> Outcome:
    """The outcome that was packed. Raises: RunError `bad_journal`."""
    return _outcome(_fields(data))


def _outcome(fields: dict[str, Value]) -> Outcome:
    try:
        if fields.get("response") is not None:
            fields["response"] = tuple(fields["response"])  # type: ignore[arg-type]
        fields["uncertain"] = tuple(fields.get("uncertain", ()))  # type: ignore[arg-type]
        return Outcome(**fields)  # type: ignore[arg-type]
    except TypeError as error:
        raise RunError("bad_journal", "the outcome of a run cannot be read") from error


def pack_events(events: Sequence[Event]) -> bytes:
    """The bytes of a batch of events."""
    try:
        return _encoder.encode(_items(events))
    except OverflowError:
        return _encoder.encode([encode_event(event) for event in events])


def pack_whole(events: Sequence[Event], outcome: Outcome) -> bytes | None:
    """The bytes of a whole run, events and outcome together; the output stands in its last event. None for a run that
    has to be packed in two parts."""
    last = events[-1]
    if type(last) is not RunFinished or last.output is not outcome.output or outcome.response is not None:
        return None
    rest = msgspec.structs.replace(outcome, output=None)
    try:
        return _encoder.encode({_EVENTS: _items(events), _OUTCOME: rest})
    except OverflowError:
        return None


def unpack_whole(data: bytes) -> Outcome:
    """The outcome of a whole run that was packed. Raises: RunError `bad_journal`."""
    events = unpack_events(data)
    items = msgspec.msgpack.decode(data)
    if not isinstance(items, dict) or not events or type(events[-1]) is not RunFinished:
        raise RunError("bad_journal", "the outcome of a run cannot be read")
    return _outcome({**items[_OUTCOME], "output": events[-1].output})


def unpack_events(data: bytes) -> list[Event]:
    """The events that were packed, also those of a whole run. Raises: RunError `bad_journal`."""
    try:
        items = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise RunError("bad_journal", "a batch of a journal cannot be read") from error
    if isinstance(items, dict) and items.keys() == {_EVENTS, _OUTCOME} and isinstance(items[_OUTCOME], dict):
        items = items[_EVENTS]
    if not isinstance(items, list):
        raise RunError("bad_journal", "a batch of a journal is a list")
    return [_event(item) for item in items]


def _items(events: Sequence[Event]) -> list[object]:
    """What spells each of `events`."""
    items: list[object] = []
    for event in events:
        kind = type(event)
        name, carriers = _spelling.get(kind) or _carriers(kind)
        for carrier in carriers:
            held = getattr(event, carrier)
            if type(held) not in _AS_THEY_STAND and not _plain(held):
                items.append(encode_event(event))
                break
        else:
            items.append((name, event))
    return items


_spelling: Final[dict[type[Event], tuple[str, tuple[str, ...]]]] = {}
"""Each kind of event with the fields that hold values."""


def _carriers(kind: type[Event]) -> tuple[str, tuple[str, ...]]:
    known = kind.__name__, tuple(name for name in kind.__struct_fields__ if name in _CARRIERS)
    _spelling[kind] = known
    return known


def _event(item: object) -> Event:
    match item:
        case bytes():
            return decode_event(item)
        case [str(name), dict(fields)]:
            return event_of(name, fields)
    raise RunError("bad_journal", "a journal entry is not an event")


def _fields(data: bytes) -> dict[str, Value]:
    fields = wire.unpack(data)
    if not isinstance(fields, dict):
        raise RunError("bad_journal", "what a run carries cannot be read")
    return fields


def _plain(value: object) -> bool:
    """Whether MessagePack spells `value` so that it reads back the same; it raises OverflowError for an integer of more
    than 64 bits."""
    kind = type(value)
    if kind in _AS_THEY_STAND:
        return True
    if kind is dict:
        held = value.values()  # type: ignore[attr-defined]
        return _AS_THEY_STAND.issuperset(map(type, held)) or all(map(_plain, held))
    if kind is list or kind is tuple:
        return all(map(_plain, value))  # type: ignore[call-overload]
    return False
