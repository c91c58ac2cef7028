"""How an argument becomes text, an artifact, an answer or an input.

Knows: sentences from file names, LLM-IR from English, how much is read at the most. In: arguments, files, stdin.
Out: `Given`, pairs. Never: reads more than the limit, follows a name that does not exist as if it were a sentence.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import msgspec
import typer

from eyeflow.cli.output import Screen
from eyeflow.cli.start import Exit
from eyeflow.values import STRING, Field, Value, may_be_left_out, non_null, spell

if TYPE_CHECKING:
    from eyeflow.compilation import Language

MAX_TEXT_BYTES: Final = 4 * 1024 * 1024
MAX_ARTIFACT_BYTES: Final = 16 * 1024 * 1024
STDIN: Final = "-"
_SUFFIXES: Final = (".eir", ".efb", ".txt")

T = TypeVar("T")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was given to a command: English or LLM-IR `text`, or the bytes of an `artifact`.

    `source` is what findings call it; `path` is the file it came from; `language` None means: see from the text.
    """

    text: str = ""
    artifact: bytes | None = None
    source: str
    language: Language | None = None
    path: Path | None = None


def stop(screen: Screen, message: str, *, hint: str = "", code: int = Exit.USAGE) -> NoReturn:
    """End the command with these words. Raises: typer.Exit."""
    screen.problem(message, hint=hint, code="usage" if code == Exit.USAGE else "failed")
    raise typer.Exit(code)


def read_given(screen: Screen, argument: str) -> Given:
    """What TEXT, FILE or `-` stands for. Raises: typer.Exit after saying what is wrong."""
    if argument == STDIN:
        data = _bounded(screen, STDIN, lambda: sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), MAX_TEXT_BYTES)
        return Given(text=_decoded(screen, data, "<stdin>"), source="<stdin>")
    if not names_file(argument):
        return Given(text=_spoken(screen, argument), source="sentence", language="english")
    path = Path(argument)
    suffix = path.suffix.lower()
    if suffix == ".efb":
        return Given(artifact=read_bytes(screen, path, MAX_ARTIFACT_BYTES), source=argument, path=path)
    text = _decoded(screen, read_bytes(screen, path, MAX_TEXT_BYTES), argument)
    return Given(text=text, source=argument, path=path, language="ir" if suffix == ".eir" else None)


def names_file(argument: str) -> bool:
    """True for the name of something that exists, and for what can only be meant as a file name."""
    if "\n" in argument or len(argument) > 4096 or not argument.strip():
        return False
    return (" " not in argument and argument.lower().endswith(_SUFFIXES)) or os.path.exists(argument)  # noqa: PTH110


def read_bytes(screen: Screen, path: Path, limit: int) -> bytes:
    """The content of a file, at most `limit` bytes. Raises: typer.Exit after saying what is wrong."""

    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(limit + 1)

    return _bounded(screen, str(path), read, limit)


def _bounded(screen: Screen, name: str, read: Callable[[], bytes], limit: int) -> bytes:
    try:
        data = read()
    except (OSError, ValueError) as error:
        stop(screen, f"{name}: {(getattr(error, 'strerror', None) or 'not a path').lower()}")
    if len(data) > limit:
        stop(screen, f"{name}: more than {limit:,} bytes")
    return data


def _decoded(screen: Screen, data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        stop(screen, f"{name}: this is not UTF-8 text (byte {error.start})")
    return text


def _spoken(screen: Screen, argument: str) -> str:
    """An argument as text; the shell hands over bytes that are no UTF-8 as lone surrogates."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        stop(screen, "the text is not UTF-8")
    return argument


def read_answers(screen: Screen, given: Iterable[str] | None) -> dict[str, str]:
    """`slot=value` pairs by slot."""
    return read_pairs(screen, given, "--answer")


def read_pairs(screen: Screen, given: Iterable[str] | None, option: str) -> dict[str, str]:
    """`name=value` pairs of `option` by name."""
    return dict(_pair(screen, each, option) for each in given or ())


def read_inputs(screen: Screen, given: Iterable[str] | None, fields: tuple[Field, ...]) -> dict[str, Value]:
    """Inputs from `name=value` (typed by the task's declaration) or whole JSON objects, later ones over earlier.

    Raises: typer.Exit after saying which inputs are missing.
    """
    types = {field.name: non_null(field.type) for field in fields}
    inputs: dict[str, Value] = {}
    for each in given or ():
        if each.startswith(("@", "{")) or each.lstrip().startswith("{"):
            inputs.update(read_object(screen, _content(screen, each), "--input"))
            continue
        name, text = _pair(screen, each, "--input")
        inputs[name] = text if types.get(name, STRING) == STRING else _typed(text)
    if inputs.keys() - types.keys():
        return inputs  # the machine says which name is wrong, and what was meant
    if missing := [field for field in fields if field.name not in inputs and not may_be_left_out(field)]:
        names = ", ".join(f"{each.name} ({spell(each.type)})" for each in missing)
        stop(screen, f"the task needs {names}", hint=f"give it with --input {missing[0].name}=...")
    return inputs


def read_loose(screen: Screen, given: Iterable[str] | None, texts: Callable[[], Collection[str]]) -> dict[str, Value]:
    """Inputs of a task that is declared elsewhere: `name=value`, or whole JSON objects. A value is read as JSON unless
    its name is among `texts`, which is asked for only when there are such pairs."""
    inputs: dict[str, Value] = {}
    plain: Collection[str] | None = None
    for each in given or ():
        if each.startswith(("@", "{")) or each.lstrip().startswith("{"):
            inputs.update(read_object(screen, _content(screen, each), "--input"))
            continue
        name, text = _pair(screen, each, "--input")
        if plain is None:
            plain = texts()
        inputs[name] = text if name in plain else _typed(text)
    return inputs


def _content(screen: Screen, given: str) -> str:
    """What an option says; `@FILE` stands for what is in the file."""
    if not given.startswith("@"):
        return given
    return _decoded(screen, read_bytes(screen, Path(given[1:]), MAX_TEXT_BYTES), given[1:])


def read_object(screen: Screen, text: str, option: str) -> dict[str, Value]:
    """The JSON object of an option. Raises: typer.Exit after saying what is wrong."""
    whole = read_json(screen, text, option)
    if not isinstance(whole, dict):
        stop(screen, f"{option} takes name=value, or a JSON object")
    return whole


def _typed(text: str) -> Value:
    """A value as JSON spells it; words that are no JSON stay words (a date, a duration, text for a json input)."""
    try:
        return msgspec.json.decode(text)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, RecursionError):
        return text


def read_json(screen: Screen, text: str, option: str) -> Value:
    """The JSON value of an option. Raises: typer.Exit after saying what is wrong."""
    try:
        return msgspec.json.decode(text.encode())  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeError) as error:
        stop(screen, f"{option} takes JSON: {str(error)[:200]}")
    except RecursionError:
        stop(screen, f"{option} takes JSON: this is nested too deep")


def read_sayings(screen: Screen, given: Iterable[str] | None) -> list[tuple[str, str, Value]]:
    """`service.capability=JSON` as service, capability, value."""
    found: list[tuple[str, str, Value]] = []
    for each in given or ():
        name, text = _pair(screen, each, "--say")
        service, dot, capability = name.rpartition(".")
        if not dot or not service or not capability:
            stop(screen, f"--say takes service.capability=JSON, not {name[:80]!r}")
        found.append((service, capability, read_json(screen, text, f"--say {name[:80]}")))
    return found


def _pair(screen: Screen, given: str, option: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name.strip():
        stop(screen, f"{option} takes name=value, not {given[:80]!r}")
    return name.strip(), _spoken(screen, value)


def write_file(screen: Screen, path: Path, data: bytes | Iterable[bytes], *, mode: int | None = None) -> int:
    """Write a whole file or nothing: a draft beside it takes its name when it is on disk. How long it is."""
    draft, size = None, 0
    try:
        if mode is None:
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name[:60]}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            for piece in (data,) if isinstance(data, bytes) else data:
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, mode)  # noqa: PTH101
        os.replace(draft, path)  # noqa: PTH105
        draft = None
    except (OSError, ValueError) as error:
        stop(screen, f"{path}: {(getattr(error, 'strerror', None) or 'not a path').lower()}", code=Exit.FAILED)
    finally:
        if draft is not None:
            Path(draft).unlink(missing_ok=True)
    return size


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
