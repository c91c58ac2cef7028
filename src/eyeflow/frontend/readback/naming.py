"""What the result of a call is called, and when that must be said.

Knows: the names that a call has by itself (`the weather` of `current_weather`). In: a checked Task. Out: the actions
whose name has to stand beside them, because a later line speaks of it and nobody could tell whose it is.
Never: names anything anew: a name is the one that the program has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from eyeflow.ir import task as ir
from eyeflow.ir.depends import actions_within, names_read, roots

_VERBS: Final = ("get", "list", "read", "search", "find", "current", "fetch")


class Claims(msgspec.Struct, eq=False):
    """The names that calls have had so far, in the order of the text: a second `weather` is not called so by itself."""

    taken: set[str] = msgspec.field(default_factory=set)

    def of(self, service: str, function: str) -> tuple[str, ...]:
        """The names that the next call of this function has by itself, the usual one first; they are taken now."""
        return self.first(*_natural(service, function))

    def first(self, *names: str) -> tuple[str, ...]:
        """Those of these names that are free; they are taken now."""
        fresh = tuple(name for name in names if name not in self.taken)
        self.taken.update(fresh)
        return fresh


def _natural(service: str, function: str) -> tuple[str, ...]:
    plain = function.replace(".", "_").replace("-", "_")
    short = "_".join(part for part in plain.split("_") if part not in _VERBS) or service
    said = ("message",) if "message" in plain or plain == "send" else ()
    return tuple(dict.fromkeys((*said, short, plain)))


def root_word(event: str) -> str:
    """What an event is called: `payment` of `payment_failed`."""
    return event.split("_", maxsplit=1)[0].replace("-", " ")


def trigger_words(task: ir.Task) -> set[str]:
    """Names that what starts the task has."""
    return {root_word(each.event).replace(" ", "_") for each in task.triggers if isinstance(each, ir.Event)} | {
        "request" for each in task.triggers if isinstance(each, ir.Webhook)
    }


def to_be_named(task: ir.Task) -> frozenset[str]:
    """The names of the actions whose line says what they, or their results, are called."""
    spoken = frozenset(_spoken_of(task))
    taken, found = trigger_words(task), set[str]()
    for action in actions_within(task):
        natural = [name for name in _of_body(action.do) if name not in taken]
        if {action.output, action.name} & spoken and (action.output or action.name) not in natural:
            found.add(action.name)
        else:
            taken.update(natural)
    return frozenset(found)


def _of_body(do: ir.Body) -> tuple[str, ...]:
    match do:
        case ir.ConnectorCall(bound=None, connector=service, function=function):
            return _natural(service, function)
        case ir.ConnectorCall(bound=bound) if bound is not None:
            return _natural(bound.service, bound.capability)
        case ir.Wait():
            return ("wait",)
        case ir.Approval():
            return ("approval",)
        case ir.Conditional():
            return ("choice",)
        case ir.ForEach(item=item):
            return (f"each_{item}",)
        case _:
            return ()


def _spoken_of(task: ir.Task) -> Iterator[str]:
    """Every name that an expression or an AFTER of the task mentions."""
    yield from roots(task.returns)
    for action in actions_within(task):
        yield from names_read(action)
        yield from action.after
        if isinstance(action.do, ir.ForEach):
            yield from roots(action.do.collect)
