"""One list of actions as passes look at it: who waits for whom, who reads what, who writes where.

Knows: the actions of one scope; everything is worked out once, when first asked. In: checked actions. Out: answers by
number, from 1. Never: rewrites.
"""

from __future__ import annotations

from functools import cached_property

from eyeflow.catalog.model import CompileContext
from eyeflow.ir import depends
from eyeflow.ir.task import Action
from eyeflow.optimizer.facts import changes, pauses


class Siblings:
    """Facts about `actions`."""

    def __init__(self, actions: tuple[Action, ...], ctx: CompileContext) -> None:
        self._actions = actions
        self._ctx = ctx

    @cached_property
    def _before(self) -> list[int]:
        """For each number a set, as bits, of the numbers that have finished when it starts."""
        needed = depends.needs(self._actions)
        found = [0] * (len(self._actions) + 1)
        for group in depends.stages(needed):
            for number in group:
                for each in needed[number - 1]:
                    found[number] |= found[each] | (1 << each)
        return found

    @cached_property
    def _reads(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, action in enumerate(self._actions, 1):
            for name in depends.names_read(action):
                found.setdefault(name, []).append(number)
        return found

    @cached_property
    def waited_for(self) -> frozenset[str]:
        """The names after AFTER, of actions or outputs."""
        return frozenset().union(*(depends.waits_for(each) for each in self._actions))

    @cached_property
    def _changes(self) -> list[tuple[int, frozenset[str]]]:
        found = ((number, changes(action, self._ctx)) for number, action in enumerate(self._actions, 1))
        return [(number, services) for number, services in found if services]

    @cached_property
    def _pauses(self) -> int:
        """The numbers, as bits, of those that let time pass."""
        return sum(1 << number for number, action in enumerate(self._actions, 1) if pauses(action, self._ctx))

    def waits(self, number: int, other: int) -> bool:
        """True when `other` has finished before `number` starts."""
        return bool(self._before[number] >> other & 1)

    def waits_as_long(self, number: int, other: int) -> bool:
        """True when `number` waits for everything that `other` waits for."""
        return not self._before[other] & ~self._before[number]

    def readers(self, name: str | None) -> list[int]:
        """The numbers of those that read a name, inside of them too."""
        return [] if name is None else self._reads.get(name, [])

    def changing(self, services: frozenset[str]) -> list[int]:
        """The numbers of those that write to one of `services`."""
        return [number for number, written in self._changes if not written.isdisjoint(services)]

    def pausing_between(self, first: int, second: int) -> bool:
        """True when time may pass after `first` could start and before `second` could."""
        between = self._before[second] & ~self._before[first]
        return bool(between & self._pauses)

    def beside(self, number: int) -> frozenset[str]:
        """The services that others may write to while `number` runs."""
        apart = (
            services
            for other, services in self._changes
            if other != number and not self.waits(number, other) and not self.waits(other, number)
        )
        return frozenset().union(*apart)

    def join(self, first: int, second: int) -> None:
        """From now on `second` waits for `first`."""
        more = self._before[first] | (1 << first)
        for number in range(1, len(self._before)):
            if number == second or self.waits(number, second):
                self._before[number] |= more
