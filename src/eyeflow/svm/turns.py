"""A loop as its turns see it, and the answers that wait for reads which go together.

Knows: the shape only. In: nothing. Out: types. Never: runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol, TypeAlias

from eyeflow.ir.evaluate.frame import Frame

Waiting: TypeAlias = dict[tuple[int, str], asyncio.Future[object]]
"""Answers to requests for many, or answers to come, by step number and iteration; `UNSET`: to be read alone."""


class Turns(Protocol):
    """A loop as its turns see it, so that a read may ask for those to come."""

    waiting: Waiting
    asked: dict[int, int]
    """By step number: the first item that nobody asked for yet."""

    def ahead(self, iteration: str, first: int) -> Iterator[tuple[int, str, Frame]]:
        """The turns after `iteration`, from the `first`-th on: number, iteration, and a frame to look at."""
        ...
