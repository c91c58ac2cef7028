"""The list of all codes: docs/errors/index.md, made from the pages beside it.

`python -m tools.error_index` writes it; a test says when it is not current.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "docs" / "errors"

_HEAD: Final = """# Codes

Every finding and every error has a code; it never changes its meaning. What each says, and what to do:

"""
_ORDER: Final = (
    "requests", "text", "meaning", "proofs", "values", "catalog", "artifacts", "programs", "runs", "calls", "commands",
    "store", "secrets", "workspace", "engine", "triggers", "server",
)  # fmt: skip


def entries(page: str) -> Iterator[tuple[str, str]]:
    """The codes of a page in order, each with the text below its heading."""
    for part in page.split("\n## ")[1:]:
        code, _, text = part.partition("\n")
        yield code.strip(), text


def index() -> str:
    """The page that lists them all."""
    pages = {name: (FOLDER / f"{name}.md").read_text("utf-8") for name in _ORDER}
    lines = [f"- [{text.splitlines()[0].removeprefix('# ')}]({name}.md)" for name, text in pages.items()]
    where = sorted((code, name) for name, text in pages.items() for code, _ in entries(text))
    codes = [f"[`{code}`]({name}.md#{code})" for code, name in where]
    return _HEAD + "\n".join(lines) + "\n\n## All of them\n\n" + " ·\n".join(codes) + "\n"


if __name__ == "__main__":
    (FOLDER / "index.md").write_text(index(), "utf-8")
