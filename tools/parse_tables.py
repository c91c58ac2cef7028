"""The tables by which LLM-IR is read: `python -m tools.parse_tables` writes them from the grammar.

Knows: where they lie. In: `grammar.lark`. Out: `grammar.json` beside it. Never: needed to run; without the file, or
with one of an older grammar, the tables are made at start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from eyeflow.ir import text
from eyeflow.ir.text.lalr import FILE, Tables
from eyeflow.ir.text.tables import make_tables

PATH: Final = Path(text.__path__[0]) / FILE


def written(tables: Tables) -> bytes:
    """The file: one state a line, so that a change of the grammar is a small change of the file."""
    parts = msgspec.json.decode(msgspec.json.encode(tables))
    lines = [f'"grammar":{_json(parts["grammar"])}', f'"starts":{_json(parts["starts"])}']
    for name in ("productions", "states"):
        rows = ",\n".join(map(_json, parts[name]))
        lines.append(f'"{name}":[\n{rows}\n]')
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


if __name__ == "__main__":
    PATH.write_bytes(written(make_tables()))
