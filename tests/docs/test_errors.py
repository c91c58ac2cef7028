"""Every code has a place in docs/errors, every place a code, and the examples there do what they are shown for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.error_index import FOLDER, entries, index

from docs.codes import codes
from eyeflow.catalog.load import load_catalog
from eyeflow.compilation import compile_text
from eyeflow.verify import verify

PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "index.md")
_EXAMPLE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENTRIES = [(page.stem, code, text) for page in PAGES for code, text in entries(page.read_text("utf-8"))]
EXAMPLES = [
    pytest.param(code, language, body, id=f"{page}-{code}")
    for page, code, text in ENTRIES
    for language, body in _EXAMPLE.findall(text)
    if language in ("eir", "yaml")
]


def test_every_code_has_one_place_and_every_place_a_code():
    described = [code for _, code, _ in ENTRIES]
    assert sorted(set(codes()) - set(described)) == [], "describe these codes in docs/errors"
    assert sorted(set(described) - set(codes())) == [], "nothing produces these codes any more"
    assert len(described) == len(set(described))


@pytest.mark.parametrize(("page", "code", "text"), ENTRIES, ids=[f"{p}-{c}" for p, c, _ in ENTRIES])
def test_an_entry_says_what_happened_and_what_to_do(page: str, code: str, text: str):
    said = _EXAMPLE.sub("", text).strip()
    what, _, do = said.partition("What to do: ")
    assert len(what) > 15 and len(do) > 5, f"{page}.md, {code}"
    assert what.strip().endswith(".") and do.strip().endswith(".")


def test_the_index_is_current():
    assert (FOLDER / "index.md").read_text("utf-8") == index(), "run `python -m tools.error_index`"


@pytest.mark.parametrize(("code", "language", "body"), EXAMPLES)
def test_an_example_produces_its_code(code: str, language: str, body: str, tmp_path: Path):
    if language == "yaml":
        (tmp_path / "sample.yaml").write_text(body, "utf-8")
        found = load_catalog(tmp_path)[1].diagnostics
    else:
        made = compile_text(body, language="ir")
        found = made.report.diagnostics
        if made.task is not None:
            found += verify(made.task, made.context).diagnostics
    assert code in [each.code for each in found], [str(each) for each in found]
