"""The `EventBus` port, and the bus inside one process.

Knows: who listens to which topics. In: `CloudEvent`s. Out: calls of handlers. Never: keeps an event (the outbox does,
until `publish` has returned), drops one because a listener failed.

Delivery is at least once: a handler may see an event again after a failure or a restart, with the same id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from eyeflow.errors import EyeFlowError
from eyeflow.events.cloudevent import CloudEvent

Handler: TypeAlias = Callable[[CloudEvent], Awaitable[None]]

ALL: Final = "*"
"""Subscribes to every topic."""


class EventBus(Protocol):
    """Carries events out of the outbox."""

    def wants(self, topic: str) -> bool:
        """Whether anybody may listen to `topic`: what nobody wants needs no outbox."""
        ...

    async def publish(self, event: CloudEvent) -> None:
        """Return when everybody who must have the event has it. Raises: EyeFlowError `not_published`; then the event
        is published again later."""
        ...

    def subscribe(self, topic: str, handler: Handler) -> Subscription:
        """Have `handler` called for every event of `topic` (or `*`) from now on."""
        ...

    async def close(self) -> None:
        """Let go of whatever connects the bus to the world."""
        ...


class Subscription:
    """One listener; `end` is the way to stop listening."""

    def __init__(self, handler: Handler, leave: Callable[[Subscription], None]) -> None:
        self.handler = handler
        self._leave = leave

    def end(self) -> None:
        """Be called no more. Twice is once."""
        self._leave(self)


class InProcessBus:
    """The bus of one process: handlers are called one after the other, in the order they subscribed."""

    def __init__(self) -> None:
        self._topics: dict[str, list[Subscription]] = {}

    def wants(self, topic: str) -> bool:
        """True when a handler listens to `topic`."""
        return bool(self._topics.get(topic) or self._topics.get(ALL))

    async def publish(self, event: CloudEvent) -> None:
        """Call every handler, also after one failed. Raises: EyeFlowError `not_published` when one did."""
        failed = 0
        for subscription in (*self._topics.get(event.type, ()), *self._topics.get(ALL, ())):
            try:
                await subscription.handler(event)
            except Exception:
                failed += 1
        if failed:
            raise EyeFlowError("not_published", f"{failed} listeners of {event.type} failed with event {event.id}")

    def subscribe(self, topic: str, handler: Handler) -> Subscription:
        """See `EventBus.subscribe`."""
        subscription = Subscription(handler, lambda one: self._leave(topic, one))
        self._topics.setdefault(topic, []).append(subscription)
        return subscription

    def _leave(self, topic: str, subscription: Subscription) -> None:
        listeners = self._topics.get(topic, [])
        if subscription in listeners:
            listeners.remove(subscription)

    async def close(self) -> None:
        """Nothing connects this bus to the world."""
