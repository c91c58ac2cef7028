"""Memory that the processes of one server have in common: a board for each, and cells for rates.

Knows: how one process writes what others read without anybody waiting. In: bytes, names. Out: bytes, cells. Never: a
secret; anything that a crash may not lose; a lock.

It is made before the processes are forked, so that all of them, and those that replace one, have it. A board is
written by one process and read by all: its number is odd while it is written, and a reader that met that reads again.
A board outlives its process: whoever replaces it goes on counting where it ended.

A cell holds one number that all processes read and write. Two that write at the same instant may lose one of the
writes: a rate may then let one more through.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import time
import zlib
from typing import Final

BOARD_BYTES: Final = 1 << 20
CELLS: Final = 1 << 15
FRESH_S: Final = 5.0
"""A board that was not written for so long is that of a process that is not there."""

_HEAD: Final = struct.Struct("=QdQQ")
_CELL: Final = struct.Struct("=Qd")
_PROBES: Final = 8
_READS: Final = 20


class Board:
    """What one process says of itself, for the others to read."""

    def __init__(self, memory: mmap.mmap, number: int) -> None:
        self._memory = memory
        self._at = number * BOARD_BYTES

    def write(self, data: bytes) -> bool:
        """Say `data` instead of what was said before; False, and nothing is changed, when it is too long."""
        if len(data) > BOARD_BYTES - _HEAD.size:
            return False
        memory, at = self._memory, self._at
        turn, now = _HEAD.unpack_from(memory, at)[0] | 1, time.monotonic()
        _HEAD.pack_into(memory, at, turn, now, 0, 0)
        memory[at + _HEAD.size : at + _HEAD.size + len(data)] = data
        _HEAD.pack_into(memory, at, turn + 1, now, len(data), zlib.crc32(data))
        return True

    def read(self) -> bytes:
        """What was said last; empty when nothing was, or its process was killed while it wrote."""
        memory, at = self._memory, self._at
        for _ in range(_READS):
            turn, _, size, check = _HEAD.unpack_from(memory, at)
            data = memory[at + _HEAD.size : at + _HEAD.size + size]
            if not turn & 1 and zlib.crc32(data) == check:
                return data
            time.sleep(0.0001)
        return b""

    @property
    def fresh(self) -> bool:
        """Whether its process has written lately."""
        return time.monotonic() - float(_HEAD.unpack_from(self._memory, self._at)[1]) < FRESH_S


class Cells:
    """Numbers by name, of which the least is forgotten when there is no room."""

    def __init__(self, memory: mmap.mmap, at: int) -> None:
        self._memory = memory
        self._at = at

    def place(self, name: str) -> tuple[int, int]:
        """The name as a number, and where its search begins."""
        mark = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        return mark or 1, mark % CELLS

    def get(self, place: tuple[int, int]) -> tuple[float, int]:
        """The number at a place (0 when there is none) and the offset to write it to."""
        mark, first = place
        least, oldest = float("inf"), 0
        for step in range(_PROBES):
            offset = self._at + (first + step) % CELLS * _CELL.size
            held, value = _CELL.unpack_from(self._memory, offset)
            if held == mark:
                return value, offset
            if value < least:
                least, oldest = value, offset
        return 0.0, oldest

    def put(self, place: tuple[int, int], offset: int, value: float) -> None:
        """Write the number where `get` said."""
        _CELL.pack_into(self._memory, offset, place[0], value)


class Sharing:
    """The memory of `processes`, made before they are."""

    def __init__(self, processes: int) -> None:
        self._memory = mmap.mmap(-1, processes * BOARD_BYTES + CELLS * _CELL.size)
        self.boards = tuple(Board(self._memory, number) for number in range(processes))
        self.cells = Cells(self._memory, processes * BOARD_BYTES)


class Share:
    """The memory as process `number` has it."""

    def __init__(self, sharing: Sharing, number: int) -> None:
        self.own = sharing.boards[number]
        self.others = tuple(each for each in sharing.boards if each is not self.own)
        self.cells = sharing.cells
