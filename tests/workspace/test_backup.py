"""A backup can be restored, and nothing else can."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from eyeflow.catalog.model import Catalog
from eyeflow.ports import SystemClock
from eyeflow.store.records import AuditRecord, TaskRecord
from eyeflow.store.sqlite import SqliteStore
from eyeflow.workspace.backup import Manifest, backup, restore
from eyeflow.workspace.errors import Clash, Forbidden, Invalid
from workspace.house import ANA, EVE, House


@pytest.fixture
async def lived(tmp_path: Path, catalog: Catalog) -> AsyncIterator[House]:
    """A workspace in `data` with a task, a key and a service file."""
    data = tmp_path / "data"
    (data / "catalog").mkdir(parents=True)
    (data / "catalog" / "mine.yaml").write_text("service: mine\n")
    (data / "catalog" / ".hidden.yaml").write_text("x")
    (data / "signing.key").write_text("s" * 64)
    (data / "master.key").write_text("m" * 64)
    store = SqliteStore(data / "eyeflow.db")
    await store.open()
    house = House(store, catalog)
    await house.deploy()
    yield house
    await house.workspace.close()
    await store.close()


async def made(house: House, folder: Path, name: str = "b.tar.gz") -> Path:
    await backup(ANA, house.store, folder / "data", folder / name, key_id="kek_1", clock=SystemClock())
    return folder / name


async def test_a_backup_restores_everything_but_the_master_key(lived: House, tmp_path: Path):
    archive = await made(lived, tmp_path)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert not [name for name in (path.name for path in tmp_path.iterdir()) if name.startswith(".")]
    manifest = restore(archive, tmp_path / "new", key_ids=["kek_1"])
    assert {file.name for file in manifest.files} == {"eyeflow.db", "signing.key", "catalog/mine.yaml"}
    again = SqliteStore(tmp_path / "new" / "eyeflow.db")
    await again.open()
    assert [row.name for row in await again.find(TaskRecord)] == ["hello"]
    await again.close()
    assert not (tmp_path / "new" / "master.key").exists()
    assert (await lived.store.find(AuditRecord, order=("-seq",), limit=1))[0].action == "backup.made"


async def test_what_is_restored_is_for_its_owner_alone(lived: House, tmp_path: Path):
    archive = await made(lived, tmp_path)
    place = tmp_path / "restored"
    place.mkdir(mode=0o755)
    restore(archive, place)
    assert place.stat().st_mode & 0o777 == 0o700


async def test_it_is_restored_into_an_empty_folder_or_beside_a_master_key(lived: House, tmp_path: Path):
    archive = await made(lived, tmp_path)
    with pytest.raises(Clash) as stopped:
        restore(archive, tmp_path / "data")
    assert stopped.value.code == "not_empty"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "master.key").write_text("m")
    restore(archive, tmp_path / "new")
    assert (tmp_path / "new" / "master.key").read_text() == "m"


async def test_without_its_master_key_it_says_so_and_restores_nothing(lived: House, tmp_path: Path):
    archive = await made(lived, tmp_path)
    with pytest.raises(Invalid) as stopped:
        restore(archive, tmp_path / "new", key_ids=["kek_2"])
    assert stopped.value.code == "wrong_master_key"
    assert list((tmp_path / "new").iterdir()) == []


async def test_a_backup_overwrites_nothing(lived: House, tmp_path: Path):
    archive = await made(lived, tmp_path)
    before = archive.read_bytes()
    with pytest.raises(Clash):
        await made(lived, tmp_path)
    assert archive.read_bytes() == before


async def test_only_owners_back_up(lived: House, tmp_path: Path):
    with pytest.raises(Forbidden):
        await backup(EVE, lived.store, tmp_path, tmp_path / "b", key_id="k", clock=SystemClock())


async def test_a_damaged_backup_is_never_restored_as_something_else(lived: House, tmp_path: Path):
    """A changed byte is noticed, unless it unpacks to the same (two spellings of one compressed text)."""
    data = (await made(lived, tmp_path)).read_bytes()
    broken, noticed = tmp_path / "broken.tar.gz", 0
    for at in range(20, len(data), max(1, len(data) // 40)):
        broken.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        try:
            restore(broken, tmp_path / f"n{at}")
        except Invalid:
            noticed += 1
            assert list((tmp_path / f"n{at}").iterdir()) == []
        else:
            assert gzip.decompress(broken.read_bytes()) == gzip.decompress(data)
    assert noticed > 20
    for end in (0, 10, len(data) // 2, len(data) - 9, len(data) - 1):
        (tmp_path / "cut").write_bytes(data[:end])
        with pytest.raises(Invalid):
            restore(tmp_path / "cut", tmp_path / f"c{end}")


def packed(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    path = folder / "evil.tar.gz"
    path.write_bytes(gzip.compress(out.getvalue()))
    return path


def manifest(*names: str) -> tuple[tarfile.TarInfo, bytes]:
    held = Manifest(format=1, eyeflow="x", created_ms=0, key_id="k", files=())
    files = [{"name": name, "size": 1, "sha256": "0" * 64} for name in names]
    return tarfile.TarInfo("manifest.json"), msgspec.json.encode({**msgspec.to_builtins(held), "files": files})


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "catalog/../../evil.yaml", "catalog/..yaml", "master.key", "eyeflow.db/x", "a\\..\\b",
     "catalog/x.py", "catalog/a/b.yaml"],
)  # fmt: skip
def test_names_that_are_not_of_a_backup_are_refused(tmp_path: Path, name: str):
    with pytest.raises(Invalid) as stopped:
        restore(packed(tmp_path, manifest(name), (tarfile.TarInfo(name), b"x")), tmp_path / "new")
    assert stopped.value.code == "bad_backup"
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("evil.tar.gz", "new")] == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes):
    member = tarfile.TarInfo("eyeflow.db")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(Invalid):
        restore(packed(tmp_path, manifest("eyeflow.db"), (member, b"")), tmp_path / "new")


def test_what_unpacks_to_more_than_it_says_is_stopped(tmp_path: Path):
    archive = packed(tmp_path, manifest("eyeflow.db"), (tarfile.TarInfo("eyeflow.db"), b"\0" * 50_000_000))
    assert archive.stat().st_size < 100_000
    with pytest.raises(Invalid, match="longer"):
        restore(archive, tmp_path / "new")


def test_what_is_no_archive_is_refused(tmp_path: Path):
    for content in (b"", b"hello", gzip.compress(b"hello"), b"\x1f\x8b" + b"\0" * 100):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(Invalid):
            restore(tmp_path / "x", tmp_path / "new")
