"""Every golden page is what the compiler makes of its sentence today; a difference is shown as one."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest
from tools.golden import FOLDER, page_of, read

PAGES = sorted(FOLDER.glob("*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_acceptance_39_a_sentence_compiles_to_its_golden_page(path: Path) -> None:
    held = path.read_text(encoding="utf-8")
    made = page_of(read(held))
    diff = "\n".join(unified_diff(held.splitlines(), made.splitlines(), "the page", "the compiler today", lineterm=""))
    assert made == held, f"{path.name} differs; read why, then `make golden`:\n{diff}"


def test_there_are_many_pages_and_no_sentence_twice() -> None:
    heads = [read(path.read_text(encoding="utf-8")) for path in PAGES]
    assert len(heads) >= 25
    assert len({(head.sentence, head.profile, head.answers) for head in heads}) == len(heads)


@pytest.mark.parametrize("page", ["", "# Only a title\n", "> only a sentence\n", "# One\n# Two\n> s\n"])
def test_a_page_needs_a_title_and_a_sentence(page: str) -> None:
    with pytest.raises(ValueError, match="a page begins with"):
        read(page)


def test_a_page_whose_sentence_gives_no_program_is_not_written() -> None:
    with pytest.raises(ValueError, match="questions"):
        page_of(read("# Open\n\n> Post the weather\n"))
