"""What every golden sentence and some LLM-IR compile to, as digests on stdout: run it anywhere, the lines are the same.

    PYTHONPATH=src:tests:. python tests/properties/fingerprints.py

One line a part: the Intent's JSON, the program's bytes, the sealed artifact's bytes, the LLM-IR, the read-back.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator

import msgspec
from tools.golden import FOLDER, NOW, compiled, read

from eyeflow.compilation import Compilation, compile_text
from eyeflow.ir import bytecode
from eyeflow.ir.seal import SigningKey
from ir.programs import EVERYTHING, WEATHER, context

KEY = SigningKey(bytes(range(32)))


def requests() -> Iterator[tuple[str, Compilation]]:
    """Every request that is compiled, by name."""
    for path in sorted(FOLDER.glob("*.md")):
        yield path.stem, compiled(read(path.read_text(encoding="utf-8")))
    held = context()
    for name, source in (("weather.eir", WEATHER), ("everything.eir", EVERYTHING)):
        yield name, compile_text(source, catalog=held.catalog, connections=held.connections, now=NOW, zone="UTC")


def parts(made: Compilation) -> Iterator[tuple[str, bytes]]:
    """What has to be the same, byte for byte."""
    if made.intent is not None:
        yield "intent", msgspec.json.encode(made.intent)
    for number, task in enumerate((made, *made.also), 1):
        assert task.program is not None, made.report
        yield f"program {number}", bytecode.encode(task.program)
        yield f"artifact {number}", bytecode.write_artifact(task.seal(KEY, practice=True))
        yield f"ir {number}", task.ir.encode()
        yield f"readback {number}", msgspec.json.encode(task.readback)
    yield "findings", msgspec.json.encode(made.report)


def lines() -> list[str]:
    """One line a part."""
    return [
        f"{name}: {part}: {hashlib.sha256(data).hexdigest()}" for name, made in requests() for part, data in parts(made)
    ]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
