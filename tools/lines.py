"""Lines per room: `python -m tools.lines`.

Knows: that a room is a folder, or a module, of `src/eyeflow`, and what counts: code, and beside it docstrings with
comments. In: the source tree. Out: a table on stdout. Never: judges.
"""

from __future__ import annotations

import io
import sys
import tokenize
from pathlib import Path
from typing import Final, NamedTuple

SOURCE: Final = Path(__file__).parents[1] / "src" / "eyeflow"
_SILENT: Final = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)


class Counted(NamedTuple):
    """How many lines hold code, how many only words, and how long the longest file is."""

    files: int
    code: int
    words: int
    longest: int


def counted(paths: list[Path]) -> Counted:
    """The lines of these modules; blank ones count nowhere."""
    code = words = longest = 0
    for path in paths:
        text = path.read_text(encoding="utf-8")
        held = _code_lines(text)
        filled = sum(bool(line.strip()) for line in text.splitlines())
        code, words = code + len(held), words + filled - len(held)
        longest = max(longest, text.count("\n"))
    return Counted(len(paths), code, words, longest)


def _code_lines(text: str) -> set[int]:
    """The numbers of the lines that hold code; a text that stands alone is a docstring."""
    found: set[int] = set()
    alone = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and alone:
            continue
        if token.type not in _SILENT and token.type != tokenize.ENDMARKER:
            found.update(range(token.start[0], token.end[0] + 1))
            alone = False
        elif token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            alone = True
    return found


def main() -> None:
    """Every room, the largest first, and the whole house."""
    rooms = {each.name: [each] for each in SOURCE.glob("*.py")}
    rooms |= {each.name + "/": sorted(each.rglob("*.py")) for each in SOURCE.iterdir() if each.is_dir()}
    rows = {name: counted(paths) for name, paths in rooms.items() if paths}
    ordered = sorted(rows.items(), key=lambda item: -item[1].code)
    whole = counted(sorted(SOURCE.rglob("*.py")))
    lines = [f"{'':18}{'files':>7}{'code':>9}{'words':>9}{'longest':>9}"]
    lines += [f"{name:18}{row.files:>7}{row.code:>9,}{row.words:>9,}{row.longest:>9,}" for name, row in ordered]
    lines.append(f"{'all':18}{whole.files:>7}{whole.code:>9,}{whole.words:>9,}{whole.longest:>9,}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
