"""The pages that are made from the code: `python -m tools.gen_docs` writes them.

Knows: which page is made from which table, where README.md shows the demo. In: the tables, a real run of the demo.
Out: `docs/opcodes.md`, `docs/functions.md`, `docs/rest.md`, `docs/settings.md`, the cast in README.md.
Never: touches what people write. A test fails
when a page is not what this would write, figures of the run aside.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from eyeflow.ir import opcodes
from eyeflow.ir.functions.table import TABLE as FUNCTIONS
from tools import server_pages

DOCS: Final = Path(__file__).parents[1] / "docs"
README: Final = DOCS.parent / "README.md"
CAST_BEGINS: Final = "<!-- cast: written by `make docs` from a real run -->"
CAST_ENDS: Final = "<!-- end of cast -->"
_MADE: Final = "<!-- Made from the code by `make docs`; changes belong there. -->"


def pages() -> dict[str, str]:
    """Every generated page by file name."""
    return {
        "opcodes.md": _opcodes(), "functions.md": _functions(), "rest.md": _rest(), "settings.md": _settings(),
    }  # fmt: skip


def first_scene(printed: str) -> str:
    """The part of the demo's output that README.md shows: all of the sentence's own scene."""
    scenes = printed.strip("\n").split("\n\n━━ ")
    return scenes[0]


def with_cast(readme: str, scene: str) -> str:
    """`readme` with `scene` as its cast."""
    head, begin, rest = readme.partition(CAST_BEGINS)
    _, end, tail = rest.partition(CAST_ENDS)
    assert begin and end, "README.md has a place for the cast"
    return f"{head}{begin}\n```text\n{scene}\n```\n{end}{tail}"


def _demo() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], cwd=DOCS.parent, stdout=subprocess.PIPE, check=True, timeout=120
    )
    return done.stdout.decode("utf-8")


def _opcodes() -> str:
    rows = [
        (str(row.number), f"`{row.name}`", _operands(row), f"`{row.effect}`", row.doc) for row in opcodes.TABLE
    ]  # fmt: skip
    pure = [cells for cells, row in zip(rows, opcodes.TABLE, strict=True) if row.pure]
    steps = [cells for cells, row in zip(rows, opcodes.TABLE, strict=True) if not row.pure]
    columns = ("Number", "Name", "Operands", "Effect on its register `d`", "Meaning")
    return _page(
        "Operations of the machine",
        "A program is a tree of scopes; a scope is a list of steps. A step does one effect operation and writes one "
        "register. What an effect operation needs is computed by blocks: straight lists of pure operations that end in "
        "a register. Each register is written once. Registers 0 to 3 hold `trigger`, `input`, `me` and `now`. Numbers "
        "are never reused. `eyeflow disasm` prints a program in these terms.",
        "",
        "## Pure operations",
        *_table(columns, pure),
        "",
        "## Steps",
        *_table(columns, steps),
        "",
        "## Operands",
        *_table(("Operand", "Indexes"), [(f"`{kind.name}`", kind.value) for kind in opcodes.Operand]),
    )


def _operands(row: opcodes.Row) -> str:
    return " ".join(f"`{operand.name}`" for operand in row.operands)


def _functions() -> str:
    rows = [
        (
            f"`{row.name}`", f"`{row.spelled}`", row.doc, f"`{row.example[0]}` is `{row.example[1]}`",
            "is given nulls" if row.nulls == "tolerates" else "null gives null", ", ".join(row.errors) or "none",
        )
        for row in FUNCTIONS
    ]  # fmt: skip
    return _page(
        "Functions of LLM-IR",
        "What expressions may call. A function that names its item, such as `FILTER(deals, d, GT(d.amount, 100))`, "
        "computes its body for each element. Numbers may carry units: compatible ones are converted exactly. The "
        "infix operators of the language are other spellings of some of these (see [llm-ir.md](llm-ir.md)).",
        *_table(("Function", "Signature", "Meaning", "Example", "Null", "Errors"), rows),
    )


def _rest() -> str:
    return _page(
        "The REST API",
        "Every request of the server, and what it takes and gives. The same as an OpenAPI 3.1 document is at "
        "`/api/openapi.json` of a running server, and to be read at `/api/docs`. How requests are made, how errors "
        "look and what keys may do is in [server.md](server.md).",
        *server_pages.rest(),
    )


def _settings() -> str:
    return _page(
        "Settings of the server",
        "Set in the environment, or in `eyeflow.toml` under the section named here. An option of the command wins over "
        "the environment, the environment over the file. `eyeflow config show` prints what holds and where it comes "
        "from. What belongs to the workspace (who approves, how long runs are kept, who is told of what) is set while "
        "the server runs: `PUT /api/settings`.",
        *server_pages.settings(),
    )


def _page(title: str, lead: str, *lines: str) -> str:
    return "\n".join((f"# {title}", "", _MADE, "", *_wrapped(lead), *lines)) + "\n"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= 120:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "",
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
    ]


def main() -> None:
    """Write what differs."""
    found = {DOCS / name: text for name, text in pages().items()}
    found[README] = with_cast(README.read_text("utf-8"), first_scene(_demo()))
    for path, text in found.items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"wrote {path.relative_to(DOCS.parent)}\n")


if __name__ == "__main__":
    main()
