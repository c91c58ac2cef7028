"""One declaration of an endpoint serves both clients: a method that returns, and one that is awaited.

Knows: descriptors whose type depends on the client they are read from. In: functions from arguments to `Call`s.
Out: bound methods. Never: sends; the client's `_send` does.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload

import msgspec

from eyeflow.client.calls import Call, StreamCall
from eyeflow.client.stream import ServerEvent

P = ParamSpec("P")
T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list; `next` is the cursor of the following one, None on the last."""

    items: tuple[T, ...]
    next: str | None = None


class Sender(Protocol):
    """What sends and waits."""

    def _send(self, call: Call[T]) -> T: ...

    def _stream(self, call: StreamCall) -> Iterator[ServerEvent]: ...


class AsyncSender(Protocol):
    """What sends and is awaited."""

    async def _send(self, call: Call[T]) -> T: ...

    def _stream(self, call: StreamCall) -> AsyncIterator[ServerEvent]: ...


class Resource:
    """Endpoints of one kind on a client that waits."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender


class AsyncResource:
    """Endpoints of one kind on a client that is awaited."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender


class endpoint(Generic[P, T]):  # noqa: N801 - used as a decorator
    """A function that describes one request, as a method of both clients."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        self._describe = describe
        functools.update_wrapper(self, describe)  # type: ignore[arg-type]

    @overload
    def __get__(self, instance: Resource, owner: Any) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: AsyncResource, owner: Any) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> endpoint[P, T]: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self

        @functools.wraps(self._describe)
        def bound(*args: P.args, **kwargs: P.kwargs) -> Any:
            return instance._sender._send(self._describe(*args, **kwargs))

        return bound


class listing(Generic[P, T]):  # noqa: N801 - used as a decorator
    """A function that describes the first page of a list, as an iterator over all of it on both clients."""

    def __init__(self, describe: Callable[P, Call[Page[T]]]) -> None:
        self._describe = describe
        functools.update_wrapper(self, describe)  # type: ignore[arg-type]

    @overload
    def __get__(self, instance: Resource, owner: Any) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: AsyncResource, owner: Any) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> listing[P, T]: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        walk = _each_async if isinstance(instance, AsyncResource) else _each

        @functools.wraps(self._describe)
        def bound(*args: P.args, **kwargs: P.kwargs) -> Any:
            return walk(instance._sender, self._describe(*args, **kwargs))

        return bound


def _each(sender: Sender, call: Call[Page[T]]) -> Iterator[T]:
    while True:
        page = sender._send(call)
        yield from page.items
        if page.next is None:
            return
        call = _following(call, page.next)


async def _each_async(sender: AsyncSender, call: Call[Page[T]]) -> AsyncIterator[T]:
    while True:
        page = await sender._send(call)
        for item in page.items:
            yield item
        if page.next is None:
            return
        call = _following(call, page.next)


def _following(call: Call[Page[T]], cursor: str) -> Call[Page[T]]:
    others = tuple(pair for pair in call.query if pair[0] != "cursor")
    return msgspec.structs.replace(call, query=(*others, ("cursor", cursor)))
