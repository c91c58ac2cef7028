"""Several processes that serve one address: started, watched, replaced, ended together.

Knows: forks, signals, exit codes. In: sockets and what each process runs. Out: an exit code. Never: serves by itself,
has a loop or a thread: a process that forks must have neither.

Each worker has its own listening socket. The supervisor keeps all of them open, so that connections that arrive while
a worker is replaced wait for its successor. Workers read a pipe whose other end only the supervisor holds: when it
closes, the supervisor is gone, and they drain.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from eyeflow.server import logs

POLL_S: Final = 0.05
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 10.0
HEALTHY_S: Final = 10.0
START_FAILED: Final = 3
"""Exit code of a worker that could not start: replacing it would fail the same way."""

Work = Callable[[int, socket.socket, int, int], int]
"""Runs worker `number` on its socket; the descriptor is the pipe that closes with the supervisor; the last is the id of
the process it replaces, 0 when it is the first."""


class _Worker:
    def __init__(self, number: int, sock: socket.socket) -> None:
        self.number = number
        self.sock = sock
        self.pid = 0
        self.before = 0
        self.started_s = 0.0
        self.pause_s = FIRST_PAUSE_S
        self.due_s: float | None = 0.0


class Supervisor:
    """Keeps one worker for each socket alive until it is told to end."""

    def __init__(
        self,
        sockets: list[socket.socket],
        work: Work,
        *,
        drain_s: float,
        started: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._workers = [_Worker(number, each) for number, each in enumerate(sockets)]
        self._work = work
        self._drain_s = drain_s
        self._started = started
        self._ending: int | None = None
        self._signals = 0
        self._failed = 0
        self._pipe = os.pipe()

    def run(self) -> int:
        """Run until SIGTERM, SIGINT, or a worker that cannot start. The exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._told)
        while self._ending is None and not self._failed:
            self._start_due()
            self._reap()
            if self._ending is None and not self._failed:
                time.sleep(POLL_S)
        return self._end()

    def _told(self, number: int, _: FrameType | None) -> None:
        self._signals += 1
        self._ending = number
        if self._signals > 1:
            self._forward(signal.SIGTERM)

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.due_s is not None and worker.due_s <= now:
                self._fork(worker)

    def _fork(self, worker: _Worker) -> None:
        logs.flush()
        worker.due_s = None
        worker.started_s = time.monotonic()
        pid = os.fork()
        if pid:
            worker.pid = pid
            self._started(worker.number)
            return
        code = START_FAILED
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._pipe[1])
            for other in self._workers:
                if other is not worker:
                    other.sock.close()
            code = self._work(worker.number, worker.sock, self._pipe[0], worker.before)
        except BaseException as error:
            logs.event("worker failed", level=logging.ERROR, error=error, worker=worker.number)
            code = START_FAILED if time.monotonic() - worker.started_s < HEALTHY_S else 1
        finally:
            logs.flush()
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, code: int) -> None:
        worker = next((each for each in self._workers if each.pid == pid), None)
        if worker is None:
            return
        worker.pid, worker.before = 0, pid
        if self._ending is not None:
            return
        if code == START_FAILED:
            self._failed = 1
            return
        lived = time.monotonic() - worker.started_s
        worker.pause_s = FIRST_PAUSE_S if lived > HEALTHY_S else min(worker.pause_s * 2, LONGEST_PAUSE_S)
        worker.due_s = time.monotonic() + worker.pause_s
        logs.event(
            "worker replaced", level=logging.WARNING, worker=worker.number, exit_code=code, lived_s=round(lived, 1)
        )

    def _forward(self, number: int) -> None:
        for worker in self._workers:
            if worker.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, number)

    def _end(self) -> int:
        """Let the workers drain; those that do not are killed."""
        for worker in self._workers:
            worker.sock.close()
        self._forward(signal.SIGTERM)
        until = time.monotonic() + self._drain_s + 2.0
        while any(worker.pid for worker in self._workers) and time.monotonic() < until:
            self._reap()
            time.sleep(0.02)
        self._forward(signal.SIGKILL)
        while any(worker.pid for worker in self._workers):
            self._reap()
            time.sleep(0.02)
        for each in self._pipe:
            os.close(each)
        return self._failed
