"""Which triggers of a program wait for something to happen, and which of them an event may be for.

Knows: the payloads that triggers declare. In: a program, the catalog, an event. Out: `Waiting`.
Never: judges an event by a filter; the machine does.
"""

from __future__ import annotations

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.sample import sample
from eyeflow.ir.functions.lists import plain
from eyeflow.ir.program import Program, TriggerCode
from eyeflow.ir.task import Event, Topic, Webhook
from eyeflow.values import ObjectOf, Value


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """`triggers` are indexes of those that wait for events, `fields` the names each declares (None: any);
    `only_events` is True when nothing else starts the program."""

    triggers: tuple[int, ...]
    fields: tuple[frozenset[str] | None, ...]
    only_events: bool

    def fits(self, index: int, event: Value) -> bool:
        """True when the trigger declares every field of `event`."""
        declared = self.fields[self.triggers.index(index)]
        return declared is not None and isinstance(event, dict) and declared.issuperset(event)

    def declares(self, event: Value) -> bool:
        """True when one of the triggers declares every field of `event`."""
        return any(self.fits(index, event) for index in self.triggers)


def waiting(program: Program, catalog: Catalog) -> Waiting:
    """The triggers of `program` that wait for events."""
    found = [
        (index, _declared(code, catalog))
        for index, code in enumerate(program.triggers)
        if isinstance(code.spec, Event | Webhook | Topic)
    ]
    return Waiting(
        triggers=tuple(index for index, _ in found),
        fields=tuple(fields for _, fields in found),
        only_events=bool(found) and len(found) == len(program.triggers),
    )


def _declared(code: TriggerCode, catalog: Catalog) -> frozenset[str] | None:
    match code.spec:
        case Webhook(fields=fields) if fields:
            return frozenset(field.name for field in fields)
        case Event(service=name, event=event):
            service = catalog.service(name)
            kind = service.trigger(event) if service is not None else None
            if kind is not None and isinstance(kind.payload, ObjectOf):
                return frozenset(field.name for field in kind.payload.fields)
    return None


def example(program: Program, catalog: Catalog) -> Value:
    """An event as the first waiting trigger declares it, made from its schema; None when nothing is declared.

    It need not pass the trigger's filter.
    """
    for code in program.triggers:
        match code.spec:
            case Webhook(fields=fields) if fields:
                return plain(sample(ObjectOf(fields)))
            case Event(service=name, event=event):
                service = catalog.service(name)
                kind = service.trigger(event) if service is not None else None
                return None if kind is None else plain(sample(kind.payload))
    return None
