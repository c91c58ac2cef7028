"""Master keys in a file and in the environment.

Knows: the file's mode and form, the variables' names. In: a path, variables. Out: `KeySource`s.
Never: a file that others may read; half a file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.master import MasterKey, read_keys, written_keys

VARIABLE: Final = "EYEFLOW_MASTER_KEY"
OLD_VARIABLE: Final = "EYEFLOW_MASTER_KEY_OLD"
_MAX_BYTES: Final = 65_536
_HEADER: Final = (
    "# EyeFlow master key. Whoever has this file and the store can read every secret;\n"
    "# without this file nobody can. Back it up, apart from the store.\n"
)


class FileKeys:
    """Keys in a file that its owner alone may read, made when first needed."""

    prefers = False

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self.place = f"the file {self._path.name} in {self._path.parent}"

    def load(self) -> tuple[MasterKey, ...]:
        """See `KeySource.load`. Raises: SecretError `master_key_exposed` when others may read the file."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            try:
                mode = os.fstat(descriptor).st_mode
                data = os.read(descriptor, _MAX_BYTES)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return ()
        except OSError:
            raise _unavailable(self.place) from None
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise SecretError(
                "master_key_exposed", f"others may read {self.place}", hint=f"run: chmod 600 {self._path}"
            )
        text = data.decode("ascii", "replace")
        keys = read_keys(text, self.place)
        if not keys:
            raise SecretError("bad_master_key", f"{self.place} holds no key", hint="restore its backup")
        return keys

    def add(self, key: MasterKey, *, first: bool) -> None:
        """See `KeySource.add`."""
        if first:
            self._write((key,), replace=False)
        else:
            self._write((*self.load(), key), replace=True)

    def keep_only(self, id: str) -> None:
        """See `KeySource.keep_only`."""
        kept = tuple(key for key in self.load() if key.id == id)
        if kept:
            self._write(kept, replace=True)

    def _write(self, keys: tuple[MasterKey, ...], *, replace: bool) -> None:
        """The whole new file, on disk, before it takes its name; without `replace` an existing one stays."""
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}.{keys[-1].id}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(_HEADER + written_keys(keys))
                    file.flush()
                    os.fsync(file.fileno())
                if replace:
                    part.replace(self._path)
                else:
                    self._link(part)
                _sync_folder(self._path.parent)
            finally:
                part.unlink(missing_ok=True)
        except OSError:
            raise _unavailable(self.place, "cannot be written") from None

    def _link(self, part: Path) -> None:
        try:
            os.link(part, self._path)
        except FileExistsError:
            return  # another process was first: its key is the one


class EnvKeys:
    """The key in EYEFLOW_MASTER_KEY; after a change the former one in EYEFLOW_MASTER_KEY_OLD, until a start has
    wrapped everything anew."""

    prefers = True

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        self.place = f"the variable {VARIABLE}"

    def load(self) -> tuple[MasterKey, ...]:
        """See `KeySource.load`."""
        current = read_keys(self._variables.get(VARIABLE, ""), self.place)
        return (*current, *read_keys(self._variables.get(OLD_VARIABLE, ""), f"the variable {OLD_VARIABLE}"))

    def add(self, key: MasterKey, *, first: bool) -> None:
        """Refused. Raises: SecretError `master_key_missing`, `master_key_fixed`."""
        if first:
            raise SecretError(
                "master_key_missing", f"{self.place} is not set", hint="set it to 32 random bytes in Base64"
            )
        raise SecretError(
            "master_key_fixed",
            "a key from the environment cannot be changed from within",
            hint=f"start with the new key in {VARIABLE} and the present one in {OLD_VARIABLE}",
        )

    def keep_only(self, id: str) -> None:
        """Nothing: whoever set the variable removes it."""


def _unavailable(place: str, what: str = "cannot be read") -> SecretError:
    return SecretError("master_key_unavailable", f"{place} {what}", hint="check who owns it, and its disk")


def _sync_folder(folder: Path) -> None:
    """Have the name on disk too, where folders can be synchronised."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
