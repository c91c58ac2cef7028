"""The index that is kept with a catalog: the same as one made anew, and never an old, damaged or foreign one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from eyeflow.catalog import compiled
from eyeflow.catalog.digests import make_catalog
from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.frontend import indexing
from eyeflow.frontend.indexing import vocabulary
from eyeflow.frontend.vocabulary import Vocabulary


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that this process has made before is used, and nothing is kept afterwards."""
    monkeypatch.setattr(indexing, "_MADE", type(indexing._MADE)())
    monkeypatch.setattr(compiled, "_IN_USE", [])


def forget() -> None:
    indexing.forget()


def same(one: Vocabulary, two: Vocabulary) -> bool:
    plain = [msgspec.structs.asdict(each) for each in (one, two)]
    entries = [[msgspec.structs.asdict(entry) for entry in each.pop("entries")] for each in plain]
    for each in (*entries[0], *entries[1]):
        each["listing"] = each["listing"] and msgspec.structs.asdict(each["listing"])
    return plain[0] == plain[1] and entries[0] == entries[1]


def the_words(folder: Path) -> Path:
    (kept,) = folder.glob("words-*.msgpack")
    return kept


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    made, _ = load_catalog(cache=tmp_path)
    assert made is not None
    return made


def test_what_was_kept_is_what_would_be_made(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = indexing._make(catalog)
    assert same(vocabulary(catalog), plain)
    forget()

    def never(_: Catalog) -> Vocabulary:
        raise AssertionError("the second time nothing is made")

    monkeypatch.setattr(indexing, "_make", never)
    assert same(vocabulary(catalog), plain)


def test_another_catalog_or_other_code_makes_its_own(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary(catalog)
    fewer = make_catalog(catalog.services[1:])
    assert same(vocabulary(fewer), indexing._make(fewer))
    forget()
    monkeypatch.setattr(indexing, "_code", lambda: "another version")
    assert same(vocabulary(catalog), indexing._make(catalog))
    assert len(list(tmp_path.glob("words-*"))) == 3


def test_every_module_and_list_that_makes_the_index_counts() -> None:
    """What the index is made by is found from the imports, and is in the key or read with the service files."""
    counted = {str(part) for part in indexing._parts()}
    room = Path(indexing.__file__).parent
    todo, seen = [Path(indexing.__file__)], set[Path]()
    while todo:
        module = todo.pop()
        seen.add(module)
        text = module.read_text(encoding="utf-8")
        named = re.findall(r"^from eyeflow\.frontend\.(\w+) import", text, re.MULTILINE)
        todo += [path for name in named if (path := room / f"{name}.py") not in seen]
        assert not re.search(r"^from eyeflow\.(?!frontend\.|catalog|values)", text, re.MULTILINE), module
    assert {str(path) for path in seen} <= counted
    assert str(room / "data" / "language.yaml") in counted


def test_a_changed_part_is_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "language.yaml"
    part.write_text("verbs: [post]")
    monkeypatch.setattr(indexing, "_parts", lambda: (part,))
    before = indexing._code.__wrapped__()
    assert indexing._code.__wrapped__() == before
    part.write_text("verbs: [send]")
    assert indexing._code.__wrapped__() != before


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept.write_bytes(b""),
        lambda kept: kept.write_bytes(kept.read_bytes()[:-1]),
        lambda kept: kept.write_bytes(kept.read_bytes()[:200] + b"\x00" + kept.read_bytes()[201:]),
        lambda kept: kept.chmod(0o666),
        lambda kept: kept.unlink(),
        lambda kept: (kept.rename(kept.with_name("x")), kept.mkdir()),
        lambda kept: (kept.rename(kept.with_name("x")), kept.symlink_to("/dev/zero")),
        lambda kept: [kept.unlink(), os.mkfifo(kept)],  # type: ignore[func-returns-value]
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes are POSIX's")
def test_what_is_damaged_gone_or_no_file_of_ours_is_made_anew(
    catalog: Catalog, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    plain = vocabulary(catalog)
    damage(the_words(tmp_path))
    forget()
    assert same(vocabulary(catalog), plain)


def test_a_sealed_file_of_another_shape_is_made_anew(catalog: Catalog, tmp_path: Path) -> None:
    plain = vocabulary(catalog)
    key = f"{catalog.digest}{indexing._code()}"
    for payload in (b"", b"\xc1", msgspec.msgpack.encode([1, 2]), b"\x91" * 5_000):
        compiled.remember_bytes(tmp_path, "words", key, payload)
        forget()
        assert same(vocabulary(catalog), plain)
    held = msgspec.msgpack.decode(compiled.recall_bytes(tmp_path, "words", key) or b"")
    held[0] = held[0][:-1]  # the words of one entry are missing
    compiled.remember_bytes(tmp_path, "words", key, msgspec.msgpack.encode(held))
    forget()
    assert same(vocabulary(catalog), plain)


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(catalog: Catalog, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    compiled.use(blocked)
    assert same(vocabulary(catalog), indexing._make(catalog))
    assert blocked.read_text() == ""


def test_many_writers_at_once_leave_one_whole_file(catalog: Catalog, tmp_path: Path) -> None:
    payload = os.urandom(200_000)

    def write(_: int) -> bytes | None:
        compiled.remember_bytes(tmp_path, "other", "k", payload)
        return compiled.recall_bytes(tmp_path, "other", "k")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {payload}
    assert [path.name for path in tmp_path.iterdir() if "other" in path.name] == ["other-k.msgpack"]


def test_what_an_ended_writer_left_is_removed_after_a_while(tmp_path: Path) -> None:
    for name, age in ((".other-a.1.1", 7_200), (".other-b.1.1", 60)):
        (tmp_path / name).write_bytes(b"half")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    compiled.remember_bytes(tmp_path, "other", "k", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other-b.1.1", "other-k.msgpack"]
