"""The files of a workspace folder: which there are, how they are read and written, and `eyeflow.toml` as text.

Knows: names, sizes, TOML. In: a folder, or files that came by the API. Out: `FolderFile`s, `TaskOptions`. Never:
follows a symbolic link, reads below the folder, writes a name that is not one of its own.

    NAME.txt        a request in English; the task is called NAME
    NAME.eir        a program in LLM-IR; its TASK line says NAME
    eyeflow.toml    [connections.NAME], [profile], [policy], and [tasks.NAME] with answers, state, aliases, practice
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from eyeflow.diagnostics import Diagnostic, Place, Report
from eyeflow.workspace.errors import Invalid

SETTINGS: Final = "eyeflow.toml"
MAX_FILES: Final = 5_000
MAX_FILE_BYTES: Final = 1_048_576
MAX_BYTES: Final = 64 * 1_048_576
_NAME: Final = re.compile(r"(?P<stem>[A-Za-z_][A-Za-z0-9_\-]{0,99})\.(?P<kind>txt|eir)")


class FolderFile(msgspec.Struct, frozen=True):
    """One file. `{"name": "morning_weather.txt", "text": "Send weather to Slack every morning at 9am"}`"""

    name: Annotated[str, Meta(max_length=110)]
    text: Annotated[str, Meta(max_length=MAX_FILE_BYTES)]


class TaskOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[tasks.NAME]` says beside the request."""

    answers: dict[str, str] = {}
    state: Literal["live", "paused"] = "live"
    aliases: tuple[str, ...] = ()
    practice: bool = False


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The request for one task."""

    task: str
    file: str
    language: Literal["english", "ir"]
    text: str


def sources(files: Iterable[FolderFile]) -> tuple[Source, ...]:
    """The requests among `files`, by name. Raises: Invalid (`bad_folder`, `too_large`)."""
    found: dict[str, Source] = {}
    size = 0
    for number, file in enumerate(files):
        size += len(file.text)
        if number >= MAX_FILES or size > MAX_BYTES:
            raise Invalid("too_large", f"a folder holds at most {MAX_FILES} files and {MAX_BYTES} characters")
        if file.name == SETTINGS:
            continue
        named = _NAME.fullmatch(file.name)
        if named is None:
            hint = "NAME.txt, NAME.eir or eyeflow.toml"
            raise bad_folder(file.name, f"{file.name[:80]!a} is no file of a workspace folder", hint)
        task = named["stem"]
        if task in found:
            raise bad_folder(file.name, f"{task} is there twice: {found[task].file} and {file.name}", "keep one")
        language: Literal["english", "ir"] = "ir" if named["kind"] == "eir" else "english"
        found[task] = Source(task=task, file=file.name, language=language, text=file.text.strip("\ufeff \t\r\n"))
    return tuple(found[name] for name in sorted(found))


def task_options(text: str) -> dict[str, TaskOptions]:
    """The `[tasks.NAME]` sections. Raises: Invalid (`bad_folder`)."""
    try:
        data = tomllib.loads(text).get("tasks", {})
        return msgspec.convert(data, dict[str, TaskOptions], strict=True)
    except tomllib.TOMLDecodeError as error:
        raise bad_folder(SETTINGS, f"not TOML: {str(error)[:200]}", "") from None
    except (msgspec.ValidationError, RecursionError, ValueError) as error:
        raise bad_folder(SETTINGS, f"[tasks]: {str(error)[:300]}", "answers, state, aliases, practice") from None


def bad_folder(file: str, message: str, hint: str) -> Invalid:
    """The error of a folder that cannot be applied, with its place."""
    found = Diagnostic("bad_folder", message, place=Place(source=file[:110]), hint=hint)
    return Invalid("bad_folder", message, hint=hint, report=Report((found,)))


def read_folder(folder: Path) -> tuple[tuple[FolderFile, ...], tuple[str, ...]]:
    """The files of a folder, and the names of those that are left alone. Raises: Invalid."""
    found: list[FolderFile] = []
    other: list[str] = []
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
        for name in names:
            if name.startswith("."):
                continue
            if name != SETTINGS and not _NAME.fullmatch(name):
                other.append(name)
                continue
            found.append(FolderFile(name, _read(folder / name)))
            if len(found) > MAX_FILES:
                raise Invalid("too_large", f"a folder holds at most {MAX_FILES} files")
    except OSError as error:
        raise bad_folder(str(folder), f"{folder}: {(error.strerror or 'not a folder').lower()}", "") from None
    return tuple(found), tuple(other)


def _read(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        raise bad_folder(path.name, f"{path.name} is not a plain file", "copy the file itself")
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise Invalid("too_large", f"{path.name} is longer than {MAX_FILE_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_folder(path.name, f"{path.name} is not UTF-8 (byte {error.start})", "") from None


def write_folder(folder: Path, files: Iterable[FolderFile], *, replace: bool = False) -> None:
    """Write the files of an export. A folder that holds other requests is left alone unless `replace`: applied
    afterwards, they would come back. Raises: Invalid (`bad_folder`), OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {file.name for file in files}
    stale = [name for name in sorted(os.listdir(folder)) if _NAME.fullmatch(name) and name not in names]  # noqa: PTH208
    if stale and not replace:
        raise bad_folder(stale[0], f"{folder} holds {stale[0]}, which is no task here", "choose an empty folder")
    for name in stale:
        (folder / name).unlink()
    for file in files:
        assert file.name == SETTINGS or _NAME.fullmatch(file.name), "an export has names of its own only"
        draft = folder / f".{file.name}.new"
        draft.write_text(file.text, encoding="utf-8", newline="\n")
        draft.replace(folder / file.name)


# --- TOML ----------------------------------------------------------------------------------------------------------


def toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    """TOML of sections by dotted name (`connections.slack_daily`). Raises: Invalid for null, which TOML cannot say."""
    lines: list[str] = []
    for name, values in sections.items():
        path = ".".join(_key(part) for part in name.split("\n"))
        lines += [f"[{path}]", *(f"{_key(key)} = {_value(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_\-]+", key) else _text(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case list() | tuple():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case dict():
            return "{" + ", ".join(f"{_key(str(key))} = {_value(each)}" for key, each in value.items()) + "}"
        case _:
            raise Invalid("bad_folder", "a default is null, which TOML cannot say", hint="remove that default")


def _text(text: str) -> str:
    """A TOML basic string: JSON's spelling, and DEL escaped as well."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
