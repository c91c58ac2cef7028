"""Catalogs that are kept: the same catalog as from its files, and never an old, damaged or foreign one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from eyeflow.catalog import compiled, load
from eyeflow.catalog.digests import capability_digest, service_digest
from eyeflow.catalog.load import SHIPPED, load_catalog, parse_service
from eyeflow.cli.context import cache_folder

SMALL = """service: bell
title: Bell
type: home
connector: sample
capabilities:
  ring:
    summary: Ring the bell
    phrases: [ring the bell]
    params: {times: {type: integer, default: 1}}
    returns: {type: boolean}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog of one service."""
    made = tmp_path / "services"
    made.mkdir()
    (made / "bell.yaml").write_text(SMALL, encoding="utf-8")
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read as YAML, so that a test sees what the cache answered."""
    seen: list[Path] = []
    real = load._loaded

    def watched(path: Path, raw: bytes) -> object:
        seen.append(path)
        return real(path, raw)

    monkeypatch.setattr(load, "_loaded", watched)
    return seen


def the_kept(cache: Path) -> Path:
    (kept,) = cache.glob("catalog-*.msgpack")
    return kept


def test_the_shipped_catalog_is_the_same_from_its_files_and_kept(tmp_path: Path, reads: list[Path]) -> None:
    plain, _ = load_catalog()
    reads.clear()
    first, _ = load_catalog(cache=tmp_path)
    assert len(reads) == len(plain.services)
    again, said = load_catalog(cache=tmp_path)
    assert len(reads) == len(plain.services), "the second time no file is read as YAML"
    assert plain == first == again
    assert plain.digest == again.digest and not said.diagnostics
    assert not (SHIPPED / "catalog").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "bell.yaml").write_text(SMALL.replace("Ring the bell", "Ring it"), encoding="utf-8"),
        lambda folder: (folder / "bell.yaml").rename(folder / "gong.yaml"),
        lambda folder: (folder / "gong.yaml").write_text(SMALL.replace("bell", "gong"), encoding="utf-8"),
    ],
)
def test_another_content_name_or_file_is_read_anew(
    folder: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    cache = tmp_path / "cache"
    old, _ = load_catalog(folder, cache=cache)
    change(folder)
    new, _ = load_catalog(folder, cache=cache)
    plain, _ = load_catalog(folder)
    assert new == plain
    assert new != old


def test_code_that_reads_otherwise_reads_anew(folder: Path, tmp_path: Path, reads: list[Path],
                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    load_catalog(folder, cache=tmp_path)
    monkeypatch.setattr(compiled, "_code", lambda: b"another version")
    load_catalog(folder, cache=tmp_path)
    assert len(reads) == 2


def test_every_flipped_byte_of_what_is_kept_is_noticed(folder: Path, tmp_path: Path) -> None:
    plain, _ = load_catalog(folder, cache=tmp_path)
    kept = the_kept(tmp_path)
    whole = kept.read_bytes()
    for at in range(len(whole)):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        key = kept.name.removeprefix("catalog-").removesuffix(".msgpack")
        assert compiled.recall(tmp_path, key) is None
    kept.write_bytes(whole[:-1])
    assert load_catalog(folder, cache=tmp_path)[0] == plain
    assert kept.read_bytes() == whole, "a damaged one is written anew"


def test_what_was_kept_for_other_files_does_not_stand_in(folder: Path, tmp_path: Path) -> None:
    """A sealed payload under the name of another key: the digest covers the key."""
    load_catalog(folder, cache=tmp_path)
    kept = the_kept(tmp_path)
    (folder / "bell.yaml").write_text(SMALL.replace("times", "count"), encoding="utf-8")
    key = compiled.key_of([("bell.yaml", (folder / "bell.yaml").read_bytes())])
    shutil.copy(kept, tmp_path / f"catalog-{key}.msgpack")
    (tmp_path / f"catalog-{key}.msgpack").chmod(0o600)
    catalog, _ = load_catalog(folder, cache=tmp_path)
    assert catalog.services[0].capabilities[0].params[0].name == "count"


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX's")
def test_a_file_that_others_may_write_or_a_link_is_not_used(folder: Path, tmp_path: Path, reads: list[Path]) -> None:
    load_catalog(folder, cache=tmp_path)
    kept = the_kept(tmp_path)
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.chmod(0o666)
    load_catalog(folder, cache=tmp_path)
    assert len(reads) == 2
    target = kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(target)
    load_catalog(folder, cache=tmp_path)
    assert len(reads) == 3


@pytest.mark.parametrize("place", ["a file", "a missing place below a file"])
def test_a_cache_that_cannot_be_is_as_none(folder: Path, tmp_path: Path, place: str) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    cache = blocked if place == "a file" else blocked / "deep" / "er"
    assert load_catalog(folder, cache=cache) == load_catalog(folder)


def test_what_has_a_finding_is_not_kept(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (folder / "bad.yaml").write_text("service: [", encoding="utf-8")
    for _ in range(2):
        catalog, said = load_catalog(folder, cache=cache)
        assert catalog is None and said.errors[0].code == "bad_yaml"
    assert not cache.exists()


def test_only_the_newest_few_are_kept(folder: Path, tmp_path: Path) -> None:
    for number in range(compiled.MAX_KEPT + 3):
        (folder / "bell.yaml").write_text(SMALL.replace("Ring the bell", f"Ring {number}"), encoding="utf-8")
        load_catalog(folder, cache=tmp_path)
    assert len(list(tmp_path.glob("catalog-*"))) == compiled.MAX_KEPT
    assert not list(tmp_path.glob(".catalog-*"))


def test_nothing_that_is_no_catalog_is_decoded(tmp_path: Path) -> None:
    for payload in (b"", b"\xc1", msgspec.msgpack.encode([{"id": 1}]), b"\x91" * 10_000):
        path = tmp_path / "catalog-k.msgpack"
        path.write_bytes(compiled._seal("k", payload) + payload)
        path.chmod(0o600)
        assert compiled.recall(tmp_path, "k") is None


def test_where_catalogs_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EYEFLOW_CACHE", "")
    assert cache_folder() is None
    monkeypatch.setenv("EYEFLOW_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("EYEFLOW_CACHE")
    if sys.platform != "win32":
        monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert cache_folder() == tmp_path / ".cache" / "eyeflow"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "held"))
        assert cache_folder() == tmp_path / "held" / "eyeflow"


def test_a_digest_depends_on_what_is_said_and_not_on_which_object_says_it() -> None:
    """msgspec leaves out a field that *is* its default; a text that only equals it would be another digest."""
    catalog, _ = load_catalog()
    for service in catalog.services:
        copied = msgspec.msgpack.decode(msgspec.msgpack.encode(service), type=type(service))
        assert service_digest(copied) == service.digest
        assert [capability_digest(copied, each) for each in copied.capabilities] == [
            capability_digest(service, each) for each in service.capabilities
        ]
    explicit, _ = parse_service(SMALL.replace("summary: Ring the bell", "summary: Ring the bell\n    effect: write"))
    implied, _ = parse_service(SMALL)
    assert explicit.digest == implied.digest, "what is said and what is so without saying are the same service"
