"""The disk: full, read-only, taken, damaged. What cannot be done is said, what can be goes on."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from process.counting import counting, task
from process.served import house, is_root, until
from server.running import command, environment

MEGABYTE = 1_048_576
KEEPING = (
    "TASK keeping\n  INPUT text string\n  ACTION keep\n    TYPE transform\n    VALUE input.text\n"
    "    OUTPUT kept\n  RETURN kept\n"
)


def mounted(folder: Path, megabytes: int) -> bool:
    """A small disk of its own at `folder`, where this machine lets us."""
    folder.mkdir()
    if not is_root():
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    if not mounted(folder, 24):
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def started(*args: str, env: dict[str, str] | None = None, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    """`eyeflow up` that is expected to give up by itself."""
    return subprocess.run(
        command("up", "--port", "0", *args), env=environment(env), capture_output=True, text=True, timeout=timeout,
        check=False,
    )  # fmt: skip


def refused(ended: subprocess.CompletedProcess[str], *said: str) -> None:
    """It has said what is wrong, in words."""
    assert ended.returncode == 1, ended
    assert any(each in ended.stderr.lower() for each in said), ended.stderr
    assert "Traceback" not in ended.stderr and "this is a bug" not in ended.stderr


def test_a_full_disk_is_said_reads_go_on_and_it_recovers(tmp_path, small_disk):
    with counting(tmp_path / "catalog") as (stub, env), house(small_disk / "data", env=env) as place:
        place.connect()
        place.deploy(task("booking", "first", "second"))
        place.deploy(KEEPING)
        kept = [place.run("booking", "before")["execution_id"]]
        ballast = small_disk / "ballast"
        fill(ballast)
        answers = fill_by_runs(place)
        assert answers[-1].status_code in (503, 507), answers[-1].text
        problem = answers[-1].json()
        assert problem["code"] == "store_full" and problem["hint"], problem
        assert {each.status_code for each in answers} <= {200, 503, 507}
        asked = ({"task": "booking", "input": {"order": "full"}, "wait": wait} for wait in (True, False))
        with ThreadPoolExecutor(2) as pool:
            replies = list(pool.map(lambda body: place.http.post("/api/tasks/run", json=body), asked))
        assert {reply.status_code for reply in replies} <= {503, 507}, "nothing is acknowledged that is not kept"
        assert stub.done["full-first"] == 0, "nothing leaves that is not on record before"
        # Reads go on, and it says that it is not ready.
        assert place.execution(kept[0])["status"] == "success"
        assert place.get("/api/tasks")["items"] and place.get("/healthz")["status"] == "alive"
        said = until(
            lambda: r if (r := place.http.get("/readyz")).status_code == 503 else None, "it is not ready"
        ).json()
        assert said["checks"]["store"] == "store_full"
        # Space is back: so is everything, by itself.
        ballast.unlink()
        until(lambda: place.http.get("/readyz").status_code == 200, "it is ready again")
        assert place.run("booking", "after")["status"] == "success"
        place.idle()
        assert [stub.done[f"{order}-second"] for order in ("before", "after")] == [1, 1]
        assert max(stub.done.values()) == 1
        ran = [*kept, *(each.json()["execution_id"] for each in answers if each.status_code == 200)]
        assert all(place.execution(each)["status"] == "success" for each in ran), "what was answered is there"
        place.audit_holds()
        assert "Traceback" not in place.log()


def fill(path: Path) -> None:
    """Leave next to nothing free."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65_536)
    left = os.statvfs(path.parent)
    assert left.f_bavail * left.f_frsize < MEGABYTE


def fill_by_runs(place) -> list[httpx.Response]:
    """Runs until one is refused."""
    answers = []
    for number in range(400):
        body = {"task": "keeping", "input": {"text": f"{number}" + os.urandom(20_000).hex()}}
        answers.append(place.http.post("/api/tasks/run", json=body))
        if answers[-1].status_code != 200:
            break
    return answers


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_said_too(tmp_path):
    """Without a disk of our own: the kernel bounds the size of the server's files."""
    with house(tmp_path / "data") as place:
        place.deploy(KEEPING)
        before = place.run("keeping", None, input={"text": "a"})["execution_id"]
        size = max(each.stat().st_size for each in place.data.glob("eyeflow.db*"))
        resource.prlimit(place.server.process.pid, resource.RLIMIT_FSIZE, (size + 256 * 1024, resource.RLIM_INFINITY))
        answers = fill_by_runs(place)
        assert answers[-1].status_code in (503, 507), answers[-1].text
        assert answers[-1].json()["code"] in ("store_full", "store_unavailable")
        assert place.execution(before)["status"] == "success"
        resource.prlimit(
            place.server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        until(lambda: place.http.get("/readyz").status_code == 200, "it is ready again")
        assert place.run("keeping", None, input={"text": "b"})["status"] == "success"
        assert place.server.process.poll() is None and "Traceback" not in place.log()


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path):
    with contextlib.ExitStack() as held:
        folder = tmp_path / "disk"
        if mounted(folder, 4):
            held.callback(lambda: subprocess.run(["umount", "-l", str(folder)], check=True))
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        elif is_root():
            pytest.skip("root may write everywhere, and a disk cannot be mounted here")
        else:
            folder.chmod(0o500)
        refused(started("--data", str(folder / "data")), "read-only", "permission denied")


def test_a_database_that_became_read_only_is_refused_at_the_start(small_disk):
    data = small_disk / "data"
    with house(data) as place:
        place.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused(started("--data", str(data)), "read-only", "cannot be written")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that a server has used, and left."""
    data = tmp_path_factory.mktemp("used") / "data"
    with house(data) as place:
        assert place.stop() == 0
    return data


@pytest.mark.slow
def test_a_database_that_another_process_holds_is_said(used):
    with contextlib.closing(sqlite3.connect(used / "eyeflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        refused(started("--data", str(used)), "another process holds the store")
        holder.execute("ROLLBACK")


def test_a_database_that_another_process_holds_for_a_while_delays_and_loses_nothing(used):
    with house(used) as place:
        with contextlib.closing(sqlite3.connect(used / "eyeflow.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            assert httpx.get(f"{place.url}/healthz", trust_env=False).status_code == 200
            until(lambda: httpx.get(f"{place.url}/readyz", trust_env=False).status_code == 503, "it is not ready")
            holder.execute("ROLLBACK")
        until(lambda: httpx.get(f"{place.url}/readyz", trust_env=False).status_code == 200, "it is ready again")


@pytest.mark.parametrize("how", ["not a database", "torn", "of another program", "cut short"])
def test_a_damaged_database_is_refused_at_the_start(tmp_path, used, how):
    data = tmp_path / "data"
    data.mkdir()
    for each in used.iterdir():
        if each.is_file() and not each.name.endswith(("-wal", "-shm")):
            (data / each.name).write_bytes(each.read_bytes())
    file = data / "eyeflow.db"
    whole = file.read_bytes()
    match how:
        case "not a database":
            file.write_bytes(os.urandom(64 * 1024))
        case "torn":
            file.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
        case "of another program":
            file.unlink()
            with contextlib.closing(sqlite3.connect(file)) as other, other:
                other.execute("CREATE TABLE songs (title TEXT)")
        case "cut short":
            file.write_bytes(whole[: len(whole) // 2])
    refused(started("--data", str(data)), "damaged", "belongs to another program")
