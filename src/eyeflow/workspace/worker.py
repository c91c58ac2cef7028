"""The process that compiles for a server: `python -m eyeflow.workspace.worker`.

Knows: the frames it reads and writes. In: frames on stdin. Out: frames on stdout. Never: opens a file or a socket of
its own, keeps a context; it holds one catalog, the last that was sent.

A frame is four bytes of length (big-endian) and MessagePack. Each `Job` is answered by any number of `Stage` and one
`Done` or `Failed`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import BinaryIO, Final, TypeAlias

import msgspec

from eyeflow.catalog.model import Catalog, CompileContext
from eyeflow.workspace.reviewing import CompileRequest, compare, review
from eyeflow.workspace.views import ComparedView, Reviewed, StageView

MAX_FRAME_BYTES: Final = 256 * 1024 * 1024


class Review(msgspec.Struct, frozen=True, tag="review"):
    """Compile and lay out; `watched` wants stages."""

    request: CompileRequest
    context: CompileContext
    watched: bool = False


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    """Compare two programs."""

    running: str | None
    proposed: str
    context: CompileContext


class Use(msgspec.Struct, frozen=True, tag="use"):
    """From now on, contexts without services mean this catalog. It is not answered."""

    catalog: Catalog


class Stage(msgspec.Struct, frozen=True, tag="stage"):
    """A stage has ended."""

    view: StageView


class Reviewing(msgspec.Struct, frozen=True, tag="reviewed"):
    """What became of `Review`."""

    found: Reviewed


class Comparing(msgspec.Struct, frozen=True, tag="compared"):
    """What became of `Compare`."""

    found: ComparedView


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A bug: its kind and where, never the text that was compiled."""

    message: str


Job: TypeAlias = Review | Compare | Use
Answer: TypeAlias = Stage | Reviewing | Comparing | Failed

_JOBS: Final[msgspec.msgpack.Decoder[Job]] = msgspec.msgpack.Decoder(Job)
_ENCODER: Final = msgspec.msgpack.Encoder()


def frame(message: Job | Answer) -> bytes:
    """The bytes of a message."""
    data = _ENCODER.encode(message)
    return len(data).to_bytes(4, "big") + data


def main(read: BinaryIO, write: BinaryIO) -> None:
    """Answer jobs until stdin ends."""
    catalog = Catalog()
    gc.freeze()
    while len(head := read.read(4)) == 4:
        size = int.from_bytes(head, "big")
        data = read.read(size) if size <= MAX_FRAME_BYTES else b""
        if len(data) != size:
            return
        job = _JOBS.decode(data)
        if isinstance(job, Use):
            catalog = job.catalog
            continue
        write.write(frame(_answer(job, catalog, write)))
        write.flush()


def _answer(job: Review | Compare, catalog: Catalog, write: BinaryIO) -> Answer:
    ctx = msgspec.structs.replace(job.context, catalog=catalog)
    try:
        if isinstance(job, Compare):
            return Comparing(compare(job.running, job.proposed, ctx))

        def watcher(stage: StageView) -> None:
            write.write(frame(Stage(stage)))
            write.flush()

        return Reviewing(review(job.request, ctx, watcher if job.watched else None))
    except Exception as error:
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        where = f"{at.tb_frame.f_globals.get('__name__')}:{at.tb_lineno}" if at is not None else "nowhere"
        return Failed(f"{type(error).__name__} in {where}")


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints by mistake must not end up between frames
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main(sys.stdin.buffer, out)
