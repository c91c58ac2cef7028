"""Real processes on one real file: what was acknowledged is there, whatever happens to them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from eyeflow.store.records import AuditRecord, SettingRecord
from eyeflow.store.sqlite import SqliteStore

WRITER = """
import asyncio, sys
from eyeflow.store.port import Append, Insert, StoreError
from eyeflow.store.records import AuditRecord, SettingRecord
from eyeflow.store.sqlite import SqliteStore

async def main(path, name, shared, callers):
    store = SqliteStore(path, shared=shared)
    await store.open()
    async def caller(number):
        turn = 0
        while True:
            turn += 1
            key = f"{name}-{number}-{turn}"
            row = Insert(SettingRecord(name=key, value=b"x" * 100, updated_ms=1))
            await store.write(row, Append(AuditRecord(at_ms=1, actor=name, action=key)))
            sys.stdout.write(key + "\\n")
            sys.stdout.flush()
    await asyncio.gather(*(caller(number) for number in range(callers)))

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] == "shared", int(sys.argv[4])))
"""

OPENER = """
import asyncio, sys
from eyeflow.store.port import Insert
from eyeflow.store.records import SettingRecord
from eyeflow.store.sqlite import SqliteStore

async def main(name):
    for line in sys.stdin:
        store = SqliteStore(line.strip(), shared=True)
        await store.open()
        await store.write(Insert(SettingRecord(name=name, value=b"", updated_ms=1)))
        await store.close()
        print("done", flush=True)

asyncio.run(main(sys.argv[1]))
"""

LIMITED = """
import asyncio, os, resource, sys
from eyeflow.store.port import Insert, StoreError
from eyeflow.store.records import SettingRecord
from eyeflow.store.sqlite import SqliteStore

async def main(path):
    store = SqliteStore(path)
    await store.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
    kept = []
    for number in range(1_000):
        try:
            await store.write(Insert(SettingRecord(name=f"s{number}", value=bytes(10_000), updated_ms=1)))
        except StoreError as error:
            assert error.code in ("store_full", "store_unavailable"), error
            break
        kept.append(f"s{number}")
    else:
        raise AssertionError("the limit did not hold")
    for number in range(3):
        try:
            await store.write(Insert(SettingRecord(name=f"no{number}", value=bytes(10_000), updated_ms=1)))
        except StoreError:
            continue
        raise AssertionError("written past the limit")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.write(Insert(SettingRecord(name="after", value=bytes(10_000), updated_ms=1)))
    found = {row.name for row in await store.find(SettingRecord)}
    assert found == {*kept, "after"}, found ^ set(kept)
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> list[str]:
    """Kill the process; every whole line it had acknowledged and nobody has read.

    The first piece is dropped: `readline` buffers past its line's end, and `communicate` goes on after the buffer.
    """
    process.send_signal(signal.SIGKILL)
    told, _ = process.communicate(timeout=20)
    return told.split("\n")[1:-1]


async def found(path: Path) -> tuple[set[str], list[AuditRecord]]:
    store = SqliteStore(path)
    await store.open()
    names = {row.name for row in await store.find(SettingRecord)} - {"audit.head"}
    audit = await store.find(AuditRecord, order=("seq",))
    await store.close()
    return names, audit


def check(path: Path, told: list[str]) -> None:
    names, audit = asyncio.run(found(path))
    assert set(told) <= names and len(told) == len(set(told)) > 0
    assert {row.action for row in audit} == names
    assert [row.seq for row in audit] == list(range(1, len(audit) + 1))
    assert all(row.previous == before.digest for before, row in pairwise(audit))


@pytest.mark.parametrize("turn", range(2))
def test_what_was_acknowledged_survives_kill(tmp_path: Path, turn: int) -> None:
    told: list[str] = []
    for number in range(2):
        process = start(str(tmp_path / "eyeflow.db"), f"p{number}", "alone", "20")
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(0.1 + 0.07 * turn)
        told += ended(process)
    check(tmp_path / "eyeflow.db", told)


def test_processes_that_share_a_file_lose_and_double_nothing(tmp_path: Path) -> None:
    processes = [start(str(tmp_path / "eyeflow.db"), f"p{number}", "shared", "10") for number in range(3)]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline()
    os.kill(processes[0].pid, signal.SIGSTOP)
    time.sleep(0.2)
    os.kill(processes[0].pid, signal.SIGCONT)
    time.sleep(0.2)
    check(tmp_path / "eyeflow.db", [line for process in processes for line in ended(process)])


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the size of files")
def test_a_disk_that_fills_up_loses_nothing_and_is_used_again(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "eyeflow.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_processes_that_open_and_leave_one_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    both = [
        subprocess.Popen((sys.executable, "-c", OPENER, name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    try:
        for number in range(20):
            for each in both:
                assert each.stdin is not None
                each.stdin.write(f"{tmp_path / f'{number}.db'}\n")
                each.stdin.flush()
            for each in both:
                assert each.stdout is not None
                assert each.stdout.readline() == "done\n", number
    finally:
        for each in both:
            each.kill()
            each.communicate()
