"""From settings to a server that runs: lock, sockets, one process or several, word to whoever started it.

Knows: in which order things are taken, so that what cannot work is said before anything has begun. In: settings, what
to tell. Out: an exit code. Never: prints.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from eyeflow.server.folder import FolderError, Lock, require_database
from eyeflow.server.listening import can_share, listen
from eyeflow.server.settings import Settings, SettingsError, local_url, required
from eyeflow.server.supervisor import Supervisor

if TYPE_CHECKING:
    from eyeflow.server.assemble import Assembled
    from eyeflow.server.process import Ready


_OPEN_FILES: Final = 65_536


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answers. `first_key` is an owner's key, the first time only; `new_master_key` says where the key
    was made that everything is sealed with, the first time only."""

    url: str
    data: str
    workers: int
    first_key: str | None = None
    new_master_key: str | None = None


Announce = Callable[[Started], None]


def launch(settings: Settings, announce: Announce, *, prepare: bool = True) -> int:
    """Serve until SIGTERM or Ctrl-C. With `prepare` the data folder, its keys and the first API key are made when they
    are not there; without, they have to be. Raises: EyeFlowError when it cannot start; nothing is left behind then.
    """
    lock, workers = _taken(settings, prepare=prepare), settings.server.workers
    try:
        sockets = listen(settings.server.host, settings.server.port, workers)
        port = sockets[0].getsockname()[1]
        settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, port=port))
        url = local_url(settings.server.host, port)
        lock.say(url)
        start = _one if workers == 1 else _several
        return start(settings, sockets, _Word(announce, url, settings, first_key=prepare))
    finally:
        lock.release()


def launch_worker(settings: Settings, announce: Announce) -> int:
    """Run what is due and what is queued until SIGTERM or Ctrl-C, without an address. Everything has to be made
    already. Raises: EyeFlowError when it cannot start."""
    settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, workers=1))
    lock = _taken(settings, prepare=False)
    try:
        lock.say("")
        return _one(settings, [], _Word(announce, "", settings, first_key=False))
    finally:
        lock.release()


def _taken(settings: Settings, *, prepare: bool) -> Lock:
    """The data folder, ours from now on. Raises: SettingsError, FolderError."""
    required(settings)
    if not prepare and not settings.folder.is_dir():
        raise FolderError(
            "data_unusable",
            f"there is no data folder {settings.folder}",
            hint="`eyeflow up` makes one; or name it with --data",
        )
    if settings.server.workers > 1 and not can_share():
        raise SettingsError("bad_setting", "several workers are not possible on this system", hint="leave workers at 1")
    lock = Lock(settings.folder)
    lock.take()
    try:
        require_database(settings.folder)
    except FolderError:
        lock.release()
        raise
    _open_more_files()
    # SQLite keeps what it may have to undo in files of its own: on a read-only system only our folder takes them.
    os.environ.setdefault("SQLITE_TMPDIR", str(settings.folder.absolute()))
    return lock


def _open_more_files() -> None:
    """Raise the soft limit of open files to what this process may have: the usual 1024 is fewer than the connections
    that are allowed. Where that is not possible, connections that do not fit are told so."""
    if os.name != "posix":
        return
    import resource  # noqa: PLC0415 - not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Word:
    """What is told, once, when requests are answered."""

    def __init__(self, announce: Announce, url: str, settings: Settings, *, first_key: bool) -> None:
        self._announce = announce
        self._url = url
        self._settings = settings
        self._first_key = first_key
        self.made: str | None = None
        self.key: str | None = None

    async def learn(self, made: Assembled) -> None:
        """Make what a first start makes, and remember what is to be told of it."""
        self.made = made.new_master_key
        if self._first_key:
            self.key = await made.service.workspace.keys.first()
            await made.service.workspace.first_start()

    def tell(self) -> None:
        """Tell it."""
        self._announce(Started(
            url=self._url, data=str(self._settings.folder.resolve()), workers=self._settings.server.workers,
            first_key=self.key, new_master_key=self.made,
        ))  # fmt: skip


def _one(settings: Settings, sockets: list[socket.socket], word: _Word) -> int:
    from eyeflow.server.assemble import assemble  # noqa: PLC0415 - everything: only once the address is ours
    from eyeflow.server.process import run, serve  # noqa: PLC0415

    async def ready(made: Assembled) -> None:
        await word.learn(made)
        word.tell()
        made.compilers.hand_over()

    async def alone(held: Settings) -> Assembled:
        return await _without(await assemble(held), lambda _: True)

    return run(serve(settings, sockets, alone, ready=ready))


def _several(settings: Settings, sockets: list[socket.socket], word: _Word) -> int:
    """The database and its keys are made before the first process starts, so that none of them has to wait."""
    from eyeflow.server.assemble import assemble, process_name  # noqa: PLC0415 - loaded once, before the forks
    from eyeflow.server.process import run, serve  # noqa: PLC0415
    from eyeflow.server.sharing import Share, Sharing  # noqa: PLC0415

    run(_prepared(settings, word))
    sharing = Sharing(len(sockets))
    first = [True] * len(sockets)

    def work(number: int, sock: socket.socket, pipe: int, before: int) -> int:
        told = word if number == 0 and first[0] else None

        async def beside(held: Settings) -> Assembled:
            made = await assemble(held, share=Share(sharing, number))
            return await _without(made, lambda name: name == process_name(before)) if before else made

        return run(serve(
            settings, [sock], beside, ready=_telling(told),
            orphaned=lambda told: asyncio.get_running_loop().add_reader(pipe, _gone, pipe, told),
        ))  # fmt: skip

    def started(number: int) -> None:
        first[number] = False

    drain_s = settings.server.drain_timeout_ms / 1000
    return Supervisor(sockets, work, drain_s=drain_s, started=started).run()


async def _without(made: Assembled, gone: Callable[[str], bool]) -> Assembled:
    """With what processes that ended left behind up for taking: the folder is locked, so none of an earlier server
    lives, and a worker that is replaced was waited for."""
    from eyeflow.engine.burial import bury  # noqa: PLC0415

    try:
        await bury(made.service.store, gone)
    except BaseException:
        await made.close()
        raise
    return made


def _telling(word: _Word | None) -> Ready:
    async def ready(made: Assembled) -> None:
        if word is not None:
            word.tell()
        made.compilers.hand_over()

    return ready


async def _prepared(settings: Settings, word: _Word) -> int:
    from eyeflow.server.assemble import assemble  # noqa: PLC0415

    made = await _without(await assemble(settings), lambda _: True)
    try:
        await word.learn(made)
    finally:
        await made.close()
    return 0


def _gone(pipe: int, told: Callable[[], None]) -> None:
    """The pipe of the supervisor is at its end: drain as on SIGTERM."""
    asyncio.get_running_loop().remove_reader(pipe)
    with contextlib.suppress(OSError):
        os.close(pipe)
    told()
